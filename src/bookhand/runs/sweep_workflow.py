"""The sweep: a thread in every worker that looks once a second, and at once when it is nudged, what could go on.

Each look is a short transaction that locks what it takes and skips what others have: two sweeps at once do each thing once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
import structlog

from bookhand.core.problems import BookhandError
from bookhand.runs import schedule_store, store, sweep_store
from bookhand.runs.run import GIVE_UP_DAYS

if TYPE_CHECKING:
    from bookhand.db.engine import Database
    from bookhand.runs.durable_store import Dbos
    from bookhand.runs.run import Run
    from bookhand.runs.schedule_store import CallerOf
    from bookhand.runs.template import Template

log = structlog.get_logger(__name__)

_FORGET_SECONDS = 60.0
_BATCHES = 10


class Swept(Protocol):
    """What a sweep needs of the `Engine` it belongs to."""

    db: Database
    dbos: Dbos
    executor_id: str

    @property
    def templates(self) -> Mapping[str, Template]:
        """The kinds of runs there are."""
        ...

    def recover(self, executors: list[str]) -> None:
        """Put the runs of dead workers back on the queue."""
        ...

    def tell(self, run: Run, sentence: str) -> None:
        """Let people know."""
        ...


class Sweep:
    """See the module; `Engine` has one."""

    def __init__(
        self,
        engine: Swept,
        *,
        caller_of: CallerOf,
        ttl_seconds: float,
        give_up_days: float = GIVE_UP_DAYS,
        keep_days: float,
        every_seconds: float,
    ) -> None:
        self._engine = engine
        self._db = engine.db
        self._caller_of = caller_of
        self._ttl_seconds = ttl_seconds
        self._give_up_days = give_up_days
        self._keep_days = keep_days
        self._every_seconds = every_seconds
        self._stop = threading.Event()
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None
        self._works = False
        self._looked = float("-inf")
        self._forgot = float("-inf")

    def start(self, *, work: bool) -> None:
        """Begin; `work` says whether this process takes runs of dead workers over."""
        self._works = work
        if work:
            with self._db.transaction() as cx:
                sweep_store.beat(cx, self._engine.executor_id)
            threading.Thread(target=self._beat, name="runs-heart", daemon=True).start()
        self._thread = threading.Thread(target=self._run, name="runs-sweep", daemon=True)
        self._thread.start()

    def nudge(self) -> None:
        """Look at once, in the sweep's thread; where there is none, here."""
        if self._thread is not None:
            self._wanted.set()
        else:
            self.resume_ready()

    def stop(self) -> None:
        """End, and say farewell."""
        self._stop.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(timeout=15)
        if self._works:
            self._try("farewell", lambda cx: sweep_store.farewell(cx, self._engine.executor_id))

    def _beat(self) -> None:
        """Alive, in a thread of its own: a long sweep is no death."""
        while not self._stop.wait(min(1.0, self._ttl_seconds / 4)):
            self._try("beat", lambda cx: sweep_store.beat(cx, self._engine.executor_id))

    def _run(self) -> None:
        while not self._stop.is_set():
            if time.monotonic() - self._looked >= self._every_seconds:
                self._looked = time.monotonic()
                self.look()
            self.resume_ready()
            self._wanted.wait(max(0.0, self._looked + self._every_seconds - time.monotonic()))
            self._wanted.clear()

    def look(self) -> None:
        """One whole sweep, but for `resume_ready`, which comes after it."""
        if self._works:
            self._try_all("take over", self._take_over)
        self._try("due", sweep_store.due)
        self._try("reconnected", self._reconnected)
        self._try_all("give up", self._give_up)
        self._try_all("broken", self._broken)
        self._try("schedules", lambda cx: schedule_store.fire(cx, self._caller_of))
        if time.monotonic() - self._forgot >= _FORGET_SECONDS:
            self._forgot = time.monotonic()
            self._try_all("forget", self.forget)

    def resume_ready(self) -> None:
        """Runs whose row says that they go on, and that are out of memory, are put on DBOS's queue."""
        while self._try("resume", self._resume):
            pass

    def forget(self) -> None:
        """Let DBOS forget what ended long ago, some batches at a time; our rows keep the timelines."""
        for _ in range(_BATCHES):
            with self._db.transaction() as cx:
                gone = sweep_store.ended(cx, days=self._keep_days)
            if not gone:
                return
            self._engine.dbos.delete(gone)

    def _resume(self, cx: psycopg.Connection[Any]) -> int:
        found = sweep_store.asleep(cx)
        if found:
            self._engine.dbos.resume(found)
            sweep_store.resumed(cx, found)
        return len(found)

    def _take_over(self) -> None:
        with self._db.transaction() as cx:
            sweep_store.lend_briefly(cx)
            dead = sweep_store.take_over(cx, self._engine.executor_id, ttl_seconds=self._ttl_seconds)
        if dead:
            log.warning("worker_gone", workers=dead)
            self._engine.recover(dead)

    def _reconnected(self, cx: psycopg.Connection[Any]) -> None:
        for run in sweep_store.reconnected(cx):
            store.move(cx, run, "queued")

    def _give_up(self) -> None:
        told: list[tuple[Run, str]] = []
        with self._db.transaction() as cx:
            sweep_store.lend_briefly(cx)
            for run in sweep_store.given_up(cx, days=self._give_up_days):
                reason = f"{run.reason} for {self._give_up_days:g} days"
                says = store.give_up(cx, run, reason, self._engine.templates.get(run.template))
                told.append((run, f"Run {run.id} ({run.template}) was cancelled: {reason}. {says}"))
        for run, sentence in told:
            self._engine.tell(run, sentence)

    def _broken(self) -> None:
        reason = "every worker that executed it died."
        with self._db.transaction() as cx:
            sweep_store.lend_briefly(cx)
            found = sweep_store.broken(cx)
            for run in found:
                store.move(cx, run, "parked", reason=reason)
        for run in found:
            self._engine.dbos.cancel(run.id)  # so that it can be resumed
            self._engine.tell(run, store.held_sentence(run, reason))

    def _try(self, what: str, work: Callable[[psycopg.Connection[Any]], Any]) -> Any:
        """`work` in a transaction of its own; what goes wrong is logged, and the next sweep tries again."""

        def within() -> Any:
            with self._db.transaction() as cx:
                sweep_store.lend_briefly(cx)
                return work(cx)

        return self._try_all(what, within)

    def _try_all(self, what: str, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except (BookhandError, psycopg.Error) as error:
            log.warning("runs_sweep_waits", what=what, why=str(error).strip())
        except Exception:
            log.exception("runs_sweep_failed", what=what)
        return None
