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
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.actions import call_store, notes, rights_store, store
from bookhand.actions.asked import Asked, Rights
from bookhand.actions.batch_workflow import Batches
from bookhand.actions.call_workflow import Calls
from bookhand.actions.catalogue import arguments
from bookhand.actions.draft_workflow import Draft, Drafts, rows_of
from bookhand.actions.govern_workflow import Governing
from bookhand.actions.kit import Kit
from bookhand.actions.permit_workflow import Permits
from bookhand.actions.policy import Wanted, needs_four_eyes
from bookhand.actions.proposal import Kind, Proposal, Row, State, call_hash, must_wait
from bookhand.core.action import Action, Found, Values
from bookhand.core.caller import Caller, NotAllowed
from bookhand.core.problems import BookhandError, Conflict, Refusal
from bookhand.workspace.trail import Note
from bookhand.workspace.trail_store import append

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

OWN = "bookhand"
MOST_ROWS = 50_000


class Door:
    """See the module's docstring; safe to share between threads."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.calls = Calls(kit)
        self.batches = Batches(kit, self.calls)
        self.governing = Governing(kit)
        self._permits = Permits(kit)
        self._drafts = Drafts(kit)

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
        found = asked if isinstance(asked, Asked) else Asked(reason=asked)
        action = self._writing(caller, name)
        target, values = arguments(action, params)
        if action.resource == "approvals":
            return self._decide(caller, action, values)
        request_hash = call_hash({"action": name, "params": dict(params)})
        earlier = self._earlier(caller, found, request_hash)
        if earlier is not None:
            return earlier
        asked_at = self.kit.clock()
        connection = (
            None if action.vendor == OWN else self._permits.permitted(caller, action, target, found.rights)
        )
        draft = Draft(
            caller=caller,
            action=action,
            target=target,
            connection=connection,
            asked=found,
            request_hash=request_hash,
            asked_at=asked_at,
        )
        return self._kept(draft, self._drafts.one(draft, values), ())

    def propose_batch(
        self, caller: Caller, name: str, rows: Sequence[Mapping[str, Any]], asked: Asked | str
    ) -> Proposal:
        """Ask for many calls of one action at once: each has its own hash, they are approved as one."""
        found = asked if isinstance(asked, Asked) else Asked(reason=asked)
        action = self._writing(caller, name)
        if action.vendor == OWN:
            raise Refusal(f"{name} cannot be asked for as a batch: it acts on bookhand itself.")
        if not 1 <= len(rows) <= MOST_ROWS:
            raise Refusal(f"A batch has 1 to {MOST_ROWS:,} calls, not {len(rows):,}.")
        if len(rows) == 1:
            return self.propose(caller, name, rows[0], found)
        target, checked = rows_of(action, rows)
        request_hash = call_hash({"action": name, "rows": [dict(row) for row in rows]})
        earlier = self._earlier(caller, found, request_hash)
        if earlier is not None:
            return earlier
        asked_at = self.kit.clock()
        connection = self._permits.permitted(caller, action, target, found.rights)
        draft = Draft(
            caller=caller,
            action=action,
            target=target,
            connection=connection,
            asked=found,
            request_hash=request_hash,
            asked_at=asked_at,
        )
        return self._kept(draft, *self._drafts.many(draft, checked))

    def _decide(self, caller: Caller, action: Action, values: Values) -> Proposal:
        """A decision that was asked for by its name in the catalogue: it is made, not proposed."""
        if action.verb == "approve":
            return self.approve(caller, values["proposal"], values["call_hash"], note=values.get("note"))
        return self.reject(caller, values["proposal"], values["note"])

    def _writing(self, caller: Caller, name: str) -> Action:
        action = self.kit.catalogue.action(name)
        if action.risk == "read":
            raise Refusal(f"{name} only reads: there is nothing to approve.")
        caller.need("propose")
        return action

    def _earlier(self, caller: Caller, asked: Asked, request_hash: str) -> Proposal | None:
        """What was asked for already, by the same step of a run or under the same key; the same key for something else is refused."""
        with self.kit.db.transaction() as cx:
            if asked.run_id and asked.step:
                return store.of_step(cx, caller.workspace_id, asked.run_id, asked.step)
            if asked.request_key is None:
                return None
            found = store.of_request(cx, caller.workspace_id, caller.who, asked.request_key)
        if found is not None and found.request_hash != request_hash:
            raise Conflict(
                f"Key {asked.request_key!r} was used for another request (proposal {found.proposal_id}): use a new key."
            )
        return found

    def _kept(self, draft: Draft, made: Proposal, rows: Sequence[Row]) -> Proposal:
        """Write it down, if it is inside its standing approval; else that one stops, and the call is refused."""
        asked, stopped = draft.asked, None
        with self.kit.db.transaction() as cx:
            if asked.under:
                stopped = self._permits.stopped(cx, draft.caller, made, asked, rows)
            if stopped is None:
                proposal = self._written(cx, draft, made, rows)
        if stopped is not None:
            raise NotAllowed(stopped)
        self.kit.runs.nudge()
        return proposal

    def _written(self, cx: Transaction[Any], draft: Draft, made: Proposal, rows: Sequence[Row]) -> Proposal:
        """The proposal as a row; and, where no person has to be asked any more, its yes as well."""
        caller, asked, now = draft.caller, draft.asked, self.kit.clock()
        wanted = notes.wanted_of(made, rows or None)
        budgets = rights_store.budgets_of(cx, caller.workspace_id, made.connection_id)
        proposal = msgspec.structs.replace(
            made,
            four_eyes=needs_four_eyes(budgets, wanted),
            preview=self._permits.warned(cx, made, wanted, now),
        )
        said = self._replace(cx, draft, now)
        if not store.add(cx, proposal, rows):
            return self._same(cx, caller, asked)
        said.append(notes.proposed(caller, proposal))
        if asked.under or (made.vendor == OWN and caller.agent is None):
            said += self._pass(cx, caller, proposal, wanted, now)
        append(cx, caller.workspace_id, said)
        return store.proposal(cx, caller.workspace_id, proposal.proposal_id)

    def _same(self, cx: Transaction[Any], caller: Caller, asked: Asked) -> Proposal:
        """Somebody asked for the same at the same moment, and was faster."""
        found = (
            store.of_step(cx, caller.workspace_id, asked.run_id, asked.step)
            if asked.run_id and asked.step
            else store.of_request(cx, caller.workspace_id, caller.who, asked.request_key or "")
        )
        if found is None:
            raise Conflict("The same was asked for twice at one moment: ask again.")
        return found

    def _replace(self, cx: Transaction[Any], draft: Draft, now: datetime) -> list[Note]:
        if draft.asked.replaces is None:
            return []
        caller = draft.caller
        before = store.proposal(cx, caller.workspace_id, draft.asked.replaces.proposal_id, for_update=True)
        must_wait(before)
        store.decide(cx, caller, before, "edit", note=draft.asked.reason)
        store.settle(
            cx, caller.workspace_id, before.proposal_id, "replaced", why=f"{caller.name} edited it.", now=now
        )
        return [notes.decided(caller, before, "edited", draft.asked.reason, {})]

    def _pass(
        self, cx: Transaction[Any], caller: Caller, proposal: Proposal, wanted: Wanted, now: datetime
    ) -> list[Note]:
        """It needs no further yes: that is written down, and it is intended."""
        kind: Kind = "standing" if proposal.standing_id else "approve"
        details = {"standing": proposal.standing_id} if proposal.standing_id else {"own": True}
        self._permits.two_people(cx, caller, proposal)
        self._permits.spend(cx, proposal, wanted, now)
        store.decide(cx, caller, proposal, kind, details=details, at=now)
        store.settle(cx, caller.workspace_id, proposal.proposal_id, "approved", now=now)
        passed = notes.decided(caller, proposal, "passed", None, details)
        return [passed, *self._intend(cx, caller, proposal)]

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
            append(cx, caller.workspace_id, [approved, *self._intend(cx, caller, proposal)])
            after = store.proposal(cx, caller.workspace_id, proposal_id)
        self.kit.runs.nudge()
        return after

    def _intend(self, cx: Transaction[Any], caller: Caller, proposal: Proposal) -> list[Note]:
        """Write its calls down, and let a run do them: the one that waits for it, or a new one. Our own acts are done at once.

        What is to be told of it is given back: whoever appends to the trail holds its head, and so does it last.
        """
        if proposal.vendor == OWN:
            return [self.calls.perform_own(cx, caller, proposal)]
        if proposal.size > 1:
            call_store.intend_rows(cx, proposal)
        else:
            call_store.intend(cx, proposal, f"{proposal.proposal_id}_0")
        if proposal.run_id:
            self.kit.runs.wake(cx, proposal.topic)
            return []
        run_id = self.kit.runs.start(cx, caller, proposal)
        if run_id:
            store.set_run(cx, proposal.workspace_id, proposal.proposal_id, run_id)
        return []

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
        with self.kit.db.transaction() as cx:
            before = store.proposal(cx, caller.workspace_id, proposal_id)
        must_wait(before)
        if before.size > 1:
            raise Refusal(
                "A batch is not edited: choose its rows when you approve it, or reject it and ask anew."
            )
        params = {name: value for name, value in {**before.params, **changes}.items() if value is not None}
        where = {"mode": before.mode, "account": before.account, "api_version": before.api_version}
        action = self.kit.catalogue.action(before.action)
        target, values = arguments(
            action,
            {**{name: value for name, value in where.items() if value and before.vendor != OWN}, **params},
        )
        asked = Asked(reason=note or before.reason, run_id=before.run_id, step=before.step, replaces=before)
        asked_at = self.kit.clock()
        connection = None if before.vendor == OWN else self._permits.permitted(caller, action, target, None)
        request_hash = call_hash({"edit": proposal_id, "params": params})
        draft = Draft(
            caller=caller,
            action=action,
            target=target,
            connection=connection,
            asked=asked,
            request_hash=request_hash,
            asked_at=asked_at,
        )
        return self._kept(draft, self._drafts.one(draft, values), ())

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
