"""Snapshots in PostgreSQL: the latest that we know of each object, and which delivery told it. Never commits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg

from bookhand.core.facts import Link
from bookhand.db.arrays import bigints, integers, texts
from bookhand.inbox.delivery import Delivery
from bookhand.inbox.ordering import Sight
from bookhand.inbox.store import COLUMNS, delivery_of

Transaction = psycopg.Connection[Any]


def sights(cx: Transaction, link: Link, objects: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Sight]:
    """What we know of `objects` (name, id)."""
    rows = cx.execute(
        """
        select s.object, s.object_id, s.as_of, s.told_by, s.digest, s.gone, s.seq
        from unnest(%b::text[], %b::text[]) as o (object, object_id)
        cross join lateral (            -- one look into the index a row, whatever the planner thinks the table holds
            select * from snapshot s
            where (s.workspace_id, s.connection_id, s.object, s.object_id) = (%s, %s, o.object, o.object_id) limit 1
        ) s
        """,
        (
            texts([name for name, _ in objects]),
            texts([each for _, each in objects]),
            link.workspace_id,
            link.connection_id,
        ),
    )
    return {
        (name, object_id): Sight(as_of=as_of, told_by=told_by, digest=digest, gone=gone, seq=seq)
        for name, object_id, as_of, told_by, digest, gone, seq in rows
    }


def put_sights(cx: Transaction, link: Link, latest: dict[tuple[str, str], Sight]) -> None:
    """Make these the latest we know."""
    if not latest:
        return
    seen = list(latest.values())
    cx.execute(
        """
        insert into snapshot (workspace_id, connection_id, object, object_id, as_of, told_by, digest, gone, seq)
        select %b::int, %b::int, o, oi, at, by, digest, gone = 1, seq
        from unnest(%b::text[], %b::text[], %b::int8[], %b::text[], %b::text[], %b::int4[], %b::int8[])
            as s (o, oi, at, by, digest, gone, seq)
        on conflict (workspace_id, connection_id, object, object_id) do update set
            as_of = excluded.as_of, told_by = excluded.told_by, digest = excluded.digest, gone = excluded.gone, seq = excluded.seq
        """,
        (
            link.workspace_id, link.connection_id, texts([name for name, _ in latest]), texts([each for _, each in latest]),
            bigints([s.as_of for s in seen]), texts([s.told_by for s in seen]), texts([s.digest for s in seen]),
            integers([int(s.gone) for s in seen]), bigints([s.seq for s in seen]),
        ),
    )  # fmt: skip


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The latest state of an object that we know: its delivery, when that was true, and whether it is gone."""

    seq: int
    delivery: Delivery
    as_of: int
    gone: bool


def snapshot(cx: Transaction, link: Link, object_name: str, object_id: str) -> Snapshot | None:
    """The latest state of one object, or None if we were never told of it."""
    row = cx.execute(
        f"""
        select s.as_of, s.gone, {COLUMNS} from snapshot s join delivery d using (workspace_id, connection_id, seq)
        where s.workspace_id = %s and s.connection_id = %s and s.object = %s and s.object_id = %s
        """,
        (link.workspace_id, link.connection_id, object_name, object_id),
        binary=True,
    ).fetchone()
    if row is None:
        return None
    seq, delivery = delivery_of(row[2:])
    return Snapshot(seq=seq, delivery=delivery, as_of=row[0], gone=row[1])
