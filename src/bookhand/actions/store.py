"""Proposals, decisions and calls as rows. Nothing here commits.

Who changes what becomes of a proposal holds its row (`proposal(…, for_update=True)`) first, always before its calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from bookhand.actions.proposal import Call, Decision, Kind, Proposal, Row, State, key_of
from bookhand.core.caller import Caller
from bookhand.core.problems import Refusal

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_COLUMNS = ", ".join(Proposal.__struct_fields__)
_CALL = ", ".join(Call.__struct_fields__)
_JSON = {"params", "preview", "seen"}


# --- proposals ---


def add(cx: Transaction[Any], proposal: Proposal, rows: Sequence[Row] = ()) -> None:
    """Write a proposal down, with the rows of a batch in bulk."""
    values = [
        Jsonb(msgspec.to_builtins(getattr(proposal, name))) if name in _JSON else getattr(proposal, name)
        for name in Proposal.__struct_fields__
    ]
    places = ", ".join(["%s"] * len(values))
    cx.execute(f"insert into proposal ({_COLUMNS}) values ({places})", values)
    if rows:
        with cx.cursor().copy(
            "copy proposal_row (workspace_id, proposal_id, row_no, params, version, seen, says, customer, moves, row_hash, chosen) from stdin"
        ) as copy:
            for row in rows:
                copy.write_row(
                    (proposal.workspace_id, proposal.proposal_id, row.row_no, Jsonb(row.params), row.version, Jsonb(row.seen), row.says, row.customer,
                     Jsonb(msgspec.to_builtins(row.moves)), row.row_hash, row.chosen)
                )  # fmt: skip


def proposal(
    cx: Transaction[Any], workspace_id: int, proposal_id: str, *, for_update: bool = False
) -> Proposal:
    """A proposal; `Refusal` where there is none."""
    found = _proposals(
        cx,
        f"where workspace_id = %s and proposal_id = %s{' for update' if for_update else ''}",
        (workspace_id, proposal_id),
    )
    if not found:
        raise Refusal(f"There is no proposal {proposal_id[:60]!r}.")
    return found[0]


def of_step(cx: Transaction[Any], workspace_id: int, run_id: str, step: str) -> Proposal | None:
    """What a run's step has proposed already: the newest of those that replaced each other."""
    found = _proposals(
        cx, "where workspace_id = %s and run_id = %s and step = %s order by created_at desc, proposal_id desc limit 1",
        (workspace_id, run_id, step),
    )  # fmt: skip
    return found[0] if found else None


def of_request(cx: Transaction[Any], workspace_id: int, who: str, key: str) -> Proposal | None:
    """What a caller has proposed under an idempotency key of its own."""
    found = _proposals(
        cx, "where workspace_id = %s and proposed_by = %s and request_key = %s", (workspace_id, who, key)
    )
    return found[0] if found else None


def listed(
    cx: Transaction[Any],
    workspace_id: int,
    *,
    states: Sequence[State] = (),
    action: str | None = None,
    run_id: str | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Proposal]:
    """Proposals, newest first; `before` is where the page before ended."""
    at, last = before or (None, None)
    return _proposals(
        cx,
        """
        where workspace_id = %s and (%s::text[] is null or state = any (%s)) and (%s::text is null or action = %s)
            and (%s::text is null or run_id = %s) and (%s::timestamptz is null or (created_at, proposal_id) < (%s, %s))
        order by created_at desc, proposal_id desc limit %s
        """,
        (
            workspace_id,
            list(states) or None,
            list(states),
            action,
            action,
            run_id,
            run_id,
            at,
            at,
            last,
            limit,
        ),
    )


def overdue(cx: Transaction[Any], workspace_id: int, *, now: datetime, limit: int = 200) -> list[str]:
    """Those that still wait although their time is over."""
    rows = cx.execute(
        "select proposal_id from proposal where workspace_id = %s and state = 'waiting' and expires_at <= %s order by expires_at limit %s",
        (workspace_id, now, limit),
    )
    return [row[0] for row in rows]


def settle(
    cx: Transaction[Any],
    workspace_id: int,
    proposal_id: str,
    state: State,
    *,
    why: str | None = None,
    result_id: str | None = None,
    now: datetime,
) -> None:
    """Say what became of a proposal."""
    cx.execute(
        """
        update proposal set state = %(state)s, state_why = %(why)s, result_id = coalesce(%(result)s, result_id),
            finished_at = case when %(state)s in ('waiting', 'approved', 'unknown') then null else %(now)s end
        where workspace_id = %(workspace)s and proposal_id = %(id)s
        """,
        {
            "state": state,
            "why": why,
            "result": result_id,
            "now": now,
            "workspace": workspace_id,
            "id": proposal_id,
        },
    )


