"""Proposing: a write that is asked for becomes a proposal, with its preview and the hash that an approval binds.

    proposing.one(caller, action, {"charge": "ch_1"}, "Double charge").state        # 'waiting'; inside its standing approval 'approved'

The same step of a run, or the same request key, gives the proposal that it gave before. Errors: as of the `Door`, which this belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.actions import notes, store
from bookhand.actions.asked import Asked
from bookhand.actions.call_workflow import Calls
from bookhand.actions.catalogue import OWN, Target, arguments
from bookhand.actions.kit import Kit
from bookhand.actions.proposal import Kind, Proposal, Row, call_hash, must_wait
from bookhand.actions.proposing.draft_workflow import Draft, Drafts, rows_of
from bookhand.actions.rights.permit_workflow import Permits
from bookhand.actions.rights.policy import Wanted
from bookhand.core.action import Action, Values
from bookhand.core.caller import Caller, NotAllowed
from bookhand.core.problems import Conflict, Refusal
from bookhand.workspace.trail import Note
from bookhand.workspace.trail_store import append

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

MOST_ROWS = 50_000


class Proposing:
    """See the module's docstring; the `Door` has one."""

    def __init__(self, kit: Kit, calls: Calls, permits: Permits) -> None:
        self.kit = kit
        self._calls = calls
        self._permits = permits
        self._drafts = Drafts(kit)

    def one(self, caller: Caller, action: Action, params: Mapping[str, Any], asked: Asked | str) -> Proposal:
        """One call, which waits for its yes, or passes where it needs none."""
        found = asked if isinstance(asked, Asked) else Asked(reason=asked)
        target, values = arguments(action, params)
        request_hash = call_hash({"action": action.name, "params": dict(params)})
        earlier = self._earlier(caller, found, request_hash)
        if earlier is not None:
            return earlier
        asked_at = self.kit.clock()
        draft = self._draft(caller, action, target, values, asked=found, hashed=request_hash, at=asked_at)
        return self._kept(draft, self._drafts.one(draft, values), ())

    def many(
        self, caller: Caller, name: str, rows: Sequence[Mapping[str, Any]], asked: Asked | str
    ) -> Proposal:
        """Many calls of one action at once: each has its own hash, they are approved as one."""
        found = asked if isinstance(asked, Asked) else Asked(reason=asked)
        action = self.writing(caller, name)
        if action.vendor == OWN:
            raise Refusal(f"{name} cannot be asked for as a batch: it acts on bookhand itself.")
        if not 1 <= len(rows) <= MOST_ROWS:
            raise Refusal(f"A batch has 1 to {MOST_ROWS:,} calls, not {len(rows):,}.")
        if len(rows) == 1:
            return self.one(caller, action, rows[0], found)
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

    def edited(
        self, caller: Caller, proposal_id: str, changes: Mapping[str, Any], *, note: str | None
    ) -> Proposal:
        """A changed call in the place of one that waits; None takes a parameter out."""
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
        request_hash = call_hash({"edit": proposal_id, "params": params})
        draft = self._draft(caller, action, target, values, asked=asked, hashed=request_hash, at=asked_at)
        return self._kept(draft, self._drafts.one(draft, values), ())

    def _draft(
        self, caller: Caller, action: Action, target: Target, values: Values, *, asked: Asked, hashed: str, at: datetime
    ) -> Draft:  # fmt: skip
        """What a proposal of one call is drafted from: at the connection that is meant, if the caller may do it there."""
        shown = None
        if action.vendor == OWN:
            asking = self.kit.asking.get(action.name)
            shown = asking.look(caller, values) if asking else None
            connection = shown.connection if shown else None
        else:
            connection = self._permits.permitted(caller, action, target, asked.rights)
        return Draft(
            caller=caller, action=action, target=target, connection=connection, asked=asked, request_hash=hashed, asked_at=at, shown=shown
        )  # fmt: skip

    def writing(self, caller: Caller, name: str) -> Action:
        """The write of that name, if the caller may ask for any."""
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
        proposal = msgspec.structs.replace(
            made,
            four_eyes=self._permits.needs_four_eyes(cx, made, wanted),
            preview=self._permits.warned(cx, made, wanted, now),
        )
        said = self._replace(cx, draft, now)
        if not store.add(cx, proposal, rows):
            return self._same(cx, caller, asked)
        said.append(notes.proposed(caller, proposal))
        at_once = made.vendor == OWN and caller.agent is None and made.action not in self.kit.asking
        if asked.under or at_once:
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
        return [passed, *self._calls.intend(cx, caller, proposal)]
