"""What the room of books works with, and what it tells while it works."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from bookhand.core.book import Books, Company
from bookhand.core.facts import Link
from bookhand.core.problems import Refusal
from bookhand.systems import store as connections
from bookhand.systems.connection import usable

if TYPE_CHECKING:
    from bookhand.actions.workflow import Door
    from bookhand.db.engine import Database

ROWS = 2_000
"""Documents that are asked for at a time: one such batch is being sent, and the next is asked for meanwhile."""
RESOURCES = {"journal_entry": "journal_entries", "deposit": "deposits"}


@dataclass(slots=True, kw_only=True)
class BookKit:
    """The door to write through, and who reads each vendor's books.

    `patience_seconds` is how long a book that is away is waited for before mirroring stops until the next time; `rows` is how many
    documents go into one proposal.
    """

    db: Database
    door: Door
    books: Mapping[str, Books]
    patience_seconds: float = 300.0
    rows: int = ROWS
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def reader(self, link: Link) -> Books:
        """Who reads the book of a connection; `Refusal` where it is no book."""
        found = self.books.get(link.system)
        if found is None:
            raise Refusal(f"Connection {link.connection_id} is {link.system}, which is no book.")
        return found

    def company(self, link: Link) -> Company:
        """Whose book it is; `Refusal` while it is not connected."""
        with self.db.transaction() as cx:
            usable(connections.get(cx, link.connection_id))
        return self.reader(link).company(link)


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far sending is: documents done of all that are to be written now, documents a second, and the seconds left."""

    done: int
    total: int
    per_second: float
    left_seconds: float


def writes(system: str, kind: str) -> str:
    """The action that writes a document: ``quickbooks.journal_entries.create``."""
    return f"{system}.{RESOURCES[kind]}.create"
