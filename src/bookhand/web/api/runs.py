"""Runs and connections. What is done to a run goes through the door like every other write, and is in the trail."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from bookhand.actions import store as proposals
from bookhand.runs import store
from bookhand.runs.run import Run, State
from bookhand.systems import store as connections
from bookhand.web.api import runs_models as m
from bookhand.web.api.desk import At, Cursor, Desk, Exact, Id, Limit
from bookhand.web.api.proposals import fields, shown_proposal
from bookhand.web.api.shown import after, page, said
from bookhand.web.api.trail import entries_of

router = APIRouter()
_PROPOSALS = 100


@router.get(
    "/connections", response_model=m.Connections, tags=["Connections"], summary="The connected accounts"
)
def connected(desk: At) -> JSONResponse:
    """With mode and status; a connection that is not active is not acted on."""
    desk.caller.need("read")
    with desk.db.transaction() as cx:
        found = connections.every(cx)
    return said(
        {"items": [
            {"id": each.id, "name": each.name, "system": each.link.system, "account": each.link.account, "mode": each.link.mode,
             "status": each.status, "status_reason": each.status_reason}
            for each in found
        ]}
    )  # fmt: skip


@router.get("/runs", response_model=m.RunPage, tags=["Runs"], summary="What runs, and what ran")
def runs(
    desk: At,
    state: Annotated[list[State] | None, Query(max_length=8)] = None,
    template: Exact = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> JSONResponse:
    """Newest first."""
    desk.caller.need("read")
    with desk.db.transaction() as cx:
        found = store.every(cx, states=state or (), template=template, after=after(cursor), limit=limit + 1)
    told = page(found, limit=limit, last="id")
    return said({**told, "items": [_shown(each) for each in told["items"]]})


@router.get("/runs/{run_id}", response_model=m.RunWhole, tags=["Runs"], summary="One run, whole")
def run(desk: At, run_id: Id) -> JSONResponse:
    """Its steps, what it began with, what was allowed then, what it proposed, and its entries of the trail."""
    return said(_whole(desk, run_id))


@router.post(
    "/runs/{run_id}/pause",
    response_model=m.RunShown,
    tags=["Runs"],
    summary="Let it stand before its next step",
)
def pause(desk: At, run_id: Id, sent: m.Reason) -> JSONResponse:
    """Until somebody resumes it."""
    return _act(desk, run_id, "pause", sent.reason)


@router.post("/runs/{run_id}/resume", response_model=m.RunShown, tags=["Runs"], summary="Let it go on")
def resume(desk: At, run_id: Id, sent: m.Reason) -> JSONResponse:
    """A run that was paused, or one that was parked and whose reason is mended."""
    return _act(desk, run_id, "resume", sent.reason)


@router.post(
    "/runs/{run_id}/cancel", response_model=m.RunShown, tags=["Runs"], summary="End it before its next step"
)
def cancel(desk: At, run_id: Id, sent: m.Reason) -> JSONResponse:
    """Its result says what was and what was not done."""
    return _act(desk, run_id, "cancel", sent.reason)


def _act(desk: Desk, run_id: str, verb: Literal["pause", "resume", "cancel"], reason: str) -> JSONResponse:
    desk.caller.need("manage")
    desk.door.propose(desk.caller, f"runs.{verb}", {"run": run_id, "reason": reason}, reason)
    with desk.db.transaction() as cx:
        return said(_shown(store.get(cx, run_id)))


def _whole(desk: Desk, run_id: str) -> dict[str, Any]:
    desk.caller.need("read")
    with desk.db.transaction() as cx:
        found = store.get(cx, run_id)
        steps = store.steps(cx, run_id, desk.templates.get(found.template))
        asked = proposals.listed(cx, desk.caller.workspace_id, run_id=run_id, limit=_PROPOSALS)
        trail = entries_of(cx, desk.caller, run=run_id)
    return {
        "run": _shown(found), "inputs": found.inputs, "rights": found.rights, "steps": msgspec.to_builtins(steps),
        "proposals": [shown_proposal(each) for each in asked], "trail": trail,
    }  # fmt: skip


def _shown(run: Run) -> dict[str, Any]:
    return fields(run, m.RunShown)
