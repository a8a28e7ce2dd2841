"""Refunds: money back to the customer, whole or in parts, at today's rate, without the fees.

    found = refund(call, charge, 1000, reason="requested_by_customer")
    fail(call, found, "expired_or_canceled_card")     # days later the bank sends it back

A refund takes from the balance at once (`refund`, or `payment_refund` for a `py_`). A failed one comes back as
`refund_failure`: the customer is still owed the money.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookhand.sandbox.money import application_fees, transfers, warnings
from bookhand.sandbox.money.balance import book
from bookhand.sandbox.money.cards import by_fingerprint
from bookhand.sandbox.money.charge import amount_shown, check_step, conversion, into
from bookhand.sandbox.money.profile import profile
from bookhand.sandbox.money.transfers import refund_shape
from bookhand.sandbox.stripe.errors import JSON, StripeError
from bookhand.sandbox.stripe.expand import includable
from bookhand.sandbox.stripe.routes import job, route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

REASONS = ("duplicate", "fraudulent", "requested_by_customer")
FAILURES = (
    "lost_or_stolen_card",
    "expired_or_canceled_card",
    "charge_for_pending_refund_disputed",
    "insufficient_funds",
    "declined",
    "merchant_request",
    "unknown",
)
DAY = 86_400
PENDING_DAYS, FAILING_DAYS = 5, 2


def refund(
    call: Call,
    charge: JSON,
    amount: int | None = None,
    *,
    reason: str | None = None,
    metadata: dict[str, str] | None = None,
    reverse_transfer: bool = False,
    refund_application_fee: bool = False,
    outcome: str | None = None,
) -> JSON:
    """Give back a charge or a part of it; `outcome` is `refund_pending` or `refund_fail` where the card is not."""
    wanted = _amount(call, charge, amount)
    card = charge["payment_method_details"]["type"] == "card"
    how = outcome or _outcome(charge)
    found = refund_shape(call, "re" if card else "pyr", wanted, charge["currency"])
    found.update(
        charge=charge["id"],
        payment_intent=charge["payment_intent"],
        reason=reason,
        metadata=metadata or {},
        destination_details=_destination(call, charge, found["id"]),
    )
    if not card or how == "refund_pending":
        found["status"], found["pending_reason"] = "pending", "processing"
    found["balance_transaction"] = _move(call, charge, found, -wanted)["id"]
    if reverse_transfer:
        found["transfer_reversal"] = _reverse(call, charge, found)
    if refund_application_fee:
        _give_fee_back(call, charge, wanted)
    call.add(found, stamp=False, charge=charge["id"], payment_intent=charge["payment_intent"])
    _count(call, charge, wanted)
    call.emit("refund.created", found)
    if found["status"] == "pending":
        call.after(PENDING_DAYS * DAY, "refund.finish", refund=found["id"], failing=how == "refund_fail")
    elif how == "refund_fail":
        call.after(FAILING_DAYS * DAY, "refund.fail", refund=found["id"])
    return found


def fail(call: Call, found: JSON, reason: str, *, status: str = "failed") -> JSON:
    """The bank sends a refund back: the balance has its money again, the customer does not."""
    if found["status"] not in ("pending", "succeeded", "requires_action"):
        raise StripeError(f"A refund with status {found['status']} cannot fail.")
    charge = call.get("charge", found["charge"])
    taken = call.get("balance_transaction", found["balance_transaction"])
    card = found["id"].startswith("re_")
    back = book(
        call,
        type="refund_failure" if card else "payment_refund",
        reporting_category="refund_failure" if card else "refund",
        amount=-taken["amount"],
        currency=taken["currency"],
        source=found["id"],
        available_in_days=0,
        description=f"REFUND {'FAILED' if status == 'failed' else 'CANCELED'}",
        exchange_rate=taken["exchange_rate"],
    )
    before = {"status": found["status"]}
    found.update(status=status, failure_balance_transaction=back["id"])
    found.pop("pending_reason", None)
    if status == "failed":
        found["failure_reason"] = reason
    call.save(found)
    charge["amount_refunded"] -= found["amount"]
    charge["refunded"] = False
    call.save(charge)
    call.emit("refund.updated", found, before)
    call.emit("charge.refund.updated", found, before)
    if status == "failed":
        call.emit("refund.failed", found)
    return found


@job("refund.finish")
def finish(call: Call, args: JSON) -> None:
    """A pending refund has reached the customer, or not."""
    found = call.look("refund", args["refund"])
    if found is None or found["status"] != "pending":
        return
    if args["failing"]:
        fail(call, found, "unknown")
        return
    found["status"] = "succeeded"
    found.pop("pending_reason", None)
    call.save(found)
    call.emit("refund.updated", found, {"status": "pending"})
    call.emit("charge.refund.updated", found, {"status": "pending"})


@job("refund.fail")
def fail_later(call: Call, args: JSON) -> None:
    """A refund that had succeeded comes back."""
    found = call.look("refund", args["refund"])
    if found is not None and found["status"] == "succeeded":
        fail(call, found, "expired_or_canceled_card")


@route("POST", "/v1/refunds")
def create_refund(call: Call) -> JSON:
    """Of a charge or of a payment intent's charge."""
    charge, intent = call.text("charge"), call.text("payment_intent")
    if charge is not None and intent is not None:
        raise StripeError("You may only specify one of these parameters: charge, payment_intent.")
    if intent is not None:
        charge = call.get("payment_intent", intent, param="payment_intent")["latest_charge"]
        if charge is None:
            raise StripeError(f"This PaymentIntent ({intent}) does not have a successful charge to refund.")
    if charge is None:
        raise StripeError(
            "One of the following params should be provided for this request: payment_intent or charge."
        )
    of = call.get("charge", charge, param="charge")
    return refund(
        call,
        of,
        _asked(call, of),
        reason=call.choice("reason", REASONS),
        metadata=call.metadata(),
        reverse_transfer=bool(call.boolean("reverse_transfer")),
        refund_application_fee=bool(call.boolean("refund_application_fee")),
    )


