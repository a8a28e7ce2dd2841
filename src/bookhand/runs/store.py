"""Runs as rows: started, found, woken, paused, resumed, cancelled. All work in the caller's transaction and never commit.

    with db.transaction() as cx:
        run_id = start(cx, caller, "refund", {"charge": "ch_1"}, rights={"allow": ["refunds.create"]}, key="proposal:7")
    engine.nudge()                        # after the commit: at once; without it a worker's sweep finds it within a second

Whatever moves a run locks its row first. The row says what should be; DBOS is brought to it by `Engine` (`sweep_workflow`). What the
execution of a run asks and writes down is in `execution_store`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from bookhand.core.caller import Caller
from bookhand.core.problems import Conflict, Missing, Problem
from bookhand.core.ready import ready
from bookhand.runs import durable_store
from bookhand.runs.run import ENDED, Owner, Run, Stage, State, may_move, told_of
from bookhand.runs.template import Template
from bookhand.systems import store as connections
from bookhand.workspace.store import clear, report

Transaction = psycopg.Connection[Any]

HELD = "run_held"
"""The kind of Problem of a run that a person should look at."""
FIELDS = (
    "workspace_id, run_id, template, state, epoch, who, name, role, agent, channel, rights, inputs, prompt, connection_id, reason,"
    " held_by, held_at, waits_for, wait_until, result, created_at, started_at, finished_at"
)


# --- starting ---


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One run to be started; `key` starts it once, however often it is ordered."""

    template: str
    inputs: dict[str, Any]
    prompt: str | None = None
    connection_id: int | None = None
    key: str | None = None


def start(
    cx: Transaction,
    caller: Caller,
    template_name: str,
    inputs: Mapping[str, Any],
    *,
    rights: Mapping[str, Any],
    prompt: str | None = None,
    connection_id: int | None = None,
    key: str | None = None,
) -> str:
    """Start a run of `template_name` in the caller's name, with `rights` as they are now; its id.

    With a `key` that was used before, the id of that run; `Refusal` where it was used for something else.
    """
    order = Order(
        template=template_name, inputs=dict(inputs), prompt=prompt, connection_id=connection_id, key=key
    )
    return start_many(cx, caller, [order], rights=rights)[0]


def start_many(
    cx: Transaction, caller: Caller, orders: Sequence[Order], *, rights: Mapping[str, Any]
) -> list[str]:
    """Start many at once; their ids, in order."""
    caller.need("propose")
    ids = [_begin(cx, caller, order, rights) for order in orders]
    durable_store.enqueue(cx, caller.workspace_id, [run_id for run_id, is_new in ids if is_new])
    return [run_id for run_id, _ in ids]


def _begin(cx: Transaction, caller: Caller, order: Order, rights: Mapping[str, Any]) -> tuple[str, bool]:
    run_id = f"run_{secrets.token_hex(10)}"
    made = cx.execute(
        """
        insert into run (workspace_id, run_id, template, who, name, role, agent, grantee, channel, rights, inputs, prompt,
                         connection_id, key)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        on conflict (workspace_id, key) where key is not null do nothing returning run_id
        """,
        (caller.workspace_id, run_id, order.template, caller.who, caller.name, caller.role, caller.agent, caller.grantee,
         caller.channel, Jsonb(dict(rights)), Jsonb(order.inputs), order.prompt, order.connection_id, order.key),
    ).fetchone()  # fmt: skip
    return (run_id, True) if made else (_started_before(cx, order), False)


def _started_before(cx: Transaction, order: Order) -> str:
    row = cx.execute(
        "select run_id, template, inputs = %s from run where key = %s", (Jsonb(order.inputs), order.key)
    ).fetchone()
    if row is None or row[1] != order.template or not row[2]:
        raise Conflict(
            f"The key {order.key!r} started another run before: the same key is for the same run, choose another."
        )
    return str(row[0])


# --- finding ---


