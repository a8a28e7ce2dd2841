"""The facts that refinements join: charges and refunds, invoices with tax, outcomes of disputes, members of payouts.

Only immutable fields are kept, a row for each id, and the first telling stays. `keep` returns what the new ones touch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.core.facts import (
    Charge,
    CreditNote,
    Dispute,
    Fact,
    Invoice,
    InvoicePayment,
    Link,
    PayoutMember,
    Refund,
)
from bookhand.journal.copy_store import Table, insert_new
from bookhand.journal.lookups import arguments, each
from bookhand.journal.lookups import touched as touched_ids
from bookhand.journal.rows import array, field, text

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_FINAL = frozenset({"open", "paid", "uncollectible", "void"})
_SOURCE = Table(
    "journal_source", "id text, currency text, amount bigint, charge text, payment_intent text, transfer text"
)
_MEMBER = Table("journal_member", "balance_transaction text, payout text")
_INVOICE = Table("journal_invoice", "id text, currency text, total bigint, taxes jsonb")
_INVOICE_PAYMENT = Table(
    "journal_invoice_payment", "id text, invoice text, payment_intent text, charge text, paid bigint"
)
_CREDIT_NOTE = Table(
    "journal_credit_note", "id text, created bigint, invoice text, total bigint, taxes jsonb, refunds text[]"
)
_CREDIT_REFUND = Table("journal_credit_refund", "refund text, credit_note text")
_DISPUTE = Table("journal_dispute", "id text, outcome text, moves text[]")


class Touched(msgspec.Struct):
    """What new facts may complete: ids of charges, invoices and disputes, and pairs of balance transaction and payout."""

    charges: set[str] = msgspec.field(default_factory=set)
    invoices: set[str] = msgspec.field(default_factory=set)
    disputes: set[str] = msgspec.field(default_factory=set)
    members: set[tuple[str, str]] = msgspec.field(default_factory=set)


def keep(cx: Transaction[Any], link: Link, facts: Iterable[Fact]) -> Touched:
    """Keep what is new of `facts`."""
    by_type: dict[type, list[Any]] = {}
    for fact in facts:
        by_type.setdefault(type(fact), []).append(fact)
    touched = Touched()
    _keep_sources(cx, link, by_type.get(Charge, []), by_type.get(Refund, []), touched)
    _keep_invoices(cx, link, by_type.get(Invoice, []), by_type.get(InvoicePayment, []), touched)
    _keep_credit_notes(cx, link, by_type.get(CreditNote, []), touched)
    _keep_disputes(cx, link, by_type.get(Dispute, []), touched)
    _keep_members(cx, link, by_type.get(PayoutMember, []), touched)
    return touched


def _keep_sources(
    cx: Transaction[Any], link: Link, charges: Sequence[Charge], refunds: Sequence[Refund], touched: Touched
) -> None:
    rows = [
        f"{text(one.id)}\t{text(one.currency)}\t{one.amount}\t\\N\t{field(one.payment_intent)}\t{field(one.source_transfer)}\n"
        for one in charges
    ]
    rows += [
        f"{text(one.id)}\t{text(one.currency)}\t{one.amount}\t{field(one.charge)}\t\\N\t\\N\n"
        for one in refunds
        if one.charge
    ]
    added = insert_new(cx, link, _SOURCE, rows, returning="coalesce(charge, id)")
    touched.charges.update(charge for (charge,) in added)


def _keep_invoices(
    cx: Transaction[Any],
    link: Link,
    invoices: Sequence[Invoice],
    payments: Sequence[InvoicePayment],
    touched: Touched,
) -> None:
    rows = [
        f"{text(one.id)}\t{one.currency}\t{one.total}\t{_json(one.taxes)}\n"
        for one in invoices
        if one.status in _FINAL and any(tax.amount for tax in one.taxes)
    ]
    touched.invoices.update(id_ for (id_,) in insert_new(cx, link, _INVOICE, rows, returning="id"))
    rows = [
        f"{text(one.id)}\t{text(one.invoice)}\t{field(one.payment_intent)}\t{field(one.charge)}\t{one.amount_paid}\n"
        for one in payments
        if one.status == "paid" and one.amount_paid > 0
    ]
    added = insert_new(cx, link, _INVOICE_PAYMENT, rows, returning="invoice")
    touched.invoices.update(invoice for (invoice,) in added)


def _keep_credit_notes(
    cx: Transaction[Any], link: Link, notes: Sequence[CreditNote], touched: Touched
) -> None:
    notes = [note for note in notes if note.refunds]
    rows = [
        f"{text(one.id)}\t{one.created}\t{text(one.invoice)}\t{one.total}\t{_json(one.taxes)}\t{array(tuple(sorted(one.refunds)))}\n"
        for one in notes
    ]
    insert_new(cx, link, _CREDIT_NOTE, rows, returning="id")
    rows = [f"{text(refund)}\t{text(one.id)}\n" for one in notes for refund in one.refunds]
    added = insert_new(cx, link, _CREDIT_REFUND, rows, returning="refund")
    touched.charges.update(_charges_of_refunds(cx, link, [refund for (refund,) in added]))


def _keep_disputes(cx: Transaction[Any], link: Link, disputes: Sequence[Dispute], touched: Touched) -> None:
    rows = []
    for one in disputes:
        if one.status == "lost":
            rows.append(f"{text(one.id)}\tlost\t{{}}\n")
        elif one.status == "won" and len(one.balance_transactions) > 1:
            rows.append(f"{text(one.id)}\twon\t{array(tuple(sorted(one.balance_transactions)))}\n")
    added = insert_new(cx, link, _DISPUTE, rows, returning="id")
    touched.disputes.update(id_ for (id_,) in added)


def _keep_members(
    cx: Transaction[Any], link: Link, members: Sequence[PayoutMember], touched: Touched
) -> None:
    rows = [f"{text(one.balance_transaction)}\t{text(one.payout)}\n" for one in members]
    added = insert_new(cx, link, _MEMBER, rows, returning="balance_transaction, payout")
    touched.members.update((bt, payout) for bt, payout in added)


def _charges_of_refunds(cx: Transaction[Any], link: Link, refunds: list[str]) -> list[str]:
    if not refunds:
        return []
    rows = cx.execute(
        f"select s.charge from {touched_ids()} cross join {each('journal_source', 'id', 'touched.id')} s where s.charge is not null",
        arguments(link, refunds),
    )
    return [charge for (charge,) in rows]


def _json(value: object) -> str:
    return text(msgspec.json.encode(value).decode())
