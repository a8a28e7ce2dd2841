"""What staging, submitting and accepting do to a dispute, and an upload to the files; pure.

    submit({"dispute": "du_1"}, {"dispute": {…}}).fees
    # ("Countering costs 15.00 USD by Stripe's published US price; …",)

Stripe takes evidence once, and an accepted dispute is lost for ever.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from bookhand.core.action import Change, Movement, Moves, Preview, Values
from bookhand.core.money import format_minor
from bookhand.core.problems import Refusal
from bookhand.systems.stripe.actions.words import (
    at,
    changes,
    day,
    id_of,
    inside,
    money,
    payer,
    rows,
    text,
    there,
    whole,
)

Found = Mapping[str, Any]

UNANSWERED = ("needs_response", "warning_needs_response", "appeal_needs_response")
MOST_BYTES = 4_500_000
MOST_CHARACTERS = 150_000
COUNTERED, COMPLIANCE = 1500, 50_000
"""Stripe's published US prices in cents: for countering, and more for a Visa compliance case."""


def stage(values: Values, found: Found) -> Preview:
    """Evidence laid down and not sent."""
    dispute = _answerable(values, found)
    _fits(values, dispute, found)
    given = values["evidence"]
    return _preview(
        dispute,
        f"Stage evidence for {_named(dispute)}, without sending it: {_fields(given)}",
        changes=(
            *_evidence(given, dispute, found),
            *changes(dispute, {"intended_submission_method": "manual"}),
        ),
        fees=("Staging costs nothing; submitting does.",),
        warnings=(*_late(dispute), *_pages(given)),
    )


def submit(values: Values, found: Found) -> Preview:
    """Evidence sent to the bank, once."""
    dispute = _answerable(values, found)
    given = values.get("evidence", {})
    _fits(values, dispute, found)
    kept = {name: one for name, one in inside(dispute.get("evidence")).items() if _filled(one)}
    if not kept and not given:
        raise Refusal(
            f"No evidence is staged for {id_of(dispute)}: stage some first (disputes.stage_evidence), for it is sent once."
        )
    _acknowledged(given, dispute)
    fee = _counter_fee(dispute)
    coin = _settled(dispute)
    return _preview(
        dispute,
        f"Submit the evidence for {_named(dispute)} to the bank: {_fields({**kept, **given})}",
        changes=(
            *_evidence(given, dispute, found),
            Change("status", text(dispute.get("status")), _after_submit(dispute)),
        ),
        moves=(Moves(fee, "usd", "Stripe's fee for countering"),) if fee else (),
        movement=Movement(category="fee", type="stripe_fee", currency="usd", amount=-fee)
        if fee and coin == "usd"
        else None,
        fees=_counter_words(dispute, fee),
        cannot_undo="Evidence is sent once: nothing can be added or taken back afterwards.",
        warnings=(*_late(dispute), *_pages(given)),
    )


def _acknowledged(given: Values, dispute: Found) -> None:
    for network in ("visa_compliance", "mastercard_compliance"):
        wanted = at(dispute, f"evidence_details.enhanced_eligibility.{network}.status")
        if wanted == "requires_fee_acknowledgement" and not at(
            given, f"enhanced_evidence.{network}.fee_acknowledged"
        ):
            raise Refusal(
                f"{id_of(dispute)} is a compliance case, and countering it costs the network's fee: "
                f"acknowledge it with evidence.enhanced_evidence.{network}.fee_acknowledged=true."
            )


def accept(values: Values, found: Found) -> Preview:
    """The dispute given up."""
    dispute = there(found, "dispute", "dispute", values["dispute"])
    status = text(dispute.get("status"))
    if status not in UNANSWERED:
        raise Refusal(
            f"Dispute {id_of(dispute)} is {status or 'in an unknown state'}: only one that waits for a response can be accepted."
        )
    inquiry = status.startswith("warning_")
    taken = money(dispute.get("amount"), dispute.get("currency"))
    end = "No money has moved yet." if inquiry else f"{taken} stays with the customer."
    return _preview(
        dispute,
        f"Accept {_named(dispute)}: it is closed without a fight",
        changes=(Change("status", status, "warning_closed" if inquiry else "lost"),),
        moves=()
        if inquiry
        else (
            Moves(
                whole(dispute, "amount"),
                text(dispute.get("currency"), 8),
                "stays with the customer; it left your balance when the dispute opened",
            ),
        ),
        fees=() if inquiry else ("The fee for receiving the dispute is not returned.",),
        cannot_undo=f"An accepted dispute cannot be opened again. {end}",
    )


def upload(values: Values, found: Found) -> Preview:
    """A file laid down at Stripe."""
    del found
    data = b64decode(values["content_base64"])
    return Preview(
        says=f"Upload {text(values['filename'])} ({len(data):,} bytes) to Stripe as {values['purpose'].replace('_', ' ')}",
        cannot_undo="Stripe offers no way to delete an uploaded file.",
        warnings=(
            "Mastercard takes at most 19 pages, other networks fewer than 50: the pages are not counted here.",
        )
        if values["purpose"] == "dispute_evidence"
        else (),
    )


