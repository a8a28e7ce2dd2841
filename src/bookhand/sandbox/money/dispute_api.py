"""Disputes over the API, and what a bank does at its own will.

    stripe.Dispute.modify("du_…", evidence={"uncategorized_text": "winning_evidence"})            # submits!
    stripe.Dispute.modify("du_…", evidence={...}, submit=False)                                   # stages

As at Stripe, `submit` is true unless it is sent as false, and evidence is submitted once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookhand.sandbox.money import disputes
from bookhand.sandbox.money.evidence import lay
from bookhand.sandbox.stripe.errors import JSON, StripeError
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

METHODS = ("manual", "prefer_manual", "prefer_smart_disputes", "smart_disputes")


@route("GET", "/v1/disputes")
def list_disputes(call: Call) -> JSON:
    """By charge, payment_intent and created."""
    return call.page("dispute", charge=call.text("charge"), payment_intent=call.text("payment_intent"))


@route("GET", "/v1/disputes/{id}")
def retrieve_dispute(call: Call) -> JSON:
    """One dispute."""
    return call.get("dispute", call.path["id"])


@route("POST", "/v1/disputes/{id}")
def update_dispute(call: Call) -> JSON:
    """Evidence (staged with submit=false, sent otherwise), metadata, who is to submit."""
    found = call.get("dispute", call.path["id"])
    before = {key: found[key] for key in ("evidence", "metadata", "intended_submission_method")}
    before["evidence"] = dict(found["evidence"])
    sends = call.sent("evidence") or call.boolean("submit") is True
    if sends and found["status"] not in disputes.UNANSWERED:
        closed = found["status"] in ("won", "lost", "warning_closed", "prevented")
        raise StripeError(
            "This dispute is already closed"
            if closed
            else "This dispute's evidence has already been submitted",
            code="dispute_closed" if closed else "dispute_already_submitted",
        )
    lay(call, found, call.sub("evidence"))
    found["metadata"] = call.metadata(old=found["metadata"])
    found["intended_submission_method"] = call.choice(
        "intended_submission_method", METHODS, default=found["intended_submission_method"]
    )
    if sends and call.boolean("submit", default=True):
        return disputes.submit(call, found)
    call.save(found)
    call.emit("charge.dispute.updated", found, {key: old for key, old in before.items() if old != found[key]})
    return found


@route("POST", "/v1/disputes/{id}/close")
def close_dispute(call: Call) -> JSON:
    """Give in, for ever."""
    return disputes.close(call, call.get("dispute", call.path["id"]))


@route("POST", "/_pinstripe/charges/{id}/dispute")
def open_dispute(call: Call) -> JSON:
    """The customer complains: `reason`, `amount`, `inquiry`, `prevented`."""
    charge = call.get("charge", call.path["id"])
    if charge["disputed"] or charge["status"] != "succeeded" or not charge["captured"]:
        raise StripeError("Only a captured charge without a dispute can be disputed.")
    return disputes.open_dispute(
        call,
        charge,
        call.choice("reason", disputes.REASONS, default="fraudulent") or "fraudulent",
        amount=call.integer("amount", min=1, max=charge["amount"]),
        inquiry=bool(call.boolean("inquiry")),
        prevented=bool(call.boolean("prevented")),
    )


@route("POST", "/_pinstripe/disputes/{id}/decide")
def decide_dispute(call: Call) -> JSON:
    """The bank decides: `won`, and how much is `returned` if not all. A lost dispute that is won later is a late win."""
    found = call.get("dispute", call.path["id"])
    won = bool(call.boolean("won", required=True))
    if (
        not found["balance_transactions"]
        or found["status"] == "won"
        or (found["status"] == "lost" and not won)
    ):
        raise StripeError("There is nothing to decide.")
    returned = call.integer("returned", min=1, max=found["amount"])
    if returned is not None and not won:
        raise StripeError("Nothing is returned of a dispute that is lost.", param="returned")
    return disputes.decide(call, found, won=won, returned=returned)


@route("POST", "/_pinstripe/disputes/{id}/escalate")
def escalate_dispute(call: Call) -> JSON:
    """An inquiry becomes a chargeback."""
    return disputes.escalate(call, call.get("dispute", call.path["id"]))


@route("POST", "/_pinstripe/disputes/{id}/appeal")
def appeal_dispute(call: Call) -> JSON:
    """A lost dispute may be appealed."""
    return disputes.appeal(call, call.get("dispute", call.path["id"]))
