"""The traps of durable runs, each forced: wake-ups that cross a park, workers killed, stopped and woken, code that changed."""

from __future__ import annotations

import os
import resource
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.db.test_backup import empty_url
from tests.runs.plays import OWNER, deeds, found, give, is_given, plays, reach, start, until

from bookhand.db.backup import backup, restore
from bookhand.db.engine import Database
from bookhand.runs import execution_store, store, sweep_store
from bookhand.runs.template import Context, Step, Template
from bookhand.runs.workflow import Engine

Open = Callable[..., Engine]
Workers = Callable[..., Any]
__all__ = ["empty_url"]


def wake(db: Database, topic: str) -> int:
    with db.transaction() as cx:
        cx.execute("insert into signal values (%s)", (topic,))
        return store.wake(cx, topic)


def waits_for_lock(db: Database, kind: str) -> bool:
    with db.transaction() as cx:
        return bool(
            cx.execute(
                "select 1 from pg_locks l join pg_database d on d.oid = l.database"
                " where not granted and locktype = %s and datname = current_database()",
                (kind,),
            ).fetchall()
        )


# --- lost wake-ups ---


def test_a_wake_up_that_is_decided_first_and_committed_last_is_not_lost(
    theatre: Database, open_engine: Open
) -> None:
    """The decision and its wake find nobody waiting yet; the run comes to its last look before they are committed."""
    open_engine(work=True)
    topic = "decided first"
    with theatre.transaction() as cx:
        cx.execute("insert into signal values (%s)", (topic,))
        assert store.wake(cx, topic) == 0
        run = start(theatre, "ask", topic=topic)
        until(lambda: waits_for_lock(theatre, "advisory"))
        assert found(theatre, run).state == "running"
    assert reach(theatre, run, "done").epoch == 1  # it saw the decision and never parked


def test_a_wake_up_that_comes_while_a_run_parks_is_not_lost(theatre: Database, open_engine: Open) -> None:
    """The run had its last look and holds the topic; the waker has to wait for the park, and then finds it."""
    looked = threading.Event()

    def body(ctx: Context, _: dict[str, Any]) -> dict[str, Any]:
        def ready(cx: psycopg.Connection[Any]) -> bool:
            given = is_given(cx, "topic")
            if not given and not looked.is_set():
                looked.set()
                until(lambda: waits_for_lock(theatre, "advisory"))  # the waker stands at the door
            return given

        ctx.wait_for("topic", ready)
        return {"went": ctx.step("on", lambda: "on")}

    open_engine(Template("parks", "", (Step("on", ""),), body))
    run = start(theatre, "parks")
    assert looked.wait(10)
    assert wake(theatre, "topic") == 1
    assert reach(theatre, run, "done").epoch == 2


def test_a_crash_between_the_row_and_dbos_is_mended_by_a_sweep(theatre: Database, open_engine: Open) -> None:
    """Woken in the row, and put aside at DBOS by a park that was slower: nobody who knows of it is left."""
    engine = open_engine(work=True)
    run = start(theatre, "ask")
    reach(theatre, run, "waiting")
    until(lambda: _status(theatre, run) == "CANCELLED")
    assert wake(theatre, run) == 1  # and no nudge
    assert reach(theatre, run, "done", seconds=5).result == {"sent": True}
    late = start(theatre, "ask")
    reach(theatre, late, "waiting")
    wake(theatre, late)
    engine.nudge()
    engine.dbos.cancel(late)  # the late half of a park, after the wake-up was already answered
    assert reach(theatre, late, "done", seconds=5).result == {"sent": True}
    assert deeds(theatre, late) == ["ask", "send 0"]


