"""The documents of some days that stand in a book: counted, summed and told apart by the database, so that no content is read for it.

A document stands where it is done, reverses nothing, and no reversal of it is written down. Nothing here commits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from psycopg.rows import dict_row

from bookhand.books.book import Kept
from bookhand.books.store import KEPT
from bookhand.core.facts import Link

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_DAYS = """
    d.workspace_id = %(workspace)s and d.connection_id = %(connection)s and d.day between %(since)s::date and %(until)s::date
        and d.reverses is null"""
_STANDING = f"""
    from book_document d where {_DAYS} and d.state = 'done' and not exists (select from book_document r
        where r.workspace_id = d.workspace_id and r.connection_id = d.connection_id and r.reverses = d.key)"""
_TOLD = "d.key || ' ' || d.day || ' ' || d.total || ' ' || d.currency"


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Days of a book, both ends included; ISO."""

    link: Link
    since: str
    until: str

    @property
    def asked(self) -> dict[str, Any]:
        """The parameters of a query about them."""
        return {
            "workspace": self.link.workspace_id, "connection": self.link.connection_id, "since": self.since, "until": self.until,
        }  # fmt: skip


class OneDay(msgspec.Struct, frozen=True, kw_only=True):
    """What stands on one day in one currency: how many, what they come to, and the first of them by key."""

    day: str
    currency: str
    count: int
    total: int
    first: str


def any_standing(cx: Transaction[Any], range_: Range) -> bool:
    """Whether any document of these days stands."""
    row = cx.execute(f"select exists (select {_STANDING})", range_.asked).fetchone()
    return bool(row and row[0])


def digest(cx: Transaction[Any], range_: Range) -> str:
    """Which documents stand, to the last: the hash of their keys, days, totals and currencies, a line each, sorted."""
    row = cx.execute(
        rf"""
        select encode(sha256(convert_to(coalesce(string_agg({_TOLD}, E'\n' order by ({_TOLD}) collate "C"), ''), 'UTF8')), 'hex') {_STANDING}
        """,
        range_.asked,
    ).fetchone()
    return str(row[0]) if row else ""


def each_day(cx: Transaction[Any], range_: Range) -> list[OneDay]:
    """What stands on each day in each currency, in order."""
    rows = cx.execute(
        f"select d.day::text, d.currency, count(*), sum(d.total)::bigint, min(d.key) {_STANDING} group by d.day, d.currency"
        " order by d.day, d.currency",
        range_.asked,
    )
    return [
        OneDay(day=day, currency=currency, count=count, total=total, first=first)
        for day, currency, count, total, first in rows
    ]


def sums(cx: Transaction[Any], range_: Range) -> dict[tuple[str, str], int]:
    """(account of the book, currency) to what the lines of those that stand come to."""
    rows = cx.execute(
        f"""
        select line.account, d.currency, sum(line.minor)::bigint
        from (select d.content, d.currency {_STANDING}) d
        cross join lateral jsonb_to_recordset(d.content -> 'lines') as line (account text, minor bigint)
        group by 1, 2
        """,
        range_.asked,
    )
    return {(account, currency): minor for account, currency, minor in rows}


def standing(cx: Transaction[Any], range_: Range, *, limit: int) -> list[Kept]:
    """The first that stand, by day and key."""
    rows = cx.cursor(row_factory=dict_row).execute(
        f"select {_kept()} {_STANDING} order by d.day, d.key limit %(limit)s",
        {**range_.asked, "limit": limit},
    )
    return [msgspec.convert(row, Kept) for row in rows]


def all_standing(cx: Transaction[Any], range_: Range, *, size: int) -> Iterator[list[Kept]]:
    """All that stood when it was asked for, by day and key, `size` at a time, whatever is written meanwhile."""
    name = f"book_standing_{range_.link.connection_id}"
    with cx.cursor(name=name, row_factory=dict_row) as cursor:
        cursor.execute(f"select {_kept()} {_STANDING} order by d.day, d.key", range_.asked)
        while rows := cursor.fetchmany(size):
            yield [msgspec.convert(row, Kept) for row in rows]


def reversed_ones(cx: Transaction[Any], range_: Range) -> int:
    """How many documents of these days are reversed."""
    row = cx.execute(
        f"select count(*) from book_document d where {_DAYS} and d.state = 'reversed'", range_.asked
    ).fetchone()
    return int(row[0]) if row else 0


def wholly_reversed(cx: Transaction[Any], range_: Range) -> list[str]:
    """Bases with documents on these days of which every document is reversed, and that still hold entries."""
    rows = cx.execute(
        f"""
        select distinct d.base from book_document d where {_DAYS} and d.state = 'reversed'
            and exists (select from book_cover c where c.workspace_id = d.workspace_id and c.connection_id = d.connection_id
                and c.base = d.base)
            and not exists (select from book_document other where other.workspace_id = d.workspace_id
                and other.connection_id = d.connection_id and other.base = d.base and other.reverses is null
                and other.state <> 'reversed')
        order by 1
        """,
        range_.asked,
    )
    return [base for (base,) in rows]


def _kept() -> str:
    """The columns of a `Kept`, of ``book_document d``."""
    return ", ".join(f"d.{each.strip()}" for each in KEPT.split(","))
