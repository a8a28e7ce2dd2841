"""Payouts: the automatic ones of the account's schedule, those asked for, and what banks do with them.

The job `balance.day` runs at 00:00 UTC of every day on which money becomes available or a payout is due. On a payday
each currency gets one payout holding exactly the balance transactions that are available and in no payout yet:

    GET /v1/balance_transactions?payout=po_…     # the members and the payout's own; their nets sum to zero

Then, each by a job: in transit the same day, paid on `arrival_date`, `reconciliation_completed`, a trace id days later.
What a bank does at its own will is asked for: `POST /_pinstripe/payouts/{id}/fail`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookhand.sandbox.money.balance import (
    available,
    balance,
    book,
    destination,
    instant_available,
    pending,
    settle,
    watch,
)
from bookhand.sandbox.money.calendar import later, midnight
from bookhand.sandbox.money.currencies import DAY, PAYOUT_HUNDREDS, day_of
from bookhand.sandbox.money.declines import payout_message
from bookhand.sandbox.money.fees import instant_payout_fee
from bookhand.sandbox.money.profile import Profile, profile
from bookhand.sandbox.stripe.errors import JSON, StripeError
from bookhand.sandbox.stripe.routes import job

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

SUBMITTED, RECONCILED, TRACED = 4 * 3600, 10 * 3600, 3 * DAY
AT_ONCE = 1000
TRACELESS = frozenset(("AR", "BO", "CL", "CO", "EG", "JP", "PH"))
FUNDS = (
    "You have insufficient funds in your Stripe account for this transfer. Your card balance is too low. You can use "
    "the /v1/balance endpoint to view your Stripe balance."
)


@job("balance.day")
def begin_day(call: Call, args: JSON) -> None:
    """Money becomes available; on a payday it is paid out."""
    day, how = args["day"], profile(call)
    fresh = settle(call, day)
    if fresh:
        call.emit("balance.available", balance(call))
    if how.payday(day):
        for currency in sorted({*fresh, *_unpaid_currencies(call)}):
            _automatic(call, how, currency, fresh.pop(currency, []))
    elif fresh:
        following = how.next_payday(day)
        if following is not None:
            watch(call, following)
    for currency, members in fresh.items():
        for one in members:
            call.save(one, due=None, unpaid=currency)


def shape(call: Call, amount: int, currency: str, *, automatic: bool, method: str, arrival: int) -> JSON:
    """A payout with every key."""
    how = profile(call)
    return {
        "id": call.new_id("po"),
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": arrival,
        "automatic": automatic,
        "balance_transaction": None,
        "created": call.now,
        "currency": currency,
        "description": "STRIPE PAYOUT" if automatic else None,
        "destination": destination(call, currency, how),
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": call.livemode,
        "metadata": {},
        "method": method,
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "in_progress" if automatic else "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": how.descriptor,
        "status": "pending",
        "trace_id": {"status": "pending", "value": None},
        "type": "card" if method == "instant" else "bank_account",
    }


def create(
    call: Call,
    amount: int,
    currency: str,
    *,
    method: str = "standard",
    description: str | None = None,
    statement: str | None = None,
    metadata: dict[str, str] | None = None,
) -> JSON:
    """A payout that was asked for; an instant one costs a fee and may take money that is still pending."""
    instant = method == "instant"
    fees = instant_payout_fee(amount, currency) if instant else []
    needed = amount + sum(one["amount"] for one in fees)
    if needed > (instant_available(call, currency) if instant else available(call, currency)):
        raise StripeError(FUNDS, code="balance_insufficient")
    if currency in PAYOUT_HUNDREDS and amount % 100:
        raise StripeError(f"{currency.upper()} payouts must be in multiples of 100.", param="amount")
    today = day_of(call.now)
    arrival = midnight(today) if instant else midnight(later(today, 1))
    found = shape(call, amount, currency, automatic=False, method=method, arrival=arrival)
    found.update(description=description, metadata=metadata or {})
    found["statement_descriptor"] = statement or found["statement_descriptor"]
    if instant:
        _advance(call, needed - available(call, currency), currency, found["id"])
    move(call, found, "payout", -amount, fees=fees)
    return send(call, found, arrival=call.now + 1800 if instant else arrival)


def fail(call: Call, found: JSON, code: str) -> JSON:
    """The bank sends a payout back, before or after it counted as paid."""
    if found["status"] not in ("pending", "in_transit", "paid"):
        raise StripeError(f"Payouts with status {found['status']} cannot fail.")
    if found["reversed_by"] is not None:
        raise StripeError("This payout was reversed: its money is back already.")
    back = move(call, found, "payout_failure", found["amount"])
    found.update(
        status="failed",
        failure_code=code,
        failure_message=payout_message(code),
        failure_balance_transaction=back["id"],
    )
    call.save(found, status="failed")
    call.emit("payout.failed", found)
    return found


@job("payout.submit")
def submit(call: Call, args: JSON) -> None:
    """Handed to the bank."""
    found = call.look("payout", args["payout"])
    if found is not None and found["status"] == "pending":
        found["status"] = "in_transit"
        call.save(found, status="in_transit")
        call.emit("payout.updated", found, {"status": "pending"})


@job("payout.arrive")
def arrive(call: Call, args: JSON) -> None:
    """The bank has it; or it fails, where the account's bank always does."""
    found = call.look("payout", args["payout"])
    if found is None or found["status"] not in ("pending", "in_transit"):
        return
    code = profile(call).payout_failure
    if code:
        fail(call, found, code)
        return
    found["status"] = "paid"
    call.save(found, status="paid")
    call.emit("payout.paid", found)
    call.after(TRACED, "payout.trace", payout=found["id"])


