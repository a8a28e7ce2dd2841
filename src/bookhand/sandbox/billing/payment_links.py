"""Payment links: an address where anyone can pay for what it sells. Nobody visits one here; they are made, read and closed.

link = POST /v1/payment_links line_items[0][price]=price_1 line_items[0][quantity]=1
POST /v1/payment_links/plink_1 active=false
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import fields
from bookhand.sandbox.billing.invoices import part
from bookhand.sandbox.stripe.errors import StripeError, parameter_missing
from bookhand.sandbox.stripe.expand import includable
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call
    from bookhand.sandbox.stripe.params import Params

JSON = dict[str, Any]
KIND, LINES = "payment_link", "_pinstripe.payment_link_lines"
PERMISSION = "payment_links"
SUBMITS = ("auto", "book", "donate", "pay", "subscribe")
MOST_LINES = 20


@route("POST", "/v1/payment_links", permission=PERMISSION)
def create(call: Call) -> JSON:
    """A link that sells these prices."""
    wanted = call.subs("line_items")
    if not wanted:
        raise parameter_missing("line_items")
    if len(wanted) > MOST_LINES:
        raise StripeError(f"A payment link sells at most {MOST_LINES} line items.", param="line_items")
    sold = [_line(call, params) for params in wanted]
    if len({line["currency"] for line in sold}) > 1:
        raise StripeError("All prices of a payment link must have one currency.", param="line_items")
    link = _blank(call, sold)
    _read(call, link)
    call.add({"id": link["id"], "object": LINES, "data": sold}, stamp=False)
    call.add(link, stamp=False, active="true")
    call.emit("payment_link.created", link)
    return link


@route("GET", "/v1/payment_links", permission=PERMISSION)
def index(call: Call) -> JSON:
    """Links, newest first."""
    active = call.boolean("active")
    return call.page(KIND, created=False, active=None if active is None else _word(active))


@route("GET", "/v1/payment_links/{id}", permission=PERMISSION)
def read(call: Call) -> JSON:
    """One link."""
    return call.get(KIND, call.path["id"])


@route("POST", "/v1/payment_links/{id}", permission=PERMISSION)
def change(call: Call) -> JSON:
    """Close it, open it again, or change what is said."""
    before = call.get(KIND, call.path["id"])
    after = fields.copy(before)
    after["active"] = call.boolean("active", default=after["active"])
    _read(call, after)
    return fields.update(call, before, after, "payment_link.updated", active=_word(after["active"]))


@route("GET", "/v1/payment_links/{id}/line_items", permission=PERMISSION)
def lines(call: Call) -> JSON:
    """What it sells, a page at a time."""
    return part(call, _sold(call, call.get(KIND, call.path["id"])))


@includable(KIND, "line_items")
def line_items(call: Call, link: JSON) -> JSON:
    """The first ten lines, inside their link."""
    own = _sold(call, link)
    return call.embedded(own[:10], f"/v1/payment_links/{link['id']}/line_items", has_more=len(own) > 10)


def _sold(call: Call, link: JSON) -> list[JSON]:
    found: list[JSON] = call.get(LINES, link["id"])["data"]
    return found


def _line(call: Call, params: Params) -> JSON:
    price = call.get("price", params.text("price", required=True) or "", param=params.named("price"))
    if not price["active"]:
        raise StripeError("The price specified is inactive.", param=params.named("price"))
    quantity = params.integer("quantity", required=True, min=1) or 1
    total = (price["unit_amount"] or 0) * quantity
    return {
        "id": call.new_id("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": price["currency"],
        "description": call.get("product", price["product"])["name"],
        "metadata": {},
        "price": price,
        "quantity": quantity,
    }


def _read(call: Call, link: JSON) -> None:
    fields.set_texts(call, link, ("inactive_message",))
    link["metadata"] = call.metadata(old=link["metadata"])
    link["allow_promotion_codes"] = call.boolean(
        "allow_promotion_codes", default=link["allow_promotion_codes"]
    )
    link["submit_type"] = call.choice("submit_type", SUBMITS, default=link["submit_type"])
    link["billing_address_collection"] = call.choice(
        "billing_address_collection", ("auto", "required"), default=link["billing_address_collection"]
    )
    if call.sent("automatic_tax[enabled]"):
        on = bool(call.boolean("automatic_tax[enabled]"))
        link["automatic_tax"] = {"enabled": on, "liability": {"type": "self"} if on else None}
    limit = call.integer("restrictions[completed_sessions][limit]", min=1)
    if limit is not None:
        link["restrictions"] = {"completed_sessions": {"count": 0, "limit": limit}}
    _read_end(call, link)


def _read_end(call: Call, link: JSON) -> None:
    kind = call.choice("after_completion[type]", ("hosted_confirmation", "redirect"))
    if kind == "redirect":
        url = call.text("after_completion[redirect][url]", required=True)
        link["after_completion"] = {"redirect": {"url": url}, "type": kind}
    elif kind is not None:
        message = call.text("after_completion[hosted_confirmation][custom_message]")
        link["after_completion"] = {"hosted_confirmation": {"custom_message": message}, "type": kind}


def _blank(call: Call, sold: list[JSON]) -> JSON:
    id_ = call.new_id("plink")
    mode = "" if call.livemode else "test_"
    recurring = any(line["price"]["type"] == "recurring" for line in sold)
    return {
        "id": id_,
        "object": KIND,
        "active": True,
        "after_completion": {"hosted_confirmation": {"custom_message": None}, "type": "hosted_confirmation"},
        "allow_promotion_codes": False,
        "application": None,
        "application_fee_amount": None,
        "application_fee_percent": None,
        "automatic_tax": {"enabled": False, "liability": None},
        "billing_address_collection": "auto",
        "consent_collection": None,
        "currency": sold[0]["currency"],
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer_creation": "always" if recurring else "if_required",
        "inactive_message": None,
        "invoice_creation": None,
        "livemode": call.livemode,
        "managed_payments": None,
        "metadata": {},
        "on_behalf_of": None,
        "optional_items": None,
        "payment_intent_data": None,
        "payment_method_collection": "always",
        "payment_method_options": None,
        "payment_method_types": None,
        "phone_number_collection": {"enabled": False},
        "restrictions": None,
        "shipping_address_collection": None,
        "shipping_options": [],
        "submit_type": "auto",
        "subscription_data": None,
        "tax_id_collection": {"enabled": False, "required": "never"},
        "transfer_data": None,
        "url": f"https://buy.stripe.com/{mode}{id_.removeprefix('plink_')}",
    }


def _word(value: Any) -> str:
    return "true" if value else "false"
