"""Stripe's writes that move money: refunds, payments, payouts, disputes and the files that are their evidence.

    by_name = {action.name: action for action in MONEY_WRITES}
    by_name["refunds.create"].params(charge="ch_1", amount=1500)

Each says what to read for an honest preview, which fields an approval binds, and where to look when an answer was lost.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as BadBase64
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from bookhand.core.action import Action, Call, Get, Lookup, Params, Plan, Shape, Values
from bookhand.systems.stripe.actions import previews_disputes, previews_money
from bookhand.systems.stripe.actions.evidence import Evidence
from bookhand.systems.stripe.actions.fields import (
    ChargeId,
    Currency,
    CustomerId,
    DestinationId,
    DisputeId,
    Line,
    Minor,
    PaymentIntentId,
    PaymentMethodId,
)
from bookhand.systems.stripe.actions.own_fields import Tagged, chargeable, exactly_one

_EACH = "25 calls a second."


class RefundsCreate(Tagged):
    """A refund of a charge, or of a payment intent's charge."""

    charge: Annotated[ChargeId | None, Field(description="The charge to give back.")] = None
    payment_intent: Annotated[PaymentIntentId | None, Field(description="Or the payment intent whose charge to give back.")] = None  # fmt: skip
    amount: Annotated[Minor | None, Field(description="How much, in minor units of the charge's currency; without it, all that is left.")] = None  # fmt: skip
    reason: Annotated[
        Literal["duplicate", "fraudulent", "requested_by_customer"] | None,
        Field(description="Why; fraudulent also blocks the card and the e-mail."),
    ] = None
    reverse_transfer: Annotated[bool | None, Field(description="Take the connected account's share back.")] = None  # fmt: skip
    refund_application_fee: Annotated[bool | None, Field(description="Give the platform's fee back too.")] = None  # fmt: skip

    def model_post_init(self, _: Any) -> None:
        """One of charge and payment intent."""
        exactly_one(self, "charge", "payment_intent")


class PaymentIntentsCreate(Tagged):
    """A payment: confirmed it charges at once, else it waits."""

    amount: Annotated[Minor, Field(description="How much, in minor units.")]
    currency: Annotated[Currency, Field(description="In which currency.")]
    customer: Annotated[CustomerId | None, Field(description="Who pays.")] = None
    payment_method: Annotated[PaymentMethodId | None, Field(description="With what.")] = None
    confirm: Annotated[bool | None, Field(description="True charges now; without it nothing is charged yet.")] = None  # fmt: skip
    off_session: Annotated[bool | None, Field(description="True when the customer is not there to be asked (only with confirm).")] = None  # fmt: skip
    capture_method: Annotated[
        Literal["automatic", "automatic_async", "manual"] | None,
        Field(description="manual holds the money until it is captured."),
    ] = None
    description: Annotated[Line | None, Field(description="For your own eyes.")] = None
    receipt_email: Annotated[Line | None, Field(description="Where Stripe mails the receipt.")] = None
    statement_descriptor_suffix: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=22)] | None,
        Field(description="What stands after your name on a card statement."),
    ] = None

    def model_post_init(self, _: Any) -> None:
        """What confirming needs."""
        chargeable(self.amount, self.currency)
        if self.confirm and self.payment_method is None:
            raise ValueError("To confirm, name the payment_method to charge.")
        if self.off_session and not self.confirm:
            raise ValueError("off_session counts only with confirm=true: leave it out, or confirm.")
        if self.off_session and self.customer is None:
            raise ValueError("An off_session payment needs its customer.")


class PayoutsCreate(Tagged):
    """Money from the Stripe balance to the bank."""

    amount: Annotated[Minor, Field(description="How much, in minor units.")]
    currency: Annotated[Currency, Field(description="From the balance of this currency.")]
    method: Annotated[Literal["standard", "instant"] | None, Field(description="instant costs a fee; standard is free.")] = None  # fmt: skip
    source_type: Annotated[
        Literal["card", "bank_account", "fpx"] | None,
        Field(description="From which part of the balance."),
    ] = None
    destination: Annotated[DestinationId | None, Field(description="To which bank account or debit card; without it, the default.")] = None  # fmt: skip
    description: Annotated[Line | None, Field(description="For your own eyes.")] = None
    statement_descriptor: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=22)] | None,
        Field(description="What the bank statement says."),
    ] = None


