"""A change that waits for its money: `payment_behavior=pending_if_incomplete`.

    POST /v1/subscriptions/sub_1 items[0][…] payment_behavior=pending_if_incomplete     # the card is declined
    # {"pending_update": {"expires_at": …, "subscription_items": […]}}: nothing else has changed

Paid within 23 hours, the change is applied; otherwise its invoice is voided and the change forgotten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import collecting, fields, life, standing
from bookhand.sandbox.billing.standing import Bill, bill_of, close
from bookhand.sandbox.stripe.errors import StripeError
from bookhand.sandbox.stripe.routes import job

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

JSON = dict[str, Any]


def hold(call: Call, before: JSON, after: JSON, customer: JSON, invoice: JSON | None) -> JSON:
    """Keep a subscription as it was, with the change beside it and its invoice open."""
    if invoice is None:
        raise StripeError(
            "`payment_behavior=pending_if_incomplete` needs a change that is invoiced at once.",
            param="payment_behavior",
        )
    moved = after["billing_cycle_anchor"] != before["billing_cycle_anchor"]
    kept = fields.copy(before)
    kept["latest_invoice"] = invoice["id"]
    kept["pending_update"] = {
        "billing_cycle_anchor": after["billing_cycle_anchor"] if moved else None,
        "expires_at": call.now + life.EXPIRES_SECONDS,
        "subscription_items": after["items"]["data"],
        "trial_end": None,
        "trial_from_plan": None,
    }
    call.save(kept)
    call.emit("customer.subscription.updated", kept, fields.diff(before, kept))
    bill = Bill(invoice, customer, kept)
    collecting.finalize(call, bill)
    if invoice["status"] == "open":
        collecting.attempt(call, bill)
    close(call, bill)
    call.after(
        life.EXPIRES_SECONDS, "billing.subscription.forget", subscription=kept["id"], invoice=invoice["id"]
    )
    return kept


def apply(call: Call, bill: Bill) -> None:
    """The invoice is paid: the change takes place."""
    sub = bill.sub
    if sub is None or sub["pending_update"] is None:
        return
    before, update = fields.copy(sub), sub["pending_update"]
    own = update["subscription_items"]
    sub["items"]["data"], sub["items"]["total_count"], sub["pending_update"] = own, len(own), None
    sub["billing_cycle_anchor"] = update["billing_cycle_anchor"] or sub["billing_cycle_anchor"]
    bill.sub_changed = True
    call.emit("customer.subscription.pending_update_applied", sub)
    call.emit("customer.subscription.updated", sub, fields.diff(before, sub))
    life.plan_next(call, sub)


@job("billing.subscription.forget")
def forget(call: Call, args: JSON) -> None:
    """Nobody paid for the change in time."""
    sub = call.look("subscription", args["subscription"])
    if sub is None or sub["pending_update"] is None or sub["latest_invoice"] != args["invoice"]:
        return
    bill = bill_of(call, call.get("invoice", args["invoice"]))
    previous = {"pending_update": sub["pending_update"]}
    bill.sub = {**sub, "pending_update": None}
    bill.sub_changed = True
    if bill.invoice["status"] == "open":
        collecting.void(call, bill)
    call.emit("customer.subscription.pending_update_expired", bill.sub)
    call.emit("customer.subscription.updated", bill.sub, previous)
    close(call, bill)


standing.ON_PAID.append(apply)