@route("POST", "/v1/charges/{charge}/refunds")
def refund_of_charge(call: Call) -> JSON:
    """The older form."""
    charge = call.get("charge", call.path["charge"], param="charge")
    return refund(call, charge, _asked(call, charge), metadata=call.metadata())


def _asked(call: Call, charge: JSON) -> int | None:
    """The amount that the caller names, in steps that Stripe takes; None for all that is left."""
    amount = call.integer("amount", min=1)
    if amount is not None:
        check_step(amount, charge["currency"])
    return amount


@route("POST", "/v1/charges/{charge}/refund")
def refund_charge(call: Call) -> JSON:
    """The oldest form: it answers with the charge."""
    refund_of_charge(call)
    return call.get("charge", call.path["charge"])


@route("GET", "/v1/refunds")
def list_refunds(call: Call) -> JSON:
    """By charge, payment_intent and created."""
    return call.page("refund", charge=call.text("charge"), payment_intent=call.text("payment_intent"))


@includable("charge", "refunds")
def of_charge(call: Call, charge: JSON) -> JSON:
    """The newest ten, inside their charge."""
    found = call.find("refund", limit=11, charge=charge["id"])
    return call.embedded(found[:10], f"/v1/charges/{charge['id']}/refunds", has_more=len(found) > 10)


@route("GET", "/v1/charges/{charge}/refunds")
def list_refunds_of_charge(call: Call) -> JSON:
    """Those of one charge."""
    return call.page("refund", charge=call.get("charge", call.path["charge"], param="charge")["id"])


@route("GET", "/v1/refunds/{id}")
@route("GET", "/v1/charges/{charge}/refunds/{id}")
def retrieve_refund(call: Call) -> JSON:
    """One refund."""
    return call.get("refund", call.path["id"])


@route("POST", "/v1/refunds/{id}")
def update_refund(call: Call) -> JSON:
    """Metadata alone."""
    found = call.get("refund", call.path["id"])
    before = found["metadata"]
    found["metadata"] = call.metadata(old=before)
    call.save(found)
    if found["metadata"] != before:
        call.emit("refund.updated", found, {"metadata": before})
        call.emit("charge.refund.updated", found, {"metadata": before})
    return found


@route("POST", "/v1/refunds/{id}/cancel")
def cancel_refund(call: Call) -> JSON:
    """One that has not reached the customer yet."""
    found = call.get("refund", call.path["id"])
    if found["status"] not in ("pending", "requires_action"):
        raise StripeError(f"The refund {found['id']} cannot be canceled: its status is {found['status']}.")
    return fail(call, found, "merchant_request", status="canceled")


@route("POST", "/v1/test_helpers/refunds/{id}/expire")
def expire_refund(call: Call) -> JSON:
    """The customer did not do what the refund waits for."""
    found = call.get("refund", call.path["id"])
    if found["status"] != "requires_action":
        raise StripeError("You may only expire refunds with a status of requires_action.")
    return fail(call, found, "unknown")


