"""What a platform earns on the payments of its connected accounts, and what it gives back.

    take(call, charge, 200)      # on the connected account's call: a fee_… and its balance transaction at the platform

The connected account pays it as a line of its own balance transaction's `fee_details`; the platform gets a balance
transaction of type `application_fee`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookhand.sandbox.money.balance import book
from bookhand.sandbox.money.currencies import convert, day_of, rate
from bookhand.sandbox.money.profile import profile
from bookhand.sandbox.stripe.errors import JSON, StripeError
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call


def platform_of(call: Call) -> str | None:
    """The platform that acts on this account, or that made it."""
    if call.platform:
        return call.platform
    return next(iter(call.engine.platforms(call.account, livemode=call.livemode)), None)


def application(call: Call, platform: str) -> str:
    """The platform's OAuth client id."""
    return "ca_" + call.engine.ids.letters(f"ca:{platform}", 32)


def take(call: Call, charge: JSON, amount: int, *, platform: str, originating: str | None = None) -> JSON:
    """The platform's fee on a charge of this account, in the charge's currency."""
    theirs = call.on(platform)
    fee: JSON = {
        "id": call.new_id("fee"),
        "object": "application_fee",
        "account": call.account,
        "amount": amount,
        "amount_refunded": 0,
        "application": application(call, platform),
        "balance_transaction": None,
        "charge": charge["id"],
        "created": call.now,
        "currency": charge["currency"],
        "fee_source": {"charge": charge["id"], "type": "charge"},
        "livemode": call.livemode,
        "originating_transaction": originating,
        "refunded": False,
        "refunds": _no_refunds(""),
    }
    fee["refunds"] = _no_refunds(fee["id"])
    fee["balance_transaction"] = _move(theirs, amount, fee["currency"], "application_fee", fee["id"])["id"]
    theirs.add(fee, charge=charge["id"], originating_transaction=originating)
    theirs.emit("application_fee.created", fee)
    return fee


def give_back(call: Call, fee: JSON, amount: int, metadata: dict[str, str] | None = None) -> JSON:
    """On the platform's call: refund a part of a fee to the connected account, whose balance gets it."""
    left = fee["amount"] - fee["amount_refunded"]
    if not 0 < amount <= left:
        raise StripeError(
            f"Refund amount ({amount}) is greater than fee amount ({left})."
            if left
            else "Application fee has already been refunded.",
            param="amount",
            code="charge_already_refunded" if left == 0 else None,
        )
    refund: JSON = {
        "id": call.new_id("fr"),
        "object": "fee_refund",
        "amount": amount,
        "balance_transaction": None,
        "created": call.now,
        "currency": fee["currency"],
        "fee": fee["id"],
        "metadata": metadata or {},
    }
    moved = _move(call, -amount, fee["currency"], "application_fee_refund", refund["id"])
    refund["balance_transaction"] = moved["id"]
    call.add(refund, stamp=False, fee=fee["id"])
    _credit_connected(call.on(fee["account"]), amount, fee)
    before = {"amount_refunded": fee["amount_refunded"], "refunded": fee["refunded"]}
    fee["amount_refunded"] += amount
    fee["refunded"] = fee["amount_refunded"] == fee["amount"]
    fee["refunds"]["data"].insert(0, refund)
    fee["refunds"]["total_count"] = len(fee["refunds"]["data"])
    call.save(fee)
    call.emit("application_fee.refunded", fee, before)
    return refund


def of_charge(call: Call, charge: str) -> JSON | None:
    """On the platform's call: the fee taken on a charge, named by either account's id of it."""
    return call.first("application_fee", charge=charge) or call.first(
        "application_fee", originating_transaction=charge
    )


@route("GET", "/v1/application_fees")
def list_fees(call: Call) -> JSON:
    """By charge and created."""
    return call.page("application_fee", charge=call.text("charge"))


@route("GET", "/v1/application_fees/{id}")
def retrieve_fee(call: Call) -> JSON:
    """One fee."""
    return call.get("application_fee", call.path["id"])


@route("POST", "/v1/application_fees/{id}/refunds")
def refund_fee(call: Call) -> JSON:
    """All that is left, or `amount` of it."""
    fee = call.get("application_fee", call.path["id"])
    amount = call.integer("amount", min=1) or fee["amount"] - fee["amount_refunded"]
    return give_back(call, fee, amount, call.metadata())


@route("POST", "/v1/application_fees/{id}/refund")
def refund_fee_old(call: Call) -> JSON:
    """The older form: answers with the fee."""
    refund_fee(call)
    return call.get("application_fee", call.path["id"])


@route("GET", "/v1/application_fees/{fee}/refunds")
def list_fee_refunds(call: Call) -> JSON:
    """The refunds of a fee."""
    fee = call.get("application_fee", call.path["fee"], param="fee")
    return call.page("fee_refund", created=False, fee=fee["id"])


@route("GET", "/v1/application_fees/{fee}/refunds/{id}")
def retrieve_fee_refund(call: Call) -> JSON:
    """One of them."""
    return call.get("fee_refund", call.path["id"])


@route("POST", "/v1/application_fees/{fee}/refunds/{id}")
def update_fee_refund(call: Call) -> JSON:
    """Metadata alone."""
    found = call.get("fee_refund", call.path["id"])
    found["metadata"] = call.metadata(old=found["metadata"])
    fee = call.get("application_fee", call.path["fee"], param="fee")
    call.emit("application_fee.refund.updated", found)
    fee["refunds"]["data"] = [found if one["id"] == found["id"] else one for one in fee["refunds"]["data"]]
    call.save(fee)
    return call.save(found)


def _move(call: Call, amount: int, currency: str, kind: str, source: str) -> JSON:
    settled = profile(call).settlement(currency)
    at = None if settled == currency else rate(currency, settled, day_of(call.now))
    return book(
        call,
        type=kind,
        reporting_category="platform_earning" if kind == "application_fee" else "platform_earning_refund",
        amount=amount if at is None else convert(amount, currency, settled, at),
        currency=settled,
        source=source,
        available_in_days=None if amount > 0 else 0,
        exchange_rate=None if at is None else float(at),
    )


def _credit_connected(call: Call, amount: int, fee: JSON) -> None:
    settled = profile(call).settlement(fee["currency"])
    at = None if settled == fee["currency"] else rate(fee["currency"], settled, day_of(call.now))
    book(
        call,
        type="adjustment",
        reporting_category="fee",
        amount=amount if at is None else convert(amount, fee["currency"], settled, at),
        currency=settled,
        source=fee["charge"],
        available_in_days=0,
        description="Application fee refund",
        exchange_rate=None if at is None else float(at),
    )


def _no_refunds(fee: str) -> JSON:
    return {
        "object": "list",
        "data": [],
        "has_more": False,
        "total_count": 0,
        "url": f"/v1/application_fees/{fee}/refunds",
    }
