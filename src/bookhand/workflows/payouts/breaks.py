"""Breaks: differences that nobody has explained yet, each with an amount, an age, an owner, a named cause and a next step; pure.

>>> found = Break(cause=Cause.MISSING, currency="USD", minor=12500, since="2026-11-02", payouts=("po_1",))
>>> found.amount, found.age_days("2026-11-27"), found.cause.meaning
('125.00 USD', 25, 'A payout that Stripe says is paid is not on the bank statement.')
>>> found.next_step.startswith("Ask the bank")
True
"""

from __future__ import annotations

import hashlib
from datetime import date
from enum import StrEnum
from typing import Final

import msgspec

from bookhand.core.money import Money
from bookhand.core.ready import ready

LineKey = tuple[str, str]
"""A statement line: its bank account and its key in it."""


class Cause(StrEnum):
    """Why an amount is not explained (or is, but is still to be booked): the named causes."""

    IN_TRANSIT = "in_transit"
    NOT_COVERED = "not_covered"
    CANCELED = "canceled"
    FAILED = "failed"
    FAILED_BACK = "failed_back"
    FAILED_NOT_RETURNED = "failed_not_returned"
    RETURNED_NOT_FAILED = "returned_not_failed"
    MISSING = "missing"
    LATE = "late"
    BANK_FEE = "bank_fee"
    FX = "fx"
    AMOUNT = "amount"
    DUPLICATE = "duplicate"
    SAME_AMOUNT = "same_amount"
    WEAK = "weak"
    CONTRADICTION = "contradiction"
    BATCH = "batch"
    SPLIT = "split"
    LOOKS_LIKE_STRIPE = "looks_like_stripe"
    BANK_FEE_LINE = "bank_fee_line"
    FOREIGN = "foreign"
    BREAKDOWN = "breakdown"
    MANUAL_PAYOUT = "manual_payout"
    MISSING_IN_BOOK = "missing_in_book"
    EDITED_IN_BOOK = "edited_in_book"
    DOUBLED_IN_BOOK = "doubled_in_book"
    FOREIGN_IN_BOOK = "foreign_in_book"
    UNKNOWN = "unknown"

    @property
    def meaning(self) -> str:
        """What it is, in one sentence."""
        return _MEANS[self][0]

    @property
    def next_step(self) -> str:
        """What a person does about it, in one sentence."""
        return _MEANS[self][1]

    @property
    def quiet(self) -> bool:
        """Whether nothing is wrong: it is told in the reconciliation, and is no Break that somebody must work on."""
        return self in _QUIET


