"""Money that is kept back: against connected accounts, and against risk.

    POST /_pinstripe/reserve_transactions amount=5000       # the platform's reserve for its connected accounts
    POST /_pinstripe/reserve_holds amount=5000 days=90      # Stripe's own reserve on this account

A connect reserve shows in `balance.connect_reserved`; a risk hold leaves the payments balance for the balance type
`risk_reserved` and comes back by itself. Both are balance transactions, so the sums hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookhand.sandbox.money.balance import available, book, pending, reserve
from bookhand.sandbox.money.profile import profile
from bookhand.sandbox.stripe.errors import JSON, StripeError
from bookhand.sandbox.stripe.routes import job, route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

DAY = 86_400


@route("POST", "/_pinstripe/reserve_transactions")
def reserve_for_accounts(call: Call) -> JSON:
    """Reserve `amount` of the platform's money; a negative one releases it."""
    amount = call.integer("amount", required=True) or 0
    currency = call.text("currency") or profile(call).currency
    found: JSON = {
        "id": call.new_id("rsv"),
        "object": "reserve_transaction",
        "amount": amount,
        "currency": currency,
        "description": call.text("description", default="Connect reserve"),
    }
    call.add(found, stamp=False)
    book(
        call,
        type="reserve_transaction",
        reporting_category="connect_reserved_funds",
        amount=-amount,
        currency=currency,
        source=found["id"],
        available_in_days=0,
        description=found["description"],
    )
    reserve(call, currency, amount)
    return found


@route("POST", "/_pinstripe/reserve_holds")
def hold(call: Call) -> JSON:
    """Stripe keeps `amount` back for `days`."""
    amount = call.integer("amount", required=True, min=1) or 0
    currency = call.text("currency") or profile(call).currency
    until = call.now + (call.integer("days", default=90, min=1) or 90) * DAY
    found: JSON = {
        "id": call.new_id("rsvhold"),
        "object": "reserve.hold",
        "amount": amount,
        "amount_releasable": 0,
        "created": call.now,
        "created_by": "stripe",
        "currency": currency,
        "destination": "risk_reserved",
        "is_releasable": False,
        "livemode": call.livemode,
        "metadata": {},
        "reason": "standalone",
        "release_details": [],
        "release_schedule": {"release_after": until, "scheduled_release": until},
        "reserve_plan": None,
        "source_charge": None,
        "source_type": "card",
    }
    call.add(found)
    _both(call, "reserve_hold", -amount, currency, found["id"])
    call.emit("reserve.hold.created", found)
    call.at(until, "reserve.release", hold=found["id"])
    return found


@job("reserve.release")
def release(call: Call, args: JSON) -> None:
    """The time of a hold is over."""
    held = call.look("reserve.hold", args["hold"])
    if held is None or held["release_details"]:
        return
    found: JSON = {
        "id": call.new_id("rsvrel"),
        "object": "reserve.release",
        "amount": held["amount"],
        "created": call.now,
        "created_by": "stripe",
        "currency": held["currency"],
        "destination": "payments",
        "livemode": call.livemode,
        "metadata": {},
        "reason": "hold_expired",
        "released_at": call.now,
        "reserve_hold": held["id"],
        "reserve_plan": None,
        "source_transaction": None,
    }
    call.add(found)
    held["release_details"] = [{"amount": held["amount"], "reserve_release": found["id"]}]
    call.save(held)
    _both(call, "reserve_release", held["amount"], held["currency"], found["id"])
    call.emit("reserve.release.created", found)
    call.emit("reserve.hold.updated", held, {"release_details": []})


@route("POST", "/_pinstripe/connect_collections")
def collect(call: Call) -> JSON:
    """The platform pays what a connected account (`account`) has owed for too long."""
    theirs = call.on(call.text("account", required=True) or "")
    currency = call.text("currency") or profile(call).currency
    owed = -(available(theirs, currency) + pending(theirs, currency))
    if owed <= 0:
        raise StripeError("This account owes nothing in that currency.")
    found: JSON = {
        "id": call.new_id("connct"),
        "object": "connect_collection_transfer",
        "amount": owed,
        "currency": currency,
        "destination": theirs.account,
        "livemode": call.livemode,
    }
    call.add(found, stamp=False)
    kind = "connect_collection_transfer"
    book(
        call,
        type=kind,
        reporting_category=kind,
        amount=-owed,
        currency=currency,
        source=found["id"],
        available_in_days=0,
    )
    book(
        theirs,
        type="adjustment",
        reporting_category="other_adjustment",
        amount=owed,
        currency=currency,
        available_in_days=0,
        description="Negative balance taken over by the platform",
    )
    return found


def _both(call: Call, kind: str, amount: int, currency: str, source: str) -> None:
    for sign, balance_type in ((1, "payments"), (-1, "risk_reserved")):
        book(
            call,
            type=kind,
            reporting_category="risk_reserved_funds",
            amount=sign * amount,
            currency=currency,
            source=source,
            available_in_days=0,
            balance_type=balance_type,
        )
