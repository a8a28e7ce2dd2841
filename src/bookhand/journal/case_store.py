"""Cases out of the database: for what new facts touch, the facts that a refinement needs, in a few set-based queries.

A charge that settles in its own currency, came from no transfer and paid no taxed invoice needs nothing and is not loaded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.core.facts import InvoiceTax, Link
from bookhand.journal.cases import (
    ChargeCase,
    Credited,
    DisputeCase,
    InvoiceCase,
    Moved,
    Returned,
    TaxedPayment,
)

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_MINE = "workspace_id = %(workspace)s and connection_id = %(connection)s"

_CHARGES_OF_MOVES = """
    select coalesce(s.charge, s.id) from unnest(%(ids)s::text[]) as touched (id)
    join journal_source s on s.workspace_id = %(workspace)s and s.connection_id = %(connection)s and s.id = touched.id
"""
_CHARGES_OF_INVOICES = """
    select s.id from journal_invoice_payment p
    join journal_source s on s.workspace_id = %(workspace)s and s.connection_id = %(connection)s
        and s.payment_intent = p.payment_intent and s.charge is null
    where p.workspace_id = %(workspace)s and p.connection_id = %(connection)s and p.invoice = any (%(ids)s)
    union
    select p.charge from journal_invoice_payment p
    where p.workspace_id = %(workspace)s and p.connection_id = %(connection)s and p.invoice = any (%(ids)s) and p.charge is not null
"""
_NEEDY = """
    with touched as materialized (
        select s.* from unnest(%(ids)s::text[]) as touched (id)
        join journal_source s on s.workspace_id = %(workspace)s and s.connection_id = %(connection)s and s.id = touched.id
        where s.charge is null)
    select id from touched where transfer is not null
    union select touched.id from touched join journal_invoice_payment p
        on p.workspace_id = %(workspace)s and p.connection_id = %(connection)s and p.payment_intent = touched.payment_intent
    union select touched.id from touched join journal_invoice_payment p
        on p.workspace_id = %(workspace)s and p.connection_id = %(connection)s and p.charge = touched.id
    union select touched.id from touched join journal_entry b
        on b.workspace_id = %(workspace)s and b.connection_id = %(connection)s and b.source = touched.id
        where b.settles <> touched.currency and not touched.id = any (%(same_currency)s)
    union select touched.id from touched
        join journal_source r on r.workspace_id = %(workspace)s and r.connection_id = %(connection)s and r.charge = touched.id
        join journal_entry b on b.workspace_id = %(workspace)s and b.connection_id = %(connection)s and b.source = r.id
        where b.settles <> touched.currency
"""
_MOVES = """
    with touched as materialized (
        select s.* from journal_source s where s.workspace_id = %(workspace)s and s.connection_id = %(connection)s
            and s.id = any (%(ids)s)),
    sources as materialized (
        select id as charge, id, amount from touched
        union all
        select s.charge, s.id, s.amount from touched join journal_source s
            on s.workspace_id = %(workspace)s and s.connection_id = %(connection)s and s.charge = touched.id)
    select sources.charge, sources.id, sources.amount, b.happened_at, b.key, b.kind, b.settles, b.amount
    from sources join journal_entry b on b.workspace_id = %(workspace)s and b.connection_id = %(connection)s and b.source = sources.id
    where b.settles is not null
"""
_PAYMENTS = """
    with touched as materialized (
        select s.* from journal_source s where s.workspace_id = %(workspace)s and s.connection_id = %(connection)s
            and s.id = any (%(ids)s)),
    paid as (
        select touched.id as by, p.* from touched join journal_invoice_payment p
            on p.workspace_id = %(workspace)s and p.connection_id = %(connection)s and p.payment_intent = touched.payment_intent
        union
        select touched.id, p.* from touched join journal_invoice_payment p
            on p.workspace_id = %(workspace)s and p.connection_id = %(connection)s and p.charge = touched.id)
    select paid.by, paid.id, i.id, paid.paid, i.total, i.taxes from paid
    join journal_invoice i on i.workspace_id = %(workspace)s and i.connection_id = %(connection)s and i.id = paid.invoice
    join touched on touched.id = paid.by and touched.currency = i.currency
