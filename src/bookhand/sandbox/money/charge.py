"""One charge: its shape, the amounts it may have, and the balance transaction it ends in.

    found = shape(call, amount=5000, currency="eur", method=method, ...)   # every key, nulls included
    settle(call, found)       # books it: converted, fees taken, application fee paid, transfer sent

`charge.balance_transaction` is empty until `settle` has run. With `fees_later` set that is some seconds after
`charge.succeeded`, and told by `charge.updated`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookhand.sandbox.money import application_fees, transfers
from bookhand.sandbox.money.balance import book
from bookhand.sandbox.money.currencies import (
    THREE_DECIMAL,
    WHOLE_HUNDREDS,
    convert,
    day_of,
    exponent,
    known,
    rate,
    smallest_charge,
)
from bookhand.sandbox.money.fees import bank_debit_fee, card_fee, line, tax_on
from bookhand.sandbox.money.methods import DELAYED, Method, charge_details
from bookhand.sandbox.money.profile import Profile, profile
from bookhand.sandbox.stripe.errors import JSON, StripeError
from bookhand.sandbox.stripe.routes import job

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from bookhand.sandbox.money.declines import Decline
    from bookhand.sandbox.stripe.call import Call

MOST = 99_999_999
AUTHORIZED_DAYS = 7
# What a test card sets off once its charge has succeeded: outcome's word → (call, charge, the word after the colon).
CONSEQUENCES: dict[str, Callable[[Call, JSON, str], object]] = {}
APPROVED: JSON = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": "approved_by_network",
    "reason": None,
    "risk_level": "normal",
    "risk_score": 21,
    "seller_message": "Payment complete.",
    "type": "authorized",
}


def check_amount(amount: int, currency: str) -> None:
    """Refuse what Stripe would not charge."""
    if not known(currency):
        raise StripeError(
            f"Invalid currency: {currency}. Stripe currently supports these currencies: usd, eur, gbp, jpy, …",
            param="currency",
        )
    least = smallest_charge(currency)
    if amount < least:
        shown = f"{amount_shown(least, currency)} {currency}"
        raise StripeError(f"Amount must be at least {shown}", code="amount_too_small", param="amount")
    if amount > (MOST * 10_000 if currency == "idr" else MOST):
        raise StripeError(
            f"Amount must be no more than {amount_shown(MOST, currency)} {currency}",
            code="amount_too_large",
            param="amount",
        )
    check_step(amount, currency)


def check_step(amount: int, currency: str) -> None:
    """Refuse an amount that is finer than Stripe takes: its last digits have to be 0."""
    if (currency in THREE_DECIMAL and amount % 10) or (currency in WHOLE_HUNDREDS and amount % 100):
        step = 10 if currency in THREE_DECIMAL else 100
        raise StripeError(
            f"Invalid amount: {currency.upper()} amounts must be divisible by {step}.",
            code="invalid_charge_amount",
            param="amount",
        )


def amount_shown(amount: int, currency: str) -> str:
    """$0.50 as Stripe's messages write it."""
    places = exponent(currency)
    sign = "$" if currency == "usd" else ""
    if places == 0:
        return f"{sign}{amount}"
    whole, part = divmod(amount, 10**places)
    return f"{sign}{whole}.{part:0{places}d}"


def shape(
    call: Call,
    *,
    amount: int,
    currency: str,
    method: Method,
    customer: str | None,
    intent: str | None,
    description: str | None,
    metadata: JSON,
    captured: bool,
    statement: str | None = None,
    on_behalf: str | None = None,
    application_fee: int | None = None,
    transfer_data: JSON | None = None,
    transfer_group: str | None = None,
    receipt_email: str | None = None,
    shipping: JSON | None = None,
) -> JSON:
    """A charge that has succeeded and is not settled yet."""
    id_ = call.new_id("py" if method.kind != "card" else "ch")
    until = None if captured else call.now + AUTHORIZED_DAYS * 86_400
    return {
        "id": id_,
        "object": "charge",
        "amount": amount,
        "amount_captured": amount if captured else 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": application_fee,
        "balance_transaction": None,
        "billing_details": method.billing,
        "calculated_statement_descriptor": (statement or "PINSTRIPE").upper()[:22],
        "captured": captured,
        "created": call.now,
        "currency": currency,
        "customer": customer,
        "description": description,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": call.livemode,
        "metadata": metadata,
        "on_behalf_of": on_behalf,
        "outcome": APPROVED,
        "paid": True,
        "payment_intent": intent,
        "payment_method": method.id,
        "payment_method_details": charge_details(method, amount, capture_before=until),
        "receipt_email": receipt_email,
        "receipt_number": None,
        "receipt_url": f"https://pay.stripe.com/receipts/payment/{id_}",
        "refunded": False,
        "review": None,
        "shipping": shipping,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": statement,
        "statement_descriptor_suffix": None,
        "status": "succeeded",
        "transfer_data": transfer_data and {"amount": None, **transfer_data},
        "transfer_group": transfer_group,
    }


