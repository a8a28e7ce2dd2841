"""Payouts and lines of one amount, joined where a line is in reach of a payout, and taken apart into what hangs together; pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple


class Leg(NamedTuple):
    """What a payout needs: a line that brings the money (or takes it, where the payout is negative), or one that gives it back."""

    payout: int
    back: bool
    like: int
    """The first of the payouts that nothing tells apart from this one: all of them reach the same lines."""

    @property
    def kind(self) -> Kind:
        """What is the same for all of them."""
        return self.like, self.back


Kind = tuple[int, bool]
Legs = Mapping[int, list[Leg]]
Edges = Mapping[Kind, Collection[int]]
"""The lines that are in reach of legs of a kind."""
Piece = tuple[list[int], list[int]]


def pieces(payouts: Sequence[int], legs: Legs, edges: Edges) -> list[Piece]:
    """Payouts and lines in connected pieces, each with a payout and a line; the two legs of a payout are always together."""
    alike: dict[tuple[Kind, ...], list[int]] = {}
    for payout in payouts:
        alike.setdefault(tuple([leg.kind for leg in legs[payout]]), []).append(payout)
    back: dict[int, list[tuple[Kind, ...]]] = {}
    for kinds in alike:
        for line in {line for kind in kinds for line in edges[kind]}:
            back.setdefault(line, []).append(kinds)
    found: list[Piece] = []
    seen: set[tuple[Kind, ...]] = set()
    for start in alike:
        if start in seen:
            continue
        some, there, todo = {start}, set[int](), [start]
        while todo:
            new = {line for kind in todo.pop() for line in edges[kind]} - there
            there |= new
            more = {kinds for line in new for kinds in back[line]} - some
            some |= more
            todo += more
        seen |= some
        if there:
            found.append((sorted([payout for kinds in some for payout in alike[kinds]]), sorted(there)))
    return found
