"""Cases: all the facts that one refinement needs, gathered around a charge, an invoice or a dispute.

A refinement is an entry beside that of the balance transaction (it never touches clearing): exchange, tax, the outcome of a
dispute. It is a pure function of a case, its key is made of immutable ids and it is written once all its facts are known, so
facts in any order, doubled or split over batches, make the same entries. Amounts are whole minor units, times Unix seconds.
"""

from __future__ import annotations

import msgspec

from bookhand.core.entry import Entry, Posting
from bookhand.core.facts import InvoiceTax

RETURNS = frozenset({"refund", "partial_capture_reversal", "charge_failure"})
"""Kinds of entries that give a charge's money back."""


class Moved(msgspec.Struct, frozen=True, order=True):
    """A balance transaction: when, its id, the kind of its rule, settlement currency and amount (signed)."""

    created: int
    key: str
    kind: str
    currency: str
    amount: int


class Returned(msgspec.Struct, frozen=True, order=True):
    """Money given back: its balance transaction, and the refund's id and amount (positive) in the charge's currency."""

    moved: Moved
    refund: str
    amount: int


class TaxedPayment(msgspec.Struct, frozen=True, order=True):
    """The part of an invoice with tax that a charge paid."""

    id: str
    invoice: str
    paid: int
    total: int
    taxes: tuple[InvoiceTax, ...]

    def weights(self) -> list[int]:
        """What each tax, and at last the rest, is of the invoice's total."""
        amounts = [tax.amount for tax in self.taxes]
        return [*amounts, self.total - sum(amounts)]


class Credited(msgspec.Struct, frozen=True, order=True):
    """A credit note with its taxes and all the refunds that it made."""

    id: str
    created: int
    invoice: str
    total: int
    taxes: tuple[InvoiceTax, ...]
    refunds: tuple[str, ...]


class ChargeCase(msgspec.Struct, frozen=True, kw_only=True):
    """A charge in its presentment currency with all that moved because of it."""

    charge: str
    currency: str
    amount: int
    transfer: str | None = None
    arrivals: tuple[Moved, ...] = ()
    returns: tuple[Returned, ...] = ()
    payments: tuple[TaxedPayment, ...] = ()
    credit_notes: tuple[Credited, ...] = ()

    def given_back(self) -> tuple[Returned, ...]:
        """The returns that took money (not the failed ones that came back), oldest first."""
        return tuple(sorted(r for r in self.returns if r.moved.kind in RETURNS and r.moved.amount < 0))

    def wholly_returned(self) -> bool:
        """Whether several returns add up to the whole charge, so that their roundings can be settled."""
        back = self.given_back()
        return len(back) > 1 and sum(one.amount for one in back) == self.amount


class InvoiceCase(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice with tax and the payments whose money has arrived: (payment, when)."""

    invoice: str
    currency: str
    payments: tuple[tuple[TaxedPayment, int], ...] = ()


class DisputeCase(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute: the outcomes it was told to have, its movements, and the pairs of movements that a won one embeds."""

    dispute: str
    lost: bool
    won_with: tuple[tuple[str, ...], ...] = ()
    moves: tuple[Moved, ...] = ()


def refinement(
    key: str,
    *,
    at: int,
    kind: str,
    why: str,
    lines: list[tuple[str, str, int]],
    refs: dict[str, str],
    reverses: str | None = None,
) -> list[Entry]:
    """The entry of `lines` (account, currency, minor), or none where every line is zero."""
    postings = tuple(Posting(*line) for line in lines if line[2])
    if not postings:
        return []
    return [
        Entry(key=key, happened_at=at, kind=kind, why=why, postings=postings, refs=refs, reverses=reverses)
    ]
