"""Requests at once to one NetSuite account, shared by every worker on one database: each holds a slot while its request is under way.

    slots = Slots(db, "1234567", count=5)
    with slots.hold(): ...                 # waits for one of the five

A slot is an advisory lock of PostgreSQL, held by a connection of the process's own: a worker that dies gives its slots back with it. Within
a process a slot is handed on to the next thread, up to `_TURNS` times, before it is given back for others.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg

from bookhand.systems.meters import WAITED

if TYPE_CHECKING:
    from bookhand.db.engine import Database

_TURNS = 20
_LOOK_SECONDS = 0.03
_TRY = "select pg_try_advisory_lock(hashtextextended(%s, 0))"
_GIVE = "select pg_advisory_unlock(hashtextextended(%s, 0))"


class Slots:
    """Safe to share between threads; close it to give its connection back."""

    def __init__(self, db: Database, account: str, *, count: int) -> None:
        self._db = db
        self._names = [f"netsuite/{account}/slot/{number}" for number in range(count)]
        self._free: list[str] = []
        """Held by this process, and used by nobody at this moment."""
        self._turns: dict[str, int] = {}
        self._waiting = 0
        self._looking = False
        self._changed = threading.Condition()
        self._own: psycopg.Connection[Any] | None = None

    @contextmanager
    def hold(self) -> Iterator[None]:
        """A slot for the time of one request."""
        asked = time.monotonic()
        slot = self._take()
        WAITED.inc(time.monotonic() - asked)
        try:
            yield
        finally:
            self._give(slot)

    def close(self) -> None:
        """Give everything back."""
        with self._changed:
            own, self._own = self._own, None
            self._free.clear()
            self._turns.clear()
        if own is not None:
            own.close()

    def _take(self) -> str:
        with self._changed:
            self._waiting += 1
            try:
                slot = self._waited()
            finally:
                self._waiting -= 1
            spare = [] if self._waiting else [self._let_go(name) for name in list(self._free)]
        self._unlock(spare)
        return slot

    def _waited(self) -> str:
        while True:
            if self._free:
                return self._free.pop()
            if self._looking:
                self._changed.wait(_LOOK_SECONDS)
            elif (slot := self._look()) is not None:
                return slot
            else:
                self._changed.wait(_LOOK_SECONDS * (0.5 + random.random()))  # noqa: S311 (spread, no secret)

    def _look(self) -> str | None:
        """One of the slots that nobody has; one thread looks at a time, and the others need not wait for the database."""
        self._looking = True
        held = set(self._turns)
        self._changed.release()
        try:
            found = self._locked([name for name in self._names if name not in held])
        finally:
            self._changed.acquire()
            self._looking = False
            self._changed.notify()
        if found is not None:
            self._turns[found] = 0
        return found

    def _locked(self, names: list[str]) -> str | None:
        random.shuffle(names)
        try:
            own = self._connected()
            for name in names:
                row = own.execute(_TRY, (name,)).fetchone()
                if row and row[0]:
                    return name
        except psycopg.OperationalError:
            self._forget()  # the server was restarted, and with it went all locks
        return None

    def _give(self, slot: str) -> None:
        with self._changed:
            if slot not in self._turns:
                return  # it went with its connection
            self._turns[slot] += 1
            if self._waiting and self._turns[slot] < _TURNS:
                self._free.append(slot)
                self._changed.notify()
                return
            self._let_go(slot)
        self._unlock([slot])

    def _let_go(self, slot: str) -> str:
        del self._turns[slot]
        if slot in self._free:
            self._free.remove(slot)
        return slot

    def _unlock(self, slots: list[str]) -> None:
        own = self._own
        try:
            for slot in slots:
                if own is not None:
                    own.execute(_GIVE, (slot,))
        except psycopg.OperationalError:
            self._forget()

    def _connected(self) -> psycopg.Connection[Any]:
        if self._own is None:
            self._own = self._db.connect(autocommit=True)
        return self._own

    def _forget(self) -> None:
        with self._changed:
            own, self._own = self._own, None
            self._turns.clear()
            self._free.clear()
        if own is not None:
            own.close()
