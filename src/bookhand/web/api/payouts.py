"""Payouts against the bank: what is in each, where it arrived, what is asked, and what nobody has explained yet.

Reads are the catalogue's own (``payouts.breakdown`` …), and what people decide goes through the door as its own actions do.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response

from bookhand.web.api import payouts_models as p
from bookhand.web.api.desk import At, Cursor, Desk, Exact, Id, Limit, OfMode
from bookhand.web.api.proposals import shown_proposal
from bookhand.web.api.proposals_models import ProposalShown
from bookhand.web.api.shown import decode, encode, said
from bookhand.workflows.payouts.actions import DAY
from bookhand.workflows.payouts.statement import Reconciliation
from bookhand.workflows.payouts.statement_file import FORMS, as_file

router = APIRouter(tags=["Payouts"])

Standing = Annotated[
    Literal["open", "matched"] | None,
    Query(description="Only those not found at the bank yet, or those that are."),
]


@router.get("/payouts", response_model=p.PayoutPage, summary="Payouts, and where they arrived")
def payouts(desk: At, *, standing: Standing = None, cursor: Cursor = None, limit: Limit = 50) -> JSONResponse:
    """Newest first, as the books know them."""
    asked: dict[str, Any] = {
        "limit": limit + 1,
        "standing": standing,
        "after": decode(cursor)[1] if cursor else None,
    }
    found = _read(desk, "payouts.arrivals", asked)
    kept = found[:limit]
    following = encode(kept[-1]["arrival_day"], kept[-1]["id"]) if len(found) > limit else None
    return said({"items": kept, "next": following})


@router.get("/payouts/{payout_id}", response_model=p.PayoutWhole, summary="What is in a payout")
def payout(
    desk: At, payout_id: Id, *, after: Exact = None, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> JSONResponse:
    """Its parts, its members (go on with the last one's id as `after`), what may be in it if it is a manual one, and its match."""
    return said(_read(desk, "payouts.breakdown", {"payout": payout_id, "after": after, "limit": limit}))


@router.get("/breaks", response_model=p.Breaks, summary="What nobody has explained yet")
def breaks(desk: At, *, owner: Exact = None, limit: Limit = 100) -> JSONResponse:
    """Oldest first, each with its cause and what to do about it."""
    return said({"items": _read(desk, "breaks.list", {"owner": owner, "limit": limit})})


@router.post("/breaks/{break_id}/explain", response_model=ProposalShown, summary="Say what a difference is")
def explain(desk: At, break_id: Id, sent: p.Explanation) -> JSONResponse:
    """It stays in the report, with this, until it is found no more."""
    return _ask(
        desk, "payouts.explain", {"break_id": break_id, "explanation": sent.explanation}, sent.explanation
    )


@router.get("/reconciliation/questions", response_model=p.Questions, summary="What only a person can decide")
def questions(desk: At, *, limit: Limit = 50) -> JSONResponse:
    """Oldest first, each with the answers that fit: send one to ``/reconciliation/matches``."""
    return said({"items": _read(desk, "payouts.questions", {"limit": limit})})


@router.get(
    "/reconciliation/statement",
    response_model=p.StatementShown,
    responses={
        200: {
            "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in FORMS.values()}
        }
    },
    summary="The reconciliation statement of a bank account",
)
def statement(
    desk: At,
    *,
    account: Annotated[
        str,
        Query(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$", description="The bank account."),
    ],
    mode: OfMode = None,
    day: Annotated[
        str | None,
        Query(pattern=DAY, description="At the end of this day; without it of the newest statement."),
    ] = None,
    form: Annotated[
        Literal["json", "csv", "xlsx", "pdf"], Query(description="As JSON, or as a file.")
    ] = "json",
) -> Response:
    """Balance per bank, what is between, balance per books, and what is left unexplained: nothing, where all is well."""
    found = _read(desk, "payouts.reconciliation", {"account": account, "mode": mode, "day": day})
    if form == "json":
        return said(found)
    content = as_file(msgspec.convert(found, Reconciliation), form)
    headers = {"content-disposition": f'attachment; filename="reconciliation-{found["as_of"]}.{form}"'}
    return Response(content, media_type=FORMS[form], headers=headers)


@router.post(
    "/reconciliation/matches",
    response_model=ProposalShown,
    status_code=201,
    summary="Match payouts with bank lines",
)
def match(desk: At, sent: p.NewMatch) -> JSONResponse:
    """Done at once by a person, and booked; an agent's waits for a yes."""
    return _ask(desk, "payouts.match", sent.model_dump(exclude_none=True), sent.why, status=201)


@router.post(
    "/reconciliation/matches/{match_id}/undo", response_model=ProposalShown, summary="Take a match apart"
)
def undo(desk: At, match_id: Id, sent: p.Undo) -> JSONResponse:
    """Its entry is reversed; from then on only a person matches what was in it."""
    return _ask(desk, "payouts.unmatch", {"match": match_id, "why": sent.why}, sent.why)


def _read(desk: Desk, name: str, params: dict[str, Any]) -> Any:
    given = {key: value for key, value in params.items() if value is not None}
    return desk.door.read(desk.caller, name, given).data


def _ask(desk: Desk, name: str, params: dict[str, Any], why: str, *, status: int = 200) -> JSONResponse:
    return said(shown_proposal(desk.door.propose(desk.caller, name, params, why)), status=status)
