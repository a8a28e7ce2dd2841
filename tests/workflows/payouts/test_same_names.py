"""A live and a test account that are called the same: never one for the other."""

from __future__ import annotations

import pytest

from bookhand.core.problems import Missing, Refusal
from bookhand.sandbox.bank.files import FileFormat, render
from bookhand.sandbox.bank.lines import BankAccount, BankLine
from bookhand.systems.bank import store
from bookhand.systems.bank.intake_workflow import Intake, Waiting
from bookhand.workflows.payouts.reconciling import open_store
from bookhand.workflows.payouts.reconciling.statement_store import reconciliation


def taken(
    db, mode: str, minor: int, *, kind: FileFormat = "camt053", currency: str = "EUR", number: str = "77"
) -> None:
    line = BankLine(id="T1", day="2026-11-02", minor=minor, description=f"OF {mode}")
    Intake(db, mode=mode).take(
        render(BankAccount(number=number, currency=currency, lines=(line,)), kind), name="nov", by="person:1"
    )


@pytest.fixture
def both(db):
    taken(db, "test", 100)  # the older one
    taken(db, "live", 9_900)
    return db


def test_a_statement_is_of_the_mode_that_is_said_or_refused(both):
    with both.transaction() as cx:
        for mode, minor in (("test", 100), ("live", 9_900)):
            found = reconciliation(cx, "77", mode=mode)
            assert (found.mode, found.bank_minor, [item.text for item in found.items]) == (
                mode,
                minor,
                [f"OF {mode}"],
            )
        with pytest.raises(
            Refusal,
            match=r"are called 77: Bank 77 \(live mode\) and Bank 77 \(test\) \(test mode\)\. Say which",
        ):
            reconciliation(cx, "77")
        with pytest.raises(Missing, match="no bank account 78"):
            reconciliation(cx, "78", mode="live")


def test_a_name_of_one_mode_needs_no_mode_and_is_not_found_in_the_other(db):
    taken(db, "test", 100)
    with db.transaction() as cx:
        assert reconciliation(cx, "77").bank_minor == 100
        with pytest.raises(Missing, match=r"in live mode \(there is one in test mode\)"):
            reconciliation(cx, "77", mode="live")


def test_lines_and_statements_are_told_apart(both):
    with both.transaction() as cx:
        for mode in ("live", "test"):
            assert [each.line.description for each in store.lines(cx, account="77", mode=mode)] == [
                f"OF {mode}"
            ]
            (only,) = store.statements(cx, account="77", mode=mode)
            assert only.closing_minor == (9_900 if mode == "live" else 100)
        assert [each.mode for each in store.accounts(cx)] == ["test", "live"]


def test_the_currency_of_the_other_mode_says_nothing_of_a_csv(db):
    taken(db, "live", 100, number="Main")
    raw = b"Date,Description,Amount\n22/11/2026,A,5.00\n"
    waiting = Intake(db, mode="test").take(raw, name="nov", by="person:1", account="Main")
    assert isinstance(waiting, Waiting)
    assert not waiting.proposal.profile.currency
    known = Intake(db).take(raw, name="nov", by="person:1", account="Main")
    assert isinstance(known, Waiting)
    assert known.proposal.profile.currency == "EUR"


def test_lines_of_a_question_are_held_in_the_mode_of_its_payouts_alone(both, link):
    with both.transaction() as cx:
        keys = [("77", key) for (key,) in cx.execute("select distinct key from statement_line")]
        cx.execute(
            "insert into payout (workspace_id, connection_id, payout_id, created, currency, amount, status, automatic, method, arrival_date,"
            " reconciliation_status, as_of, stage, hash) values (1, %s, 'po_1', 1, 'EUR', 1, 'paid', true, 'standard', 1, '', 1, 1, '')",
            (link.connection_id,),
        )
        open_store.hold_lines(cx, link.workspace_id, keys, beside=["po_1"])
        held = cx.execute(
            "select c.mode, o.held from line_open o join connection c using (workspace_id, connection_id) order by 1"
        ).fetchall()
    assert held == [("live", False), ("test", True)]
