"""From a draft to money: finalise an invoice, collect it, and write down how it ended.

    bill = bill_of(call, invoice)
    finalize(call, bill)          # draft -> open, numbered, the customer's balance applied; paid if nothing is due
    attempt(call, bill)           # one payment: paid, or open with the next attempt planned
    close(call, bill)             # one write for each object that changed

Each try of one invoice is a try of one payment intent, linked by one invoice payment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import balances, coupons, drafts, invoice_payments, methods, standing
from bookhand.sandbox.billing.clocks import enter
from bookhand.sandbox.billing.standing import Bill, bill_of, close
from bookhand.sandbox.billing.terms import terms
from bookhand.sandbox.money import payments
from bookhand.sandbox.money.currencies import THREE_DECIMAL, WHOLE_HUNDREDS, smallest_charge
from bookhand.sandbox.stripe.routes import job

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

JSON = dict[str, Any]


def finalize(call: Call, bill: Bill, *, auto_advance: bool | None = None) -> None:
    """Number an invoice, fix its figures and open it; it is paid at once if nothing is due."""
    invoice, customer = bill.invoice, bill.customer
    lines = drafts.lines_of(call, invoice)
    if invoice["automatic_tax"]["enabled"] or invoice["starting_balance"] != balances.of(
        call, customer, invoice["currency"]
    ):
        drafts.add_up(call, invoice, customer, lines)
        drafts.keep_lines(call, invoice, lines)
    previous = {name: invoice[name] for name in ("status", "number", "effective_at", "ending_balance")}
    _number(invoice, bill)
    _apply_balance(call, bill)
    _spend_discounts(call, bill)
    invoice["status"], invoice["automatically_finalizes_at"] = "open", None
    invoice["effective_at"] = invoice["effective_at"] or call.now
    invoice["status_transitions"]["finalized_at"] = call.now
    if auto_advance is not None:
        invoice["auto_advance"] = auto_advance
    url = f"https://invoice.stripe.com/i/{call.account}/{'live' if call.livemode else 'test'}_{invoice['id'][3:]}"
    invoice["hosted_invoice_url"], invoice["invoice_pdf"] = f"{url}?s=ap", f"{url}/pdf?s=ap"
    call.emit("invoice.finalized", invoice)
    call.emit("invoice.updated", invoice, previous)
    if invoice["amount_due"] == 0:
        settle(call, bill)
    elif invoice["collection_method"] == "send_invoice" and invoice["due_date"]:
        call.at(invoice["due_date"], "billing.invoice.overdue", invoice=invoice["id"])


def attempt(
    call: Call, bill: Bill, *, method: str | None = None, off_session: bool = True, automatic: bool = True
) -> JSON | None:
    """Try to collect an open invoice once; the payment intent, or None where there is nothing to pay with."""
    invoice = bill.invoice
    chosen = method or invoice_payments.usable(call, bill)
    if automatic or invoice["attempt_count"] == 0:
        invoice["attempt_count"] += 1
    invoice["attempted"] = True
    if chosen is None or (automatic and not invoice_payments.chargeable(invoice)):
        _failed(call, bill, None)
        return None
    payment = invoice_payments.waiting(call, invoice)
    intent = invoice_payments.attempt(call, bill, payment, chosen, off_session=off_session)
    payment = payment or invoice_payments.link(call, invoice, intent)
    if intent["status"] == "succeeded":
        _remember(call, bill, intent)
        settle(call, bill, payment=payment)
    elif intent["status"] == "processing":
        standing.trusted(call, bill)
    else:
        _failed(call, bill, intent)
    return intent


def open_intent(call: Call, bill: Bill) -> JSON:
    """A payment intent that waits for the customer to confirm it."""
    payment = invoice_payments.waiting(call, bill.invoice)
    if payment is not None:
        return call.get("payment_intent", payment["payment"]["payment_intent"])
    intent = invoice_payments.attempt(call, bill, None, None, off_session=False)
    invoice_payments.link(call, bill.invoice, intent)
    return intent


def attach(call: Call, bill: Bill, intent: JSON) -> None:
    """Count a payment intent that was made elsewhere toward an invoice."""
    payment = invoice_payments.link(call, bill.invoice, intent)
    payment["is_default"] = False
    call.save(payment)
    if intent["status"] == "succeeded":
        settle(call, bill, payment=payment)


def settle(call: Call, bill: Bill, *, payment: JSON | None = None, out_of_band: bool = False) -> None:
    """The invoice is paid: by a payment, outside Stripe, or because nothing was due."""
    invoice = bill.invoice
    names = ("amount_paid", "amount_remaining", "attempted", "next_payment_attempt", "status")
    previous = {name: invoice[name] for name in names}
    due = invoice["amount_remaining"]
    invoice["amount_paid"] += due
    if out_of_band:
        invoice["amount_paid_off_stripe"] = (invoice["amount_paid_off_stripe"] or 0) + due
    invoice["amount_remaining"], invoice["status"], invoice["next_payment_attempt"] = 0, "paid", None
    invoice["attempted"] = True
    invoice["status_transitions"]["paid_at"] = call.now
    if payment is not None:
        payment["amount_paid"], payment["status"] = due, "paid"
        payment["status_transitions"]["paid_at"] = call.now
        call.save(payment, status="paid")
        call.emit("invoice_payment.paid", payment)
    call.emit("invoice.updated", invoice, previous)
    call.emit("invoice.paid", invoice)
    if not out_of_band:
        call.emit("invoice.payment_succeeded", invoice)
    standing.paid(call, bill)


@job("billing.invoice.finalize")
def finalize_when_due(call: Call, args: JSON) -> None:
    """The hour of a draft is over."""
    invoice = call.look("invoice", args["invoice"])
    if invoice is None or invoice["status"] != "draft" or not invoice["auto_advance"]:
        return
    if (invoice["automatically_finalizes_at"] or call.now) > call.now:
        return
    bill = bill_of(call, invoice)
    if (
        invoice["automatic_tax"]["enabled"]
        and invoice["automatic_tax"]["status"] == "requires_location_inputs"
    ):
        _stuck(call, bill)
        return
    finalize(call, bill)
    pause = (bill.sub or {}).get("pause_collection")
    if invoice["status"] == "open" and pause and pause["behavior"] in ("void", "mark_uncollectible"):
        void(call, bill) if pause["behavior"] == "void" else give_up(call, bill, "subscription_paused")
    elif invoice["status"] == "open" and invoice["collection_method"] == "charge_automatically":
        attempt(call, bill)
    elif invoice["status"] == "open":
        call.emit("invoice.sent", invoice)
    close(call, bill)


@job("billing.invoice.overdue")
def overdue(call: Call, args: JSON) -> None:
    """The day a sent invoice was due is over."""
    invoice = call.look("invoice", args["invoice"])
    if invoice is None or invoice["status"] != "open":
        return
    bill = bill_of(call, invoice)
    call.emit("invoice.overdue", invoice)
    standing.failed(call, bill)
    close(call, bill)


def void(call: Call, bill: Bill) -> None:
    """The invoice was a mistake; what it took from the customer's balance comes back."""
    invoice = bill.invoice
    previous = {"status": invoice["status"], "next_payment_attempt": invoice["next_payment_attempt"]}
    invoice["status"], invoice["next_payment_attempt"], invoice["auto_advance"] = "void", None, False
    invoice["status_transitions"]["voided_at"] = call.now
    applied = (invoice["ending_balance"] or 0) - invoice["starting_balance"]
    if applied:
        _move(call, bill, -applied, "unapplied_from_invoice")
    invoice_payments.cancel(call, invoice)
    call.emit("invoice.voided", invoice)
    call.emit("invoice.updated", invoice, previous)


