"""The life of a subscription: started, trialed, renewed.

    sub = start(call, customer, items, plan)      # incomplete | trialing | active, with its first invoice
    job billing.subscription.cycle                # at each period's end: the next period and its invoice

Prices are billed in advance. A period's end is exact to the second; the renewal's draft is final an hour later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import collecting, cycles, drafts, invoiceitems, items, lines, setups, standing
from bookhand.sandbox.billing.cycles import DAY
from bookhand.sandbox.billing.invoice_payments import method_of
from bookhand.sandbox.billing.shares import rounded
from bookhand.sandbox.billing.standing import Bill
from bookhand.sandbox.billing.terms import terms
from bookhand.sandbox.money import payments
from bookhand.sandbox.stripe.errors import StripeError
from bookhand.sandbox.stripe.routes import job

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

JSON = dict[str, Any]
EXPIRES_SECONDS = 23 * 3600
WARNING_DAYS = 3


def start(
    call: Call,
    customer: JSON,
    sub: JSON,
    *,
    anchor: int | None,
    payment_behavior: str,
    prorate: bool = True,
    off_session: bool = False,
) -> JSON:
    """Date, store and bill a subscription whose choices are made."""
    trial = sub["trial_end"]
    own = sub["items"]["data"]
    sub["billing_cycle_anchor"] = anchor if anchor is not None else trial or sub["start_date"]
    first_end = trial or (sub["billing_cycle_anchor"] if sub["billing_cycle_anchor"] > call.now else None)
    if first_end:
        for item in own:
            item["current_period_start"], item["current_period_end"] = sub["start_date"], first_end
    else:
        items.date(own, sub["billing_cycle_anchor"], call.now)
    made = _first_lines(call, sub, prorate=prorate)
    pending = invoiceitems.waiting(call, customer["id"], sub["currency"], sub["id"])
    sends = sub["collection_method"] == "send_invoice"
    invoice = _first_invoice(call, customer, sub, [*made, *invoiceitems.bill(call, pending)], grace=sends)
    invoiceitems.take(call, pending, invoice["id"])
    sub["latest_invoice"] = invoice["id"]
    sub["status"] = "trialing" if trial else "active" if sends or not invoice["amount_due"] else "incomplete"
    _add(call, sub)
    bill = Bill(invoice, customer, sub, sub_changed=True)
    if not sends:
        collecting.finalize(call, bill)
    free = invoice["status"] == "paid"
    if sub["status"] == "incomplete" and not free and payment_behavior != "default_incomplete":
        _require_method(bill)
    if trial and not method_of(bill):
        sub["pending_setup_intent"] = setups.for_subscription(call, customer["id"])
    call.emit("customer.subscription.created", sub)
    if invoice["status"] == "open" and not sends:
        _first_payment(call, bill, payment_behavior, off_session=off_session)
    standing.close(call, bill)
    _plan(call, sub)
    if invoice["status"] == "open":
        call.after(EXPIRES_SECONDS, "billing.subscription.expire", subscription=sub["id"])
    return sub


@job("billing.subscription.cycle")
def cycle(call: Call, args: JSON) -> None:
    """A period is over."""
    sub = call.look("subscription", args["subscription"])
    if sub is None or sub["status"] in (*standing.OVER, "incomplete", "paused"):
        return
    if ends(sub) != args["at"]:
        return
    if sub["schedule"] and not args.get("after_schedule"):
        call.at(call.now, "billing.subscription.cycle", **args, after_schedule=True)
        return
    if sub["cancel_at_period_end"] or (sub["cancel_at"] is not None and sub["cancel_at"] <= call.now):
        call.at(call.now, "billing.subscription.cancel", subscription=sub["id"])
        return
    if sub["status"] == "trialing" and sub["trial_end"] <= call.now and _stops_without_method(call, sub):
        return
    renew(call, sub)


def renew(call: Call, sub: JSON) -> JSON:
    """Begin the next period of every item whose period is over, with its invoice."""
    customer = call.get("customer", sub["customer"])
    previous: JSON = {"items": {**sub["items"], "data": [dict(i) for i in sub["items"]["data"]]}}
    previous["latest_invoice"] = sub["latest_invoice"]
    if sub["status"] == "trialing":
        previous["status"], sub["status"] = "trialing", "active"
    over = [item for item in sub["items"]["data"] if item["current_period_end"] <= call.now]
    began = min(item["current_period_start"] for item in over)
    made = []
    for item in over:
        item["current_period_start"] = item["current_period_end"]
        item["current_period_end"] = cycles.period(
            sub["billing_cycle_anchor"], *items.every(item), item["current_period_start"]
        )[1]
        made.append(recurring(call, sub, item))
    invoice = _cycle_invoice(call, customer, sub, made, began)
    sub["latest_invoice"] = invoice["id"]
    standing.save(call, sub) if "status" in previous else call.save(sub)
    call.emit("customer.subscription.updated", sub, previous)
    _plan(call, sub)
    return invoice


def recurring(call: Call, sub: JSON, item: JSON) -> JSON:
    """The line of an item for the period it is in."""
    line = lines.of_item(call, sub, item, start=item["current_period_start"], end=item["current_period_end"])
    return drafts.want_rates(line, item["tax_rates"])


def ends(sub: JSON) -> int:
    """When the first of a subscription's periods ends."""
    found: int = min(item["current_period_end"] for item in sub["items"]["data"])
    return found


