"""Runs at the command line: what is under way and why, one run step by step, and a person's hand on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from bookhand import wiring
from bookhand.cli.app import app, out, read_settings
from bookhand.cli.desk import desk
from bookhand.cli.people_commands import caller_of
from bookhand.cli.tables import run_table, schedule_table, timeline_table
from bookhand.core.problems import Refusal
from bookhand.runs import schedule_store, store
from bookhand.runs.run import Run, State

if TYPE_CHECKING:
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
    _do("pause", run_id, reason)
    out.print(f"{run_id} is paused.", highlight=False)


@app.command()
def resume(run_id: Id, reason: Reason = "resumed by a person") -> None:
    """Let a paused or parked run go on where it stopped."""
    _do("resume", run_id, reason)
    out.print(f"{run_id} goes on.", highlight=False)


@app.command()
def cancel(run_id: Id, reason: Reason = "cancelled by a person") -> None:
    """End a run before its next step; says what was and was not done."""
    after = _do("cancel", run_id, reason)
    out.print(str((after.result or {}).get("says", "")), highlight=False, markup=False, soft_wrap=True)
    out.print(f"{run_id} is cancelled.", highlight=False)


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


def _do(verb: Literal["pause", "resume", "cancel"], run_id: str, reason: str) -> Run:
    """Through the door, like every other write, so that it is in the trail; the run as it is then."""
    with desk() as at:
        at.caller.need("manage")
        at.door.propose(at.caller, f"runs.{verb}", {"run": run_id, "reason": reason}, reason)
        at.house.runs().nudge()
        with at.house.db.transaction() as cx:
            return store.get(cx, run_id)
