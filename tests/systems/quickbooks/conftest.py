"""The stand-in QuickBooks over HTTP, and a company of it connected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.systems.quickbooks.connecting import Connected, connect_for_test

from bookhand.core.book import BookLine, Document
from bookhand.core.book_params import params_of
from bookhand.db.engine import Database
from bookhand.sandbox.outside.server import running
from bookhand.sandbox.quickbooks.limits import Rates
from bookhand.sandbox.quickbooks.standin import SMALL_REALM, TRADING_REALM, QuickBooks
from bookhand.systems.quickbooks.actions import CREATES
from bookhand.workspace.secrets_store import Secrets


@pytest.fixture
def stand_in() -> Iterator[tuple[QuickBooks, str]]:
    made = QuickBooks(rates=Rates(enabled=False))
    with running(made) as url:
        yield made, url


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path)


@dataclass
class Desk:
    """One company connected, with short ways to do what tests do."""

    qb: QuickBooks
    url: str
    at: Connected
    realm: str
    db: Database
    secrets: Secrets
    sent: int = field(default=0)

    def id(self, account: str) -> str:
        return str(self.qb.companies[self.realm].account(account)["Id"])

    def sale(self, number: int = 1, minor: int = 10_000, **given: Any) -> Document:
        lines = (
            BookLine(self.id("Stripe clearing"), minor - 320, f"ch_{number}"),
            BookLine(self.id("Merchant fees"), 320, f"fee of ch_{number}"),
            BookLine(self.id("Sales"), -minor, f"ch_{number}"),
        )
        told = {
            "key": f"acct_1:test:txn_{number}", "kind": "journal_entry", "day": "2026-03-05", "currency": "USD",
            "memo": f"Charge ch_{number}", "lines": lines,
        }  # fmt: skip
        return Document(**(told | given))

    def payout(self, number: int = 1, **given: Any) -> Document:
        lines = (
            BookLine(self.id("Checking"), 9_180, f"po_{number}"),
            BookLine(self.id("Sales"), -10_000, "ch_1", self.category("Online shop")),
            BookLine(self.id("Merchant fees"), 320, "fee of ch_1"),
            BookLine(self.id("Refunds and allowances"), 500, "re_1"),
        )
        told = {
            "key": f"acct_1:test:po_{number}", "kind": "deposit", "day": "2026-03-07", "currency": "USD", "memo": f"Payout po_{number}",
            "lines": lines,
        }  # fmt: skip
        return Document(**(told | given))

    def category(self, name: str) -> str:
        return next(
            id_
            for id_, each in self.qb.companies[self.realm].objects["Class"].items()
            if each["Name"] == name
        )

    def write(self, document: Document, *, key: str | None = None) -> Any:
        self.sent += 1
        return self.at.performer.send(
            self.at.link,
            CREATES[document.kind],
            params_of(document),
            key=key or f"bh_{self.sent}",
            marker=f"p{self.sent}_0",
        )

    def look(
        self, document: Document, *, since: int | None = None, key: str = "bh_1", marker: str = "p1_0"
    ) -> Any:
        return self.at.performer.look_up(
            self.at.link, CREATES[document.kind], params_of(document), key=key, marker=marker,
            since=int(self.qb.clock.now()) if since is None else since,
        )  # fmt: skip

    def held(self, entity: str = "JournalEntry") -> list[dict[str, Any]]:
        return list(self.qb.companies[self.realm].objects[entity].values())

    def fault(self, kind: str, **how: Any) -> None:
        self.qb.faults.add(kind, **({"method": "POST", "path": "/v3/*"} | how))


@pytest.fixture
def new_desk(
    stand_in: tuple[QuickBooks, str], db: Database, secrets: Secrets
) -> Iterator[Callable[..., Desk]]:
    opened: list[Desk] = []

    def make(*, realm: str = SMALL_REALM, **how: Any) -> Desk:
        qb, url = stand_in
        at = connect_for_test(url, qb, db, secrets, realm=realm, **how)
        opened.append(Desk(qb, url, at, realm, db, secrets))
        return opened[-1]

    yield make
    for desk in opened:
        desk.at.performer.close()


@pytest.fixture
def desk(new_desk: Callable[..., Desk]) -> Desk:
    return new_desk()


@pytest.fixture
def trading(new_desk: Callable[..., Desk]) -> Desk:
    return new_desk(realm=TRADING_REALM)
