"""Backfills and their slices in PostgreSQL: a page and its cursor are saved in one transaction, so a kill loses at most work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from bookhand.core.facts import Link
from bookhand.core.ready import ready
from bookhand.db.arrays import bigints, integers, texts
from bookhand.inbox.backfill import Progress, Slice

Transaction = psycopg.Connection[Any]


class Backfill(msgspec.Struct, frozen=True, kw_only=True):
    """A backfill: its range (Unix seconds, the end excluded), its lists, and what came of it.

    `asked_by` is who asked for it on a page, `paused_by` who lets it stand; `told` is how far whoever runs it said it is, and when.
    """

    id: int
    since: int
    until: int
    lists: tuple[str, ...]
    status: str
    verdict: tuple[str, ...]
    running_seconds: float
    asked_by: str | None = None
    paused_by: str | None = None
    told: Progress | None = None
    told_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


def start(
    cx: Transaction,
    link: Link,
    *,
    since: int,
    until: int,
    slices: Sequence[Slice],
    asked_by: str | None = None,
) -> Backfill:
    """Write a new backfill down with its plan."""
    names = list(dict.fromkeys(part.list for part in slices))
    row = cx.execute(
        "insert into backfill (workspace_id, connection_id, since, until, lists, asked_by) values (%s, %s, %s, %s, %s, %s) returning backfill_id",
        (link.workspace_id, link.connection_id, since, until, names, asked_by),
    ).fetchone()
    backfill = Backfill(
        id=row[0] if row else 0, since=since, until=until, lists=tuple(names), status="running", verdict=(), running_seconds=0.0
    )  # fmt: skip
    save(cx, link, backfill.id, slices)
    return backfill


def latest(cx: Transaction, link: Link) -> Backfill | None:
    """The newest backfill of a connection, running or not."""
    row = cx.execute(
        """
        select backfill_id, since, until, lists, status, verdict,
            extract(epoch from coalesce(finished_at, now()) - started_at)::float8, asked_by, paused_by, told, told_at, started_at, finished_at
        from backfill where workspace_id = %s and connection_id = %s order by backfill_id desc limit 1
        """,
        (link.workspace_id, link.connection_id),
    ).fetchone()
    if row is None:
        return None
    return Backfill(
        id=row[0], since=row[1], until=row[2], lists=tuple(row[3]), status=row[4], verdict=tuple(row[5]), running_seconds=row[6],
        asked_by=row[7], paused_by=row[8], told=msgspec.convert(row[9], Progress) if row[9] else None, told_at=row[10],
        started_at=row[11], finished_at=row[12],
    )  # fmt: skip


def asked_for(cx: Transaction) -> list[int]:
    """The connections whose backfill somebody asked for on a page, that is not done, not paused, and can be asked: numbers, oldest first."""
    rows = cx.execute(
        """
        select b.connection_id from backfill b join connection c using (workspace_id, connection_id)
        where b.status = 'running' and b.asked_by is not null and b.paused_by is null and c.status = 'active' order by b.started_at
        """
    )
    return [row[0] for row in rows]


def tell(cx: Transaction, link: Link, how: Progress, *, at_work: bool = True) -> None:
    """Write down how far the newest backfill of a connection is, for whoever watches it, and whether somebody is at it."""
    cx.execute(
        """
        update backfill set told = %s, told_at = case when %s then clock_timestamp() end where workspace_id = %s and connection_id = %s and backfill_id = (
            select max(backfill_id) from backfill where workspace_id = %s and connection_id = %s)
        """,
        (Jsonb(msgspec.to_builtins(how)), at_work, *(link.workspace_id, link.connection_id) * 2),
    )


def pause(cx: Transaction, link: Link, *, by: str | None) -> bool:
    """Let the connection's backfill stand (`by` somebody), or go on (`by` None); False where none is under way."""
    changed = cx.execute(
        "update backfill set paused_by = %s where workspace_id = %s and connection_id = %s and status = 'running'",
        (by, link.workspace_id, link.connection_id),
    ).rowcount
    return bool(changed)


def claim(cx: Transaction, link: Link, *, by: str) -> None:
    """Let a worker take up a backfill that was begun at the command line and left."""
    cx.execute(
        """
        update backfill set asked_by = coalesce(asked_by, %s)
        where workspace_id = %s and connection_id = %s and status = 'running'
        """,
        (by, link.workspace_id, link.connection_id),
    )


