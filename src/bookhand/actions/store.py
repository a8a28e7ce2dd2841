"""Proposals and decisions as rows. Nothing here commits.

Who changes what becomes of a proposal holds its row (`proposal(…, for_update=True)`) first, always before its calls.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from bookhand.actions.proposal import Decision, Kind, Proposal, Row, State
from bookhand.core.caller import Caller
from bookhand.core.problems import Missing, Refusal
from bookhand.core.ready import ready
from bookhand.core.redaction import redact_text, redacted
from bookhand.db.arrays import integers, texts

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_COLUMNS = ", ".join(Proposal.__struct_fields__)
_JSON = {"params", "preview", "seen"}


# --- proposals ---


def add(cx: Transaction[Any], proposal: Proposal, rows: Sequence[Row] = ()) -> bool:
    """Write a proposal down, with the rows of a batch in bulk; False where its step or its key has one already."""
    values = [
        Jsonb(msgspec.to_builtins(getattr(proposal, name))) if name in _JSON else getattr(proposal, name)
        for name in Proposal.__struct_fields__
    ]
    places = ", ".join(["%s"] * len(values))
    new = cx.execute(
        f"insert into proposal ({_COLUMNS}) values ({places}) on conflict do nothing", values
    ).rowcount
    if new and rows:
        _add_rows(cx, proposal, rows)
    return bool(new)


def _add_rows(cx: Transaction[Any], proposal: Proposal, rows: Sequence[Row]) -> None:
    cx.execute(
        """
        insert into proposal_row (workspace_id, proposal_id, row_no, params, version, seen, says, customer, moves, row_hash, chosen)
        select %s, %s, row_no, params::jsonb, version, seen::jsonb, says, customer, moves::jsonb, row_hash, chosen
        from unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::boolean[])
            as r (row_no, params, version, seen, says, customer, moves, row_hash, chosen)
        """,
        (proposal.workspace_id, proposal.proposal_id, integers([row.row_no for row in rows]),
         texts([json.dumps(row.params) for row in rows]), texts([row.version for row in rows]),
         texts([json.dumps(row.seen) for row in rows]), texts([row.says for row in rows]), texts([row.customer for row in rows]),
         texts([json.dumps(msgspec.to_builtins(row.moves)) for row in rows]), texts([row.row_hash for row in rows]),
         [row.chosen for row in rows]),
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
        raise Missing(f"There is no proposal {proposal_id[:60]!r}.")
    return found[0]


def of_step(cx: Transaction[Any], workspace_id: int, run_id: str, step: str) -> Proposal | None:
    """What a run's step has proposed already: the newest of those that replaced each other."""
    found = _proposals(
        cx, "where workspace_id = %s and run_id = %s and step = %s order by created_at desc, proposal_id desc limit 1",
        (workspace_id, run_id, step),
    )  # fmt: skip
    return found[0] if found else None


def newest_of(cx: Transaction[Any], workspace_id: int, root_id: str) -> Proposal:
    """The newest of the proposals that replaced each other."""
    found = _proposals(
        cx,
        "where workspace_id = %s and root_id = %s order by created_at desc, (state = 'replaced') limit 1",
        (workspace_id, root_id),
    )
    if not found:
        raise Missing(f"There is no proposal {root_id[:60]!r}.")
    return found[0]


def of_request(cx: Transaction[Any], workspace_id: int, who: str, key: str) -> Proposal | None:
    """What a caller has proposed under an idempotency key of its own."""
    found = _proposals(
        cx, "where workspace_id = %s and proposed_by = %s and request_key = %s", (workspace_id, who, key)
    )
    return found[0] if found else None


def askers(cx: Transaction[Any], proposal: Proposal) -> set[str]:
    """Who asked for it, and who edited it on the way."""
    found = {proposal.proposed_by}
    while proposal.replaces:
        proposal = _before(cx, proposal)
        found.add(proposal.proposed_by)
    return found


def _before(cx: Transaction[Any], after: Proposal) -> Proposal:
    return proposal(cx, after.workspace_id, after.replaces or "")


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


def waiting(
    cx: Transaction[Any], workspace_id: int, *, after: tuple[datetime, str] | None = None, limit: int = 50
) -> list[Proposal]:
    """Proposals that wait for a yes, the one whose time is over first at the head; `after` is where the page before ended."""
    at, last = after or (None, None)
    return _proposals(
        cx,
        """
        where workspace_id = %s and state = 'waiting' and (%s::timestamptz is null or (expires_at, proposal_id) > (%s, %s))
        order by expires_at, proposal_id limit %s
        """,
        (workspace_id, at, at, last, limit),
    )


def decided(
    cx: Transaction[Any],
    workspace_id: int,
    *,
    passed: bool = False,
    state: State | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Proposal]:
    """What does not wait any more, newest first: what somebody decided, or (`passed`) what passed under a standing approval."""
    at, last = before or (None, None)
    whose = "standing_id is not null" if passed else "standing_id is null"
    which = "state = %s" if state else "state <> %s"
    return _proposals(
        cx,
        f"""
        where workspace_id = %s and {whose} and {which} and (%s::timestamptz is null or (created_at, proposal_id) < (%s, %s))
        order by created_at desc, proposal_id desc limit %s
        """,
        (workspace_id, state or "waiting", at, at, last, limit),
    )


