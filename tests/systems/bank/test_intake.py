"""Files taken in on a real database: twice is once, overlaps add what is new, and what balances do not prove is said."""

from __future__ import annotations

from typing import Any

import msgspec
import psycopg
import pytest

from bookhand.core.bank import Statement, StatementLine
from bookhand.core.problems import Refusal
from bookhand.db.engine import Database
from bookhand.sandbox.bank.files import render, render_lines
from bookhand.sandbox.bank.lines import BankAccount, BankLine
from bookhand.systems import store as connections
from bookhand.systems.bank import checks, store
from bookhand.systems.bank.intake_workflow import Intake, Taken, Waiting
from bookhand.workspace.store import open_problems

IBAN = "DE89370400440532013000"


def line(number: int, day: str, minor: int, text: str = "STRIPE PAYOUT", **more: Any) -> BankLine:
    return BankLine(id=f"TX{number}", day=day, minor=minor, description=text, **more)


def account(*lines: BankLine, opening: int = 0, number: str = IBAN, no: int = 1) -> BankAccount:
    return BankAccount(number=number, currency="EUR", opening_minor=opening, lines=lines, statement_no=no)


@pytest.fixture
def intake(db: Database) -> Intake:
    return Intake(db)


@pytest.fixture
def take(intake: Intake):
    def taking(whole: BankAccount, kind: str = "camt053", **more: Any) -> Any:
        return intake.take(render(whole, kind), name=f"a file.{kind}", by="person:1", **more)

    return taking


@pytest.fixture
def lines(db: Database):
    def found() -> list[tuple[str, int]]:
        with db.transaction() as cx:
            return [(each.line.day, each.line.minor) for each in store.counting(cx)]

    return found


@pytest.fixture
def problems(db: Database):
    def found() -> list[str]:
        with db.transaction() as cx:
            return sorted(each.problem.kind for each in open_problems(cx))

    return found


JAN = account(line(1, "2026-01-05", 1000), line(2, "2026-01-20", 250), line(3, "2026-01-20", -40, "FEE"))


@pytest.mark.parametrize("kind", ["camt053", "ofx", "mt940", "bai2"])
def test_the_same_file_twice_adds_nothing(take, lines, problems, kind) -> None:
    first, second = take(JAN, kind), take(JAN, kind)
    assert isinstance(first, Taken)
    assert (first.new_lines, first.again, second.new_lines, second.again) == (3, False, 0, True)
    assert lines() == [("2026-01-05", 1000), ("2026-01-20", 250), ("2026-01-20", -40)]
    assert problems() == []


def test_a_file_that_was_tried_in_test_mode_is_read_in_live_mode(db) -> None:
    raw = render(JAN, "camt053")
    tried, meant = Intake(db, mode="test"), Intake(db)
    assert tried.take(raw, name="a.xml", by="person:1").new_lines == 3
    first, again = (meant.take(raw, name="a.xml", by="person:1") for _ in range(2))
    assert (first.new_lines, first.again, again.again) == (3, False, True)


def test_what_was_left_out_is_told(intake) -> None:
    raw = render(JAN, "camt053").replace(b"BOOK", b"PDNG", 1)
    taken = intake.take(raw, name="a.xml", by="person:1")
    assert (taken.new_lines, len(taken.notes)) == (2, 1)
    assert "1 entries are not booked yet" in taken.notes[0]


@pytest.mark.parametrize("kind", ["camt053", "ofx_xml", "mt940", "bai2"])
def test_an_overlapping_file_adds_only_what_is_new(take, lines, problems, kind) -> None:
    more = account(*JAN.lines[1:], line(4, "2026-02-02", 77), opening=1000, no=2)
    assert take(JAN, kind).new_lines == 3
    assert take(more, kind).new_lines == 1
    assert lines()[-1] == ("2026-02-02", 77)
    assert problems() == []


@pytest.mark.parametrize("kind", ["mt940", "bai2"])
def test_two_equal_lines_are_two_and_stay_two(take, lines, kind) -> None:
    fee = line(7, "2026-01-09", -150, "FEE")
    assert take(account(fee, fee), kind).new_lines == 2
    assert take(account(fee, fee, line(8, "2026-01-10", 5), no=2), kind).new_lines == 1
    assert lines() == [("2026-01-09", -150), ("2026-01-09", -150), ("2026-01-10", 5)]


