"""Subscription items: a price and a quantity, each with its own current period.

read(call, call.subs("items"), customer=…, sub=…)     # new items of `items[]`, not yet dated
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import catalog, coupons, cycles, pricing, rates
from bookhand.sandbox.stripe.errors import StripeError, parameter_missing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bookhand.sandbox.stripe.call import Call
    from bookhand.sandbox.stripe.params import Params

JSON = dict[str, Any]
PLACE = "subscription_item_place"


def read(call: Call, wanted: Iterable[Params], *, customer: JSON, sub: str) -> list[JSON]:
    """New items, without a period."""
    return [new(call, params, customer=customer, sub=sub) for params in wanted]


def new(call: Call, params: Params, *, customer: JSON, sub: str) -> JSON:
    """One new item."""
    price = price_of(call, params)
    if price is None:
        raise parameter_missing(params.named("price"))
    metered = price["recurring"]["usage_type"] == "metered"
    item = blank(call, sub, price, None if metered else params.integer("quantity", default=1, min=0))
    item["metadata"] = params.metadata()
    item["tax_rates"] = rates.by_hand(call, params.listing("tax_rates"))
    item["discounts"] = coupons.give(
        call, params.subs("discounts"), customer=customer, subscription=sub, item=item["id"]
    )
    return item


def blank(call: Call, sub: str, price: JSON, quantity: int | None) -> JSON:
    """An item of a price; the period is set when the subscription knows its anchor."""
    item: JSON = {
        "id": call.new_id("si"),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": call.now,
        "current_period_end": call.now,
        "current_period_start": call.now,
        "current_trial": None,
        "discounts": [],
        "metadata": {},
        "plan": catalog.plan(price),
        "price": price,
        "quantity": quantity,
        "subscription": sub,
        "tax_rates": [],
    }
    call.add({"id": item["id"], "object": PLACE, "subscription": sub}, stamp=False)
    return item


def price_of(call: Call, params: Params) -> JSON | None:
    """The recurring price that an item names or describes."""
    chosen = params.text("price") or params.text("plan")
    if chosen:
        price = call.get("price", chosen, param=params.named("price"))
    elif params.mapping("price_data"):
        inner = params.sub("price_data")
        product = call.get("product", inner.text("product", required=True) or "", param="price_data[product]")
        price = catalog.new_price(call, inner, product["id"])
    else:
        return None
    if price["recurring"] is None:
        raise StripeError(
            f"The price specified is set to `type=one_time` but this field only accepts prices with "
            f"`type=recurring`: {price['id']}",
            param=params.named("price"),
        )
    if not price["active"]:
        raise StripeError(f"The price specified is inactive: {price['id']}", param=params.named("price"))
    return price


def every(item: JSON) -> tuple[str, int]:
    """The interval of an item and how many of them."""
    recurring = item["price"]["recurring"]
    return recurring["interval"], recurring["interval_count"]


def date(items: Iterable[JSON], anchor: int, moment: int) -> None:
    """Put items into the period of an anchor that contains a moment."""
    for item in items:
        item["current_period_start"], item["current_period_end"] = cycles.period(anchor, *every(item), moment)


def cost(call: Call, item: JSON, currency: str) -> int:
    """What one whole period of an item costs."""
    quantity = item["quantity"] or 0
    return pricing.amount_of(catalog.full(call, item["price"], currency), quantity, currency)


def check(call: Call, items: list[JSON], currency: str, *, param: str = "items") -> None:
    """Refuse what cannot be billed together."""
    if not items:
        raise parameter_missing(param)
    if len(items) > 20:
        raise StripeError("A subscription can have at most 20 items.", param=param)
    for item in items:
        price = item["price"]
        if price["currency"] != currency and not pricing.offers(
            catalog.full(call, price, currency), currency
        ):
            raise StripeError(
                f"The price `{price['id']}` only supports `{price['currency']}`. This doesn't match the expected "
                f"currency: `{currency}`.",
                param=param,
            )
    seen = [item["price"]["id"] for item in items]
    if len(set(seen)) < len(seen):
        raise StripeError("You cannot have two items with the same price on one subscription.", param=param)
