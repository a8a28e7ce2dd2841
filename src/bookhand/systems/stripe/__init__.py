"""Stripe: payments, and the truth about every movement of money.

The manifest: what it is to bookhand, how it is connected, what a restricted key needs, and what is known to be missing.
"""

from __future__ import annotations

import msgspec

PINNED_VERSION = "2026-10-28.endive"
"""The API version that every call is made in, every webhook endpoint is created with and every shape here is of."""


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """A permission that a restricted key must have: how the dashboard calls it, and reads that show whether it is there."""

    permission: str
    resource: str
    access: str
    probes: tuple[str, ...]
    why: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a system says of itself."""

    name: str
    category: str
    roles: tuple[str, ...]
    auth: tuple[str, ...]
    api_version: str
    needs: tuple[Need, ...]
    limits: str
    known_gaps: tuple[str, ...]


def _read(permission: str, resource: str, why: str, *probes: str) -> Need:
    return Need(permission=f"rak_{permission}_read", resource=resource, access="Read", probes=probes, why=why)


MANIFEST = Manifest(
    name="Stripe",
    category="payments",
    roles=("money", "billing"),
    auth=("key", "app_oauth", "connect_oauth", "platform"),
    api_version=PINNED_VERSION,
    needs=(
        _read("accounts_kyc_basic", "Account", "to know whose key it is", "/v1/account"),
        _read("balance", "Balance", "to prove the books against", "/v1/balance"),
        _read("balance_transaction_source", "Balance transaction sources", "every movement of money", "/v1/balance_transactions"),
        _read("charge", "Charges and refunds", "what was sold, and what went back", "/v1/charges", "/v1/refunds"),
        _read("payment_intent", "Payment intents", "to link payments to invoices", "/v1/payment_intents"),
        _read("dispute", "Disputes", "money withdrawn and given back", "/v1/disputes"),
        _read("payout", "Payouts", "money on its way to the bank", "/v1/payouts"),
        _read("customer", "Customers", "who paid", "/v1/customers"),
        _read("product", "Products", "what was sold", "/v1/products"),
        _read("plan", "Prices", "what it costs", "/v1/prices"),
        _read("subscription", "Subscriptions", "what renews", "/v1/subscriptions"),
        _read("invoice", "Invoices", "the tax in a payment", "/v1/invoices", "/v1/invoice_payments"),
        _read("credit_note", "Credit notes", "the tax in a refund", "/v1/credit_notes"),
        _read("event", "Events", "to find what a webhook missed", "/v1/events"),
        Need(
            permission="rak_webhook_write", resource="Webhook endpoints", access="Write", probes=("/v1/webhook_endpoints",),
            why="to hear of changes at once (only with BOOKHAND_PUBLIC_URL)",
        ),
    ),
    limits="100 calls a second live, 25 in a sandbox, 25 for one endpoint, 20 for search and files, 15 for new payouts; each can "
    "be overridden for a connection under `limits`.",
    known_gaps=(
        "Stripe cannot say which balance transactions a manual or instant payout holds.",
        "Balance transactions and refunds carry no livemode: their mode is that of the key they were read with.",
        "How many payouts may be created at once (30) is not counted: payouts are created one at a time.",
        "An installed Stripe App can only be removed by its user, in Stripe's dashboard: disconnecting forgets the tokens.",
    ),
)  # fmt: skip


EVENTS = (
    "account.application.deauthorized",
    "application_fee.created", "application_fee.refund.updated", "application_fee.refunded",
    "balance.available",
    "charge.captured", "charge.dispute.closed", "charge.dispute.created", "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn", "charge.dispute.updated", "charge.expired", "charge.failed", "charge.pending",
    "charge.refund.updated", "charge.refunded", "charge.succeeded", "charge.updated",
    "credit_note.created", "credit_note.updated", "credit_note.voided",
    "customer.created", "customer.deleted", "customer.updated",
    "customer.subscription.created", "customer.subscription.deleted", "customer.subscription.paused",
    "customer.subscription.pending_update_applied", "customer.subscription.pending_update_expired",
    "customer.subscription.resumed", "customer.subscription.trial_will_end", "customer.subscription.updated",
    "customer_cash_balance_transaction.created",
    "invoice.deleted", "invoice.finalization_failed", "invoice.finalized", "invoice.marked_uncollectible", "invoice.overdue",
    "invoice.overpaid", "invoice.paid", "invoice.payment_action_required", "invoice.payment_failed", "invoice.updated",
    "invoice.voided", "invoice_payment.paid",
    "payment_intent.canceled", "payment_intent.payment_failed", "payment_intent.processing",
    "payment_intent.requires_action", "payment_intent.succeeded",
    "payout.canceled", "payout.created", "payout.failed", "payout.paid", "payout.reconciliation_completed", "payout.updated",
    "price.created", "price.deleted", "price.updated", "product.created", "product.deleted", "product.updated",
    "radar.early_fraud_warning.created", "radar.early_fraud_warning.updated",
    "refund.created", "refund.failed", "refund.updated",
    "reserve.hold.created", "reserve.hold.updated", "reserve.release.created",
    "topup.canceled", "topup.created", "topup.failed", "topup.reversed", "topup.succeeded",
    "transfer.created", "transfer.reversed", "transfer.updated",
)  # fmt: skip
"""The events our webhook endpoint asks for. Not invoice.created: while its delivery is unanswered, Stripe delays invoices."""
