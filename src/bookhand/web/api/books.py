"""Outside books: how each is kept, how it would be kept, its documents, and how it compares with the journal.

create_api(door, …, more=[books.of(room)])
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from bookhand.books.mapping import MapLine, Mapping
from bookhand.books.room_workflow import BookRoom, Shown
from bookhand.books.setup.setup_workflow import Choice
from bookhand.core.facts import Link
from bookhand.core.problems import Refusal
from bookhand.web.api.desk import At, Cursor, Limit, Sent, Sentence
from bookhand.web.api.shown import decode, encode, said

Number = Annotated[int, Path(ge=1, le=2_000_000_000, description="The connection's number.")]
Method = Literal["clearing", "deposit", "daily_summary"]
Month = Annotated[
    str,
    Field(
        pattern=r"^\d{4}-(0[1-9]|1[0-2])-01$",
        description="The first day of a month.",
        examples=["2026-01-01"],
    ),
]
Source = Annotated[int, Field(ge=1, le=2_000_000_000)]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Day = Annotated[date | None, Query(description="A day, ISO.")]


class BookShown(BaseModel):
    """A book: how it is kept (null until it is set up), and how many documents of it are in each state."""

    connection_id: int
    name: str
    system: str
    mode: str
    status: str
    method: Method | None
    since: str | None
    sources: list[int]
    digest: str | None = Field(description="Of the mapping.")
    standing_id: str | None
    agreed_by: str | None
    agreed_at: datetime | None
    tally: dict[str, int]


class BooksShown(BaseModel):
    """Every connected book."""

    items: list[BookShown]


class LineGiven(Sent):
    """One line of a mapping: a journal account (`revenue`, `sales_tax_payable:txr_1`) to an account of the book."""

    journal: Text
    account: Text
    currency: Annotated[str | None, Field(pattern="^[A-Z]{3}$")] = None
    category: Annotated[str | None, Field(min_length=1, max_length=200)] = None


class SetupAsked(Sent):
    """How the book would be kept."""

    method: Method = "clearing"
    since: Month | None = None
    sources: list[Source] = Field(default=[], max_length=100)
    chosen: dict[str, str] = Field(
        default={},
        max_length=500,
        description="Your own choice: `revenue` (or `revenue@EUR`) to an account's id.",
    )


class SetupShown(BaseModel):
    """A proposal to keep a book, with its evidence."""

    company: dict[str, Any]
    accounts: list[dict[str, Any]]
    method: Method
    since: str
    sources: list[int]
    lines: list[dict[str, Any]]
    mapping: dict[str, Any]
    unmapped: list[list[str]]
    alone: list[str]
    sample: list[dict[str, Any]]
    pace: list[str]
    warnings: list[str]


class SetupGiven(Sent):
    """What is agreed to."""

    method: Method
    since: Month
    sources: list[Source] = Field(min_length=1, max_length=100)
    lines: list[LineGiven] = Field(min_length=1, max_length=1000)
    alone: list[Text] = Field(default=[], max_length=100, description="Accounts that only bookhand posts to.")
    most_lines: int = Field(default=1000, ge=10, le=10_000)
    from_now: bool = False
    why: Sentence


class DocumentsShown(BaseModel):
    """Documents by day; `next` goes on."""

    items: list[dict[str, Any]]
    next: str | None


class ComparisonShown(BaseModel):
    """The journal against the book. In neither is what waits, is on its way or was `undone`; `notes` are edits of words alone."""

    equal: bool
    rows: list[dict[str, Any]]
    breaks: list[dict[str, Any]]
    notes: list[dict[str, Any]]
    waiting: list[dict[str, Any]]
    unexplained: list[dict[str, Any]]
    on_way: int
    undone: int


def of(room: BookRoom) -> APIRouter:
    """The routes over `room`."""
    router = APIRouter(prefix="/books", tags=["Books"])

    def find(desk: At, number: int) -> Shown:
        return room.named(desk.caller, str(number))

    @router.get("", response_model=BooksShown, summary="The connected books")
    def books(desk: At) -> JSONResponse:
        """Those that are not set up yet as well."""
        return said({"items": [_book(each) for each in room.every(desk.caller)]})

    @router.get("/{number}", response_model=BookShown, summary="One book")
    def book(desk: At, number: Number) -> JSONResponse:
        """How it is kept, and how far it is."""
        return said(_book(find(desk, number)))

    @router.post("/{number}/setup/proposal", response_model=SetupShown, summary="How a book would be kept")
    def propose(desk: At, number: Number, sent: SetupAsked) -> JSONResponse:
        """A mapping with the evidence for each line, one real payout as it would be written, how long it takes. Nothing is written."""
        link = find(desk, number).connection.link
        found = room.setups.propose(
            desk.caller, link, method=sent.method, sources=sent.sources, since=sent.since, chosen=sent.chosen
        )
        return said({**msgspec.to_builtins(found), "unmapped": [list(each) for each in found.unmapped]})

    @router.post("/{number}/setup", response_model=BookShown, summary="Keep a book like this")
    def agree(desk: At, number: Number, sent: SetupGiven) -> JSONResponse:
        """A standing approval of exactly this; the one before it ends."""
        desk.caller.need("approve")
        link: Link = find(desk, number).connection.link
        choice = Choice(
            method=sent.method, since=sent.since, sources=tuple(sent.sources), alone=tuple(sent.alone), most_lines=sent.most_lines,
            mapping=Mapping(tuple(MapLine(line.journal, line.account, line.currency, line.category) for line in sent.lines)),
        )  # fmt: skip
        room.setups.agree(desk.caller, link, choice, sent.why, from_now=sent.from_now)
        return said(_book(find(desk, number)))

    @router.get("/{number}/documents", response_model=DocumentsShown, summary="A book's documents")
    def documents(desk: At, number: Number, cursor: Cursor = None, limit: Limit = 50) -> JSONResponse:
        """By day and key: what each holds, and what became of it."""
        link = find(desk, number).connection.link
        found = room.documents(desk.caller, link, after=_after(cursor), limit=limit + 1)
        more = encode(found[limit - 1].day, found[limit - 1].key) if len(found) > limit else None
        return said({"items": [msgspec.to_builtins(each) for each in found[:limit]], "next": more})

    @router.get("/{number}/comparison", response_model=ComparisonShown, summary="The journal against a book")
    def comparison(desk: At, number: Number, since: Day = None, until: Day = None) -> JSONResponse:
        """By account and month, with every difference and its cause; their amounts add up to the difference."""
        link = find(desk, number).connection.link
        days = [day.isoformat() if day else None for day in (since, until)]
        found = room.compares.compare(desk.caller, link, since=days[0], until=days[1])
        rows = [{**msgspec.to_builtins(row), "difference": row.difference} for row in found.comparison.rows]
        waiting = [
            {"cause": cause, "currency": currency, "entries": count, "minor": minor}
            for (cause, currency), (count, minor) in sorted(found.coverage.waits().items())
        ]
        unexplained = [
            {"account": account, "currency": currency, "minor": minor}
            for (account, currency), minor in found.unexplained.items()
        ]
        return said(
            {"equal": found.equal, "rows": rows, "breaks": msgspec.to_builtins(found.comparison.breaks),
             "notes": msgspec.to_builtins(found.comparison.notes), "waiting": waiting,
             "unexplained": unexplained, "on_way": len(found.comparison.on_way),
             "undone": found.undone}
        )  # fmt: skip

    return router


def _book(shown: Shown) -> dict[str, Any]:
    each, book = shown.connection, shown.book
    return {
        "connection_id": each.id, "name": each.name, "system": each.link.system, "mode": each.link.mode, "status": each.status,
        "method": book.method if book else None, "since": book.since if book else None, "sources": list(book.sources) if book else [],
        "digest": book.digest if book else None, "standing_id": book.standing_id if book else None,
        "agreed_by": book.agreed_by if book else None, "agreed_at": book.agreed_at if book else None,
        "tally": msgspec.to_builtins(shown.tally),
    }  # fmt: skip


def _after(cursor: str | None) -> tuple[str, str]:
    if cursor is None:
        return "0001-01-01", ""
    day, key = decode(cursor)
    try:
        return date.fromisoformat(day).isoformat(), key
    except ValueError:
        raise Refusal("That is no cursor: send `next` of the page before as it was given.") from None
