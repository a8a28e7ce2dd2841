"""Backfills that were asked for on a page: a worker brings each in, side by side, and goes on after every restart.

    rounds = HistoryRounds(house)
    rounds.look()                         # every second or so
    rounds.end()

What was asked for, paused or disconnected is in the database, so any process may be asked, and any worker may do it; a lock there
lets one at a time be at a connection's.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import psycopg
import structlog

from bookhand.core.problems import BookhandError
from bookhand.inbox import slices_store
from bookhand.inbox.watch_store import watch
from bookhand.systems import store as connections

if TYPE_CHECKING:
    from collections.abc import Callable

    from bookhand.house import House
    from bookhand.systems.connection import Connection

log = structlog.get_logger(__name__)

_REST_SECONDS = 15.0


class HistoryRounds:
    """See the module's docstring. One thread for each backfill that is under way."""

    def __init__(
        self,
        house: House,
        *,
        clock: Callable[[], float] = time.monotonic,
        rest_seconds: float = _REST_SECONDS,
    ) -> None:
        """After what went wrong, a backfill rests for `rest_seconds`."""
        self._house = house
        self._clock = clock
        self._rest = rest_seconds
        self._under_way: dict[int, tuple[threading.Thread, threading.Event]] = {}
        self._not_before: dict[int, float] = {}

    def look(self) -> None:
        """Begin what was asked for; let go of what was paused, or whose connection is lost."""
        self._under_way = {number: each for number, each in self._under_way.items() if each[0].is_alive()}
        with self._house.db.transaction() as cx:
            asked = set(slices_store.asked_for(cx))
            begun = [
                connections.get(cx, number)
                for number in sorted(asked - self._under_way.keys())
                if self._clock() >= self._not_before.get(number, 0.0)
            ]
        for number, (_, stop) in self._under_way.items():
            if number not in asked:
                stop.set()
        for connection in begun:
            self._begin(connection)

    def end(self) -> None:
        """Stop each after the page that is under way, and wait for it."""
        for _, stop in self._under_way.values():
            stop.set()
        for thread, _ in self._under_way.values():
            thread.join(timeout=30)

    def _begin(self, connection: Connection) -> None:
        stop = threading.Event()
        thread = threading.Thread(
            target=self._bring, args=(connection, stop), name=f"history-{connection.id}", daemon=True
        )
        self._under_way[connection.id] = (thread, stop)
        thread.start()

    def _bring(self, connection: Connection, stop: threading.Event) -> None:
        """`Backfill.run` goes on as it was planned: the range here is never used."""
        try:
            how = self._house.backfill(connection, since=int(time.time()), stop=stop)
        except BookhandError as error:
            log.warning("history_waits", connection=connection.id, why=str(error))
            self._rest_after(connection, str(error))
        except Exception:
            log.exception("history_failed", connection=connection.id)
            self._rest_after(connection, "A fault of bookhand's own; the log says more. It is tried again.")
        else:
            log.info("history", connection=connection.id, phase=how.phase, objects=how.seen)

    def _rest_after(self, connection: Connection, why: str) -> None:
        """Try again later, and write down why it waits, for those who watch."""
        self._not_before[connection.id] = self._clock() + self._rest
        with suppress(psycopg.Error, BookhandError), self._house.db.transaction() as cx:
            watched = watch(cx, connection.link, now=datetime.now(UTC))
            if watched is not None:
                told = msgspec.structs.replace(watched.progress, note=why)
                slices_store.tell(cx, connection.link, told, at_work=False)
