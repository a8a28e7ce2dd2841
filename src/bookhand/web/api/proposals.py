"""Asking for something to be done, and saying yes or no to it.

An approval carries the hash of the exact call that was seen. It does not wait for the call: ask again, or send ``Prefer: wait=5``.
"""

from __future__ import annotations

import re
import time
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from bookhand.actions import call_store, store
from bookhand.actions.asked import Asked
from bookhand.actions.proposal import Proposal, State
from bookhand.web.api import proposals_models as m
from bookhand.web.api.desk import At, Cursor, Desk, Exact, Id, Limit
from bookhand.web.api.shown import after, page, said
from bookhand.web.api.trail import entries_of

router = APIRouter(tags=["Proposals"])

_LONGEST_WAIT_SECONDS = 5
_LOOK_SECONDS = 0.05
_ROWS = 200
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$",
        description="The same key gives the same proposal; for another request it is refused.",
    ),
]  # fmt: skip
Prefer = Annotated[
    str | None,
    Header(max_length=200, description="`wait=5` waits up to so many seconds (5 at most) for the outcome."),
]


# --- asking ---


@router.post(
    "/proposals", response_model=m.ProposalShown, status_code=201, summary="Ask for something to be done"
)
def propose(desk: At, sent: m.NewProposal, idempotency_key: Key = None) -> JSONResponse:
    """A write becomes a proposal with its preview, and waits for a yes; a person's own acts on bookhand are done at once."""
    asked = Asked(reason=sent.reason, request_key=idempotency_key, under=sent.under, terms=sent.terms)
    return said(shown_proposal(desk.door.propose(desk.caller, sent.action, sent.params, asked)), status=201)


@router.post(
    "/proposals/batch",
    response_model=m.ProposalShown,
    status_code=201,
    summary="Ask for many calls of one action",
)
def propose_batch(desk: At, sent: m.NewBatch, idempotency_key: Key = None) -> JSONResponse:
    """Each row is a call of its own, with its own preview, hash and outcome; they are approved as one."""
    asked = Asked(reason=sent.reason, request_key=idempotency_key, under=sent.under, terms=sent.terms)
    return said(
        shown_proposal(desk.door.propose_batch(desk.caller, sent.action, sent.rows, asked)), status=201
    )


# --- looking ---


