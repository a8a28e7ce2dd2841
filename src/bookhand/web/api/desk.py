"""What every route has at hand, and the types that requests are made of.

    @router.get("/budgets")
    def budgets(desk: At) -> JSONResponse: …        # desk.caller, desk.door, desk.db

Text that no database or file could keep (NUL, half of a surrogate pair) and numbers without an end are refused before a route sees them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from fastapi import Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from bookhand.actions.workflow import Door
from bookhand.core.caller import Caller
from bookhand.db.engine import Database
from bookhand.runs.template import Template
from bookhand.web.page.aside import Aside

if TYPE_CHECKING:
    from bookhand.core.action import Action

_DEEPEST = 30
_LARGEST = 2**63 - 1


class Desk(NamedTuple):
    """Who asks, and what is asked."""

    caller: Caller
    door: Door
    db: Database
    templates: Mapping[str, Template]
    bank_file_mb: int
    """How large a statement file may be."""
    aside: Aside
    """What may take long, done beside the request."""

    @property
    def actions(self) -> Mapping[str, Action]:
        """The catalogue's actions by name."""
        return self.door.kit.catalogue.actions


def desk(request: Request) -> Desk:
    """The desk of one request; the `Porter` has found out who asks."""
    state = request.app.state
    return Desk(
        request.state.caller, state.door, state.door.kit.db, state.templates, state.bank_file_mb, state.aside
    )


At = Annotated[Desk, Depends(desk)]

_PLAIN = r"^[A-Za-z0-9_.:\-]+$"
_TEXT = r"^[^\x00-\x1f\x7f]+$"
Id = Annotated[str, Path(min_length=1, max_length=120, pattern=_PLAIN, description="Its id.")]
Name = Annotated[
    str,
    Path(min_length=1, max_length=120, pattern=_PLAIN, description="A name of the catalogue."),
]
OfMode = Annotated[
    Literal["live", "test"] | None,
    Query(description="Needed only where a live and a test account are called the same."),
]
Limit = Annotated[int, Query(ge=1, le=200, description="How many on a page.")]
Cursor = Annotated[
    str | None,
    Query(
        min_length=1, max_length=400, pattern=r"^[A-Za-z0-9_\-]+$", description="`next` of the page before."
    ),
]
Exact = Annotated[str | None, Query(min_length=1, max_length=200, pattern=_TEXT)]
ConnectionNo = Annotated[
    int | None, Field(ge=1, le=2_000_000_000, description="The connection's number; without it every one.")
]
Sentence = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]
Grantee = Annotated[
    str,
    Field(
        max_length=60, description="Whom: `*` (everybody), `person:3`, `agent:chat`.", examples=["agent:chat"]
    ),
]
Pattern = Annotated[
    str,
    Field(
        max_length=120,
        description="An action (`refunds.create`), or a resource with `:read` or `:write` (`customers:read`, `*:read`).",
        examples=["refunds.create"],
    ),
]
Minor = Annotated[
    int | None, Field(ge=0, le=10**15, description="Minor units of `currency`; null is no limit.")
]
Count = Annotated[int | None, Field(ge=0, le=2_000_000_000, description="Calls; null is no limit.")]
Currency = Annotated[str | None, Field(pattern="^[A-Za-z]{3}$", description="As in USD.", examples=["USD"])]


class Sent(BaseModel):
    """The parent of every body: unknown names are refused, and what could not be kept."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _can_be_kept(cls, value: Any) -> Any:
        why = unkeepable(value)
        if why:
            raise ValueError(why)
        return value


def example(**values: Any) -> ConfigDict:
    """The settings of a body with one example of it, for the reference."""
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [values]})


def unkeepable(value: Any, depth: int = 0) -> str | None:
    """Why a JSON value cannot be kept, in a sentence; None where it can."""
    if depth > _DEEPEST:
        return f"it is nested more than {_DEEPEST} deep"
    match value:
        case dict():
            parts = [part for item in value.items() for part in item]
        case list():
            parts = value
        case _:
            return _of_one(value)
    return next((why for part in parts if (why := unkeepable(part, depth + 1))), None)


def _of_one(value: Any) -> str | None:
    match value:
        case str():
            return _text(value)
        case float() if not math.isfinite(value):
            return "a number has no end"
        case int() if abs(value) > _LARGEST:
            return "a number is larger than 64 bits"
        case _:
            return None


def _text(value: str) -> str | None:
    if "\x00" in value:
        return "a text has a NUL in it"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "a text is not Unicode"
    return None
