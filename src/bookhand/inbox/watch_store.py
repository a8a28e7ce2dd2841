"""A backfill as somebody sees it who does not run it: its range, how far it is, and whether anybody is at it. Nothing here commits.

watched = watch(cx, link, now=now)         # None where a connection never had one
watched.progress.seen, watched.is_moving
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from bookhand.core.facts import Link
from bookhand.inbox import slices_store, store
from bookhand.inbox.backfill import Progress, progress_of

_FRESH = timedelta(seconds=12)


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """The newest backfill of a connection, and how far it is."""

    backfill: slices_store.Backfill
    progress: Progress
    is_moving: bool
    """Whether somebody who runs it said so a moment ago."""


def watch(cx: slices_store.Transaction, link: Link, *, now: datetime) -> Watched | None:
    """The newest backfill; by the word of who runs it while that is fresh, else by what was saved (its rate is nil then)."""
    found = slices_store.latest(cx, link)
    if found is None:
        return None
    moving = found.status == "running" and found.told_at is not None and now - found.told_at < _FRESH
    if moving and found.told is not None:
        return Watched(backfill=found, progress=found.told, is_moving=True)
    parts = slices_store.slices(cx, link, found.id)
    waits = any(part.state == "waiting" for part in parts)
    progress = progress_of(
        parts,
        phase=found.status if found.status != "running" else "listing" if waits else "checking",
        rate=0.0,
        unread=store.waiting(cx, link) if found.status == "running" else 0,
        verdict=found.verdict,
        note=found.told.note if found.told is not None and found.status == "running" else None,
    )
    return Watched(backfill=found, progress=progress, is_moving=False)