def plan_next(call: Call, sub: JSON) -> None:
    """Wait for the next period's end, again after the periods changed."""
    end = ends(sub)
    call.at(end, "billing.subscription.cycle", subscription=sub["id"], at=end)


@job("billing.subscription.trial_will_end")
def trial_will_end(call: Call, args: JSON) -> None:
    """Three days to go."""
    sub = call.look("subscription", args["subscription"])
    if sub is not None and sub["status"] == "trialing" and sub["trial_end"] == args["trial_end"]:
        call.emit("customer.subscription.trial_will_end", sub)


@job("billing.subscription.expire")
def expire(call: Call, args: JSON) -> None:
    """The first invoice was not paid in 23 hours."""
    sub = call.look("subscription", args["subscription"])
    if sub is None or sub["status"] != "incomplete":
        return
    bill = Bill(call.get("invoice", sub["latest_invoice"]), call.get("customer", sub["customer"]), sub)
    sub["ended_at"] = call.now
    standing.turn(call, bill, "incomplete_expired")
    if bill.invoice["status"] == "open":
        collecting.void(call, bill)
    standing.close(call, bill)


@job("billing.invoice.upcoming")
def upcoming(call: Call, args: JSON) -> None:
    """Some days before a renewal, as the account chose."""
    from bookhand.sandbox.billing import previews  # noqa: PLC0415 - a preview is a renewal that is not kept

    sub = call.look("subscription", args["subscription"])
    if sub is not None and sub["status"] in ("active", "trialing") and ends(sub) == args["at"]:
        call.emit("invoice.upcoming", previews.of_renewal(call, sub))


def _plan(call: Call, sub: JSON) -> None:
    plan_next(call, sub)
    days = terms(call).upcoming_days
    if days:
        end = ends(sub)
        call.at(max(call.now, end - days * DAY), "billing.invoice.upcoming", subscription=sub["id"], at=end)


def plan_trial(call: Call, sub: JSON) -> None:
    """Warn before a trial ends."""
    soon = max(call.now, sub["trial_end"] - WARNING_DAYS * DAY)
    call.at(soon, "billing.subscription.trial_will_end", subscription=sub["id"], trial_end=sub["trial_end"])


def _add(call: Call, sub: JSON) -> None:
    if sub["trial_end"]:
        plan_trial(call, sub)
    if sub["cancel_at"]:
        call.at(sub["cancel_at"], "billing.subscription.cancel", subscription=sub["id"])
    first = sub["items"]["data"][0]
    call.add(
        sub,
        customer=sub["customer"],
        status=sub["status"],
        listed="1",
        price=first["price"]["id"],
        collection=sub["collection_method"],
        test_clock=sub["test_clock"],
    )


