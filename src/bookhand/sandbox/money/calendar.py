"""Days as the banks count them: whole UTC days since 1970, Monday to Friday.

>>> from datetime import date
>>> friday = date(2026, 11, 20).toordinal() - date(1970, 1, 1).toordinal()
>>> later(friday, 2) - friday     # two business days later is Tuesday
4
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from bookhand.sandbox.money.currencies import DAY

EPOCH = date(1970, 1, 1)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def weekday(day: int) -> int:
    """Monday is 0."""
    return (day + 3) % 7


def business(day: int) -> bool:
    """Whether banks work."""
    return weekday(day) < 5


def later(day: int, days: int) -> int:
    """So many business days after."""
    for _ in range(days):
        day += 1
        while not business(day):
            day += 1
    return day


def payday(day: int, interval: str, weekly: list[str], monthly: list[int]) -> bool:
    """Whether an automatic payout is made on this day by this schedule.

    A monthly day that the month does not have, or on a weekend, is paid on the next business day.
    """
    if not business(day) or interval == "manual":
        return False
    if interval == "weekly":
        return WEEKDAYS[weekday(day)] in weekly
    if interval == "monthly":
        return any(_monthly(back, monthly) for back in _waiting(day))
    return True


def next_payday(day: int, interval: str, weekly: list[str], monthly: list[int]) -> int | None:
    """The first payday after `day`; None on a manual schedule."""
    if interval == "manual":
        return None
    return next((at for at in range(day + 1, day + 70) if payday(at, interval, weekly, monthly)), None)


def midnight(day: int) -> int:
    """The Unix time at which a day begins."""
    return day * DAY


def iso(moment: int) -> str:
    """2026-11-20."""
    return datetime.fromtimestamp(moment, UTC).date().isoformat()


def _waiting(day: int) -> list[int]:
    days = [day]
    while not business(days[-1] - 1):
        days.append(days[-1] - 1)
    return days


def _monthly(day: int, wanted: list[int]) -> bool:
    at = EPOCH + timedelta(days=day)
    last = (at + timedelta(days=1)).day == 1
    return at.day in wanted or (last and any(one > at.day for one in wanted))
