"""The shapes of the API about the catalogue: actions, events, reads."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from bookhand.core.action import Risk
from bookhand.web.api.desk import Sent, example


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

    model_config = example(params={"customer": "cus_1", "mode": "test"}, why="A customer called")
    params: dict[str, Any] = Field(default_factory=dict)
    why: str | None = Field(None, max_length=2000)


class ReadAnswer(BaseModel):
    """What a read found; `cut` says where a list was cut, and how to go on."""

    data: Any
    count: int
    cut: str | None
