"""Tokens: a card's number told once, and used by the id it was given.

token = stripe.Token.create(card={"number": "4242424242424242", "exp_month": 8, "exp_year": 2034, "cvc": "123"})
stripe.Charge.create(amount=2000, currency="usd", source=token.id)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookhand.sandbox.money.cards import TestCard
from bookhand.sandbox.money.methods import NUMBER, from_number
from bookhand.sandbox.stripe.errors import JSON, StripeError
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

BRANDS = {
    "amex": "American Express",
    "diners": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "mastercard": "MasterCard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}


@route("POST", "/v1/tokens")
def create_token(call: Call) -> JSON:
    """For a card; a bank account's comes from Financial Connections, which is not here."""
    if not call.sent("card"):
        raise StripeError("You must supply a card.", param="card", code="parameter_missing")
    number = call.text("card[number]", required=True) or ""
    month = call.integer("card[exp_month]", required=True, min=1, max=12) or 1
    year = call.integer("card[exp_year]", required=True) or 0
    card = from_number(number, month, year)
    found: JSON = {
        "id": call.new_id("tok"),
        "object": "token",
        "card": _card(call, card, month, year + 2000 if year < 100 else year),
        "client_ip": "127.0.0.1",
        "created": call.now,
        "livemode": call.livemode,
        "type": "card",
        "used": False,
    }
    call.add({"id": found["id"], "object": NUMBER, "number": card.number}, stamp=False)
    return call.add(found)


@route("GET", "/v1/tokens/{id}")
def retrieve_token(call: Call) -> JSON:
    """One token."""
    return call.get("token", call.path["id"])


def _card(call: Call, card: TestCard, month: int, year: int) -> JSON:
    given = call.sub("card")
    unsaid = (
        "address_city",
        "address_country",
        "address_line1",
        "address_line2",
        "address_state",
        "address_zip",
        "name",
    )
    return {
        "id": call.new_id("card"),
        "object": "card",
        **{name: given.text(name) for name in unsaid},
        "address_line1_check": None,
        "address_zip_check": None,
        "brand": BRANDS.get(card.brand, "Unknown"),
        "country": card.country,
        "cvc_check": "unchecked" if given.sent("cvc") else None,
        "dynamic_last4": None,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "last4": card.last4,
        "metadata": {},
        "networks": {"preferred": None},
        "regulated_status": "unregulated",
        "tokenization_method": None,
    }
