"""bookhand's benchmarks: ``make bench``, or ``python -m bench [webhooks posting backfill scale standin door runs payouts matching mirror pages]``.

Every figure is measured in this run, beside what it is compared to; absolute numbers are this machine's, ratios travel. Loopback
only; whatever is started is stopped. The table is printed, and written to bench/out/results.json and bench/out/results.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from bench import backfill, door, matching, mirroring, pages, payouts, posting, runs, scale, standin, webhooks
from bench.figures import Figure, as_markdown, keep, show
from bench.ground import Ground

SECTIONS = {
    "webhooks": webhooks,
    "posting": posting,
    "backfill": backfill,
    "scale": scale,
    "standin": standin,
    "door": door,
    "runs": runs,
    "payouts": payouts,
    "matching": matching,
    "mirror": mirroring,
    "pages": pages,
}
OUT = Path(__file__).parent / "out"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sections", nargs="*", metavar="section", help=", ".join(SECTIONS))
    for module in SECTIONS.values():
        module.options(parser)
    chosen = parser.parse_args()
    unknown = set(chosen.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"there is no section {', '.join(sorted(unknown))}: there are {', '.join(SECTIONS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is stopped then too
    out = Console(width=max(Console().width, 150))
    figures: list[Figure] = []
    began = time.monotonic()
    with Ground.laid() as ground:
        for name in chosen.sections or SECTIONS:
            at = time.monotonic()
            out.print(f"[bold]{name}[/] ...", highlight=False)
            figures += _measured(name, ground, chosen)
            keep(figures, OUT / "results.json", machine=_machine(time.monotonic() - began))
            out.print(f"  took {time.monotonic() - at:.0f} s", highlight=False)
    show(out, figures)
    keep(figures, OUT / "results.json", machine=_machine(time.monotonic() - began))
    (OUT / "results.md").write_text(as_markdown(figures) + "\n")
    missed = [each for each in figures if each.held is False]
    out.print(f"{sum(each.held is True for each in figures)} goals held, {len(missed)} not.", highlight=False)
    return 0


def _measured(name: str, ground: Ground, chosen: argparse.Namespace) -> Iterator[Figure]:
    """The figures of a section; what goes wrong in it is a figure that is not held, and the next section goes on."""
    try:
        yield from SECTIONS[name].measure(ground, chosen)
    except Exception as error:  # noqa: BLE001 (whatever it is, it is told in the table)
        yield Figure(
            section=name,
            name="the rest",
            value=None,
            unit="",
            least=0,
            peer="this run",
            absent=f"{type(error).__name__}: {error}",
        )


def _machine(seconds: float) -> dict[str, object]:
    return {
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": platform.system(), "python": platform.python_version(), "load_before_and_after": _loads(), "seconds": round(seconds),
    }  # fmt: skip


def _loads() -> list[float]:
    return [round(each, 2) for each in os.getloadavg()] if hasattr(os, "getloadavg") else []


if __name__ == "__main__":
    sys.exit(main())
