"""One measurement of runs as a process of its own; prints one line of JSON. See bench/runs.py.

BENCH_DATABASE=… python -m bench.run_task compare '{"count": 200, "rounds": 5}'
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from bookhand import logs
from bookhand.core.caller import Caller, capabilities
from bookhand.db.durable import QUEUE, VERSION
from bookhand.db.engine import Database
from bookhand.runs import durable_store, store
from bookhand.runs.template import Context, Step, Template
from bookhand.runs.workflow import Engine

ME = Caller(
    workspace_id=1, who="person:1", name="Ada", role="owner", can=capabilities("owner"), channel="cli"
)
WAKES = 40
Told = dict[str, Any]


def _empty() -> None:
    return None


def _five(ctx: Context, _: dict[str, Any]) -> None:
    for n in range(5):
        ctx.step(f"do:{n}", _empty)


class Stage:
    """The templates, and the moment at which the step after a wait began."""

    def __init__(self) -> None:
        self.went: dict[str, float] = {}
        self.open: set[str] = set()
        step = (Step("do", "does"),)
        self.templates = (Template("five", "", step, _five), Template("wait", "", step, self._wait))

    def _wait(self, ctx: Context, inputs: dict[str, Any]) -> None:
        topic = str(inputs["topic"])
        ctx.step("do:first", _empty)
        ctx.wait_for(topic, lambda _: topic in self.open)
        ctx.step("do:then", lambda: self.went.setdefault(topic, time.perf_counter()))


@contextmanager
def _house(stage: Stage, *, launch: bool = True) -> Iterator[tuple[Database, Engine]]:
    logs.setup(level="error")
    with Database(os.environ["BENCH_DATABASE"], pool_size=16) as db:
        engine = Engine(db, stage.templates)
        if launch:
            engine.launch(work=True)
        try:
            yield db, engine
        finally:
            engine.close()


def compare(*, count: int, rounds: int) -> Told:
    stage = Stage()
    with _house(stage) as (db, engine):
        bare = _bare_workflow(db)
        ours = _ours_workflow(db)
        ours(20), bare(20)
        pairs = [(ours(count), bare(count)) if n % 2 else (bare(count), ours(count))[::-1] for n in range(rounds)]  # fmt: skip
        wakes = _wakes(db, engine, stage)
    mine, theirs = (statistics.median(each) * 1000 / count for each in zip(*pairs, strict=True))
    return {
        "ours_ms": mine, "bare_ms": theirs, "ratios": [round(one / two, 2) for one, two in pairs], "wake_p95_ms": _p95(wakes),
    }  # fmt: skip


def ours(*, count: int) -> Told:
    with _house(Stage()) as (db, _):
        run = _ours_workflow(db)
        run(50)
        return {"ms": statistics.median(run(count) for _ in range(3)) * 1000 / count}


def work() -> Told:
    stage = Stage()
    with _house(stage):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        threading.Event().wait(600)
    return {}


def load(*, count: int) -> Told:
    with _house(Stage(), launch=False) as (db, _):
        run = _ours_workflow(db)
        run(40)
        return {"seconds": run(count)}


def wait(*, really: int, rows: int) -> Told:
    stage = Stage()
    with _house(stage) as (db, engine):
        _ours_workflow(db)(50)
        memory, threads = _memory(), threading.active_count()
        began = time.perf_counter()
        for first in range(0, really, 1000):
            _start(db, "wait", [{"topic": f"t{n}"} for n in range(first, min(first + 1000, really))])
        _until(db, "select count(*) from run where state = 'waiting' and run_id not like 'run_row%%'", really)
        seconds = time.perf_counter() - began
        _put_waiting(db, rows)
        while engine._active:  # noqa: SLF001
            time.sleep(0.05)
        time.sleep(3)
        return {
            "above_mb": _memory() - memory,
            "above_threads": threading.active_count() - threads,
            "seconds": seconds,
        }


def wake_up() -> Told:
    stage = Stage()
    began = time.perf_counter()
    with _house(stage) as (db, engine):
        run = store_start(db, {"topic": "first"})
        _until(db, f"select count(*) from run where run_id = '{run}' and state = 'waiting'", 1)
        started = time.perf_counter() - began
        time.sleep(2)
        busy, at = time.process_time(), time.perf_counter()
        time.sleep(5)
        idle = (time.process_time() - busy) / (time.perf_counter() - at)
        told = {"start_seconds": started, "memory_mb": _memory(), "idle_percent": idle * 100}
        return {**told, "wake_p95_ms": _p95(_wakes(db, engine, stage))}


TASKS: dict[str, Callable[..., Told]] = {
    "compare": compare,
    "ours": ours,
    "work": work,
    "load": load,
    "wait": wait,
    "wake_up": wake_up,
}


def store_start(db: Database, inputs: dict[str, Any]) -> str:
    return _start(db, "wait", [inputs])[0]


def _start(db: Database, template: str, inputs: list[dict[str, Any]]) -> list[str]:
    with db.transaction() as cx:
        return store.start_many(
            cx, ME, [store.Order(template=template, inputs=each) for each in inputs], rights={}
        )


def _ours_workflow(db: Database) -> Callable[[int], float]:
    def run(count: int) -> float:
        done = _count(db, "select count(*) from run where state = 'done'")
        began = time.perf_counter()
        _start(db, "five", [{}] * count)
        _until(db, "select count(*) from run where state = 'done'", done + count)
        return time.perf_counter() - began

    return run


def _bare_workflow(db: Database) -> Callable[[int], float]:
    from dbos import DBOS  # noqa: PLC0415

    @DBOS.step(name="bare_step")
    def step() -> None:
        return None

    @DBOS.workflow(name="bare")
    def bare(_: int) -> None:
        for _n in range(5):
            step()

    said = "select count(*) from dbos.workflow_status where name = 'bare' and status = 'SUCCESS'"

    def run(count: int) -> float:
        done = _count(db, said)
        began = time.perf_counter()
        client, engine = durable_store._inside()  # noqa: SLF001 (in bulk, as ours are)
        with db.transaction() as cx:
            mark = durable_store._lent.set(durable_store._Lent(cx))  # noqa: SLF001
            with engine.connect() as lent:
                for n in range(count):
                    client.enqueue_in_transaction(
                        lent, {"workflow_name": "bare", "queue_name": QUEUE, "app_version": VERSION}, n
                    )
            durable_store._lent.reset(mark)  # noqa: SLF001
        _until(db, said, done + count)
        return time.perf_counter() - began

    return run


def _wakes(db: Database, engine: Engine, stage: Stage) -> list[float]:
    """From the commit of an approval to the step after it, one at a time."""
    took = []
    for n in range(WAKES):
        topic = f"wake {n} {os.getpid()}"
        run = store_start(db, {"topic": topic})
        _until(db, f"select count(*) from run where run_id = '{run}' and state = 'waiting'", 1)
        stage.open.add(topic)
        began = time.perf_counter()
        with db.transaction() as cx:
            store.wake(cx, topic)
        engine.nudge()
        while topic not in stage.went:
            time.sleep(0.001)
        took.append(stage.went[topic] - began)
    return took


def _put_waiting(db: Database, count: int) -> None:
    """Runs that wait, as their rows are."""
    with db.transaction() as cx:
        for statement in (
            """insert into run (workspace_id, run_id, template, state, who, name, role, grantee, channel, inputs, waits_for, held_at)
               select 1, 'run_row' || n, 'wait', 'waiting', 'person:1', 'Ada', 'owner', 'person:1', 'cli',
                   jsonb_build_object('topic', 'row' || n), 'row' || n, now() from generate_series(1, %s) n""",
            """insert into dbos.workflow_status (workflow_uuid, status, name, executor_id, application_version, priority, recovery_attempts,
                   serialization, application_name, completed_at)
               select 'run_row' || n, 'CANCELLED', 'bookhand.run', 'x', '1', 0, 1, 'portable_json', 'bookhand', 1000 * n
               from generate_series(1, %s) n""",
            """insert into dbos.workflow_input (workflow_uuid, inputs, retention_timestamp)
               select 'run_row' || n, '{"namedArgs":{},"positionalArgs":[1,"run_row' || n || '"]}', 1000 * n
               from generate_series(1, %s) n""",
        ):
            cx.execute(statement, (count,))  # type: ignore[arg-type]


def _until(db: Database, query: str, least: int) -> None:
    end = time.monotonic() + 600
    while _count(db, query) < least:
        if time.monotonic() > end:
            raise RuntimeError(f"it took more than ten minutes until {query} was {least}")
        time.sleep(0.02)


def _count(db: Database, query: str) -> int:
    with db.transaction() as cx:
        row = cx.execute(query).fetchone()  # type: ignore[arg-type]
    return int(row[0]) if row else 0


def _p95(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.95)] * 1000


def _memory() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6


def main() -> None:
    told = TASKS[sys.argv[1]](**json.loads(sys.argv[2]))
    print(json.dumps(told))


if __name__ == "__main__":
    main()
