"""The shapes of the API about rights: permissions, budgets, standing approvals. Money is whole minor units and a currency."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from bookhand.web.api.desk import (
    ConnectionNo,
    Count,
    Currency,
    Grantee,
    Minor,
    Pattern,
    Sent,
    Sentence,
    example,
)


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

    model_config = example(grantee="agent:chat", pattern="refunds.create", allowed=True)
    grantee: Grantee = "*"
    pattern: Pattern
    allowed: bool
    connection_id: ConnectionNo = None


class Revocation(Sent):
    """Take a right back at once."""

    model_config = example(
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

    model_config = example(
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

    model_config = example(
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

    model_config = example(why="Looked at it with the auditor")
    why: Sentence
