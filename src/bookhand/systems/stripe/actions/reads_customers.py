"""Who pays, how, and what became of it: customers, their payment methods, and one customer's history.

>>> [action.name for action in CUSTOMER_READS][-1]
'customers.history'
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from bookhand.core.action import Action, Params, Shape
from bookhand.systems.stripe.actions.entries import VENDOR, Kind, Word, lists, retrieves, searches
from bookhand.systems.stripe.actions.fields import (
    Created,
    CustomerId,
    ListParams,
    PaymentMethodId,
    RetrieveParams,
    TestClockId,
)

CUSTOMER = Kind(
    resource="customers", object="customer", scope="rak_customer_read",
    fields={
        "id": "the customer (cus_…)", "name": "as it stands on invoices", "email": "where Stripe writes to",
        "balance": "credit (negative) or debt (positive) for the next invoice, in minor units", "currency": "what they are billed in",
        "delinquent": "whether their last invoice failed", "invoice_settings": "the default payment method for invoices",
        "metadata": "your own names and texts", "deleted": "true where the customer was deleted", "created": "Unix seconds",
    },
)  # fmt: skip


class CustomersList(ListParams):
    """Filters of a list of customers."""

    email: Annotated[Annotated[str, StringConstraints(min_length=3, max_length=512)] | None, Field(description="Only those with exactly this email address; upper and lower case count.")] = None  # fmt: skip
    test_clock: Annotated[TestClockId | None, Field(description="Only those in the simulated time of this test clock; without it, none of them.")] = None  # fmt: skip
    created: Annotated[Created | None, Field(description="Only those created in this span.")] = None


class CustomerRetrieve(RetrieveParams):
    """Which customer."""

    customer: Annotated[CustomerId, Field(description="The customer's id.")]


METHOD = Kind(
    resource="payment_methods", object="payment_method", scope="rak_payment_method_read",
    fields={
        "id": "the payment method (pm_…)", "type": "card, us_bank_account, sepa_debit …", "customer": "whose it is",
        "card": "brand, last4, exp_month, exp_year", "billing_details": "name, email and address", "created": "Unix seconds",
    },
)  # fmt: skip


class PaymentMethodsList(ListParams):
    """Filters of a list of payment methods."""

    customer: Annotated[CustomerId, Field(description="Whose payment methods.")]
    type: Annotated[Word | None, Field(description="Only of this type, as in card, us_bank_account or sepa_debit.")] = None  # fmt: skip
    allow_redisplay: Annotated[Literal["always", "limited", "unspecified"] | None, Field(description="Only those that may be shown again to the customer in this way.")] = None  # fmt: skip


class PaymentMethodRetrieve(RetrieveParams):
    """Which payment method."""

    payment_method: Annotated[PaymentMethodId, Field(description="The payment method's id.")]


class CustomerHistory(Params):
    """Whose history, and how far back."""

    customer: Annotated[CustomerId, Field(description="The customer's id.")]
    window_days: Annotated[int, Field(strict=True, ge=1, le=3650, description="How many days back, to now.")] = 90  # fmt: skip


HISTORY = Action(
    name="customers.history", vendor=VENDOR, risk="read", params=CustomerHistory,
    summary="One customer's charges, refunds, disputes, invoices, subscriptions and credit notes of the last days",
    result=Shape("history", {
        "customer": "the customer", "since": "where the window begins (Unix seconds)", "charges": "charges of the window",
        "refunds": "refunds of these charges", "disputes": "disputes of these charges", "invoices": "invoices of the window",
        "credit_notes": "credit notes of the window", "subscriptions": "every subscription, canceled ones too, whenever it began",
        "counts": "how many of each", "cuts": "which were cut, and how to go on",
    }),
    scope="rak_charge_read, rak_dispute_read, rak_invoice_read, rak_credit_note_read, rak_subscription_read",
    limits="Four lists of up to 1,000 objects, and one more for every charge that was refunded or disputed (of 50 charges each at most).",
    when="To answer what happened with a customer. Refunds and disputes of charges from before the window are not in it.",
)  # fmt: skip

CUSTOMER_READS = (
    lists(CUSTOMER, CustomersList, "Customers, newest first", when="To go through customers, or find them by exact email. Deleted ones are hidden, and those on a test clock."),
    retrieves(CUSTOMER, CustomerRetrieve, "One customer", "/v1/customers/{customer}", when="When the id is known. A deleted customer is told as deleted, and little more."),
    searches(CUSTOMER, "created, email, name, phone", when="To find a customer by a part of the name (name~'fern')."),
    lists(METHOD, PaymentMethodsList, "A customer's payment methods, newest first", when="To see how a customer can pay. Old cards saved as sources may be missing."),
    retrieves(METHOD, PaymentMethodRetrieve, "One payment method", "/v1/payment_methods/{payment_method}"),
    HISTORY,
)  # fmt: skip
"""Every read about customers."""
