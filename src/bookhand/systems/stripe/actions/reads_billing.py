"""What renews and what is owed: subscriptions, their items and schedules, invoices, invoice items, credit notes, tax.

>>> next(action for action in BILLING_READS if action.name == "subscriptions.list").params().model_dump(exclude_none=True)
{'status': 'all'}
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bookhand.systems.stripe.actions.entries import Kind, lists, retrieves, searches
from bookhand.systems.stripe.actions.fields import (
    Created,
    CreditNoteId,
    CustomerId,
    InvoiceId,
    InvoiceItemId,
    ListParams,
    PriceId,
    RetrieveParams,
    ScheduleId,
    Span,
    SubscriptionId,
    SubscriptionItemId,
    TaxTransactionId,
    TestClockId,
)
from bookhand.systems.stripe.actions.preview import PREVIEW

_CREATED = Field(description="Only those created in this span.")
_COLLECTION = Field(description="Only those collected in this way: by charging, or by sending an invoice.")
Collection = Literal["charge_automatically", "send_invoice"]

SUBSCRIPTION = Kind(
    resource="subscriptions", object="subscription", scope="rak_subscription_read",
    fields={
        "id": "the subscription (sub_…)", "customer": "who subscribes",
        "status": "incomplete, incomplete_expired, trialing, active, past_due, unpaid, paused or canceled",
        "items": "what is subscribed to: price, quantity and current_period_end of each", "latest_invoice": "its last invoice",
        "cancel_at_period_end": "whether it ends with this period", "cancel_at": "when it is set to end (Unix seconds)",
        "pause_collection": "whether collecting is paused, and how", "trial_end": "when its trial ends", "created": "Unix seconds",
    },
)  # fmt: skip


class SubscriptionsList(ListParams):
    """Filters of a list of subscriptions."""

    status: Annotated[
        Literal["all", "active", "canceled", "ended", "incomplete", "incomplete_expired", "past_due", "paused", "trialing", "unpaid"],
        Field(description="Only those of this status; all is all of them. Left to itself, Stripe hides the canceled ones."),
    ] = "all"  # fmt: skip
    customer: Annotated[CustomerId | None, Field(description="Only this customer's.")] = None
    price: Annotated[PriceId | None, Field(description="Only those with this recurring price.")] = None
    collection_method: Annotated[Collection | None, _COLLECTION] = None
    current_period_start: Annotated[Span | None, Field(description="Only those whose current period began in this span.")] = None  # fmt: skip
    current_period_end: Annotated[Span | None, Field(description="Only those whose current period ends in this span.")] = None  # fmt: skip
    test_clock: Annotated[TestClockId | None, Field(description="Only those in the simulated time of this test clock.")] = None  # fmt: skip
    created: Annotated[Created | None, _CREATED] = None


class SubscriptionRetrieve(RetrieveParams):
    """Which subscription."""

    subscription: Annotated[SubscriptionId, Field(description="The subscription's id.")]


ITEM = Kind(
    resource="subscription_items", object="subscription_item", scope="rak_subscription_read",
    fields={
        "id": "the item (si_…)", "subscription": "what it is part of", "price": "what it costs", "quantity": "how many",
        "current_period_start": "Unix seconds", "current_period_end": "Unix seconds",
    },
)  # fmt: skip


class SubscriptionItemsList(ListParams):
    """Whose items."""

    subscription: Annotated[SubscriptionId, Field(description="The subscription whose items are listed.")]


class SubscriptionItemRetrieve(RetrieveParams):
    """Which item."""

    item: Annotated[SubscriptionItemId, Field(description="The item's id.")]


SCHEDULE = Kind(
    resource="subscription_schedules", object="subscription_schedule", scope="rak_subscription_read",
    fields={
        "id": "the schedule (sub_sched_…)", "customer": "whose", "subscription": "the subscription that it steers",
        "status": "not_started, active, completed, released or canceled", "phases": "what holds from when to when",
        "end_behavior": "what happens after the last phase", "created": "Unix seconds",
    },
)  # fmt: skip


class SchedulesList(ListParams):
    """Filters of a list of subscription schedules."""

    customer: Annotated[CustomerId | None, Field(description="Only this customer's.")] = None
    scheduled: Annotated[bool | None, Field(description="True: only those that have not begun.")] = None
    canceled_at: Annotated[Span | None, Field(description="Only those canceled in this span.")] = None
    completed_at: Annotated[Span | None, Field(description="Only those completed in this span.")] = None
    released_at: Annotated[Span | None, Field(description="Only those released in this span.")] = None
    created: Annotated[Created | None, _CREATED] = None


class ScheduleRetrieve(RetrieveParams):
    """Which schedule."""

    schedule: Annotated[ScheduleId, Field(description="The schedule's id.")]


INVOICE = Kind(
    resource="invoices", object="invoice", scope="rak_invoice_read",
    fields={
        "id": "the invoice (in_…)", "number": "as the customer sees it", "customer": "who owes",
        "status": "draft, open, paid, uncollectible or void", "total": "with tax, in minor units", "amount_due": "what is asked",
        "amount_paid": "what was paid", "amount_remaining": "what is still owed", "currency": "of these amounts",
        "due_date": "Unix seconds, where it is sent", "next_payment_attempt": "when Stripe tries again (Unix seconds)",
        "attempt_count": "how often it was tried", "parent": "the subscription it is of", "created": "Unix seconds",
    },
)  # fmt: skip


class InvoicesList(ListParams):
    """Filters of a list of invoices."""

    customer: Annotated[CustomerId | None, Field(description="Only this customer's.")] = None
    subscription: Annotated[SubscriptionId | None, Field(description="Only this subscription's.")] = None
    status: Annotated[Literal["draft", "open", "paid", "uncollectible", "void"] | None, Field(description="Only those of this status.")] = None  # fmt: skip
    collection_method: Annotated[Collection | None, _COLLECTION] = None
    due_date: Annotated[Span | None, Field(description="Only those due in this span.")] = None
    created: Annotated[Created | None, _CREATED] = None


class InvoiceRetrieve(RetrieveParams):
    """Which invoice."""

    invoice: Annotated[InvoiceId, Field(description="The invoice's id.")]


INVOICE_ITEM = Kind(
    resource="invoice_items", object="invoiceitem", scope="rak_invoice_read", path="/v1/invoiceitems",
    fields={
        "id": "the invoice item (ii_…)", "customer": "who owes it", "invoice": "the invoice it is on; none while it waits",
        "amount": "in minor units; negative is a credit", "currency": "of the amount", "description": "as on the invoice",
        "proration": "whether a change of a subscription made it", "date": "Unix seconds",
    },
)  # fmt: skip


class InvoiceItemsList(ListParams):
    """Filters of a list of invoice items."""

    customer: Annotated[CustomerId | None, Field(description="Only this customer's.")] = None
    invoice: Annotated[InvoiceId | None, Field(description="Only those on this invoice.")] = None
    pending: Annotated[bool | None, Field(description="True: only those that wait for an invoice.")] = None
    created: Annotated[Created | None, _CREATED] = None


class InvoiceItemRetrieve(RetrieveParams):
    """Which invoice item."""

    invoiceitem: Annotated[InvoiceItemId, Field(description="The invoice item's id.")]


NOTE = Kind(
    resource="credit_notes", object="credit_note", scope="rak_credit_note_read",
    fields={
        "id": "the credit note (cn_…)", "number": "as the customer sees it", "invoice": "what it lessens", "customer": "whose",
        "status": "issued or void", "amount": "with tax, in minor units", "currency": "of the amount",
        "reason": "duplicate, fraudulent, order_change or product_unsatisfactory", "refunds": "what of it was refunded",
        "created": "Unix seconds",
    },
)  # fmt: skip


class CreditNotesList(ListParams):
    """Filters of a list of credit notes."""

    customer: Annotated[CustomerId | None, Field(description="Only this customer's.")] = None
    invoice: Annotated[InvoiceId | None, Field(description="Only those of this invoice.")] = None
    created: Annotated[Created | None, _CREATED] = None


class CreditNoteRetrieve(RetrieveParams):
    """Which credit note."""

    credit_note: Annotated[CreditNoteId, Field(description="The credit note's id.")]


TAX = Kind(
    resource="tax_transactions", object="tax.transaction", scope="rak_tax_read", path="/v1/tax/transactions",
    fields={
        "id": "the tax transaction (tax_…)", "type": "transaction or reversal", "reference": "your own name for it",
        "currency": "of its amounts", "customer": "whose", "customer_details": "where they are taxed",
        "tax_date": "which day's rates", "reversal": "what it takes back", "created": "Unix seconds",
    },
)  # fmt: skip
TAX_LINE = Kind(
    resource="tax_transactions", object="tax.transaction_line_item", scope="rak_tax_read",
    fields={
        "id": "the line", "amount": "in minor units; holds the tax where tax_behavior is inclusive", "amount_tax": "the tax of it",
        "tax_behavior": "inclusive or exclusive", "quantity": "how many", "reference": "your own name for it", "type": "transaction or reversal",
    },
)  # fmt: skip


class TaxTransactionRetrieve(RetrieveParams):
    """Which tax transaction."""

    transaction: Annotated[TaxTransactionId, Field(description="The tax transaction's id.")]


class TaxLinesList(ListParams):
    """Whose lines."""

    transaction: Annotated[TaxTransactionId, Field(description="The tax transaction whose lines are listed.")]


BILLING_READS = (
    lists(SUBSCRIPTION, SubscriptionsList, "Subscriptions, newest first", when="To see who renews. Asks for every status unless told otherwise, as Stripe alone would hide canceled ones; those on a test clock show only by clock or customer."),
    retrieves(SUBSCRIPTION, SubscriptionRetrieve, "One subscription", "/v1/subscriptions/{subscription}"),
    searches(SUBSCRIPTION, "created, canceled_at, status", when="Canceled ones are found too."),
    lists(ITEM, SubscriptionItemsList, "The items of a subscription", when="When a subscription has more than the twenty that come with it."),
    retrieves(ITEM, SubscriptionItemRetrieve, "One item of a subscription", "/v1/subscription_items/{item}"),
    lists(SCHEDULE, SchedulesList, "Subscription schedules, newest first", when="To see changes that are planned ahead; finished ones are listed too."),
    retrieves(SCHEDULE, ScheduleRetrieve, "One subscription schedule", "/v1/subscription_schedules/{schedule}"),
    lists(INVOICE, InvoicesList, "Invoices, newest first", when="To see what was billed and what is open. What will be billed next is in invoices.preview."),
    retrieves(INVOICE, InvoiceRetrieve, "One invoice", "/v1/invoices/{invoice}", when="When its id is known. Shows its first lines; its payments only with expand payments."),
    searches(INVOICE, "created, currency, customer, number, receipt_number, status, subscription, total"),
    PREVIEW,
    lists(INVOICE_ITEM, InvoiceItemsList, "Invoice items, newest first", when="To see single amounts before they are billed (pending) or on an invoice. A subscription's own lines are none of them."),
    retrieves(INVOICE_ITEM, InvoiceItemRetrieve, "One invoice item", "/v1/invoiceitems/{invoiceitem}"),
    lists(NOTE, CreditNotesList, "Credit notes, newest first", when="To see what was taken off invoices, void notes too."),
    retrieves(NOTE, CreditNoteRetrieve, "One credit note", "/v1/credit_notes/{credit_note}"),
    retrieves(TAX, TaxTransactionRetrieve, "One tax transaction", "/v1/tax/transactions/{transaction}", when="When its id is known: Stripe has no list of tax transactions; its tax reports have them all."),
    lists(TAX_LINE, TaxLinesList, "The lines of a tax transaction", path="/v1/tax/transactions/{transaction}/line_items", verb="list_line_items", when="To see the tax of each line. Stripe has no list of tax transactions themselves."),
)  # fmt: skip
"""Every read about billing."""
