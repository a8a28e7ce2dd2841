"""A shop at the stand-in Stripe over HTTP, read through the real inbox into the real journal."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bookhand.core.facts import Link
from bookhand.db.engine import Database
from bookhand.inbox import store as inbox
from bookhand.inbox.delivery import of_event
from bookhand.inbox.errands_workflow import run_errands
from bookhand.inbox.workflow import drain
from bookhand.journal import workflow as journal
from bookhand.sandbox.bank.files import render
from bookhand.sandbox.bank.lines import BankAccount, BankLine
from bookhand.sandbox.stripe.clock import Clock
from bookhand.sandbox.stripe.engine import Pinstripe
from bookhand.sandbox.stripe.server import running
from bookhand.systems.bank.intake_workflow import Intake, Taken
from bookhand.systems.client import Gate, LocalLeaser
from bookhand.systems.connection import Connection
from bookhand.systems.stripe.client import StripeReader
from bookhand.workflows.payouts import payout_store

MONDAY = 1_760_313_600  # 2025-10-13 00:00 UTC
DAY = 86_400
ACCOUNT = "acct_1Test"
READERS = (journal.read, payout_store.read)


class Shop:
    """The account's API, its clock, and `sync`: everything that happened since is read."""

    def __init__(self, db: Database, link: Link, engine: Pinstripe, reader: StripeReader) -> None:
        self.db, self.link, self.engine, self.reader = db, link, engine, reader
        self.key = engine.keys(ACCOUNT).test
        self._seen: set[str] = set()

    def get(self, path: str, **params: Any) -> Any:
        return self._send("GET", path, params)

    def post(self, path: str, **params: Any) -> Any:
        return self._send("POST", path, params)

    def _send(self, method: str, path: str, params: Any) -> Any:
        answer = self.engine.call(method, path, params, key=self.key)
        assert answer.status == 200, answer.body
        return answer.json()

    def pay(self, amount: int, currency: str = "usd") -> str:
        made = self.post(
            "/v1/payment_intents",
            amount=amount,
            currency=currency,
            payment_method="pm_card_visa",
            confirm=True,
        )
        return str(made["latest_charge"])

    def wait(self, days: float) -> None:
        self.engine.advance(self.engine.clock.now() + int(days * DAY))

    def today(self) -> str:
        return datetime.fromtimestamp(self.engine.clock.now(), UTC).date().isoformat()

    def manual(self) -> None:
        self.post("/v1/balance_settings", payments={"payouts": {"schedule": {"interval": "manual"}}})

    def payouts(self, **filters: Any) -> list[Any]:
        """Oldest first."""
        found: list[Any] = self.get("/v1/payouts", limit=100, **filters)["data"]
        return found[::-1]

    def sync(self, *, seed: int | None = None) -> None:
        """Read every event since the last time (shuffled by `seed`), and whatever it says must be asked for."""
        events = [bytes(raw) for page in self.reader.pages("/v1/events", {}) for raw in page.data]
        fresh = [each for each in map(of_event, events) if each.key not in self._seen]
        if seed is not None:
            random.Random(seed).shuffle(fresh)
        self._seen.update(each.key for each in fresh)
        with self.db.transaction() as cx:
            inbox.receive(cx, self.link, fresh)
        while drain(self.db, self.link, READERS) or run_errands(
            self.db, self.link, self.reader, clock=self.engine.clock.now, kinds=("pull", "members")
        ):
            pass


@pytest.fixture
def open_shop(db: Database, link: Link) -> Iterator[Callable[[], Shop]]:
    """Open a shop on its own stand-in, over its own socket."""
    engine = Pinstripe(seed=7, clock=Clock(start=MONDAY + 9 * 3600))
    engine.account(ACCOUNT)
    with running(engine) as url:
        connection = Connection(
            link=link, name="Shop", livemode=False, auth="key", status="active",
            settings={"base_url": url, "limits": {"account": 100_000, "endpoint": 100_000}},
        )  # fmt: skip
        with StripeReader(
            connection, token=lambda: engine.keys(ACCOUNT).test, gate=Gate(LocalLeaser())
        ) as reader:
            yield lambda: Shop(db, link, engine, reader)
    engine.close()


@pytest.fixture
def shop(open_shop: Callable[[], Shop]) -> Shop:
    return open_shop()


BANK = "DE89370400440532013000"


class Bank:
    """A bank that sends a CAMT.053 file for each of its lines: ``bank.line(day, minor, "STRIPE …")`` is on a statement that was read."""

    def __init__(self, db: Database) -> None:
        self.db, self.intake, self.count = db, Intake(db, mode="test"), 0
        self.balance: Counter[str] = Counter()

    def line(
        self,
        day: str,
        minor: int,
        description: str,
        *,
        currency: str = "USD",
        reference: str = "",
        since: str | None = None,
    ) -> tuple[str, str]:
        """Its account and key; its statement covers the days from `since` on."""
        self.count += 1
        number = BANK if currency == "USD" else f"{BANK[:-3]}{currency}"
        whole = BankAccount(
            number=number, currency=currency, opening_minor=self.balance[number], statement_no=self.count, from_day=since,
            lines=(BankLine(id=f"TX{self.count}", day=day, minor=minor, description=description, reference=reference),),
        )  # fmt: skip
        self.balance[number] += minor
        taken = self.intake.take(render(whole, "camt053"), name=f"{self.count}.xml", by="person:1")
        assert isinstance(taken, Taken)
        assert taken.new_lines == 1
        with self.db.transaction() as cx:
            row = cx.execute(
                "select account, key from statement_line order by line_id desc limit 1"
            ).fetchone()
        assert row is not None
        return row[0], row[1]


@pytest.fixture
def bank(db: Database) -> Bank:
    return Bank(db)


def day_of(payout: Any) -> str:
    """The day on which a payout should be at the bank."""
    return datetime.fromtimestamp(payout["arrival_date"], UTC).date().isoformat()
