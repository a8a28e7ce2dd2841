"""Where a subscription and its customer stand after an invoice was paid or not.

Bill = one invoice with its customer and subscription, changed together and saved once by `close`.

incomplete -> active       the first invoice is paid          past_due, unpaid -> active   the latest one is paid
active -> past_due         a renewal could not be collected
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.sandbox.billing.drafts import subscription_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from bookhand.sandbox.stripe.call import Call

JSON = dict[str, Any]
OVER = ("canceled", "incomplete_expired")
# What else happens when the latest invoice of a subscription is paid: a pending change takes place.
ON_PAID: list[Callable[[Call, Bill], None]] = []


class Bill(msgspec.Struct):
    """An invoice and whom it concerns, in memory until `close`."""

    invoice: JSON
    customer: JSON
    sub: JSON | None = None
    customer_changed: bool = False
    sub_changed: bool = False
    turned: bool = False
    gone: bool = False


def bill_of(call: Call, invoice: JSON) -> Bill:
    """Load what an invoice concerns; of a deleted customer, what the invoice still knows."""
    sub = subscription_of(invoice)
    found = call.look("customer", invoice["customer"])
    return Bill(
        invoice,
        found if found is not None else _gone(invoice),
        call.look("subscription", sub) if sub else None,
        gone=found is None,
    )


def _gone(invoice: JSON) -> JSON:
    return {
        "id": invoice["customer"],
        "object": "customer",
        "address": invoice["customer_address"],
        "balance": 0,
        "currency": invoice["currency"],
        "default_source": None,
        "delinquent": False,
        "discount": None,
        "invoice_prefix": invoice["customer"][-8:].upper(),
        "invoice_settings": {"default_payment_method": None},
        "next_invoice_sequence": 1,
        "shipping": invoice["customer_shipping"],
        "tax_exempt": invoice["customer_tax_exempt"],
    }


def close(call: Call, bill: Bill) -> JSON:
    """Save what changed; the invoice is answered."""
    call.save(bill.invoice, status=bill.invoice["status"])
    if bill.customer_changed and not bill.gone:
        call.save(bill.customer)
    if bill.sub is not None and bill.turned:
        save(call, bill.sub)
    elif bill.sub is not None and bill.sub_changed:
        call.save(bill.sub)
    bill.customer_changed = bill.sub_changed = bill.turned = False
    return bill.invoice


def paid(call: Call, bill: Bill) -> None:
    """The invoice is paid."""
    if bill.customer["delinquent"] and not bill.gone:
        bill.customer["delinquent"], bill.customer_changed = False, True
        call.emit("customer.updated", bill.customer, {"delinquent": True})
    sub = bill.sub
    if sub is None or sub["status"] in OVER:
        return
    latest = sub["latest_invoice"] == bill.invoice["id"]
    if sub["status"] == "incomplete" or (sub["status"] in ("past_due", "unpaid") and latest):
        turn(call, bill, "active")
    if latest and sub["pending_update"] is not None:
        for follow in ON_PAID:
            follow(call, bill)


def trusted(call: Call, bill: Bill) -> None:
    """A bank has been asked and will answer in days: the subscription runs meanwhile."""
    if bill.sub is not None and bill.sub["status"] == "incomplete":
        turn(call, bill, "active")


def failed(call: Call, bill: Bill) -> None:
    """The invoice could not be collected this time."""
    if not bill.customer["delinquent"] and not bill.gone:
        bill.customer["delinquent"], bill.customer_changed = True, True
        call.emit("customer.updated", bill.customer, {"delinquent": False})
    waits = bill.sub is not None and bill.sub["pending_update"] is not None
    if bill.sub is not None and bill.sub["status"] in ("active", "trialing") and not waits:
        turn(call, bill, "past_due")


def turn(call: Call, bill: Bill, status: str) -> None:
    """Give the bill's subscription another status and tell it."""
    if bill.sub is None:
        return
    previous = {"status": bill.sub["status"]}
    bill.sub["status"], bill.turned = status, True
    call.emit("customer.subscription.updated", bill.sub, previous)


def save(call: Call, sub: JSON) -> JSON:
    """Store a subscription with its look-ups."""
    status = sub["status"]
    if status != "paused":
        sub.pop("status_details", None)
    return call.save(
        sub, status=status, listed="" if status == "canceled" else "1", ended="1" if status in OVER else ""
    )
