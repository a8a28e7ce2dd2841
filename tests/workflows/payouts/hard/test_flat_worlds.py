"""Where few amounts are many payouts', the data often cannot decide: then a person is asked, and nothing certain is wrong."""

from __future__ import annotations

from bookhand.workflows.payouts import matcher
from bookhand.workflows.payouts.matching import Match

from .flat_world import BOUNDS, FlatWorld

_WORLDS = 1_500
_MOSTLY = 0.5


def test_nothing_is_wrong_and_most_is_decided() -> None:
    """Every certain match is whole and holds nothing else; more than half of what came is certain."""
    certain = came = 0
    for seed in range(_WORLDS):
        world = FlatWorld(seed)
        matches = matcher.match(world.payouts, world.lines, BOUNDS).matches
        for match in matches:
            assert _is_whole(world, match), f"world {seed}: {match}"
        certain += sum(len(match.lines) for match in matches)
        came += sum(bool(payouts) for payouts in world.truth.values())
    assert certain > _MOSTLY * came


def _is_whole(world: FlatWorld, match: Match) -> bool:
    """The payouts of its lines are the match's own, and so are all of their lines."""
    payouts = frozenset(match.payouts)
    paid = frozenset[str]().union(*(world.truth[line] for line in match.lines))
    lines = {line for line, of in world.truth.items() if of & payouts}
    return paid == payouts and lines == set(match.lines)
