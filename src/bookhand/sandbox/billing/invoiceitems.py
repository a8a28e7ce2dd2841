"""Invoice items: what waits to be billed to a customer, by hand or from a proration.

POST /v1/invoiceitems customer=cus_1 amount=500 currency=usd     # on the next invoice, or on invoice=in_… now
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import catalog, coupons, drafts, fields, lines, pricing, rates
from bookhand.sandbox.billing.customers import get as get_customer
from bookhand.sandbox.stripe.errors import StripeError, parameter_missing
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call
    from bookhand.sandbox.stripe.params import Params

JSON = dict[str, Any]
KIND = "invoiceitem"


@route("POST", "/v1/invoiceitems")
def create(call: Call) -> JSON:
    """An item for the next invoice, or for a draft."""
    customer = get_customer(call, call.text("customer", required=True) or "")
    invoice = call.text("invoice")
    if invoice and call.get("invoice", invoice, param="invoice")["status"] != "draft":
        raise StripeError("You cannot add invoice items to an invoice that is not a draft.", param="invoice")
    item = read_new(call, call, customer)
    if call.text("subscription"):
        sub = call.get("subscription", call.text("subscription") or "", param="subscription")
        item["parent"] = _parent(sub["id"], None)
    return keep(call, item, invoice)


@route("GET", "/v1/invoiceitems")
def index(call: Call) -> JSON:
    """Items; `pending=true` for those on no invoice yet."""
    pending, customer = call.boolean("pending"), call.text("customer")
    if pending and customer:
        return call.page(KIND, pending=customer)
    return call.page(
        KIND,
        customer=customer,
        invoice=call.text("invoice"),
        waiting=None if pending is None else str(pending).lower(),
    )


@route("GET", "/v1/invoiceitems/{id}")
def read(call: Call) -> JSON:
    """One item."""
    return call.get(KIND, call.path["id"])


@route("POST", "/v1/invoiceitems/{id}")
def change(call: Call) -> JSON:
    """An item can change until its invoice is final."""
    before = _changeable(call)
    after = fields.copy(before)
    fields.set_texts(call, after, ("description",))
    after["metadata"] = call.metadata(old=after["metadata"])
    quantity = call.integer("quantity", min=0)
    unit = call.integer("unit_amount_decimal", min=-(10**12))
    if call.sent("amount"):
        after["amount"] = call.integer("amount", min=-(10**12))
    elif quantity is not None and after["quantity"]:
        each = unit if unit is not None else after["amount"] // after["quantity"]
        after["amount"], after["quantity"], after["quantity_decimal"] = (
            each * quantity,
            quantity,
            str(quantity),
        )
    after["net_amount"] = after["amount"]
    fields.update(call, before, after, None)
    _refresh(call, after)
    return after


@route("DELETE", "/v1/invoiceitems/{id}")
def remove(call: Call) -> JSON:
    """Take an item back before it is final."""
    item = _changeable(call)
    gone = call.delete(KIND, item["id"])
    _refresh(call, item, gone=True)
    call.emit("invoiceitem.deleted", item)
    return gone


def read_new(call: Call, params: Params, customer: JSON, currency: str | None = None) -> JSON:
    """An item from parameters: an amount, a price or price data; nothing is stored."""
    money = fields.currency(params) or currency or customer["currency"]
    price = _price(call, params)
    quantity = params.integer("quantity", default=1, min=0) or 0
    if price is not None:
        money = (
            money if money and pricing.offers(catalog.full(call, price, money), money) else None
        ) or price["currency"]
        amount = pricing.amount_of(catalog.full(call, price, money), quantity, money)
    else:
        amount = _amount(params, quantity)
    if money is None:
        raise parameter_missing(params.named("currency"))
    item = blank(call, customer, amount, money)
    item["quantity"], item["quantity_decimal"] = quantity, str(quantity)
    item["description"] = params.text("description") or (None if price is None else _name(call, price))
    item["discountable"] = params.boolean("discountable", default=True)
    item["metadata"] = params.metadata()
    item["tax_rates"] = rates.by_hand(call, params.listing("tax_rates"))
    item["discounts"] = coupons.give(
        call, params.subs("discounts"), customer=customer, invoice_item=item["id"]
    )
    if params.mapping("period"):
        start = params.timestamp("period[start]") or call.now
        item["period"] = {"end": params.timestamp("period[end]") or start, "start": start}
    item["pricing"] = lines.price_details(price, money) if price is not None else _no_price(amount, quantity)
    return item


def proration(
    call: Call,
    customer: JSON,
    sub: JSON,
    item: JSON,
    *,
    amount: int,
    words: str,
    start: int,
    credited: JSON | None = None,
) -> JSON:
    """Store the part of a period that a change adds or gives back."""
    piece = blank(call, customer, amount, sub["currency"])
    piece["description"], piece["proration"], piece["discountable"] = words, True, False
    piece["parent"] = _parent(sub["id"], item["id"])
    piece["period"] = {"end": item["current_period_end"], "start": start}
    piece["pricing"] = lines.price_details(item["price"], sub["currency"])
    quantity = item["quantity"] or 0
    piece["quantity"], piece["quantity_decimal"] = quantity, str(quantity)
    piece["tax_rates"] = item["tax_rates"]
    piece["proration_details"] = {"credited_items": credited, "discount_amounts": []}
    return keep(call, piece, None)


def keep(call: Call, item: JSON, invoice: str | None) -> JSON:
    """Store an item and put it on its draft, if it names one."""
    item["invoice"] = invoice
    waiting = item["customer"] if invoice is None else None
    call.add(
        item,
        stamp=False,
        customer=item["customer"],
        invoice=invoice,
        pending=waiting,
        waiting="true" if waiting else "false",
    )
    call.emit("invoiceitem.created", item)
    if invoice is not None:
        _refresh(call, item)
    return item


def waiting(call: Call, customer: str, currency: str, sub: str | None = None) -> list[JSON]:
    """What waits for a customer's next invoice in a currency: of one subscription and of none, oldest first."""
    found = call.find(KIND, pending=customer, newest_first=False)
    return [item for item in found if item["currency"] == currency and _subscription(item) in (None, sub)]


