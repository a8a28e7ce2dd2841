"""Stripe's lists, as data: what is brought in, from where, and which events mean that money moved.

Things that happened (charges, refunds …) are brought in by range; things that last (customers, subscriptions, products,
prices) are brought in whole, because a charge of today may belong to a customer of five years ago.
"""

from __future__ import annotations

import msgspec

STRIPE_BEGAN = 1_293_840_000
"""2011-01-01: nothing at Stripe was created before."""
PAGE_SIZE = 100
"""Stripe's largest page."""
EVENTS_KEPT_DAYS = 30


class StripeList(msgspec.Struct, frozen=True, kw_only=True):
    """One list: its path, the object it holds, what else is asked, and whether it is brought in whole."""

    name: str
    object: str
    params: dict[str, str] = msgspec.field(default_factory=dict)
    whole: bool = False

    @property
    def path(self) -> str:
        """``/v1/charges``."""
        return f"/v1/{self.name}"


BALANCE_TRANSACTIONS = StripeList(
    name="balance_transactions", object="balance_transaction", params={"expand[]": "data.source"}
)

LISTS: dict[str, StripeList] = {
    each.name: each
    for each in (
        BALANCE_TRANSACTIONS,
        StripeList(name="charges", object="charge"),
        StripeList(name="payment_intents", object="payment_intent"),
        StripeList(name="refunds", object="refund"),
        StripeList(name="disputes", object="dispute"),
        StripeList(name="payouts", object="payout"),
        StripeList(name="invoices", object="invoice"),
        StripeList(name="invoice_payments", object="invoice_payment"),
        StripeList(name="credit_notes", object="credit_note"),
        StripeList(name="customers", object="customer", whole=True),
        StripeList(name="subscriptions", object="subscription", params={"status": "all"}, whole=True),
        StripeList(name="products", object="product", whole=True),
        StripeList(name="prices", object="price", whole=True),
    )
}
"""What a backfill brings in, in the order of the journal's interest."""

_OTHER_PATHS = {
    "application_fee": "application_fees", "topup": "topups", "transfer": "transfers", "coupon": "coupons", "account": "accounts",
    "payment_method": "payment_methods", "setup_intent": "setup_intents", "tax_rate": "tax_rates", "event": "events",
    "invoiceitem": "invoiceitems", "subscription_schedule": "subscription_schedules", "subscription_item": "subscription_items",
    "promotion_code": "promotion_codes", "quote": "quotes", "file": "files", "mandate": "mandates", "review": "reviews",
    "checkout.session": "checkout/sessions", "radar.early_fraud_warning": "radar/early_fraud_warnings", "plan": "plans",
    "test_helpers.test_clock": "test_helpers/test_clocks", "payment_link": "payment_links",
}  # fmt: skip
_PATHS = {each.object: each.name for each in LISTS.values()} | _OTHER_PATHS


def path_of(object_name: str, object_id: str) -> str | None:
    """Where one object is asked for: ``path_of("charge", "ch_1") == "/v1/charges/ch_1"``; None where bookhand knows no place."""
    name = _PATHS.get(object_name)
    return f"/v1/{name}/{object_id}" if name and object_id else None


JOURNAL_EVENTS: tuple[tuple[str, ...], ...] = (
    (
        "charge.succeeded", "charge.captured", "charge.updated", "charge.refunded", "charge.dispute.created",
        "charge.dispute.closed", "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated", "refund.created",
        "refund.updated", "refund.failed", "payout.created", "payout.paid", "payout.failed", "payout.canceled",
        "payout.reconciliation_completed", "topup.succeeded", "topup.reversed", "transfer.created", "transfer.reversed",
    ),
    (
        "application_fee.created", "application_fee.refunded", "invoice.finalized", "invoice.paid", "invoice.voided",
        "invoice_payment.paid", "credit_note.created", "credit_note.voided", "customer.subscription.updated",
        "customer.subscription.deleted",
    ),
)  # fmt: skip
"""The events the safety net asks for again if their delivery failed, in groups of at most 20 (Stripe's limit a call)."""

_MONEY = (
    "charge.",
    "refund.",
    "payout.",
    "topup.",
    "transfer.",
    "application_fee.",
    "reserve.",
    "customer_cash_balance",
)
_NO_MONEY = frozenset(
    {"charge.failed", "charge.pending", "charge.expired", "payout.updated", "transfer.updated"}
)


def moves_money(event_type: str) -> bool:
    """Whether an event may mean a new balance transaction; its thin twin (``v1.charge.succeeded``) too."""
    name = event_type.removeprefix("v1.")
    return name.startswith(_MONEY) and name not in _NO_MONEY
