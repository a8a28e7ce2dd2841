"""Batches: thousands of calls that were approved as one, each written down before it is sent, and in bulk.

    batches.perform("prop_2", told=print)          # {'done': 4980, 'failed': 20}; goes on where it stopped

Calls are claimed, sent and settled a chunk at a time, so the door costs two transactions a chunk, not two a call. Where the vendor takes
many calls in one request (`BulkPerformer`), they are sent so: each has its own outcome all the same. Whether the right was taken back
is looked at before each request, and where they go together once more when its turn has come. Errors: `Outage` where the other side is
down (come back: what is done is done); `Doubt` where calls are left of which nobody can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.actions import call_store, notes, store
from bookhand.actions.call_workflow import DOUBT, Calls, Doubt, Fence, doubt_of, must_believe, must_rest
from bookhand.actions.catalogue import endpoint
from bookhand.actions.kit import Kit
from bookhand.actions.last_moment_workflow import FORGED, approval_of, must_hold, too_late, unlike
from bookhand.actions.proposal import Call, Proposal, Row, State, batch_hash, bound, call_hash, version_of
from bookhand.actions.rights.policy import Wanted
from bookhand.core.action import Action, BulkPerformer, Item, Sent
from bookhand.core.facts import Link
from bookhand.core.problems import BookhandError, Outage, Problem, Refusal, UnknownOutcome
from bookhand.core.redaction import redacted
from bookhand.workspace.store import report
from bookhand.workspace.trail_store import append

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

CHUNK = 240
THREADS = 8


class End(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one call of a chunk; `stops` is why the batch has to come back."""

    call: Call
    state: str
    why: str | None = None
    sent: Sent | None = None
    stops: Outage | Refusal | None = None


class Taken(msgspec.Struct, frozen=True):
    """A call that was taken on: to be sent, or (not fresh) to be looked up first."""

    call: Call
    fresh: bool


@dataclass(frozen=True, slots=True)
class _Going:
    """A batch that is being done: with `stopped` (why) nothing more of it is sent."""

    proposal: Proposal
    rows: dict[int, Row]
    action: Action
    link: Link
    stopped: str | None


class _TakenBack(Outage):
    """The right was taken back while a request waited for its turn: it was not sent, and will not be."""


