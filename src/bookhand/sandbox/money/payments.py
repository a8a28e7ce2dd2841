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
from bookhand.sandbox.money.balance import book
from bookhand.sandbox.money.calendar import later, midnight
from bookhand.sandbox.money.currencies import day_of
from bookhand.sandbox.money.declines import Decline, bank_message, decline
from bookhand.sandbox.money.fees import ACH_FAILURE, dollars
from bookhand.sandbox.money.methods import DELAYED, Method, resolve
from bookhand.sandbox.money.profile import profile
from bookhand.sandbox.money.transfers import refund_shape
from bookhand.sandbox.stripe.errors import DOCS, JSON, StripeError
from bookhand.sandbox.stripe.routes import job

if TYPE_CHECKING:
    from collections.abc import Callable

    from bookhand.sandbox.stripe.call import Call

DEBIT_DAYS = 4
# What a test card sets off once its charge has succeeded: outcome's word → (call, charge, the word after the colon).
CONSEQUENCES: dict[str, Callable[[Call, JSON, str], object]] = {}
# Who wants to know where an intent has come to: invoices do.
WATCHERS: list[Callable[[Call, JSON], None]] = []


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
    charges.check_amount(amount, currency)
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
        _delayed(call, intent, method)
    else:
        _authorized(call, intent, method)


def shape(
    call: Call,
    *,
    amount: int,
    currency: str,
    customer: str | None = None,
    description: str | None = None,
    metadata: JSON | None = None,
    application_fee: int | None = None,
    on_behalf: str | None = None,
    statement: str | None = None,
    setup: str | None = None,
    transfer_data: JSON | None = None,
    transfer_group: str | None = None,
) -> JSON:
    """A payment intent with every key, waiting for a payment method."""
    id_ = call.new_id("pi")
    return {
        "id": id_,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "allowed_payment_method_types": None,
        "application": None,
        "application_fee_amount": application_fee,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": f"{id_}_secret_{id_[-8:]}{id_[3:15]}",
        "confirmation_method": "automatic",
        "created": call.now,
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "description": description,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": call.livemode,
        "managed_payments": None,
        "metadata": {} if metadata is None else metadata,
        "next_action": None,
        "on_behalf_of": on_behalf,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        "payment_method_types": ["card"],
        "payment_record": None,
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": setup,
        "shipping": None,
        "source": None,
        "statement_descriptor": statement,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": transfer_data,
        "transfer_group": transfer_group,
    }


def tell(call: Call, intent: JSON) -> None:
    """The event of where an intent has come to."""
    event = {
        "succeeded": "payment_intent.succeeded",
        "requires_action": "payment_intent.requires_action",
        "processing": "payment_intent.processing",
        "requires_capture": "payment_intent.amount_capturable_updated",
        "canceled": "payment_intent.canceled",
    }.get(intent["status"])
    if event is None and intent["last_payment_error"] is not None:
        event = "payment_intent.payment_failed"
    if event is not None:
        call.emit(event, intent)
    for watcher in WATCHERS:
        watcher(call, intent)


def follow(call: Call, intent: JSON, method: Method) -> None:
    """What comes after a success: the method kept for later, what the test card promised (a dispute, a warning)."""
    if intent["setup_future_usage"] and intent["status"] in ("succeeded", "requires_capture"):
        _attach(call, intent["customer"], method)
    word, _, detail = method.outcome.partition(":")
    if intent["status"] == "succeeded" and word in CONSEQUENCES:
        CONSEQUENCES[word](call, call.get("charge", intent["latest_charge"]), detail)


def declined_error(intent: JSON) -> StripeError:
    """The refusal with which confirming a declined intent answers (402; what was written stays)."""
    told = intent["last_payment_error"]
    extra = {
        key: value
        for key, value in told.items()
        if key not in ("message", "type", "code", "param", "decline_code", "doc_url")
    }
    return StripeError(
        told["message"],
        type=told["type"],
        code=told["code"],
        decline_code=told.get("decline_code"),
        status=402,
        extra={**extra, "payment_intent": intent},
    )


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
        intent["last_payment_error"] = _error(
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


@job("payment.expire")
def expire(call: Call, args: JSON) -> None:
    """What was authorized and not captured is released."""
    intent = call.look("payment_intent", args["intent"])
    if intent is not None and intent["status"] == "requires_capture":
        let_go(call, intent, "automatic")


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
    keep(call, found, method, captured=captured)


def keep(call: Call, found: JSON, method: Method, *, captured: bool) -> JSON:
    """Write a charge that succeeded, and settle it now or, where the account says so, later."""
    if method.outcome == "elevated":
        found["outcome"] = {**charges.APPROVED, "risk_level": "elevated", "risk_score": 68}
    at_once = method.outcome == "bypass_pending"
    wait = profile(call).fees_later if captured else 0
    if captured and not wait:
        charges.settle(call, found, at_once=at_once)
    call.add(found, stamp=False, **charges.links(found))
    call.emit("charge.succeeded", found)
    if wait:
        call.after(wait, "charge.settle", charge=found["id"], at_once=at_once)
    return found


def _delayed(call: Call, intent: JSON, method: Method) -> None:
    found = _charge(call, intent, method, captured=True)
    found["status"], found["paid"] = "pending", False
    intent["status"], intent["last_payment_error"] = "processing", None
    intent["payment_method_types"] = [method.kind]
    intent["payment_method_options"] = {}
    charges.settle(call, found)
    call.add(found, stamp=False, **charges.links(found))
    call.emit("charge.pending", found)
    due = midnight(later(day_of(call.now), DEBIT_DAYS)) - 3600
    call.at(due, "payment.clear", charge=found["id"], outcome=method.outcome)


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
    call.add(found, stamp=False, **charges.links(found))
    call.emit("charge.failed", found)
    return found


def _declined(call: Call, intent: JSON, method: Method, why: Decline) -> None:
    found = refuse(call, _charge(call, intent, method, captured=False), why)
    intent["status"] = "requires_payment_method"
    intent["last_payment_error"] = {
        **_error(found, why.code, why.message, why.decline_code, method.kind),
        "payment_method": call.look("payment_method", method.id),
    }
    if why.advice:
        intent["last_payment_error"]["advice_code"] = why.advice
    if why.network_code:
        intent["last_payment_error"]["network_decline_code"] = why.network_code
    intent["payment_method"] = None


def _error(found: JSON, code: str, message: str, decline_code: str | None, kind: str) -> JSON:
    told: JSON = {
        "charge": found["id"],
        "code": code,
        "doc_url": DOCS + code.replace("_", "-"),
        "message": message,
        "payment_method_type": kind,
        "type": "card_error" if kind == "card" else "invalid_request_error",
    }
    return {**told, "decline_code": decline_code} if decline_code else told


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
