"""What an invoice would be: computed by really making it, and then undoing all of it.

POST /v1/invoices/create_preview customer=cus_1 subscription=sub_1 subscription_details[items][0][id]=si_1 …
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from bookhand.sandbox.billing import changes, coupons, drafts, fields, invoiceitems, items, life, updates
from bookhand.sandbox.billing.clocks import enter
from bookhand.sandbox.stripe.errors import StripeError, parameter_missing
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from collections.abc import Callable

    from bookhand.sandbox.stripe.call import Call

JSON = dict[str, Any]
NEVER = 2**62


class _Undo(Exception):  # noqa: N818 - not an error: it only carries the figures out of what is undone
    def __init__(self, invoice: JSON) -> None:
        super().__init__()
        self.invoice = invoice


@route("POST", "/v1/invoices/create_preview")
def create_preview(call: Call) -> JSON:
    """The next invoice of a customer or subscription, as it is or after a change."""
    return without_trace(call, lambda: _preview(call))


def of_renewal(call: Call, sub: JSON) -> JSON:
    """The invoice of a subscription's next renewal."""
    return without_trace(call, lambda: _renewal(call, sub))


def without_trace(call: Call, make: Callable[[], JSON]) -> JSON:
    """Do it, keep only the invoice, and undo everything that was written."""
    now, told_from = call.now, call.engine.events_from
    call.engine.events_from = NEVER
    try:
        _make_and_undo(call, make)
    except _Undo as undone:
        invoice = undone.invoice
    finally:
        call.now, call.engine.events_from = now, told_from
    invoice["id"] = "upcoming_" + invoice["id"]
    invoice["lines"]["url"] = f"/v1/invoices/upcoming/lines?customer={invoice['customer']}"
    invoice["created"] = max(invoice["created"], now)
    return invoice


def _make_and_undo(call: Call, make: Callable[[], JSON]) -> NoReturn:
    with call.engine.transaction():
        raise _Undo(make())


def _preview(call: Call) -> JSON:
    id_ = call.text("subscription")
    if id_ is None:
        return _without_subscription(call)
    sub = call.get("subscription", id_, param="subscription")
    enter(call, sub)
    customer = call.get("customer", sub["customer"])
    after = fields.copy(sub)
    details = call.sub("subscription_details")
    if details.listing("items"):
        wanted = _changed(call, after, customer)
        invoice = changes.swap(
            call,
            customer,
            after,
            wanted,
            behavior=details.text("proration_behavior") or "create_prorations",
            moment=details.timestamp("proration_date") or call.now,
        )
        call.save(after)
        if invoice is not None:
            return invoice
    return _renewal(call, after)


def _renewal(call: Call, sub: JSON) -> JSON:
    call.now = life.ends(sub)
    invoice = life.renew(call, sub)
    invoice["billing_reason"] = "upcoming"
    return invoice


def _changed(call: Call, sub: JSON, customer: JSON) -> list[JSON]:
    after = [fields.copy(item) for item in sub["items"]["data"]]
    for params in call.sub("subscription_details").subs("items"):
        id_ = params.text("id")
        known = next((item for item in after if item["id"] == id_), None)
        if id_ is None:
            after.append(items.new(call, params, customer=customer, sub=sub["id"]))
        elif known is None:
            raise StripeError(f"No such subscription item: '{id_}'", code="resource_missing", status=404)
        elif params.boolean("deleted"):
            after.remove(known)
        else:
            updates.edit(call, params, known)
    return after


def _without_subscription(call: Call) -> JSON:
    id_ = call.text("customer")
    if id_ is None:
        raise parameter_missing("customer")
    customer = call.get("customer", id_, param="customer")
    enter(call, customer)
    money = (
        fields.currency(call) or customer["currency"] or call.get("account", call.account)["default_currency"]
    )
    for params in [*call.subs("invoice_items"), *call.sub("subscription_details").subs("items")]:
        invoiceitems.keep(call, invoiceitems.read_new(call, params, customer, money), None)
    pending = invoiceitems.waiting(call, customer["id"], money)
    if not pending:
        raise StripeError(
            "No upcoming invoices for customer: " + id_, code="invoice_upcoming_none", status=404
        )
    discounts = coupons.give(call, call.subs("discounts"), customer=customer)
    return drafts.draft(
        call,
        customer,
        currency=money,
        reason="upcoming",
        lines=invoiceitems.bill(call, pending),
        auto_advance=False,
        fields={"discounts": discounts} if discounts else None,
    )