def test_an_equal_line_of_the_same_day_in_a_file_that_goes_on_is_another_line(take, lines, problems) -> None:
    fee = line(7, "2026-01-09", -150, "FEE")
    take(account(fee), "mt940")
    take(account(fee, line(8, "2026-01-10", 5), opening=-150, no=2), "mt940")
    assert [minor for _, minor in lines()] == [-150, -150, 5]
    again = account(
        fee, fee, line(8, "2026-01-10", 5), line(9, "2026-01-11", 6), no=3
    )  # all of it, downloaded later
    assert take(again, "mt940").new_lines == 1
    assert problems() == []


def test_statements_of_one_file_go_on_from_each_other(intake, lines, problems) -> None:
    fee = line(7, "2026-01-09", -150, "FEE")
    first, second = render(account(fee), "mt940"), render(account(fee, opening=-150, no=2), "mt940")
    assert intake.take(first, name="1", by="person:1").new_lines == 1
    assert intake.take(second, name="2", by="person:1").new_lines == 1
    assert intake.take(first + second, name="both", by="person:1").new_lines == 0
    assert len(lines()) == 2
    assert problems() == []


def test_a_missing_statement_is_a_gap_until_it_comes(take, problems, db) -> None:
    take(JAN)
    march = account(line(9, "2026-03-03", 500), opening=1310, no=3)
    take(march)
    with db.transaction() as cx:
        [found] = open_problems(cx)
    assert found.problem.kind == checks.GAP
    assert "1.00 EUR more" in found.problem.message
    take(account(line(8, "2026-02-10", 100), opening=1210, no=2))
    assert problems() == []


def test_a_statement_that_does_not_add_up_is_kept_and_said(intake, lines, problems) -> None:
    raw = render(JAN, "camt053").replace(
        b'<Amt Ccy="EUR">10.00</Amt><CdtDbtInd>CRDT', b'<Amt Ccy="EUR">11.00</Amt><CdtDbtInd>CRDT', 1
    )
    assert b"11.00" in raw
    found = intake.take(raw, name="x", by="person:1")
    assert found.problems[0].kind == checks.OFF
    assert len(lines()) == 3
    assert checks.OFF in problems()


def test_ids_that_a_bank_uses_again_are_told_apart(take, lines, problems) -> None:
    take(account(line(1, "2026-01-05", 1000)), "ofx_xml")
    take(account(line(1, "2026-06-05", 2000), opening=1000), "ofx_xml")
    assert lines() == [("2026-01-05", 1000), ("2026-06-05", 2000)]
    assert problems() == [checks.REUSED]


@pytest.mark.parametrize("word", ["0", "000000", "NOTPROVIDED", "NONREF", "n/a"])
@pytest.mark.parametrize("kind", ["camt053", "ofx"])
def test_a_word_in_place_of_an_id_makes_no_two_lines_one(take, lines, problems, word, kind) -> None:
    def row(text: str) -> BankLine:
        return BankLine(id=word, day="2026-01-09", minor=-150, description=text)

    take(account(row("TO ANNA")), kind)
    take(account(row("TO BOB"), row("TO BOB"), opening=-150, no=2), kind)
    assert [minor for _, minor in lines()] == [-150, -150, -150]
    assert take(account(row("TO BOB"), row("TO ANNA"), row("TO BOB"), no=3), kind).new_lines == 0
    assert problems() == []


def test_two_formats_of_the_same_days_are_refused(take, lines) -> None:
    take(JAN, "camt053")
    with pytest.raises(Refusal, match="CAMT"):
        take(JAN, "mt940")
    assert len(lines()) == 3
    assert take(account(line(5, "2026-02-01", 3), opening=1210), "mt940").new_lines == 1


def test_a_table_that_names_its_account_is_confirmed_for_that(intake) -> None:
    raw = b"IBAN,Date,Text,Amount (EUR)\n" + b"".join(
        f"{IBAN},2026-01-0{n},T,{n - 2}.5\n".encode() for n in (1, 2, 3)
    )
    waiting = intake.take(raw, name="x", by="person:1")
    with pytest.raises(Refusal, match=IBAN):
        intake.confirm(waiting.file, account="Main", changes={}, by="person:1")
    assert intake.confirm(waiting.file, account=IBAN, changes={}, by="person:1").new_lines == 3
    other = raw.replace(IBAN.encode(), b"DE02120300000000202051")
    with pytest.raises(Refusal, match="of account DE02120300000000202051, not of"):
        intake.take(other, name="y", by="person:1", account=IBAN)
    assert intake.take(other, name="y", by="person:1").accounts[0].account == "DE02120300000000202051"


