"""Work that another system may keep waiting: done on a thread of its own, and waited for only so long.

    found = aside.run(("proof", 3), lambda: prove(3))      # None: it goes on

Who asks for the same again while it goes on waits for the same work, so that one that hangs holds one thread and no more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

import structlog

SECONDS = 12.0
"""How long a person is kept waiting for an answer."""
log = structlog.get_logger(__name__)
T = TypeVar("T")


class Aside:
    """What goes on in this process, by what it is."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self._under_way: dict[Hashable, Future[Any]] = {}
        self._lock = threading.Lock()

    def run(self, what: Hashable, work: Callable[[], T]) -> T | None:
        """What `work` gives, or raises; None where it goes on."""
        with self._lock:
            found: Future[T] | None = self._under_way.get(what)
            if found is None:
                found = self._under_way[what] = Future()
                threading.Thread(target=self._do, args=(what, work, found), name="aside", daemon=True).start()
        try:
            return found.result(self.seconds)
        except TimeoutError:
            if found.done():
                raise
            return None

    def _do(self, what: Hashable, work: Callable[[], Any], into: Future[Any]) -> None:
        try:
            given = work()
        except Exception as error:  # noqa: BLE001 (told to whoever waits)
            log.warning("aside_failed", what=str(what), why=type(error).__name__)
            self._end(what)
            into.set_exception(error)
        else:
            self._end(what)
            into.set_result(given)

    def _end(self, what: Hashable) -> None:
        with self._lock:
            self._under_way.pop(what, None)
