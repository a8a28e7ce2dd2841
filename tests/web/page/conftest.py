"""The pages' frame with a room of its own beside the real ones: one page that is shown, and one form for each way it can end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from tests.web.browsing import LOCAL, Browser, Web

from bookhand.actions.workflow import Door
from bookhand.core.caller import NotAllowed
from bookhand.core.problems import Bug, Conflict, Missing, Outage, Refusal
from bookhand.db.engine import Database
from bookhand.runs.template import Template
from bookhand.web import rooms
from bookhand.web.page.site import Done, Sent, Site
from bookhand.web.people import sign_in, welcome
from bookhand.web.people.gate import Gate
from bookhand.web.shield import Shield
from bookhand.workspace.people import invitation_store
from bookhand.workspace.people import store as people

HOSTILE = "</span><script>alert(1)</script><img src=x onerror=alert(2)>\"'"
SECRET = "rk_live_" + "51Nh3xQrStUvWxYz0123456789"
TROUBLES = {
    "refused": Refusal("It is no whole number."),
    "amounts": Refusal("Budget 3 allows 1500.00 USD a day; $1,250.50 is used and 1.005 KWD is asked for."),
    "missing": Missing("There is no such thing."),
    "conflict": Conflict("It changed."),
    "forbidden": NotAllowed("Not you."),
    "away": Outage("Stripe does not answer."),
    "fault": Bug(f"It broke with {SECRET} and {HOSTILE}."),
}


class House(Web):
    """A web whose pages have everything that real ones have, and the trial room."""

    def __init__(
        self,
        db: Database,
        folder: Any,
        *,
        public_url: str | None = None,
        door: Door | None = None,
        templates: Mapping[str, Template] | None = None,
    ) -> None:
        super().__init__(db, folder, public_url=public_url, door=door, templates=templates)
        self.done: list[str] = []

    @cached_property
    def app(self) -> Any:
        app = FastAPI(openapi_url=None)
        rooms.into(app, self.site)
        app.include_router(trial(self.site, self.done))
        app.include_router(sign_in.routes(self.reception))
        app.include_router(welcome.routes(self.reception))
        return Shield(
            Gate(app, self.reception), hosts=(), public_url=self.reception.public_url, guarded=self.reception.is_guarded
        )  # fmt: skip

    async def owner(self, base: str = LOCAL) -> Browser:
        """A browser in which the owner is signed in, by a link of the machine's own."""
        return await self.person("owner", base=base)

    async def person(self, role: Any, owner: Browser | None = None, *, base: str = LOCAL) -> Browser:
        browser = self.browser(base)
        answer = await browser.get(f"/enter/{self.entry_link(role)}")
        assert answer.status_code == 303, answer.text
        return browser

    def entry_link(self, role: Any = "owner") -> str:
        email, now = f"{role}@example.com", datetime.now(UTC)
        with self.db.transaction() as cx:
            if people.by_email(cx, email) is None:
                people.add(cx, email=email, name=role, role=role, now=now)
            return invitation_store.entry_link(cx, email, now=now, note=self._note).secret


def trial(site: Site, done: list[str]) -> APIRouter:
    """``/trial``: GET shows the first page's frame; a POST says in `how` how it is to end."""
    router = site.router()

    @router.get("/trial")
    def shown(request: Request, how: str = "") -> Response:
        def make(_me: Any) -> dict[str, Any]:
            if how in TROUBLES:
                raise TROUBLES[how]
            return {"error": "Nothing is wrong.", "sort": "refused"}

        return site.show(request, "page/trouble.html", make, need="manage" if how == "manage" else "read")

    @router.post("/trial")
    def acted(request: Request, form: Sent) -> Response:
        def do(_me: Any) -> Done | Response:
            how = form.text("how")
            if how in TROUBLES:
                raise TROUBLES[how]
            done.append(how)
            if how == "file":
                found = form.file("file")
                return PlainTextResponse(
                    f"{found.filename if found else None} {form.whole('number')} {form.texts('tick')}"
                )
            return Done(to=form.text("to", "/trial"), said=form.text("said") or None)

        return site.act(request, form, do, need="propose")

    return router


@pytest.fixture
def web(db: Database, tmp_path: Any) -> House:
    return House(db, tmp_path)
