"""What the page and the metrics read from the database: few, cheap queries, whatever the size of the journal.

Nothing here writes. Everything is of the workspace that the transaction `cx` is in (row-level security).
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import psycopg

from bookhand.inbox import slices_store
from bookhand.inbox.backfill import ListProgress, progress_of
from bookhand.systems.store import every
from bookhand.web.status import (
    BackfillRow,
    ConnectionRow,
    EntryRow,
    HistoryRow,
    Live,
    PostingRow,
    ProblemRow,
    ProofRow,
    Status,
)
from bookhand.workspace.store import count_causes, open_problems

Transaction = psycopg.Connection[Any]

LATEST = 20
_PROBLEMS = 12
_MEASURED = 10_000
_NEWEST_PAGES = 256


def status(cx: Transaction, *, at: datetime) -> Status:
    """How it stands, at one moment."""
    problems = open_problems(cx, limit=_PROBLEMS)
    rows, histories = backfills(cx)
    return Status(
        at=at,
        connections=tuple(connections(cx)),
        proofs=tuple(proofs(cx)),
        backfills=tuple(rows),
        histories=tuple(histories),
        live=live(cx),
        entries=tuple(entries(cx)),
        problems=tuple(
            ProblemRow(
                connection_id=each.connection_id, kind=each.problem.kind, subject=each.problem.subject, message=each.problem.message,
                first_seen=each.first_seen, last_seen=each.last_seen, times=each.times,
            )
            for each in problems
        ),
        open_problems=count_causes(cx),
    )  # fmt: skip


def connections(cx: Transaction) -> list[ConnectionRow]:
    """The connections, oldest first."""
    return [
        ConnectionRow(
            id=each.id, name=each.name, account=each.link.account, mode=each.link.mode, livemode=each.livemode, auth=each.auth,
            api_version=each.link.api_version, status=each.status, status_reason=each.status_reason,
        )
        for each in every(cx)
    ]  # fmt: skip


def proofs(cx: Transaction) -> list[ProofRow]:
    """The newest proof of each connection and currency."""
    rows = cx.execute(
        """
        with recursive newest (proof) as (
            (select t from journal_proof t order by workspace_id, connection_id, currency, proof_id desc limit 1)
            union all
            select (
                select t from journal_proof t
                where (t.workspace_id, t.connection_id, t.currency)
                    > ((newest.proof).workspace_id, (newest.proof).connection_id, (newest.proof).currency)
                order by workspace_id, connection_id, currency, proof_id desc limit 1)
            from newest where (newest.proof).workspace_id is not null
        )
        select (proof).connection_id, (proof).currency, (proof).clearing, (proof).stripe_balance, (proof).off_by,
            (proof).unmatched, (proof).suspense, (proof).reason, (proof).as_of
        from newest where (proof).workspace_id is not null order by 1, 2
        """
    )
    return [
        ProofRow(
            connection_id=connection_id, currency=currency, clearing=clearing, stripe_balance=stripe_balance, off_by=off_by,
            unmatched=unmatched, suspense=suspense, reason=reason, at=as_of,
        )
        for connection_id, currency, clearing, stripe_balance, off_by, unmatched, suspense, reason, as_of in rows
    ]  # fmt: skip


def live(cx: Transaction) -> Live:
    """How long the oldest mail waits, and how much is posted."""
    return Live(
        oldest_waiting_seconds=oldest_waiting_seconds(cx),
        entries=_number(cx, "select coalesce(sum(entries), 0)::bigint from journal_month"),
    )


def oldest_waiting_seconds(cx: Transaction) -> float | None:
    """How long the oldest pushed mail has waited to be read; None where none waits. History waits its turn and is not late."""
    row = cx.execute(
        """
        select extract(epoch from clock_timestamp() - min(d.received_at))::float8
        from connection c cross join lateral (
            select q.workspace_id, q.connection_id, q.seq from queued q
            where q.workspace_id = c.workspace_id and q.connection_id = c.connection_id and q.lane = 0 order by q.seq limit 1
        ) as oldest
        join delivery d on (d.workspace_id, d.connection_id, d.seq) = (oldest.workspace_id, oldest.connection_id, oldest.seq)
        """
    ).fetchone()
    return None if row is None or row[0] is None else max(float(row[0]), 0.0)


# An entry is written from the balance transaction that was listed; the event that called for it is the snapshot of its source. What kind of
# object that is, is found first: under row-level security no index is looked into with what a function makes of another row.
_LAGS = """
    select extract(epoch from e.recorded_at - d.received_at)::float8 as lag, e.recorded_at, e.workspace_id, e.connection_id, e.key
    from (
        with newest as materialized (
            select workspace_id, connection_id, key, source, recorded_at, case split_part(source, '_', 1)
                when 'ch' then 'charge' when 'py' then 'charge' when 're' then 'refund' when 'pyr' then 'refund' when 'po' then 'payout'
                when 'dp' then 'dispute' when 'du' then 'dispute' when 'tr' then 'transfer' when 'fee' then 'application_fee' end as object
            from journal_entry where ctid >= %(newest)s::tid and source is not null order by recorded_at desc, happened_at desc limit %(most)s
        ) select * from newest
    ) as e
    join snapshot s on (s.workspace_id, s.connection_id, s.object, s.object_id) = (e.workspace_id, e.connection_id, e.object, e.source)
    join delivery d on (d.workspace_id, d.connection_id, d.seq) = (e.workspace_id, e.connection_id, s.seq)
    where d.kind = 'event' and d.received_at <= e.recorded_at