def links(found: JSON) -> dict[str, str | None]:
    """By what a charge is looked up."""
    return {
        "customer": found["customer"],
        "payment_intent": found["payment_intent"],
        "transfer_group": found["transfer_group"],
    }


def settle(call: Call, found: JSON, *, at_once: bool = False) -> JSON:
    """Book a captured charge and bind its balance transaction; the charge is changed, not saved."""
    how = profile(call)
    settled, at = conversion(call, how, found["currency"])
    gross = into(found["amount"], found["currency"], settled, at)
    kept = into(found["amount_captured"], found["currency"], settled, at)
    lines = _fee_lines(call, found, kept, settled, at)
    delayed = found["payment_method_details"]["type"] in DELAYED
    txn = book(
        call,
        type="charge" if found["id"].startswith("ch_") else "payment",
        reporting_category="charge",
        amount=gross,
        currency=settled,
        fee_details=lines,
        source=found["id"],
        available_in_days=0 if at_once else 4 if delayed else None,
        description=found["description"],
        exchange_rate=None if at is None else float(at),
    )
    found["balance_transaction"] = txn["id"]
    if found["transfer_data"] is not None:
        transfers.for_charge(call, found)
    return txn


def conversion(call: Call, how: Profile, currency: str) -> tuple[str, Decimal | None]:
    """The currency in which money in `currency` is settled, and today's rate (None if it stays as it is)."""
    settled = how.settlement(currency)
    return settled, None if settled == currency else rate(currency, settled, day_of(call.now))


def into(amount: int, currency: str, settled: str, at: Decimal | None) -> int:
    """The amount in the settlement currency."""
    return amount if at is None else convert(amount, currency, settled, at)


def keep(call: Call, found: JSON, method: Method, *, captured: bool) -> JSON:
    """Write a charge that succeeded, and settle it now or, where the account says so, later."""
    if method.outcome == "elevated":
        found["outcome"] = {**APPROVED, "risk_level": "elevated", "risk_score": 68}
    at_once = method.outcome == "bypass_pending"
    wait = profile(call).fees_later if captured else 0
    if captured and not wait:
        settle(call, found, at_once=at_once)
    call.add(found, stamp=False, **links(found))
    call.emit("charge.succeeded", found)
    if wait:
        call.after(wait, "charge.settle", charge=found["id"], at_once=at_once)
    return found


def refuse(call: Call, found: JSON, why: Decline) -> JSON:
    """Write a charge that failed."""
    blocked = why.outcome == "blocked"
    found.update(
        amount_captured=0,
        captured=False,
        paid=False,
        status="failed",
        failure_code=why.code,
        failure_message=why.message,
        outcome={
            "advice_code": why.advice,
            "network_advice_code": None,
            "network_decline_code": why.network_code,
            "network_status": "not_sent_to_network" if blocked else "declined_by_network",
            "reason": "highest_risk_level" if blocked else why.decline_code,
            "risk_level": "highest" if blocked else "normal",
            "risk_score": 92 if blocked else 24,
            "seller_message": "Stripe blocked this payment as too risky."
            if blocked
            else f"The bank returned the decline code `{why.decline_code}`.",
            "type": why.outcome,
        },
    )
    call.add(found, stamp=False, **links(found))
    call.emit("charge.failed", found)
    return found


@job("charge.settle")
def settle_later(call: Call, args: JSON) -> None:
    """The fees of a charge have become known."""
    found = call.look("charge", args["charge"])
    if found is None or found["balance_transaction"] is not None or not found["captured"]:
        return
    settle(call, found, at_once=args["at_once"])
    call.save(found)
    call.emit("charge.updated", found, {"balance_transaction": None})


def _fee_lines(call: Call, found: JSON, kept: int, settled: str, at: Decimal | None) -> list[JSON]:
    how = profile(call)
    kind = found["payment_method_details"]["type"]
    if kind == "card":
        country = found["payment_method_details"]["card"]["country"]
        lines = card_fee(
            kept,
            settled,
            found["currency"],
            country=how.country,
            card_country=country,
            converted=at is not None,
        )
    else:
        lines = bank_debit_fee(kept, settled)
    if how.fee_tax_percent:
        lines = tax_on(lines, how.fee_tax_percent, settled)
    wanted = found["application_fee_amount"]
    platform = application_fees.platform_of(call) if wanted and found["transfer_data"] is None else None
    if not wanted or platform is None:
        return lines
    fee = application_fees.take(call, found, wanted, platform=platform)
    found["application"], found["application_fee"] = fee["application"], fee["id"]
    own = into(wanted, found["currency"], settled, at)
    return [*lines, line(own, settled, "Application fee", "application_fee", fee["application"])]
