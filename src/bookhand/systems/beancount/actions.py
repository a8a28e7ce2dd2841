"""What Beancount offers to the door, as data: reading the chart and the documents, writing journal entries and deposits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from pydantic import Field, StringConstraints

from bookhand.core.action import Action, Lookup, NoParams, Params, Plan, Preview, Shape, Values
from bookhand.core.book_params import (
    POSTED,
    DepositParams,
    DocumentParams,
    JournalEntryParams,
    document_of,
    document_preview,
)
from bookhand.systems.beancount import SYSTEM

_LIMITS = "Some thousand documents a second; no limit of anybody's."
_Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$")]


class Range(Params):
    """From a day to a day."""

    since: Annotated[_Day, Field(description="The first day, ISO.")]
    until: Annotated[_Day, Field(description="The last day, ISO.")]


def _preview(values: Values, _found: Mapping[str, Any]) -> Preview:
    """In words; no money moves when it is written down."""
    made = document_preview(document_of(values), book="Beancount", names={})
    return msgspec.structs.replace(made, moves=())


def _creates(resource: str, params: type[DocumentParams], summary: str) -> Action:
    return Action(
        name=f"{SYSTEM}.{resource}.create", vendor=SYSTEM, summary=summary, risk="write", params=params, result=POSTED, limits=_LIMITS,
        copies=True,
        when="By the mirror, under the standing approval of a book's mapping.", lookup=Lookup(),
        plan=Plan(reads=lambda _values: {}, watched={}, preview=_preview),
    )  # fmt: skip


CREATES = {
    "journal_entry": _creates(
        "journal_entries", JournalEntryParams, "Write a journal entry into the Beancount book"
    ),
    "deposit": _creates("deposits", DepositParams, "Write a bank deposit into the Beancount book"),
}
ACTIONS: tuple[Action, ...] = (
    Action(
        name=f"{SYSTEM}.company.retrieve", vendor=SYSTEM, summary="The book's title and currency", risk="read", params=NoParams,
        result=Shape("company", {"name": "its title", "home_currency": "its first operating currency", "closed_through": "last closed day"}),
        limits=_LIMITS,
    ),
    Action(
        name=f"{SYSTEM}.accounts.list", vendor=SYSTEM, summary="The chart of accounts of the Beancount book", risk="read", params=NoParams,
        result=Shape("book_account", {"id": "its name", "nature": "asset, bank, liability …", "currency": "the only one it takes"}, many=True),
        limits=_LIMITS,
    ),
    Action(
        name=f"{SYSTEM}.documents.list", vendor=SYSTEM, summary="The documents that bookhand wrote into the Beancount book", risk="read",
        params=Range, result=Shape(POSTED.object, POSTED.fields, many=True), limits=_LIMITS,
    ),
    *CREATES.values(),
)  # fmt: skip
