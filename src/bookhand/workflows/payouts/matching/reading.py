"""Payouts and lines as they are read for one matching: each once, for a hundred thousand of them lie far apart in memory; pure.

What comes out is numbered in the order of ids and keys, so that the order in which they were given changes nothing.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Sequence
from itertools import pairwise, starmap
from operator import eq
from typing import Final, NamedTuple

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
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


COMMON: Final = 1
TRACED: Final = 2
_ARRIVES: Final = frozenset({"paid", "in_transit", "pending"})


class Seen(NamedTuple):
    """What an account has: lines (by their place in what was given), their days and currencies."""

    lines: list[int]
    days: set[str]
    currencies: set[str]


class Reading(NamedTuple):
    """Payouts and lines in their order; what is said of a line or a payout stands at its number."""

    payouts: list[Expected]
    places: list[int]
    """The place of each payout's arrival day in its currency's calendar."""
    minors: Sequence[int]
    kinds: bytearray
    """`COMMON` for a payout that arrives and was made on an earlier business day, with `TRACED` where it has a trace; 0 for all others."""
    as_given: Sequence[int]
    """The payouts in the order in which they were given."""
    targets: list[int]
    """The number of what is known of the account that a payout goes to; 0 where nothing is."""
    by_amount: ByAmount
    lines: list[StatementLine]
    keys: list[LineKey]
    line_places: list[int]
    """The place of each line's day in the calendar of the line's currency."""
    line_minors: Sequence[int]
    """Zero for a line that tells what was sent before an exchange."""
    line_accounts: list[int]
    """The place of each line's account among all accounts in order."""
    backward: bytearray
    """Whether a line takes money away, or takes a line back."""
    named: dict[int, tuple[int, ...]]
    """Line to the payouts whose trace or id it carries."""
    same_amount: list[Same | None]
    """Line to the payouts of its amount, or of the amount that was sent."""
    given: list[int]
    """Line to its place in what was given, which is where `texts` and `forms` have it."""
    texts: list[str]
    """The descriptions of the lines, in upper case."""
    forms: list[int]
    """The number of the template of each text; those of another counterparty have another number."""
    templates: list[tuple[str, str]]
    """Each text with a zero for every digit, and its counterparty: there are few of them."""
    charges: dict[int, int]
    """Line to what the bank kept of it, where it tells what was sent in the line's own currency."""
    seen: dict[str, Seen]


def read(payouts: Iterable[Expected], lines: Iterable[StatementLine]) -> Reading:
    """Read them; `Bug` where one is given twice, `ValueError` for a day that is none."""
    given = list(payouts)
    ids = [one.id for one in given]
    order = sorted(range(len(ids)), key=ids.__getitem__)
    if _twice([ids[old] for old in order]):
        raise Bug("A payout was given to the matcher twice.")
    days, numbers = _Days(), _inverse(order)
    return _read_lines(
        _payouts(given, order, numbers, days), Names(given, ids, numbers), days=days, given=list(lines)
    )


class _Payouts(NamedTuple):
    """What a reading has of payouts, in their order."""

    payouts: list[Expected]
    places: list[int]
    minors: Sequence[int]
    kinds: bytearray
    as_given: Sequence[int]
    targets: list[int]
    by_amount: ByAmount


def _payouts(
    given: Sequence[Expected], order: Sequence[int], numbers: Sequence[int], days: _Days
) -> _Payouts:
    """All columns in one pass, for each pass fetches all payouts from far away."""
    places, minors, kinds, targets = list[int](), list[int](), bytearray(), list[int]()
    seen: dict[tuple[str | None, str | None], int] = {(None, None): 0}
    moved: dict[str, tuple[list[int], list[int]]] = {}
    for number, one in zip(numbers, given, strict=True):
        currency, minor, status = one.currency, one.minor, one.status
        here = days[currency]
        place = here[one.arrival_day]
        places.append(place)
        minors.append(minor)
        targets.append(seen.setdefault((one.account, one.last4), len(seen)))
        if here.get(one.created_day, place) < place and status in _ARRIVES:
            kinds.append(COMMON if one.trace_id is None else COMMON | TRACED)
        else:
            kinds.append(0)
        if minor and status != "canceled":
            amounts = moved.get(currency)
            if amounts is None:
                amounts = moved[currency] = ([], [])
            amounts[0].append(minor if minor > 0 else -minor)
            amounts[1].append(number)
    return _Payouts(
        [given[old] for old in order], [places[old] for old in order], _column([minors[old] for old in order]),
        bytearray([kinds[old] for old in order]), numbers, [targets[old] for old in order], _by_amount(moved),
    )  # fmt: skip


