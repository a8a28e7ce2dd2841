"""Making a payment: a payment intent that is tried with a payment method, its charge and its money.

    intent = pay(call, amount=2000, currency="usd", customer="cus_1", payment_method="pm_card_visa")
    intent["status"]           # 'succeeded' | 'requires_payment_method' | 'requires_action' | 'processing'
    retry(call, intent, payment_method="pm_2")       # the same intent, a new charge

`pay` never raises for a decline: `intent["last_payment_error"]` says why, as Stripe's object does. Nothing is told
of times before `Pinstripe.events_from`, which makes a seeded year cheap; everything is written all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookhand.sandbox.money import charge as charges
from bookhand.sandbox.money import debits
from bookhand.sandbox.money.captures import let_go
from bookhand.sandbox.money.charge import CONSEQUENCES, check_amount
from bookhand.sandbox.money.declines import Decline, decline
from bookhand.sandbox.money.intent import WATCHERS, declined_error, failure, shape, tell
from bookhand.sandbox.money.methods import DELAYED, Method, resolve
from bookhand.sandbox.stripe.errors import JSON

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

__all__ = ["WATCHERS", "attempt", "declined_error", "follow", "let_go", "pay", "retry"]


def pay(
    call: Call,
    *,
    amount: int,
    currency: str,
    customer: str | None,
    payment_method: str | JSON | None,
    description: str | None = None,
    metadata: JSON | None = None,
    off_session: bool = True,
    application_fee: int | None = None,
    on_behalf: str | None = None,
    statement: str | None = None,
    setup: str | None = None,
    transfer_data: JSON | None = None,
    transfer_group: str | None = None,
) -> JSON:
    """A new payment intent, confirmed at once if there is something to pay with."""
    check_amount(amount, currency)
    intent = shape(
        call,
        amount=amount,
        currency=currency,
        customer=customer,
        description=description,
        metadata=metadata,
        application_fee=application_fee,
        on_behalf=on_behalf,
        statement=statement,
        setup=setup,
        transfer_data=transfer_data,
        transfer_group=transfer_group,
    )
    call.emit("payment_intent.created", intent)
    method = None if payment_method is None else resolve(call, payment_method, customer=customer)
    if method is not None:
        attempt(call, intent, method, off_session=off_session)
    call.add(intent, stamp=False, customer=customer)
    tell(call, intent)
    if method is not None:
        follow(call, intent, method)
    return intent


def retry(call: Call, intent: JSON, *, payment_method: str | JSON, off_session: bool = True) -> JSON:
    """Try an intent again (or for the first time); it is changed and saved."""
    method = resolve(call, payment_method, customer=intent["customer"])
    attempt(call, intent, method, off_session=off_session)
    call.save(intent)
    tell(call, intent)
    follow(call, intent, method)
    return intent


def attempt(
    call: Call,
    intent: JSON,
    method: Method,
    *,
    off_session: bool,
    passed: bool = False,
    return_url: str | None = None,
) -> None:
    """One try: the intent is changed, not saved; its charge is written. `passed`: authentication was done."""
    intent["payment_method"] = method.id
    intent["next_action"] = None
    word, _, code = method.outcome.partition(":")
    if word.startswith("action") and not passed:
        code = _authentication(word, method, off_session=off_session)
        if code == "asked":
            intent["status"] = "requires_action"
            intent["next_action"] = _next_action(call, intent, return_url)
            return
        word = "decline" if code else "ok"
    elif word == "action" and code:
        word = "decline"
    if word == "decline":
        _declined(call, intent, method, decline(code))
    elif method.kind in DELAYED:
        debits.start(call, intent, _charge(call, intent, method, captured=True), method)
    else:
        _authorized(call, intent, method)


def follow(call: Call, intent: JSON, method: Method) -> None:
    """What comes after a success: the method kept for later, what the test card promised (a dispute, a warning)."""
    if intent["setup_future_usage"] and intent["status"] in ("succeeded", "requires_capture"):
        _attach(call, intent["customer"], method)
    word, _, detail = method.outcome.partition(":")
    if intent["status"] == "succeeded" and word in CONSEQUENCES:
        CONSEQUENCES[word](call, call.get("charge", intent["latest_charge"]), detail)


def _authentication(word: str, method: Method, *, off_session: bool) -> str:
    easy = (word == "action_unless_set_up" and method.customer) or word == "action_on_session"
    if off_session:
        return "" if easy else "authentication_required"
    return "asked"


def _next_action(call: Call, intent: JSON, back: str | None) -> JSON:
    url = f"https://hooks.stripe.com/3d_secure_2/hosted?merchant={call.account}&payment_intent={intent['id']}"
    if back:
        return {"redirect_to_url": {"return_url": back, "url": url}, "type": "redirect_to_url"}
    return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url}}


def _attach(call: Call, customer: str | None, method: Method) -> None:
    found = call.look("payment_method", method.id) if customer and not method.customer else None
    if found is not None and found.get("customer") is None:
        found["customer"] = customer
        call.save(found, customer=customer)
        call.emit("payment_method.attached", found)


def _charge(call: Call, intent: JSON, method: Method, *, captured: bool) -> JSON:
    found = charges.shape(
        call,
        amount=intent["amount"],
        currency=intent["currency"],
        method=method,
        customer=intent["customer"],
        intent=intent["id"],
        description=intent["description"],
        metadata=intent["metadata"],
        captured=captured,
        statement=intent["statement_descriptor"],
        on_behalf=intent["on_behalf_of"],
        application_fee=intent["application_fee_amount"],
        transfer_data=intent["transfer_data"],
        transfer_group=intent["transfer_group"],
        receipt_email=intent["receipt_email"],
        shipping=intent["shipping"],
    )
    intent["latest_charge"] = found["id"]
    return found


def _authorized(call: Call, intent: JSON, method: Method) -> None:
    captured = intent["capture_method"] != "manual"
    found = _charge(call, intent, method, captured=captured)
    intent["last_payment_error"] = None
    if captured:
        intent["status"], intent["amount_received"] = "succeeded", intent["amount"]
    else:
        intent["status"], intent["amount_capturable"] = "requires_capture", intent["amount"]
        call.after(charges.AUTHORIZED_DAYS * 86_400, "payment.expire", intent=intent["id"])
    charges.keep(call, found, method, captured=captured)


def _declined(call: Call, intent: JSON, method: Method, why: Decline) -> None:
    found = charges.refuse(call, _charge(call, intent, method, captured=False), why)
    intent["status"] = "requires_payment_method"
    intent["last_payment_error"] = {
        **failure(found, why.code, why.message, why.decline_code, method.kind),
        "payment_method": call.look("payment_method", method.id),
    }
    if why.advice:
        intent["last_payment_error"]["advice_code"] = why.advice
    if why.network_code:
        intent["last_payment_error"]["network_decline_code"] = why.network_code
    intent["payment_method"] = None
