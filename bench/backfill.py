"""Backfill from a fast list server (a process of its own, pages from memory), and under Stripe's own limits.

Stored is the listing alone; journaled and proven is `bookhand backfill` up to its verdict, whose clock stops when it said
"complete". Balance transactions are always asked for with their sources expanded, as the journal wants them: 2 kB each.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from bench import peers, programs
from bench.figures import Figure
from bench.ground import UNLIMITED, Ground, Place, as_url
from bench.list_server import BEGAN
from bench.programs import Program

SECTION = "backfill"
LIMITED_LISTS = [
    "balance_transactions",
    "charges",
    "payment_intents",
    "customers",
    "invoices",
    "products",
    "prices",
    "credit_notes",
]
LATENCY_SECONDS = 0.15
LIVE_RATE, SANDBOX_RATE, ENDPOINT_RATE = 100, 25, 25


def measure(ground: Ground, options: argparse.Namespace) -> Iterator[Figure]:
    yield from _fast(ground, options.objects)
    yield from _live_limits(ground)
    yield from _sandbox_limits(ground)


def task(place: Place, name: str, *, seconds: float = 600, **words: Any) -> dict[str, Any]:
    """A piece of bookhand's work on `place`, in a process of its own."""
    said = programs.run(
        [sys.executable, "-m", "bench.task", name, json.dumps(words)],
        environment=place.environment,
        seconds=seconds,
    )
    told: dict[str, Any] = json.loads(said.splitlines()[-1])
    return told


# --- without limits ---


