"""Credit notes: a final invoice made smaller, before it is paid or after.

    POST /v1/credit_notes invoice=in_1 lines[0][type]=invoice_line_item lines[0][invoice_line_item]=il_1 …
    POST /v1/credit_notes invoice=in_1 amount=500 refund_amount=500

Before payment a note lowers what is due. After payment its whole amount is told apart: refunded, credited to the
customer's balance, or paid back outside Stripe. Tax is credited in the proportion in which it was charged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import balances, collecting, drafts, fields
from bookhand.sandbox.billing.clocks import enter, wall
from bookhand.sandbox.billing.invoices import part
from bookhand.sandbox.billing.note_lines import build
from bookhand.sandbox.billing.standing import bill_of, close
from bookhand.sandbox.money.refunds import refund as give_back
from bookhand.sandbox.stripe.errors import StripeError
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.billing.standing import Bill
    from bookhand.sandbox.stripe.call import Call

JSON = dict[str, Any]
KIND = "credit_note"
REASONS = ("duplicate", "fraudulent", "order_change", "product_unsatisfactory")


@route("POST", "/v1/credit_notes")
def create(call: Call) -> JSON:
    """Issue a note."""
    invoice = call.get("invoice", call.text("invoice", required=True) or "", param="invoice")
    enter(call, invoice)
    if invoice["status"] not in ("open", "paid", "uncollectible"):
        raise StripeError(
            "Credit notes can only be issued for open, paid or uncollectible invoices.", param="invoice"
        )
    bill = bill_of(call, invoice)
    note = _new(call, bill)
    _divide(call, note, invoice)
    index = call.bump(f"credit_notes:{invoice['id']}")
    note["number"] = f"{invoice['number']}-CN-{index:02d}"
    note["pdf"] = f"https://pay.stripe.com/credit_notes/{call.account}/{note['id']}/pdf?s=ap"
    _apply(call, bill, note)
    call.add(note, invoice=invoice["id"], customer=note["customer"])
    call.emit("credit_note.created", note)
    close(call, bill)
    return note


@route("GET", "/v1/credit_notes/preview")
def preview(call: Call) -> JSON:
    """The same note, not issued."""
    invoice = call.get("invoice", call.text("invoice", required=True) or "", param="invoice")
    note = _new(call, bill_of(call, invoice))
    _divide(call, note, invoice)
    return {**note, "number": f"{invoice['number']}-CN-01", "pdf": "", "status": "issued"}


@route("GET", "/v1/credit_notes/preview/lines")
def preview_lines(call: Call) -> JSON:
    """The lines of a note that is not issued."""
    return part(call, preview(call)["lines"]["data"])


@route("GET", "/v1/credit_notes")
def index(call: Call) -> JSON:
    """Notes, newest first."""
    return call.page(KIND, invoice=call.text("invoice"), customer=call.text("customer"))


@route("GET", "/v1/credit_notes/{id}")
def read(call: Call) -> JSON:
    """One note."""
    return call.get(KIND, call.path["id"])


@route("GET", "/v1/credit_notes/{id}/lines")
def lines(call: Call) -> JSON:
    """A note's lines."""
    return part(call, call.get(KIND, call.path["id"])["lines"]["data"])


@route("POST", "/v1/credit_notes/{id}")
def change(call: Call) -> JSON:
    """Its memo and metadata."""
    before = call.get(KIND, call.path["id"])
    after = fields.copy(before)
    fields.set_texts(call, after, ("memo",))
    after["metadata"] = call.metadata(old=after["metadata"])
    return fields.update(call, before, after, "credit_note.updated")


@route("POST", "/v1/credit_notes/{id}/void")
def void(call: Call) -> JSON:
    """Take back a note that only lowered an open invoice."""
    note = call.get(KIND, call.path["id"])
    enter(call, {"test_clock": call.get("invoice", note["invoice"])["test_clock"]})
    bill = bill_of(call, call.get("invoice", note["invoice"]))
    if note["status"] == "void" or note["type"] != "pre_payment" or bill.invoice["status"] != "open":
        raise StripeError("Only a credit note of an open invoice can be voided.", param="id")
    _lower(call, bill, -note["pre_payment_amount"])
    note["status"], note["voided_at"] = "void", call.now
    call.save(note)
    call.emit("credit_note.voided", note)
    close(call, bill)
    return note


