"""Group commit: the one writer through which webhook deliveries become durable.

`Mailbox.keep` returns when its delivery is committed (or was there already), never before. Deliveries that arrive while a
commit is under way share the next one; alone, a delivery is written at once. Where PostgreSQL is down, full or slow, `keep`
raises `Outage` and nothing was acknowledged. A delivery that PostgreSQL cannot take does not fail its neighbours.

    mailbox = Mailbox(db)
    fresh = await mailbox.keep(link, delivery)
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
import structlog

from bookhand.core.facts import Link
from bookhand.core.problems import Outage
from bookhand.db.engine import Database
from bookhand.db.schema import APP_ROLE
from bookhand.inbox.delivery import Delivery
from bookhand.inbox.store import CHANNEL, INSERT, LIVE, arguments

LARGEST_COMMIT = 256
LARGEST_COMMIT_BYTES = 16 << 20
MOST_WAITING = 4096
_TIMEOUT_SECONDS = 10.0
_TELL_SECONDS = 0.004

log = structlog.get_logger(__name__)

_Letter = tuple[Link, Delivery, "asyncio.Future[bool]"]


class Mailbox:
    """Commits deliveries in groups on a connection of its own; lives on one event loop."""

    def __init__(self, db: Database, *, timeout_seconds: float = _TIMEOUT_SECONDS) -> None:
        self._db = db
        self._timeout = timeout_seconds
        self._waiting: deque[_Letter] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._untold: set[int] = set()
        self._teller: asyncio.Task[None] | None = None
        self._cx: psycopg.AsyncConnection[Any] | None = None

    async def keep(self, link: Link, delivery: Delivery) -> bool:
        """Make a delivery durable; True if it is new, False if it was kept before."""
        if len(self._waiting) >= MOST_WAITING:
            raise Outage(
                "More deliveries arrive than PostgreSQL commits: nothing was kept, Stripe will send it again."
            )
        kept: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((link, delivery, kept))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        return await kept

    async def close(self) -> None:
        """Finish what is under way and let go of the connection."""
        if self._writer is not None:
            await self._writer
        if self._teller is not None:
            await self._teller
        if self._cx is not None:
            await self._cx.close()
            self._cx = None

    async def _write(self) -> None:
        try:
            while self._waiting:
                await self._commit(self._next())
        finally:
            self._writer = None

    def _next(self) -> list[_Letter]:
        letters: list[_Letter] = []
        size = 0
        while self._waiting and len(letters) < LARGEST_COMMIT and size < LARGEST_COMMIT_BYTES:
            letters.append(self._waiting.popleft())
            size += len(letters[-1][1].body)
        return letters

    async def _commit(self, letters: Sequence[_Letter]) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                fresh = await self._insert(letters)
        except (psycopg.DataError, ValueError) as error:
            await self._apart(letters, error)
        except Exception as error:  # noqa: BLE001 (whatever it is, nothing may be acknowledged)
            await self._forget()
            _answer(
                letters,
                Outage(
                    f"PostgreSQL did not keep the delivery ({type(error).__name__}): Stripe will send it again."
                ),
            )
        else:
            for link, delivery, kept in letters:
                name = (link.connection_id, delivery.key)
                if not kept.done():
                    kept.set_result(name in fresh)
                fresh.discard(name)  # the same one twice in a commit is new once

    async def _apart(self, letters: Sequence[_Letter], error: Exception) -> None:
        """One of these cannot be written: each gets a commit of its own."""
        if len(letters) == 1:
            _answer(letters, ValueError(f"{letters[0][1].key} cannot be stored ({type(error).__name__})."))
            return
        for letter in letters:
            await self._commit([letter])

    async def _insert(self, letters: Sequence[_Letter]) -> set[tuple[int, str]]:
        cx = await self._connection()
        rows = [(link.connection_id, delivery) for link, delivery, _ in letters]
        found = await cx.execute(INSERT, arguments(self._db.workspace_id, rows, lane=LIVE), prepare=True)
        fresh = {(number, key) for number, _, key in await found.fetchall()}
        self._tell(number for number, _ in fresh)
        return fresh

    def _tell(self, numbers: Iterable[int]) -> None:
        """Wake the worker, a few milliseconds later and once for many commits: a NOTIFY inside them would line them all up."""
        self._untold.update(numbers)
        if self._untold and self._teller is None:
            self._teller = asyncio.create_task(self._notify())

    async def _notify(self) -> None:
        try:
            await asyncio.sleep(_TELL_SECONDS)
            told, self._untold = self._untold, set()
            cx = await self._connection()
            await cx.execute(
                "select pg_notify(%s, n::text) from unnest(%s::int[]) as n",
                (CHANNEL, list(told)),
                prepare=True,
            )
        except (psycopg.Error, OSError):
            log.warning("wake_up_lost")  # the worker looks by itself every few seconds
        finally:
            self._teller = None

    async def _connection(self) -> psycopg.AsyncConnection[Any]:
        if self._cx is None or self._cx.closed:
            cx = await psycopg.AsyncConnection.connect(self._db.url, autocommit=True)
            await cx.execute("select set_config('role', %s, false)", (APP_ROLE,))
            await cx.execute(
                "select set_config('bookhand.workspace', %s, false)", (str(self._db.workspace_id),)
            )
            self._cx = cx
        return self._cx

    async def _forget(self) -> None:
        """The connection's state is unknown: the next commit makes a new one."""
        if self._cx is not None:
            cx, self._cx = self._cx, None
            await cx.close()


def _answer(letters: Sequence[_Letter], error: Exception) -> None:
    for _, _, kept in letters:
        if not kept.done():
            kept.set_exception(error)
