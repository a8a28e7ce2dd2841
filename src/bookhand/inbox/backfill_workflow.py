"""Bringing a history in: lists in slices side by side, through the same inbox that webhooks use, proven before it says complete.

Fetchers read pages in threads, one thread saves whatever they brought in one transaction (pages, their place in the queue and
the slices' cursors together), another reads the queue. Killed anywhere, it goes on from the last saved page. Stripe being down
lets slices rest; a missing permission refuses that list by name and the rest goes on. Then: the gap scan, a second look at every
list, and the balance tie-out. "Complete" is said only if all of that held.

    outcome = Backfill(db, link, reader, readers=[journal.read], tie_out=unproven, clock=time.time).run(since=…)
    outcome.phase, outcome.verdict
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import msgspec
import psycopg
import structlog

from bookhand.core.facts import Link
from bookhand.core.ports import Reader
from bookhand.core.problems import Outage, Problem, Refusal
from bookhand.db.engine import Database
from bookhand.inbox import errand_store, reading_store, slices_store, store
from bookhand.inbox.backfill import EVENTS, Progress, Slice, params_of, plan, plan_events, progress_of
from bookhand.inbox.checking_workflow import check_lists
from bookhand.inbox.delivery import Delivery, listed, of_event
from bookhand.inbox.errands_workflow import run_errands, strays
from bookhand.inbox.gaps import GapScan, sentence
from bookhand.inbox.lists import BALANCE_TRANSACTIONS, LISTS
from bookhand.inbox.schedule import Schedule
from bookhand.inbox.workflow import drain
from bookhand.systems.stripe.answers import StripeRefusal
from bookhand.systems.stripe.client import Page, StripeReader
from bookhand.systems.stripe.translate import about
from bookhand.workspace.store import report

FETCHERS = 24
PAGES_A_SAVE = 16
PAGES_AHEAD = 64
DRAIN_BATCH = 2000
_SHOW_SECONDS = 0.25
_LONGEST_REST_SECONDS = 60.0
_REFUSED = "backfill_refused"

log = structlog.get_logger(__name__)


class Brought(msgspec.Struct, frozen=True):
    """A page as a fetcher hands it over: the slice after it, and its objects."""

    part: Slice
    deliveries: list[Delivery]


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
    ) -> None:
        """`readers` read the queue meanwhile (None: somebody else does); `tie_out` returns a sentence for each balance that is off."""
        self._db, self._link, self._reader = db, link, reader
        self._readers = readers
        self._tie_out = tie_out
        self._clock = clock
        self._show = show
        self._fetchers = fetchers
        self._stop = threading.Event()
        self._listed = threading.Event()
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
            end = int(self._clock()) + 1 if until is None else until
            reading_store.begin_reading(
                cx, self._link, BALANCE_TRANSACTIONS.name, since=min(end, int(self._clock()))
            )
            return slices_store.start(
                cx, self._link, since=since, until=end, slices=plan(lists, since=since, until=end)
            )

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

    # --- listing: fetchers bring, this thread saves ---

    def _list(self, backfill: slices_store.Backfill, parts: Sequence[Slice], *, phase: str) -> list[Slice]:
        if not any(part.state == "waiting" for part in parts):
            return list(parts)
        schedule = Schedule(parts, clock=time.monotonic)
        brought: queue.Queue[Brought] = queue.Queue(maxsize=PAGES_AHEAD)
        with ThreadPoolExecutor(self._fetchers, thread_name_prefix="backfill") as pool:
            running = [pool.submit(self._fetch, schedule, brought) for _ in range(self._fetchers)]
            try:
                self._save_all(backfill, schedule, brought, running, phase)
            finally:
                schedule.stop()
                self._empty(brought, running)
        _raise_first(running)
        return self._saved(backfill, only={part.list for part in parts})

    def _save_all(
        self,
        backfill: slices_store.Backfill,
        schedule: Schedule,
        brought: queue.Queue[Brought],
        running: Sequence[Future[None]],
        phase: str,
    ) -> None:
        while True:
            idle = all(each.done() for each in running)
            pages = _collect(brought)
            self._save(backfill, schedule, pages)
            self._tell(schedule.slices(), phase=phase)
            if self._stop.is_set() or any(each.done() and each.exception() for each in running):
                schedule.stop()
            if idle and not pages:
                return

    def _save(self, backfill: slices_store.Backfill, schedule: Schedule, pages: Sequence[Brought]) -> None:
        """Pages, their place in the queue and their slices' cursors: together or not at all."""
        changed = {part.key: part for part in schedule.splits()} | {
            page.part.key: page.part for page in pages
        }
        if not changed:
            return
        fresh: dict[tuple[str, int], int] = {}
        with self._db.transaction() as cx:
            kept = {
                delivery.key
                for _, delivery in store.receive(
                    cx, self._link, [d for p in pages for d in p.deliveries], lane=store.HISTORY
                )
            }
            for page in pages:
                fresh[page.part.key] = fresh.get(page.part.key, 0) + sum(
                    each.key in kept for each in page.deliveries
                )
            slices_store.save(
                cx, self._link, backfill.id, [_with_fresh(part, fresh) for part in changed.values()]
            )
            errand_store.want(
                cx,
                self._link,
                strays(cx, self._link, [d for p in pages for d in p.deliveries if d.key in kept]),
            )
            self._report(cx, changed.values())
        self._speed.add(sum(len(page.deliveries) for page in pages))

    def _report(self, cx: store.Transaction, changed: Iterable[Slice]) -> None:
        refused = [part for part in changed if part.state == "refused"]
        report(
            cx,
            self._link,
            [
                Problem(kind=_REFUSED, subject=part.list, message=part.note or "Stripe refused it.")
                for part in refused
            ],
        )

    def _fetch(self, schedule: Schedule, brought: queue.Queue[Brought]) -> None:
        """One fetcher: slice after slice, page after page."""
        while (part := schedule.take()) is not None:
            tries = 0
            while part.state == "waiting" and not self._stop.is_set():
                try:
                    part = self._fetch_page(schedule, part, brought)
                except Outage as error:
                    tries += 1
                    rest = min(_LONGEST_REST_SECONDS, (error.retry_after_seconds or 1.0) * tries)
                    brought.put(Brought(schedule.rest(part.key, seconds=rest, note=str(error)), []))
                    break
                except (Refusal, ValueError) as error:
                    part = self._refused(schedule, part, error, brought)

    def _fetch_page(self, schedule: Schedule, part: Slice, brought: queue.Queue[Brought]) -> Slice:
        current = schedule.now(part.key)
        as_of = int(self._clock())
        page = self._reader.page(f"/v1/{current.list}", params_of(current))  # type: ignore[arg-type]
        deliveries = _deliveries(self._link, current.list, page, as_of)
        first, last = (about(page.data[0]), about(page.data[-1])) if page.data else (None, None)
        after = schedule.kept(
            current.key, first=first, last=last, count=len(page.data), has_more=page.has_more
        )
        brought.put(Brought(after, deliveries))
        return after

    def _refused(
        self, schedule: Schedule, part: Slice, error: Refusal | ValueError, brought: queue.Queue[Brought]
    ) -> Slice:
        if (
            isinstance(error, StripeRefusal)
            and error.param == "starting_after"
            and schedule.now(part.key).cursor_id
        ):
            schedule.lost_cursor(part.key)
            return schedule.now(part.key)
        log.warning("list_refused", connection=self._link.connection_id, list=part.list, why=str(error))
        for each in schedule.refuse(part.list, note=str(error)):
            brought.put(Brought(each, []))
        return schedule.now(part.key)

    @staticmethod
    def _empty(brought: queue.Queue[Brought], running: Sequence[Future[None]]) -> None:
        """Let fetchers that wait to hand a page over go; what was not saved is fetched again."""
        while not all(each.done() for each in running):
            try:
                brought.get(timeout=0.05)
            except queue.Empty:
                continue

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


def _deliveries(link: Link, name: str, page: Page, as_of: int) -> list[Delivery]:
    if name == EVENTS.name:
        return [of_event(bytes(raw)) for raw in page.data]
    live = link.mode == "live"
    return [listed(raw, as_of=as_of, livemode=live, api_version=link.api_version) for raw in page.data]


def _collect(brought: queue.Queue[Brought]) -> list[Brought]:
    """What fetchers brought: at least one page or a tenth of a second, at most so many."""
    pages: list[Brought] = []
    try:
        pages.append(brought.get(timeout=0.1))
        while len(pages) < PAGES_A_SAVE:
            pages.append(brought.get_nowait())
    except queue.Empty:
        pass
    return pages


def _with_fresh(part: Slice, fresh: dict[tuple[str, int], int]) -> Slice:
    return msgspec.structs.replace(part, fresh=fresh.get(part.key, 0))


def _refusals(parts: Sequence[Slice]) -> list[str]:
    refused = {part.list: part.note for part in parts if part.state == "refused"}
    return [f"{name} could not be brought in: {note}" for name, note in refused.items()]


def _raise_first(running: Sequence[Future[None]]) -> None:
    for each in running:
        error = each.exception()
        if error is not None:
            raise error
