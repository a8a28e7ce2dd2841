"""What the door writes into the trail, and what it counts into the budgets, made from values. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bookhand.actions.proposal import Call, Proposal, Row, customers_of, totals
from bookhand.actions.rights.policy import Wanted
from bookhand.core.action import Action, Moves, Sent
from bookhand.core.caller import Caller
from bookhand.systems.connection import Connection
from bookhand.workspace.trail import Note

DOOR = "bookhand"
"""Who it is where no person is at it."""


def asked(
    caller: Caller,
    action: Action,
    connection: Connection | None,
    details: Mapping[str, Any],
    *,
    why: str | None = None,
    run: str | None = None,
) -> Note:
    """A read, or what was refused at the door."""
    return Note(
        who=caller.who, name=caller.name, agent=caller.agent, channel=caller.channel, what=action.name, why=why, run=run,
        connection=connection.id if connection else None, mode=connection.link.mode if connection else None, details=details,
    )  # fmt: skip


def proposed(caller: Caller, proposal: Proposal) -> Note:
    """Something was asked for: the exact call, and what its yes will bind."""
    details = {
        "action": proposal.action, "endpoint": proposal.endpoint, "params": proposal.params, "says": proposal.preview.says,
        "call_hash": proposal.call_hash, "version": proposal.version, "size": proposal.size, "expires": proposal.expires_at.isoformat(),
        "four_eyes": proposal.four_eyes, "standing": proposal.standing_id, "replaces": proposal.replaces,
    }  # fmt: skip
    said = {name: value for name, value in details.items() if value not in (None, "", False)}
    return _about(proposal, "made", caller, why=proposal.reason, details=said)


def decided(
    caller: Caller, proposal: Proposal, what: str, note: str | None, details: Mapping[str, Any]
) -> Note:
    """Somebody said something of it."""
    return _about(proposal, what, caller, why=note, details={"call_hash": proposal.call_hash, **details})


def expired(proposal: Proposal) -> Note:
    """Nobody said anything in time."""
    return Note(
        who=DOOR, what="proposal.expired", subject=proposal.preview.subject or "", proposal=proposal.proposal_id, run=proposal.run_id,
        connection=proposal.connection_id, mode=proposal.mode,
    )  # fmt: skip


def sending(proposal: Proposal, call: Call, *, worker: str) -> Note:
    """A call is about to be sent: the request, with the key it is sent under."""
    request = {
        "endpoint": proposal.endpoint,
        "params": call.params,
        "key": call.key,
        "attempt": call.attempts,
        "worker": worker,
    }
    return _of_call(proposal, call, "sending", None, request)


def outcome(
    proposal: Proposal,
    call: Call,
    what: str,
    why: str | None,
    *,
    answer: Any = None,
    sent: Sent | None = None,
    by: Caller | None = None,
) -> Note:
    """What became of a call: the response, redacted."""
    details = {"response": answer, "request_id": sent.request_id if sent else None}
    return _of_call(
        proposal,
        call,
        what,
        why,
        {name: value for name, value in details.items() if value is not None},
        by=by,
    )


def stopped(caller: Caller, proposal: Proposal, standing_id: str, why: str) -> Note:
    """A standing approval met something outside of it."""
    return Note(
        who=caller.who, name=caller.name, agent=caller.agent, channel=caller.channel, what="standing.stopped", subject=standing_id, why=why,
        run=proposal.run_id, connection=proposal.connection_id, mode=proposal.mode, details={"action": proposal.action, "params": proposal.params},
    )  # fmt: skip


def own_act(caller: Caller, proposal: Proposal, data: Any) -> Note:
    """One of bookhand's own acts was done."""
    return Note(
        who=caller.who, name=caller.name, agent=caller.agent, channel=caller.channel, what=proposal.action, why=proposal.reason,
        proposal=proposal.proposal_id, run=proposal.run_id, connection=proposal.connection_id, mode=proposal.mode,
        subject=proposal.preview.subject or "", details={"params": proposal.params, "result": data},
    )  # fmt: skip


def _about(
    proposal: Proposal, what: str, caller: Caller, *, why: str | None, details: Mapping[str, Any]
) -> Note:
    return Note(
        who=caller.who, name=caller.name, agent=caller.agent, channel=caller.channel, what=f"proposal.{what}",
        subject=proposal.preview.subject or "", why=why, connection=proposal.connection_id, mode=proposal.mode, run=proposal.run_id,
        proposal=proposal.proposal_id, details=details,
    )  # fmt: skip


def _of_call(
    proposal: Proposal,
    call: Call,
    what: str,
    why: str | None,
    details: Mapping[str, Any],
    *,
    by: Caller | None = None,
) -> Note:
    return Note(
        who=by.who if by else DOOR, name=by.name if by else "", channel=by.channel if by else None, what=f"call.{what}",
        subject=proposal.preview.subject or "", why=why, connection=proposal.connection_id, mode=proposal.mode, run=proposal.run_id,
        proposal=proposal.proposal_id, call=call.call_id, details={"action": call.action, **details},
    )  # fmt: skip


# --- what is counted ---


def wanted_of(proposal: Proposal, rows: Sequence[Row] | None = None) -> Wanted:
    """What a proposal uses of the day's budgets; of a batch, its `rows`."""
    parts: list[tuple[str, Sequence[Moves]]] = (
        [(proposal.preview.customer or "", proposal.preview.moves)]
        if rows is None
        else [(row.customer, row.moves) for row in rows]
    )
    return Wanted(
        grantee=proposal.grantee, action=proposal.action, moves=totals(_whichever_way(moves) for _, moves in parts),
        customers=customers_of(parts),
        count=len(parts),
    )  # fmt: skip


def _whichever_way(moves: Sequence[Moves]) -> list[Moves]:
    """What goes out and what comes in do not make up for each other."""
    return [Moves(abs(each.minor), each.currency, each.what) for each in moves]
