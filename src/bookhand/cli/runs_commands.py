"""Runs at the command line: what is under way and why, one run step by step, and a person's hand on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from bookhand import wiring
from bookhand.cli.app import app, out, read_settings
from bookhand.cli.people_commands import caller_of
from bookhand.cli.tables import run_table, schedule_table, timeline_table
from bookhand.core.problems import Refusal
from bookhand.runs import schedule_store, store
from bookhand.runs.run import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from bookhand.core.caller import Caller
    from bookhand.house import House

Id = Annotated[str, typer.Argument(help="The run's id (run_…).")]
Reason = Annotated[str, typer.Option(help="Why, for whoever looks at it later.")]


@app.command()
def runs(
    state: Annotated[str | None, typer.Option(help="Only those: running, waiting, paused …")] = None,
    limit: Annotated[int, typer.Option(help="How many to show.")] = 50,
) -> None:
    """What runs, what waits and for what, and what ended; newest first."""
    wanted: list[State] = [each for each in get_args(State) if each == state]
    if state is not None and not wanted:
        raise Refusal(f"No run is ever {state!r}: it is one of {', '.join(get_args(State))}.")
    with _reading() as (_, cx):
        found = store.every(cx, states=wanted, limit=limit)
    out.print(run_table(found) if found else "There is no run.")


@app.command("run")
def show_run(run_id: Id) -> None:
    """One run, step by step: when, how long, what it gave, and what was not done."""
    with _reading() as (house, cx):
        run = store.get(cx, run_id)
        stages = store.steps(cx, run_id, house.runs().templates.get(run.template))
    out.print(timeline_table(run, stages))
    if run.reason:
        out.print(run.reason, highlight=False, markup=False, soft_wrap=True)
    if run.result and "says" in run.result:
        out.print(str(run.result["says"]), highlight=False, markup=False, soft_wrap=True)


@app.command()
def pause(run_id: Id, reason: Reason = "paused by a person") -> None:
    """Stop a run before its next step, until it is resumed."""
    _do(
        lambda house, caller: _within(house, lambda cx: store.pause(cx, caller, run_id, reason)),
        f"{run_id} is paused.",
    )


@app.command()
def resume(run_id: Id, reason: Annotated[str | None, typer.Option(help="Why.")] = None) -> None:
    """Let a paused or parked run go on where it stopped."""
    _do(
        lambda house, caller: _within(house, lambda cx: store.resume(cx, caller, run_id, reason)),
        f"{run_id} goes on.",
    )


@app.command()
def cancel(run_id: Id, reason: Reason = "cancelled by a person") -> None:
    """End a run before its next step; says what was and was not done."""

    def work(house: House, caller: Caller) -> None:
        with house.db.transaction() as cx:
            template = house.runs().templates.get(store.get(cx, run_id).template)
            store.cancel(cx, caller, run_id, reason, template)
            told = store.get(cx, run_id).result or {}
        out.print(str(told.get("says", "")), highlight=False, markup=False, soft_wrap=True)

    _do(work, f"{run_id} is cancelled.")


@app.command()
def schedules() -> None:
    """What the clock starts, in whose name, and when next."""
    with _reading() as (_, cx):
        found = schedule_store.every(cx)
    out.print(schedule_table(found) if found else "Nothing is scheduled.")


@contextmanager
def _reading() -> Iterator[tuple[House, store.Transaction]]:
    """A house that may be read by whoever runs this command, and a transaction."""
    with wiring.open_house(read_settings()) as house:
        caller_of(house).need("read")
        with house.db.transaction() as cx:
            yield house, cx


def _within(house: House, work: Callable[[store.Transaction], None]) -> None:
    with house.db.transaction() as cx:
        work(cx)


def _do(work: Callable[[House, Caller], None], said: str) -> None:
    with wiring.open_house(read_settings()) as house:
        work(house, caller_of(house))
        house.runs().nudge()
    out.print(said, highlight=False)
