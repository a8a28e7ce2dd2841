"""Transfers and their reversals over the API.

stripe.Transfer.create(amount=4000, currency="usd", destination="acct_2", transfer_group="ORDER_1")
stripe.Transfer.create_reversal("tr_…", amount=1000, refund_application_fee=True)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookhand.sandbox.money import application_fees
from bookhand.sandbox.money.balance import available
from bookhand.sandbox.money.profile import profile
from bookhand.sandbox.money.transfers import bring_back, send
from bookhand.sandbox.stripe.errors import JSON, StripeError
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call


@route("POST", "/v1/transfers")
def create_transfer(call: Call) -> JSON:
    """From the available balance, or against a charge (`source_transaction`)."""
    currency = (call.text("currency", required=True) or "").lower()
    destination = call.text("destination", required=True) or ""
    source = call.text("source_transaction")
    charge = call.get("charge", source, param="source_transaction") if source else None
    amount = call.integer("amount", min=1) or (charge["amount"] if charge else 0)
    if not amount:
        raise StripeError("Missing required param: amount.", code="parameter_missing", param="amount")
    _same_currency(call, charge, currency)
    if charge is None and available(call, currency) < amount:
        raise StripeError(
            "You have insufficient available funds in your Stripe account. Try adding funds directly to your available "
            "balance by creating Charges using the 4000000000000077 test card.",
            code="balance_insufficient",
        )
    return send(
        call,
        amount,
        currency,
        destination,
        group=call.text("transfer_group") or (charge or {}).get("transfer_group"),
        source_transaction=source,
        description=call.text("description"),
        metadata=call.metadata(),
        in_days=_days_left(call, charge),
    )


@route("GET", "/v1/transfers")
def list_transfers(call: Call) -> JSON:
    """By created, destination and transfer_group."""
    return call.page(
        "transfer", destination=call.text("destination"), transfer_group=call.text("transfer_group")
    )


@route("GET", "/v1/transfers/{id}")
def retrieve_transfer(call: Call) -> JSON:
    """One transfer."""
    return call.get("transfer", call.path["id"])


@route("POST", "/v1/transfers/{id}")
def update_transfer(call: Call) -> JSON:
    """Description and metadata."""
    found = call.get("transfer", call.path["id"])
    before = {"description": found["description"], "metadata": found["metadata"]}
    if call.sent("description"):
        found["description"] = call.text("description")
    found["metadata"] = call.metadata(old=found["metadata"])
    call.save(found)
    call.emit("transfer.updated", found, {key: old for key, old in before.items() if old != found[key]})
    return found


@route("POST", "/v1/transfers/{id}/reversals")
def create_reversal(call: Call) -> JSON:
    """All that is left, or `amount` of it; `refund_application_fee` gives the fee back in proportion."""
    transfer = call.get("transfer", call.path["id"])
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = call.integer("amount", min=1) or left
    found = bring_back(call, transfer, amount, description=call.text("description"), metadata=call.metadata())
    if call.boolean("refund_application_fee"):
        fee = application_fees.of_charge(call, transfer["destination_payment"])
        if fee is not None:
            share = fee["amount"] * amount // transfer["amount"]
            if share:
                application_fees.give_back(call, fee, min(share, fee["amount"] - fee["amount_refunded"]))
    return found


@route("GET", "/v1/transfers/{id}/reversals")
def list_reversals(call: Call) -> JSON:
    """The reversals of a transfer."""
    transfer = call.get("transfer", call.path["id"])
    return call.page("transfer_reversal", created=False, transfer=transfer["id"])


@route("GET", "/v1/transfers/{transfer}/reversals/{id}")
def retrieve_reversal(call: Call) -> JSON:
    """One of them."""
    return call.get("transfer_reversal", call.path["id"])


@route("POST", "/v1/transfers/{transfer}/reversals/{id}")
def update_reversal(call: Call) -> JSON:
    """Metadata alone."""
    found = call.get("transfer_reversal", call.path["id"])
    found["metadata"] = call.metadata(old=found["metadata"])
    return call.save(found)


def _same_currency(call: Call, charge: JSON | None, currency: str) -> None:
    txn = call.look("balance_transaction", charge["balance_transaction"]) if charge else None
    if txn is not None and txn["currency"] != currency:
        raise StripeError(
            f"The currency of source_transaction's balance transaction ({txn['currency']}) must be the same as the "
            f"transfer currency ({currency}).",
            param="currency",
        )


def _days_left(call: Call, charge: JSON | None) -> int:
    txn = call.look("balance_transaction", charge["balance_transaction"]) if charge else None
    return profile(call).delay_days if txn and txn["status"] == "pending" else 0
