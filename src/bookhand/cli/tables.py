"""What the command line shows: the proof, the connections, the Problems. Values in, Rich renderables out.

Amounts carry their currency's own decimals and thousands marks; a negative stands in parentheses, as accountants write it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from bookhand.core.money import format_minor
from bookhand.journal.proof import Proof
from bookhand.runs.run import Run, Stage
from bookhand.runs.schedule import Schedule
from bookhand.systems.connection import Connection
from bookhand.workspace.store import OpenProblem


def amount(minor: int, currency: str) -> str:
    """``amount(-123456, "USD") == "(1,234.56)"``."""
    whole, point, rest = format_minor(abs(minor), currency).partition(".")
    text = f"{int(whole):,}{point}{rest}"
    return f"({text})" if minor < 0 else text


def proof_table(proofs: Sequence[Proof], names: Mapping[int, str]) -> Table:
    """One line a connection, mode and currency: what the books say, what Stripe says, and the difference."""
    table = plain_table("Proof: the books against Stripe's balance")
    for heading in ("Connection", "Mode", "Currency"):
        table.add_column(heading)
    for heading in ("Clearing", "Stripe's balance", "Off by", "Unmatched"):
        table.add_column(heading, justify="right")
    for proof in sorted(proofs, key=lambda p: (names.get(p.link.connection_id, ""), p.link.mode, p.currency)):
        figures = (proof.clearing, proof.stripe_balance, proof.off_by, proof.unmatched)
        cells = [Text("moving" if figure is None else amount(figure, proof.currency)) for figure in figures]
        cells[2].stylize("bold green" if proof.holds else "bold red")
        table.add_row(
            names.get(proof.link.connection_id, proof.link.account),
            badge(proof.link.mode),
            proof.currency,
            *cells,
        )
    return table


def connection_table(connections: Sequence[Connection]) -> Table:
    """The connections with their mode and state."""
    table = plain_table("Connections")
    for heading in ("Name", "System", "Account", "Mode", "Signed in by", "Status"):
        table.add_column(heading)
    for connection in connections:
        state = (
            connection.status
            if not connection.status_reason
            else f"{connection.status}: {connection.status_reason}"
        )
        link = connection.link
        table.add_row(connection.name, link.system, link.account, badge(link.mode), connection.auth, state)
    return table


def problem_table(problems: Sequence[OpenProblem]) -> Table:
    """What waits for somebody."""
    table = plain_table("Open Problems")
    table.add_column("Seen")
    table.add_column("About")
    table.add_column("What happened, and what to do", overflow="fold")
    for item in problems:
        table.add_row(f"{item.last_seen:%Y-%m-%d %H:%M}", item.problem.subject, item.problem.message)
    return table


def run_table(runs: Sequence[Run]) -> Table:
    """The runs, newest first, with why each is as it is."""
    table = plain_table("Runs")
    for heading in ("Started", "Run", "What", "For", "State"):
        table.add_column(heading, no_wrap=heading == "Run")
    table.add_column("Why", overflow="fold")
    for run in runs:
        table.add_row(
            f"{run.created_at:%Y-%m-%d %H:%M}", run.id, run.template, _for(run), _state(run.state), Text(_why(run)),
        )  # fmt: skip
    return table


def timeline_table(run: Run, stages: Sequence[Stage]) -> Table:
    """One run, step by step; what was not done is listed too."""
    table = plain_table(f"{run.template}, {run.state}")
    for heading in ("Began", "Took", "Step", "State"):
        table.add_column(heading, justify="right" if heading == "Took" else "left")
    table.add_column("What it gave", overflow="fold")
    for stage in stages:
        gave = stage.error or ("" if stage.output is None else str(stage.output))
        table.add_row(
            f"{stage.started_at:%Y-%m-%d %H:%M:%S}" if stage.started_at else "", _took(stage), stage.name,
            Text(stage.state, style="" if stage.state == "done" else "dim" if stage.state == "not done" else "red"), Text(gave),
        )  # fmt: skip
    return table


def schedule_table(schedules: Sequence[Schedule]) -> Table:
    """What the clock starts."""
    table = plain_table("Schedules")
    for heading in ("Name", "What", "When", "Timezone", "For", "Next", "Last run"):
        table.add_column(heading)
    for each in schedules:
        upcoming = f"{each.next_at:%Y-%m-%d %H:%M} UTC" if each.enabled else "off"
        table.add_row(
            each.name, each.template, each.cron, each.timezone, each.owner.name, upcoming, each.last_run or ""
        )
    return table


def _for(run: Run) -> str:
    return f"{run.owner.name} ({run.owner.agent})" if run.owner.agent else run.owner.name


def _state(state: str) -> Text:
    styles = {
        "done": "green",
        "failed": "bold red",
        "parked": "bold red",
        "paused": "yellow",
        "cancelled": "dim",
    }
    return Text(state, style=styles.get(state, "cyan"))


def _why(run: Run) -> str:
    waits = f"waits for {run.waits_for}" if run.state == "waiting" else ""
    return ". ".join(part for part in (run.reason or "", waits) if part)


def _took(stage: Stage) -> str:
    if stage.started_at is None or stage.finished_at is None:
        return ""
    return f"{(stage.finished_at - stage.started_at).total_seconds():,.2f} s"


def plain_table(title: str) -> Table:
    """A table with a title, in the house's manner."""
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1),
    )


def badge(mode: str) -> Text:
    """LIVE in red, everything else plainly."""
    return Text(mode.upper(), style="bold red" if mode == "live" else "cyan")
