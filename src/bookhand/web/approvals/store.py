"""Proposals with what their pages show around them. Reads only; every query is bounded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.actions import call_store, notes, store
from bookhand.actions.catalogue import Catalogue
from bookhand.actions.proposal import Call, Decision, Proposal, Row
from bookhand.actions.rights import rights_store
from bookhand.actions.rights.policy import Budget, needs_four_eyes
from bookhand.core.caller import Caller
from bookhand.systems import store as connections
from bookhand.web.approvals.rows import elsewhere
from bookhand.web.approvals.seen import Card, card
from bookhand.workspace import trail_store
from bookhand.workspace.people import store as people

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

ROWS, _CALLS, _TRAIL = 100, 100, 100


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one proposal; `trail` is None for who may not read it."""

    card: Card
    decisions: tuple[Decision, ...]
    calls: tuple[Call, ...]
    tally: Mapping[str, int]
    batch: Batch | None
    replaced_by: str | None
    trail: tuple[Mapping[str, Any], ...] | None


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a batch's rows, each with its call once there is one; and what is chosen on the other pages."""

    rows: tuple[tuple[Row, Call | None], ...]
    after: int
    next: int | None
    without: frozenset[int]
    elsewhere: int
    sums: Mapping[str, int]


def cards(
    cx: Transaction[Any], caller: Caller, catalogue: Catalogue, found: Sequence[Proposal]
) -> list[Card]:
    """The cards of `found`, for `caller`."""
    if not found:
        return []
    threads = store.threads(cx, caller.workspace_id, [each.proposal_id for each in found])
    places = {each.id: each.name for each in connections.every(cx)}
    everybody = people.every(cx)
    budgets: dict[int | None, list[Budget]] = {}
    made = []
    for each in found:
        if each.connection_id not in budgets:
            budgets[each.connection_id] = rights_store.budgets_of(cx, caller.workspace_id, each.connection_id)
        four_eyes = each.four_eyes or needs_four_eyes(budgets[each.connection_id], notes.wanted_of(each))
        action = catalogue.actions.get(each.action)
        made.append(
            card(
                each, caller=caller, place=places.get(each.connection_id or 0), summary=action.summary if action else each.action,
                four_eyes=four_eyes, askers=store.askers(cx, each) if four_eyes and each.state == "waiting" else (),
                people=everybody, thread=threads.get(each.proposal_id, ()), also=action.yes_needs if action else None,
            )
        )  # fmt: skip
    return made


def whole(
    cx: Transaction[Any],
    caller: Caller,
    catalogue: Catalogue,
    proposal_id: str,
    *,
    after: int,
    without: Iterable[int],
) -> Whole:
    """One proposal with all that belongs to it; of a batch the rows after `after`."""
    workspace = caller.workspace_id
    found = store.proposal(cx, workspace, proposal_id)
    newest = store.newest_of(cx, workspace, found.root_id).proposal_id
    batch = _batch(cx, found, after=after, without=frozenset(without)) if found.size > 1 else None
    return Whole(
        card=cards(cx, caller, catalogue, [found])[0],
        decisions=tuple(store.decisions(cx, workspace, proposal_id)),
        calls=() if batch else tuple(call_store.calls(cx, workspace, proposal_id, limit=_CALLS)),
        tally=call_store.tally(cx, workspace, proposal_id) if batch else {},
        batch=batch,
        replaced_by=newest if newest != proposal_id else None,
        trail=_trail(cx, caller, proposal_id),
    )


def _batch(cx: Transaction[Any], proposal: Proposal, *, after: int, without: frozenset[int]) -> Batch:
    found = store.rows(cx, proposal.workspace_id, proposal.proposal_id, after=after, limit=ROWS + 1)
    page = found[:ROWS]
    called = call_store.calls(cx, proposal.workspace_id, proposal.proposal_id, after=after, limit=ROWS)
    calls = {each.row_no: each for each in called}
    left = store.rows_at(cx, proposal, sorted(without)) if without else []
    count, sums = elsewhere(proposal, page, without, left)
    return Batch(
        rows=tuple((row, calls.get(row.row_no)) for row in page), after=after,
        next=page[-1].row_no if len(found) > ROWS else None, without=without, elsewhere=count, sums=sums,
    )  # fmt: skip


def _trail(cx: Transaction[Any], caller: Caller, proposal_id: str) -> tuple[Mapping[str, Any], ...] | None:
    if "audit" not in caller.can:
        return None
    found = trail_store.search(cx, caller.workspace_id, proposal=proposal_id, limit=_TRAIL)
    return tuple({"seq": each.seq, **each.said()} for each in reversed(found))


def mark(cx: Transaction[Any], workspace_id: int) -> str:
    """A text that changes when another proposal waits than before, or one of them got a word."""
    row = cx.execute(
        """
        select md5(coalesce(string_agg(few.proposal_id || (
            select count(*) from decision d where (d.workspace_id, d.proposal_id) = (few.workspace_id, few.proposal_id)
        ), ',' order by few.proposal_id), '')) from (
            select workspace_id, proposal_id from proposal where workspace_id = %s and state = 'waiting'
            order by expires_at, proposal_id limit 200
        ) as few
        """,
        (workspace_id,),
    ).fetchone()
    return str(row[0]) if row else ""