class DisputesStage(Tagged):
    """Evidence to lay down without sending it."""

    dispute: Annotated[DisputeId, Field(description="The dispute.")]
    evidence: Annotated[Evidence, Field(description="What to lay down; fields not named stay as they are.")]

    def model_post_init(self, _: Any) -> None:
        """Something."""
        if not self.evidence.model_dump(exclude_none=True):
            raise ValueError("No evidence was given: name at least one of its fields.")


class DisputesSubmit(Tagged):
    """Evidence to send to the bank: what is staged, and what is given here."""

    dispute: Annotated[DisputeId, Field(description="The dispute.")]
    evidence: Annotated[Evidence | None, Field(description="What to add to the staged evidence before it is sent.")] = None  # fmt: skip


class DisputesAccept(Params):
    """A dispute to give up."""

    dispute: Annotated[DisputeId, Field(description="The dispute.")]


Purpose = Literal["dispute_evidence", "account_requirement", "additional_verification", "customer_signature",
                  "tax_document_user_upload"]  # fmt: skip
MOST_BYTES: dict[str, int] = {
    "dispute_evidence": 4_500_000,
    "customer_signature": 4_000_000,
}
_MOST_BYTES = 10_000_000
_MAGIC = (b"%PDF-", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")


class FilesCreate(Params):
    """A PDF, JPEG or PNG to upload."""

    filename: Annotated[
        str,
        StringConstraints(pattern=r"^[\w][\w .()-]*\.(pdf|jpe?g|png|PDF|JPE?G|PNG)$", max_length=150),
        Field(description="Its name with its ending: letters, digits, spaces, dots, hyphens."),
    ]
    content_base64: Annotated[
        str,
        StringConstraints(min_length=1, max_length=13_400_000),
        Field(description="The file itself, in base64; at most 4.5 MB for evidence."),
    ]
    purpose: Annotated[Purpose, Field(description="What it is for; evidence in a dispute is dispute_evidence.")]  # fmt: skip

    def model_post_init(self, _: Any) -> None:
        """Whole, of a kind that is taken, and not too large."""
        data = _decoded(self.content_base64)
        if not data.startswith(_MAGIC):
            raise ValueError(
                "The content is no PDF, JPEG or PNG: Stripe looks at its first bytes, not its name."
            )
        most = MOST_BYTES.get(self.purpose, _MOST_BYTES)
        if len(data) > most:
            raise ValueError(
                f"The file has {len(data):,} bytes; for {self.purpose} it is at most {most:,}: make it smaller."
            )


def _decoded(content: str) -> bytes:
    try:
        return b64decode(content, validate=True)
    except BadBase64:
        raise ValueError("The content is not base64: encode the file's bytes, without line breaks.") from None


def _refund_reads(values: Values) -> dict[str, Get]:
    kept = ["customer", "balance_transaction"]
    if "charge" in values:
        return {
            "charge": Get(f"/v1/charges/{values['charge']}", {"expand": kept}),
            "disputes": Get("/v1/disputes", {"charge": values["charge"]}),
        }
    intent = values["payment_intent"]
    return {
        "payment_intent": Get(
            f"/v1/payment_intents/{intent}",
            {"expand": ["customer", "latest_charge.balance_transaction"]},
        ),
        "disputes": Get("/v1/disputes", {"payment_intent": intent}),
    }


def _refund_list(values: Values) -> Get:
    return Get("/v1/refunds", {name: values[name] for name in ("charge", "payment_intent") if name in values})


def _payment_reads(values: Values) -> dict[str, Get]:
    found = {"balance": Get("/v1/balance")} if values.get("confirm") else {}
    if "customer" in values:
        found["customer"] = Get(f"/v1/customers/{values['customer']}")
    if "payment_method" in values:
        found["payment_method"] = Get(f"/v1/payment_methods/{values['payment_method']}")
    return found


def _payment_list(values: Values) -> Get:
    return Get("/v1/payment_intents", {name: values[name] for name in ("customer",) if name in values})


def _dispute(values: Values) -> Get:
    return Get(f"/v1/disputes/{values['dispute']}")


def _dispute_reads(values: Values) -> dict[str, Get]:
    files = {
        f"file_{name}": Get(f"/v1/files/{values['evidence'][name]}")
        for name in previews_disputes.file_fields(values)
    }
    dispute = Get(_dispute(values).path, {"expand": ["charge.customer"]})
    return {"dispute": dispute, **files}


def _submitted(_: Values, dispute: Any) -> bool:
    """It was sent, by whomever: before, nothing was."""
    status = str(dispute.get("status"))
    count = (dispute.get("evidence_details") or {}).get("submission_count") or 0
    return status.endswith("under_review") or (count > 0 and not status.endswith("needs_response"))


def _closed(_: Values, dispute: Any) -> bool:
    return dispute.get("status") in ("lost", "warning_closed")


_CHARGE = ("amount", "amount_captured", "amount_refunded", "captured", "currency", "disputed", "paid", "refunded",
           "status")  # fmt: skip
_DISPUTE = ("amount", "currency", "reason", "status", "evidence_details.due_by", "evidence_details.past_due",
            "evidence_details.submission_count")  # fmt: skip

_REFUND = Action(
    name="refunds.create", vendor="stripe", summary="Give money back for a charge", risk="money",
    params=RefundsCreate,
    result=Shape("refund", {
        "id": "the refund's id (re_… or pyr_…)", "amount": "how much, in minor units", "currency": "of the charge",
        "charge": "the charge that is given back", "status": "pending, requires_action, succeeded, failed or canceled",
        "failure_reason": "why it failed, if it did", "balance_transaction": "the movement it made",
    }),
    scope="rak_charge_write", limits=_EACH,
    when="To give a customer their money back, in whole or in part; not for a charge that is charged back: that pays twice.",
    call=Call("POST", "/v1/refunds"),
    plan=Plan(
        reads=_refund_reads,
        watched={
            "charge": _CHARGE,
            "payment_intent": ("latest_charge.id", *(f"latest_charge.{name}" for name in _CHARGE)),
        },
        preview=previews_money.refund,
    ),
    lookup=Lookup(listed=_refund_list, events=("refund.created",)),
)  # fmt: skip

_PAYMENT = Action(
    name="payment_intents.create", vendor="stripe", summary="Charge a customer, or prepare a payment", risk="money",
    params=PaymentIntentsCreate,
    result=Shape("payment_intent", {
        "id": "the payment intent's id (pi_…)", "amount": "how much, in minor units", "currency": "in which currency",
        "status": "requires_payment_method, requires_confirmation, requires_action, processing, requires_capture, succeeded or canceled",
        "latest_charge": "the charge it made, if any", "last_payment_error": "why it was declined, if it was",
    }),
    scope="rak_payment_intent_write", limits=f"{_EACH} 1,000 changes an hour for one payment intent.",
    when="To charge a saved payment method (confirm, off_session). For what a subscription or an invoice bills, use invoices.pay.",
    call=Call("POST", "/v1/payment_intents", fixed={"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}),
    plan=Plan(
        reads=_payment_reads,
        watched={"customer": ("id", "deleted"), "payment_method": ("id", "customer", "type", "card.last4", "card.exp_year")},
        preview=previews_money.payment, needed=("customer", "payment_method"),
    ),
    lookup=Lookup(
        listed=_payment_list,
        events=("payment_intent.created",),
    ),
)  # fmt: skip

_PAYOUT = Action(
    name="payouts.create", vendor="stripe", summary="Pay out from the Stripe balance to the bank", risk="money",
    params=PayoutsCreate,
    result=Shape("payout", {
        "id": "the payout's id (po_…)", "amount": "how much, in minor units", "currency": "in which currency",
        "status": "pending, in_transit, paid, failed or canceled", "arrival_date": "the day it should arrive (Unix seconds)",
        "method": "standard or instant",
    }),
    scope="rak_payout_write", limits="15 calls a second, 30 at once.",
    when="Where payouts are made by hand, or money is wanted at once (instant). Automatic payouts need no call.",
    call=Call("POST", "/v1/payouts"),
    plan=Plan(
        reads=lambda _: {"balance": Get("/v1/balance")}, watched={}, preview=previews_money.payout, needed=("balance",),
    ),
    lookup=Lookup(listed=lambda _: Get("/v1/payouts"), events=("payout.created",)),
)  # fmt: skip

_DISPUTE_SHAPE = Shape("dispute", {
    "id": "the dispute's id (du_…)", "status": "needs_response, under_review, won, lost …",
    "amount": "how much is disputed, in minor units", "currency": "of the charge",
    "evidence": "what is staged or was sent", "evidence_details": "due_by, has_evidence, submission_count …",
})  # fmt: skip

_STAGE = Action(
    name="disputes.stage_evidence", vendor="stripe", summary="Lay down evidence in a dispute without sending it",
    risk="write", params=DisputesStage, result=_DISPUTE_SHAPE, scope="rak_dispute_write", limits=_EACH,
    when="To collect the packet first. Stripe's own default is to send at once: this never does.",
    call=Call("POST", "/v1/disputes/{dispute}", fixed={"submit": False, "intended_submission_method": "manual"}),
    plan=Plan(
        reads=_dispute_reads, watched={"dispute": (*_DISPUTE, "evidence")}, preview=previews_disputes.stage,
        needed=("dispute",),
    ),
    lookup=Lookup(marked=_dispute, events=("charge.dispute.updated",)),
)  # fmt: skip

_SUBMIT = Action(
    name="disputes.submit_evidence", vendor="stripe", summary="Send the evidence of a dispute to the bank, once",
    risk="irreversible", params=DisputesSubmit, result=_DISPUTE_SHAPE, scope="rak_dispute_write", limits=_EACH,
    when="When the staged packet is complete and read by a person: it is sent once, and countering costs a fee.",
    call=Call("POST", "/v1/disputes/{dispute}", fixed={"submit": True, "intended_submission_method": "manual"}),
    plan=Plan(
        reads=_dispute_reads, watched={"dispute": (*_DISPUTE, "evidence")}, preview=previews_disputes.submit,
        needed=("dispute",),
    ),
    lookup=Lookup(marked=_dispute, state=(_dispute, _submitted), events=("charge.dispute.updated",)),
)  # fmt: skip

_ACCEPT = Action(
    name="disputes.accept", vendor="stripe", summary="Accept a dispute as lost", risk="irreversible",
    params=DisputesAccept, result=_DISPUTE_SHAPE, scope="rak_dispute_write", limits=_EACH,
    when="When the customer is right, or the fee for countering is more than the case is worth.",
    call=Call("POST", "/v1/disputes/{dispute}/close", marked=False),
    plan=Plan(
        reads=_dispute_reads, watched={"dispute": _DISPUTE}, preview=previews_disputes.accept, needed=("dispute",),
    ),
    lookup=Lookup(state=(_dispute, _closed), events=("charge.dispute.closed",)),
)  # fmt: skip

_FILE = Action(
    name="files.create", vendor="stripe", summary="Upload a file, as evidence in a dispute", risk="write",
    params=FilesCreate,
    result=Shape("file", {
        "id": "the file's id (file_…)", "filename": "its name", "purpose": "what it is for", "size": "in bytes",
        "type": "pdf, jpg or png",
    }),
    scope="rak_file_write", limits="20 calls a second; PDF, JPEG or PNG; 4.5 MB in all for one dispute.",
    when="Before disputes.stage_evidence, which takes the ids of files.",
    call=Call("POST", "/v1/files", upload=True, deep="filename"),
    plan=Plan(reads=lambda _: {}, watched={}, preview=previews_disputes.upload),
    lookup=Lookup(listed=lambda values: Get("/v1/files", {"purpose": values["purpose"]})),
)  # fmt: skip

MONEY_WRITES: tuple[Action, ...] = (_REFUND, _PAYMENT, _PAYOUT, _STAGE, _SUBMIT, _ACCEPT, _FILE)
"""What moves money, and what is told to a bank."""
