"""A document as the parameters of an action, and what a person sees of it before it is written: the same for every book.

``quickbooks.journal_entries.create``, ``netsuite.deposits.create`` … all take `DocumentParams`; a performer makes the `Document` of them.

>>> sale = Document(key="acct_1:test:txn_1", kind="journal_entry", day="2026-01-01", currency="USD", memo="Charge ch_1", lines=(
...     BookLine("84", 10000, "ch_1"), BookLine("79", -10000)))
>>> document_of(DocumentParams(**params_of(sale)).model_dump(exclude_none=True)) == sale
True
>>> document_preview(sale, book="QuickBooks", names={"84": "Stripe clearing", "79": "Sales"}).says
'Write journal entry SS7DKMJRZ4TVP2MCD of 2026-01-01 into QuickBooks: 100.00 USD, Stripe clearing to Sales. Charge ch_1'
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import Field, StringConstraints, model_validator

from bookhand.core.action import MINOR_UNITS, Moves, Params, Preview, Shape, Values
from bookhand.core.book import BookLine, Document
from bookhand.core.money import EXPONENTS, as_text, format_minor

MOST_LINES = 10_000
_WRITTEN_OUT = 40
"""Lines that a preview shows; the rest is counted."""
_KINDS = {"journal_entry": "journal entry", "deposit": "deposit"}


class LineParams(Params):
    """One line of a document."""

    account: Annotated[str, StringConstraints(min_length=1, max_length=80), Field(description="The book's own id of the account.")]  # fmt: skip
    minor: Annotated[int, Field(description="The amount in whole minor units: a debit is positive, a credit negative.", json_schema_extra=MINOR_UNITS)]  # fmt: skip
    memo: Annotated[str, StringConstraints(max_length=4000), Field(description="What the line says.")] = ""
    category: Annotated[str | None, Field(max_length=80, description="The book's own id of the class, if there is one.")] = None  # fmt: skip


class DocumentParams(Params):
    """A document to write into a book: its lines sum to zero in one currency."""

    key: Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=300), Field(description="What it is of, once in a book for ever: a second one of the same key is not written.")]  # fmt: skip
    kind: Annotated[Literal["journal_entry", "deposit"], Field(description="A deposit's first line is the bank account's debit.")]  # fmt: skip
    day: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$"), Field(description="The day it is booked on, ISO.")]  # fmt: skip
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$"), Field(description="Of all its lines, upper-case ISO code.")]  # fmt: skip
    memo: Annotated[str, StringConstraints(max_length=3000), Field(description="What the document says.")] = (
        ""
    )
    lines: Annotated[list[LineParams], Field(min_length=2, max_length=MOST_LINES, description="Two lines or more that sum to zero.")]  # fmt: skip

    @model_validator(mode="after")
    def _sound(self) -> Self:
        """Balanced, on a day there is, in a currency whose decimals are known."""
        date.fromisoformat(self.day)
        if self.currency not in EXPONENTS:
            raise ValueError(f"currency {self.currency} is not in bookhand's table of decimals")
        off = sum(line.minor for line in self.lines)
        if off:
            raise ValueError(f"the lines do not sum to zero: they are off by {as_text(off, self.currency)}")
        if self.kind == "deposit" and self.lines[0].minor <= 0:
            raise ValueError("a deposit's first line is the bank account's, and is a debit")
        return self


class JournalEntryParams(DocumentParams):
    """A journal entry to write into a book."""

    kind: Annotated[Literal["journal_entry"], Field(description="Always journal_entry.")] = "journal_entry"


class DepositParams(DocumentParams):
    """A bank deposit to write into a book; its first line is the bank account's debit."""

    kind: Annotated[Literal["deposit"], Field(description="Always deposit.")] = "deposit"


POSTED = Shape(
    "book_document",
    {
        "id": "the book's own id of the document", "version": "changes with every edit in the book", "number": "its document number there",
        "key": "bookhand's key, from the mark in its note", "kind": "journal_entry or deposit", "day": "the day it is booked on",
        "currency": "of its lines", "lines": "account, minor (debit positive), memo, category",
    },
)  # fmt: skip
"""What a book gives back of a document that was written: `core.book.Posted` as JSON."""


def params_of(document: Document) -> dict[str, Any]:
    """`document` as the parameters of the action that writes it."""
    found: dict[str, Any] = msgspec.to_builtins(document)
    found["lines"] = [{n: v for n, v in line.items() if v is not None} for line in found["lines"]]
    return found


def document_of(values: Values) -> Document:
    """The document that checked parameters tell."""
    lines = tuple(
        BookLine(line["account"], line["minor"], line.get("memo", ""), line.get("category"))
        for line in values["lines"]
    )
    return Document(
        key=values["key"], kind=values["kind"], day=values["day"], currency=values["currency"],
        memo=values.get("memo", ""), lines=lines,
    )  # fmt: skip


def document_preview(
    document: Document, *, book: str, names: Mapping[str, str], warnings: tuple[str, ...] = ()
) -> Preview:
    """What is about to be written, in words, with its lines and its total; `names` are the accounts' by id."""
    total = debit_of(document)
    amount = f"{format_minor(total, document.currency)} {document.currency}"
    kind = _KINDS[document.kind]
    return Preview(
        says=f"Write {kind} {document.number} of {document.day} into {book}: {amount}, {_way(document, names)}. {document.memo}".strip(),
        subject=document.key, moves=(Moves(total, document.currency, f"total debit of the {kind}"),),
        books=_lines(document, names), warnings=warnings,
    )  # fmt: skip


def debit_of(document: Document) -> int:
    """The sum of its debits."""
    return sum(line.minor for line in document.lines if line.minor > 0)


def _way(document: Document, names: Mapping[str, str]) -> str:
    debits = dict.fromkeys(names.get(line.account, line.account) for line in document.lines if line.minor > 0)
    credits_ = dict.fromkeys(
        names.get(line.account, line.account) for line in document.lines if line.minor < 0
    )
    return f"{_some(list(debits))} to {_some(list(credits_))}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")  # noqa: PLR2004 (three are named)


def _lines(document: Document, names: Mapping[str, str]) -> tuple[str, ...]:
    shown = [
        f"{names.get(line.account, line.account)}  {format_minor(line.minor, document.currency)} {document.currency}"
        + (f"  {line.memo}" if line.memo else "")
        for line in document.lines[:_WRITTEN_OUT]
    ]
    left = len(document.lines) - _WRITTEN_OUT
    return (*shown, *([f"and {left} lines more"] if left > 0 else ()))
