"""Exact splits of whole minor units.

Every division of money in this room goes through `apportion`, so that parts always sum to their whole:

    >>> apportion([25 * 825, 25 * 825, 50 * 825], 10_000)   # 8.25 % of 25 + 25 + 50 = 8.25
    [2, 2, 4]
    >>> rounded(-7, 2)                                       # halves away from zero
    -4
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MILLIONTHS = 1_000_000


def rounded(numerator: int, denominator: int) -> int:
    """The quotient as a whole number, halves away from zero."""
    if numerator < 0:
        return -rounded(-numerator, denominator)
    return (2 * numerator + denominator) // (2 * denominator)


def apportion(numerators: Sequence[int], denominator: int, whole: int | None = None) -> list[int]:
    """Round each `numerator / denominator` so that the parts sum to the rounded whole (largest remainder)."""
    if len(numerators) == 1 and whole is None:
        return [rounded(numerators[0], denominator)]
    target = rounded(sum(numerators), denominator) if whole is None else whole
    parts = [numerator // denominator for numerator in numerators]
    missing = target - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda i: (-(numerators[i] % denominator), i))
    for i in by_remainder[:missing]:
        parts[i] += 1
    return parts


@lru_cache(maxsize=4096)
def millionths(percentage: str) -> int:
    """A percentage as whole millionths: '8.875' is 88_750."""
    return int(Decimal(percentage) * 10_000)
