"""Subscriptions over the API: create, read, list, change, cancel, pause, resume.

POST /v1/subscriptions customer=cus_1 items[0][price]=price_1      # "active", its first invoice paid
POST /v1/subscriptions/sub_1 cancel_at_period_end=true
GET  /v1/subscriptions                                             # without the canceled ones, unless status=all
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import (
    coupons,
    cycles,
    ending,
    fields,
    invoiceitems,
    items,
    life,
    rates,
    standing,
    updates,
)
from bookhand.sandbox.billing.clocks import enter
from bookhand.sandbox.billing.customers import get as get_customer
from bookhand.sandbox.stripe.errors import StripeError
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call
    from bookhand.sandbox.stripe.params import Params

JSON = dict[str, Any]
KIND = "subscription"
STATUSES = ("active", "all", "canceled", "ended", "incomplete", "incomplete_expired", "past_due", "paused",
            "trialing", "unpaid")  # fmt: skip
BEHAVIORS = ("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete")
PRORATIONS = ("always_invoice", "create_prorations", "none")
MISSING = ("cancel", "create_invoice", "pause")
METHODS = ("charge_automatically", "send_invoice")


@route("POST", "/v1/subscriptions")
def create(call: Call) -> JSON:
    """Start a subscription and bill its first period."""
    customer = get_customer(call, call.text("customer", required=True) or "")
    sub = blank(call, customer)
    own = items.read(call, call.subs("items"), customer=customer, sub=sub["id"])
    money = fields.currency(call) or (own[0]["price"]["currency"] if own else "")
    sub["currency"] = _billed_in(call, customer, own, money)
    items.check(call, own, sub["currency"])
    sub["items"]["data"], sub["items"]["total_count"] = own, len(own)
    _read_new(call, sub, customer)
    for extra in call.subs("add_invoice_items"):
        invoiceitems.keep(call, invoiceitems.read_new(call, extra, customer, sub["currency"]), None)
    return life.start(
        call,
        customer,
        sub,
        anchor=_anchor(call),
        payment_behavior=call.choice("payment_behavior", BEHAVIORS, default="allow_incomplete") or "",
        prorate=call.choice("proration_behavior", PRORATIONS, default="create_prorations") != "none",
        off_session=bool(call.boolean("off_session", default=False)),
    )


@route("GET", "/v1/subscriptions")
def index(call: Call) -> JSON:
    """Subscriptions, newest first; canceled ones only when asked for."""
    status = call.choice("status", STATUSES)
    return call.page(
        KIND,
        customer=call.text("customer"),
        status=status if status not in ("all", "ended") else None,
        listed="1" if status is None else None,
        ended="1" if status == "ended" else None,
        price=call.text("price") or call.text("plan"),
        collection=call.choice("collection_method", METHODS),
        test_clock=call.text("test_clock"),
    )


@route("GET", "/v1/subscriptions/{id}")
def read(call: Call) -> JSON:
    """One subscription."""
    return call.get(KIND, call.path["id"])


@route("POST", "/v1/subscriptions/{id}")
def change(call: Call) -> JSON:
    """Change what it sells, how it is paid or when it ends; of an ended one, only the words."""
    if set(call.params) <= {"cancellation_details", "expand", "metadata"}:
        return _change_words(call)
    return updates.change(call, living(call))


def _change_words(call: Call) -> JSON:
    before = call.get(KIND, call.path["id"])
    enter(call, before)
    after = fields.copy(before)
    after["metadata"] = call.metadata(old=after["metadata"])
    read_cancellation(call, after)
    return fields.update(call, before, after, "customer.subscription.updated")


@route("DELETE", "/v1/subscriptions/{id}")
def cancel(call: Call) -> JSON:
    """End it now."""
    sub = living(call)
    if sub["status"] == "incomplete":
        sub["cancellation_details"]["reason"] = "cancellation_requested"
    read_cancellation(call, sub)
    sub["canceled_at"] = call.now
    return ending.cancel_now(
        call,
        sub,
        reason="cancellation_requested",
        prorate=bool(call.boolean("prorate", default=False)),
        invoice_now=bool(call.boolean("invoice_now", default=False)),
    )


@route("POST", "/v1/subscriptions/{id}/resume")
def resume(call: Call) -> JSON:
    """Go on with a paused subscription."""
    sub = living(call)
    if sub["status"] != "paused":
        raise StripeError("You can only resume a subscription that is paused.", param="id")
    return updates.resume(call, sub)


@route("POST", "/v1/subscriptions/{id}/pause")
def pause(call: Call) -> JSON:
    """Stop a subscription until it is resumed."""
    sub = living(call)
    if sub["status"] not in ("active", "trialing", "past_due"):
        raise StripeError(f"You cannot pause a subscription whose status is {sub['status']}.", param="id")
    return updates.pause(call, sub)


def living(call: Call, name: str = "id") -> JSON:
    """The subscription of this call, if it can still change, with the call on its clock."""
    sub = call.get(KIND, call.path[name])
    if sub["status"] in standing.OVER:
        raise StripeError(
            "A canceled subscription can only update its cancellation_details and metadata.", param=name
        )
    enter(call, sub)
    return sub


def read_cancellation(call: Call, sub: JSON) -> None:
    """Why the customer goes."""
    inner = call.sub("cancellation_details")
    for name in ("comment", "feedback"):
        if inner.sent(name):
            sub["cancellation_details"][name] = inner.text(name)


def read_settings(call: Call, sub: JSON, customer: JSON) -> None:
    """The choices that creating and changing share."""
    fields.set_texts(call, sub, ("description", "default_payment_method", "default_source", "on_behalf_of"))
    if sub["default_payment_method"] and call.sent("default_payment_method"):
        call.get("payment_method", sub["default_payment_method"], param="default_payment_method")
    sub["metadata"] = call.metadata(old=sub["metadata"])
    sub["collection_method"] = call.choice("collection_method", METHODS, default=sub["collection_method"])
    if call.sent("days_until_due"):
        sub["days_until_due"] = call.integer("days_until_due", min=0)
    if sub["collection_method"] == "send_invoice" and sub["days_until_due"] is None:
        raise StripeError(
            "You must pass `days_until_due` when `collection_method` is `send_invoice`.",
            param="days_until_due",
        )
    _read_tax(call, sub, customer)
    if call.sent("application_fee_percent"):
        sub["application_fee_percent"] = fields.number(call, "application_fee_percent")
    if call.sent("discounts"):
        sub["discounts"] = coupons.give(
            call, call.subs("discounts"), customer=customer, subscription=sub["id"]
        )
    if call.sent("trial_settings"):
        behavior = call.choice("trial_settings[end_behavior][missing_payment_method]", MISSING, required=True)
        sub["trial_settings"] = {
            "end_behavior": {"billing_cycle_anchor": None, "missing_payment_method": behavior}
        }
    save = call.text("payment_settings[save_default_payment_method]")
    if save:
        sub["payment_settings"]["save_default_payment_method"] = save
    read_cancellation(call, sub)


def _read_tax(call: Call, sub: JSON, customer: JSON) -> None:
    if call.sent("default_tax_rates"):
        sub["default_tax_rates"] = rates.by_hand(
            call, call.listing("default_tax_rates"), param="default_tax_rates"
        )
    if call.sent("automatic_tax[enabled]"):
        on = bool(call.boolean("automatic_tax[enabled]"))
        if on and not rates.known(customer):
            raise StripeError(
                "The customer's location isn't recognized. Set a valid customer address in order to automatically "
                "calculate tax.",
                code="customer_tax_location_invalid",
                param="automatic_tax",
            )
        sub["automatic_tax"] |= {"enabled": on, "liability": {"type": "self"} if on else None}


def blank(call: Call, customer: JSON) -> JSON:
    """A subscription without items."""
    id_ = call.new_id("sub")
    return {
        "id": id_,
        "object": KIND,
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": call.now,
        "billing_cycle_anchor_config": None,
        "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible"},
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "feedback_option": None, "reason": None},
        "collection_method": "charge_automatically",
        "created": call.now,
        "currency": customer["currency"] or "usd",
        "customer": customer["id"],
        "customer_account": None,
        "days_until_due": None,
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "ended_at": None,
        "invoice_settings": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": None,
            "footer": None,
            "issuer": {"type": "self"},
        },
        "items": {
            "object": "list",
            "data": [],
            "has_more": False,
            "total_count": 0,
            "url": f"/v1/subscription_items?subscription={id_}",
        },
        "latest_invoice": None,
        "livemode": call.livemode,
        "managed_payments": {"enabled": False},
        "metadata": {},
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "start_date": call.now,
        "status": "incomplete",
        "test_clock": customer["test_clock"],
        "transfer_data": None,
        "trial_end": None,
        "trial_settings": {
            "end_behavior": {"billing_cycle_anchor": None, "missing_payment_method": "create_invoice"}
        },
        "trial_start": None,
    }


def _read_new(call: Call, sub: JSON, customer: JSON) -> None:
    read_settings(call, sub, customer)
    sub["trial_end"] = _trial_end(call)
    sub["trial_start"] = call.now if sub["trial_end"] else None
    backdate = call.timestamp("backdate_start_date")
    if backdate is not None:
        sub["start_date"] = backdate
    sub["cancel_at"] = call.timestamp("cancel_at")
    sub["cancel_at_period_end"] = bool(call.boolean("cancel_at_period_end", default=False))
    if sub["cancel_at_period_end"] or sub["cancel_at"]:
        sub["canceled_at"] = call.now
        sub["cancellation_details"]["reason"] = "cancellation_requested"


def _billed_in(call: Call, customer: JSON, own: list[JSON], money: str) -> str:
    if call.sent("currency") or not customer["currency"] or money == customer["currency"]:
        return money
    try:
        items.check(call, own, customer["currency"])
    except StripeError:
        return money
    return str(customer["currency"])


def _trial_end(call: Call) -> int | None:
    days, end = call.integer("trial_period_days", min=0, max=730), call.text("trial_end")
    if days is not None and end is not None:
        raise StripeError("You cannot set `trial_end` when `trial_period_days` is set.", param="trial_end")
    if days:
        return call.now + days * cycles.DAY
    if end is None or end == "now":
        return None
    moment = call.timestamp("trial_end") or 0
    if moment <= call.now:
        raise StripeError("`trial_end` must be in the future.", param="trial_end")
    return moment


def _anchor(call: Call) -> int | None:
    moment = call.timestamp("billing_cycle_anchor")
    if moment is not None:
        if moment < call.now:
            raise StripeError("`billing_cycle_anchor` cannot be in the past.", param="billing_cycle_anchor")
        return moment
    if not call.mapping("billing_cycle_anchor_config"):
        return call.timestamp("backdate_start_date")
    return _configured(call, call.sub("billing_cycle_anchor_config"))


def _configured(call: Call, inner: Params) -> int:
    config = {name: inner.integer(name) for name in ("day_of_month", "month", "hour", "minute", "second")}
    return cycles.next_like(call.now, config)
