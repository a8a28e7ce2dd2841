"""Payouts and lines as they are read for one matching: each once, for a hundred thousand of them lie far apart in memory; pure.

What comes out is numbered in the order of ids and keys, so that the order in which they were given changes nothing.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Sequence
from itertools import chain, compress, pairwise, repeat, starmap
from operator import attrgetter, eq
from typing import Final, NamedTuple, TypeVar

import msgspec

from bookhand.core.bank import StatementLine
from bookhand.core.problems import Bug
from bookhand.workflows.payouts.breaks import LineKey
from bookhand.workflows.payouts.matching import Expected
from bookhand.workflows.payouts.matching.bank_days import calendar_of
from bookhand.workflows.payouts.matching.names import Names
from bookhand.workflows.payouts.matching.templates import upper_and_template

Value = TypeVar("Value")
Same = int | list[int]
"""A payout, or several: most amounts are one payout's, and a list for each would be a hundred thousand lists."""
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


COMMON: Final = 1
TRACED: Final = 2
_ARRIVES: Final = frozenset({"paid", "in_transit", "pending"})


class ByAmount:
    """Payouts of a currency and an amount (without its sign), of those that are not canceled and move money."""

    def __init__(
        self,
        currencies: Sequence[str],
        minors: Sequence[int],
        statuses: Sequence[str],
        numbers: Sequence[int],
    ) -> None:
        self._codes = {each: at for at, each in enumerate(dict.fromkeys(currencies), 1)}
        self._found: dict[int, Same] = {}
        keys = self._keys(currencies, minors)
        if "canceled" in statuses or 0 in minors:
            moved = [bool(m) and each != "canceled" for m, each in zip(minors, statuses, strict=True)]
            keys, numbers = list(compress(keys, moved)), list(compress(numbers, moved))
        self._found.update(zip(keys, numbers, strict=True))
        if len(self._found) < len(keys):
            self._join(keys, numbers)

    def of(self, currency: str, minor: int) -> Same | None:
        """The payouts of an amount."""
        return self.of_all([currency], [minor])[0]

    def of_all(self, currencies: Sequence[str], minors: Sequence[int]) -> list[Same | None]:
        """The payouts of each of many amounts."""
        return list(map(self._found.get, self._keys(currencies, minors)))

    def _keys(self, currencies: Sequence[str], minors: Sequence[int]) -> list[int]:
        """One number for a currency and an amount, for a pair would have to be made; currencies that no payout has are all the same."""
        step, code_of = len(self._codes) + 1, {**dict.fromkeys(currencies, 0), **self._codes}
        return [
            minor * step + code_of[currency]
            for currency, minor in zip(currencies, map(abs, minors), strict=True)
        ]

    def _join(self, keys: Sequence[int], numbers: Sequence[int]) -> None:
        """Where an amount is of several payouts: all of them, in order."""
        found, several = self._found, dict[int, list[int]]()
        for key, number in zip(keys, numbers, strict=True):
            if found[key] != number:
                several.setdefault(key, []).append(number)
        for key, rest in several.items():
            last = found[key]
            found[key] = sorted([*rest, last] if isinstance(last, int) else rest)


class Seen(NamedTuple):
    """What an account has: the days and currencies of its lines."""

    days: set[str]
    currencies: set[str]


class Reading(NamedTuple):
    """Payouts and lines in their order; what is said of a line or a payout stands at its number."""

    payouts: list[Expected]
    places: list[int]
    """The place of each payout's arrival day in its currency's calendar."""
    minors: Sequence[int]
    kinds: bytearray
    """`COMMON` for a payout that arrives and was made on an earlier business day, with `TRACED` where it has a trace; 0 for all others.

    It is a quick look: what is 0 here may be common nevertheless, and is looked at one by one."""
    as_given: Sequence[int]
    """The payouts in the order in which they were given."""
    targets: list[int]
    """The number of what is known of the account that a payout goes to; 0 where nothing is."""
    goes_to: list[tuple[str | None, str | None]]
    """What is known of the account, by that number: the account, or its last four."""
    by_amount: ByAmount
    currencies: set[str]
    """The currencies of the payouts."""
    descriptors: set[tuple[str | None, str]]
    """What payouts ask the bank to show, each with their connection."""
    lines: list[StatementLine]
    keys: list[LineKey]
    line_places: list[int]
    """The place of each line's day in the calendar of the line's currency."""
    line_minors: Sequence[int]
    """Zero for a line that tells what was sent before an exchange."""
    line_accounts: list[int]
    """The place of each line's account among all accounts in order."""
    doubtful: bytearray
    """Whether a line takes money away, takes a line back, or tells what the bank kept of it."""
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
    if _twice(_permuted(ids, order)):
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
    goes_to: list[tuple[str | None, str | None]]
    by_amount: ByAmount
    currencies: set[str]
    descriptors: set[tuple[str | None, str]]


