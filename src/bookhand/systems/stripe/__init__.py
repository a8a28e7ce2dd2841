"""Stripe: payments, and the truth about every movement of money.

The manifest: what it is to bookhand, how it is connected, what a restricted key needs, and what is known to be missing.
"""

from __future__ import annotations

from bookhand.systems.manifest import Alternative, Field, Manifest, Need, Version, Way

PINNED_VERSION = "2026-10-28.endive"
"""The API version that every call is made in, every webhook endpoint is created with and every shape here is of."""


def _read(permission: str, resource: str, why: str, *probes: str) -> Need:
    return Need(permission=f"rak_{permission}_read", resource=resource, access="Read", probes=probes, why=why)


MANIFEST = Manifest(
    key="stripe",
    name="Stripe",
    system="stripe",
    category="finance",
    roles=("money", "billing"),
    auth=("key", "app_oauth", "connect_oauth", "platform"),
    for_what="Where the money comes in, and the truth about every movement of it.",
    does=(
        "Reads every balance transaction, from the account's first day if you like, and makes one balanced entry of each.",
        "Proves the books against Stripe's balance after every batch, to the cent, for each currency.",
        "Hears of changes by webhook, and reads Stripe's event list for what a webhook missed.",
        "Refunds, changes subscriptions, answers disputes and sends invoices, once a person has said yes.",
    ),
    fits=(
        "Cards and debits are taken by Stripe, and somebody has to account for them.",
        "Several accounts, or live and test, are to stand side by side: each is a connection of its own.",
        "A platform has to keep the books of its connected accounts: connect each by its acct_… through your key.",
    ),
    not_for=(
        "Money that never passes through Stripe: it is in the bank's lines, and in no balance transaction.",
        "A full general ledger with payroll and purchases: connect QuickBooks, NetSuite or Beancount for that, and mirror into it.",
    ),
    gotchas=(
        "A secret key (sk_…) may do everything. Make a restricted key with the permissions below; bookhand names what is missing.",
        "The mode is in the key: rk_test_… sees no live money, and the two never mix.",
        "Stripe counts reads by the month. bookhand stays below what an account is allotted, and says so when it comes near.",
        "Two bookhands on one account each keep their own webhook endpoint: Stripe allows sixteen in all.",
    ),
    alternatives=(Alternative(key="bank", when="You only need what arrived at the bank, not how it came about."),),
    ways=(
        Way(key="oauth", name="Sign in at Stripe", says="Say yes on Stripe's own page. Needs a Stripe App or a Connect platform of yours."),
        Way(
            key="key", name="Restricted key", says="Make a key in Stripe's dashboard (Developers, API keys) with the permissions below, and paste it here.",
            fields=(
                Field(name="key", label="Restricted key", hint="Begins with rk_live_ or rk_test_. It is sealed at once, and never shown again.", secret=True),
                Field(name="name", label="Name", hint="What to call the connection; without it the account's own name.", needed=False),
            ),
        ),
        Way(
            key="platform", name="A connected account, by your platform's key", says="Reads one connected account through the key of your Connect platform.",
            fields=(
                Field(name="key", label="The platform's key", hint="Begins with sk_ or rk_.", secret=True),
                Field(name="account", label="Connected account", hint="As in acct_1Nv0FGQ9RKHgCVdK."),
                Field(name="name", label="Name", hint="What to call the connection; without it the account's own name.", needed=False),
            ),
        ),
    ),
    version=Version(
        name=PINNED_VERSION, since="2026-10-28",
        says="Stripe brings a version every month and a breaking one twice a year, and has announced no end for this one. A connection "
        "stays on its version until you connect it again under a bookhand that speaks a newer one.",
    ),
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