def threads(
    cx: Transaction[Any], workspace_id: int, proposal_ids: Sequence[str]
) -> dict[str, list[Decision]]:
    """What was asked about proposals and answered, by proposal, oldest first."""
    rows = cx.cursor(row_factory=dict_row).execute(
        """
        select proposal_id, kind, call_hash, by_who, by_name, channel, note, details, at from decision
        where workspace_id = %s and proposal_id = any (%s) and kind in ('ask', 'answer') order by decision_id
        """,
        (workspace_id, list(proposal_ids)),
    )
    found: dict[str, list[Decision]] = {}
    for row in rows:
        found.setdefault(row.pop("proposal_id"), []).append(msgspec.convert(row, Decision))
    return found


def overdue(cx: Transaction[Any], workspace_id: int, *, now: datetime, limit: int = 200) -> list[str]:
    """Those that still wait although their time is over."""
    rows = cx.execute(
        "select proposal_id from proposal where workspace_id = %s and state = 'waiting' and expires_at <= %s order by expires_at, proposal_id limit %s",
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
            finished_at = case when %(state)s in ('waiting', 'approved', 'unknown') then null else %(now)s::timestamptz end
        where workspace_id = %(workspace)s and proposal_id = %(id)s
        """,
        {
            "state": state,
            "why": None if why is None else redact_text(why),
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


def left_behind(cx: Transaction[Any], workspace_id: int, *, limit: int = 200) -> list[tuple[str, str]]:
    """Approved proposals that nobody does any more, for their run ended before: each with why, in a sentence."""
    found = cx.execute(
        """
        select proposal_id, run_id, run.state, coalesce(run.reason, '') from proposal join run using (workspace_id, run_id)
        where workspace_id = %s and proposal.state = 'approved' and proposal.vendor <> 'bookhand' and run.finished_at is not null
        order by random() limit %s
        """,
        (workspace_id, limit),
    )
    return [
        (proposal_id, f"It was not sent: run {run_id}, which was to do it, is {state}{': ' if why else ''}{why.rstrip('.')}.")
        for proposal_id, run_id, state, why in found
    ]  # fmt: skip


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


def rows_at(cx: Transaction[Any], proposal: Proposal, numbers: Sequence[int]) -> list[Row]:
    """The rows of a batch with these numbers, in order."""
    found = cx.cursor(row_factory=dict_row).execute(
        """
        select row_no, params, version, seen, says, customer, moves, row_hash, chosen from proposal_row
        where workspace_id = %s and proposal_id = %s and row_no = any (%s) order by row_no
        """,
        (proposal.workspace_id, proposal.proposal_id, list(numbers)),
    )
    return [msgspec.convert(row, Row) for row in found]


def all_rows(cx: Transaction[Any], proposal: Proposal) -> list[Row]:
    """Every row of a batch."""
    found: list[Row] = []
    while page := rows(
        cx, proposal.workspace_id, proposal.proposal_id, after=found[-1].row_no if found else -1
    ):
        found += page
    return found


def _proposals(cx: Transaction[Any], where: str, arguments: Sequence[Any]) -> list[Proposal]:
    found = cx.cursor(row_factory=dict_row).execute(f"select {_COLUMNS} from proposal {where}", arguments)
    return [msgspec.convert(row, Proposal) for row in found]


def choose_rows(cx: Transaction[Any], proposal: Proposal, chosen: Sequence[int]) -> None:
    """Tick these rows of a batch, and no others; `Refusal` where it has no such row."""
    unknown = sorted({each for each in chosen if not 0 <= each < proposal.size})
    if unknown:
        raise Refusal(
            f"Proposal {proposal.proposal_id} has no row {unknown[0]}: its rows are 0 to {proposal.size - 1}."
        )
    cx.execute(
        "update proposal_row set chosen = row_no = any (%s) where workspace_id = %s and proposal_id = %s",
        (list(chosen), proposal.workspace_id, proposal.proposal_id),
    )


# --- decisions ---


def decide(
    cx: Transaction[Any],
    caller: Caller,
    proposal: Proposal,
    kind: Kind,
    *,
    note: str | None = None,
    details: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> None:
    """Write down what somebody said of a proposal, and when: `at`, or now."""
    cx.execute(
        """
        insert into decision (workspace_id, proposal_id, kind, call_hash, by_who, by_name, channel, note, details, at)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, coalesce(%s, clock_timestamp()))
        """,
        (caller.workspace_id, proposal.proposal_id, kind, proposal.call_hash, caller.who, caller.name, caller.channel,
         None if note is None else redact_text(note), Jsonb(redacted(details or {})), at),
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


ready(Row, Proposal, Decision)  # see core.ready
