"""Payouts and lines as they are read for one matching: each once, for a hundred thousand of them lie far apart in memory; pure.

What comes out is numbered in the order of ids and keys, so that the order in which they were given changes nothing.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

import msgspec

from bookhand.core.bank import StatementLine
from bookhand.core.problems import Bug
from bookhand.workflows.payouts.bank_days import calendar_of
from bookhand.workflows.payouts.breaks import LineKey
from bookhand.workflows.payouts.line_text import Tokens, add_tokens, names_in
from bookhand.workflows.payouts.matching import Expected

Same = int | list[int]
"""A payout, or several: most amounts are one payout's, and a list for each would be a hundred thousand lists."""
ByAmount = dict[str, dict[int, Same]]
"""Currency and amount (without its sign) to payouts."""


class Reading(NamedTuple):
    """Payouts and lines in their order; what is said of a line or a payout stands at its number."""

    payouts: list[Expected]
    places: list[int]
    """The place of each payout's arrival day in its currency's calendar."""
    by_amount: ByAmount
    lines: list[StatementLine]
    keys: list[LineKey]
    line_places: list[int]
    """The place of each line's day in the calendar of the line's currency."""
    named: dict[int, tuple[int, ...]]
    """Line to the payouts whose trace or id it carries."""
    same_amount: dict[int, Same]
    """Line to the payouts of its amount, or of the amount that was sent."""
    charges: dict[int, int]
    """Line to what the bank kept of it, where it tells what was sent in the line's own currency."""


def read(payouts: Iterable[Expected], lines: Iterable[StatementLine]) -> Reading:
    """Read them; `Bug` where one is given twice, `ValueError` for a day that is none."""
    given = list(payouts)
    numbers = _numbers([one.id for one in given])
    ordered: list[Expected] = sorted(given, key=attrgetter("id"))
    places = [0] * len(given)
    tokens: Tokens = {}
    by_amount: ByAmount = {}
    days: dict[str, dict[str, int]] = {}
    for number, payout in zip(numbers, given, strict=True):
        places[number] = _place(payout.currency, payout.arrival_day, days)
        add_tokens(tokens, number, payout)
        if payout.minor and payout.status != "canceled":
            here = by_amount.get(payout.currency)
            if here is None:
                here = by_amount[payout.currency] = {}
            before = here.setdefault(abs(payout.minor), number)
            if isinstance(before, list):
                insort(before, number)
            elif before != number:
                here[abs(payout.minor)] = sorted((before, number))
    return _read_lines(ordered, places, by_amount, tokens, lines)


def _numbers(ids: list[str]) -> list[int]:
    """For each id its place among all of them in order."""
    number_of = {each: number for number, each in enumerate(sorted(ids))}
    if len(set(ids)) < len(ids):
        raise Bug("A payout was given to the matcher twice.")
    return [number_of[each] for each in ids]


def _read_lines(
    payouts: list[Expected],
    places: list[int],
    by_amount: ByAmount,
    tokens: Tokens,
    lines: Iterable[StatementLine],
) -> Reading:
    given = list(lines)
    ids = tokens.keys()
    by_account: dict[str, dict[str, int]] = {}
    days: dict[str, dict[str, int]] = {}
    none: dict[int, Same] = {}
    line_places: list[int] = []
    named: dict[int, tuple[int, ...]] = {}
    same: dict[int, Same] = {}
    charges: dict[int, int] = {}
    for index, line in enumerate(given):
        account, currency, minor = line.account, line.currency, line.minor
        here = by_account.get(account)
        if here is None:
            here = by_account[account] = {}
        here[line.key] = index
        there = days.get(currency)
        place = None if there is None else there.get(line.day)
        line_places.append(_place(currency, line.day, days) if place is None else place)
        if (names := names_in(line, tokens, ids)) is not None:
            named[index] = names
        if line.original_minor is not None and line.original_currency is not None:
            if line.original_currency == currency:  # no exchange: what is booked is the money
                given[index] = msgspec.structs.replace(line, original_currency=None, original_minor=None)
                if line.original_minor != minor:
                    charges[index] = abs(line.original_minor - minor)
            else:
                currency, minor = line.original_currency, line.original_minor
        if (found := by_amount.get(currency, none).get(abs(minor))) is not None:
            same[index] = found
    keys = [(account, key) for account, some in sorted(by_account.items()) for key in sorted(some)]
    order = [by_account[account][key] for account, key in keys]
    if len(order) < len(given):
        raise Bug("A statement line was given to the matcher twice.")
    return Reading(
        payouts, places, by_amount,
        [given[old] for old in order], keys, [line_places[old] for old in order],
        {new: named[old] for new, old in enumerate(order) if old in named},
        {new: same[old] for new, old in enumerate(order) if old in same},
        {new: charges[old] for new, old in enumerate(order) if old in charges},
    )  # fmt: skip


def _place(currency: str, day: str, days: dict[str, dict[str, int]]) -> int:
    here = days.get(currency)
    if here is None:
        here = days[currency] = {}
    found = here.get(day)
    if found is None:
        found = here[day] = calendar_of(currency).place(day)
    return found
