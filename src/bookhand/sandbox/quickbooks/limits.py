"""How often a company may be called: 500 times a minute, by one app 10 times a second and 40 batches a minute; 120 batches from all apps.

Source: developer.intuit.com, limits and throttles. The windows slide by the wall's clock, whatever the stand-in's own says.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque

import msgspec

from bookhand.sandbox.quickbooks.errors import throttled

_MINUTE = 60.0


class Rates(msgspec.Struct, frozen=True):
    """Calls in a window; `enabled` is whether they are counted at all."""

    realm_minute: int = 500
    app_second: int = 10
    app_batches_minute: int = 40
    realm_batches_minute: int = 120
    enabled: bool = True


class Limits:
    """Sliding windows by what is counted."""

    def __init__(self, rates: Rates) -> None:
        self.rates = rates
        self._windows: dict[tuple[str, ...], deque[float]] = defaultdict(deque)

    def admit(self, realm: str, app: str, *, batch: bool) -> None:
        """Count one call, or refuse it (and count nothing)."""
        if not self.rates.enabled:
            return
        wanted = [
            (("realm", realm), self.rates.realm_minute, _MINUTE),
            (("app", realm, app), self.rates.app_second, 1.0),
        ]
        if batch:
            wanted += [
                (("app batches", realm, app), self.rates.app_batches_minute, _MINUTE),
                (("realm batches", realm), self.rates.realm_batches_minute, _MINUTE),
            ]
        now = time.monotonic()
        for key, most, seconds in wanted:
            window = self._windows[key]
            while window and window[0] <= now - seconds:
                window.popleft()
            if len(window) >= most:
                raise throttled(f"More than {most} in {seconds:g} s by {key[0]}.")
        for key, _, _ in wanted:
            self._windows[key].append(now)
