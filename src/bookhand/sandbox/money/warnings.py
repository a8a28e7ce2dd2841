"""Early fraud warnings: what card networks tell before a dispute.

A charge on 4000000000005423 (`pm_card_createIssuerFraudRecord`) gets one; so does
`POST /_pinstripe/charges/{id}/warning`. A refund of the whole charge, or a dispute, leaves nothing to act on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookhand.sandbox.money.charge import CONSEQUENCES
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call
    from bookhand.sandbox.stripe.errors import JSON

KIND = "radar.early_fraud_warning"
TYPES = (
    "card_never_received",
    "fraudulent_card_application",
    "made_with_counterfeit_card",
    "made_with_lost_card",
    "made_with_stolen_card",
    "misc",
    "unauthorized_use_of_card",
)


def warn(call: Call, charge: JSON, fraud_type: str = "unauthorized_use_of_card") -> JSON:
    """The network says that a charge looks like fraud."""
    found: JSON = {
        "id": call.new_id("issfr"),
        "object": KIND,
        "actionable": not charge["refunded"] and not charge["disputed"],
        "charge": charge["id"],
        "created": call.now,
        "fraud_type": fraud_type,
        "livemode": call.livemode,
    }
    if charge["payment_intent"]:
        found["payment_intent"] = charge["payment_intent"]
    call.add(found, charge=charge["id"], payment_intent=charge["payment_intent"])
    call.bump("warnings")
    call.emit("radar.early_fraud_warning.created", found)
    return found


def settled(call: Call, charge: str) -> None:
    """There is nothing left to do about a charge's warning."""
    found = call.first(KIND, charge=charge) if call.marks("warnings") else None
    if found is not None and found["actionable"]:
        found["actionable"] = False
        call.save(found)
        call.emit("radar.early_fraud_warning.updated", found, {"actionable": True})


@route("GET", "/v1/radar/early_fraud_warnings")
def list_warnings(call: Call) -> JSON:
    """By charge, payment_intent and created."""
    return call.page(KIND, charge=call.text("charge"), payment_intent=call.text("payment_intent"))


@route("GET", "/v1/radar/early_fraud_warnings/{id}")
def retrieve_warning(call: Call) -> JSON:
    """One warning."""
    return call.get(KIND, call.path["id"])


@route("POST", "/_pinstripe/charges/{id}/warning")
def make_warning(call: Call) -> JSON:
    """The network warns now, with `fraud_type`."""
    kind = call.choice("fraud_type", TYPES, default="unauthorized_use_of_card") or "misc"
    return warn(call, call.get("charge", call.path["id"]), kind)


CONSEQUENCES["warning"] = lambda call, charge, _: warn(call, charge)