def _fast(ground: Ground, count: int) -> Iterator[Figure]:
    with programs.running(
        "bench.list_server", "--count", count, "--lists", "balance_transactions", "charges"
    ) as stripe:
        sdk = _sdk(ground, stripe, "balance_transactions")
        stored = _brought(ground, stripe, "balance_transactions", count)
        yield _figure("balance transactions stored", stored, least=20_000)
        yield _beside("balance transactions stored", stored, "the SDK's paging", sdk)
        charges = _brought(ground, stripe, "charges", count)
        yield _figure("charges stored", charges, least=8_000)
        yield _beside("charges stored", charges, "the SDK's paging", _sdk(ground, stripe, "charges"))
    with programs.running("bench.list_server", "--count", count // 6, "--lists", "charges") as stripe:
        yield _beside("charges stored", charges, "sync-engine", _sync_engine(ground, stripe))
        yield _beside("charges stored", charges, "tap-stripe (stores nothing)", _tap(ground, stripe))
    with programs.running("bench.list_server", "--count", count, "--lists", "balance_transactions") as stripe:
        yield _figure("stored, journaled and proven", _proven(ground, stripe, count), least=10_000)


def _brought(ground: Ground, stripe: Program, name: str, count: int) -> float:
    with ground.place(base_url=stripe.url, limits=UNLIMITED) as place:
        told = task(place, "bring", lists=[name])
        kept = place.count("select count(*) from delivery")
    if not told["objects"] == kept == count:
        raise RuntimeError(f"{count} {name} were to be stored: {told['objects']} came and {kept} are there.")
    return count / float(told["seconds"])


def _proven(ground: Ground, stripe: Program, count: int) -> float:
    with ground.place(base_url=stripe.url, limits=UNLIMITED) as place:
        told = task(place, "backfill")
        posted = place.count("select count(*) from journal_entry")
    if told["phase"] != "complete" or posted != count:
        raise RuntimeError(
            f"The backfill ended {told['phase']} with {posted} of {count} entries: {told['verdict']}"
        )
    return count / float(told["seconds"])


# --- under Stripe's limits ---


def _live_limits(ground: Ground) -> Iterator[Figure]:
    each = 25_000
    words = [
        "--count", each, "--lists", *LIMITED_LISTS, "--latency", LATENCY_SECONDS, "--account-rate", LIVE_RATE,
        "--endpoint-rate", ENDPOINT_RATE, "--live",
    ]  # fmt: skip
    with (
        programs.running("bench.list_server", *words) as stripe,
        ground.place(base_url=stripe.url, live=True) as place,
    ):
        told = task(place, "bring", lists=LIMITED_LISTS)
        saw = stripe.told()
    if told["objects"] != each * len(LIMITED_LISTS):
        raise RuntimeError(f"Only {told['objects']} objects came.")
    rate = told["objects"] / told["seconds"]
    name = "at 150 ms a page and 100 requests/s"
    yield _figure(name, rate, least=9_000)
    yield Figure(
        section=SECTION,
        name=f"429s {name}",
        value=saw["refused"],
        unit="",
        most=0,
        note=f"{saw['calls']} calls",
    )
    words = ["--count", 2_500, "--lists", "charges", "--latency", LATENCY_SECONDS]
    with programs.running("bench.list_server", *words) as stripe:
        yield _beside(name, rate, "the SDK's paging", _sdk(ground, stripe, "charges"))
        yield _beside(name, rate, "sync-engine", _sync_engine(ground, stripe))


def _sandbox_limits(ground: Ground) -> Iterator[Figure]:
    words = [
        "--count",
        9_000,
        "--lists",
        *LIMITED_LISTS[:4],
        "--account-rate",
        SANDBOX_RATE,
        "--endpoint-rate",
        ENDPOINT_RATE,
    ]
    with programs.running("bench.list_server", *words) as stripe, ground.place(base_url=stripe.url) as place:
        task(place, "bring", lists=LIMITED_LISTS[:4])
        saw = stripe.told()
    share = (saw["calls"] - 1) / saw["seconds"] / SANDBOX_RATE
    note = f"{saw['calls']} calls in {saw['seconds']:.1f} s, {saw['refused']} refused"
    yield Figure(
        section=SECTION,
        name="share of a sandbox's 25 requests/s that is used",
        value=share,
        unit="",
        least=0.95,
        note=note,
    )
    yield Figure(section=SECTION, name="429s in a sandbox", value=saw["refused"], unit="", most=0)


# --- peers ---


def _sdk(ground: Ground, stripe: Program, name: str, *, seconds: float = 6) -> float | str:
    database = ground.database()
    try:
        said = programs.run(
            [sys.executable, "-m", "bench.peers.sdk_paging", database, stripe.url, name, str(seconds)],
            seconds=seconds + 60,
        )
    finally:
        ground.drop(database)
    return _rate(said)


def _sync_engine(ground: Ground, stripe: Program) -> float | str:
    try:
        modules = peers.node()
        database = ground.database()
        environment = {"DATABASE_URL": as_url(database), "API": stripe.url, "NODE_PATH": str(modules)}
        try:
            return _rate(
                programs.run(
                    ["node", str(peers.HERE / "sync_backfill.mjs")], environment=environment, seconds=90
                )
            )
        finally:
            ground.drop(database)
    except (peers.AbsentError, RuntimeError) as why:
        return str(why)


def _tap(ground: Ground, stripe: Program) -> float | str:
    since = datetime.fromtimestamp(BEGAN - 86400, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        python = peers.python("tap")
        command = [str(python), str(peers.HERE / "tap_charges.py"), str(ground.folder)]
        return _rate(programs.run(command, environment={"API": stripe.url, "SINCE": since}, seconds=90))
    except (peers.AbsentError, RuntimeError) as why:
        return str(why)


def _rate(said: str) -> float:
    told = json.loads(said.splitlines()[-1])
    if not told["objects"]:
        raise RuntimeError("it brought nothing")
    return float(told["objects"] / told["seconds"])


# --- figures ---


def _figure(name: str, rate: float, *, least: float) -> Figure:
    return Figure(section=SECTION, name=name, value=rate, unit="/s", least=least)


def _beside(name: str, rate: float, peer: str, found: float | str) -> Figure:
    absent = found if isinstance(found, str) else ""
    peer_value = None if isinstance(found, str) else found
    return Figure(
        section=SECTION, name=name, value=rate, unit="/s", peer=peer, peer_value=peer_value, absent=absent
    )


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--objects", type=int, default=100_000, help="how many objects the fast list server has"
    )
