"""What was paid, refused, given back and disputed: charges, payment intents, refunds, disputes, early fraud warnings.

>>> [action.name for action in PAYMENT_READS][:3]
['charges.list', 'charges.retrieve', 'charges.search']
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bookhand.systems.stripe.actions.entries import Kind, lists, retrieves, searches
from bookhand.systems.stripe.actions.fields import (
    ChargeId,
    Created,
    CustomerId,
    DisputeId,
    Line,
    ListParams,
    PaymentIntentId,
    RefundId,
    RetrieveParams,
    WarningId,
)

_CREATED = Field(description="Only those created in this span.")

CHARGE = Kind(
    resource="charges", object="charge", scope="rak_charge_read",
    fields={
        "id": "the charge (ch_… or py_…)", "amount": "what was asked, in minor units", "amount_captured": "what was taken",
        "amount_refunded": "what went back so far", "currency": "of these amounts", "customer": "who paid",
        "status": "succeeded, pending or failed", "disputed": "whether the bank has asked for it back",
        "payment_intent": "the attempt it belongs to", "balance_transaction": "its movement of the balance",
        "failure_code": "why it failed", "outcome": "what Radar and the network said", "created": "Unix seconds",
    },
)  # fmt: skip


class ChargesList(ListParams):
    """Filters of a list of charges."""

    customer: Annotated[CustomerId | None, Field(description="Only what this customer paid.")] = None
    payment_intent: Annotated[PaymentIntentId | None, Field(description="Only attempts of this payment intent.")] = None  # fmt: skip
    transfer_group: Annotated[Line | None, Field(description="Only charges of this transfer group; Stripe gives 100 of them at most.")] = None  # fmt: skip
    created: Annotated[Created | None, _CREATED] = None


class ChargeRetrieve(RetrieveParams):
    """Which charge."""

    charge: Annotated[ChargeId, Field(description="The charge's id.")]


INTENT = Kind(
    resource="payment_intents", object="payment_intent", scope="rak_payment_intent_read",
    fields={
        "id": "the payment intent (pi_…)", "amount": "what is to be paid, in minor units", "amount_received": "what was paid",
        "currency": "of these amounts", "customer": "who pays", "latest_charge": "the last attempt",
        "status": "requires_payment_method, requires_confirmation, requires_action, processing, requires_capture, succeeded or canceled",
        "last_payment_error": "why the last attempt failed", "created": "Unix seconds",
    },
)  # fmt: skip


class PaymentIntentsList(ListParams):
    """Filters of a list of payment intents."""

    customer: Annotated[CustomerId | None, Field(description="Only this customer's.")] = None
    created: Annotated[Created | None, _CREATED] = None


class PaymentIntentRetrieve(RetrieveParams):
    """Which payment intent."""

    payment_intent: Annotated[PaymentIntentId, Field(description="The payment intent's id.")]


REFUND = Kind(
    resource="refunds", object="refund", scope="rak_charge_read",
    fields={
        "id": "the refund (re_…)", "amount": "what goes back, in minor units", "currency": "of the amount",
        "charge": "what it gives back", "payment_intent": "the payment it belongs to",
        "status": "pending, requires_action, succeeded, failed or canceled",
        "reason": "duplicate, fraudulent, requested_by_customer or expired_uncaptured_charge",
        "failure_reason": "why it did not arrive", "balance_transaction": "its movement of the balance", "created": "Unix seconds",
    },
)  # fmt: skip


class RefundsList(ListParams):
    """Filters of a list of refunds."""

    charge: Annotated[ChargeId | None, Field(description="Only refunds of this charge.")] = None
    payment_intent: Annotated[PaymentIntentId | None, Field(description="Only refunds of this payment.")] = None  # fmt: skip
    created: Annotated[Created | None, _CREATED] = None


class RefundRetrieve(RetrieveParams):
    """Which refund."""

    refund: Annotated[RefundId, Field(description="The refund's id.")]


DISPUTE = Kind(
    resource="disputes", object="dispute", scope="rak_dispute_read",
    fields={
        "id": "the dispute (du_… or dp_…)", "amount": "what is disputed, in minor units", "currency": "of the amount",
        "charge": "what is disputed", "reason": "fraudulent, product_not_received, duplicate …",
        "status": "warning_needs_response, needs_response, under_review, won, lost …",
        "evidence_details": "due_by (the deadline, Unix seconds), submission_count, past_due",
        "is_charge_refundable": "whether a refund now would end it", "balance_transactions": "what was taken and given back",
        "created": "Unix seconds",
    },
)  # fmt: skip


class DisputesList(ListParams):
    """Filters of a list of disputes."""

    charge: Annotated[ChargeId | None, Field(description="Only disputes of this charge.")] = None
    payment_intent: Annotated[PaymentIntentId | None, Field(description="Only disputes of this payment.")] = None  # fmt: skip
    created: Annotated[Created | None, _CREATED] = None


class DisputeRetrieve(RetrieveParams):
    """Which dispute."""

    dispute: Annotated[DisputeId, Field(description="The dispute's id.")]


WARNING = Kind(
    resource="early_fraud_warnings", object="radar.early_fraud_warning", scope="rak_radar_read",
    path="/v1/radar/early_fraud_warnings",
    fields={
        "id": "the warning (issfr_…)", "charge": "what the bank suspects", "payment_intent": "the payment it belongs to",
        "fraud_type": "what kind of fraud the bank names", "actionable": "whether a refund can still avoid a dispute",
        "created": "Unix seconds",
    },
)  # fmt: skip


class WarningsList(ListParams):
    """Filters of a list of early fraud warnings."""

    charge: Annotated[ChargeId | None, Field(description="Only warnings about this charge.")] = None
    payment_intent: Annotated[PaymentIntentId | None, Field(description="Only warnings about this payment.")] = None  # fmt: skip
    created: Annotated[Created | None, _CREATED] = None


class WarningRetrieve(RetrieveParams):
    """Which warning."""

    early_fraud_warning: Annotated[WarningId, Field(description="The warning's id.")]


PAYMENT_READS = (
    lists(CHARGE, ChargesList, "Charges, newest first", when="To see payments one by one, failed ones too. Holds no refunds: list those by charge."),
    retrieves(CHARGE, ChargeRetrieve, "One charge", "/v1/charges/{charge}"),
    searches(CHARGE, "amount, created, currency, customer, disputed, refunded, status, payment_method_details.card.last4"),
    lists(INTENT, PaymentIntentsList, "Payment intents, newest first", when="To see what customers set out to pay, unfinished attempts too. What was taken is in charges."),
    retrieves(INTENT, PaymentIntentRetrieve, "One payment intent", "/v1/payment_intents/{payment_intent}"),
    searches(INTENT, "amount, created, currency, customer, status"),
    lists(REFUND, RefundsList, "Refunds, newest first", when="To see what went back. One that succeeded can still fail for 30 days."),
    retrieves(REFUND, RefundRetrieve, "One refund", "/v1/refunds/{refund}"),
    lists(DISPUTE, DisputesList, "Disputes, newest first", when="To see chargebacks and inquiries; Stripe cannot filter them by status or deadline."),
    retrieves(DISPUTE, DisputeRetrieve, "One dispute with its evidence and deadline", "/v1/disputes/{dispute}"),
    lists(WARNING, WarningsList, "Banks' early warnings of fraud, newest first", when="To refund before a dispute comes; one that is not actionable is already disputed or refunded."),
    retrieves(WARNING, WarningRetrieve, "One early fraud warning", "/v1/radar/early_fraud_warnings/{early_fraud_warning}"),
)  # fmt: skip
"""Every read about payments."""
