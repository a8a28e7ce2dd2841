"""Deliveries and the queue in PostgreSQL; every statement takes a whole batch.

Nothing here commits: the caller's transaction does, so a delivery and its place in the queue are kept together or not at all.
A delivery is never changed or deleted (the database refuses it); the queue says which are not yet read, `parked` which cannot be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import psycopg

from bookhand.core.facts import Link
from bookhand.db.arrays import bigints, byteas, integers, texts
from bookhand.inbox.delivery import Delivery, Unreadable

Transaction = psycopg.Connection[Any]

LIVE, HISTORY = 0, 1
"""Lanes of the queue: what was pushed never waits behind what is brought in."""
CHANNEL = "bookhand_inbox"
"""The NOTIFY channel; its payload is the connection's number."""
_LOCK = 7_202_601

FRESH = """
with fresh as (
    insert into delivery (workspace_id, connection_id, kind, key, object, object_id, created, api_version, event_type, body)
    select %b::int, c, k, key, o, oi, at, v, t, body
    from unnest(%b::int4[], %b::text[], %b::text[], %b::text[], %b::text[], %b::int8[], %b::text[], %b::text[], %b::bytea[])
        as d (c, k, key, o, oi, at, v, t, body)
    order by c, key                                -- two writers that take the same keys take them in the same order
    on conflict do nothing
    returning workspace_id, connection_id, seq, key
), waiting as (
    insert into queued (workspace_id, connection_id, lane, seq) select workspace_id, connection_id, %b, seq from fresh
)
"""
"""The head of a statement that keeps and queues `arguments`; the new ones are its ``fresh``."""
INSERT = FRESH + "select connection_id, seq, key from fresh"


# --- deliveries ---


def arguments(workspace_id: int, rows: Sequence[tuple[int, Delivery]], *, lane: int) -> tuple[object, ...]:
    """What `INSERT` takes for deliveries of several connections (the number of each stands before it)."""
    mail = [delivery for _, delivery in rows]
    return (
        workspace_id, integers([number for number, _ in rows]), texts([d.kind for d in mail]), texts([d.key for d in mail]),
        texts([d.object for d in mail]), texts([d.object_id for d in mail]), bigints([d.created for d in mail]),
        texts([d.api_version for d in mail]), texts([d.event_type for d in mail]), byteas([d.body for d in mail]), lane,
    )  # fmt: skip


def receive(
    cx: Transaction, link: Link, deliveries: Sequence[Delivery], *, lane: int = LIVE
) -> list[tuple[int, Delivery]]:
    """Keep `deliveries` and queue those that are new; returns the new ones with their numbers."""
    by_key = {delivery.key: delivery for delivery in deliveries}
    if not by_key:
        return []
    fresh = _insert(cx, link, list(by_key.values()), lane=lane)
    known = [each for key, each in by_key.items() if key not in fresh and each.kind == "listed"]
    for again in _came_back(cx, link, known):
        by_key[again.key] = again
        fresh |= _insert(cx, link, [again], lane=lane)
    if fresh:
        cx.execute("select pg_notify(%s, %s)", (CHANNEL, str(link.connection_id)))
    return [(seq, by_key[key]) for key, seq in fresh.items()]


def _insert(cx: Transaction, link: Link, mail: Sequence[Delivery], *, lane: int) -> dict[str, int]:
    rows = [(link.connection_id, each) for each in mail]
    found = cx.execute(INSERT, arguments(link.workspace_id, rows, lane=lane))
    return {key: seq for _, seq, key in found}


def _came_back(cx: Transaction, link: Link, listed: Sequence[Delivery]) -> Iterator[Delivery]:
    """Objects listed with content we have seen before but since thought changed: told again, under a key of their own."""
    if not listed:
        return
    rows = cx.execute(
        """
        select d.key from unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::int8[]) as d (key, object, object_id, digest, at)
        cross join lateral (
            select digest, as_of from snapshot s
            where (s.workspace_id, s.connection_id, s.object, s.object_id) = (%s, %s, d.object, d.object_id) limit 1
        ) s
        where s.digest <> d.digest and s.as_of < d.at and d.object <> 'payout_members'
        """,
        (
            texts([each.key for each in listed]), texts([each.object for each in listed]),
            texts([each.object_id for each in listed]), texts([each.key.rpartition(":")[2] for each in listed]),
            bigints([each.created for each in listed]), link.workspace_id, link.connection_id,
        ),
    )  # fmt: skip
    wanted = {key for (key,) in rows}
    for each in listed:
        if each.key in wanted:
            yield msgspec.structs.replace(each, key=f"{each.key}:{each.created}")


COLUMNS = "d.seq, d.kind, d.key, d.object, d.object_id, d.created, d.api_version, d.event_type, d.body"


def delivery_of(row: tuple[Any, ...]) -> tuple[int, Delivery]:
    """The number and the delivery that a row of `COLUMNS` is."""
    seq, kind, key, name, object_id, created, api_version, event_type, body = row
    return seq, Delivery(
        kind=kind, key=key, object=name, object_id=object_id, created=created,
        api_version=api_version, event_type=event_type, body=body,
    )  # fmt: skip


