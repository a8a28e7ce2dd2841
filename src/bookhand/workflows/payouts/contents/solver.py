"""What may be in a payout that Stripe has no list of: which of the candidates add up to it, and whether only they do. Pure.

A manual or instant payout is an amount. `solve` looks for the candidates (signed amounts, in the order in which they became available)
that sum to it exactly. Money is spent first come first served by custom only, so a run from the beginning that fits is a proposal, not
a proof: ``unique`` is said only where every subset was counted and exactly one fits. Otherwise it is ``ambiguous`` (two are known),
``unsolved`` (none fits, proven) or ``gave_up`` (the bound on work was reached before a proof).

>>> solve([500, 300, 1100], 800).outcome, solve([500, 300, 800], 800).outcome, solve([500, 300], 700).outcome
('unique', 'ambiguous', 'unsolved')

How it counts: a negative amount that is left out is the same as its opposite put in, so all amounts are positive and the target moves
by their sum. Two subsets that differ in few places are looked for first, for most real questions have thousands of answers. Then few
candidates are met in the middle, a search with bounds tries to come to its end, and small sums are counted in a bitset: for every sum
at once whether it can be made, and whether it can be made twice. Each has its bound on work, in numbers of operations and not in
seconds, so that the same question always has the same answer; a thousand candidates take less than a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import gcd
from typing import Literal

import msgspec

Outcome = Literal["unique", "ambiguous", "unsolved", "gave_up"]
How = Literal["in_order", "searched", "none"]

MOST_CANDIDATES = 2_000
"""With more, only runs from the beginning are looked at."""
_MIDDLE = 30
_NODES = 40_000
_BITS = 2_500_000_000
_NEAR = 160
_ENOUGH = 2


class Solution(msgspec.Struct, frozen=True, kw_only=True):
    """`members` are places in the candidates: a proposal, also where others would fit as well; None where no answer is known.

    `at_least` is how many answers are known, counted no further than two.
    """

    outcome: Outcome
    how: How
    members: tuple[int, ...] | None = None
    at_least: int = 0


def solve(amounts: Sequence[int], target: int) -> Solution:
    """The candidates that sum to `target`; see the module's docstring."""
    run = in_order(amounts, target)
    known = [] if run is None else [run]
    if len(amounts) <= MOST_CANDIDATES:
        known = _two_of(known, _exchanged(amounts, target, run))
        counted = None if len(known) == _ENOUGH else _counted(amounts, target)
        if counted is not None:
            outcome: Outcome = ("unsolved", "unique", "ambiguous")[len(counted)]  # type: ignore[assignment]
            return _said(outcome, _two_of(known, counted), run, at_least=len(counted))
    outcome = "ambiguous" if len(known) == _ENOUGH else "gave_up"
    return _said(outcome, known, run, at_least=len(known))


def in_order(amounts: Sequence[int], target: int) -> tuple[int, ...] | None:
    """The shortest run from the beginning that sums to `target`, if one does."""
    total = 0
    for place in range(len(amounts) + 1):
        if total == target:
            return tuple(range(place))
        total += amounts[place] if place < len(amounts) else 0
    return None


def _said(
    outcome: Outcome, known: Sequence[tuple[int, ...]], run: tuple[int, ...] | None, *, at_least: int
) -> Solution:
    how: How = "none" if not known else "searched" if run is None else "in_order"
    return Solution(outcome=outcome, how=how, members=known[0] if known else None, at_least=at_least)


