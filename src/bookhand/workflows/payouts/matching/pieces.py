"""Payouts and lines of one amount, joined where a line is in reach of a payout, and taken apart into what hangs together; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Leg(NamedTuple):
    """What a payout needs: a line that brings the money (or takes it, where the payout is negative), or one that gives it back."""

    payout: int
    back: bool


Legs = Mapping[int, list[Leg]]
Edges = dict[Leg, list[int]]
Piece = tuple[list[int], list[int]]


def pieces(payouts: Sequence[int], legs: Legs, edges: Edges) -> list[Piece]:
    """Payouts and lines in connected pieces, each with a payout and a line; the two legs of a payout are always together."""
    back: dict[int, list[int]] = {}
    for payout in payouts:
        for leg in legs[payout]:
            for line in edges[leg]:
                back.setdefault(line, []).append(payout)
    found: list[Piece] = []
    seen: set[int] = set()
    for start in payouts:
        if start in seen:
            continue
        some, there, todo = {start}, set[int](), [start]
        while todo:
            new = {line for leg in legs[todo.pop()] for line in edges[leg]} - there
            there |= new
            more = {payout for line in new for payout in back[line]} - some
            some |= more
            todo += more
        seen |= some
        if there:
            found.append((sorted(some), sorted(there)))
    return found
