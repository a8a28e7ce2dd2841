"""Growth: the same work on much more: 100,000 and 1,000,000 balance transactions with ``--long`` (five minutes), else fewer.

A backfill up to its verdict, the full check (every delivery replayed into a second journal and compared), and the Beancount book,
each in a process of its own, whose peak of resident memory is told.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from bench import programs
from bench.backfill import task
from bench.figures import Figure
from bench.ground import UNLIMITED, Ground

SECTION = "scale"
SMALL, LARGE = 30_000, 150_000
LONG_SMALL, LONG_LARGE = 100_000, 1_000_000
CHECKED_A_SECOND = 1_000_000 / 120


def measure(ground: Ground, options: argparse.Namespace) -> Iterator[Figure]:
    small, large = (LONG_SMALL, LONG_LARGE) if options.long else (SMALL, LARGE)
    before = _worked(ground, small, only_backfill=True)
    found = _worked(ground, large)
    one, ten = (each["backfill"]["seconds"] / count for each, count in ((before, small), (found, large)))
    yield Figure(
        section=SECTION, name=f"cost of one in {large:,}", value=ten * 1e6, unit="us", peer=f"of one in {small:,}",
        peer_value=one * 1e6, most=1.2,
    )  # fmt: skip
    for name, told in found.items():
        what = {"backfill": "backfill", "check": "check", "mirror": "Beancount book"}[name]
        yield Figure(
            section=SECTION,
            name=f"resident memory, {what} of {large:,}",
            value=told["peak_mb"],
            unit="MB",
            most=500,
        )
    seconds = found["check"]["seconds"]
    yield Figure(
        section=SECTION, name=f"replay and comparison of {large:,}", value=seconds, unit="s", most=large / CHECKED_A_SECOND,
        note="two minutes for a million",
    )  # fmt: skip
    book = found["mirror"]
    yield Figure(
        section=SECTION, name="Beancount rows written", value=book["objects"] / book["seconds"], unit="/s", least=60_000,
        note=f"{book['entries']:,} transactions, {book['objects']:,} lines, {book['megabytes']:,.0f} MB in {book['seconds']:.1f} s",
    )  # fmt: skip


def _worked(ground: Ground, count: int, *, only_backfill: bool = False) -> dict[str, dict[str, Any]]:
    with (
        programs.running("bench.list_server", "--count", count, "--lists", "balance_transactions") as stripe,
        ground.place(base_url=stripe.url, limits=UNLIMITED) as place,
    ):
        found = {"backfill": task(place, "backfill")}
        if found["backfill"]["phase"] != "complete":
            raise RuntimeError(
                f"The backfill ended {found['backfill']['phase']}: {found['backfill']['verdict']}"
            )
        if not only_backfill:
            found["check"] = task(place, "check")
            if not found["check"]["holds"] or found["check"]["objects"] != count:
                raise RuntimeError(f"The check did not hold: {found['check']['verdict']}")
            found["mirror"] = task(place, "mirror")
    return found


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--long",
        action="store_true",
        help=f"scale: {LONG_SMALL:,} and {LONG_LARGE:,} rather than {SMALL:,} and {LARGE:,}; runs: all that wait are executed",
    )
