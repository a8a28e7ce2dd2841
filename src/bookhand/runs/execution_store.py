"""What an execution of a run asks and writes down: taken for it, looked at before a step, done once, ended. Never commits.

An execution owns its run for an epoch: `begin` gives a new one, and what another does later under an old one is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from bookhand.runs import durable_store
from bookhand.runs.run import STATES, Run, Standing, may_move, told_of
from bookhand.runs.store import FIELDS, get, run_of
from bookhand.runs.template import Template

Transaction = psycopg.Connection[Any]

_HELD_SECONDS = 20


def begin(cx: Transaction, run_id: str) -> Run | None:
    """Take the run for an execution: it runs, with a new epoch; None where it ended or stands."""
    row = cx.execute(
        f"""
        update run set state = 'running', epoch = epoch + 1, started_at = coalesce(started_at, now()), reason = null,
            held_by = null, held_at = null, waits_for = null, wait_until = null
        where run_id = %s and state = any (%s) returning {FIELDS}
        """,
        (run_id, [state for state in STATES if may_move(state, "running")]),
    ).fetchone()
    return run_of(row) if row else None


def stands(cx: Transaction, run_id: str) -> bool:
    """Whether a run stands, to go on later."""
    return get(cx, run_id).state in {"paused", "parked"}


def standing(cx: Transaction, run_id: str) -> Standing | None:
    """What is looked at before a step."""
    row = cx.execute(
        "select r.state, r.epoch, c.name, c.status from run r left join connection c using (workspace_id, connection_id)"
        " where r.run_id = %s",
        (run_id,),
    ).fetchone()
    return Standing(state=row[0], epoch=row[1], connection=row[2], status=row[3]) if row else None


def fence(cx: Transaction, run_id: str) -> int:
    """The epoch of a run, held as it is until `cx` ends. A process that is stopped while it holds it loses its connection."""
    row = cx.execute(
        "select epoch, set_config('idle_in_transaction_session_timeout', %s, true) from run where run_id = %s for share",
        (f"{_HELD_SECONDS}s", run_id),
    ).fetchone()
    return int(row[0]) if row else -1


def effect(cx: Transaction, run_id: str, step: str, work: Callable[[], Any]) -> Any:
    """What `work` gave, done and written down in `cx`; where it was done before, what it gave then."""
    row = cx.execute(
        "select output from run_effect where run_id = %s and step = %s", (run_id, step)
    ).fetchone()
    if row is not None:
        return row[0]
    output = work()
    cx.execute(
        "insert into run_effect (workspace_id, run_id, step, output)"
        " values (current_setting('bookhand.workspace')::int, %s, %s, %s)",
        (run_id, step, Jsonb(output)),
    )
    return output


def count_outage(cx: Transaction, run_id: str, step: str) -> int:
    """How many times in a row the run now left memory because of an outage at `step`."""
    row = cx.execute(
        "update run set outages = case when outage_step = %s then outages + 1 else 1 end, outage_step = %s where run_id = %s"
        " returning outages",
        (step, step, run_id),
    ).fetchone()
    return int(row[0]) if row else 1


def is_finished(cx: Transaction, run: Run, result: Mapping[str, Any] | None) -> bool:
    """Say that a run is done, where nothing came between; False where something did, and nothing is said.

    Not flushed by itself: DBOS's own record, which is written after it and is, takes it along; without that record the end of
    the run is told again.
    """
    row = cx.execute(
        """
        update run set state = 'done', result = %s, finished_at = now()
        from (select set_config('synchronous_commit', 'off', true)) as later
        where run_id = %s and epoch = %s and state in ('queued', 'running') returning 1
        """,
        (None if result is None else Jsonb(dict(result)), run.id, run.epoch),
    ).fetchone()
    return row is not None


def retell(cx: Transaction, run: Run, template: Template) -> None:
    """Tell anew what a cancelled run did: a step was under way when it was cancelled."""
    told = told_of([step.name for step in template.steps], durable_store.done(cx, run.id))
    cx.execute("update run set result = %s where run_id = %s and state = 'cancelled'", (Jsonb(told), run.id))
