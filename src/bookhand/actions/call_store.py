"""Calls as rows: written down before they are sent, claimed by who sends them, settled once. Nothing here commits.

Who changes a call holds its proposal's row first (`store.proposal(…, for_update=True)`), except for the calls of a batch, which are
claimed with SKIP LOCKED.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from bookhand.actions.proposal import Call, Proposal, key_of
from bookhand.core.ready import ready
from bookhand.db.arrays import integers, texts

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_COLUMNS = ", ".join(Call.__struct_fields__)


def intend(cx: Transaction[Any], proposal: Proposal, call_id: str) -> None:
    """Write the one call of a proposal down, with the key it will always have."""
    cx.execute(
        """
        insert into call (workspace_id, connection_id, call_id, proposal_id, row_no, action, params, api_version, key, state)
        values (%s, %s, %s, %s, 0, %s, %s, %s, %s, 'intended') on conflict (workspace_id, proposal_id, row_no) do nothing
        """,
        (proposal.workspace_id, proposal.connection_id or 0, call_id, proposal.proposal_id, proposal.action, Jsonb(proposal.params),
         proposal.api_version, key_of(proposal.workspace_id, call_id)),
    )  # fmt: skip


def intend_rows(cx: Transaction[Any], proposal: Proposal) -> int:
    """Write the calls of every chosen row of a batch down, in one statement; how many."""
    return cx.execute(
        """
        insert into call (workspace_id, connection_id, call_id, proposal_id, row_no, action, params, api_version, key, state)
        select workspace_id, %(connection)s, %(call)s || row_no, proposal_id, row_no, %(action)s, params, %(version)s,
            %(key)s || row_no, 'intended'
        from proposal_row where workspace_id = %(workspace)s and proposal_id = %(proposal)s and chosen
        on conflict (workspace_id, proposal_id, row_no) do nothing
        """,
        {
            "connection": proposal.connection_id or 0, "call": f"{proposal.proposal_id}_", "action": proposal.action,
            "version": proposal.api_version, "key": key_of(proposal.workspace_id, f"{proposal.proposal_id}_"),
            "workspace": proposal.workspace_id, "proposal": proposal.proposal_id,
        },
    ).rowcount  # fmt: skip


def call(
    cx: Transaction[Any], workspace_id: int, proposal_id: str, *, row_no: int = 0, for_update: bool = False
) -> Call | None:
    """One call of a proposal."""
    found = _calls(
        cx, f"where workspace_id = %s and proposal_id = %s and row_no = %s{' for update' if for_update else ''}",
        (workspace_id, proposal_id, row_no),
    )  # fmt: skip
    return found[0] if found else None


def calls(
    cx: Transaction[Any], workspace_id: int, proposal_id: str, *, after: int = -1, limit: int = 1000
) -> list[Call]:
    """The calls of a proposal, in the order of its rows."""
    return _calls(
        cx,
        "where workspace_id = %s and proposal_id = %s and row_no > %s order by row_no limit %s",
        (workspace_id, proposal_id, after, limit),
    )


def open_calls(
    cx: Transaction[Any], workspace_id: int, proposal_id: str, *, now: datetime, limit: int
) -> list[Call]:
    """Calls of a batch that can be taken on now: nobody holds them, or whoever did is late. Held by the caller's transaction."""
    return _calls(
        cx,
        """
        where workspace_id = %s and proposal_id = %s
            and (state in ('intended', 'unknown') or (state = 'sending' and claimed_until <= %s))
        order by row_no limit %s for update skip locked
        """,
        (workspace_id, proposal_id, now, limit),
    )


def tally(cx: Transaction[Any], workspace_id: int, proposal_id: str) -> dict[str, int]:
    """How many calls of a proposal are in each state."""
    found = cx.execute(
        "select state, count(*)::int from call where workspace_id = %s and proposal_id = %s group by 1",
        (workspace_id, proposal_id),
    )
    return dict(found.fetchall())


def in_doubt(cx: Transaction[Any], proposal: Proposal, *, but: Call) -> bool:
    """Whether a person was asked about another call of a batch than `but`, and has not answered."""
    found = cx.execute(
        """
        select 1 from call join problem p using (workspace_id, connection_id)
        where workspace_id = %s and proposal_id = %s and state = 'unknown' and row_no <> %s
            and p.kind = 'unknown_outcome' and p.subject = call_id and p.closed_at is null limit 1
        """,
        (proposal.workspace_id, proposal.proposal_id, but.row_no),
    )
    return found.fetchone() is not None


