"""Stripe's writes on subscriptions: start, change, pause, resume, end.

    by_name = {action.name: action for action in SUBSCRIPTION_WRITES}
    by_name["subscriptions.cancel_at_period_end"].risk, by_name["subscriptions.cancel"].risk
    # ('write', 'irreversible')

Ending at the period's end and ending now are two actions, for they are two risks.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from bookhand.core.action import Action, Call, Get, Lookup, Params, Plan, Shape, Values
from bookhand.systems.stripe.actions import previews_subscriptions
from bookhand.systems.stripe.actions.fields import (
    Currency,
    CustomerId,
    Moment,
    PaymentMethodId,
    PriceId,
    Quantity,
    SubscriptionId,
    SubscriptionItemId,
    TaxRateId,
)
from bookhand.systems.stripe.actions.own_fields import (
    AutomaticTax,
    Cancellation,
    Collection,
    Discount,
    Proration,
    Sold,
    Tagged,
    Unset,
)
from bookhand.systems.stripe.actions.writes_customers import PRICES, prices

_LIMITS = "25 calls a second; for one subscription 10 new invoices a minute and 20 a day, 200 changes of quantity an hour."
_MOST_ITEMS, _MOST_TRIAL_DAYS = 20, 730
Behavior = Literal["allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"]
Days = Annotated[int, Field(strict=True, ge=0, le=365)]


class Terms(Tagged):
    """How a subscription is paid."""

    default_payment_method: Annotated[PaymentMethodId | None, Field(description="What its invoices are charged to.")] = None  # fmt: skip
    collection_method: Annotated[Collection | None, Field(description="Charge by itself, or send invoices to be paid.")] = None  # fmt: skip
    days_until_due: Annotated[Days | None, Field(description="Days to pay an invoice that is sent.")] = None
    payment_behavior: Annotated[Behavior | None, Field(description="What happens if the first payment fails.")] = None  # fmt: skip
    proration_behavior: Annotated[Proration | None, Field(description="What happens to a part of a period: on the next invoice, invoiced now, or nothing.")] = None  # fmt: skip
    off_session: Annotated[bool | None, Field(description="True when the customer is not there to be asked.")] = None  # fmt: skip
    discounts: Annotated[list[Discount] | None, Field(max_length=20, description="Discounts it gets; they replace those it has.")] = None  # fmt: skip
    description: Annotated[Unset | None, Field(description="What customers read about it.")] = None
    default_tax_rates: Annotated[list[TaxRateId] | None, Field(max_length=5, description="Tax rates of its own.")] = None  # fmt: skip
    automatic_tax: Annotated[AutomaticTax | None, Field(description="Have Stripe Tax compute the tax.")] = None  # fmt: skip

    def model_post_init(self, _: Any) -> None:
        """Sent invoices have a day to be paid by."""
        if self.days_until_due is not None and self.collection_method == "charge_automatically":
            raise ValueError("days_until_due goes with collection_method=send_invoice: leave it out.")


class SubscriptionsCreate(Terms):
    """A subscription to start."""

    customer: Annotated[CustomerId, Field(description="Who subscribes.")]
    items: Annotated[list[Sold], Field(min_length=1, max_length=_MOST_ITEMS, description="What they subscribe to.")]  # fmt: skip
    currency: Annotated[Currency | None, Field(description="One of the currencies of its prices.")] = None
    trial_period_days: Annotated[Annotated[int, Field(strict=True, gt=0, le=_MOST_TRIAL_DAYS)] | None, Field(description="Days before the first charge.")] = None  # fmt: skip
    trial_end: Annotated[Moment | None, Field(description="Or the moment of the first charge.")] = None
    billing_cycle_anchor: Annotated[Moment | None, Field(description="A later moment at which full periods begin.")] = None  # fmt: skip
    cancel_at_period_end: Annotated[bool | None, Field(description="True to let it end after one period.")] = None  # fmt: skip

    def model_post_init(self, context: Any) -> None:
        """Terms that fit together."""
        super().model_post_init(context)
        if self.trial_period_days is not None and self.trial_end is not None:
            raise ValueError("Give trial_period_days or trial_end, not both.")
        if self.collection_method == "send_invoice" and self.days_until_due is None:
            raise ValueError("collection_method=send_invoice needs days_until_due.")


class ItemChange(Params):
    """An item to change (`id`), to add (a price alone), or to take off (`id` and deleted)."""

    id: Annotated[SubscriptionItemId | None, Field(description="The item (si_…) to change.")] = None
    price: Annotated[PriceId | None, Field(description="Its new price, or the price to add.")] = None
    quantity: Annotated[Quantity | None, Field(description="How many.")] = None
    deleted: Annotated[Literal[True] | None, Field(description="True to take it off.")] = None

    def model_post_init(self, _: Any) -> None:
        """Something to change, on something."""
        if self.id is None and (self.price is None or self.deleted):
            raise ValueError("Name the item to change or to take off (id), or the price to add.")
        if self.id is not None and self.price is None and self.quantity is None and not self.deleted:
            raise ValueError("Say what changes of the item: price, quantity or deleted.")


class Anchor(Params):
    """When periods begin."""

    type: Annotated[Literal["now", "unchanged"], Field(description="now begins a new period; unchanged keeps the rhythm.")]  # fmt: skip


class SubscriptionsUpdate(Terms):
    """What to change of a subscription; at least one field."""

    subscription: Annotated[SubscriptionId, Field(description="The subscription.")]
    items: Annotated[list[ItemChange] | None, Field(min_length=1, max_length=_MOST_ITEMS, description="Items to change; the others stay.")] = None  # fmt: skip
    proration_date: Annotated[Moment | None, Field(description="Prorate as of this moment, so that a preview holds to the cent.")] = None  # fmt: skip
    trial_end: Annotated[Moment | Literal["now"] | None, Field(description="When the trial ends; now ends it.")] = None  # fmt: skip
    billing_cycle_anchor: Annotated[Anchor | None, Field(description="Whether a new period begins.")] = None
    cancel_at_period_end: Annotated[Literal[False] | None, Field(description="False takes back a cancellation that waits for the period's end.")] = None  # fmt: skip

    def model_post_init(self, context: Any) -> None:
        """Something to change."""
        super().model_post_init(context)
        if not self.model_dump(exclude_none=True, exclude={"subscription"}):
            raise ValueError("Nothing to change was given: name at least one field beside the subscription.")


class CancelAtPeriodEnd(Tagged):
    """A subscription to let run out."""

    subscription: Annotated[SubscriptionId, Field(description="The subscription.")]
    cancellation_details: Annotated[Cancellation | None, Field(description="Why.")] = None


class SubscriptionsCancel(Params):
    """A subscription to end now."""

    subscription: Annotated[SubscriptionId, Field(description="The subscription.")]
    prorate: Annotated[bool | None, Field(description="True makes a credit for the unused time.")] = None
    invoice_now: Annotated[bool | None, Field(description="True bills what is not billed yet.")] = None
    cancellation_details: Annotated[Cancellation | None, Field(description="Why.")] = None


class Pause(Params):
    """How collecting is paused."""

    behavior: Annotated[Literal["keep_as_draft", "mark_uncollectible", "void"], Field(description="What becomes of its invoices meanwhile.")]  # fmt: skip
    resumes_at: Annotated[Moment | None, Field(description="When it goes on by itself; without it, never.")] = None  # fmt: skip


class PauseCollection(Tagged):
    """A subscription whose invoices are not to be collected for a while."""

    subscription: Annotated[SubscriptionId, Field(description="The subscription.")]
    pause_collection: Annotated[Pause, Field(description="How, and until when.")]


class ResumeCollection(Tagged):
    """A subscription whose invoices are to be collected again."""

    subscription: Annotated[SubscriptionId, Field(description="The subscription.")]


class SubscriptionsResume(Params):
    """A subscription with status paused, to go on."""

    subscription: Annotated[SubscriptionId, Field(description="The subscription.")]
    billing_cycle_anchor: Annotated[Anchor | None, Field(description="now (Stripe's default) bills a new period today.")] = None  # fmt: skip
    proration_behavior: Annotated[Proration | None, Field(description="What happens to a part of a period.")] = None  # fmt: skip


def _subscription(values: Values) -> Get:
    return Get(f"/v1/subscriptions/{values['subscription']}")


_EXPAND = {"expand": ["customer", "items.data.price.product"]}


def _read(values: Values) -> dict[str, Get]:
    return {"subscription": Get(_subscription(values).path, _EXPAND)}


def _some(values: Values, *names: str) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


def _create_reads(values: Values) -> dict[str, Get]:
    found = {
        "customer": Get(f"/v1/customers/{values['customer']}"),
        "balance": Get("/v1/balance"),
        "subscriptions": Get("/v1/subscriptions", {"customer": values["customer"]}),
        **prices(values["items"]),
    }
    if "trial_period_days" not in values and "trial_end" not in values:
        asked = {"subscription_details": _some(values, "items", "billing_cycle_anchor", "default_tax_rates")}
        found["first_invoice"] = Get(
            "/v1/invoices/create_preview",
            {**_some(values, "customer", "currency", "discounts", "automatic_tax"), **asked},
        )
    return found


def _update_reads(values: Values) -> dict[str, Get]:
    found = {**_read(values), **prices(values.get("items", []))}
    details = _some(
        values, "items", "proration_behavior", "proration_date", "trial_end", "cancel_at_period_end"
    )
    if "items" in values or "trial_end" in values or "discounts" in values:
        found["next_invoice"] = Get(
            "/v1/invoices/create_preview",
            {
                **_some(values, "subscription", "discounts"),
                **({"subscription_details": details} if details else {}),
            },
        )
    return found


def _resumed(_: Values, sub: Any) -> bool:
    return sub.get("status") not in ("paused", None)


def _canceled(_: Values, sub: Any) -> bool:
    return sub.get("status") in ("canceled", "incomplete_expired")


_SHAPE = Shape("subscription", {
    "id": "the subscription's id (sub_…)", "status": "incomplete, trialing, active, past_due, unpaid, paused or canceled",
    "customer": "who subscribes", "items": "what they subscribe to, with quantities and periods",
    "cancel_at_period_end": "whether it ends with its period", "latest_invoice": "the invoice it made last",
    "pause_collection": "whether collecting is paused",
})  # fmt: skip

_WATCHED = ("cancel_at", "cancel_at_period_end", "collection_method", "currency", "default_payment_method", "discounts",
            "items.data", "latest_invoice", "pause_collection", "status", "trial_end")  # fmt: skip
_BRIEF = ("cancel_at", "cancel_at_period_end", "pause_collection", "status")


def _of_one(preview: Any, *, watched: tuple[str, ...] = _BRIEF) -> Plan:
    return Plan(reads=_read, watched={"subscription": watched}, preview=preview, needed=("subscription",))


_CREATE = Action(
    name="subscriptions.create", vendor="stripe", summary="Start a subscription", risk="money", params=SubscriptionsCreate,
    result=_SHAPE, scope="rak_subscription_write", limits=_LIMITS,
    when="For what is billed again and again; it bills at once unless there is a trial.",
    call=Call("POST", "/v1/subscriptions"),
    plan=Plan(
        reads=_create_reads,
        watched={
            "customer": ("deleted", "currency", "invoice_settings.default_payment_method", "balance"),
            **PRICES,
        },
        preview=previews_subscriptions.create, needed=("customer",),
    ),
    lookup=Lookup(
        listed=lambda values: Get("/v1/subscriptions", {"customer": values["customer"], "status": "all"}),
        events=("customer.subscription.created",),
    ),
)  # fmt: skip

_UPDATE = Action(
    name="subscriptions.update", vendor="stripe", summary="Change a subscription", risk="money", params=SubscriptionsUpdate,
    result=_SHAPE, scope="rak_subscription_write", limits=_LIMITS,
    when="To change what it sells or how it is paid. To end or pause it there are actions of their own.",
    call=Call("POST", "/v1/subscriptions/{subscription}"),
    plan=Plan(
        reads=_update_reads, watched={"subscription": _WATCHED, **PRICES}, preview=previews_subscriptions.update,
        needed=("subscription",),
    ),
    lookup=Lookup(marked=_subscription, events=("customer.subscription.updated",)),
)  # fmt: skip

_RUN_OUT = Action(
    name="subscriptions.cancel_at_period_end", vendor="stripe", summary="Cancel a subscription at the end of its period",
    risk="write", params=CancelAtPeriodEnd, result=_SHAPE, scope="rak_subscription_write", limits=_LIMITS,
    when="The usual way to cancel: what is paid is served. Until then it can be taken back (subscriptions.update).",
    call=Call("POST", "/v1/subscriptions/{subscription}", fixed={"cancel_at_period_end": True}),
    plan=_of_one(previews_subscriptions.cancel_at_period_end, watched=(*_BRIEF, "latest_invoice")),
    lookup=Lookup(marked=_subscription, events=("customer.subscription.updated",)),
)  # fmt: skip

_CANCEL = Action(
    name="subscriptions.cancel", vendor="stripe", summary="Cancel a subscription now", risk="irreversible",
    params=SubscriptionsCancel, result=_SHAPE, scope="rak_subscription_write", limits=_LIMITS,
    when="Only when it must end today: it cannot be started again.",
    call=Call("DELETE", "/v1/subscriptions/{subscription}", marked=False),
    plan=_of_one(previews_subscriptions.cancel, watched=_WATCHED),
    lookup=Lookup(state=(_subscription, _canceled), events=("customer.subscription.deleted",)),
)  # fmt: skip

_PAUSE = Action(
    name="subscriptions.pause_collection", vendor="stripe", summary="Pause collecting a subscription's invoices",
    risk="write", params=PauseCollection, result=_SHAPE, scope="rak_subscription_write", limits=_LIMITS,
    when="To serve a customer without charging for a while; the status stays as it is.",
    call=Call("POST", "/v1/subscriptions/{subscription}"),
    plan=_of_one(previews_subscriptions.pause_collection),
    lookup=Lookup(marked=_subscription, events=("customer.subscription.updated",)),
)  # fmt: skip

_UNPAUSE = Action(
    name="subscriptions.resume_collection", vendor="stripe", summary="Resume collecting a subscription's invoices",
    risk="write", params=ResumeCollection, result=_SHAPE, scope="rak_subscription_write", limits=_LIMITS,
    when="To end subscriptions.pause_collection. For a subscription whose status is paused: subscriptions.resume.",
    call=Call("POST", "/v1/subscriptions/{subscription}", fixed={"pause_collection": ""}),
    plan=_of_one(previews_subscriptions.resume_collection),
    lookup=Lookup(marked=_subscription, events=("customer.subscription.updated",)),
)  # fmt: skip

_RESUME = Action(
    name="subscriptions.resume", vendor="stripe", summary="Resume a paused subscription", risk="money",
    params=SubscriptionsResume, result=_SHAPE, scope="rak_subscription_write", limits=_LIMITS,
    when="For a subscription whose status is paused (after a trial without a payment method, or on request); it may bill at once.",
    call=Call(
        "POST", "/v1/subscriptions/{subscription}/resume", marked=False,
        fixed={"payment_behavior": "resume_on_payment_attempt"},
    ),
    plan=_of_one(previews_subscriptions.resume, watched=_WATCHED),
    lookup=Lookup(
        state=(_subscription, _resumed),
        events=("customer.subscription.resumed",),
    ),
)  # fmt: skip

SUBSCRIPTION_WRITES: tuple[Action, ...] = (_CREATE, _UPDATE, _RUN_OUT, _CANCEL, _PAUSE, _UNPAUSE, _RESUME)
"""The life of a subscription."""
