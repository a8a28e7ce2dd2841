"""Signed deliveries: at least once, retried with growing pauses, a bounded number at a time.

    engine.courier.start()          # a thread of its own; the HTTP server runs it in its loop instead
    engine.courier.settle(5)        # wait until nothing is due

A pause is counted by the stand-in's clock, so an accelerated day of retries passes quickly; the signature's time is
the time on the wall, because the receiver compares it with his own.
"""

from __future__ import annotations

import asyncio
import hmac
import threading
import time
from collections import deque
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bookhand.sandbox.stripe.wire import Wire

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call
    from bookhand.sandbox.stripe.endpoints import Endpoint
    from bookhand.sandbox.stripe.engine import Pinstripe
    from bookhand.sandbox.stripe.faults import Fault

SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
  id INTEGER PRIMARY KEY, part INTEGER, event TEXT, endpoint TEXT, due REAL, attempt INTEGER, payload BLOB);
CREATE INDEX IF NOT EXISTS deliveries_by_due ON deliveries (due, id);
CREATE INDEX IF NOT EXISTS deliveries_by_event ON deliveries (event);
"""
# Seconds between one attempt and the next; live goes on for three days, a sandbox tries three times more.
LIVE_PAUSES = (300, 900, 3600, 10_800, 21_600, 43_200, 86_400, 86_400)
SANDBOX_PAUSES = (300, 3600, 10_800)
# An endpoint at which nothing has arrived for so long is disabled.
PATIENCE_SECONDS = 9 * 86_400
HELD = 1e18
AT_ONCE = 32
BATCH = 256
LONGEST_NAP = 0.5


class Delivery(NamedTuple):
    """One event on its way to one endpoint."""

    id: int
    part: int
    event: str
    endpoint: str
    attempt: int
    payload: bytes | None


class Outcome(NamedTuple):
    """What came of one attempt; no endpoint = there is nobody to bring it to any more."""

    delivery: Delivery
    endpoint: Endpoint | None
    arrived: bool


class Courier:
    """Takes what is due and brings it."""

    def __init__(self, engine: Pinstripe) -> None:
        self.engine = engine
        self.live_pauses: tuple[float, ...] = LIVE_PAUSES
        self.sandbox_pauses: tuple[float, ...] = SANDBOX_PAUSES
        self.patience_seconds: float = PATIENCE_SECONDS
        self.timeout_seconds = 10.0
        self.delivered = 0
        self.failed = 0
        self.given_up = 0
        self._taken: set[int] = set()
        self._queue: deque[Delivery] = deque()
        self._outcomes: list[Outcome] = []
        self._under_way = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._stopping = False
        engine.store.db.executescript(SCHEMA)

    # posting

    def post(
        self, call: Call, event: str, endpoint: Endpoint, payload: bytes | None, faults: list[Fault]
    ) -> None:
        """Put an event in the mail; a payload of None is the event as it is stored."""
        due, copies = 0.0, 1
        for fault in faults:
            if fault.kind == "drop":
                return
            if fault.kind == "duplicate":
                copies += 1
            elif fault.kind == "delay":
                due = self.engine.clock.exact() + fault.seconds
            elif fault.kind == "reorder":
                due = HELD
        for _ in range(copies):
            self.engine.store.db.execute(
                "INSERT INTO deliveries (part, event, endpoint, due, attempt, payload) VALUES (?, ?, ?, ?, 0, ?)",
                (call.part, event, endpoint.id, due, payload),
            )
        self.wake()

    def waiting(self) -> int:
        """How many deliveries are not yet made."""
        with self.engine.lock:
            return int(self.engine.store.db.execute("SELECT count(*) FROM deliveries").fetchone()[0])

    def due(self) -> int:
        """How many of them are due now or on their way."""
        with self.engine.lock:
            now = self.engine.clock.exact()
            row = self.engine.store.db.execute(
                "SELECT count(*) FROM deliveries WHERE due <= ?", (now,)
            ).fetchone()
            return int(row[0])

    def settle(self, seconds: float) -> bool:
        """Wait until nothing is due; False if that took too long."""
        until = time.monotonic() + seconds
        while self.due():
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        return True

    # running

    def start(self) -> None:
        """Deliver in a thread of its own, unless somebody delivers already."""
        if self._thread is None and self._loop is None:
            self._stopping = False
            self._thread = threading.Thread(target=lambda: asyncio.run(self.run()), daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop after what is under way."""
        self._stopping = True
        self.wake()
        if self._thread is not None:
            self._thread.join(timeout=self.timeout_seconds + 1)
            self._thread = None

    def wake(self) -> None:
        """There may be something to do."""
        loop, wake = self._loop, self._wake
        if loop is not None and wake is not None and not loop.is_closed():
            loop.call_soon_threadsafe(wake.set)

    async def run(self) -> None:
        """Deliver until stopped."""
        self._stopping = False
        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        wire = Wire(timeout_seconds=self.timeout_seconds)
        tasks: set[asyncio.Task[None]] = set()
        try:
            while not self._stopping:
                self._wake.clear()
                self._settle_outcomes()
                while (delivery := self._take()) is not None:
                    self._under_way += 1
                    task = asyncio.create_task(self._bring(wire, delivery))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
                await self._nap()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._settle_outcomes()
            self._taken.clear()
            self._queue.clear()
            self._under_way = 0
            self._loop = self._wake = None
            await wire.close()

    async def _nap(self) -> None:
        if self._wake is None:
            return
        try:
            async with asyncio.timeout(LONGEST_NAP if self._under_way else self._idle()):
                await self._wake.wait()
        except TimeoutError:
            if not self._under_way:
                self._release()

    def _release(self) -> None:
        """What was held to come after another has waited long enough."""
        with self.engine.lock:
            self.engine.store.db.execute("UPDATE deliveries SET due = 0 WHERE due = ?", (HELD,))

    def _idle(self) -> float:
        with self.engine.lock:
            row = self.engine.store.db.execute("SELECT min(due) FROM deliveries").fetchone()
            if row[0] is None:
                return LONGEST_NAP
            return min(self.engine.clock.wait(row[0]), LONGEST_NAP)

    def _take(self) -> Delivery | None:
        """The next one to bring, if a hand is free."""
        if self._under_way >= AT_ONCE:
            return None
        if not self._queue:
            with self.engine.lock:
                rows = self.engine.store.db.execute(
                    "SELECT id, part, event, endpoint, attempt, payload FROM deliveries WHERE due <= ?"
                    " ORDER BY due, id LIMIT ?",
                    (self.engine.clock.exact(), BATCH),
                ).fetchall()
            fresh = [Delivery(*row) for row in rows if row[0] not in self._taken]
            self._taken.update(delivery.id for delivery in fresh)
            self._queue.extend(fresh)
        return self._queue.popleft() if self._queue else None

    async def _bring(self, wire: Wire, delivery: Delivery) -> None:
        """One attempt; what came of it is written down together with others."""
        outcome = Outcome(delivery, None, arrived=False)
        try:
            endpoint = self.engine.endpoints.get(delivery.endpoint)
            payload = delivery.payload or self._stored(delivery)
            if endpoint is not None and endpoint.enabled and payload is not None:
                secrets = endpoint.secrets(self.engine.clock.exact())
                arrived = await _send(wire, endpoint.url, secrets, payload)
                outcome = Outcome(delivery, endpoint, arrived=arrived)
            self._outcomes.append(outcome)
        finally:
            self._under_way -= 1
            if self._wake is not None:
                self._wake.set()

    def _stored(self, delivery: Delivery) -> bytes | None:
        with self.engine.lock:
            return self.engine.store.body(delivery.part, "event", delivery.event)

    def _settle_outcomes(self) -> None:
        """Write down what came of the attempts since the last time."""
        if not self._outcomes:
            return
        outcomes, self._outcomes = self._outcomes, []
        with self.engine.transaction():
            for outcome in outcomes:
                if outcome.endpoint is None or outcome.arrived:
                    self._finish(outcome.delivery, done=outcome.arrived)
                else:
                    self._postpone(outcome.delivery, outcome.endpoint)
                if outcome.endpoint is not None:
                    self._judge(outcome.endpoint.id, arrived=outcome.arrived)
        self._taken.difference_update(outcome.delivery.id for outcome in outcomes)

    def _finish(self, delivery: Delivery, *, done: bool) -> None:
        """Delivered, or given up."""
        self.delivered += done
        self.given_up += not done
        db = self.engine.store.db
        db.execute("DELETE FROM deliveries WHERE id = ?", (delivery.id,))
        db.execute("UPDATE deliveries SET due = 0 WHERE endpoint = ? AND due = ?", (delivery.endpoint, HELD))
        if done:
            self._tick_off(delivery)

    def _tick_off(self, delivery: Delivery) -> None:
        store = self.engine.store
        body = store.body(delivery.part, "event", delivery.event)
        if body is None:
            return
        event = msgspec.json.decode(body)
        left = store.db.execute(
            "SELECT count(DISTINCT endpoint) FROM deliveries WHERE event = ?", (delivery.event,)
        ).fetchone()[0]
        event["pending_webhooks"] = left
        links: dict[str, str | None] = {} if left else {"delivered": "yes"}
        store.replace(delivery.part, "event", delivery.event, msgspec.json.encode(event), links)

    def _postpone(self, delivery: Delivery, endpoint: Endpoint) -> None:
        pauses = self.live_pauses if endpoint.livemode else self.sandbox_pauses
        self.failed += 1
        if delivery.attempt >= len(pauses):
            self._finish(delivery, done=False)
            return
        due = self.engine.clock.exact() + pauses[delivery.attempt]
        self.engine.store.db.execute(
            "UPDATE deliveries SET due = ?, attempt = attempt + 1 WHERE id = ?", (due, delivery.id)
        )

    def _judge(self, id: str, *, arrived: bool) -> None:  # noqa: A002
        """Remember since when nothing arrives at an endpoint, and disable it when that is too long."""
        endpoints, now = self.engine.endpoints, self.engine.clock.exact()
        known = endpoints.get(id)
        if known is None or not known.enabled:
            return
        if arrived:
            if known.failing_since is not None:
                endpoints.put(msgspec.structs.replace(known, failing_since=None))
        elif known.failing_since is None:
            endpoints.put(msgspec.structs.replace(known, failing_since=now))
        elif now - known.failing_since >= self.patience_seconds:
            endpoints.disable(known)


async def _send(wire: Wire, url: str, secrets: list[str], payload: bytes) -> bool:
    """Did it arrive?"""
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Accept": "*/*; q=0.5, application/xml",
        "Cache-Control": "no-cache",
        "Stripe-Signature": signature(payload, secrets, int(time.time())),
    }
    try:
        return 200 <= await wire.post(url, headers, payload) < 300
    except (OSError, ValueError, EOFError):
        return False


def signature(payload: bytes, secrets: list[str], at: int) -> str:
    """`t=…,v1=…`: HMAC-SHA256 over the time, a dot and the body; one for each secret."""
    signed = f"{at}.".encode() + payload
    macs = [hmac.new(secret.encode(), signed, sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={at}", *(f"v1={mac}" for mac in macs)])
