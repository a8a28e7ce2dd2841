"""What is shown of payouts and Breaks, as values for the templates. Pure.

>>> steps([("charges", 2, 10000), ("refunds", 1, -500), ("fees", 2, -350)], paid=9150)
[('charges', 10000, False), ('fees', -350, False), ('refunds', -500, False), ('paid', 9150, True)]
>>> add([("USD", 5), ("EUR", 2), ("USD", 1)])
[('EUR', 2), ('USD', 6)]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal

import msgspec

from bookhand.web.payouts.store import AGES, Aged, PayoutRow, Week
from bookhand.workflows.payouts.statement import Reconciliation, Row, rows

Tone = Literal["good", "bad", "look", "busy", "quiet"]
ORDER: Final = ("charges", "fees", "refunds", "disputes", "adjustments", "transfers", "payouts", "other")
"""The parts of a payout in the order in which they lead from gross to net."""
_QUIET_CAUSES: Final = frozenset({"in_transit", "canceled", "failed_back", "foreign"})
_ASKING: Final = frozenset(
    {
        "late",
        "bank_fee",
        "fx",
        "amount",
        "duplicate",
        "same_amount",
        "weak",
        "contradiction",
        "batch",
        "split",
    }
)
"""Causes that are a question with answers."""
_SHOWN_OF_SECTION: Final = 200
_MONTHS_BACK: Final = 5


class Standing(msgspec.Struct, frozen=True):
    """Where a payout stands with the bank: the name of its text, and how it looks."""

    name: str
    tone: Tone


def standing(row: PayoutRow, cause: str | None, *, mode: str, today: date) -> Standing:
    """Where `row` stands with the bank; `cause` is that of its Break, where one is open."""
    match row:
        case PayoutRow(match=str(), is_open=False):
            return Standing("returned" if row.rule == "returned" else "arrived", "good")
        case PayoutRow(status="canceled"):
            return Standing("canceled", "quiet")
        case PayoutRow() if row.mode != mode:
            return Standing("elsewhere", "quiet")
        case PayoutRow() if cause is not None and cause not in {"manual_payout", "breakdown"}:
            return Standing("asked", "look") if cause in _ASKING else Standing(f"cause_{cause}", "bad")
        case PayoutRow(status="failed"):
            return Standing("failed_back", "quiet") if row.settled else Standing("failed", "bad")
    due = day_of(row.arrival) <= today
    return Standing("looked_for" if due else "on_its_way", "busy")


def contents(row: PayoutRow) -> Standing:
    """What is known of the members of a payout."""
    if row.outcome is not None and not row.members:
        return Standing(row.outcome, "good" if row.outcome == "confirmed" else "look")
    if not row.members:
        return Standing("no_list", "quiet")
    if row.counted != row.members:
        return Standing("counting", "busy")
    return Standing("off", "bad") if row.members_net else Standing("adds_up", "good")


def steps(parts: Iterable[tuple[str, int, int]], *, paid: int) -> list[tuple[str, int, bool]]:
    """From gross to what was paid out: name, amount, and whether it is a sum. Parts are (name, count, minor)."""
    minors = {name: minor for name, _, minor in parts}
    known = [(name, minors[name], False) for name in ORDER if name in minors]
    rest = paid - sum(minor for _, minor, _ in known)
    return [*known, *([("missing", rest, False)] if rest else []), ("paid", paid, True)]


def add(amounts: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Sums by currency, in the order of their codes: two currencies never add up."""
    sums: dict[str, int] = defaultdict(int)
    for currency, minor in amounts:
        sums[currency] += minor
    return sorted(sums.items())


# --- the board ---


class CauseRow(msgspec.Struct, frozen=True, kw_only=True):
    """The open Breaks of one cause: how many of each age, and what they come to."""

    cause: str
    ages: tuple[int, ...]
    count: int
    explained: int
    amounts: list[tuple[str, int]]
    oldest: date


def by_cause(found: Sequence[Aged]) -> list[CauseRow]:
    """Breaks by cause, the oldest first."""
    groups: dict[str, list[Aged]] = defaultdict(list)
    for each in found:
        groups[each.cause].append(each)
    made = [
        CauseRow(
            cause=cause,
            ages=tuple(
                sum(each.count for each in group if each.bucket == bucket) for bucket in range(len(AGES) + 1)
            ),
            count=sum(each.count for each in group),
            explained=sum(each.explained for each in group),
            amounts=add((each.currency, each.minor) for each in group),
            oldest=min(each.oldest for each in group),
        )
        for cause, group in groups.items()
    ]
    return sorted(made, key=lambda row: (row.oldest, row.cause))


def by_age(found: Sequence[Aged]) -> list[tuple[int, int, list[tuple[str, int]]]]:
    """Breaks by age: which, how many, and what they come to; amounts by their size, whatever the side."""
    return [
        (
            bucket,
            sum(each.count for each in found if each.bucket == bucket),
            add((each.currency, each.size_minor) for each in found if each.bucket == bucket),
        )
        for bucket in range(len(AGES) + 1)
    ]


def arrived(weeks: Sequence[Week], *, today: date) -> tuple[int, list[tuple[str, int]]]:
    """How many payouts of the last five weeks were matched, and what they come to."""
    since = today - timedelta(days=today.weekday() + 28)
    recent = [each for each in weeks if each.monday >= since]
    return sum(each.matched for each in recent), add(
        (each.currency, each.matched_minor) for each in recent if each.matched
    )


def mondays(*, today: date, weeks: int) -> list[date]:
    """The Mondays of so many weeks, this one the last."""
    this = today - timedelta(days=today.weekday())
    return [this - timedelta(weeks=back) for back in range(weeks - 1, -1, -1)]


def counts_by_week(found: Sequence[Week], days: Sequence[date]) -> tuple[list[int], list[int]]:
    """Matched and open payouts of each of those weeks, all currencies together: they are counted, not summed."""
    matched = [sum(each.matched for each in found if each.monday == day) for day in days]
    open_ = [sum(each.open for each in found if each.monday == day) for day in days]
    return matched, open_


# --- the reconciliation statement ---


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the statement on the screen; `left` is how many more of its section only the files have."""

    row: Row
    left: int = 0


def statement_rows(found: Reconciliation) -> list[Shown]:
    """The statement top to bottom, with the first items of each section."""
    made: list[Shown] = []
    here = 0
    for row in rows(found):
        if row.kind == "section":
            here = 0
        if row.kind == "item":
            here += 1
            if here > _SHOWN_OF_SECTION:
                continue
        made.append(Shown(row=row, left=max(0, here - _SHOWN_OF_SECTION) if row.kind == "subtotal" else 0))
    return made


def month_ends(before: date) -> list[date]:
    """The last days of the months before, newest first."""
    ends, at = [], before
    for _ in range(_MONTHS_BACK):
        at = at.replace(day=1) - timedelta(days=1)
        ends.append(at)
    return ends


# --- days ---


def at(seconds: int) -> datetime:
    """A moment as Stripe tells it."""
    return datetime.fromtimestamp(seconds, UTC)


def day_of(seconds: int) -> date:
    """The day, as Stripe means it for an arrival."""
    return at(seconds).date()


def closest(found: Sequence[Any], minor: Mapping[str, int]) -> list[Any]:
    """Lines or payouts, those of the amount that is looked for first (by currency); the rest in the order that they have."""
    if not minor:
        return list(found)
    return sorted(
        found, key=lambda each: (each.currency not in minor, abs(each.minor - minor.get(each.currency, 0)))
    )
