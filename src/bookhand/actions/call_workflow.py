"""Doing what was approved, once: a call is written down before it is sent, and a lost answer is looked up.

    calls = Calls(kit)
    call = calls.perform("prop_1")                     # done, failed or void; asked again it gives what is known

Who sends holds the call by a claim that runs out; `fence` is run in the claim's transaction, so that a worker that was taken over
cannot claim. A call that was sent and of which nothing came back is *unknown*: the next to come looks it up at the other side, and only
where that shows that it was not done may it be sent, under the same key. Where nobody can tell, a person is asked (`Doubt`).

Errors: `UnknownOutcome` and `Outage` (come back later), `Doubt` (a person has to look), `Refusal` where nothing was approved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bookhand.actions import call_store, notes, store
from bookhand.actions.catalogue import OWN
from bookhand.actions.kit import Kit
from bookhand.actions.last_moment_workflow import LastMoment, approval_of, forged, must_hold, too_late
from bookhand.actions.proposal import Call, Proposal, State
from bookhand.actions.rights import rights_store
from bookhand.actions.rights.permit_workflow import is_copy
from bookhand.core.action import Action, Looked, Sent
from bookhand.core.caller import Caller
from bookhand.core.facts import Link
from bookhand.core.problems import Bug, Conflict, Outage, Problem, Refusal, UnknownOutcome
from bookhand.core.redaction import redacted
from bookhand.systems import store as connections
from bookhand.workspace.store import clear, report
from bookhand.workspace.trail import Note
from bookhand.workspace.trail_store import append

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

DOUBT = "unknown_outcome"
_LONGEST_WAIT_SECONDS = 2.0
_END: dict[str, State] = {"done": "done", "void": "void", "failed": "failed"}

Fence = Callable[["Transaction[Any]"], None]


class Doubt(Refusal):
    """Nobody can tell what became of a call: a person has to look at the other side and say."""


class Calls:
    """See the module's docstring; safe to share between threads."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.last_moment = LastMoment(kit)

    def intend(self, cx: Transaction[Any], caller: Caller, proposal: Proposal) -> list[Note]:
        """Write its calls down, and let a run do them: the one that waits for it, or a new one. Our own acts are done at once.

        What is to be told of it is given back: whoever appends to the trail holds its head, and so does it last.
        """
        if proposal.vendor == OWN:
            return [self.perform_own(cx, caller, proposal)]
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

    def perform(self, proposal_id: str, *, fence: Fence | None = None, stopped: str | None = None) -> Call:
        """Do an approved call, or give what became of it. With `stopped` (why, in a sentence) nothing more is sent."""
        while True:
            proposal, call = self._load(proposal_id)
            if call.is_settled:
                return call
            if call.state in {"sending", "unknown"}:
                self._resolve(proposal, call)
                continue
            ended = self._attempt(proposal, fence, stopped)
            if ended is not None:
                return ended

    def _load(self, proposal_id: str) -> tuple[Proposal, Call]:
        workspace = self.kit.db.workspace_id
        with self.kit.db.transaction() as cx:
            proposal = store.proposal(cx, workspace, proposal_id)
            call = call_store.call(cx, workspace, proposal_id)
        if proposal.size > 1:
            raise Bug(f"Proposal {proposal_id} is a batch: it is performed as one.")
        if call is None:
            raise Conflict(f"Proposal {proposal_id} is {proposal.state}: there is nothing to do.")
        return proposal, call

    # --- sending ---

    def _attempt(self, proposal: Proposal, fence: Fence | None, stopped: str | None) -> Call | None:
        """Check it once more, claim it and send it; None where somebody else was faster."""
        action, link = self.kit.catalogue.action(proposal.action), self.link(proposal)
        why = (
            stopped
            or self.last_moment.held_back(proposal, link)
            or self.last_moment.changed(proposal, action, link, proposal.params, proposal.seen)
        )
        now = self.kit.clock()
        with self.kit.db.transaction() as cx:
            held = store.proposal(cx, proposal.workspace_id, proposal.proposal_id, for_update=True)
            call = call_store.call(cx, proposal.workspace_id, proposal.proposal_id, for_update=True)
            if call is None or call.state != "intended":
                return None
            if fence is not None:
                fence(cx)
            why = (
                why
                or self.last_moment.taken_back(cx, held)
                or forged(cx, held, action)
                or too_late(call, now)
            )
            if why:
                return self._finish(cx, held, call, "void", why=why)
            until = now + timedelta(seconds=self.kit.lease_seconds)
            [call] = call_store.claim(cx, [call], by=self.kit.worker, now=now, until=until)
            append(cx, call.workspace_id, [notes.sending(held, call, worker=self.kit.worker)])
        return self._send(held, call, action, link)

    def _send(self, proposal: Proposal, call: Call, action: Action, link: Link) -> Call:
        performer = self.kit.performers[action.vendor]
        try:
            must_hold(call, self.kit)
            sent = performer.send(
                link, action, call.params, key=call.key, marker=call.call_id, api_version=call.api_version
            )
        except UnknownOutcome as error:
            self._mark(proposal, call, "unknown", str(error))
            raise
        except Outage as error:
            self._mark(proposal, call, "intended", str(error))
            raise
        except Refusal as error:
            if self.last_moment.is_away(
                link
            ):  # it did not fail: it was not done, and is once the account is back
                self._mark(proposal, call, "intended", str(error))
                raise
            with self.kit.db.transaction() as cx:
                ended = self._finish(cx, proposal, call, "failed", why=str(error))
        else:
            with self.kit.db.transaction() as cx:
                ended = self._finish(cx, proposal, call, "done", sent=sent)
        self.kit.runs.nudge()
        return ended

    def _mark(self, proposal: Proposal, call: Call, state: str, why: str) -> None:
        """What is known after no answer: that nothing was done, or nothing."""
        with self.kit.db.transaction() as cx:
            call_store.finish(cx, call, state, why=why, now=self.kit.clock())
            append(
                cx,
                call.workspace_id,
                [notes.outcome(proposal, call, "no_answer" if state == "unknown" else "not_sent", why)],
            )

    # --- what became of it ---

    def _resolve(self, proposal: Proposal, call: Call) -> None:
        """Look up a call that was sent: afterwards it is settled, or known not to have been done; or this raises."""
        must_rest(call, self.kit)
        looked = self.looked(proposal, call)
        if looked.outcome == "not_done":
            must_believe(call, self.kit)
        with self.kit.db.transaction() as cx:
            held = store.proposal(cx, call.workspace_id, call.proposal_id, for_update=True)
            current = call_store.call(cx, call.workspace_id, call.proposal_id, for_update=True)
            if (
                current is None
                or current.attempts != call.attempts
                or current.state not in {"sending", "unknown"}
            ):
                return
            if looked.outcome == "done":
                self._finish(cx, held, current, "done", sent=Sent(data=looked.data), why=looked.why)
            elif looked.outcome == "not_done":
                call_store.finish(cx, current, "intended", why=looked.why, now=self.kit.clock())
                append(cx, call.workspace_id, [notes.outcome(held, current, "looked_up", looked.why)])
            else:
                sentence = self._wonder(cx, held, current, looked.why)
        if looked.outcome == "cannot_tell":
            raise Doubt(sentence)

    def looked(self, proposal: Proposal, call: Call) -> Looked:
        """What the other side shows of a call that was sent."""
        action = self.kit.catalogue.action(call.action)
        since = int((call.first_sent_at or self.kit.clock()).timestamp())
        return self.kit.performers[action.vendor].look_up(
            self.link(proposal),
            action,
            call.params,
            key=call.key,
            marker=call.call_id,
            since=since,
            result_id=call.result_id,
        )

    def _wonder(self, cx: Transaction[Any], proposal: Proposal, call: Call, why: str) -> str:
        """Ask a person, once and clearly."""
        sentence = doubt_of(proposal, call, why)
        now = self.kit.clock()
        call_store.finish(cx, call, "unknown", why=sentence, now=now)
        store.settle(cx, call.workspace_id, call.proposal_id, "unknown", why=sentence, now=now)
        report(cx, self.link(proposal, cx), [Problem(kind=DOUBT, subject=call.call_id, message=sentence)])
        append(cx, call.workspace_id, [notes.outcome(proposal, call, "doubt", sentence)])
        return sentence

    def settle(self, caller: Caller, proposal_id: str, *, row_no: int, done: bool, note: str) -> None:
        """A person says what became of a call of which nobody could tell."""
        with self.kit.db.transaction() as cx:
            proposal = store.proposal(cx, caller.workspace_id, proposal_id, for_update=True)
            call = call_store.call(cx, caller.workspace_id, proposal_id, row_no=row_no, for_update=True)
            if call is None or call.state != "unknown" or proposal.state != "unknown":
                raise Conflict(f"No call of proposal {proposal_id} is in doubt: nothing was changed.")
            store.decide(cx, caller, proposal, "settle", note=note, details={"done": done, "row": row_no})
            if proposal.size > 1 and not call_store.in_doubt(cx, proposal, but=call):
                store.settle(cx, caller.workspace_id, proposal_id, "approved", now=self.kit.clock())
                self.kit.runs.wake(cx, proposal.topic)
            self._finish(
                cx,
                proposal,
                call,
                "done" if done else "failed",
                why=f"{caller.name} looked: {note}",
                by=caller,
            )

    # --- the end of a call ---

    def _finish(
        self, cx: Transaction[Any], proposal: Proposal, call: Call, state: str, *, why: str | None = None, sent: Sent | None = None,
        by: Caller | None = None,
    ) -> Call:  # fmt: skip
        """Write down what became of it, tell whoever waits, and give the budget back where nothing was done."""
        store.proposal(
            cx, proposal.workspace_id, proposal.proposal_id, for_update=True
        )  # before its call, as everybody
        answer = redacted(sent.data) if sent else None
        request_id = sent.request_id if sent else None
        if call_store.finish(
            cx, call, state, why=why, result=answer, request_id=request_id, now=self.kit.clock()
        ):
            clear(cx, self.link(proposal, cx), kind=DOUBT, subjects=[call.call_id])
            if state != "done":
                self.give_back(cx, proposal, [call])
            if proposal.size == 1:
                self._settle_proposal(cx, proposal, _END[state], why, answer)
            append(
                cx,
                call.workspace_id,
                [notes.outcome(proposal, call, state, why, answer=answer, sent=sent, by=by)],
            )
        found = call_store.call(cx, call.workspace_id, call.proposal_id, row_no=call.row_no)
        assert found is not None  # noqa: S101 (calls are never deleted)
        return found

    def _settle_proposal(
        self, cx: Transaction[Any], proposal: Proposal, state: State, why: str | None, answer: Any
    ) -> None:
        result_id = (
            answer.get("id") if isinstance(answer, dict) and isinstance(answer.get("id"), str) else None
        )
        store.settle(
            cx,
            proposal.workspace_id,
            proposal.proposal_id,
            state,
            why=why,
            result_id=result_id,
            now=self.kit.clock(),
        )
        self.kit.runs.wake(cx, proposal.topic)

    def give_back(self, cx: Transaction[Any], proposal: Proposal, calls: Sequence[Call]) -> None:
        """What was counted for calls that were not done is free again, on the day it was counted."""
        if is_copy(self.kit, cx, proposal):
            return
        numbers = {call.row_no for call in calls}
        rows = None
        if proposal.size > 1:
            rows = [row for row in store.all_rows(cx, proposal) if row.row_no in numbers]
        approved = approval_of(cx, proposal)
        day = self.kit.day(approved.at if approved else self.kit.clock())
        rights_store.use(
            cx,
            proposal.workspace_id,
            proposal.connection_id,
            day,
            notes.wanted_of(proposal, rows),
            standing=proposal.standing_id or "",
            sign=-1,
        )

    def link(self, proposal: Proposal, cx: Transaction[Any] | None = None) -> Link:
        """Where a proposal goes."""
        if proposal.connection_id is None:
            raise Bug(f"Proposal {proposal.proposal_id} goes to no outside system.")
        if cx is not None:
            return connections.get(cx, proposal.connection_id).link
        with self.kit.db.transaction() as own:
            return connections.get(own, proposal.connection_id).link

    # --- bookhand's own acts ---

    def perform_own(self, cx: Transaction[Any], caller: Caller, proposal: Proposal) -> Note:
        """Do one of bookhand's own acts in the transaction that approves it: with it, or not at all; what is to be told of it."""
        asking = self.kit.asking.get(proposal.action)
        if asking is not None:
            data = asking.act(cx, caller, proposal.params, proposal.seen)
        else:
            data = self.kit.own[proposal.action](cx, caller, proposal.params)
        store.settle(cx, proposal.workspace_id, proposal.proposal_id, "done", now=self.kit.clock())
        self.kit.runs.wake(cx, proposal.topic)
        return notes.own_act(caller, proposal, data)


