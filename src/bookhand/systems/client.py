"""The gate that every call to an outside system goes through: it waits for a moment that its rate limits allow.

Moments are leased in chunks from a `Leaser`: one in this process, or the row in the database that all workers share
(`systems.store.SharedLeaser`), so that many calls cost one round trip. A gate is safe to share between threads.

    gate = Gate(LocalLeaser())
    gate.wait((Layer("account", 100), Layer("GET /v1/charges", 25)))      # returns when the call may start
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import msgspec

from bookhand.systems.limits import LATENESS, Layer, State, grant
from bookhand.systems.meters import WAITED

_FEWEST = 5
_MOST = 64
_MICRO = 1_000_000


class Lease(msgspec.Struct, frozen=True):
    """Moments to start at (microseconds) and what the clock that gave them said as it did."""

    now: int
    moments: list[int]


class Leaser(Protocol):
    """Gives moments out. `reads` is how many reads were done since the last lease, for the monthly count."""

    def lease(self, layers: Sequence[Layer], want: int, *, reads: int) -> Lease:
        """At most `want` moments that suit `layers`, at least one."""
        ...

    def close(self, *, reads: int) -> None:
        """No more leases; `reads` are the last to count."""
        ...


class LocalLeaser:
    """For one process alone: a first probe of a key, or a program with no database."""

    def __init__(self) -> None:
        self._state: State = {}
        self._lock = threading.Lock()
        self.reads = 0

    def lease(self, layers: Sequence[Layer], want: int, *, reads: int) -> Lease:
        """See `Leaser`."""
        with self._lock:
            self.reads += reads
            now = time.monotonic_ns() // 1000
            return Lease(now, grant(self._state, layers, now=now, want=want))

    def close(self, *, reads: int) -> None:
        """See `Leaser`."""
        with self._lock:
            self.reads += reads


class Gate:
    """Hands each caller its own moment and wakes it then."""

    def __init__(self, leaser: Leaser) -> None:
        self._leaser = leaser
        self._queues: dict[tuple[Layer, ...], _Queue] = {}
        self._lock = threading.Lock()
        self._reads = 0
        self._closed_until = 0.0

    def wait(self, layers: tuple[Layer, ...], *, read: bool = True) -> None:
        """Return when a call under `layers` may start."""
        queue = self._queue(layers)
        asked = time.monotonic()
        with queue.waiting():
            self._wait(queue)
        WAITED.inc(time.monotonic() - asked)
        if read:
            with self._lock:
                self._reads += 1

    def hold(self, seconds: float) -> None:
        """Give no moment out for so long: Stripe said that calls come too fast."""
        with self._lock:
            self._closed_until = max(self._closed_until, time.monotonic() + seconds)

    def close(self) -> None:
        """Tell the last reads and let go; a later `wait` opens it again."""
        self._leaser.close(reads=self._flush())

    def _flush(self) -> int:
        """The reads that no lease has told of yet."""
        with self._lock:
            reads, self._reads = self._reads, 0
            return reads

    def _wait(self, queue: _Queue) -> None:
        while True:
            moment = self._next(queue)
            _sleep_until(moment)
            if time.monotonic() - moment <= LATENESS / _MICRO:  # one who overslept has lost its turn
                return

    def _queue(self, layers: tuple[Layer, ...]) -> _Queue:
        with self._lock:
            if layers not in self._queues:
                self._forget_idle()
                self._queues[layers] = _Queue(layers)
            return self._queues[layers]

    def _forget_idle(self) -> None:
        """Layers of single objects come and go; those that nobody waits for need no memory."""
        if len(self._queues) < _MOST:
            return
        now = time.monotonic()
        self._queues = {key: queue for key, queue in self._queues.items() if not queue.idle(now)}

    def _next(self, queue: _Queue) -> float:
        with queue.lock:
            while True:
                now = time.monotonic()
                while queue.moments:
                    moment = queue.moments.popleft()
                    if moment + LATENESS / _MICRO > now and moment >= self._closed_until:
                        return moment
                    queue.wasted = True
                if self._closed_until > now:
                    time.sleep(self._closed_until - now)
                self._lease(queue)

    def _lease(self, queue: _Queue) -> None:
        asked = time.monotonic()
        lease = self._leaser.lease(queue.layers, queue.want(), reads=self._flush())
        between = (asked + time.monotonic()) / 2
        queue.moments.extend(between + (moment - lease.now) / _MICRO for moment in lease.moments)


class _Queue:
    """The moments leased for one set of layers, and who waits for them."""

    def __init__(self, layers: tuple[Layer, ...]) -> None:
        self.layers = layers
        self.lock = threading.Lock()
        self.moments: deque[float] = deque()
        self.wasted = True
        self._waiters = 0
        self._counting = threading.Lock()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Counts one who waits."""
        with self._counting:
            self._waiters += 1
        try:
            yield
        finally:
            with self._counting:
                self._waiters -= 1

    def want(self) -> int:
        """As many as wait, and some more while none goes to waste: so that gates share by how many wait at each of them."""
        fewest = 1 if self.wasted else _FEWEST
        self.wasted = False
        return min(max(self._waiters, fewest), _MOST)

    def idle(self, now: float) -> bool:
        """Whether nobody would miss it."""
        return not self._waiters and (not self.moments or self.moments[-1] < now)


def _sleep_until(moment: float) -> None:
    while (left := moment - time.monotonic()) > 0:
        time.sleep(left)