def test_a_wait_ends_at_its_moment(theatre: Database, open_engine: Open) -> None:
    def body(ctx: Context, _: dict[str, Any]) -> dict[str, Any]:
        moment = ctx.run.created_at.replace(year=2020)
        return {"ready": ctx.wait_for("never", lambda cx: False, until=moment)}

    def later(ctx: Context, _: dict[str, Any]) -> dict[str, Any]:
        from datetime import timedelta

        return {
            "ready": ctx.wait_for(
                "never", lambda cx: False, until=ctx.run.created_at + timedelta(seconds=1.5)
            )
        }

    open_engine(Template("past", "", (), body), Template("later", "", (), later))
    past, soon = start(theatre, "past"), start(theatre, "later")
    assert reach(theatre, past, "done").result == {"ready": False}
    reach(theatre, soon, "waiting")
    assert reach(theatre, soon, "done").result == {"ready": False}


# --- workers that die, stop and wake ---


def test_executor_ids_are_one_to_a_boot_and_never_local(theatre: Database, open_engine: Open) -> None:
    ids = []
    for _ in range(2):
        engine = open_engine(work=True)
        run = start(theatre, "ask")
        reach(theatre, run, "waiting")
        with theatre.transaction() as cx:
            ids += cx.execute(
                "select executor_id from dbos.workflow_status where workflow_uuid = %s", (run,)
            ).fetchone()
        assert ids[-1] == engine.executor_id
        engine.close()
    assert len(set(ids)) == 2
    assert "local" not in ids


def test_the_runs_of_a_killed_worker_are_taken_over(
    theatre: Database, workers: Workers, open_engine: Open
) -> None:
    (first,) = workers("first")
    run = start(theatre, "slow")
    until(lambda: deeds(theatre, run) == ["one", "two begins"])
    open_engine(work=True)
    until(lambda: len(_alive(theatre)) == 2)
    first.process.send_signal(signal.SIGKILL)
    give(theatre, f"here {run}")
    done = reach(theatre, run, "done")
    assert done.result == {"by": "here"}
    assert deeds(theatre, run) == ["one", "two begins", "two begins", "two", "three"]
    assert done.epoch >= 2


def test_a_stopped_worker_that_wakes_does_not_act_again(
    theatre: Database, workers: Workers, open_engine: Open
) -> None:
    (first,) = workers("first")
    run = start(theatre, "fenced", seconds=1.0)
    until(lambda: deeds(theatre, run) == ["begins"])
    os.kill(first.process.pid, signal.SIGSTOP)
    open_engine(work=True)
    reach(theatre, run, "done")
    os.kill(first.process.pid, signal.SIGCONT)
    first.end()  # it had all the time it wanted
    assert deeds(theatre, run) == ["begins", "begins", "effect"]
    assert found(theatre, run).result == {"by": "here"}


def test_a_worker_that_slept_alone_does_not_take_itself_over(theatre: Database, open_engine: Open) -> None:
    engine = open_engine(work=True)
    run = start(theatre, "slow")
    until(lambda: deeds(theatre, run) == ["one", "two begins"])
    with theatre.transaction() as cx:
        cx.execute("update run_worker set seen_at = now() - interval '1 hour'")
        assert sweep_store.take_over(cx, engine.executor_id, ttl_seconds=2) == []
        assert sweep_store.take_over(cx, "another", ttl_seconds=2) == [engine.executor_id]
        cx.rollback()
    give(theatre, f"here {run}")
    assert reach(theatre, run, "done").epoch == 1


def test_a_worker_stopped_behind_its_fence_loses_it(theatre: Database, open_engine: Open) -> None:
    """It holds the row of the run in an open transaction: PostgreSQL ends that, the effect never was."""
    run = start(theatre, "ask")
    cx = theatre.connect()
    execution_store.fence(cx, run)
    cx.execute("insert into deed (run, what, who) values (%s, 'effect', '')", (run,))
    row = cx.execute("show idle_in_transaction_session_timeout").fetchone()
    assert row == ("20s",)
    cx.execute("set local idle_in_transaction_session_timeout = '1s'")  # as if the twenty were over
    open_engine(work=True)
    reach(theatre, run, "waiting")
    with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
        cx.execute("select 1")
    assert "effect" not in deeds(theatre, run)


