"""The journal as its pages read it: newest first, a page at a time, the work of a page bounded whatever is asked for.

    found = page(cx, [link], Wanted(account="refunds"), before=None, limit=40)
    found.entries, found.next            # `next` goes on, also where a page is short: then so much was looked through (`found.looked`)

Days are the ledger's. A page with a filter looks through `MOST_LOOKED` entries at most, and skips months without the account.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.core.facts import Link
from bookhand.web.status import PostingRow

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

OFTEN = ("charge", "refund", "payout", "stripe_fee", "tax", "exchange", "bank_match")
"""Kinds that the index of seldom ones leaves out, as migration 0014 names them."""
MOST_LOOKED = 10_000
_SELDOM = "kind not in ('charge', 'refund', 'payout', 'stripe_fee', 'tax', 'exchange', 'bank_match')"
_COLUMNS = (
    "connection_id, key, booked_on, happened_at, kind, why, accounts, currencies, minors, refs, reverses, source, settles, delivery,"
    " recorded_at"
)
_TOUCHES = (
    "(%(account)s = any (accounts) and (%(currency)s::text is null or exists (select from unnest(accounts, currencies) as line (a, c)"
    " where a = %(account)s and c = %(currency)s)))"
)
_ORDER = "booked_on desc, happened_at desc, key desc"

Place = tuple[date, int, str]
"""Where an entry stands in the order of pages: (ledger day, moment, key)."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries: those that touch `account` (in `currency`), of a `kind`, booked from `since` to `until` (both included)."""

    account: str | None = None
    currency: str | None = None
    kind: str | None = None
    since: date | None = None
    until: date | None = None

    @property
    def narrow(self) -> bool:
        """Whether entries are passed over that the index does not know of."""
        return self.account is not None or (self.kind is not None and self.kind in OFTEN)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as pages show it."""

    connection_id: int
    key: str
    booked_on: date
    happened_at: datetime
    kind: str
    why: str
    postings: tuple[PostingRow, ...]
    refs: dict[str, str]
    reverses: str | None
    source: str | None
    settles: str | None
    delivery: int
    recorded_at: datetime

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.booked_on, int(self.happened_at.timestamp()), self.key

    def moved(self, account: str, currency: str) -> int:
        """What it changed in one account."""
        return sum(
            each.minor for each in self.postings if (each.account, each.currency) == (account, currency)
        )


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """A page; `next` is the place it ended at, None at the end. `short` says that it ended because enough was looked through."""

    entries: list[Line]
    next: Place | None
    short: bool = False


def page(
    cx: Transaction[Any],
    links: Sequence[Link],
    wanted: Wanted,
    *,
    before: Place | None,
    limit: int,
    most_looked: int = MOST_LOOKED,
) -> Lines:
    """Entries of these journals, newest first, from after the place `before`; of each `most_looked` are looked through at most."""
    parts = [_part(cx, link, wanted, before, limit, most_looked) for link in links]
    safe = max((part.next for part in parts if part.next is not None), default=None)
    found = sorted(
        (each for part in parts for each in part.entries if safe is None or each.place >= safe),
        key=lambda each: (*each.place, each.connection_id),
        reverse=True,
    )
    if len(found) > limit:
        return Lines(entries=found[:limit], next=found[limit - 1].place)
    return Lines(entries=found, next=safe, short=safe is not None and len(found) < limit)


def _part(  # noqa: PLR0917 (as `page` has it)
    cx: Transaction[Any], link: Link, wanted: Wanted, before: Place | None, limit: int, left: int
) -> Lines:
    """One journal's part of a page: entries, and how far it was looked through (None: to the end)."""
    found: list[Line] = []
    for month, count in _months(cx, link, wanted, before):
        rows = _rows(cx, link, wanted, month, before, limit + 1 - len(found), looked=left)
        found += rows
        if len(found) > limit:
            return Lines(entries=found, next=found[-1].place)
        if wanted.narrow:
            last = _looked_to(cx, link, wanted, month, before, left) if count > left else None
            if last is not None:
                return Lines(entries=found, next=last)
            left = max(left - count, 1)
    return Lines(entries=found, next=None)


def _months(
    cx: Transaction[Any], link: Link, wanted: Wanted, before: Place | None
) -> Iterator[tuple[str, int]]:
    """The months that can hold such entries, newest first, with how many entries each has."""
    rows = cx.execute(
        """
        select month, entries from journal_month m where workspace_id = %(workspace)s and connection_id = %(connection)s
            and month >= %(first)s and month <= %(last)s and (%(account)s::text is null or exists (
                select from journal_activity a where a.workspace_id = m.workspace_id and a.connection_id = m.connection_id
                    and a.month = m.month and a.account = %(account)s and (%(currency)s::text is null or a.currency = %(currency)s)))
        order by month desc
        """,
        {
            "workspace": link.workspace_id, "connection": link.connection_id, "account": wanted.account, "currency": wanted.currency,
            "first": f"{wanted.since:%Y-%m}" if wanted.since else "", "last": _last_month(wanted, before),
        },
    ).fetchall()  # fmt: skip
    yield from rows


def _last_month(wanted: Wanted, before: Place | None) -> str:
    days = [each for each in (wanted.until, before[0] if before else None) if each is not None]
    return f"{min(days):%Y-%m}" if days else "9999-12"