def _payouts(
    given: Sequence[Expected], order: Sequence[int], numbers: Sequence[int], days: _Days
) -> _Payouts:
    """Column by column in the order in which they lie in memory; only what comes out is put in order."""
    currencies, minors = [one.currency for one in given], [one.minor for one in given]
    statuses = [one.status for one in given]
    places = [
        here[one.arrival_day] for here, one in zip(map(days.__getitem__, currencies), given, strict=True)
    ]
    kinds = [
        (COMMON | TRACED if one.trace_id else COMMON)
        if status in _ARRIVES and here.get(one.created_day, place) < place
        else 0
        for one, here, place, status in zip(
            given, map(days.__getitem__, currencies), places, statuses, strict=True
        )
    ]
    seen = _Numbers[tuple[str | None, str | None]]({(None, None): 0})
    targets = list(map(seen.__getitem__, map(attrgetter("account", "last4"), given)))
    return _Payouts(
        _permuted(given, order), _permuted(places, order), _column(_permuted(minors, order)), bytearray(_permuted(kinds, order)), numbers,
        _permuted(targets, order), list(seen), ByAmount(currencies, minors, statuses, numbers), set(currencies),
        set(map(attrgetter("descriptor", "connection"), given)),
    )  # fmt: skip


class _Numbers(dict[Value, int]):
    """Numbers for things, in the order in which they are asked for."""

    def __missing__(self, key: Value) -> int:
        found = self[key] = len(self)
        return found


def _permuted(column: Sequence[Value], order: Sequence[int]) -> list[Value]:
    return list(map(column.__getitem__, order))


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


def _inverse(order: Sequence[int]) -> list[int]:
    numbers = [0] * len(order)
    for new, old in enumerate(order):
        numbers[old] = new
    return numbers


def _read_lines(payouts: _Payouts, names: Names, *, days: _Days, given: list[StatementLine]) -> Reading:
    accounts, currencies = [line.account for line in given], [line.currency for line in given]
    line_days, minors = [line.day for line in given], [line.minor for line in given]
    places = [days[currency][day] for currency, day in zip(currencies, line_days, strict=True)]
    doubtful = [minor < 0 or line.reversal for minor, line in zip(minors, given, strict=True)]
    sent, charges = _sent(given, currencies, minors)
    for at in charges:
        doubtful[at] = True
    same = payouts.by_amount.of_all(sent.currencies, sent.minors)
    texts, templates = upper_and_template([line.description for line in given])
    seen = _Numbers[tuple[str, str]]()
    forms = list(
        map(seen.__getitem__, zip(templates, [line.counterparty or "" for line in given], strict=True))
    )
    named = names.in_lines(given, texts, forms, [text for text, _ in seen])
    groups = _groups(accounts)
    by_account = {
        account: Seen(set(map(line_days.__getitem__, some)), set(map(currencies.__getitem__, some)))
        for account, some in groups.items()
    }
    keys, order = _in_order(groups, [line.key for line in given])
    if days.unusual:
        payouts = payouts._replace(kinds=bytearray(len(payouts.kinds)))
    return Reading(
        *payouts,
        _permuted(given, order), keys, _permuted(places, order), _column(_permuted(minors, order)),
        list(chain.from_iterable([repeat(at, len(some)) for at, some in enumerate(groups.values())])), bytearray(_permuted(doubtful, order)),
        {new: named[old] for new, old in enumerate(order) if old in named},
        _permuted(same, order), order, texts, forms, list(seen),
        {new: charges[old] for new, old in enumerate(order) if old in charges} if charges else {},
        by_account,
    )  # fmt: skip


class _Sent(NamedTuple):
    """Currencies and amounts of what was sent."""

    currencies: list[str]
    minors: list[int]


def _sent(
    given: list[StatementLine], currencies: list[str], minors: list[int]
) -> tuple[_Sent, dict[int, int]]:
    """What was sent, and what the bank kept of it; where it was in another currency than is booked, the line's amount is taken out."""
    told = [at for at, line in enumerate(given) if line.original_minor is not None]
    if not told:
        return _Sent(currencies, minors), {}
    sent, charges = _Sent([*currencies], [*minors]), dict[int, int]()
    for at in told:
        line, booked = given[at], minors[at]
        original, currency = line.original_minor, line.original_currency
        minors[at] = 0
        if original is None or currency is None:
            continue
        if currency == line.currency:  # no exchange: what is booked is the money
            given[at] = msgspec.structs.replace(line, original_currency=None, original_minor=None)
            minors[at] = booked
            if original != booked:
                charges[at] = abs(original - booked)
        else:
            sent.currencies[at], sent.minors[at] = currency, original
    return sent, charges


def _groups(accounts: Sequence[str]) -> dict[str, list[int]]:
    """The lines of each account, as they were given; the accounts in order."""
    groups: dict[str, list[int]] = {account: [] for account in sorted(set(accounts))}
    for at, account in enumerate(accounts):
        groups[account].append(at)
    return groups


def _in_order(groups: dict[str, list[int]], names: Sequence[str]) -> tuple[list[LineKey], list[int]]:
    """The lines in the order of their accounts and keys."""
    keys: list[LineKey] = []
    order: list[int] = []
    for account, some in groups.items():
        here = sorted(some, key=names.__getitem__)
        there = _permuted(names, here)
        if _twice(there):
            raise Bug("A statement line was given to the matcher twice.")
        keys += zip(repeat(account), there)
        order += here
    return keys, order
