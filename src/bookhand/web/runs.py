"""The pages of runs: ``/runs`` lists them, ``/runs/{id}`` shows one whole. They read and never write.

    app.include_router(routes(db, caller=reception.caller, templates={"act": act}))

A run's page has its state and why, its owner, what it was given and allowed, its steps, what it proposed and called, and (for who may
read the trail) its entries of it. Whoever is not signed in is sent to ``/sign-in``. What looks like a secret is shown nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from bookhand.actions import call_store
from bookhand.actions import store as proposals
from bookhand.actions.proposal import ALIVE, Call, Proposal
from bookhand.core.caller import Caller
from bookhand.core.problems import Missing, Refusal
from bookhand.db.engine import Database
from bookhand.runs import store
from bookhand.runs.run import WHAT, Run, Stage, State
from bookhand.runs.template import Template
from bookhand.systems import store as connections
from bookhand.web import pages
from bookhand.web.api.shown import after, page
from bookhand.web.people import cookies
from bookhand.web.status import Tone
from bookhand.workspace import trail_store

PAGE = 50
_PROPOSALS, _CALLS, _ENTRIES = 20, 20, 200
_TONES: Mapping[str, Tone] = {
    "done": "good",
    "running": "busy",
    "queued": "busy",
    "waiting": "busy",
    "cancelled": "quiet",
}

Asks = Callable[[Request], Caller | None]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal of a run, with its first calls."""

    proposal: Proposal
    calls: tuple[Call, ...]


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a run's page shows; `trail` is None for who may not read it."""

    at: datetime
    run: Run
    what: str
    connection: str | None
    stages: tuple[Stage, ...]
    asked: tuple[Asked, ...]
    trail: tuple[Mapping[str, Any], ...] | None
    mode: str | None = None


def routes(db: Database, *, caller: Asks, templates: Mapping[str, Template]) -> APIRouter:
    """The two pages."""
    router = APIRouter(include_in_schema=False)

    @router.get("/runs")
    def listed(request: Request, state: str = "", cursor: str | None = None) -> Response:
        asks = caller(request)
        if asks is None:
            return RedirectResponse("/sign-in", status_code=303)
        return _told(lambda: _list(db, asks, request, state, cursor))

    @router.get("/runs/{run_id}")
    def one(request: Request, run_id: str) -> Response:
        asks = caller(request)
        if asks is None:
            return RedirectResponse("/sign-in", status_code=303)
        return _told(lambda: _page("run.html", asks, request, _shown(whole(db, asks, run_id, templates))))

    return router


def whole(db: Database, asks: Caller, run_id: str, templates: Mapping[str, Template]) -> Whole:
    """One run, read at one moment; `Missing` where there is none."""
    asks.need("read")
    with db.transaction() as cx:
        run = store.get(cx, run_id)
        template = templates.get(run.template)
        made = proposals.listed(cx, asks.workspace_id, run_id=run_id, limit=_PROPOSALS)
        connection = connections.get(cx, run.connection_id) if run.connection_id is not None else None
        return Whole(
            at=datetime.now(UTC), run=run, what=template.summary if template else run.template,
            connection=connection.name if connection else None, mode=connection.link.mode if connection else None,
            stages=tuple(store.steps(cx, run_id, template)),
            asked=tuple(
                Asked(proposal=each, calls=tuple(call_store.calls(cx, asks.workspace_id, each.proposal_id, limit=_CALLS)))
                for each in made
            ),
            trail=_trail(cx, asks, run_id, made),
        )  # fmt: skip


def _trail(
    cx: Any, asks: Caller, run_id: str, made: Sequence[Proposal]
) -> tuple[Mapping[str, Any], ...] | None:
    """Its entries, oldest first; what was said of its proposals before it began belongs to it too."""
    if "audit" not in asks.can:
        return None
    found = trail_store.search(cx, asks.workspace_id, run=run_id, limit=_ENTRIES)
    for each in made:
        found += trail_store.search(cx, asks.workspace_id, proposal=each.proposal_id, limit=_ENTRIES)
    entries = {entry.seq: entry for entry in found}
    return tuple({"seq": number, **entries[number].said()} for number in sorted(entries)[-_ENTRIES:])


def _list(db: Database, asks: Caller, request: Request, state: str, cursor: str | None) -> HTMLResponse:
    asks.need("read")
    states: list[State] = [each for each in get_args(State) if each == state]
    if state and not states:
        raise Refusal(f"No run is ever {state[:20]!r}: it is one of {', '.join(get_args(State))}.")
    with db.transaction() as cx:
        found = page(
            store.every(cx, states=states, after=after(cursor), limit=PAGE + 1), limit=PAGE, last="id"
        )
    seen = {
        "runs": found["items"],
        "next": found["next"],
        "state": state,
        "states": get_args(State),
        "at": datetime.now(UTC),
    }
    return _page("runs.html", asks, request, seen)


def _shown(found: Whole) -> dict[str, Any]:
    """What the template is given; it writes every value with the filter ``written``, so without secrets."""
    run = found.run
    return {
        "whole": found, "run": run, "tone": _TONES.get(run.state, "look"), "what_state": WHAT[run.state], "alive": ALIVE,
    }  # fmt: skip


def _page(name: str, asks: Caller, request: Request, seen: Mapping[str, Any]) -> HTMLResponse:
    return HTMLResponse(pages.runs_page(name, {**seen, "caller": asks, "csrf": cookies.form_token(request)}))


def _told(make: Callable[[], HTMLResponse]) -> Response:
    try:
        return make()
    except Missing as error:
        return HTMLResponse(pages.message_page("There is no such run.", str(error)), status_code=404)
    except Refusal as error:
        return HTMLResponse(pages.message_page("This cannot be shown.", str(error)), status_code=403)
