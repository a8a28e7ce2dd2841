"""What balances prove: a statement adds up, and what the balances of all statements say moved is what the lines move. Pure.

A balance is known before the first line of a statement and after its last. Between two known balances the lines of the days between them must
make the difference: where they do not, a statement is missing, lines stand twice, or two equal lines were taken for one.

>>> one = Span("2026-11-01", "2026-11-15", 0, 100)
>>> two = Span("2026-11-18", "2026-11-30", 130, 150)
>>> [(each.day, each.until, each.off_by) for each in gaps([one, two], {"2026-11-10": 100, "2026-11-20": 20})]
[('2026-11-16', '2026-11-18', 30)]
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import accumulate, pairwise
from typing import NamedTuple

from bookhand.core.bank import Statement
from bookhand.core.money import format_minor
from bookhand.core.problems import Problem

OFF, GAP, WARNING, REUSED, CHANGED = (
    "bank_statement_off", "bank_balance_gap", "bank_statement_warning", "bank_id_reused", "bank_line_changed",
)  # fmt: skip
"""The kinds of Problems that a bank's statements make."""


class Span(NamedTuple):
    """The days of a statement, and the balances before the first of them and after the last; None where it tells none."""

    first_day: str
    last_day: str
    opening: int | None
    closing: int | None


class Gap(NamedTuple):
    """From the morning of `day` to that of `until` the balances move by `off_by` more than the lines do."""

    day: str
    until: str
    off_by: int


def span_of(statement: Statement) -> Span | None:
    """The days and balances of a statement; None where it has no day at all."""
    days = [line.day for line in statement.lines]
    last = max([*days, *([statement.closing_day] if statement.closing_day else [])], default=None)
    if last is None:
        return None
    return Span(min(days, default=last), last, statement.opening_minor, statement.closing_minor)


def lines_until(statement: Statement) -> str | None:
    """The last day of which a statement lists lines; that of its closing balance where it does not say otherwise."""
    span = span_of(statement)
    if span is None or statement.until is None:
        return span.last_day if span else None
    return min(span.last_day, max([statement.until, *(line.day for line in statement.lines)]))


def off(statement: Statement, subject: str) -> Problem | None:
    """The Problem of a statement whose opening and lines do not make its closing."""
    if not statement.off_by or statement.currency is None:
        return None
    said = format_minor(statement.off_by, statement.currency)
    return Problem(
        kind=OFF, subject=subject,
        message=f"The statement of account {statement.account} until {statement.closing_day} does not add up: its opening and its lines "
        f"make {said} {statement.currency} more than its closing. All of its lines were kept; ask the bank for the whole statement.",
    )  # fmt: skip


def gaps(spans: Iterable[Span], moved: Mapping[str, int]) -> list[Gap]:
    """Where the known balances and the lines (`moved`: day to sum) differ, oldest first."""
    points: dict[str, set[int]] = {}
    for span in _known(spans):
        if span.opening is not None:
            points.setdefault(span.first_day, set()).add(span.opening)
        if span.closing is not None:
            points.setdefault(_next(span.last_day), set()).add(span.closing)
    days = sorted(moved)
    sums = [0, *accumulate(moved[day] for day in days)]
    found = [Gap(day, day, max(known) - min(known)) for day, known in points.items() if len(known) > 1]
    for day, until in pairwise(sorted(points)):
        expected = sums[bisect_left(days, until)] - sums[bisect_left(days, day)]
        differences = {after - before for before in points[day] for after in points[until]}
        if expected not in differences:
            found.append(Gap(day, until, min(points[until]) - min(points[day]) - expected))
    return sorted(found)


def _known(spans: Iterable[Span]) -> list[Span]:
    """The spans with those balances that are the morning's or the evening's.

    Where one statement goes on with the balance that another ended with, on a day of both, they may meet in the middle of that day: such a
    balance says nothing of the morning or the evening, and the statements are held against each other by what is before and after them.
    """
    found = sorted(set(spans), key=lambda each: (each.first_day, each.last_day))
    ending: dict[int, list[Span]] = {}
    for span in found:
        if span.closing is not None:
            ending.setdefault(span.closing, []).append(span)
    met_openings, met_closings = set(), set()
    for span in found:
        for before in ending.get(span.opening, ()) if span.opening is not None else ():
            if before != span and before.first_day <= span.first_day <= before.last_day <= span.last_day:
                met_openings.add(span)
                met_closings.add(before)
    return [
        Span(
            each.first_day,
            each.last_day,
            None if each in met_openings else each.opening,
            None if each in met_closings else each.closing,
        )
        for each in found
    ]


def gap_problems(account: str, currency: str, found: Sequence[Gap]) -> list[Problem]:
    """A Problem for each gap."""
    return [
        Problem(
            kind=GAP, subject=f"{account}/{currency}/{gap.day}",
            message=f"Account {account}: {_between(gap)} the balances that the bank states move by {format_minor(gap.off_by, currency)} "
            f"{currency} more than the lines that are here. A statement of these days is missing, or lines stand twice or were taken for one: "
            "import the bank's statement of these days.",
        )
        for gap in found
    ]  # fmt: skip


def _between(gap: Gap) -> str:
    if gap.day == gap.until:
        return f"on the morning of {gap.day} two statements differ:"
    return f"from {gap.day} until before {gap.until}"


def _next(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(1)).isoformat()
