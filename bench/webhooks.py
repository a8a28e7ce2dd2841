"""Webhooks: signed, checked, deduplicated and durable before the 200, beside a bare endpoint and two peers.

All stand on one PostgreSQL, each with a database of its own, and are sent the same events over 32 connections by one program,
in rounds whose order turns; the figure is the median round. bookhand is `bookhand serve --no-work`: the whole web process. With
the worker posting beside it in the same process (`bookhand serve`) is a figure of its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import psycopg

from bench import peers, programs
from bench.bare import TABLE
from bench.figures import Figure
from bench.ground import SIGNED_WITH, UNLIMITED, Ground, Place, as_url
from bench.programs import Program

SECTION = "webhooks"
CONNECTIONS = 32
SLOW_PEER_ROUNDS = 1


@dataclass(slots=True)
class Stand:
    """One server under load, and what its rounds were."""

    name: str
    program: Program
    path: str
    rounds: list[dict[str, float]] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    slow: bool = False
    events: int = 0

    def rate(self) -> float:
        return statistics.median(each["rate"] for each in self.rounds)

    def p99(self) -> float:
        return statistics.median(each["p99_ms"] for each in self.rounds)


def measure(ground: Ground, options: argparse.Namespace) -> Iterator[Figure]:
    with ExitStack() as held:
        place = held.enter_context(ground.place())
        ours = Stand("bookhand", _ours(held, place, "--no-work"), f"/webhooks/stripe/{place.connection.id}")
        stands = [ours, *_bare(held, ground)]
        absent = {}
        for name, start in (("sync-engine", _sync_engine), ("dj-stripe", _djstripe)):
            try:
                stands.append(start(held, ground))
            except (peers.AbsentError, RuntimeError) as why:
                absent[name] = str(why)
        _rounds(stands, rounds=options.rounds, seconds=options.seconds)
        _insist_on_durability(ours, place)
        _alone(ours)
    found = {stand.name: stand for stand in stands}
    yield from _figures(found, absent)
    yield _with_work(ground, found, seconds=options.seconds)


def _figures(found: dict[str, Stand], absent: dict[str, str]) -> Iterator[Figure]:
    ours = found["bookhand"]
    goals = {"bare endpoint": 0.8, "sync-engine": 1.5}
    for name in ("bare endpoint", "sync-engine", "dj-stripe", "bare, grouped commits"):
        peer = found.get(name)
        yield Figure(
            section=SECTION, name="durable before the 200, 32 connections", value=ours.rate(), unit="/s", peer=name,
            peer_value=peer.rate() if peer else None, least=goals.get(name), absent=absent.get(name, ""),
        )  # fmt: skip
    load = max(each["processor"] for each in ours.rounds)
    note = f"rounds: {'; '.join(_rounds_of(each) for each in found.values())}; the load itself took {load:.0%} of a core"
    yield Figure(
        section=SECTION,
        name="p99 of the answer at that load",
        value=ours.p99(),
        unit="ms",
        most=20,
        note=note,
    )
    yield Figure(
        section=SECTION, name="one event alone, p50", value=statistics.median(ours.alone), unit="ms", most=2
    )


def _rounds_of(stand: Stand) -> str:
    """Each round, and what a busy machine does not change: the server's own processor time an event."""
    rates = " ".join(f"{each['rate']:,.0f}" for each in stand.rounds)
    busy = 1e6 * sum(each["server"] for each in stand.rounds) / sum(each["sent"] for each in stand.rounds)
    return f"{stand.name} {rates} ({busy:,.0f} us of the server's processor an event)"


# --- rounds ---


def _rounds(stands: list[Stand], *, rounds: int, seconds: float) -> None:
    for stand in stands:
        _load(stand, seconds=1.0)
    for number in range(rounds):
        turn = number % len(stands)
        for stand in [*stands[turn:], *stands[:turn]]:
            if not stand.slow or number < SLOW_PEER_ROUNDS:
                stand.rounds.append(_load(stand, seconds=seconds))


def _alone(stand: Stand) -> None:
    for _ in range(3):
        stand.alone.append(_load(stand, seconds=1.0, connections=1)["p50_ms"])


