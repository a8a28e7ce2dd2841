"""Small builders of facts: what a company's Stripe account tells, in as few words as a test needs."""

from __future__ import annotations

from collections.abc import Iterable

from bookhand.core.facts import (
    BalanceTransaction,
    Charge,
    CreditNote,
    Dispute,
    Fact,
    FeeDetail,
    Invoice,
    InvoicePayment,
    InvoiceTax,
    PayoutMember,
    Refund,
    Seen,
)

DAY = 86_400
START = 1_767_225_600  # 2026-01-01


def bt(
    key: str, amount: int, *, category: str = "charge", kind: str | None = None, fee: int = 0, source: str | None = None,
    currency: str = "USD", at: int = START, balance_type: str = "payments", fee_details=None, net: int | None = None,
) -> BalanceTransaction:  # fmt: skip
    if fee_details is None:
        fee_details = (FeeDetail("stripe_fee", currency, fee),) if fee else ()
    return BalanceTransaction(
        id=key, created=at, available_on=at + 2 * DAY, type=kind or category, reporting_category=category,
        balance_type=balance_type, currency=currency, amount=amount, fee=fee, net=amount - fee if net is None else net,
        source=source, fee_details=fee_details,
    )  # fmt: skip


def charge(
    n: str, amount: int, *, currency: str = "USD", at: int = START, transfer: str | None = None
) -> Charge:
    return Charge(
        id=f"ch_{n}",
        created=at,
        currency=currency,
        amount=amount,
        payment_intent=f"pi_{n}",
        source_transfer=transfer,
    )


def refund(n: str, of: str, amount: int, *, currency: str = "USD", at: int = START) -> Refund:
    return Refund(
        id=f"re_{n}", created=at, currency=currency, amount=amount, charge=f"ch_{of}", payment_intent=f"pi_{of}", status="succeeded"
    )  # fmt: skip


def invoice(n: str, total: int, taxes: dict[str, int], *, currency: str = "USD", at: int = START) -> Invoice:
    parts = tuple(InvoiceTax(amount, "exclusive", rate) for rate, amount in taxes.items())
    return Invoice(id=f"in_{n}", created=at, currency=currency, status="paid", total=total, taxes=parts)


def paid(n: str, of: str, by: str, amount: int, *, currency: str = "USD") -> InvoicePayment:
    return InvoicePayment(
        id=f"inpay_{n}", invoice=f"in_{of}", currency=currency, amount_paid=amount, status="paid", payment_intent=f"pi_{by}"
    )  # fmt: skip


def credit_note(
    n: str, of: str, total: int, taxes: dict[str, int], refunds: list[str], *, at: int = START
) -> CreditNote:
    parts = tuple(InvoiceTax(amount, "exclusive", rate) for rate, amount in taxes.items())
    return CreditNote(
        id=f"cn_{n}", created=at, invoice=f"in_{of}", currency="USD", total=total, status="issued", taxes=parts,
        refunds=tuple(f"re_{one}" for one in refunds),
    )  # fmt: skip


def dispute(n: str, of: str, amount: int, status: str, moves: Iterable[str] = ()) -> Dispute:
    return Dispute(
        id=f"dp_{n}", created=START, currency="USD", amount=amount, status=status, reason="fraudulent", charge=f"ch_{of}",
        balance_transactions=tuple(moves),
    )  # fmt: skip


def members(payout: str, *bts: str) -> list[Fact]:
    return [PayoutMember(payout=payout, balance_transaction=one) for one in bts]


def seen(facts: Iterable[Fact], *, first: int = 1) -> list[Seen]:
    return [
        Seen(fact=fact, delivery=delivery, as_of=START, told_by="listed")
        for delivery, fact in enumerate(facts, start=first)
    ]


