"""The same facts in any order, doubled or split over batches, make the same journal, byte for byte."""

from __future__ import annotations

from functools import lru_cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.journal.shapes import a_year, seen

from bookhand.core.facts import BalanceTransaction, Fact
from bookhand.journal import payout_store, store
from bookhand.journal.workflow import read

FACTS = a_year()


def journal_of(db, link, batches: list[list[Fact]]) -> tuple[bytes, dict, dict, list]:
    """The canonical journal after `batches`, its balances and its payouts, written and rolled back."""
    with db.transaction() as cx:
        for batch in batches:
            read(cx, link, seen(batch))
        result = (
            b"".join(store.dump(cx, link)),
            store.balances(cx, link),
            payout_store.linked(cx, link),
            payout_store.unbalanced(cx, link),
        )
        cx.rollback()
    return result


@pytest.fixture
def at_once(db, link):
    return journal_of(db, link, [FACTS])


@lru_cache(maxsize=1)
def _places() -> list[int]:
    return list(range(len(FACTS)))


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_shuffled_doubled_and_split_facts_make_the_same_journal(db, link, at_once, data):
    order = data.draw(st.randoms(use_true_random=False), label="order").sample(_places(), len(FACTS))
    again = data.draw(st.lists(st.sampled_from(_places()), max_size=20), label="told again")
    told = [FACTS[place] for place in [*order, *again]]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(told)), max_size=12), label="cuts"))
    batches = [told[start:end] for start, end in zip([0, *cuts], [*cuts, len(told)], strict=True)]
    assert journal_of(db, link, batches) == at_once


@pytest.mark.parametrize("late", [False, True], ids=["first", "last"])
def test_any_one_fact_told_before_or_after_all_others_makes_the_same_journal(db, link, at_once, late):
    for place, fact in enumerate(FACTS):
        others = FACTS[:place] + FACTS[place + 1 :]
        batches = [others, [fact]] if late else [[fact], others]
        assert journal_of(db, link, batches) == at_once, fact


def test_one_fact_at_a_time_newest_first_makes_the_same_journal(db, link, at_once):
    assert journal_of(db, link, [[fact] for fact in reversed(FACTS)]) == at_once


def test_each_balance_transaction_makes_one_entry_that_alone_touches_clearing(db, link):
    with db.transaction() as cx:
        read(cx, link, seen(FACTS + FACTS))
        touching = [
            entry.key
            for _, entry in store.entries(cx, link)
            if any(line.account.startswith("stripe_clearing") for line in entry.postings)
        ]
    assert sorted(touching) == sorted(fact.id for fact in FACTS if isinstance(fact, BalanceTransaction))


def test_the_running_balances_are_what_the_postings_sum_to(db, link):
    with db.transaction() as cx:
        read(cx, link, seen(FACTS))
        summed = cx.execute(
            "select account, currency, sum(minor)::bigint from journal_posting group by account, currency"
        ).fetchall()
        assert store.balances(cx, link) == {(account, currency): minor for account, currency, minor in summed}
