"""Bringing a history in: lists in slices side by side, through the same inbox that webhooks use, proven before it says complete.

`Listing` brings pages in and saves them, while another thread reads the queue. Killed anywhere, it goes on from the last saved
page. Then: the gap scan, a second look at every list, and the balance tie-out. "Complete" is said only if all of that held.

    outcome = Backfill(db, link, reader, readers=[journal.read], tie_out=unproven, clock=time.time).run(since=…)
    outcome.phase, outcome.verdict
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence

import psycopg

from bookhand.core.facts import Link
from bookhand.core.ports import Reader
from bookhand.core.problems import Conflict, Outage, Refusal
from bookhand.db.engine import Database
from bookhand.inbox import errand_store, reading_store, slices_store, store
from bookhand.inbox.backfill import EVENTS, Progress, Slice, plan, plan_events, progress_of
from bookhand.inbox.checking_workflow import check_lists
from bookhand.inbox.errands_workflow import run_errands
from bookhand.inbox.gaps import GapScan, sentence
from bookhand.inbox.listing_workflow import Listing
from bookhand.inbox.lists import BALANCE_TRANSACTIONS, LISTS
from bookhand.inbox.workflow import drain
from bookhand.systems.stripe.client import StripeReader

FETCHERS = 24
DRAIN_BATCH = 2000
TOLD_SECONDS = 1.0
"""How often it is written down how far a backfill is."""
_SHOW_SECONDS = 0.25


class Backfill:
    """One connection's backfill in this process; what is saved outlives it."""

    def __init__(
        self,
        db: Database,
        link: Link,
        reader: StripeReader,
        *,
        readers: Sequence[Reader] | None,
        tie_out: Callable[[], Sequence[str]],
        clock: Callable[[], float],
        show: Callable[[Progress], None] = lambda _: None,
        fetchers: int = FETCHERS,
        stop: threading.Event | None = None,
    ) -> None:
        """`readers` read the queue meanwhile (None: somebody else does); `tie_out` returns a sentence for each balance that is off.

        Set, `stop` ends it after the page that is under way, as `stop()` does.
        """
        self._db, self._link, self._reader = db, link, reader
        self._readers = readers
        self._tie_out = tie_out
        self._clock = clock
        self._show = show
        self._fetchers = fetchers
        self._stop = stop or threading.Event()
        self._failed: BaseException | None = None
        self._speed = _Speed()

    def run(self, *, since: int, until: int | None = None, lists: Iterable[str] = tuple(LISTS)) -> Progress:
        """Bring in what was created from `since` to `until` (now); one that was not finished goes on as it was planned.

        Raises `Refusal` where another process is at it, `Outage` where PostgreSQL is away; nothing is lost by either.
        """
        try:
            return self._alone(lambda: self._finish(self._begin(since, until, tuple(lists))))
        except psycopg.OperationalError as error:
            raise Outage(
                f"PostgreSQL went away during the backfill ({type(error).__name__}); what was saved is kept: run it again."
            ) from error

    def bring(self, *, since: int, until: int | None = None, lists: Iterable[str] = tuple(LISTS)) -> Progress:
        """Only the listing: nothing is checked, so nothing is said to be complete."""

        def listing() -> Progress:
            backfill = self._begin(since, until, tuple(lists))
            return self._tell(self._list(backfill, self._saved(backfill), phase="listing"), phase="listing")

        return self._alone(listing)

    def _alone(self, work: Callable[[], Progress]) -> Progress:
        with self._db.connect(autocommit=True) as held:
            if not slices_store.only_one(held, self._link):
                raise Refusal(
                    "A backfill of this connection is running in another process: watch it there, or stop it first."
                )
            reading = threading.Thread(target=self._guarded, args=(self._read_queue,), name="backfill-drain")
            reading.start()
            try:
                return work()
            finally:
                self._stop.set()
                reading.join()

    def stop(self) -> None:
        """End after the page that is under way; the next `run` goes on from there."""
        self._stop.set()

    # --- phases ---

    def _begin(self, since: int, until: int | None, lists: tuple[str, ...]) -> slices_store.Backfill:
        with self._db.transaction() as cx:
            before = slices_store.latest(cx, self._link)
            if before is not None and before.status == "running":
                return before
            return _planned(cx, self._link, since=since, until=until, lists=lists, now=int(self._clock()))

    def _finish(self, backfill: slices_store.Backfill) -> Progress:
        known = self._saved(backfill)
        listing = [part for part in known if part.list != EVENTS.name]
        listing = self._list(backfill, listing, phase="listing")
        self._settle(listing, phase="reading")
        gap_scan = [part for part in known if part.list == EVENTS.name] or self._plan_gap_scan(backfill)
        gap_scan = self._list(backfill, gap_scan, phase="gap_scan")
        self._settle([*listing, *gap_scan], phase="reading")
        return self._judge(backfill, listing, gap_scan)

    def _judge(
        self, backfill: slices_store.Backfill, listing: list[Slice], gap_scan: list[Slice]
    ) -> Progress:
        everything = [*listing, *gap_scan]
        if self._stop.is_set():
            return self._tell(
                everything, phase="listing", note="Stopped: the next backfill goes on from here."
            )
        self._tell(everything, phase="checking")
        amiss = _refusals(everything)
        amiss += check_lists(
            self._db, self._link, self._reader, backfill, listing, clock=self._clock, settle=self._settle_now
        )
        amiss += self._tie_out()
        self._raise_failure()
        told = [*amiss, *self._gap_sentence(backfill, gap_scan)]
        status = "incomplete" if amiss else "complete"
        with self._db.transaction() as cx:
            slices_store.finish(cx, self._link, backfill.id, status=status, verdict=told)
        return self._tell(everything, phase=status, verdict=told)

    def _plan_gap_scan(self, backfill: slices_store.Backfill) -> list[Slice]:
        if self._stop.is_set():
            return []
        part = plan_events(now=int(self._clock()))
        with self._db.transaction() as cx:
            slices_store.save(cx, self._link, backfill.id, [part])
        return [part]

    def _gap_sentence(self, backfill: slices_store.Backfill, gap_scan: Sequence[Slice]) -> list[str]:
        if not gap_scan or any(part.state == "refused" for part in gap_scan):
            return []
        listed_events, missing = sum(part.seen for part in gap_scan), sum(part.fresh for part in gap_scan)
        with self._db.transaction() as cx:
            first = slices_store.is_first(cx, self._link, backfill.id)
        return [sentence(GapScan(listed=listed_events, missing=missing, before_connected=first))]

    def _list(self, backfill: slices_store.Backfill, parts: Sequence[Slice], *, phase: str) -> list[Slice]:
        if not any(part.state == "waiting" for part in parts):
            return list(parts)
        listing = Listing(
            self._db, self._link, self._reader, backfill.id, clock=self._clock, stop=self._stop, fetchers=self._fetchers,
            count=self._speed.add,
        )  # fmt: skip
        listing.bring(parts, show=lambda now: self._tell(now, phase=phase))
        return self._saved(backfill, only={part.list for part in parts})

    # --- reading the queue meanwhile, and errands ---

    def _read_queue(self) -> None:
        while self._readers is not None and not self._stop.is_set():
            if not drain(self._db, self._link, self._readers, batch=DRAIN_BATCH, most=DRAIN_BATCH):
                self._stop.wait(0.02)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 (raised again where the caller sees it)
            self._failed = error
            self._stop.set()

    def _settle(self, parts: Sequence[Slice], *, phase: str) -> None:
        """Wait until what is queued now was read, the payouts' members were named, and those were read too."""
        self._until_read(parts, phase=phase)
        while not self._stop.is_set() and self._members_left():
            self._tell(parts, phase=phase)
            if not run_errands(
                self._db, self._link, self._reader, clock=self._clock, kinds=("members",), side_by_side=8
            ):
                self._stop.wait(0.2)
        self._until_read(parts, phase=phase)
        self._raise_failure()

    def _until_read(self, parts: Sequence[Slice], *, phase: str) -> None:
        with self._db.transaction() as cx:
            upto = store.newest(cx, self._link)
        while not self._stop.is_set() and (unread := self._unread(upto)):
            self._tell(parts, phase=phase, unread=unread)
            self._stop.wait(min(1.0, 0.05 + unread / 100_000))

    def _settle_now(self) -> None:
        self._settle([], phase="checking")

    def _members_left(self) -> int:
        with self._db.transaction() as cx:
            return errand_store.errands_left(cx, self._link, kinds=("members",))

    def _unread(self, upto: int) -> int:
        with self._db.transaction() as cx:
            return store.waiting(cx, self._link, upto=upto)

    def _raise_failure(self) -> None:
        if self._failed is not None:
            raise self._failed

    # --- telling ---

    def _saved(self, backfill: slices_store.Backfill, *, only: set[str] | None = None) -> list[Slice]:
        with self._db.transaction() as cx:
            found = slices_store.slices(cx, self._link, backfill.id)
        return [part for part in found if only is None or part.list in only]

    def _tell(
        self,
        parts: Sequence[Slice],
        *,
        phase: str,
        unread: int = 0,
        verdict: Sequence[str] = (),
        note: str | None = None,
    ) -> Progress:
        told = progress_of(
            parts, phase=phase, rate=self._speed.rate(), unread=unread, verdict=verdict, note=note
        )
        if parts and (verdict or note or self._speed.may_show()):
            self._show(told)
        return told