@router.get("/proposals", response_model=m.ProposalPage, summary="What was asked for")
def proposals(
    desk: At,
    *,
    state: Annotated[list[State] | None, Query(max_length=11)] = None,
    action: Exact = None,
    run: Exact = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> JSONResponse:
    """Newest first."""
    desk.caller.need("read")
    with desk.db.transaction() as cx:
        found = store.listed(
            cx, desk.caller.workspace_id, states=state or (), action=action, run_id=run, before=after(cursor), limit=limit + 1
        )  # fmt: skip
    told = page(found, limit=limit, last="proposal_id")
    return said({**told, "items": [shown_proposal(each) for each in told["items"]]})


@router.get("/proposals/{proposal_id}", response_model=m.ProposalWhole, summary="One proposal, whole")
def proposal(
    desk: At, proposal_id: Id, after_row: Annotated[int, Query(ge=-1, le=50_000)] = -1
) -> JSONResponse:
    """Its preview, what was said of it, its calls with what became of each, the rows of a batch, and its entries of the trail."""
    desk.caller.need("read")
    workspace = desk.caller.workspace_id
    with desk.db.transaction() as cx:
        found = store.proposal(cx, workspace, proposal_id)
        decisions = store.decisions(cx, workspace, proposal_id)
        rows = store.rows(cx, workspace, proposal_id, after=after_row, limit=_ROWS + 1)
        calls = call_store.calls(cx, workspace, proposal_id, after=after_row, limit=_ROWS + 1)
        trail = entries_of(cx, desk.caller, proposal=proposal_id)
    longer = rows if len(rows) > _ROWS else calls if len(calls) > _ROWS else None
    end = longer[_ROWS - 1].row_no if longer else None
    within = [each for each in calls[:_ROWS] if end is None or each.row_no <= end]
    return said(
        {
            "proposal": shown_proposal(found),
            "decisions": decisions,
            "calls": [fields(each, m.CallShown) for each in within],
            "rows": [fields(each, m.RowShown) for each in rows[:_ROWS] if end is None or each.row_no <= end],
            "next_row": end,
            "trail": trail,
        }
    )


# --- deciding ---


@router.post(
    "/proposals/{proposal_id}/approve", response_model=m.ProposalShown, summary="Say yes to exactly this call"
)
def approve(desk: At, proposal_id: Id, sent: m.Approval, prefer: Prefer = None) -> JSONResponse:
    """`call_hash` is the one that the proposal shows. If what it is about has changed meanwhile, the call is not sent, and is void."""
    made = desk.door.approve(desk.caller, proposal_id, sent.call_hash, note=sent.note, chosen=sent.rows)
    return said(shown_proposal(_awaited(desk, made, prefer)))


@router.post("/proposals/{proposal_id}/reject", response_model=m.ProposalShown, summary="Say no, and why")
def reject(desk: At, proposal_id: Id, sent: m.WithNote) -> JSONResponse:
    """Whoever asked reads the note."""
    return said(shown_proposal(desk.door.reject(desk.caller, proposal_id, sent.note)))


@router.post(
    "/proposals/{proposal_id}/edit",
    response_model=m.ProposalShown,
    status_code=201,
    summary="Ask for a changed call in its place",
)
def edit(desk: At, proposal_id: Id, sent: m.Edit) -> JSONResponse:
    """A new proposal with its own preview and hash; the one before is replaced. Whoever edits has asked for it."""
    made = desk.door.edit(desk.caller, proposal_id, sent.changes, note=sent.note)
    return said(shown_proposal(made), status=201)


@router.post(
    "/proposals/{proposal_id}/ask", response_model=m.ProposalShown, summary="Ask whoever proposed it"
)
def ask(desk: At, proposal_id: Id, sent: m.WithNote) -> JSONResponse:
    """It goes on waiting."""
    return said(shown_proposal(desk.door.ask(desk.caller, proposal_id, sent.note)))


@router.post("/proposals/{proposal_id}/answer", response_model=m.ProposalShown, summary="Answer a question")
def answer(desk: At, proposal_id: Id, sent: m.WithNote) -> JSONResponse:
    """It goes on waiting."""
    return said(shown_proposal(desk.door.answer(desk.caller, proposal_id, sent.note)))


@router.post("/proposals/{proposal_id}/withdraw", response_model=m.ProposalShown, summary="Take it back")
def withdraw(desk: At, proposal_id: Id, sent: m.MaybeNote) -> JSONResponse:
    """What one has asked for oneself; who manages may do it for others."""
    return said(shown_proposal(desk.door.withdraw(desk.caller, proposal_id, sent.note)))


@router.post(
    "/proposals/{proposal_id}/settle",
    response_model=m.ProposalShown,
    summary="Say what became of a call in doubt",
)
def settle(desk: At, proposal_id: Id, sent: m.Settlement) -> JSONResponse:
    """After an answer was lost and nobody can tell: a person has looked at the other side. It is never sent again."""
    made = desk.door.settle(desk.caller, proposal_id, done=sent.done, note=sent.note, row_no=sent.row)
    return said(shown_proposal(made))


# --- what they share ---


def _awaited(desk: Desk, proposal: Proposal, prefer: str | None) -> Proposal:
    """The proposal as it is once its outcome is known, or once the caller's patience is over."""
    asked = re.search(r"(?:^|[,;\s])wait=(\d{1,4})\b", prefer or "")
    until = time.monotonic() + min(int(asked[1]), _LONGEST_WAIT_SECONDS) if asked else 0.0
    while proposal.state == "approved" and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
        with desk.db.transaction() as cx:
            proposal = store.proposal(cx, proposal.workspace_id, proposal.proposal_id)
    return proposal


def shown_proposal(proposal: Proposal) -> dict[str, Any]:
    """A proposal, as the API shows it."""
    return fields(proposal, m.ProposalShown)


def fields(value: Any, shape: type[BaseModel]) -> dict[str, Any]:
    """The fields of `value` that the API shows."""
    return {name: getattr(value, name) for name in shape.model_fields}
