"""The database refuses what the invariants forbid, whatever the code above it does."""

from __future__ import annotations

import psycopg
import pytest
from tests.journal.shapes import bt, charge, seen

from bookhand.core.facts import Link
from bookhand.journal import store
from bookhand.journal.workflow import read

_INSERT = (
    "insert into journal_entry (workspace_id, connection_id, key, happened_at, booked_on, kind, why, accounts, currencies,"
    " minors, hash, delivery) values (1, %s, 'x', 0, '2026-01-01', 'charge', '', %s, %s, %s, '', 0)"
)


def test_an_entry_that_does_not_sum_to_zero_is_refused(db, link):
    with db.transaction() as cx, pytest.raises(psycopg.errors.CheckViolation):
        cx.execute(_INSERT, (link.connection_id, ["a", "b"], ["USD", "USD"], [5, -4]))


def test_two_currencies_do_not_balance_each_other(db, link):
    with db.transaction() as cx, pytest.raises(psycopg.errors.CheckViolation):
        cx.execute(_INSERT, (link.connection_id, ["a", "b"], ["USD", "EUR"], [5, -5]))


def test_two_currencies_that_balance_by_themselves_are_taken(db, link):
    with db.transaction() as cx:
        cx.execute(
            _INSERT, (link.connection_id, ["a", "b", "c", "d"], ["USD", "EUR", "USD", "EUR"], [5, 7, -5, -7])
        )


@pytest.mark.parametrize(
    "statement",
    [
        "update journal_entry set why = 'changed'",
        "delete from journal_entry",
        "delete from journal_period_act",
    ],
)
def test_entries_are_never_edited_or_deleted(db, link, statement):
    with db.transaction() as cx:
        read(cx, link, seen([bt("txn_1", 5)]))
        cx.execute(
            "insert into journal_period_act (workspace_id, period, act, who, why) values (1, '2020-01', 'close', 'a', 'b')"
        )
    with db.transaction() as cx, pytest.raises(psycopg.errors.RestrictViolation):
        cx.execute(statement)


def test_the_journal_is_never_truncated(database_url):
    with psycopg.connect(database_url) as cx, pytest.raises(psycopg.errors.RestrictViolation):
        cx.execute("truncate journal_entry")


def test_another_workspace_sees_nothing(db, link, database_url):
    with db.transaction() as cx:
        read(cx, link, seen([bt("txn_1", 5), charge("1", 5)]))
    with db.transaction() as cx:
        cx.execute("select set_config('bookhand.workspace', '2', true)")
        for table in ("journal_entry", "journal_posting", "journal_balance", "journal_source"):
            assert cx.execute(f"select count(*) from {table}").fetchone() == (0,)


def test_the_same_key_with_other_content_is_refused_with_a_problem(db, link):
    with db.transaction() as cx:
        read(cx, link, seen([bt("txn_1", 5)]))
        [problem] = read(cx, link, seen([bt("txn_1", 6)]))
        [again] = read(cx, link, seen([bt("txn_2", 6), bt("txn_2", 7)]))
        entries = {entry.key: entry.postings[0].minor for _, entry in store.entries(cx, link)}
    assert (problem.kind, problem.subject) == ("entry_changed", "txn_1")
    assert (again.kind, again.subject) == ("entry_changed", "txn_2")
    assert entries == {"txn_1": 5, "txn_2": 6}


def test_ids_with_odd_letters_are_kept_as_they_are(db, link):
    odd = "txn_\t\"{back\\slash},\nline's"
    with db.transaction() as cx:
        read(cx, link, seen([bt(odd, 5, source="ch_\\N", balance_type='odd "type", {}')]))
        [(_, entry)] = store.entries(cx, link)
    assert entry.key == odd
    assert entry.refs == {"balance_transaction": odd, "source": "ch_\\N"}
    assert entry.postings[0].account == 'stripe_clearing:odd "type", {}'


def test_connections_have_journals_of_their_own(db, new_link):
    one: Link = new_link()
    two: Link = new_link(account="acct_2")
    with db.transaction() as cx:
        read(cx, one, seen([bt("txn_1", 5)]))
        read(cx, two, seen([bt("txn_1", 7)]))
        assert store.balances(cx, one)["stripe_clearing:payments", "USD"] == 5
        assert store.balances(cx, two)["stripe_clearing:payments", "USD"] == 7
