"""Payouts in the database: the newest state of each, whatever order it is told in, and which money is still looked for at the bank.

`read` is a reader (see `core.ports`). A later telling replaces an earlier one; of two of the same second that differ, the one further
along a payout's life counts (a trace id is not taken back, what failed does not become paid again), and the bytes decide the rest, so
that every order of the same mail ends alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.core.facts import Link, Payout, Seen
from bookhand.core.problems import Missing, Problem
from bookhand.db.arrays import bigints, byteas, integers, texts

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_TEXTS = (
    "currency", "status", "method", "type", "reconciliation_status", "balance_transaction", "failure_balance_transaction",
    "failure_code", "failure_message", "original_payout", "reversed_by", "trace_id", "trace_status", "statement_descriptor",
    "description", "destination", "destination_last4",
)  # fmt: skip
_COLUMNS = ", ".join("descriptor" if name == "statement_descriptor" else name for name in _TEXTS)
_STAGES = {"pending": 0, "in_transit": 1, "paid": 2, "canceled": 3, "failed": 4}
_PLACES = ", ".join(["%b::text[]"] * len(_TEXTS))
_NAMES = ", ".join(f"t{at}" for at in range(len(_TEXTS)))
_KEEP = f"""
    insert into payout as kept (workspace_id, connection_id, payout_id, {_COLUMNS}, created, amount, arrival_date, automatic, as_of,
        stage, hash)
    select %b::int, %b::int, id, {_NAMES}, created, amount, arrival, automatic = 1, as_of, stage, hash
    from unnest(%b::text[], {_PLACES}, %b::int8[], %b::int8[], %b::int8[], %b::int4[], %b::int8[], %b::int4[], %b::bytea[])
        as told (id, {_NAMES}, created, amount, arrival, automatic, as_of, stage, hash)
    on conflict (workspace_id, connection_id, payout_id) do update set
        ({_COLUMNS}, created, amount, arrival_date, automatic, as_of, stage, hash)
        = ({", ".join(f"excluded.{name.strip()}" for name in _COLUMNS.split(","))}, excluded.created, excluded.amount,
           excluded.arrival_date, excluded.automatic, excluded.as_of, excluded.stage, excluded.hash)
    where (excluded.as_of, excluded.stage, excluded.hash) > (kept.as_of, kept.stage, kept.hash)
    returning payout_id
"""
_LOOK_FOR = """
    with told as materialized (
        select p.payout_id, p.created,
            p.status <> 'canceled' and (m.rule is null or p.status = 'failed' and m.rule <> 'returned') as wanted
        from unnest(%(ids)s::text[]) as t (id)
        cross join lateral (select * from payout p where p.workspace_id = %(workspace)s and p.connection_id = %(connection)s
            and p.payout_id = t.id offset 0) p
        left join bank_match_payout m on m.workspace_id = %(workspace)s and m.connection_id = %(connection)s and m.payout_id = t.id),
    gone as (
        delete from payout_open g using told where g.workspace_id = %(workspace)s and g.connection_id = %(connection)s
            and g.payout_id = told.payout_id and not told.wanted)
    insert into payout_open (workspace_id, connection_id, payout_id, since)
    select %(workspace)s, %(connection)s, payout_id, created from told where wanted order by payout_id on conflict do nothing
"""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A payout as it is kept: its newest state (`core.facts.Payout`), and its connection."""

    connection_id: int
    payout: Payout
    as_of: int


def read(cx: Transaction[Any], link: Link, facts: Sequence[Seen]) -> list[Problem]:
    """Keep what is new of the payouts among `facts`; finds nothing wrong by itself."""
    newest: dict[str, tuple[tuple[int, int, bytes], Payout]] = {}
    for seen in facts:
        if isinstance(seen.fact, Payout):
            rank = _rank(seen.fact, seen.as_of)
            if seen.fact.id not in newest or rank > newest[seen.fact.id][0]:
                newest[seen.fact.id] = rank, seen.fact
    if newest:
        changed = _keep(cx, link, [newest[id_] for id_ in sorted(newest)])
        look_for(cx, link, changed)
    return []


def look_for(cx: Transaction[Any], link: Link, payouts: Sequence[str]) -> None:
    """Let `payouts` be looked for at the bank, or not any more, as their states and matches now say."""
    if payouts:
        cx.execute(
            _LOOK_FOR,
            {"ids": sorted(payouts), "workspace": link.workspace_id, "connection": link.connection_id},
        )


