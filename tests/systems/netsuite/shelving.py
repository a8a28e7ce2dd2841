"""The OneWorld account of the stand-in as a book under contract: what people do in it is done there, over its switches.

with shelf(db, secrets, folder) as book: ...          # for `SHELVES` of tests/contract/books/shelf.py
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.systems.netsuite.connecting import ONE_WORLD, QUICK, Connected, connected, switch

from bookhand.core.book import number_of
from bookhand.db.engine import Database
from bookhand.sandbox.netsuite.company import Period
from bookhand.sandbox.netsuite.netsuite import NetSuite
from bookhand.sandbox.netsuite.transaction import Transaction
from bookhand.sandbox.outside.server import running
from bookhand.systems.netsuite.actions import ACTIONS
from bookhand.systems.netsuite.marks import key_of
from bookhand.workspace.secrets_store import Secrets

SLUG = "tstdrv1001"


class Shelf:
    """Accounts are by what they are for; numbers are those of our documents."""

    name = "netsuite"
    actions = ACTIONS

    def __init__(self, stand_in: NetSuite, url: str, opened: Connected) -> None:
        self.stand_in = stand_in
        self.url = url
        self.connection, self.performer, self.books = opened
        chart = stand_in.accounts[SLUG].company
        numbers = {
            "bank": "1000",
            "clearing": "1095",
            "sales": "4000",
            "fees": "6010",
            "euro": "1015",
            "old": "6999",
        }
        self.accounts = {what: chart.by_number(number).id for what, number in numbers.items()}
        self.chosen = {"bank_in_transit": self.accounts["bank"], "dispute_fees": self.accounts["fees"]}

    def edit(self, number: str, *, account: str, minor: int, other: str) -> None:
        """Somebody writes another amount on two lines; what is left over goes with the other."""
        found = self._found(number)
        lines = [[line.account, line.minor, line.memo] for line in found.lines]
        changed = next(line for line in lines if line[0] == account)
        counter = next(line for line in lines if line[0] == other)
        counter[1] -= minor - changed[1]
        changed[1] = minor
        self._change(found, {"line": {"items": [_item(*line) for line in lines]}}, replace=["line"])

    def reword(self, number: str, *, account: str, memo: str) -> None:
        """Somebody writes another memo on a line."""
        found = self._found(number)
        lines = [
            (each.account, each.minor, memo if each.account == account else each.memo) for each in found.lines
        ]
        self._change(found, {"line": {"items": [_item(*line) for line in lines]}}, replace=["line"])

    def move(self, number: str, day: str) -> None:
        self._change(self._found(number), {"tranDate": day})

    def delete(self, number: str) -> None:
        found = self._found(number)
        switch(self.url, "delete", account=SLUG, record=found.record, id=found.id)

    def copy(self, number: str) -> None:
        """ "Make Copy" in NetSuite: everything but the external id."""
        found = self._found(number)
        self._post(found.day, found.memo, [(line.account, line.minor, line.memo) for line in found.lines])

    def post(self, *, day: str, debit: str, credit: str, minor: int) -> None:
        self._post(day, "By hand", [(debit, minor, ""), (credit, -minor, "")])

    def close(self, day: str) -> None:
        """Close the period that ends with `day`: where a month goes on after it, this company's periods are shorter ones."""
        account = self.stand_in.accounts[SLUG]
        period = account.company.period_of(day)
        assert period is not None
        if period.end != day:
            after = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
            number = str(len(account.company.periods) + 1)
            account.company.periods[number] = Period(number, f"{period.name} (rest)", after, period.end)
            period.end = day
        switch(self.url, "period", account=SLUG, name=period.name)

    def retire(self, account: str, *, back: bool = False) -> None:
        switch(self.url, "inactive", account=SLUG, id=account, inactive=not back)

    def fault(self, kind: str, *, times: int) -> None:
        """In the way of writes."""
        seconds = QUICK.answer_seconds + 0.3 if kind.startswith("slow") else 0.0
        self.stand_in.faults.add(kind, method="PUT", times=times, seconds=seconds)

    def calm(self) -> None:
        self.stand_in.faults.clear()

    def happened(self, kind: str) -> int:
        return self.stand_in.faults.happened.get(kind, 0)

    def sign_in(self) -> None:
        """The certificate still holds: another token is fetched without anybody."""

    def check(self) -> list[str]:
        """Every transaction balances, and stands in SuiteQL as it stands in the records."""
        account = self.stand_in.accounts[SLUG]
        _, [(held,)] = account.tables.select('select count(*) from "transaction"')
        off = [each.id for each in account.transactions.values() if sum(line.minor for line in each.lines)]
        return [f"{each} does not balance" for each in off] + (
            [] if held == len(account.transactions) else ["the tables differ"]
        )

    def _found(self, number: str) -> Transaction:
        """The one with that number of ours: written by us, not a copy."""
        several = [
            each
            for each in self.stand_in.accounts[SLUG].transactions.values()
            if each.external_id and number_of(key_of(each.external_id, each.memo) or "") == number
        ]
        return several[0]

    def _change(self, found: Transaction, body: dict[str, Any], *, replace: list[str] | None = None) -> None:
        switch(
            self.url, "edit", account=SLUG, record=found.record, id=found.id, body=body, replace=replace or []
        )

    def _post(self, day: str, memo: str, lines: list[tuple[str, int, str]]) -> None:
        body = {
            "tranDate": day,
            "memo": memo,
            "subsidiary": {"id": "1"},
            "line": {"items": [_item(*line, exact=True) for line in lines]},
        }
        with self.stand_in.lock:
            self.stand_in.accounts[SLUG].create("journalEntry", body, at=f"{day}T12:00:00Z")


def _item(account: str, minor: int, memo: str, *, exact: bool = False) -> dict[str, Any]:
    amount: Any = Decimal(abs(minor)).scaleb(-2)
    return {
        "account": {"id": account},
        "debit" if minor > 0 else "credit": amount if exact else float(amount),
        "memo": memo,
    }


@contextmanager
def shelf(db: Database, secrets: Secrets, folder: Path) -> Iterator[Shelf]:
    """The stand-in started, and connected to."""
    stand_in = NetSuite()
    with running(stand_in) as url, connected(url, db, secrets, account=ONE_WORLD, subsidiary="1") as opened:
        yield Shelf(stand_in, url, opened)
    stand_in.close()
