"""What a customer pays with: a stored payment method, a test token or a card sent along, and what it will do.

    resolve(call, "pm_card_visa")        # stores a payment method as Stripe does, outcome 'ok'
    resolve(call, "pm_1Nv…").outcome     # 'decline:insufficient_funds' if it was made from that test card
    expect(call, "pm_1Nv…", "decline:do_not_honor", times=2)   # the next two payments with it fail

An outcome is one of: ok · decline:CODE · action[:CODE] · action_unless_set_up · action_on_session · fail:CODE (a bank
debit that comes back) · dispute:REASON · inquiry:REASON · warning · elevated · refund_pending · refund_fail ·
bypass_pending.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bookhand.sandbox.money.cards import (
    EXPIRY_MONTH,
    EXPIRY_YEAR,
    TestCard,
    by_fingerprint,
    by_number,
    by_token,
    fingerprint,
    payment_method_type_details,
)
from bookhand.sandbox.stripe.errors import JSON, StripeError, missing
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

OUTCOME = "_pinstripe.outcome"
NUMBER = "_pinstripe.number"
NO_ADDRESS = {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None}
BRANDS = (
    ("4", "visa"),
    ("5", "mastercard"),
    ("2", "mastercard"),
    ("34", "amex"),
    ("37", "amex"),
    ("6", "discover"),
)
DELAYED = frozenset(("us_bank_account", "sepa_debit", "bacs_debit", "au_becs_debit", "acss_debit"))


class Method(NamedTuple):
    """A payment method as the till sees it."""

    id: str
    kind: str
    details: JSON
    billing: JSON
    customer: str | None
    outcome: str


def resolve(
    call: Call, reference: str | JSON, *, customer: str | None = None, param: str = "payment_method"
) -> Method:
    """The method behind an object, an id or a test token (which is stored as a payment method of its own)."""
    if isinstance(reference, dict):
        return _method(call, reference)
    found = call.look("payment_method", reference)
    if found is None:
        card = card_of(call, reference)
        if card is None:
            raise missing("PaymentMethod", reference, param=param)
        found = store(call, card, customer=customer)
    return _method(call, found)


def store(call: Call, card: TestCard, *, customer: str | None = None) -> JSON:
    """A payment method made from a test card."""
    found: JSON = {
        "id": call.new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing({}),
        card.kind: payment_method_type_details(card),
        "created": call.now,
        "customer": customer,
        "customer_account": None,
        "livemode": call.livemode,
        "metadata": {},
        "type": card.kind,
    }
    return call.add(found, customer=customer, type=card.kind)


def card_of(call: Call, token: str) -> TestCard | None:
    """The card behind a test token, or a token that was made of a number and is used up now."""
    told = call.look(NUMBER, token) if token.startswith("tok_") else None
    if told is None:
        return by_token(token)
    made = call.get("token", token)
    if made["used"]:
        raise StripeError(
            f"You cannot use a Stripe token more than once: {token}.", code="token_already_used"
        )
    made["used"] = True
    call.save(made)
    return from_number(told["number"])


def from_number(number: str, month: int = EXPIRY_MONTH, year: int = EXPIRY_YEAR) -> TestCard:
    """The test card of a number; one that Stripe does not name simply works."""
    found = by_number(number)
    if found is not None:
        return found
    digits = "".join(filter(str.isdigit, number))
    if not _luhn(digits) or not month or not year:
        raise StripeError(
            "Your card number is incorrect.",
            type="card_error",
            code="incorrect_number",
            param="number",
            status=402,
        )
    brand = next((name for start, name in reversed(BRANDS) if digits.startswith(start)), "unknown")
    return TestCard(digits, "", brand)


def billing(given: JSON) -> JSON:
    """Billing details with every key."""
    return {
        "address": {**NO_ADDRESS, **(given.get("address") or {})},
        "email": given.get("email"),
        "name": given.get("name"),
        "phone": given.get("phone"),
        "tax_id": given.get("tax_id"),
    }


def expect(call: Call, method: str, outcome: str, *, times: int = 1) -> None:
    """Let the next payments with a stored method end so, whatever its card is."""
    told: JSON = {"id": method, "object": OUTCOME, "outcome": outcome, "left": times}
    if call.look(OUTCOME, method) is None:
        call.add(told, stamp=False)
        call.bump("outcomes")
    else:
        call.save(told)


@route("POST", "/_pinstripe/payment_methods/{id}/outcome")
def set_outcome(call: Call) -> JSON:
    """`outcome` and `times`: what the next payments with this method do."""
    method = call.get("payment_method", call.path["id"])
    outcome = call.text("outcome", required=True) or ""
    expect(call, method["id"], outcome, times=call.integer("times", default=1, min=1) or 1)
    return {"id": method["id"], "outcome": outcome}


def charge_details(method: Method, amount: int, *, capture_before: int | None = None) -> JSON:
    """`payment_method_details` of a charge."""
    own = method.details
    if method.kind == "card":
        return {"card": _card(own, amount, capture_before), "type": "card"}
    if method.kind == "us_bank_account":
        keys = ("account_holder_type", "account_type", "bank_name", "fingerprint", "last4", "routing_number")
        debit = {key: own.get(key) for key in keys}
        return {method.kind: {**debit, "payment_reference": None}, "type": method.kind}
    if method.kind == "sepa_debit":
        told = {key: own.get(key) for key in ("bank_code", "branch_code", "country", "fingerprint", "last4")}
        return {method.kind: {**told, "mandate": None}, "type": method.kind}
    return {method.kind: {}, "type": method.kind}


def _method(call: Call, found: JSON) -> Method:
    kind = found.get("type") or "card"
    details = found.get(kind) or {}
    card = by_fingerprint(details.get("fingerprint"))
    outcome = "ok" if card is None else card.outcome
    if call.marks("outcomes"):
        outcome = _expected(call, found["id"]) or outcome
    return Method(
        found["id"],
        kind,
        details,
        found.get("billing_details") or billing({}),
        found.get("customer"),
        outcome,
    )


def _expected(call: Call, method: str) -> str | None:
    told = call.look(OUTCOME, method)
    if told is None or told["left"] <= 0:
        return None
    told["left"] -= 1
    call.save(told)
    return str(told["outcome"])


def _card(own: JSON, amount: int, capture_before: int | None) -> JSON:
    brand = own.get("brand") or "visa"
    found: JSON = {
        "amount_authorized": amount,
        "authorization_code": "239871",
        "brand": brand,
        "checks": own.get("checks"),
        "country": own.get("country"),
        "electronic_commerce_indicator": None,
        "exp_month": own.get("exp_month") or EXPIRY_MONTH,
        "exp_year": own.get("exp_year") or EXPIRY_YEAR,
        "extended_authorization": {"status": "disabled"},
        "fingerprint": own.get("fingerprint"),
        "funding": own.get("funding"),
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": own.get("last4"),
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": brand,
        "network_token": {"used": False},
        "network_transaction_id": fingerprint(f"{own.get('last4')}{amount}")[:15],
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "regulated_status": own.get("regulated_status"),
        "three_d_secure": None,
        "transaction_link_id": None,
        "wallet": None,
    }
    if capture_before is not None:
        found["capture_before"] = capture_before
    return found


def _luhn(digits: str) -> bool:
    doubled = [int(one) * (1 + at % 2) for at, one in enumerate(reversed(digits))]
    return 12 <= len(digits) <= 19 and sum(one - 9 if one > 9 else one for one in doubled) % 10 == 0
