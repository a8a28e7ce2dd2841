"""What can be done about outside books at bookhand itself, as data for the catalogue: see `comparing.undo_workflow` for what it does. Pure."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bookhand.core.action import Action, Params, Shape

DAY = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
UNDO = "books.undo"


class Undo(Params):
    """Which documents of a book are to be reversed."""

    book: Annotated[int, Field(description="The book, by its connection's number.", ge=1, le=2_000_000_000)]
    since: Annotated[str, Field(description="Documents of this day or later, as in 2026-11-01.", pattern=DAY)]
    until: Annotated[str, Field(description="Documents up to this day, inclusive.", pattern=DAY)]


BOOK_ACTIONS: tuple[Action, ...] = (
    Action(
        name=UNDO, vendor="bookhand", summary="Undo documents of some days in an outside book", params=Undo, risk="write",
        result=Shape("undoing", {"book": "the book", "documents": "how many are reversed by the next mirror"}),
        when="Where a book was kept wrongly for some days. Nothing is deleted; it waits for a yes, also a person's own.",
        yes_needs="manage", scope="none: the reversals go out under the book's own standing approval",
    ),
)  # fmt: skip
