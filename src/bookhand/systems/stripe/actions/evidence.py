"""Evidence in a dispute, as Stripe's fields: texts of at most 20,000 characters, files by their ids.

    Evidence(product_description="A yearly plan", receipt="file_1").model_dump(exclude_none=True)
    # {'product_description': 'A yearly plan', 'receipt': 'file_1'}

Field by field it is laid over what is staged; an empty text takes a field away.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from bookhand.core.action import Params
from bookhand.systems.stripe.actions.fields import ChargeId, FileId
from bookhand.systems.stripe.actions.own_fields import Address

Told = Annotated[str, StringConstraints(max_length=20_000)]


def _said(what: str) -> object:
    return Field(description=f"{what} An empty text takes it away.")


def _file(what: str) -> object:
    return Field(description=f"The id of an uploaded file (purpose dispute_evidence): {what}.")


class Transaction(Params):
    """One payment, with what tells who made it."""

    customer_account_id: Annotated[Told | None, _said("The account name the customer signs in with.")] = None
    customer_device_fingerprint: Annotated[Told | None, _said("The device's fingerprint, 20 characters or more.")] = None  # fmt: skip
    customer_device_id: Annotated[Told | None, _said("The device's serial number, 15 characters or more.")] = None  # fmt: skip
    customer_email_address: Annotated[Told | None, _said("The customer's e-mail address.")] = None
    customer_purchase_ip: Annotated[Told | None, _said("The IP address of the purchase.")] = None
    product_description: Annotated[Told | None, _said("What was sold.")] = None
    shipping_address: Annotated[Address | None, Field(description="Where it was sent: every field is wanted.")] = None  # fmt: skip


class Disputed(Transaction):
    """The payment that is disputed."""

    merchandise_or_services: Annotated[
        Literal["merchandise", "services"] | None, Field(description="Goods or a service.")
    ] = None


class Prior(Transaction):
    """An earlier payment that nobody disputed, 120 to 364 days old."""

    charge: Annotated[ChargeId, Field(description="Its charge.")]


class CompellingEvidence(Params):
    """Visa's Compelling Evidence 3.0: two earlier payments by the same person."""

    disputed_transaction: Annotated[Disputed | None, Field(description="The payment that is disputed.")] = (
        None
    )
    prior_undisputed_transactions: Annotated[
        list[Prior] | None, Field(min_length=2, max_length=2, description="Exactly two earlier payments.")
    ] = None


class Acknowledged(Params):
    """A fee that is accepted."""

    fee_acknowledged: Annotated[bool, Field(description="True to accept the network's fee for countering.")]


class Enhanced(Params):
    """Evidence by a network's own rules, where the dispute is eligible."""

    visa_compelling_evidence_3: Annotated[
        CompellingEvidence | None, Field(description="For Visa reason 10.4.")
    ] = None
    visa_compliance: Annotated[Acknowledged | None, Field(description="For a Visa compliance case: 500 USD more.")] = None  # fmt: skip
    mastercard_compliance: Annotated[
        Acknowledged | None, Field(description="For a Mastercard compliance case.")
    ] = None


class CardAppeal(Params):
    """An appeal against a lost card dispute."""

    reason_for_filing: Annotated[Told | None, _said("Why the decision is wrong.")] = None
    supporting_files: Annotated[list[FileId] | None, Field(max_length=10, description="Uploaded files (purpose dispute_evidence).")] = None  # fmt: skip


class Appeal(Params):
    """What an appeal says."""

    card: Annotated[CardAppeal | None, Field(description="For a card.")] = None


class Evidence(Params):
    """What is told to the bank. Any of it, but something."""

    access_activity_log: Annotated[Told | None, _said("When and from where the customer used what they bought.")] = None  # fmt: skip
    billing_address: Annotated[Told | None, _said("The billing address the customer gave.")] = None
    cancellation_policy: Annotated[FileId | None, _file("the cancellation policy as shown")] = None
    cancellation_policy_disclosure: Annotated[Told | None, _said("How and when the customer was shown it.")] = None  # fmt: skip
    cancellation_rebuttal: Annotated[Told | None, _said("Why the subscription was not canceled.")] = None
    customer_communication: Annotated[FileId | None, _file("messages with the customer")] = None
    customer_email_address: Annotated[Told | None, _said("The customer's e-mail address.")] = None
    customer_name: Annotated[Told | None, _said("The customer's name.")] = None
    customer_purchase_ip: Annotated[Told | None, _said("The IP address of the purchase.")] = None
    customer_signature: Annotated[FileId | None, _file("something the customer signed")] = None
    duplicate_charge_documentation: Annotated[FileId | None, _file("papers of the charge it is taken for")] = None  # fmt: skip
    duplicate_charge_explanation: Annotated[Told | None, _said("How the two charges differ.")] = None
    duplicate_charge_id: Annotated[ChargeId | None, Field(description="The charge it is taken for a second of.")] = None  # fmt: skip
    product_description: Annotated[Told | None, _said("What was sold.")] = None
    receipt: Annotated[FileId | None, _file("the receipt")] = None
    refund_policy: Annotated[FileId | None, _file("the refund policy as shown")] = None
    refund_policy_disclosure: Annotated[Told | None, _said("That the customer was shown it before buying.")] = None  # fmt: skip
    refund_refusal_explanation: Annotated[Told | None, _said("Why no refund is owed.")] = None
    service_date: Annotated[Told | None, _said("When the service was given, as people write dates.")] = None
    service_documentation: Annotated[FileId | None, _file("proof that the service was given")] = None
    shipping_address: Annotated[Told | None, _said("Where the goods were sent.")] = None
    shipping_carrier: Annotated[Told | None, _said("Who carried them; several with commas.")] = None
    shipping_date: Annotated[Told | None, _said("When they were sent, as people write dates.")] = None
    shipping_documentation: Annotated[FileId | None, _file("proof that the goods were sent")] = None
    shipping_tracking_number: Annotated[Told | None, _said("The tracking number; several with commas.")] = (
        None
    )
    uncategorized_file: Annotated[FileId | None, _file("anything else")] = None
    uncategorized_text: Annotated[Told | None, _said("Anything else.")] = None
    enhanced_evidence: Annotated[Enhanced | None, Field(description="By a network's own rules.")] = None
    appeal: Annotated[Appeal | None, Field(description="Against a decision that was lost.")] = None