def _first_lines(call: Call, sub: JSON, *, prorate: bool) -> list[JSON]:
    made = []
    for item in sub["items"]["data"]:
        begin, end = item["current_period_start"], item["current_period_end"]
        if sub["trial_end"]:
            made.append(lines.of_item(call, sub, item, start=begin, end=end, trial=True))
        elif sub["billing_cycle_anchor"] > call.now:
            whole = cycles.period(sub["billing_cycle_anchor"], *items.every(item), begin)
            share = items.cost(call, item, sub["currency"]) if prorate else 0
            part = rounded(share * (end - begin), whole[1] - whole[0])
            made.append(
                drafts.want_rates(
                    lines.of_item(call, sub, item, start=begin, end=end, amount=part), item["tax_rates"]
                )
            )
        else:
            made.append(recurring(call, sub, item))
    return made


def _first_invoice(call: Call, customer: JSON, sub: JSON, made: list[JSON], *, grace: bool) -> JSON:
    return drafts.draft(
        call,
        customer,
        currency=sub["currency"],
        reason="subscription_create",
        lines=made,
        sub=sub,
        grace=drafts.GRACE_SECONDS if grace else None,
    )


def _cycle_invoice(call: Call, customer: JSON, sub: JSON, made: list[JSON], began: int) -> JSON:
    pending = invoiceitems.waiting(call, customer["id"], sub["currency"], sub["id"])
    pause = sub["pause_collection"]
    held = sub["status"] == "unpaid" or bool(pause and pause["behavior"] == "keep_as_draft")
    invoice = drafts.draft(
        call,
        customer,
        currency=sub["currency"],
        reason="subscription_cycle",
        lines=[*made, *invoiceitems.bill(call, pending)],
        sub=sub,
        period=(began, call.now),
        auto_advance=not held,
    )
    invoiceitems.take(call, pending, invoice["id"])
    return invoice


def _require_method(bill: Bill) -> None:
    if method_of(bill) is None:
        raise StripeError(
            "This customer has no attached payment source or default payment method. Please consider adding a "
            "default payment method. For more information, visit "
            "https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.",
            code="resource_missing",
        )


def _first_payment(call: Call, bill: Bill, payment_behavior: str, *, off_session: bool) -> None:
    if payment_behavior == "default_incomplete":
        collecting.open_intent(call, bill)
        return
    intent = collecting.attempt(call, bill, off_session=off_session)
    if payment_behavior == "error_if_incomplete" and bill.invoice["status"] != "paid" and intent is not None:
        error = payments.declined_error(intent) if intent["last_payment_error"] else _needs_action()
        error.keep = False
        raise error


def _needs_action() -> StripeError:
    return StripeError(
        "Payment for this subscription requires additional user action before it can be completed successfully.",
        type="card_error",
        code="subscription_payment_intent_requires_action",
        status=402,
    )


def _stops_without_method(call: Call, sub: JSON) -> bool:
    customer = call.get("customer", sub["customer"])
    if method_of(Bill({"default_payment_method": None, "default_source": None}, customer, sub)):
        return False
    behavior = ((sub["trial_settings"] or {}).get("end_behavior") or {}).get("missing_payment_method")
    if behavior == "cancel":
        call.at(call.now, "billing.subscription.cancel", subscription=sub["id"], missing=True)
        return True
    if behavior == "pause":
        sub["status"] = "paused"
        sub["status_details"] = {
            "paused": {
                "subscription": {"type": "trial_end_without_payment_method"},
                "transitioned_at": call.now,
                "type": "subscription",
            }
        }
        standing.save(call, sub)
        call.emit("customer.subscription.updated", sub, {"status": "trialing", "status_details": None})
        call.emit("customer.subscription.paused", sub)
        return True
    return False
