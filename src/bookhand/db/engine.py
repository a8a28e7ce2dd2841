"""The database: PostgreSQL, embedded or yours, always migrated, always under row-level security.

`Database.open` starts the embedded server in a data folder (or takes the address of yours), brings the schema to this
version and hands out transactions that run as the role ``bookhand_app`` inside one workspace.

    with Database.open(data_dir=Path(".data")) as db, db.transaction() as cx:
        cx.execute("select count(*) from connection")

Errors: `Refusal` where the data folder was written by another major version, or the address or the rights are wrong;
`Outage` where the server cannot be reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from bookhand.core.problems import Outage, Refusal
from bookhand.db import embedded
from bookhand.db.schema import APP_ROLE, migrate

OLDEST_SERVER = 150000


class Database:
    """A pool of connections to one migrated database, each bound to one workspace."""

    def __init__(self, url: str, *, workspace_id: int = 1, pool_size: int = 8) -> None:
        self.url = url
        self.workspace_id = workspace_id
        self._pool = ConnectionPool(
            url, min_size=0, max_size=pool_size, open=True, configure=self._enter, timeout=15, name="bookhand"
        )

    @classmethod
    def open(
        cls, url: str | None = None, *, data_dir: Path, workspace_id: int = 1, pool_size: int = 8
    ) -> Self:
        """Connect to `url`, or to the embedded server of `data_dir`, and migrate."""
        address = url or embedded.start(data_dir / "postgres")
        _ensure_reachable(address)
        migrate(address)
        return cls(address, workspace_id=workspace_id, pool_size=pool_size)

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """One transaction: committed at the end of the block, rolled back where it raises. Stores never commit."""
        try:
            with self._pool.connection() as cx:
                yield cx
        except PoolTimeout as error:
            raise Outage(
                "PostgreSQL gave no connection within 15 s: is it up, and has it free connections?"
            ) from error

    @contextmanager
    def snapshot(self) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """A transaction that only reads, and whose every statement sees the database as it was at the first."""
        with self.transaction() as cx:
            cx.execute("set transaction isolation level repeatable read, read only")
            yield cx

    def connect(self, *, autocommit: bool = False) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection of one's own, for LISTEN, advisory locks and hot loops; the caller closes it."""
        try:
            cx = psycopg.connect(self.url, autocommit=autocommit)
        except psycopg.OperationalError as error:
            raise Outage(f"PostgreSQL cannot be reached: {_first_line(error)}") from error
        self._enter(cx)
        return cx

    def refresh(self) -> None:
        """Drop the pooled connections that are dead: after PostgreSQL was away all of them are."""
        self._pool.check()

    def close(self) -> None:
        """Give every connection back; the embedded server stops with the last process that uses it."""
        self._pool.close()

    def _enter(self, cx: psycopg.Connection[tuple[Any, ...]]) -> None:
        # A plan made while a table held one page would be kept for a million rows: plan each time, for a fraction of a millisecond.
        cx.execute("select set_config('plan_cache_mode', 'force_custom_plan', false)")
        cx.execute("select set_config('role', %s, false)", (APP_ROLE,))
        cx.execute("select set_config('bookhand.workspace', %s, false)", (str(self.workspace_id),))
        if not cx.autocommit:
            cx.commit()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _ensure_reachable(url: str) -> None:
    try:
        with psycopg.connect(url, connect_timeout=10) as cx:
            version = cx.info.server_version
    except psycopg.OperationalError as error:
        raise Outage(
            f"PostgreSQL cannot be reached: {_first_line(error)}. Is the server up and BOOKHAND_DATABASE_URL right?"
        ) from error
    except psycopg.ProgrammingError as error:
        raise Refusal(
            f"BOOKHAND_DATABASE_URL is not a PostgreSQL address: {_first_line(error)}. It reads postgresql://user@host/name."
        ) from error
    if version < OLDEST_SERVER:
        raise Refusal(f"PostgreSQL {version // 10000} is too old: bookhand needs 15 or newer.")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
