"""Money that is held: taken whole or in part, or let go.

capture(call, intent, 6000)      # 4000 of 10000 show as a `partial_capture_reversal`
let_go(call, intent, "abandoned")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookhand.sandbox.money import charge as charges
from bookhand.sandbox.money.balance import book
from bookhand.sandbox.money.intent import tell
from bookhand.sandbox.money.profile import profile
from bookhand.sandbox.money.transfers import refund_shape
from bookhand.sandbox.stripe.errors import JSON
from bookhand.sandbox.stripe.routes import job

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call


def capture(call: Call, intent: JSON, amount: int) -> JSON:
    """Take a part or all of what is held; the rest is given up."""
    found = call.get("charge", intent["latest_charge"])
    take(call, found, amount)
    intent["amount_capturable"], intent["amount_received"], intent["status"] = 0, amount, "succeeded"
    call.save(intent)
    tell(call, intent)
    return intent


def take(call: Call, found: JSON, amount: int) -> JSON:
    """Capture a charge; less than all of it shows as a charge of the whole and a `partial_capture_reversal`."""
    before = {"captured": False, "amount_captured": 0}
    found["captured"], found["amount_captured"] = True, amount
    txn = charges.settle(call, found)
    left = found["amount"] - amount
    if left:
        found["amount_refunded"] = left
        call.save(found)
        _release(call, found, left, txn)
    else:
        call.save(found)
    call.emit("charge.captured", found, before)
    return found


def let_go(call: Call, intent: JSON, reason: str | None) -> JSON:
    """Cancel an intent; what was held is released."""
    held = intent["latest_charge"] if intent["status"] == "requires_capture" else None
    intent["status"], intent["canceled_at"], intent["cancellation_reason"] = "canceled", call.now, reason
    intent["amount_capturable"], intent["next_action"] = 0, None
    call.save(intent)
    if held:
        found = call.get("charge", held)
        found["refunded"], found["amount_refunded"] = True, found["amount"]
        call.save(found)
        call.emit("charge.expired" if reason == "automatic" else "charge.refunded", found)
    tell(call, intent)
    return intent


@job("payment.expire")
def expire(call: Call, args: JSON) -> None:
    """What was authorized and not captured is released."""
    intent = call.look("payment_intent", args["intent"])
    if intent is not None and intent["status"] == "requires_capture":
        let_go(call, intent, "automatic")


def _release(call: Call, found: JSON, left: int, txn: JSON) -> None:
    given_up = refund_shape(call, "re", left, found["currency"])
    kept = charges.into(
        found["amount_captured"],
        found["currency"],
        txn["currency"],
        charges.conversion(call, profile(call), found["currency"])[1],
    )
    back = book(
        call,
        type="refund",
        reporting_category="partial_capture_reversal",
        amount=kept - txn["amount"],
        currency=txn["currency"],
        source=given_up["id"],
        description=found["description"],
        exchange_rate=txn["exchange_rate"],
    )
    given_up.update(
        charge=found["id"], payment_intent=found["payment_intent"], balance_transaction=back["id"]
    )
    call.add(given_up, stamp=False, charge=found["id"], payment_intent=found["payment_intent"])
