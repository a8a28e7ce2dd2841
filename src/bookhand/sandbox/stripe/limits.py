"""Rate limits in layers: the account, the endpoint, the resource. Each is a bucket that fills by the second.

    limits = Limits(); limits.enabled = True
    limits.take("acct_1", livemode=False, route)     # or StripeError 429 with Stripe-Rate-Limited-Reason
    with limits.place("acct_1", livemode=False, route): …     # the same for what is under way at the same time

Off unless enabled: work in process is not traffic. The figures are Stripe's of 2026 and can be set.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from bookhand.sandbox.stripe.errors import StripeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bookhand.sandbox.stripe.routes import Route


class Rates(msgspec.Struct):
    """Requests a second; `concurrent` and `concurrent_total`: at once, of an endpoint and in all."""

    live: float = 100
    sandbox: float = 25
    endpoint: float = 25
    resources: dict[str, float] = msgspec.field(
        default_factory=lambda: {
            "POST /v1/payouts": 15,
            "GET /v1/files": 20,
            "POST /v1/files": 20,
            "search": 20,
            "POST /v1/accounts": 30,
        }
    )
    concurrent: dict[str, int] = msgspec.field(default_factory=lambda: {"POST /v1/payouts": 30})
    concurrent_total: int | None = None
    sandbox_resources: dict[str, float] = msgspec.field(default_factory=lambda: {"POST /v1/accounts": 5})


class Bucket:
    """Fills with `rate` tokens a second, up to one second's worth."""

    __slots__ = ("at", "level", "rate")

    def __init__(self, rate: float, now: float) -> None:
        self.rate = rate
        self.level = max(rate, 1.0)
        self.at = now

    def take(self, now: float) -> bool:
        """One token, if there is one."""
        self.level = min(max(self.rate, 1.0), self.level + (now - self.at) * self.rate)
        self.at = now
        if self.level < 1:
            return False
        self.level -= 1
        return True


class Limits:
    """All the buckets; real seconds, whatever the stand-in's clock shows."""

    def __init__(self) -> None:
        self.enabled = False
        self.rates = Rates()
        self.refused = 0
        self._buckets: dict[tuple[str, bool, str], Bucket] = {}
        self._under_way: Counter[tuple[str, bool, str]] = Counter()

    def configure(self, rates: Rates, *, enabled: bool = True) -> None:
        """New figures; the buckets start full."""
        self.rates, self.enabled = rates, enabled
        self._buckets.clear()

    def take(self, account: str, livemode: bool, route: Route) -> None:  # noqa: FBT001 - an account's two halves
        """Count one request, or refuse it."""
        if not self.enabled:
            return
        now = time.monotonic()
        for name, rate, reason in self._layers(route, livemode=livemode):
            bucket = self._buckets.get((account, livemode, name))
            if bucket is None:
                bucket = self._buckets[account, livemode, name] = Bucket(rate, now)
            if not bucket.take(now):
                self.refused += 1
                raise too_many(reason)

    @contextlib.contextmanager
    def place(self, account: str, livemode: bool, route: Route) -> Iterator[None]:  # noqa: FBT001
        """Be one of those under way, or be refused because they are too many."""
        name = f"{route.method} {route.path}"
        wanted = {name: self.rates.concurrent.get(name), "": self.rates.concurrent_total}
        held = [(account, livemode, one) for one in wanted]
        for key in held:
            most = wanted[key[2]]
            if self.enabled and most is not None and self._under_way[key] >= most:
                self.refused += 1
                raise too_many("endpoint-concurrency" if key[2] else "global-concurrency")
        self._under_way.update(held)
        try:
            yield
        finally:
            self._under_way.subtract(held)

    def _layers(self, route: Route, *, livemode: bool) -> list[tuple[str, float, str]]:
        rates, name = self.rates, f"{route.method} {route.path}"
        total = rates.live if livemode else rates.sandbox
        layers = [("", total, "global-rate"), (name, rates.endpoint, "endpoint-rate")]
        resource = "search" if route.path.endswith("/search") else name
        own = (None if livemode else rates.sandbox_resources.get(resource)) or rates.resources.get(resource)
        if own is not None:
            layers.append((f"resource {resource}", own, "resource-specific"))
        return layers


def too_many(reason: str) -> StripeError:
    """429: slow down."""
    return StripeError(
        "Request rate limit exceeded. Learn more about rate limits here: https://stripe.com/docs/rate-limits.",
        code="rate_limit",
        status=429,
        headers={"Stripe-Rate-Limited-Reason": reason, "Stripe-Should-Retry": "false"},
    )


def locked() -> StripeError:
    """429: the object is held by another request; no reason header."""
    return StripeError(
        "This object cannot be accessed right now because another API request or Stripe process is currently accessing "
        "it. If you see this error intermittently, retry the request. If you see this error frequently and are making "
        "multiple concurrent requests to a single object, make your requests serially or at a lower rate. For more "
        "details, see https://stripe.com/docs/rate-limits#object-lock-timeouts.",
        code="lock_timeout",
        status=429,
        headers={"Stripe-Should-Retry": "true"},
    )
