"""The shapes of the API about payouts and the bank: what is sent, what comes back. Money is minor units, as at the bank or at Stripe."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from bookhand.web.api.desk import Sent

Words = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]
PayoutId = Annotated[str, Field(pattern=r"^po_[A-Za-z0-9_]{1,200}$")]


class PayoutShown(BaseModel):
    """A payout in its newest state, with the match that stands for it."""

    id: str
    connection: int
    created: int
    currency: str
    amount: int = Field(description="Minor units; negative where Stripe takes it from the bank.")
    status: str
    automatic: bool
    method: str
    arrival_date: int
    arrival_day: str
    created_day: str
    reconciliation_status: str
    balance_transaction: str | None
    failure_balance_transaction: str | None
    failure_code: str | None
    failure_message: str | None
    original_payout: str | None
    reversed_by: str | None
    type: str | None
    statement_descriptor: str | None
    description: str | None
    destination: str | None
    destination_last4: str | None
    trace_id: str | None
    trace_status: str | None
    match: str | None
    settled: str | None = Field(
        description="Of one that failed and never reached the bank: the balance transaction that put its money back."
    )
    settled_says: str | None


class PayoutPage(BaseModel):
    """Payouts, newest first; `next` is the cursor of the page after."""

    items: list[PayoutShown]
    next: str | None


class PartShown(BaseModel):
    """A part of a payout."""

    name: str
    count: int
    minor: int


class MemberShown(BaseModel):
    """A balance transaction in a payout."""

    id: str
    kind: str
    part: str
    happened_at: int
    source: str | None
    amount: int
    fee: int
    net: int


class ProposalOfMembers(BaseModel):
    """What may be in a manual payout: `unique` only where nothing else can be."""

    payout: str
    outcome: Literal["unique", "ambiguous", "unsolved", "gave_up", "confirmed"]
    how: str
    at_least: int
    candidates: int
    members: list[str]
    fee: int
    says: str


class PaidShown(BaseModel):
    """A payout of a match."""

    connection_id: int
    payout: str
    minor: int


class ArrivedShown(BaseModel):
    """A bank line of a match."""

    account: str
    key: str
    day: str
    currency: str
    minor: int
    connection_id: int


class MatchShown(BaseModel):
    """Payouts and bank lines that are the same money."""

    id: str
    rule: str
    reason: str
    certain: bool
    currency: str
    payouts: list[PaidShown]
    lines: list[ArrivedShown]
    difference: int
    difference_kind: str
    rate: str | None
    by_who: str
    by_name: str
    at: datetime | None
    undone_by: str | None


class PayoutWhole(BaseModel):
    """A payout with what is in it; `off_by` is null until every member is known."""

    payout: PayoutShown
    basis: Literal["stripe", "confirmed", "none"]
    says: str
    adds_up: bool
    off_by: int | None
    told: int
    known: int
    net: int
    payout_fee: int
    confirmed_by: str | None
    parts: list[PartShown]
    lines: list[MemberShown]
    proposal: ProposalOfMembers | None
    matches: list[MatchShown]


class LineNamed(BaseModel):
    """A bank line by its account and its key in it."""

    account: str = Field(min_length=1, max_length=120)
    key: str = Field(min_length=1, max_length=300)


class BreakShown(BaseModel):
    """A difference that is not explained, or that somebody has explained."""

    id: str
    cause: str
    currency: str
    minor: int
    amount: str
    since: str
    age_days: int
    says: str
    next_step: str
    payouts: list[str]
    lines: list[LineNamed]
    owner: str | None
    state: Literal["open", "explained", "closed"]
    explanation: str | None
    explained_by: str | None


class Breaks(BaseModel):
    """Differences, oldest first."""

    items: list[BreakShown]


class Questions(BaseModel):
    """What only a person can decide, each with the answers that fit."""

    items: list[dict[str, Any]]


class ItemShown(BaseModel):
    """A reconciling item: `minor` leads from the bank to the books."""

    cause: str
    day: str
    minor: int
    text: str
    reference: str
    owner: str | None


class SectionShown(BaseModel):
    """Items of one kind, together."""

    title: str
    minor: int
    count: int


class StatementShown(BaseModel):
    """Balance per bank, plus the items, is balance per books; `difference_minor` is what no item explains."""

    company: str
    account: str
    mode: str
    currency: str
    as_of: str
    bank_minor: int
    books_minor: int
    items: list[ItemShown]
    items_minor: int
    difference_minor: int
    holds: bool
    sections: list[SectionShown]


class NewMatch(Sent):
    """Payouts and bank lines that are the same money; `difference` says what they differ by, where they do."""

    payouts: list[PayoutId] = Field(min_length=1, max_length=500)
    lines: list[LineNamed] = Field(min_length=1, max_length=500)
    difference: Literal["bank_fee", "fx"] | None = None
    why: Words


class Undo(Sent):
    """Why a match is wrong."""

    why: Words


class Explanation(Sent):
    """What a difference is."""

    explanation: Words
