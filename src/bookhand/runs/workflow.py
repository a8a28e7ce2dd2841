"""The engine: executes runs in this process, and keeps all runs moving together with every other worker on this database.

    engine = Engine(db, templates, alert=tell_people)
    engine.launch(work=True)
    ...
    with db.transaction() as cx:
        wake(cx, "approval:7")
    engine.nudge()                        # at once; without it a sweep finds it within a second
    engine.close()

Our row of a run says what should be; DBOS executes. The sweep (`Sweep`) brings DBOS to what the rows say, in every worker, all
the time: so a crash between any two statements is mended by whoever sweeps next.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from bookhand.core.problems import Bug, Refusal, UnknownOutcome
from bookhand.db.durable import APPLICATION, VERSION, quiet
from bookhand.db.schema import sqlalchemy_url
from bookhand.runs import durable_store, execution_store, schedule_store
from bookhand.runs.context_workflow import OUTAGES, Execution, Left, plain
from bookhand.runs.durable_store import WORKFLOW, Dbos
from bookhand.runs.sweep_workflow import Sweep
from bookhand.runs.template import Template

if TYPE_CHECKING:
    import psycopg

    from bookhand.db.engine import Database
    from bookhand.runs.run import Run, Standing
    from bookhand.runs.schedule_store import CallerOf

log = structlog.get_logger(__name__)

T = TypeVar("T")
Alert = Callable[["Run", str], None]

_DEATHS = 10
"""How many workers may die on one run before it is parked."""
_REST_SECONDS = 1.0
_NOT_OURS = {"DBOSWorkflowConflictIDError", "DBOSWorkflowCancelledError"}
"""How DBOS says that another worker has the run. By name: DBOS is imported only where runs are executed."""


class Engine:
    """Runs of one database. One to a process: DBOS is."""

    def __init__(
        self,
        db: Database,
        templates: Iterable[Template],
        *,
        alert: Alert = lambda _run, _sentence: None,
        redact: Callable[[str], str] = str,
        caller_of: CallerOf = schedule_store.as_kept,
        ttl_seconds: float = 10.0,
        give_up_days: float = 14.0,
        keep_days: float = 30.0,
        sweep_seconds: float = 1.0,
    ) -> None:
        """`alert` tells people; `caller_of` says who a schedule's owner is when it fires."""
        self.db = db
        self.dbos = Dbos(db.url)
        self.templates = {each.name: each for each in templates}
        self.executor_id = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self.closing = threading.Event()
        self._alert = alert
        self._redact = redact
        self._works = False
        self._active = 0
        self._count = threading.Lock()
        self._look = threading.Lock()
        self._eye: psycopg.Connection[Any] | None = None
        self._sweep = Sweep(
            self, caller_of=caller_of, ttl_seconds=ttl_seconds, give_up_days=give_up_days, keep_days=keep_days,
            every_seconds=sweep_seconds,
        )  # fmt: skip

    def launch(self, *, work: bool) -> None:
        """Begin: execute runs (`work`), and sweep. Without `work` this process can start, wake and resume runs of others."""
        if work:
            self._launch_dbos()
            self._works = True
        self._sweep.start(work=work)

    def nudge(self) -> None:
        """After a commit: what is ready goes on at once."""
        if not self.closing.is_set():
            self._sweep.nudge()

    def close(self, *, seconds: float = 20.0) -> None:
        """End: runs leave before their next step and are free for the next worker. Twice is once."""
        if self.closing.is_set():
            return
        self.closing.set()
        until = time.monotonic() + seconds
        while self._active and time.monotonic() < until:
            time.sleep(0.02)
        self._sweep.stop()
        if self._works:
            from dbos import DBOS  # noqa: PLC0415

            DBOS.destroy(destroy_registry=True)
        self.dbos.close()
        if self._eye is not None:
            self._eye.close()

    def recover(self, executors: list[str]) -> None:
        """Put the runs of dead workers back on the queue, guarded by DBOS on the worker's id.

        DBOS's only private function that is used here: see docs/decisions/0012.
        """
        if self._works:
            from dbos import DBOS  # noqa: PLC0415

            DBOS._recover_pending_workflows(executors)  # noqa: SLF001

    def standing(self, run_id: str) -> Standing | None:
        """What the row of a run says at this moment, by one connection that all executions share: it is asked before each step."""

        def look() -> Standing | None:
            with self._look:
                if self._eye is None or self._eye.closed:
                    self._eye = self.db.connect(autocommit=True)
                return execution_store.standing(self._eye, run_id)

        return self.patiently(look)

    def tell(self, run: Run, sentence: str) -> None:
        """Let people know; a failure to do so stops nothing."""
        try:
            self._alert(run, sentence)
        except Exception:
            log.exception("run_alert_failed", run=run.id)

    def redact(self, text: str) -> str:
        """`text` without a secret."""
        return self._redact(text)

    def _launch_dbos(self) -> None:
        from dbos import DBOS  # noqa: PLC0415

        quiet()
        DBOS(
            config={
                "name": APPLICATION,
                "system_database_url": sqlalchemy_url(self.db.url),
                "application_version": VERSION,
                "executor_id": self.executor_id,
                "serializer": durable_store.serializer(),
                "sys_db_pool_size": 10,
                "log_level": "WARNING",
                "enable_otlp": False,
            }
        )

        def execute(workspace_id: int, run_id: str) -> None:
            self._execute(workspace_id, run_id)

        DBOS.workflow(name=WORKFLOW, max_recovery_attempts=_DEATHS)(execute)
        try:
            DBOS.launch()
        except BaseException:
            DBOS.destroy(destroy_registry=True)
            raise

    def _execute(self, workspace_id: int, run_id: str) -> None:
        """The one workflow: DBOS calls it in a thread of its own, as often as a run begins or goes on."""
        with self._count:
            self._active += 1
        try:
            if self.closing.is_set() or workspace_id != self.db.workspace_id:
                self._put_aside(run_id)
            run, stands = self.patiently(lambda: self._begin(run_id))
            if run is not None:
                self._do(run)
            elif stands:
                self._put_aside(run_id)
        finally:
            with self._count:
                self._active -= 1

    def _begin(self, run_id: str) -> tuple[Run | None, bool]:
        with self.db.transaction() as cx:
            run = execution_store.begin(cx, run_id)
            return run, run is None and execution_store.stands(cx, run_id)

    def _do(self, run: Run) -> None:
        template = self.templates.get(run.template)
        if template is None:
            unknown = Template(name=run.template, summary="", steps=(), body=lambda _ctx, _inputs: None)
            Execution(self, unknown, run).poison(Bug(f"This bookhand knows no template {run.template!r}."))
        execution = Execution(self, template, run)
        try:
            result = plain(template.body(execution, run.inputs))
        except Refusal as error:
            execution.finish("failed", reason=self._redact(str(error)))
        except UnknownOutcome as error:
            execution.poison(error)
        except OUTAGES as error:
            execution.wait_out("", error)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is the reason)
            execution.poison(error)
        except BaseException as error:
            if type(error).__name__ not in _NOT_OURS:
                raise
            log.warning("run_taken_over", run=run.id, epoch=run.epoch)
            raise Left from None
        else:
            execution.finish("done", result=result)

    def _put_aside(self, run_id: str) -> None:
        self.dbos.cancel(run_id)
        raise Left

    def patiently(self, work: Callable[[], T]) -> T:
        """Do `work`; while PostgreSQL is away, wait for it: there is nowhere to write down that we stopped."""
        rest = 0.05  # what was cut may be there again already
        while True:
            try:
                return work()
            except OUTAGES as error:
                log.warning("run_waits_for_postgresql", why=str(error).strip().splitlines()[:1])
                self.db.refresh()
                if self.closing.wait(rest):
                    raise Left from None
                rest = _REST_SECONDS