def a_year() -> list[Fact]:
    """One company with every kind of refinement in it."""
    facts: list[Fact] = [
        # a plain charge, one in euros with a refund at another rate, one in yen returned in three parts
        charge("plain", 10_000),
        bt("txn_plain", 10_000, fee=320, source="ch_plain"),
        charge("euro", 10_000, currency="EUR", at=START + DAY),
        bt("txn_euro", 10_800, fee=343, source="ch_euro", at=START + DAY),
        refund("euro", "euro", 4_000, currency="EUR", at=START + 40 * DAY),
        bt("txn_euro_back", -4_410, category="refund", source="re_euro", at=START + 40 * DAY),
        charge("yen", 1_000, currency="JPY"),
        bt("txn_yen", 667, fee=50, source="ch_yen"),
        # an invoice with two taxes, paid in three parts, one of them refunded by a credit note
        invoice("parts", 30_001, {"txr_a": 4_750, "txr_b": 333}),
    ]
    for part in range(3):
        at = START + (3 + part) * DAY
        facts += [
            refund(f"yen{part}", "yen", 333 + (part == 2), currency="JPY", at=at),
            bt(f"txn_yen_back{part}", -221 - part, category="refund", source=f"re_yen{part}", at=at),
            charge(f"part{part}", 10_000 + (part == 2), at=at),
            bt(f"txn_part{part}", 10_000 + (part == 2), fee=320, source=f"ch_part{part}", at=at),
            paid(f"part{part}", "parts", f"part{part}", 10_000 + (part == 2)),
        ]
    facts += [
        refund("note", "part0", 5_000),
        bt("txn_note", -5_000, category="refund", source="re_note", at=START + 50 * DAY),
        credit_note("one", "parts", 5_000, {"txr_a": 800, "txr_b": 55}, ["note"], at=START + 50 * DAY),
        refund("rest", "part0", 5_000),
        bt("txn_rest", -5_000, category="refund", source="re_rest", at=START + 60 * DAY),
        # disputes: lost and then won, won in part, lost before it was won in part
        bt(
            "txn_d1",
            -5_000,
            category="dispute",
            kind="adjustment",
            fee=1_500,
            source="dp_1",
            at=START + 9 * DAY,
        ),
        bt(
            "txn_d1_back",
            5_000,
            category="dispute_reversal",
            kind="adjustment",
            source="dp_1",
            at=START + 70 * DAY,
        ),
        dispute("1", "plain", 5_000, "needs_response", ["txn_d1"]),
        dispute("1", "plain", 5_000, "lost", ["txn_d1"]),
        dispute("1", "plain", 5_000, "won", ["txn_d1", "txn_d1_back"]),
        bt("txn_d2", -900, category="dispute", kind="adjustment", source="dp_2", at=START + 9 * DAY),
        bt(
            "txn_d2_back",
            600,
            category="dispute_reversal",
            kind="adjustment",
            source="dp_2",
            at=START + 70 * DAY,
        ),
        dispute("2", "euro", 900, "won", ["txn_d2", "txn_d2_back"]),
        bt("txn_d3", -700, category="dispute", kind="adjustment", source="dp_3", at=START + 9 * DAY),
        bt(
            "txn_d3_back",
            500,
            category="dispute_reversal",
            kind="adjustment",
            source="dp_3",
            at=START + 70 * DAY,
        ),
        dispute("3", "euro", 700, "lost", ["txn_d3"]),
        dispute("3", "euro", 700, "won", ["txn_d3", "txn_d3_back"]),
        # income from a platform, a payout that fails, one that stands, something nobody knows
        charge("platform", 900, transfer="tr_1"),
        bt("txn_platform", 900, kind="payment", source="ch_platform", at=START + 11 * DAY),
        bt("txn_out", -9_680, category="payout", source="po_1", at=START + 12 * DAY),
        bt(
            "txn_out_back",
            9_680,
            category="payout_reversal",
            kind="payout_failure",
            source="po_1",
            at=START + 14 * DAY,
        ),
        *members("po_1", "txn_plain", "txn_out"),
        bt("txn_riddle", 77, category="riddle", kind="riddle", at=START + 15 * DAY),
    ]
    return facts
