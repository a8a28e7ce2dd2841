"""The books that every contract is tried on: a new one joins `SHELVES` with a way to open it.

A `Shelf` is one running book, real as far as the vendor's side of the wire: the folder, or the stand-in over HTTP. What people do in
the book (`edit`, `delete`, `copy`, `post`, `close`) and what goes wrong on the way (`fault`) are done there, never in our own code.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Protocol

from tests.systems.netsuite.shelving import shelf as netsuite
from tests.systems.quickbooks.shelving import shelf as quickbooks

from bookhand.core.action import Action, Item, Sent
from bookhand.core.book import Books
from bookhand.core.problems import BookhandError, Outage, UnknownOutcome
from bookhand.db.engine import Database
from bookhand.systems.beancount.acting_client import BeancountBooks
from bookhand.systems.beancount.actions import ACTIONS as BEANCOUNT
from bookhand.systems.beancount.auth import connect_folder
from bookhand.systems.beancount.client import bean_check
from bookhand.systems.connection import Connection
from bookhand.workspace.secrets_store import Secrets

CHART = """
option "title" "Contract"
option "operating_currency" "USD"
2000-01-01 open Assets:Bank:Checking
  kind: "bank"
2000-01-01 open Assets:Stripe:Clearing
2000-01-01 open Assets:Stripe:Disputes-Pending
2000-01-01 open Assets:Euro EUR
2000-01-01 open Liabilities:Sales-Tax
2000-01-01 open Equity:Suspense
2000-01-01 open Equity:Currency-Conversion
2000-01-01 open Equity:Opening-Balances
2000-01-01 open Income:Sales
2000-01-01 open Income:Sales:Refunds
2000-01-01 open Income:Exchange-Gain-Loss
2000-01-01 open Expenses:Stripe-Fees
2000-01-01 open Expenses:Disputes-Lost
2000-01-01 open Income:Connect
2020-01-01 open Assets:Old
2020-06-01 close Assets:Old
"""


class Shelf(Protocol):
    """One book under test. Accounts are by what they are for: bank, clearing, sales, fees, euro (takes EUR alone), old (inactive)."""

    name: str
    connection: Connection
    books: Books
    performer: Any
    actions: tuple[Action, ...]
    accounts: dict[str, str]
    chosen: dict[str, str]
    """What a person maps where the proposal leaves something open."""

    def edit(self, number: str, *, account: str, minor: int, other: str) -> None: ...
    def reword(self, number: str, *, account: str, memo: str) -> None: ...
    def move(self, number: str, day: str) -> None: ...
    def delete(self, number: str) -> None: ...
    def copy(self, number: str) -> None: ...
    def post(self, *, day: str, debit: str, credit: str, minor: int) -> None: ...
    def close(self, day: str) -> None: ...
    def retire(self, account: str, *, back: bool = False) -> None: ...
    def fault(self, kind: str, *, times: int) -> None: ...
    def calm(self) -> None: ...
    def happened(self, kind: str) -> int: ...
    def sign_in(self) -> None: ...
    def check(self) -> list[str]: ...


class Faulty(BeancountBooks):
    """A folder on a bad disk: it fails before a file is written, or after it, in place of the wire's faults that HTTP has."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self.faults: list[str] = []
        self.happened: Counter[str] = Counter()

    def send_many(
        self, link, action, items: list[Item], *, begin, api_version=None
    ) -> list[Sent | BookhandError]:
        fault = self.faults.pop() if self.faults else None
        self.happened[fault or ""] += 1
        if fault in {"cut_before", "429", "500", "slow", "token_revoked"}:
            raise (UnknownOutcome if fault == "cut_before" else Outage)(
                f"The disk said {fault}.", retry_after_seconds=0.01
            )
        answers = super().send_many(link, action, items, begin=begin, api_version=api_version)
        if fault in {"cut_after", "slow_after"}:
            raise UnknownOutcome("The disk gave no answer.", retry_after_seconds=0.01)
        return answers


class Beancount:
    """A folder."""

    name = "beancount"
    actions = BEANCOUNT
    accounts: ClassVar[dict[str, str]] = {
        "bank": "Assets:Bank:Checking", "clearing": "Assets:Stripe:Clearing", "sales": "Income:Sales", "fees": "Expenses:Stripe-Fees",
        "euro": "Assets:Euro", "old": "Assets:Old",
    }  # fmt: skip
    chosen: ClassVar[dict[str, str]] = {}

    def __init__(self, db: Database, folder: Path) -> None:
        self.folder = folder
        self.connection = connect_folder(db, folder, mode="test", chart=CHART, name="Book")
        self.performer = self.books = Faulty(db)

    def edit(self, number: str, *, account: str, minor: int, other: str) -> None:
        """Somebody writes another amount on two lines."""

        def changed(block: str) -> str:
            for name, amount in ((account, minor), (other, -minor)):
                block = re.sub(rf"(  {name}  )-?[\d.]+( \w+)", rf"\g<1>{amount / 100:.2f}\2", block, count=1)
            return block

        self._change(number, changed)

    def reword(self, number: str, *, account: str, memo: str) -> None:
        """Somebody writes another memo on a line."""
        self._change(
            number,
            lambda block: re.sub(rf'(  {account}  .*\n    memo: )".*"', rf'\g<1>"{memo}"', block, count=1),
        )

    def move(self, number: str, day: str) -> None:
        self._change(number, lambda block: day + block[10:])

    def delete(self, number: str) -> None:
        self._change(number, lambda _: "")

    def copy(self, number: str) -> None:
        self._change(number, lambda block: block + block)

    def post(self, *, day: str, debit: str, credit: str, minor: int) -> None:
        path = self.folder / "mine.beancount"
        before = path.read_text() if path.exists() else ""
        path.write_text(f'{before}\n{day} * "By hand"\n  {debit}  {minor / 100:.2f} USD\n  {credit}\n')
        main = self.folder / "main.beancount"
        if "mine.beancount" not in main.read_text():
            main.write_text(main.read_text() + 'include "mine.beancount"\n')

    def close(self, day: str) -> None:
        chart = self.folder / "chart.beancount"
        chart.write_text(f'{chart.read_text()}\n{day} custom "bookhand" "closed"\n')

    def retire(self, account: str, *, back: bool = False) -> None:
        chart = self.folder / "chart.beancount"
        line = f"2000-01-02 close {account}\n"
        chart.write_text(chart.read_text().replace(line, "") if back else chart.read_text() + line)

    def fault(self, kind: str, *, times: int) -> None:
        self.performer.faults += [kind] * times

    def calm(self) -> None:
        self.performer.faults.clear()

    def happened(self, kind: str) -> int:
        return self.performer.happened[kind]

    def sign_in(self) -> None:
        """A folder asks nobody who they are."""

    def check(self) -> list[str]:
        return bean_check(self.folder / "main.beancount")

    def _change(self, number: str, changed: Callable[[str], str]) -> None:
        for path in (self.folder / "bookhand").glob("2*.beancount"):
            blocks = path.read_text().split("\n\n")
            found = [
                changed(block + "\n\n") if f"^{number}" in block else block + "\n\n"
                for block in blocks
                if block.strip()
            ]
            path.write_text("".join(found))


@contextmanager
def beancount(db: Database, secrets: Secrets, folder: Path) -> Iterator[Shelf]:
    """A Beancount folder."""
    yield Beancount(db, folder / "book")


SHELVES: dict[str, Callable[..., Any]] = {
    "beancount": beancount,
    "netsuite": netsuite,
    "quickbooks": quickbooks,
}
"""Name to how the book is opened: ``with SHELVES[name](db, secrets, tmp_path) as shelf``."""
