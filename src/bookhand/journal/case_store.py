"""Cases out of the database: for what new facts touch, the facts that a refinement needs, in a few set-based queries.

A charge that settles in its own currency, came from no transfer and paid no taxed invoice needs nothing and is not loaded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.core.facts import InvoiceTax, Link
from bookhand.core.ready import ready
from bookhand.journal.cases import (
    ChargeCase,
    Credited,
    DisputeCase,
    InvoiceCase,
    Moved,
    Returned,
    TaxedPayment,
)
from bookhand.journal.lookups import arguments, each, touched

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_CHARGES_OF_MOVES = f"""
    select coalesce(s.charge, s.id) from {touched()} cross join {each("journal_source", "id", "touched.id")} s
"""
_CHARGES_OF_INVOICES = f"""
    with paid as materialized (
        select p.payment_intent, p.charge from {touched()} cross join {each("journal_invoice_payment", "invoice", "touched.id")} p)
    select s.id from paid cross join {each("journal_source", "payment_intent", "paid.payment_intent")} s
    union select charge from paid where charge is not null
"""
_NEEDY = f"""
    with sources as materialized (
        select s.* from {touched()} cross join {each("journal_source", "id", "touched.id")} s where s.charge is null)
    select id from sources where transfer is not null
    union select s.id from sources s cross join {each("journal_invoice_payment", "payment_intent", "s.payment_intent")} p
    union select s.id from sources s cross join {each("journal_invoice_payment", "charge", "s.id")} p
    union select s.id from {touched("foreign")} cross join {each("journal_source", "id", "touched.id")} s
        cross join {each("journal_entry", "source", "s.id")} b where s.charge is null and b.settles <> s.currency
    union select s.id from sources s cross join {each("journal_source", "charge", "s.id")} r
        cross join {each("journal_entry", "source", "r.id")} b where b.settles <> s.currency
"""
_TOLD = f"""
    select s.id, s.currency, s.amount, s.transfer from {touched()} cross join {each("journal_source", "id", "touched.id")} s
"""
_MOVES = f"""
    with sources as materialized (
        select s.id as charge, s.id, s.amount from {touched()} cross join {each("journal_source", "id", "touched.id")} s
        union all
        select s.charge, s.id, s.amount from {touched()} cross join {each("journal_source", "charge", "touched.id")} s)
    select sources.charge, sources.id, sources.amount, b.happened_at, b.key, b.kind, b.settles, b.amount
    from sources cross join {each("journal_entry", "source", "sources.id")} b where b.settles is not null
"""
_PAYMENTS = f"""
    with sources as materialized (
        select s.* from {touched()} cross join {each("journal_source", "id", "touched.id")} s),
    paid as (
        select s.id as by, s.currency, p.* from sources s
        cross join {each("journal_invoice_payment", "payment_intent", "s.payment_intent")} p
        union
        select s.id, s.currency, p.* from sources s cross join {each("journal_invoice_payment", "charge", "s.id")} p)
    select paid.by, paid.id, i.id, paid.paid, i.total, i.taxes from paid
    cross join {each("journal_invoice", "id", "paid.invoice")} i where i.currency = paid.currency
"""
_CREDIT_NOTES = f"""
    select distinct r.charge, n.id, n.created, n.invoice, n.total, n.taxes, n.refunds
    from {touched()} cross join {each("journal_source", "charge", "touched.id")} r
    cross join {each("journal_credit_refund", "refund", "r.id")} c
    cross join {each("journal_credit_note", "id", "c.credit_note")} n
"""
_INVOICES = f"""
    with paid as materialized (
        select p.*, count(*) over (partition by p.invoice) as payments
        from {touched()} cross join {each("journal_invoice_payment", "invoice", "touched.id")} p),
    by_charge as materialized (
        select paid.id, s.id as charge, s.currency from paid
        cross join {each("journal_source", "payment_intent", "paid.payment_intent")} s
        where payments > 1
        union
        select paid.id, s.id, s.currency from paid cross join {each("journal_source", "id", "paid.charge")} s where payments > 1)
    select i.id, i.currency, paid.id, paid.paid, i.total, i.taxes, min(b.happened_at)
    from paid join by_charge on by_charge.id = paid.id
    cross join {each("journal_invoice", "id", "paid.invoice")} i
    cross join {each("journal_entry", "source", "by_charge.charge")} b
    where i.currency = by_charge.currency and b.kind = 'charge'
    group by i.id, i.currency, paid.id, paid.paid, i.total, i.taxes
"""
_INVOICES_OF_CHARGES = f"""
    select p.invoice from {touched()} cross join {each("journal_source", "id", "touched.id")} s
    cross join {each("journal_invoice_payment", "payment_intent", "s.payment_intent")} p
    union
    select p.invoice from {touched()} cross join {each("journal_invoice_payment", "charge", "touched.id")} p
"""
_OUTCOMES = f"""
    select d.id, d.outcome, d.moves from {touched()} cross join {each("journal_dispute", "id", "touched.id")} d