def get(cx: Transaction[Any], payout_id: str, *, connection_id: int | None = None) -> Kept:
    """One payout; `Missing` where nobody told of it."""
    found = some(cx, [payout_id], connection_id=connection_id)
    if not found:
        raise Missing(
            f"There is no payout {payout_id}: look at its id, or bring the history in that it is in."
        )
    return found[0]


def some(cx: Transaction[Any], ids: Sequence[str], *, connection_id: int | None = None) -> list[Kept]:
    """Those of these payouts that are known, by connection and id."""
    rows = cx.execute(
        f"""
        select connection_id, as_of, {_READ} from payout
        where payout_id = any (%s) and (%s::int is null or connection_id = %s) order by connection_id, payout_id
        """,
        (list(ids), connection_id, connection_id),
    )
    return [kept_of(row) for row in rows]


def page(
    cx: Transaction[Any],
    workspace_id: int,
    *,
    connection_id: int | None = None,
    standing: str | None = None,
    after: str | None = None,
    limit: int = 100,
) -> list[tuple[Kept, str | None]]:
    """Payouts with the matches that stand for them, newest first; page on with the last id as `after`.

    `standing` is ``open`` (looked for at the bank; not one that failed and never reached it), ``matched``, or None for all.
    """
    rows = cx.execute(
        f"""
        select m.match_id, {COLUMNS} from payout p
        left join bank_match_payout m on m.workspace_id = p.workspace_id and m.connection_id = p.connection_id
            and m.payout_id = p.payout_id
        where p.workspace_id = %(workspace)s and (%(connection)s::int is null or p.connection_id = %(connection)s)
            and (%(after)s::text is null or (p.created, p.payout_id) < (select a.created, a.payout_id from payout a
                where a.workspace_id = %(workspace)s and a.payout_id = %(after)s limit 1))
            and (%(standing)s::text is null or %(standing)s = 'matched' and m.match_id is not null
                or %(standing)s = 'open' and exists (select from payout_open o where o.workspace_id = p.workspace_id
                    and o.connection_id = p.connection_id and o.payout_id = p.payout_id and o.settled is null))
        order by p.created desc, p.payout_id desc limit %(limit)s
        """,
        {
            "workspace": workspace_id,
            "connection": connection_id,
            "standing": standing,
            "after": after,
            "limit": limit,
        },
    )
    return [(kept_of(row[1:]), row[0]) for row in rows]


_READ = f"payout_id, created, amount, arrival_date, automatic, {_COLUMNS}"
COLUMNS = ", ".join(f"p.{name.strip()}" for name in f"connection_id, as_of, {_READ}".split(","))
"""What `kept_of` reads, from ``payout p``."""


def kept_of(row: Sequence[Any]) -> Kept:
    """A row of `COLUMNS`."""
    connection_id, as_of, id_, created, amount, arrival, automatic, *rest = row
    named = dict(zip(_TEXTS, rest, strict=True))
    payout = Payout(
        id=id_, created=created, amount=amount, arrival_date=arrival, automatic=automatic, **named
    )
    return Kept(connection_id=connection_id, payout=payout, as_of=as_of)


def _keep(
    cx: Transaction[Any], link: Link, told: Sequence[tuple[tuple[int, int, bytes], Payout]]
) -> list[str]:
    payouts = [payout for _, payout in told]
    rows = cx.execute(
        _KEEP,
        (
            link.workspace_id, link.connection_id, texts([each.id for each in payouts]),
            *(texts([getattr(each, name) for each in payouts]) for name in _TEXTS),
            bigints([each.created for each in payouts]), bigints([each.amount for each in payouts]),
            bigints([each.arrival_date for each in payouts]), integers([int(each.automatic) for each in payouts]),
            bigints([as_of for (as_of, _, _), _ in told]), integers([stage for (_, stage, _), _ in told]),
            byteas([hash_ for (_, _, hash_), _ in told]),
        ),
    )  # fmt: skip
    return [id_ for (id_,) in rows]


def _rank(payout: Payout, as_of: int) -> tuple[int, int, bytes]:
    """What decides which of two tellings is kept: the later, the further, the bytes."""
    stage = 100 * _STAGES.get(payout.status, 9)
    stage += 10 * (payout.reconciliation_status == "completed") + 4 * (payout.reversed_by is not None)
    stage += 2 * (payout.trace_status not in {None, "pending"}) + (payout.destination_last4 is not None)
    return as_of, stage, hashlib.blake2b(msgspec.json.encode(payout), digest_size=12).digest()
