"""Stripe's writes around customers: who they are, what they are owed, and what is offered to them.

    CUSTOMER_WRITES[1].params(customer="cus_1", email="new@example.com")

A text given as "" takes away what is there; what is not named stays as it is.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from bookhand.core.action import Action, Call, Get, Lookup, Params, Plan, Shape, Values
from bookhand.systems.stripe.actions import previews_customers
from bookhand.systems.stripe.actions.fields import (
    CouponId,
    Currency,
    CustomerId,
    Line,
    Minor,
    Moment,
    PaymentMethodId,
    ProductId,
    SignedMinor,
    TestClockId,
)
from bookhand.systems.stripe.actions.own_fields import (
    Address,
    AutomaticTax,
    Email,
    Sold,
    Tagged,
    Unset,
    chargeable,
    exactly_one,
)

_EACH = "25 calls a second."
_MOST_ITEMS = 20


class InvoiceSettings(Params):
    """How a customer's invoices are paid."""

    default_payment_method: Annotated[PaymentMethodId | None, Field(description="What invoices are charged to.")] = None  # fmt: skip
    footer: Annotated[Unset | None, Field(description="What stands at the foot of each invoice.")] = None


class CustomerFields(Tagged):
    """What is known of a customer."""

    name: Annotated[Annotated[str, StringConstraints(max_length=256)] | None, Field(description="The name, as it stands on invoices.")] = None  # fmt: skip
    email: Annotated[Email | None, Field(description="Where invoices and receipts go.")] = None
    phone: Annotated[
        Annotated[str, StringConstraints(max_length=20)] | None, Field(description="Telephone number.")
    ] = None
    description: Annotated[Unset | None, Field(description="For your own eyes.")] = None
    address: Annotated[Address | None, Field(description="The billing address; it decides the tax.")] = None
    tax_exempt: Annotated[Literal["none", "exempt", "reverse"] | None, Field(description="Whether tax is charged.")] = None  # fmt: skip
    preferred_locales: Annotated[list[Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]] | None, Field(max_length=10, description="Languages of invoices, the best first (de, en-GB).")] = None  # fmt: skip
    invoice_settings: Annotated[InvoiceSettings | None, Field(description="How invoices are paid and look.")] = None  # fmt: skip


class CustomersCreate(CustomerFields):
    """A customer."""

    payment_method: Annotated[PaymentMethodId | None, Field(description="A payment method to attach.")] = None
    test_clock: Annotated[TestClockId | None, Field(description="A test clock to live on (test mode alone).")] = None  # fmt: skip


class CustomersUpdate(CustomerFields):
    """What to change of a customer; at least one field."""

    customer: Annotated[CustomerId, Field(description="The customer.")]

    def model_post_init(self, _: Any) -> None:
        """Something to change."""
        if not self.model_dump(exclude_none=True, exclude={"customer"}):
            raise ValueError("Nothing to change was given: name at least one field beside the customer.")


class BalanceCreate(Tagged):
    """A line on a customer's balance."""

    customer: Annotated[CustomerId, Field(description="The customer.")]
    amount: Annotated[SignedMinor, Field(description="In minor units: below zero is a credit to the customer, above zero is owed by them.")]  # fmt: skip
    currency: Annotated[Currency, Field(description="Counts for invoices in this currency.")]
    description: Annotated[Line | None, Field(description="Why.")] = None

    def model_post_init(self, _: Any) -> None:
        """More or less than nothing."""
        if not self.amount:
            raise ValueError("An amount of 0 changes nothing: give one below zero (credit) or above (owed).")
        chargeable(self.amount, self.currency)