def _new(call: Call, bill: Bill) -> JSON:
    invoice = bill.invoice
    own, sums = build(call, invoice, drafts.lines_of(call, invoice))
    id_ = call.new_id("cn")
    amount = sums.total
    if amount <= 0:
        raise StripeError("The amount of a credit note must be greater than zero.", param="amount")
    return {
        "id": id_,
        "object": KIND,
        "amount": amount,
        "amount_shipping": 0,
        "created": call.now,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "customer_account": None,
        "customer_balance_transaction": None,
        "discount_amount": sum(d["amount"] for d in sums.discounts),
        "discount_amounts": sums.discounts,
        "effective_at": call.timestamp("effective_at", default=call.now),
        "invoice": invoice["id"],
        "lines": {
            "object": "list",
            "data": own,
            "has_more": False,
            "total_count": len(own),
            "url": f"/v1/credit_notes/{id_}/lines",
        },
        "livemode": call.livemode,
        "memo": call.text("memo"),
        "metadata": call.metadata(),
        "number": "",
        "out_of_band_amount": None,
        "pdf": "",
        "post_payment_amount": 0,
        "pre_payment_amount": 0,
        "pretax_credit_amounts": [],
        "reason": call.choice("reason", REASONS),
        "refunds": [],
        "shipping_cost": None,
        "status": "issued",
        "subtotal": sums.subtotal,
        "subtotal_excluding_tax": sums.subtotal_excluding_tax,
        "total": sums.total,
        "total_excluding_tax": sums.total_excluding_tax,
        "total_taxes": sums.taxes,
        "type": "pre_payment",
        "voided_at": None,
    }


def _divide(call: Call, note: JSON, invoice: JSON) -> None:
    """How much lowers what is due, and how much of the rest goes which way."""
    before = min(note["amount"], invoice["amount_remaining"])
    after = note["amount"] - before
    given = invoice["post_payment_credit_notes_amount"]
    if after > invoice["amount_paid"] - given + _from_balance(invoice):
        raise StripeError(
            f"The sum of credit notes cannot be more than what was paid: {invoice['amount_paid'] - given} is left.",
            param="amount",
        )
    refund, credit, outside = (
        call.integer(name, default=0, min=0) or 0
        for name in ("refund_amount", "credit_amount", "out_of_band_amount")
    )
    named = sum(p.integer("amount_refunded", default=0) or 0 for p in call.subs("refunds"))
    if refund + credit + outside + named != after:
        raise StripeError(
            f"The sum of refund_amount, credit_amount and out_of_band_amount must be {after}, what was paid of the "
            "credited amount.",
            param="refund_amount",
        )
    note["pre_payment_amount"], note["post_payment_amount"] = before, after
    note["out_of_band_amount"] = outside or None
    note["type"] = "mixed" if before and after else "post_payment" if after else "pre_payment"


def _from_balance(invoice: JSON) -> int:
    used: int = (invoice["ending_balance"] or 0) - invoice["starting_balance"]
    return max(0, used)


def _apply(call: Call, bill: Bill, note: JSON) -> None:
    if note["pre_payment_amount"]:
        _lower(call, bill, note["pre_payment_amount"])
    if not note["post_payment_amount"]:
        return
    previous = bill.invoice["post_payment_credit_notes_amount"]
    bill.invoice["post_payment_credit_notes_amount"] += note["post_payment_amount"]
    call.emit("invoice.updated", bill.invoice, {"post_payment_credit_notes_amount": previous})
    credit = call.integer("credit_amount", default=0) or 0
    if credit:
        before = bill.customer["balance"]
        movement = balances.move(
            call,
            bill.customer,
            -credit,
            note["currency"],
            kind="credit_note",
            invoice=note["invoice"],
            credit_note=note["id"],
        )
        note["customer_balance_transaction"], bill.customer_changed = movement["id"], True
        call.emit("customer.updated", bill.customer, {"balance": before})
    refund = call.integer("refund_amount", default=0) or 0
    if refund:
        note["refunds"].append(_told(_refund(call, bill.invoice, refund), refund))
    for params in call.subs("refunds"):
        made = call.get("refund", params.text("refund", required=True) or "", param=params.named("refund"))
        note["refunds"].append(_told(made, params.integer("amount_refunded") or made["amount"]))


def _told(refund: JSON, amount: int) -> JSON:
    return {
        "amount_refunded": amount,
        "payment_record_refund": None,
        "refund": refund["id"],
        "type": "refund",
    }


def _refund(call: Call, invoice: JSON, amount: int) -> JSON:
    payment = call.first("invoice_payment", invoice=invoice["id"], status="paid")
    if payment is None:
        raise StripeError(
            "This invoice was not paid through Stripe; nothing can be refunded.", param="refund_amount"
        )
    intent = call.get("payment_intent", payment["payment"]["payment_intent"])
    with wall(call):
        return give_back(call, call.get("charge", intent["latest_charge"]), amount)


def _lower(call: Call, bill: Bill, amount: int) -> None:
    invoice = bill.invoice
    names = ("amount_due", "amount_remaining", "pre_payment_credit_notes_amount")
    previous = {name: invoice[name] for name in names}
    invoice["amount_due"] -= amount
    invoice["amount_remaining"] -= amount
    invoice["pre_payment_credit_notes_amount"] += amount
    call.emit("invoice.updated", invoice, previous)
    if invoice["amount_remaining"] == 0 and invoice["status"] in ("open", "uncollectible"):
        collecting.settle(call, bill)
