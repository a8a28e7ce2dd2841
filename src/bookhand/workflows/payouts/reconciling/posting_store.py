"""A match in the journal: its entries are added, and undone by reversing entries of the same days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bookhand.core.entry import reversal
from bookhand.core.facts import Link
from bookhand.journal import period_store
from bookhand.journal import store as journal
from bookhand.journal.store import Draft
from bookhand.workflows.payouts.reconciling.entries import Kind, Settled, entries_of
from bookhand.workflows.payouts.reconciling.match_store import Kept
from bookhand.workspace import store as workspace

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_KINDS: Mapping[str, Kind] = {"none": "none", "bank_fee": "bank_fee", "fx": "fx", "unknown": "unknown"}


def post(cx: Transaction[Any], links: Mapping[int, Link], matches: Sequence[Kept]) -> None:
    """Add the entries of `matches` to the journals of their connections; whoever calls has taken the journals' turns."""
    _add(cx, links, matches, undo=None)


def unpost(cx: Transaction[Any], links: Mapping[int, Link], match: Kept, *, why: str) -> None:
    """Reverse the entries of `match`, on the same days."""
    _add(cx, links, [match], undo=why)


def _add(
    cx: Transaction[Any], links: Mapping[int, Link], matches: Sequence[Kept], *, undo: str | None
) -> None:
    drafts: dict[int, list[Draft]] = {}
    timezone = _timezone(cx, links) if matches else "UTC"
    for match in matches:
        for connection_id, entries in entries_of(_settled(match), timezone=timezone).items():
            kept = drafts.setdefault(connection_id, [])
            for entry in entries:
                undone = reversal(
                    entry,
                    key=f"{entry.key}:undone",
                    happened_at=entry.happened_at,
                    why=f"Not this payout: {undo}",
                )
                kept.append(Draft(entry if undo is None else undone))
    for connection_id, found in sorted(drafts.items()):
        added = journal.add(cx, links[connection_id], found)
        workspace.report(cx, links[connection_id], added.problems)


def _settled(match: Kept) -> Settled:
    return Settled(
        match=match.id, currency=match.currency, payouts=match.payouts, lines=match.lines, difference=match.difference,
        kind=_KINDS.get(match.difference_kind, "unknown"), reason=match.reason,
    )  # fmt: skip


def _timezone(cx: Transaction[Any], links: Mapping[int, Link]) -> str:
    workspace_id = next(iter(links.values())).workspace_id
    return period_store.calendar(cx, workspace_id).timezone