def give_up(call: Call, bill: Bill, reason: str) -> None:
    """The invoice is not expected to be paid any more; it still can be."""
    invoice = bill.invoice
    previous = {"status": invoice["status"], "next_payment_attempt": invoice["next_payment_attempt"]}
    invoice["status"], invoice["next_payment_attempt"] = "uncollectible", None
    invoice["status_details"] = {"uncollectible": {"reason": reason}}
    invoice["status_transitions"]["marked_uncollectible_at"] = call.now
    call.emit("invoice.marked_uncollectible", invoice)
    call.emit("invoice.updated", invoice, previous)


def watch(call: Call, intent: JSON) -> None:
    """A payment intent came to an end that this room did not cause: the customer confirmed it, a bank answered."""
    if intent["id"] in invoice_payments.trying or intent["status"] not in (
        "succeeded",
        "requires_payment_method",
    ):
        return
    payment = call.first("invoice_payment", payment_intent=intent["id"])
    if payment is None or payment["status"] == "paid":
        return
    invoice = call.get("invoice", payment["invoice"])
    enter(call, invoice)
    if invoice["status"] not in ("open", "uncollectible"):
        return
    bill = bill_of(call, invoice)
    if intent["status"] == "succeeded":
        _remember(call, bill, intent)
        settle(call, bill, payment=payment)
    else:
        _failed(call, bill, intent)
    close(call, bill)


