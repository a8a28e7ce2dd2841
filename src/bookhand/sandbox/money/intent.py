"""One payment intent: its shape, the event of each state, and the refusal of a declined one.

found = shape(call, amount=2000, currency="usd")      # every key, waiting for a payment method
tell(call, found)                                     # payment_intent.succeeded, .payment_failed …
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookhand.sandbox.stripe.errors import DOCS, JSON, StripeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bookhand.sandbox.stripe.call import Call

# Who wants to know where an intent has come to: invoices do.
WATCHERS: list[Callable[[Call, JSON], None]] = []


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


def failure(found: JSON, code: str, message: str, decline_code: str | None, kind: str) -> JSON:
    """`last_payment_error` of a charge that failed."""
    told: JSON = {
        "charge": found["id"],
        "code": code,
        "doc_url": DOCS + code.replace("_", "-"),
        "message": message,
        "payment_method_type": kind,
        "type": "card_error" if kind == "card" else "invalid_request_error",
    }
    return {**told, "decline_code": decline_code} if decline_code else told
