"""What a sweep looks for: dead workers, runs that may go on, runs that stood too long, ended runs to forget. Never commits.

Every search locks the rows it takes and skips those that somebody has, so any number of workers may sweep at once, and a worker
that is stopped in the middle (it loses its connection after some seconds) holds up nobody for long.
"""

from __future__ import annotations

from typing import Any

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from bookhand.runs import durable_store, store
from bookhand.runs.run import ENDED, Run

Transaction = psycopg.Connection[Any]

_BATCH = 500


def lend_briefly(cx: Transaction) -> None:
    """If this process is stopped in this transaction, its locks are gone after some seconds."""
    cx.execute("set local idle_in_transaction_session_timeout = '10s'")


def beat(cx: Transaction, executor_id: str) -> None:
    """This worker is alive; those that were not seen for a day are forgotten."""
    cx.execute(
        "insert into run_worker (workspace_id, executor_id) values (current_setting('bookhand.workspace')::int, %s)"
        " on conflict (workspace_id, executor_id) do update set seen_at = clock_timestamp()",
        (executor_id,),
    )
    cx.execute("delete from run_worker where seen_at < now() - interval '1 day'")


def farewell(cx: Transaction, executor_id: str) -> None:
    """This worker ends: what it still holds may be taken over at once."""
    cx.execute("delete from run_worker where executor_id = %s", (executor_id,))


def take_over(cx: Transaction, me: str, *, ttl_seconds: float) -> list[str]:
    """The workers that were not seen for `ttl_seconds` and hold runs. Their epochs end: what they do later is refused.

    Never `me`: whoever asks is alive, even if it slept for so long that its last sign of life is old.
    """
    rows = cx.execute(
        """
        with dead as materialized (
            select r.workspace_id, r.run_id, w.executor_id
            from run r join dbos.workflow_status w on w.workflow_uuid = r.run_id
            where w.status = 'PENDING' and w.executor_id <> %s and not exists (
                select 1 from run_worker k
                where k.executor_id = w.executor_id and k.seen_at > clock_timestamp() - make_interval(secs => %s))
            for update of r skip locked
        )
        update run r set epoch = r.epoch + 1 from dead
        where r.workspace_id = dead.workspace_id and r.run_id = dead.run_id returning dead.executor_id
        """,
        (me, ttl_seconds),
    )
    return sorted({executor_id for (executor_id,) in rows})


def due(cx: Transaction) -> int:
    """Let runs look again whose waiting is over: a moment was named, or the other side may be up."""
    return cx.execute(
        """
        with found as materialized (
            select run_id from run where state = 'waiting' and wait_until <= clock_timestamp() limit %s for update skip locked
        )
        update run set state = 'queued', held_at = null, wait_until = null from found where run.run_id = found.run_id
        """,
        (_BATCH,),
    ).rowcount


def reconnected(cx: Transaction) -> list[Run]:
    """The runs that stand because of a connection which is active again."""
    return _held(cx, "c.status = 'active'", ())


def given_up(cx: Transaction, *, days: float) -> list[Run]:
    """The runs that stand because of a lost connection for more than `days`."""
    return _held(cx, "r.held_at < clock_timestamp() - make_interval(secs => %s)", (days * 86_400,))


def _held(cx: Transaction, condition: str, given: tuple[Any, ...]) -> list[Run]:
    rows = cx.execute(
        f"""
        select r.run_id from run r join connection c using (workspace_id, connection_id)
        where r.state = 'paused' and r.held_by = 'disconnect' and {condition} limit %s for update of r skip locked
        """,
        (*given, _BATCH),
    ).fetchall()
    return [store.get(cx, run_id) for (run_id,) in rows]


def asleep(cx: Transaction) -> list[str]:
    """Runs that should be at work and that DBOS has put aside; locked, so that one process alone resumes each."""
    return _differing(cx, "CANCELLED")


def broken(cx: Transaction) -> list[Run]:
    """Runs that should be at work and that DBOS gave up: their worker died again and again."""
    return [store.get(cx, run_id) for run_id in _differing(cx, "ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")]


def _differing(cx: Transaction, *statuses: str) -> list[str]:
    rows = cx.execute(
        """
        select r.run_id from run r join dbos.workflow_status w on w.workflow_uuid = r.run_id
        where r.state in ('queued', 'running') and w.status = any (%s) limit %s for update of r skip locked
        """,
        (list(statuses), _BATCH),
    ).fetchall()
    # Looked at again now that the rows are ours: who had them a moment ago may have resumed them.
    return durable_store.of_status(cx, [run_id for (run_id,) in rows], *statuses) if rows else []


def resumed(cx: Transaction, run_ids: list[str]) -> None:
    """They wait for a free worker."""
    cx.execute("update run set state = 'queued' where run_id = any (%s)", (run_ids,))


def ended(cx: Transaction, *, days: float, batch: int = 200) -> list[str]:
    """Runs that ended more than `days` ago, with their timelines kept in our row, so that DBOS may forget them."""
    rows = cx.execute(
        """
        select run_id from run where state = any (%s) and timeline is null
            and finished_at < clock_timestamp() - make_interval(secs => %s)
        order by finished_at limit %s for update skip locked
        """,
        (list(ENDED), days * 86_400, batch),
    ).fetchall()
    for (run_id,) in rows:
        kept = msgspec.to_builtins(durable_store.stages(cx, run_id))
        cx.execute("update run set timeline = %s where run_id = %s", (Jsonb(kept), run_id))
    return [run_id for (run_id,) in rows]
