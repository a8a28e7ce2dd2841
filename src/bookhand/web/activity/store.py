"""Runs as the list of a page needs them: by state, newest first. Reads only; each filter has its index."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bookhand.runs.run import STATES, Run
from bookhand.runs.store import FIELDS, run_of

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_WHICH: Mapping[str, str] = {
    "": "true",
    "open": "finished_at is null",
    "held": "state in ('paused', 'parked')",
    **{each: f"state = '{each}'" for each in STATES},
    **{each: f"state = '{each}' and finished_at is null" for each in ("queued", "running", "waiting")},
}
FILTERS = tuple(_WHICH)
"""What a list can be narrowed to: nothing, all that has not ended, what stands until a person looks, or one state."""


def listed(
    cx: Transaction[Any], workspace_id: int, which: str, *, after: tuple[datetime, str] | None, limit: int
) -> list[Run]:
    """Runs that `which` (one of `FILTERS`) lets through, newest first; `after` is where the page before ended."""
    at, last = after or (None, None)
    found = cx.execute(
        f"""
        select {FIELDS} from run
        where workspace_id = %s and {_WHICH[which]} and (%s::timestamptz is null or (created_at, run_id) < (%s, %s))
        order by created_at desc, run_id desc limit %s
        """,
        (workspace_id, at, at, last, limit),
    )
    return [run_of(row) for row in found]
