"""The run that does what was approved, and how the door starts and wakes runs.

    template = act_template(door)                  # for the engine, by `wiring`
    kit.runs = DoorRuns(nudge=engine.nudge)

Its one step performs the call (or the batch). An outage, or an answer that was lost, is the engine's to try again; where nobody can
tell what became of a call, the run waits for a person to say so, and then it is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from bookhand.actions import store
from bookhand.actions.asked import Rights
from bookhand.actions.call_workflow import Doubt
from bookhand.actions.proposal import Proposal, topic_of
from bookhand.actions.rights_store import grants_of
from bookhand.core.caller import Caller
from bookhand.core.problems import Outage, Refusal, UnknownOutcome
from bookhand.runs import store as runs
from bookhand.runs.template import Context, Step, Template

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg import Connection as Transaction

    from bookhand.actions.workflow import Door

ACT = "act"
log = structlog.get_logger(__name__)


class DoorRuns:
    """Starts a run for what was approved outside of one, and wakes those that wait; see `kit.Runs`."""

    def __init__(self, nudge: Callable[[], None] = lambda: None) -> None:
        self._nudge = nudge

    def start(self, cx: Transaction[Any], caller: Caller, proposal: Proposal) -> str | None:
        """A run that does `proposal`, in the transaction that approves it."""
        asking = msgspec.structs.replace(caller, can=caller.can | {"propose"})  # a yes is asking enough
        return runs.start(
            cx, asking, ACT, {"proposal": proposal.proposal_id, "root": proposal.root_id}, rights={}, prompt=proposal.preview.says,
            connection_id=proposal.connection_id, key=f"act:{proposal.proposal_id}",
        )  # fmt: skip

    def wake(self, cx: Transaction[Any], topic: str) -> None:
        """Let those go on that wait for `topic`."""
        runs.wake(cx, topic)

    def stop(self, cx: Transaction[Any], *, grantee: str, connection_id: int | None, reason: str) -> int:
        """Stop every run of `grantee` before its next step.

        Not those that do what was approved: they run in the approver's name, and each call is looked at once more by the right
        of who asked.
        """
        return len(runs.stop_of(cx, grantee, connection_id, reason, but=ACT))

    def nudge(self) -> None:
        """A transaction that started or woke runs has been committed."""
        self._nudge()


def act_template(door: Door) -> Template:
    """The template of the run that does what was approved."""

    def body(context: Context, inputs: Mapping[str, Any]) -> dict[str, Any]:
        proposal_id = str(inputs["proposal"])
        tried = 0
        while True:
            told: dict[str, Any] = context.step(
                f"perform:{tried}" if tried else "perform", lambda: _perform(door, context, proposal_id)
            )
            if "doubt" not in told:
                return told
            tried += 1
            context.wait_for(topic_of(str(inputs["root"])), lambda cx: not _in_doubt(cx, door, proposal_id))

    return Template(
        name=ACT,
        summary="Do what was approved, once",
        steps=(
            Step(
                name="perform", says="Send the approved call, or look up what became of it", system="stripe"
            ),
        ),
        body=body,
    )


def tidy(door: Door) -> int:
    """Settle what was approved and is done by nobody, for its run was cancelled or failed before; how many.

    What was not sent becomes void, what may be under way is looked up.
    """
    with door.kit.db.transaction() as cx:
        found = store.left_behind(cx, door.kit.db.workspace_id)
    return sum(_let_go(door, proposal_id, why) for proposal_id, why in found)


def _let_go(door: Door, proposal_id: str, why: str) -> bool:
    with door.kit.db.transaction() as cx:
        proposal = store.proposal(cx, door.kit.db.workspace_id, proposal_id)
    try:
        if proposal.size > 1:
            door.batches.perform(proposal_id, stopped=why)
        else:
            door.calls.perform(proposal_id, stopped=why)
    except (Refusal, Outage) as error:  # nobody can tell now: a person was asked, or the next time is soon
        log.info("left_behind", proposal=proposal_id, why=str(error))
        return False
    return True


def _perform(door: Door, context: Context, proposal_id: str) -> dict[str, Any]:
    """What became of it; a doubt is told, not raised, so that the run waits instead of failing."""
    workspace = door.kit.db.workspace_id
    with door.kit.db.transaction() as cx:
        proposal = store.proposal(cx, workspace, proposal_id)
    try:
        if proposal.size > 1:
            return {"proposal": proposal_id, "calls": door.batches.perform(proposal_id, fence=context.fence)}
        call = door.calls.perform(proposal_id, fence=context.fence)
    except UnknownOutcome as lost:  # to come back is right: it is looked up then, not sent again
        raise Outage(str(lost), retry_after_seconds=lost.retry_after_seconds) from None
    except Doubt as doubt:
        return {"proposal": proposal_id, "doubt": str(doubt)}
    return {
        "proposal": proposal_id,
        "state": call.state,
        "why": call.state_why,
        "result": call.result_id,
        "attempts": call.attempts,
    }


def _in_doubt(cx: Transaction[Any], door: Door, proposal_id: str) -> bool:
    return store.proposal(cx, door.kit.db.workspace_id, proposal_id).state == "unknown"


def rights_now(cx: Transaction[Any], workspace_id: int, connection_id: int | None, at: datetime) -> Rights:
    """What is allowed at this moment: a run that starts now keeps it."""
    return Rights(grants=tuple(grants_of(cx, workspace_id, connection_id)), taken_at=at)