"""


def lags_since(cx: Transaction, since: datetime) -> tuple[datetime, list[float]]:
    """From the receipt of an event to the entry it led to, of entries written after `since`; and the time to ask from next."""
    rows = cx.execute(
        f"select lag, recorded_at from ({_LAGS}) as latest where recorded_at > %(since)s",
        {"most": _MEASURED, "since": since, "newest": _newest_pages(cx)},
    ).fetchall()
    return max((row[1] for row in rows), default=since), [row[0] for row in rows]


def backfills(cx: Transaction) -> tuple[list[BackfillRow], list[HistoryRow]]:
    """How far the newest backfill of each connection is, list by list, and what came of it."""
    rows: list[BackfillRow] = []
    histories: list[HistoryRow] = []
    for connection in every(cx):
        newest = slices_store.latest(cx, connection.link)
        if newest is None:
            continue
        parts = slices_store.slices(cx, connection.link, newest.id)
        lists = progress_of(parts, phase=newest.status, rate=0.0).lists
        rows += [_backfill(connection.id, each, seconds=newest.running_seconds) for each in lists]
        histories.append(
            HistoryRow(connection_id=connection.id, status=newest.status, verdict=newest.verdict)
        )
    return rows, histories


def _backfill(connection_id: int, progress: ListProgress, *, seconds: float) -> BackfillRow:
    complete = progress.state != "waiting"
    speed = progress.seen / seconds if seconds > 0 and progress.seen and not complete else None
    return BackfillRow(
        connection_id=connection_id, what=progress.name, done=progress.seen, total=max(progress.estimate, progress.seen),
        complete=complete, refused=progress.note if progress.state == "refused" else None, per_second=speed,
        seconds_left=(progress.estimate - progress.seen) / speed if speed else None,
    )  # fmt: skip


def entries(cx: Transaction) -> list[EntryRow]:
    """The entries written last."""
    rows = cx.execute(
        """
        select connection_id, key, kind, why, happened_at, recorded_at, accounts, currencies, minors from journal_entry
        where ctid >= %s::tid order by recorded_at desc, happened_at desc, key limit %s
        """,
        (_newest_pages(cx), LATEST),
    )
    return [
        EntryRow(
            connection_id=connection_id, key=key, kind=kind, why=why, happened_at=datetime.fromtimestamp(happened_at, UTC),
            recorded_at=recorded_at,
            postings=tuple(
                PostingRow(account=account, currency=currency, minor=minor)
                for account, currency, minor in zip(accounts, currencies, minors, strict=True)
            ),
        )
        for connection_id, key, kind, why, happened_at, recorded_at, accounts, currencies, minors in rows
    ]  # fmt: skip


def _newest_pages(cx: Transaction) -> str:
    """Where the last pages of the journal begin. It only grows, so its newest entries are there, and no index has to be kept."""
    row = cx.execute(
        "select greatest(pg_relation_size('journal_entry') / current_setting('block_size')::int - %s, 0)",
        (_NEWEST_PAGES,),
    ).fetchone()
    return f"({row[0] if row else 0},0)"


def queue(cx: Transaction) -> dict[tuple[int, str], int]:
    """How much waits in each connection: by lane, parked, and errands."""
    rows = cx.execute(
        """
        select connection_id, case lane when 0 then 'live' else 'history' end, count(*) from queued group by 1, 2
        union all select connection_id, 'parked', count(*) from parked group by 1
        union all select connection_id, 'errands', count(*) from errand group by 1
        """
    )
    found: dict[tuple[int, str], int] = defaultdict(int)
    for connection_id, what, number in rows:
        found[connection_id, what] = number
    return found


def problems_by_kind(cx: Transaction) -> dict[tuple[int, str], int]:
    """How many Problems are open, by connection and kind."""
    rows = cx.execute(
        "select connection_id, kind, count(*) from problem where closed_at is null group by 1, 2 order by 1, 2"
    )
    return {(connection_id, kind): number for connection_id, kind, number in rows}


def _number(cx: Transaction, query: str) -> int:
    row = cx.execute(query).fetchone()
    return int(row[0]) if row else 0
