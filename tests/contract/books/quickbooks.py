"""QuickBooks on the shelf of the contract of all books: the stand-in over HTTP, with what people do in it.

Joins by one line in `shelf.SHELVES`: ``"quickbooks": quickbooks``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from tests.systems.quickbooks.connecting import Connected, connect_for_test

from bookhand.core.money import Money
from bookhand.db.engine import Database
from bookhand.sandbox.outside.server import running
from bookhand.sandbox.outside.standin import JSON
from bookhand.sandbox.quickbooks.ledger import postings
from bookhand.sandbox.quickbooks.limits import Rates
from bookhand.sandbox.quickbooks.standin import TRADING_REALM, QuickBooks
from bookhand.systems.quickbooks.actions import ACTIONS
from bookhand.systems.quickbooks.translate import KINDS, posted
from bookhand.workspace.secrets_store import Secrets

_NAMES = {
    "bank": "Checking", "clearing": "Stripe clearing", "sales": "Sales", "fees": "Merchant fees", "euro": "Euro account", "old": "Savings",
}  # fmt: skip
_DETAILS = {"JournalEntry": "JournalEntryLineDetail", "Deposit": "DepositLineDetail"}


class Shelf:
    """A company that takes dollars, euros and yen."""

    name = "quickbooks"
    actions = ACTIONS
    chosen: ClassVar[dict[str, str]] = {}

    def __init__(self, qb: QuickBooks, at: Connected) -> None:
        self.qb, self.company = qb, qb.companies[TRADING_REALM]
        self.connection, self.performer, self.books = at.connection, at.performer, at.books
        self.accounts = {what: str(self.company.account(name)["Id"]) for what, name in _NAMES.items()}
        self.company.account("Savings")["Active"] = False

    def edit(self, number: str, *, account: str, minor: int, other: str) -> None:
        """Somebody writes another amount on one line, and what balances it on another."""
        entity, obj = self._find(number)
        lines = [_signed(entity, line) for line in obj["Line"]]
        wanted = {account: Decimal(minor) / 100}
        rest = sum((amount for id_, amount in lines if id_ not in {account, other}), Decimal(0))
        if entity == "JournalEntry":
            wanted[other] = -rest - wanted[account]
        changed = [
            _with(entity, line, wanted.get(id_)) for line, (id_, _) in zip(obj["Line"], lines, strict=True)
        ]
        self._person("update", entity, {"Id": obj["Id"], "Line": changed})

    def move(self, number: str, day: str) -> None:
        """Somebody dates it anew."""
        entity, obj = self._find(number)
        self._person("update", entity, {"Id": obj["Id"], "TxnDate": day})

    def delete(self, number: str) -> None:
        """Somebody deletes it."""
        entity, obj = self._find(number)
        self._person("delete", entity, {"Id": obj["Id"]})

    def copy(self, number: str) -> None:
        """Somebody copies it."""
        entity, obj = self._find(number)
        left_out = {"Id", "SyncToken", "MetaData", "domain", "sparse"}
        self._person("create", entity, {name: value for name, value in obj.items() if name not in left_out})

    def post(self, *, day: str, debit: str, credit: str, minor: int) -> None:
        """Somebody writes an entry of their own."""
        lines = [
            {
                "DetailType": "JournalEntryLineDetail", "Amount": Money(minor, "USD").decimal,
                "JournalEntryLineDetail": {"PostingType": side, "AccountRef": {"value": account}},
            }
            for side, account in (("Debit", debit), ("Credit", credit))
        ]  # fmt: skip
        self._person("create", "JournalEntry", {"TxnDate": day, "PrivateNote": "By hand", "Line": lines})

    def close(self, day: str) -> None:
        """Somebody closes the books."""
        self.company.closed_through = day

    def retire(self, account: str, *, back: bool = False) -> None:
        """Somebody makes an account inactive."""
        self.company.objects["Account"][account]["Active"] = back

    def fault(self, kind: str, *, times: int) -> None:
        """The wire goes wrong on the next writes."""
        self.qb.faults.add(kind, method="POST", path="/v3/*", times=times)

    def check(self) -> list[str]:
        """What does not balance, of everything in the book."""
        return [
            f"{entity} {obj['Id']} does not balance"
            for entity in KINDS
            for obj in self.company.objects[entity].values()
            if sum(line.amount for line in postings(entity, obj))
        ]

    def _find(self, number: str) -> tuple[str, JSON]:
        for entity in KINDS:
            for obj in self.company.objects[entity].values():
                if posted(entity, obj, home="USD").number == number:
                    return entity, obj
        raise KeyError(number)

    def _person(self, operation: str, entity: str, obj: JSON) -> None:
        self.qb.person(TRADING_REALM, operation, entity, obj)


def _signed(entity: str, line: JSON) -> tuple[str, Decimal]:
    """The account and the amount of a line, a debit positive."""
    detail = line[_DETAILS[entity]]
    is_credit = entity == "Deposit" or detail["PostingType"] == "Credit"
    return str(detail["AccountRef"]["value"]), -line["Amount"] if is_credit else line["Amount"]


def _with(entity: str, line: JSON, amount: Decimal | None) -> JSON:
    """A line with another amount, a debit positive."""
    if amount is None:
        return line
    kind = _DETAILS[entity]
    if entity == "Deposit":
        return {**line, "Amount": -amount}
    return {
        **line,
        "Amount": abs(amount),
        kind: {**line[kind], "PostingType": "Debit" if amount > 0 else "Credit"},
    }


@contextmanager
def quickbooks(db: Database, secrets: Secrets, folder: Path) -> Iterator[Any]:
    """The stand-in, with one company connected."""
    qb = QuickBooks(rates=Rates(enabled=False))
    with running(qb) as url:
        at = connect_for_test(url, qb, db, secrets, realm=TRADING_REALM)
        try:
            yield Shelf(qb, at)
        finally:
            at.performer.close()
