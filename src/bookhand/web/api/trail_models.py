"""The shapes of the API about the trail."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel


class TrailEntry(BaseModel):
    """One entry of the trail: what it says, and how it is bound to the one before."""

    seq: int
    said: dict[str, Any]
    prev: str
    hash: str


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


class VerifyingOn(BaseModel):
    """A check of the trail that goes on; `found_at` is where its result stands in the trail once it is there."""

    goes_on: Literal[True]
    found_at: str
