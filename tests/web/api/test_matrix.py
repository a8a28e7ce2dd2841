"""Every route and every action by every role by own workspace, another workspace, no credentials: who may is answered, who may not is not.

A route of the API that has no line in `ROUTES` fails the first test; a new action is tried by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.web.api.conftest import Api, by_bearer, caller

from bookhand.actions.kit import Kit
from bookhand.actions.own_store import OWN
from bookhand.actions.workflow import Door
from bookhand.core.caller import ROLES, Capability, capabilities
from bookhand.db.engine import Database
from bookhand.runs import store as runs_store
from bookhand.systems.beancount.auth import connect_folder
from bookhand.web.api.app import create_api
from bookhand.web.app import create_app
from bookhand.wiring import catalogue


class Line(NamedTuple):
    """What a route needs, how it is called, and what it answers to who may."""

    need: Capability
    good: tuple[int, ...] = (200,)
    body: Any = None
    path: Callable[[World, str], str] | None = None
    """The path for a role; without it the route's own."""


class World:
    """Things to call routes about, made anew for each role where a call uses them up."""

    def __init__(self, api: Api, door: Door, charge: str) -> None:
        self.api, self.door, self.charge = api, door, charge
        self.count = 0

    def proposal(self, role: str = "operator") -> dict[str, Any]:
        """A refund that waits; asked for by `role` where it may."""
        who = role if "propose" in capabilities(role) else "operator"
        sent = {"action": "refunds.create", "params": {"charge": self.charge, "amount": 1}, "reason": "why"}
        return self.api(who).post("/proposals", sent).json()

    def standing(self) -> str:
        sent = {"grantee": "*", "patterns": ["refunds.create"], "why": "why"}
        return self.api("owner").post("/standing-approvals", sent).json()["id"]

    def budget(self) -> int:
        return self.api("owner").post("/budgets", {"day_count": 1000}).json()["id"]

    def run(self, *, paused: bool = False) -> str:
        self.count += 1
        with self.door.kit.db.transaction() as cx:
            run_id = runs_store.start(
                cx, caller("owner"), "act", {"proposal": "none", "root": "none"}, rights={}
            )
            if paused:
                runs_store.pause(cx, caller("owner"), run_id, "why")
        return run_id


def _decided(verb: str) -> Callable[[World, str], str]:
    return lambda world, role: f"/proposals/{world.proposal(role)['proposal_id']}{verb}"


def _stood(verb: str) -> Callable[[World, str], str]:
    return lambda world, _: f"/standing-approvals/{world.standing()}/{verb}"


def _run(verb: str = "", *, paused: bool = False) -> Callable[[World, str], str]:
    return lambda world, _: f"/runs/{world.run(paused=paused)}{verb}"


