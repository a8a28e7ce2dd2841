"""Products and prices, and the plan that every recurring price still shows as.

    product = POST /v1/products name=Pro
    price = POST /v1/prices product=prod_… currency=usd unit_amount=1900 recurring[interval]=month

Tiers and currency options are kept beside a price and only shown when they are expanded: `full` puts them back.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import fields
from bookhand.sandbox.stripe.errors import StripeError, parameter_missing
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call
    from bookhand.sandbox.stripe.params import Params

JSON = dict[str, Any]
INTERVALS = ("day", "week", "month", "year")
BEHAVIORS = ("exclusive", "inclusive", "unspecified")
DETAIL = "price_detail"


@route("POST", "/v1/products")
def create_product(call: Call) -> JSON:
    """A product, perhaps with its default price at once."""
    product = new_product(call, call)
    if call.mapping("default_price_data"):
        price = new_price(call, call.sub("default_price_data"), product["id"])
        product["default_price"] = price["id"]
        call.save(product)
    return product


def new_product(call: Call, params: Params) -> JSON:
    """Make a product from parameters: of its own call or inside a price's."""
    id_ = params.text("id")
    if id_ and call.look("product", id_):
        raise StripeError(f"Product already exists: {id_}", code="resource_already_exists", param="id")
    product: JSON = {
        "id": id_ or call.new_id("prod"),
        "object": "product",
        "active": True,
        "created": call.now,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": call.livemode,
        "marketing_features": [],
        "metadata": {},
        "name": params.text("name", required=True),
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "tax_details": None,
        "type": "service",
        "unit_label": None,
        "updated": call.now,
        "url": None,
    }
    _read_product(params, product)
    call.add(product, active=_word(product["active"]))
    call.emit("product.created", product)
    return product


@route("GET", "/v1/products")
def products(call: Call) -> JSON:
    """Products, newest first."""
    return call.page("product", active=_flag(call, "active"))


@route("GET", "/v1/products/{id}")
def product(call: Call) -> JSON:
    """One product."""
    return call.get("product", call.path["id"], deleted=True)


@route("POST", "/v1/products/{id}")
def change_product(call: Call) -> JSON:
    """Lay what was sent over a product."""
    before = call.get("product", call.path["id"])
    after = fields.copy(before)
    _read_product(call, after)
    if call.sent("default_price"):
        after["default_price"] = call.text("default_price")
    if after != before:
        after["updated"] = call.now
    return fields.update(call, before, after, "product.updated", active=_word(after["active"]))


@route("DELETE", "/v1/products/{id}")
def remove_product(call: Call) -> JSON:
    """Only a product without prices can go."""
    product = call.get("product", call.path["id"])
    if call.first("price", product=product["id"]):
        raise StripeError(
            "This product cannot be deleted because it has one or more user-created prices.", param="id"
        )
    gone = call.delete("product", product["id"])
    call.emit("product.deleted", product)
    return gone


@route("POST", "/v1/prices")
def create_price(call: Call) -> JSON:
    """A price of a product, or of a product made with it."""
    product = call.text("product")
    if product:
        call.get("product", product, param="product")
    elif call.mapping("product_data"):
        product = new_product(call, call.sub("product_data"))["id"]
    else:
        raise parameter_missing("product")
    return new_price(call, call, product)


@route("GET", "/v1/prices")
def prices(call: Call) -> JSON:
    """Prices, newest first."""
    keys = call.listing("lookup_keys")
    if len(keys) > 1:
        found = [price for key in keys for price in call.find("price", lookup_key=key)]
        return call.embedded(found, call.url)
    return call.page(
        "price",
        active=_flag(call, "active"),
        product=call.text("product"),
        currency=call.text("currency"),
        type=call.text("type"),
        interval=call.text("recurring[interval]"),
        lookup_key=keys[0] if keys else None,
    )


