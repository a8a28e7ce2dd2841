"""The trading company of the stand-in as a book under contract: what people do in it is done there.

with shelf(db, secrets, folder) as book: ...          # for `SHELVES` of tests/contract/books/shelf.py
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from tests.systems.quickbooks.connecting import BRIEF, Connected, connect_for_test

from bookhand.db.engine import Database
from bookhand.sandbox.outside.server import running
from bookhand.sandbox.quickbooks.limits import Rates
from bookhand.sandbox.quickbooks.person import come_back
from bookhand.sandbox.quickbooks.standin import TRADING_REALM, QuickBooks
from bookhand.systems.quickbooks.actions import ACTIONS
from bookhand.systems.quickbooks.auth import back_of, finish_sign_in, start_sign_in
from bookhand.workspace.secrets_store import Secrets

PATIENT = msgspec.structs.replace(BRIEF, answer_seconds=2.0)
TOO_LATE_SECONDS = 2.3
"""When nobody waits for an answer any more."""
_NAMES = {
    "bank": "Checking", "clearing": "Stripe clearing", "sales": "Sales", "fees": "Merchant fees", "euro": "Euro account",
    "old": "Software and subscriptions",
}  # fmt: skip


class Shelf:
    """Accounts are by what they are for; numbers are those of our documents."""

    name = "quickbooks"
    actions = ACTIONS

    def __init__(self, stand_in: QuickBooks, at: Connected, db: Database, secrets: Secrets) -> None:
        self.stand_in = stand_in
        self._at, self._db, self._secrets = at, db, secrets
        self.company = stand_in.companies[TRADING_REALM]
        self.connection, self.performer, self.books = at.connection, at.performer, at.books
        self.accounts = {what: str(self.company.account(name)["Id"]) for what, name in _NAMES.items()}
        self.chosen = {
            "bank_in_transit": self.accounts["bank"],
            "disputes_pending": str(self.company.account("Disputed payments")["Id"]),
        }
        self.retire(self.accounts["old"])

    def edit(self, number: str, *, account: str, minor: int, other: str) -> None:
        """Somebody writes another amount on two lines, and what is left over goes with the other."""
        entity, found = self._found(number)
        lines = [dict(line) for line in found["Line"]]
        changed = next(line for line in lines if _account(line) == account)
        counter = next(line for line in lines if _account(line) == other)
        change = minor - _signed(changed)
        for line, by in ((changed, change), (counter, -change)):
            amount = _signed(line) + by
            line["Amount"] = Decimal(abs(amount)).scaleb(-2)
            line[line["DetailType"]] = line[line["DetailType"]] | {
                "PostingType": "Debit" if amount > 0 else "Credit"
            }
        self._person("update", entity, {"Id": found["Id"], "Line": lines})

    def reword(self, number: str, *, account: str, memo: str) -> None:
        """Somebody writes another memo on a line."""
        entity, found = self._found(number)
        lines = [
            line | ({"Description": memo} if _account(line) == account else {}) for line in found["Line"]
        ]
        self._person("update", entity, {"Id": found["Id"], "Line": lines})

    def move(self, number: str, day: str) -> None:
        entity, found = self._found(number)
        self._person("update", entity, {"Id": found["Id"], "TxnDate": day})

    def delete(self, number: str) -> None:
        entity, found = self._found(number)
        self._person("delete", entity, {"Id": found["Id"]})

    def copy(self, number: str) -> None:
        entity, found = self._found(number)
        kept = {
            name: value
            for name, value in found.items()
            if name not in {"Id", "SyncToken", "MetaData", "domain", "sparse"}
        }
        self._person("create", entity, kept)

    def post(self, *, day: str, debit: str, credit: str, minor: int) -> None:
        lines = [
            {
                "DetailType": "JournalEntryLineDetail", "Amount": Decimal(minor).scaleb(-2),
                "JournalEntryLineDetail": {"PostingType": way, "AccountRef": {"value": account}},
            }
            for way, account in (("Debit", debit), ("Credit", credit))
        ]  # fmt: skip
        self._person("create", "JournalEntry", {"TxnDate": day, "PrivateNote": "By hand", "Line": lines})

    def close(self, day: str) -> None:
        self.company.closed_through = day

    def retire(self, account: str, *, back: bool = False) -> None:
        self.company.objects["Account"][account]["Active"] = back

    def fault(self, kind: str, *, times: int) -> None:
        """In the way of writes."""
        seconds = TOO_LATE_SECONDS if kind.startswith("slow") else 0.0
        self.stand_in.faults.add(kind, method="POST", path="/v3/*", times=times, seconds=seconds)

    def calm(self) -> None:
        self.stand_in.faults.clear()

    def happened(self, kind: str) -> int:
        return self.stand_in.faults.happened.get(kind, 0)

    def sign_in(self) -> None:
        """A person signs in again, as after the access was taken back."""
        query = come_back(start_sign_in(self._db, self._at.application), realm=TRADING_REALM)
        finish_sign_in(self._db, self._secrets, self._at.application, back_of(query), patience=PATIENT)

    def check(self) -> list[str]:
        """Every entry balances, as QuickBooks keeps it."""
        return [
            f"{entry['Id']} does not balance"
            for entry in self.company.objects["JournalEntry"].values()
            if sum(_signed(line) for line in entry["Line"])
        ]

    def _found(self, number: str) -> tuple[str, dict[str, Any]]:
        """The first of ours with that number."""
        return next(
            (entity, each)
            for entity in ("JournalEntry", "Deposit")
            for each in self.company.objects[entity].values()
            if each.get("DocNumber") == number or number in each.get("PrivateNote", "")
        )

    def _person(self, operation: str, entity: str, obj: dict[str, Any]) -> None:
        self.stand_in.person(TRADING_REALM, operation, entity, obj)


def _account(line: dict[str, Any]) -> str:
    return str(line[line["DetailType"]]["AccountRef"]["value"])


def _signed(line: dict[str, Any]) -> int:
    minor = int(Decimal(str(line["Amount"])).scaleb(2))
    return -minor if line[line["DetailType"]]["PostingType"] == "Credit" else minor


@contextmanager
def shelf(db: Database, secrets: Secrets, folder: Path) -> Iterator[Shelf]:
    """The stand-in started, and connected to."""
    stand_in = QuickBooks(rates=Rates(enabled=False))
    with running(stand_in) as url:
        at = connect_for_test(url, stand_in, db, secrets, realm=TRADING_REALM, patience=PATIENT)
        yield Shelf(stand_in, at, db, secrets)
        at.performer.close()
