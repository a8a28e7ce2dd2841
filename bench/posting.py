"""From event to balanced entry: how many a second, and how long one takes.

Sustained: events wait in the queue, their balance transactions in Stripe's list (a fast server); `bookhand worker` is started and
the clock runs from the first event that leaves the queue to the last entry that is committed. Lag: `bookhand serve` (web, worker
and keeper in one process) is sent 500 events a second, a tenth of them twice; event n and its balance transaction come to be at
the same moment, and the lag is from that moment until its entry can be read by another connection.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg

from bench import programs
from bench.figures import Figure
from bench.ground import UNLIMITED, Ground, Place

SECTION = "posting"
PACE, AGAIN = 500, 0.1
_LOOK_SECONDS = 0.005
_PATIENCE_SECONDS = 60.0


def measure(ground: Ground, options: argparse.Namespace) -> Iterator[Figure]:
    yield from _sustained(ground, options.events)
    yield from _lag(ground, options.lag_seconds)


# --- sustained ---


def _sustained(ground: Ground, count: int) -> Iterator[Figure]:
    with ExitStack() as held:
        begin = time.time() - 2 * count / PACE
        stripe = _list_server(held, begin, count)
        place = held.enter_context(ground.place(base_url=stripe.url, limits=UNLIMITED))
        with _serving(place, "--no-work") as port:
            _send(place, port, "--count", count)
        worker = [sys.executable, "-m", "bookhand", "worker"]
        with programs.started(worker, port=0, environment=place.environment) as program:
            took = _until_posted(place, count)
            busy = program.processor_seconds()
    yield Figure(
        section=SECTION, name="event to balanced entry, sustained", value=count / took, unit="/s", least=2_000,
        note=f"{count:,} events, {count:,} balance transactions listed, in {took:.1f} s; the worker took {busy:.1f} s of processor time",
    )  # fmt: skip


def _until_posted(place: Place, count: int) -> float:
    """Seconds from the first delivery that leaves the queue until nothing waits and every entry is there."""
    waiting, posted = (
        "select count(*) from queued",
        "select coalesce(sum(entries), 0)::bigint from journal_month",
    )
    began, first = 0.0, place.count(waiting)
    until = time.monotonic() + _PATIENCE_SECONDS + count / 500
    with psycopg.connect(place.url, autocommit=True) as cx:
        while time.monotonic() < until:
            rows = cx.execute(f"select ({waiting}), ({posted})").fetchone()
            left, done = rows or (0, 0)
            now = time.perf_counter()
            if not began and (left != first or done):
                began = now
            if done >= count and not left:
                return now - began
            time.sleep(0.02)
    raise RuntimeError(
        f"After {until:.0f} s {done} of {count} entries were posted, and {left} deliveries waited."
    )


# --- lag ---


def _lag(ground: Ground, seconds: int) -> Iterator[Figure]:
    count = seconds * PACE
    with ExitStack() as held:
        begin = float(int(time.time()) + 8)
        stripe = _list_server(held, begin, count)
        place = held.enter_context(ground.place(base_url=stripe.url, limits=UNLIMITED))
        port = held.enter_context(_serving(place))
        watch = Watch(place, count)
        sent = _send(place, port, "--begin", begin, "--pace", PACE, "--seconds", seconds, "--again", AGAIN)
        seen = watch.until_all()
    lags = sorted(at - (begin + number / PACE) for number, at in seen.items())
    p50, p99 = (lags[int(len(lags) * share)] for share in (0.5, 0.99))
    calm = f"{count:,} events over {seconds} s; longest {lags[-1] * 1000:,.0f} ms; the answers p50 {sent['p50_ms']:.1f}, p99 {sent['p99_ms']:.1f} ms"
    yield Figure(
        section=SECTION, name="lag at 500 events/s, p50", value=p50 * 1000, unit="ms", most=100, note=calm
    )
    yield Figure(section=SECTION, name="lag at 500 events/s, p99", value=p99 * 1000, unit="ms", most=1000)


class Watch:
    """Sees entries as they become visible, by their place in the table, which only grows."""

    def __init__(self, place: Place, count: int) -> None:
        self._place, self._count = place, count
        self._seen: dict[int, float] = {}
        self._thread = threading.Thread(target=self._look)
        self._until = time.monotonic() + count / PACE + _PATIENCE_SECONDS
        self._thread.start()

    def until_all(self) -> dict[int, float]:
        self._thread.join()
        if len(self._seen) < self._count:
            raise RuntimeError(f"{len(self._seen)} of {self._count} entries were seen.")
        return self._seen

    def _look(self) -> None:
        page = since = 0
        with psycopg.connect(self._place.url, autocommit=True) as cx:
            while len(self._seen) < self._count and time.monotonic() < self._until:
                began = max(0, page - _PAGES_BACK)
                found = cx.execute(_NEW, (f"({began},0)", since)).fetchall()
                at = time.time()
                for key, where, _ in found:
                    if key is not None:
                        self._seen.setdefault(int(key[4:]), at)
                        page = max(page, where)
                since = found[-1][2]
                time.sleep(_LOOK_SECONDS)


_PAGES_BACK = 256
"""PostgreSQL makes a table longer by up to 64 pages at once and fills those in any order."""
_NEW = """
with found as materialized (
    select key, (ctid::text::point)[0]::int as page from journal_entry
    where ctid >= %s::tid and xmin::text::bigint >= %s and starts_with(key, 'txn')
)
select key, page, 0::bigint from found
union all select null, 0, pg_snapshot_xmin(pg_current_snapshot())::text::bigint
"""


# --- programs ---


def _list_server(held: ExitStack, begin: float, count: int) -> programs.Program:
    words = ["--begin", begin, "--pace", PACE, "--count", count, "--lists", "balance_transactions"]
    return held.enter_context(programs.running("bench.list_server", *words))


def _serving(place: Place, *words: str) -> ServedAt:
    return ServedAt(place, words)


class ServedAt:
    """`bookhand serve` for the time of a block; gives its port."""

    def __init__(self, place: Place, words: tuple[str, ...]) -> None:
        self._port = programs.free_port()
        command = [sys.executable, "-m", "bookhand", "serve", "--port", str(self._port), *words]
        self._program = programs.started(command, port=self._port, environment=place.environment)

    def __enter__(self) -> int:
        self._program.__enter__()
        return self._port

    def __exit__(self, *what: object) -> None:
        self._program.__exit__(*what)  # type: ignore[arg-type]


def _send(place: Place, port: int, *words: object) -> dict[str, float]:
    command = [
        sys.executable,
        "-m",
        "bench.load",
        "--port",
        port,
        "--path",
        f"/webhooks/stripe/{place.connection.id}",
        *words,
    ]
    told = json.loads(programs.run([str(each) for each in command], seconds=180))
    if told["bad"]:
        raise RuntimeError(f"bookhand answered {told['bad']}.")
    return {name: float(told[name]) for name in ("rate", "p50_ms", "p99_ms")}


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", type=int, default=30_000, help="how many events wait to be posted")
    parser.add_argument("--lag-seconds", type=int, default=15, help="how long 500 events a second are sent")