def _percent(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Percent = Annotated[str, BeforeValidator(_percent), StringConstraints(pattern=r"^(100(\.0{1,2})?|\d{1,2}(\.\d{1,2})?)$")]  # fmt: skip
"""A percentage as text with at most two decimals: it is never counted with in binary fractions."""


class AppliesTo(Params):
    """What a coupon is good for."""

    products: Annotated[list[ProductId], Field(min_length=1, max_length=50, description="These products alone.")]  # fmt: skip


class CouponsCreate(Tagged):
    """A discount: a percentage or an amount, once, for some months or for ever."""

    id: Annotated[CouponId | None, Field(description="A name of your own choice; without it, Stripe makes one.")] = None  # fmt: skip
    name: Annotated[Annotated[str, StringConstraints(min_length=1, max_length=40)] | None, Field(description="What customers see.")] = None  # fmt: skip
    percent_off: Annotated[Percent | None, Field(description="Percent off, as in 20 or 12.5.")] = None
    amount_off: Annotated[Minor | None, Field(description="Or an amount off, in minor units (with currency).")] = None  # fmt: skip
    currency: Annotated[Currency | None, Field(description="The currency of amount_off.")] = None
    duration: Annotated[Literal["once", "repeating", "forever"], Field(description="For how long it takes effect.")] = "once"  # fmt: skip
    duration_in_months: Annotated[Annotated[int, Field(strict=True, gt=0, le=1200)] | None, Field(description="How many months, when repeating.")] = None  # fmt: skip
    max_redemptions: Annotated[Annotated[int, Field(strict=True, gt=0)] | None, Field(description="How often it can be given in all.")] = None  # fmt: skip
    redeem_by: Annotated[Moment | None, Field(description="Until when it can be given.")] = None
    applies_to: Annotated[AppliesTo | None, Field(description="What it is good for; without it, everything.")] = None  # fmt: skip

    def model_post_init(self, _: Any) -> None:
        """One way of counting, with what it needs."""
        exactly_one(self, "percent_off", "amount_off")
        if (self.amount_off is None) != (self.currency is None):
            raise ValueError("amount_off and currency go together: give both, or percent_off alone.")
        if self.amount_off is not None and self.currency is not None:
            chargeable(self.amount_off, self.currency)
        if self.percent_off is not None and not self.percent_off.strip("0."):
            raise ValueError("percent_off is more than 0 and at most 100.")
        if (self.duration == "repeating") != (self.duration_in_months is not None):
            raise ValueError("duration_in_months goes with duration=repeating, and only with it.")


class Redirect(Params):
    """Where the customer goes afterwards."""

    url: Annotated[Annotated[str, StringConstraints(pattern=r"^https://\S+$", max_length=2000)], Field(description="An https address.")]  # fmt: skip


class AfterCompletion(Params):
    """What happens after a payment."""

    type: Annotated[Literal["redirect"], Field(description="Go to an address of yours.")]
    redirect: Annotated[Redirect, Field(description="That address.")]


class CompletedSessions(Params):
    """A bound."""

    limit: Annotated[Annotated[int, Field(strict=True, gt=0)], Field(description="Payments after which it closes.")]  # fmt: skip


class Restrictions(Params):
    """When a link closes by itself."""

    completed_sessions: Annotated[CompletedSessions, Field(description="How often it can be paid.")]


class LinkLine(Sold):
    """What a link sells."""

    quantity: Annotated[Annotated[int, Field(strict=True, gt=0, le=999_999)], Field(description="How many.")] = 1  # fmt: skip


class PaymentLinksCreate(Tagged):
    """A page where anyone who has its address can pay."""

    line_items: Annotated[list[LinkLine], Field(min_length=1, max_length=_MOST_ITEMS, description="What is sold.")]  # fmt: skip
    allow_promotion_codes: Annotated[bool | None, Field(description="Let customers enter a code.")] = None
    automatic_tax: Annotated[AutomaticTax | None, Field(description="Have Stripe Tax compute the tax.")] = None  # fmt: skip
    billing_address_collection: Annotated[Literal["auto", "required"] | None, Field(description="Ask for the billing address.")] = None  # fmt: skip
    after_completion: Annotated[AfterCompletion | None, Field(description="What happens afterwards.")] = None
    restrictions: Annotated[Restrictions | None, Field(description="When it closes by itself.")] = None
    inactive_message: Annotated[Line | None, Field(description="What is said when it is closed.")] = None
    submit_type: Annotated[Literal["auto", "book", "donate", "pay", "subscribe"] | None, Field(description="What the button says.")] = None  # fmt: skip


def _customer(values: Values) -> Get:
    return Get(f"/v1/customers/{values['customer']}")


def _same_email(values: Values) -> dict[str, Get]:
    return {"same_email": Get("/v1/customers", {"email": values["email"]})} if values.get("email") else {}


def _customer_list(values: Values) -> Get:
    return Get("/v1/customers", {"email": values["email"]} if values.get("email") else {})


def prices(lines: list[Values]) -> dict[str, Get]:
    """A read for the price of each line that names one: ``price_0``, ``price_1`` …"""
    return {
        f"price_{index}": Get(f"/v1/prices/{line['price']}", {"expand": ["product"]})
        for index, line in enumerate(lines)
        if "price" in line
    }


PRICES = {
    f"price_{index}": ("active", "currency", "unit_amount", "recurring") for index in range(_MOST_ITEMS)
}
"""What an approval binds of each of those prices."""

_CUSTOMER_SHAPE = Shape("customer", {
    "id": "the customer's id (cus_…)", "name": "the name", "email": "the e-mail address",
    "balance": "below zero is a credit to them, above zero is owed with the next invoice", "metadata": "names and texts",
})  # fmt: skip

_WATCHED = ("deleted", "name", "email", "phone", "description", "address", "tax_exempt", "preferred_locales",
            "invoice_settings.default_payment_method", "invoice_settings.footer")  # fmt: skip

_CREATE = Action(
    name="customers.create", vendor="stripe", summary="Create a customer", risk="write", params=CustomersCreate,
    result=_CUSTOMER_SHAPE, scope="rak_customer_write", limits=_EACH,
    when="When nobody of that name or e-mail exists yet: Stripe lets two customers have the same e-mail.",
    call=Call("POST", "/v1/customers"),
    plan=Plan(reads=_same_email, watched={}, preview=previews_customers.create),
    lookup=Lookup(listed=_customer_list, events=("customer.created",)),
)  # fmt: skip

_UPDATE = Action(
    name="customers.update", vendor="stripe", summary="Change a customer's details", risk="write", params=CustomersUpdate,
    result=_CUSTOMER_SHAPE, scope="rak_customer_write", limits=_EACH,
    when="To correct names and addresses, or to set the default payment method. Not for the balance: customer_balance_transactions.create.",
    call=Call("POST", "/v1/customers/{customer}"),
    plan=Plan(
        reads=lambda values: {"customer": _customer(values)}, watched={"customer": _WATCHED},
        preview=previews_customers.update, needed=("customer",),
    ),
    lookup=Lookup(marked=_customer, events=("customer.updated",)),
)  # fmt: skip

_BALANCE = Action(
    name="customer_balance_transactions.create", vendor="stripe", risk="money",
    summary="Credit a customer's balance, or add to what they owe", params=BalanceCreate,
    result=Shape("customer_balance_transaction", {
        "id": "its id (cbtxn_…)", "amount": "below zero is a credit", "currency": "in which currency",
        "ending_balance": "the balance after it", "type": "adjustment",
    }),
    scope="rak_customer_write", limits=_EACH,
    when="For goodwill and corrections that the next invoice shall carry. To give back a payment, use refunds.create or credit_notes.create.",
    call=Call("POST", "/v1/customers/{customer}/balance_transactions"),
    plan=Plan(
        reads=lambda values: {"customer": _customer(values)}, watched={"customer": ("deleted", "balance", "currency")},
        preview=previews_customers.balance, needed=("customer",),
    ),
    lookup=Lookup(
        listed=lambda values: Get(f"/v1/customers/{values['customer']}/balance_transactions"),
        events=("customer.updated",),
    ),
)  # fmt: skip

_COUPON = Action(
    name="coupons.create", vendor="stripe", summary="Create a coupon", risk="write", params=CouponsCreate,
    result=Shape("coupon", {
        "id": "the coupon's id", "percent_off": "percent off", "amount_off": "or an amount off, in minor units",
        "duration": "once, repeating or forever", "valid": "whether it can be given",
    }),
    scope="rak_coupon_write", limits=_EACH, when="To give discounts by it afterwards; by itself it discounts nothing.",
    call=Call("POST", "/v1/coupons"),
    plan=Plan(
        reads=lambda values: {"coupon": Get(f"/v1/coupons/{values['id']}")} if "id" in values else {},
        watched={"coupon": ("id",)}, preview=previews_customers.coupon,
    ),
    lookup=Lookup(listed=lambda _: Get("/v1/coupons"), events=("coupon.created",)),
)  # fmt: skip

_LINK = Action(
    name="payment_links.create", vendor="stripe", summary="Create a payment link", risk="write", params=PaymentLinksCreate,
    result=Shape("payment_link", {
        "id": "the link's id (plink_…)", "url": "the address to give away", "active": "whether it can be paid",
    }),
    scope="rak_payment_links_write", limits=_EACH,
    when="To be paid by somebody who is no customer yet. Whoever has the address can pay.",
    call=Call("POST", "/v1/payment_links"),
    plan=Plan(
        reads=lambda values: prices(values["line_items"]), watched=PRICES, preview=previews_customers.link,
    ),
    lookup=Lookup(listed=lambda _: Get("/v1/payment_links"), events=("payment_link.created",)),
)  # fmt: skip

CUSTOMER_WRITES: tuple[Action, ...] = (_CREATE, _UPDATE, _BALANCE, _COUPON, _LINK)
"""Customers, their balance, coupons and payment links."""