def _rows(  # noqa: PLR0917 (as the query has it)
    cx: Transaction[Any], link: Link, wanted: Wanted, month: str, before: Place | None, limit: int, *, looked: int
) -> list[Line]:  # fmt: skip
    where, values = _bounds(link, wanted, month, before)
    inner = f"select {_COLUMNS} from journal_entry where {where} order by {_ORDER}"
    if wanted.narrow:
        inner = (
            f"select * from ({inner} limit %(looked)s) as near where (%(kind)s::text is null or kind = %(kind)s) and"
            f" (%(account)s::text is null or {_TOUCHES}) order by {_ORDER}"
        )
    rows = cx.execute(f"{inner} limit %(limit)s", {**values, "looked": looked, "limit": limit})
    return [line_of(row) for row in rows]


def _looked_to(  # noqa: PLR0917 (as above)
    cx: Transaction[Any], link: Link, wanted: Wanted, month: str, before: Place | None, looked: int
) -> Place | None:
    """The last place that a look through so many entries reached; None where the month ended before."""
    where, values = _bounds(link, wanted, month, before)
    row = cx.execute(
        f"select booked_on, happened_at, key from journal_entry where {where} order by {_ORDER} offset %(skipped)s limit 1",
        {**values, "skipped": looked - 1},
    ).fetchone()
    return None if row is None else (row[0], row[1], row[2])


def _bounds(link: Link, wanted: Wanted, month: str, before: Place | None) -> tuple[str, dict[str, Any]]:
    where = (
        "workspace_id = %(workspace)s and connection_id = %(connection)s and booked_on >= %(first)s::date"
        " and booked_on < (%(first)s::date + interval '1 month')::date"
    )
    values: dict[str, Any] = {
        "workspace": link.workspace_id, "connection": link.connection_id, "first": f"{month}-01", "kind": wanted.kind,
        "account": wanted.account, "currency": wanted.currency,
    }  # fmt: skip
    if wanted.since is not None:
        where += " and booked_on >= %(since)s"
        values["since"] = wanted.since
    if wanted.until is not None:
        where += " and booked_on <= %(until)s"
        values["until"] = wanted.until
    if before is not None:
        where += " and (booked_on, happened_at, key) < (%(day)s, %(at)s, %(key)s)"
        values |= {"day": before[0], "at": before[1], "key": before[2]}
    if wanted.kind is not None and wanted.kind not in OFTEN:
        where += f" and kind = %(kind)s and {_SELDOM}"
    return where, values


def kinds(cx: Transaction[Any]) -> list[str]:
    """The kinds of entries there are: the frequent ones, and those seldom ones that occur, each found by one step of the index."""
    rows = cx.execute(
        f"""
        with recursive found (kind) as (
            (select kind from journal_entry where {_SELDOM} order by kind limit 1)
            union all
            select (select e.kind from journal_entry e where e.kind > found.kind and e.{_SELDOM} order by e.kind limit 1)
            from found where found.kind is not null)
        select kind from found where kind is not null
        """
    )
    return sorted({*OFTEN, *(kind for (kind,) in rows)})


# --- one entry, and what belongs to it ---


def one(cx: Transaction[Any], link: Link, key: str) -> Line | None:
    """The entry with this key."""
    row = cx.execute(
        f"select {_COLUMNS} from journal_entry where workspace_id = %s and connection_id = %s and key = %s",
        (link.workspace_id, link.connection_id, key),
    ).fetchone()
    return None if row is None else line_of(row)


def about(cx: Transaction[Any], links: Sequence[Link], named: str, *, limit: int) -> list[Line]:
    """What a person means by an id: the entry of that key with its refinements, and the entries of that object with theirs."""
    found: list[Line] = []
    for link in links:
        rows = cx.execute(
            f"""
            with named as materialized (
                (select key from journal_entry where workspace_id = %(workspace)s and connection_id = %(connection)s
                    and source = %(id)s order by key limit %(limit)s)
                union select %(id)s)
            select {_COLUMNS} from named cross join lateral (
                select * from journal_entry where workspace_id = %(workspace)s and connection_id = %(connection)s
                    and (key = named.key or (key > named.key || ':' and key < named.key || ';')) offset 0) e
            order by booked_on desc, happened_at desc, e.key desc limit %(limit)s
            """.replace(_COLUMNS, _COLUMNS.replace(" key,", " e.key,")),
            {"workspace": link.workspace_id, "connection": link.connection_id, "id": named, "limit": limit},
        )
        found += [line_of(row) for row in rows]
    return sorted(found, key=lambda each: each.place, reverse=True)[:limit]


def line_of(row: tuple[Any, ...]) -> Line:
    """The entry that a row of columns is."""
    connection_id, key, booked_on, at, kind, why, accounts, currencies, minors, refs, reverses, source = row[
        :12
    ]
    settles, delivery, recorded_at = row[12:]
    if refs is None:
        refs = {"balance_transaction": key} | ({"source": source} if source else {})
    return Line(
        connection_id=connection_id, key=key, booked_on=booked_on, happened_at=datetime.fromtimestamp(at, UTC), kind=kind, why=why,
        postings=tuple(
            PostingRow(account=account, currency=currency, minor=minor)
            for account, currency, minor in zip(accounts, currencies, minors, strict=True)
        ),
        refs=refs, reverses=reverses, source=source, settles=settles, delivery=delivery, recorded_at=recorded_at,
    )  # fmt: skip
