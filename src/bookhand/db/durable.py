"""DBOS's tables: the schema ``dbos`` in the same database, brought up beside ours, and its one queue.

DBOS keeps the ids of runs, their status and the small outputs of their steps; whatever a person would call the contents of a
run is in our own table ``run``, under row-level security. Its migrations are its own and only go forward, as ours do.

    prepare(url)                          # after our migrations, and after a restore
"""

from __future__ import annotations

import logging
from typing import Any

import psycopg

QUEUE = "bookhand"
APPLICATION = "bookhand"
VERSION = "1"
"""The version DBOS stamps on runs. Pinned: it never changes, or runs that wait would be stranded; see `Context.patch`."""
POLL_SECONDS = 0.1
AT_ONCE = 16
"""How many runs one process executes side by side."""


def prepare(url: str, *, role: str) -> None:
    """Bring DBOS's schema in the database at `url` to its newest version, open it to `role`, and register the queue."""
    import sqlalchemy as sa  # noqa: PLC0415 (a fifth of a second that only a migration needs)
    from dbos import DBOS, DBOSClient  # noqa: PLC0415

    quiet()
    DBOS.migrate(url, application_role=role)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    client = DBOSClient(system_database_engine=engine, application_name=APPLICATION)
    try:
        client.register_queue(QUEUE, worker_concurrency=AT_ONCE, polling_interval_sec=POLL_SECONDS)
    finally:
        client.destroy()
        engine.dispose()


def is_prepared(cx: psycopg.Connection[Any]) -> bool:
    """Whether the queue, the last thing that `prepare` makes, is there."""
    if cx.execute("select to_regclass('dbos.queues')").fetchone() == (None,):
        return False
    return cx.execute("select 1 from dbos.queues where name = %s", (QUEUE,)).fetchone() is not None


def quiet() -> None:
    """DBOS speaks through our logs, and only of what is wrong; its own handler is never made."""
    log = logging.getLogger("dbos")
    if not any(isinstance(each, logging.NullHandler) for each in log.handlers):
        log.handlers[:] = [logging.NullHandler()]
    log.setLevel(logging.WARNING)
