"""Payouts at the command line, in a house of one's own: seen, matched, explained and reconciled."""

from __future__ import annotations

import io
import shlex

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader
from tests.cli.test_door import Run, house, run  # noqa: F401 (fixtures)
from tests.journal.shapes import START, bt, members, seen

from bookhand.cli import payout_cards
from bookhand.core.facts import Payout
from bookhand.house import House
from bookhand.sandbox.bank.files import render
from bookhand.sandbox.bank.lines import BankAccount, BankLine
from bookhand.systems import store as connections
from bookhand.systems.bank.intake_workflow import Intake, Waiting
from bookhand.wiring import intake_of

IBAN = "DE89370400440532013000"
PAID = Payout(
    id="po_1", created=START, currency="USD", amount=9_680, status="paid", automatic=True, method="standard",
    arrival_date=START, reconciliation_status="completed", balance_transaction="txn_po",
)  # fmt: skip


@pytest.fixture
def told(house: House) -> House:  # noqa: F811
    """One payout that adds up, and a bank statement with its money less five dollars, and [markup] in a text."""
    facts = [
        bt("txn_1", 10_000, fee=320, source="ch_1"),
        bt("txn_po", -9_680, category="payout", source="po_1"),
    ]
    new = connections.NewConnection(
        system="stripe", account="acct_1", mode="live", livemode=True, default_name="Shop", api_version="2026-10-28.endive", auth="key"
    )  # fmt: skip
    with house.db.transaction() as cx:
        link = connections.keep(cx, 1, new).link
        for reader in house.readers:
            reader(cx, link, seen([*facts, *members("po_1", "txn_1", "txn_po"), PAID]))
    lines = (
        BankLine(id="A1", day="2026-01-02", minor=9_180, description="INCOMING [bold]WIRE"),
        BankLine(id="A2", day="2026-01-03", minor=-1_000, description="=RENT"),
    )
    whole = BankAccount(number=IBAN, currency="USD", lines=lines)
    intake_of(house).take(render(whole, "camt053"), name="jan.xml", by="person:1")
    return house


def test_the_whole_way_at_the_command_line(told: House, run: Run, tmp_path) -> None:  # noqa: F811
    assert "1 payout counted, of which 0 do not add up" in run("reconcile").output.replace("\n", " ")
    listed = run("payouts")
    assert "po_1" in listed.output
    assert "not found yet" in listed.output
    seen_ = run("payout", "po_1", "--lines")
    assert (seen_.exit_code, "adds up to the payout, to the cent" in seen_.output) == (0, True)
    assert "txn_1" in seen_.output
    with told.db.transaction() as cx:
        (key,) = cx.execute("select key from statement_line where minor = 9180").fetchone()
    asked = ("match", "--payout", "po_1", "--line", f"{IBAN} {key}", "--why", "Seen on paper")
    refused = run(*asked, who="operator")
    assert "say what the difference of -5.00 USD is" in str(refused.exception)
    assert run(*asked, "--difference", "bank_fee", who="viewer").exit_code == 1
    assert "Matched and booked" in run(*asked, "--difference", "bank_fee", who="operator").output
    assert "arrived" in run("payouts").output
    assert "Nothing is new" in run("reconcile").output
    assert "Nothing is unexplained" in run("breaks").output
    shown = run("reconciliation")
    assert (shown.exit_code, "Balance per bank" in shown.output) == (0, True)
    files = [tmp_path / f"bank.{form}" for form in ("csv", "xlsx", "pdf")]
    assert (
        run("reconciliation", *(word for f in files for word in (f"--{f.suffix[1:]}", str(f)))).exit_code == 0
    )
    assert "'=RENT" in files[0].read_text("utf-8-sig")
    cells = [
        cell.value
        for row in load_workbook(io.BytesIO(files[1].read_bytes())).active.iter_rows()
        for cell in row
    ]
    assert 81.8 in cells
    assert "Balance per books" in PdfReader(files[2]).pages[0].extract_text()


def test_a_break_is_owned_and_explained(told: House, run: Run) -> None:  # noqa: F811
    run("reconcile")
    with told.db.transaction() as cx:
        ids = [id_ for (id_,) in cx.execute("select break_id from break where state = 'open'")]
    assert ids
    shown = run("breaks").output
    assert "nobody" in shown
    assert run("breaks", "--assign", ids[0], "--owner", "Ben").exit_code == 0
    assert run("explain", ids[0], "The bank keeps it").exit_code == 0
    mine = run("breaks", "--owner", "Ben").output
    assert "Ben" in mine
    assert "The bank keeps" in mine.replace("\n", " ")


def test_an_account_with_a_space_in_its_name_and_a_key_that_a_shell_would_run(told: House, run: Run) -> None:  # noqa: F811
    sheet = b"Date,Text,Amount,Reference,Currency\n2026-01-02,STRIPE,96.80,it's $(id),USD\n2026-01-13,RENT,-1.00,B,USD\n"
    intake = intake_of(told)
    waits = intake.take(sheet, name="a.csv", by="person:1", account="Main")
    assert isinstance(waits, Waiting)
    changes = {"native_id": "Reference", "date_order": "YMD", "sign": 1}
    intake.confirm(waits.file, account="Main Account", changes=changes, by="person:1")
    key = "it's $(id)@2026-01-02:9680"
    asked = [
        {
            "sentence": "?",
            "candidates": [{"reason": "", "payouts": ["po_1"], "lines": [["Main Account", key]]}],
        }
    ]
    shown = payout_cards.question_lines(asked)[-1].plain
    words = shlex.split(shown)[1:-1]
    assert words == ["match", "--payout", "po_1", "--line", f"Main Account {key}", "--why"]
    assert "Matched and booked" in run(*words, "Seen on paper").output


def test_a_live_and_a_test_account_of_one_name_are_told_apart(told: House, run: Run) -> None:  # noqa: F811
    line = BankLine(id="T1", day="2026-11-02", minor=77, description="OF TEST")
    whole = BankAccount(number=IBAN, currency="USD", lines=(line,))
    Intake(told.db, mode="test").take(render(whole, "camt053"), name="test.xml", by="person:1")
    for asked in (("reconciliation",), ("reconciliation", IBAN), ("bank-lines", "--account", IBAN)):
        refused = run(*asked)
        assert f"called {IBAN}" in str(refused.exception)
        assert "(live mode) and" in str(refused.exception)
    assert "OF TEST" in run("reconciliation", IBAN, "--mode", "test").output
    assert "OF TEST" not in run("reconciliation", IBAN, "--mode", "live").output
    assert "OF TEST" in run("bank-lines", "--account", IBAN, "--mode", "test").output
    assert "OF TEST" not in run("bank-lines", "--account", IBAN, "--mode", "live").output
    listed = run("bank-accounts").output
    assert ("live" in listed, "test" in listed) == (True, True)
