"""The trail: searched, exported as one file that can be checked offline, and checked here. Needs the capability to audit."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, StreamingResponse

from bookhand.core.caller import Caller
from bookhand.core.problems import Refusal
from bookhand.web.api import trail_models as m
from bookhand.web.api.desk import At, Exact, Limit
from bookhand.web.api.shown import said
from bookhand.workspace import trail_store
from bookhand.workspace.trail import Entry, Note

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

router = APIRouter(tags=["Trail"])

_SPOOL_BYTES = 8 * 1024 * 1024
_CHUNK_BYTES = 256 * 1024
_LINES = "application/x-ndjson"
_OF_ONE = 200
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
    file = tempfile.SpooledTemporaryFile(_SPOOL_BYTES)  # noqa: SIM115 (it is closed when it was sent)
    with desk.db.transaction() as cx:
        for line in trail_store.export_lines(cx, desk.caller.workspace_id, first=first):
            file.write(line)
        note = Note(
            who=desk.caller.who, name=desk.caller.name, agent=desk.caller.agent, channel=desk.caller.channel,
            what="trail.exported", details={"first": first},
        )  # fmt: skip
        trail_store.append(cx, desk.caller.workspace_id, [note])
    headers = {"content-disposition": 'attachment; filename="bookhand-trail.jsonl"'}
    return StreamingResponse(_chunks(file), media_type=_LINES, headers=headers)


@router.post("/trail/verify", response_model=m.Verified, summary="Check the trail as it stands")
def verify(desk: At) -> JSONResponse:
    """Every entry's hash, and that none is missing. Note `head` elsewhere: a trail made anew as a whole has another."""
    desk.caller.need("audit")
    with desk.db.transaction() as cx:
        found = trail_store.verify_all(cx, desk.caller.workspace_id)
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


def _entry(entry: Entry) -> dict[str, Any]:
    return {"seq": entry.seq, "said": entry.said(), "prev": entry.prev.hex(), "hash": entry.hash.hex()}


def _moment(text: str | None) -> str | None:
    try:
        return None if text is None else trail_store.moment(text)
    except ValueError as error:
        raise Refusal(str(error)) from None


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