def get(cx: Transaction, run_id: str, *, lock: bool = False) -> Run:
    """A run by its id (locked until `cx` ends where asked); `Refusal` where there is none."""
    row = cx.execute(
        f"select {FIELDS} from run where run_id = %s{' for update' if lock else ''}", (run_id,)
    ).fetchone()
    if row is None:
        raise Missing(f"There is no run {run_id}: `bookhand runs` lists those there are.")
    return run_of(row)


def every(
    cx: Transaction,
    *,
    states: Sequence[State] = (),
    template: str | None = None,
    grantee: str | None = None,
    connection_id: int | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Run]:
    """Runs, newest first. `after` is ``(created_at, id)`` of the last one of the page before."""
    at, run_id = after or (None, None)
    rows = cx.execute(
        f"""
        select {FIELDS} from run
        where (%(states)s::text[] = '{{}}' or state = any (%(states)s::text[]))
            and (%(template)s::text is null or template = %(template)s)
            and (%(grantee)s::text is null or grantee = %(grantee)s)
            and (%(connection)s::int is null or connection_id = %(connection)s)
            and (%(at)s::timestamptz is null or (created_at, run_id) < (%(at)s, %(run_id)s))
        order by created_at desc, run_id desc limit %(limit)s
        """,
        {"states": list(states), "template": template, "grantee": grantee, "connection": connection_id, "at": at,
         "run_id": run_id, "limit": limit},
    )  # fmt: skip
    return [run_of(row) for row in rows]


def steps(cx: Transaction, run_id: str, template: Template | None = None) -> list[Stage]:
    """The timeline of a run: what was recorded, then what `template` declares and was not done."""
    row = cx.execute("select timeline from run where run_id = %s", (run_id,)).fetchone()
    kept = row[0] if row else None
    found = (
        durable_store.stages(cx, run_id) if kept is None else [msgspec.convert(each, Stage) for each in kept]
    )
    says = {step.name: step.says for step in template.steps} if template else {}
    told = [msgspec.structs.replace(each, says=says.get(each.name.partition(":")[0], "")) for each in found]
    names = {each.name.partition(":")[0] for each in found}
    return told + [
        Stage(name=name, state="not done", says=said) for name, said in says.items() if name not in names
    ]


def run_of(row: tuple[Any, ...]) -> Run:
    """The run that a row of `FIELDS` is."""
    workspace_id, run_id, template, state, epoch, who, name, role, agent, *rest = row
    (
        channel,
        rights,
        inputs,
        prompt,
        connection_id,
        reason,
        held_by,
        held_at,
        waits_for,
        wait_until,
        result,
        *times,
    ) = rest
    return Run(
        workspace_id=workspace_id, id=run_id, template=template, state=state, epoch=epoch,
        owner=Owner(who=who, name=name, role=role, agent=agent), channel=channel, rights=rights, inputs=inputs, prompt=prompt,
        connection_id=connection_id, reason=reason, held_by=held_by, held_at=held_at, waits_for=waits_for, wait_until=wait_until,
        result=result, created_at=times[0], started_at=times[1], finished_at=times[2],
    )  # fmt: skip


# --- what people do ---


def wake(cx: Transaction, topic: str) -> int:
    """Let the runs that wait for `topic` look again, once `cx` commits; how many. Takes the topic until then.

    The same lock is taken by a run that is about to wait, so between what `cx` writes and that run's last look there is no gap.
    """
    hold_topic(cx, topic)
    return cx.execute(
        "update run set state = 'queued', held_at = null, wait_until = null where state = 'waiting' and waits_for = %s",
        (topic,),
    ).rowcount


def hold_topic(cx: Transaction, topic: str) -> None:
    """Take `topic` until `cx` ends; always before a run's row, so that nobody waits in a circle."""
    cx.execute(
        "select pg_advisory_xact_lock(hashtextextended(current_setting('bookhand.workspace') || ':' || %s, 8))",
        (topic,),
    )


def pause(cx: Transaction, caller: Caller, run_id: str, reason: str) -> None:
    """Stop before the next step until somebody resumes it."""
    caller.need("manage")
    move(cx, get(cx, run_id, lock=True), "paused", reason=reason, held_by="person")


