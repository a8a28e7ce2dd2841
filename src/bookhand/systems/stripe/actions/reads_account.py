"""The account itself: its balance and every movement of it, payouts, fees of a platform, accounts, events, files.

>>> [action.name for action in ACCOUNT_READS][:2]
['balance.retrieve', 'balance_transactions.list']
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from bookhand.systems.stripe.actions.entries import Kind, Word, lists, retrieves
from bookhand.systems.stripe.actions.fields import (
    AccountId,
    AnyId,
    ApplicationFeeId,
    BalanceTransactionId,
    ChargeId,
    Created,
    Currency,
    DestinationId,
    EventId,
    FileId,
    ListParams,
    PayoutId,
    RetrieveParams,
    Span,
)

_CREATED = Field(description="Only those created in this span.")

BALANCE = Kind(
    resource="balance", object="balance", scope="rak_balance_read",
    fields={
        "available": "by currency, in minor units: what can be paid out", "pending": "by currency: what is not available yet",
        "instant_available": "by currency: what can be paid out at once", "connect_reserved": "by currency: held for connected accounts",
    },
)  # fmt: skip


class BalanceRetrieve(RetrieveParams):
    """Nothing but what to expand."""


TRANSACTION = Kind(
    resource="balance_transactions", object="balance_transaction", scope="rak_balance_transaction_source_read",
    fields={
        "id": "the movement (txn_…)", "amount": "before fees, in minor units; negative leaves the balance", "fee": "what Stripe kept",
        "net": "amount less fee", "currency": "of the balance it moved", "reporting_category": "what kind of movement it is",
        "type": "its finer kind", "source": "what moved it", "status": "pending or available", "available_on": "Unix seconds",
        "created": "Unix seconds",
    },
)  # fmt: skip


class BalanceTransactionsList(ListParams):
    """Filters of a list of balance transactions."""

    currency: Annotated[Currency | None, Field(description="Only movements of the balance in this currency.")] = None  # fmt: skip
    payout: Annotated[PayoutId | None, Field(description="Only what this automatic payout paid out; Stripe cannot tell it of a manual one.")] = None  # fmt: skip
    source: Annotated[AnyId | None, Field(description="Only movements that this object (charge, refund, dispute …) made.")] = None  # fmt: skip
    type: Annotated[Word | None, Field(description="Only of this type, as in charge, refund, adjustment, stripe_fee or payout.")] = None  # fmt: skip
    created: Annotated[Created | None, _CREATED] = None


class BalanceTransactionRetrieve(RetrieveParams):
    """Which balance transaction."""

    id: Annotated[BalanceTransactionId, Field(description="The balance transaction's id.")]


PAYOUT = Kind(
    resource="payouts", object="payout", scope="rak_payout_read",
    fields={
        "id": "the payout (po_…)", "amount": "in minor units; negative takes from the bank", "currency": "of the amount",
        "status": "pending, in_transit, paid, failed or canceled", "arrival_date": "when it should arrive (Unix seconds)",
        "automatic": "whether the schedule made it", "method": "standard or instant", "destination": "the bank account or card",
        "failure_code": "why it failed", "reconciliation_status": "whether its balance transactions can be listed", "created": "Unix seconds",
    },
)  # fmt: skip


class PayoutsList(ListParams):
    """Filters of a list of payouts."""

    status: Annotated[Literal["pending", "paid", "failed", "canceled"] | None, Field(description="Only those of this status.")] = None  # fmt: skip
    destination: Annotated[DestinationId | None, Field(description="Only those to this bank account or card.")] = None  # fmt: skip
    arrival_date: Annotated[Span | None, Field(description="Only those that should arrive in this span.")] = (
        None
    )
    created: Annotated[Created | None, _CREATED] = None


class PayoutRetrieve(RetrieveParams):
    """Which payout."""

    payout: Annotated[PayoutId, Field(description="The payout's id.")]


FEE = Kind(
    resource="application_fees", object="application_fee", scope="rak_application_fee_read",
    fields={
        "id": "the application fee (fee_…)", "amount": "in minor units", "amount_refunded": "what went back", "currency": "of the amount",
        "account": "the connected account that paid it", "charge": "the charge it was taken from", "created": "Unix seconds",
    },
)  # fmt: skip


class ApplicationFeesList(ListParams):
    """Filters of a list of application fees."""

    charge: Annotated[ChargeId | None, Field(description="Only the fee of this charge.")] = None
    created: Annotated[Created | None, _CREATED] = None


class ApplicationFeeRetrieve(RetrieveParams):
    """Which application fee."""

    id: Annotated[ApplicationFeeId, Field(description="The application fee's id.")]


ACCOUNT = Kind(
    resource="accounts", object="account", scope="rak_connected_account_read",
    fields={
        "id": "the account (acct_…)", "business_profile": "its name and address", "country": "two letters", "email": "its address",
        "charges_enabled": "whether it can be paid", "payouts_enabled": "whether it can pay out", "requirements": "what Stripe still wants",
        "default_currency": "what it settles in", "type": "standard, express, custom or none", "created": "Unix seconds",
    },
)  # fmt: skip


class AccountsList(ListParams):
    """Filters of a list of connected accounts."""

    created: Annotated[Created | None, Field(description="Only those connected in this span.")] = None


class AccountRetrieve(RetrieveParams):
    """Which account."""

    account: Annotated[AccountId, Field(description="The connected account's id.")]


EVENT = Kind(
    resource="events", object="event", scope="rak_event_read",
    fields={
        "id": "the event (evt_…)", "type": "what happened, as in charge.refunded", "data": "the object as it was then, and what it was before",
        "request": "the request that made it happen, with its idempotency key", "api_version": "the version it is written in",
        "created": "Unix seconds",
    },
)  # fmt: skip
_Type = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.]+(\*)?$", max_length=100)]


class EventsList(ListParams):
    """Filters of a list of events."""

    type: Annotated[_Type | None, Field(description="Only events of this type; charge.* is all of a family.")] = None  # fmt: skip
    types: Annotated[list[_Type] | None, Field(min_length=1, max_length=20, description="Only events of one of these types; not together with type.")] = None  # fmt: skip
    delivery_success: Annotated[bool | None, Field(description="True: only those that every webhook endpoint took; false: only the others.")] = None  # fmt: skip
    created: Annotated[Created | None, _CREATED] = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.type is not None and self.types is not None:
            raise ValueError("Give type or types, not both.")
        return self


class EventRetrieve(RetrieveParams):
    """Which event."""

    id: Annotated[EventId, Field(description="The event's id.")]


FILE = Kind(
    resource="files", object="file", scope="rak_file_read",
    fields={
        "id": "the file (file_…)", "filename": "its name", "purpose": "what it is for", "size": "in bytes", "type": "pdf, jpg, png, csv …",
        "expires_at": "when it goes (Unix seconds)", "created": "Unix seconds",
    },
)  # fmt: skip


class FilesList(ListParams):
    """Filters of a list of files."""

    purpose: Annotated[Word | None, Field(description="Only those of this purpose, as in dispute_evidence or finance_report_run.")] = None  # fmt: skip
    created: Annotated[Created | None, _CREATED] = None


class FileRetrieve(RetrieveParams):
    """Which file."""

    file: Annotated[FileId, Field(description="The file's id.")]


ACCOUNT_READS = (
    retrieves(BALANCE, BalanceRetrieve, "The balance now, by currency", "/v1/balance", when="To see what can be paid out. The books tell how it came to be."),
    lists(TRANSACTION, BalanceTransactionsList, "Movements of the balance, newest first", when="To see what moved money, and the fees. What the books hold is in the journal, and needs no call."),
    retrieves(TRANSACTION, BalanceTransactionRetrieve, "One movement of the balance", "/v1/balance_transactions/{id}"),
    lists(PAYOUT, PayoutsList, "Payouts, newest first", when="To see what went to the bank. One that is paid can still fail within days."),
    retrieves(PAYOUT, PayoutRetrieve, "One payout", "/v1/payouts/{payout}"),
    lists(FEE, ApplicationFeesList, "Fees that a platform took, newest first", when="On a platform alone: elsewhere the list is empty."),
    retrieves(FEE, ApplicationFeeRetrieve, "One application fee", "/v1/application_fees/{id}"),
    lists(ACCOUNT, AccountsList, "Connected accounts, newest first", when="On a platform alone: elsewhere the list is empty."),
    retrieves(ACCOUNT, AccountRetrieve, "One connected account", "/v1/accounts/{account}"),
    lists(EVENT, EventsList, "Events of the last 30 days, newest first", when="To see what happened lately; older events are gone. Each shows its object as it was then, not as it is."),
    retrieves(EVENT, EventRetrieve, "One event of the last 30 days", "/v1/events/{id}"),
    lists(FILE, FilesList, "Files, newest first", when="To see which evidence or reports there are; a file's content is not in it."),
    retrieves(FILE, FileRetrieve, "What is known of one file", "/v1/files/{file}", when="When its id is known; its content is not in it."),
)  # fmt: skip
"""Every read about the account."""
