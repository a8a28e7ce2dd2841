"""The room of books: everything that is done with the outside books of a workspace, for whoever asks.

room = BookRoom(BookKit(db=db, door=door, books={"beancount": BeancountBooks(db)}))
shown = room.setups.propose(caller, link, method="deposit")
room.setups.agree(caller, link, shown.choice(), why="…")
room.mirrors.mirror(link, told=print)
room.compares.compare(caller, link).equal
room.undos.undo(caller, link, since="2026-01-01", until="2026-01-31", why="…")
"""

from __future__ import annotations

import msgspec

from bookhand.books import store
from bookhand.books.actions import UNDO
from bookhand.books.book import Book, Kept, Tally
from bookhand.books.comparing.compare_workflow import Compares
from bookhand.books.comparing.undo_workflow import Undos
from bookhand.books.kit import BookKit
from bookhand.books.mirror_workflow import Mirrors
from bookhand.books.setup.setup_workflow import Setups
from bookhand.core.caller import Caller
from bookhand.core.facts import Link
from bookhand.core.problems import Missing
from bookhand.systems import store as connections
from bookhand.systems.connection import Connection


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A book in the list: its connection, how it is kept (None: not set up yet), and how far it is."""

    connection: Connection
    book: Book | None
    tally: Tally


class BookRoom:
    """See the module's docstring. With it the door knows how an undoing is shown and done."""

    def __init__(self, kit: BookKit) -> None:
        self.kit = kit
        self.setups = Setups(kit)
        self.mirrors = Mirrors(kit)
        self.compares = Compares(kit)
        self.undos = Undos(kit)
        kit.door.kit.asking[UNDO] = self.undos.asking

    def every(self, caller: Caller) -> list[Shown]:
        """Every connected book, set up or not."""
        caller.need("read")
        with self.kit.db.transaction() as cx:
            kept = store.every(cx, caller.workspace_id)
            return [
                Shown(connection=each, book=kept.get(each.id), tally=store.tally(cx, each.link))
                for each in connections.every(cx)
                if each.link.system in self.kit.books
            ]

    def named(self, caller: Caller, name: str) -> Shown:
        """The book of the connection with this name or number; `Missing` that lists those there are."""
        found = [
            each for each in self.every(caller) if name in {each.connection.name, str(each.connection.id)}
        ]
        if len(found) != 1:
            names = ", ".join(repr(each.connection.name) for each in self.every(caller)) or "none"
            raise Missing(f"There is no book {name[:80]!r}; there are {names}.")
        return found[0]

    def ready(self) -> list[Link]:
        """The books that can be mirrored now: set up, and their connection active."""
        with self.kit.db.transaction() as cx:
            kept = store.every(cx, self.kit.db.workspace_id)
            return [
                each.link
                for each in connections.every(cx, status="active")
                if each.id in kept and each.link.system in self.kit.books
            ]

    def documents(self, caller: Caller, link: Link, *, after: tuple[str, str], limit: int) -> list[Kept]:
        """A page of a book's documents by day and key, after the last (day, key) of the page before."""
        caller.need("read")
        with self.kit.db.transaction() as cx:
            return store.page(cx, link, after=after, limit=limit)
