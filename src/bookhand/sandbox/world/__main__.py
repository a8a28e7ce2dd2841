"""Make a company and keep it in a file: `python -m bookhand.sandbox.world --db company.db seed=1 charges=100000`."""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

from bookhand.sandbox.world.options import world_of


def main() -> None:
    """Make it, and say how long it took and how big it is."""
    options = argparse.ArgumentParser(prog="world", description="A seeded company at the stand-in Stripe.")
    options.add_argument(
        "words", nargs="*", help="seed=1 months=12 customers=200 charges=… until=2026-11-01 odd"
    )
    options.add_argument("--db", type=Path, default=None, help="SQLite file; nothing is kept without it")
    chosen = options.parse_args()
    world = world_of(" ".join(chosen.words))
    began = time.perf_counter()
    engine = world.create(chosen.db, _bar if sys.stderr.isatty() else lambda _share: None)
    took = time.perf_counter() - began
    with engine.session(livemode=world.livemode) as call:
        kinds = (
            "customer",
            "subscription",
            "invoice",
            "charge",
            "refund",
            "dispute",
            "payout",
            "balance_transaction",
        )
        for kind in kinds:
            sys.stdout.write(f"{engine.store.count(call.part, kind):>9,} {kind}\n")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    sys.stdout.write(f"{took:.1f} s, {memory} MB at most, digest {engine.digest()[:16]}\n")
    engine.close()


def _bar(share: float) -> None:
    sys.stderr.write(f"\r{share:4.0%} of the company's time" + ("\n" if share >= 1 else ""))


if __name__ == "__main__":
    main()
