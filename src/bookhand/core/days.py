"""Days and months: Stripe's Unix seconds to the ledger's dates.

A movement is dated by Stripe's ``created`` in the company's time zone; a period is a month of such dates, named ``2026-11``.

>>> day_of(1767225600, "UTC").isoformat(), day_of(1767225600, "America/New_York").isoformat()
('2026-01-01', '2025-12-31')
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def day_of(timestamp: int, timezone: str) -> date:
    """The date of `timestamp` (Unix seconds, UTC) in `timezone` (an IANA name)."""
    return datetime.fromtimestamp(timestamp, zone(timezone)).date()


def period_of(day: date) -> str:
    """The month a date falls in: ``"2026-11"``."""
    return f"{day.year:04d}-{day.month:02d}"


def next_period(period: str) -> str:
    """The month after: ``next_period("2026-12") == "2027-01"``."""
    year, month = map(int, period.split("-"))
    return f"{year + 1:04d}-01" if month == 12 else f"{year:04d}-{month + 1:02d}"  # noqa: PLR2004 (months in a year)


def moment(timestamp: int) -> str:
    """Unix seconds as ISO 8601 in UTC, the one way instants are written: ``"2026-01-01T00:00:00Z"``."""
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=16)
def zone(timezone: str) -> ZoneInfo:
    """The zone of an IANA name; `ValueError` that names the setting where there is none."""
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(
            f"{timezone!r} is no IANA time zone (as in Europe/Berlin); correct BOOKHAND_TIMEZONE."
        ) from error


def months_before(now: datetime, months: int) -> datetime:
    """The first moment of the day so many months back: ``months_before(2026-03-31 17:00, 1)`` is 2026-02-28 00:00."""
    at = now.year * 12 + now.month - 1 - months
    year, month = divmod(at, 12)
    last = (date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1) - date(year, month + 1, 1)).days
    return now.replace(
        year=year, month=month + 1, day=min(now.day, last), hour=0, minute=0, second=0, microsecond=0
    )
