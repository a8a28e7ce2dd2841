"""One execution of a run: the `Context` that a template's body is given, made of DBOS's steps and our gate before each.

A step is recorded by DBOS when it gave something, or when it was refused for good. It is not recorded when the execution leaves
before: then it is done anew when the run goes on, under the same idempotency key.

    Outage           tried again with growing rests; then the run leaves memory and comes back later
    Refusal          recorded, and raised into the body; where it is not caught the run has failed with its sentence
    UnknownOutcome   never tried again blindly: the run is parked
    anything else    the run is parked with its reason; others go on

Leaving is `Left`: no error, and nothing a body could catch by accident.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Literal, NoReturn, Protocol, TypeVar

import msgspec
import psycopg
import structlog

from bookhand.core.problems import Bug, Outage, Refusal, UnknownOutcome
from bookhand.db.engine import Database
from bookhand.runs import durable_store, execution_store, store
from bookhand.runs.durable_store import WAIT
from bookhand.runs.run import DISCONNECTED, OUTAGE, Run, Standing, outage_seconds, rest_seconds, verdict
from bookhand.runs.template import Json, Ready, Step, Template

log = structlog.get_logger(__name__)

T = TypeVar("T")
Change = Callable[[psycopg.Connection[Any], Run], None]
TRIES = 4
OUTAGES = (Outage, psycopg.OperationalError, psycopg.errors.IdleInTransactionSessionTimeout)
"""What passes by itself: the other side is down, PostgreSQL is away, or we were stopped for so long that it let go of us."""


class Left(BaseException):
    """This execution leaves its run."""


class Surroundings(Protocol):
    """What an execution needs of the `Engine` it belongs to."""

    db: Database
    dbos: durable_store.Dbos
    executor_id: str
    closing: threading.Event

    def patiently(self, work: Callable[[], T]) -> T:
        """Do `work`, waiting for PostgreSQL where it is away."""
        ...

    def standing(self, run_id: str) -> Standing | None:
        """See `execution_store.standing`."""
        ...

    def nudge(self) -> None:
        """Resume what is ready."""
        ...

    def tell(self, run: Run, sentence: str) -> None:
        """Let people know."""
        ...

    def redact(self, text: str) -> str:
        """`text` without a secret."""
        ...


class Execution:
    """See `template.Context`."""

    def __init__(self, around: Surroundings, template: Template, run: Run) -> None:
        self.run = run
        self._around = around
        self._template = template
        self._used: set[str] = set()

    def step(self, name: str, work: Callable[..., Json], *given: Any) -> Json:
        """See `template.Context.step`."""
        declared = self._take(name)
        return self._recorded(name, lambda: self._tried(name, declared, work, given))

    def once(self, name: str, work: Callable[..., Json], *given: Any) -> Json:
        """See `template.Context.once`."""

        def effect() -> Json:
            with self._around.db.transaction() as cx:
                self.fence(cx)
                return execution_store.effect(cx, self.run.id, name, lambda: work(cx, *given))

        return self.step(name, effect)

    def wait_for(self, topic: str, ready: Ready, until: datetime | None = None) -> bool:
        """See `template.Context.wait_for`."""
        return bool(self._recorded(f"{WAIT}{topic}", lambda: {"ok": self._waited(topic, ready, until)}))

    def fence(self, cx: psycopg.Connection[Any]) -> None:
        """See `template.Context.fence`."""
        if execution_store.fence(cx, self.run.id) != self.run.epoch:
            self._lost()

    def key(self, step: str) -> str:
        """See `template.Context.key`."""
        return f"{self.run.id}:{step}"

    def patch(self, name: str) -> bool:
        """See `template.Context.patch`."""
        from dbos import DBOS  # noqa: PLC0415

        return DBOS.patch(name)

    # --- how it ends, for the engine ---

    def finish(
        self,
        state: Literal["done", "failed"],
        *,
        reason: str | None = None,
        result: dict[str, Any] | None = None,
    ) -> None:
        """The body came to its end: ``done`` or ``failed``. Where it was cancelled during its last step it stays so."""

        def change(cx: psycopg.Connection[Any], run: Run) -> None:
            if run.state == "cancelled":
                execution_store.retell(cx, run, self._template)
            else:
                store.move(cx, run, state, reason=reason, result=result)

        if state == "done" and self._around.patiently(lambda: self._is_finished(result)):
            return
        self._around.patiently(lambda: self._changed(change))

    def _is_finished(self, result: dict[str, Any] | None) -> bool:
        with self._around.db.transaction() as cx:
            return execution_store.is_finished(cx, self.run, result)

    def poison(self, error: BaseException) -> NoReturn:
        """Something nobody foresaw: the run is parked with the reason."""
        reason = self._around.redact(_why(error))
        log.warning("run_parked", run=self.run.id, template=self._template.name, why=reason)

        def park(cx: psycopg.Connection[Any], run: Run) -> None:
            store.move(cx, run, "parked", reason=reason)

        self._leave(park, tell=store.held_sentence(self.run, reason))

    def wait_out(self, step: str, error: BaseException) -> NoReturn:
        """The other side stays down: the run leaves memory, and a sweep brings it back later."""
        reason = self._around.redact(_why(error))

        def wait(cx: psycopg.Connection[Any], run: Run) -> None:
            outages = execution_store.count_outage(cx, run.id, step)
            rest = timedelta(seconds=outage_seconds(outages, chance=random.random()))  # noqa: S311 (spreads, hides nothing)
            store.move(cx, run, "waiting", reason=reason, waits_for=OUTAGE, wait_until=_now(cx) + rest)

        self._leave(wait)

    # --- steps ---

    def _take(self, name: str) -> Step:
        declared = self._template.declared(name)
        if declared is None:
            self.poison(Bug(f"the step {name!r} is not declared in the template {self._template.name}."))
        if name in self._used:
            self.poison(
                Bug(
                    f"the step {name!r} is used twice: two steps would share one idempotency key. Add ':what'."
                )
            )
        self._used.add(name)
        return declared

    def _recorded(self, name: str, attempt: Callable[[], dict[str, Any]]) -> Json:
        """What the step gave, now or in an earlier execution. Anything unforeseen leaves it unrecorded."""
        from dbos import DBOS  # noqa: PLC0415

        def foreseen() -> dict[str, Any]:
            try:
                return attempt()
            except OUTAGES as error:
                self.wait_out(name, error)
            except Exception as error:  # noqa: BLE001 (whatever it is, it is the reason)
                self.poison(error)

        kept = DBOS.run_step({"name": name}, foreseen)
        if "refused" in kept:
            raise Refusal(kept["refused"])
        return kept.get("ok")

    def _tried(
        self, name: str, step: Step, work: Callable[..., Json], given: tuple[Any, ...]
    ) -> dict[str, Any]:
        for attempt in count():
            self._gate(step)
            try:
                return {"ok": plain(work(*given))}
            except UnknownOutcome as error:
                self.poison(error)
            except OUTAGES as error:
                if attempt + 1 >= TRIES:
                    self.wait_out(name, error)
                self._rest(attempt, error)
            except Refusal as error:
                self._gate(step)  # it was refused because the connection was lost meanwhile: not for good
                return {"refused": str(error)}
        raise AssertionError  # pragma: no cover

    def _rest(self, attempt: int, error: BaseException) -> None:
        asked = error.retry_after_seconds if isinstance(error, Outage) else None
        if isinstance(error, psycopg.Error):
            self._around.db.refresh()
        chance = random.random()  # noqa: S311 (spreads, hides nothing)
        self._around.closing.wait(rest_seconds(attempt, chance=chance, asked=asked))

    def _gate(self, step: Step | None) -> None:
        """Go on only while the run may: it is ours, nobody stopped it, and the connection it needs is there."""
        if self._around.closing.is_set():
            self._leave(None)
        found = self._around.standing(self.run.id)
        needs = step is not None and step.system is not None
        match verdict(found, epoch=self.run.epoch, needs_connection=needs):
            case "go":
                return
            case "taken over":
                self._lost()
            case "disconnected":
                self._leave(_disconnect, tell=store.held_sentence(self.run, DISCONNECTED))
            case "leave":
                self._leave(None)

    def _waited(self, topic: str, ready: Ready, until: datetime | None) -> bool:
        """Whether it is ready; leaves memory until it may be."""
        self._gate(None)
        with self._around.db.transaction() as cx:
            store.hold_topic(cx, topic)
            run = store.get(cx, self.run.id, lock=True)
            self._hold(run)
            if ready(cx):
                return True
            if until is not None and _now(cx) >= until:
                return False
            if run.state in {"queued", "running"}:
                store.move(cx, run, "waiting", waits_for=topic, wait_until=until)
        return self._go()

    # --- leaving ---

    def _leave(self, change: Change | None, *, tell: str | None = None) -> NoReturn:
        """Leave memory; `change` says why in the run's row, unless somebody stopped it already."""

        def unless_stopped(cx: psycopg.Connection[Any], run: Run) -> bool:
            if run.state == "cancelled":
                execution_store.retell(cx, run, self._template)
            if change is None or run.state not in {"queued", "running"}:
                return False
            change(cx, run)
            return True

        if self._around.patiently(lambda: self._changed(unless_stopped)) and tell:
            self._around.tell(self.run, tell)
        self._go()

    def _changed(self, change: Callable[[psycopg.Connection[Any], Run], T]) -> T:
        with self._around.db.transaction() as cx:
            run = store.get(cx, self.run.id, lock=True)
            self._hold(run)
            return change(cx, run)

    def _go(self) -> NoReturn:
        """Out of DBOS's hands, unless another worker has it; whoever made it ready since then is answered at once."""
        if self._around.patiently(self._executor) == self._around.executor_id:
            self._around.dbos.cancel(self.run.id)
        self._around.nudge()
        raise Left

    def _executor(self) -> str | None:
        with self._around.db.transaction() as cx:
            return durable_store.executor(cx, self.run.id)

    def _hold(self, run: Run) -> None:
        if run.epoch != self.run.epoch:
            self._lost()

    def _lost(self) -> NoReturn:
        log.warning("run_taken_over", run=self.run.id, epoch=self.run.epoch)
        raise Left


def _disconnect(cx: psycopg.Connection[Any], run: Run) -> None:
    store.move(cx, run, "paused", reason=DISCONNECTED, held_by="disconnect")


def plain(value: Json) -> Json:
    """The value as its record will give it back: a replay sees what the first execution saw."""
    return msgspec.json.decode(msgspec.json.encode(value))


def _now(cx: psycopg.Connection[Any]) -> datetime:
    row = cx.execute("select clock_timestamp()").fetchone()
    assert row is not None  # noqa: S101 (a select without a table has a row)
    found: datetime = row[0]
    return found


def _why(error: BaseException) -> str:
    if isinstance(error, Outage | Refusal | Bug):
        return str(error)
    first = (str(error).strip().splitlines() or ["no reason was given"])[0]
    return f"{type(error).__name__}: {first[:_LONGEST_REASON]}"


_LONGEST_REASON = 500
