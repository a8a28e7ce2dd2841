"""Batches: thousands of calls that were approved as one, each written down before it is sent, and in bulk.

    batches.perform("prop_2", told=print)          # {'done': 4980, 'failed': 20}; goes on where it stopped

Calls are claimed, sent and settled a chunk at a time, so the door costs two transactions a chunk, not two a call. The next chunk is
claimed and looked at while the one before it is under way, so that no request waits for bookkeeping. Where the vendor takes many calls in
one request (`BulkPerformer`), they are sent so: each has its own outcome all the same (`chunk_workflow`). Errors: `Outage` where the other
side is down (come back: what is done is done); `Doubt` where calls are left of which nobody can tell.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bookhand.actions import call_store, notes, store
from bookhand.actions.call_workflow import DOUBT, Calls, Doubt, Fence, must_rest
from bookhand.actions.chunk_workflow import Chunks, End, Going, Taken
from bookhand.actions.kit import Kit
from bookhand.actions.last_moment_workflow import approval_of
from bookhand.actions.proposal import Proposal, Row, State, batch_hash
from bookhand.actions.rights.policy import Wanted
from bookhand.core.action import USUALLY_AT_ONCE, BulkPerformer
from bookhand.core.problems import Outage, Problem, Refusal
from bookhand.core.redaction import redacted
from bookhand.workspace.store import report
from bookhand.workspace.trail_store import append

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

CHUNK = 120
"""Calls that are claimed at a time, or a request's full where one takes more."""
AHEAD = 2
"""Chunks under way at a time: the one whose calls are sent, and the next."""


class Batches:
    """See the module's docstring."""

    def __init__(self, kit: Kit, calls: Calls) -> None:
        self.kit = kit
        self.calls = calls
        self._chunks = Chunks(kit, calls)

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
        if not proposal.is_final:
            self._perform(Going(proposal, rows, action, link, stopped), fence, told)
        return self._ended(proposal)

    def _perform(self, going: Going, fence: Fence | None, told: Callable[[dict[str, int]], None]) -> None:
        """Chunk after chunk, until nothing is left to claim; whatever is raised, what is under way is settled first."""
        size, threads = self._sizes(going)
        ahead: deque[Future[list[End]]] = deque()
        with ThreadPoolExecutor(threads, "batch") as pool, ThreadPoolExecutor(AHEAD, "chunk") as chunks:
            try:
                chunk: list[Taken] = []
                while True:
                    # What is looked up stays open to be claimed until it is settled: nothing is claimed beside it.
                    while not ahead or (len(ahead) < AHEAD and all(taken.fresh for taken in chunk)):
                        if not (chunk := self._claimed(going, fence, size)):
                            break
                        ahead.append(chunks.submit(self._chunks.ends, pool, going, chunk))
                    if not ahead:
                        return
                    self._take(going.proposal, ahead.popleft().result(), told)
            finally:
                going.halt.set()
                self._let_go(going.proposal, ahead)

    def _sizes(self, going: Going) -> tuple[int, int]:
        """How many calls are claimed at a time, and on how many threads they are sent."""
        performer = self.kit.performers[going.action.vendor]
        if not isinstance(performer, BulkPerformer):
            return CHUNK, USUALLY_AT_ONCE
        return max(CHUNK, performer.bulk(going.action)), performer.at_once(going.link)

    def _take(self, proposal: Proposal, ends: Sequence[End], told: Callable[[dict[str, int]], None]) -> None:
        """Write a chunk down, and tell how far it is; what stops the batch is raised."""
        self._settle(proposal, ends)
        with self.kit.db.transaction() as cx:
            told(call_store.tally(cx, proposal.workspace_id, proposal.proposal_id))
        stops = [end.stops for end in ends if end.stops]
        if stops:
            raise stops[0]

    def _let_go(self, proposal: Proposal, ahead: deque[Future[list[End]]]) -> None:
        """Settle each chunk that is still under way, also where settling another one raises."""
        if ahead:
            try:
                self._settle(proposal, ahead.popleft().result())
            finally:
                self._let_go(proposal, ahead)

    def _claimed(self, going: Going, fence: Fence | None, size: int) -> list[Taken]:
        """The next chunk, ours from here on; nothing is claimed while the account is away."""
        proposal, now = going.proposal, self.kit.clock()
        if not going.stopped:
            self.calls.last_moment.held_back(proposal, going.link)
        with self.kit.db.transaction() as cx:
            if fence is not None:
                fence(cx)
            found = call_store.open_calls(
                cx, proposal.workspace_id, proposal.proposal_id, now=now, limit=size
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
