"""Breaks: every cause has its sentences, and the same difference has the same key."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookhand.workflows.payouts.breaks import Break, Cause
from bookhand.workflows.payouts.reconciling import break_store


@pytest.mark.parametrize("cause", list(Cause))
def test_each_cause_has_its_sentences(cause):
    assert cause.meaning.endswith(".")
    assert cause.next_step.endswith(".")
    assert len({each.meaning for each in Cause}) == len(Cause)


def test_amount_age_and_message():
    found = Break(
        cause=Cause.BANK_FEE_LINE, currency="JPY", minor=-660, since="2026-02-27", note="Seen twice."
    )
    assert (found.amount, found.age_days("2026-03-02"), found.age_days("2026-01-01")) == ("-660 JPY", 3, 0)
    assert found.message == "A bank line is a fee of the bank. Seen twice."
    assert found.next_step == Cause.BANK_FEE_LINE.next_step


@given(
    payouts=st.lists(st.text(min_size=1), unique=True), lines=st.lists(st.tuples(st.text(), st.text()), unique=True),
    shuffle=st.randoms(use_true_random=False),
)  # fmt: skip
def test_the_key_goes_by_what_it_is_about(payouts, lines, shuffle):
    one = Break(
        cause=Cause.BATCH,
        currency="USD",
        minor=1,
        since="2026-01-01",
        payouts=tuple(payouts),
        lines=tuple(lines),
    )
    other = list(payouts), list(lines)
    for each in other:
        shuffle.shuffle(each)
    again = msgspec.structs.replace(
        one,
        payouts=tuple(other[0]),
        lines=tuple(other[1]),
        minor=2,
        owner="mia",
        note="later",
        since="2026-02-02",
    )
    assert again.key == one.key
    assert msgspec.structs.replace(one, payouts=(*payouts, "po_more")).key != one.key
    assert msgspec.structs.replace(one, cause=Cause.SPLIT).key != one.key


def test_a_break_that_stands_is_told_as_it_is_now(db):
    def stands(cx, minor: int, note: str) -> break_store.Kept:
        one = Break(
            cause=Cause.BREAKDOWN,
            currency="USD",
            minor=minor,
            since="2026-01-01",
            payouts=("po_1",),
            note=note,
        )
        assert break_store.put(cx, 1, [one], gone=()) in {(1, 0), (0, 0)}
        [kept] = break_store.standing(cx)
        return kept

    with db.transaction() as cx:
        first = stands(cx, 100, "Off by 1.00.")
        break_store.assign(cx, first.id, "mia")
        break_store.explain(cx, first.id, explanation="A dollar was lost.", by="mia")
        same = stands(cx, 100, "Off by 1.00 still.")
        assert (same.state, same.found.note) == ("explained", "Off by 1.00 still.")
        more = stands(cx, 900, "Off by 9.00.")
        assert (more.id, more.state, more.found.minor, more.found.owner) == (first.id, "open", 900, "mia")