def test_lines_as_the_core_has_them_are_written_and_read_back(intake, db) -> None:
    sent = StatementLine(
        account=IBAN, key="L1", day="2026-02-02", currency="EUR", minor=4200, description="STRIPE", counterparty="STRIPE", references=("L1", "po_9")
    )  # fmt: skip
    for kind in ("ofx", "csv", "camt053"):
        raw = render_lines([sent], kind, number=f"{IBAN}{kind}", currency="EUR", opening_minor=7)
        found = intake.take(raw, name=kind, by="person:1")
        if isinstance(found, Waiting):
            found = intake.confirm(
                found.file, account="Table", changes={"sign": 1, "date_order": "MDY"}, by="person:1"
            )
        assert found.new_lines == 1
    with db.transaction() as cx:
        kept = [each.line for each in store.counting(cx)]
    assert {(line.day, line.minor, "po_9" in line.references) for line in kept} == {
        ("2026-02-02", 4200, True)
    }


def test_a_file_of_another_account_is_refused_where_one_is_named(take, lines) -> None:
    with pytest.raises(Refusal, match=IBAN):
        take(JAN, account="another")
    assert lines() == []


def test_each_account_is_a_connection_once(take, db) -> None:
    take(JAN)
    take(account(line(1, "2026-01-05", 9), number="77"), "mt940")
    take(account(line(2, "2026-02-05", 9), number="77", opening=9, no=2), "mt940", auth="folder")
    with db.transaction() as cx:
        found = [(each.link.system, each.link.account, each.auth) for each in connections.every(cx)]
        told = [(each.account, each.lines, each.balance_minor) for each in store.accounts(cx)]
    assert found == [("bank", IBAN, "files"), ("bank", "77", "files")]
    assert told == [(IBAN, 3, 1210), ("77", 2, 18)]


def test_an_amount_with_a_minus_sign_leaves_nothing_half_written(take, intake, db, lines) -> None:
    raw = render(account(line(1, "2026-01-05", 900), line(2, "2026-01-06", -150)), "camt053")
    with pytest.raises(Refusal, match=r"entry TX2 of 2026-01-06 has the amount '-1\.50'"):
        intake.take(raw.replace(b">1.50<", b">-1.50<"), name="jan.xml", by="person:1")
    with db.transaction() as cx:
        kept = [cx.execute(f"select count(*) from {each}").fetchone()[0] for each in ("bank_file", "bank_statement", "connection")]  # fmt: skip
    assert (lines(), kept) == ([], [0, 0, 0])


def test_a_disconnected_bank_takes_nothing(take, db, lines) -> None:
    take(account(line(1, "2026-01-05", 9)))
    with db.transaction() as cx:
        connections.set_status(cx, 1, "disconnected", reason="closed")
    with pytest.raises(Refusal, match="disconnected"):
        take(JAN)
    assert len(lines()) == 1


def test_a_table_waits_until_it_is_confirmed_and_is_read_by_itself_after(take, intake, lines, db) -> None:
    first = take(JAN, "csv")
    assert isinstance(first, Waiting)
    assert first.account is None
    assert lines() == []
    done = intake.confirm(first.file, account="Main", changes={}, by="person:1")
    assert done.new_lines == 3
    more = account(*JAN.lines, line(4, "2026-02-02", 77), no=2)
    assert take(more, "csv").new_lines == 1
    assert take(more, "csv").again
    with db.transaction() as cx:
        assert connections.every(cx)[0].link.account == "Main"


