"""The shapes of the API about proposals: what is asked for, decided, called. Money is whole minor units and a currency."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from bookhand.actions.proposal import Kind as DecisionKind
from bookhand.actions.proposal import State
from bookhand.core.action import Risk
from bookhand.web.api.desk import Sent, Sentence, example
from bookhand.web.api.trail_models import TrailEntry

_HASH = "^[0-9a-f]{64}$"


class NewProposal(Sent):
    """Something to be done."""

    model_config = example(
        action="refunds.create",
        params={"charge": "ch_1", "amount": 1500, "mode": "test"},
        reason="Charged twice",
    )
    action: str = Field(min_length=1, max_length=120)
    params: dict[str, Any] = Field(default_factory=dict)
    reason: Sentence
    under: str | None = Field(
        None, max_length=120, description="A standing approval: inside it, it passes without asking."
    )
    terms: dict[str, Any] = Field(default_factory=dict, description="The configuration it was given for.")


class NewBatch(Sent):
    """Many calls of one action, to be approved as one."""

    model_config = example(
        action="refunds.create", rows=[{"charge": "ch_1"}, {"charge": "ch_2"}], reason="The parcel was lost"
    )
    action: str = Field(min_length=1, max_length=120)
    rows: list[dict[str, Any]] = Field(min_length=1, max_length=50_000)
    reason: Sentence
    under: str | None = Field(
        None, max_length=120, description="A standing approval: inside it, it passes without asking."
    )
    terms: dict[str, Any] = Field(default_factory=dict, description="The configuration it was given for.")


class ChangeShown(BaseModel):
    """One thing that changes; null is "nothing there"."""

    what: str
    before: str | None
    after: str | None


class MovesShown(BaseModel):
    """Money that it moves: positive leaves the account."""

    minor: int
    currency: str
    what: str


class PreviewShown(BaseModel):
    """What a person should see before saying yes."""

    says: str
    subject: str | None = None
    customer: str | None = None
    changes: list[ChangeShown] = []
    moves: list[MovesShown] = []
    movement: dict[str, Any] | None = None
    books: list[str] = []
    fees: list[str] = []
    cannot_undo: str | None = None
    warnings: list[str] = []


class ProposalShown(BaseModel):
    """What was asked for. `call_hash` is what an approval binds: send it back exactly as it is shown."""

    proposal_id: str
    action: str
    vendor: str
    risk: Risk
    connection_id: int | None
    mode: str | None = Field(description="`live`, `test`, or null for bookhand's own.")
    account: str | None
    api_version: str | None
    endpoint: str
    params: dict[str, Any]
    call_hash: str
    version: str
    preview: PreviewShown
    reason: str
    proposed_by: str
    proposed_name: str
    agent: str | None
    grantee: str
    channel: str
    run_id: str | None
    step: str | None
    standing_id: str | None
    needs: int
    four_eyes: bool
    size: int
    state: State
    state_why: str | None
    replaces: str | None
    result_id: str | None
    created_at: datetime
    expires_at: datetime
    finished_at: datetime | None


class ProposalPage(BaseModel):
    """Proposals, newest first; `next` goes on."""

    items: list[ProposalShown]
    next: str | None


class DecisionShown(BaseModel):
    """What somebody said of it."""

    kind: DecisionKind
    call_hash: str
    by_who: str
    by_name: str
    channel: str
    note: str | None
    details: dict[str, Any]
    at: datetime


class CallShown(BaseModel):
    """One call, and what became of it. `key` is the idempotency key that it was sent under."""

    call_id: str
    row_no: int
    state: Literal["intended", "sending", "unknown", "done", "failed", "void"]
    state_why: str | None
    attempts: int
    key: str
    first_sent_at: datetime | None
    finished_at: datetime | None
    request_id: str | None
    result_id: str | None
    result: Any


class RowShown(BaseModel):
    """One call of a batch."""

    row_no: int
    params: dict[str, Any]
    says: str
    customer: str
    moves: list[MovesShown]
    row_hash: str
    chosen: bool


class ProposalWhole(BaseModel):
    """A proposal with all that belongs to it; `trail` is null for who may not read the trail."""

    proposal: ProposalShown
    decisions: list[DecisionShown]
    calls: list[CallShown]
    rows: list[RowShown]
    next_row: int | None = Field(
        description="`after_row` of the next page of rows and calls; null where there is none."
    )
    trail: list[TrailEntry] | None


class Approval(Sent):
    """A yes to exactly the call that `call_hash` binds; of a batch to `rows` (all, without it)."""

    model_config = example(call_hash="0" * 64, note="Seen with the customer")
    call_hash: str = Field(pattern=_HASH)
    note: str | None = Field(None, max_length=2000)
    rows: list[int] | None = Field(None, max_length=50_000, description="Row numbers of a batch.")


class WithNote(Sent):
    """A decision that needs its reason."""

    model_config = example(note="The customer was paid back by bank transfer")
    note: Sentence


class MaybeNote(Sent):
    """A decision that may have a reason."""

    model_config = example(note="Asked for by mistake")
    note: str | None = Field(None, max_length=2000)


class Edit(Sent):
    """Changed parameters: null takes one out. The answer is a new proposal, with its own hash."""

    model_config = example(changes={"amount": 1000}, note="Only the second half")
    changes: dict[str, Any]
    note: str | None = Field(None, max_length=2000)


class Settlement(Sent):
    """What a person found at the other side about a call of which nobody could tell."""

    model_config = example(done=True, note="The refund is in Stripe's dashboard", row=0)
    done: bool
    note: Sentence
    row: int = Field(0, ge=0, le=50_000)
