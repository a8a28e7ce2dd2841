"""A lost connection pauses its runs before their next step on it; reconnecting goes on; fourteen days are enough."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from tests.runs.plays import OWNER, deeds, found, give, reach, start, until

from bookhand.core.facts import Link
from bookhand.core.problems import Refusal
from bookhand.db.engine import Database
from bookhand.runs import store
from bookhand.runs.run import DISCONNECTED
from bookhand.runs.template import Context, Step, Template
from bookhand.runs.workflow import Engine
from bookhand.systems import store as connections
from bookhand.workspace.store import open_problems

Open = Callable[..., Engine]


def disconnect(db: Database, link: Link) -> None:
    with db.transaction() as cx:
        connections.set_status(
            cx, link.connection_id, "disconnected", reason="the account took its access back"
        )


def reconnect(db: Database, link: Link) -> None:
    with db.transaction() as cx:
        kept = connections.keep(
            cx, link.workspace_id,
            connections.NewConnection(
                system="stripe", account=link.account, mode=link.mode, livemode=False, default_name="again",
                api_version=link.api_version, auth="key",
            ),
        )  # fmt: skip
    assert kept.id == link.connection_id


def held_before_sending(db: Database, engine: Engine, link: Link) -> str:
    """A run that was approved while its connection was lost."""
    with db.transaction() as cx:
        run = store.start(
            cx, OWNER, "ask", {"amount": 7}, rights={"allow": ["refunds.create"]}, prompt="Give it back.",
            connection_id=link.connection_id,
        )  # fmt: skip
    reach(db, run, "waiting")
    disconnect(db, link)
    with db.transaction() as cx:
        cx.execute("insert into signal values (%s)", (run,))
        store.wake(cx, run)
    engine.nudge()
    reach(db, run, "paused")
    return run


def test_pauses_alerts_and_goes_on_with_what_it_was_given(
    theatre: Database, engine: Engine, link: Link, alerts: list[tuple[str, str]]
) -> None:
    run = held_before_sending(theatre, engine, link)
    held = found(theatre, run)
    assert (held.reason, held.held_by) == ("Integration disconnected", "disconnect")
    assert deeds(theatre, run) == ["ask"]
    until(lambda: alerts)
    assert alerts[0][0] == run
    assert alerts[0][1].startswith("Integration disconnected: run ")
    with theatre.transaction() as cx:
        [problem] = open_problems(cx)
        assert (problem.problem.kind, problem.problem.subject) == ("run_held", run)
    reconnect(theatre, link)
    done = reach(theatre, run, "done")
    assert deeds(theatre, run) == ["ask", "send 7"]
    assert (done.inputs, done.prompt, done.rights) == (
        {"amount": 7},
        "Give it back.",
        {"allow": ["refunds.create"]},
    )
    with theatre.transaction() as cx:
        assert open_problems(cx) == []


def test_a_step_without_the_system_goes_on(theatre: Database, engine: Engine, link: Link) -> None:
    disconnect(theatre, link)
    run = start(theatre, "ask", connection_id=link.connection_id)
    reach(theatre, run, "waiting")
    assert deeds(theatre, run) == ["ask"]


def test_the_step_under_way_ends(theatre: Database, open_engine: Open, link: Link) -> None:
    begun, go = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert go.wait(10)
        return "with the last valid token"

    def body(ctx: Context, _: dict[str, Any]) -> dict[str, Any]:
        return {"first": ctx.step("call:1", slow), "second": ctx.step("call:2", lambda: "later")}

    engine = open_engine(Template("calls", "", (Step("call", "calls", "stripe"),), body))
    run = start(theatre, "calls", connection_id=link.connection_id)
    assert begun.wait(10)
    disconnect(theatre, link)
    go.set()
    reach(theatre, run, "paused")
    with theatre.transaction() as cx:
        assert [each.output for each in store.steps(cx, run)] == ["with the last valid token"]
    reconnect(theatre, link)
    engine.nudge()
    assert reach(theatre, run, "done").result == {"first": "with the last valid token", "second": "later"}


def test_a_refusal_because_of_the_lost_connection_is_not_for_good(
    theatre: Database, open_engine: Open, link: Link
) -> None:
    lost = threading.Event()

    def call() -> str:
        if not lost.is_set():
            lost.set()
            disconnect(theatre, link)
            raise Refusal("The token was revoked.")
        return "done"

    open_engine(
        Template("call", "", (Step("call", "", "stripe"),), lambda ctx, _: {"gave": ctx.step("call", call)})
    )
    run = start(theatre, "call", connection_id=link.connection_id)
    assert reach(theatre, run, "paused").reason == DISCONNECTED
    reconnect(theatre, link)
    assert reach(theatre, run, "done").result == {"gave": "done"}


def test_after_fourteen_days_it_cancels_itself_with_a_summary(
    theatre: Database, engine: Engine, link: Link, alerts: list[tuple[str, str]]
) -> None:
    young, old = (held_before_sending(theatre, engine, each) for each in (link, link))
    with theatre.transaction() as cx:
        cx.execute("update run set held_at = now() - interval '13 days 23 hours' where run_id = %s", (young,))
        cx.execute("update run set held_at = now() - interval '14 days 1 minute' where run_id = %s", (old,))
    alerts.clear()
    gone = reach(theatre, old, "cancelled")
    assert gone.result == {
        "done": ["ask"],
        "not_done": ["send"],
        "says": "1 of 2 steps was done: ask. Not done: send.",
    }
    assert gone.reason == "Integration disconnected for 14 days"
    until(lambda: alerts)
    assert alerts == [
        (
            old,
            f"Run {old} (ask) was cancelled: Integration disconnected for 14 days. 1 of 2 steps was done: ask. Not done: send.",
        )
    ]
    assert found(theatre, young).state == "paused"
    with theatre.transaction() as cx:
        assert [each.problem.subject for each in open_problems(cx)] == [young]


def test_a_person_may_not_hurry_a_lost_connection(theatre: Database, engine: Engine, link: Link) -> None:
    run = held_before_sending(theatre, engine, link)
    with theatre.transaction() as cx:
        store.resume(cx, OWNER, run)
    engine.nudge()
    until(lambda: found(theatre, run).epoch > 2 and found(theatre, run).state == "paused")
    assert deeds(theatre, run) == ["ask"]


@pytest.mark.parametrize("state", ["cancelled", "paused"])
def test_revoked_or_paused_by_a_person_while_disconnected(
    theatre: Database, engine: Engine, link: Link, state: str
) -> None:
    run = held_before_sending(theatre, engine, link)
    with theatre.transaction() as cx:
        if state == "cancelled":
            store.stop_of(cx, "person:1", link.connection_id, "Revoked.")
        else:
            store.pause(cx, OWNER, run, "Wait for me.")
    reconnect(theatre, link)
    other = start(theatre, "ask", connection_id=link.connection_id)
    reach(theatre, other, "waiting")
    give(theatre, "something")
    assert found(theatre, run).state == state
    assert deeds(theatre, run) == ["ask"]