"""
_CREDIT_NOTES = """
    select distinct r.charge, n.id, n.created, n.invoice, n.total, n.taxes, n.refunds from journal_source r
    join journal_credit_refund c on c.workspace_id = %(workspace)s and c.connection_id = %(connection)s and c.refund = r.id
    join journal_credit_note n on n.workspace_id = %(workspace)s and n.connection_id = %(connection)s and n.id = c.credit_note
    where r.workspace_id = %(workspace)s and r.connection_id = %(connection)s and r.charge = any (%(ids)s)
"""
_INVOICES = """
    with paid as materialized (
        select p.* from journal_invoice_payment p
        where p.workspace_id = %(workspace)s and p.connection_id = %(connection)s and p.invoice = any (%(ids)s)
            and p.invoice in (
                select invoice from journal_invoice_payment
                where workspace_id = %(workspace)s and connection_id = %(connection)s and invoice = any (%(ids)s)
                group by invoice having count(*) > 1)),
    by_charge as (
        select paid.id, s.id as charge, s.currency from paid join journal_source s
            on s.workspace_id = %(workspace)s and s.connection_id = %(connection)s
            and s.payment_intent = paid.payment_intent and s.charge is null
        union
        select paid.id, s.id, s.currency from paid join journal_source s
            on s.workspace_id = %(workspace)s and s.connection_id = %(connection)s and s.id = paid.charge)
    select i.id, i.currency, paid.id, paid.paid, i.total, i.taxes, min(b.happened_at)
    from paid join by_charge on by_charge.id = paid.id
    join journal_invoice i on i.workspace_id = %(workspace)s and i.connection_id = %(connection)s and i.id = paid.invoice
        and i.currency = by_charge.currency
    join journal_entry b on b.workspace_id = %(workspace)s and b.connection_id = %(connection)s
        and b.source = by_charge.charge and b.kind = 'charge'
    group by i.id, i.currency, paid.id, paid.paid, i.total, i.taxes
"""
_INVOICES_OF_CHARGES = """
    select p.invoice from journal_source s join journal_invoice_payment p
        on p.workspace_id = %(workspace)s and p.connection_id = %(connection)s and p.payment_intent = s.payment_intent
    where s.workspace_id = %(workspace)s and s.connection_id = %(connection)s and s.id = any (%(ids)s)
    union
    select p.invoice from journal_invoice_payment p
    where p.workspace_id = %(workspace)s and p.connection_id = %(connection)s and p.charge = any (%(ids)s)
"""
_OUTCOMES = f"select id, outcome, moves from journal_dispute where {_MINE} and id = any (%(ids)s)"  # noqa: S608 (constants)
_DISPUTE_MOVES = f"""
    select source, happened_at, key, kind, settles, amount from journal_entry
    where {_MINE} and source = any (%(ids)s) and settles is not null
"""  # noqa: S608 (constants)


def charges_of_moves(cx: Transaction[Any], link: Link, sources: Collection[str]) -> set[str]:
    """The charges behind the sources of balance transactions (a charge's own id, or that of a refund's charge)."""
    return {charge for (charge,) in _rows(cx, link, _CHARGES_OF_MOVES, sources)}


def charges_of_invoices(cx: Transaction[Any], link: Link, invoices: Collection[str]) -> set[str]:
    """The charges that paid `invoices`."""
    return {charge for (charge,) in _rows(cx, link, _CHARGES_OF_INVOICES, invoices)}


def charge_cases(
    cx: Transaction[Any], link: Link, charges: Collection[str], *, same_currency: Collection[str]
) -> list[ChargeCase]:
    """The cases of those `charges` that need a refinement; `same_currency` are known to settle in their own."""
    found = _rows(cx, link, _NEEDY, charges, same_currency=sorted(same_currency))
    needy = sorted(charge for (charge,) in found)
    moves = _grouped(_rows(cx, link, _MOVES, needy))
    payments = _grouped(_rows(cx, link, _PAYMENTS, needy))
    notes = _grouped(_rows(cx, link, _CREDIT_NOTES, needy if payments else []))
    told = _rows(
        cx, link, f"select id, currency, amount, transfer from journal_source where {_MINE} and id = any (%(ids)s)", needy  # noqa: S608 (constants)
    )  # fmt: skip
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
    touched = set(invoices) | {id_ for (id_,) in _rows(cx, link, _INVOICES_OF_CHARGES, charges)}
    rows = _grouped(_rows(cx, link, _INVOICES, touched))
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
    args = {"workspace": link.workspace_id, "connection": link.connection_id, "ids": sorted(ids), **more}
    return cx.execute(sql, args, prepare=False).fetchall()


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