def claim(
    cx: Transaction[Any], many: Sequence[Call], *, by: str, now: datetime, until: datetime
) -> list[Call]:
    """Take calls of one proposal on: from here until `until` they are this worker's to send; as they are now."""
    return _calls(
        cx,
        f"""
        with taken as (
            update call set state = 'sending', attempts = attempts + 1, claimed_by = %s, claimed_until = %s, sent_at = %s,
                first_sent_at = coalesce(first_sent_at, %s)
            where workspace_id = %s and proposal_id = %s and row_no = any (%s) and state = 'intended' returning *)
        select {_COLUMNS} from taken order by row_no
        """,
        (by, until, now, now, many[0].workspace_id, many[0].proposal_id, [each.row_no for each in many]),
        whole=True,
    )


def renew(cx: Transaction[Any], many: Sequence[Call], *, by: str, now: datetime, until: datetime) -> int:
    """Hold calls of one proposal anew, which are about to be sent; how many are still this worker's."""
    return cx.execute(
        """
        update call set claimed_until = %s, sent_at = %s
        where workspace_id = %s and proposal_id = %s and row_no = any (%s) and state = 'sending' and claimed_by = %s and claimed_until > %s
        """,
        (until, now, many[0].workspace_id, many[0].proposal_id, [each.row_no for each in many], by, now),
    ).rowcount


def finish(
    cx: Transaction[Any],
    one: Call,
    state: str,
    *,
    why: str | None = None,
    result: Any = None,
    request_id: str | None = None,
    now: datetime,
) -> bool:
    """Say what became of a call, unless that is known already, or another try of it is under way; whether it was said.

    That it was done is always taken.
    """
    return bool(
        cx.execute(
            """
            update call set state = %(state)s, state_why = %(why)s, result = coalesce(%(result)s, result),
                result_id = coalesce(%(id)s, result_id), request_id = coalesce(%(request)s, request_id), claimed_by = null,
                claimed_until = null, finished_at = case when %(state)s in ('done', 'failed', 'void') then %(now)s::timestamptz end
            where workspace_id = %(workspace)s and proposal_id = %(proposal)s and row_no = %(row)s
                and state not in ('done', 'failed', 'void') and (%(state)s = 'done' or attempts = %(attempts)s)
            """,
            {
                "state": state, "why": why, "result": None if result is None else Jsonb(result), "request": request_id, "now": now,
                "id": _id_in(result), "workspace": one.workspace_id, "proposal": one.proposal_id,
                "row": one.row_no, "attempts": one.attempts,
            },
        ).rowcount
    )  # fmt: skip


def finish_all(
    cx: Transaction[Any], ends: Sequence[tuple[Call, str, str | None, Any, str | None]], *, now: datetime
) -> set[int]:
    """The same for many calls of one proposal: (call, state, why, result, request id); the rows for which it was said now."""
    if not ends:
        return set()
    found = cx.execute(
        """
        update call set state = u.state, state_why = u.why, result = coalesce(u.result::jsonb, call.result),
            result_id = coalesce(u.result_id, call.result_id), request_id = coalesce(u.request_id, call.request_id), claimed_by = null,
            claimed_until = null, finished_at = case when u.state in ('done', 'failed', 'void') then %(now)s::timestamptz end
        from unnest(%(rows)s::int[], %(attempts)s::int[], %(states)s::text[], %(whys)s::text[], %(results)s::text[], %(ids)s::text[], %(requests)s::text[])
            as u (row_no, attempts, state, why, result, result_id, request_id)
        where call.workspace_id = %(workspace)s and call.proposal_id = %(proposal)s and call.row_no = u.row_no
            and call.state not in ('done', 'failed', 'void') and (u.state = 'done' or call.attempts = u.attempts)
        returning call.row_no
        """,
        {
            "now": now, "rows": integers([one.row_no for one, *_ in ends]), "attempts": integers([one.attempts for one, *_ in ends]),
            "states": texts([end[1] for end in ends]), "whys": texts([end[2] for end in ends]),
            "results": texts([None if end[3] is None else json.dumps(end[3]) for end in ends]), "ids": texts([_id_in(end[3]) for end in ends]),
            "requests": texts([end[4] for end in ends]), "workspace": ends[0][0].workspace_id, "proposal": ends[0][0].proposal_id,
        },
    )  # fmt: skip
    return {row[0] for row in found}


def _calls(cx: Transaction[Any], where: str, arguments: Sequence[Any], *, whole: bool = False) -> list[Call]:
    query = where if whole else f"select {_COLUMNS} from call {where}"
    found = cx.cursor(row_factory=dict_row).execute(query, arguments)
    return [msgspec.convert(row, Call) for row in found]


def _id_in(result: Any) -> str | None:
    found = result.get("id") if isinstance(result, dict) else None
    return found if isinstance(found, str) else None


ready(Call)  # see core.ready
