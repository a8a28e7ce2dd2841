"""Tax: the part of a payment that was never revenue, split out by tax rate, and given back with refunds.

An invoice of 119.00 with 19.00 tax, paid with 119.00, moves 19.00 from revenue to ``sales_tax_payable:<tax rate>``. A part
payment moves its share, by largest remainder; when the payments (or refunds) add up to the whole, the roundings are settled,
so that cents always add up. A credit note says itself how much tax it gives back, and is believed.

>>> from bookhand.journal.cases import Moved
>>> paid = TaxedPayment("inpay_1", "in_1", 11900, 11900, (InvoiceTax(1900, "exclusive", "txr_1"),))
>>> case = ChargeCase(charge="ch_1", currency="EUR", amount=11900, payments=(paid,), arrivals=(Moved(1, "txn_1", "charge", "EUR", 11900),))
>>> [(line.account, line.minor) for line in tax(case)[0].postings]
[('revenue', 1900), ('sales_tax_payable:txr_1', -1900)]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bookhand.core.entry import Entry
from bookhand.core.facts import InvoiceTax
from bookhand.core.money import as_text, split_minor
from bookhand.core.problems import Problem
from bookhand.journal.cases import ChargeCase, Credited, InvoiceCase, Returned, TaxedPayment, refinement
from bookhand.journal.rules import roles_by_kind


def tax(case: ChargeCase) -> list[Entry]:
    """The tax entries of a charge and its refunds."""
    arrival = min((moved for moved in case.arrivals if moved.kind == "charge"), default=None)
    if arrival is None or case.transfer is not None:
        return []
    entries = []
    for payment in case.payments:
        if misfit(payment, case) is not None:
            continue
        refs = _refs(case, payment) | {"balance_transaction": arrival.key}
        why = f"Tax in {case.charge}, part of {payment.invoice}"
        lines = _lines(case, payment.taxes, parts(payment), "revenue")
        entries += refinement(
            f"{arrival.key}:tax:{payment.id}", at=arrival.created, kind="tax", why=why, lines=lines, refs=refs
        )
        entries += _given_back(case, payment)
    return entries


def settled(case: InvoiceCase) -> list[Entry]:
    """The last cents of tax, once several payments add up to their invoice."""
    payments = [payment for payment, _ in case.payments if _sound(payment)]
    if len(payments) < 2 or sum(payment.paid for payment in payments) != payments[0].total:  # noqa: PLR2004 (several)
        return []
    taxes = payments[0].taxes
    done = _sum(parts(payment) for payment in payments)
    rest = [tax.amount - minor for tax, minor in zip(taxes, done, strict=False)]
    return refinement(
        f"{case.invoice}:tax:settled",
        at=max(at for _, at in case.payments),
        kind="tax",
        why=f"The last cents of tax in {case.invoice}, paid in parts",
        lines=_tax_lines(case.currency, taxes, rest, "revenue"),
        refs={"invoice": case.invoice},
    )


def misfit(payment: TaxedPayment, case: ChargeCase) -> Problem | None:
    """Why a payment's tax cannot be split out, if it cannot."""
    if _sound(payment) and payment.paid <= case.amount:
        return None
    coin = case.currency
    taxes = " and ".join(as_text(tax.amount, coin) for tax in payment.taxes) or "none"
    return Problem(
        kind="tax_does_not_fit",
        subject=payment.id,
        message=f"The tax of invoice {payment.invoice} ({taxes} of {as_text(payment.total, coin)}, "
        f"paid {as_text(payment.paid, coin)} of charge {case.charge} over {as_text(case.amount, coin)}) cannot be split out; "
        "it stays in revenue: book it by hand.",
    )


def parts(payment: TaxedPayment) -> list[int]:
    """The tax inside a payment, by tax rate, in the invoice's order."""
    return split_minor(payment.paid, payment.weights())[:-1]


def _sound(payment: TaxedPayment) -> bool:
    return payment.total > 0 and payment.paid >= 0 and all(weight >= 0 for weight in payment.weights())


