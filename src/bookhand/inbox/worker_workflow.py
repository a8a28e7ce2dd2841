"""The worker: reads every connection's mail as it comes and runs its errands, until it is told to stop.

A commit in the inbox wakes it (LISTEN/NOTIFY); should a wake-up be lost it looks by itself every few seconds. Connections are
served side by side, each by one reader at a time; errands (calls to Stripe) never hold up the reading.

    worker = Worker(db, posts=active_posts, readers=[journal.read], clock=time.time)
    worker.run(stop)                                   # a threading.Event
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psycopg
import structlog

from bookhand.core.facts import Link
from bookhand.core.ports import Reader
from bookhand.core.problems import BookhandError, Outage, Refusal
from bookhand.db.engine import Database
from bookhand.inbox import store
from bookhand.inbox.errands_workflow import poll_events, run_errands
from bookhand.inbox.workflow import drain, retry_parked
from bookhand.systems.stripe.client import StripeReader

Clock = Callable[[], float]

LOOK_SECONDS = 1.0
SWEEP_EVERY = 5
_REST_SECONDS = 2.0
_SWITCH_SECONDS = 0.0005
"""Threads take turns ten times as often as Python's default has them: a webhook in the same process is answered in a third of the time."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Post:
    """A connection that is served: whose mail, and the client that runs its errands (None: nothing is asked of Stripe)."""

    link: Link
    reader: StripeReader | None = None


class Worker:
    """Serves what `posts` names; asked anew every few seconds, so a new connection needs no restart."""

    def __init__(
        self,
        db: Database,
        *,
        posts: Callable[[], Sequence[Post]],
        readers: Sequence[Reader],
        clock: Clock,
        poll_minutes: int = 20,
        threads: int = 6,
    ) -> None:
        self._db = db
        self._posts = posts
        self._readers = readers
        self._clock = clock
        self._poll_minutes = poll_minutes
        self._threads = threads
        self._served: dict[int, Post] = {}

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set; PostgreSQL being away is waited out."""
        sys.setswitchinterval(_SWITCH_SECONDS)
        with ThreadPoolExecutor(self._threads, thread_name_prefix="inbox") as pool:
            turns = _Turns(pool, self._work)
            while not stop.is_set():
                try:
                    self._listen(turns, stop)
                except (Outage, psycopg.Error) as error:
                    log.warning("worker_waits", why=str(error).strip())
                    stop.wait(_REST_SECONDS)
            turns.close()

    def _listen(self, turns: _Turns, stop: threading.Event) -> None:
        with self._db.connect(autocommit=True) as cx:
            cx.execute(f"listen {store.CHANNEL}")
            looks = 0
            while not stop.is_set():
                if looks % SWEEP_EVERY == 0:
                    before, self._served = (
                        self._served,
                        {post.link.connection_id: post for post in self._posts()},
                    )
                    turns.poke(*((number, "retry") for number in self._served.keys() - before.keys()))
                    turns.poke(*((number, job) for number in self._served for job in ("read", "poll")))
                looks += 1
                turns.poke(*((number, "errands") for number in self._served))
                for notice in cx.notifies(timeout=LOOK_SECONDS):
                    if notice.payload.isdigit():
                        turns.poke((int(notice.payload), "read"))
                    if stop.is_set():
                        return

    def _work(self, number: int, job: str) -> tuple[tuple[int, str], ...]:
        """One turn of one job; returns the jobs it calls for."""
        post = self._served.get(number)
        if post is None:
            return ()
        try:
            return self._turn(post, job)
        except (Outage, psycopg.OperationalError) as error:
            log.warning("inbox_waits", connection=number, job=job, why=str(error).strip())
        except Refusal as error:
            log.warning("inbox_refused", connection=number, job=job, why=str(error))
        except (BookhandError, psycopg.Error, ValueError):
            log.exception("inbox_failed", connection=number, job=job)
        return ()

    def _turn(self, post: Post, job: str) -> tuple[tuple[int, str], ...]:
        number = post.link.connection_id
        if job == "read":
            count = drain(
                self._db, post.link, self._readers, most=1
            )  # one batch, so that its errands start at once
            return ((number, "read"), (number, "errands")) if count else ()
        if job == "retry":
            retry_parked(self._db, post.link)
            return ((number, "read"),)
        if post.reader is None:
            return ()
        if job == "errands":
            return (
                ((number, "errands"),)
                if run_errands(self._db, post.link, post.reader, clock=self._clock)
                else ()
            )
        poll_events(self._db, post.link, post.reader, clock=self._clock, every_minutes=self._poll_minutes)
        return ()


class _Turns:
    """Jobs by name, each at most once at a time; poked while it runs, it runs once more."""

    def __init__(
        self, pool: ThreadPoolExecutor, work: Callable[[int, str], tuple[tuple[int, str], ...]]
    ) -> None:
        self._pool = pool
        self._work = work
        self._lock = threading.Lock()
        self._running: set[tuple[int, str]] = set()
        self._again: set[tuple[int, str]] = set()
        self._open = True

    def poke(self, *jobs: tuple[int, str]) -> None:
        with self._lock:
            for job in jobs:
                if job in self._running:
                    self._again.add(job)
                elif self._open:
                    self._running.add(job)
                    self._pool.submit(self._run, job)

    def close(self) -> None:
        with self._lock:
            self._open = False
            self._again.clear()

    def _run(self, job: tuple[int, str]) -> None:
        calls: tuple[tuple[int, str], ...] = ()
        try:
            calls = self._work(*job)
        finally:
            with self._lock:
                self._running.discard(job)
                again = job in self._again
                self._again.discard(job)
            self.poke(*calls, *((job,) if again else ()))