payments.WATCHERS.append(watch)


def _remember(call: Call, bill: Bill, intent: JSON) -> None:
    """Keep what paid as the subscription's own method, where the subscription asks for it."""
    sub = bill.sub
    if sub is None or sub["payment_settings"]["save_default_payment_method"] != "on_subscription":
        return
    method = call.look("payment_method", intent["payment_method"])
    if method is not None and sub["default_payment_method"] != method["id"]:
        methods.attach(call, method, bill.customer["id"])
        previous = {"default_payment_method": sub["default_payment_method"]}
        sub["default_payment_method"], bill.sub_changed = method["id"], True
        call.emit("customer.subscription.updated", sub, previous)


def _failed(call: Call, bill: Bill, intent: JSON | None) -> None:
    invoice = bill.invoice
    sub = bill.sub or {}
    waits = sub.get("status") == "incomplete" or sub.get("pending_update") is not None
    if invoice["collection_method"] == "charge_automatically" and not waits and invoice["auto_advance"]:
        _plan(call, bill)
    if intent is not None and _wants_customer(intent):
        call.emit("invoice.payment_action_required", invoice)
    call.emit("invoice.payment_failed", invoice)
    names = {"attempt_count": max(0, invoice["attempt_count"] - 1), "attempted": invoice["attempt_count"] > 1}
    call.emit("invoice.updated", invoice, names)
    standing.failed(call, bill)


def _wants_customer(intent: JSON) -> bool:
    code = (intent["last_payment_error"] or {}).get("code")
    return intent["status"] == "requires_action" or code == "authentication_required"


def _plan(call: Call, bill: Bill) -> None:
    invoice = bill.invoice
    planned = invoice["next_payment_attempt"]
    if planned is not None and planned > call.now:
        return
    following = terms(call).next_try(invoice["attempt_count"], call.now)
    invoice["next_payment_attempt"] = following
    name = "billing.invoice.exhausted" if following is None else "billing.invoice.retry"
    call.at(following or call.now, name, invoice=invoice["id"])


def _stuck(call: Call, bill: Bill) -> None:
    bill.invoice["last_finalization_error"] = {
        "code": "customer_tax_location_invalid",
        "message": "The customer's location isn't recognized. Set a valid customer address to calculate tax.",
        "type": "invalid_request_error",
    }
    bill.invoice["auto_advance"], bill.invoice["automatically_finalizes_at"] = False, None
    close(call, bill)
    call.emit("invoice.finalization_failed", bill.invoice)


def _number(invoice: JSON, bill: Bill) -> None:
    if invoice["number"] is None:
        sequence = bill.customer["next_invoice_sequence"]
        invoice["number"] = f"{bill.customer['invoice_prefix']}-{sequence:04d}"
        bill.customer["next_invoice_sequence"] = sequence + 1
    bill.customer["currency"] = bill.customer["currency"] or invoice["currency"]
    bill.customer_changed = True


def _apply_balance(call: Call, bill: Bill) -> None:
    invoice = bill.invoice
    start, total, money = invoice["starting_balance"], invoice["total"], invoice["currency"]
    if total <= 0:
        due, end = 0, start + total
    else:
        due = max(0, total + start)
        end = min(0, total + start)
    step = 10 if money in THREE_DECIMAL else 100 if money in WHOLE_HUNDREDS else 1
    due, end = due - due % step, end + due % step
    kind = "applied_to_invoice"
    if due and due < smallest_charge(money) and invoice["collection_method"] == "charge_automatically":
        due, end, kind = 0, end + due, "invoice_too_small"
    invoice["ending_balance"] = end
    invoice["amount_due"] = invoice["amount_remaining"] = due
    if end != start:
        _move(call, bill, end - start, kind)


def _move(call: Call, bill: Bill, amount: int, kind: str) -> None:
    before = bill.customer["balance"]
    balances.move(
        call, bill.customer, amount, bill.invoice["currency"], kind=kind, invoice=bill.invoice["id"]
    )
    bill.customer_changed = True
    call.emit("customer.updated", bill.customer, {"balance": before})


def _spend_discounts(call: Call, bill: Bill) -> None:
    if not bill.invoice["discounts"]:
        return
    if bill.sub is not None and bill.sub["discounts"]:
        bill.sub["discounts"], bill.sub_changed = coupons.spend(call, bill.sub["discounts"]), True
    own = bill.customer["discount"]
    if own and own["id"] in bill.invoice["discounts"] and not coupons.spend(call, [own["id"]]):
        bill.customer["discount"], bill.customer_changed = None, True