def _given_back(case: ChargeCase, payment: TaxedPayment) -> list[Entry]:
    back = [one for one in case.given_back() if 0 < one.amount <= case.amount]
    shares = {one.refund: _share(case, payment, one.amount) for one in back}
    entries = [entry for one in back for entry in _return(case, payment, one, shares[one.refund])]
    for note in case.credit_notes:
        entries += _corrected(case, payment, note, shares)
    if case.wholly_returned():
        rest = [minor - done for minor, done in zip(parts(payment), _sum(shares.values()), strict=True)]
        at = max(one.moved.created for one in back)
        why = f"The last cents of tax in {case.charge}, returned in parts"
        lines = _lines(case, payment.taxes, [-minor for minor in rest], "refunds")
        key = f"{case.charge}:returned:tax:{payment.id}"
        entries += refinement(
            key, at=at, kind="tax_returned", why=why, lines=lines, refs=_refs(case, payment)
        )
    return entries


def _share(case: ChargeCase, payment: TaxedPayment, amount: int) -> list[int]:
    """The tax inside `amount` of the charge."""
    inside = parts(payment)
    return split_minor(amount, [*inside, case.amount - sum(inside)])[:-1]


def _return(case: ChargeCase, payment: TaxedPayment, one: Returned, share: Sequence[int]) -> list[Entry]:
    role = roles_by_kind()[one.moved.kind][0]
    return refinement(
        f"{one.moved.key}:tax:{payment.id}",
        at=one.moved.created,
        kind="tax_returned",
        why=f"Tax given back with {one.refund}",
        lines=_lines(case, payment.taxes, [-minor for minor in share], role),
        refs=_refs(case, payment) | {"balance_transaction": one.moved.key, "refund": one.refund},
    )


def _corrected(
    case: ChargeCase, payment: TaxedPayment, note: Credited, shares: dict[str, list[int]]
) -> list[Entry]:
    """A credit note's own word on tax instead of the share; settled with the rest once all is returned."""
    if note.invoice != payment.invoice or not set(note.refunds) <= shares.keys():
        return []
    amount = sum(one.amount for one in case.given_back() if one.refund in note.refunds)
    said = _said(note, payment, amount)
    if said is None:
        return []
    done = _sum(shares[refund] for refund in note.refunds)
    more = [minor - share for minor, share in zip(said, done, strict=True)]
    refs = _refs(case, payment) | {"credit_note": note.id}
    entries = refinement(
        f"{note.id}:tax", at=note.created, kind="tax_returned", why=f"Tax as credit note {note.id} says",
        lines=_lines(case, payment.taxes, [-minor for minor in more], "refunds"), refs=refs,
    )  # fmt: skip
    if case.wholly_returned():
        entries += refinement(
            f"{note.id}:tax:returned", at=note.created, kind="tax_returned", why=f"{case.charge} is wholly returned",
            lines=_lines(case, payment.taxes, more, "refunds"), refs=refs,
        )  # fmt: skip
    return entries


def _said(note: Credited, payment: TaxedPayment, amount: int) -> list[int] | None:
    """The tax inside `amount` of a credit note by the invoice's tax rates; None where the two do not fit."""
    amounts = [credited.amount for credited in note.taxes]
    rest = note.total - sum(amounts)
    rates = [charged.tax_rate for charged in payment.taxes]
    if note.total <= 0 or rest < 0 or min(amounts, default=0) < 0 or len(set(rates)) != len(rates):
        return None
    if not {credited.tax_rate for credited in note.taxes} <= set(rates):
        return None
    inside = split_minor(amount, [*amounts, rest])
    by_rate: dict[str | None, int] = {}
    for credited, minor in zip(note.taxes, inside, strict=False):
        by_rate[credited.tax_rate] = by_rate.get(credited.tax_rate, 0) + minor
    return [by_rate.get(rate, 0) for rate in rates]


def _lines(
    case: ChargeCase, taxes: Sequence[InvoiceTax], minors: Sequence[int], role: str
) -> list[tuple[str, str, int]]:
    return _tax_lines(case.currency, taxes, minors, role)


def _tax_lines(
    currency: str, taxes: Sequence[InvoiceTax], minors: Sequence[int], role: str
) -> list[tuple[str, str, int]]:
    owed = [
        (f"sales_tax_payable:{tax.tax_rate or 'other'}", currency, -minor)
        for tax, minor in zip(taxes, minors, strict=True)
    ]
    return [(role, currency, sum(minors)), *owed]


def _refs(case: ChargeCase, payment: TaxedPayment) -> dict[str, str]:
    return {"charge": case.charge, "invoice": payment.invoice}


def _sum(rows: Iterable[Sequence[int]]) -> list[int]:
    return [sum(column) for column in zip(*rows, strict=True)]
