"""Coupons, promotion codes, and the discounts they become on a customer, subscription or invoice.

POST /v1/coupons percent_off=20 duration=repeating duration_in_months=3
POST /v1/subscriptions … discounts[0][coupon]=…        # {"discounts": ["di_…"]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import cycles, fields
from bookhand.sandbox.billing.totals import Reduction
from bookhand.sandbox.stripe.errors import StripeError, parameter_missing
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bookhand.sandbox.stripe.call import Call
    from bookhand.sandbox.stripe.params import Params

JSON = dict[str, Any]
DURATIONS = ("forever", "once", "repeating")
LETTERS = 8


@route("POST", "/v1/coupons")
def create(call: Call) -> JSON:
    """A percentage or an amount off, once, for some months or for ever."""
    percent, amount = fields.number(call, "percent_off"), call.integer("amount_off", min=1)
    if (percent is None) == (amount is None):
        raise StripeError("You must pass either percent_off or amount_off.", param="percent_off")
    if percent is not None and not 0 < percent <= 100:
        raise StripeError("percent_off must be greater than 0 and at most 100.", param="percent_off")
    duration = call.choice("duration", DURATIONS, default="once")
    coupon: JSON = {
        "id": call.text("id") or call.engine.ids.new("c", LETTERS)[2:],
        "object": "coupon",
        "amount_off": amount,
        "created": call.now,
        "currency": fields.currency(call, required=amount is not None) if amount is not None else None,
        "duration": duration,
        "duration_in_months": call.integer("duration_in_months", required=duration == "repeating"),
        "livemode": call.livemode,
        "max_redemptions": call.integer("max_redemptions", min=1),
        "metadata": call.metadata(),
        "name": call.text("name", max=40),
        "percent_off": percent,
        "redeem_by": call.timestamp("redeem_by"),
        "times_redeemed": 0,
        "valid": True,
    }
    only = call.listing("applies_to[products]")
    if only:
        coupon["applies_to"] = {"products": only}
    if call.look("coupon", coupon["id"]):
        raise StripeError("Coupon already exists.", code="resource_already_exists", param="id")
    call.add(coupon)
    call.emit("coupon.created", coupon)
    return coupon


@route("GET", "/v1/coupons")
def index(call: Call) -> JSON:
    """Coupons, newest first."""
    return call.page("coupon")


@route("GET", "/v1/coupons/{id}")
def read(call: Call) -> JSON:
    """One coupon."""
    return call.get("coupon", call.path["id"])


@route("POST", "/v1/coupons/{id}")
def change(call: Call) -> JSON:
    """Only its name and metadata can change."""
    before = call.get("coupon", call.path["id"])
    after = fields.copy(before)
    fields.set_texts(call, after, ("name",))
    after["metadata"] = call.metadata(old=after["metadata"])
    return fields.update(call, before, after, "coupon.updated")


@route("DELETE", "/v1/coupons/{id}")
def remove(call: Call) -> JSON:
    """No new redemptions; discounts given stay."""
    coupon = call.get("coupon", call.path["id"])
    call.add({**coupon, "object": "coupon_gone", "valid": False}, stamp=False)
    gone = call.delete("coupon", coupon["id"], stub=False)
    call.emit("coupon.deleted", coupon)
    return gone


@route("POST", "/v1/promotion_codes")
def create_code(call: Call) -> JSON:
    """A word that customers redeem a coupon with."""
    coupon = call.text("promotion[coupon]") or call.text("coupon")
    if coupon is None:
        raise parameter_missing("promotion[coupon]")
    call.get("coupon", coupon, param="promotion[coupon]")
    customer = call.text("customer")
    code: JSON = {
        "id": call.new_id("promo"),
        "object": "promotion_code",
        "active": call.boolean("active", default=True),
        "code": call.text("code") or call.engine.ids.new("c", LETTERS)[2:].upper(),
        "created": call.now,
        "customer": customer,
        "customer_account": None,
        "expires_at": call.timestamp("expires_at"),
        "livemode": call.livemode,
        "max_redemptions": call.integer("max_redemptions", min=1),
        "metadata": call.metadata(),
        "promotion": {"coupon": coupon, "type": "coupon"},
        "restrictions": {
            "first_time_transaction": call.boolean("restrictions[first_time_transaction]", default=False),
            "minimum_amount": call.integer("restrictions[minimum_amount]"),
            "minimum_amount_currency": call.text("restrictions[minimum_amount_currency]"),
        },
        "times_redeemed": 0,
    }
    call.add(code, code=code["code"], coupon=coupon, customer=customer)
    call.emit("promotion_code.created", code)
    return code


@route("GET", "/v1/promotion_codes")
def codes(call: Call) -> JSON:
    """Promotion codes, perhaps of one word or coupon."""
    return call.page(
        "promotion_code", code=call.text("code"), coupon=call.text("coupon"), customer=call.text("customer")
    )


@route("GET", "/v1/promotion_codes/{id}")
def read_code(call: Call) -> JSON:
    """One promotion code."""
    return call.get("promotion_code", call.path["id"])


@route("POST", "/v1/promotion_codes/{id}")
def change_code(call: Call) -> JSON:
    """Switch it on or off."""
    before = call.get("promotion_code", call.path["id"])
    after = fields.copy(before)
    after["active"] = call.boolean("active", default=after["active"])
    after["metadata"] = call.metadata(old=after["metadata"])
    return fields.update(call, before, after, "promotion_code.updated")


@route("DELETE", "/v1/subscriptions/{subscription}/discount")
def end_on_subscription(call: Call) -> JSON:
    """Take the discounts off a subscription."""
    sub = call.get("subscription", call.path["subscription"])
    if not sub["discounts"]:
        raise StripeError("This subscription has no active discount.", code="resource_missing", status=404)
    ended = [end(call, id_) for id_ in sub["discounts"]]
    after = {**sub, "discounts": []}
    fields.update(call, sub, after, "customer.subscription.updated")
    return {**ended[0], "deleted": True}


@route("DELETE", "/v1/customers/{customer}/discount")
def end_on_customer(call: Call) -> JSON:
    """Take the discount off a customer."""
    customer = call.get("customer", call.path["customer"])
    if not customer["discount"]:
        raise StripeError("This customer has no active discount.", code="resource_missing", status=404)
    ended = end(call, customer["discount"]["id"])
    fields.update(call, customer, {**customer, "discount": None}, "customer.updated")
    return {**ended, "deleted": True}


def give(
    call: Call,
    wanted: Iterable[Params],
    *,
    customer: JSON,
    subscription: str | None = None,
    item: str | None = None,
    invoice: str | None = None,
    invoice_item: str | None = None,
    start: int | None = None,
) -> list[str]:
    """The discounts that `discounts[]` asks for: new ones of coupons and codes, or ones that exist."""
    given = []
    for params in wanted:
        kept = params.text("discount")
        if kept:
            given.append(call.get("discount", kept, param=params.named("discount"))["id"])
            continue
        coupon, code = _redeem(call, params, customer)
        discount = _discount(call, coupon, code, customer["id"], call.now if start is None else start)
        discount |= {
            "invoice": invoice,
            "invoice_item": invoice_item,
            "subscription": subscription,
            "subscription_item": item,
        }
        call.add(discount, stamp=False)
        call.emit("customer.discount.created", discount)
        given.append(discount["id"])
    return given


def reductions(call: Call, discounts: Iterable[str], lines: list[JSON], *, moment: int) -> list[Reduction]:
    """Every discount that still runs, as `totals.settle` takes them; those of single lines come first."""
    found = []
    own: dict[str, set[int]] = {}
    for at, line in enumerate(lines):
        for id_ in line["discounts"]:
            own.setdefault(id_, set()).add(at)
    for id_, covered in own.items():
        found += _reduction(call, id_, moment, frozenset(covered))
    for id_ in discounts:
        if id_ not in own:
            found += _reduction(call, id_, moment, None)
    return found


def running(call: Call, discounts: Iterable[str], moment: int) -> list[str]:
    """The discounts that have not ended by a moment."""
    kept = []
    for id_ in discounts:
        discount = call.get("discount", id_)
        if discount["end"] is None or discount["end"] > moment:
            kept.append(id_)
    return kept


def spend(call: Call, discounts: Iterable[str]) -> list[str]:
    """What is left of discounts after an invoice used them: those for once are over."""
    left = []
    for id_ in discounts:
        if coupon_of(call, call.get("discount", id_))["duration"] == "once":
            end(call, id_)
        else:
            left.append(id_)
    return left


def end(call: Call, id_: str) -> JSON:
    """A discount is over."""
    discount = call.get("discount", id_)
    if discount["end"] is None or discount["end"] > call.now:
        discount["end"] = call.now
        call.save(discount)
        call.emit("customer.discount.deleted", {**discount, "deleted": True})
    return discount


def coupon_of(call: Call, discount: JSON) -> JSON:
    """The coupon a discount was made from, also when it is deleted by now."""
    id_ = discount["source"]["coupon"]
    return call.look("coupon", id_) or call.get("coupon_gone", id_)


def _reduction(call: Call, id_: str, moment: int, covered: frozenset[int] | None) -> list[Reduction]:
    discount = call.get("discount", id_)
    if discount["end"] is not None and discount["end"] <= moment:
        return []
    return [Reduction(id_, coupon_of(call, discount), covered)]


def _redeem(call: Call, params: Params, customer: JSON) -> tuple[JSON, str | None]:
    promotion = params.text("promotion_code")
    if promotion:
        code = call.get("promotion_code", promotion, param=params.named("promotion_code"))
        if not code["active"] or (code["expires_at"] or call.now + 1) <= call.now:
            raise StripeError("This promotion code is not active.", param=params.named("promotion_code"))
        if code["customer"] not in (None, customer["id"]):
            raise StripeError(
                "This promotion code is for another customer.", param=params.named("promotion_code")
            )
        code["times_redeemed"] += 1
        code["active"] = code["max_redemptions"] is None or code["times_redeemed"] < code["max_redemptions"]
        call.save(code)
        return _use(call, code["promotion"]["coupon"], params.named("promotion_code")), code["id"]
    coupon = params.text("coupon", required=True) or ""
    return _use(call, coupon, params.named("coupon")), None


def _use(call: Call, id_: str, param: str) -> JSON:
    coupon = call.get("coupon", id_, param=param)
    if not coupon["valid"] or (coupon["redeem_by"] or call.now + 1) <= call.now:
        raise StripeError(f"Coupon expired: {id_}", code="coupon_expired", param=param)
    coupon["times_redeemed"] += 1
    most = coupon["max_redemptions"]
    coupon["valid"] = most is None or coupon["times_redeemed"] < most
    call.save(coupon)
    return coupon


def _discount(call: Call, coupon: JSON, code: str | None, customer: str, start: int) -> JSON:
    until = None
    if coupon["duration"] == "repeating":
        until = cycles.step(start, "month", coupon["duration_in_months"], 1)
    return {
        "id": call.new_id("di"),
        "object": "discount",
        "checkout_session": None,
        "customer": customer,
        "customer_account": None,
        "end": until,
        "invoice": None,
        "invoice_item": None,
        "promotion_code": code,
        "source": {"coupon": coupon["id"], "type": "coupon"},
        "start": start,
        "subscription": None,
        "subscription_item": None,
    }
