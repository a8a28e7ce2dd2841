"""The bank reconciliation statement: from the balance per bank to the balance per books, item by item; pure.

Each item is what the books have and the bank has not (positive), or the other way round (negative), so that

    balance per bank + items = balance per books

and what is left, if anything, is named as an unexplained difference. `rows` is the statement as it is read, for every form it is given in.

>>> fee = Item(cause=Cause.BANK_FEE_LINE, day="2026-11-30", minor=1500, text="WIRE FEE", reference="k7")
>>> transit = Item(cause=Cause.IN_TRANSIT, day="2026-11-30", minor=99_000, text="Payout", reference="po_1")
>>> found = Reconciliation(company="Acme", account="DE1", currency="USD", as_of="2026-11-30", bank_minor=1_000_000,
...     books_minor=1_100_500, items=(fee, transit))
>>> found.items_minor, found.difference_minor, found.holds
(100500, 0, True)
>>> accounting(-123456789, "USD"), accounting(500, "JPY"), accounting(-12340, "KWD")
('(1,234,567.89)', '500', '(12.340)')
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final, Literal

import msgspec

from bookhand.core.money import exponent, format_minor
from bookhand.core.ready import ready
from bookhand.workflows.payouts.breaks import Break, Cause

_SECTIONS: Final[tuple[tuple[str, tuple[Cause, ...]], ...]] = (
    ("Payouts in transit", (Cause.IN_TRANSIT, Cause.NOT_COVERED)),
    ("Payouts missing at the bank", (Cause.MISSING, Cause.LATE)),
    ("Failed and returned payouts", (Cause.FAILED, Cause.FAILED_BACK, Cause.FAILED_NOT_RETURNED, Cause.RETURNED_NOT_FAILED, Cause.CANCELED)),
    ("Bank fees that are not booked", (Cause.BANK_FEE_LINE, Cause.BANK_FEE)),
    ("Exchange at the bank", (Cause.FX,)),
    ("Waiting for an answer", (Cause.AMOUNT, Cause.DUPLICATE, Cause.SAME_AMOUNT, Cause.WEAK, Cause.CONTRADICTION, Cause.BATCH, Cause.SPLIT,
                               Cause.BREAKDOWN, Cause.MANUAL_PAYOUT)),
    ("Lines that look like Stripe's, without a payout", (Cause.LOOKS_LIKE_STRIPE,)),
    ("The company's other business", (Cause.FOREIGN,)),
    ("Differences in the book", (Cause.MISSING_IN_BOOK, Cause.EDITED_IN_BOOK, Cause.DOUBLED_IN_BOOK, Cause.FOREIGN_IN_BOOK)),
    ("Other", (Cause.UNKNOWN,)),
)  # fmt: skip
_TITLE: Final = {cause: title for title, causes in _SECTIONS for cause in causes}


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A reconciling item. `minor` leads from the bank to the books: positive where the books have it and the bank has not."""

    cause: Cause
    day: str
    minor: int
    text: str
    """What it is, as a person reads it; may come from a bank or a customer."""
    reference: str = ""
    owner: str | None = None


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Items of one kind, oldest first."""

    title: str
    items: tuple[Item, ...]

    @property
    def minor(self) -> int:
        """What they come to."""
        return sum(item.minor for item in self.items)


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """One bank account on one day."""

    company: str
    account: str
    mode: str = "live"
    currency: str
    as_of: str
    bank_minor: int
    books_minor: int
    items: tuple[Item, ...] = ()

    @property
    def sections(self) -> tuple[Section, ...]:
        """The items by kind, in the order in which a statement has them; kinds without any are left out."""
        by_title: dict[str, list[Item]] = {}
        for item in self.items:
            by_title.setdefault(_TITLE[item.cause], []).append(item)
        return tuple(
            Section(title=title, items=tuple(sorted(by_title[title], key=_order)))
            for title, _ in _SECTIONS
            if title in by_title
        )

    @property
    def items_minor(self) -> int:
        """What all items come to."""
        return sum(item.minor for item in self.items)

    @property
    def difference_minor(self) -> int:
        """What no item explains: zero where the statement holds."""
        return self.books_minor - self.bank_minor - self.items_minor

    @property
    def holds(self) -> bool:
        """Whether nothing is left unexplained."""
        return self.difference_minor == 0


def item_of(found: Break, *, text: str, reference: str = "") -> Item:
    """The reconciling item of a Break: what the bank has more is taken away on the way to the books."""
    return Item(
        cause=found.cause, day=found.since, minor=-found.minor, text=text, owner=found.owner,
        reference=reference or ", ".join([*found.payouts, *(key for _, key in found.lines)]),
    )  # fmt: skip


RowKind = Literal["balance", "section", "item", "subtotal", "total", "difference"]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the statement as it is read; without an amount where it is a heading."""

    kind: RowKind
    text: str
    minor: int | None = None
    day: str = ""
    reference: str = ""
    note: str = ""


def rows(found: Reconciliation) -> Iterator[Row]:
    """The statement, top to bottom."""
    yield Row(kind="balance", text=f"Balance per bank, {long_day(found.as_of)}", minor=found.bank_minor)
    for section in found.sections:
        alike = len({item.cause for item in section.items}) == 1
        yield Row(kind="section", text=section.title, note=section.items[0].cause.meaning if alike else "")
        for item in section.items:
            told = ["" if alike else item.cause.meaning, f"Owner: {item.owner}." if item.owner else ""]
            yield Row(
                kind="item", text=item.text, minor=item.minor, day=item.day, reference=item.reference,
                note=" ".join(filter(None, told)),
            )  # fmt: skip
        yield Row(kind="subtotal", text=f"{section.title}, together", minor=section.minor)
    yield Row(kind="total", text="Bank with all items", minor=found.bank_minor + found.items_minor)
    yield Row(kind="balance", text=f"Balance per books, {long_day(found.as_of)}", minor=found.books_minor)
    text = "Difference" if found.holds else "Unexplained difference"
    yield Row(kind="difference", text=text, minor=found.difference_minor)


def accounting(minor: int, currency: str) -> str:
    """An amount as accountants write it: thousands apart, negative ones in parentheses, the currency's own decimals."""
    whole, point, rest = format_minor(abs(minor), currency).partition(".")
    text = f"{int(whole):,}{point}{rest}"
    return f"({text})" if minor < 0 else text


def number_format(currency: str) -> str:
    """The same as a spreadsheet's format."""
    places = exponent(currency)
    digits = "#,##0" + ("." + "0" * places if places else "")
    return f"{digits}_);({digits})"


def long_day(day: str) -> str:
    """``30 November 2026``."""
    at = date.fromisoformat(day)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def _order(item: Item) -> tuple[str, str, int]:
    return item.day, item.reference, item.minor


ready(Item, Section, Reconciliation, Row)  # see core.ready
