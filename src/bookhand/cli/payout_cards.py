"""What the command line shows of payouts: lists, a breakdown, Breaks and questions. Values in, Rich out.

Descriptions come from banks and from Stripe: they are text, never markup.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bookhand.cli.cards import text
from bookhand.cli.tables import amount, plain_table
from bookhand.workflows.payouts.contents.breakdown import OWN, WORDS
from bookhand.workflows.payouts.reconciling.workflow import Report
from bookhand.workflows.payouts.statement import Reconciliation, Row, long_day, rows

_LONGEST = 60


def payout_table(found: Iterable[Mapping[str, Any]]) -> Table:
    """Payouts, newest first."""
    table = plain_table("Payouts")
    for heading in ("Payout", "Made", "At the bank by", "Status", "How"):
        table.add_column(heading, no_wrap=heading == "Payout")
    table.add_column("Amount", justify="right")
    table.add_column("At the bank")
    for each in found:
        how = (
            "automatic" if each["automatic"] else each["method"] if each["method"] == "instant" else "manual"
        )
        state = Text("arrived", "green") if each["match"] else Text("not found yet", "yellow")
        if each["status"] == "canceled":
            state = Text("never sent", "dim")
        if each["settled"]:
            state = Text("failed, money back", "dim")
        table.add_row(
            text(each["id"]), each["created_day"], each["arrival_day"], text(each["status"]), how,
            f"{amount(each['amount'], each['currency'])} {each['currency']}", state,
        )  # fmt: skip
    return table


def breakdown_card(found: Mapping[str, Any]) -> Group:
    """What is in a payout, and where it arrived."""
    payout = found["payout"]
    currency = payout["currency"]
    table = plain_table(f"{payout['id']} ({payout['status']}, at the bank by {payout['arrival_day']})")
    table.add_column("")
    table.add_column("Count", justify="right")
    table.add_column(currency, justify="right")
    for part in found["parts"]:
        table.add_row(WORDS[part["name"]], f"{part['count']:,}", amount(part["minor"], currency))
    if found["payout_fee"]:
        table.add_row(
            "Of it: the fee of the payout itself", "", amount(-found["payout_fee"], currency), style="dim"
        )
    table.add_row(Text("Payout", "bold"), "", Text(amount(payout["amount"], currency), "bold"))
    style = "green" if found["adds_up"] else "yellow" if found["off_by"] in {None, 0} else "bold red"
    parts: list[RenderableType] = [table, Text(found["says"], style)]
    if found["proposal"]:
        parts.append(text(found["proposal"]["says"], "yellow" if found["basis"] == "none" else ""))
    parts += [text(f"At the bank: {each['reason']} ({each['id']})") for each in found["matches"]]
    if payout["settled"]:
        parts.append(text(payout["settled_says"]))
    return Group(*parts)


def member_table(lines: Sequence[Mapping[str, Any]], currency: str) -> Table:
    """The members of a payout."""
    table = plain_table("Members")
    for heading in ("Balance transaction", "What", "Of"):
        table.add_column(heading, no_wrap=True)
    for heading in ("Amount", "Fee", "Net"):
        table.add_column(heading, justify="right")
    for each in lines:
        figures = (each["amount"], each["fee"], each["net"])
        table.add_row(
            text(each["id"]),
            "the payout itself" if each["kind"] == OWN else each["kind"].replace("_", " "),
            text(each["source"] or ""),
            *(amount(f, currency) for f in figures),
        )
    return table


def break_table(found: Sequence[Mapping[str, Any]]) -> Table:
    """Breaks, oldest first."""
    table = plain_table("Breaks: what nobody has explained yet")
    table.add_column("Break", no_wrap=True)
    table.add_column("Days", justify="right")
    table.add_column("Amount", justify="right")
    table.add_column("What it is, and what to do", overflow="fold")
    table.add_column("Owner")
    for each in found:
        about = Text()
        about.append_text(text(each["says"]))
        about.append(" ")
        about.append_text(text(each["next_step"], "dim"))
        if each["explanation"]:
            about.append_text(text(f" {each['explained_by']}: {each['explanation']}", "green"))
        about.append_text(text(f" ({_named(each)})", "dim"))
        shown = f"{amount(each['minor'], each['currency'])} {each['currency']}"
        table.add_row(text(each["id"]), str(each["age_days"]), shown, about, text(each["owner"] or "nobody"))
    return table


def question_lines(found: Sequence[Mapping[str, Any]]) -> list[Text]:
    """What only a person can decide, with how to answer."""
    told = []
    for each in found:
        told.append(text(each["sentence"], "bold"))
        for candidate in each["candidates"]:
            payouts = " ".join(f"--payout {payout}" for payout in candidate["payouts"])
            lines = " ".join(
                f"--line {shlex.quote(f'{account} {key}')}" for account, key in candidate["lines"]
            )
            told += [
                text(f"  {candidate['reason']}"),
                text(f"    bookhand match {payouts} {lines} --why …", "dim"),
            ]
    return told


def statement_table(found: Reconciliation, *, most: int | None = None) -> Table:
    """The reconciliation statement, as it is read; with `most`, of sections that are longer only the newest items are shown."""
    table = plain_table(f"Reconciliation of {found.account}, {long_day(found.as_of)}")
    table.add_column("")
    table.add_column("Day", no_wrap=True)
    table.add_column(found.currency, justify="right", no_wrap=True)
    table.add_column("Reference", overflow="fold")
    for row in _shortened(list(rows(found)), most):
        style = {"item": "", "subtotal": "dim", "section": "bold"}.get(row.kind, "bold")
        if row.kind == "difference":
            style = "bold green" if found.holds else "bold red"
        indent = "  " if row.kind in {"item", "subtotal"} else ""
        shown = "" if row.minor is None else amount(row.minor, found.currency)
        table.add_row(text(indent + row.text, style), row.day, Text(shown, style), text(row.reference, "dim"))
    return table


def _shortened(every: Sequence[Row], most: int | None) -> Iterable[Row]:
    held: list[Row] = []
    for row in every:
        if row.kind == "item":
            held.append(row)
            continue
        if most is not None and len(held) > most + 1:
            left = held[:-most]
            yield Row(
                kind="item", text=f"… {len(left):,} older ones", minor=sum(each.minor or 0 for each in left)
            )
            held = held[-most:]
        yield from held
        held = []
        yield row


def report_line(report: Report) -> str:
    """What a run of reconciling did, in a sentence."""
    waits = f"{_many(report.breaks, 'Break')} and {_many(report.questions, 'question')} stand"
    if not report.changed:
        return f"Nothing is new: {waits}."
    done = [
        _many(report.matches, "match", "matches"),
        f"{_many(report.counted, 'payout')} counted, of which {report.wrong:,} {_does(report.wrong)} not add up",
        *([f"{_many(report.solved, 'manual payout')} looked at"] if report.solved else []),
        *([f"{_many(report.settled, 'failed payout')} settled"] if report.settled else []),
        *([f"{_many(report.undone, 'match', 'matches')} undone"] if report.undone else []),
    ]
    return f"{'; '.join(done)}. {waits} ({report.new_breaks:,} new, {report.closed_breaks:,} closed)."


def _many(count: int, one: str, more: str = "") -> str:
    return f"{count:,} {one if count == 1 else more or f'{one}s'}"


def _does(count: int) -> str:
    return "does" if count == 1 else "do"


def _named(each: Mapping[str, Any]) -> str:
    names = [*each["payouts"], *(f"{line['account']} {line['key']}" for line in each["lines"])]
    shown = ", ".join(name[:_LONGEST] for name in names[:3])
    return shown + (f" and {len(names) - 3} more" if len(names) > 3 else "")  # noqa: PLR2004 (as many as were shown)