@route("GET", "/v1/prices/{id}")
def price(call: Call) -> JSON:
    """One price."""
    return call.get("price", call.path["id"])


@route("POST", "/v1/prices/{id}")
def change_price(call: Call) -> JSON:
    """A price's amount never changes; its name, activity and metadata do."""
    before = call.get("price", call.path["id"])
    after = fields.copy(before)
    after["active"] = call.boolean("active", default=after["active"])
    fields.set_texts(call, after, ("nickname", "lookup_key"))
    after["metadata"] = call.metadata(old=after["metadata"])
    behavior = call.choice("tax_behavior", BEHAVIORS, default=after["tax_behavior"])
    if before["tax_behavior"] not in ("unspecified", behavior):
        raise StripeError("The tax_behavior of a price cannot change once it is set.", param="tax_behavior")
    after["tax_behavior"] = behavior
    return fields.update(
        call, before, after, "price.updated", active=_word(after["active"]), lookup_key=after["lookup_key"]
    )


def new_price(call: Call, params: Params, product: str) -> JSON:
    """Make a price from parameters: of its own call, inside a product's or inside an item's."""
    money = fields.currency(params, required=True) or ""
    tiers = [_tier(tier) for tier in params.subs("tiers")]
    price: JSON = {
        "id": call.new_id("price"),
        "object": "price",
        "active": params.boolean("active", default=True),
        "billing_scheme": "tiered" if tiers else "per_unit",
        "created": call.now,
        "currency": money,
        "custom_unit_amount": _custom(params),
        "livemode": call.livemode,
        "lookup_key": params.text("lookup_key"),
        "metadata": params.metadata(),
        "nickname": params.text("nickname"),
        "product": product,
        "recurring": _recurring(params),
        "tax_behavior": params.choice("tax_behavior", BEHAVIORS, default="unspecified"),
        "tiers_mode": params.choice("tiers_mode", ("graduated", "volume"), required=bool(tiers)),
        "transform_quantity": _transform(params),
        "type": "recurring" if params.mapping("recurring") else "one_time",
        "unit_amount": None,
        "unit_amount_decimal": None,
    }
    if not tiers and not price["custom_unit_amount"]:
        _unit(params, price)
    _keep_detail(call, params, price, tiers)
    recurring = price["recurring"] or {}
    call.add(
        price,
        active=_word(price["active"]),
        product=product,
        currency=money,
        type=price["type"],
        interval=recurring.get("interval"),
        lookup_key=price["lookup_key"],
    )
    call.emit("price.created", price)
    return price


def full(call: Call, price: JSON, currency: str) -> JSON:
    """A price with the tiers and currency options that it needs in a currency."""
    if price["billing_scheme"] == "per_unit" and price["currency"] == currency:
        return price
    detail = call.look(DETAIL, price["id"])
    return price if detail is None else {**price, **detail, "id": price["id"], "object": "price"}


