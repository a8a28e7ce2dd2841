"""What the calls to outside systems cost: counted in this process, read by ``/metrics``.

>>> CALLS.labels("stripe", "200").inc()
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

METERS = CollectorRegistry()

CALLS = Counter(
    "bookhand_calls_total",
    "Calls to outside systems, by the HTTP status they were answered with; 'none' is no answer at all.",
    ["system", "status"],
    registry=METERS,
)
TOO_FAST = Counter(
    "bookhand_too_many_requests_total",
    "Answers 429, by the limit the other side named; 'unnamed' is a lock on an object, not a rate.",
    ["system", "limit"],
    registry=METERS,
)
WAITED = Counter(
    "bookhand_rate_limit_wait_seconds_total",
    "Time that calls waited for a moment that our own rate limits allow.",
    registry=METERS,
)
