"""Payouts and lines as they are read for one matching: each once, for a hundred thousand of them lie far apart in memory; pure.

What comes out is numbered in the order of ids and keys, so that the order in which they were given changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise, starmap
from operator import eq
from typing import NamedTuple

import msgspec

from bookhand.core.bank import StatementLine
from bookhand.core.problems import Bug
from bookhand.workflows.payouts.breaks import LineKey
from bookhand.workflows.payouts.matching import Expected
from bookhand.workflows.payouts.matching.bank_days import calendar_of
from bookhand.workflows.payouts.matching.names import Names
from bookhand.workflows.payouts.matching.templates import upper_and_template

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
    texts: list[str]
    """The descriptions of the lines, in upper case."""
    templates: list[str]
    """The same with a zero for every digit: few of them differ."""
    charges: dict[int, int]
    """Line to what the bank kept of it, where it tells what was sent in the line's own currency."""


def read(payouts: Iterable[Expected], lines: Iterable[StatementLine]) -> Reading:
    """Read them; `Bug` where one is given twice, `ValueError` for a day that is none."""
    given = list(payouts)
    ids = [one.id for one in given]
    order = sorted(range(len(ids)), key=ids.__getitem__)
    if _twice([ids[old] for old in order]):
        raise Bug("A payout was given to the matcher twice.")
    days = _Days()
    places = [days[one.currency][one.arrival_day] for one in given]
    ordered, numbers = [given[old] for old in order], _inverse(order)
    return _read_lines(
        ordered, [places[old] for old in order], _by_amount(given, numbers), Names(given, numbers), days=days, given=list(lines)
    )  # fmt: skip


def _twice(ordered: list[str]) -> bool:
    return any(starmap(eq, pairwise(ordered)))


class _Places(dict[str, int]):
    """The places of the days of one currency, as they are asked for."""

    def __init__(self, currency: str) -> None:
        super().__init__()
        self._place = calendar_of(currency).place

    def __missing__(self, day: str) -> int:
        found = self[day] = self._place(day)
        return found


class _Days(dict[str, _Places]):
    """The same by currency."""

    def __missing__(self, currency: str) -> _Places:
        found = self[currency] = _Places(currency)
        return found


def _by_amount(given: Sequence[Expected], numbers: Sequence[int]) -> ByAmount:
    """Payouts by what they move: in bulk where an amount is one payout's, and one by one where it is of several."""
    by_currency: dict[str, tuple[list[int], list[int]]] = {}
    for number, one in zip(numbers, given, strict=True):
        minor = one.minor
        if minor and one.status != "canceled":
            here = by_currency.get(one.currency)
            if here is None:
                here = by_currency[one.currency] = ([], [])
            here[0].append(minor if minor > 0 else -minor)
            here[1].append(number)
    found: ByAmount = {}
    for currency, (minors, some) in by_currency.items():
        there: dict[int, Same] = dict(zip(minors, some, strict=True))
        found[currency] = there
        if len(there) < len(some):
            several: dict[int, list[int]] = {}
            for minor, number in zip(minors, some, strict=True):
                if there[minor] != number:
                    several.setdefault(minor, []).append(number)
            for minor, rest in several.items():
                last = there[minor]
                there[minor] = sorted([*rest, last] if isinstance(last, int) else rest)
    return found


def _inverse(order: Sequence[int]) -> list[int]:
    numbers = [0] * len(order)
    for new, old in enumerate(order):
        numbers[old] = new
    return numbers


def _read_lines(
    payouts: list[Expected],
    places: list[int],
    by_amount: ByAmount,
    names: Names,
    *,
    days: _Days,
    given: list[StatementLine],
) -> Reading:
    by_account: dict[str, list[int]] = {}
    none: dict[int, Same] = {}
    same: dict[int, Same] = {}
    charges: dict[int, int] = {}
    line_places = [days[line.currency][line.day] for line in given]
    for index, line in enumerate(given):
        here = by_account.get(line.account)
        if here is None:
            here = by_account[line.account] = []
        here.append(index)
        currency, minor = line.currency, line.minor
        if line.original_minor is not None and line.original_currency is not None:
            if line.original_currency == currency:  # no exchange: what is booked is the money
                given[index] = msgspec.structs.replace(line, original_currency=None, original_minor=None)
                if line.original_minor != minor:
                    charges[index] = abs(line.original_minor - minor)
            else:
                currency, minor = line.original_currency, line.original_minor
        found = by_amount.get(currency, none).get(minor if minor > 0 else -minor)
        if found is not None:
            same[index] = found
    texts, templates = upper_and_template([line.description for line in given])
    named = names.in_lines(given, texts, templates)
    keys, order = _in_order(given, by_account)
    return Reading(
        payouts, places, by_amount,
        [given[old] for old in order], keys, [line_places[old] for old in order],
        {new: named[old] for new, old in enumerate(order) if old in named},
        {new: same[old] for new, old in enumerate(order) if old in same},
        [texts[old] for old in order], [templates[old] for old in order],
        {new: charges[old] for new, old in enumerate(order) if old in charges} if charges else {},
    )  # fmt: skip


def _in_order(
    given: list[StatementLine], by_account: dict[str, list[int]]
) -> tuple[list[LineKey], list[int]]:
    names = [line.key for line in given]
    keys: list[LineKey] = []
    order: list[int] = []
    for account in sorted(by_account):
        here = sorted(by_account[account], key=names.__getitem__)
        there = [names[old] for old in here]
        if _twice(there):
            raise Bug("A statement line was given to the matcher twice.")
        keys += [(account, key) for key in there]
        order += here
    return keys, order
