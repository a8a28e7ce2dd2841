"""What is said to DBOS: runs are put on its queue in the caller's transaction, and its documented tables are read by SQL.

    enqueue(cx, workspace_id, ["run_1"])         # in the transaction that makes the row of the run
    dbos = Dbos(db.url)
    dbos.resume(["run_1"])                       # public calls of its client, each a transaction of DBOS's own

DBOS's client is made when it is first needed: importing it takes a fifth of a second that commands which only read do not pay.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg

from bookhand.db.durable import APPLICATION, QUEUE, VERSION, quiet
from bookhand.db.schema import sqlalchemy_url
from bookhand.runs.run import Stage

if TYPE_CHECKING:
    import sqlalchemy as sa
    from dbos import DBOSClient

Transaction = psycopg.Connection[Any]

WORKFLOW = "bookhand.run"
"""The one workflow that DBOS knows: it is given a workspace's and a run's id, everything else is in our row."""
PATCH = "DBOS.patch-"
WAIT = "wait:"


def enqueue(cx: Transaction, workspace_id: int, run_ids: Sequence[str]) -> None:
    """Put runs on the queue; they are there when `cx` commits, and were never there when it does not."""
    client, engine = _inside()
    mark = _lent.set(_Lent(cx))
    try:
        with engine.connect() as lent:
            for run_id in run_ids:
                client.enqueue_in_transaction(
                    lent,
                    {"workflow_name": WORKFLOW, "queue_name": QUEUE, "workflow_id": run_id, "app_version": VERSION},
                    workspace_id,
                    run_id,
                )  # fmt: skip
    finally:
        _lent.reset(mark)


class Dbos:
    """DBOS's public client, made on first use."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: DBOSClient | None = None
        self._lock = threading.Lock()

    def resume(self, run_ids: Sequence[str]) -> None:
        """Put parked runs back on the queue; what they did is kept."""
        self._made().resume_workflows(list(run_ids), queue_name=QUEUE)

    def cancel(self, run_id: str) -> None:
        """Take a run out of DBOS's hands: it leaves memory until it is resumed."""
        self._made().cancel_workflow(run_id)

    def delete(self, run_ids: Sequence[str]) -> None:
        """Forget ended runs."""
        self._made().delete_workflows(list(run_ids))

    def close(self) -> None:
        """Give its connections back."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.destroy()

    def _made(self) -> DBOSClient:
        with self._lock:
            if self._client is None:
                from dbos import DBOSClient  # noqa: PLC0415

                quiet()
                self._client = DBOSClient(
                    system_database_url=sqlalchemy_url(self._url), application_name=APPLICATION, serializer=serializer(),
                    system_database_pool_size=2, lazy=True,
                )  # fmt: skip
            return self._client


def serializer() -> Any:
    """How DBOS writes what it keeps: as JSON. Its default would be pickle, which runs code when it is read."""
    from dbos import DBOSPortableJSONSerializer  # noqa: PLC0415

    return DBOSPortableJSONSerializer()


def stages(cx: Transaction, run_id: str) -> list[Stage]:
    """The recorded steps of a run, in the order in which they were begun."""
    rows = cx.execute(
        "select function_name, output, error, started_at_epoch_ms, completed_at_epoch_ms from dbos.operation_outputs"
        " where workflow_uuid = %s and not starts_with(function_name, %s) order by function_id",
        (run_id, PATCH),
    )
    return [_stage(*row) for row in rows]


def done(cx: Transaction, run_id: str) -> list[str]:
    """The names of the recorded steps that were not refused."""
    return [each.name for each in stages(cx, run_id) if each.state == "done"]


def executor(cx: Transaction, run_id: str) -> str | None:
    """Whose execution of a run is the last that began."""
    row = cx.execute(
        "select executor_id from dbos.workflow_status where workflow_uuid = %s", (run_id,)
    ).fetchone()
    return row[0] if row else None


def of_status(cx: Transaction, run_ids: Sequence[str], *statuses: str) -> list[str]:
    """Those of `run_ids` that have one of these statuses at DBOS now."""
    rows = cx.execute(
        "select workflow_uuid from dbos.workflow_status where workflow_uuid = any (%s) and status = any (%s)",
        (list(run_ids), list(statuses)),
    )
    return [run_id for (run_id,) in rows]


def _stage(
    name: str, output: str | None, error: str | None, started: int | None, finished: int | None
) -> Stage:
    found = msgspec.json.decode(output) if output else None
    kept = found if isinstance(found, dict) else {}
    refused = kept.get("refused", error)
    return Stage(
        name=name, state="refused" if refused else "done", started_at=_moment(started), finished_at=_moment(finished),
        output=kept.get("ok"), error=refused,
    )  # fmt: skip


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


# --- a psycopg transaction, lent to SQLAlchemy ---


class _Lent:
    """Our connection as SQLAlchemy sees it: it works in our transaction and can neither end it nor close it."""

    def __init__(self, cx: Transaction) -> None:
        self._cx = cx

    def commit(self) -> None:
        """Ours to do."""

    def rollback(self) -> None:
        """Ours to do."""

    def close(self) -> None:
        """Ours to do."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cx, name)


_lent: ContextVar[_Lent] = ContextVar("lent")


def _borrowed() -> _Lent:
    return _lent.get()


@cache
def _inside() -> tuple[DBOSClient, sa.Engine]:
    """A client whose only connection is the one that is lent at the moment."""
    import sqlalchemy as sa  # noqa: PLC0415
    from dbos import DBOSClient  # noqa: PLC0415

    quiet()
    engine = sa.create_engine(
        "postgresql+psycopg://", creator=_borrowed, poolclass=sa.NullPool, pool_reset_on_return=None,
        use_native_hstore=False,
    )  # fmt: skip
    client = DBOSClient(
        system_database_engine=engine, application_name=APPLICATION, serializer=serializer(), lazy=True
    )
    return client, engine
