"""Schedules: a template started by the clock, in somebody's name, with the rights that person has when it starts. Pure.

>>> from datetime import UTC, datetime
>>> next_moment("0 9 * * 1", "Europe/Berlin", after=datetime(2026, 11, 24, tzinfo=UTC)).isoformat()
'2026-11-30T08:00:00+00:00'
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from croniter import croniter

from bookhand.core.problems import Refusal
from bookhand.runs.run import Owner


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table ``schedule``."""

    id: int
    name: str
    template: str
    cron: str
    timezone: str
    inputs: dict[str, Any]
    prompt: str | None
    connection_id: int | None
    owner: Owner
    enabled: bool
    next_at: datetime
    last_at: datetime | None
    last_run: str | None


def next_moment(cron: str, timezone: str, *, after: datetime) -> datetime:
    """The first moment of `cron` (five fields, in `timezone`) after `after`; `Refusal` for what is no cron or timezone."""
    try:
        zone = ZoneInfo(timezone)
    except (KeyError, ValueError) as error:
        raise Refusal(f"There is no timezone {timezone!r}: it reads like Europe/Berlin.") from error
    if not croniter.is_valid(cron):
        raise Refusal(
            f"{cron!r} is no schedule: it has five fields, minute hour day month weekday, like '0 9 * * 1'."
        )
    found: datetime = croniter(cron, after.astimezone(zone)).get_next(datetime)
    return found.astimezone(UTC)
