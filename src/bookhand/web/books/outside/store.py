"""Outside books as their pages read them: how far each is, what is known to differ, documents newest first. Nothing here writes.

Counts come from running sums and from small indexes: a book of a million documents is no slower than one of ten.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec
from psycopg.rows import dict_row

from bookhand.books.book import Kept, State
from bookhand.books.store import KEPT
from bookhand.core.facts import Link

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

    from bookhand.books.book import Book

MOST = 1000
"""Where counting what is open ends: "1,000 or more" says enough."""


class Extent(msgspec.Struct, frozen=True, kw_only=True):
    """How far a book is: entries taken of those there are, documents on their way or refused, the newest day written.

    `breaks` and `waits` are what is known of both, by cause.
    """

    taken: int
    entries: int
    open: dict[str, int]
    newest: date | None
    breaks: dict[str, int]
    waits: dict[str, int]

    @property
    def left(self) -> int:
        """Entries that are in no document yet."""
        return max(self.entries - self.taken, 0)


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Documents of some days in one currency that can be undone: how many, and the sum of their debits."""

    currency: str
    count: int
    total: int


def extent(cx: Transaction[Any], link: Link, book: Book) -> Extent:
    """How far a book is."""
    where = {"workspace": link.workspace_id, "connection": link.connection_id}
    sums = cx.execute(
        """
        select (select coalesce(sum(entries), 0)::bigint from book_month where workspace_id = %(workspace)s and connection_id = %(connection)s
                and source_id = any (%(sources)s)),
            (select coalesce(sum(entries), 0)::bigint from journal_month where workspace_id = %(workspace)s
                and connection_id = any (%(sources)s) and month >= %(since)s),
            (select day from book_document where workspace_id = %(workspace)s and connection_id = %(connection)s and state = 'done'
                order by day desc limit 1)
        """,
        {**where, "sources": list(book.sources), "since": book.since[:7]},
    ).fetchone()
    taken, entries, newest = sums or (0, 0, None)
    opened = cx.execute(
        """
        select state, count(*) from (select state from book_document where workspace_id = %(workspace)s and connection_id = %(connection)s
            and state in ('intended', 'failed') limit %(most)s) as few group by state
        """,
        {**where, "most": MOST},
    )
    kinds = _kinds(cx, link)
    return Extent(
        taken=taken, entries=entries, open=dict(opened.fetchall()), newest=newest,
        breaks={kind.removeprefix(BREAK): count for kind, count in kinds.items() if kind.startswith(BREAK)},
        waits={kind.removeprefix(WAITS): count for kind, count in kinds.items() if kind.startswith(WAITS)},
    )  # fmt: skip


BREAK, WAITS = "book_break_", "book_waits_"


def _kinds(cx: Transaction[Any], link: Link) -> dict[str, int]:
    """Open Problems of a book by kind."""
    rows = cx.execute(
        """
        select kind, count(*) from (select kind from problem where workspace_id = %s and connection_id = %s and closed_at is null
            limit %s) as few group by kind order by kind
        """,
        (link.workspace_id, link.connection_id, 5 * MOST),
    )
    return dict(rows.fetchall())


def documents(
    cx: Transaction[Any], link: Link, *, state: State | None, before: tuple[date, str] | None, limit: int
) -> list[Kept]:
    """Documents, newest first, from after the (day, key) `before`."""
    values = {
        "workspace": link.workspace_id, "connection": link.connection_id, "state": state, "limit": limit,
        "day": before[0] if before else None, "key": before[1] if before else None,
    }  # fmt: skip
    further = " and (day, key) < (%(day)s, %(key)s)" if before else ""
    chosen = " and state = %(state)s" if state else ""
    rows = cx.cursor(row_factory=dict_row).execute(
        f"select {KEPT} from book_document d where workspace_id = %(workspace)s and connection_id = %(connection)s{chosen}{further}"
        " order by d.day desc, d.key desc limit %(limit)s",
        values,
    )
    return [msgspec.convert(row, Kept) for row in rows]


def document(cx: Transaction[Any], link: Link, key: str) -> Kept | None:
    """One document."""
    row = (
        cx.cursor(row_factory=dict_row)
        .execute(
            f"select {KEPT} from book_document where workspace_id = %s and connection_id = %s and key = %s",
            (link.workspace_id, link.connection_id, key),
        )
        .fetchone()
    )
    return None if row is None else msgspec.convert(row, Kept)


def undoable(cx: Transaction[Any], link: Link, *, since: date, until: date) -> list[Range]:
    """What an undoing of these days would reverse."""
    rows = cx.execute(
        """
        select currency, sum(standing)::bigint, sum(total)::bigint from book_day where workspace_id = %s and connection_id = %s
            and day between %s and %s group by currency having sum(standing) > 0 order by currency
        """,
        (link.workspace_id, link.connection_id, since, until),
    )
    return [Range(currency=currency, count=count, total=total) for currency, count, total in rows]


def undone(cx: Transaction[Any], link: Link, *, since: date, until: date) -> int:
    """How many documents of these days are undone and still hold what they covered: it can be posted again."""
    row = cx.execute(
        "select coalesce(sum(undone), 0)::bigint from book_day where workspace_id = %s and connection_id = %s and day between %s and %s",
        (link.workspace_id, link.connection_id, since, until),
    ).fetchone()
    return int(row[0]) if row else 0


def covered(cx: Transaction[Any], link: Link, base: str, *, limit: int) -> list[tuple[int, str]]:
    """The entries that the documents of a base cover: (the journal's connection, key)."""
    rows = cx.execute(
        "select source_id, entry from book_cover where workspace_id = %s and connection_id = %s and base = %s order by source_id, entry"
        " limit %s",
        (link.workspace_id, link.connection_id, base, limit),
    )
    return [(source, entry) for source, entry in rows]
