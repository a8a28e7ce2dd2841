"""Odd objects: a preview of whatever Stripe might answer is a preview or a refusal, and never an accident."""

from __future__ import annotations

import copy
import json
import re
import unicodedata
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bookhand.core.action import Preview
from bookhand.core.problems import Refusal
from bookhand.systems.stripe.actions import words

from .scenes import SCENES
from .writing import JSON, WRITES, Shop

GONE = object()
ODD = (
    GONE, None, "", "x", "cus_odd", "jpy", "kwd", "isk", "zzz", 0, -1, 7, 10**13, True, False, [], {}, ["x"], [None],
    {"id": "cus_odd", "object": "customer", "deleted": True}, {"data": [{}]}, {"id": None},
    "\x00\u202e\n<b>'; drop table" * 40, "needs_response", "paused", "canceled", "open", "draft", "paid", "send_invoice",
)  # fmt: skip


@cache
def scene(name: str) -> tuple[JSON, JSON, tuple[tuple[Any, ...], ...]]:
    """The values, what was read for them, and every place in it."""
    shop = Shop()
    values = shop.values(name, **SCENES[name](shop))
    found = shop.reads(name, values)
    return values, found, tuple(places(found))


def places(obj: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path into nested values."""
    inside = obj.items() if isinstance(obj, dict) else enumerate(obj) if isinstance(obj, list) else ()
    return [(*at, key) for key, _ in inside] + [
        one for key, value in inside for one in places(value, (*at, key))
    ]


def put(found: JSON, place: tuple[Any, ...], odd: Any) -> None:
    """Something odd in one place, where that place is still there."""
    obj: Any = found
    try:
        for step in place[:-1]:
            obj = obj[step]
        if odd is GONE:
            del obj[place[-1]]
        else:
            obj[place[-1]] = copy.deepcopy(odd)
    except (KeyError, IndexError, TypeError):
        return


@pytest.mark.parametrize("name", sorted(set(WRITES) - {"files.create"}))
@given(data=st.data())
@settings(max_examples=80)
def test_odd_objects_are_previewed_or_refused(name: str, data: st.DataObject) -> None:
    values, read, where = scene(name)
    found = copy.deepcopy(read)
    if where:
        twists = data.draw(
            st.lists(st.tuples(st.sampled_from(where), st.sampled_from(ODD)), min_size=1, max_size=8)
        )
        for place, odd in twists:
            put(found, place, odd)
    plan = WRITES[name].plan
    assert plan is not None
    try:
        told = plan.preview(values, found)
    except Refusal as refusal:
        check(str(refusal))
        return
    assert isinstance(told, Preview)
    for text in (told.says, *told.fees, *told.warnings, *(one.after or "" for one in told.changes)):
        check(text)
    assert all(type(one.minor) is int for one in told.moves)


def check(text: str) -> None:
    """One line of a sane length, without control or direction characters."""
    assert len(text) < 1500
    assert not [char for char in text if unicodedata.category(char).startswith("C")]


@pytest.mark.parametrize("name", sorted(set(WRITES) - {"files.create"}))
def test_nothing_read_is_a_refusal_or_a_preview(name: str) -> None:
    values, read, _ = scene(name)
    plan = WRITES[name].plan
    assert plan is not None
    nothing = ({}, dict.fromkeys(read), {key: {"deleted": True} for key in read})
    if name == "refunds.create" or plan.needed:
        for found in nothing:
            with pytest.raises(Refusal, match=r"^There is no .*\.$"):
                plan.preview(values, found)
    else:
        assert all(plan.preview(values, found).says for found in nothing)


@pytest.mark.parametrize("name", sorted(WRITES))
def test_values_and_reads_are_plain_json(name: str) -> None:
    """They are hashed, stored and shown: no type that JSON does not have."""
    values, _, _ = scene(name)
    action = WRITES[name]
    assert action.plan is not None
    assert action.call is not None
    assert json.loads(json.dumps(values)) == values
    assert json.loads(json.dumps(dict(action.call.fixed))) == dict(action.call.fixed)
    for get in action.plan.reads(values).values():
        assert json.loads(json.dumps(dict(get.params))) == dict(get.params)


@pytest.mark.parametrize("currency", ["jpy", "krw", "kwd", "isk", "huf", "zzz", None])
def test_a_refund_in_any_currency(currency: str | None) -> None:
    charge = {
        "id": "ch_1",
        "amount": 5000,
        "amount_refunded": 0,
        "currency": currency,
        "status": "succeeded",
        "captured": True,
    }
    plan = WRITES["refunds.create"].plan
    assert plan is not None
    told = plan.preview({"charge": "ch_1", "amount": 500}, {"charge": charge, "disputes": []})
    expected = {"jpy": "¥500", "krw": "500 KRW", "kwd": "0.500 KWD", "isk": "5.00 ISK", "huf": "5.00 HUF"}
    assert expected.get(currency or "", "500 minor units of") in told.says


@pytest.mark.parametrize(
    ("currency", "amount", "said"),
    [
        *(
            (coin, 1234, f"two decimals, and a third that is 0: 1.234 {coin.upper()} cannot be asked for.")
            for coin in ("bhd", "jod", "kwd", "omr", "tnd")
        ),
        ("isk", 1230, "no coin smaller than 1: 12.30 ISK cannot be asked for."),
        ("ugx", 1230, "no coin smaller than 1: 12.30 UGX cannot be asked for."),
    ],
)
def test_a_refund_finer_than_stripe_takes_is_refused_before_anybody_is_asked(
    currency: str, amount: int, said: str
) -> None:
    charge = {
        "id": "ch_1",
        "amount": 5000,
        "amount_refunded": 0,
        "currency": currency,
        "status": "succeeded",
        "captured": True,
    }
    plan = WRITES["refunds.create"].plan
    assert plan is not None
    with pytest.raises(Refusal, match=re.escape(said)):
        plan.preview({"charge": "ch_1", "amount": amount}, {"charge": charge, "disputes": []})
    arrived = {**charge, "amount": amount}
    with pytest.raises(Refusal, match="Leave the amount out to give back all that is left"):
        plan.preview({"charge": "ch_1", "amount": amount}, {"charge": arrived, "disputes": []})
    told = plan.preview({"charge": "ch_1"}, {"charge": arrived, "disputes": []})
    assert told.moves[0].minor == amount, "what arrived so fine goes back whole"


def test_words() -> None:
    assert words.money(123456789, "usd") == "$1,234,567.89"
    assert words.money(None, "usd") == "an unknown amount"
    assert words.whom({"id": "cus_1", "deleted": True}) == "deleted customer cus_1"
    assert words.text("a\u202eb\x07 \n c") == "ab c"
    assert len(words.text("x" * 500)) == words.MOST_CHARACTERS
    assert words.day(None) == "an unknown day"
    assert words.share(4000, 8000, 9001) == 4501
