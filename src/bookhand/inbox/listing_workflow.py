"""Listing: fetchers read pages in threads, the caller's thread saves whatever they brought, in one transaction.

Pages, their place in the queue and the slices' cursors are saved together or not at all: killed anywhere, it goes on from the last
saved page. Stripe being down lets a slice rest; a missing permission refuses its list by name, and the rest goes on. Where our credential is
gone or refused, it ends with that, and goes on once the account is connected again.

    Listing(db, link, reader, backfill.id, clock=time.time, stop=Event(), fetchers=24, count=speed.add).bring(slices, show=print)
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import msgspec
import structlog

from bookhand.core.facts import Link
from bookhand.core.problems import Outage, Problem, Refusal
from bookhand.db.engine import Database
from bookhand.inbox import errand_store, slices_store, store
from bookhand.inbox.backfill import EVENTS, Slice, params_of
from bookhand.inbox.delivery import Delivery, listed, of_event
from bookhand.inbox.errands_workflow import strays
from bookhand.inbox.schedule import Schedule
from bookhand.systems.connection import NoCredential
from bookhand.systems.stripe.answers import StripeRefusal
from bookhand.systems.stripe.client import Page, StripeReader
from bookhand.systems.stripe.translate import about
from bookhand.workspace.store import report

PAGES_A_SAVE = 16
PAGES_AHEAD = 64
_LONGEST_REST_SECONDS = 60.0
_REFUSED = "backfill_refused"
_UNKNOWN = 401
_NOT_OURS = "account_invalid"
"""Stripe's words for a key that it does not take, and for an account that took its access back."""

log = structlog.get_logger(__name__)


class Brought(msgspec.Struct, frozen=True):
    """A page as a fetcher hands it over: the slice after it, and its objects."""

    part: Slice
    deliveries: list[Delivery]


class Listing:
    """The listing of one backfill: slices side by side, page after page."""

    def __init__(
        self,
        db: Database,
        link: Link,
        reader: StripeReader,
        backfill_id: int,
        *,
        clock: Callable[[], float],
        stop: threading.Event,
        fetchers: int,
        count: Callable[[int], None],
    ) -> None:
        """`stop` ends it after the page that is under way; `count` is told how many objects were saved."""
        self._db, self._link, self._reader = db, link, reader
        self._backfill_id = backfill_id
        self._clock = clock
        self._stop = stop
        self._fetchers = fetchers
        self._count = count

    def bring(self, parts: Sequence[Slice], *, show: Callable[[Sequence[Slice]], object]) -> None:
        """List `parts` to their ends; `show` is told how far they are. What stopped a fetcher is raised."""
        schedule = Schedule(parts, clock=time.monotonic)
        brought: queue.Queue[Brought] = queue.Queue(maxsize=PAGES_AHEAD)
        with ThreadPoolExecutor(self._fetchers, thread_name_prefix="backfill") as pool:
            running = [pool.submit(self._fetch, schedule, brought) for _ in range(self._fetchers)]
            try:
                self._save_all(schedule, brought, running, show)
            finally:
                schedule.stop()
                self._empty(brought, running)
        _raise_first(running)

    def _save_all(
        self,
        schedule: Schedule,
        brought: queue.Queue[Brought],
        running: Sequence[Future[None]],
        show: Callable[[Sequence[Slice]], object],
    ) -> None:
        while True:
            idle = all(each.done() for each in running)
            pages = _collect(brought)
            self._save(schedule, pages)
            show(schedule.slices())
            if self._stop.is_set() or any(each.done() and each.exception() for each in running):
                schedule.stop()
            if idle and not pages:
                return

    def _save(self, schedule: Schedule, pages: Sequence[Brought]) -> None:
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
                cx, self._link, self._backfill_id, [_with_fresh(part, fresh) for part in changed.values()]
            )
            errand_store.want(
                cx,
                self._link,
                strays(cx, self._link, [d for p in pages for d in p.deliveries if d.key in kept]),
            )
            self._report(cx, changed.values())
        self._count(sum(len(page.deliveries) for page in pages))

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
                    if _is_of_us(error):
                        raise
                    part = self._refused(schedule, part, error, brought)

    def _fetch_page(self, schedule: Schedule, part: Slice, brought: queue.Queue[Brought]) -> Slice:
        current = schedule.now(part.key)
        as_of = int(self._clock())
        page = self._reader.page(f"/v1/{current.list}", params_of(current))
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


def _is_of_us(error: Refusal | ValueError) -> bool:
    """Whether it is our credential that was refused, and not the list: then nothing more is asked, and nothing is marked as refused."""
    if isinstance(error, StripeRefusal):
        return error.status == _UNKNOWN or error.code == _NOT_OURS
    return isinstance(error, NoCredential)


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


def _raise_first(running: Sequence[Future[None]]) -> None:
    for each in running:
        error = each.exception()
        if error is not None:
            raise error
