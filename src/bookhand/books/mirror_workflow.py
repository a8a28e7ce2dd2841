"""Mirroring: what a book has not taken is planned, then written into it through the door, a batch at a time.

    mirrors = Mirrors(kit)
    done = mirrors.mirror(link, told=print)        # goes on where it stopped, whenever it was stopped; nothing missing, nothing twice

Everything is intended before it is sent; what became of each document is read back from the door's calls. Errors: `NotAllowed` where
the standing approval or the permission was taken back, `Refusal` where a person must act, `Outage` where the book is away (run it
again).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.actions import call_store
from bookhand.actions import store as proposals
from bookhand.actions.asked import Asked
from bookhand.books import sending_store, store
from bookhand.books.book import Book, Kept, State
from bookhand.books.kit import BookKit, Progress, writes
from bookhand.books.planning_workflow import Coverage, Plans
from bookhand.books.posting.lines import Waits
from bookhand.core.book_params import params_of
from bookhand.core.caller import MIRROR, Caller, NotAllowed
from bookhand.core.facts import Link
from bookhand.core.problems import Outage, Problem, Refusal
from bookhand.workspace import store as problems

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

    from bookhand.actions.proposal import Call, Proposal

REFUSED, WAITS = "book_document_refused", "book_waits"
_TOLD = ("breakdown", "closed", "unmapped")
"""Causes of waiting that a person can do something about."""
_LONGEST_REST_SECONDS = 10.0
_PAGE = 1000
_MOST_REFUSED = 100
_ROW = re.compile(r"Row (\d+): (.*)", re.DOTALL)
"""How the door names the row of a batch that it cannot ask for."""
_Ready = tuple[int, "Proposal"]
_End = tuple[str, State, str | None, str | None, str | None]


class Mirrored(msgspec.Struct, frozen=True, kw_only=True):
    """What mirroring did: entries newly covered, documents written, those that the book refused so far, and what waits."""

    entries: int
    written: int
    refused: list[Kept]
    coverage: Coverage


class Mirrors:
    """See the module's docstring."""

    def __init__(self, kit: BookKit) -> None:
        self.kit = kit
        self.plans = Plans(kit)

    def mirror(
        self,
        link: Link,
        *,
        told: Callable[[Progress], None] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
        retry: bool = False,
    ) -> Mirrored:
        """Bring a book up to the journal; with `retry` also what the book has refused before. `stop` ends it after a batch."""
        if retry:
            self._take_back(link)
        coverage = self.plans.plan(link)
        written = self.send(link, told=told, stop=stop)
        with self.kit.db.transaction() as cx:
            refused = list(store.documents(cx, link, states=("failed",)))
            _report(cx, link, refused, coverage.waiting)
        return Mirrored(entries=coverage.entries, written=written, refused=refused, coverage=coverage)

    def again(self, caller: Caller, link: Link) -> int:
        """Have the next mirror send what the book has refused, planned anew; how many documents."""
        caller.need("propose")
        with self.kit.db.transaction() as cx:
            refused = store.tally(cx, link).failed
        self._take_back(link)
        with self.kit.db.transaction() as cx:
            problems.clear(cx, link, kind=REFUSED)
        return refused

    def _take_back(self, link: Link) -> None:
        with self.kit.db.transaction() as cx:
            store.take_turn(cx, link)
            store.drop_failed(cx, link)

    def send(
        self,
        link: Link,
        *,
        told: Callable[[Progress], None] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> int:
        """Write every intended document; how many were written. What was begun before, or by another meanwhile, is finished too."""
        with self.kit.db.transaction() as cx:
            total = store.tally(cx, link).intended
            waiting = sending_store.open_batches(cx, link)
        pace, coming, seen = _Pace(total, told), None, set[int]()
        with ThreadPoolExecutor(1, "asking") as aside:
            while not stop():
                ready = (coming and coming.result()) or self._ready(link, waiting)
                if ready is None:
                    coming, waiting = None, self._begun(link, but=seen)
                    if not waiting:
                        break
                    continue
                seen.add(ready[0])
                coming = aside.submit(self._ready, link, waiting)
                self._do(link, ready, pace)
        return pace.done

    def _begun(self, link: Link, *, but: set[int]) -> list[int]:
        """Batches that are under way, as another's are."""
        with self.kit.db.transaction() as cx:
            return [batch for batch in sending_store.open_batches(cx, link) if batch not in but]

    def _ready(self, link: Link, waiting: list[int]) -> _Ready | None:
        """The next batch, asked for while the one before it is sent, so that the book does not wait; None where nothing is left."""
        while True:
            batch = waiting.pop(0) if waiting else self._next(link)
            if batch is None:
                return None
            proposal = self._proposed(link, batch)
            if proposal is not None:
                return batch, proposal

    def has_news(self, link: Link) -> bool:
        """Whether documents are written down that nobody has asked for: reversals that a person wanted, most likely."""
        with self.kit.db.transaction() as cx:
            return sending_store.anything_unasked(cx, link)

    def _next(self, link: Link) -> int | None:
        with self.kit.db.transaction() as cx:
            store.take_turn(cx, link)
            return sending_store.next_batch(cx, link, limit=self.kit.rows)

    def _do(self, link: Link, ready: _Ready, pace: _Pace) -> None:
        """Have a batch done, and read back what became of each document, also where it is stopped on the way."""
        batch, proposal = ready
        try:
            self._perform(proposal, pace.say)
        finally:
            pace.add(self.read_back(link, batch))
        self._must_have_gone(link, proposal)

    def _proposed(self, link: Link, batch: int) -> Proposal | None:
        """The proposal of a batch, asked for once under the batch's own key; None where nothing of it is left to do."""
        with self.kit.db.transaction() as cx:
            book, kept = store.get(cx, link), sending_store.of_batch(cx, link, batch)
            if kept and kept[0].proposal_id:
                return proposals.proposal(cx, link.workspace_id, kept[0].proposal_id)
        if not kept:
            return None
        where = {"account": link.account, "mode": link.mode}
        rows = [params_of(each.content) | where for each in kept]
        asked = Asked(
            reason=f"Mirror of {book.agreed_name}'s books", request_key=request_key(link, batch), under=book.standing_id, terms=book.terms
        )  # fmt: skip
        try:
            made = self.kit.door.propose_batch(
                mirror_of(link, book), writes(link.system, kept[0].kind), rows, asked
            )
        except NotAllowed:
            raise
        except Refusal as error:
            self._refused(link, batch, kept, error)
            return None
        with self.kit.db.transaction() as cx:
            sending_store.proposed(cx, link, batch, made.proposal_id)
        return made

    def _refused(self, link: Link, batch: int, kept: Sequence[Kept], error: Refusal) -> None:
        """One document cannot be asked for (its preview says why): it failed, and the others are asked for without it."""
        found = _ROW.match(str(error))
        if found is None and len(kept) > 1:
            raise error
        one, why = (kept[int(found[1])], found[2]) if found else (kept[0], str(error))
        with self.kit.db.transaction() as cx:
            store.take_turn(cx, link)
            sending_store.settle(cx, link, [(one.key, "failed", why, None, None)])
            sending_store.unbatch(cx, link, batch)
            failed = store.tally(cx, link).failed
        if failed >= _MOST_REFUSED:
            raise Refusal(
                f"{failed:,} documents were refused, the last one so: {why} Nothing more was asked for."
            ) from error

    def _perform(self, proposal: Proposal, told: Callable[[int], None]) -> None:
        """Have the door do it; a book that is away is waited for, as long as anything comes of it."""
        door, until = self.kit.door, time.monotonic() + self.kit.patience_seconds
        before = -1
        while not proposal.is_final:
            try:
                if proposal.size > 1:
                    door.batches.perform(proposal.proposal_id, told=lambda tally: told(tally.get("done", 0)))
                else:
                    door.calls.perform(proposal.proposal_id)
            except Outage as error:
                done = self._settled(proposal)
                if done > before:
                    before, until = done, time.monotonic() + self.kit.patience_seconds
                if time.monotonic() > until:
                    raise
                time.sleep(min(error.retry_after_seconds or 1.0, _LONGEST_REST_SECONDS))
            with self.kit.db.transaction() as cx:
                proposal = proposals.proposal(cx, proposal.workspace_id, proposal.proposal_id)

    def _settled(self, proposal: Proposal) -> int:
        with self.kit.db.transaction() as cx:
            tally = call_store.tally(cx, proposal.workspace_id, proposal.proposal_id)
        return sum(tally.get(state, 0) for state in ("done", "failed", "void"))

    # --- what became of it ---

    def read_back(self, link: Link, batch: int) -> int:
        """Take over from the door's calls what became of a batch's documents; how many are newly done."""
        with self.kit.db.transaction() as cx:
            store.take_turn(cx, link)
            kept = [each for each in sending_store.of_batch(cx, link, batch) if each.state == "intended"]
            if not kept or kept[0].proposal_id is None:
                return 0
            proposal = proposals.proposal(cx, link.workspace_id, kept[0].proposal_id)
            calls = _calls(cx, proposal)
            ends = [end for each in kept if (end := _end(each, calls.get(each.row_no or 0), proposal))]
            if ends:
                sending_store.settle(cx, link, ends)
        return sum(state == "done" for _, state, *_ in ends)

    def _must_have_gone(self, link: Link, proposal: Proposal) -> None:
        """`Refusal` where a batch ended without all of it being tried: the door would not send it."""
        with self.kit.db.transaction() as cx:
            void = [call for call in _calls(cx, proposal).values() if call.state == "void"]
        if void or proposal.state in {"rejected", "withdrawn", "expired", "void"}:
            why = void[0].state_why if void else proposal.state_why
            raise Refusal(
                f"Documents were not written into connection {link.connection_id}: {why or 'they were not approved.'}"
            )


class _Pace:
    """Counts, and tells how fast it goes and how long it will take."""

    def __init__(self, total: int, told: Callable[[Progress], None]) -> None:
        self.done = 0
        self._total = total
        self._told = told
        self._began = time.monotonic()

    def add(self, count: int) -> None:
        """So many more are done."""
        self.done += count
        self.say(0)

    def say(self, more: int) -> None:
        """Tell, with `more` of the batch that is under way."""
        done = min(self.done + more, self._total)
        pace = done / max(time.monotonic() - self._began, 0.001)
        left = (self._total - done) / pace if pace else 0.0
        self._told(Progress(done=done, total=self._total, per_second=pace, left_seconds=left))


def request_key(link: Link, batch: int) -> str:
    """Under which a batch is asked for, so that asking again gives the same proposal."""
    return f"book:{link.connection_id}:{batch}"


def mirror_of(link: Link, book: Book) -> Caller:
    """The mirror, in the name of who agreed to the book: it may propose, and no more."""
    return Caller(
        workspace_id=link.workspace_id, who=book.agreed_by, name=book.agreed_name, role="operator",
        can=frozenset({"read", "propose"}), channel="workflow", agent=MIRROR,
    )  # fmt: skip


def _calls(cx: Transaction[Any], proposal: Proposal) -> Mapping[int, Call]:
    found: dict[int, Call] = {}
    while page := call_store.calls(
        cx, proposal.workspace_id, proposal.proposal_id, after=max(found, default=-1), limit=_PAGE
    ):
        found |= {call.row_no: call for call in page}
    return found


def _end(kept: Kept, call: Call | None, proposal: Proposal) -> _End | None:
    """What became of a document; None while it is not known. What was not sent is free to be asked for again."""
    if call is None:
        gone = proposal.is_final
        return (kept.key, "intended", proposal.state_why, None, None) if gone else None
    if call.state == "void":
        return kept.key, "intended", call.state_why, None, None
    if call.state == "failed":
        return kept.key, "failed", call.state_why, None, None
    if call.state != "done":
        return None
    version = call.result.get("version") if isinstance(call.result, dict) else None
    return kept.key, "done", None, call.result_id, None if version is None else str(version)


def _report(cx: Transaction[Any], link: Link, refused: Sequence[Kept], waiting: Iterable[Waits]) -> None:
    """Keep a Problem for each document that the book refused, and for each payout, day or account that holds entries up."""
    problems.clear(cx, link, kind=REFUSED)
    for cause in _TOLD:
        problems.clear(cx, link, kind=f"{WAITS}_{cause}")
    held = {(each.cause, each.subject): each.why for each in waiting if each.cause in _TOLD}
    found = [
        Problem(kind=f"{WAITS}_{cause}", subject=subject, message=why)
        for (cause, subject), why in held.items()
    ]
    found += [
        Problem(
            kind=REFUSED,
            subject=each.key,
            message=f"The book refused {each.content.number} ({each.key}) of {each.day}: {each.why} "
            "Mend it, then send it again, on this page or with `bookhand mirror --retry`.",
        )
        for each in refused
    ]
    problems.report(cx, link, found)
