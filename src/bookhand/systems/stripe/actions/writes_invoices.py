"""Stripe's writes on invoices: draft, items, finalize, send, pay, void, credit.

    by_name = {action.name: action for action in INVOICE_WRITES}
    by_name["invoices.pay"].params(invoice="in_1")

A draft can change; a final invoice can be paid, voided or credited, and never changed.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from bookhand.core.action import Action, Call, Get, Lookup, Params, Plan, Shape, Values
from bookhand.systems.stripe.actions import previews_invoices
from bookhand.systems.stripe.actions.fields import (
    Currency,
    CustomerId,
    InvoiceId,
    Line,
    Minor,
    Moment,
    PaymentMethodId,
    PriceId,
    Quantity,
    SignedMinor,
    SubscriptionId,
)
from bookhand.systems.stripe.actions.own_fields import AutomaticTax, Collection, Discount, Tagged, chargeable

_EACH = "25 calls a second."
Days = Annotated[int, Field(strict=True, ge=0, le=365)]


class InvoicesCreate(Tagged):
    """A draft to make."""

    customer: Annotated[CustomerId, Field(description="Whom it bills.")]
    currency: Annotated[Currency | None, Field(description="Without it, the customer's.")] = None
    collection_method: Annotated[Collection | None, Field(description="Charge by itself, or send it to be paid.")] = None  # fmt: skip
    days_until_due: Annotated[Days | None, Field(description="Days to pay it, when it is sent.")] = None
    due_date: Annotated[Moment | None, Field(description="Or the day to pay it by.")] = None
    auto_advance: Annotated[bool | None, Field(description="True lets Stripe finalize and collect it by itself.")] = None  # fmt: skip
    pending_invoice_items_behavior: Annotated[Literal["include", "exclude"] | None, Field(description="Whether waiting items go onto it; without it, none.")] = None  # fmt: skip
    subscription: Annotated[SubscriptionId | None, Field(description="Bill what waits on this subscription.")] = None  # fmt: skip
    default_payment_method: Annotated[PaymentMethodId | None, Field(description="What it is charged to.")] = None  # fmt: skip
    description: Annotated[Line | None, Field(description="What stands on it, above the lines.")] = None
    footer: Annotated[Line | None, Field(description="What stands at its foot.")] = None
    discounts: Annotated[list[Discount] | None, Field(max_length=20, description="Discounts on all of it.")] = None  # fmt: skip
    automatic_tax: Annotated[AutomaticTax | None, Field(description="Have Stripe Tax compute the tax.")] = None  # fmt: skip

    def model_post_init(self, _: Any) -> None:
        """A day to be paid by, where it is sent and only there."""
        dated = self.days_until_due is not None or self.due_date is not None
        if self.days_until_due is not None and self.due_date is not None:
            raise ValueError("Give days_until_due or due_date, not both.")
        if dated != (self.collection_method == "send_invoice"):
            raise ValueError("collection_method=send_invoice needs days_until_due or due_date, and they go only with it.")  # fmt: skip


class InvoicesFinalize(Params):
    """A draft to make final."""

    invoice: Annotated[InvoiceId, Field(description="The draft.")]
    auto_advance: Annotated[bool | None, Field(description="True lets Stripe collect it by itself; false leaves that to you.")] = None  # fmt: skip


class InvoicesSend(Params):
    """An invoice to mail."""

    invoice: Annotated[InvoiceId, Field(description="The invoice.")]


class InvoicesPay(Params):
    """An open invoice to collect now."""

    invoice: Annotated[InvoiceId, Field(description="The invoice.")]
    payment_method: Annotated[PaymentMethodId | None, Field(description="What to charge; without it, the default.")] = None  # fmt: skip
    off_session: Annotated[bool | None, Field(description="False when the customer is there to be asked (Stripe's default is true).")] = None  # fmt: skip
    paid_out_of_band: Annotated[bool | None, Field(description="True: it was paid elsewhere, and nothing is charged.")] = None  # fmt: skip

    def model_post_init(self, _: Any) -> None:
        """One way of paying."""
        if self.paid_out_of_band and self.payment_method is not None:
            raise ValueError("What was paid elsewhere is charged to nothing: leave payment_method out.")


class InvoicesVoid(Params):
    """A final, unpaid invoice to void."""

    invoice: Annotated[InvoiceId, Field(description="The invoice.")]


class Period(Params):
    """A span of service."""

    start: Annotated[Moment, Field(description="Its first moment.")]
    end: Annotated[Moment, Field(description="Its last.")]

    def model_post_init(self, _: Any) -> None:
        """Forward in time."""
        if self.end < self.start:
            raise ValueError("A period ends after it begins.")


class Pricing(Params):
    """A price by its id."""

    price: Annotated[PriceId, Field(description="A price that is paid once (price_…).")]


class InvoiceItemsCreate(Tagged):
    """A line for a draft, or for the next invoice."""

    customer: Annotated[CustomerId, Field(description="Whom it bills.")]
    amount: Annotated[SignedMinor | None, Field(description="How much, in minor units; below zero lowers the invoice.")] = None  # fmt: skip
    currency: Annotated[Currency | None, Field(description="The currency of amount.")] = None
    pricing: Annotated[Pricing | None, Field(description="Or a price.")] = None
    quantity: Annotated[Quantity | None, Field(description="How many of that price.")] = None
    invoice: Annotated[InvoiceId | None, Field(description="The draft to put it on; without it, the next one.")] = None  # fmt: skip
    subscription: Annotated[SubscriptionId | None, Field(description="Wait for this subscription's next invoice.")] = None  # fmt: skip
    description: Annotated[Line | None, Field(description="What the customer reads.")] = None
    period: Annotated[Period | None, Field(description="The time of service.")] = None
    discountable: Annotated[bool | None, Field(description="Whether discounts count on it.")] = None

    def model_post_init(self, _: Any) -> None:
        """An amount with its currency, or a price."""
        if (self.amount is None) == (self.pricing is None):
            raise ValueError("Give exactly one of amount (with currency) and pricing.")
        if (self.amount is None) != (self.currency is None):
            raise ValueError("amount and currency go together: give both, or pricing alone.")
        if self.amount is not None and self.quantity is not None:
            raise ValueError("quantity counts a price; with amount, leave it out.")
        if self.amount == 0:
            raise ValueError("An item over 0 changes nothing.")
        if self.amount is not None and self.currency is not None:
            chargeable(self.amount, self.currency)
        if self.invoice is not None and self.subscription is not None:
            raise ValueError("Name a draft invoice or a subscription whose next invoice takes it, not both.")


class NoteLine(Params):
    """A line of an invoice to credit, or a line of its own."""

    type: Annotated[Literal["invoice_line_item", "custom_line_item"], Field(description="Of the invoice, or of its own.")]  # fmt: skip
    invoice_line_item: Annotated[Annotated[str, StringConstraints(pattern=r"^il_[A-Za-z0-9_]+$")] | None, Field(description="The invoice's line (il_…).")] = None  # fmt: skip
    quantity: Annotated[Quantity | None, Field(description="How many of it are credited.")] = None
    amount: Annotated[Minor | None, Field(description="Or how much of it, in minor units.")] = None
    unit_amount: Annotated[Minor | None, Field(description="What one costs, on a line of its own.")] = None
    description: Annotated[Line | None, Field(description="What the customer reads.")] = None

    def model_post_init(self, _: Any) -> None:
        """What each kind needs."""
        own = self.type == "custom_line_item"
        if own == (self.invoice_line_item is not None):
            raise ValueError("invoice_line_item goes with type=invoice_line_item, and only with it.")
        if own and (self.unit_amount is None or self.quantity is None or self.description is None):
            raise ValueError("A custom_line_item needs description, quantity and unit_amount.")
        if not own and (self.quantity is None) == (self.amount is None):
            raise ValueError("Credit a line by quantity or by amount: give exactly one.")


class CreditNotesCreate(Tagged):
    """A final invoice to make smaller, by an amount or by lines."""

    invoice: Annotated[InvoiceId, Field(description="The invoice.")]
    amount: Annotated[Minor | None, Field(description="How much in all, tax included, in minor units.")] = None  # fmt: skip
    lines: Annotated[list[NoteLine] | None, Field(min_length=1, max_length=100, description="Or line by line.")] = None  # fmt: skip
    refund_amount: Annotated[Minor | None, Field(description="How much of what was paid is refunded.")] = None  # fmt: skip
    credit_amount: Annotated[Minor | None, Field(description="How much of it goes to the customer's balance.")] = None  # fmt: skip
    out_of_band_amount: Annotated[Minor | None, Field(description="How much of it was paid back outside Stripe.")] = None  # fmt: skip
    reason: Annotated[Literal["duplicate", "fraudulent", "order_change", "product_unsatisfactory"] | None, Field(description="Why.")] = None  # fmt: skip
    memo: Annotated[Line | None, Field(description="What the customer reads on it.")] = None
    email_type: Annotated[Literal["credit_note", "none"] | None, Field(description="none: no e-mail to the customer.")] = None  # fmt: skip

    def model_post_init(self, _: Any) -> None:
        """One way of counting."""
        if (self.amount is None) == (self.lines is None):
            raise ValueError("Give exactly one of amount and lines.")


def _invoice(values: Values) -> Get:
    return Get(f"/v1/invoices/{values['invoice']}")


def _read(values: Values) -> dict[str, Get]:
    return {"invoice": Get(_invoice(values).path, {"expand": ["customer"]})}


def _create_reads(values: Values) -> dict[str, Get]:
    found = {"customer": Get(f"/v1/customers/{values['customer']}")}
    if values.get("pending_invoice_items_behavior") == "include" or "subscription" in values:
        found["pending_items"] = Get("/v1/invoiceitems", {"customer": values["customer"], "pending": True})
    return found


def _pay_reads(values: Values) -> dict[str, Get]:
    expand = ["customer.invoice_settings.default_payment_method", "default_payment_method",
              "payments.data.payment.payment_intent"]  # fmt: skip
    found = {"invoice": Get(_invoice(values).path, {"expand": expand}), "balance": Get("/v1/balance")}
    if "payment_method" in values:
        found["payment_method"] = Get(f"/v1/payment_methods/{values['payment_method']}")
    return found


def _item_reads(values: Values) -> dict[str, Get]:
    found = {"customer": Get(f"/v1/customers/{values['customer']}")}
    if "invoice" in values:
        found["invoice"] = _invoice(values)
    if "pricing" in values:
        found["price"] = Get(f"/v1/prices/{values['pricing']['price']}", {"expand": ["product"]})
    return found


def _note_reads(values: Values) -> dict[str, Get]:
    names = ("invoice", "amount", "lines", "refund_amount", "credit_amount", "out_of_band_amount", "reason")
    asked = {name: values[name] for name in names if name in values}
    expand = ["customer", "payments.data.payment.payment_intent"]
    invoice = Get(_invoice(values).path, {"expand": expand})
    return {"invoice": invoice, "note": Get("/v1/credit_notes/preview", asked)}


def _item_list(values: Values) -> Get:
    return Get("/v1/invoiceitems", {name: values[name] for name in ("customer", "invoice") if name in values})


def _is(*statuses: str) -> Any:
    return lambda _, invoice: invoice.get("status") in statuses


_SHAPE = Shape("invoice", {
    "id": "the invoice's id (in_…)", "number": "its number, once it is final", "status": "draft, open, paid, void or uncollectible",
    "total": "what it comes to, in minor units", "amount_due": "what is due", "amount_remaining": "what is not paid yet",
    "hosted_invoice_url": "where the customer can pay it", "currency": "in which currency",
})  # fmt: skip
_WATCHED = ("amount_due", "amount_paid", "amount_remaining", "auto_advance", "collection_method", "currency", "status",
            "total")  # fmt: skip


def _plan(preview: Any, reads: Any = _read) -> Plan:
    return Plan(reads=reads, watched={"invoice": _WATCHED}, preview=preview, needed=("invoice",))


_CREATE = Action(
    name="invoices.create", vendor="stripe", summary="Draft an invoice", risk="write", params=InvoicesCreate,
    result=_SHAPE, scope="rak_invoice_write", limits=_EACH,
    when="For what no subscription bills. Put lines on it (invoice_items.create), then finalize it.",
    call=Call("POST", "/v1/invoices"),
    plan=Plan(
        reads=_create_reads, watched={"customer": ("deleted", "currency")}, preview=previews_invoices.create,
        needed=("customer",),
    ),
    lookup=Lookup(
        listed=lambda values: Get("/v1/invoices", {"customer": values["customer"]}), events=("invoice.created",),
    ),
)  # fmt: skip

_FINALIZE = Action(
    name="invoices.finalize", vendor="stripe", summary="Make a draft invoice final", risk="irreversible",
    params=InvoicesFinalize, result=_SHAPE, scope="rak_invoice_write", limits=_EACH,
    when="When the draft is right: afterwards it can be voided or credited, and not changed.",
    call=Call("POST", "/v1/invoices/{invoice}/finalize", marked=False), plan=_plan(previews_invoices.finalize),
    lookup=Lookup(
        state=(_invoice, _is("open", "paid", "void", "uncollectible")), events=("invoice.finalized",),
    ),
)  # fmt: skip

_SEND = Action(
    name="invoices.send", vendor="stripe", summary="Mail an invoice to the customer", risk="irreversible",
    params=InvoicesSend, result=_SHAPE, scope="rak_invoice_write", limits=_EACH,
    when="For an invoice with collection_method send_invoice; a draft is made final by it. Sent twice, it arrives twice.",
    call=Call("POST", "/v1/invoices/{invoice}/send", marked=False), plan=_plan(previews_invoices.send),
    lookup=Lookup(events=("invoice.sent",)),
)  # fmt: skip


def _paying(_: Values, invoice: Any) -> bool:
    """Paid, or a bank is at it: before, it was neither."""
    payments = (invoice.get("payments") or {}).get("data") or []
    intents = [(one.get("payment") or {}).get("payment_intent") for one in payments]
    told = {one.get("status") for one in intents if isinstance(one, dict)}
    return invoice.get("status") == "paid" or "processing" in told


def _with_payments(values: Values) -> Get:
    return Get(_invoice(values).path, {"expand": ["payments.data.payment.payment_intent"]})


_PAY = Action(
    name="invoices.pay", vendor="stripe", summary="Collect an open invoice now", risk="money", params=InvoicesPay,
    result=_SHAPE, scope="rak_invoice_write", limits=_EACH,
    when="To try once more by a person's decision. Where Stripe's own retries are on, a try more can be one too many.",
    call=Call("POST", "/v1/invoices/{invoice}/pay", marked=False),
    plan=_plan(previews_invoices.pay, _pay_reads),
    lookup=Lookup(
        state=(_with_payments, _paying),
        events=("invoice.paid",),
    ),
)  # fmt: skip

_VOID = Action(
    name="invoices.void", vendor="stripe", summary="Void an unpaid invoice", risk="irreversible", params=InvoicesVoid,
    result=_SHAPE, scope="rak_invoice_write", limits=_EACH,
    when="When a final invoice was a mistake. For one that is paid: credit_notes.create.",
    call=Call("POST", "/v1/invoices/{invoice}/void", marked=False), plan=_plan(previews_invoices.void),
    lookup=Lookup(state=(_invoice, _is("void")), events=("invoice.voided",)),
)  # fmt: skip

_ITEM = Action(
    name="invoice_items.create", vendor="stripe", summary="Add a line to a draft or to the next invoice", risk="write",
    params=InvoiceItemsCreate,
    result=Shape("invoiceitem", {
        "id": "the item's id (ii_…)", "amount": "in minor units", "currency": "in which currency",
        "invoice": "the invoice it stands on, if any", "customer": "whom it bills",
    }),
    scope="rak_invoice_write", limits=f"{_EACH} At most 250 items on an invoice.",
    when="Before invoices.finalize, or to bill something with a subscription's next invoice.",
    call=Call("POST", "/v1/invoiceitems"),
    plan=Plan(
        reads=_item_reads,
        watched={
            "customer": ("deleted", "currency"), "invoice": ("status", "currency"),
            "price": ("active", "currency", "unit_amount"),
        },
        preview=previews_invoices.item, needed=("customer", "invoice", "price"),
    ),
    lookup=Lookup(listed=_item_list, events=("invoiceitem.created",)),
)  # fmt: skip

_NOTE = Action(
    name="credit_notes.create", vendor="stripe", summary="Credit an invoice, and refund or credit what was paid",
    risk="money", params=CreditNotesCreate,
    result=Shape("credit_note", {
        "id": "the credit note's id (cn_…)", "number": "its number", "total": "what it credits, in minor units",
        "pre_payment_amount": "how much less is owed", "post_payment_amount": "how much of what was paid is given back",
        "refunds": "the refunds it made", "status": "issued or void",
    }),
    scope="rak_credit_note_write", limits=_EACH,
    when="To correct a final invoice with its tax. A refund alone leaves the invoice and its tax as they were.",
    call=Call("POST", "/v1/credit_notes"),
    plan=Plan(
        reads=_note_reads,
        watched={
            "invoice": (*_WATCHED, "post_payment_credit_notes_amount", "pre_payment_credit_notes_amount"),
            "note": ("total",),
        },
        preview=previews_invoices.credit_note, needed=("invoice",),
    ),
    lookup=Lookup(
        listed=lambda values: Get("/v1/credit_notes", {"invoice": values["invoice"]}), events=("credit_note.created",),
    ),
)  # fmt: skip

INVOICE_WRITES: tuple[Action, ...] = (_CREATE, _ITEM, _FINALIZE, _SEND, _PAY, _VOID, _NOTE)
"""The life of an invoice."""
