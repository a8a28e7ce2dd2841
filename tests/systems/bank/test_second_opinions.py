"""Parsers that we did not write: they read the made-up bank's files alike, and what each gets wrong (docs/decisions/0015) is pinned here.

A test of a fault that fails has good news: the parser was mended, and the page about it can be shorter.
"""

from __future__ import annotations

import io
import warnings
from decimal import Decimal
from typing import Any

import mt940
import ofxparse
import pytest
from bai2.bai2 import parse_from_string
from bai2.exceptions import NotSupportedYetException
from pycamt.parser import Camt053Parser

from bookhand.sandbox.bank.files import render
from bookhand.sandbox.bank.lines import BankAccount, BankLine
from bookhand.systems.bank.reading import Reading, read

pytestmark = pytest.mark.outside

LINES = (
    BankLine(
        id="T1",
        day="2026-11-02",
        minor=123456,
        description="STRIPE PAYOUT",
        reference="po_1",
        counterparty="STRIPE",
        value_day="2026-11-03",
    ),
    BankLine(id="T2", day="2026-11-02", minor=-990, description="FEE"),
    BankLine(
        id="T3",
        day="2026-11-05",
        minor=5,
        description="A VERY LONG TEXT THAT GOES ON AND ON UNTIL IT IS BROKEN SOMEWHERE IN THE MIDDLE",
    ),
)
ACCOUNT = BankAccount(number="DE02120300000000202051", currency="EUR", opening_minor=1000, lines=LINES)
AMOUNTS = [Decimal(line.minor).scaleb(-2) for line in LINES]


def ours(raw: bytes) -> Reading:
    found = read(raw)
    assert isinstance(found, Reading)
    return found


def ofx(raw: bytes) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks BeautifulSoup for HTML
        return ofxparse.OfxParser.parse(io.BytesIO(raw)).account.statement


@pytest.mark.parametrize("kind", ["ofx", "ofx_xml"])
def test_ofxparse_agrees(kind) -> None:
    found = ofx(render(ACCOUNT, kind))
    assert [(each.id, each.amount) for each in found.transactions] == list(
        zip(["T1", "T2", "T3"], AMOUNTS, strict=True)
    )
    assert found.balance == Decimal("1234.71")


def test_mt940_agrees() -> None:
    found = mt940.parse(render(ACCOUNT, "mt940").decode())
    assert [each.data["amount"].amount for each in found] == AMOUNTS
    assert [each.data["end_to_end_reference"] for each in found] == ["po_1", None, None]
    assert found.data["final_closing_balance"].amount.amount == Decimal("1234.71")


def test_bai2_agrees_with_its_totals_and_counts() -> None:
    found = parse_from_string(render(ACCOUNT, "bai2").decode(), check_integrity=True)
    details = [each for group in found.children for account in group.children for each in account.children]
    assert [each.amount for each in details] == [123456, 990, 5]
    assert [each.bank_reference for each in details] == ["T1", "T2", "T3"]


@pytest.mark.parametrize("kind", ["camt053", "camt053_v8"])
def test_pycamt_agrees(kind) -> None:
    found = Camt053Parser(render(ACCOUNT, kind)).get_transactions()
    signs = {"CRDT": 1, "DBIT": -1}
    assert [signs[each["CreditDebitIndicator"]] * Decimal(each["Amount"]) for each in found] == AMOUNTS
    assert [each["TransactionID"] for each in found] == ["T1", "T2", "T3"]


# --- why they are not what reads ---


def test_ofxparse_moves_days_by_their_zone() -> None:
    raw = render(ACCOUNT, "ofx").replace(b"20261102120000[-5:EST]", b"20261102000000[+9:JST]")
    assert ofx(raw).transactions[0].date.date().isoformat() == "2026-11-01"
    assert ours(raw).statements[0].lines[0].day == "2026-11-02"


def test_ofxparse_stops_at_a_line_without_an_id() -> None:
    raw = render(ACCOUNT, "ofx").replace(b"<FITID>T2\r\n", b"")
    with pytest.raises(ofxparse.OfxParserException, match="FIT id"):
        ofx(raw)
    assert len(ours(raw).statements[0].lines) == 3


def test_mt940_counts_a_credit_that_was_taken_back_as_money_in() -> None:
    back = BankAccount(
        number="1",
        currency="EUR",
        lines=(BankLine(id="1", day="2026-11-02", minor=-2000, description="X", reversal=True),),
    )
    raw = render(back, "mt940")
    assert mt940.parse(raw.decode())[0].data["amount"].amount == Decimal(20)
    assert [line.minor for line in ours(raw).statements[0].lines] == [-2000]


def test_pycamt_takes_what_was_sent_for_what_arrived_and_pending_for_booked() -> None:
    sent = BankLine(
        id="1", day="2026-11-02", minor=6000, description="X", sent_minor=7000, sent_currency="USD"
    )
    raw = render(BankAccount(number="1", currency="EUR", lines=(sent,)), "camt053")
    [theirs] = Camt053Parser(raw).get_transactions()
    assert (theirs["Amount"], theirs["Currency"]) == ("70.00", "EUR")
    assert ours(raw).statements[0].lines[0].minor == 6000
    pending = raw.replace(b"<Sts>BOOK</Sts>", b"<Sts>PDNG</Sts>")
    assert len(Camt053Parser(pending).get_transactions()) == 1
    assert ours(pending).statements[0].lines == ()


def test_bai2_refuses_a_whole_file_for_one_code_it_does_not_know() -> None:
    raw = render(ACCOUNT, "bai2").replace(b"16,142,", b"16,399,")
    parse_from_string(raw.decode())
    unknown = raw.replace(b"16,399,", b"16,334,")
    with pytest.raises(NotSupportedYetException):
        parse_from_string(unknown.decode())
    assert len(ours(unknown).statements) == 2
