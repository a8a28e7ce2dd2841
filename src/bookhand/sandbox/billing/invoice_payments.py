"""Invoice payments: the tries of one invoice, each a try of one payment intent.

    payment = waiting(call, invoice)                      # the open one, if there is one
    intent = attempt(call, bill, payment, method, off_session=True)
    payment = payment or link(call, invoice, intent)      # {"id": "inpay_…", "status": "open"}

An invoice whose due amount changed gets a new intent; the old one is canceled with its invoice payment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing.clocks import wall
from bookhand.sandbox.billing.customers import default_method
from bookhand.sandbox.billing.shares import MILLIONTHS, millionths, rounded
from bookhand.sandbox.money import payments
from bookhand.sandbox.money.charge import MOST
from bookhand.sandbox.money.currencies import smallest_charge
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.billing.standing import Bill
    from bookhand.sandbox.stripe.call import Call

JSON = dict[str, Any]
KIND = "invoice_payment"
WORDS = {
    "subscription_create": "Subscription creation",
    "subscription_cycle": "Subscription update",
    "subscription_update": "Subscription update",
}
# Intents that are being tried here and now: what they come to is no news to this room.
trying: set[str] = set()


@route("GET", "/v1/invoice_payments")
def index(call: Call) -> JSON:
    """The payments of invoices, found from either side."""
    return call.page(
        KIND,
        invoice=call.text("invoice"),
        payment_intent=call.text("payment[payment_intent]"),
        status=call.choice("status", ("canceled", "open", "paid")),
    )


@route("GET", "/v1/invoice_payments/{id}")
def read(call: Call) -> JSON:
    """One payment of an invoice."""
    return call.get(KIND, call.path["id"])


def method_of(bill: Bill) -> str | None:
    """What an invoice is paid with: its own method, its subscription's, its customer's."""
    sub = bill.sub or {}
    return (
        bill.invoice["default_payment_method"]
        or sub.get("default_payment_method")
        or bill.invoice["default_source"]
        or sub.get("default_source")
        or default_method(bill.customer)
    )


def usable(call: Call, bill: Bill) -> JSON | None:
    """The default method, unless it was taken off the customer meanwhile."""
    method = call.look("payment_method", method_of(bill))
    return method if method is not None and method["customer"] == bill.customer["id"] else None


def chargeable(invoice: JSON) -> bool:
    """Whether what is due is an amount that can be charged at all."""
    return bool(smallest_charge(invoice["currency"]) <= invoice["amount_remaining"] <= MOST)


def attempt(
    call: Call, bill: Bill, payment: JSON | None, method: str | JSON | None, *, off_session: bool
) -> JSON:
    """Try to pay what is due: again with the intent there is, or with a new one; without a method it only waits."""
    invoice = bill.invoice
    with wall(call):
        if payment is not None and method is not None:
            intent = call.get("payment_intent", payment["payment"]["payment_intent"])
            trying.add(intent["id"])
            try:
                return payments.retry(call, intent, payment_method=method, off_session=off_session)
            finally:
                trying.discard(intent["id"])
        return payments.pay(
            call,
            amount=invoice["amount_remaining"],
            currency=invoice["currency"],
            customer=invoice["customer"],
            payment_method=method,
            description=WORDS.get(invoice["billing_reason"]) or f"Payment for Invoice {invoice['number']}",
            metadata={},
            off_session=off_session,
            application_fee=_fee(invoice, bill.sub),
            on_behalf=invoice["on_behalf_of"],
            statement=invoice["statement_descriptor"],
            setup="off_session" if invoice["billing_reason"] == "subscription_create" else None,
        )


def waiting(call: Call, invoice: JSON) -> JSON | None:
    """The open payment of an invoice, if its intent can still pay what is due."""
    payment = call.first(KIND, invoice=invoice["id"], status="open")
    if payment is None:
        return None
    intent = call.get("payment_intent", payment["payment"]["payment_intent"])
    if intent["status"] == "canceled" or payment["amount_requested"] != invoice["amount_remaining"]:
        cancel(call, invoice)
        return None
    return payment


def link(call: Call, invoice: JSON, intent: JSON) -> JSON:
    """Tie an intent to an invoice."""
    payment: JSON = {
        "id": call.new_id("inpay"),
        "object": KIND,
        "amount_paid": None,
        "amount_requested": intent["amount"],
        "created": call.now,
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": call.livemode,
        "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }
    return call.add(payment, invoice=invoice["id"], payment_intent=intent["id"], status="open")


def cancel(call: Call, invoice: JSON) -> None:
    """The open payment of an invoice will not be needed, nor its intent."""
    payment = call.first(KIND, invoice=invoice["id"], status="open")
    if payment is None:
        return
    payment["status"], payment["is_default"] = "canceled", False
    payment["status_transitions"]["canceled_at"] = call.now
    call.save(payment, status="canceled")
    intent = call.get("payment_intent", payment["payment"]["payment_intent"])
    if intent["status"] not in ("succeeded", "canceled", "processing"):
        with wall(call):
            payments.let_go(call, intent, "void_invoice")


def _fee(invoice: JSON, sub: JSON | None) -> int | None:
    percent = (sub or {}).get("application_fee_percent")
    if percent is None:
        return None
    return rounded(invoice["amount_remaining"] * millionths(str(percent)), MILLIONTHS)
