"""Payouts over the API, and what a bank does at its own will.

stripe.Payout.create(amount=5000, currency="usd", method="instant")
stripe.BalanceTransaction.list(payout="po_…")          # what an automatic one holds
POST /_pinstripe/payouts/{id}/fail failure_code=no_account
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookhand.sandbox.money.balance import destination
from bookhand.sandbox.money.calendar import later, midnight
from bookhand.sandbox.money.currencies import day_of
from bookhand.sandbox.money.declines import PAYOUT
from bookhand.sandbox.money.pages import sliced
from bookhand.sandbox.money.payouts import create, fail, move, send, shape
from bookhand.sandbox.money.profile import profile
from bookhand.sandbox.stripe.errors import JSON, StripeError, missing
from bookhand.sandbox.stripe.lists import bounds_of
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call


@route("POST", "/v1/payouts")
def create_payout(call: Call) -> JSON:
    """By hand, standard or instant."""
    amount = call.integer("amount", required=True, min=1) or 0
    currency = (call.text("currency", required=True) or "").lower()
    bank = call.text("destination")
    if bank is not None and bank != destination(call, currency, profile(call)):
        raise missing("external account", bank, param="destination")
    return create(
        call,
        amount,
        currency,
        method=call.choice("method", ("standard", "instant"), default="standard") or "standard",
        description=call.text("description"),
        statement=call.text("statement_descriptor", max=22),
        metadata=call.metadata(),
    )


@route("GET", "/v1/payouts")
def list_payouts(call: Call) -> JSON:
    """By created, arrival_date, destination and status."""
    status, bank = call.text("status"), call.text("destination")
    if not call.sent("arrival_date"):
        return call.page("payout", status=status, destination=bank)
    low, high = bounds_of(call, "arrival_date")
    found = [
        one
        for one in call.find("payout")
        if (low or 0) <= one["arrival_date"] <= (2**40 if high is None else high)
        and status in (None, one["status"])
        and bank in (None, one["destination"])
    ]
    return sliced(call, found)


@route("GET", "/v1/payouts/{id}")
def retrieve_payout(call: Call) -> JSON:
    """One payout."""
    return call.get("payout", call.path["id"])


@route("POST", "/v1/payouts/{id}")
def update_payout(call: Call) -> JSON:
    """Metadata alone."""
    found = call.get("payout", call.path["id"])
    before = found["metadata"]
    found["metadata"] = call.metadata(old=before)
    call.save(found)
    call.emit("payout.updated", found, {"metadata": before})
    return found


@route("POST", "/v1/payouts/{id}/cancel")
def cancel_payout(call: Call) -> JSON:
    """A manual one that the bank does not have yet."""
    found = call.get("payout", call.path["id"])
    if found["status"] != "pending" or found["automatic"]:
        raise StripeError(
            "Payouts can only be canceled while they are pending and were not made automatically."
        )
    back = move(call, found, "payout_cancel", found["amount"])
    found.update(status="canceled", failure_balance_transaction=back["id"])
    call.save(found, status="canceled")
    call.emit("payout.canceled", found)
    return found


@route("POST", "/v1/payouts/{id}/reverse")
def reverse_payout(call: Call) -> JSON:
    """Fetch a paid payout back from a US or Canadian bank: a payout of the opposite amount."""
    found = call.get("payout", call.path["id"])
    if found["status"] != "paid" or found["reversed_by"] is not None or found["original_payout"] is not None:
        raise StripeError("This payout cannot be reversed.")
    if profile(call).country not in ("US", "CA"):
        raise StripeError("Only payouts to US and Canadian bank accounts can be reversed.")
    arrival = midnight(later(day_of(call.now), 2))
    back = shape(
        call, -found["amount"], found["currency"], automatic=False, method="standard", arrival=arrival
    )
    back.update(original_payout=found["id"], metadata=call.metadata())
    move(call, back, "payout", found["amount"], days=2)
    found["reversed_by"] = back["id"]
    call.save(found)
    call.emit("payout.updated", found, {"reversed_by": None})
    return send(call, back, arrival=arrival)


@route("POST", "/_pinstripe/payouts/{id}/fail")
def fail_payout(call: Call) -> JSON:
    """The bank sends it back, with `failure_code`."""
    code = call.choice("failure_code", tuple(PAYOUT), default="account_closed") or "account_closed"
    return fail(call, call.get("payout", call.path["id"]), code)