class _Speed:
    """Objects a second since the start, and how often a screen is told."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._count = 0
        self._shown = 0.0

    def add(self, count: int) -> None:
        self._count += count

    def rate(self) -> float:
        return self._count / max(0.001, time.monotonic() - self._begun)

    def may_show(self) -> bool:
        now = time.monotonic()
        if now - self._shown < _SHOW_SECONDS:
            return False
        self._shown = now
        return True


def ask(db: Database, link: Link, *, since: int, until: int | None = None, by: str, now: int) -> None:
    """Write a backfill down that somebody asked for on a page; a worker brings it in. `Conflict` where one is under way."""
    with db.transaction() as cx:
        before = slices_store.latest(cx, link)
        if before is not None and before.status == "running":
            raise Conflict(
                "A backfill of this account is under way: let it end first, then ask for another range."
            )
        _planned(cx, link, since=since, until=until, lists=tuple(LISTS), now=now, asked_by=by)


def telling(db: Database, link: Link, show: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """`show`, and the same written down about once a second, for those who watch from elsewhere."""
    told_at = float("-inf")

    def tell(how: Progress) -> None:
        nonlocal told_at
        show(how)
        if how.verdict or time.monotonic() - told_at >= TOLD_SECONDS:
            told_at = time.monotonic()
            with db.transaction() as cx:
                slices_store.tell(cx, link, how)

    return tell


def _planned(
    cx: slices_store.Transaction,
    link: Link,
    *,
    since: int,
    until: int | None,
    lists: tuple[str, ...],
    now: int,
    asked_by: str | None = None,
) -> slices_store.Backfill:
    end = now + 1 if until is None else until
    reading_store.begin_reading(cx, link, BALANCE_TRANSACTIONS.name, since=min(end, now))
    return slices_store.start(
        cx, link, since=since, until=end, slices=plan(lists, since=since, until=end), asked_by=asked_by
    )


def progress(db: Database, link: Link) -> Progress | None:
    """How far the newest backfill of a connection is, whoever runs it; None where there never was one."""
    with db.transaction() as cx:
        found = slices_store.latest(cx, link)
        if found is None:
            return None
        parts = slices_store.slices(cx, link, found.id)
        unread = store.waiting(cx, link)
    waiting = any(part.state == "waiting" for part in parts)
    phase = found.status if found.status != "running" else "listing" if waiting else "checking"
    rate = sum(part.seen for part in parts) / max(0.001, found.running_seconds)
    return progress_of(parts, phase=phase, rate=rate, unread=unread, verdict=found.verdict)


def _refusals(parts: Sequence[Slice]) -> list[str]:
    refused = {part.list: part.note for part in parts if part.state == "refused"}
    return [f"{name} could not be brought in: {note}" for name, note in refused.items()]