def must_rest(call: Call, kit: Kit) -> None:
    """Nothing, if a call that was sent may be looked up now; else the `Outage` to come back after."""
    now = kit.clock()
    if call.state == "sending" and call.claimed_until is not None and call.claimed_until > now:
        left = (call.claimed_until - now).total_seconds()
        raise Outage(
            f"{call.action} of proposal {call.proposal_id} is being sent at this moment.",
            retry_after_seconds=min(_LONGEST_WAIT_SECONDS, left),
        )
    rest = kit.settle_seconds - (now - (call.sent_at or now)).total_seconds()
    if rest > 0:
        raise UnknownOutcome(
            f"{call.action} of proposal {call.proposal_id} was sent and not answered; it is looked up in {rest:.1f} s.",
            retry_after_seconds=rest,
        )


def must_believe(call: Call, kit: Kit) -> None:
    """Nothing, if a call that was not found can be taken as not done; `UnknownOutcome` while its last sending may be under way."""
    left = kit.believe_seconds - (kit.clock() - (call.sent_at or kit.clock())).total_seconds()
    if left > 0:
        raise UnknownOutcome(
            f"{call.action} of proposal {call.proposal_id} is not there yet, and may still be under way: it is looked up again in {left:.0f} s.",
            retry_after_seconds=left,
        )


def doubt_of(proposal: Proposal, call: Call, why: str) -> str:
    """The one question that a person is asked."""
    row = f" --row {call.row_no}" if proposal.size > 1 else ""
    return (
        f"Was {call.action} of proposal {proposal.proposal_id} done at {proposal.account}? Its answer was lost, and looking did not tell: {why} "
        f"Look there, then say `bookhand settle {proposal.proposal_id}{row} --done` or `--not-done`."
    )