def test_a_worker_that_ends_hands_its_runs_over_at_once(
    theatre: Database, workers: Workers, open_engine: Open
) -> None:
    (first,) = workers("first", ttl=60)
    run = start(theatre, "slow")
    until(lambda: deeds(theatre, run) == ["one", "two begins"])
    open_engine(work=True, ttl_seconds=60)
    ending = threading.Thread(target=first.end)
    ending.start()
    give(theatre, f"first {run}")
    reach(theatre, run, "done")
    ending.join()
    assert deeds(theatre, run) == ["one", "two begins", "two", "three"]


def test_a_run_that_kills_every_worker_is_parked(theatre: Database, open_engine: Open) -> None:
    run = start(theatre, "ask")
    with psycopg.connect(theatre.url, autocommit=True) as cx:  # as DBOS leaves it after that
        cx.execute(
            "update dbos.workflow_status set status = 'MAX_RECOVERY_ATTEMPTS_EXCEEDED', queue_name = null"
        )
    open_engine(work=True)
    assert "died" in str(reach(theatre, run, "parked").reason)
    with theatre.transaction() as cx:
        store.resume(cx, OWNER, run)
    reach(theatre, run, "waiting")


def test_postgresql_goes_away_and_comes_back(theatre: Database, open_engine: Open) -> None:
    """Every connection of this database is cut in the middle of a step: nothing is poisoned, all of it goes on."""
    open_engine(work=True)
    run, waits = start(theatre, "slow"), start(theatre, "ask")
    until(lambda: deeds(theatre, run) == ["one", "two begins"])
    reach(theatre, waits, "waiting")
    with psycopg.connect(theatre.url, autocommit=True) as cx:
        cx.execute("insert into signal values (%s)", (f"here {run}",))
        cx.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        )
        until(lambda: cx.execute("select 1 from run where state = 'done'").fetchone(), seconds=20)
        cx.execute("insert into signal values (%s)", (waits,))
        cx.execute("update run set state = 'queued' where run_id = %s", (waits,))
        until(lambda: cx.execute("select count(*) from run where state = 'done'").fetchone() == (2,))
        told = cx.execute("select what from deed where run = %s order by at", (run,)).fetchall()
    assert [what for (what,) in told][-2:] == ["two", "three"]


def test_two_workers_do_each_step_once(theatre: Database, workers: Workers) -> None:
    workers("a", "b")
    with theatre.transaction() as cx:
        runs = store.start_many(
            cx, OWNER, [store.Order(template="ask", inputs={"topic": "all"}) for _ in range(40)], rights={}
        )
    for run in runs:
        reach(theatre, run, "waiting")
    assert wake(theatre, "all") == 40
    for run in runs:
        reach(theatre, run, "done")
        assert deeds(theatre, run) == ["ask", "send 0"]
    with theatre.transaction() as cx:
        both = cx.execute("select count(distinct who) from deed").fetchone()
    assert both == (2,)


# --- code that changed ---


