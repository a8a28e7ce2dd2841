"""Top-ups: money from the company's bank into its balance.

    stripe.Topup.create(amount=50000, currency="usd")     # pending; succeeded on the next business day

What the bank does otherwise is asked for: `POST /_pinstripe/topups/{id}/fail` (a succeeded one is reversed).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookhand.sandbox.money.balance import book
from bookhand.sandbox.money.calendar import later, midnight
from bookhand.sandbox.money.currencies import day_of, known
from bookhand.sandbox.stripe.errors import JSON, StripeError, missing
from bookhand.sandbox.stripe.routes import job, route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

HOURS = 8 * 3600


@route("POST", "/v1/topups")
def create_topup(call: Call) -> JSON:
    """Ask the bank for money."""
    amount = call.integer("amount", required=True, min=1) or 0
    currency = (call.text("currency", required=True) or "").lower()
    if not known(currency):
        raise StripeError(f"Invalid currency: {currency}", param="currency")
    source = call.text("source")
    if source is not None and not source.startswith(("src_", "ba_", "pm_")):
        raise missing("source", source, param="source")
    arrival = midnight(later(day_of(call.now), 1)) + HOURS
    found: JSON = {
        "id": call.new_id("tu"),
        "object": "topup",
        "amount": amount,
        "balance_transaction": None,
        "created": call.now,
        "currency": currency,
        "description": call.text("description"),
        "expected_availability_date": arrival,
        "failure_code": None,
        "failure_message": None,
        "initiated_by": "user",
        "livemode": call.livemode,
        "metadata": call.metadata(),
        "source": None,
        "statement_descriptor": call.text("statement_descriptor", max=15),
        "status": "pending",
        "transfer_group": call.text("transfer_group"),
    }
    call.add(found, status="pending")
    call.emit("topup.created", found)
    call.at(arrival, "topup.arrive", topup=found["id"])
    return found


@job("topup.arrive")
def arrive(call: Call, args: JSON) -> None:
    """The bank has paid."""
    found = call.look("topup", args["topup"])
    if found is None or found["status"] != "pending":
        return
    txn = _move(call, found, "topup", found["amount"])
    found["balance_transaction"] = txn["id"]
    _become(call, found, "succeeded")


@route("GET", "/v1/topups")
def list_topups(call: Call) -> JSON:
    """By created and status."""
    return call.page("topup", status=call.text("status"))


@route("GET", "/v1/topups/{id}")
def retrieve_topup(call: Call) -> JSON:
    """One top-up."""
    return call.get("topup", call.path["id"])


@route("POST", "/v1/topups/{id}")
def update_topup(call: Call) -> JSON:
    """Description and metadata."""
    found = call.get("topup", call.path["id"])
    if call.sent("description"):
        found["description"] = call.text("description")
    found["metadata"] = call.metadata(old=found["metadata"])
    return call.save(found)


@route("POST", "/v1/topups/{id}/cancel")
def cancel_topup(call: Call) -> JSON:
    """While it is pending."""
    found = call.get("topup", call.path["id"])
    if found["status"] != "pending":
        raise StripeError("Only pending top-ups can be canceled.")
    return _become(call, found, "canceled")


@route("POST", "/_pinstripe/topups/{id}/fail")
def fail_topup(call: Call) -> JSON:
    """The bank refuses, or takes back what it had paid."""
    found = call.get("topup", call.path["id"])
    if found["status"] not in ("pending", "succeeded"):
        raise StripeError("Only a pending or succeeded top-up can fail.")
    found["failure_code"] = call.text("failure_code", default="insufficient_funds")
    found["failure_message"] = "The bank could not process this top-up."
    if found["status"] == "pending":
        return _become(call, found, "failed")
    _move(call, found, "topup_reversal", -found["amount"])
    return _become(call, found, "reversed")


def _move(call: Call, found: JSON, kind: str, amount: int) -> JSON:
    return book(
        call,
        type=kind,
        reporting_category=kind,
        amount=amount,
        currency=found["currency"],
        source=found["id"],
        available_in_days=0,
        description=found["description"],
    )


def _become(call: Call, found: JSON, status: str) -> JSON:
    found["status"] = status
    call.save(found, status=status)
    call.emit(f"topup.{status}", found)
    return found
