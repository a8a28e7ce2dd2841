"""Start the stand-in Stripe: `python -m bookhand.sandbox.stripe --port 12111`.

With a company that has lived a year and goes on making payments: `… --world seed=1 --live 2`. It begins afresh each
time, in the file of `--db` or in a private one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bookhand.sandbox.serving import bound
from bookhand.sandbox.stripe.clock import Clock
from bookhand.sandbox.stripe.engine import Pinstripe
from bookhand.sandbox.stripe.limits import Rates
from bookhand.sandbox.stripe.server import serve
from bookhand.sandbox.world.options import go_on, running, world_of
from bookhand.sandbox.world.world import World


def main() -> None:
    """Serve until stopped."""
    chosen = _options().parse_args()
    world = world_of(chosen.world) if chosen.world is not None else None
    with (
        _engine(chosen, world) as engine,
        _traffic(engine, chosen, world),
        bound(chosen.host, chosen.port) as sock,
    ):
        engine.latency_seconds = chosen.latency / 1000
        if chosen.limits:
            engine.limits.configure(Rates())
        host, port = sock.getsockname()[:2]
        keys = engine.keys()
        sys.stdout.write(
            f"Pinstripe on http://{host}:{port}\n  test key {keys.test}\n  live key {keys.live}\n"
        )
        sys.stdout.flush()
        serve(engine).run(sockets=[sock])


@contextmanager
def _engine(chosen: argparse.Namespace, world: World | None) -> Iterator[Pinstripe]:
    with tempfile.TemporaryDirectory(prefix="pinstripe-") as folder:
        if world is None:
            start, speed = chosen.clock, chosen.speed
            clock = Clock(speed=speed) if start is None else Clock(start, speed=speed)
            engine = Pinstripe(chosen.db, seed=chosen.seed, clock=clock)
            engine.account()
        else:
            engine = running(world, chosen.db or Path(folder) / "world.db", shelf=chosen.shelf, told=_told)
        try:
            yield engine
        finally:
            engine.close()


@contextmanager
def _traffic(engine: Pinstripe, chosen: argparse.Namespace, world: World | None) -> Iterator[None]:
    traffic = go_on(engine, per_second=chosen.live, livemode=world is not None and world.livemode)
    try:
        yield
    finally:
        traffic.pace(0)


def _told(share: float) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\rLiving through the company's time: {share:4.0%}" + ("\n" if share >= 1 else ""))


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="pinstripe", description="A stand-in Stripe.")
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=12111)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--db", type=Path, default=None, help="a SQLite file; a private one without it")
    options.add_argument(
        "--clock", type=int, default=None, help="the moment to begin at, in seconds since 1970"
    )
    options.add_argument(
        "--speed", type=float, default=None, help="seconds of the stand-in for each real one"
    )
    options.add_argument(
        "--world",
        nargs="?",
        const="",
        metavar="WORDS",
        help="a seeded company: seed=1,months=12,customers=200",
    )
    options.add_argument(
        "--live", type=float, default=0, metavar="RATE", help="go on with so many deeds a second"
    )
    options.add_argument(
        "--shelf", type=Path, default=Path(".data/worlds"), help="where made companies are kept"
    )
    options.add_argument("--latency", type=float, default=0, help="milliseconds each answer is held up")
    options.add_argument("--limits", action="store_true", help="Stripe's rate limits")
    return options


if __name__ == "__main__":
    main()