"""
_DISPUTE_MOVES = f"""
    select b.source, b.happened_at, b.key, b.kind, b.settles, b.amount
    from {touched()} cross join {each("journal_entry", "source", "touched.id")} b where b.settles is not null
"""


def charges_of_moves(cx: Transaction[Any], link: Link, sources: Collection[str]) -> set[str]:
    """The charges behind the sources of balance transactions (a charge's own id, or that of a refund's charge)."""
    return {charge for (charge,) in _rows(cx, link, _CHARGES_OF_MOVES, sources)}


def charges_of_invoices(cx: Transaction[Any], link: Link, invoices: Collection[str]) -> set[str]:
    """The charges that paid `invoices`."""
    return {charge for (charge,) in _rows(cx, link, _CHARGES_OF_INVOICES, invoices)}


def charge_cases(
    cx: Transaction[Any], link: Link, charges: Collection[str], *, foreign: Collection[str]
) -> list[ChargeCase]:
    """The cases of those `charges` that need a refinement; `foreign` are those that may settle in another currency."""
    found = _rows(cx, link, _NEEDY, charges, foreign=sorted(foreign))
    needy = sorted(charge for (charge,) in found)
    moves = _grouped(_rows(cx, link, _MOVES, needy))
    payments = _grouped(_rows(cx, link, _PAYMENTS, needy))
    notes = _grouped(_rows(cx, link, _CREDIT_NOTES, needy if payments else []))
    told = _rows(cx, link, _TOLD, needy)
    return [
        ChargeCase(
            charge=id_, currency=currency, amount=amount, transfer=transfer,
            arrivals=tuple(sorted(Moved(*row[2:]) for row in moves[id_] if not _is_return(id_, row))),
            returns=tuple(sorted(Returned(Moved(*row[2:]), row[0], row[1]) for row in moves[id_] if _is_return(id_, row))),
            payments=tuple(sorted(_payment(row) for row in payments[id_])),
            credit_notes=tuple(sorted(_credited(row) for row in notes[id_])),
        )
        for id_, currency, amount, transfer in sorted(told)
    ]  # fmt: skip


def invoice_cases(
    cx: Transaction[Any], link: Link, invoices: Collection[str], charges: Collection[str]
) -> list[InvoiceCase]:
    """The cases of `invoices`, and of those that `charges` paid, which were paid in several parts."""
    wanted = set(invoices) | {id_ for (id_,) in _rows(cx, link, _INVOICES_OF_CHARGES, charges)}
    rows = _grouped(_rows(cx, link, _INVOICES, wanted))
    return [
        InvoiceCase(
            invoice=id_,
            currency=rows[id_][0][0],
            payments=tuple(sorted((_payment((row[1], id_, *row[2:5])), row[5]) for row in rows[id_])),
        )
        for id_ in sorted(rows)
    ]


def dispute_cases(cx: Transaction[Any], link: Link, disputes: Collection[str]) -> list[DisputeCase]:
    """The cases of those `disputes` that have an outcome."""
    told = _grouped(_rows(cx, link, _OUTCOMES, disputes))
    moves = _grouped(_rows(cx, link, _DISPUTE_MOVES, sorted(told)))
    return [
        DisputeCase(
            dispute=id_,
            lost=any(outcome == "lost" for outcome, _ in told[id_]),
            won_with=tuple(sorted(tuple(ids) for outcome, ids in told[id_] if outcome == "won")),
            moves=tuple(sorted(Moved(*row) for row in moves[id_])),
        )
        for id_ in sorted(told)
    ]


def _rows(
    cx: Transaction[Any], link: Link, sql: str, ids: Collection[str], **more: Sequence[str]
) -> list[tuple[Any, ...]]:
    if not ids:
        return []
    return cx.execute(sql, arguments(link, ids, **more)).fetchall()


def _grouped(rows: Iterable[tuple[Any, ...]]) -> defaultdict[str, list[tuple[Any, ...]]]:
    groups: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for first, *rest in rows:
        groups[first].append(tuple(rest))
    return groups


def _is_return(charge: str, row: tuple[Any, ...]) -> bool:
    """Whether money moved back: by a refund, or from the charge itself when a payment failed afterwards."""
    return bool(row[0] != charge or row[6] < 0)


def _payment(row: tuple[Any, ...]) -> TaxedPayment:
    id_, invoice, paid, total, taxes = row
    return TaxedPayment(id_, invoice, paid, total, _taxes(taxes))


def _credited(row: tuple[Any, ...]) -> Credited:
    id_, created, invoice, total, taxes, refunds = row
    return Credited(id_, created, invoice, total, _taxes(taxes), tuple(refunds))


def _taxes(value: object) -> tuple[InvoiceTax, ...]:
    return msgspec.convert(value, tuple[InvoiceTax, ...])


ready(tuple[InvoiceTax, ...])  # see core.ready