@route("POST", "/_pinstripe/refunds/{id}/fail")
def fail_refund(call: Call) -> JSON:
    """The bank sends it back, with `failure_reason`."""
    reason = call.choice("failure_reason", FAILURES, default="expired_or_canceled_card") or "unknown"
    return fail(call, call.get("refund", call.path["id"]), reason)


def _amount(call: Call, charge: JSON, amount: int | None) -> int:
    name = charge["id"]
    if charge["status"] != "succeeded" or not charge["captured"]:
        state = {"failed": "has failed", "pending": "is still pending"}
        what = state.get(charge["status"], "has not been captured")
        raise StripeError(f"Charge {name} {what}, so it cannot be refunded.", code="charge_not_refundable")
    if charge["disputed"] and _charged_back(call, name):
        raise StripeError(
            f"Charge {name} has been charged back; cannot issue a refund.", code="charge_disputed"
        )
    left: int = charge["amount"] - charge["amount_refunded"]
    if left <= 0:
        raise StripeError(f"Charge {name} has already been refunded.", code="charge_already_refunded")
    wanted = left if amount is None else amount
    if wanted > left:
        shown = amount_shown(wanted, charge["currency"]), amount_shown(left, charge["currency"])
        raise StripeError(
            f"Refund amount ({shown[0]}) is greater than unrefunded amount on charge ({shown[1]})",
            param="amount",
        )
    return wanted


def _charged_back(call: Call, charge: str) -> bool:
    dispute = call.first("dispute", charge=charge)
    return dispute is not None and dispute["status"] != "won" and not dispute["is_charge_refundable"]


def _outcome(charge: JSON) -> str:
    details = charge["payment_method_details"]
    card = by_fingerprint((details.get(details["type"]) or {}).get("fingerprint"))
    return card.outcome if card else "ok"


def _move(call: Call, charge: JSON, found: JSON, amount: int) -> JSON:
    settled, at = conversion(call, profile(call), charge["currency"])
    return book(
        call,
        type="refund" if charge["id"].startswith("ch_") else "payment_refund",
        reporting_category="refund",
        amount=into(amount, charge["currency"], settled, at),
        currency=settled,
        source=found["id"],
        available_in_days=0,
        description=f"REFUND FOR CHARGE ({charge['description']})"
        if charge["description"]
        else "REFUND FOR CHARGE",
        exchange_rate=None if at is None else float(at),
    )


def _count(call: Call, charge: JSON, amount: int) -> None:
    before = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    if charge["refunded"] == before["refunded"]:
        del before["refunded"]
    call.save(charge)
    call.emit("charge.refunded", charge, before)
    if charge["refunded"]:
        warnings.settled(call, charge["id"])


def _destination(call: Call, charge: JSON, refund_id: str) -> JSON:
    kind = charge["payment_method_details"]["type"]
    if kind != "card":
        return {kind: {}, "type": kind} if kind == "us_bank_transfer" else {"type": kind}
    same_day = charge["created"] // DAY == call.now // DAY
    if same_day:
        return {"card": {"type": "reversal"}, "type": "card"}
    number = str(int.from_bytes(call.engine.ids.letters(refund_id, 9).encode()) % 10**23).zfill(23)
    details = {
        "reference": number,
        "reference_status": "available",
        "reference_type": "acquirer_reference_number",
        "type": "refund",
    }
    return {"card": details, "type": "card"}


def _reverse(call: Call, charge: JSON, found: JSON) -> str | None:
    transfer = call.look("transfer", charge.get("transfer"))
    if transfer is None:
        raise StripeError("Cannot reverse the transfer: this charge has none.", param="reverse_transfer")
    share = transfer["amount"] * found["amount"] // charge["amount"]
    left = transfer["amount"] - transfer["amount_reversed"]
    if not share or not left:
        return None
    return str(transfers.bring_back(call, transfer, min(share, left), refund=found["id"])["id"])


def _give_fee_back(call: Call, charge: JSON, amount: int) -> None:
    platform = call.account if charge["transfer_data"] else application_fees.platform_of(call)
    theirs = call.on(platform) if platform else None
    fee = application_fees.of_charge(theirs, charge["id"]) if theirs else None
    if theirs is None or fee is None:
        raise StripeError("This charge has no application fee to refund.", param="refund_application_fee")
    share = min(fee["amount"] * amount // charge["amount"], fee["amount"] - fee["amount_refunded"])
    if share:
        application_fees.give_back(theirs, fee, share)
