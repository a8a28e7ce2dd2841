"""Matching: 100,000 payouts against 120,000 bank lines with planted oddities, beside a bare hash join on amount and day.

Both are scored against the labels, in a process of their own, and timed by the processor: they use one thread and wait for nothing. Ten times the payouts are over the same days, so ten times as dense.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from bench.figures import Figure
from bench.ground import Ground
from bench.programs import ROOT

SECTION = "matching"
SMALL, LARGE = 10_000, 100_000
SEED = 1


def measure(_ground: Ground, _options: argparse.Namespace) -> Iterator[Figure]:
    small, large = _told(SMALL), _told(LARGE)
    yield Figure(
        section=SECTION, name=f"{large['payouts']:,} payouts against {large['lines']:,} lines",
        value=large["payouts"] / large["seconds"], unit="/s", least=50_000,
    )  # fmt: skip
    yield Figure(
        section=SECTION, name="the same", value=large["payouts"] / large["seconds"], unit="/s", peer="a bare join on amount and day",
        peer_value=large["payouts"] / large["bare_seconds"],
    )  # fmt: skip
    yield Figure(
        section=SECTION, name="wrong matches", value=large["wrong"], unit="", most=0,
        note=f"of {large['right'] + large['wrong']:,}; the bare join has {large['bare_wrong']:,} wrong ones",
    )  # fmt: skip
    yield Figure(
        section=SECTION, name="recall of what is decidable", value=large["recall"] * 100, unit="%", least=99,
        note=f"of {large['decidable']:,}; the bare join finds {large['bare_recall']:.1%}; "
        + ", ".join(f"{kind} {recall:.1%}" for kind, (_, recall) in large["kinds"].items() if recall is not None and recall < 1),
    )  # fmt: skip
    yield Figure(
        section=SECTION, name=f"cost of one among {LARGE:,}", value=large["seconds"] / large["payouts"] * 1e6, unit="us",
        peer=f"of one among {SMALL:,}", peer_value=small["seconds"] / small["payouts"] * 1e6, most=1.2,
    )  # fmt: skip
    yield Figure(
        section=SECTION, name="resident memory", value=large["peak_mb"], unit="MB", most=1_000,
        note=f"{large['before_mb']:,.0f} MB of it before the first match: the payouts, the lines, and what made them",
    )  # fmt: skip


def _told(payouts: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.matching_task", "--payouts", str(payouts), "--seed", str(SEED)],
        cwd=ROOT, check=True, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def options(parser: argparse.ArgumentParser) -> None:
    del parser
