"""Payouts and bank lines reconciled over the real path: matched, posted, asked, left over, and nothing done twice."""

from __future__ import annotations

import pytest

from bookhand.journal import store as journal
from bookhand.workflows.payouts.breaks import Cause
from bookhand.workflows.payouts.reconciling import break_store, match_store
from bookhand.workflows.payouts.reconciling.workflow import reconcile

ACCOUNT = "DE89370400440532013000"


class Bank:
    """A bank account: ``bank.line(day, minor, "STRIPE …")`` is on its statement."""

    def __init__(self, db) -> None:
        self.db, self.count = db, 0
        with db.transaction() as cx:
            row = cx.execute(
                "insert into connection (workspace_id, system, account, mode, livemode, name, api_version, auth)"
                " values (%s, 'bank', %s, 'test', false, 'Bank', '', 'files') returning connection_id",
                (db.workspace_id, ACCOUNT),
            ).fetchone()
            self.connection = row[0]
            cx.execute(
                "insert into bank_account (workspace_id, connection_id, account, currency) values (%s, %s, %s, 'USD')",
                (db.workspace_id, self.connection, ACCOUNT),
            )

    def line(self, day, minor, description, *, currency="USD", refs=()):
        self.count += 1
        with self.db.transaction() as cx:
            cx.execute(
                "insert into statement_line (workspace_id, connection_id, account, key, day, currency, minor, description, refs, reversal, raw)"
                " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, false, '')",
                (self.db.workspace_id, self.connection, ACCOUNT, f"l{self.count}", day, currency, minor, description, list(refs)),
            )
        return ACCOUNT, f"l{self.count}"

    def covered(self, day):
        with self.db.transaction() as cx:
            cx.execute(
                "insert into bank_statement (workspace_id, connection_id, account, format, last_day, lines, new_lines)"
                " values (%s, %s, %s, 'csv', %s, 0, 0)",
                (self.db.workspace_id, self.connection, ACCOUNT, day),
            )


@pytest.fixture
def bank(db) -> Bank:
    return Bank(db)


def day_of(payout) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(payout["arrival_date"], UTC).date().isoformat()


def balances(db, link):
    with db.transaction() as cx:
        found = journal.balances(cx, link)
    return {account: minor for (account, _), minor in found.items() if minor and not account.startswith("stripe_clearing")}


def standing(db):
    with db.transaction() as cx:
        return {each.found.cause: each for each in break_store.standing(cx)}


def test_a_payout_arrives_and_is_booked_once(db, link, shop, bank):
    shop.pay(10_000)
    shop.wait(7)
    shop.sync()
    (payout,) = shop.payouts()
    bank.line(day_of(payout), 9_680, f"STRIPE PAYOUT {payout['trace_id']['value']}")
    bank.line(day_of(payout), -4_200, "RENT")
    report = reconcile(db, mode="test")
    assert (report.counted, report.matches, report.breaks) == (1, 1, 0)
    assert balances(db, link)["bank:" + ACCOUNT] == 9_680
    assert "bank_in_transit" not in balances(db, link)
    with db.transaction() as cx:
        (kept,) = match_store.standing(cx, [payout["id"]])
        rows = cx.execute("select key, booked_on::text from journal_entry where kind = 'bank_match'").fetchall()
    assert rows == [(f"match:{kept.id}", day_of(payout))]
    again = reconcile(db, mode="test")
    assert not again.changed
    assert balances(db, link)["bank:" + ACCOUNT] == 9_680


def test_what_is_missing_is_a_break_until_it_is_found(db, link, shop, bank):
    shop.pay(10_000)
    shop.wait(7)
    shop.sync()
    (payout,) = shop.payouts()
    bank.covered("2025-11-30")
    assert reconcile(db, mode="test").new_breaks == 1
    found = standing(db)[Cause.MISSING].found
    assert (found.amount, found.payouts) == ("-96.80 USD", (payout["id"],))
    assert not reconcile(db, mode="test").changed
    bank.line(day_of(payout), 9_680, "STRIPE")
    report = reconcile(db, mode="test")
    assert (report.matches, report.closed_breaks, report.breaks) == (1, 1, 0)
