"""What is in the book, whoever wrote it: documents of ours as they stand, and the ledger of accounts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.systems.netsuite.conftest import DEPOSIT, ENTRY
from tests.systems.netsuite.connecting import ONE_WORLD, Connected, connected, switch

from bookhand.core.book import BookLine, Document
from bookhand.core.book_params import params_of
from bookhand.db.engine import Database
from bookhand.sandbox.netsuite.netsuite import NetSuite
from bookhand.systems.netsuite import books_client
from bookhand.systems.netsuite.books_client import halved
from bookhand.workspace.secrets_store import Secrets

NOVEMBER = {"since": "2026-11-01", "until": "2026-11-30"}


def write(books: Connected, document: Document) -> str:
    action = DEPOSIT if document.kind == "deposit" else ENTRY
    return str(
        books.performer.send(books.connection.link, action, params_of(document), key="", marker="").data["id"]
    )


def test_documents_as_people_left_them(books: Connected, url: str, entry: Callable[..., Document]) -> None:
    link = books.connection.link
    one, two, three = (
        write(books, entry(key, day=day))
        for key, day in (("a", "2026-10-31"), ("b", "2026-11-01"), ("c", "2026-11-30"))
    )
    po = write(books, entry("po", 9000, 320, -9320, kind="deposit", day="2026-11-30"))
    switch(
        url,
        "check",
        account="1002-sb1",
        bank="100",
        other="116",
        amount="12.30",
        day="2026-11-03",
        memo="no mark",
    )
    assert [each.id for each in books.books.documents(link, **NOVEMBER)] == [two, three, po]
    assert [each.id for each in books.books.documents(link, since="2026-10-31", until="2026-11-01")] == [
        one,
        two,
    ]
    switch(
        url,
        "edit",
        account="1002-sb1",
        record="journalEntry",
        id=two,
        body={"memo": "mine now", "tranDate": "2026-11-05"},
    )
    switch(url, "delete", account="1002-sb1", record="journalEntry", id=three)
    found = {each.key: each for each in books.books.documents(link, **NOVEMBER)}
    assert found.keys() == {"b", "po"}, "the external id tells the key where the mark was taken away"
    assert found["b"].day == "2026-11-05"
    assert found["po"].lines[0] == BookLine("100", 9000)


def test_the_ledger_has_everybodys_lines(books: Connected, url: str, entry: Callable[..., Document]) -> None:
    link = books.connection.link
    document = entry("b")
    ours = write(books, document)
    check = switch(
        url,
        "check",
        account="1002-sb1",
        bank="100",
        other="116",
        amount="12.30",
        day="2026-11-03",
        memo="lunch",
    )["id"]
    fees, clearing = "116", document.lines[0].account
    found = list(books.books.postings(link, [fees, clearing], **NOVEMBER))
    assert {(each.account, each.document, each.minor, each.document_kind, each.memo) for each in found} == {
        (clearing, ours, 9680, "Journal", "line 0"), (fees, ours, 320, "Journal", "line 1"), (fees, check, 1230, "Check", "lunch")
    }  # fmt: skip
    assert list(books.books.postings(link, [], **NOVEMBER)) == []
    assert list(books.books.postings(link, ["1) OR (1=1"], **NOVEMBER)) == []


def test_subsidiaries_do_not_see_each_others(
    url: str, db: Database, secrets: Secrets, netsuite: NetSuite
) -> None:
    chart = netsuite.accounts["tstdrv1001"].company

    def document(key: str, currency: str) -> Document:
        lines = (BookLine(chart.by_number("1095").id, 500), BookLine(chart.by_number("4000").id, -500))
        return Document(
            key=key, kind="journal_entry", day="2026-11-20", currency=currency, memo="", lines=lines
        )

    with (
        connected(url, db, secrets, account=ONE_WORLD, subsidiary="1") as us,
        connected(url, db, secrets, account=ONE_WORLD, subsidiary="2") as de,
    ):
        write(us, document("us", "GBP"))
        write(de, document("de", "EUR"))
        for books, key, home, currency in ((us, "us", "USD", "GBP"), (de, "de", "EUR", "EUR")):
            link = books.connection.link
            company = books.books.company(link)
            assert (company.home_currency, set(company.currencies)) == (home, {"USD", "GBP", "EUR"})
            [found] = books.books.documents(link, **NOVEMBER)
            assert (found.key, found.currency, [line.minor for line in found.lines]) == (
                key,
                currency,
                [500, -500],
            )
            assert [
                each.currency for each in books.books.postings(link, [chart.by_number("1095").id], **NOVEMBER)
            ] == [currency]


def test_the_chart(books: Connected) -> None:
    chart = {each.number: each for each in books.books.accounts(books.connection.link)}
    assert (chart["1000"].nature, chart["1000"].currency, chart["1000"].detail) == ("bank", "USD", "Bank")
    assert (chart["6010"].name, chart["6010"].nature) == ("Merchant services:Stripe fees", "expense")
    assert {number for number, each in chart.items() if not each.active} == {"6000", "6999"}
    assert {each.nature for each in chart.values()} == {
        "bank",
        "asset",
        "liability",
        "equity",
        "income",
        "expense",
        "other",
    }


@pytest.fixture
def full(netsuite: NetSuite) -> int:
    """More lines in a month than a page has rows."""
    account = netsuite.accounts["1002-sb1"]
    for number in range(700):
        lines = [
            {"account": {"id": "102"}, "debit": 1 + number},
            {"account": {"id": "112"}, "credit": 1 + number},
        ]
        body = {
            "tranDate": f"2026-11-{1 + number % 28:02}",
            "externalId": f"bookhand-k{number}",
            "line": {"items": lines},
        }
        account.create("journalEntry", body, at="2026-11-20T10:00:00Z")
    return 700


@pytest.mark.parametrize("most", [100_000, 5_900])
def test_a_span_of_many_pages_is_read_whole(
    books: Connected, full: int, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """With 5,900 rows as the most a query may give, less the margin, November is read in halves."""
    monkeypatch.setattr(books_client, "MOST_ROWS", most)
    link = books.connection.link
    found = {each.key: each for each in books.books.documents(link, **NOVEMBER)}
    assert len(found) == full
    assert all(each.lines[0].minor == -each.lines[1].minor for each in found.values())
    assert (
        sum(each.minor for each in books.books.postings(link, ["102"], **NOVEMBER))
        == 100 * full * (full + 1) // 2
    )


@settings(max_examples=50)
@given(st.dates(min_value=date(1990, 1, 1)), st.integers(0, 9000))
def test_halves_are_the_whole_once(first: date, length: int) -> None:
    last = min(first.toordinal() + length, date.max.toordinal())
    since, until = first.isoformat(), date.fromordinal(last).isoformat()
    halves = halved(since, until)
    if since == until:
        assert halves == ()
        return
    (one, middle), (after, end) = halves
    assert (one, end) == (since, until)
    assert one <= middle < after <= end
    assert date.fromisoformat(after).toordinal() - date.fromisoformat(middle).toordinal() == 1


def test_two_subsidiaries_keep_the_same_journal_each_in_its_own_documents(
    netsuite: NetSuite, url: str, db: Database, secrets: Secrets
) -> None:
    """An external id is once in the account: the same document of two books must not be taken for one."""
    lines = (BookLine(_id(netsuite, "1095"), 700), BookLine(_id(netsuite, "4000"), -700))
    document = Document(
        key="acct_1:test:txn_1",
        kind="journal_entry",
        day="2026-11-20",
        currency="USD",
        memo="Charge ch_1",
        lines=lines,
    )
    with (
        connected(url, db, secrets, account=ONE_WORLD, subsidiary="1") as first,
        connected(url, db, secrets, account=ONE_WORLD, subsidiary="2") as second,
    ):
        numbers = [
            each.performer.send(each.connection.link, ENTRY, params_of(document), key="k", marker="m").data[
                "id"
            ]
            for each in (first, second)
        ]
        assert len(set(numbers)) == 2
        for each, number in zip((first, second), numbers, strict=True):
            found = list(each.books.documents(each.connection.link, since="2026-11-20", until="2026-11-20"))
            assert [(one.id, one.key, one.lines) for one in found] == [(number, document.key, lines)]


def _id(netsuite: NetSuite, number: str) -> str:
    return netsuite.accounts["tstdrv1001"].company.by_number(number).id
