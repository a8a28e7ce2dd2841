"""The shapes of the API: what is sent, and what comes back. Money is whole minor units and a currency, times are ISO 8601 in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bookhand.actions.proposal import Kind as DecisionKind
from bookhand.actions.proposal import State
from bookhand.core.action import Risk
from bookhand.runs.run import State as RunState
from bookhand.web.api.desk import (
    ConnectionNo,
    Count,
    Currency,
    Grantee,
    Minor,
    Pattern,
    Sent,
    Sentence,
)

_HASH = "^[0-9a-f]{64}$"


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [values]})


# --- the catalogue ---


class Listed(BaseModel):
    """An action or an event of the catalogue, in short."""

    name: str
    tag: Literal["action", "event"]
    vendor: str
    summary: str
    risk: Risk | None = Field(None, description="Of an action: what it can do. Null for an event.")


class Listing(BaseModel):
    """What the catalogue has."""

    items: list[Listed]


class ResultShape(BaseModel):
    """What an action gives back."""

    object: str
    many: bool
    fields: dict[str, str]


class ActionDescribed(BaseModel):
    """An action: `params` is a JSON schema."""

    name: str
    tag: Literal["action"]
    vendor: str
    summary: str
    when: str
    risk: Risk
    scope: str
    limits: str
    params: dict[str, Any]
    result: ResultShape
    call: str | None
    previewed: bool
    looked_up: bool


class EventDescribed(BaseModel):
    """An event: the vendor's own names for it, and what listens."""

    name: str
    tag: Literal["event"]
    vendor: str
    summary: str
    types: list[str]
    listeners: list[str]


class Read(Sent):
    """A read; `params` takes `mode`, `account` and `api_version` as well, where there are several accounts."""

    model_config = _example(params={"customer": "cus_1", "mode": "test"}, why="A customer called")
    params: dict[str, Any] = Field(default_factory=dict)
    why: str | None = Field(None, max_length=2000)


class ReadAnswer(BaseModel):
    """What a read found; `cut` says where a list was cut, and how to go on."""

    data: Any
    count: int
    cut: str | None


# --- proposals ---


