"""Start the stand-in Stripe: `python -m bookhand.sandbox.stripe --port 12111`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bookhand.sandbox.stripe.clock import Clock
from bookhand.sandbox.stripe.engine import Pinstripe
from bookhand.sandbox.stripe.limits import Rates
from bookhand.sandbox.stripe.server import bound, serve


def main() -> None:
    """Serve until stopped."""
    chosen = _options().parse_args()
    clock = Clock(chosen.clock, speed=chosen.speed) if chosen.clock is not None else Clock(speed=chosen.speed)
    engine = Pinstripe(chosen.db, seed=chosen.seed, clock=clock)
    engine.account()
    engine.latency_seconds = chosen.latency / 1000
    if chosen.limits:
        engine.limits.configure(Rates())
    with bound(chosen.host, chosen.port) as sock:
        host, port = sock.getsockname()[:2]
        keys = engine.keys()
        sys.stdout.write(
            f"Pinstripe on http://{host}:{port}\n  test key {keys.test}\n  live key {keys.live}\n"
        )
        sys.stdout.flush()
        serve(engine).run(sockets=[sock])
    engine.close()


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
    options.add_argument("--latency", type=float, default=0, help="milliseconds each answer is held up")
    options.add_argument("--limits", action="store_true", help="Stripe's rate limits")
    return options


if __name__ == "__main__":
    main()
