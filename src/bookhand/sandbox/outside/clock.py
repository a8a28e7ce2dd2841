"""The stand-in's time: the one on the wall, or one that begins where it is told; both only go forward, and both go on by themselves.

>>> clock = Clock(start=1_767_225_600, stands=True)
>>> clock.advance(3600)
>>> clock.now(), clock.day()
(1767229200.0, '2026-01-01')
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Seconds since 1970; `stands` is a clock that moves only when it is moved."""

    def __init__(self, start: float | None = None, *, stands: bool = False) -> None:
        self._ahead = 0.0 if start is None else start - time.time()
        self._at = (time.time() if start is None else float(start)) if stands else None

    def now(self) -> float:
        """Seconds with the fraction."""
        return time.time() + self._ahead if self._at is None else self._at

    def advance(self, seconds: float) -> None:
        """Jump ahead; ValueError for a jump back."""
        if seconds < 0:
            raise ValueError("The clock only goes forward.")
        if self._at is None:
            self._ahead += seconds
        else:
            self._at += seconds

    def moment(self) -> datetime:
        """The time as UTC."""
        return datetime.fromtimestamp(self.now(), UTC)

    def day(self) -> str:
        """The UTC day, ISO."""
        return self.moment().date().isoformat()
