"""How far each list was read, in PostgreSQL: so that the next look begins there. Never commits."""

from __future__ import annotations

from typing import Any

import msgspec
import psycopg

from bookhand.core.facts import Link

Transaction = psycopg.Connection[Any]


def first_told(cx: Transaction, link: Link) -> int:
    """When the first mail that was pushed to us happened (Unix seconds); 0 if none was."""
    row = cx.execute(
        """
        select coalesce(min(created), 0) from (
            select created from delivery where workspace_id = %s and connection_id = %s and kind in ('event', 'thin')
            order by seq limit 1000) as first
        """,
        (link.workspace_id, link.connection_id),
    ).fetchone()
    return int(row[0]) if row else 0


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How far a list was read: the newest id and its `created` (Unix seconds), and how long ago that was."""

    newest_id: str | None = None
    newest_created: int = 0
    age_seconds: float = float("inf")


def reading(cx: Transaction, link: Link, name: str) -> Reading:
    """How far the list `name` was read last."""
    row = cx.execute(
        """
        select newest_id, newest_created, extract(epoch from now() - read_at)::float8 from reading
        where workspace_id = %s and connection_id = %s and name = %s
        """,
        (link.workspace_id, link.connection_id, name),
    ).fetchone()
    return Reading(newest_id=row[0], newest_created=row[1], age_seconds=row[2]) if row else Reading()


def put_reading(
    cx: Transaction, link: Link, name: str, *, newest_id: str | None, newest_created: int
) -> None:
    """The list `name` was just read up to here."""
    cx.execute(
        """
        insert into reading (workspace_id, connection_id, name, newest_id, newest_created) values (%s, %s, %s, %s, %s)
        on conflict (workspace_id, connection_id, name) do update set
            newest_id = coalesce(excluded.newest_id, reading.newest_id),
            newest_created = greatest(excluded.newest_created, reading.newest_created), read_at = now()
        """,
        (link.workspace_id, link.connection_id, name, newest_id, newest_created),
    )


def begin_reading(cx: Transaction, link: Link, name: str, *, since: int) -> None:
    """Live reading of the list `name` takes over where this backfill ends, unless it is further already."""
    cx.execute(
        """
        insert into reading (workspace_id, connection_id, name, newest_id, newest_created) values (%s, %s, %s, '', %s)
        on conflict do nothing
        """,
        (link.workspace_id, link.connection_id, name, since),
    )
