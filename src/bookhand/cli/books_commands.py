"""The books: bring the history in, prove, check, write the Beancount book, close and reopen periods."""

from __future__ import annotations

import getpass
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from bookhand import wiring
from bookhand.cli.app import Name, app, err, out, read_settings
from bookhand.cli.backfilling import backfill_with_bars
from bookhand.cli.people_commands import caller_of
from bookhand.cli.tables import proof_table
from bookhand.core.days import months_before, zone
from bookhand.core.problems import Refusal
from bookhand.inbox.lists import STRIPE_BEGAN
from bookhand.journal import workflow as journal
from bookhand.journal.periods import checked
from bookhand.workspace.people.store import has_people

if TYPE_CHECKING:
    from bookhand.house import House

periods = typer.Typer(no_args_is_help=True, help="Close and reopen months.")
app.add_typer(periods, name="periods")

Day = Annotated[str | None, typer.Option(help="A day, as in 2026-01-31.")]


@app.command()
def backfill(
    name: Name = None,
    since: Annotated[str | None, typer.Option("--from", help="The first day, as in 2026-01-31.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="The day after the last one.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="From the account's first day.")] = False,
    months: Annotated[
        int | None, typer.Option(help="So many months back (12 without any of these).", min=1)
    ] = None,
) -> None:
    """Bring the history of a connection in; killed at any point, the next run goes on where it stopped."""
    settings = read_settings()
    if sum([since is not None, everything, months is not None]) > 1:
        raise Refusal("Give one of --from, --months and --all.")
    now = datetime.now(zone(settings.timezone))
    first = (
        moment_of(since, settings.timezone)
        if since
        else int(months_before(now, months or settings.backfill_months).timestamp())
    )
    begins = STRIPE_BEGAN if everything else first
    ends = moment_of(until, settings.timezone) if until else None
    refuse_empty(begins, min(ends or now.timestamp(), now.timestamp()))
    with wiring.open_house(settings) as house:
        connection = house.named(name)
        if begun := house.unfinished(connection):
            days = [f"{datetime.fromtimestamp(at, zone(settings.timezone)):%Y-%m-%d}" for at in begun]
            out.print(
                f"A backfill from {days[0]} to {days[1]} was not finished: it goes on. For another range, run this again after it.",
                highlight=False,
            )
        complete = backfill_with_bars(
            out, house, connection,
            since=begins, until=ends,
        )  # fmt: skip
    raise typer.Exit(0 if complete else 1)


@app.command()
def proof() -> None:
    """Prove the books against Stripe's balance, now; exit code 1 where a proof does not stand."""
    with wiring.open_house(read_settings()) as house:
        proofs = [each for connection in house.active() for each in house.prove(connection, name_gaps=True)]
        names = {each.id: each.name for each in house.every()}
    if not proofs:
        out.print("There is nothing to prove yet: connect an account and bring its history in.")
        return
    out.print(proof_table(proofs, names))
    for each in proofs:
        if each.reason:
            out.print(f"{each.currency}: {each.reason}", highlight=False, markup=False)
    raise typer.Exit(0 if all(each.holds for each in proofs) else 1)


@app.command()
def check(name: Name = None) -> None:
    """Read every raw delivery again into a second journal, and compare it with the first, byte for byte."""
    with wiring.open_house(read_settings()) as house:
        house.some()
        chosen = (
            [house.named(name)] if name else [each for each in house.every() if each.link.system == "stripe"]
        )
        good = True
        for connection in chosen:
            with out.status(f"Reading all deliveries of {escape(connection.name)} again"):
                report = house.check(connection)
            out.print(f"[bold]{escape(connection.name)}[/] ({connection.link.mode})", highlight=False)
            for sentence in report.sentences:
                out.print(f"  {sentence}", highlight=False, markup=False)
            good = good and report.holds
    raise typer.Exit(0 if good else 1)


@app.command()
def export(book: Annotated[Literal["beancount"], typer.Argument(help="Which book.")] = "beancount") -> None:
    """Write the journal as a Beancount book, and have bean-check read it."""
    _ = book
    with wiring.open_house(read_settings()) as house:
        house.some()
        mirrored = house.mirror()
        wrong = house.verify_books()
    for sentence in (*mirrored, *(wrong or ["bean-check finds nothing wrong."])):
        out.print(sentence, highlight=False, markup=False)
    raise typer.Exit(1 if wrong else 0)


@periods.command("close")
def close(
    period: str, why: Annotated[str, typer.Option(help="Why, for the record.")] = "month closed"
) -> None:
    """Close a month that is over, as in 2026-10: nothing is written in it from now on."""
    settings = read_settings()
    if checked(period) >= f"{datetime.now(zone(settings.timezone)):%Y-%m}":
        raise Refusal(f"{period} is not over yet: close it when it is.")
    with wiring.open_house(settings) as house:
        _act(house, "close", period, why)
    out.print(f"{period} is closed.")


@periods.command("reopen")
def reopen(period: str, why: Annotated[str, typer.Option(help="Why, for the record.")]) -> None:
    """Open a closed month again."""
    with wiring.open_house(read_settings()) as house:
        _act(house, "reopen", period, why)
    out.print(f"{period} is open again.")


@periods.command("release")
def release(name: Name = None) -> None:
    """Post what waits for a closed month into the open one."""
    with wiring.open_house(read_settings()) as house, house.db.transaction() as cx:
        count, problems = journal.release_waiting(cx, house.named(name).link)
    for problem in problems:
        err.print(problem.message, markup=False)
    out.print(f"Posted {count:,} entries that waited." if count else "Nothing waited for a closed month.")


def _act(house: House, act: Literal["close", "reopen"], period: str, why: str) -> None:
    """Through the door, by whoever is signed in; by whoever sits at the machine where nobody can sign in yet."""
    with house.db.transaction() as cx:
        somebody = has_people(cx)
    if somebody:
        house.door.propose(caller_of(house), f"periods.{act}", {"period": period, "why": why}, why)
        return
    change = journal.close_period if act == "close" else journal.reopen_period
    with house.db.transaction() as cx:
        change(cx, house.some().link, period, who=_who(), why=why)
        house.note(cx, f"periods.{act}", period, {"by": f"machine:{_who()}", "why": why})


def _who() -> str:
    """Who sits here, for the record; a container may have no name for its user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "unknown"


def refuse_empty(since: float, until: float) -> None:
    """`Refusal` where a range holds no second that has passed."""
    if since >= until:
        raise Refusal(
            "There is nothing in that range: it begins after it ends, or it has not come yet. "
            "--from is the first day, --to the day after the last one."
        )


def moment_of(day: str, timezone: str) -> int:
    """The first second of a day, as in 2026-01-31, in the company's time zone."""
    try:
        return int(
            datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=zone(timezone)).astimezone(UTC).timestamp()
        )
    except ValueError:
        raise Refusal(f"{day!r} is no day: write it as in 2026-01-31.") from None