class Batches:
    """See the module's docstring."""

    def __init__(self, kit: Kit, calls: Calls) -> None:
        self.kit = kit
        self.calls = calls

    def choose(
        self, cx: Transaction[Any], proposal: Proposal, chosen: Sequence[int] | None
    ) -> tuple[Wanted, dict[str, Any]]:
        """Tick rows of a batch; what they would use, and the hash that binds them."""
        if chosen is not None:
            store.choose_rows(cx, proposal, chosen)
        ticked = [row for row in store.all_rows(cx, proposal) if row.chosen]
        if not ticked:
            raise Refusal("No row is chosen: reject the batch instead.")
        binds = batch_hash(proposal.proposal_id, (row.row_hash for row in ticked))
        return notes.wanted_of(proposal, ticked), {"rows": len(ticked), "rows_hash": binds}

    def perform(
        self,
        proposal_id: str,
        *,
        fence: Fence | None = None,
        stopped: str | None = None,
        told: Callable[[dict[str, int]], None] = lambda _: None,
    ) -> dict[str, int]:
        """Do every call of an approved batch; how many ended how. With `stopped` (why, in a sentence) nothing more is sent."""
        workspace = self.kit.db.workspace_id
        with self.kit.db.transaction() as cx:
            proposal = store.proposal(cx, workspace, proposal_id)
            rows = {row.row_no: row for row in store.all_rows(cx, proposal) if row.chosen}
            wrong = _unlike_approved(cx, proposal, rows.values())
        if wrong:
            rows = {}  # and every call becomes void, with the reason
        action, link = self.kit.catalogue.action(proposal.action), self.calls.link(proposal)
        with ThreadPoolExecutor(THREADS, thread_name_prefix="batch") as pool:
            while not proposal.is_final:
                if not stopped:
                    self.calls.last_moment.held_back(
                        proposal, link
                    )  # nothing is claimed while the account is away
                chunk = self._claimed(proposal, fence)
                if not chunk:
                    break
                ends = self._ends(pool, _Going(proposal, rows, action, link, stopped), chunk)
                self._settle(proposal, ends)
                with self.kit.db.transaction() as cx:
                    told(call_store.tally(cx, workspace, proposal_id))
                stops = [end.stops for end in ends if end.stops]
                if stops:
                    raise stops[0]
        return self._ended(proposal)

    def _claimed(self, proposal: Proposal, fence: Fence | None) -> list[Taken]:
        """The next chunk, ours from here on."""
        now = self.kit.clock()
        with self.kit.db.transaction() as cx:
            if fence is not None:
                fence(cx)
            found = call_store.open_calls(
                cx, proposal.workspace_id, proposal.proposal_id, now=now, limit=CHUNK
            )
            late = [call for call in found if call.state != "intended"]
            for call in late:
                if call.state == "unknown":
                    must_rest(call, self.kit)
            fresh = [call for call in found if call.state == "intended"]
            if fresh:
                until = now + timedelta(seconds=self.kit.lease_seconds)
                fresh = call_store.claim(cx, fresh, by=self.kit.worker, now=now, until=until)
                sending = [notes.sending(proposal, call, worker=self.kit.worker) for call in fresh]
                append(cx, proposal.workspace_id, sending)
        return [*(Taken(call, fresh=False) for call in late), *(Taken(call, fresh=True) for call in fresh)]

    def _ends(self, pool: ThreadPoolExecutor, going: _Going, chunk: Sequence[Taken]) -> list[End]:
        """What becomes of a chunk: each call alone, or as many together as the vendor takes."""
        performer = self.kit.performers[going.action.vendor]
        if not isinstance(performer, BulkPerformer):
            return list(pool.map(partial(self._one, going), chunk))
        checked = list(pool.map(partial(self._before, going, together=True), chunk))
        ends = [end for end in checked if end is not None]
        ready = [taken.call for taken, end in zip(chunk, checked, strict=True) if end is None]
        size = max(1, performer.bulk(going.action))
        groups = [ready[at : at + size] for at in range(0, len(ready), size)]
        for found in pool.map(partial(self._together, going, performer), groups):
            ends += found
        return ends

    def _one(self, going: _Going, taken: Taken) -> End:
        """A call that goes alone."""
        end = self._before(going, taken)
        if end is not None:
            return end
        try:
            return self._sent(taken.call, going.action, going.link)
        except BookhandError as error:
            return self._failing(going, taken.call, error)

    def _before(self, going: _Going, taken: Taken, *, together: bool = False) -> End | None:
        """What became of a call that is not to be sent now; None where it is. Rights of those that go `together` are their request's."""
        call = taken.call
        try:
            if not taken.fresh:
                return self._looked(going.proposal, call)
            why = (
                going.stopped
                or (None if together else self._held_back(going))
                or self._why_void(going.proposal, going.rows.get(call.row_no), call, going.action, going.link)
            )
        except BookhandError as error:
            return self._failing(going, call, error, left="intended" if taken.fresh else "unknown")
        return End(call=call, state="void", why=why) if why else None

    def _held_back(self, going: _Going) -> str | None:
        return self.calls.last_moment.held_back(going.proposal, going.link)

    def _failing(self, going: _Going, call: Call, error: BookhandError, *, left: str = "intended") -> End:
        """What an error says of a call; `left` is the state it is left in where nothing is known to have been done."""
        if isinstance(error, UnknownOutcome):
            return End(call=call, state="unknown", why=str(error), stops=error)
        if isinstance(error, _TakenBack):
            return End(call=call, state="void", why=str(error))
        if not isinstance(error, (Outage, Refusal)):
            raise error
        if (
            isinstance(error, Refusal)
            and left == "intended"
            and not self.calls.last_moment.is_away(going.link)
        ):
            return End(call=call, state="failed", why=str(error))
        # It is done once the account is back; and of what was sent before, only looking was refused.
        return End(call=call, state=left, why=str(error), stops=error)

    def _together(self, going: _Going, performer: BulkPerformer, calls: Sequence[Call]) -> list[End]:
        """Send calls in one request, if the right is still there."""
        items = [Item(call.params, call.key, call.call_id) for call in calls]
        try:
            if why := self._held_back(going):
                return [End(call=call, state="void", why=why) for call in calls]
            answers = performer.send_many(
                going.link,
                going.action,
                items,
                begin=partial(self._begin, going, calls),
                api_version=calls[0].api_version,
            )
        except BookhandError as error:
            return [self._failing(going, call, error) for call in calls]
        return [
            End(call=call, state="done", sent=answer)
            if isinstance(answer, Sent)
            else self._failing(going, call, answer)
            for call, answer in zip(calls, answers, strict=True)
        ]

    def _begin(self, going: _Going, calls: Sequence[Call]) -> None:
        """Its turn has come: nothing, if it may leave now; it may have waited for a minute."""
        self._renew(calls)
        if why := self._held_back(going):
            raise _TakenBack(why)

    def _renew(self, calls: Sequence[Call]) -> None:
        """Hold calls for as long as their request may take from now on; `Outage` where they may be somebody else's by now."""
        now = self.kit.clock()
        until = now + timedelta(seconds=self.kit.lease_seconds)
        with self.kit.db.transaction() as cx:
            if call_store.renew(cx, calls, by=self.kit.worker, now=now, until=until) == len(calls):
                return
            cx.rollback()
        raise Outage(
            f"{len(calls)} calls of proposal {calls[0].proposal_id} were not sent: their worker came too late. They are looked at again."
        )

    def _sent(self, call: Call, action: Action, link: Link) -> End:
        must_hold(call, self.kit)
        sent = self.kit.performers[action.vendor].send(
            link, action, call.params, key=call.key, marker=call.call_id, api_version=call.api_version
        )
        return End(call=call, state="done", sent=sent)

    def _looked(self, proposal: Proposal, call: Call) -> End:
        looked = self.calls.looked(proposal, call)
        if looked.outcome == "done":
            return End(call=call, state="done", why=looked.why, sent=Sent(data=looked.data))
        if looked.outcome == "not_done":
            must_believe(call, self.kit)
            why = too_late(call, self.kit.clock())
            return End(call=call, state="void" if why else "intended", why=why or looked.why)
        return End(call=call, state="doubt", why=doubt_of(proposal, call, looked.why))

    def _why_void(
        self, proposal: Proposal, row: Row | None, call: Call, action: Action, link: Link
    ) -> str | None:
        if (
            row is None
            or unlike(call, proposal, row.params)
            or self._hash(proposal, row, action) != row.row_hash
        ):
            return FORGED
        return self.calls.last_moment.changed(proposal, action, link, call.params, row.seen)

    def _hash(self, proposal: Proposal, row: Row, action: Action) -> str:
        return call_hash(
            bound(
                proposal_id=proposal.proposal_id, action=action, endpoint=endpoint(action, row.params), values=row.params,
                connection_id=proposal.connection_id, mode=proposal.mode, account=proposal.account, api_version=proposal.api_version,
                version=version_of(row.seen), row_no=row.row_no,
            )
        )  # fmt: skip

    def _settle(self, proposal: Proposal, ends: Sequence[End]) -> None:
        """Write a chunk down, in one transaction."""
        answers = {end.call.row_no: redacted(end.sent.data) if end.sent else None for end in ends}
        with self.kit.db.transaction() as cx:
            said = call_store.finish_all(
                cx,
                [
                    (end.call, "unknown" if end.state == "doubt" else end.state, end.why, answers[end.call.row_no],
                     end.sent.request_id if end.sent else None)
                    for end in ends
                ],
                now=self.kit.clock(),
            )  # fmt: skip
            told = [end for end in ends if end.call.row_no in said]
            undone = [end.call for end in told if end.state in {"failed", "void"}]
            if undone:
                self.calls.give_back(cx, proposal, undone)
            doubts = [
                Problem(kind=DOUBT, subject=end.call.call_id, message=end.why or "")
                for end in told
                if end.state == "doubt"
            ]
            if doubts:
                report(cx, self.calls.link(proposal, cx), doubts)
            append(
                cx, proposal.workspace_id,
                [notes.outcome(proposal, end.call, end.state, end.why, answer=answers[end.call.row_no], sent=end.sent) for end in told],
            )  # fmt: skip
        if doubts:
            self._wonder(proposal, doubts)

    def _wonder(self, proposal: Proposal, doubts: Sequence[Problem]) -> None:
        with self.kit.db.transaction() as cx:
            store.settle(
                cx,
                proposal.workspace_id,
                proposal.proposal_id,
                "unknown",
                why=doubts[0].message,
                now=self.kit.clock(),
            )
        raise Doubt(doubts[0].message)

    def _ended(self, proposal: Proposal) -> dict[str, int]:
        """Say what became of the whole, once every call of it is settled."""
        with self.kit.db.transaction() as cx:
            held = store.proposal(cx, proposal.workspace_id, proposal.proposal_id, for_update=True)
            tally = call_store.tally(cx, proposal.workspace_id, proposal.proposal_id)
            left = sum(tally.get(state, 0) for state in ("intended", "sending", "unknown"))
            if left:
                raise Outage(
                    f"{left:,} calls of proposal {proposal.proposal_id} are being done elsewhere.",
                    retry_after_seconds=2.0,
                )
            if not held.is_final:
                bad = tally.get("failed", 0) + tally.get("void", 0)
                state: State = "done" if not bad else "partly" if tally.get("done") else "failed"
                why = f"{tally.get('done', 0):,} done, {bad:,} not." if bad else None
                store.settle(
                    cx, proposal.workspace_id, proposal.proposal_id, state, why=why, now=self.kit.clock()
                )
                self.kit.runs.wake(cx, proposal.topic)
        self.kit.runs.nudge()
        return tally


def _unlike_approved(cx: Transaction[Any], proposal: Proposal, rows: Iterable[Row]) -> bool:
    """Whether the ticked rows are not those that were approved."""
    approved = approval_of(cx, proposal)
    binds = batch_hash(proposal.proposal_id, (row.row_hash for row in rows))
    return approved is None or approved.details.get("rows_hash", approved.call_hash) != binds