def plan(price: JSON) -> JSON:
    """The same recurring price in the older shape that subscription items still carry."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": price["livemode"],
        "metadata": price["metadata"],
        "meter": recurring["meter"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": price["tiers_mode"],
        "transform_usage": price["transform_quantity"],
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    }


@route("GET", "/v1/plans")
def plans(call: Call) -> JSON:
    """Recurring prices as plans."""
    found = call.find("price", type="recurring", limit=call.integer("limit", default=10, min=1, max=100))
    return call.embedded([plan(price) for price in found], call.url)


@route("GET", "/v1/plans/{id}")
def read_plan(call: Call) -> JSON:
    """One recurring price as a plan."""
    found = call.get("price", call.path["id"])
    if found["recurring"] is None:
        raise StripeError(f"No such plan: '{found['id']}'", code="resource_missing", param="plan", status=404)
    return plan(found)


def _read_product(call: Params, product: JSON) -> None:
    fields.set_texts(
        call, product, ("description", "name", "statement_descriptor", "tax_code", "unit_label", "url")
    )
    product["active"] = call.boolean("active", default=product["active"])
    if call.sent("shippable"):
        product["shippable"] = call.boolean("shippable")
    if call.sent("images"):
        product["images"] = call.listing("images")
    if call.sent("marketing_features"):
        product["marketing_features"] = [{"name": p.text("name")} for p in call.subs("marketing_features")]
    product["metadata"] = call.metadata(old=product["metadata"])


def _unit(params: Params, price: JSON) -> None:
    whole, words = params.integer("unit_amount", min=0), params.text("unit_amount_decimal")
    if whole is None and words is None:
        raise parameter_missing(params.named("unit_amount"))
    if words is None:
        price["unit_amount"], price["unit_amount_decimal"] = whole, str(whole)
        return
    try:
        exact = Decimal(words)
    except InvalidOperation:
        raise StripeError(f"Invalid decimal: {words}", param=params.named("unit_amount_decimal")) from None
    price["unit_amount"] = int(exact) if exact == int(exact) else None
    price["unit_amount_decimal"] = format(exact.normalize(), "f")


def _recurring(params: Params) -> JSON | None:
    if not params.mapping("recurring"):
        return None
    inner = params.sub("recurring")
    return {
        "interval": inner.choice("interval", INTERVALS, required=True),
        "interval_count": inner.integer("interval_count", default=1, min=1, max=1095),
        "meter": inner.text("meter"),
        "trial_period_days": inner.integer("trial_period_days"),
        "usage_type": inner.choice("usage_type", ("licensed", "metered"), default="licensed"),
    }


def _transform(params: Params) -> JSON | None:
    if not params.mapping("transform_quantity"):
        return None
    inner = params.sub("transform_quantity")
    return {
        "divide_by": inner.integer("divide_by", required=True, min=1),
        "round": inner.choice("round", ("up", "down"), required=True),
    }


def _custom(params: Params) -> JSON | None:
    if not params.mapping("custom_unit_amount"):
        return None
    inner = params.sub("custom_unit_amount")
    return {name: inner.integer(name) for name in ("maximum", "minimum", "preset")}


def _tier(params: Params) -> JSON:
    up_to = params.text("up_to", required=True)
    flat, unit = params.integer("flat_amount"), params.integer("unit_amount")
    return {
        "flat_amount": flat,
        "flat_amount_decimal": params.text("flat_amount_decimal") or (None if flat is None else str(flat)),
        "unit_amount": unit,
        "unit_amount_decimal": params.text("unit_amount_decimal") or (None if unit is None else str(unit)),
        "up_to": None if up_to == "inf" else params.integer("up_to"),
    }


def _keep_detail(call: Call, params: Params, price: JSON, tiers: list[JSON]) -> None:
    options = {
        money: _option(params.sub("currency_options").sub(money))
        for money in params.mapping("currency_options")
    }
    if not tiers and not options:
        return
    own = {
        name: price[name]
        for name in ("custom_unit_amount", "tax_behavior", "unit_amount", "unit_amount_decimal")
    }
    options = {price["currency"]: {**own, **({"tiers": tiers} if tiers else {})}, **options}
    detail: JSON = {"id": price["id"], "object": DETAIL, "currency_options": options}
    call.add({**detail, "tiers": tiers} if tiers else detail, stamp=False)


def _option(params: Params) -> JSON:
    option: JSON = {
        "custom_unit_amount": None,
        "tax_behavior": params.choice("tax_behavior", BEHAVIORS, default="unspecified"),
        "unit_amount": None,
        "unit_amount_decimal": None,
    }
    tiers = [_tier(tier) for tier in params.subs("tiers")]
    if tiers:
        return {**option, "tiers": tiers}
    _unit(params, option)
    return option


def _word(flag: object) -> str:
    return "true" if flag else "false"


def _flag(call: Call, name: str) -> str | None:
    found = call.boolean(name)
    return None if found is None else _word(found)
