"""The one door: everything that acts goes through here, whoever asks.

A read goes straight through, if it is allowed. A write becomes a `Proposal` with a preview; a person says yes to exactly that call, and
then it is done once. The order is always: permission, budget, mode, approval, idempotency, rate limits, call, trail.

    found = door.read(caller, "charges.list", {"customer": "cus_1", "mode": "live"})
    proposal = door.propose(caller, "refunds.create", {"charge": "ch_1", "amount": 1500}, "Double charge")
    door.approve(caller, proposal.proposal_id, proposal.call_hash)
    call = door.calls.perform(proposal.proposal_id)          # a run does this, unless nobody runs

Errors: `NotAllowed` and other `Refusal` with the reason and who can change it; `Outage` where the other side is down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bookhand.actions import notes, store
from bookhand.actions.asked import Asked, Rights
from bookhand.actions.batch_workflow import Batches
from bookhand.actions.call_workflow import Calls
from bookhand.actions.catalogue import OWN, arguments
from bookhand.actions.kit import Kit
from bookhand.actions.proposal import Changed, Kind, Proposal, State, must_wait
from bookhand.actions.proposing.propose_workflow import Proposing
from bookhand.actions.rights.govern_workflow import Governing
from bookhand.actions.rights.permit_workflow import Permits
from bookhand.core.action import Action, Found, Values
from bookhand.core.caller import Caller, NotAllowed
from bookhand.core.problems import BookhandError, Refusal
from bookhand.workspace.trail import Note
from bookhand.workspace.trail_store import append


class Door:
    """See the module's docstring; safe to share between threads."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.calls = Calls(kit)
        self.batches = Batches(kit, self.calls)
        self.governing = Governing(kit)
        self._permits = Permits(kit)
        self._proposing = Proposing(kit, self.calls, self._permits)

    # --- reads ---

    def read(
        self,
        caller: Caller,
        name: str,
        params: Mapping[str, Any],
        *,
        why: str | None = None,
        run_id: str | None = None,
        rights: Rights | None = None,
    ) -> Found:
        """Perform a read now; the trail has its parameters and how much it found, not what it found."""
        action = self.kit.catalogue.action(name)
        if action.risk != "read":
            raise Refusal(f"{name} changes something: propose it, it is not a read.")
        target, values = arguments(action, params)
        caller.need("read")
        if action.vendor == OWN:
            return self._own_read(caller, action, values)
        connection = self._permits.permitted(caller, action, target, rights)
        said = {"params": dict(values)}
        try:
            found = self.kit.performers[action.vendor].read(
                connection.link, action, values, api_version=target.api_version
            )
        except BookhandError as error:
            self._write(
                caller,
                notes.asked(caller, action, connection, {**said, "failed": str(error)}, why=why, run=run_id),
            )
            raise
        told = {**said, "found": found.count, **({"cut": found.cut} if found.cut else {})}
        self._write(caller, notes.asked(caller, action, connection, told, why=why, run=run_id))
        return found

    def _own_read(self, caller: Caller, action: Action, values: Values) -> Found:
        with self.kit.db.transaction() as cx:
            data = self.kit.own[action.name](cx, caller, values)
            append(
                cx,
                caller.workspace_id,
                [notes.asked(caller, action, None, {"params": dict(values)})],
                flush=False,
            )
        return Found(data=data, count=len(data) if isinstance(data, list) else 1)

    # --- asking ---

    def propose(self, caller: Caller, name: str, params: Mapping[str, Any], asked: Asked | str) -> Proposal:
        """Ask for a write. Under a standing approval, and for bookhand's own acts by a person, it needs no further yes."""
        action = self._proposing.writing(caller, name)
        if action.resource == "approvals":
            return self._decide(caller, action, arguments(action, params)[1])
        return self._proposing.one(caller, action, params, asked)

    def propose_batch(
        self, caller: Caller, name: str, rows: Sequence[Mapping[str, Any]], asked: Asked | str
    ) -> Proposal:
        """Ask for many calls of one action at once: each has its own hash, they are approved as one."""
        return self._proposing.many(caller, name, rows, asked)

    def _decide(self, caller: Caller, action: Action, values: Values) -> Proposal:
        """A decision that was asked for by its name in the catalogue: it is made, not proposed."""
        if action.verb == "approve":
            return self.approve(caller, values["proposal"], values["call_hash"], note=values.get("note"))
        return self.reject(caller, values["proposal"], values["note"])

    # --- deciding ---

    def approve(
        self,
        caller: Caller,
        proposal_id: str,
        given_hash: str,
        *,
        note: str | None = None,
        chosen: Sequence[int] | None = None,
    ) -> Proposal:
        """Say yes to exactly the call that `given_hash` binds; of a batch to the rows `chosen` (all, if None). A run does it."""
        _may_decide(caller)
        try:
            return self._approved(caller, proposal_id, given_hash, note=note, chosen=chosen)
        except Changed as error:
            self._void(caller, proposal_id, str(error))
            raise

    def _approved(
        self,
        caller: Caller,
        proposal_id: str,
        given_hash: str,
        *,
        note: str | None,
        chosen: Sequence[int] | None,
    ) -> Proposal:
        now = self.kit.clock()
        with self.kit.db.transaction() as cx:
            proposal = store.proposal(cx, caller.workspace_id, proposal_id, for_update=True)
            self._permits.approvable(cx, caller, proposal, given_hash, now)
            wanted, details = (
                self.batches.choose(cx, proposal, chosen)
                if proposal.size > 1
                else (notes.wanted_of(proposal), {})
            )
            self._permits.spend(cx, proposal, wanted, now)
            store.decide(cx, caller, proposal, "approve", note=note, details=details, at=now)
            store.settle(cx, caller.workspace_id, proposal_id, "approved", now=now)
            approved = notes.decided(caller, proposal, "approved", note, details)
            append(cx, caller.workspace_id, [approved, *self.calls.intend(cx, caller, proposal)])
            after = store.proposal(cx, caller.workspace_id, proposal_id)
        self.kit.runs.nudge()
        return after

    def reject(self, caller: Caller, proposal_id: str, note: str) -> Proposal:
        """Say no, and why."""
        _may_decide(caller)
        if not note.strip():
            raise Refusal("Say why it is rejected: whoever asked will read it.")
        return self._end(caller, proposal_id, "reject", "rejected", note)

    def withdraw(self, caller: Caller, proposal_id: str, note: str | None = None) -> Proposal:
        """Take back what one has asked for oneself; who manages may do it for others."""
        caller.need("propose")
        with self.kit.db.transaction() as cx:
            proposal = store.proposal(cx, caller.workspace_id, proposal_id)
        if caller.who != proposal.proposed_by:
            caller.need("manage")
        return self._end(caller, proposal_id, "withdraw", "withdrawn", note)

    def ask(self, caller: Caller, proposal_id: str, question: str) -> Proposal:
        """Ask something of whoever proposed it; it goes on waiting."""
        _may_decide(caller)
        return self._say(caller, proposal_id, "ask", question)

    def answer(self, caller: Caller, proposal_id: str, text: str) -> Proposal:
        """Answer a question about a proposal."""
        caller.need("propose")
        return self._say(caller, proposal_id, "answer", text)

    def edit(
        self, caller: Caller, proposal_id: str, changes: Mapping[str, Any], *, note: str | None = None
    ) -> Proposal:
        """Ask for a changed call in its place: a new proposal with its own preview and hash; None takes a parameter out.

        Whoever edits has asked for it, also where four eyes are needed.
        """
        _may_decide(caller)
        return self._proposing.edited(caller, proposal_id, changes, note=note)

    def settle(self, caller: Caller, proposal_id: str, *, done: bool, note: str, row_no: int = 0) -> Proposal:
        """A person has looked at the other side and says whether a call in doubt was done there."""
        _may_decide(caller)
        if not note.strip():
            raise Refusal("Say how you know: it stays in the trail.")
        self.calls.settle(caller, proposal_id, row_no=row_no, done=done, note=note)
        self.kit.runs.nudge()
        with self.kit.db.transaction() as cx:
            return store.proposal(cx, caller.workspace_id, proposal_id)

    def expire(self) -> int:
        """Settle the proposals whose time is over; how many."""
        now, workspace = self.kit.clock(), self.kit.db.workspace_id
        with self.kit.db.transaction() as cx:
            found = [
                store.proposal(cx, workspace, each, for_update=True)
                for each in store.overdue(cx, workspace, now=now)
            ]
            over = [each for each in found if each.state == "waiting"]
            for proposal in over:
                store.settle(
                    cx, workspace, proposal.proposal_id, "expired", why="Nobody approved it in time.", now=now
                )
                self.kit.runs.wake(cx, proposal.topic)
            append(cx, workspace, [notes.expired(proposal) for proposal in over])
        if over:
            self.kit.runs.nudge()
        return len(over)

    def _void(self, caller: Caller, proposal_id: str, why: str) -> None:
        """What it was asked for is not as it was shown: nobody can approve it any more."""
        with self.kit.db.transaction() as cx:
            proposal = store.proposal(cx, caller.workspace_id, proposal_id, for_update=True)
            must_wait(proposal)
            store.settle(cx, caller.workspace_id, proposal_id, "void", why=why, now=self.kit.clock())
            self.kit.runs.wake(cx, proposal.topic)
            append(cx, caller.workspace_id, [notes.decided(caller, proposal, "void", why, {})])
        self.kit.runs.nudge()

    def _end(self, caller: Caller, proposal_id: str, kind: Kind, state: State, note: str | None) -> Proposal:
        now = self.kit.clock()
        with self.kit.db.transaction() as cx:
            proposal = store.proposal(cx, caller.workspace_id, proposal_id, for_update=True)
            must_wait(proposal)
            store.decide(cx, caller, proposal, kind, note=note)
            store.settle(cx, caller.workspace_id, proposal_id, state, why=note, now=now)
            self.kit.runs.wake(cx, proposal.topic)
            append(cx, caller.workspace_id, [notes.decided(caller, proposal, state, note, {})])
            after = store.proposal(cx, caller.workspace_id, proposal_id)
        self.kit.runs.nudge()
        return after

    def _say(self, caller: Caller, proposal_id: str, kind: Kind, text: str) -> Proposal:
        if not text.strip():
            raise Refusal("There is nothing in it: write the question or the answer.")
        with self.kit.db.transaction() as cx:
            proposal = store.proposal(cx, caller.workspace_id, proposal_id, for_update=True)
            must_wait(proposal)
            store.decide(cx, caller, proposal, kind, note=text)
            append(cx, caller.workspace_id, [notes.decided(caller, proposal, kind, text, {})])
        return proposal

    def _write(self, caller: Caller, note: Note) -> None:
        """One entry of the trail; what changed nothing is not worth waiting for the disk."""
        with self.kit.db.transaction() as cx:
            append(cx, caller.workspace_id, [note], flush=False)


def _may_decide(caller: Caller) -> None:
    caller.need("approve")
    if caller.agent:
        raise NotAllowed("An agent cannot approve, reject or edit what was asked for: a person has to.")