def slices(cx: Transaction, link: Link, backfill_id: int) -> list[Slice]:
    """Every slice of a backfill."""
    rows = cx.execute(
        """
        select list, number, since, until, reached, cursor_id, first_id, state, seen, fresh, pages, note from slice
        where workspace_id = %s and connection_id = %s and backfill_id = %s order by list, number
        """,
        (link.workspace_id, link.connection_id, backfill_id),
    )
    return [Slice(**dict(zip(_FIELDS, row, strict=True))) for row in rows]


def brought(cx: Transaction, link: Link, name: str) -> tuple[list[Slice], int]:
    """The finished slices of a list, of every backfill; and from when on (Unix seconds) live reading has it."""
    rows = cx.execute(
        """
        select list, number, since, until, reached, cursor_id, first_id, state, seen, fresh, pages, note from slice
        where workspace_id = %s and connection_id = %s and list = %s and state = 'done'
        """,
        (link.workspace_id, link.connection_id, name),
    ).fetchall()
    live = cx.execute(
        "select until from backfill where workspace_id = %s and connection_id = %s order by backfill_id limit 1",
        (link.workspace_id, link.connection_id),
    ).fetchone()
    return [Slice(**dict(zip(_FIELDS, row, strict=True))) for row in rows], live[0] if live else 0


_FIELDS = (
    "list",
    "number",
    "since",
    "until",
    "reached",
    "cursor_id",
    "first_id",
    "state",
    "seen",
    "fresh",
    "pages",
    "note",
)


def save(cx: Transaction, link: Link, backfill_id: int, changed: Sequence[Slice]) -> None:
    """Make these the state of their slices; `fresh` is counted on top of what is there."""
    if not changed:
        return
    cx.execute(
        """
        insert into slice (workspace_id, connection_id, backfill_id, list, number, since, until, reached, cursor_id, first_id,
            state, seen, fresh, pages, note)
        select %b::int, %b::int, %b::bigint, * from unnest(%b::text[], %b::int4[], %b::int8[], %b::int8[], %b::int8[], %b::text[],
            %b::text[], %b::text[], %b::int8[], %b::int8[], %b::int8[], %b::text[])
        on conflict (workspace_id, connection_id, backfill_id, list, number) do update set
            since = excluded.since, until = excluded.until, reached = excluded.reached, cursor_id = excluded.cursor_id,
            first_id = excluded.first_id, state = excluded.state, seen = excluded.seen, fresh = slice.fresh + excluded.fresh,
            pages = excluded.pages, note = excluded.note
        """,
        (
            link.workspace_id, link.connection_id, backfill_id, texts([s.list for s in changed]),
            integers([s.number for s in changed]), bigints([s.since for s in changed]), bigints([s.until for s in changed]),
            bigints([s.reached for s in changed]), texts([s.cursor_id for s in changed]), texts([s.first_id for s in changed]),
            texts([s.state for s in changed]), bigints([s.seen for s in changed]), bigints([s.fresh for s in changed]),
            bigints([s.pages for s in changed]), texts([s.note for s in changed]),
        ),
    )  # fmt: skip


def finish(cx: Transaction, link: Link, backfill_id: int, *, status: str, verdict: Sequence[str]) -> None:
    """Say what came of a backfill: ``complete`` only after every check held."""
    cx.execute(
        """
        update backfill set status = %s, verdict = %s, finished_at = now()
        where workspace_id = %s and connection_id = %s and backfill_id = %s
        """,
        (status, list(verdict), link.workspace_id, link.connection_id, backfill_id),
    )


def is_first(cx: Transaction, link: Link, backfill_id: int) -> bool:
    """Whether a connection had no backfill before this one."""
    row = cx.execute(
        "select count(*) from backfill where workspace_id = %s and connection_id = %s and backfill_id < %s",
        (link.workspace_id, link.connection_id, backfill_id),
    ).fetchone()
    return not (row and row[0])


def only_one(cx: Transaction, link: Link) -> bool:
    """Hold a connection's backfill for as long as `cx` lives; False if another process does."""
    row = cx.execute("select pg_try_advisory_lock(%s, %s)", (_LOCK, link.connection_id)).fetchone()
    return bool(row and row[0])


_LOCK = 7_202_602


ready(Progress)  # see core.ready
