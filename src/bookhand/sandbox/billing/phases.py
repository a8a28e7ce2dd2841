"""The phases of a schedule: read, begun as a subscription, laid over one that runs.

read(call, call.subs("phases"), start)     # each phase dated: it starts where the one before ends
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import changes, coupons, cycles, fields, items, life, rates, updates
from bookhand.sandbox.stripe.errors import StripeError
from bookhand.sandbox.stripe.params import Params

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bookhand.sandbox.stripe.call import Call


JSON = dict[str, Any]
PRORATIONS = ("always_invoice", "create_prorations", "none")


def read(call: Call, wanted: Iterable[Params], start: int) -> list[JSON]:
    """Dated phases."""
    found, begins = [], start
    for params in wanted:
        phase = _phase(call, params, begins)
        found.append(phase)
        begins = phase["end_date"]
    return found


def of_subscription(sub: JSON) -> JSON:
    """What a subscription sells now, as a phase until its period's end."""
    own = sub["items"]["data"]
    phase = blank(sub["currency"], own[0]["current_period_start"], life.ends(sub))
    phase["items"] = [_item(item["price"]["id"], item["quantity"], item["tax_rates"]) for item in own]
    phase["metadata"] = sub["metadata"]
    return phase


def begin(call: Call, customer: JSON, schedule: JSON, phase: JSON) -> JSON:
    """The subscription of a schedule's first phase."""
    from bookhand.sandbox.billing.subscriptions import blank as new_subscription  # noqa: PLC0415 - the shape is the API's

    sub = new_subscription(call, customer)
    settings = schedule["default_settings"]
    sub["currency"], sub["schedule"] = phase["currency"], schedule["id"]
    sub["default_payment_method"] = phase["default_payment_method"] or settings["default_payment_method"]
    sub["collection_method"] = phase["collection_method"] or settings["collection_method"]
    sub["days_until_due"] = settings["invoice_settings"]["days_until_due"]
    sub["automatic_tax"] = dict(settings["automatic_tax"])
    sub["default_tax_rates"] = phase["default_tax_rates"] or []
    sub["metadata"] = dict(phase["metadata"] or {})
    if phase["trial_end"]:
        sub["trial_start"], sub["trial_end"] = call.now, phase["trial_end"]
    sub["discounts"] = _discounts(call, phase, customer, sub["id"])
    own = [_new_item(call, sub, wanted) for wanted in phase["items"]]
    sub["items"]["data"], sub["items"]["total_count"] = own, len(own)
    return life.start(call, customer, sub, anchor=None, payment_behavior="allow_incomplete", off_session=True)


def apply(call: Call, customer: JSON, before: JSON, phase: JSON) -> None:
    """Lay a phase over a subscription: its items change as the phase prorates."""
    sub = fields.copy(before)
    after = []
    known = {item["price"]["id"]: item for item in sub["items"]["data"]}
    for wanted in phase["items"]:
        item = known.get(wanted["price"])
        if item is None:
            after.append(_new_item(call, sub, wanted))
        else:
            after.append({**fields.copy(item), "quantity": wanted["quantity"]})
    if phase["metadata"]:
        sub["metadata"] = {**sub["metadata"], **phase["metadata"]}
    if phase["discounts"]:
        sub["discounts"] = _discounts(call, phase, customer, sub["id"])
    at_end = life.ends(sub) <= call.now
    behavior = "none" if at_end else phase["proration_behavior"]
    invoice = changes.swap(call, customer, sub, after, behavior=behavior, moment=call.now)
    updates.finish(call, before, sub, customer, invoice)


def blank(currency: str, start: int, end: int) -> JSON:
    """A phase that sells nothing."""
    return {
        "add_invoice_items": [],
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": None,
        "billing_thresholds": None,
        "collection_method": None,
        "currency": currency,
        "default_payment_method": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "end_date": end,
        "invoice_settings": None,
        "items": [],
        "metadata": {},
        "on_behalf_of": None,
        "proration_behavior": "create_prorations",
        "start_date": start,
        "transfer_data": None,
        "trial_end": None,
    }


def _phase(call: Call, params: Params, start: int) -> JSON:
    own = []
    prices = []
    for wanted in params.subs("items"):
        price = items.price_of(call, wanted)
        if price is None:
            raise StripeError("A phase's items need a price.", param=wanted.named("price"))
        prices.append(price)
        tax = rates.by_hand(call, wanted.listing("tax_rates"))
        own.append(_item(price["id"], wanted.integer("quantity", default=1, min=0), tax))
    if not own:
        raise StripeError("A phase must have at least one item.", param=params.named("items"))
    phase = blank(fields.currency(params) or prices[0]["currency"], start, _end(params, prices[0], start))
    phase["items"] = own
    phase["metadata"] = params.metadata()
    phase["description"] = params.text("description")
    phase["default_payment_method"] = params.text("default_payment_method")
    phase["collection_method"] = params.choice("collection_method", ("charge_automatically", "send_invoice"))
    phase["proration_behavior"] = params.choice("proration_behavior", PRORATIONS, default="create_prorations")
    phase["default_tax_rates"] = rates.by_hand(call, params.listing("default_tax_rates"))
    phase["discounts"] = [
        {
            "coupon": p.text("coupon"),
            "discount": p.text("discount"),
            "promotion_code": p.text("promotion_code"),
        }
        for p in params.subs("discounts")
    ]
    if params.boolean("trial"):
        phase["trial_end"] = phase["end_date"]
    elif params.sent("trial_end"):
        phase["trial_end"] = params.timestamp("trial_end")
    return phase


def _end(params: Params, price: JSON, start: int) -> int:
    end = params.timestamp("end_date")
    if end is not None:
        return end
    if params.mapping("duration"):
        inner = params.sub("duration")
        interval = inner.choice("interval", ("day", "week", "month", "year"), required=True) or "month"
        return cycles.step(start, interval, inner.integer("interval_count", default=1, min=1) or 1, 1)
    every = price["recurring"]
    times = params.integer("iterations", default=1, min=1) or 1
    return cycles.step(start, every["interval"], every["interval_count"], times)


def _item(price: str, quantity: int | None, tax_rates: list[JSON]) -> JSON:
    return {
        "billing_thresholds": None,
        "discounts": [],
        "metadata": {},
        "plan": price,
        "price": price,
        "quantity": quantity,
        "tax_rates": tax_rates,
    }


def _new_item(call: Call, sub: JSON, wanted: JSON) -> JSON:
    item = items.blank(call, sub["id"], call.get("price", wanted["price"]), wanted["quantity"])
    return {**item, "tax_rates": wanted["tax_rates"], "metadata": dict(wanted["metadata"])}


def _discounts(call: Call, phase: JSON, customer: JSON, sub: str) -> list[str]:

    asked = [
        Params({k: v for k, v in one.items() if v}, f"discounts[{at}]")
        for at, one in enumerate(phase["discounts"])
    ]
    return coupons.give(call, asked, customer=customer, subscription=sub)
