"""One run whole, read at one moment: what its page shows.

found = whole(db, caller, run_id, templates)       # its steps, what it proposed and called, and, for who may read it, its trail
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from bookhand.actions import call_store
from bookhand.actions import store as proposals
from bookhand.actions.proposal import Call, Proposal
from bookhand.core.caller import Caller
from bookhand.db.engine import Database
from bookhand.runs import store
from bookhand.runs.run import Run, Stage
from bookhand.runs.template import Template
from bookhand.systems import store as connections
from bookhand.workspace import trail_store

_PROPOSALS, _CALLS, _ENTRIES = 20, 20, 200


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal of a run, with its first calls."""

    proposal: Proposal
    calls: tuple[Call, ...]


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a run's page shows; `trail` is None for who may not read it."""

    at: datetime
    run: Run
    what: str
    connection: str | None
    stages: tuple[Stage, ...]
    asked: tuple[Asked, ...]
    trail: tuple[Mapping[str, Any], ...] | None
    mode: str | None = None


def whole(db: Database, asks: Caller, run_id: str, templates: Mapping[str, Template]) -> Whole:
    """One run, read at one moment; `Missing` where there is none."""
    asks.need("read")
    with db.transaction() as cx:
        run = store.get(cx, run_id)
        template = templates.get(run.template)
        made = proposals.listed(cx, asks.workspace_id, run_id=run_id, limit=_PROPOSALS)
        connection = connections.get(cx, run.connection_id) if run.connection_id is not None else None
        return Whole(
            at=datetime.now(UTC), run=run, what=template.summary if template else run.template,
            connection=connection.name if connection else None, mode=connection.link.mode if connection else None,
            stages=tuple(store.steps(cx, run_id, template)),
            asked=tuple(
                Asked(proposal=each, calls=tuple(call_store.calls(cx, asks.workspace_id, each.proposal_id, limit=_CALLS)))
                for each in made
            ),
            trail=_trail(cx, asks, run_id, made),
        )  # fmt: skip


def _trail(
    cx: Any, asks: Caller, run_id: str, made: Sequence[Proposal]
) -> tuple[Mapping[str, Any], ...] | None:
    """Its entries, oldest first; what was said of its proposals before it began belongs to it too."""
    if "audit" not in asks.can:
        return None
    found = trail_store.search(cx, asks.workspace_id, run=run_id, limit=_ENTRIES)
    for each in made:
        found += trail_store.search(cx, asks.workspace_id, proposal=each.proposal_id, limit=_ENTRIES)
    entries = {entry.seq: entry for entry in found}
    return tuple({"seq": number, **entries[number].said()} for number in sorted(entries)[-_ENTRIES:])
