"""The balance: every movement of money is one balance transaction, and running totals are kept beside them.

    book(call, type="charge", reporting_category="charge", amount=5000, currency="usd",
         fee_details=[line(175, "usd", "Stripe processing fees")], source="ch_1")
    # {"id": "txn_…", "amount": 5000, "fee": 175, "net": 4825, "status": "pending", "available_on": …}

For each currency and balance type the sum of `net` over all balance transactions *is* available + pending.
Money moves in the account's own time, also where a test clock made the payment. A pending one becomes available by the job of its day, `balance.day` (see payouts.py), which looks it up by that
day alone; `unpaid` is the look-up of what no automatic payout holds yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookhand.sandbox.money.calendar import later, midnight
from bookhand.sandbox.money.currencies import day_of
from bookhand.sandbox.money.fees import instant_payout_fee, line
from bookhand.sandbox.money.kinds import BALANCE_TYPES, KINDS
from bookhand.sandbox.money.profile import Profile, profile
from bookhand.sandbox.stripe.errors import JSON, StripeError
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bookhand.sandbox.stripe.call import Call

PAYMENTS = "payments"
NEVER_PENDING = ("issuing", "risk_reserved")


def book(
    call: Call,
    *,
    type: str,  # noqa: A002 - Stripe's own word
    reporting_category: str,
    amount: int,
    currency: str,
    fee_details: Sequence[JSON] = (),
    source: str | None = None,
    available_in_days: int | None = None,
    description: str | None = None,
    exchange_rate: float | None = None,
    balance_type: str = PAYMENTS,
) -> JSON:
    """Add a balance transaction; `available_in_days` counts business days, 0 is at once, None as the account has it."""
    call = _own_time(call)
    how = profile(call)
    days = how.delay_days if available_in_days is None else available_in_days
    if balance_type in NEVER_PENDING:
        days = 0
    today = day_of(call.now)
    due = later(today, days) if days else None
    fee = sum([one["amount"] for one in fee_details])
    found: JSON = {
        "id": call.new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": call.now if due is None else midnight(due),
        "balance_type": balance_type,
        "created": call.now,
        "currency": currency,
        "description": description,
        "exchange_rate": exchange_rate,
        "fee": fee,
        "fee_details": list(fee_details),
        "net": amount - fee,
        "reporting_category": reporting_category,
        "source": source,
        "status": "available" if due is None else "pending",
        "type": type,
    }
    unpaid = currency if due is None and balance_type == PAYMENTS else None
    call.add(
        found,
        stamp=False,
        currency=currency,
        type=type,
        source=source,
        due=str(due) if due else None,
        unpaid=unpaid,
    )
    call.bump(_total(balance_type, found["status"], currency), amount - fee)
    wanted = due if due is not None else how.next_payday(today)
    if wanted is not None:
        watch(call, wanted)
    return found


def watch(call: Call, day: int) -> None:
    """See that the job of this day will run, once."""
    call = _own_time(call)
    mark = f"day:{day}"
    if call.marks(mark) == 0:
        call.bump(mark)
        call.at(midnight(day), "balance.day", day=day)


def settle(call: Call, day: int) -> dict[str, list[JSON]]:
    """What becomes available on this day, by currency: changed but not yet saved, totals moved."""
    found: dict[str, list[JSON]] = {}
    moved: dict[tuple[str, str], int] = {}
    for one in call.find("balance_transaction", newest_first=False, due=str(day)):
        one["status"] = "available"
        key = one["balance_type"], one["currency"]
        moved[key] = moved.get(key, 0) + one["net"]
        if one["balance_type"] == PAYMENTS:
            found.setdefault(one["currency"], []).append(one)
        else:
            call.save(one, due=None)
    for (balance_type, currency), net in moved.items():
        call.bump(_total(balance_type, "pending", currency), -net)
        call.bump(_total(balance_type, "available", currency), net)
    return found


def available(call: Call, currency: str, balance_type: str = PAYMENTS) -> int:
    """What can be used now."""
    return call.marks(_total(balance_type, "available", currency))


def pending(call: Call, currency: str, balance_type: str = PAYMENTS) -> int:
    """What is on its way."""
    return call.marks(_total(balance_type, "pending", currency))


def reserve(call: Call, currency: str, amount: int) -> None:
    """Move the platform's reserve for its connected accounts (beside the balance transaction that pays for it)."""
    call.bump(f"reserved:{currency}", amount)


def currencies(call: Call) -> list[str]:
    """Those in which the account has a payments balance, its own first."""
    own = profile(call).currency
    named = {name.rsplit(":", 1)[1] for name in call.marked(f"balance:{PAYMENTS}:")}
    return [own, *sorted(named - {own})]