def _load(stand: Stand, *, seconds: float, connections: int = CONNECTIONS) -> dict[str, float]:
    stand.events += 1_000_000  # every event of its own
    command = [
        sys.executable, "-m", "bench.load", "--port", stand.program.port, "--path", stand.path, "--connections", connections,
        "--seconds", seconds, "--start", stand.events,
    ]  # fmt: skip
    before = stand.program.processor_seconds()
    told = json.loads(programs.run([str(each) for each in command], seconds=seconds + 60))
    told["server"] = stand.program.processor_seconds() - before
    if told["bad"]:
        raise RuntimeError(f"{stand.name} answered {told['bad']}.")
    return {name: float(told[name]) for name in ("rate", "p50_ms", "p99_ms", "processor", "sent", "server")}


def _insist_on_durability(ours: Stand, place: Place) -> None:
    """Every event that was answered 200 lies in the database, once."""
    answered = sum(int(each["sent"]) for each in ours.rounds)
    kept = place.count("select count(*) from delivery where object_id >= 'ch_000000000000000002'")
    if kept != answered:
        raise RuntimeError(f"{answered} events were answered 200 in the rounds and {kept} are kept.")


# --- the servers ---


def _ours(held: ExitStack, place: Place, *words: str) -> Program:
    port = programs.free_port()
    command = [sys.executable, "-m", "bookhand", "serve", "--port", str(port), *words]
    return held.enter_context(programs.started(command, port=port, environment=place.environment))


def _bare(held: ExitStack, ground: Ground) -> Iterator[Stand]:
    for name, factory in (("bare endpoint", "alone"), ("bare, grouped commits", "grouped")):
        database = ground.database()
        held.callback(ground.drop, database)
        with psycopg.connect(database, autocommit=True) as cx:
            cx.execute(TABLE)
        port = programs.free_port()
        command = [
            sys.executable, "-m", "uvicorn", "--factory", f"bench.bare:{factory}", "--port", str(port), "--log-level", "error",
            "--no-access-log",
        ]  # fmt: skip
        environment = {"BENCH_DATABASE": database, "BENCH_SECRET": SIGNED_WITH}
        yield Stand(
            name, held.enter_context(programs.started(command, port=port, environment=environment)), "/"
        )


def _sync_engine(held: ExitStack, ground: Ground) -> Stand:
    modules = peers.node()
    database = ground.database()
    held.callback(ground.drop, database)
    port = programs.free_port()
    environment = {
        "DATABASE_URL": as_url(database), "WEBHOOK_SECRET": SIGNED_WITH, "PORT": str(port), "NODE_PATH": str(modules),
    }  # fmt: skip
    command = ["node", str(peers.HERE / "sync_engine.mjs")]
    return Stand(
        "sync-engine", held.enter_context(programs.started(command, port=port, environment=environment)), "/"
    )


def _djstripe(held: ExitStack, ground: Ground) -> Stand:
    python = peers.python("djstripe")
    database = ground.database()
    held.callback(ground.drop, database)
    stripe = held.enter_context(programs.running("bench.list_server", "--count", 100_000_000))
    port = programs.free_port()
    environment = {"DATABASE_URL": database, "WEBHOOK_SECRET": SIGNED_WITH, "API": stripe.url}
    path = programs.run(
        [str(python), str(peers.HERE / "djstripe_site.py"), "migrate"], environment=environment
    ).split()[-1]
    command = [
        str(python), "-m", "gunicorn", "--chdir", str(peers.HERE), "-w", "2", "--threads", "16", "--keep-alive", "30", "-b", f"127.0.0.1:{port}",
        "--log-level", "error", "--no-control-socket", "djstripe_site:application",
    ]  # fmt: skip
    program = held.enter_context(programs.started(command, port=port, environment=environment))
    return Stand("dj-stripe", program, path, slow=True)


def _with_work(ground: Ground, found: dict[str, Stand], *, seconds: float) -> Figure:
    """The same while the worker of the same process posts what comes."""
    with ExitStack() as held:
        stripe = held.enter_context(
            programs.running("bench.list_server", "--count", 100_000, "--lists", "balance_transactions")
        )
        place = held.enter_context(ground.place(base_url=stripe.url, limits=UNLIMITED))
        busy = Stand("bookhand, posting too", _ours(held, place), f"/webhooks/stripe/{place.connection.id}")
        _rounds([busy], rounds=1, seconds=seconds)
    peer = found.get("sync-engine")
    return Figure(
        section=SECTION, name="the same, while the same process posts", value=busy.rate(), unit="/s", peer="sync-engine",
        peer_value=peer.rate() if peer else None, note=f"p99 {busy.p99():.1f} ms",
    )  # fmt: skip


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=4, help="how long a round of webhooks is")
    parser.add_argument("--rounds", type=int, default=3, help="how many rounds of webhooks each server has")
