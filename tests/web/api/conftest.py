"""The API over a real door: a real database, the stand-in Stripe over HTTP, a run engine where one is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient
from tests.actions.conftest import (  # noqa: F401 (fixtures)
    Shop,
    allow,
    clock,
    connected,
    engine,
    performer,
    secrets,
    server,
    shop,
    url,
)

from bookhand.actions.act_workflow import DoorRuns, act_template
from bookhand.actions.kit import Kit
from bookhand.actions.own_store import OWN
from bookhand.actions.workflow import Door
from bookhand.books.kit import BookKit
from bookhand.books.room_workflow import BookRoom
from bookhand.core.caller import ROLES, Caller, Role, capabilities
from bookhand.db.engine import Database
from bookhand.runs.workflow import Engine
from bookhand.systems.beancount.acting_client import BeancountBooks
from bookhand.web.api import books as books_api
from bookhand.web.api.app import create_api
from bookhand.web.app import create_app
from bookhand.wiring import catalogue

LOCAL = "http://localhost:8787"
PEOPLE: Mapping[str, int] = {role: number for number, role in enumerate(ROLES, 1)}


def caller(role: Role, *, workspace_id: int = 1, number: int = 0, scopes: Any = None) -> Caller:
    number = number or PEOPLE[role]
    return Caller(
        workspace_id=workspace_id, who=f"person:{number}", name=f"{role}{number}@example.com", role=role,
        can=capabilities(role, scopes=scopes), channel="rest", token=None if scopes is None else 1,
    )  # fmt: skip


def by_bearer(workspace_id: int = 1) -> Callable[[Request], Caller | None]:
    """Who asks, by a token that names the role: ``Bearer owner``, ``Bearer owner#9``, ``Bearer owner:read,approve``."""

    def authenticate(request: Request) -> Caller | None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        named, _, scopes = token.partition(":")
        role, _, number = named.partition("#")
        if kind != "Bearer" or role not in ROLES:
            return None
        return caller(
            role, workspace_id=workspace_id, number=int(number or 0), scopes=scopes.split(",") if scopes else None
        )  # fmt: skip

    return authenticate


class Api:
    """Calls in the name of somebody: ``api("operator").post("/proposals", {…})``."""

    def __init__(self, app: Any, who: str | None = None) -> None:
        self.app = app
        headers = {"authorization": f"Bearer {who}"} if who else {}
        self.client = TestClient(app, base_url=LOCAL, headers=headers, raise_server_exceptions=False)

    def __call__(self, who: str | None) -> Api:
        return Api(self.app, who)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.request(method, f"/api/v1{path}", json=body, headers=headers)

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("POST", path, {} if body is None else body, **headers)


@pytest.fixture
def kit(db: Database, connected: Any, performer: Any, clock: Any) -> Kit:  # noqa: F811
    return Kit(
        db=db, catalogue=catalogue(), performers={"stripe": performer, "beancount": BeancountBooks(db)}, own=OWN, clock=clock, settle_seconds=0, believe_seconds=0, lease_seconds=30
    )  # fmt: skip


@pytest.fixture
def door(kit: Kit) -> Door:
    return Door(kit)


@pytest.fixture
def api(db: Database, door: Door) -> Api:
    room = BookRoom(BookKit(db=db, door=door, books={"beancount": BeancountBooks(db)}))
    return Api(create_app(db, api=create_api(door, authenticate=by_bearer(), more=[books_api.of(room)])))


@pytest.fixture
def runs(kit: Kit, door: Door) -> Iterator[Engine]:
    """Runs do what is approved, in this process."""
    engine = Engine(kit.db, [act_template(door)])  # noqa: F811
    kit.runs = DoorRuns(nudge=engine.nudge)
    engine.launch(work=True)
    yield engine
    engine.close()


@pytest.fixture
def asked(api: Api, shop: Shop) -> Callable[..., dict[str, Any]]:  # noqa: F811
    """A refund that was asked for: ``asked(amount=1500, who="operator")``."""

    def ask(*, amount: int = 1500, who: str = "operator", charge: str | None = None) -> dict[str, Any]:
        sent = {
            "action": "refunds.create",
            "params": {"charge": charge or shop.charge(), "amount": amount},
            "reason": "Charged twice",
        }
        answer = api(who).post("/proposals", sent)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return ask


def trouble(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["kind"]
