"""Make a company and keep it in a file: `python -m bookhand.sandbox.world --db company.db --seed 1 --charges 100000`."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

from bookhand.sandbox.world.options import FLAGS, NAMES, world_of

KINDS = (
    "customer",
    "subscription",
    "invoice",
    "charge",
    "refund",
    "dispute",
    "payout",
    "balance_transaction",
)


def main() -> None:
    """Make it, and say how long it took and how big it is."""
    chosen = _options().parse_args()
    said = {name: value for name in NAMES if (value := getattr(chosen, name)) not in {None, False}}
    world = world_of(" ".join([*chosen.words, *(f"{name}={value}" for name, value in said.items())]))
    began = time.perf_counter()
    engine = world.create(chosen.db, _bar if sys.stderr.isatty() else lambda _share: None)
    took = time.perf_counter() - began
    with engine.session(livemode=world.livemode) as call:
        for kind in KINDS:
            sys.stdout.write(f"{engine.store.count(call.part, kind):>9,} {kind}\n")
    sys.stdout.write(f"{took:.1f} s{_memory()}, digest {engine.digest()[:16]}\n")
    engine.close()


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="world", description="A seeded company at the stand-in Stripe.")
    options.add_argument("words", nargs="*", help="the same as name=value: seed=1 charges=5000 odd")
    options.add_argument("--db", type=Path, default=None, help="SQLite file; nothing is kept without it")
    for name in NAMES:
        if name in FLAGS:
            options.add_argument(f"--{name}", action="store_true")
        else:
            options.add_argument(f"--{name}", default=None)
    return options


def _memory() -> str:
    """The most memory this process had, where the system says so."""
    try:
        resource = importlib.import_module("resource")
    except ImportError:
        return ""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return f", {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit} MB at most"


def _bar(share: float) -> None:
    sys.stderr.write(f"\r{share:4.0%} of the company's time" + ("\n" if share >= 1 else ""))


if __name__ == "__main__":
    main()
