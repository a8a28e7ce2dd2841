"""What the command line shows of the door: the card of a proposal, and lists of actions, rights and the trail. Values in, Rich out.

Everything that came from outside is text, never markup, and nothing in it looks like a secret.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bookhand.actions.proposal import ALIVE, Call, Decision, Proposal, Row
from bookhand.actions.rights.policy import Budget
from bookhand.actions.rights.rights_store import Permission
from bookhand.cli.tables import amount, badge, plain_table
from bookhand.core.action import Action, Change, EventKind, Moves
from bookhand.core.redaction import redact_text, redacted
from bookhand.workspace.trail import Entry

_RISK = {"read": "dim", "write": "", "money": "yellow", "irreversible": "bold red"}
_STATE = {
    "done": "green",
    "approved": "cyan",
    "waiting": "yellow",
    "failed": "red",
    "unknown": "bold red",
    "void": "red",
    "partly": "yellow",
}
_LONGEST = 300


def text(value: object, style: str = "") -> Text:
    """Something from outside, as text without anything that looks like a secret."""
    return Text(redact_text(str(value)), style=style)


# --- a proposal ---


def card(proposal: Proposal) -> Panel:
    """All that a person should see before saying yes."""
    preview = proposal.preview
    parts: list[RenderableType] = [text(preview.says, "bold")]
    if preview.changes:
        parts += [Text(), _changes(preview.changes)]
    parts += [Text(), _facts(proposal)]
    if preview.cannot_undo:
        parts.append(text(f"Cannot be undone: {preview.cannot_undo}", "bold red"))
    parts += [text(f"! {each}", "yellow") for each in preview.warnings]
    live = proposal.mode == "live"
    title = Text.assemble(
        (f" {proposal.action} ", "bold"), badge(proposal.mode) if proposal.mode else "", " "
    )
    subtitle = Text(f" {proposal.proposal_id} ", style="dim")
    return Panel(
        Group(*parts), title=title, subtitle=subtitle, title_align="left", subtitle_align="left", box=box.ROUNDED, padding=(1, 2),
        border_style="red" if live else "cyan" if proposal.mode else "dim",
    )  # fmt: skip


def _changes(changes: Sequence[Change]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for each in changes:
        before, after = (
            text(value if value is not None else "nothing") for value in (each.before, each.after)
        )
        before.stylize("dim")
        table.add_row(text(each.what), before, Text("→", style="dim"), after)
    return table


def _facts(proposal: Proposal) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _lines(proposal):
        table.add_row(name, value if isinstance(value, Text) else text(value))
    return table


def _lines(proposal: Proposal) -> Iterable[tuple[str, str | Text]]:
    preview = proposal.preview
    if proposal.size > 1:
        yield "Calls", f"{proposal.size:,} (all its rows, ticked or not)"
    yield from (("Money", money_line(each)) for each in preview.moves)
    yield from (("Books" if not number else "", line) for number, line in enumerate(preview.books))
    yield from (("Fees" if not number else "", line) for number, line in enumerate(preview.fees))
    if proposal.account:
        yield "Account", proposal.account
    yield "Call", proposal.endpoint
    if (
        proposal.connection_id is None
    ):  # bookhand's own acts have no preview of their own: this is what they do
        yield from (
            (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
            for name, value in redacted(proposal.params).items()
        )
    yield "Reason", proposal.reason
    yield (
        "Asked by",
        f"{proposal.proposed_name}{f' ({proposal.agent})' if proposal.agent else ''}, {_when(proposal.created_at)}",
    )
    if proposal.four_eyes:
        yield "Four eyes", "somebody else than who asked has to approve it"
    yield "State", state_text(proposal)
    if proposal.state == "waiting":
        yield "Expires", _when(proposal.expires_at)


def state_text(proposal: Proposal) -> Text:
    """What became of it, in words."""
    why = f": {proposal.state_why}" if proposal.state_why else ""
    return text(f"{ALIVE[proposal.state]}{why}", _STATE.get(proposal.state, "dim"))


def money_line(moves: Moves) -> str:
    """``15.00 USD goes out (refund)``."""
    way = "goes out" if moves.minor >= 0 else "comes in"
    return f"{amount(abs(moves.minor), moves.currency)} {moves.currency.upper()} {way} ({moves.what})"


def proposal_table(proposals: Sequence[Proposal]) -> Table:
    """Proposals, each with what it does and its id under it."""
    table = plain_table("Proposals")
    table.add_column("Asked", no_wrap=True)
    table.add_column("What", overflow="fold")
    table.add_column("State", no_wrap=True)
    for each in proposals:
        mode = badge(each.mode) if each.mode else ""
        what = Text.assemble(
            (each.action, "bold"), " ", mode, "\n", text(each.preview.says), "\n", (each.proposal_id, "dim")
        )
        table.add_row(
            f"{each.created_at:%m-%d %H:%M}", what, Text(each.state, style=_STATE.get(each.state, "dim"))
        )
    return table


def decision_table(decisions: Sequence[Decision]) -> Table:
    """What was said of it."""
    table = plain_table("What was said")
    for heading in ("When", "Who", "What", "Note"):
        table.add_column(heading, overflow="fold")
    for each in decisions:
        table.add_row(_when(each.at), text(each.by_name), each.kind, text(". ".join(_noted(each))))
    return table


def _noted(decision: Decision) -> Iterable[str]:
    if "rows" in decision.details:  # of a batch: the money above is that of all its rows
        yield f"{decision.details['rows']:,} of its rows"
    if decision.note:
        yield decision.note


def call_table(calls: Sequence[Call]) -> Table:
    """Its calls, with what became of each."""
    table = plain_table("Calls")
    for heading in ("Row", "State", "Tries", "Result", "Why"):
        table.add_column(heading, overflow="fold")
    for each in calls:
        table.add_row(
            str(each.row_no),
            Text(each.state, style=_STATE.get(each.state, "")),
            str(each.attempts),
            each.result_id or "",
            text(each.state_why or ""),
        )
    return table


def row_table(rows: Sequence[Row]) -> Table:
    """The rows of a batch."""
    table = plain_table("Rows")
    for heading in ("Row", "", "What"):
        table.add_column(heading, overflow="fold")
    for each in rows:
        table.add_row(str(each.row_no), "✓" if each.chosen else "", text(each.says))
    return table


# --- the catalogue ---


def action_table(actions: Iterable[Action], events: Iterable[EventKind]) -> Group:
    """Everything that can be done, and everything that can happen."""
    table = plain_table("Actions")
    for heading in ("Name", "Risk", "What it does"):
        table.add_column(heading, overflow="fold")
    for each in actions:
        table.add_row(each.name, Text(each.risk, style=_RISK[each.risk]), each.summary)
    happens = plain_table("Events")
    for heading in ("Name", "What happened"):
        happens.add_column(heading, overflow="fold")
    for event in events:
        happens.add_row(event.name, event.summary)
    return Group(table, happens)


def action_card(described: Mapping[str, Any]) -> Group:
    """One action: what it takes and gives."""
    facts = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, label in (
        ("risk", "Risk"),
        ("when", "When"),
        ("call", "Call"),
        ("scope", "Needs"),
        ("limits", "Limits"),
        ("types", "Types"),
        ("listeners", "Heard by"),
    ):
        value = described.get(name)
        if value:
            facts.add_row(label, ", ".join(value) if isinstance(value, list) else str(value))
    parts: list[RenderableType] = [
        Text.assemble((described["name"], "bold"), f"  {described['summary']}"),
        facts,
    ]
    if described.get("params"):
        parts += [Text(), _params(described["params"])]
    return Group(*parts)


def _params(schema: Mapping[str, Any]) -> Table:
    table = plain_table("Parameters")
    for heading in ("Name", "", "What"):
        table.add_column(heading, overflow="fold")
    needed = set(schema.get("required", ()))
    for name, each in schema.get("properties", {}).items():
        table.add_row(name, "needed" if name in needed else "", Text(each.get("description", "")))
    return table


# --- rights and the trail ---


def permission_table(permissions: Sequence[Permission]) -> Table:
    """Who may do what."""
    table = plain_table("Permissions: what nothing speaks of is not allowed")
    for heading in ("For", "What", "", "By"):
        table.add_column(heading, overflow="fold", no_wrap=heading in {"", "What"})
    for each in permissions:
        word = Text("allowed", style="green") if each.allowed else Text("forbidden", style="red")
        where = "" if each.connection_id is None else f", at {_where(each.connection_id)}"
        table.add_row(
            _whom(each.grantee), each.pattern, word, f"{'default' if each.is_default else each.by_who}{where}"
        )
    return table


def budget_table(budgets: Sequence[tuple[int | None, Budget]]) -> Table:
    """The limits in force."""
    table = plain_table("Budgets, a day")
    for heading in ("No", "For", "What", "Where", "Limits"):
        table.add_column(heading, overflow="fold")
    for connection, each in budgets:
        table.add_row(
            str(each.id),
            _whom(each.grantee),
            "every write" if each.pattern == "*" else each.pattern,
            _where(connection),
            "; ".join(_limits(each)),
        )
    return table


def _limits(budget: Budget) -> Iterable[str]:
    currency = budget.currency or ""
    for value, said in (
        (budget.day_minor, "{} a day"), (budget.customer_minor, "{} a customer"), (budget.four_eyes_minor, "four eyes from {}"),
    ):  # fmt: skip
        if value is not None:
            yield said.format(f"{amount(value, currency)} {currency}")
    if budget.day_count is not None:
        yield f"{budget.day_count:,} calls a day"
    if budget.customer_count is not None:
        yield f"{budget.customer_count:,} calls a customer"


def standing_table(standings: Sequence[Mapping[str, Any]]) -> Table:
    """What was approved once."""
    table = plain_table("Standing approvals")
    for heading in ("Id", "For", "What", "Up to", "State", "Why"):
        table.add_column(heading, overflow="fold")
    for each in standings:
        state = each["state"] + (f": {each['state_why']}" if each["state_why"] else "")
        what = ", ".join(each["patterns"])
        table.add_row(
            each["id"], _whom(each["grantee"]), what, text("; ".join(_inside(each)) or "no limit"), text(state), text(each["why"])
        )  # fmt: skip
    return table


def _inside(standing: Mapping[str, Any]) -> Iterable[str]:
    currency = standing["currency"] or ""
    for name, said in (("call_minor", "{} a call"), ("day_minor", "{} a day")):
        if standing[name] is not None:
            yield said.format(f"{amount(standing[name], currency)} {currency}")
    if standing["day_count"] is not None:
        yield f"{standing['day_count']:,} calls a day"
    for name, values in standing["only"].items():
        yield f"{name} is {' or '.join(str(each) for each in values)}"
    if standing["expires_at"] is not None:
        yield f"until {_when(standing['expires_at'])}"


def trail_table(entries: Sequence[Entry]) -> Table:
    """Entries of the trail: what, and under it about what and why."""
    table = plain_table("Trail, newest first")
    for heading in ("No", "When", "Who", "What"):
        table.add_column(heading, overflow="fold", no_wrap=heading in {"No", "When"})
    for each in entries:
        said = redacted(each.said())
        table.add_row(
            str(each.seq),
            str(said["at"])[:19].replace("T", " "),
            text(said.get("name") or said["who"]),
            _entry(said),
        )
    return table


def _entry(said: Mapping[str, Any]) -> Text:
    about = said.get("subject") or said.get("proposal") or ""
    why = said.get("why") or said.get("details", {}).get("refused", "")
    lines = [Text(said["what"], style="bold"), *(text(str(each)[:_LONGEST]) for each in (about, why) if each)]
    return Text("\n").join(lines)


def as_json(value: Any) -> str:
    """A value from outside as JSON, without anything that looks like a secret."""
    return json.dumps(redacted(value), indent=2, ensure_ascii=False, default=str)


def _whom(grantee: str) -> str:
    return "everybody" if grantee == "*" else grantee


def _where(connection_id: int | None) -> str:
    return "everywhere" if connection_id is None else f"connection {connection_id}"


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
