"""CSV files of many banks: what is detected, what is asked, and what is never guessed."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from bookhand.core.problems import Refusal
from bookhand.systems.bank.columns.profile import Profile, Proposal, confirmed
from bookhand.systems.bank.reading import Table, read


def table(text: str | bytes) -> Table:
    found = read(text.encode() if isinstance(text, str) else text)
    assert isinstance(found, Table)
    return found


def proposal(text: str | bytes) -> Proposal:
    return table(text).proposal()


def asked(text: str | bytes) -> list[str]:
    return [question.field for question in proposal(text).questions]


def money(text: str | bytes, **changes: Any) -> list[tuple[str, int]]:
    found = table(text)
    profile = confirmed(
        found.proposal().profile,
        {"currency": "USD", **changes} if "currency" in asked(text) else changes,
        found.sheet.header,
    )
    return [
        (line.day, line.minor)
        for statement in found.read_by(profile, account="A").statements
        for line in statement.lines
    ]


CHASE = """Details,Posting Date,Description,Amount,Type,Balance,Check or Slip #
CREDIT,11/25/2026,"ORIG CO NAME:STRIPE            ORIG ID:1800948598",1234.56,ACH_CREDIT,11234.56,,
DEBIT,11/24/2026,"RENT",-1000.00,ACH_DEBIT,10000.00,,
CHECK,11/24/2026,"CHECK 1001",-50.00,CHECK_PAID,11000.00,1001,
"""
SPARKASSE = (
    '"Auftragskonto";"Buchungstag";"Valutadatum";"Buchungstext";"Verwendungszweck";"Beguenstigter/Zahlungspflichtiger";"Betrag";"Waehrung";"Info"\n'
    '"DE89370400440532013000";"25.11.26";"26.11.26";"GUTSCHR. UEBERWEISUNG";"STRIPE PAYOUT";"Stripe Technology Europe";"1.234,56";"EUR";"Umsatz gebucht"\n'
    '"DE89370400440532013000";"13.11.26";"13.11.26";"LASTSCHRIFT";"Miete";"Müller";"-900,00";"EUR";"Umsatz gebucht"\n'
).encode("cp1252")
BARCLAYS = "Number,Date,Account,Amount,Subcategory,Memo\n ,25/11/2026,20-00-00 12345678,1234.56,Counter Credit,STRIPE PAYMENTS UK\n ,03/11/2026,20-00-00 12345678,-9.00,Fee,CHARGES\n"
HSBC_IN_OUT = 'Date,Type,Description,Paid out,Paid in,Balance\n01 Nov 2026,BP,RENT,£900.00,,£100.00\n02 Nov 2026,CR,STRIPE,,"£1,234.56","£1,334.56"\n'
ING = '"Datum","Naam / Omschrijving","Rekening","Tegenrekening","Code","Af Bij","Bedrag (EUR)","Mededelingen"\n"20261125","STRIPE","NL91ABNA0417164300","","OV","Bij","1234,56","PAYOUT"\n"20261124","HUUR","NL91ABNA0417164300","","OV","Af","900,00","nov"\n'
REVOLUT = "Type,Product,Started Date,Completed Date,Description,Amount,Fee,Currency,State,Balance\nTOPUP,Current,2026-11-24 10:00:00,2026-11-25 11:00:00,STRIPE,1234.56,0.00,EUR,COMPLETED,2234.56\nCARD,Current,2026-11-25 10:00:00,2026-11-26 11:00:00,SHOP,-10.00,0.00,GBP,COMPLETED,90.00\n"
SWISS = "Datum;Text;Belastung CHF;Gutschrift CHF;Saldo CHF\n24.11.2026;MIETE;1\u2019000.00;;9\u2019000.00\n25.11.2026;STRIPE;;1\u2019234.56;10\u2019234.56\n"
HDFC = (
    "Date,Narration,Chq./Ref.No.,Value Dt,Withdrawal Amt.,Deposit Amt.,Closing Balance\n"
    '24/11/26,RENT,1,24/11/26,"1,23,000.00",,"9,00,000.00"\n25/11/26,STRIPE,2,25/11/26,,"1,234.56","9,01,234.56"\n'
)
COUNTED = "Id,Date,Description,Amount (EUR)\n1,2026-11-24,RENT,-9.00\n2,2026-11-25,STRIPE,1234.56\n"
MINT_LIKE = (
    "Date\tDescription\tDebit Amount\tCredit Amount\n2026-11-25\tSTRIPE\t\t1234.56\n2026-11-24\tFEE\t9.00\t\n"
)


@pytest.mark.parametrize(
    ("text", "questions", "expected"),
    [
        (CHASE, ["currency"], [("2026-11-24", -100000), ("2026-11-24", -5000), ("2026-11-25", 123456)]),
        (SPARKASSE, [], [("2026-11-13", -90000), ("2026-11-25", 123456)]),
        (BARCLAYS, ["currency"], [("2026-11-03", -900), ("2026-11-25", 123456)]),
        (HSBC_IN_OUT, [], [("2026-11-01", -90000), ("2026-11-02", 123456)]),
        (ING, [], [("2026-11-24", -90000), ("2026-11-25", 123456)]),
        (REVOLUT, [], [("2026-11-25", 123456), ("2026-11-26", -1000)]),
        (SWISS, [], [("2026-11-24", -100000), ("2026-11-25", 123456)]),
        (HDFC, ["currency"], [("2026-11-24", -12300000), ("2026-11-25", 123456)]),
        (COUNTED, [], [("2026-11-24", -900), ("2026-11-25", 123456)]),
        (MINT_LIKE, ["currency"], [("2026-11-24", -900), ("2026-11-25", 123456)]),
    ],
    ids=["chase", "sparkasse", "barclays", "hsbc", "ing", "revolut", "swiss", "hdfc", "counted", "in-out"],
)  # fmt: skip
def test_tables_of_many_banks(
    text: str | bytes, questions: list[str], expected: list[tuple[str, int]]
) -> None:
    assert asked(text) == questions
    assert sorted(money(text)) == expected


@pytest.mark.parametrize("numbers", [("1", "2", "3"), ("3", "2", "1"), ("000", "001", "002")])
def test_numbers_of_rows_are_no_ids_of_the_bank(numbers: tuple[str, ...]) -> None:
    days = ("2026-11-02", "2026-11-03", "2026-11-04")
    rows = [
        f"{number},{day},A,{place - 2}.00\n"
        for place, (number, day) in enumerate(zip(numbers, days, strict=True), 1)
    ]
    assert proposal("Id,Date,Text,Amount (EUR)\n" + "".join(rows)).profile.native_id is None
    ids = "Id,Date,Text,Amount (EUR)\n41,2026-11-02,A,-1.00\n42,2026-11-03,A,1.00\n"
    assert proposal(ids).profile.native_id == "Id"


def test_money_out_with_a_minus_is_refused_where_the_balance_says_that_it_came_in() -> None:
    head = "Date,Text,Debit,Credit,Balance\n"
    found = table(head + "2026-11-02,STRIPE,,100.00,100.00\n2026-11-03,RENT,10.00,,90.00\n")
    profile = confirmed(found.proposal().profile, {"currency": "EUR"}, found.sheet.header)
    assert profile.balance == "Balance"
    back = table(head + "2026-11-04,RENT,10.00,,80.00\n2026-11-05,RENT BACK,-10.00,,90.00\n")
    with pytest.raises(Refusal, match="with and without a minus"):
        back.read_by(profile, account="A")
    both = table(head + "2026-11-04,RENT,10.00,,80.00\n2026-11-05,RENT,-10.00,,70.00\n")
    assert [line.minor for line in both.read_by(profile, account="A").lines] == [-1000, -1000]


FEES = (
    "Type,Completed Date,Description,Amount,Fee,Currency,State,Balance\n"
    "TOPUP,2026-11-24 11:00:00,STRIPE,100.00,0.00,EUR,COMPLETED,100.00\n"
    "TRANSFER,2026-11-25 11:00:00,RENT,-10.00,0.50,EUR,COMPLETED,89.50\n"
    "TOPUP,2026-11-25 12:00:00,STRIPE,7.00,0.00,GBP,COMPLETED,57.00\n"
    "CARD,,SHOP,-5.00,0.00,EUR,PENDING,\n"
    "TRANSFER,2026-11-26 11:00:00,TAX,-20.00,0.25,GBP,COMPLETED,36.75\n"
)


def test_a_fee_beside_the_amount_is_taken_off_where_the_balances_show_it() -> None:
    found = table(FEES)
    profile = confirmed(found.proposal().profile, {}, found.sheet.header)
    assert (profile.fee, profile.balance) == ("Fee", "Balance")
    statements = found.read_by(profile, account="A").statements
    assert [[line.minor for line in each.lines] for each in statements] == [[10_000, -1_050], [700, -2_025]]
    assert [each.off_by for each in statements] == [0, 0]
    assert not any(each.warnings for each in statements)
    with pytest.raises(Refusal, match="fee: null"):
        confirmed(profile, {"sign": -1}, found.sheet.header)


def test_a_fee_that_no_balance_shows_is_said_and_not_counted() -> None:
    found = proposal(FEES.replace(",Balance", ",Worth"))
    assert found.profile.fee is None
    assert any(field == "fee" and "not counted" in why for field, why in found.evidence)


WAYS = "Date,Text,Amount (EUR),D/C\n2026-11-02,STRIPE,100.00,C\n2026-11-03,NOTHING,0.00,D\n"


@pytest.mark.parametrize("minus", ["-10.00", "10.00-", "(10.00)"])
def test_a_sign_that_agrees_with_the_direction_counts_once(minus: str) -> None:
    text = f"{WAYS}2026-11-04,RENT,{minus},D\n"
    assert proposal(text).profile.direction is None
    assert money(text) == [("2026-11-02", 10_000), ("2026-11-03", 0), ("2026-11-04", -1_000)]


def test_a_minus_against_the_direction_is_refused_unless_the_balance_shows_what_it_means() -> None:
    back = f"{WAYS}2026-11-04,RENT,10.00,D\n2026-11-05,RENT BACK,-10.00,D\n"
    with pytest.raises(Refusal, match="no balance shows which way it goes"):
        money(back)
    balances = iter(("Balance", "100.00", "100.00", "90.00", "100.00"))
    told = "\n".join(f"{row},{next(balances)}" for row in back.splitlines()) + "\n"
    assert [minor for _, minor in money(told)] == [10_000, 0, -1_000, 1_000]


def test_a_direction_that_was_confirmed_of_money_in_alone_turns_no_minus_round() -> None:
    first = table(WAYS)
    profile = confirmed(first.proposal().profile, {}, first.sheet.header)
    assert profile.direction == "D/C"
    later = table(f"{WAYS}2026-11-04,RENT,-10.00,D\n")
    with pytest.raises(Refusal, match="direction: null"):
        later.read_by(profile, account="A")
    anew = confirmed(profile, {"direction": None}, first.sheet.header)
    assert [line.minor for line in later.read_by(anew, account="A").lines] == [10_000, 0, -1_000]


def test_half_of_two_columns_of_amounts_is_never_taken_for_all() -> None:
    text = "Date,Text,Debit,Credit\n2026-11-02,RENT,9~00,0.00\n2026-11-03,STRIPE,0.00,12.50\n"
    with pytest.raises(Refusal, match=r"'Debit'.*'9~00' in it is no number"):
        proposal(text)


def test_columns_and_the_evidence_for_them() -> None:
    found = proposal(SPARKASSE)
    profile = found.profile
    assert (profile.date, profile.value_date, profile.account_column) == (
        "Buchungstag",
        "Valutadatum",
        "Auftragskonto",
    )
    assert (profile.counterparty, profile.currency_column, profile.decimal) == (
        "Beguenstigter/Zahlungspflichtiger",
        "Waehrung",
        ",",
    )
    assert profile.description == ("Buchungstext", "Verwendungszweck")
    assert {"date", "date_order", "amount", "decimal", "currency", "sign"} <= {
        field for field, _ in found.evidence
    }
    statement = (
        table(SPARKASSE).read_by(confirmed(profile, {}, found.header), account="ignored").statements[0]
    )
    assert (statement.account, statement.lines[0].counterparty) == ("DE89370400440532013000", "Müller")


AMBIGUOUS = "Date,Text,Amount (USD)\n03/04/2026,A,10.00\n05/06/2026,B,-1.00\n"


def test_an_ambiguous_day_is_asked_and_never_guessed() -> None:
    assert asked(AMBIGUOUS) == ["date_order"]
    assert money(AMBIGUOUS, date_order="DMY") == [("2026-04-03", 1000), ("2026-06-05", -100)]
    assert money(AMBIGUOUS, date_order="MDY") == [("2026-03-04", 1000), ("2026-05-06", -100)]
    with pytest.raises(Refusal, match="date_order"):
        money(AMBIGUOUS)


@pytest.mark.parametrize(
    ("more", "order"),
    [
        ("25/06/2026,C,1.00\n", "DMY"), ("06/25/2026,C,1.00\n", "MDY"),  # a day above twelve
        ("01/07/2026,C,1.00\n", "DMY"),  # 3 April, 5 June, 1 July go on; 4 March, 6 May, 7 January do not
    ],
)  # fmt: skip
def test_another_day_or_the_order_of_the_rows_settles_it(more: str, order: str) -> None:
    assert asked(AMBIGUOUS + more) == []
    assert proposal(AMBIGUOUS + more).profile.date_order == order


def test_rows_that_are_in_order_either_way_settle_nothing() -> None:
    assert asked("Date,Text,Amount (USD)\n01/02/2026,A,1.00\n02/03/2026,B,-1.00\n03/04/2026,C,1.00\n") == [
        "date_order"
    ]


def test_days_that_are_the_same_either_way_need_no_question() -> None:
    assert asked("Date,Text,Amount (USD)\n03/03/2026,A,10.00\n05/05/2026,B,-1.00\n") == []


def test_the_balance_settles_the_sign_and_the_order() -> None:
    turned = "Date,Text,Amount (USD),Balance\n2026-11-01,FEE,5.00,95.00\n2026-11-02,STRIPE,-30.00,125.00\n"
    found = proposal(turned)
    assert (found.profile.sign, found.profile.order, found.questions) == (-1, "oldest_first", ())
    assert money(turned) == [("2026-11-01", -500), ("2026-11-02", 3000)]
    newest = "Date,Text,Amount (USD),Balance\n2026-11-02,STRIPE,30.00,125.00\n2026-11-02,FEE,-5.00,95.00\n"
    assert proposal(newest).profile.order == "newest_first"
    statement = (
        table(newest)
        .read_by(confirmed(proposal(newest).profile, {}, proposal(newest).header), account="A")
        .statements[0]
    )
    assert (statement.opening_minor, statement.closing_minor, statement.off_by) == (10000, 12500, 0)


def test_balances_that_go_on_with_either_sign_are_asked_unless_the_days_have_an_order() -> None:
    text = "Date,Text,Amount (USD),Balance\n2026-11-01,A,5.00,105.00\n{},B,5.00,110.00\n"
    assert asked(text.format("2026-11-01")) == ["sign"]
    assert asked(text.format("2026-11-02")) == []
    assert money(text.format("2026-11-02")) == [("2026-11-01", 500), ("2026-11-02", 500)]


def test_a_file_in_the_other_order_than_the_one_that_was_confirmed() -> None:
    head, rows = (
        "Date,Text,Amount (USD),Balance\n",
        ["2026-11-01,A,5.00,105.00\n", "2026-11-02,B,-1.00,104.00\n", "2026-11-02,C,2.00,106.00\n"],
    )
    profile = confirmed(
        proposal(head + "".join(rows)).profile, {}, ("Date", "Text", "Amount (USD)", "Balance")
    )
    turned = table(head + "".join(reversed(rows))).read_by(profile, account="A").statements[0]
    assert (turned.opening_minor, turned.closing_minor, turned.off_by, turned.warnings) == (
        10000,
        10600,
        0,
        (),
    )


def test_one_sign_alone_is_asked() -> None:
    text = "Date,Text,Amount (USD)\n2026-11-01,A,5.00\n2026-11-02,B,6.00\n"
    assert asked(text) == ["sign"]
    assert money(text, sign=-1) == [("2026-11-01", -500), ("2026-11-02", -600)]


def test_a_mark_that_could_be_either_is_asked_unless_the_currency_settles_it() -> None:
    kwd = 'Date,Text,Amount,Currency\n2026-11-01,A,"1,234",KWD\n2026-11-02,B,"-2,500",KWD\n'
    assert asked(kwd) == ["decimal"]
    usd = 'Date,Text,Amount (USD)\n2026-11-01,A,"1,234"\n2026-11-02,B,"-2,500"\n'
    assert asked(usd) == []
    assert money(usd) == [("2026-11-01", 123400), ("2026-11-02", -250000)]


def test_a_balance_that_stops_going_on_is_said_with_its_row() -> None:
    good = "Date,Text,Amount (USD),Balance\n2026-11-01,A,5.00,105.00\n2026-11-02,B,-1.00,104.00\n"
    profile = confirmed(proposal(good).profile, {}, proposal(good).header)
    later = good + "2026-11-03,C,2.00,107.00\n"
    statement = table(later).read_by(profile, account="A").statements[0]
    assert "Row 4" in statement.warnings[0]
    assert statement.off_by == -100


def test_rows_that_are_no_lines_are_said_and_broken_ones_are_refused() -> None:
    text = "Account;123\n\nDate;Text;Amount (USD)\n2026-11-01;A;5.00\n2026-11-02;B;-6.00\n;Total;-1.00\n"
    found = table(text)
    profile = confirmed(found.proposal().profile, {}, found.sheet.header)
    statement = found.read_by(profile, account="A").statements[0]
    assert statement.warnings == ("Row 6 has an amount and no day, and is no line: ';Total;-1.00'.",)
    assert statement.notes == ("Row 6 is no line: ';Total;-1.00'.",)
    assert [line.raw for line in statement.lines] == ["2026-11-01;A;5.00", "2026-11-02;B;-6.00"]
    for bad, says in (
        ("2026-11-03;C;abc\n", "Row 6"),
        ("2026-11-31;C;1.00\n", "Row 6"),
        ("2026-11-03;C;1.005\n", "more decimals"),
    ):
        with pytest.raises(Refusal, match=says):
            table(text.replace(";Total;-1.00\n", bad)).read_by(profile, account="A")


def test_quotes_with_lines_in_them_and_names_that_stand_twice() -> None:
    text = 'Date,Name,Name,Amount (USD)\n2026-11-01,"STRIPE, Inc",B,5.00\n2026-11-02,"two\nlines",C,-6.00\n2026-11-03,x,y,1.00\n'
    found = table(text)
    assert found.sheet.header == ("Date", "Name", "Name (2)", "Amount (USD)")
    assert [(row.line, row.raw.count("\n")) for row in found.sheet.rows] == [(2, 0), (3, 1), (5, 0)]


def test_without_a_header_the_columns_have_numbers() -> None:
    text = "2026-11-25,STRIPE PAYOUT,1234.56,USD\n2026-11-24,RENT,-900.00,USD\n"
    found = proposal(text)
    assert found.profile.date == "column 1"
    assert money(text, currency_column="column 4") == [("2026-11-24", -90000), ("2026-11-25", 123456)]


def test_the_same_header_has_the_same_fingerprint_whatever_its_spaces_and_capitals() -> None:
    prints = {
        table(head + "\n2026-11-01,A,5.00\n").sheet.fingerprint
        for head in ("Date,Text,Amount", "DATE, text ,amount")
    }
    assert len(prints) == 1
    assert table("Date;Text;Amount\n2026-11-01;A;5.00\n").sheet.fingerprint not in prints


def test_a_profile_goes_through_json_and_back() -> None:
    profile = proposal(CHASE).profile
    assert msgspec.convert(msgspec.to_builtins(profile), Profile) == profile


def test_two_currencies_are_two_statements() -> None:
    found = table(REVOLUT)
    statements = found.read_by(
        confirmed(found.proposal().profile, {"sign": 1, "balance": None}, found.sheet.header), account="R"
    ).statements
    assert sorted((each.currency or "", len(each.lines)) for each in statements) == [("EUR", 1), ("GBP", 1)]


@pytest.mark.parametrize("word", ["Pending", "PENDING", "vorgemerkt", "En cours", "DECLINED", "reverted"])
def test_a_row_that_is_not_booked_is_no_line_and_is_told(word: str) -> None:
    text = f"Date,Text,Amount,Status\n2026-11-25,STRIPE,12.50,Booked\n2026-11-25,RENT,-2.50,Booked\n2026-11-26,STRIPE,99.00,{word}\n"
    assert money(text) == [("2026-11-25", 1250), ("2026-11-25", -250)]
    found = table(text)
    profile = confirmed(found.proposal().profile, {"currency": "USD"}, found.sheet.header)
    assert "1 rows are not booked" in found.read_by(profile, account="A").statements[0].notes[0]


ROWS = "Date,Description,Amount (USD)\n2026-11-13,FEE,-1.00\n"


@pytest.mark.parametrize(
    "rows",
    [
        '2026-11-02,"STRIPE,100.00\n2026-11-13,"FEE",-1.00\n2026-11-14,X,5.00\n',
        '2026-11-02,"STRIPE,100.00\n2026-11-13,FEE,-1.00\n2026-11-14,X",5.00\n2026-11-15,Y,1.00\n',
        '2026-11-02,"STRIPE,100.00\n2026-11-13,FEE,-1.00\n2026-11-14,"X",5.00\n',
        '2026-11-02,100.00,"STRIPE\n',
        '2026-11-02,"STRIPE,100.00',
    ],
)
def test_a_quotation_mark_that_is_not_closed_takes_no_row_with_it(rows: str) -> None:
    with pytest.raises(Refusal, match="row that begins in line 3 is not closed"):
        table(ROWS + rows)


def test_quotation_marks_within_a_line_and_lines_within_a_cell_are_the_banks_business() -> None:
    text = f'{ROWS}2026-11-14,"ACME "BEST" INC",2.00\n2026-11-15,"""a"", b\nsecond, line\r\n2026-11-16",3.00\n2026-11-17,5" PIPE,4.00\n'
    assert money(text) == [
        ("2026-11-13", -100), ("2026-11-14", 200), ("2026-11-15", 300), ("2026-11-17", 400),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Date,Text,Amount (USD),Note\n2026-11-13,FEE,-1.00,n\n2026-11-14,A,1.00,n\n2026-11-02,Pay 5,00,100.00,n\n", "5 cells, and the table 4 columns"),
        ("Date,Text,Money in (USD),Money out (USD)\n2026-11-13,FEE,,1.00\n2026-11-14,PAY,2.00,\n2026-11-15,X\n", "Row 4 ends before its amount"),
        ("Date,Text,Money in (USD),Money out (USD)\n2026-11-13,FEE,,1.00\n2026-11-14,PAY,-2.00,\n", "less than nothing"),
        ("Date,Text,Money in (USD),Money out (USD)\n2026-11-13,FEE,,1.00\n2026-11-14,PAY,2.00,\n2026-11-15,BACK,,-1.00\n", "rows 2 and 4"),
    ],
)  # fmt: skip
def test_a_row_that_can_be_read_in_two_ways_is_refused(text: str, says: str) -> None:
    with pytest.raises(Refusal, match=re.escape(says)):
        money(text)


@pytest.mark.parametrize("amount", ["(-2.00)", "-2.00 DR", "(2.00) DR", "(2.00-)"])
def test_two_marks_of_a_minus_are_refused_and_not_taken_for_a_plus(amount: str) -> None:
    known = table(ROWS + "2026-11-14,PAY,2.00\n")
    profile = confirmed(known.proposal().profile, {}, known.sheet.header)
    with pytest.raises(Refusal, match=r"Row 3: .* has two marks of a minus"):
        table(f"{ROWS}2026-11-14,PAY,{amount}\n").read_by(profile, account="A")


def test_a_dated_row_in_which_nothing_moved_is_no_line() -> None:
    text = "Date,Text,Paid in (USD),Paid out (USD),Balance\n2026-11-01,BALANCE BROUGHT FORWARD,,,100.00\n2026-11-02,A,5.00,,105.00\n2026-11-03,B,,6.00,99.00\n"
    assert money(text) == [("2026-11-02", 500), ("2026-11-03", -600)]
