"""How subscriptions end: now, at a date, at the period's end, or because nobody paid.

cancel_now(call, sub, reason="cancellation_requested", prorate=True, invoice_now=True)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import changes, collecting, standing
from bookhand.sandbox.billing.standing import bill_of, close
from bookhand.sandbox.billing.terms import terms
from bookhand.sandbox.stripe.routes import job

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bookhand.sandbox.stripe.call import Call

JSON = dict[str, Any]


def cancel_now(
    call: Call, sub: JSON, *, reason: str | None, prorate: bool = False, invoice_now: bool = False
) -> JSON:
    """A subscription is over, for ever; with prorate, what was not used is credited."""
    customer = call.get("customer", sub["customer"])
    if prorate and sub["status"] in ("active", "past_due"):
        for item in sub["items"]["data"]:
            changes.credit(call, customer, sub, item, call.now)
    sub["status"], sub["ended_at"] = "canceled", call.now
    sub["canceled_at"] = sub["canceled_at"] or call.now
    sub["cancel_at_period_end"] = False
    sub["cancellation_details"]["reason"] = sub["cancellation_details"]["reason"] or reason
    sub["pause_collection"] = None
    standing.save(call, sub)
    call.emit("customer.subscription.deleted", sub)
    for status in ("draft", "open"):
        stop_invoices(call, call.find("invoice", subscription=sub["id"], status=status))
    if invoice_now:
        _bill_the_rest(call, customer, sub)
    if sub["schedule"]:
        _end_schedule(call, sub["schedule"])
    return sub


@job("billing.subscription.cancel")
def cancel_when_due(call: Call, args: JSON) -> None:
    """The day chosen for the end has come."""
    sub = call.look("subscription", args["subscription"])
    if sub is None or sub["status"] in standing.OVER:
        return
    chosen = sub["cancel_at_period_end"] or (sub["cancel_at"] is not None and sub["cancel_at"] <= call.now)
    if chosen:
        cancel_now(call, sub, reason="cancellation_requested")
    elif args.get("missing"):
        cancel_now(call, sub, reason="payment_failed")


@job("billing.invoice.retry")
def retry(call: Call, args: JSON) -> None:
    """The next planned attempt of a failed invoice."""
    invoice = call.look("invoice", args["invoice"])
    if invoice is None or invoice["status"] != "open" or invoice["next_payment_attempt"] != call.now:
        return
    bill = bill_of(call, invoice)
    collecting.attempt(call, bill)
    close(call, bill)


@job("billing.invoice.exhausted")
def exhausted(call: Call, args: JSON) -> None:
    """The last attempt failed: what the account chose to do then."""
    invoice = call.look("invoice", args["invoice"])
    if invoice is None or invoice["status"] != "open":
        return
    bill, chosen = bill_of(call, invoice), terms(call)
    if chosen.invoice == "uncollectible":
        collecting.give_up(call, bill, "max_payment_attempts")
    if bill.sub is not None and bill.sub["status"] == "past_due" and chosen.then == "unpaid":
        standing.turn(call, bill, "unpaid")
    close(call, bill)
    if bill.sub is not None and bill.sub["status"] == "past_due" and chosen.then == "cancel":
        cancel_now(call, bill.sub, reason="payment_failed")


def _bill_the_rest(call: Call, customer: JSON, sub: JSON) -> None:
    invoice = changes.invoice_pending(call, customer, sub, reason="subscription_update")
    if invoice is None:
        return
    bill = standing.Bill(invoice, customer, sub, sub_changed=True)
    collecting.finalize(call, bill)
    if invoice["status"] == "open" and invoice["collection_method"] == "charge_automatically":
        collecting.attempt(call, bill)
    close(call, bill)


def stop_invoices(call: Call, invoices: Iterable[JSON]) -> None:
    """Nothing of these is finalised or collected by itself any more."""
    for invoice in invoices:
        if invoice["status"] not in ("draft", "open"):
            continue
        if invoice["auto_advance"] or invoice["next_payment_attempt"]:
            previous = {name: invoice[name] for name in ("auto_advance", "next_payment_attempt")}
            invoice["auto_advance"], invoice["next_payment_attempt"] = False, None
            call.save(invoice)
            call.emit("invoice.updated", invoice, previous)


def _end_schedule(call: Call, id_: str) -> None:
    schedule = call.look("subscription_schedule", id_)
    if schedule is None or schedule["status"] not in ("active", "not_started"):
        return
    schedule["status"], schedule["canceled_at"], schedule["current_phase"] = "canceled", call.now, None
    call.save(schedule)
    call.emit("subscription_schedule.canceled", schedule)