def _column(minors: list[int]) -> Sequence[int]:
    """Amounts beside each other in memory, where they are not larger than any bank's."""
    try:
        return array("q", minors)
    except OverflowError:
        return minors


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

    @property
    def unusual(self) -> bool:
        """Whether a day is written in another way than most, so that the order of texts is not that of days."""
        return not all(_DAY.fullmatch(day) for places in self.values() for day in places)


def _by_amount(moved: dict[str, tuple[list[int], list[int]]]) -> ByAmount:
    """Amounts and payouts of each currency, put together: in bulk where an amount is one payout's, and one by one where it is of several."""
    found: ByAmount = {}
    for currency, (minors, some) in moved.items():
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


def _read_lines(payouts: _Payouts, names: Names, *, days: _Days, given: list[StatementLine]) -> Reading:
    by_account: dict[str, Seen] = {}
    none: dict[int, Same] = {}
    by_amount, same = payouts.by_amount, list[Same | None]()
    descriptions, others, written = list[str](), list[str](), list[str]()
    charges: dict[int, int] = {}
    line_places, minors, backward = list[int](), list[int](), bytearray()
    for index, line in enumerate(given):
        here = by_account.get(line.account)
        if here is None:
            here = by_account[line.account] = Seen([], set(), set())
        currency, minor, day = line.currency, line.minor, line.day
        descriptions.append(line.description)
        others.append(line.counterparty or "")
        written.append(line.key)
        here.lines.append(index)
        here.days.add(day)
        here.currencies.add(currency)
        line_places.append(days[currency][day])
        backward.append(minor < 0 or line.reversal)
        minors.append(minor if line.original_minor is None else 0)
        if line.original_minor is not None and line.original_currency is not None:
            if line.original_currency == currency:  # no exchange: what is booked is the money
                given[index] = msgspec.structs.replace(line, original_currency=None, original_minor=None)
                minors[index] = minor
                if line.original_minor != minor:
                    charges[index] = abs(line.original_minor - minor)
            else:
                currency, minor = line.original_currency, line.original_minor
        same.append(by_amount.get(currency, none).get(minor if minor > 0 else -minor))
    texts, templates = upper_and_template(descriptions)
    seen: dict[tuple[str, str], int] = {}
    forms = [seen.setdefault(each, len(seen)) for each in zip(templates, others, strict=True)]
    named = names.in_lines(given, texts, forms, [text for text, _ in seen])
    keys, order = _in_order(written, by_account)
    if days.unusual:
        payouts = payouts._replace(kinds=bytearray(len(payouts.kinds)))
    accounts = [at for at, account in enumerate(sorted(by_account)) for _ in by_account[account].lines]
    return Reading(
        *payouts,
        [given[old] for old in order], keys, [line_places[old] for old in order], _column([minors[old] for old in order]),
        accounts, bytearray([backward[old] for old in order]),
        {new: named[old] for new, old in enumerate(order) if old in named},
        [same[old] for old in order], order, texts, forms, list(seen),
        {new: charges[old] for new, old in enumerate(order) if old in charges} if charges else {},
        by_account,
    )  # fmt: skip


def _in_order(names: Sequence[str], by_account: dict[str, Seen]) -> tuple[list[LineKey], list[int]]:
    keys: list[LineKey] = []
    order: list[int] = []
    for account in sorted(by_account):
        here = sorted(by_account[account].lines, key=names.__getitem__)
        there = [names[old] for old in here]
        if _twice(there):
            raise Bug("A statement line was given to the matcher twice.")
        keys += [(account, key) for key in there]
        order += here
    return keys, order