def bill(call: Call, items: list[JSON]) -> list[JSON]:
    """The lines of waiting items."""
    return [drafts.want_rates(lines.of_invoice_item(call, item), item["tax_rates"] or []) for item in items]


def take(call: Call, items: list[JSON], invoice: str) -> None:
    """The items are on this invoice now."""
    for item in items:
        item["invoice"] = invoice
        call.save(item, invoice=invoice, pending=None, waiting="false")


def blank(call: Call, customer: JSON, amount: int, currency: str) -> JSON:
    """An item of an amount."""
    return {
        "id": call.new_id("ii"),
        "object": KIND,
        "amount": amount,
        "currency": currency,
        "customer": customer["id"],
        "customer_account": None,
        "date": call.now,
        "description": None,
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": call.livemode,
        "metadata": {},
        "net_amount": amount,
        "parent": None,
        "period": {"end": call.now, "start": call.now},
        "pricing": None,
        "proration": False,
        "quantity": 1,
        "quantity_decimal": "1",
        "tax_rates": [],
        "test_clock": customer["test_clock"],
    }


def _subscription(item: JSON) -> str | None:
    found: str | None = ((item["parent"] or {}).get("subscription_details") or {}).get("subscription")
    return found


def _parent(sub: str, item: str | None) -> JSON:
    return {
        "subscription_details": {"subscription": sub, "subscription_item": item},
        "type": "subscription_details",
    }


def _price(call: Call, params: Params) -> JSON | None:
    chosen = params.text("pricing[price]") or params.text("price")
    if chosen:
        return call.get("price", chosen, param=params.named("pricing[price]"))
    if params.mapping("price_data"):
        inner = params.sub("price_data")
        product = call.get("product", inner.text("product", required=True) or "", param="price_data[product]")
        return catalog.new_price(call, inner, product["id"])
    return None


def _amount(params: Params, quantity: int) -> int:
    unit = params.integer("unit_amount", min=-(10**12))
    if unit is None:
        unit = params.integer("unit_amount_decimal", min=-(10**12))
    if unit is not None:
        return unit * quantity
    return params.integer("amount", required=True, min=-(10**12)) or 0


def _no_price(amount: int, quantity: int) -> JSON:
    unit = str(amount // quantity) if quantity and amount % quantity == 0 else str(amount)
    return {"type": "price_details", "unit_amount_decimal": unit}


def _name(call: Call, price: JSON) -> str:
    product = call.look("product", price["product"]) or {}
    return str(product.get("name") or price["id"])


def _changeable(call: Call) -> JSON:
    item = call.get(KIND, call.path["id"])
    if item["invoice"] and call.get("invoice", item["invoice"])["status"] != "draft":
        raise StripeError("You cannot change an invoice item of an invoice that is final.", param="id")
    return item


def _refresh(call: Call, item: JSON, *, gone: bool = False) -> None:
    if item["invoice"] is None:
        return
    invoice = call.get("invoice", item["invoice"])
    customer = get_customer(call, invoice["customer"])
    kept = [line for line in drafts.lines_of(call, invoice) if not _made_of(line, item["id"])]
    drafts.rebuild(call, invoice, customer, kept if gone else [*kept, *bill(call, [item])])


def _made_of(line: JSON, item: str) -> bool:
    parent = line["parent"] or {}
    details = parent.get("invoice_item_details") or parent.get("subscription_item_details") or {}
    return bool(details.get("invoice_item") == item)
