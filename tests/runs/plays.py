"""Templates that tests act out, the same in the test's process and in the workers it starts; what they did lies in table ``deed``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psycopg

from bookhand.core.caller import Caller, capabilities
from bookhand.db.engine import Database
from bookhand.runs import store
from bookhand.runs.run import Run
from bookhand.runs.template import Context, Step, Template

OWNER = Caller(
    workspace_id=1, who="person:1", name="Ada", role="owner", can=capabilities("owner"), channel="cli"
)


def stage(url: str) -> None:
    """Make the table of deeds."""
    with psycopg.connect(url, autocommit=True) as cx:
        cx.execute("create table deed (at int generated always as identity, run text, what text, who text)")
        cx.execute("create table signal (name text primary key)")
        cx.execute("grant all on deed, signal to bookhand_app")


def note(db: Database, run: str, what: str, who: str = "") -> str:
    with db.transaction() as cx:
        cx.execute("insert into deed (run, what, who) values (%s, %s, %s)", (run, what, who))
    return what


def deeds(db: Database, run: str) -> list[str]:
    with db.transaction() as cx:
        return [
            what
            for (what,) in cx.execute("select what from deed where run = %s order by at", (run,)).fetchall()
        ]


def give(db: Database, signal: str) -> None:
    with db.transaction() as cx:
        cx.execute("insert into signal values (%s) on conflict do nothing", (signal,))


def is_given(cx: psycopg.Connection[Any], signal: str) -> bool:
    return cx.execute("select 1 from signal where name = %s", (signal,)).fetchone() is not None


def await_signal(db: Database, signal: str, seconds: float = 30) -> None:
    until(lambda: _given(db, signal), seconds)


def _given(db: Database, signal: str) -> bool:
    with db.transaction() as cx:
        return is_given(cx, signal)


def plays(db: Database, who: str = "here") -> tuple[Template, ...]:
    """The templates."""

    def ask_then_send(ctx: Context, inputs: dict[str, Any]) -> dict[str, Any]:
        run = ctx.run.id
        ctx.step("ask", note, db, run, "ask", who)
        topic = inputs.get("topic", run)
        if not ctx.wait_for(topic, lambda cx: is_given(cx, topic)):
            return {"sent": False}
        ctx.step("send", note, db, run, f"send {inputs.get('amount', 0)}", who)
        return {"sent": True}

    def slow(ctx: Context, inputs: dict[str, Any]) -> dict[str, Any]:
        """The second step goes on only when the signal of this worker is given."""
        run = ctx.run.id
        ctx.step("one", note, db, run, "one", who)

        def two() -> str:
            note(db, run, "two begins", who)
            await_signal(db, f"{who} {run}")
            return note(db, run, "two", who)

        ctx.step("two", two)
        ctx.step("three", note, db, run, "three", who)
        return {"by": who}

    def fenced(ctx: Context, inputs: dict[str, Any]) -> dict[str, Any]:
        """An effect behind the fence, after a while in which the worker may be stopped."""
        run = ctx.run.id

        def effect() -> str:
            note(db, run, "begins", who)
            time.sleep(inputs["seconds"])
            with db.transaction() as cx:
                ctx.fence(cx)
                cx.execute("insert into deed (run, what, who) values (%s, 'effect', %s)", (run, who))
            return who

        return {"by": ctx.step("effect", effect)}

    steps = (Step("one", "begins"), Step("two", "goes on"), Step("three", "ends"))
    return (
        Template(
            "ask", "asks, then sends", (Step("ask", "asks"), Step("send", "sends", "stripe")), ask_then_send
        ),
        Template("slow", "takes its time", steps, slow),
        Template("fenced", "acts behind the fence", (Step("effect", "acts"),), fenced),
    )


def until(condition: Callable[[], Any], seconds: float = 15) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come to be in time"
        time.sleep(0.02)
    return found


def found(db: Database, run_id: str) -> Run:
    with db.transaction() as cx:
        return store.get(cx, run_id)


def reach(db: Database, run_id: str, state: str, seconds: float = 15) -> Run:
    end = time.monotonic() + seconds
    while (run := found(db, run_id)).state != state:
        assert time.monotonic() < end, f"the run is {run.state} ({run.reason}), not {state}"
        time.sleep(0.02)
    return run


def start(db: Database, template: str, caller: Caller = OWNER, **inputs: Any) -> str:
    connection_id = inputs.pop("connection_id", None)
    with db.transaction() as cx:
        return store.start(cx, caller, template, inputs, rights={}, connection_id=connection_id)
