"""The shapes of the API about runs, and the connections they work on. Times are ISO 8601 in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from bookhand.runs.run import State as RunState
from bookhand.web.api.desk import Sent, example
from bookhand.web.api.proposals_models import ProposalShown
from bookhand.web.api.trail_models import TrailEntry


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

    model_config = example(reason="The bank is closed today")
    reason: str = Field(min_length=1, max_length=1000, pattern=r"\S")
