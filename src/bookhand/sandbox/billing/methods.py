"""Payment methods: made from test cards and tokens, attached to a customer, taken off again.

    POST /v1/payment_methods type=card card[number]=4242424242424242 …   # {"id": "pm_…", "card": {"last4": "4242"}}
    POST /v1/payment_methods/pm_card_visa/attach customer=cus_1          # a token makes a new one each time

What a method does when it is charged belongs to the money room, which knows it again by its fingerprint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import fields
from bookhand.sandbox.billing.clocks import enter
from bookhand.sandbox.money import cards
from bookhand.sandbox.money import methods as till
from bookhand.sandbox.stripe.errors import StripeError
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.money.cards import TestCard
    from bookhand.sandbox.stripe.call import Call

JSON = dict[str, Any]
KIND = "payment_method"
DETAILED = ("card", "us_bank_account", "sepa_debit")
TYPES = (*DETAILED, "link", "cashapp", "klarna", "paypal", "customer_balance", "ideal", "bancontact")


@route("POST", "/v1/payment_methods")
def create(call: Call) -> JSON:
    """A payment method of a card number, a token or a bank account."""
    token = call.text("card[token]")
    if token:
        method = from_token(call, token, param="card[token]")
    else:
        kind = call.choice("type", TYPES, required=True) or "card"
        method = _of_card(call, _card(call, kind), kind)
    _describe(call, method)
    return call.add(method, type=method["type"])


@route("GET", "/v1/payment_methods")
def index(call: Call) -> JSON:
    """Methods, of a customer or all."""
    return call.page(KIND, customer=call.text("customer"), type=call.text("type"))


@route("GET", "/v1/customers/{customer}/payment_methods")
def of_customer(call: Call) -> JSON:
    """A customer's methods."""
    call.get("customer", call.path["customer"], param="customer")
    return call.page(KIND, customer=call.path["customer"], type=call.text("type"))


@route("GET", "/v1/customers/{customer}/payment_methods/{id}")
def read_of_customer(call: Call) -> JSON:
    """One of a customer's methods."""
    return call.get(KIND, call.path["id"])


@route("GET", "/v1/payment_methods/{id}")
def read(call: Call) -> JSON:
    """One method."""
    return call.get(KIND, call.path["id"])


@route("POST", "/v1/payment_methods/{id}")
def change(call: Call) -> JSON:
    """New billing details, a new expiry date."""
    before = call.get(KIND, call.path["id"])
    after = fields.copy(before)
    _describe(call, after)
    for name in ("exp_month", "exp_year"):
        if call.sent(f"card[{name}]") and after["card"]:
            after["card"][name] = call.integer(f"card[{name}]")
    return fields.update(call, before, after, "payment_method.updated")


@route("POST", "/v1/payment_methods/{id}/attach")
def attach_to(call: Call) -> JSON:
    """Give a method to a customer."""
    customer = call.get("customer", call.text("customer", required=True) or "", param="customer")
    enter(call, customer)
    return attach(call, found(call, call.path["id"], param="id"), customer["id"])


@route("POST", "/v1/payment_methods/{id}/detach")
def detach(call: Call) -> JSON:
    """Take a method off its customer, for ever."""
    method = call.get(KIND, call.path["id"])
    holder = method["customer"]
    if holder is None:
        raise StripeError(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            code="payment_method_not_attached",
        )
    customer = call.get("customer", holder)
    enter(call, customer)
    method["customer"] = None
    call.save(method, customer=None)
    call.emit("payment_method.detached", method, {"customer": holder})
    if customer["invoice_settings"]["default_payment_method"] == method["id"]:
        after = fields.copy(customer)
        after["invoice_settings"]["default_payment_method"] = None
        fields.update(call, customer, after, "customer.updated")
    return method


def found(call: Call, id_: str, *, param: str) -> JSON:
    """The method of an id, or a new one of a test token."""
    known = call.look(KIND, id_)
    if known is not None:
        return known
    made = from_token(call, id_, param=param)
    return call.add(made, type=made["type"])


def from_token(call: Call, token: str, *, param: str) -> JSON:
    """A new method, not yet stored, of `pm_card_visa`, `tok_visa` and the like."""
    card = cards.by_token(token)
    if card is None:
        raise StripeError(
            f"No such PaymentMethod: '{token}'", code="resource_missing", param=param, status=404
        )
    return _of_card(call, card, card.kind)


def attach(call: Call, method: JSON, customer: str) -> JSON:
    """Give a method to a customer and tell it; a method of another customer is refused."""
    if method["customer"] == customer:
        return method
    if method["customer"] is not None:
        raise StripeError(
            "The payment method you provided has already been attached to a customer.", param="payment_method"
        )
    card = cards.by_fingerprint((method.get(method["type"]) or {}).get("fingerprint"))
    if card is not None and card.outcome == "decline:generic_decline" and card.token != FAILS_LATER:
        raise _declined()
    method["customer"] = customer
    call.save(method, customer=customer, type=method["type"])
    call.emit("payment_method.attached", method)
    return method


FAILS_LATER = "pm_card_chargeCustomerFail"


def _declined() -> StripeError:
    return StripeError(
        "Your card was declined.",
        type="card_error",
        code="card_declined",
        decline_code="generic_decline",
        status=402,
        keep=False,
    )


def _of_card(call: Call, card: TestCard, kind: str) -> JSON:
    month = call.integer("card[exp_month]") or cards.EXPIRY_MONTH
    year = call.integer("card[exp_year]") or cards.EXPIRY_YEAR
    return {
        "id": call.new_id("pm"),
        "object": KIND,
        "allow_redisplay": "unspecified",
        "billing_details": till.billing({}),
        kind: cards.payment_method_type_details(card, month, year) if kind in DETAILED else {},
        "created": call.now,
        "customer": None,
        "customer_account": None,
        "livemode": call.livemode,
        "metadata": {},
        "type": kind,
    }


def _card(call: Call, kind: str) -> TestCard:
    if kind == "card":
        number = call.text("card[number]", required=True) or ""
        return till.from_number(
            number, call.integer("card[exp_month]") or 0, call.integer("card[exp_year]") or 0
        )
    name = {"us_bank_account": "account_number", "sepa_debit": "iban"}.get(kind)
    number = "0000" if name is None else call.text(f"{kind}[{name}]", required=True) or ""
    return cards.by_number(number) or cards.TestCard(number, "", "", kind=kind)


def _describe(call: Call, method: JSON) -> None:
    details = call.sub("billing_details")
    for name in ("email", "name", "phone", "tax_id"):
        if details.sent(name):
            method["billing_details"][name] = details.text(name)
    if details.sent("address"):
        method["billing_details"]["address"] = fields.address(details) or dict.fromkeys(fields.ADDRESS)
    method["metadata"] = call.metadata(old=method["metadata"])
    if call.sent("allow_redisplay"):
        method["allow_redisplay"] = call.text("allow_redisplay")
