"""The trail: searched, exported as one file that can be checked offline, and checked here. Needs the capability to audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, StreamingResponse

from bookhand.core.caller import Caller
from bookhand.core.problems import Refusal
from bookhand.web.api import trail_models as m
from bookhand.web.api.desk import At, Desk, Exact, Limit
from bookhand.web.api.shown import said
from bookhand.web.api.trouble import PREFIX
from bookhand.workspace import trail_store
from bookhand.workspace.trail import Entry, Note, Verdict

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

router = APIRouter(tags=["Trail"])

_LINES = "application/x-ndjson"
_OF_ONE = 200
_VERIFIED = f"{PREFIX}/trail?what={trail_store.VERIFIED}"
Moment = Annotated[
    str | None, Query(min_length=10, max_length=40, description="A day (2026-11-25), or a moment in UTC.")
]
Seq = Annotated[int | None, Query(ge=1, le=2**62)]


@router.get("/trail", response_model=m.TrailPage, summary="What was done, by whom, when and why")
def trail(
    desk: At, *, what: Exact = None, who: Exact = None, subject: Exact = None, run: Exact = None, proposal: Exact = None,
    since: Moment = None, until: Moment = None, before: Seq = None, limit: Limit = 50,
) -> JSONResponse:  # fmt: skip
    """Newest first. Every filter is exact; `since` is inclusive, `until` is not."""
    desk.caller.need("audit")
    with desk.db.transaction() as cx:
        found = trail_store.search(
            cx, desk.caller.workspace_id, what=what, who=who, subject=subject, run=run, proposal=proposal,
            since=_moment(since), until=_moment(until), before=before, limit=limit + 1,
        )  # fmt: skip
    following = found[limit - 1].seq if len(found) > limit else None
    return said({"items": [_entry(each) for each in found[:limit]], "next": following})


@router.get(
    "/trail/export",
    response_class=StreamingResponse,
    responses={
        200: {"content": {_LINES: {"schema": {"type": "string"}}}, "description": "One JSON object a line."}
    },
    summary="The trail as one file",
)
def export(desk: At, first: Annotated[int, Query(ge=1, le=2**62)] = 1) -> StreamingResponse:
    """JSON lines, from entry `first` on. `bookhand verify-audit FILE` checks it on any machine, with nothing else."""
    desk.caller.need("audit")
    found = trail_store.exported(desk.db, _note(desk, "trail.exported", first=first), first=first)
    headers = {"content-disposition": 'attachment; filename="bookhand-trail.jsonl"'}
    return StreamingResponse(found, media_type=_LINES, headers=headers)


@router.post(
    "/trail/verify",
    response_model=m.Verified,
    responses={
        202: {
            "model": m.VerifyingOn,
            "description": "The trail is long: the check goes on, and what it finds is written into the trail.",
            "headers": {
                "location": {
                    "schema": {"type": "string"},
                    "description": "Where it is found then; nothing stands there until then.",
                }
            },
        }
    },
    summary="Check the trail as it stands",
)
def verify(desk: At) -> JSONResponse:
    """Every entry's hash, and that none is missing. Note `head` elsewhere: a trail made anew as a whole has another.

    What was found is written into the trail, as `trail.verified`. A check that takes long is answered 202 and goes on; who asks again
    meanwhile asks for the same check.
    """
    desk.caller.need("audit")
    with desk.db.transaction() as cx:
        since = trail_store.now(cx)

    def check() -> Verdict:
        with desk.db.transaction() as cx:
            return trail_store.note_verified(cx, desk.caller.workspace_id, _note(desk, trail_store.VERIFIED))

    found = desk.aside.run("trail", check)
    if found is None:
        at = f"{_VERIFIED}&since={since}"
        return said({"goes_on": True, "found_at": at}, status=202, headers={"location": at})
    return said(
        {"holds": not found.findings, "entries": found.entries, "first": found.first, "head": found.head,
         "findings": found.findings}
    )  # fmt: skip


def entries_of(
    cx: Transaction[Any], caller: Caller, *, run: str | None = None, proposal: str | None = None
) -> list[dict[str, Any]] | None:
    """The newest entries about one thing, oldest first; None for who may not read the trail."""
    if "audit" not in caller.can:
        return None
    found = trail_store.search(cx, caller.workspace_id, run=run, proposal=proposal, limit=_OF_ONE)
    return [_entry(each) for each in reversed(found)]


def _note(desk: Desk, what: str, **details: Any) -> Note:
    caller = desk.caller
    return Note(
        who=caller.who, name=caller.name, agent=caller.agent, channel=caller.channel, what=what, details=details
    )  # fmt: skip


def _entry(entry: Entry) -> dict[str, Any]:
    return {"seq": entry.seq, "said": entry.said(), "prev": entry.prev.hex(), "hash": entry.hash.hex()}


def _moment(text: str | None) -> str | None:
    try:
        return None if text is None else trail_store.moment(text)
    except ValueError as error:
        raise Refusal(str(error)) from None
