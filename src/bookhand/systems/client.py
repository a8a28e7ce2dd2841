"""The gate that every call to an outside system goes through: it waits for a moment that its rate limits allow.

Moments come from a `Leaser`: one in this process, or the row in the database that all workers share
(`systems.store.SharedLeaser`). Whoever waits is given exactly one, in the order of asking; where calls have to wait anyway, their
requests are gathered for a part of that wait and leased together, so that many calls cost one trip to the database, and no moment
is leased that nobody uses. A gate is safe to share between threads.

    gate = Gate(LocalLeaser())
    gate.wait((Layer("account", 100), Layer("GET /v1/charges", 25)))      # returns when the call may start

What has to be done right before a call (`begin`: claims renewed, rights looked at) is done shortly before its moment where there is
time for it, so that it makes no call late. Whoever is late gives its moment back and takes another.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from bookhand.systems.limits import Layer, State, binding, give_back, grant
from bookhand.systems.meters import WAITED

_MICRO = 1_000_000
_GATHERING = 0.75
"""The part of the wait that requests are gathered for; the rest is for the trip to the database."""
_LONGEST_GATHERING_SECONDS = 0.25
_AHEAD_SECONDS = 0.2
"""How long before its moment a call is begun."""
_FRESH_SECONDS = 1.0
"""For how long it need not be begun again, if it missed its moment."""

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

    def give_back(self, layers: Layers, moment: int) -> None:
        """A moment that was leased under `layers`, and that nobody used."""
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

    def give_back(self, layers: Layers, moment: int) -> None:
        """See `Leaser`."""
        with self._lock:
            give_back(self._state, layers, moment)

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

    def wait(self, layers: Layers, *, read: bool = True, begin: Callable[[], None] | None = None) -> None:
        """Return when a call under `layers` may start; `begin` is called shortly before, and what it raises goes through."""
        asked, binds, begins = time.monotonic(), binding(layers), Begins(begin)
        while not self._reached(self._ticket(binds), begins):  # one who overslept has lost its turn
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

    def _reached(self, ticket: _Ticket, begins: Begins) -> bool:
        """Whether its moment has come, and is not over yet; else it is given back."""
        on_time = False
        try:
            _sleep_until(ticket.moment - begins.ahead_seconds)
            begins.be_fresh()
            late = _sleep_until(ticket.moment)
            latest = min(layer.lateness for layer in ticket.layers) / _MICRO
            on_time = self._closed_until <= ticket.moment and late <= latest
        finally:
            if not on_time:
                self._leaser.give_back(ticket.layers, ticket.given)
        return on_time

    def _ticket(self, layers: Layers) -> _Ticket:
        """One with a moment of this process's clock: leased by whoever asks first, for all that ask meanwhile."""
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
        return ticket

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
            ticket.given, ticket.moment = moment, between + (moment - lease.now) / _MICRO
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

    __slots__ = ("called", "error", "given", "layers", "leases", "moment")

    def __init__(self, layers: Layers) -> None:
        self.layers = layers
        self.called = threading.Event()
        self.leases = False
        self.given = 0
        """What was leased, by the leaser's clock; `moment` is the same by this process's."""
        self.moment = 0.0
        self.error: Exception | None = None


class Begins:
    """What is to be done right before a call, and when it was done last: a turn that comes within a second needs no second time."""

    def __init__(self, begin: Callable[[], None] | None) -> None:
        self._begin = begin
        self._done_at = float("-inf")
        self.ahead_seconds = 0.0 if begin is None else _AHEAD_SECONDS
        """How long before the next turn to do it; longer by what it took, where it has been done once."""

    def be_fresh(self) -> None:
        """Do it, unless that was a moment ago."""
        if self._begin is not None and time.monotonic() - self._done_at > _FRESH_SECONDS:
            asked = time.monotonic()
            self._begin()
            self._done_at = time.monotonic()
            self.ahead_seconds = _AHEAD_SECONDS + self._done_at - asked


def _sleep_until(moment: float) -> float:
    """How many seconds after `moment` it is by then."""
    while (left := moment - time.monotonic()) > 0:
        time.sleep(left)
    return -left
