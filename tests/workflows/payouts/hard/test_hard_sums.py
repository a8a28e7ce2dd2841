"""The solver of manual payouts against hard cases, and against counting every subset."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bookhand.workflows.payouts.contents.solver import solve

from .puzzle import Puzzle, counted, puzzles

PUZZLES = puzzles()
_EACH = pytest.mark.parametrize("puzzle", PUZZLES, ids=[puzzle.name for puzzle in PUZZLES])
_SECONDS = 1.0
"""What a thousand candidates may take; of the processor's time, for other tests run beside."""


@_EACH
def test_the_answer_is_right(puzzle: Puzzle) -> None:
    """The outcome, its members and their sum; and in bounded time."""
    started = time.process_time()
    found = solve(puzzle.amounts, puzzle.target)
    assert time.process_time() - started < _SECONDS
    assert found.outcome in puzzle.right, puzzle.why
    if found.members is not None:
        assert sum(puzzle.amounts[place] for place in found.members) == puzzle.target
        assert len(set(found.members)) == len(found.members)
    if found.outcome == "unique" and puzzle.members is not None:
        assert found.members is not None
        assert tuple(sorted(found.members)) == puzzle.members


@_EACH
def test_the_case_itself_is_right(puzzle: Puzzle) -> None:
    """Where every subset can be counted, the file says what the count says."""
    count = counted(puzzle.amounts, puzzle.target)
    if count is None:
        pytest.skip("too many sums to count")
    assert _said(count) in puzzle.right


_NASTY = st.one_of(
    st.lists(st.sampled_from([100, 200, 300, -100, -300, 2500]), max_size=14),
    st.lists(st.sampled_from([2**power for power in range(10)]), max_size=14),
    st.lists(st.integers(-60, 60), max_size=12),
    st.lists(st.integers(9_995, 10_005), max_size=14),
)


@settings(max_examples=100)
@given(amounts=_NASTY, share=st.data())
def test_never_a_wrong_word(amounts: list[int], share: st.DataObject) -> None:
    """Few candidates are always answered, and as the count of all subsets says; nothing is left out by the empty payout."""
    chosen = share.draw(st.lists(st.sampled_from(range(len(amounts))), unique=True)) if amounts else []
    target = sum(amounts[place] for place in chosen) + share.draw(st.sampled_from([0, 0, 0, 1, -100]))
    if target == 0:
        return
    found = solve(amounts, target)
    assert found.outcome == _said(counted(amounts, target) or 0)
    if found.members is not None:
        assert sum(amounts[place] for place in found.members) == target


def _said(count: int) -> str:
    return {0: "unsolved", 1: "unique"}.get(count, "ambiguous")