_MEANS: Final[dict[Cause, tuple[str, str]]] = {
    Cause.IN_TRANSIT: (
        "A payout has left Stripe and is not due at the bank yet.",
        "Wait: it is looked for again with each statement.",
    ),
    Cause.NOT_COVERED: (
        "A payout was due on days for which there is no bank statement.",
        "Import the statement of these days.",
    ),
    Cause.CANCELED: ("A payout was canceled before it was sent.", "Nothing: the money never left Stripe."),
    Cause.FAILED: (
        "A payout failed, and the bank shows neither its arrival nor its return.",
        "Correct the bank account at Stripe; where the money is back in the Stripe balance, statements of its days settle it.",
    ),
    Cause.FAILED_BACK: (
        "A payout failed and never reached the bank; its money is back in the Stripe balance.",
        "Nothing for the books: correct the bank account at Stripe, so that the next payout arrives.",
    ),
    Cause.FAILED_NOT_RETURNED: (
        "Stripe says that a payout failed, but the bank shows that it arrived and not that it was sent back.",
        "Ask the bank whether it keeps the money; ask Stripe for the return's trace.",
    ),
    Cause.RETURNED_NOT_FAILED: (
        "The bank sent a payout back, but Stripe does not say that it failed.",
        "Wait for Stripe to mark it as failed (up to five business days), then ask Stripe with the trace id.",
    ),
    Cause.MISSING: (
        "A payout that Stripe says is paid is not on the bank statement.",
        "Ask the bank for it with the trace id; check that the statement is of the account that Stripe pays to.",
    ),
    Cause.LATE: (
        "A line has a payout's amount, but came later than a payout comes.",
        "Say whether it is this payout.",
    ),
    Cause.BANK_FEE: (
        "The bank credited less than was paid out; the difference looks like its fee.",
        "Say whether it is a fee; a fee that is agreed once is known from then on.",
    ),
    Cause.FX: (
        "The bank credited another currency than was paid out.",
        "Check the rate, and say whether the line is this payout.",
    ),
    Cause.AMOUNT: (
        "A line names a payout but has another amount, and no rule explains the difference.",
        "Look at both; say what the difference is.",
    ),
    Cause.DUPLICATE: (
        "The bank shows a payout twice.",
        "Say which line is the payout; ask the bank to take the other one back.",
    ),
    Cause.SAME_AMOUNT: (
        "Several payouts and lines have the same amount, and their numbers differ.",
        "Say which line belongs to which payout.",
    ),
    Cause.WEAK: (
        "A line has a payout's amount and day, but does not say that it comes from Stripe.",
        "Say whether it is this payout.",
    ),
    Cause.CONTRADICTION: (
        "A line fits a payout by its amount, but carries another trace id or name.",
        "Say whether it is this payout.",
    ),
    Cause.BATCH: (
        "A line may be several payouts together, and more than one choice of them is possible.",
        "Choose the payouts that are in the line.",
    ),
    Cause.SPLIT: (
        "A payout may have come in several lines, and more than one choice of them is possible.",
        "Choose the lines that are the payout.",
    ),
    Cause.LOOKS_LIKE_STRIPE: (
        "A bank line looks like Stripe's, but no payout explains it.",
        "Find where it comes from: another Stripe account, a refund of a purchase, or a payout that is not read yet.",
    ),
    Cause.BANK_FEE_LINE: (
        "A bank line is a fee of the bank.",
        "Book it as a bank fee.",
    ),
    Cause.FOREIGN: (
        "A bank line has nothing to do with Stripe.",
        "Nothing here: it belongs to the company's other business.",
    ),
    Cause.BREAKDOWN: (
        "What Stripe lists in a payout does not add up to the payout.",
        "Read the payout again from Stripe; tell Stripe's support the ids if it stays.",
    ),
    Cause.MANUAL_PAYOUT: (
        "What is in a manual payout cannot be told for certain.",
        "Choose among the proposals, or leave it without a breakdown.",
    ),
    Cause.MISSING_IN_BOOK: (
        "The journal has what the book has not.",
        "Mirror it again; if somebody deleted it in the book, say whether that was right.",
    ),
    Cause.EDITED_IN_BOOK: (
        "Somebody changed in the book what bookhand wrote.",
        "Undo the change in the book, or reverse the document and mirror it again.",
    ),
    Cause.DOUBLED_IN_BOOK: (
        "The book has a document twice.",
        "Delete the one that bookhand did not record.",
    ),
    Cause.FOREIGN_IN_BOOK: (
        "Somebody posted in the book on an account that bookhand keeps.",
        "Move the posting to another account, or say what it is.",
    ),
    Cause.UNKNOWN: (
        "A difference for which no cause is known.",
        "Look at the lines and payouts of these days.",
    ),
}
_QUIET: Final = frozenset({Cause.IN_TRANSIT, Cause.CANCELED, Cause.FAILED_BACK, Cause.FOREIGN})


class Break(msgspec.Struct, frozen=True, kw_only=True):
    """A difference. `minor` is signed as at the bank: positive where the bank has more than is explained."""

    cause: Cause
    currency: str
    minor: int
    since: str
    """The day from which it counts: the payout's arrival or the line's day (ISO)."""
    payouts: tuple[str, ...] = ()
    lines: tuple[LineKey, ...] = ()
    documents: tuple[str, ...] = ()
    """Keys of book documents, where the difference is in a book."""
    owner: str | None = None
    note: str = ""
    """What is known beyond the cause's own sentence."""

    @property
    def key(self) -> str:
        """The same for the same difference however often it is found: its cause and what it is about."""
        about = "\n".join(
            [
                self.cause,
                *sorted(self.payouts),
                *sorted("\t".join(line) for line in self.lines),
                *sorted(self.documents),
            ]
        )
        return "br_" + hashlib.sha256(about.encode()).hexdigest()[:24]

    @property
    def amount(self) -> str:
        """``-12.50 USD``."""
        return str(Money(self.minor, self.currency))

    @property
    def message(self) -> str:
        """The cause's sentence, and what is known beyond it."""
        return f"{self.cause.meaning} {self.note}".rstrip()

    @property
    def next_step(self) -> str:
        """What a person does about it."""
        return self.cause.next_step

    def age_days(self, today: str) -> int:
        """Whole days from `since` to `today`; zero where it lies ahead."""
        return max(0, (date.fromisoformat(today) - date.fromisoformat(self.since)).days)


ready(Break)  # see core.ready
