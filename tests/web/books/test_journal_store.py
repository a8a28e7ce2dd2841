"""The journal as pages read it: whatever is asked for, walking page by page gives what there is, once, in order, with bounded work."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.books.company import first, second, third, told
from tests.journal.shapes import DAY, START, bt

from bookhand.journal import store as journal
from bookhand.journal.workflow import read
from bookhand.web.books import journal_store
from bookhand.web.books.journal_store import OFTEN, Wanted


@pytest.fixture
def links(db, link, new_link):
    other = new_link(account="acct_other")
    with db.transaction() as cx:
        read(cx, link, told(first(), second(), third()))
        read(
            cx,
            other,
            told([bt(f"txn_b{n}", 100 + n, source=f"ch_b{n}", at=START + n * DAY * 7) for n in range(9)]),
        )
        read(cx, other, told([bt("txn_b_hold", -50, category="risk_reserved_funds", at=START + 20 * DAY)]))
    return [link, other]


def whole(cx, links, wanted):
    """What fits, straight from the journal."""
    found = []
    for link in links:
        for on, entry in journal.entries(cx, link):
            day = date.fromisoformat(on)
            fits = (
                (wanted.kind in {None, entry.kind})
                and (wanted.account is None or any(
                    each.account == wanted.account and wanted.currency in {None, each.currency} for each in entry.postings))
                and (wanted.since is None or day >= wanted.since)
                and (wanted.until is None or day <= wanted.until)
            )  # fmt: skip
            if fits:
                found.append((day, entry.happened_at, entry.key, link.connection_id))
    return sorted(found, reverse=True)


def walked(cx, links, wanted, *, limit, most_looked):
    found, before = [], None
    for _ in range(500):
        page = journal_store.page(cx, links, wanted, before=before, limit=limit, most_looked=most_looked)
        assert len(page.entries) <= limit
        assert page.next is None or before is None or page.next < before, "every page goes on"
        found += [(*each.place, each.connection_id) for each in page.entries]
        if page.next is None:
            return found
        before = page.next
    pytest.fail("it never ends")


DAYS = st.none() | st.integers(0, 60).map(lambda n: date(2026, 1, 1) + timedelta(days=n))
WANTED = st.builds(
    Wanted,
    account=st.sampled_from([None, "revenue", "stripe_clearing:payments", "reserves", "sales_tax_payable:txr_1", "nothing"]),
    currency=st.sampled_from([None, "USD", "EUR"]),
    kind=st.sampled_from([None, "charge", "risk_reserve", "payout", "dispute", "nothing"]),
    since=DAYS,
    until=DAYS,
)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=WANTED, limit=st.integers(1, 9), most_looked=st.integers(1, 12))
def test_page_by_page_is_all_there_is(db, links, wanted, limit, most_looked):
    with db.transaction() as cx:
        assert walked(cx, links, wanted, limit=limit, most_looked=most_looked) == whole(cx, links, wanted)


def test_a_page_that_ends_early_says_so(db, links):
    with db.transaction() as cx:
        page = journal_store.page(cx, links, Wanted(account="reserves"), before=None, limit=5, most_looked=1)
        assert (page.entries, page.short) == ([], True)
        assert journal_store.page(cx, links, Wanted(), before=None, limit=500).short is False


def test_kinds_are_those_that_occur_and_the_frequent_ones(db, links):
    with db.transaction() as cx:
        assert set(journal_store.kinds(cx)) - set(OFTEN) == {
            "risk_reserve", "dispute", "dispute_lost", "payout_reversal", "tax_returned",
        }  # fmt: skip


def test_an_id_finds_the_movement_and_its_refinements_and_the_objects(db, links):
    with db.transaction() as cx:
        for id_ in ("txn_1", "ch_1"):
            keys = {each.key for each in journal_store.about(cx, links, id_, limit=50)}
            assert "txn_1" in keys
            assert any(key.startswith("txn_1:") for key in keys), "its tax"
            assert not any(key.startswith("txn_1") and key != "txn_1" and ":" not in key for key in keys)
        assert journal_store.about(cx, links, "txn_", limit=50) == []


@pytest.mark.parametrize(
    ("wanted", "index"),
    [(Wanted(), "journal_entry_day"), (Wanted(account="revenue"), "journal_entry_day"), (Wanted(kind="dispute"), "journal_entry_seldom")],
)  # fmt: skip
def test_pages_are_read_by_their_index(db, database_url, link, wanted, index):
    with db.transaction() as cx:
        read(
            cx,
            link,
            told([bt(f"txn_{n:05}", 100, source=f"ch_{n}", at=START + n * 600) for n in range(4000)]),
        )
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("analyze journal_entry")  # as autovacuum does
    with db.transaction() as cx:
        where, values = journal_store._bounds(link, wanted, "2026-01", None)
        plan = cx.execute(
            f"explain select key from journal_entry where {where} order by {journal_store._ORDER} limit 40",
            values,
        ).fetchall()
    assert any(index in line for (line,) in plan), plan
