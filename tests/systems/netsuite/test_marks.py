"""A document is known again by its key, whatever is in it: laws of external ids and memos."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from bookhand.systems.netsuite.marks import LONGEST_MEMO, external_id, key_in, key_of, memo_of

KEYS = st.text(min_size=1, max_size=120)


@settings(max_examples=60)
@given(KEYS)
def test_a_key_comes_back_from_its_external_id_or_from_the_memo(key: str) -> None:
    memo = memo_of("some words bookhand:another", key)
    assert key_in(memo) == key
    assert key_of(external_id(key), memo) == key
    assert key_of(None, memo) == key
    if not external_id(key).startswith("bookhand-.h."):
        assert key_of(external_id(key), "somebody took the mark away") == key
        assert key_of(external_id(key, "12"), "somebody took the mark away") == key
    assert key_of(external_id(key, "12"), memo) == key
    assert len({external_id(key), external_id(key, "1"), external_id(key, "12")}) == 3


@settings(max_examples=60)
@given(KEYS, KEYS)
def test_another_key_has_another_external_id_in_letters_that_an_address_takes(one: str, two: str) -> None:
    assert (external_id(one) == external_id(two)) == (one == two)
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,160}", external_id(one))


@settings(max_examples=60)
@given(st.text(max_size=2000), st.text(alphabet="abc:_1", min_size=1, max_size=300))
def test_the_mark_is_never_cut_off(words: str, key: str) -> None:
    assert len(memo_of(words, key)) <= LONGEST_MEMO
    assert key_in(memo_of(words, key)) == key


def test_a_very_long_key_is_hashed_and_read_from_the_memo() -> None:
    key = "acct_1:test:" + "x" * 280
    assert len(external_id(key)) < 160
    assert key_of(external_id(key), memo_of("", key)) == key
    assert key_of(external_id(key), "no mark") is None


def test_what_is_not_ours() -> None:
    assert key_of("someone-elses", "their memo") is None
    assert key_of("bookhand-bad.ZZ", None) is None
    assert key_of("bookhand-acct_1.3Atxn", "bookhand:acct_2:txn") == "acct_1:txn", (
        "the id is what NetSuite keeps once"
    )
