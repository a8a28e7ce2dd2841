"""Bank debits: money that is on its way for days, and may come back.

start(call, intent, charge, method)          # pending; booked, but not available yet
bank_return(call, charge, "no_account")      # before it succeeded: `payment_failure_refund`; after: `payment_reversal`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookhand.sandbox.money import charge as charges
from bookhand.sandbox.money.balance import book
from bookhand.sandbox.money.calendar import later, midnight
from bookhand.sandbox.money.charge import CONSEQUENCES
from bookhand.sandbox.money.currencies import day_of
from bookhand.sandbox.money.declines import bank_message
from bookhand.sandbox.money.fees import ACH_FAILURE, dollars
from bookhand.sandbox.money.intent import failure, tell
from bookhand.sandbox.stripe.errors import JSON
from bookhand.sandbox.stripe.routes import job

if TYPE_CHECKING:
    from bookhand.sandbox.money.methods import Method
    from bookhand.sandbox.stripe.call import Call

DEBIT_DAYS = 4


def start(call: Call, intent: JSON, found: JSON, method: Method) -> None:
    """Write a charge that the bank will answer in some days; the intent is changed."""
    found["status"], found["paid"] = "pending", False
    intent["status"], intent["last_payment_error"] = "processing", None
    intent["payment_method_types"] = [method.kind]
    intent["payment_method_options"] = {}
    charges.settle(call, found)
    call.add(found, stamp=False, **charges.links(found))
    call.emit("charge.pending", found)
    due = midnight(later(day_of(call.now), DEBIT_DAYS)) - 3600
    call.at(due, "payment.clear", charge=found["id"], outcome=method.outcome)


def bank_return(call: Call, found: JSON, code: str) -> JSON:
    """A bank debit comes back: before it succeeded as `payment_failure_refund`, after as `payment_reversal`."""
    settled_before = found["status"] == "succeeded"
    txn = call.get("balance_transaction", found["balance_transaction"])
    lines = [] if settled_before else [{**one, "amount": -one["amount"]} for one in txn["fee_details"]]
    back = book(
        call,
        type="payment_reversal" if settled_before else "payment_failure_refund",
        reporting_category="charge_failure",
        amount=-txn["amount"],
        currency=txn["currency"],
        fee_details=lines,
        source=found["id"],
        available_in_days=0 if settled_before else 1,
        description="Payment failure refund",
        exchange_rate=txn["exchange_rate"],
    )
    book(
        call,
        type="stripe_fee",
        reporting_category="fee",
        amount=-dollars(ACH_FAILURE, txn["currency"]),
        currency=txn["currency"],
        available_in_days=0,
        description="Failed bank debit fee",
    )
    found.update(
        status="failed",
        paid=False,
        failure_code=code,
        failure_message=bank_message(code),
        failure_balance_transaction=back["id"],
        outcome={**charges.APPROVED, "network_status": "declined_by_network", "type": "issuer_declined"},
    )
    call.save(found)
    call.emit("charge.failed", found)
    if found["payment_intent"]:
        intent = call.get("payment_intent", found["payment_intent"])
        intent["status"], intent["amount_received"] = "requires_payment_method", 0
        intent["last_payment_error"] = failure(
            found, code, bank_message(code), None, found["payment_method_details"]["type"]
        )
        intent["payment_method"] = None
        call.save(intent)
        tell(call, intent)
    return found


@job("payment.clear")
def clear(call: Call, args: JSON) -> None:
    """The bank has answered a debit."""
    found = call.look("charge", args["charge"])
    if found is None or found["status"] != "pending":
        return
    word, _, code = args["outcome"].partition(":")
    if word == "fail":
        bank_return(call, found, code)
        return
    found["status"], found["paid"] = "succeeded", True
    call.save(found)
    call.emit("charge.succeeded", found)
    intent = call.look("payment_intent", found["payment_intent"])
    if intent is not None:
        intent["status"], intent["amount_received"] = "succeeded", found["amount"]
        call.save(intent)
        tell(call, intent)
    if word in CONSEQUENCES:
        CONSEQUENCES[word](call, found, code)