@route("GET", "/v1/balance")
def retrieve_balance(call: Call) -> JSON:
    """The balance as its running totals say."""
    names = currencies(call)
    found: JSON = {
        "object": "balance",
        "available": [_row(call, one, "available") for one in names],
        "connect_reserved": [{"amount": call.marks(f"reserved:{one}"), "currency": one} for one in names],
        "instant_available": [_instant(call, one) for one in names],
        "livemode": call.livemode,
        "pending": [_row(call, one, "pending") for one in names],
    }
    issuing = _others(call, "issuing")
    if issuing:
        found["issuing"] = {"available": [_row(call, one, "available", "issuing") for one in issuing]}
    kind = "refund_and_dispute_prefunding"
    funded = _others(call, kind)
    if funded:
        found[kind] = {
            status: [_row(call, one, status, kind) for one in funded] for status in ("available", "pending")
        }
    return found


def balance(call: Call) -> JSON:
    """The same object, for `balance.available`."""
    return retrieve_balance(call)


@route("GET", "/v1/balance_transactions")
@route("GET", "/v1/balance/history")
def list_balance_transactions(call: Call) -> JSON:
    """By created, currency, payout (automatic ones alone), source and type."""
    payout = call.text("payout")
    if payout is not None and not call.get("payout", payout, param="payout")["automatic"]:
        raise StripeError(
            "Balance transaction history can only be filtered on automatic transfers, not manual.",
            param="payout",
        )
    page = call.page(
        "balance_transaction",
        payout=payout,
        source=call.text("source"),
        type=call.text("type"),
        currency=(call.text("currency") or "").lower() or None,
    )
    return {**page, "url": "/v1/balance_transactions"}


@route("GET", "/v1/balance_transactions/{id}")
@route("GET", "/v1/balance/history/{id}")
def retrieve_balance_transaction(call: Call) -> JSON:
    """One of them."""
    return call.get("balance_transaction", call.path["id"])


@route("POST", "/_pinstripe/balance_transactions")
def make_balance_transaction(call: Call) -> JSON:
    """Any kind that happens at Stripe's own hand. The amount takes the kind's usual sign unless it is signed."""
    kind = KINDS.get(call.text("type", required=True) or "")
    if kind is None:
        raise StripeError("Invalid type: no such balance transaction type", param="type")
    amount = call.integer("amount", required=True) or 0
    fee = call.integer("fee", default=0)
    currency = (call.text("currency") or profile(call).currency).lower()
    return book(
        call,
        type=call.params["type"],
        reporting_category=call.text("reporting_category", default=kind.categories[0]) or "",
        amount=amount * kind.sign if kind.sign and amount > 0 else amount,
        currency=currency,
        fee_details=[line(fee, currency, "Stripe processing fees")] if fee else (),
        source=call.text("source"),
        available_in_days=call.integer("available_in_days", default=0, min=0),
        description=call.text("description"),
        balance_type=call.choice("balance_type", BALANCE_TYPES, default=kind.balance_type) or PAYMENTS,
    )


def instant_available(call: Call, currency: str) -> int:
    """What an instant payout could take: pending money too, as Stripe advances it."""
    return max(0, available(call, currency) + pending(call, currency))


def _own_time(call: Call) -> Call:
    """A test clock may run ahead, but money settles in the account's own time."""
    if call.line == "":
        return call
    own = call.on(call.account)
    own.line, own.now = "", call.engine.clock.now()
    return own


def _row(call: Call, currency: str, status: str, balance_type: str = PAYMENTS) -> JSON:
    amount = call.marks(_total(balance_type, status, currency))
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


def _instant(call: Call, currency: str) -> JSON:
    amount = instant_available(call, currency)
    fee = instant_payout_fee(amount, currency)[0]["amount"] if amount else 0
    return {
        "amount": amount,
        "currency": currency,
        "net_available": [
            {
                "amount": max(0, amount - fee),
                "destination": destination(call, currency, profile(call)),
                "source_types": {"card": max(0, amount - fee)},
            }
        ],
        "source_types": {"card": amount},
    }


def destination(call: Call, currency: str, how: Profile) -> str:
    """The id of the bank account that takes payouts in a currency."""
    return "ba_" + call.engine.ids.letters(f"ba:{call.account}:{currency}:{how.country}")


def _others(call: Call, balance_type: str) -> list[str]:
    return sorted({name.rsplit(":", 1)[1] for name in call.marked(f"balance:{balance_type}:")})


def _total(balance_type: str, status: str, currency: str) -> str:
    return f"balance:{balance_type}:{status}:{currency}"