class NewProposal(Sent):
    """Something to be done."""

    model_config = _example(
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

    model_config = _example(
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


class TrailEntry(BaseModel):
    """One entry of the trail: what it says, and how it is bound to the one before."""

    seq: int
    said: dict[str, Any]
    prev: str
    hash: str


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

    model_config = _example(call_hash="0" * 64, note="Seen with the customer")
    call_hash: str = Field(pattern=_HASH)
    note: str | None = Field(None, max_length=2000)
    rows: list[int] | None = Field(None, max_length=50_000, description="Row numbers of a batch.")


class WithNote(Sent):
    """A decision that needs its reason."""

    model_config = _example(note="The customer was paid back by bank transfer")
    note: Sentence


class MaybeNote(Sent):
    """A decision that may have a reason."""

    model_config = _example(note="Asked for by mistake")
    note: str | None = Field(None, max_length=2000)


class Edit(Sent):
    """Changed parameters: null takes one out. The answer is a new proposal, with its own hash."""

    model_config = _example(changes={"amount": 1000}, note="Only the second half")
    changes: dict[str, Any]
    note: str | None = Field(None, max_length=2000)


class Settlement(Sent):
    """What a person found at the other side about a call of which nobody could tell."""

    model_config = _example(done=True, note="The refund is in Stripe's dashboard", row=0)
    done: bool
    note: Sentence
    row: int = Field(0, ge=0, le=50_000)


# --- rights ---


class PermissionShown(BaseModel):
    """Allowed or forbidden, for whom; a default is what nobody has changed yet."""

    connection_id: int | None
    grantee: str
    pattern: str
    allowed: bool
    by_who: str | None
    at: datetime | None
    is_default: bool


class Permissions(BaseModel):
    """Everything that was allowed or forbidden; the more exact pattern wins, then the more exact grantee."""

    items: list[PermissionShown]


class NewPermission(Sent):
    """Allow or forbid."""

    model_config = _example(grantee="agent:chat", pattern="refunds.create", allowed=True)
    grantee: Grantee = "*"
    pattern: Pattern
    allowed: bool
    connection_id: ConnectionNo = None


class Revocation(Sent):
    """Take a right back at once."""

    model_config = _example(
        grantee="agent:chat", pattern="refunds.create", why="It refunded the wrong customer"
    )
    grantee: Grantee
    pattern: Pattern
    why: Sentence
    connection_id: ConnectionNo = None


class Revoked(BaseModel):
    """What was stopped by it."""

    runs_stopped: int


class NewBudget(Sent):
    """Limits a day, and the amount from which four eyes are needed."""

    model_config = _example(
        pattern="refunds.create", currency="USD", day_minor=100_000, four_eyes_minor=50_000
    )
    grantee: Grantee = "*"
    pattern: str = Field("*", max_length=120, description="As of a permission; `*` is every write.")
    currency: Currency = None
    day_minor: Minor = None
    day_count: Count = None
    customer_minor: Minor = None
    customer_count: Count = None
    four_eyes_minor: Minor = None
    connection_id: ConnectionNo = None


class BudgetShown(BaseModel):
    """A limit in force."""

    id: int
    connection_id: int | None
    grantee: str
    pattern: str
    currency: str | None
    day_minor: int | None
    day_count: int | None
    customer_minor: int | None
    customer_count: int | None
    four_eyes_minor: int | None


class Budgets(BaseModel):
    """The limits in force."""

    items: list[BudgetShown]


class NewStanding(Sent):
    """A configuration that is approved once: calls inside it pass without asking."""

    model_config = _example(
        grantee="agent:mirror", patterns=["invoices:write"], terms={"posting": "clearing"}, currency="USD",
        call_minor=50_000, day_count=200, why="Mirroring as agreed",
    )  # fmt: skip
    grantee: Grantee
    patterns: list[Pattern] = Field(min_length=1, max_length=50)
    terms: dict[str, Any] = Field(
        default_factory=dict, description="The configuration; a call names its hash."
    )
    only: dict[str, list[str | int | bool]] = Field(
        default_factory=dict, description="Parameter to the values that are inside."
    )
    currency: Currency = None
    call_minor: Minor = None
    day_minor: Minor = None
    day_count: Count = None
    expires_at: AwareDatetime | None = None
    connection_id: ConnectionNo = None
    why: Sentence


class StandingShown(BaseModel):
    """A standing approval."""

    id: str
    connection_id: int | None
    grantee: str
    patterns: list[str]
    terms: dict[str, Any]
    terms_hash: str
    only: dict[str, list[Any]]
    currency: str | None
    call_minor: int | None
    day_minor: int | None
    day_count: int | None
    agreed_by: str
    agreed_name: str
    agreed_at: datetime
    why: str
    expires_at: datetime | None
    state: Literal["open", "stopped", "ended"]
    state_why: str | None


class Standings(BaseModel):
    """Standing approvals, newest first."""

    items: list[StandingShown]


class Why(Sent):
    """The reason, for the trail."""

    model_config = _example(why="Looked at it with the auditor")
    why: Sentence


# --- trail, connections, runs ---


class TrailPage(BaseModel):
    """Entries, newest first; `next` is the `before` of the next page."""

    items: list[TrailEntry]
    next: int | None


class Verified(BaseModel):
    """What a check of the trail found; `head` is worth noting elsewhere."""

    holds: bool
    entries: int
    first: int
    head: str
    findings: list[str]


class ConnectionShown(BaseModel):
    """A connected account."""

    id: int
    name: str
    system: str
    account: str
    mode: str
    status: Literal["active", "disconnected", "paused"]
    status_reason: str | None


class Connections(BaseModel):
    """The connected accounts, oldest first."""

    items: list[ConnectionShown]


class OwnerShown(BaseModel):
    """In whose name it runs."""

    who: str
    name: str
    role: str
    agent: str | None


class RunShown(BaseModel):
    """A run."""

    id: str
    template: str
    state: RunState
    owner: OwnerShown
    channel: str
    prompt: str | None
    connection_id: int | None
    reason: str | None
    held_by: str | None
    held_at: datetime | None
    waits_for: str | None
    wait_until: datetime | None
    result: Any
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class RunPage(BaseModel):
    """Runs, newest first; `next` goes on."""

    items: list[RunShown]
    next: str | None


class StepShown(BaseModel):
    """One step of a run, in time."""

    name: str
    state: Literal["done", "refused", "not done"]
    says: str
    started_at: datetime | None
    finished_at: datetime | None
    output: Any
    error: str | None


class RunWhole(BaseModel):
    """A run with all that belongs to it; `trail` is null for who may not read the trail."""

    run: RunShown
    inputs: dict[str, Any]
    rights: dict[str, Any] = Field(description="What was allowed when it was started.")
    steps: list[StepShown]
    proposals: list[ProposalShown]
    trail: list[TrailEntry] | None


class Reason(Sent):
    """Why, for the trail."""

    model_config = _example(reason="The bank is closed today")
    reason: str = Field(min_length=1, max_length=1000, pattern=r"\S")
