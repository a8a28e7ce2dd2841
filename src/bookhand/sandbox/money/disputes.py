"""Disputes: the whole life of a customer's complaint at their bank, and the money that moves with it.

    found = open_dispute(call, charge, "product_not_received")     # withdrawn with the dispute fee
    submit(call, found)                                            # under review; the counter fee is taken
    decide(call, found, won=True)                                  # reinstated; the counter fee comes back
    decide(call, found, won=True, returned=3000)                   # won in part: so much of its amount comes back

    warning_needs_response → warning_under_review → warning_closed, or escalated to
    needs_response → under_review → won | lost → (a late win: won) | appeal_needs_response → appeal_under_review → …

A bank decides by the evidence's `uncategorized_text`: `winning_evidence` and `losing_evidence` at once, anything else
after sixty days and by the dispute's id. What is not answered by `due_by` is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookhand.sandbox.money import refunds, warnings
from bookhand.sandbox.money.balance import book
from bookhand.sandbox.money.calendar import midnight
from bookhand.sandbox.money.charge import CONSEQUENCES, conversion, into
from bookhand.sandbox.money.currencies import DAY, day_of
from bookhand.sandbox.money.evidence import eligibility, empty_evidence
from bookhand.sandbox.money.fees import COMPLIANCE_DISPUTE, DISPUTE_COUNTERED, DISPUTE_RECEIVED, dollars, line
from bookhand.sandbox.money.profile import profile
from bookhand.sandbox.stripe.errors import JSON, StripeError
from bookhand.sandbox.stripe.routes import job

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

ANSWER_DAYS, REVIEW_DAYS, INQUIRY_DAYS = 14, 60, 120
SMART = ("smart_disputes", "prefer_smart_disputes")
INQUIRY = ("warning_needs_response", "warning_under_review")
UNANSWERED = ("needs_response", "warning_needs_response", "appeal_needs_response")
# reason: (Visa's code, Mastercard's, what others are told)
CODES = {
    "credit_not_processed": ("13.7", "4853", "C02"),
    "duplicate": ("12.6.1", "4834", "P08"),
    "fraudulent": ("10.4", "4837", "F29"),
    "general": ("12.5", "4853", "C28"),
    "noncompliant": ("C028", "4853", "C28"),
    "product_not_received": ("13.1", "4853", "C08"),
    "product_unacceptable": ("13.3", "4853", "C31"),
    "subscription_canceled": ("13.2", "4853", "C28"),
    "unrecognized": ("10.4", "4863", "127"),
}
REASONS = (
    *CODES,
    "bank_cannot_process",
    "check_returned",
    "customer_initiated",
    "debit_not_authorized",
    "incorrect_account_details",
    "insufficient_funds",
)


def open_dispute(
    call: Call,
    charge: JSON,
    reason: str = "fraudulent",
    *,
    amount: int | None = None,
    inquiry: bool = False,
    prevented: bool = False,
    ce3: bool = False,
) -> JSON:
    """The customer complains: an inquiry moves no money, a chargeback takes it with a fee, a prevented one refunds.

    It is about what was not refunded, or about the whole charge where all of it was: a bank does not know of the refund.
    """
    left = charge["amount"] - charge["amount_refunded"]
    if prevented and not left:
        raise StripeError("A charge that was refunded in full has nothing left to prevent a dispute about.")
    found = _shape(call, charge, reason, amount or left or charge["amount"], ce3=ce3)
    if prevented:
        return _prevent(call, charge, found)
    if inquiry:
        found["status"], found["is_charge_refundable"] = "warning_needs_response", True
        _case(found, "inquiry")
    else:
        _withdraw(call, found)
    call.add(found, charge=charge["id"], payment_intent=charge["payment_intent"])
    _mark(call, charge, disputed=not inquiry)
    call.emit("charge.dispute.created", found)
    if not inquiry:
        call.emit("charge.dispute.funds_withdrawn", found)
    _wait_for_answer(call, found)
    if inquiry:
        call.after(INQUIRY_DAYS * DAY, "dispute.quiet", dispute=found["id"])
    return found


def submit(call: Call, found: JSON, *, method: str = "manual") -> JSON:
    """Send the evidence to the bank: once, and at a price."""
    eligible = found["evidence_details"]["enhanced_eligibility"].get("visa_compliance")
    if eligible is not None and eligible["status"] != "fee_acknowledged":
        raise StripeError(
            "Countering a Visa compliance dispute costs a network fee: acknowledge it with "
            "`evidence[enhanced_evidence][visa_compliance][fee_acknowledged]`.",
            param="evidence",
        )
    before = {"status": found["status"], "evidence_details": dict(found["evidence_details"])}
    found["status"] = found["status"].replace("needs_response", "under_review")
    found["evidence_details"]["submission_count"] += 1
    found["evidence_details"]["submission_method"] = method
    if found["status"] == "under_review":
        _counter_fee(call, found, -1)
    call.save(found)
    call.emit("charge.dispute.updated", found, before)
    text = found["evidence"]["uncategorized_text"] or ""
    wait = 60 if text in ("winning_evidence", "losing_evidence") else REVIEW_DAYS * DAY
    if found["status"] != "warning_under_review":
        call.after(wait, "dispute.decide", dispute=found["id"])
    elif wait == 60:
        call.after(wait, "dispute.quiet", dispute=found["id"])
    return found


def decide(call: Call, found: JSON, *, won: bool, returned: int | None = None) -> JSON:
    """The bank has decided; a win brings the money back (or `returned` of it), and the fee for countering."""
    before = {"status": found["status"]}
    late = found["status"] == "lost"
    found["status"] = "won" if won else "lost"
    if won:
        _reinstate(call, found, found["amount"] if returned is None else returned)
        if found["evidence_details"]["submission_count"]:
            _counter_fee(call, found, 1)
    call.save(found)
    if won:
        call.emit("charge.dispute.funds_reinstated", found)
    call.emit("charge.dispute.updated" if late else "charge.dispute.closed", found, before if late else None)
    return found


def escalate(call: Call, found: JSON) -> JSON:
    """The bank turns an inquiry into a chargeback."""
    if found["status"] not in (*INQUIRY, "warning_closed"):
        raise StripeError("Only an inquiry can be escalated.")
    before = {"status": found["status"]}
    charge = call.get("charge", found["charge"])
    if charge["refunded"]:
        raise StripeError("A charge that was refunded in full is not charged back.")
    found["status"], found["is_charge_refundable"] = "needs_response", False
    found["evidence_details"].update(due_by=_due(call), past_due=False, submission_count=0)
    found["evidence_details"]["submission_method"] = "not_submitted"
    _case(found, "chargeback")
    _withdraw(call, found)
    call.save(found)
    _mark(call, charge, disputed=True)
    call.emit("charge.dispute.updated", found, before)
    call.emit("charge.dispute.funds_withdrawn", found)
    _wait_for_answer(call, found)
    return found


def appeal(call: Call, found: JSON) -> JSON:
    """A lost dispute is opened again for an appeal."""
    if found["status"] != "lost":
        raise StripeError("Only a lost dispute can be appealed.")
    found["status"] = "appeal_needs_response"
    found["evidence_details"].update(due_by=_due(call), past_due=False)
    call.save(found)
    call.emit("charge.dispute.updated", found, {"status": "lost"})
    _wait_for_answer(call, found)
    return found


def close(call: Call, found: JSON) -> JSON:
    """Give in."""
    if found["status"] not in UNANSWERED:
        raise StripeError("This dispute is already closed.")
    if found["status"] == "warning_needs_response":
        return _quiet(call, found)
    return decide(call, found, won=False)


@job("dispute.due")
def due(call: Call, args: JSON) -> None:
    """The time to answer is over."""
    found = call.look("dispute", args["dispute"])
    if found is None or found["status"] not in UNANSWERED or call.now <= found["evidence_details"]["due_by"]:
        return
    found["evidence_details"]["past_due"] = True
    if found["status"] == "warning_needs_response":
        call.save(found)
        return
    decide(call, found, won=False)


@job("dispute.smart")
def answer_smartly(call: Call, args: JSON) -> None:
    """Stripe answers for the account a day before it is too late, unless it was told to keep out."""
    found = call.look("dispute", args["dispute"])
    if found is None or found["status"] != "needs_response":
        return
    wanted = found["intended_submission_method"]
    asked = wanted in SMART or (wanted is None and profile(call).smart_disputes)
    if asked and "visa_compliance" not in found["enhanced_eligibility_types"]:
        submit(call, found, method="smart_disputes")


@job("dispute.decide")
def decide_later(call: Call, args: JSON) -> None:
    """The bank has looked at the evidence."""
    found = call.look("dispute", args["dispute"])
    if found is None or found["status"] not in ("under_review", "appeal_under_review"):
        return
    text = found["evidence"]["uncategorized_text"]
    by_chance = ord(found["id"][-1]) % 2 == 0
    decide(call, found, won=text == "winning_evidence" or (text != "losing_evidence" and by_chance))


@job("dispute.quiet")
def quiet(call: Call, args: JSON) -> None:
    """An inquiry that nobody escalated."""
    found = call.look("dispute", args["dispute"])
    if found is not None and found["status"] in INQUIRY:
        _quiet(call, found)


def _wait_for_answer(call: Call, found: JSON) -> None:
    due_by = found["evidence_details"]["due_by"]
    call.at(due_by - DAY, "dispute.smart", dispute=found["id"])
    call.at(due_by + 1, "dispute.due", dispute=found["id"])


def _quiet(call: Call, found: JSON) -> JSON:
    found["status"] = "warning_closed"
    call.save(found)
    call.emit("charge.dispute.closed", found)
    return found


def _shape(call: Call, charge: JSON, reason: str, amount: int, *, ce3: bool) -> JSON:
    kind = charge["payment_method_details"]["type"]
    brand = (charge["payment_method_details"].get("card") or {}).get("brand") or "visa"
    visa, mastercard, other = CODES.get(reason, ("", "", ""))
    code = {"visa": visa, "mastercard": mastercard}.get(brand, other) if kind == "card" else None
    types = ["visa_compelling_evidence_3"] if ce3 else ["visa_compliance"] if reason == "noncompliant" else []
    found: JSON = {
        "id": call.new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": call.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": types,
        "evidence": empty_evidence(types),
        "evidence_details": {
            "due_by": _due(call),
            "enhanced_eligibility": eligibility(types, {}),
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": None,
        "is_charge_refundable": False,
        "livemode": call.livemode,
        "metadata": {},
        "network_reason_code": code,
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "needs_response",
    }
    if kind == "card":
        card = {"brand": brand, "case_type": "chargeback", "network": brand, "network_reason_code": code}
        found["payment_method_details"] = {"card": card, "type": "card"}
        if reason == "noncompliant":
            _case(found, "compliance")
    return found


def _case(found: JSON, kind: str) -> None:
    if found.get("payment_method_details"):
        found["payment_method_details"]["card"]["case_type"] = kind


def _due(call: Call) -> int:
    return midnight(day_of(call.now) + ANSWER_DAYS + 1) - 1


def _withdraw(call: Call, found: JSON) -> None:
    settled, at = conversion(call, profile(call), found["currency"])
    fee = dollars(DISPUTE_RECEIVED, settled)
    txn = book(
        call,
        type="adjustment",
        reporting_category="dispute",
        amount=-into(found["amount"], found["currency"], settled, at),
        currency=settled,
        fee_details=[line(fee, settled, "Dispute fee")],
        source=found["id"],
        available_in_days=0,
        description=f"Chargeback withdrawal for {found['charge']}",
        exchange_rate=None if at is None else float(at),
    )
    found["balance_transactions"].append(txn)


def _reinstate(call: Call, found: JSON, returned: int) -> None:
    taken = found["balance_transactions"][0]
    txn = book(
        call,
        type="adjustment",
        reporting_category="dispute_reversal",
        amount=-taken["amount"] * returned // found["amount"],
        currency=taken["currency"],
        source=found["id"],
        available_in_days=0,
        description=f"Chargeback reversal for {found['charge']}",
        exchange_rate=taken["exchange_rate"],
    )
    found["balance_transactions"].append(txn)


def _counter_fee(call: Call, found: JSON, sign: int) -> None:
    currency = found["balance_transactions"][0]["currency"]
    cents = DISPUTE_COUNTERED + (COMPLIANCE_DISPUTE if found["reason"] == "noncompliant" else 0)
    book(
        call,
        type="stripe_fee",
        reporting_category="fee",
        amount=sign * dollars(cents, currency),
        currency=currency,
        available_in_days=0,
        description=f"Dispute countered fee{' returned' if sign > 0 else ''} ({found['id']})",
    )


def _prevent(call: Call, charge: JSON, found: JSON) -> JSON:
    found["status"], found["evidence_details"]["due_by"] = "prevented", None
    _case(found, "resolution")
    call.add(found, charge=charge["id"], payment_intent=charge["payment_intent"])
    refunds.refund(call, charge, found["amount"])
    call.emit("charge.dispute.created", found)
    call.emit("charge.dispute.closed", found)
    return found


def _mark(call: Call, charge: JSON, *, disputed: bool) -> None:
    if disputed and not charge["disputed"]:
        charge["disputed"] = True
        call.save(charge)
        call.emit("charge.updated", charge, {"disputed": False})
        warnings.settled(call, charge["id"])


def _after_charge(call: Call, charge: JSON, detail: str) -> JSON:
    reason = detail if detail in REASONS else "fraudulent"
    return open_dispute(call, charge, reason, ce3=detail == "ce3")


CONSEQUENCES["dispute"] = _after_charge
CONSEQUENCES["inquiry"] = lambda call, charge, detail: open_dispute(call, charge, detail, inquiry=True)
