"""The bank's pages: files taken in, columns confirmed once, lines searched, the statement on the screen and as files."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from urllib.parse import quote

import openpyxl
import pytest
from pypdf import PdfReader
from structlog.testing import capture_logs
from tests.web.payouts.conftest import FILES, HOSTILE, IBAN, SECRET, Company, line, said, words

from bookhand.core.problems import Refusal
from bookhand.sandbox.bank.files import render
from bookhand.sandbox.bank.lines import BankAccount
from bookhand.systems.bank.intake_workflow import Intake
from bookhand.web.payouts.bank.columns import changes

STATEMENTS = "/payouts/statements"
LINES = (line(1, 5, 1_000, "STRIPE ONE"), line(2, 20, -250, "RENT"))
ODD = (
    "Buchungstag;Empfänger;Zweck;Betrag\n04.03.2026;Stripe;=HYPERLINK(1);1.250,00\n"
    f"05.03.2026;{HOSTILE};Strom {SECRET};-84,90\n"
).encode()


def file(kind: str, *lines: object, number: str = IBAN) -> bytes:
    return render(BankAccount(number=number, currency="USD", lines=lines or LINES), kind)  # type: ignore[arg-type]


# --- files ---


@pytest.mark.parametrize("kind", ["camt053", "ofx", "mt940", "bai2"])
async def test_a_file_is_taken_in_and_what_was_read_is_told(web: Company, upload, kind: str) -> None:
    operator = await web.person("operator")
    place = said(await upload(operator, FILES[kind], file(kind)))
    told = words((await operator.get(place)).text)
    assert "2 new lines were read" in told
    assert FILES[kind] in told
    assert said(await upload(operator, "other.name", file(kind))) == place
    assert "This file was read before" in words((await operator.get(place)).text)
    assert web.one("select count(*) from statement_line") == 2
    assert FILES[kind] in words((await operator.get(STATEMENTS)).text)


@pytest.mark.parametrize(
    ("raw", "says"),
    [(b"PK\x03\x04bomb", "ZIP"), (b"\x1f\x8b\x08bomb", "gzip"), (b"", "empty"), (b"%PDF-1.7", "PDF"), (b"\x00\x01", "control character"),
     (b"<!DOCTYPE x [<!ENTITY a 'b'>]><BkToCstmrStmt/>", "document type"), (b"<html><body>Sign in</body></html>", "no OFX")],
)  # fmt: skip
async def test_what_is_no_statement_is_refused_and_nothing_is_kept(
    web: Company, upload, raw: bytes, says: str
) -> None:
    operator = await web.person("operator")
    answer = await upload(operator, "../../etc/passwd", raw)
    assert (answer.status_code, says in words(answer.text)) == (400, True), words(answer.text)[-300:]
    assert web.one("select count(*) from bank_file") == 0


async def test_a_refused_file_is_chosen_again_on_the_same_page_with_its_account(web: Company, upload) -> None:
    operator = await web.person("operator")
    answer = await upload(operator, "scan.pdf", b"%PDF-1.7", account='Savings "2"')
    assert answer.status_code == 400
    assert 'name="file"' in answer.text
    assert 'role="alert" id="wrong"' in answer.text
    assert "PDF" in words(answer.text)
    assert 'value="Savings &#34;2&#34;"' in answer.text


async def test_no_file_and_no_right_to_take_one_in(web: Company, upload) -> None:
    operator, viewer = await web.person("operator"), await web.person("viewer")
    assert (await operator.fill(STATEMENTS, STATEMENTS, {})).status_code == 400
    assert "Take a file in" not in words((await viewer.get(STATEMENTS)).text)
    sent = {
        "data": {"csrf": "x"},
        "files": {"file": ("a.xml", file("camt053"))},
        "headers": {"sec-fetch-site": "same-origin"},
    }
    assert (await viewer.client.post(STATEMENTS, **sent)).status_code == 403
    assert (await operator.client.post(STATEMENTS, **sent)).status_code == 403  # a strange form
    assert web.one("select count(*) from bank_file") == 0


async def test_a_body_has_an_end_whether_it_says_its_length_or_not(web: Company, upload) -> None:
    operator = await web.person("operator")
    page = words((await upload(operator, "big.csv", b"x" * (4 * 1024 * 1024))).text)
    assert "longer than 3 MiB" in page

    async def endless():
        yield b"csrf=x&why="
        for _ in range(40):
            yield b"&a=" + b"x" * 100_000

    form = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
    with capture_logs() as told:
        for path, most in (("/payouts/match", 2), ("/sign-in", 2)):
            answer = await operator.client.post(path, content=endless(), headers=form)
            assert answer.status_code == 413, path
            assert f"longer than {most} MiB" in words(answer.text)
    assert "page_failed" not in {each["event"] for each in told}, "what is sent is no fault of the page"
    declared = await operator.client.post(
        "/payouts/match", content=b"x", headers={**form, "content-length": "9" * 30}
    )
    assert declared.status_code == 413


async def test_a_statement_that_does_not_add_up_says_so(web: Company, upload) -> None:
    operator = await web.person("operator")
    wrong = file("camt053").replace(b">7.50<", b">9.50<")
    place = said(await upload(operator, "nov.xml", wrong))
    told = words((await operator.get(place)).text)
    assert "What the balances do not prove" in told
    assert "2.00" in told


# --- columns ---


async def test_columns_of_a_csv_are_seen_tried_and_confirmed_once(web: Company, upload) -> None:
    owner, operator = await web.owner(), await web.person("operator")
    place = said(await upload(operator, "Konto <1>.csv", ODD))
    assert place.endswith("/columns")
    page = (await owner.get(place)).text
    assert HOSTILE not in page
    assert SECRET not in page
    assert "Is 04.03.2026 the 2026-03-04 (DMY) or the 2026-04-03 (MDY)?" in words(page)
    chosen = re.findall(r'name="role_(\d)".*?<option value="(\w*)" selected', page, re.DOTALL)
    assert chosen == [("0", "date"), ("1", "counterparty"), ("2", "description"), ("3", "amount")]
    sent = {
        **{f"role_{at}": role for at, role in chosen},
        "decimal": ",",
        "sign": "1",
        "currency": "eur",
        "account": "Giro",
    }
    looked = await owner.fill(place, place, {**sent, "date_order": "DMY", "do": "look"})
    assert looked.status_code == 200
    assert re.search(r"Mar 4, 2026 .*? 1,250\.00 EUR", words(looked.text))
    other = await owner.fill(place, place, {**sent, "date_order": "MDY", "do": "look"})
    assert "Apr 3, 2026" in words(other.text)
    assert web.one("select count(*) from csv_profile") == 0
    for wrong, says in (({"date_order": ""}, "Say the order of the dates"), ({"date_order": "DMY", "account": ""}, "which bank account"),
                        ({"date_order": "DMY", "role_1": "amount"}, "two columns"), ({"date_order": "DMY", "role_0": ""}, "day of booking")):  # fmt: skip
        refused = await owner.fill(place, place, {**sent, **wrong, "do": "confirm"})
        assert (refused.status_code, says in words(refused.text)) == (400, True), says
        assert web.one("select count(*) from statement_line") == 0
    assert (
        await operator.fill(place, place, {**sent, "date_order": "DMY", "do": "confirm"})
    ).status_code == 403
    assert "Confirm and take it in" not in words((await operator.get(place)).text)
    done = await owner.fill(place, place, {**sent, "date_order": "DMY", "do": "confirm"})
    assert said(done) == place.removesuffix("/columns")
    assert web.one("select min(day)::text from statement_line") == "2026-03-04"
    assert (
        web.one("select c.mode from statement_line join connection c using (connection_id) limit 1") == "test"
    )
    more = ODD.replace(b"84,90", b"90,10")
    assert not said(await upload(operator, "next.csv", more)).endswith("/columns")  # remembered


FEES = (
    b"Day;Text;Amount;Fee;Balance\n2026-11-02;STRIPE;100,00;0,00;1100,00\n2026-11-13;STRIPE;200,00;1,50;1298,50\n"
    b"2026-11-20;RENT;-50,00;0,25;1248,25\n"
)


async def test_a_column_of_fees_is_shown_as_one_and_chosen_like_the_others(web: Company, upload) -> None:
    owner = await web.owner()
    place = said(await upload(owner, "fees.csv", FEES))

    def chosen(page: str) -> dict[str, str]:
        return {
            f"role_{at}": role
            for at, role in re.findall(r'name="role_(\d)".*?<option value="(\w*)" selected', page, re.DOTALL)
        }

    page = (await owner.get(place)).text
    assert chosen(page) == {
        "role_0": "date", "role_1": "description", "role_2": "amount", "role_3": "fee", "role_4": "balance",
    }  # fmt: skip
    assert "Fee, taken off the amount" in words(page)
    rest = {"date_order": "YMD", "decimal": ",", "sign": "1", "currency": "EUR", "account": "Giro"}
    sent = {**chosen(page), **rest}
    looked = words((await owner.fill(place, place, {**sent, "do": "look"})).text)
    assert "198.50 EUR" in looked
    without = {**sent, "role_3": "", "role_4": "", "do": "look"}  # a person may say that it is not read
    other = await owner.fill(place, place, without)
    assert "200.00 EUR" in words(other.text)
    assert chosen(other.text)["role_3"] == ""
    refused = await owner.fill(place, place, {**sent, "sign": "-1", "do": "confirm"})
    assert (refused.status_code, "Fees (Fee) are taken off one column" in words(refused.text)) == (400, True)
    said(await owner.fill(place, place, {**sent, "do": "confirm"}))
    assert web.one("select array_agg(minor order by day) from statement_line") == [10_000, 19_850, -5_025]
    assert web.one("select profile ->> 'fee' from csv_profile") == "Fee"


def test_fees_go_with_one_column_of_amounts_alone() -> None:
    header = ("Day", "In", "Out", "Fee")
    sent = {"role_0": "date", "sign": "1"}
    assert changes({**sent, "role_1": "money_in", "role_2": "money_out"}, header)["fee"] is None
    assert changes({**sent, "role_1": "amount", "sign": "-1"}, header)["fee"] is None
    assert changes({**sent, "role_1": "amount", "role_3": "fee"}, header)["fee"] == "Fee"
    for wrong in (
        {"role_1": "money_in", "role_2": "money_out"},
        {"role_1": "amount", "sign": "-1"},
    ):
        with pytest.raises(Refusal, match="one column of amounts"):
            changes({**sent, **wrong, "role_3": "fee"}, header)


async def test_a_file_whose_columns_fit_several_accounts_is_asked_for_one(web: Company, upload) -> None:
    owner = await web.owner()
    first = said(await upload(owner, "a.csv", ODD))
    sent = {"role_0": "date", "role_1": "counterparty", "role_2": "description", "role_3": "amount", "decimal": ",", "sign": "1", "currency": "EUR",
            "date_order": "DMY", "do": "confirm"}  # fmt: skip
    said(await owner.fill(first, first, {**sent, "account": "Giro"}))
    second = said(await upload(owner, "b.csv", ODD.replace(b"84,90", b"1,00"), account="Spar"))
    said(await owner.fill(second, second, {**sent, "account": "Spar"}))
    third = said(await upload(owner, "c.csv", ODD.replace(b"84,90", b"2,00")))
    page = words((await owner.get(third)).text)
    assert "Files with these columns were confirmed for several accounts" in page
    assert "c.csv" in words((await owner.get(STATEMENTS)).text)  # it waits
    operator = await web.person("operator")
    done = await operator.fill(third, third.replace("/columns", "/account"), {"account": "Spar"})
    assert said(done) == third.removesuffix("/columns")
    assert web.one("select account from statement_line where minor = -200") == "Spar"


# --- lines ---


async def test_lines_are_searched_and_go_on_by_key(web: Company) -> None:
    web.bank(
        *(line(n, 1 + n % 28, 100 + n, f"LINE {n} 100%" if n % 10 == 0 else f"LINE {n}") for n in range(120))
    )
    viewer = await web.person("viewer")
    found, path = [], "/payouts/lines"
    while path:
        page = (await viewer.get(path)).text
        found += re.findall(r'row-link" href="/payouts/lines/(\d+)"', page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        path = unescape(following[1]) if following else ""
    assert (len(found), len(set(found))) == (120, 120)
    assert (await viewer.get("/payouts/lines?q=100%25")).text.count("row-link") == 12
    assert (await viewer.get("/payouts/lines?q=line 7 ")).text.count("row-link") == 11  # 7, and 70 to 79
    assert (await viewer.get("/payouts/lines?q=_")).text.count("row-link") == 0  # no pattern of its own
    assert (await viewer.get("/payouts/lines?since=2026-01-03&until=2026-01-03")).text.count("row-link") == 5
    assert (await viewer.get(f"/payouts/lines?account={IBAN}&show=open&q=line 119")).text.count(
        "row-link"
    ) == 1


async def test_a_long_search_ends_and_says_how_far_it_came(
    web: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bookhand.web.payouts.bank import store

    monkeypatch.setattr(store, "_SEARCHED", 30)
    web.bank(*(line(n, 1 + n // 10, 100 + n, "NEEDLE" if n == 3 else f"LINE {n}") for n in range(100)))
    viewer = await web.person("viewer")
    path, pages = "/payouts/lines?q=needle", 0
    while "row-link" not in (page := (await viewer.get(path)).text):
        assert "were looked through" in words(page)
        path, pages = unescape(re.search(r'href="([^"]+)" rel="next"', page)[1]), pages + 1
    assert pages == 3
    assert "NEEDLE" in words(page)


async def test_a_line_tells_its_payout_and_how_it_stood_in_the_file(company: Company) -> None:
    viewer = await company.person("viewer")
    page = (await viewer.get(f"/payouts/lines/{company.line('po_good')}")).text
    assert 'href="/payouts/po_good"' in page
    assert "<Ntry>" in words(page)
    assert "po_good" in words((await viewer.get("/payouts/lines")).text)


# --- the reconciliation statement ---


async def test_the_statement_holds_on_the_screen_and_in_each_file(company: Company) -> None:
    viewer = await company.person("viewer")
    page = (await viewer.get("/payouts/reconciliation")).text
    told = words(page)
    assert "Nothing is left unexplained." in told
    assert "Balance per bank, 30 January 2026 242.70" in told
    assert re.search(r"Balance per books, 30 January 2026 576\.70 Difference 0\.00", told)
    assert 'href="/payouts/po_gone"' in page
    where = f"/payouts/reconciliation/file?account={IBAN}&form="
    sheet = await viewer.get(where + "csv")
    assert sheet.headers["content-disposition"] == 'attachment; filename="reconciliation-2026-01-30.csv"'
    rows = list(csv.reader(io.StringIO(sheet.content.decode("utf-8-sig"))))
    assert ["", "", "Balance per books, 30 January 2026", "", "576.70", "USD", ""] in rows
    book = openpyxl.load_workbook(io.BytesIO((await viewer.get(where + "xlsx")).content))
    assert 242.7 in {cell.value for row in book.active.iter_rows() for cell in row}
    assert (
        "Balance per bank"
        in PdfReader(io.BytesIO((await viewer.get(where + "pdf")).content)).pages[0].extract_text()
    )
    assert (await viewer.get(where + "exe")).status_code == 404


async def test_another_day_is_another_statement(company: Company) -> None:
    viewer = await company.person("viewer")
    told = words((await viewer.get(f"/payouts/reconciliation?account={IBAN}&day=2026-01-01")).text)
    assert "at the end of Jan 1, 2026" in told
    assert "Difference 0.00" in told
    assert "INCOMING WIRE" not in told


async def test_no_cell_of_a_file_runs(web: Company) -> None:
    web.payout("one", charge=10_000, fee=320)
    evil = ("=HYPERLINK(1)", "+1+1", "-2+3", "@SUM(A1)", "A;=1+1")
    web.bank(*(line(n, 2 + n, -100 * n, text) for n, text in enumerate(evil, 1)))
    web.reconcile()
    viewer = await web.person("viewer")
    where = f"/payouts/reconciliation/file?account={IBAN}&form="
    rows = list(csv.reader(io.StringIO((await viewer.get(where + "csv")).content.decode("utf-8-sig"))))
    texts = [row[2] for row in rows[1:]]
    assert [text for text in texts if text.lstrip().startswith(("=", "+", "-", "@"))] == []
    assert "'=HYPERLINK(1)" in texts
    book = openpyxl.load_workbook(io.BytesIO((await viewer.get(where + "xlsx")).content))
    cells = [cell for row in book.active.iter_rows() for cell in row if isinstance(cell.value, str)]
    assert {cell.data_type for cell in cells if cell.value in evil} == {"s"}


async def test_a_live_and_a_test_account_of_one_name_are_told_apart(company: Company) -> None:
    whole = BankAccount(number=IBAN, currency="USD", lines=(line(1, 9, 77, "OF LIVE"),))
    Intake(company.db, mode="live").take(render(whole, "camt053"), name="live.xml", by="person:1")
    viewer = await company.person("viewer")
    page = (await viewer.get("/payouts/reconciliation")).text
    names = dict(re.findall(rf'<option value="(\d+:{IBAN})"[^>]*>{IBAN} · (LIVE|TEST)', page))
    assert sorted(names.values()) == ["LIVE", "TEST"]
    for name, mode in names.items():
        where = f"account={quote(name)}"
        for path in (f"/payouts/reconciliation?{where}", f"/payouts/lines?{where}"):
            told = (await viewer.get(path)).text
            assert ("OF LIVE" in told) is (mode == "LIVE")
            assert ("RENT" in told) is (mode == "TEST")
            assert f'<option value="{name}" selected' in told
        rows = (await viewer.get(f"/payouts/reconciliation/file?{where}&form=csv")).content.decode(
            "utf-8-sig"
        )
        assert ("OF LIVE" in rows) is (mode == "LIVE")
    for path in (
        f"/payouts/reconciliation?account={IBAN}",
        f"/payouts/lines?account={IBAN}",
        f"{STATEMENTS}?account={IBAN}",
    ):
        refused = await viewer.get(path)
        assert refused.status_code == 400, path
        assert "(LIVE, TEST)" in words(refused.text) or "(TEST, LIVE)" in words(refused.text)
    hrefs = re.findall(
        r'href="(/payouts/reconciliation\?account=[^"]+)"', (await viewer.get(STATEMENTS)).text
    )
    assert len([href for href in hrefs if IBAN in href]) == 2
    one = (await viewer.get(f"/payouts/lines/{company.line('OF LIVE')}")).text
    (href,) = re.findall(r'href="(/payouts/lines\?account=[^"]+)"', one)
    assert "OF LIVE" in (await viewer.get(href)).text


async def test_without_a_bank_account_the_way_to_one_is_shown(web: Company) -> None:
    operator = await web.person("operator")
    assert "No bank account is known yet" in words((await operator.get("/payouts/reconciliation")).text)
    assert "No line of the bank is here yet" in words((await operator.get("/payouts/lines")).text)
    assert "Nothing was read yet" in words((await operator.get(STATEMENTS)).text)
