"""Subscription items over the API: add one, change one, take one off, with the same prorations as a whole change.

POST /v1/subscription_items/si_1 quantity=3 proration_behavior=always_invoice
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import fields, items, updates
from bookhand.sandbox.billing.clocks import enter
from bookhand.sandbox.billing.invoices import part
from bookhand.sandbox.billing.standing import OVER
from bookhand.sandbox.stripe.errors import StripeError, missing
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

JSON = dict[str, Any]


@route("POST", "/v1/subscription_items")
def create(call: Call) -> JSON:
    """One more item."""
    before = _sub(call, call.text("subscription", required=True) or "")
    sub, customer = fields.copy(before), call.get("customer", before["customer"])
    item = items.new(call, call, customer=customer, sub=sub["id"])
    invoice = updates.swap_items(call, sub, customer, [*sub["items"]["data"], item])
    return _of(updates.finish(call, before, sub, customer, invoice), item["id"])


@route("GET", "/v1/subscription_items")
def index(call: Call) -> JSON:
    """The items of one subscription."""
    sub = call.get("subscription", call.text("subscription", required=True) or "", param="subscription")
    return part(call, sub["items"]["data"])


@route("GET", "/v1/subscription_items/{id}")
def read(call: Call) -> JSON:
    """One item."""
    return _of(call.get("subscription", _place(call)), call.path["id"])


@route("POST", "/v1/subscription_items/{id}")
def change(call: Call) -> JSON:
    """Another price or quantity."""
    before = _sub(call, _place(call))
    sub, customer = fields.copy(before), call.get("customer", before["customer"])
    after = [fields.copy(item) for item in sub["items"]["data"]]
    updates.edit(call, call, next(item for item in after if item["id"] == call.path["id"]))
    invoice = updates.swap_items(call, sub, customer, after)
    return _of(updates.finish(call, before, sub, customer, invoice), call.path["id"])


@route("DELETE", "/v1/subscription_items/{id}")
def remove(call: Call) -> JSON:
    """Take one off; the last one cannot go."""
    before = _sub(call, _place(call))
    sub, customer = fields.copy(before), call.get("customer", before["customer"])
    after = [fields.copy(item) for item in sub["items"]["data"] if item["id"] != call.path["id"]]
    if not after:
        raise StripeError(
            "A subscription must have at least one active plan. Cancel it instead.", param="item"
        )
    invoice = updates.swap_items(call, sub, customer, after)
    updates.finish(call, before, sub, customer, invoice)
    call.delete(items.PLACE, call.path["id"], stub=False)
    return {"id": call.path["id"], "object": "subscription_item", "deleted": True}


def _place(call: Call) -> str:
    found = call.look(items.PLACE, call.path["id"])
    if found is None:
        raise missing("subscription_item", call.path["id"], param="item")
    return str(found["subscription"])


def _sub(call: Call, id_: str) -> JSON:
    sub = call.get("subscription", id_, param="subscription")
    if sub["status"] in OVER:
        raise StripeError(
            "You cannot change the items of a subscription that has ended.", param="subscription"
        )
    enter(call, sub)
    return sub


def _of(sub: JSON, id_: str) -> JSON:
    found = next((item for item in sub["items"]["data"] if item["id"] == id_), None)
    if found is None:
        raise missing("subscription_item", id_, param="item")
    return dict(found)
