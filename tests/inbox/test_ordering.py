"""State comes from the newest telling; equal times never decide which is newer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bookhand.inbox.ordering import Sight, settle


def at(as_of: int, digest: str = "a", *, by: str = "event", gone: bool = False) -> Sight:
    return Sight(as_of=as_of, told_by=by, digest=digest, gone=gone)


def test_newer_replaces_and_older_never_does() -> None:
    assert settle(None, at(5)) == "replace"
    assert settle(at(5), at(6, "b")) == "replace"
    assert settle(at(6, "b"), at(5)) == "keep"


def test_the_same_second_decides_nothing_unless_both_say_the_same() -> None:
    assert settle(at(5), at(5)) == "keep"
    assert settle(at(5), at(5, "b")) == "doubt"
    assert settle(at(5, by="listed"), at(5, "b", by="event")) == "doubt"
    assert settle(at(5), at(5, "b", by="fetched")) == "replace"


def test_what_is_gone_does_not_come_back() -> None:
    assert settle(at(5), at(5, "b", gone=True)) == "replace"
    assert settle(at(5), at(4, "b", gone=True)) == "replace"
    assert settle(at(5, gone=True), at(9, "b")) == "keep"


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abc")), min_size=1), st.randoms())
def test_in_any_order_the_newest_second_wins(tellings: list[tuple[int, str]], random) -> None:
    random.shuffle(tellings)
    known = None
    for as_of, digest in tellings:
        if settle(known, at(as_of, digest)) == "replace":
            known = at(as_of, digest)
    assert known is not None
    assert known.as_of == max(as_of for as_of, _ in tellings)
