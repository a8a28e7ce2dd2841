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
from bookhand.systems.connection import Connection
from bookhand.workspace.store import OpenProblem


def amount(minor: int, currency: str) -> str:
    """``amount(-123456, "USD") == "(1,234.56)"``."""
    whole, point, rest = format_minor(abs(minor), currency).partition(".")
    text = f"{int(whole):,}{point}{rest}"
    return f"({text})" if minor < 0 else text


def proof_table(proofs: Sequence[Proof], names: Mapping[int, str]) -> Table:
    """One line a connection, mode and currency: what the books say, what Stripe says, and the difference."""
    table = _table("Proof: the books against Stripe's balance")
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
    table = _table("Connections")
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
    table = _table("Open Problems")
    table.add_column("Seen")
    table.add_column("About")
    table.add_column("What happened, and what to do", overflow="fold")
    for item in problems:
        table.add_row(f"{item.last_seen:%Y-%m-%d %H:%M}", item.problem.subject, item.problem.message)
    return table


def _table(title: str) -> Table:
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
