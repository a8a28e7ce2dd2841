"""A chunk of a batch: what becomes of each of its calls, looked at once more, and sent alone or as many together as the vendor takes.

    ends = Chunks(kit, calls).ends(pool, going, chunk)          # nothing is settled here: `batch_workflow` writes it down

Whether the right was taken back is looked at before each request, and where they go together once more when its turn has come.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from threading import Event

import msgspec

from bookhand.actions import call_store
from bookhand.actions.call_workflow import Calls, doubt_of, must_believe
from bookhand.actions.catalogue import endpoint
from bookhand.actions.kit import Kit
from bookhand.actions.last_moment_workflow import FORGED, must_hold, too_late, unlike
from bookhand.actions.proposal import Call, Proposal, Row, bound, call_hash, version_of
from bookhand.core.action import Action, BulkPerformer, Item, Sent
from bookhand.core.facts import Link
from bookhand.core.problems import BookhandError, Outage, Refusal, UnknownOutcome


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
class Going:
    """A batch that is being done: with `stopped` (why) nothing more of it is sent, nor once `halt` is set (it comes back)."""

    proposal: Proposal
    rows: dict[int, Row]
    action: Action
    link: Link
    stopped: str | None
    halt: Event = field(default_factory=Event)


class _TakenBack(Outage):
    """The right was taken back while a request waited for its turn: it was not sent, and will not be."""


class Chunks:
    """See the module's docstring; safe to share between threads."""

    def __init__(self, kit: Kit, calls: Calls) -> None:
        self.kit = kit
        self.calls = calls

    def ends(self, pool: ThreadPoolExecutor, going: Going, chunk: Sequence[Taken]) -> list[End]:
        """What becomes of a chunk: each call alone, or as many together as the vendor takes."""
        performer = self.kit.performers[going.action.vendor]
        if not isinstance(performer, BulkPerformer):
            return list(pool.map(partial(self._one, going), chunk))
        looked = pool.map(partial(self._before, going), [taken for taken in chunk if not taken.fresh])
        # Fresh ones are looked at here, while the pool is busy with the chunk before: it only takes computing.
        checked = [(taken.call, self._before(going, taken, together=True)) for taken in chunk if taken.fresh]
        ready = [call for call, end in checked if end is None]
        ends = [end for _, end in checked if end is not None]
        ends += [end for end in looked if end is not None]
        size = max(1, performer.bulk(going.action))
        groups = [ready[at : at + size] for at in range(0, len(ready), size)]
        for found in pool.map(partial(self._together, going, performer), groups):
            ends += found
        return ends

    def _one(self, going: Going, taken: Taken) -> End:
        """A call that goes alone."""
        if going.halt.is_set() and taken.fresh:
            return _left(taken.call)
        end = self._before(going, taken)
        if end is not None:
            return end
        try:
            return self._sent(taken.call, going.action, going.link)
        except BookhandError as error:
            return self._failing(going, taken.call, error)

    def _before(self, going: Going, taken: Taken, *, together: bool = False) -> End | None:
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

    def _held_back(self, going: Going) -> str | None:
        return self.calls.last_moment.held_back(going.proposal, going.link)

    def _failing(self, going: Going, call: Call, error: BookhandError, *, left: str = "intended") -> End:
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

    def _together(self, going: Going, performer: BulkPerformer, calls: Sequence[Call]) -> list[End]:
        """Send calls in one request, if the right is still there."""
        if going.halt.is_set():
            return [_left(call) for call in calls]
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

    def _begin(self, going: Going, calls: Sequence[Call]) -> None:
        """Its turn has come: nothing, if it may leave now; it may have waited for a minute. It is held for as long as it may take.

        `Outage` where its calls may be somebody else's by now.
        """
        now = self.kit.clock()
        until = now + timedelta(seconds=self.kit.lease_seconds)
        with self.kit.db.transaction() as cx:
            if call_store.renew(cx, calls, by=self.kit.worker, now=now, until=until) < len(calls):
                raise Outage(
                    f"{len(calls)} calls of proposal {calls[0].proposal_id} were not sent: their worker came too late. They are looked at again."
                )
            why = self.calls.last_moment.barred(cx, going.proposal, going.link)
        if why:
            raise _TakenBack(why)

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


def _left(call: Call) -> End:
    """What was not tried, for the chunk before it met something that has to pass first."""
    return End(
        call=call, state="intended", why="It was not sent yet: calls before it have to come back first."
    )
