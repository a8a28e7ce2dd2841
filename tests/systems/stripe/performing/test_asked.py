"""A call as it is sent: what Stripe reads is what was meant, wherever a value stands."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookhand.core.action import Call
from bookhand.core.problems import Bug, Refusal
from bookhand.sandbox.stripe import forms
from bookhand.systems.stripe.answers import Answer
from bookhand.systems.stripe.performing.asked import asked_of, pairs_of, placed
from bookhand.systems.stripe.performing.verdict import retry_after

NAMES = st.text("abcdefghij_", min_size=1, max_size=8)
LEAVES = st.one_of(
    st.booleans(), st.integers(), st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4), st.dictionaries(NAMES, inner, min_size=1, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_what_stripe_reads_is_what_was_meant(values):
    assert forms.decode(urlencode(pairs_of(values))) == forms.texts(values)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_an_id_stays_one_step_of_its_path(value):
    try:
        path, rest = placed("/v1/coupons/{coupon}/x", {"coupon": value, "name": "A"})
    except Refusal:
        assert value in {".", ".."}
        return
    assert path.count("/") == 4
    assert "?" not in path
    assert "#" not in path
    assert rest == {"name": "A"}


def test_a_path_without_its_id_is_a_bug():
    with pytest.raises(Bug, match="there is no coupon"):
        placed("/v1/coupons/{coupon}", {"name": "A"})


def test_the_mark_goes_where_the_object_takes_it():
    values = {"customer": "cus_1", "metadata": {"a": "b"}, "payment_intent_data": {"metadata": {"c": "d"}}}
    here = dict(asked_of(Call("POST", "/v1/x"), values, marker="m1").pairs)
    assert (here["metadata[a]"], here["metadata[bookhand_call]"]) == ("b", "m1")
    deep = dict(
        asked_of(Call("POST", "/v1/x", deep="payment_intent_data.metadata"), values, marker="m1").pairs
    )
    assert (
        deep["payment_intent_data[metadata][c]"],
        deep["payment_intent_data[metadata][bookhand_call]"],
    ) == ("d", "m1")
    assert "metadata[bookhand_call]" not in deep
    cleared = asked_of(Call("POST", "/v1/x"), {"metadata": ""}, marker="m1").pairs
    assert cleared == (("metadata[bookhand_call]", "m1"),)
    for unmarked in (Call("POST", "/v1/x", marked=False), Call("DELETE", "/v1/x")):
        assert "m1" not in str(asked_of(unmarked, values, marker="m1").pairs)


def test_what_is_fixed_wins():
    call = Call("POST", "/v1/x", {"submit": False}, marked=False)
    assert asked_of(call, {"submit": True}).pairs == (("submit", "false"),)


def test_stripe_says_when_to_come_back():
    def of(status, **headers):
        return retry_after(Answer(status=status, headers=headers, body=b""))

    assert (of(429), of(500), of(429, **{"retry-after": "7"})) == (1.0, 60.0, 7.0)