@job("payout.reconcile")
def reconcile(call: Call, args: JSON) -> None:
    """Its breakdown is complete."""
    found = call.look("payout", args["payout"])
    if found is not None and found["reconciliation_status"] == "in_progress":
        found["reconciliation_status"] = "completed"
        call.save(found)
        call.emit("payout.reconciliation_completed", found)


@job("payout.trace")
def trace(call: Call, args: JSON) -> None:
    """The bank tells its own number of it."""
    found = call.look("payout", args["payout"])
    if found is None or found["status"] != "paid":
        return
    before = found["trace_id"]
    traceless = profile(call).country in TRACELESS
    value = None if traceless else call.engine.ids.letters(f"trace:{found['id']}", 15).upper()
    found["trace_id"] = {"status": "unsupported" if traceless else "supported", "value": value}
    call.save(found)
    call.emit("payout.updated", found, {"trace_id": before})


def _automatic(call: Call, how: Profile, currency: str, fresh: list[JSON]) -> None:
    total = available(call, currency)
    least = how.minimums.get(currency, 0)
    kept = least if total > least else max(total, 0)
    if currency in PAYOUT_HUNDREDS and total > kept:
        kept += (total - kept) % 100
    amount = total - kept
    owing = total < 0 and how.debit_negative and total + pending(call, currency) < 0
    if amount == 0 or (total < 0 and not owing):
        for one in fresh:
            call.save(one, due=None, unpaid=currency)
        return
    arrival = midnight(later(day_of(call.now), 1))
    found = shape(call, amount, currency, automatic=True, method="standard", arrival=arrival)
    for one in fresh:
        call.save(one, payout=found["id"], due=None)
    _gather(call, currency, found["id"])
    if kept:
        held = _minimum(call, "hold", -kept, currency)
        call.save(held, payout=found["id"], unpaid=None)
        _minimum(call, "release", kept, currency)
    own = move(call, found, "payout", -amount)
    call.save(own, payout=found["id"], unpaid=None)
    send(call, found, arrival=arrival)
    call.after(RECONCILED, "payout.reconcile", payout=found["id"])


def _gather(call: Call, currency: str, payout: str) -> None:
    while members := call.find("balance_transaction", limit=AT_ONCE, newest_first=False, unpaid=currency):
        for one in members:
            call.save(one, payout=payout, unpaid=None)


def _minimum(call: Call, way: str, amount: int, currency: str) -> JSON:
    kind = f"payout_minimum_balance_{way}"
    return book(
        call, type=kind, reporting_category=kind, amount=amount, currency=currency, available_in_days=0
    )


def move(
    call: Call, found: JSON, kind: str, amount: int, *, fees: list[JSON] | None = None, days: int = 0
) -> JSON:
    """Book what a payout does to the balance; its own balance transaction is bound to it."""
    txn = book(
        call,
        type=kind,
        reporting_category="payout" if kind == "payout" else "payout_reversal",
        amount=amount,
        currency=found["currency"],
        fee_details=fees or (),
        source=found["id"],
        available_in_days=days,
        description=found["description"] or "STRIPE PAYOUT",
    )
    if kind == "payout":
        found["balance_transaction"] = txn["id"]
    return txn


def send(call: Call, found: JSON, *, arrival: int) -> JSON:
    """Write a payout and let it go its way to the bank."""
    call.add(found, status="pending", destination=found["destination"])
    call.emit("payout.created", found)
    call.after(min(SUBMITTED, max(60, arrival - call.now - 60)), "payout.submit", payout=found["id"])
    call.at(arrival, "payout.arrive", payout=found["id"])
    return found


def _advance(call: Call, short: int, currency: str, payout: str) -> None:
    if short <= 0:
        return
    book(
        call,
        type="advance",
        reporting_category="advance",
        amount=short,
        currency=currency,
        source=payout,
        available_in_days=0,
    )
    book(
        call,
        type="advance_funding",
        reporting_category="advance_funding",
        amount=-short,
        currency=currency,
        source=payout,
    )


def _unpaid_currencies(call: Call) -> list[str]:
    names = call.marked("balance:payments:available:")
    return [name.rsplit(":", 1)[1] for name, amount in names.items() if amount]
