"""A book as it is kept: whose journals it takes, by which method and mapping, and the documents that are to stand in it; pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from bookhand.books.mapping import Mapping
from bookhand.core.book import Document, DocumentKind, PostingMethod
from bookhand.core.ready import ready

State = Literal["intended", "done", "failed", "reversed"]
"""``intended``: written down, and not known to be in the book; ``failed``: the book said no, for certain."""


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `book`; days are ISO."""

    connection_id: int
    sources: tuple[int, ...]
    method: PostingMethod
    mapping: Mapping
    digest: str
    alone: tuple[str, ...]
    since: str
    most_lines: int
    standing_id: str
    agreed_by: str
    agreed_name: str
    agreed_at: datetime

    @property
    def terms(self) -> dict[str, Any]:
        """What its standing approval was given for."""
        return terms_of(self.method, self.mapping, sources=self.sources, since=self.since)


def terms_of(
    method: PostingMethod, mapping: Mapping, *, sources: tuple[int, ...], since: str
) -> dict[str, Any]:
    """The configuration that a person says yes to, in full: a change of any of it needs a new yes."""
    lines: Any = msgspec.to_builtins(
        sorted(mapping.lines, key=lambda line: (line.journal, line.currency or ""))
    )
    return {
        "method": method,
        "mapping": lines,
        "digest": mapping.digest(),
        "sources": list(sources),
        "since": since,
    }


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `book_document`."""

    key: str
    base: str
    source_id: int
    subject: str
    kind: DocumentKind
    day: str
    currency: str
    content: Document
    total: int
    reverses: str | None = None
    state: State = "intended"
    why: str | None = None
    batch: int | None = None
    row_no: int | None = None
    proposal_id: str | None = None
    vendor_id: str | None = None
    version: str | None = None


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """How many documents of a book are in each state, and how many entries they cover."""

    intended: int = 0
    done: int = 0
    failed: int = 0
    reversed: int = 0
    entries: int = 0


ready(Book, Kept, Tally)  # see core.ready
