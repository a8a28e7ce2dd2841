"""A change of a living subscription: its settings, its items, its trial, its end, its pause.

change(call, sub)       # reads the call's parameters; prorates, invoices and collects as they ask
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import (
    catalog,
    changes,
    collecting,
    fields,
    items,
    life,
    pending,
    rates,
    standing,
)
from bookhand.sandbox.billing.standing import Bill
from bookhand.sandbox.money import payments
from bookhand.sandbox.stripe.errors import StripeError
from bookhand.sandbox.stripe.routes import job

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call
    from bookhand.sandbox.stripe.params import Params

JSON = dict[str, Any]
PRORATIONS = ("always_invoice", "create_prorations", "none")
COLLECTION = ("keep_as_draft", "mark_uncollectible", "void")


def change(call: Call, before: JSON) -> JSON:
    """Lay what was sent over a subscription; with `pending_if_incomplete` only once it is paid."""
    if call.text("payment_behavior") != "pending_if_incomplete":
        return finish(call, before, *_prepare(call, before))
    try:
        with call.engine.transaction():
            return finish(call, before, *_prepare(call, before))
    except StripeError as error:
        if error.type != "card_error":
            raise
    return pending.hold(call, before, *_prepare(call, before))


def _prepare(call: Call, before: JSON) -> tuple[JSON, JSON, JSON | None]:
    from bookhand.sandbox.billing.subscriptions import read_settings  # noqa: PLC0415 - the words are the API's

    sub = fields.copy(before)
    customer = call.get("customer", sub["customer"])
    read_settings(call, sub, customer)
    _read_end(call, sub)
    _read_pause(call, sub)
    invoice = _change_items(call, customer, sub)
    return sub, customer, _change_trial(call, customer, sub) or invoice


def finish(call: Call, before: JSON, sub: JSON, customer: JSON, invoice: JSON | None) -> JSON:
    """Save a changed subscription, tell it, and collect the invoice that the change made."""
    previous = fields.diff(before, sub)
    if not previous:
        return sub
    standing.save(call, sub)
    call.emit("customer.subscription.updated", sub, previous)
    if "items" in previous or sub["billing_cycle_anchor"] != before["billing_cycle_anchor"]:
        life.plan_next(call, sub)
    if invoice is not None:
        bill = Bill(invoice, customer, sub)
        collect(call, bill, call.text("payment_behavior") or "allow_incomplete")
    return sub


def collect(call: Call, bill: Bill, payment_behavior: str) -> None:
    """Finalise and try to collect an invoice made at once."""
    collecting.finalize(call, bill, auto_advance=True)
    if bill.invoice["status"] == "open" and bill.invoice["collection_method"] == "charge_automatically":
        if payment_behavior == "default_incomplete":
            collecting.open_intent(call, bill)
        else:
            _try(call, bill, payment_behavior)
    elif bill.invoice["status"] == "open":
        call.emit("invoice.sent", bill.invoice)
    standing.close(call, bill)


def swap_items(
    call: Call, sub: JSON, customer: JSON, after: list[JSON], *, anchor_now: bool = False
) -> JSON | None:
    """Put other items on a subscription as the call's proration parameters say."""
    items.check(call, after, sub["currency"])
    moment = call.timestamp("proration_date", default=call.now) or call.now
    start = min(item["current_period_start"] for item in sub["items"]["data"])
    if not start <= moment <= life.ends(sub):
        raise StripeError("The proration date must be within the current period.", param="proration_date")
    return changes.swap(
        call,
        customer,
        sub,
        after,
        behavior=call.choice("proration_behavior", PRORATIONS, default="create_prorations") or "",
        moment=moment,
        anchor_now=anchor_now,
    )


def edit(call: Call, params: Params, item: JSON) -> JSON:
    """An item with another price, quantity, metadata or tax."""
    price = items.price_of(call, params)
    if price is not None and price["id"] != item["price"]["id"]:
        item |= {"price": price, "plan": catalog.plan(price)}
    quantity = params.integer("quantity", min=0)
    if quantity is not None:
        item["quantity"] = quantity
    item["metadata"] = params.metadata(old=item["metadata"])
    if params.sent("tax_rates"):
        item["tax_rates"] = rates.by_hand(call, params.listing("tax_rates"))
    return item


def pause(call: Call, before: JSON) -> JSON:
    """Stop: no period begins until it is resumed."""
    sub = fields.copy(before)
    sub["status"] = "paused"
    sub["status_details"] = {
        "paused": {
            "subscription": {"type": "pause_requested"},
            "transitioned_at": call.now,
            "type": "subscription",
        }
    }
    standing.save(call, sub)
    call.emit("customer.subscription.updated", sub, fields.diff(before, sub))
    call.emit("customer.subscription.paused", sub)
    return sub


