"""Matching as a process of its own: a labelled world by seed, matched by bookhand and by a bare join, both scored.

    python -m bench.matching_task --payouts 1000 --seed 7 --kinds          precision and recall for each kind of oddity
    python -m bench.matching_task --payouts 1000 --seed 7 --write FOLDER   the labelled data as CSV and JSON lines, and nothing else

Without either it prints one line of JSON for `bench.matching`. Payouts and lines lie in memory in the order in which they
are given, as they come from a database; the labels are put away while the clock runs, for they are the bench's.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from bench.programs import peak_megabytes
from bookhand.core.bank import StatementLine
from bookhand.sandbox.labelled import Label, Score, World, generate, score
from bookhand.workflows.payouts.matcher import match
from bookhand.workflows.payouts.matching import Bounds, Expected

Answer = tuple[tuple[str, ...], tuple[tuple[str, str], ...]]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.matching_task",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--payouts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", action="store_true")
    parser.add_argument("--write", type=Path, metavar="FOLDER")
    chosen = parser.parse_args()
    world = generate(seed=chosen.seed, payouts=chosen.payouts)
    if chosen.write is not None:
        for file in world.write(chosen.write):
            print(file)
        return 0
    told, found = measured(world, chosen.rounds)
    if chosen.kinds:
        show(found)
    else:
        print(json.dumps(told))
    return 0


def measured(world: World, rounds: int) -> tuple[dict[str, Any], Score]:
    """Processor times (the best of the rounds), scores of both, and the peak of resident memory."""
    payouts, bounds = expected(world), bounds_of(world)
    amounts = {one.id: (one.currency, one.minor) for one in world.payouts}
    lines = msgspec.msgpack.decode(msgspec.msgpack.encode(world.lines), type=list[StatementLine])
    labels = msgspec.msgpack.encode(world.labels)
    del world
    before = peak_megabytes(os.getpid())
    ours, ours_seconds = timed(
        lambda: [(one.payouts, one.lines) for one in match(payouts, lines, bounds).matches], rounds
    )
    peak = peak_megabytes(os.getpid())
    theirs, bare_seconds = timed(lambda: bare_join(payouts, lines), rounds)
    known = msgspec.msgpack.decode(labels, type=list[Label])
    found = score(known, ours, equal_amounts=amounts)
    bare = score(known, theirs, equal_amounts=amounts)
    return {
        "payouts": len(payouts), "lines": len(lines), "seconds": ours_seconds, "wrong": found.whole.wrong, "recall": found.whole.recall,
        "decidable": found.whole.decidable, "right": found.whole.right, "bare_seconds": bare_seconds, "bare_wrong": bare.whole.wrong,
        "bare_recall": bare.whole.recall, "peak_mb": peak, "before_mb": before,
        "kinds": {kind: [tally.precision, tally.recall] for kind, tally in found.kinds.items()},
    }, found  # fmt: skip


def expected(world: World) -> list[Expected]:
    return [Expected(**msgspec.structs.asdict(one)) for one in world.payouts]


def bounds_of(world: World) -> Bounds:
    return Bounds(rates={pair: (Decimal(low), Decimal(high)) for pair, (low, high) in world.rates.items()})


def bare_join(payouts: Iterable[Expected], lines: Iterable[StatementLine]) -> list[Answer]:
    """What most people write first: the next payout of the line's currency, amount and day."""
    waiting: dict[tuple[str, int, str], list[str]] = {}
    for payout in payouts:
        waiting.setdefault((payout.currency, payout.minor, payout.arrival_day), []).append(payout.id)
    found: list[Answer] = []
    for line in lines:
        some = waiting.get((line.currency, line.minor, line.day))
        if some:
            found.append(((some.pop(),), ((line.account, line.key),)))
    return found


def timed(work: Callable[[], list[Answer]], rounds: int) -> tuple[list[Answer], float]:
    best, found = float("inf"), list[Answer]()
    for _ in range(rounds):
        gc.collect()
        began = time.process_time()
        found = work()
        best = min(best, time.process_time() - began)
    return found, best


def show(found: Score) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("kind", "labels", "decidable", "told", "told beyond", "wrong", "precision", "recall"):
        table.add_column(name, justify="left" if name == "kind" else "right")
    for kind, tally in [*found.kinds.items(), ("all", found.whole)]:
        table.add_row(
            kind, *(f"{each:,}" for each in (tally.labels, tally.decidable, tally.told, tally.bonus, tally.wrong)),
            *("" if each is None else f"{each:.4f}" for each in (tally.precision, tally.recall)),
        )  # fmt: skip
    Console(width=110).print(table)


if __name__ == "__main__":
    sys.exit(main())
