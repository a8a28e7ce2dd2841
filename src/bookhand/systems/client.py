"""The gate that every call to an outside system goes through: it waits for a moment that its rate limits allow.

Moments come from a `Leaser`: one in this process, or the row in the database that all workers share
(`systems.store.SharedLeaser`). Whoever waits is given exactly one, in the order of asking; where calls have to wait anyway, their
requests are gathered for a part of that wait and leased together, so that many calls cost one trip to the database, and no moment
is leased that nobody uses. A gate is safe to share between threads.

    gate = Gate(LocalLeaser())
    gate.wait((Layer("account", 100), Layer("GET /v1/charges", 25)))      # returns when the call may start
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Protocol

import msgspec

from bookhand.systems.limits import LATENESS, Layer, State, binding, grant
from bookhand.systems.meters import WAITED

_MICRO = 1_000_000
_GATHERING = 0.75
"""The part of the wait that requests are gathered for; the rest is for the trip to the database."""
_LONGEST_GATHERING_SECONDS = 0.25

Layers = tuple[Layer, ...]


class Lease(msgspec.Struct, frozen=True):
    """Moments to start at (microseconds), one for each that was wanted, and what the clock that gave them said as it did."""

    now: int
    moments: list[int]


class Leaser(Protocol):
    """Gives moments out. `reads` is how many reads were done since the last lease, for the monthly count."""

    def lease(self, wanted: Sequence[Layers], *, reads: int = 0) -> Lease:
        """A moment for each of `wanted`, which suits its layers."""
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

    def lease(self, wanted: Sequence[Layers], *, reads: int = 0) -> Lease:
        """See `Leaser`."""
        with self._lock:
            self.reads += reads
            now = time.monotonic_ns() // 1000
            return Lease(now, grant(self._state, wanted, now=now))

    def close(self, *, reads: int) -> None:
        """See `Leaser`."""
        with self._lock:
            self.reads += reads


class Gate:
    """Hands each caller its own moment and wakes it then."""

    def __init__(self, leaser: Leaser) -> None:
        self._leaser = leaser
        self._lock = threading.Lock()
        self._asking: list[_Ticket] = []
        self._someone_leases = False
        self._gathering_seconds = 0.0
        self._reads = 0
        self._closed_until = 0.0

    def wait(self, layers: Layers, *, read: bool = True) -> None:
        """Return when a call under `layers` may start."""
        asked, binds = time.monotonic(), binding(layers)
        while not self._is_on_time(self._moment(binds)):  # one who overslept has lost its turn
            pass
        WAITED.inc(time.monotonic() - asked)
        if read:
            with self._lock:
                self._reads += 1

    def hold(self, seconds: float) -> None:
        """Let no call start for so long: Stripe said that they come too fast."""
        with self._lock:
            self._closed_until = max(self._closed_until, time.monotonic() + seconds)

    def close(self) -> None:
        """Tell the last reads and let go; a later `wait` opens it again."""
        self._leaser.close(reads=self._flush())

    def _is_on_time(self, moment: float) -> bool:
        while (left := moment - time.monotonic()) > 0:
            time.sleep(left)
        return self._closed_until <= moment and -left <= LATENESS / _MICRO

    def _moment(self, layers: Layers) -> float:
        """A moment of this process's clock: leased by whoever asks first, for all that ask meanwhile."""
        ticket = _Ticket(layers)
        with self._lock:
            self._asking.append(ticket)
            ticket.leases = not self._someone_leases
            self._someone_leases = True
        if not ticket.leases:
            ticket.called.wait()
        if ticket.leases:
            self._lease_for_all()
        if ticket.error is not None:
            raise ticket.error
        return ticket.moment

    def _lease_for_all(self) -> None:
        time.sleep(max(self._gathering_seconds, self._closed_until - time.monotonic(), 0))
        with self._lock:
            tickets, self._asking = self._asking, []
        try:
            self._lease(tickets)
        except Exception as error:  # noqa: BLE001 (each of them raises it in its own thread)
            for ticket in tickets:
                ticket.error = error
        finally:
            self._pass_on()
            for ticket in tickets:
                ticket.called.set()

    def _lease(self, tickets: list[_Ticket]) -> None:
        asked = time.monotonic()
        lease = self._leaser.lease([ticket.layers for ticket in tickets], reads=self._flush())
        between = (asked + time.monotonic()) / 2
        for ticket, moment in zip(tickets, lease.moments, strict=True):
            ticket.moment = between + (moment - lease.now) / _MICRO
        soonest = min(lease.moments) - lease.now - tickets[0].layers[0].gap
        self._gathering_seconds = min(max(soonest * _GATHERING / _MICRO, 0), _LONGEST_GATHERING_SECONDS)

    def _pass_on(self) -> None:
        """The next to lease is the first of those that came in the meantime."""
        with self._lock:
            self._someone_leases = bool(self._asking)
            if self._asking:
                self._asking[0].leases = True
                self._asking[0].called.set()

    def _flush(self) -> int:
        """The reads that no lease has told of yet."""
        with self._lock:
            reads, self._reads = self._reads, 0
            return reads


class _Ticket:
    """One who waits for a moment, or to be the one who leases."""

    __slots__ = ("called", "error", "layers", "leases", "moment")

    def __init__(self, layers: Layers) -> None:
        self.layers = layers
        self.called = threading.Event()
        self.leases = False
        self.moment = 0.0
        self.error: Exception | None = None
