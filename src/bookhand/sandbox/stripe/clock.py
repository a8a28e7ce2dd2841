"""The stand-in's time: real, simulated (stands still until moved) or accelerated.

clock = Clock(start=1_700_000_000)            # simulated
clock.set(1_700_003_600); clock.now()         # 1700003600
Clock()                                       # real
Clock(start=1_700_000_000, speed=3600)        # an hour each second
"""

from __future__ import annotations

import time


class Clock:
    """Seconds since 1970, as Stripe counts them."""

    def __init__(self, start: float | None = None, *, speed: float | None = None) -> None:
        self.speed = (1.0 if start is None else 0.0) if speed is None else speed
        self._base = time.time() if start is None else float(start)
        self._since = time.monotonic()
        self._real = start is None and self.speed == 1.0

    @property
    def simulated(self) -> bool:
        """True unless this is the time on the wall."""
        return not self._real

    def now(self) -> int:
        """Whole seconds."""
        return int(self.exact())

    def exact(self) -> float:
        """With the fraction."""
        if self._real:
            return time.time()
        return self._base + (time.monotonic() - self._since) * self.speed

    def set(self, to: float) -> None:
        """Jump to a moment and go on from there at the same speed (a real clock becomes a running one)."""
        self._base, self._since, self._real = float(to), time.monotonic(), False

    def advance(self, seconds: float) -> None:
        """Jump ahead."""
        self.set(self.exact() + seconds)

    def run_at(self, speed: float) -> None:
        """Seconds of the stand-in for each real second; 0 stands still."""
        self.set(self.exact())
        self.speed = speed

    def wait(self, until: float) -> float:
        """Real seconds until the clock shows `until`; infinite when it stands still."""
        left = until - self.exact()
        if left <= 0:
            return 0.0
        return left / self.speed if self.speed > 0 else float("inf")
