"""Charges over the API: the older way to take a payment, and the way to look at every one.

stripe.Charge.create(amount=2000, currency="usd", source="tok_visa", capture=False)
stripe.Charge.capture("ch_…", amount=1500)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookhand.sandbox.money import captures, debits
from bookhand.sandbox.money import charge as charges
from bookhand.sandbox.money.declines import decline
from bookhand.sandbox.money.intents import application_fee, destination, shipping
from bookhand.sandbox.money.methods import Method, from_number, resolve, store
from bookhand.sandbox.stripe.errors import JSON, StripeError
from bookhand.sandbox.stripe.routes import job, route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

TEXTS = ("description", "receipt_email", "transfer_group")


@route("POST", "/v1/charges")
def create_charge(call: Call) -> JSON:
    """From a token, a card or a customer's own way to pay."""
    amount = call.integer("amount", required=True, min=1) or 0
    currency = (call.text("currency", required=True) or "").lower()
    charges.check_amount(amount, currency)
    customer = call.text("customer")
    method = _method(call, customer)
    captured = bool(call.boolean("capture", default=True))
    found = charges.shape(
        call,
        amount=amount,
        currency=currency,
        method=method,
        customer=customer,
        intent=None,
        description=call.text("description"),
        metadata=call.metadata(),
        captured=captured,
        statement=call.text("statement_descriptor", max=22),
        on_behalf=call.text("on_behalf_of"),
        application_fee=application_fee(call, amount),
        transfer_data=destination(call),
        transfer_group=call.text("transfer_group"),
        receipt_email=call.text("receipt_email"),
        shipping=shipping(call),
    )
    word, _, code = method.outcome.partition(":")
    if word in ("decline", "action"):
        return _refuse(call, found, code or "authentication_required")
    charges.keep(call, found, method, captured=captured)
    if not captured:
        call.after(charges.AUTHORIZED_DAYS * 86_400, "charge.expire", charge=found["id"])
    elif word in charges.CONSEQUENCES:
        charges.CONSEQUENCES[word](call, found, code)
    return found


@route("GET", "/v1/charges")
def list_charges(call: Call) -> JSON:
    """By created, customer, payment_intent and transfer_group."""
    return call.page(
        "charge",
        customer=call.text("customer"),
        payment_intent=call.text("payment_intent"),
        transfer_group=call.text("transfer_group"),
    )


@route("GET", "/v1/charges/{id}")
def retrieve_charge(call: Call) -> JSON:
    """One charge."""
    return call.get("charge", call.path["id"])


@route("POST", "/v1/charges/{id}")
def update_charge(call: Call) -> JSON:
    """What may change: texts, metadata, shipping, a fraud report, a customer where there was none."""
    found = call.get("charge", call.path["id"])
    before = dict(found)
    for name in TEXTS:
        if call.sent(name):
            found[name] = call.text(name)
    if call.sent("shipping"):
        found["shipping"] = shipping(call)
    report = call.choice("fraud_details[user_report]", ("fraudulent", "safe"))
    if report:
        found["fraud_details"] = {**found["fraud_details"], "user_report": report}
    if call.sent("customer") and found["customer"] is None:
        found["customer"] = call.get("customer", call.text("customer") or "", param="customer")["id"]
    found["metadata"] = call.metadata(old=found["metadata"])
    changed = {key: old for key, old in before.items() if found[key] != old}
    call.save(found, customer=found["customer"], transfer_group=found["transfer_group"])
    if changed:
        call.emit("charge.updated", found, changed)
    return found


@route("POST", "/v1/charges/{id}/capture")
def capture_charge(call: Call) -> JSON:
    """Take what was authorized, or less."""
    found = call.get("charge", call.path["id"])
    if found["captured"] or found["status"] != "succeeded":
        raise StripeError(f"Charge {found['id']} has already been captured.", code="charge_already_captured")
    if found["refunded"]:
        raise StripeError(f"Charge {found['id']} has been refunded.", code="charge_already_refunded")
    amount = call.integer("amount", min=1) or found["amount"]
    if amount > found["amount"]:
        raise StripeError(
            "You cannot capture more than was authorized.", code="amount_too_large", param="amount"
        )
    if found["payment_intent"]:
        captures.capture(call, call.get("payment_intent", found["payment_intent"]), amount)
        return call.get("charge", found["id"])
    return captures.take(call, found, amount)


@route("POST", "/_pinstripe/charges/{id}/fail")
def fail_charge(call: Call) -> JSON:
    """The bank sends a debit back, with `failure_code`, before or after it had succeeded."""
    found = call.get("charge", call.path["id"])
    if found["payment_method_details"]["type"] == "card" or found["status"] == "failed":
        raise StripeError("Only a bank debit that has not failed can be sent back.")
    return debits.bank_return(call, found, call.text("failure_code", default="insufficient_funds") or "")


@job("charge.expire")
def expire(call: Call, args: JSON) -> None:
    """An authorization that nobody captured."""
    found = call.look("charge", args["charge"])
    if found is None or found["captured"] or found["refunded"]:
        return
    found["refunded"], found["amount_refunded"] = True, found["amount"]
    call.save(found)
    call.emit("charge.expired", found)


def _method(call: Call, customer: str | None) -> Method:
    source = call.text("source") or call.text("card")
    if source is None and call.sent("source"):
        number = call.text("source[number]", required=True) or ""
        return resolve(call, store(call, from_number(number), customer=customer))
    if source is not None:
        return resolve(call, source, customer=customer, param="source")
    if customer is None:
        raise StripeError("Must provide source or customer.", code="parameter_missing")
    found = call.get("customer", customer, param="customer")
    default = (found.get("invoice_settings") or {}).get("default_payment_method") or found.get(
        "default_source"
    )
    if default is None:
        raise StripeError(
            "Cannot charge a customer that has no active card", type="card_error", code="missing", status=402
        )
    return resolve(call, default)


def _refuse(call: Call, found: JSON, code: str) -> JSON:
    why = decline(code)
    charges.refuse(call, found, why)
    raise StripeError(
        why.message,
        type="card_error",
        code=why.code,
        decline_code=why.decline_code,
        status=402,
        extra={"charge": found["id"]},
    )
