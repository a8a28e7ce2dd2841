"""Which of QuickBooks' rate limits a call stands under, pure.

The company (500 calls a minute), the app at that company (10 a second), and batches (40 a minute). Each count can be overridden for a
connection: ``{"company": 500, "app": 10, "batch": 40}``. Source: developer.intuit.com, limits and throttles, 2026.

A request is counted when it arrives, up to a tenth of a second after its moment and however long the network takes: windows are held
longer for it, so that requests which arrive late do not crowd those after them. All of it costs 1 % of the pace of batches.

>>> [layer.name for layer in layers_of(limits(), batch=True)]
['company', 'app', 'batch']
"""

from __future__ import annotations

from collections.abc import Mapping

from bookhand.core.problems import Refusal
from bookhand.systems.limits import Layer, overridden

BATCH_ITEMS = 30
"""What Intuit recommends at most in one batch (2026)."""
_COUNTS = {"company": 500, "app": 10, "batch": 40}
_WINDOWS = {"company": 60.5, "app": 1.0, "batch": 60.5}
"""Seconds; a minute's are longer by what one request may be longer on its way than another."""
_LATENESS = {"company": 100_000, "app": 200_000, "batch": 100_000}
"""Microseconds. The least of them is what a call may be late: the rest of the app's is for its way."""


def limits(overrides: Mapping[str, object] | None = None) -> dict[str, int]:
    """Calls by layer, with a connection's own counts put in; `Refusal` for a layer nobody knows."""
    unknown = [name for name in overrides or {} if name not in _COUNTS]
    if unknown:
        raise Refusal(f"There is no limit named {unknown[0]!r}: there are {', '.join(_COUNTS)}.")
    return overridden(_COUNTS, overrides or {})


def layers_of(counts: Mapping[str, int], *, batch: bool = False) -> tuple[Layer, ...]:
    """The layers of one call, the widest first."""
    names = ("company", "app", "batch") if batch else ("company", "app")
    return tuple(Layer(name, counts[name], _WINDOWS[name], _LATENESS[name]) for name in names)


def pace(counts: Mapping[str, int]) -> float:
    """Documents a second when they are sent in full batches."""
    return min(counts["batch"] / 60, counts["company"] / 60, counts["app"]) * BATCH_ITEMS
