"""Hard cases for the solver of manual payouts, read from ``solver.toml``, and the number of answers counted the plain way."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec

_MOST_WORK = 40_000


class Puzzle(msgspec.Struct, frozen=True, kw_only=True):
    """Candidates, what they should sum to, and which answers are right."""

    name: str
    why: str
    amounts: tuple[int, ...]
    target: int
    right: tuple[str, ...]
    members: tuple[int, ...] | None


def puzzles(file: Path = Path(__file__).parent / "solver.toml") -> list[Puzzle]:
    """All of them, in the order of the file."""
    return [_puzzle(each) for each in tomllib.loads(file.read_text(encoding="utf-8"))["case"]]


def counted(amounts: Sequence[int], target: int) -> int | None:
    """How many subsets sum to `target`: every sum with its number of subsets; None where that is too much work."""
    ways, work = Counter({0: 1}), 0
    for amount in amounts:
        more = Counter({total + amount: count for total, count in ways.items()})
        ways.update(more)
        work += len(ways)
        if work > _MOST_WORK:
            return None
    return ways[target]


def _puzzle(written: dict[str, Any]) -> Puzzle:
    amounts = tuple(amount for each in written["amounts"] for amount in _amounts(each))
    target = (
        written["target"] if "target" in written else sum(amounts[: written["run"]]) + written.get("more", 0)
    )
    right = written["is"]
    return Puzzle(
        name=written["name"],
        why=written["why"],
        amounts=amounts,
        target=target,
        right=(right,) if isinstance(right, str) else tuple(right),
        members=tuple(written["members"]) if "members" in written else None,
    )


def _amounts(each: int | str) -> list[int]:
    """One amount, or a row of them as the file's first lines tell."""
    if isinstance(each, int):
        return [each]
    numbers = [int(found) for found in re.findall(r"-?\d+", each)]
    if " x " in each:
        return [numbers[0]] * numbers[1]
    if " by " in each:
        return list(range(numbers[0], numbers[1] + 1, numbers[2]))
    if "**" in each:
        base, first, last = numbers
        return [
            base**power for power in (range(first, last + 1) if first < last else range(first, last - 1, -1))
        ]
    most, count, seed = numbers
    chance = Random(seed)
    sign = -1 if most < 0 else 1
    return [sign * chance.randint(1, abs(most)) for _ in range(count)]
