"""A page of the Problems that wait for a person, newest first."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import psycopg

from bookhand.core.problems import Refusal
from bookhand.web.api.shown import decode, encode

PAGE = 50


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One Problem as a person sees it."""

    connection_id: int
    kind: str
    subject: str
    message: str
    first_seen: datetime
    last_seen: datetime
    times: int


def page(cx: psycopg.Connection[Any], cursor: str | None) -> dict[str, Any]:
    """`PAGE` of them after `cursor`, with the cursor of the next page."""
    at, last = decode(cursor) if cursor else (None, "")
    try:
        before = datetime.fromisoformat(at) if at else None
    except ValueError:
        raise Refusal("That is no cursor: begin at the first page.") from None
    rows = cx.execute(
        """
        select connection_id, kind, subject, message, first_seen, last_seen, times from problem
        where closed_at is null and (%(before)s::timestamptz is null or (last_seen, kind || ' ' || subject) < (%(before)s, %(last)s))
        order by last_seen desc, kind || ' ' || subject desc limit %(limit)s
        """,
        {"before": before, "last": last, "limit": PAGE + 1},
    ).fetchall()
    found = [Waiting(**dict(zip(Waiting.__struct_fields__, row, strict=True))) for row in rows]
    kept = found[:PAGE]
    end = kept[-1] if len(found) > PAGE else None
    return {
        "problems": kept,
        "next": encode(end.last_seen.isoformat(), f"{end.kind} {end.subject}") if end else None,
        "first": bool(cursor),
    }
