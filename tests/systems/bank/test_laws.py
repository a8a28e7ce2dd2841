"""What holds of keys and balances, whatever the lines and however they are cut into files."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import accumulate, pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bookhand.core.bank import StatementLine
from bookhand.systems.bank.checks import Span, gaps
from bookhand.systems.bank.keys import keyed

_DAYS = [(date(2026, 1, 1) + timedelta(n)).isoformat() for n in range(12)]


def line(day: str, minor: int, text: str, native: str | None) -> StatementLine:
    return StatementLine(
        account="1", key="", day=day, currency="EUR", minor=minor, description=text, native_id=native
    )


LINES = st.lists(
    st.builds(
        line,
        st.sampled_from(_DAYS),
        st.sampled_from([-150, 100, 5]),
        st.sampled_from(["A", "B"]),
        st.sampled_from([None, None, "N1", "N2"]),
    ),
    max_size=25,
).map(lambda found: sorted(found, key=lambda each: each.day))
WINDOWS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)).map(sorted), max_size=6)


def keys(lines: list[StatementLine]) -> set[str]:
    return {each.key for each in keyed(lines)[0]}


@given(LINES, WINDOWS)
def test_files_that_overlap_by_whole_days_give_the_lines_of_the_whole(lines, windows) -> None:
    whole = [*windows, [0, 5], [6, 11]]
    parts = [keys([each for each in lines if _DAYS[start] <= each.day <= _DAYS[end]]) for start, end in whole]
    assert set().union(*parts) == keys(lines)


@given(LINES)
def test_every_line_has_a_key_of_its_own_and_keeps_what_it_says(lines) -> None:
    kept, said = keyed(lines)
    assert len({each.key for each in kept}) == len(kept)
    assert len(kept) + len(said) == len(lines)
    moved = sum(each.minor for each in lines)
    assert len(keyed(lines, moved=moved)[0]) == len(lines)  # the balances say that all of them count


@given(LINES, st.randoms(use_true_random=False))
def test_the_order_of_equal_lines_does_not_matter(lines, random) -> None:
    shuffled = list(lines)
    random.shuffle(shuffled)
    assert keys(shuffled) == keys(lines)


@settings(max_examples=100)
@given(LINES, st.lists(st.integers(0, 25), max_size=5), st.integers(-500, 500), st.data())
def test_balances_of_any_statements_hold_until_a_line_is_lost(lines, cuts, opening, data) -> None:
    """Statements that follow each other, cut anywhere, in the middle of a day too; and one over all of it."""
    assume(lines)
    places = sorted({0, len(lines), *(min(cut, len(lines)) for cut in cuts)})
    balances = [opening, *accumulate((each.minor for each in lines), initial=opening)][1:]
    spans = [
        Span(lines[start].day, lines[end - 1].day, balances[start], balances[end])
        for start, end in pairwise(places)
    ]
    spans.append(Span(lines[0].day, lines[-1].day, balances[0], balances[-1]))
    moved: dict[str, int] = {}
    for each in lines:
        moved[each.day] = moved.get(each.day, 0) + each.minor
    assert gaps(spans, moved) == []
    assume(
        len({balances[place] for place in places}) == len(places)
    )  # statements that end with the same balance prove less
    lost = data.draw(st.sampled_from(lines))
    assert gaps(spans, {**moved, lost.day: moved[lost.day] - lost.minor}) != []