def set_run(cx: Transaction[Any], workspace_id: int, proposal_id: str, run_id: str) -> None:
    """Which run does it."""
    cx.execute(
        "update proposal set run_id = %s where workspace_id = %s and proposal_id = %s",
        (run_id, workspace_id, proposal_id),
    )


def rows(
    cx: Transaction[Any], workspace_id: int, proposal_id: str, *, after: int = -1, limit: int = 1000
) -> list[Row]:
    """The rows of a batch, in order."""
    found = cx.cursor(row_factory=dict_row).execute(
        """
        select row_no, params, version, seen, says, customer, moves, row_hash, chosen from proposal_row
        where workspace_id = %s and proposal_id = %s and row_no > %s order by row_no limit %s
        """,
        (workspace_id, proposal_id, after, limit),
    )
    return [msgspec.convert(row, Row) for row in found]


def _proposals(cx: Transaction[Any], where: str, arguments: Sequence[Any]) -> list[Proposal]:
    found = cx.cursor(row_factory=dict_row).execute(f"select {_COLUMNS} from proposal {where}", arguments)
    return [msgspec.convert(row, Proposal) for row in found]


# --- decisions ---


def decide(
    cx: Transaction[Any],
    caller: Caller,
    proposal: Proposal,
    kind: Kind,
    *,
    note: str | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Write down what somebody said of a proposal."""
    cx.execute(
        """
        insert into decision (workspace_id, proposal_id, kind, call_hash, by_who, by_name, channel, note, details)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (caller.workspace_id, proposal.proposal_id, kind, proposal.call_hash, caller.who, caller.name, caller.channel, note,
         Jsonb(details or {})),
    )  # fmt: skip


def decisions(cx: Transaction[Any], workspace_id: int, proposal_id: str) -> list[Decision]:
    """Everything that was said of a proposal, oldest first."""
    found = cx.cursor(row_factory=dict_row).execute(
        """
        select kind, call_hash, by_who, by_name, channel, note, details, at from decision
        where workspace_id = %s and proposal_id = %s order by decision_id
        """,
        (workspace_id, proposal_id),
    )
    return [msgspec.convert(row, Decision) for row in found]


# --- calls ---


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


def claim(cx: Transaction[Any], one: Call, *, by: str, now: datetime, until: datetime) -> None:
    """Take a call on: from here until `until` it is this worker's to send."""
    claim_all(cx, [one], by=by, now=now, until=until)


def claim_all(cx: Transaction[Any], many: Sequence[Call], *, by: str, now: datetime, until: datetime) -> None:
    """The same for many."""
    cx.execute(
        """
        update call set state = 'sending', attempts = attempts + 1, claimed_by = %s, claimed_until = %s, sent_at = %s,
            first_sent_at = coalesce(first_sent_at, %s)
        where workspace_id = %s and proposal_id = %s and row_no = any (%s)
        """,
        (by, until, now, now, many[0].workspace_id, many[0].proposal_id, [each.row_no for each in many]),
    )


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
    """Say what became of a call, unless that is known already; whether it was said."""
    result_id = result.get("id") if isinstance(result, dict) else None
    return bool(
        cx.execute(
            """
            update call set state = %(state)s, state_why = %(why)s, result = coalesce(%(result)s, result),
                result_id = coalesce(%(id)s, result_id), request_id = coalesce(%(request)s, request_id), claimed_by = null,
                claimed_until = null, finished_at = case when %(state)s in ('done', 'failed', 'void') then %(now)s end
            where workspace_id = %(workspace)s and proposal_id = %(proposal)s and row_no = %(row)s
                and state not in ('done', 'failed', 'void')
            """,
            {
                "state": state, "why": why, "result": None if result is None else Jsonb(result), "request": request_id, "now": now,
                "id": result_id if isinstance(result_id, str) else None, "workspace": one.workspace_id, "proposal": one.proposal_id,
                "row": one.row_no,
            },
        ).rowcount
    )  # fmt: skip


def unsettled(cx: Transaction[Any], workspace_id: int, *, now: datetime, limit: int = 100) -> list[Call]:
    """Calls of which nobody knows, and that nobody is looking at."""
    return _calls(
        cx,
        """
        where workspace_id = %s and state in ('sending', 'unknown') and coalesce(claimed_until, '-infinity') <= %s
        order by sent_at limit %s
        """,
        (workspace_id, now, limit),
    )


def _calls(cx: Transaction[Any], where: str, arguments: Sequence[Any]) -> list[Call]:
    found = cx.cursor(row_factory=dict_row).execute(f"select {_CALL} from call {where}", arguments)
    return [msgspec.convert(row, Call) for row in found]
