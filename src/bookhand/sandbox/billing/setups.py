"""Setup intents: a payment method made ready for later payments.

POST /v1/setup_intents customer=cus_1 payment_method=pm_card_visa confirm=true   # status "succeeded", attached
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import fields, methods
from bookhand.sandbox.money import methods as till
from bookhand.sandbox.money.declines import decline
from bookhand.sandbox.stripe.errors import StripeError
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

JSON = dict[str, Any]
KIND = "setup_intent"


@route("POST", "/v1/setup_intents")
def create(call: Call) -> JSON:
    """A setup intent, confirmed at once if asked."""
    customer = call.text("customer")
    if customer:
        call.get("customer", customer, param="customer")
    intent = blank(call, customer)
    intent["description"], intent["metadata"] = call.text("description"), call.metadata()
    intent["usage"] = call.choice("usage", ("off_session", "on_session"), default="off_session")
    intent["allowed_payment_method_types"] = call.listing("allowed_payment_method_types") or None
    older = call.listing("payment_method_types")
    intent["payment_method_types"] = intent["allowed_payment_method_types"] or older or ["card"]
    method = call.text("payment_method")
    if method:
        intent["payment_method"] = methods.found(call, method, param="payment_method")["id"]
        intent["status"] = "requires_confirmation"
    call.add(intent, customer=customer)
    call.emit("setup_intent.created", intent)
    return _confirm(call, intent) if call.boolean("confirm") else intent


@route("GET", "/v1/setup_intents")
def index(call: Call) -> JSON:
    """Setup intents, newest first."""
    return call.page(KIND, customer=call.text("customer"))


@route("GET", "/v1/setup_intents/{id}")
def read(call: Call) -> JSON:
    """One setup intent."""
    return call.get(KIND, call.path["id"])


@route("POST", "/v1/setup_intents/{id}")
def change(call: Call) -> JSON:
    """Before it is confirmed."""
    intent = _open(call)
    fields.set_texts(call, intent, ("customer", "description"))
    intent["metadata"] = call.metadata(old=intent["metadata"])
    method = call.text("payment_method")
    if method:
        intent["payment_method"] = methods.found(call, method, param="payment_method")["id"]
        intent["status"] = "requires_confirmation"
    return call.save(intent, customer=intent["customer"])


@route("POST", "/v1/setup_intents/{id}/confirm")
def confirm(call: Call) -> JSON:
    """Try the method."""
    intent = _open(call)
    method = call.text("payment_method")
    if method:
        intent["payment_method"] = methods.found(call, method, param="payment_method")["id"]
    return _confirm(call, intent)


@route("POST", "/v1/setup_intents/{id}/cancel")
def cancel(call: Call) -> JSON:
    """Give it up."""
    intent = _open(call)
    intent["status"] = "canceled"
    intent["cancellation_reason"] = call.text("cancellation_reason")
    call.save(intent)
    call.emit("setup_intent.canceled", intent)
    return intent


def for_subscription(call: Call, customer: str) -> str:
    """The setup intent of a trial that has nothing to be paid with yet."""
    intent = blank(call, customer)
    call.add(intent, customer=customer)
    call.emit("setup_intent.created", intent)
    return str(intent["id"])


def blank(call: Call, customer: str | None) -> JSON:
    """An intent without a method."""
    id_ = call.new_id("seti")
    return {
        "id": id_,
        "object": KIND,
        "allowed_payment_method_types": None,
        "application": None,
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": f"{id_}_secret_{id_[-8:]}{id_[5:17]}",
        "created": call.now,
        "customer": customer,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": call.livemode,
        "mandate": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
        },
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": "off_session",
    }


def _confirm(call: Call, intent: JSON) -> JSON:
    if intent["payment_method"] is None:
        raise StripeError(
            "You cannot confirm this SetupIntent because it's missing a payment method.",
            code="setup_intent_unexpected_state",
        )
    method = call.get("payment_method", intent["payment_method"])
    word, _, code = till.resolve(call, method).outcome.partition(":")
    if word == "decline":
        _refuse(call, intent, method, code)
    if word.startswith("action") and word != "action_on_session":
        intent["status"] = "requires_action"
        intent["next_action"] = {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect"},
        }
        call.save(intent)
        call.emit("setup_intent.requires_action", intent)
        return intent
    if intent["customer"]:
        methods.attach(call, method, intent["customer"])
    intent["status"], intent["next_action"], intent["last_setup_error"] = "succeeded", None, None
    call.save(intent)
    call.emit("setup_intent.succeeded", intent)
    return intent


def _refuse(call: Call, intent: JSON, method: JSON, code: str) -> None:
    why = decline(code)
    intent["last_setup_error"] = {
        "code": why.code,
        "decline_code": why.decline_code,
        "message": why.message,
        "payment_method": method,
        "type": "card_error",
    }
    intent["status"], intent["payment_method"] = "requires_payment_method", None
    call.save(intent)
    call.emit("setup_intent.setup_failed", intent)
    raise StripeError(
        why.message,
        type="card_error",
        code=why.code,
        decline_code=why.decline_code,
        status=402,
        extra={"setup_intent": intent},
    )


def _open(call: Call) -> JSON:
    intent = call.get(KIND, call.path["id"])
    if intent["status"] in ("succeeded", "canceled"):
        raise StripeError(
            f"This SetupIntent's status is {intent['status']}; it can no longer change.",
            code="setup_intent_unexpected_state",
        )
    return intent
