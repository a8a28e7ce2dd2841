"""What every page about one outside book begins with: the book, and who reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.books import store as books
from bookhand.books.book import Book
from bookhand.core.problems import Missing
from bookhand.systems import store as connections
from bookhand.systems.connection import Connection
from bookhand.web.page.wording import plain

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

    from bookhand.web.page.site import Site


class Shelf(msgspec.Struct, frozen=True, kw_only=True):
    """A connected book; `book` is None until it is set up. `sources` are the connections whose journals there are, by number."""

    connection: Connection
    book: Book | None
    sources: dict[int, Connection]

    @property
    def at(self) -> str:
        """Where its pages are."""
        return f"/books/outside/{self.connection.id}"

    def named(self, source_id: int) -> str:
        """What a journal's connection is called."""
        found = self.sources.get(source_id)
        return found.name if found else str(source_id)

    def kept(self) -> Book:
        """How it is kept; `Missing` where it is not set up yet."""
        if self.book is None:
            raise Missing(plain("books.outside.not_set_up", name=self.connection.name))
        return self.book


def shelf(cx: Transaction[Any], site: Site, number: int) -> Shelf:
    """The book of a connection; `Missing` where it is none."""
    connection = connections.get(cx, number)
    if connection.link.system not in site.books.kit.books:
        raise Missing(plain("books.outside.no_book", name=connection.name))
    sources = {each.id: each for each in connections.every(cx, system="stripe")}
    return Shelf(connection=connection, book=books.find(cx, connection.link), sources=sources)


def shelves(cx: Transaction[Any], site: Site) -> list[Shelf]:
    """Every connected book, set up or not."""
    kept = books.every(cx, site.db.workspace_id)
    every = connections.every(cx)
    sources = {each.id: each for each in every if each.link.system == "stripe"}
    return [
        Shelf(connection=each, book=kept.get(each.id), sources=sources)
        for each in every
        if each.link.system in site.books.kit.books
    ]
