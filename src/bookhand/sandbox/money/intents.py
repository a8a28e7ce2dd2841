"""Payment intents over the API: create, confirm, authenticate, capture, update, cancel, list, search.

    stripe.PaymentIntent.create(amount=2000, currency="usd", payment_method="pm_card_visa", confirm=True)

A decline answers 402 with the intent inside the error and keeps what was written, as Stripe does. The customer's part
of a 3-D Secure challenge is `POST /_pinstripe/payment_intents/{id}/authenticate`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookhand.sandbox.money import captures, payments
from bookhand.sandbox.money.application_fees import platform_of
from bookhand.sandbox.money.charge import check_amount
from bookhand.sandbox.money.intent import declined_error, shape, tell
from bookhand.sandbox.money.methods import Method, billing, card_of, from_number, resolve, store
from bookhand.sandbox.stripe.errors import DOCS, JSON, StripeError
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call
    from bookhand.sandbox.stripe.params import Params

OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
REASONS = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")
TEXTS = (
    "description",
    "receipt_email",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)


@route("POST", "/v1/payment_intents")
def create_intent(call: Call) -> JSON:
    """Perhaps confirmed at once."""
    amount = call.integer("amount", required=True, min=1) or 0
    currency = (call.text("currency", required=True) or "").lower()
    check_amount(amount, currency)
    intent = shape(
        call,
        amount=amount,
        currency=currency,
        customer=_customer(call),
        metadata=call.metadata(),
        application_fee=application_fee(call, amount),
        on_behalf=call.text("on_behalf_of"),
        setup=call.choice("setup_future_usage", ("off_session", "on_session")),
        transfer_data=destination(call),
    )
    intent["capture_method"] = call.choice(
        "capture_method", ("automatic", "automatic_async", "manual"), default="automatic_async"
    )
    intent["confirmation_method"] = call.choice(
        "confirmation_method", ("automatic", "manual"), default="automatic"
    )
    _describe(call, intent)
    _kinds(call, intent)
    call.add(intent, stamp=False, customer=intent["customer"])
    call.emit("payment_intent.created", intent)
    method = method_sent(call, intent["customer"])
    if call.boolean("confirm"):
        return _confirm(call, intent, method)
    if method is not None:
        intent["payment_method"], intent["status"] = method.id, "requires_confirmation"
        call.save(intent)
    return intent


@route("GET", "/v1/payment_intents")
def list_intents(call: Call) -> JSON:
    """By created and customer."""
    return call.page("payment_intent", customer=call.text("customer"))


@route("GET", "/v1/payment_intents/{id}")
def retrieve_intent(call: Call) -> JSON:
    """One intent."""
    return call.get("payment_intent", call.path["id"], param="intent")


@route("POST", "/v1/payment_intents/{id}")
def update_intent(call: Call) -> JSON:
    """While it is open; metadata and description at any time."""
    intent = call.get("payment_intent", call.path["id"], param="intent")
    money = [name for name in ("amount", "currency", "customer", "payment_method") if call.sent(name)]
    if money and intent["status"] not in OPEN:
        raise unexpected(intent, f"This PaymentIntent's {money[0]} could not be updated")
    intent["amount"] = call.integer("amount", min=1) or intent["amount"]
    intent["currency"] = (call.text("currency") or intent["currency"]).lower()
    if money:
        check_amount(intent["amount"], intent["currency"])
    intent["customer"] = _customer(call) or intent["customer"]
    intent["metadata"] = call.metadata(old=intent["metadata"])
    for name in ("application_fee_amount",):
        intent[name] = call.integer(name, min=0, default=intent[name])
    _describe(call, intent)
    method = method_sent(call, intent["customer"])
    if method is not None:
        intent["payment_method"], intent["status"] = method.id, "requires_confirmation"
    return call.save(intent, customer=intent["customer"])


@route("POST", "/v1/payment_intents/{id}/confirm")
def confirm_intent(call: Call) -> JSON:
    """Try it."""
    intent = call.get("payment_intent", call.path["id"], param="intent")
    if intent["status"] not in OPEN:
        raise unexpected(intent, "You cannot confirm this PaymentIntent")
    _describe(call, intent)
    intent["setup_future_usage"] = call.text("setup_future_usage") or intent["setup_future_usage"]
    return _confirm(call, intent, method_sent(call, intent["customer"]))


@route("POST", "/v1/payment_intents/{id}/capture")
def capture_intent(call: Call) -> JSON:
    """All that is held, or less."""
    intent = call.get("payment_intent", call.path["id"], param="intent")
    if intent["status"] != "requires_capture":
        raise unexpected(intent, "This PaymentIntent could not be captured")
    amount = call.integer("amount_to_capture", min=1) or intent["amount_capturable"]
    if amount > intent["amount_capturable"]:
        raise StripeError(
            f"The amount_to_capture ({amount}) is greater than the amount_capturable ({intent['amount_capturable']}).",
            code="amount_too_large",
            param="amount_to_capture",
        )
    fee = call.integer("application_fee_amount", min=0)
    if fee is not None:
        charge = call.get("charge", intent["latest_charge"])
        charge["application_fee_amount"] = intent["application_fee_amount"] = fee
        call.save(charge)
    intent["metadata"] = call.metadata(old=intent["metadata"])
    return captures.capture(call, intent, amount)


@route("POST", "/v1/payment_intents/{id}/cancel")
def cancel_intent(call: Call) -> JSON:
    """Unless it has succeeded or is being processed."""
    intent = call.get("payment_intent", call.path["id"], param="intent")
    if intent["status"] not in (*OPEN, "requires_capture"):
        raise unexpected(intent, "You cannot cancel this PaymentIntent")
    return captures.let_go(call, intent, call.choice("cancellation_reason", REASONS))


@route("POST", "/_pinstripe/payment_intents/{id}/authenticate")
def authenticate(call: Call) -> JSON:
    """The customer passes the challenge, or fails it with `succeed=false`."""
    intent = call.get("payment_intent", call.path["id"], param="intent")
    if intent["status"] != "requires_action":
        raise unexpected(intent, "There is nothing to authenticate")
    method = resolve(call, intent["payment_method"])
    if call.boolean("succeed", default=True):
        payments.attempt(call, intent, method, off_session=False, passed=True)
    else:
        code = "payment_intent_authentication_failure"
        intent.update(status="requires_payment_method", next_action=None, payment_method=None)
        intent["last_payment_error"] = {
            "code": code,
            "doc_url": DOCS + code.replace("_", "-"),
            "message": "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a "
            "new PaymentMethod to attempt to fulfill this PaymentIntent again.",
            "payment_method": call.look("payment_method", method.id),
            "type": "invalid_request_error",
        }
    call.save(intent)
    tell(call, intent)
    payments.follow(call, intent, method)
    return intent


def method_sent(call: Call, customer: str | None) -> Method | None:
    """The payment method of the request: an id, a test token, or a card sent along."""
    sent = call.text("payment_method")
    if sent is not None:
        return resolve(call, sent, customer=None)
    if not call.sent("payment_method_data"):
        return None
    return resolve(call, made_from(call, call.sub("payment_method_data"), customer))


def made_from(call: Call, given: Params, customer: str | None) -> JSON:
    """A payment method from `payment_method_data`."""
    kind = given.text("type", required=True) or "card"
    if kind == "card":
        card = card_of(call, given.text("card[token]") or "") or from_number(
            given.text("card[number]", required=True) or "",
            given.integer("card[exp_month]", default=8) or 8,
            given.integer("card[exp_year]", default=2034) or 2034,
        )
    else:
        number = given.text(f"{kind}[account_number]") or given.text(f"{kind}[iban]") or ""
        card = from_number(
            number or ("000123456789" if kind == "us_bank_account" else "DE89370400440532013000")
        )
    found = store(call, card, customer=customer)
    found["billing_details"] = billing(given.mapping("billing_details"))
    return call.save(found)


def destination(call: Call) -> JSON | None:
    """`transfer_data`, or None."""
    if not call.sent("transfer_data"):
        return None
    found: JSON = {"destination": call.text("transfer_data[destination]", required=True)}
    amount = call.integer("transfer_data[amount]", min=1)
    return found if amount is None else {"amount": amount, **found}


def application_fee(call: Call, amount: int) -> int | None:
    """`application_fee_amount`, where there is a platform to have it."""
    fee = call.integer("application_fee_amount", min=0)
    if fee is None:
        return None
    if fee > amount:
        raise StripeError(
            "The application fee must not be greater than the amount.", param="application_fee_amount"
        )
    if platform_of(call) is None and not call.sent("transfer_data"):
        raise StripeError(
            "Can only apply an application_fee_amount when the request is made on behalf of another account (using an "
            "OAuth key, the Stripe-Account header, or the destination parameter).",
            param="application_fee_amount",
        )
    return fee


def shipping(call: Call) -> JSON | None:
    """`shipping` with every key, or None."""
    given = call.mapping("shipping")
    if not given:
        return None
    return {
        "address": billing(given)["address"],
        **{name: given.get(name) for name in ("carrier", "name", "phone", "tracking_number")},
    }


def unexpected(intent: JSON, what: str) -> StripeError:
    """The intent is not in a state for that."""
    return StripeError(
        f"{what} because it has a status of {intent['status']}.",
        code="payment_intent_unexpected_state",
        extra={"payment_intent": intent},
    )


def _confirm(call: Call, intent: JSON, sent: Method | None) -> JSON:
    method = sent or (resolve(call, intent["payment_method"]) if intent["payment_method"] else None)
    if method is None:
        raise StripeError(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment "
            "method or ConfirmationToken.",
            code="payment_intent_unexpected_state",
            extra={"payment_intent": intent},
        )
    if method.customer is not None and method.customer != intent["customer"]:
        raise StripeError(
            "The provided PaymentMethod is attached to another Customer. To use it, provide that Customer's id.",
            param="payment_method",
        )
    off_session = call.text("off_session") not in (None, "false")
    payments.attempt(call, intent, method, off_session=off_session, return_url=call.text("return_url"))
    if intent["status"] == "requires_action" and call.boolean("error_on_requires_action"):
        raise StripeError(
            "This payment required an authentication action to complete, but `error_on_requires_action` was set.",
            type="card_error",
            code="authentication_required",
            status=402,
            keep=False,
        )
    call.save(intent)
    tell(call, intent)
    if intent["status"] == "requires_payment_method":
        raise declined_error(intent)
    payments.follow(call, intent, method)
    return intent


def _customer(call: Call) -> str | None:
    sent = call.text("customer")
    return call.get("customer", sent, param="customer")["id"] if sent else None


def _describe(call: Call, intent: JSON) -> None:
    for name in TEXTS:
        if call.sent(name):
            intent[name] = call.text(name, max=22 if name.startswith("statement_descriptor") else 5000)
    if call.sent("shipping"):
        intent["shipping"] = shipping(call)


def _kinds(call: Call, intent: JSON) -> None:
    allowed = [str(one) for one in call.listing("allowed_payment_method_types")]
    kinds = allowed or [str(one) for one in call.listing("payment_method_types")]  # as older versions say it
    if kinds:
        intent["payment_method_types"] = kinds
        intent["allowed_payment_method_types"] = allowed or None
    elif call.text("automatic_payment_methods[enabled]") != "false":
        redirects = call.text("automatic_payment_methods[allow_redirects]", default="always")
        intent["automatic_payment_methods"] = {"allow_redirects": redirects, "enabled": True}
        intent["payment_method_types"] = ["card", "us_bank_account"]
