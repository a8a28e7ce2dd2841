"""An engine in this process, and workers that are processes of their own, on a fresh database."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.runs.plays import plays, stage

from bookhand.db.engine import Database
from bookhand.runs.run import Run
from bookhand.runs.template import Template
from bookhand.runs.workflow import Engine


@pytest.fixture
def theatre(db: Database) -> Database:
    """The database with the table of deeds."""
    stage(db.url)
    return db


@pytest.fixture
def alerts() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def open_engine(theatre: Database, alerts: list[tuple[str, str]]) -> Iterator[Callable[..., Engine]]:
    """``open_engine(*templates)``: the engine of this process, one after another; closed at the end."""
    opened: list[Engine] = []

    def open_one(*templates: Template, work: bool = True, **more: object) -> Engine:
        def alert(run: Run, sentence: str) -> None:
            alerts.append((run.id, sentence))

        engine = Engine(
            theatre, templates or plays(theatre), alert=alert, **{"sweep_seconds": 0.3, "ttl_seconds": 2.0, **more}
        )  # fmt: skip
        engine.launch(work=work)
        opened.append(engine)
        return engine

    yield open_one
    for engine in opened:
        if not engine.closing.is_set():
            engine.close(seconds=3)


@pytest.fixture
def engine(open_engine: Callable[..., Engine]) -> Engine:
    return open_engine()


class Worker:
    """A worker in a process of its own."""

    def __init__(self, url: str, name: str, ttl: float) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py")), url, name, str(ttl)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ),
        )  # fmt: skip
        self.executor_id = ""

    def ready(self) -> Worker:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().split()
        assert line[:1] == ["ready"], line
        self.executor_id = line[1]
        return self

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(20)


@pytest.fixture
def workers(theatre: Database) -> Iterator[Callable[..., list[Worker]]]:
    """``workers("a", "b")``: so many processes, ready."""
    begun: list[Worker] = []

    def begin(*names: str, ttl: float = 2.0) -> list[Worker]:
        mine = [Worker(theatre.url, name, ttl) for name in names]
        begun.extend(mine)
        return [each.ready() for each in mine]

    yield begin
    for each in begun:
        each.process.kill()
        each.process.wait(10)
