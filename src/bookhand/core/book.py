"""Books as other systems keep them: the documents that bookhand writes into one, and what it reads back; the role `Books`.

A `Document` is what a posting method makes of journal entries for one book, before any vendor's JSON: lines on the book's own accounts
that sum to zero in one currency. Its `key` is written once in a book, for ever; `number` is that key in the 17 characters that every
book's document number takes. Amounts are whole minor units, debit positive.

>>> sale = Document(key="acct_1:test:txn_1", kind="journal_entry", day="2026-01-01", currency="USD", memo="Charge ch_1", lines=(
...     BookLine("84", 9680, "ch_1"), BookLine("60", 320, "fee of ch_1"), BookLine("79", -10000, "ch_1")))
>>> sale.imbalance, len(sale.number), sale.reversed(day="2026-02-01").lines[2].minor
(0, 17, 10000)
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterator
from typing import Literal, Protocol

import msgspec

from bookhand.core.facts import Link
from bookhand.core.ready import ready

DocumentKind = Literal["journal_entry", "deposit"]
Nature = Literal["asset", "bank", "liability", "equity", "income", "expense", "other"]
PostingMethod = Literal["clearing", "deposit", "daily_summary"]

KEY_MARK = "bookhand:"
"""Before a document's key in the note of every document that bookhand writes: how it knows its own again."""
REVERSAL = ":reversal"


class BookLine(msgspec.Struct, frozen=True):
    """One line: `account` is the book's own id; `minor` is signed, a debit positive; `category` is the book's class, if one is mapped."""

    account: str
    minor: int
    memo: str = ""
    category: str | None = None


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A journal entry, or a bank deposit (its first line is the bank account's debit, and is positive)."""

    key: str
    kind: DocumentKind
    day: str
    currency: str
    memo: str
    lines: tuple[BookLine, ...]

    @property
    def imbalance(self) -> int:
        """What the lines sum to: zero for a good document."""
        return sum(line.minor for line in self.lines)

    @property
    def number(self) -> str:
        """The document number: short, the same for the same key, and hardly ever the same for two (80 bits)."""
        return number_of(self.key)

    def reversed(self, *, day: str) -> Document:
        """The document that undoes this one; always a journal entry, for a deposit cannot be negative."""
        lines = tuple(msgspec.structs.replace(line, minor=-line.minor) for line in self.lines)
        return Document(
            key=self.key + REVERSAL, kind="journal_entry", day=day, currency=self.currency, memo=f"Reverses {self.number}: {self.memo}",
            lines=lines,
        )  # fmt: skip


def number_of(key: str) -> str:
    """``S`` and 16 characters of base32 of the key's hash."""
    return "S" + base64.b32encode(hashlib.sha256(key.encode()).digest()[:10]).decode()


class BookAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account of the book's chart, as the book has it."""

    id: str
    name: str
    """With its parents, colons between: ``Expenses:Stripe fees``."""
    number: str | None = None
    nature: Nature
    detail: str = ""
    """The vendor's own type, in its words."""
    currency: str | None = None
    active: bool = True


class Company(msgspec.Struct, frozen=True, kw_only=True):
    """What a book says of the company it is of."""

    id: str
    name: str
    home_currency: str
    currencies: tuple[str, ...]
    """All that documents may be in; only the home currency where the book has one."""
    closed_through: str | None = None
    """The last closed day, where the book tells."""
    categories: tuple[tuple[str, str], ...] = ()
    """Classes: (id, name)."""
    tax_codes: tuple[tuple[str, str], ...] = ()
    pace: str = ""
    """How fast the vendor lets us write, in words, for the setup."""
    documents_per_second: float = 0.0


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """A document of ours as it stands in the book now. `version` changes with every edit (SyncToken, last modified)."""

    id: str
    version: str
    number: str
    key: str | None
    """From our mark; None where somebody removed it."""
    kind: DocumentKind
    day: str
    currency: str
    lines: tuple[BookLine, ...]


class BookPosting(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the book's own general ledger, whoever wrote it, in the document's currency."""

    account: str
    day: str
    currency: str
    minor: int
    document: str
    """The book's id of the document."""
    document_kind: str
    """The vendor's word: JournalEntry, Deposit, Expense …"""
    number: str | None = None
    memo: str = ""


class Books(Protocol):
    """An outside ledger, read. Writing goes through the door: see `Performer.send` with the actions that `writes` names.

    All raise `Refusal` (a person must act) and `Outage` (try again).
    """

    def company(self, link: Link) -> Company:
        """Whose book it is, and what it can take."""
        ...

    def accounts(self, link: Link) -> list[BookAccount]:
        """Every account, inactive ones too."""
        ...

    def documents(self, link: Link, *, since: str, until: str) -> Iterator[Posted]:
        """The documents of ours that are dated from `since` to `until` (both included), as they stand now."""
        ...

    def postings(
        self, link: Link, accounts: Collection[str], *, since: str, until: str
    ) -> Iterator[BookPosting]:
        """Every line on `accounts` dated from `since` to `until` (both included), whoever wrote it."""
        ...


ready(BookLine, Document, BookAccount, Company, Posted, BookPosting)  # see core.ready
