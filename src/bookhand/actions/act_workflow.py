"""The runs of the door: one that does what was approved, one that asks first; and how the door starts and wakes runs.

    templates = (act_template(door), ask_template(door))                  # for the engine, by `wiring`
    kit.runs = DoorRuns(nudge=engine.nudge)

Their last step performs the call (or the batch). An outage, or an answer that was lost, is the engine's to try again; where nobody can
tell what became of a call, the run waits for a person to say so, and then it is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from bookhand.actions import store
from bookhand.actions.asked import Asked, Rights
from bookhand.actions.call_workflow import Doubt
from bookhand.actions.proposal import Proposal, topic_of
from bookhand.actions.rights.rights_store import grants_of
from bookhand.core.caller import Caller, capabilities
from bookhand.core.problems import Outage, Refusal, UnknownOutcome
from bookhand.runs import store as runs
from bookhand.runs.run import Run
from bookhand.runs.template import Context, Step, Template

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg import Connection as Transaction

    from bookhand.actions.workflow import Door

ACT, ASK = "act", "ask"
log = structlog.get_logger(__name__)


_PERFORM = Step(name="perform", says="Send the approved call, or look up what became of it", system="outside")
OUTLINES: Mapping[str, Template] = {
    ACT: Template(
        name=ACT, summary="Do what was approved, once", steps=(_PERFORM,), body=lambda _context, _inputs: None
    ),
    ASK: Template(
        name=ASK,
        summary="Ask for one write, wait for its yes, and do it",
        steps=(Step(name="ask", says="Read what is there, and propose the call", system="outside"), _PERFORM),
        body=lambda _context, _inputs: None,
    ),
}
"""The kinds of runs with their steps; what they do is given by `act_template` and `ask_template`."""


class DoorRuns:
    """Starts a run for what was approved outside of one, and wakes those that wait; see `kit.Runs`.

    `templates` gives the kinds of runs there are, so that of a stopped one what was not done is told too.
    """

    def __init__(
        self,
        nudge: Callable[[], None] = lambda: None,
        *,
        templates: Callable[[], Iterable[Template]] = tuple,
    ) -> None:
        self._nudge = nudge
        self._templates = templates

    def start(self, cx: Transaction[Any], caller: Caller, proposal: Proposal) -> str | None:
        """A run that does `proposal`, in the transaction that approves it; it is whose proposal it is."""
        owner = msgspec.structs.replace(
            caller,
            who=proposal.proposed_by,
            name=proposal.proposed_name,
            agent=proposal.agent,
            can=caller.can | {"propose"},  # a yes is asking enough
        )
        rights = rights_now(cx, proposal.workspace_id, proposal.connection_id, proposal.rights_at)
        return runs.start(
            cx, owner, ACT, {"proposal": proposal.proposal_id, "root": proposal.root_id}, rights=msgspec.to_builtins(rights),
            prompt=proposal.preview.says, connection_id=proposal.connection_id, key=f"act:{proposal.proposal_id}",
        )  # fmt: skip

    def wake(self, cx: Transaction[Any], topic: str) -> None:
        """Let those go on that wait for `topic`."""
        runs.wake(cx, topic)

    def stop(self, cx: Transaction[Any], *, grantee: str, connection_id: int | None, reason: str) -> int:
        """Stop every run of `grantee` before its next step.

        Not those that do what was approved: each of their calls is looked at once more by the right of who asked, and is void with
        the reason.
        """
        known = {each.name: each for each in self._templates()}
        return len(runs.stop_of(cx, grantee, connection_id, reason, known, but=ACT))

    def cancel(self, cx: Transaction[Any], caller: Caller, run_id: str, reason: str) -> None:
        """End one run before its next step."""
        known = {each.name: each for each in self._templates()}
        runs.cancel(cx, caller, run_id, reason, known.get(runs.get(cx, run_id).template))

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

    return replace(OUTLINES[ACT], body=body)


def ask_template(door: Door) -> Template:
    """A run that asks for one write, waits for its yes as long as it takes, and does it: what schedules and agents start."""

    def body(context: Context, inputs: Mapping[str, Any]) -> dict[str, Any]:
        asked = context.step("ask", lambda: _ask(door, context.run, inputs))
        topic = topic_of(asked["root"])
        context.wait_for(topic, lambda cx: _newest(cx, door, asked["root"]).state != "waiting")
        tried = 0
        while True:
            name = f"perform:{tried}" if tried else "perform"
            told: dict[str, Any] = context.step(name, lambda: _perform_newest(door, context, asked["root"]))
            if "doubt" not in told:
                return told
            tried += 1
            context.wait_for(topic, lambda cx: _newest(cx, door, asked["root"]).state != "unknown")

    return replace(OUTLINES[ASK], body=body)


def _ask(door: Door, run: Run, inputs: Mapping[str, Any]) -> dict[str, Any]:
    owner = run.owner
    caller = Caller(
        workspace_id=run.workspace_id, who=owner.who, name=owner.name, role=owner.role, can=capabilities(owner.role),
        channel="workflow", agent=owner.agent,
    )  # fmt: skip
    reason = str(inputs.get("reason") or run.prompt or f"Run {run.id}")
    asked = Asked(reason=reason, run_id=run.id, step="ask", rights=rights_of(run))
    proposal = door.propose(caller, str(inputs["action"]), inputs.get("params") or {}, asked)
    return {"proposal": proposal.proposal_id, "root": proposal.root_id}


def _newest(cx: Transaction[Any], door: Door, root_id: str) -> Proposal:
    return store.newest_of(cx, door.kit.db.workspace_id, root_id)


def _perform_newest(door: Door, context: Context, root_id: str) -> dict[str, Any]:
    with door.kit.db.transaction() as cx:
        proposal = _newest(cx, door, root_id)
    if proposal.state in {"rejected", "withdrawn", "expired"}:
        return {"proposal": proposal.proposal_id, "state": proposal.state, "why": proposal.state_why}
    return _perform(door, context, proposal.proposal_id)


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


def rights_of(run: Run) -> Rights:
    """The rights that a run began with."""
    return msgspec.convert(run.rights, Rights)