_ASK = {"action": "refunds.create", "params": {"charge": "CHARGE", "amount": 1}, "reason": "why"}
_KEPT = {
    "method": "clearing", "since": "2026-01-01", "sources": [1], "lines": [{"journal": "revenue", "account": "4000"}], "why": "why",
}  # fmt: skip
ROUTES: dict[str, Line] = {
    "GET /actions": Line("read"),
    "GET /actions/{name}": Line("read", path=lambda *_: "/actions/refunds.create"),
    "POST /actions/{name}/read": Line("read", path=lambda *_: "/actions/connections.list/read", body={}),
    "POST /proposals": Line("propose", (201,), _ASK),
    "POST /proposals/batch": Line("propose", (201,), {"action": "refunds.create", "rows": [{"charge": "CHARGE", "amount": 1}], "reason": "why"}),
    "GET /proposals": Line("read"),
    "GET /proposals/{proposal_id}": Line("read", path=_decided("")),
    "POST /proposals/{proposal_id}/approve": Line("approve", (409,), {"call_hash": "0" * 64}, _decided("/approve")),
    "POST /proposals/{proposal_id}/reject": Line("approve", body={"note": "no"}, path=_decided("/reject")),
    "POST /proposals/{proposal_id}/edit": Line("approve", (201,), {"changes": {"amount": 2}}, _decided("/edit")),
    "POST /proposals/{proposal_id}/ask": Line("approve", body={"note": "which?"}, path=_decided("/ask")),
    "POST /proposals/{proposal_id}/answer": Line("propose", body={"note": "that"}, path=_decided("/answer")),
    "POST /proposals/{proposal_id}/withdraw": Line("propose", body={}, path=_decided("/withdraw")),
    "POST /proposals/{proposal_id}/settle": Line("approve", (409,), {"done": True, "note": "seen"}, _decided("/settle")),
    "GET /permissions": Line("read"),
    "PUT /permissions": Line("manage", body={"pattern": "payouts.create", "allowed": False}),
    "POST /permissions/revoke-now": Line("manage", body={"grantee": "agent:gone", "pattern": "refunds.create", "why": "why"}),
    "GET /budgets": Line("read"),
    "POST /budgets": Line("manage", (201,), {"day_count": 1000}),
    "DELETE /budgets/{number}": Line("manage", (204,), path=lambda world, _: f"/budgets/{world.budget()}"),
    "GET /standing-approvals": Line("read"),
    "POST /standing-approvals": Line("approve", (201,), {"grantee": "*", "patterns": ["refunds.create"], "why": "why"}),
    "POST /standing-approvals/{standing_id}/open": Line("approve", body={"why": "why"}, path=_stood("open")),
    "POST /standing-approvals/{standing_id}/stop": Line("approve", body={"why": "why"}, path=_stood("stop")),
    "POST /standing-approvals/{standing_id}/end": Line("approve", body={"why": "why"}, path=_stood("end")),
    "GET /books": Line("read"),
    "GET /books/{number}": Line("read", (404,), path=lambda *_: "/books/99"),
    "POST /books/{number}/setup/proposal": Line("read", (404,), {}, lambda *_: "/books/99/setup/proposal"),
    "POST /books/{number}/setup": Line("approve", (404,), _KEPT, lambda *_: "/books/99/setup"),
    "GET /books/{number}/documents": Line("read", (404,), path=lambda *_: "/books/99/documents"),
    "GET /books/{number}/comparison": Line("read", (404,), path=lambda *_: "/books/99/comparison"),
    "GET /trail": Line("audit"),
    "GET /trail/export": Line("audit"),
    "POST /trail/verify": Line("audit"),
    "GET /connections": Line("read"),
    "GET /runs": Line("read"),
    "GET /runs/{run_id}": Line("read", path=_run()),
    "POST /runs/{run_id}/pause": Line("manage", body={"reason": "why"}, path=_run("/pause")),
    "POST /runs/{run_id}/resume": Line("manage", body={"reason": "why"}, path=_run("/resume", paused=True)),
    "POST /runs/{run_id}/cancel": Line("manage", body={"reason": "why"}, path=_run("/cancel")),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _book(db: Database, tmp_path: Path) -> None:
    """Beside the Stripe account there is a book, so that its actions have somewhere to go."""
    connect_folder(db, tmp_path / "book", mode="test")


@pytest.fixture
def world(api, door, kit, shop, runs) -> World:
    return World(api, door, shop.charge(8000))


def _filled(body: Any, charge: str) -> Any:
    match body:
        case dict():
            return {name: _filled(value, charge) for name, value in body.items()}
        case list():
            return [_filled(each, charge) for each in body]
        case _:
            return charge if body == "CHARGE" else body


def _call(world: World, route: str, role: str, who: str | None, api: Api | None = None) -> Any:
    line = ROUTES[route]
    method, _, template = route.partition(" ")
    path = line.path(world, role) if line.path else template
    return (api or world.api)(who).call(method, path, _filled(line.body, world.charge))


def test_every_route_has_a_line(api) -> None:
    found = api(None).get("/openapi.json").json()["paths"]
    assert {f"{method.upper()} {path}" for path, item in found.items() for method in item} == set(ROUTES)


def test_every_route_and_every_role(world) -> None:
    wrong = []
    for route, line in ROUTES.items():
        for role in ROLES:
            answer = _call(world, route, role, role)
            wanted = line.good if line.need in capabilities(role) else (403,)
            if answer.status_code not in wanted:
                wrong.append((route, role, answer.status_code, answer.text[:200]))
    assert wrong == []


def test_every_route_and_a_token_with_every_scope_but_the_one_it_needs(world) -> None:
    wrong = []
    for route, line in ROUTES.items():
        others = capabilities("owner") - {line.need}
        if line.need == "approve":
            others -= {"manage"}  # who manages may stop and end what stands
        answer = _call(world, route, "owner", f"owner:{','.join(sorted(others))}")
        if answer.status_code != 403:
            wrong.append((route, answer.status_code, answer.text[:200]))
    assert wrong == []


def test_every_route_and_no_credentials(world) -> None:
    for route in ROUTES:
        for who in (None, "somebody"):
            answer = _call(world, route, "owner", who)
            assert (route, answer.status_code) == (route, 401)
            assert answer.json()["error"]["kind"] == "unauthenticated"


@pytest.fixture
def other(db: Database, performer: Any) -> Iterator[Api]:
    """The same API in workspace 2, on the same database."""
    with Database(db.url, workspace_id=2) as theirs:
        kit = Kit(db=theirs, catalogue=catalogue(), performers={"stripe": performer}, own=OWN)
        yield Api(create_app(theirs, api=create_api(Door(kit), authenticate=by_bearer(2))))


def test_every_route_from_another_workspace(world, other, connected) -> None:
    proposal, standing, run = world.proposal(), world.standing(), world.run()
    secrets = (
        proposal["proposal_id"],
        standing,
        run,
        world.charge,
        proposal["call_hash"],
        connected.link.account,
    )
    for route in ROUTES:
        for role in ROLES:
            answer = _call(world, route, role, role, other)
            assert answer.status_code < 500, (route, answer.text)
            told = answer.text if answer.status_code < 300 else ""  # a refusal says the id that was asked for
            assert not any(each in told for each in secrets), (route, role)
            if "{" in route and "{name}" not in route:
                assert answer.status_code in {403, 404}, (route, role, answer.text)
    mine = world.api("owner").get(f"/proposals/{proposal['proposal_id']}").json()
    assert mine["proposal"]["state"] == "waiting"
    assert mine["decisions"] == []


# --- every action of the catalogue ---


def _value(schema: dict[str, Any], whole: dict[str, Any]) -> Any:
    """The smallest value that fits a schema of the catalogue."""
    match schema:
        case {"$ref": str(name)}:
            return _value(whole["$defs"][name.rpartition("/")[2]], whole)
        case {"enum": [first, *_]}:
            return first
        case {"type": "object"}:
            return _params(schema, whole)
        case {"type": "array"}:
            return [_value(schema["items"], whole)] * schema.get("minItems", 1)
        case _:
            return {"integer": 1, "boolean": True}.get(schema.get("type", ""), _text(schema))


def _text(schema: dict[str, Any]) -> str:
    pattern = schema.get("pattern", "")
    prefix = re.match(r"\^\((\w+?)[|)]", pattern)
    if prefix:
        return f"{prefix[1]}1"
    known = {"[0-9]{4}-": "2020-01", "[0-9a-f]{64}": "0" * 64, "pdf": "a.pdf"}
    found = next((value for part, value in known.items() if part in pattern), None)
    return found or next(iter(schema.get("examples", ())), "YQ==")


def _params(schema: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    return {name: _value(schema["properties"][name], whole) for name in schema.get("required", ())}


def test_every_action_and_every_role(api, shop, allow, kit) -> None:
    """With everything allowed, so that only the role decides; then with nothing allowed."""
    allow("*:read")
    allow("*:write")
    wrong, read = [], 0
    for name, action in kit.catalogue.actions.items():
        schema = action.params.model_json_schema()
        params = _params(schema, schema)
        for role in ROLES:
            if action.risk == "read":
                answer = api(role).post(f"/actions/{name}/read", {"params": params})
                may = True
            else:
                answer = api(role).post("/proposals", {"action": name, "params": params, "reason": "why"})
                may = _may_ask(name, role)
            read += answer.status_code == 200
            bad = {500, 503} | ({403} if may else set(range(200, 600)) - {403})
            if answer.status_code in bad or (
                "cannot be called like this" in answer.text and _needs_no_more(name)
            ):
                wrong.append((name, role, answer.status_code, answer.text[:160]))
    assert wrong == []
    assert read > 100  # or nothing was tried


def _may_ask(name: str, role: str) -> bool:
    can = capabilities(role)  # type: ignore[arg-type]
    if name.startswith("approvals."):
        return {"propose", "approve"} <= can
    if name.startswith("periods.") or name in {
        "runs.pause",
        "runs.resume",
        "runs.cancel",
        "schedules.switch",
    }:
        return {"propose", "manage"} <= can
    return "propose" in can


def _needs_no_more(name: str) -> bool:
    """Whether what is required by the schema is all: some want one of several."""
    return name in {"refunds.retrieve", "charges.list", "journal.list", "payouts.create", "reports.run"}


def test_every_action_that_nobody_allowed_is_refused(api, shop, allow, kit) -> None:
    for pattern in ("*:read", "*:write", "customers:read", "subscriptions:read", "charges:read", "invoices:read", "disputes:read",
                    "refunds.create", "subscriptions.update", "disputes.stage_evidence", "files.create"):  # fmt: skip
        allow(pattern, allowed=False)
    wrong = []
    for name, action in kit.catalogue.actions.items():
        if action.vendor != "stripe":  # there is no account of another here
            continue
        schema = action.params.model_json_schema()
        params = _params(schema, schema)
        way = (
            (f"/actions/{name}/read", {"params": params})
            if action.risk == "read"
            else ("/proposals", {"action": name, "params": params, "reason": "why"})
        )
        answer = api("owner").post(*way)
        if answer.status_code != 403 and "cannot be called like this" not in answer.text:
            wrong.append((name, answer.status_code, answer.text[:160]))
    assert wrong == []
