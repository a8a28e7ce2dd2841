"""Facts: the typed things that happened, as the journal and the workflows read them.

A fact is what one payload says about one object, without the wire's noise. Amounts are whole minor units with a lower-case
Stripe currency turned upper-case, times are Unix seconds. Most fields are fixed at birth; the journal uses only those, so
the same facts in any order make the same journal. `Seen` says where a fact was read. Shapes: Stripe API 2026-10-28.endive.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """Which connection something belongs to: the first part of every key."""

    workspace_id: int
    connection_id: int
    system: str
    account: str
    mode: str
    """``live``, ``test`` or the name of a sandbox."""
    api_version: str


class FeeDetail(msgspec.Struct, frozen=True, array_like=True):
    """One part of a balance transaction's fee; `type` is application_fee, stripe_fee, tax, payment_method_passthrough_fee …"""

    type: str
    currency: str
    amount: int
    description: str | None = None


class BalanceTransaction(msgspec.Struct, frozen=True, kw_only=True):
    """One movement of money in the Stripe balance; ``net == amount - fee``, all in the settlement currency."""

    id: str
    created: int
    available_on: int
    type: str
    reporting_category: str
    balance_type: str
    currency: str
    amount: int
    fee: int
    net: int
    source: str | None
    fee_details: tuple[FeeDetail, ...] = ()
    exchange_rate: str | None = None
    description: str | None = None


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """A charge or payment (``ch_`` or ``py_``) in its presentment currency."""

    id: str
    created: int
    currency: str
    amount: int
    payment_intent: str | None = None
    customer: str | None = None
    source_transfer: str | None = None
    """Set on a connected account's ``py_`` that a platform's transfer made: income from the platform, not a sale."""
    description: str | None = None


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """A refund in its presentment currency."""

    id: str
    created: int
    currency: str
    amount: int
    status: str | None = None
    charge: str | None = None
    payment_intent: str | None = None
    failure_balance_transaction: str | None = None


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute as Stripe tells it, with the balance transactions it embeds (none for an inquiry)."""

    id: str
    created: int
    currency: str
    amount: int
    status: str
    reason: str
    charge: str | None = None
    payment_intent: str | None = None
    balance_transactions: tuple[str, ...] = ()


class Payout(msgspec.Struct, frozen=True, kw_only=True):
    """A payout; a negative amount is a debit of the bank account.

    `trace_id` is the receiving bank's own number of it; Stripe tells it days after it arrived, and not of every bank (`trace_status`).
    `destination` is the account or card it goes to (``ba_…``, ``card_…``); `destination_last4` is known where that was expanded.
    """

    id: str
    created: int
    currency: str
    amount: int
    status: str
    automatic: bool
    method: str
    arrival_date: int
    reconciliation_status: str
    balance_transaction: str | None = None
    failure_balance_transaction: str | None = None
    failure_code: str | None = None
    original_payout: str | None = None
    reversed_by: str | None = None
    type: str | None = None
    """``bank_account`` or ``card``."""
    failure_message: str | None = None
    statement_descriptor: str | None = None
    description: str | None = None
    destination: str | None = None
    destination_last4: str | None = None
    trace_id: str | None = None
    trace_status: str | None = None
    """``pending``, ``supported`` or ``unsupported``."""


class PayoutMember(msgspec.Struct, frozen=True, kw_only=True):
    """Stripe's word that a balance transaction went out with a payout (lists by ``payout=``)."""

    payout: str
    balance_transaction: str


class InvoiceTax(msgspec.Struct, frozen=True, array_like=True):
    """Tax on an invoice by rate; `tax_rate` is the id of the rate, for the jurisdiction's own liability account."""

    amount: int
    behavior: str
    tax_rate: str | None = None


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """A finalised invoice; `taxes` are fixed from then on."""

    id: str
    created: int
    currency: str
    status: str
    total: int
    number: str | None = None
    customer: str | None = None
    subscription: str | None = None
    taxes: tuple[InvoiceTax, ...] = ()


class InvoicePayment(msgspec.Struct, frozen=True, kw_only=True):
    """How much of an invoice a payment paid: the way from a charge to its tax (since 2025-03-31.basil)."""

    id: str
    invoice: str
    currency: str
    amount_paid: int
    status: str
    payment_intent: str | None = None
    charge: str | None = None


class CreditNote(msgspec.Struct, frozen=True, kw_only=True):
    """Part of an invoice taken back; `refunds` are the refunds it made, with the tax inside it."""

    id: str
    created: int
    invoice: str
    currency: str
    total: int
    status: str
    taxes: tuple[InvoiceTax, ...] = ()
    refunds: tuple[str, ...] = ()


class OpeningBalance(msgspec.Struct, frozen=True, kw_only=True):
    """What lay at Stripe when the history that was brought in begins (`since`), for one currency and balance type.

    It is taken from Stripe's balance, less everything known since; a longer history later `replaces` it (the earlier `since`, and
    the amount it had).
    """

    since: int
    currency: str
    balance_type: str
    minor: int
    replaces: tuple[int, int] | None = None


class Other(msgspec.Struct, frozen=True, kw_only=True):
    """An object the journal does not read (customers, subscriptions, products …): it has a snapshot and no entry."""

    id: str
    object: str


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """A deleted object, or one that Stripe says is not there: a state, not an error."""

    id: str
    object: str


Fact = (
    BalanceTransaction | Charge | Refund | Dispute | Payout | PayoutMember | Invoice | InvoicePayment | CreditNote | OpeningBalance | Other | Gone
)  # fmt: skip


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A fact and where it was read: the delivery, how (an event or a list), the event's type and when it was true (Unix seconds)."""

    fact: Fact
    delivery: int
    as_of: int
    told_by: Literal["event", "listed"]
    event_type: str | None = None