def resume(cx: Transaction, caller: Caller, run_id: str, reason: str | None = None) -> None:
    """Go on where it stopped: a paused run, or one that was parked and whose reason is mended."""
    caller.need("manage")
    run = get(cx, run_id, lock=True)
    if run.state not in {"paused", "parked"}:
        raise Conflict(
            f"Run {run_id} is {run.state}, so there is nothing to resume: paused and parked runs can be."
        )
    move(cx, run, "queued", reason=reason)


def cancel(
    cx: Transaction, caller: Caller, run_id: str, reason: str, template: Template | None = None
) -> None:
    """End it before its next step; what was and was not done is its result."""
    caller.need("manage")
    give_up(cx, get(cx, run_id, lock=True), reason, template)


def stop_of(
    cx: Transaction,
    grantee: str,
    connection_id: int | None,
    reason: str,
    templates: Mapping[str, Template] | None = None,
    *,
    but: str | None = None,
) -> list[str]:
    """Revoke now: cancel every run of `grantee` (``*`` is everybody), on one connection or all, before its next step; their ids.

    Not those of template `but`.
    """
    rows = cx.execute(
        f"select {FIELDS} from run where %s in (grantee, '*') and (%s::int is null or connection_id = %s)"
        " and template is distinct from %s and state <> all (%s) order by run_id for update",
        (grantee, connection_id, connection_id, but, list(ENDED)),
    ).fetchall()
    runs = [run_of(row) for row in rows]
    for run in runs:
        give_up(cx, run, reason, (templates or {}).get(run.template))
    return [run.id for run in runs]


# --- what every mover uses ---


def give_up(cx: Transaction, run: Run, reason: str, template: Template | None) -> str:
    """Cancel the locked `run`; returns what was and was not done, in a sentence."""
    told = told_of([step.name for step in template.steps] if template else (), durable_store.done(cx, run.id))
    move(cx, run, "cancelled", reason=reason, result=told)
    return str(told["says"])


def move(
    cx: Transaction,
    run: Run,
    after: State,
    *,
    reason: str | None = None,
    held_by: str | None = None,
    waits_for: str | None = None,
    wait_until: datetime | None = None,
    result: Mapping[str, Any] | None = None,
) -> None:
    """Bring the locked `run` to another state, by the table of moves; Problems follow it. `Refusal` where it may not."""
    if not may_move(run.state, after):
        raise Conflict(f"Run {run.id} is {run.state} and cannot become {after}: it stays as it is.")
    cx.execute(
        """
        update run set state = %(after)s, reason = %(reason)s, held_by = %(held_by)s, waits_for = %(waits_for)s,
            wait_until = %(until)s, result = coalesce(%(result)s, result),
            held_at = case when %(holds)s then coalesce(held_at, now()) end,
            finished_at = case when %(ends)s then now() end
        where run_id = %(id)s
        """,
        {"after": after, "reason": reason, "held_by": held_by, "waits_for": waits_for, "until": wait_until,
         "result": None if result is None else Jsonb(dict(result)), "holds": after in {"waiting", "paused", "parked"},
         "ends": after in ENDED, "id": run.id},
    )  # fmt: skip
    _tell(cx, run, after, reason, held_by)


def _tell(cx: Transaction, run: Run, after: State, reason: str | None, held_by: str | None) -> None:
    """A Problem while a run of a connection stands for a reason that people should hear of; closed when it goes on or ends."""
    if run.connection_id is None:
        return
    link = connections.get(cx, run.connection_id).link
    if after == "parked" or held_by == "disconnect":
        report(cx, link, [Problem(kind=HELD, subject=run.id, message=held_sentence(run, reason))])
    elif run.state in {"parked", "paused"}:
        clear(cx, link, kind=HELD, subjects=[run.id])


def held_sentence(run: Run, reason: str | None) -> str:
    """What people are told of a run that stands."""
    if reason is not None and reason.startswith("Integration"):
        return f"{reason}: run {run.id} ({run.template}) waits before its next step and goes on by itself once it is connected again."
    return f"Run {run.id} ({run.template}) cannot go on: {reason} Resume it with `bookhand resume {run.id}` once that is mended."


ready(Stage)  # see core.ready