def test_days_that_are_in_order_only_otherwise_than_was_confirmed_are_asked(intake, lines) -> None:
    def table(*days: str) -> bytes:
        return b"Date,Text,Amount (EUR)\n" + b"".join(
            f"{day},T,{n - 1}.50\n".encode() for n, day in enumerate(days)
        )

    first = intake.take(table("13/01/2026", "14/01/2026"), name="a", by="person:1")
    intake.confirm(first.file, account="Main", changes={"sign": 1}, by="person:1")
    same = intake.take(table("01/02/2026", "03/02/2026", "02/03/2026"), name="b", by="person:1")
    assert isinstance(same, Taken)
    other = intake.take(table("02/03/2026", "02/04/2026", "03/01/2026"), name="c", by="person:1")
    assert isinstance(other, Waiting)
    assert "confirmed with dates as DMY, but the rows of this one are in order only as MDY" in other.says
    assert (other.known, other.proposal.profile.date_order, len(lines())) == ((), "MDY", 5)
    assert intake.waiting(other.file).says == other.says
    intake.confirm(other.file, account="Main", changes={"date_order": "MDY"}, by="person:1")
    days = sorted(day for day, _ in lines())
    assert days == [
        "2026-01-13", "2026-01-14", "2026-02-01", "2026-02-03", "2026-02-03", "2026-02-04", "2026-03-01", "2026-03-02",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (b"2026-01-15,T,1.50,C\n", "dates as DMY, but those of this one read as YMD"),
        (
            b'15/01/2026,T,"1.234,50",C\n',
            "with '.' for decimals, but the amounts of this one read only with ','",
        ),
        (b"15/01/2026,T,-1.50,D\n", "confirm the file with direction: null"),
    ],
)
def test_a_file_unlike_those_that_were_confirmed_can_be_confirmed_anew(intake, lines, changed, says) -> None:
    head = b"Date,Text,Amount (EUR),D/C\n"
    first = intake.take(head + b"13/01/2026,T,7.50,C\n14/01/2026,T,8.50,C\n", name="a", by="person:1")
    intake.confirm(first.file, account="Main", changes={}, by="person:1")
    other = intake.take(head + changed, name="b", by="person:1")
    assert isinstance(other, Waiting)
    assert says in other.says
    assert len(lines()) == 2
    told = other.proposal.profile
    anew = {"date_order": told.date_order, "decimal": told.decimal, "direction": told.direction, "sign": 1}
    intake.confirm(other.file, account="Main", changes=anew, by="person:1")
    assert [abs(minor) for _, minor in lines()][2:] in ([150], [123_450])
    assert (lines()[-1][1] < 0) == (b"-" in changed[10:])


def test_what_is_asked_must_be_answered(take, intake) -> None:
    waiting = take(account(line(1, "2026-03-04", 100), line(2, "2026-05-04", -100)), "csv")
    assert [question.field for question in waiting.proposal.questions] == ["date_order"]
    with pytest.raises(Refusal, match="date_order"):
        intake.confirm(waiting.file, account="Main", changes={}, by="person:1")
    with pytest.raises(Refusal, match="no column"):
        intake.confirm(
            waiting.file, account="Main", changes={"date_order": "MDY", "amount": "Betrag"}, by="person:1"
        )
    with pytest.raises(Refusal, match="cannot be so"):
        intake.confirm(waiting.file, account="Main", changes={"date_order": "XYZ"}, by="person:1")
    assert (
        intake.confirm(waiting.file, account="Main", changes={"date_order": "MDY"}, by="person:1").new_lines
        == 2
    )


def test_a_header_confirmed_for_two_accounts_is_asked(take, intake) -> None:
    waiting = take(JAN, "csv")
    intake.confirm(waiting.file, account="Main", changes={}, by="person:1")
    other = take(account(line(9, "2026-01-25", 70)), "csv", account="Second")
    intake.confirm(other.file, account="Second", changes={"sign": 1, "date_order": "MDY"}, by="person:1")
    third = account(line(11, "2026-01-28", 90))
    assert "Main, Second" in take(third, "csv").says
    assert take(third, "csv", account="Second").accounts[0].account == "Second"


@pytest.mark.parametrize(
    "sql",
    ["update statement_line set minor = 0", "delete from bank_file", "update bank_statement set lines = 0"],
)
def test_lines_and_files_are_never_changed(take, db, sql) -> None:
    take(JAN)
    with pytest.raises(psycopg.errors.RestrictViolation), db.transaction() as cx:
        cx.execute(sql)


def test_a_page_goes_on_where_the_one_before_ended(take, db) -> None:
    take(account(*(line(n, "2026-01-05", n + 1) for n in range(7))))
    seen: list[int] = []
    after = None
    with db.transaction() as cx:
        while page := store.lines(cx, after=after, limit=3):
            seen += [each.line.minor for each in page]
            after = (page[-1].line.day, page[-1].id)
    assert seen == [7, 6, 5, 4, 3, 2, 1]