def _two_of(known: list[tuple[int, ...]], more: Iterator[tuple[int, ...]] | Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    found = list(known)
    for each in more:
        if len(found) == _ENOUGH:
            break
        if each not in found:
            found.append(each)
    return found


# --- answers that differ in few places ---


def _exchanged(amounts: Sequence[int], target: int, run: tuple[int, ...] | None) -> Iterator[tuple[int, ...]]:
    """From the run that comes nearest: up to two of its last members out, up to two of the next candidates in."""
    base = len(run) if run is not None else _nearest(amounts, target)
    short = target - sum(amounts[:base])
    inside, outside = range(max(0, base - _NEAR), base), range(base, min(len(amounts), base + _NEAR))
    out_by_sum: dict[int, tuple[int, ...]] = {}
    for places in _up_to_two(inside):
        out_by_sum.setdefault(sum(amounts[place] for place in places), places)
    for added in _up_to_two(outside):
        removed = out_by_sum.get(sum(amounts[place] for place in added) - short)
        if removed is not None:
            gone = set(removed)
            yield (*(place for place in range(base) if place not in gone), *added)


def _nearest(amounts: Sequence[int], target: int) -> int:
    total, best, least = 0, 0, abs(target)
    for place, amount in enumerate(amounts, 1):
        total += amount
        if abs(target - total) < least:
            best, least = place, abs(target - total)
    return best


def _up_to_two(places: range) -> Iterator[tuple[int, ...]]:
    yield ()
    for one in places:
        yield (one,)
    for one in places:
        for other in range(one + 1, places.stop):
            yield one, other


# --- counting: up to two answers and none missed, or None where the bound is reached ---


def _counted(amounts: Sequence[int], target: int) -> list[tuple[int, ...]] | None:
    """Up to two subsets that sum to `target`; less than two only where there are no more."""
    turned = frozenset(place for place, amount in enumerate(amounts) if amount < 0)
    goal = target - sum(amounts[place] for place in turned)
    found = _of_positive([abs(amount) for amount in amounts], goal)
    return None if found is None else [tuple(sorted(each ^ turned)) for each in found]


def _of_positive(sizes: list[int], goal: int) -> list[frozenset[int]] | None:
    total = sum(sizes)
    if not 0 <= goal <= total:
        return []
    if 2 * goal > total:  # what is left out is the smaller part
        left_out = _of_positive(sizes, total - goal)
        return None if left_out is None else [frozenset(range(len(sizes))) - each for each in left_out]
    useful = sorted((place for place, size in enumerate(sizes) if size <= goal), key=lambda place: sizes[place])
    unit = gcd(*(sizes[place] for place in useful)) or 1
    if goal % unit:
        return []
    small = [sizes[place] // unit for place in useful]
    for count in (_met_in_the_middle, _searched, _in_bits):
        found = count(small, goal // unit)
        if found is not None:
            return [frozenset(useful[place] for place in each) for each in found]
    return None


def _met_in_the_middle(sizes: list[int], goal: int) -> list[list[int]] | None:
    if len(sizes) > _MIDDLE:
        return None
    half = len(sizes) // 2
    by_sum: dict[int, list[int]] = {}
    for mask, total in enumerate(_sums(sizes[:half])):
        by_sum.setdefault(total, []).append(mask)
    found: list[list[int]] = []
    for mask, total in enumerate(_sums(sizes[half:])):
        for other in by_sum.get(goal - total, ()):
            found.append([*_places(other), *(half + place for place in _places(mask))])
            if len(found) == _ENOUGH:
                return found
    return found


def _sums(sizes: list[int]) -> list[int]:
    """The sum of every subset, by its mask."""
    sums = [0]
    for size in sizes:
        sums += [total + size for total in sums]
    return sums


def _places(mask: int) -> list[int]:
    return [place for place in range(mask.bit_length()) if mask >> place & 1]


def _searched(sizes: list[int], goal: int) -> list[list[int]] | None:
    """Largest first, every branch until what is left is too much or too little; None after `_NODES` of them. `sizes` ascend."""
    reach = [0]
    for size in sizes:
        reach.append(reach[-1] + size)
    found: list[list[int]] = []
    stack: list[tuple[int, int, Chain]] = [(len(sizes), goal, None)]
    for _ in range(_NODES):
        if not stack:
            return found
        count, left, chain = stack.pop()
        if count == 0 or reach[count] < left:
            if left == 0:
                found.append(_unrolled(chain))
            if len(found) == _ENOUGH:
                return found
            continue
        size = sizes[count - 1]
        stack.append((count - 1, left, chain))
        if size <= left:
            stack.append((count - 1, left - size, (count - 1, chain)))
    return None


Chain = tuple[int, "Chain"] | None


def _unrolled(chain: Chain) -> list[int]:
    places = []
    while chain is not None:
        place, chain = chain
        places.append(place)
    return places


def _in_bits(sizes: list[int], goal: int) -> list[list[int]] | None:
    """Bit `s` of `once`: the sum `s` can be made; of `twice`: in two ways or more. `sizes` ascend."""
    if len(sizes) * goal > _BITS:
        return None
    once, twice, reach, kept = 1, 0, 0, {0: 1}
    whole = (1 << goal + 1) - 1
    every = max(1, len(sizes) // 32)
    for place, size in enumerate(sizes):
        moved = once << size
        twice |= (twice << size) | (once & moved)
        once |= moved
        reach += size
        if reach > goal:
            once, twice = once & whole, twice & whole
        if twice >> goal & 1:
            return _one_of(sizes, goal, place + 1, kept, every) * _ENOUGH
        if (place + 1) % every == 0:
            kept[place + 1] = once
    return _one_of(sizes, goal, len(sizes), kept, every) if once >> goal & 1 else []


def _one_of(sizes: list[int], goal: int, count: int, kept: dict[int, int], every: int) -> list[list[int]]:
    """One of the ways, walked backwards through what could be made before each size."""
    places: list[int] = []
    whole = (1 << goal + 1) - 1
    while count:
        start = (count - 1) // every * every
        before = [kept[start]]
        for place in range(start, count - 1):
            before.append((before[-1] | before[-1] << sizes[place]) & whole)
        for place in range(count - 1, start - 1, -1):
            if not before[place - start] >> goal & 1:
                places.append(place)
                goal -= sizes[place]
        count = start
    return [places]
