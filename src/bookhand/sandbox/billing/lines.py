"""Invoice lines, in Stripe's shape: of a subscription item for a period, or of an invoice item.

1 x Pro (at $19.00 / month) for 7 Nov - 7 Dec, parent subscription_item_details, pricing price_details
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import pricing
from bookhand.sandbox.billing.catalog import full
from bookhand.sandbox.money.currencies import exponent

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

JSON = dict[str, Any]

SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}


def of_item(
    call: Call, sub: JSON, item: JSON, *, start: int, end: int, amount: int | None = None, trial: bool = False
) -> JSON:
    """The recurring line of a subscription item."""
    price, quantity, currency = item["price"], item["quantity"] or 0, sub["currency"]
    if amount is None:
        amount = 0 if trial else pricing.amount_of(full(call, price, currency), quantity, currency)
    words = _trial_words(call, item) if trial else _item_words(call, item, currency)
    line = _line(call, amount=amount, currency=currency, words=words, start=start, end=end)
    line["parent"] = {
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": None,
            "proration": False,
            "proration_details": {"credited_items": None},
            "subscription": sub["id"],
            "subscription_item": item["id"],
        },
        "type": "subscription_item_details",
    }
    line["pricing"] = price_details(price, currency, zero=trial)
    line["quantity"], line["quantity_decimal"] = quantity, str(quantity)
    line["subscription"] = sub["id"]
    line["metadata"] = dict(item["metadata"])
    line["discounts"] = list(item["discounts"])
    return line


def of_invoice_item(call: Call, piece: JSON) -> JSON:
    """The line of an invoice item; a proration of a subscription keeps its item."""
    line = _line(
        call,
        amount=piece["amount"],
        currency=piece["currency"],
        words=piece["description"],
        **piece["period"],
    )
    line["parent"] = _parent(piece)
    line["pricing"] = piece["pricing"]
    line["quantity"], line["quantity_decimal"] = piece["quantity"], piece["quantity_decimal"]
    line["subscription"] = _subscription(piece)
    line["metadata"] = dict(piece["metadata"])
    line["discountable"] = piece["discountable"]
    line["discounts"] = list(piece["discounts"] or [])
    return line


def _parent(piece: JSON) -> JSON:
    details = (piece["parent"] or {}).get("subscription_details") or {}
    credited = ((piece.get("proration_details") or {}).get("credited_items") or {}).get(
        "invoice_line_item_details"
    )
    proration: JSON = {"proration": piece["proration"], "proration_details": {"credited_items": credited}}
    if details.get("subscription_item"):
        return {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": piece["id"],
                **proration,
                "subscription": details["subscription"],
                "subscription_item": details["subscription_item"],
            },
            "type": "subscription_item_details",
        }
    return {
        "invoice_item_details": {
            "invoice_item": piece["id"],
            **proration,
            "subscription": details.get("subscription"),
        },
        "subscription_item_details": None,
        "type": "invoice_item_details",
    }


def _subscription(piece: JSON) -> str | None:
    details = (piece["parent"] or {}).get("subscription_details") or {}
    return details.get("subscription")


def _line(call: Call, *, amount: int, currency: str, words: str | None, start: int, end: int) -> JSON:
    return {
        "id": call.new_id("il"),
        "object": "line_item",
        "amount": amount,
        "currency": currency,
        "description": words,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": call.livemode,
        "metadata": {},
        "parent": None,
        "period": {"end": end, "start": start},
        "pretax_credit_amounts": [],
        "pricing": None,
        "quantity": None,
        "quantity_decimal": None,
        "subscription": None,
        "subtotal": amount,
        "taxes": [],
    }


def price_details(price: JSON, currency: str, *, zero: bool = False) -> JSON:
    """`pricing` of a line."""
    return {
        "price_details": {"price": price["id"], "product": price["product"]},
        "type": "price_details",
        "unit_amount_decimal": "0" if zero else pricing.unit_words(price, currency),
    }


def listing(lines: list[JSON], invoice: str) -> JSON:
    """`lines` of an invoice: the first ten, and how many there are."""
    return {
        "object": "list",
        "data": lines[:10],
        "has_more": len(lines) > 10,
        "total_count": len(lines),
        "url": f"/v1/invoices/{invoice}/lines",
    }


def _item_words(call: Call, item: JSON, currency: str) -> str:
    """What the line of an item says."""
    price = item["price"]
    recurring = price["recurring"] or {}
    every = recurring.get("interval", "month")
    if recurring.get("interval_count", 1) != 1:
        every = f"every {recurring['interval_count']} {every}s"
    option = pricing.option_of(price, currency)
    money = "" if option.get("unit_amount") is None else f"at {money_words(option['unit_amount'], currency)} "
    return f"{item['quantity'] or 0} \u00d7 {name_of(call, price)} ({money}/ {every})"


def _trial_words(call: Call, item: JSON) -> str:
    """What the line of a trial says."""
    return f"Trial period for {name_of(call, item['price'])}"


def name_of(call: Call, price: JSON) -> str:
    """What a price sells, in words."""
    product = call.look("product", price["product"]) or {}
    return str(product.get("name") or price["nickname"] or price["id"])


def money_words(amount: int, currency: str) -> str:
    """'$19.00', '¥500', '1.500 KWD'."""
    places = exponent(currency)
    whole, part = divmod(abs(amount), 10**places)
    number = f"{whole:,}" + (f".{part:0{places}d}" if places else "")
    sign = "-" if amount < 0 else ""
    return f"{sign}{SIGNS[currency]}{number}" if currency in SIGNS else f"{sign}{number} {currency.upper()}"
