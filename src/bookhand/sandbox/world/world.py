"""A software company in a box: a year of subscriptions, sales, refunds, disputes, fees and payouts at the stand-in.

    engine = World(seed=1).create()                  # a Pinstripe whose clock stands at the end of that year
    World(seed=1, months=3, customers=20, until=1_790_000_000).create(Path("company.db"))

The same seed, sizes and `until` give the same bytes: `engine.digest()` says so. `charges=1_000_000` adds plain
sales until there are about that many charges; memory stays bounded because everything happens day by day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from bookhand.sandbox.stripe.clock import Clock
from bookhand.sandbox.stripe.engine import DEFAULT_ACCOUNT, Pinstripe
from bookhand.sandbox.stripe.events import KEPT_SECONDS
from bookhand.sandbox.world.agenda import DAY, Agenda
from bookhand.sandbox.world.bulk import Bulk
from bookhand.sandbox.world.catalogue import stock
from bookhand.sandbox.world.company import Company
from bookhand.sandbox.world.desk import Desk
from bookhand.sandbox.world.disputes import Disputes
from bookhand.sandbox.world.paperwork import Paperwork
from bookhand.sandbox.world.people import people
from bookhand.sandbox.world.platform import Platform
from bookhand.sandbox.world.shop import Shop
from bookhand.sandbox.world.treasury import Treasury

EUROPE = "acct_1PinstripeEurope0"
UNTIL = 1_793_491_200  # 2026-11-01
SALES_A_MONTH = 40
Told = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class World:
    """One company; what it is depends on these values and on nothing else."""

    seed: int = 1
    months: int = 12
    customers: int = 200
    charges: int | None = None
    until: int = UNTIL
    livemode: bool = False
    odd: bool = False

    @property
    def start(self) -> int:
        """When it begins."""
        return _months_before(self.until, self.months)

    def create(self, path: Path | None = None, told: Told = lambda _share: None) -> Pinstripe:
        """Live through the whole time; `told` hears how much of it is over, from 0 to 1."""
        engine = Pinstripe(path, seed=self.seed, clock=Clock(start=self.start - 3 * DAY))
        engine.events_from = self.until - KEPT_SECONDS
        agenda = Agenda(engine)
        with engine.transaction():
            self._found(engine, agenda)
            self._found_europe(engine, agenda)
        span = self.until - agenda.now
        agenda.run(self.until, lambda now: told(1 - (self.until - now) / span))
        engine.events_from = 0
        return engine

    def _found(self, engine: Pinstripe, agenda: Agenda) -> None:
        engine.account(
            DEFAULT_ACCOUNT, country="US", default_currency="usd", **_named("Lantern Metrics", "US")
        )
        desk = Desk(engine, DEFAULT_ACCOUNT, livemode=self.livemode)
        company = self._subscribers(desk, agenda, "main", self.customers)
        shop = Shop(desk, agenda, self._random("shop"), company.customers)
        paperwork = Paperwork(desk, agenda, self._random("paperwork"), company)
        platform = Platform(desk, agenda, self._random("platform"))
        platform.open()
        treasury = Treasury(desk, agenda, until=self.until)
        treasury.plan(self.month_starts)
        if self.odd:
            treasury.odd()
        Disputes(desk, agenda, start=self.start, until=self.until).plan()
        for start, length in self._month_spans():
            agenda.at(start, partial(shop.month, start, length, sales=self._sales()))
            agenda.at(start, partial(platform.month, start, length))
            agenda.at(start, partial(paperwork.month, start, length))
        if self.charges:
            Bulk(desk, agenda, self._random("bulk"), self.start, self.until).plan(self.charges)

    def _found_europe(self, engine: Pinstripe, agenda: Agenda) -> None:
        """A second account that settles in euros and in dollars, each with its own balance and payouts."""
        engine.account(EUROPE, country="IE", default_currency="eur", **_named("Lantern Metrics Europe", "IE"))
        desk = Desk(engine, EUROPE, livemode=self.livemode)
        desk.post("/_pinstripe/settings", settles=["usd"])
        company = self._subscribers(desk, agenda, "europe", max(2, self.customers // 10))
        shop = Shop(desk, agenda, self._random("shop:europe"), company.customers)
        for start, length in self._month_spans():
            agenda.at(start, partial(shop.month, start, length, sales=6))

    def _subscribers(self, desk: Desk, agenda: Agenda, name: str, how_many: int) -> Company:
        company = Company(
            desk, agenda, stock(desk), seed=f"{self.seed}:{name}", start=self.start, until=self.until
        )
        for person in people(self._random(f"people:{name}"), how_many):
            company.expect(person)
        return company

    def _sales(self) -> int:
        return max(4, SALES_A_MONTH * self.customers // 200)

    def _random(self, name: str) -> Random:
        return Random(f"{self.seed}:{name}")

    @property
    def month_starts(self) -> list[int]:
        """The beginning and every first of a month after it."""
        at = datetime.fromtimestamp(self.start, UTC).replace(day=1, hour=0, minute=0, second=0)
        starts = [self.start]
        while (then := _months_before(int(at.timestamp()), -len(starts))) < self.until:
            starts.append(then)
        return starts

    def _month_spans(self) -> list[tuple[int, int]]:
        starts = self.month_starts
        return [(s, e - s) for s, e in zip(starts, [*starts[1:], self.until], strict=True) if e - s > 3 * DAY]


def _named(name: str, country: str) -> dict[str, Any]:
    return {
        "business_profile": {
            "name": name,
            "url": "https://lantern-metrics.example",
            "support_email": "help@lantern-metrics.example",
        },
        "email": f"finance.{country.lower()}@lantern-metrics.example",
    }


def _months_before(ts: int, months: int) -> int:
    at = datetime.fromtimestamp(ts, UTC)
    years, month = divmod(at.year * 12 + at.month - 1 - months, 12)
    return int(at.replace(year=years, month=month + 1, day=min(at.day, 28)).timestamp())