def test_a_run_that_waits_survives_changed_code(theatre: Database, open_engine: Open) -> None:
    def old(ctx: Context, _: dict[str, Any]) -> dict[str, Any]:
        ctx.step("ask", lambda: "asked")
        ctx.wait_for("topic", lambda cx: is_given(cx, "topic"))
        return {"sent": ctx.step("send", lambda: "old")}

    def new(ctx: Context, _: dict[str, Any]) -> dict[str, Any]:
        checked = ctx.step("check", lambda: "checked") if ctx.patch("check-first") else None
        ctx.step("ask", lambda: "asked")
        ctx.wait_for("topic", lambda cx: is_given(cx, "topic"))
        return {"sent": ctx.step("send", lambda: "new"), "checked": checked}

    def careless(ctx: Context, _: dict[str, Any]) -> dict[str, Any]:
        ctx.step("check", lambda: "checked")
        return {}

    steps = (Step("check", ""), Step("ask", ""), Step("send", ""))
    engine = open_engine(Template("t", "", steps, old))
    waits, doomed = start(theatre, "t"), start(theatre, "t")
    for run in (waits, doomed):
        reach(theatre, run, "waiting")
    engine.close()
    engine = open_engine(Template("t", "", steps, careless))
    with theatre.transaction() as cx:
        cx.execute("update run set state = 'queued' where run_id = %s", (doomed,))
    assert "DBOSUnexpectedStepError" in str(reach(theatre, doomed, "parked").reason)  # and not lost
    engine.close()
    engine = open_engine(Template("t", "", steps, new))
    fresh = start(theatre, "t")
    reach(theatre, fresh, "waiting")
    wake(theatre, "topic")
    engine.nudge()
    assert reach(theatre, waits, "done").result == {"sent": "new", "checked": None}
    assert reach(theatre, fresh, "done").result == {"sent": "new", "checked": "checked"}
    with theatre.transaction() as cx:
        assert cx.execute("select distinct application_version from dbos.workflow_status").fetchall() == [
            ("1",)
        ]
        store.resume(cx, OWNER, doomed)  # mended by the code that knows both ways
    assert reach(theatre, doomed, "done").result == {"sent": "new", "checked": None}


# --- waiting costs nothing; backups wait too ---


def test_waiting_runs_have_no_thread_and_little_memory(theatre: Database, open_engine: Open) -> None:
    engine = open_engine(work=True)
    warm = start(theatre, "ask")
    reach(theatre, warm, "waiting")
    before, memory = threading.active_count(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with theatre.transaction() as cx:
        store.start_many(
            cx, OWNER, [store.Order(template="ask", inputs={"topic": f"t{n}"}) for n in range(300)], rights={}
        )

    def waiting() -> int:
        with theatre.transaction() as cx:
            return len(store.every(cx, states=["waiting"], limit=1000))

    until(lambda: waiting() == 301, seconds=60)
    until(lambda: engine._active == 0)
    assert threading.active_count() <= before + 16  # as many as are executed at once, whatever number waits
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 30_000


def test_a_run_that_waited_goes_on_in_a_restored_backup(
    theatre: Database, open_engine: Open, empty_url: str, tmp_path: Path
) -> None:
    engine = open_engine(work=True)
    run = start(theatre, "ask", amount=9)
    reach(theatre, run, "waiting")
    engine.close()
    backup(theatre, tmp_path / "runs.backup")
    restore(tmp_path / "runs.backup", empty_url)
    with Database(empty_url) as restored:
        again = Engine(restored, plays(restored), sweep_seconds=0.3)
        again.launch(work=True)
        try:
            assert wake(restored, run) == 1
            again.nudge()
            assert reach(restored, run, "done").result == {"sent": True}
            assert deeds(restored, run) == ["ask", "send 9"]
            fresh = start(restored, "ask")  # rights in DBOS's schema are there too
            reach(restored, fresh, "waiting")
        finally:
            again.close()


def test_a_process_that_does_not_work_starts_and_wakes(theatre: Database, workers: Workers) -> None:
    front = Engine(theatre, plays(theatre))
    front.launch(work=False)
    try:
        run = start(theatre, "ask")
        assert found(theatre, run).state == "queued"
        workers("back")
        reach(theatre, run, "waiting")
        wake(theatre, run)
        front.nudge()
        reach(theatre, run, "done")
    finally:
        front.close()


def _status(db: Database, run: str) -> str:
    with db.transaction() as cx:
        row = cx.execute(
            "select status from dbos.workflow_status where workflow_uuid = %s", (run,)
        ).fetchone()
    assert row is not None
    return row[0]


def _alive(db: Database) -> list[str]:
    with db.transaction() as cx:
        return [row[0] for row in cx.execute("select executor_id from run_worker")]
