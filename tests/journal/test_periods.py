"""A closed period is never written: a late fact goes to the open one, or waits for a person."""

from __future__ import annotations

import psycopg
import pytest
from tests.journal.shapes import DAY, START, bt, charge, invoice, paid, seen

from bookhand.core.problems import Refusal
from bookhand.journal import period_store, proof_store, store
from bookhand.journal.check_workflow import check
from bookhand.journal.workflow import close_period, configure, read, release_waiting, reopen_period

LATE = [charge("1", 1_190), bt("txn_1", 1_190, source="ch_1", at=START + 3 * DAY)]
TAX = [invoice("1", 1_190, {"txr_a": 190}), paid("1", "1", "1", 1_190)]


@pytest.fixture
def closed(db, link):
    """January and February are closed."""
    with db.transaction() as cx:
        for period in ("2026-01", "2026-02"):
            close_period(cx, link, period, who="Ada", why="Month end")
    return link


def _booked(cx, link):
    return {entry.key: (day, entry.happened_at) for day, entry in store.entries(cx, link)}


def test_a_late_fact_posts_to_the_first_open_day_and_keeps_its_true_date(db, closed):
    with db.transaction() as cx:
        assert read(cx, closed, seen(LATE + TAX)) == []
        booked = _booked(cx, closed)
        assert store.months(cx, closed) == {"2026-03": 2}
    assert booked == {
        "txn_1": ("2026-03-01", START + 3 * DAY),
        "txn_1:tax:inpay_1": ("2026-03-01", START + 3 * DAY),
    }


def test_the_database_itself_refuses_a_closed_period(db, closed):
    with (
        db.transaction() as cx,
        pytest.raises(psycopg.errors.RestrictViolation, match="period 2026-02 is closed"),
    ):
        cx.execute(
            "insert into journal_entry (workspace_id, connection_id, key, happened_at, booked_on, kind, why, accounts,"
            " currencies, minors, hash, delivery) values (1, %s, 'x', 0, '2026-02-28', 'charge', '', '{}', '{}', '{}', '', 0)",
            (closed.connection_id,),
        )


def test_a_late_fact_waits_for_a_person_where_the_company_asked_for_it(db, closed):
    with db.transaction() as cx:
        configure(cx, closed, timezone="UTC", late="ask")
        [problem] = read(cx, closed, seen(LATE))
        assert read(cx, closed, seen(LATE + TAX)) == []
        assert _booked(cx, closed) == {}
        assert proof_store.standing(cx, closed)["USD"].waiting == 1
    assert problem.kind == "late_for_closed_period"
    assert "2026-01, which is closed" in problem.message
    assert check(db, closed, [seen(LATE + TAX)]).holds
    with db.transaction() as cx:
        release_waiting(cx, closed)
        configure(cx, closed, timezone="UTC", late="post_open")
        assert store.waiting(cx, closed) == [], "the tax entry belongs to January too"
        assert _booked(cx, closed)["txn_1"][0] == "2026-03-01"
        assert store.balances(cx, closed)["stripe_clearing:payments", "USD"] == 1_190
    assert check(db, closed, [seen(LATE + TAX)]).holds


def test_what_waits_is_not_posted_a_second_time_after_reopening(db, closed):
    with db.transaction() as cx:
        configure(cx, closed, timezone="UTC", late="ask")
        read(cx, closed, seen(LATE))
        reopen_period(cx, closed, "2026-01", who="Ada", why="One more")
        read(cx, closed, seen(LATE))
        release_waiting(cx, closed)
        assert _booked(cx, closed)["txn_1"][0] == "2026-01-04"
        assert store.balances(cx, closed)["stripe_clearing:payments", "USD"] == 1_190


def test_who_closed_and_reopened_what_is_kept(db, closed):
    with db.transaction() as cx:
        reopen_period(cx, closed, "2026-02", who="Bo", why="A bill was missing")
        acts = [(act.period, act.act, act.who, act.why) for act in period_store.acts(cx, closed.workspace_id)]
        read(cx, closed, seen([bt("txn_feb", 5, at=START + 40 * DAY)]))
        assert _booked(cx, closed)["txn_feb"][0] == "2026-02-10"
    assert acts[-1] == ("2026-02", "reopen", "Bo", "A bill was missing")
    assert len(acts) == 3


def test_the_ledger_date_is_that_of_the_company(db, link):
    with db.transaction() as cx:
        configure(cx, link, timezone="America/New_York", late="post_open")
        read(cx, link, seen([bt("txn_1", 5)]))
        assert _booked(cx, link) == {"txn_1": ("2025-12-31", START)}


def test_a_period_is_a_month(db, link):
    with db.transaction() as cx, pytest.raises(Refusal, match="2026-13"):
        close_period(cx, link, "2026-13", who="Ada", why="")
