"""Which days a bank's statements tell of: none after today, and none after the closing balance, whatever a line is dated."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from tests.workflows.payouts.conftest import day_of

from bookhand.journal import workflow as journal
from bookhand.sandbox.bank.files import render
from bookhand.sandbox.bank.lines import BankAccount, BankLine
from bookhand.systems.bank.intake_workflow import Intake, Waiting
from bookhand.workflows.payouts.breaks import Cause
from bookhand.workflows.payouts.reconciling import break_store, open_store
from bookhand.workflows.payouts.reconciling.workflow import reconcile

AHEAD = "2079-01-05"
"""As far ahead as two digits of a year can say (SWIFT's rule: 80 to 99 are of the last century)."""


def after(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days)).isoformat()


def taken(db, kind, *lines, until=None) -> None:
    """A statement file with these days in it, taken in; a CSV's columns are confirmed."""
    rows = tuple(
        BankLine(id=f"T{n}", day=day, minor=-100 - n, description="TEA") for n, day in enumerate(lines)
    )
    account = BankAccount(number="77", currency="USD", lines=rows, until_day=until)
    intake = Intake(db, mode="test")
    found = intake.take(render(account, kind), name="some", by="person:1", account="77")
    if isinstance(found, Waiting):
        changes = {
            each.field: {"currency": "USD", "date_order": "MDY"}[each.field]
            for each in found.proposal.questions
        }
        intake.confirm(found.file, account="77", changes=changes, by="person:1")


def causes(db) -> set[Cause]:
    with db.transaction() as cx:
        return {each.found.cause for each in break_store.standing(cx)}


def last_covered(db, today: str | None = None) -> str:
    with db.transaction() as cx:
        return open_store.covered(cx, mode="test", today=today)["77"].last


@pytest.fixture
def due(shop) -> str:
    """The day on which a payout should be at the bank."""
    shop.pay(10_000)
    shop.wait(7)
    shop.sync()
    return day_of(shop.payouts()[0])


@pytest.mark.parametrize("kind", ["camt053", "ofx", "mt940", "csv", "csv_uk"])
def test_a_line_that_is_dated_ahead_covers_no_day_before_it(db, due, kind):
    taken(db, kind, after(due, -1), after(due, 1), AHEAD)
    reconcile(db, mode="test")
    assert (last_covered(db), causes(db)) == (after(due, 1), set())
    reconcile(db, mode="test", today=AHEAD)
    assert (last_covered(db, AHEAD), causes(db)) == (AHEAD, {Cause.MISSING})


def test_a_line_that_is_dated_after_the_closing_balance_covers_nothing(db, due):
    taken(db, "camt053", after(due, -1), after(due, 20), until=after(due, 2))
    reconcile(db, mode="test")
    assert (last_covered(db), causes(db)) == (after(due, 2), set())
    taken(db, "camt053", after(due, 21), until=after(due, 25))
    assert last_covered(db) == after(due, 25)


def test_where_all_is_dated_ahead_nothing_is_covered_yet(db, due):
    taken(db, "csv_uk", AHEAD)
    reconcile(db, mode="test")
    assert causes(db) == {Cause.NOT_COVERED}


def test_today_is_the_companys(db, link, due):
    before, same = after(due, 1), after(due, 2)
    taken(db, "camt053", after(due, -1), before, same)
    assert (last_covered(db, before), last_covered(db, same)) == (before, same)
    days = {}
    for zone in (
        "Pacific/Kiritimati",
        "Pacific/Niue",
    ):  # more than a day apart: it is never the same day in both
        with db.transaction() as cx:
            journal.configure(cx, link, timezone=zone, late="post_open")
            days[zone] = cx.execute("select (now() at time zone %s)::date::text", (zone,)).fetchone()[0]
    taken(db, "camt053", *days.values())
    assert last_covered(db) == days["Pacific/Niue"]
    with db.transaction() as cx:
        journal.configure(cx, link, timezone="Pacific/Kiritimati", late="post_open")
    assert last_covered(db) == days["Pacific/Kiritimati"]


def test_a_balance_of_today_covers_no_days_of_which_no_lines_are_listed(db, shop, due):
    """Banks tell the balance of the day of the download, whichever month was asked for."""
    ends, told = after(due, -3), after(due, 20)
    lines = (BankLine(id="T0", day=after(due, -5), minor=-100, description="TEA"),)
    raw = render(BankAccount(number="77", currency="USD", lines=lines, until_day=told), "ofx")
    listed = b"<DTEND>" + ends.replace("-", "").encode()
    month = raw.replace(b"<DTEND>" + told.replace("-", "").encode(), listed)
    assert month != raw
    intake = Intake(db, mode="test")
    found = intake.take(month, name="month", by="person:1")
    assert (found.accounts[0].last_day, found.problems) == (ends, ())
    assert last_covered(db, today=after(told, 5)) == ends
    reconcile(db, mode="test", today=after(told, 5))
    assert causes(db) == set()
    intake.take(raw, name="all", by="person:1")
    assert last_covered(db, today=after(told, 5)) == told
    reconcile(db, mode="test", today=after(told, 5))
    assert causes(db) == {Cause.MISSING}
