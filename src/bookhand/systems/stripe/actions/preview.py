"""What an invoice would be: computed by Stripe from what it is sent, and nothing changes.

>>> PREVIEW.call.way, PREVIEW.risk
('POST', 'read')
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bookhand.core.action import Action, Call, Params, Shape
from bookhand.systems.stripe.actions.entries import VENDOR
from bookhand.systems.stripe.actions.fields import (
    CouponId,
    Currency,
    CustomerId,
    Expand,
    Line,
    Moment,
    PriceId,
    PromotionCodeId,
    Quantity,
    ScheduleId,
    SignedMinor,
    SubscriptionId,
    SubscriptionItemId,
)


class PreviewItem(Params):
    """An item of the subscription as it would be."""

    id: Annotated[SubscriptionItemId | None, Field(description="The item that would change; without it a new one.")] = None  # fmt: skip
    price: Annotated[PriceId | None, Field(description="What it would cost.")] = None
    quantity: Annotated[Quantity | None, Field(description="How many.")] = None
    deleted: Annotated[bool | None, Field(description="True: the item would go.")] = None


class PreviewSubscription(Params):
    """The subscription as it would be."""

    items: Annotated[list[PreviewItem] | None, Field(max_length=20, description="The items that would change.")] = None  # fmt: skip
    proration_behavior: Annotated[Literal["create_prorations", "none", "always_invoice"] | None, Field(description="What happens with the part of a period that was paid.")] = None  # fmt: skip
    proration_date: Annotated[Moment | None, Field(description="When the change would take effect.")] = None
    trial_end: Annotated[Moment | Literal["now"] | None, Field(description="When the trial would end.")] = (
        None
    )
    cancel_at_period_end: Annotated[bool | None, Field(description="Whether it would end with its period.")] = None  # fmt: skip
    cancel_now: Annotated[bool | None, Field(description="True: as if it were canceled now.")] = None


class PreviewLine(Params):
    """A single amount that would be added."""

    amount: Annotated[SignedMinor | None, Field(description="In minor units; negative is a credit.")] = None
    currency: Annotated[Currency | None, Field(description="Of the amount.")] = None
    price: Annotated[PriceId | None, Field(description="A price instead of an amount.")] = None
    quantity: Annotated[Quantity | None, Field(description="How many of the price.")] = None
    description: Annotated[Line | None, Field(description="As it would stand on the invoice.")] = None


class PreviewDiscount(Params):
    """A discount that would be given."""

    coupon: Annotated[CouponId | None, Field(description="The coupon.")] = None
    promotion_code: Annotated[PromotionCodeId | None, Field(description="The promotion code.")] = None


class InvoicePreview(Params):
    """What is previewed: the next invoice as things are, or as a change would make it."""

    customer: Annotated[CustomerId | None, Field(description="Whose invoice.")] = None
    subscription: Annotated[SubscriptionId | None, Field(description="Which subscription; without it all of the customer's that bill next.")] = None  # fmt: skip
    schedule: Annotated[ScheduleId | None, Field(description="Which subscription schedule.")] = None
    preview_mode: Annotated[Literal["next", "recurring"] | None, Field(description="The next invoice, or a usual one with no proration.")] = None  # fmt: skip
    currency: Annotated[Currency | None, Field(description="In which currency; the customer's own without it.")] = None  # fmt: skip
    subscription_details: Annotated[PreviewSubscription | None, Field(description="The change, if there is one.")] = None  # fmt: skip
    invoice_items: Annotated[list[PreviewLine] | None, Field(max_length=100, description="Amounts that would be added.")] = None  # fmt: skip
    discounts: Annotated[list[PreviewDiscount] | None, Field(max_length=20, description="Discounts that would be given.")] = None  # fmt: skip
    expand: Annotated[Expand | None, Field(description="Ids to replace by their objects.")] = None


PREVIEW = Action(
    name="invoices.preview", vendor=VENDOR, risk="read", params=InvoicePreview,
    summary="What the next invoice would be, as things are or after a change",
    result=Shape("invoice", {
        "total": "what would be asked, in minor units", "subtotal": "before discounts and tax", "amount_due": "what would be charged",
        "currency": "of these amounts", "lines": "what it would be made of, prorations included", "next_payment_attempt": "when (Unix seconds)",
    }),
    scope="rak_invoice_write", limits="25 calls a second at this endpoint, 100 for the account (25 in a sandbox).",
    when="Before a change of a subscription, to see its cost. Changes nothing; the invoice has no lasting id, and later usage is not in it.",
    call=Call("POST", "/v1/invoices/create_preview", marked=False),
)  # fmt: skip
