"""A browser with cookies, and the web of a house in which people sign in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import httpx

from bookhand.actions.kit import Kit
from bookhand.actions.workflow import Door
from bookhand.books.kit import BookKit
from bookhand.books.room_workflow import BookRoom
from bookhand.cli.connecting import Connections
from bookhand.db.engine import Database
from bookhand.house import House as Whole
from bookhand.runs.template import Template
from bookhand.settings import Settings
from bookhand.web.app import create_app
from bookhand.web.page.site import Site
from bookhand.web.people.gate import Reception
from bookhand.wiring import OWN_ACTS, catalogue
from bookhand.workflows.payouts.reconciling.workflow import Payouts
from bookhand.workspace.people import invitation_store
from bookhand.workspace.people.sign_in_workflow import SignIn
from bookhand.workspace.secrets_store import Secrets

PASSWORD = "tram velvet orchid nine"
LOCAL = "http://localhost:8787"


class Web:
    """One process's web, and the links that its machine writes."""

    def __init__(
        self,
        db: Database,
        folder: Any,
        *,
        public_url: str | None = None,
        provider: Any = None,
        door: Door | None = None,
        templates: Mapping[str, Template] | None = None,
    ) -> None:
        self.told: list[tuple[str, str, dict[str, Any]]] = []
        self.db = db
        self.door = SignIn(db, Secrets(folder), note=self._note)
        self.reception = Reception(self.door, public_url=public_url, provider=provider)
        door = door or Door(Kit(db=db, catalogue=catalogue(), performers={}, own=OWN_ACTS))
        self.site = Site(
            db=db, reception=self.reception, door=door, templates=templates or {},
            books=BookRoom(BookKit(db=db, door=door, books={})), payouts=Payouts(db, mode="test"),
            rooms={"integrations": Connections(Whole(Settings(data_dir=folder), db, Secrets(folder), ()))},
        )  # fmt: skip

    @cached_property
    def app(self) -> Any:
        """What is served: made when somebody comes, for that takes a while."""
        return create_app(self.db, reception=self.reception, site=self.site)

    def _note(self, _cx: Any, what: str, subject: str, details: dict[str, Any]) -> None:
        self.told.append((what, subject, details))

    def owner_link(self, email: str = "ada@example.com") -> str:
        with self.db.transaction() as cx:
            return invitation_store.owner_link(cx, email, now=datetime.now(UTC), note=self._note).secret

    def browser(self, base: str = LOCAL, **headers: str) -> Browser:
        return Browser(self.app, base, headers)

    async def owner(self, base: str = LOCAL) -> Browser:
        """A browser in which the owner is signed in."""
        browser = self.browser(base)
        answer = await browser.come(self.owner_link())
        assert answer.status_code == 303, answer.text
        return browser

    async def person(self, role: str, owner: Browser) -> Browser:
        made = await owner.call("POST", "/invitations", {"email": f"{role}@example.com", "role": role})
        browser = self.browser()
        assert (await browser.come(made.json()["path"].rpartition("/")[2])).status_code == 303
        return browser


class Browser:
    """Keeps cookies, fills forms, and says where its requests come from, as browsers do."""

    def __init__(self, app: Any, base: str, headers: dict[str, str]) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url=base, headers=headers)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers=headers)

    async def fill(self, page: str, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
        """Open `page`, and send its form with `fields`."""
        token = re.search(r'name="csrf" value="([0-9a-f]+)"', (await self.get(page)).text)
        return await self.client.post(
            path,
            data={"csrf": token[1] if token else "", **fields},
            headers={"sec-fetch-site": "same-origin", **headers},
        )

    async def come(self, link: str, password: str = PASSWORD) -> httpx.Response:
        path = f"/welcome/{link}"
        return await self.fill(path, path, {"name": "Ada", "password": password, "again": password})

    async def sign_in(self, email: str = "ada@example.com", password: str = PASSWORD) -> httpx.Response:
        return await self.fill("/sign-in", "/sign-in", {"email": email, "password": password})

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """A call of the API, as a script of our own page makes it."""
        sent = {"sec-fetch-site": "same-origin", **headers}
        return await self.client.request(method, f"/api/v1{path}", json=body, headers=sent)

    @property
    def session(self) -> str | None:
        return self.client.cookies.get("bookhand") or self.client.cookies.get("__Host-bookhand")