def _answerable(values: Values, found: Found) -> Found:
    dispute = there(found, "dispute", "dispute", values["dispute"])
    name, status = id_of(dispute), text(dispute.get("status"))
    if status not in UNANSWERED:
        raise Refusal(f"Dispute {name} is {status or 'in an unknown state'}: it takes no evidence any more.")
    if whole(dispute, "evidence_details.submission_count") and not status.startswith("appeal_"):
        raise Refusal(f"Evidence for {name} was submitted already: Stripe takes it once.")
    if at(dispute, "evidence_details.past_due") is True:
        raise Refusal(
            f"The time to answer {name} is over (it was due {day(at(dispute, 'evidence_details.due_by'))}): "
            "the bank is not sure to read what comes now."
        )
    return dispute


def _fits(values: Values, dispute: Found, found: Found) -> None:
    """Refuse what the networks do not take: wrong files, too many bytes, too many characters."""
    size = 0
    for name in file_fields(values):
        file = there(found, f"file_{name}", "file", values["evidence"][name])
        if file.get("purpose") != "dispute_evidence":
            raise Refusal(
                f"File {id_of(file)} was uploaded for {text(file.get('purpose'))}: upload it again for dispute_evidence."
            )
        size += whole(file, "size")
    if size > MOST_BYTES:
        raise Refusal(
            f"The files have {size:,} bytes together; networks take {MOST_BYTES:,}: make them smaller."
        )
    laid = {**inside(dispute.get("evidence")), **values.get("evidence", {})}
    said = sum(len(one) for name, one in laid.items() if isinstance(one, str) and name not in FILES)
    if said > MOST_CHARACTERS:
        raise Refusal(
            f"The texts have {said:,} characters together; Stripe takes {MOST_CHARACTERS:,}: shorten them."
        )


FILES = (
    "cancellation_policy", "customer_communication", "customer_signature", "duplicate_charge_documentation", "receipt",
    "refund_policy", "service_documentation", "shipping_documentation", "uncategorized_file",
)  # fmt: skip
"""The evidence fields that hold the id of a file."""


def file_fields(values: Values) -> list[str]:
    """The fields of the evidence given that name a file."""
    return [name for name in FILES if values.get("evidence", {}).get(name)]


def _preview(dispute: Found, says: str, **more: Any) -> Preview:
    return Preview(
        says=says,
        subject=id_of(dispute),
        customer=id_of(at(dispute, "charge.customer")),
        **more,
    )


def _named(dispute: Found) -> str:
    kind = "inquiry" if str(dispute.get("status", "")).startswith("warning_") else "dispute"
    who = payer(inside(dispute.get("charge")))
    sum_ = money(dispute.get("amount"), dispute.get("currency"))
    reason = text(dispute.get("reason"), 40).replace("_", " ") or "no reason given"
    return f"{kind} {id_of(dispute)} by {who} over {sum_} ({reason})"


def _evidence(given: Values, dispute: Found, found: Found) -> tuple[Change, ...]:
    shown = {
        name: _file_words(found.get(f"file_{name}"), one) if name in FILES else one
        for name, one in given.items()
    }
    return changes(inside(dispute.get("evidence")), shown)


def _file_words(file: Any, named: Any) -> str:
    obj = inside(file)
    return f"{text(obj.get('filename'), 60)} ({id_of(obj)})" if obj.get("filename") else text(named)


def _fields(evidence: Mapping[str, Any]) -> str:
    return ", ".join(name.replace("_", " ") for name in sorted(evidence)) or "nothing"


def _filled(one: Any) -> bool:
    if isinstance(one, Mapping):
        return any(map(_filled, one.values()))
    return bool(one)


def _after_submit(dispute: Found) -> str:
    return text(dispute.get("status")).replace("needs_response", "under_review")


def _settled(dispute: Found) -> str:
    taken = rows(dispute.get("balance_transactions"))
    return text(taken[0].get("currency") if taken else dispute.get("currency"), 8)


def _counter_fee(dispute: Found) -> int:
    if dispute.get("status") != "needs_response":
        return 0
    return COUNTERED + (COMPLIANCE if dispute.get("reason") == "noncompliant" else 0)


def _counter_words(dispute: Found, fee: int) -> tuple[str, ...]:
    if not fee:
        return ("Answering an inquiry or an appeal has no published fee; what it costs you may differ.",)
    extra = ", 500.00 of it for a Visa compliance case" if dispute.get("reason") == "noncompliant" else ""
    price = f"Countering costs {format_minor(fee, 'usd')} USD{extra}: Stripe's published US price, yours may differ."
    return (f"{price} It is returned if you win (not in Mexico or Japan).",)


def _late(dispute: Found) -> tuple[str, ...]:
    due = whole(dispute, "evidence_details.due_by")
    return (
        (f"The bank must have the answer by {day(due)}.",)
        if due
        else ("Stripe names no day by which to answer.",)
    )


def _pages(given: Values) -> tuple[str, ...]:
    files = [name for name in FILES if given.get(name)]
    return (
        (
            "Mastercard takes at most 19 pages in all, other networks fewer than 50: count them before it is sent.",
        )
        if files
        else ()
    )
