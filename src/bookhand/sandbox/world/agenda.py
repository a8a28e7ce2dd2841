"""What is to happen when: a simulation's list of things to do, in order of time.

    agenda = Agenda(engine)
    agenda.at(engine.clock.now() + 86_400, lambda: desk.post("/v1/refunds", charge="ch_1"))
    agenda.run(until)        # between two entries the engine's own jobs run: renewals, payouts, arrivals

A thing done may put more on the list. Entries of one second keep the order in which they were written.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.engine import Pinstripe

Deed = Callable[[], object]
DAY = 86_400
HOUR = 3_600


class Agenda:
    """A heap of deeds; one transaction of the engine for each day, which is what makes a year cheap."""

    def __init__(self, engine: Pinstripe) -> None:
        self.engine = engine
        self._heap: list[tuple[int, int, Deed]] = []
        self._order = count()

    @property
    def now(self) -> int:
        """The engine's clock."""
        return self.engine.clock.now()

    def at(self, ts: int, deed: Deed) -> None:
        """Do it then; what is already past is done next."""
        heapq.heappush(self._heap, (ts, next(self._order), deed))

    def after(self, seconds: int, deed: Deed) -> None:
        """Do it that much later."""
        self.at(self.now + seconds, deed)

    def run(self, until: int, told: Callable[[int], None] = lambda _now: None) -> None:
        """Live through everything up to `until`, a day at a time; `told` hears the clock after each."""
        while self.now < until:
            end = min(until, (self.now // DAY + 1) * DAY)
            with self.engine.transaction():
                self._live_until(end)
            told(end)

    def _live_until(self, end: int) -> None:
        while self._heap and self._heap[0][0] < end:
            ts, _, deed = heapq.heappop(self._heap)
            if ts > self.now:
                self.engine.advance(ts)
            deed()
        self.engine.advance(end)
