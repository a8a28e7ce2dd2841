"""A run is started with what causes it, recorded step by step, and ends in one of the states that people understand."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from tests.runs.plays import OWNER, deeds, found, give, is_given, reach, start, until

from bookhand.core.caller import Caller, NotAllowed, capabilities
from bookhand.core.problems import Outage, Refusal, UnknownOutcome
from bookhand.db.engine import Database
from bookhand.runs import execution_store, store
from bookhand.runs.run import STATES, may_move, outage_seconds, rest_seconds, told_of
from bookhand.runs.template import Context, Step, Template
from bookhand.runs.workflow import Engine

Open = Callable[..., Engine]


def one(name: str, work: Callable[[], Any]) -> Template:
    """A template of one step."""
    return Template(name, name, (Step("do", "does it"),), lambda ctx, _: {"gave": ctx.step("do", work)})


def test_row_and_queue_are_one_transaction(theatre: Database) -> None:
    with pytest.raises(RuntimeError), theatre.transaction() as cx:
        store.start(cx, OWNER, "ask", {}, rights={})
        raise RuntimeError
    assert _count(theatre, "run") == _count(theatre, "dbos.workflow_status") == 0
    with theatre.transaction() as cx:
        ids = store.start_many(
            cx, OWNER, [store.Order(template="ask", inputs={"n": n}) for n in range(3)], rights={}
        )
        assert cx.execute("select current_user").fetchone() == ("bookhand_app",)
    assert len(set(ids)) == 3
    assert _count(theatre, "run") == _count(theatre, "dbos.workflow_status") == 3


def test_a_key_starts_one_run(theatre: Database) -> None:
    ids = set()

    def begin() -> None:
        with theatre.transaction() as cx:
            ids.add(store.start(cx, OWNER, "ask", {"n": 1}, rights={}, key="proposal:7"))

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == _count(theatre, "run") == 1
    with pytest.raises(Refusal, match="started another run"), theatre.transaction() as cx:
        store.start(cx, OWNER, "ask", {"n": 2}, rights={}, key="proposal:7")


def test_who_may(theatre: Database) -> None:
    viewer = Caller(
        workspace_id=1, who="person:2", name="Bo", role="viewer", can=capabilities("viewer"), channel="cli"
    )
    operator = Caller(
        workspace_id=1, who="person:3", name="Cy", role="operator", can=capabilities("operator"), channel="cli"
    )  # fmt: skip
    with pytest.raises(NotAllowed), theatre.transaction() as cx:
        store.start(cx, viewer, "ask", {}, rights={})
    run = start(theatre, "ask", operator)
    with pytest.raises(NotAllowed), theatre.transaction() as cx:
        store.cancel(cx, operator, run, "no")


def test_another_workspace_sees_nothing(theatre: Database) -> None:
    run = start(theatre, "ask")
    with Database(theatre.url, workspace_id=2) as other, other.transaction() as cx:
        assert store.every(cx) == []
        with pytest.raises(Refusal, match="no run"):
            store.get(cx, run)


def test_pages_go_to_the_end(theatre: Database) -> None:
    ids = {start(theatre, "ask", n=n) for n in range(7)}
    seen, after = [], None
    with theatre.transaction() as cx:
        while page := store.every(cx, limit=3, after=after):
            seen += page
            after = (page[-1].created_at, page[-1].id)
        assert store.every(cx, states=["done"]) == []
        assert len(store.every(cx, template="ask", grantee="person:1")) == 7
    assert [each.id for each in seen] == sorted(
        ids, key=lambda i: next((r.created_at, r.id) for r in seen if r.id == i), reverse=True
    )


def test_what_a_step_gave_is_recorded_once_and_given_again(theatre: Database, engine: Engine) -> None:
    run = start(theatre, "ask", amount=5)
    reach(theatre, run, "waiting")
    with theatre.transaction() as cx:
        stages = store.steps(cx, run, engine.templates["ask"])
    assert [(each.name, each.state, each.output) for each in stages] == [
        ("ask", "done", "ask"),
        ("send", "not done", None),
    ]
    _signal(theatre, engine, run)
    done = reach(theatre, run, "done")
    assert (done.result, done.epoch) == ({"sent": True}, 2)
    assert deeds(theatre, run) == ["ask", "send 5"]  # executed twice, done once


def test_nothing_is_pickled(theatre: Database, open_engine: Open) -> None:
    def refused() -> None:
        raise Refusal("No.")

    engine = open_engine(
        one("good", lambda: {"n": [1, None, "ü"]}), one("bad", lambda: 1 / 0), one("no", refused)
    )
    runs = [start(theatre, name) for name in ("good", "bad", "no")]
    for run, state in zip(runs, ("done", "parked", "failed"), strict=True):
        reach(theatre, run, state)
    engine.close()
    with psycopg.connect(theatre.url) as cx:
        tables = cx.execute(
            "select table_name, column_name from information_schema.columns where table_schema = 'dbos' and data_type = 'text'"
        ).fetchall()
        texts = [
            (table, column, text) for table, column in tables
            for (text,) in cx.execute(f'select "{column}" from dbos."{table}" where "{column}" is not null')
        ]  # fmt: skip
    assert any("ü" in text for _, _, text in texts)
    assert [each for each in texts if _is_pickle(each[2])] == []
    assert {text for _, column, text in texts if column == "serialization"} == {"portable_json"}


def test_inputs_prompt_and_rights_are_in_our_row_alone(theatre: Database, engine: Engine) -> None:
    with theatre.transaction() as cx:
        run = store.start(
            cx, OWNER, "ask", {"amount": "hush-1"}, rights={"allow": "hush-2"}, prompt="hush-3", key="hush-4"
        )
    reach(theatre, run, "waiting")
    with psycopg.connect(theatre.url) as cx:
        for (table,) in cx.execute("select tablename from pg_tables where schemaname = 'dbos'").fetchall():
            told = [row[0] for row in cx.execute(f"select t::text from dbos.{table} t")]
            assert [each for each in told if "hush" in each] == []
    assert (found(theatre, run).rights, found(theatre, run).prompt) == ({"allow": "hush-2"}, "hush-3")


def test_a_poisoned_run_parks_with_its_reason_and_others_go_on(
    theatre: Database, open_engine: Open, alerts: list[Any]
) -> None:
    mended = threading.Event()

    def broken() -> str:
        if not mended.is_set():
            raise ValueError("the moon is full")
        return "well"

    open_engine(one("broken", broken), one("good", lambda: 1))
    bad, good = start(theatre, "broken"), start(theatre, "good")
    assert reach(theatre, bad, "parked").reason == "ValueError: the moon is full"
    reach(theatre, good, "done")
    until(lambda: [run for run, _ in alerts] == [bad])
    with theatre.transaction() as cx:
        assert [each.state for each in store.steps(cx, bad)] == []  # unrecorded: it is done anew
    mended.set()
    with theatre.transaction() as cx:
        store.resume(cx, OWNER, bad)
    assert reach(theatre, bad, "done").result == {"gave": "well"}


def test_a_reason_has_no_secret(theatre: Database, open_engine: Open) -> None:
    def leaky() -> None:
        raise ValueError("key rk_live_0123456789")

    open_engine(one("leaky", leaky), redact=lambda text: text.replace("rk_live_0123456789", "[redacted]"))
    assert reach(theatre, start(theatre, "leaky"), "parked").reason == "ValueError: key [redacted]"


def test_an_unknown_template_and_an_undeclared_step_park(theatre: Database, open_engine: Open) -> None:
    def undeclared(ctx: Context, _: dict[str, Any]) -> None:
        ctx.step("other", lambda: 1)

    def twice(ctx: Context, _: dict[str, Any]) -> None:
        ctx.step("do:1", lambda: 1)
        ctx.step("do:1", lambda: 1)

    step = (Step("do", "does"),)
    open_engine(Template("undeclared", "", step, undeclared), Template("twice", "", step, twice))
    for name, says in (
        ("nobody", "knows no template"),
        ("undeclared", "not declared"),
        ("twice", "used twice"),
    ):
        assert says in str(reach(theatre, start(theatre, name), "parked").reason)


def test_what_json_cannot_carry_parks(theatre: Database, open_engine: Open) -> None:
    open_engine(
        one("step", object),
        Template("body", "", (), lambda _ctx, _inputs: {"x": object()}),
    )
    for name in ("step", "body"):
        assert "TypeError" in str(reach(theatre, start(theatre, name), "parked").reason)


def test_outages_alone_are_tried_again(theatre: Database, open_engine: Open) -> None:
    tries: dict[str, int] = {}

    def failing(name: str, error: Exception, times: int) -> Template:
        def work() -> int:
            tries[name] = tries.get(name, 0) + 1
            if tries[name] <= times:
                raise error
            return tries[name]

        return one(name, work)

    open_engine(
        failing("outage", Outage("They are down."), 2), failing("refusal", Refusal("They said no."), 9),
        failing("unknown", UnknownOutcome("The answer was lost."), 9), failing("bug", KeyError("x"), 9),
    )  # fmt: skip
    runs = {name: start(theatre, name) for name in ("outage", "refusal", "unknown", "bug")}
    assert reach(theatre, runs["outage"], "done").result == {"gave": 3}
    assert reach(theatre, runs["refusal"], "failed").reason == "They said no."
    assert reach(theatre, runs["unknown"], "parked").reason == "The answer was lost."
    reach(theatre, runs["bug"], "parked")
    assert tries == {"outage": 3, "refusal": 1, "unknown": 1, "bug": 1}


def test_a_long_outage_costs_no_memory_and_ends_by_itself(theatre: Database, open_engine: Open) -> None:
    down = threading.Event()
    down.set()

    def work() -> str:
        if down.is_set():
            raise Outage("They are down.")
        return "up"

    engine = open_engine(one("long", work))
    run = reach(theatre, start(theatre, "long"), "waiting")
    assert (run.waits_for, run.reason) == ("outage", "They are down.")
    assert run.wait_until is not None
    until(lambda: engine._active == 0)
    down.clear()
    with theatre.transaction() as cx:
        cx.execute("update run set wait_until = now()")
    assert reach(theatre, run.id, "done").result == {"gave": "up"}


def test_rests_grow_and_have_bounds() -> None:
    assert rest_seconds(0, chance=0) == 0.1
    assert rest_seconds(9, chance=1) == 5.0
    assert rest_seconds(0, chance=0, asked=3.0) == 3.0
    assert rest_seconds(0, chance=0, asked=300.0) == 5.0
    assert outage_seconds(1, chance=1) == 15
    assert outage_seconds(50, chance=1) == 900


def test_a_refusal_may_be_caught_and_is_the_same_in_a_replay(theatre: Database, open_engine: Open) -> None:
    asked = []

    def refusing() -> None:
        asked.append(1)
        raise Refusal("Not that.")

    def body(ctx: Context, _: dict[str, Any]) -> dict[str, Any]:
        try:
            ctx.step("first", refusing)
        except Refusal as error:
            ctx.wait_for("second", lambda cx: is_given(cx, "second"))
            said = str(error)
            return {"said": ctx.step("second", lambda: said)}
        return {}

    engine = open_engine(Template("try", "", (Step("first", ""), Step("second", "")), body))
    run = start(theatre, "try")
    reach(theatre, run, "waiting")
    _signal(theatre, engine, "second")
    assert reach(theatre, run, "done").result == {"said": "Not that."}
    assert asked == [1]


def test_a_step_of_the_database_is_done_and_recorded_in_one_transaction(
    theatre: Database, open_engine: Open
) -> None:
    """The effect is committed, the record of DBOS is not: the next execution finds the effect and does not repeat it."""

    def work(cx: psycopg.Connection[Any], run: str) -> int:
        cx.execute("insert into deed (run, what, who) values (%s, 'once', '')", (run,))
        return 7

    def body(ctx: Context, inputs: dict[str, Any]) -> dict[str, Any]:
        with theatre.transaction() as cx:  # what an execution did that was killed before its record
            execution_store.effect(cx, ctx.run.id, "do", lambda: work(cx, ctx.run.id))
        return {"gave": ctx.once("do", work, ctx.run.id)}

    open_engine(Template("once", "", (Step("do", ""),), body))
    run = start(theatre, "once")
    assert reach(theatre, run, "done").result == {"gave": 7}
    assert deeds(theatre, run) == ["once"]


def test_pause_resume_and_cancel(theatre: Database, engine: Engine) -> None:
    run = start(theatre, "slow")
    until(lambda: deeds(theatre, run) == ["one", "two begins"])
    with theatre.transaction() as cx:
        store.pause(cx, OWNER, run, "Let me look.")
    give(theatre, f"here {run}")
    until(lambda: engine._active == 0)
    assert deeds(theatre, run)[-1] == "two"  # the step under way ended, the next did not begin
    assert (found(theatre, run).state, found(theatre, run).reason) == ("paused", "Let me look.")
    with theatre.transaction() as cx:
        store.resume(cx, OWNER, run)
    engine.nudge()
    reach(theatre, run, "done")
    assert deeds(theatre, run) == ["one", "two begins", "two", "three"]
    with pytest.raises(Refusal, match="cannot become cancelled"), theatre.transaction() as cx:
        store.cancel(cx, OWNER, run, "Too late.")


def test_cancelling_tells_what_was_done(theatre: Database, engine: Engine) -> None:
    run = start(theatre, "slow")
    until(lambda: deeds(theatre, run) == ["one", "two begins"])
    with theatre.transaction() as cx:
        store.cancel(cx, OWNER, run, "Not wanted.", engine.templates["slow"])
    assert found(theatre, run).result == told_of(("one", "two", "three"), ["one"])
    give(theatre, f"here {run}")
    until(lambda: engine._active == 0)
    assert found(theatre, run).state == "cancelled"
    assert found(theatre, run).result == told_of(("one", "two", "three"), ["one", "two"])
    assert "three" not in deeds(theatre, run)


def test_revoke_now_stops_what_is_in_flight(theatre: Database, engine: Engine) -> None:
    agent = Caller(
        workspace_id=1, who="person:1", name="Ada", role="owner", can=capabilities("owner"), channel="chat", agent="chat"
    )  # fmt: skip
    theirs, waits, other = start(theatre, "slow", agent), start(theatre, "ask", agent), start(theatre, "ask")
    until(lambda: deeds(theatre, theirs) == ["one", "two begins"])
    reach(theatre, waits, "waiting")
    reach(theatre, other, "waiting")
    with theatre.transaction() as cx:
        stopped = store.stop_of(cx, "agent:chat", None, "Its grant was revoked.", engine.templates)
    give(theatre, f"here {theirs}")
    assert sorted(stopped) == sorted([theirs, waits])
    until(lambda: engine._active == 0)
    assert deeds(theatre, theirs) == ["one", "two begins", "two"]
    for run in stopped:
        assert (found(theatre, run).state, found(theatre, run).reason) == (
            "cancelled",
            "Its grant was revoked.",
        )
    _signal(theatre, engine, other)
    reach(theatre, other, "done")


def test_the_table_of_moves() -> None:
    ended = {"done", "failed", "cancelled"}
    assert [s for s in STATES if not any(may_move(s, t) for t in STATES)] == sorted(ended, key=STATES.index)
    assert all(may_move(s, "cancelled") for s in STATES if s not in ended)
    assert not may_move("paused", "running")


def test_ended_runs_are_forgotten_by_dbos_and_kept_by_us(theatre: Database, open_engine: Open) -> None:
    engine = open_engine(one("good", lambda: 5), keep_days=1)
    old, new = start(theatre, "good"), start(theatre, "good")
    for run in (old, new):
        reach(theatre, run, "done")
    with theatre.transaction() as cx:
        cx.execute("update run set finished_at = now() - interval '2 days' where run_id = %s", (old,))
    until(lambda: engine._active == 0)
    engine._sweep.forget()
    with theatre.transaction() as cx:
        assert cx.execute("select workflow_uuid from dbos.workflow_status").fetchall() == [(new,)]
        assert [(each.name, each.output) for each in store.steps(cx, old)] == [("do", 5)]


def _signal(db: Database, engine: Engine, topic: str) -> None:
    with db.transaction() as cx:
        cx.execute("insert into signal values (%s)", (topic,))
        store.wake(cx, topic)
    engine.nudge()


def _count(db: Database, table: str) -> int:
    with db.transaction() as cx:
        row = cx.execute(f"select count(*) from {table}").fetchone()
    assert row is not None
    return row[0]


def _is_pickle(text: str) -> bool:
    try:
        return base64.b64decode(text, validate=True)[:1] == b"\x80"
    except ValueError:
        return False