def resume(call: Call, before: JSON) -> JSON:
    """Go on: from now with a new period, or in the old rhythm."""
    sub = fields.copy(before)
    customer = call.get("customer", sub["customer"])
    sub["status"] = "active"
    sub.pop("status_details", None)
    chosen = call.text("billing_cycle_anchor[type]") or "now"
    invoice = None
    if chosen in ("now", "resume_at") or life.ends(sub) <= call.now:
        if chosen in ("now", "resume_at"):
            sub["billing_cycle_anchor"] = call.now
        items.date(sub["items"]["data"], sub["billing_cycle_anchor"], call.now)
        made = [life.recurring(call, sub, item) for item in sub["items"]["data"]]
        invoice = changes.invoice_pending(call, customer, sub, reason="subscription_update", made=made)
    call.emit("customer.subscription.resumed", sub)
    return finish(call, before, sub, customer, invoice)


@job("billing.subscription.unpause")
def unpause(call: Call, args: JSON) -> None:
    """The day to collect again."""
    sub = call.look("subscription", args["subscription"])
    pause = (sub or {}).get("pause_collection")
    if sub is not None and pause and pause["resumes_at"] == args["at"]:
        sub["pause_collection"] = None
        call.save(sub)
        call.emit("customer.subscription.updated", sub, {"pause_collection": pause})


def _try(call: Call, bill: Bill, payment_behavior: str) -> None:
    intent = collecting.attempt(call, bill, off_session=bool(call.boolean("off_session", default=True)))
    strict = payment_behavior in ("error_if_incomplete", "pending_if_incomplete")
    if strict and bill.invoice["status"] == "open" and intent is not None and intent["last_payment_error"]:
        error = payments.declined_error(intent)
        error.keep = False
        raise error


def _read_end(call: Call, sub: JSON) -> None:
    was = sub["cancel_at_period_end"] or sub["cancel_at"] is not None
    if call.sent("cancel_at_period_end"):
        sub["cancel_at_period_end"] = bool(call.boolean("cancel_at_period_end"))
        sub["cancel_at"] = life.ends(sub) if sub["cancel_at_period_end"] else None
    if call.sent("cancel_at"):
        word = call.text("cancel_at")
        ends = [item["current_period_end"] for item in sub["items"]["data"]]
        named = {"min_period_end": min(ends), "max_period_end": max(ends)}
        sub["cancel_at"] = named.get(word or "") or call.timestamp("cancel_at")
        sub["cancel_at_period_end"] = False
        if sub["cancel_at"] is not None:
            call.at(sub["cancel_at"], "billing.subscription.cancel", subscription=sub["id"])
    goes = sub["cancel_at_period_end"] or sub["cancel_at"] is not None
    if goes != was:
        sub["canceled_at"] = call.now if goes else None
        sub["cancellation_details"]["reason"] = "cancellation_requested" if goes else None


def _read_pause(call: Call, sub: JSON) -> None:
    if not call.sent("pause_collection"):
        return
    if not call.mapping("pause_collection"):
        sub["pause_collection"] = None
        return
    inner = call.sub("pause_collection")
    resumes = inner.timestamp("resumes_at")
    sub["pause_collection"] = {
        "behavior": inner.choice("behavior", COLLECTION, required=True),
        "resumes_at": resumes,
    }
    if resumes is not None:
        call.at(resumes, "billing.subscription.unpause", subscription=sub["id"], at=resumes)


def _change_items(call: Call, customer: JSON, sub: JSON) -> JSON | None:
    anchor_now = "now" in (call.value("billing_cycle_anchor"), call.value("billing_cycle_anchor[type]"))
    if not call.sent("items") and not anchor_now:
        return None
    if anchor_now and sub["status"] == "trialing":
        raise StripeError(
            "The billing cycle of a trial begins when the trial ends; change `trial_end` instead.",
            param="billing_cycle_anchor",
        )
    after = [fields.copy(item) for item in sub["items"]["data"]]
    for params in call.subs("items"):
        id_ = params.text("id")
        if id_ is None:
            after.append(items.new(call, params, customer=customer, sub=sub["id"]))
            continue
        known = next((item for item in after if item["id"] == id_), None)
        if known is None:
            raise StripeError(
                f"No such subscription item: '{id_}'",
                code="resource_missing",
                param=params.named("id"),
                status=404,
            )
        if params.boolean("deleted"):
            after.remove(known)
        else:
            edit(call, params, known)
    return swap_items(call, sub, customer, after, anchor_now=anchor_now)


def _change_trial(call: Call, customer: JSON, sub: JSON) -> JSON | None:
    if not call.sent("trial_end"):
        return None
    if call.text("trial_end") == "now":
        if sub["status"] != "trialing":
            return None
        sub["status"], sub["trial_end"] = "active", call.now
        sub["billing_cycle_anchor"] = call.now
        items.date(sub["items"]["data"], call.now, call.now)
        made = [life.recurring(call, sub, item) for item in sub["items"]["data"]]
        return changes.invoice_pending(call, customer, sub, reason="subscription_update", made=made)
    end = call.timestamp("trial_end") or 0
    if end <= call.now:
        raise StripeError("`trial_end` must be in the future.", param="trial_end")
    if sub["status"] == "active":
        for item in sub["items"]["data"]:
            changes.credit(call, customer, sub, item, call.now)
    sub["status"], sub["trial_end"], sub["trial_start"] = "trialing", end, sub["trial_start"] or call.now
    sub["billing_cycle_anchor"] = end
    for item in sub["items"]["data"]:
        item["current_period_start"], item["current_period_end"] = call.now, end
    life.plan_trial(call, sub)
    return None
