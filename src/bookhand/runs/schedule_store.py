"""Schedules as rows: kept, listed, switched, and fired once for each moment, whatever the number of workers.

A due schedule's row is locked by the worker that fires it, and the run's key carries the moment, so a second worker finds nothing
to do. Moments that were missed while nobody worked are made up by one run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from bookhand.core.caller import Caller, capabilities
from bookhand.core.problems import Refusal
from bookhand.runs import store
from bookhand.runs.run import Owner
from bookhand.runs.schedule import Schedule, next_moment

Transaction = psycopg.Connection[Any]
CallerOf = Callable[[Transaction, Schedule], tuple[Caller, Mapping[str, Any]] | None]
"""Who a schedule's owner is now, with the rights of now; None where that person is gone. Who may start nothing any more (or is
gone) has the schedule switched off."""

_FIELDS = (
    "schedule_id, name, template, cron, timezone, inputs, prompt, connection_id, who, owner, role, agent, enabled, next_at,"
    " last_at, last_run"
)


def keep(
    cx: Transaction,
    caller: Caller,
    *,
    name: str,
    template: str,
    cron: str,
    timezone: str,
    inputs: Mapping[str, Any] | None = None,
    prompt: str | None = None,
    connection_id: int | None = None,
) -> Schedule:
    """Add a schedule in the caller's name, or change the one of that name; `Refusal` for what is no cron or timezone."""
    caller.need("propose")
    first = next_moment(cron, timezone, after=_now(cx))
    row = cx.execute(
        f"""
        insert into schedule (workspace_id, name, template, cron, timezone, inputs, prompt, connection_id, who, owner, role, agent, next_at)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        on conflict (workspace_id, name) do update
            set template = excluded.template, cron = excluded.cron, timezone = excluded.timezone, inputs = excluded.inputs,
                prompt = excluded.prompt, connection_id = excluded.connection_id, who = excluded.who, owner = excluded.owner,
                role = excluded.role, agent = excluded.agent, next_at = excluded.next_at, enabled = true
        returning {_FIELDS}
        """,
        (caller.workspace_id, name, template, cron, timezone, Jsonb(dict(inputs or {})), prompt, connection_id, caller.who,
         caller.name, caller.role, caller.agent, first),
    ).fetchone()  # fmt: skip
    assert row is not None  # noqa: S101 (an upsert returns its row)
    return _schedule(row)


def every(cx: Transaction) -> list[Schedule]:
    """All schedules by name."""
    return [_schedule(row) for row in cx.execute(f"select {_FIELDS} from schedule order by name")]


def switch(cx: Transaction, caller: Caller, name: str, *, on: bool) -> None:
    """Let a schedule fire, or not; what was missed while it was off is not made up."""
    caller.need("manage")
    row = cx.execute("select cron, timezone from schedule where name = %s for update", (name,)).fetchone()
    if row is None:
        raise Refusal(f"There is no schedule {name!r}: `bookhand schedules` lists those there are.")
    cx.execute(
        "update schedule set enabled = %s, next_at = %s where name = %s",
        (on, next_moment(row[0], row[1], after=_now(cx)), name),
    )


def fire(cx: Transaction, caller_of: CallerOf) -> list[str]:
    """Start the runs of all schedules that are due; their ids."""
    rows = cx.execute(
        f"select {_FIELDS} from schedule where enabled and next_at <= clock_timestamp() order by next_at, schedule_id"
        " for update skip locked"
    ).fetchall()
    return [run_id for row in rows if (run_id := _fire(cx, _schedule(row), caller_of))]


def _fire(cx: Transaction, schedule: Schedule, caller_of: CallerOf) -> str | None:
    caller, rights = caller_of(cx, schedule) or (None, {})
    run_id, may = None, caller is not None and "propose" in caller.can
    if caller is not None and may:
        run_id = store.start(
            cx, caller, schedule.template, schedule.inputs, rights=rights, prompt=schedule.prompt,
            connection_id=schedule.connection_id, key=f"schedule:{schedule.id}:{schedule.next_at.isoformat()}",
        )  # fmt: skip
    cx.execute(
        "update schedule set last_at = next_at, last_run = coalesce(%s, last_run), next_at = %s, enabled = %s"
        " where schedule_id = %s",
        (
            run_id,
            next_moment(schedule.cron, schedule.timezone, after=_now(cx)),
            may,
            schedule.id,
        ),
    )
    return run_id


def as_kept(cx: Transaction, schedule: Schedule) -> tuple[Caller, Mapping[str, Any]]:
    """The owner as the schedule has it, with all that the role allows."""
    row = cx.execute("select current_setting('bookhand.workspace')::int").fetchone()
    owner, can = schedule.owner, capabilities(schedule.owner.role)
    caller = Caller(
        workspace_id=row[0] if row else 1, who=owner.who, name=owner.name, role=owner.role, can=can, channel="workflow",
        agent=owner.agent,
    )  # fmt: skip
    return caller, {"can": sorted(can)}


def _now(cx: Transaction) -> datetime:
    row = cx.execute("select clock_timestamp()").fetchone()
    assert row is not None  # noqa: S101 (a select without a table has a row)
    found: datetime = row[0]
    return found


def _schedule(row: tuple[Any, ...]) -> Schedule:
    (
        number,
        name,
        template,
        cron,
        timezone,
        inputs,
        prompt,
        connection_id,
        who,
        owner,
        role,
        agent,
        *rest,
    ) = row
    enabled, next_at, last_at, last_run = rest
    return Schedule(
        id=number, name=name, template=template, cron=cron, timezone=timezone, inputs=inputs, prompt=prompt,
        connection_id=connection_id, owner=Owner(who=who, name=owner, role=role, agent=agent), enabled=enabled, next_at=next_at,
        last_at=last_at, last_run=last_run,
    )  # fmt: skip
