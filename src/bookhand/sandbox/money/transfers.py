"""Money from a platform to its connected accounts, and back.

    send(call, 4000, "usd", "acct_2", group="ORDER_1")      # a tr_…, and a py_… at the connected account
    bring_back(call, transfer, 1000)                        # a trr_… and its opposite there

The platform's balance transaction is of type `transfer` (and `transfer_refund`), the connected account's of type
`payment` (and `payment_refund`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookhand.sandbox.money import application_fees
from bookhand.sandbox.money.balance import book
from bookhand.sandbox.money.currencies import convert, day_of, rate
from bookhand.sandbox.money.fees import line
from bookhand.sandbox.money.methods import billing
from bookhand.sandbox.money.profile import profile
from bookhand.sandbox.stripe.errors import JSON, StripeError, missing

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call


def send(
    call: Call,
    amount: int,
    currency: str,
    destination: str,
    *,
    group: str | None = None,
    source_transaction: str | None = None,
    description: str | None = None,
    metadata: dict[str, str] | None = None,
    fee: int | None = None,
    in_days: int = 0,
) -> JSON:
    """A transfer; `fee` is what the platform keeps of it as an application fee."""
    theirs = call.on(destination)
    if theirs.look("account", destination) is None:
        raise missing("destination", destination, param="destination")
    found: JSON = {
        "id": call.new_id("tr"),
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "balance_transaction": None,
        "created": call.now,
        "currency": currency,
        "description": description,
        "destination": destination,
        "destination_payment": None,
        "livemode": call.livemode,
        "metadata": metadata or {},
        "reversals": None,
        "reversed": False,
        "source_transaction": source_transaction,
        "source_type": "card",
        "transfer_group": group,
    }
    found["reversals"] = {
        "object": "list",
        "data": [],
        "has_more": False,
        "total_count": 0,
        "url": f"/v1/transfers/{found['id']}/reversals",
    }
    txn = book(
        call,
        type="transfer",
        reporting_category="transfer",
        amount=-amount,
        currency=currency,
        source=found["id"],
        available_in_days=in_days,
        description=description,
    )
    found["balance_transaction"] = txn["id"]
    found["destination_payment"] = _receive(theirs, call.account, found, fee, in_days)["id"]
    call.add(found, destination=destination, transfer_group=group, source_transaction=source_transaction)
    call.emit("transfer.created", found)
    return found


def for_charge(call: Call, charge: JSON) -> JSON:
    """The transfer of a destination charge, sent with it and available with it."""
    data = charge["transfer_data"]
    how = profile(call)
    settled = how.settlement(charge["currency"])
    at = None if settled == charge["currency"] else rate(charge["currency"], settled, day_of(call.now))
    wanted = data.get("amount") or charge["amount_captured"]
    fee = None if data.get("amount") else charge["application_fee_amount"]
    group = charge["transfer_group"] or "group_" + (charge["payment_intent"] or charge["id"])
    found = send(
        call,
        wanted if at is None else convert(wanted, charge["currency"], settled, at),
        settled,
        data["destination"],
        group=group,
        source_transaction=charge["id"],
        fee=fee if fee is None or at is None else convert(fee, charge["currency"], settled, at),
        in_days=how.delay_days,
    )
    charge["transfer"], charge["transfer_group"] = found["id"], group
    if fee:
        taken = application_fees.of_charge(call, charge["id"])
        charge["application_fee"] = taken["id"] if taken else None
    return found


def bring_back(
    call: Call,
    transfer: JSON,
    amount: int,
    *,
    description: str | None = None,
    metadata: dict[str, str] | None = None,
    refund: str | None = None,
) -> JSON:
    """Reverse a part of a transfer."""
    left = transfer["amount"] - transfer["amount_reversed"]
    if not 0 < amount <= left:
        raise StripeError(
            f"Transfer reversal amount ({amount}) is greater than the amount left to reverse ({left}).",
            param="amount",
        )
    found: JSON = {
        "id": call.new_id("trr"),
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": None,
        "created": call.now,
        "currency": transfer["currency"],
        "destination_payment_refund": None,
        "metadata": metadata or {},
        "source_refund": refund,
        "transfer": transfer["id"],
    }
    txn = book(
        call,
        type="transfer_refund",
        reporting_category="transfer_reversal",
        amount=amount,
        currency=transfer["currency"],
        source=found["id"],
        available_in_days=0,
        description=description,
    )
    found["balance_transaction"] = txn["id"]
    found["destination_payment_refund"] = _give_up(call.on(transfer["destination"]), transfer, found)
    call.add(found, stamp=False, transfer=transfer["id"])
    before = {"amount_reversed": transfer["amount_reversed"], "reversed": transfer["reversed"]}
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    transfer["reversals"]["data"].insert(0, found)
    transfer["reversals"]["total_count"] = len(transfer["reversals"]["data"])
    call.save(transfer)
    call.emit("transfer.reversed", transfer, before)
    return found


def _receive(call: Call, platform: str, transfer: JSON, fee: int | None, in_days: int) -> JSON:
    found = incoming(call, transfer)
    amount, settled, at = _settled(call, transfer["amount"], transfer["currency"])
    lines = []
    if fee:
        taken = application_fees.take(
            call, found, fee, platform=platform, originating=transfer["source_transaction"]
        )
        found["application"], found["application_fee"] = taken["application"], taken["id"]
        found["application_fee_amount"] = fee
        own = _settled(call, fee, transfer["currency"])[0]
        lines.append(line(own, settled, "Application fee", "application_fee", taken["application"]))
    txn = book(
        call,
        type="payment",
        reporting_category="charge",
        amount=amount,
        currency=settled,
        fee_details=lines,
        source=found["id"],
        available_in_days=in_days,
        exchange_rate=at,
    )
    found["balance_transaction"] = txn["id"]
    return call.add(found, source_transfer=transfer["id"])


def _give_up(call: Call, transfer: JSON, reversal: JSON) -> str:
    amount, settled, at = _settled(call, reversal["amount"], reversal["currency"])
    payment = call.get("charge", transfer["destination_payment"])
    refund: JSON = {
        **refund_shape(call, "pyr", reversal["amount"], reversal["currency"]),
        "charge": payment["id"],
        "source_transfer_reversal": reversal["id"],
    }
    txn = book(
        call,
        type="payment_refund",
        reporting_category="refund",
        amount=-amount,
        currency=settled,
        source=refund["id"],
        available_in_days=0,
        exchange_rate=at,
    )
    refund["balance_transaction"] = txn["id"]
    call.add(refund, stamp=False, charge=payment["id"])
    payment["amount_refunded"] += reversal["amount"]
    payment["refunded"] = payment["amount_refunded"] >= payment["amount"]
    call.save(payment)
    call.emit("charge.refunded", payment)
    return str(refund["id"])


def _settled(call: Call, amount: int, currency: str) -> tuple[int, str, float | None]:
    settled = profile(call).settlement(currency)
    if settled == currency:
        return amount, settled, None
    at = rate(currency, settled, day_of(call.now))
    return convert(amount, currency, settled, at), settled, float(at)


def refund_shape(call: Call, prefix: str, amount: int, currency: str) -> JSON:
    """A refund with every key, succeeded."""
    return {
        "id": call.new_id(prefix),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": None,
        "created": call.now,
        "currency": currency,
        "customer": None,
        "customer_account": None,
        "metadata": {},
        "payment_intent": None,
        "payment_method": None,
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


def incoming(call: Call, transfer: JSON) -> JSON:
    """The payment that a transfer makes at the connected account."""
    return {
        "id": call.new_id("py"),
        "object": "charge",
        "amount": transfer["amount"],
        "amount_captured": transfer["amount"],
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": billing({}),
        "calculated_statement_descriptor": None,
        "captured": True,
        "created": call.now,
        "currency": transfer["currency"],
        "customer": None,
        "description": None,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": call.livemode,
        "metadata": {},
        "on_behalf_of": None,
        "outcome": None,
        "paid": True,
        "payment_intent": None,
        "payment_method": None,
        "payment_method_details": {"stripe_account": {}, "type": "stripe_account"},
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": transfer["id"],
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": transfer["transfer_group"],
    }
