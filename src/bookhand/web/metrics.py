"""The metrics, in Prometheus' own text: what this process counted, and what the database says at the moment of asking.

    Meter(db, tally=webhooks.tally).text()

Names begin with ``bookhand_``; labels are a connection's number, its mode and a currency, never a customer or a key.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry, Histogram, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from bookhand.db.engine import Database
from bookhand.systems.meters import METERS
from bookhand.web import store
from bookhand.web.health import WORKER
from bookhand.web.status import BackfillRow, ProofRow
from bookhand.workspace.heartbeat_store import age_seconds

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Meter:
    """All metrics of one process; `tally` is the webhook app's count by outcome."""

    def __init__(self, db: Database, *, tally: Mapping[str, int]) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._since = datetime.now(UTC)
        self._own = CollectorRegistry()
        self._lag = Histogram(
            "bookhand_mail_to_entry_seconds",
            "From the receipt of an event to the entry it led to; of entries written since this process began.",
            buckets=_BUCKETS,
            registry=self._own,
        )
        self._own.register(_Tally(tally))
        self._own.register(_Said(db))

    def text(self) -> bytes:
        """Everything, for a scrape."""
        with self._lock:
            self._measure()
        return generate_latest(self._own) + generate_latest(METERS)

    def _measure(self) -> None:
        with self._db.transaction() as cx:
            self._since, lags = store.lags_since(cx, self._since)
        for lag in lags:
            self._lag.observe(lag)


class _Tally(Collector):
    def __init__(self, tally: Mapping[str, int]) -> None:
        self._tally = tally

    def collect(self) -> Iterator[Metric]:
        """The counts as they stand."""
        found = CounterMetricFamily(
            "bookhand_webhooks",
            "Deliveries to the webhook address, by what became of them.",
            labels=["outcome"],
        )
        for outcome, number in sorted({"accepted": 0, "duplicate": 0, **self._tally}.items()):
            found.add_metric([outcome], number)
        yield found


class _Said(Collector):
    """What the database says; read anew at each scrape."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def describe(self) -> Iterator[Metric]:
        """Nothing: what there is depends on what is connected."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """One short transaction a scrape."""
        with self._db.transaction() as cx:
            status = store.status(cx, at=datetime.now(UTC))
            queue, problems, worker = store.queue(cx), store.problems_by_kind(cx), age_seconds(cx, WORKER)
        modes = {row.id: row.mode for row in status.connections}
        yield _gauge(
            "bookhand_connection_active",
            "1 for an active connection, 0 for one that is paused or disconnected.",
            "connection mode",
            [((row.id, row.mode), row.status == "active") for row in status.connections],
        )
        yield from _proofs(status.proofs, modes)
        yield from _backfills(status.backfills)
        yield _gauge(
            "bookhand_queue_depth",
            "What waits: mail by lane (live, history), mail put aside (parked), calls to make (errands).",
            "connection what",
            queue.items(),
        )
        yield _gauge(
            "bookhand_posting_lag_seconds",
            "How long the oldest live mail has waited; 0 if none waits.",
            "",
            [((), status.live.oldest_waiting_seconds or 0.0)],
        )
        yield _gauge("bookhand_entries", "Entries in the journal.", "", [((), status.live.entries)])
        yield _gauge(
            "bookhand_problems_open", "Problems that wait for a person.", "connection kind", problems.items()
        )
        yield _gauge(
            "bookhand_worker_seen_seconds", "How long ago a worker was last alive.", "", [] if worker is None else [((), worker)]
        )  # fmt: skip


_PROOF = {
    "off_by": "What the books and Stripe's balance differ by, in minor units; 0 is the promise.",
    "clearing": "What the books say is at Stripe, in minor units.",
    "stripe_balance": "What Stripe says is there, in minor units.",
    "unmatched": "The part of clearing that is in no payout yet, in minor units.",
    "suspense": "What is booked and not yet explained, in minor units.",
}


def _proofs(rows: Sequence[ProofRow], modes: Mapping[int, str]) -> Iterator[Metric]:
    labels = [(row, (row.connection_id, modes.get(row.connection_id, ""), row.currency)) for row in rows]
    for name, meaning in _PROOF.items():
        samples = [(values, getattr(row, name)) for row, values in labels if getattr(row, name) is not None]
        yield _gauge(f"bookhand_proof_{name}", meaning, "connection mode currency", samples)
    yield _gauge(
        "bookhand_proof_timestamp_seconds", "When this proof was written down: when something in it changed, or an hour had passed.",
        "connection mode currency", [(values, row.at.timestamp()) for row, values in labels],
    )  # fmt: skip


def _backfills(rows: Sequence[BackfillRow]) -> Iterator[Metric]:
    yield _gauge(
        "bookhand_backfill_objects",
        "Objects that the newest backfill has brought in.",
        "connection list",
        [((row.connection_id, row.what), row.done) for row in rows],
    )
    yield _gauge(
        "bookhand_backfill_complete", "1 for a list that the newest backfill has read to its end.",
        "connection list", [((row.connection_id, row.what), row.complete) for row in rows],
    )  # fmt: skip


def _gauge(name: str, meaning: str, labels: str, samples: Iterable[tuple[tuple[Any, ...], float]]) -> Metric:
    """A metric from samples: the values of its labels (names with spaces between) and the figure."""
    family = GaugeMetricFamily(name, meaning, labels=labels.split())
    for values, figure in samples:
        family.add_metric([str(value) for value in values], float(figure))
    return family