def replay(cx: Transaction, link: Link, *, batch: int = 2000) -> Iterator[list[tuple[int, Delivery]]]:
    """Every delivery that was read or waits to be, in the order it came, in batches of bounded memory."""
    after = 0
    while True:
        rows = cx.execute(
            f"""
            select {COLUMNS} from delivery d
            where d.workspace_id = %s and d.connection_id = %s and d.seq > %s and not exists (
                select from parked p where (p.workspace_id, p.connection_id, p.seq) = (d.workspace_id, d.connection_id, d.seq))
            order by d.seq limit %s
            """,
            (link.workspace_id, link.connection_id, after, batch),
            binary=True,
        ).fetchall()
        if not rows:
            return
        found = [delivery_of(row) for row in rows]
        after = found[-1][0]
        yield found


def unknown(cx: Transaction, link: Link, object_name: str, ids: Sequence[str]) -> list[str]:
    """Those of `ids` that no delivery told us of: neither in a snapshot nor parked."""
    rows = cx.execute(
        """
        select id from unnest(%b::text[]) as t (id)
        left join lateral (
            select true as told from snapshot s
            where (s.workspace_id, s.connection_id, s.object, s.object_id) = (%s, %s, %s, id) limit 1
        ) s on true
        where told is null
            and not exists (select from parked p join delivery d using (workspace_id, connection_id, seq)
                            where p.workspace_id = %s and p.connection_id = %s and d.object_id = id)
        """,
        (
            texts(ids), link.workspace_id, link.connection_id, object_name, link.workspace_id, link.connection_id,
        ),
    )  # fmt: skip
    return [object_id for (object_id,) in rows]


# --- the queue ---


def take_turn(cx: Transaction, link: Link, *, wait: bool = False) -> bool:
    """Be the one who reads this connection's mail until the transaction ends; False if somebody else is, unless we `wait`."""
    if wait:
        cx.execute("select pg_advisory_xact_lock(%s, %s)", (_LOCK, link.connection_id))
        return True
    row = cx.execute("select pg_try_advisory_xact_lock(%s, %s)", (_LOCK, link.connection_id)).fetchone()
    return bool(row and row[0])


def take(cx: Transaction, link: Link, *, limit: int) -> list[tuple[int, int, Delivery]]:
    """The next deliveries to read, each with its lane and number, locked until the transaction ends."""
    rows = cx.execute(
        f"""
        with next as (
            select workspace_id, connection_id, lane, seq from queued where workspace_id = %s and connection_id = %s
            order by lane, seq limit %s for update skip locked
        )
        select next.lane, {COLUMNS} from next cross join lateral (
            select * from delivery d
            where (d.workspace_id, d.connection_id, d.seq) = (next.workspace_id, next.connection_id, next.seq) limit 1
        ) d
        order by next.lane, next.seq
        """,
        (link.workspace_id, link.connection_id, limit),
        binary=True,
    )
    return [(row[0], *delivery_of(row[1:])) for row in rows]


def finish(cx: Transaction, link: Link, read: Sequence[tuple[int, int]]) -> None:
    """Take deliveries (lane and number) off the queue."""
    for lane in {lane for lane, _ in read}:
        cx.execute(
            "delete from queued where workspace_id = %s and connection_id = %s and lane = %s and seq = any (%b::int8[])",
            (
                link.workspace_id,
                link.connection_id,
                lane,
                bigints([seq for each, seq in read if each == lane]),
            ),
        )


def waiting(cx: Transaction, link: Link, *, upto: int | None = None) -> int:
    """How many deliveries are not yet read (of those numbered `upto` or below)."""
    row = cx.execute(
        "select count(*) from queued where workspace_id = %s and connection_id = %s and (%s::bigint is null or seq <= %s)",
        (link.workspace_id, link.connection_id, upto, upto),
    ).fetchone()
    return int(row[0]) if row else 0


def newest(cx: Transaction, link: Link) -> int:
    """The number of the last delivery that waits to be read; 0 if none does."""
    row = cx.execute(
        "select coalesce(max(seq), 0) from queued where workspace_id = %s and connection_id = %s",
        (link.workspace_id, link.connection_id),
    ).fetchone()
    return int(row[0]) if row else 0


def park(cx: Transaction, link: Link, seq: int, why: Unreadable) -> None:
    """Put a delivery aside that cannot be read; it stays whole and out of the way."""
    cx.execute(
        """
        insert into parked (workspace_id, connection_id, seq, kind, message) values (%s, %s, %s, %s, %s)
        on conflict (workspace_id, connection_id, seq) do update set kind = excluded.kind, message = excluded.message
        """,
        (link.workspace_id, link.connection_id, seq, why.kind, why.message),
    )


def parked_of(cx: Transaction, link: Link, object_name: str) -> int:
    """How many deliveries of this kind of object cannot be read."""
    row = cx.execute(
        "select count(*) from parked join delivery using (workspace_id, connection_id, seq)"
        " where workspace_id = %s and connection_id = %s and object = %s",
        (link.workspace_id, link.connection_id, object_name),
    ).fetchone()
    return int(row[0]) if row else 0


def unpark(cx: Transaction, link: Link) -> int:
    """Queue what is parked to be read again, after an upgrade; events of another version than the pinned one stay."""
    return cx.execute(
        """
        with freed as (
            delete from parked p using delivery d
            where p.workspace_id = %s and p.connection_id = %s
                and (d.workspace_id, d.connection_id, d.seq) = (p.workspace_id, p.connection_id, p.seq)
                and (d.kind <> 'event' or d.api_version = %s)
            returning p.workspace_id, p.connection_id, p.seq
        )
        insert into queued select workspace_id, connection_id, %s, seq from freed on conflict do nothing
        """,
        (link.workspace_id, link.connection_id, link.api_version, LIVE),
    ).rowcount
