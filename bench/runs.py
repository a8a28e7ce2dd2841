"""Durable runs: beside a bare DBOS workflow, with a second worker, with 10,000 that wait, and after 100,000 that ended.

Each part is a process of its own (``python -m bench.run_task``) on a database of its own. The bare workflow has five empty steps,
is enqueued on the same queue, in bulk as ours are, by the same engine in the same process; rounds in turning order, the median counts.
With ``--long`` all 10,000 waiting runs are really executed up to their wait; else 1,000 are, and the rest are put there as rows.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import psycopg

from bench import programs
from bench.figures import Figure
from bench.ground import Ground

SECTION = "runs"
WAITING = 10_000
ENDED = 100_000


def measure(ground: Ground, options: argparse.Namespace) -> Iterator[Figure]:
    yield from _beside_bare(ground)
    yield from _second_worker(ground)
    yield from _waiting(ground, really=WAITING if options.long else 1_000)
    yield from _after_many(ground)


def _beside_bare(ground: Ground) -> Iterator[Figure]:
    with ground.place() as place:
        told = _task(place.url, "compare", count=200, rounds=5)
    yield Figure(
        section=SECTION, name="a run of five steps", value=told["ours_ms"], unit="ms", peer="bare DBOS workflow of five empty steps",
        peer_value=told["bare_ms"], most=1.5, note=f"ratio of each round: {told['ratios']}",
    )  # fmt: skip
    yield Figure(
        section=SECTION,
        name="approval to the step after it, p95",
        value=told["wake_p95_ms"],
        unit="ms",
        most=500,
    )


def _second_worker(ground: Ground) -> Iterator[Figure]:
    seconds = {}
    for workers in (1, 2):
        with ground.place() as place, ExitStack() as stack:
            begun = [stack.enter_context(_worker(place.url)) for _ in range(workers)]
            for each in begun:
                assert each.stdout is not None
                each.stdout.readline()
            seconds[workers] = _task(place.url, "load", count=600)["seconds"]
    yield Figure(
        section=SECTION, name="runs of five steps, two workers", value=600 / seconds[2], unit="/s", peer="one worker",
        peer_value=600 / seconds[1], note="two cores, which PostgreSQL shares",
    )  # fmt: skip


def _waiting(ground: Ground, *, really: int) -> Iterator[Figure]:
    with ground.place() as place:
        told = _task(place.url, "wait", really=really, rows=WAITING - really)
        again = _task(place.url, "wake_up")
    name = f"{WAITING:,} waiting"
    yield Figure(
        section=SECTION, name=f"{name}: memory above idle", value=told["above_mb"], unit="MB", most=100,
        note=f"{really:,} executed up to their wait in {told['seconds']:.0f} s, {WAITING - really:,} put there as rows",
    )  # fmt: skip
    yield Figure(
        section=SECTION,
        name=f"{name}: threads above idle",
        value=told["above_threads"],
        unit="",
        most=16,
    )
    yield Figure(
        section=SECTION,
        name=f"{name}: start of a process",
        value=again["start_seconds"],
        unit="s",
        most=5,
        note=f"{again['memory_mb']:.0f} MB resident after it, {again['idle_percent']:.1f} % of a core while nothing happens",
    )
    yield Figure(
        section=SECTION,
        name=f"{name}: wake-up to the next step, p95",
        value=again["wake_p95_ms"],
        unit="ms",
        most=1_000,
    )


def _after_many(ground: Ground) -> Iterator[Figure]:
    with ground.place() as place:
        before = _task(place.url, "ours", count=300)["ms"]
        with psycopg.connect(place.url, autocommit=True) as cx:
            _put_ended(cx)
        after = _task(place.url, "ours", count=300)["ms"]
    yield Figure(
        section=SECTION, name=f"a run after {ENDED:,} ended", value=after, unit="ms", peer="after none", peer_value=before, most=1.2,
    )  # fmt: skip


def _put_ended(cx: psycopg.Connection[Any]) -> None:
    cx.execute("select set_config('bookhand.workspace', '1', false)")
    for statement in (
        """insert into run (workspace_id, run_id, template, state, who, name, role, grantee, channel, result, created_at, started_at, finished_at)
           select 1, 'run_old' || n, 'five', 'done', 'person:1', 'Ada', 'owner', 'person:1', 'cli', '{}',
               now() - n * interval '10 s', now() - n * interval '10 s', now() - n * interval '9 s' from generate_series(1, %s) n""",
        """insert into dbos.workflow_status (workflow_uuid, status, name, executor_id, application_version, queue_name, priority, recovery_attempts,
               serialization, application_name, completed_at)
           select 'run_old' || n, 'SUCCESS', 'bookhand.run', 'x', '1', 'bookhand', 0, 1, 'portable_json', 'bookhand', 1000 * n
           from generate_series(1, %s) n""",
        """insert into dbos.workflow_input (workflow_uuid, inputs, retention_timestamp)
           select 'run_old' || n, '{"namedArgs":{},"positionalArgs":[1,"run_old"]}', 1000 * n from generate_series(1, %s) n""",
        """insert into dbos.operation_outputs (workflow_uuid, function_id, function_name, output, serialization, retention_timestamp)
           select 'run_old' || n, s, 'do:' || s, '{"ok":null}', 'portable_json', 1000 * n
           from generate_series(1, %s) n, generate_series(1, 5) s""",
    ):
        cx.execute(statement, (ENDED,))  # type: ignore[arg-type]
    cx.execute("analyze")


def _task(url: str, name: str, **words: object) -> dict[str, Any]:
    said = programs.run(
        [sys.executable, "-m", "bench.run_task", name, json.dumps(words)], environment={"BENCH_DATABASE": url}, seconds=900
    )  # fmt: skip
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


class _worker:  # noqa: N801 (used as a with-statement reads)
    """A worker process, stopped at the end."""

    def __init__(self, url: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.run_task", "work", "{}"], env=programs.surroundings({"BENCH_DATABASE": url}),
            stdout=subprocess.PIPE, cwd=programs.ROOT, start_new_session=os.name == "posix",
        )  # fmt: skip

    def __enter__(self) -> subprocess.Popen[bytes]:
        return self.process

    def __exit__(self, *_: object) -> None:
        programs.stop(self.process)


def options(_parser: argparse.ArgumentParser) -> None:
    """`--long` is that of scale."""
