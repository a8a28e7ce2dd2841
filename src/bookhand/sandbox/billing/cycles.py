"""Billing cycles: which period a moment falls in, counted from an anchor in UTC.

A monthly cycle anchored on 31 January ends its periods on the last day of shorter months and never drifts:

    anchor 2026-01-31 -> 2026-02-28 -> 2026-03-31 -> 2026-04-30
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime

DAY = 86_400
_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "year": 12}


def step(anchor: int, interval: str, count: int, periods: int) -> int:
    """The moment `periods` cycles after the anchor (before it, if negative)."""
    if interval in _DAYS:
        return anchor + periods * count * _DAYS[interval] * DAY
    return _months_later(anchor, periods * count * _MONTHS[interval])


def period(anchor: int, interval: str, count: int, moment: int) -> tuple[int, int]:
    """The start and end of the cycle that contains the moment; the end belongs to the next one."""
    n = _guess(anchor, interval, count, moment)
    while step(anchor, interval, count, n) > moment:
        n -= 1
    while step(anchor, interval, count, n + 1) <= moment:
        n += 1
    return step(anchor, interval, count, n), step(anchor, interval, count, n + 1)


def next_like(moment: int, config: dict[str, int | None]) -> int:
    """The first time at or after a moment on a day of the month, month and time of day, where they are given."""
    now = datetime.fromtimestamp(moment, UTC)
    at = now.replace(
        day=1,
        hour=_or(config, "hour", now.hour),
        minute=_or(config, "minute", now.minute),
        second=_or(config, "second", now.second),
    )
    for ahead in range(14):
        year, month = divmod(now.month - 1 + ahead, 12)
        if config.get("month") not in (None, month + 1):
            continue
        last = monthrange(now.year + year, month + 1)[1]
        day = min(config.get("day_of_month") or now.day, last)
        found = at.replace(year=now.year + year, month=month + 1, day=day)
        if found >= now:
            return int(found.timestamp())
    return moment


def _or(config: dict[str, int | None], name: str, default: int) -> int:
    value = config.get(name)
    return default if value is None else value


def _guess(anchor: int, interval: str, count: int, moment: int) -> int:
    if interval in _DAYS:
        return (moment - anchor) // (count * _DAYS[interval] * DAY)
    then, now = datetime.fromtimestamp(anchor, UTC), datetime.fromtimestamp(moment, UTC)
    months = (now.year - then.year) * 12 + now.month - then.month
    return months // (count * _MONTHS[interval])


def _months_later(anchor: int, months: int) -> int:
    at = datetime.fromtimestamp(anchor, UTC)
    years, month = divmod(at.month - 1 + months, 12)
    year = at.year + years
    day = min(at.day, monthrange(year, month + 1)[1])
    return int(at.replace(year=year, month=month + 1, day=day).timestamp())


def day_words(moment: int) -> str:
    """A day as invoices print it: '7 Nov 2026'."""
    at = datetime.fromtimestamp(moment, UTC)
    return f"{at.day} {at:%b %Y}"
