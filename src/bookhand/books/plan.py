"""The plan of a Beancount book: which files it has, what each is made from, and what stands in them; pure.

    main.beancount       the options, and includes of all others: the file to open
    accounts.beancount   currencies and accounts
    2026-01.beancount    the entries booked in a month, oldest first
    balances.beancount   for each month's end what the accounts at Stripe hold, to the cent

A file is written again only when what it was made from changed: the journal only grows, so counting a month's entries is enough.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache

import msgspec

from bookhand.core.days import next_period
from bookhand.core.entry import Entry
from bookhand.core.facts import Link
from bookhand.journal.chart import Chart
from bookhand.systems.beancount import translate
from bookhand.systems.beancount.translate import Names

FORMAT = "1"
MAIN, ACCOUNTS, BALANCES = "main.beancount", "accounts.beancount", "balances.beancount"
_AT_STRIPE = frozenset({
    "stripe_clearing", "disputes_pending", "reserves", "reserves_minimum_balance", "instant_payout_bridge", "issuing_holds",
})  # fmt: skip
"""Roles whose accounts only bookhand posts to, so that their balances can be asserted beside a person's own entries."""


class Shelf(msgspec.Struct, frozen=True, kw_only=True):
    """What one connection brings to the book: entries counted by month, and activity by (month, account, currency)."""

    link: Link
    months: dict[str, int]
    activity: dict[tuple[str, str, str], int]

    @property
    def label(self) -> str:
        """The connection's part in account names: the account, and the mode where it is not live."""
        return self.link.account if self.link.mode == "live" else f"{self.link.account}-{self.link.mode}"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A book to be: the chart, the time zone and a shelf for each connection."""

    chart: Chart
    timezone: str
    shelves: tuple[Shelf, ...]

    @property
    def months(self) -> list[str]:
        """The months that have entries."""
        return sorted({month for shelf in self.shelves for month in shelf.months})

    @property
    def currencies(self) -> list[str]:
        """The currencies that have been posted."""
        return sorted({currency for shelf in self.shelves for _, _, currency in shelf.activity})

    def made_from(self, name: str) -> str:
        """What the file `name` is made from, in a few words: equal words, equal file."""
        month = name.removesuffix(".beancount")
        counts = [f"{shelf.label}={shelf.months.get(month, 0)}" for shelf in self.shelves]
        if name == MAIN:
            counts = [f"months={','.join(self.months)}", f"currencies={','.join(self.currencies)}"]
        elif name in {ACCOUNTS, BALANCES}:
            counts = [f"{shelf.label}={sum(shelf.months.values())}" for shelf in self.shelves]
        return " ".join(
            [f"format={FORMAT}", f"chart={self.chart.digest()}", f"timezone={self.timezone}", *counts]
        )


def files(plan: Plan) -> list[str]:
    """The names of the book's files, `MAIN` last, so that what it includes is there before it."""
    return [*(f"{month}.beancount" for month in plan.months), ACCOUNTS, BALANCES, MAIN]


def main_file(plan: Plan) -> Iterator[str]:
    """The file to open."""
    modes = sorted({shelf.link.mode for shelf in plan.shelves})
    yield f'option "title" "bookhand: {", ".join(shelf.label for shelf in plan.shelves)} ({", ".join(modes)})"\n'
    for currency in plan.currencies:
        yield f'option "operating_currency" "{translate.commodity(currency)}"\n'
    yield "\n"
    yield f'include "{ACCOUNTS}"\n'
    for month in plan.months:
        yield f'include "{month}.beancount"\n'
    yield f'include "{BALANCES}"\n'


def accounts_file(plan: Plan) -> Iterator[str]:
    """Every currency and account that has been used, open from the first month on."""
    if not plan.months:
        return
    day = f"{plan.months[0]}-01"
    used = [(shelf, account, currency) for shelf in plan.shelves for _, account, currency in shelf.activity]
    for currency in plan.currencies:
        yield translate.commodity_directive(day, currency)
    yield "\n"
    opened: dict[str, str] = {}
    for shelf, account, currency in used:
        name = plan.chart.name(account, currency=currency, connection=shelf.label)
        opened[name] = _opening(day, name, shelf.link, account, currency)
    for name in sorted(opened):
        yield opened[name]


def balances_file(plan: Plan) -> Iterator[str]:
    """What each account at Stripe holds when a month has ended: at the start of the next one."""
    moved: defaultdict[str, dict[tuple[str, str], int]] = defaultdict(dict)
    proven: set[str] = set()
    for shelf in plan.shelves:
        for (month, account, currency), minor in shelf.activity.items():
            name = plan.chart.name(account, currency=currency, connection=shelf.label)
            key = (name, currency)
            moved[month][key] = moved[month].get(key, 0) + minor
            if account.partition(":")[0] in _AT_STRIPE:
                proven.add(name)
    held: dict[tuple[str, str], int] = {}
    for month in sorted(moved):
        for key, minor in moved[month].items():
            held[key] = held.get(key, 0) + minor
        for name, currency in sorted(held):
            if name in proven:
                yield translate.exact_balance(
                    f"{next_period(month)}-01", name, held[name, currency], currency
                )


def month_file(plan: Plan, entries: Sequence[Iterable[tuple[str, Entry]]]) -> Iterator[str]:
    """The entries booked in a month (for each shelf, by time), and the prices at which currencies were exchanged."""
    streams = [
        _tagged(index, _names(plan.chart, shelf.label), stream)
        for index, (shelf, stream) in enumerate(zip(plan.shelves, entries, strict=True))
    ]
    merged = streams[0] if len(streams) == 1 else heapq.merge(*streams, key=_when)
    prices: dict[tuple[str, str, str], Decimal] = {}
    for _, names, day, entry in merged:
        yield translate.transaction(entry, day, names, timezone=plan.timezone)
        if entry.kind == "exchange" and (found := translate.price(entry)) is not None:
            currency, other, rate = found
            prices[day, currency, other] = rate
    for day, currency, other in sorted(prices):
        yield translate.price_directive(day, currency, other, prices[day, currency, other])


_Tagged = tuple[int, Names, str, Entry]


def _tagged(index: int, names: Names, stream: Iterable[tuple[str, Entry]]) -> Iterator[_Tagged]:
    for day, entry in stream:
        yield index, names, day, entry


def _when(tagged: _Tagged) -> tuple[int, str, int]:
    index, _, _, entry = tagged
    return entry.happened_at, entry.key, index


def _names(chart: Chart, label: str) -> Names:
    @cache
    def name(account: str, currency: str) -> str:
        return chart.name(account, currency=currency, connection=label)

    return name


def _opening(day: str, name: str, link: Link, account: str, currency: str) -> str:
    role, _, detail = account.partition(":")
    if role == "stripe_clearing":
        notes: Mapping[str, str] = {"stripe_account": link.account, "mode": link.mode, "balance_type": detail}
        return translate.opening(day, name, currency=currency, notes=dict(notes))
    return translate.opening(day, name, notes={"role": role} | ({"detail": detail} if detail else {}))
