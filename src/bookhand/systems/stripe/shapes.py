"""Stripe's wire shapes, API 2026-10-28.endive: only the fields that are read; the rest is skipped without being built.

msgspec decodes straight into these. Each carries Stripe's own ``object`` as its tag, so a refund is never read as a charge. Where
Stripe may expand an id into the object, the field takes both; `id_of` gives the id of either.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec


class Named(msgspec.Struct):
    """An expanded object of which only its name is read."""

    id: str
    object: str = ""


class FeeDetailShape(msgspec.Struct):
    """`balance_transaction.fee_details[]`."""

    amount: int
    currency: str
    type: str
    description: str | None = None


class Shape(msgspec.Struct, tag_field="object", kw_only=True):
    """What the tagged shapes share."""

    id: str


class BalanceTransactionShape(Shape, tag="balance_transaction", kw_only=True):
    """`balance_transaction`, with a source that may be expanded into an object the journal reads."""

    amount: int
    available_on: int
    created: int
    currency: str
    fee: int
    net: int
    type: str
    reporting_category: str
    balance_type: str = "payments"
    description: str | None = None
    exchange_rate: Decimal | None = None
    fee_details: list[FeeDetailShape] = []
    source: str | ChargeShape | RefundShape | DisputeShape | PayoutShape | None = None


class OtherSourceShape(Shape, tag="balance_transaction", kw_only=True):
    """The same again when the source is of another kind (a transfer, a fee refund …), of which only the name is read."""

    source: Named


class ChargeShape(Shape, tag="charge", kw_only=True):
    """`charge`; its id begins with ``ch_`` or ``py_``."""

    amount: int
    created: int
    currency: str
    balance_transaction: str | BalanceTransactionShape | None = None
    customer: str | Named | None = None
    description: str | None = None
    failure_balance_transaction: str | BalanceTransactionShape | None = None
    payment_intent: str | Named | None = None
    source_transfer: str | Named | None = None


class RefundShape(Shape, tag="refund", kw_only=True):
    """`refund`."""

    amount: int
    created: int
    currency: str
    balance_transaction: str | BalanceTransactionShape | None = None
    charge: str | Named | None = None
    failure_balance_transaction: str | BalanceTransactionShape | None = None
    payment_intent: str | Named | None = None
    status: str | None = None


class DisputeShape(Shape, tag="dispute", kw_only=True):
    """`dispute`; its balance transactions are always embedded whole."""

    amount: int
    created: int
    currency: str
    reason: str
    status: str
    balance_transactions: list[BalanceTransactionShape] = []
    charge: str | Named | None = None
    payment_intent: str | Named | None = None


class TraceShape(msgspec.Struct):
    """`payout.trace_id`."""

    status: str | None = None
    value: str | None = None


class DestinationShape(msgspec.Struct):
    """`payout.destination`, where it is expanded: a bank account or a card, deleted ones without their last digits."""

    id: str
    last4: str | None = None


class PayoutShape(Shape, tag="payout", kw_only=True):
    """`payout`."""

    amount: int
    arrival_date: int
    automatic: bool
    created: int
    currency: str
    method: str
    reconciliation_status: str
    status: str
    balance_transaction: str | BalanceTransactionShape | None = None
    failure_balance_transaction: str | BalanceTransactionShape | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    original_payout: str | Named | None = None
    reversed_by: str | Named | None = None
    type: str | None = None
    statement_descriptor: str | None = None
    description: str | None = None
    destination: str | DestinationShape | None = None
    trace_id: TraceShape | None = None


class PaymentIntentShape(Shape, tag="payment_intent", kw_only=True):
    """`payment_intent`, read for the charge that may be expanded in it."""

    latest_charge: str | ChargeShape | None = None


class TaxRateShape(msgspec.Struct):
    """`total_taxes[].tax_rate_details`."""

    tax_rate: str | None = None


class TaxShape(msgspec.Struct):
    """`total_taxes[]` of an invoice or a credit note."""

    amount: int
    tax_behavior: str
    tax_rate_details: TaxRateShape | None = None


class SubscriptionDetailsShape(msgspec.Struct):
    """`invoice.parent.subscription_details`."""

    subscription: str | Named | None = None


class ParentShape(msgspec.Struct):
    """`invoice.parent`."""

    subscription_details: SubscriptionDetailsShape | None = None


class InvoicePaymentsShape(msgspec.Struct):
    """`invoice.payments`, a list that may be included."""

    data: list[InvoicePaymentShape] = []


class InvoiceShape(Shape, tag="invoice", kw_only=True):
    """`invoice`, in any status."""

    created: int
    currency: str
    total: int
    customer: str | Named | None = None
    number: str | None = None
    parent: ParentShape | None = None
    payments: InvoicePaymentsShape | None = None
    status: str | None = None
    test_clock: str | Named | None = None
    total_taxes: list[TaxShape] | None = None


class PaymentOfInvoiceShape(msgspec.Struct):
    """`invoice_payment.payment`."""

    charge: str | ChargeShape | None = None
    payment_intent: str | PaymentIntentShape | None = None


class InvoicePaymentShape(Shape, tag="invoice_payment", kw_only=True):
    """`invoice_payment`; `amount_paid` is null while it is open."""

    currency: str
    invoice: str | Named
    payment: PaymentOfInvoiceShape
    status: str
    amount_paid: int | None = None


class CreditNoteRefundShape(msgspec.Struct):
    """`credit_note.refunds[]`; `refund` is empty where the refund was made outside Stripe."""

    refund: str | Named | None = None


class CreditNoteShape(Shape, tag="credit_note", kw_only=True):
    """`credit_note`."""

    created: int
    currency: str
    invoice: str | Named
    status: str
    total: int
    refunds: list[CreditNoteRefundShape] = []
    total_taxes: list[TaxShape] | None = None


class HeaderShape(msgspec.Struct):
    """What can be said of any object; a `balance` or an upcoming invoice has no id, a refund no `livemode`."""

    object: str
    id: str | None = None
    created: int | str | None = None
    livemode: bool | None = None
    deleted: bool = False
    test_clock: str | Named | None = None


class EventDataShape(msgspec.Struct):
    """`event.data`."""

    object: msgspec.Raw


class EventShape(msgspec.Struct, tag_field="object", tag="event"):
    """A snapshot event: the whole object as it was, in the endpoint's API version."""

    id: str
    type: str
    created: int
    livemode: bool
    data: EventDataShape
    api_version: str | None = None
    account: str | None = None


class RelatedObjectShape(msgspec.Struct):
    """`related_object` of a thin event."""

    id: str
    type: str


class ThinEventShape(msgspec.Struct, tag_field="object", tag="v2.core.event"):
    """A thin event: only what it is about; the object has to be fetched."""

    id: str
    type: str
    created: str
    livemode: bool
    context: str | None = None
    related_object: RelatedObjectShape | None = None


def id_of(reference: str | Named | DestinationShape | Shape | None) -> str | None:
    """The id of a reference, expanded or not."""
    return reference if reference is None or type(reference) is str else reference.id  # type: ignore[union-attr]