def test_what_is_kept_is_what_was_read(take, db) -> None:
    sent = line(
        1,
        "2026-01-05",
        900,
        counterparty="STRIPE",
        reference="po_1",
        value_day="2026-01-06",
        sent_minor=1000,
        sent_currency="USD",
    )
    take(account(sent))
    with db.transaction() as cx:
        [kept] = store.counting(cx)
    assert msgspec.structs.replace(kept.line, raw="") == StatementLine(
        account=IBAN, key="TX1@2026-01-05:900", day="2026-01-05", value_day="2026-01-06", currency="EUR", minor=900,
        description="STRIPE PAYOUT", counterparty="STRIPE", references=("TX1", "po_1"), native_id="TX1", code="PMNT-RCDT-ESCT",
        original_minor=1000, original_currency="USD",
    )  # fmt: skip
    assert kept.line.raw.startswith("<Ntry>")


def test_two_at_once_are_one(take, intake, lines) -> None:
    from concurrent.futures import ThreadPoolExecutor

    raw = render(JAN, "camt053")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: intake.take(raw, name="x", by="person:1"), range(4)))
    assert sorted(each.new_lines for each in found) == [0, 0, 0, 3]
    assert [each.again for each in found].count(False) == 1
    assert len(lines()) == 3


def test_gaps_are_found_wherever_they_are() -> None:
    span = checks.Span
    whole = Statement(account="1", currency="EUR", format="x", opening_minor=0, closing_minor=5)
    assert whole.off_by == -5
    assert (
        checks.gaps(
            [span("2026-01-01", "2026-01-10", 0, 5), span("2026-01-05", "2026-01-20", 3, 9)],
            {"2026-01-02": 3, "2026-01-06": 2, "2026-01-15": 4},
        )
        == []
    )
    taken_for_one = checks.gaps([span("2026-01-01", "2026-01-10", 0, 10)], {"2026-01-02": 5})
    assert [each.off_by for each in taken_for_one] == [5]


def test_an_iban_is_the_same_account_however_it_is_written(take, intake, lines, db) -> None:
    take(account(line(1, "2026-11-02", 100)))
    spaced = render(account(line(1, "2026-11-02", 100), number="de89 3704 0044 0532 0130 00"), "camt053")
    taken = intake.take(spaced, name="again.xml", by="person:1", account="DE89 3704 0044 0532 0130 00")
    assert (taken.accounts[0].account, taken.new_lines, lines()) == (IBAN, 0, [("2026-11-02", 100)])
    csv = render(account(line(1, "2026-11-02", 100)), "csv")
    waits = intake.take(csv, name="nov.csv", by="person:1", account="DE89 3704 0044 0532 0130 00")
    with pytest.raises(Refusal, match=r"read from CAMT\.053 already"):
        intake.confirm(
            waits.file, account=f" {IBAN.lower()}", changes={"date_order": "MDY", "sign": 1}, by="person:1"
        )


def test_one_account_under_two_names_is_a_problem_until_their_lines_differ(take, problems) -> None:
    some = [line(n, f"2026-11-{n:02}", 100 * n) for n in range(1, 7)]
    take(account(*some))
    assert problems() == []
    taken = take(account(*some, number="0532013000", no=2), "ofx")
    assert [each.kind for each in taken.problems] == problems() == ["bank_account_twice"]
    assert (
        f"Accounts 0532013000 and {IBAN} tell the same lines (6 of the newest 6" in taken.problems[0].message
    )
    others = [line(n, f"2026-11-{n:02}", 7_700 + n) for n in range(1, 4)]
    take(account(*others, opening=2_100, number="0532013000", no=3), "ofx")
    assert "bank_account_twice" not in problems()


def test_accounts_that_share_some_days_and_amounts_are_two(take, problems) -> None:
    take(account(*[line(n, f"2026-11-{n:02}", 100 * n) for n in range(1, 7)]))
    rest = [line(n, f"2026-11-{n:02}", -100 * n) for n in range(1, 7)]  # what went to the other account
    take(account(*rest, line(7, "2026-11-02", 200), opening=9_900, number="77", no=2))
    assert problems() == []
