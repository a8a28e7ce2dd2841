"""QuickBooks read as a book: what was written comes back to the cent, with what people made of it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bookhand.core.action import Get
from bookhand.core.book import BookLine, Posted
from bookhand.core.book_params import params_of
from bookhand.core.problems import Refusal
from bookhand.sandbox.quickbooks.ledger import CUT, postings
from bookhand.systems.quickbooks.actions import ACCOUNTS, ACTIONS, COMPANY, CREATES

YEAR = {"since": "2026-01-01", "until": "2026-12-31"}


def read(desk, name, **values):
    action = next(each for each in ACTIONS if each.name == f"quickbooks.{name}")
    checked = action.params.model_validate(values).model_dump(exclude_none=True)
    return desk.at.performer.read(desk.at.link, action, checked)


def test_the_company_says_what_it_can_take(desk, trading):
    company = desk.at.books.company(desk.at.link)
    assert (company.name, company.home_currency, company.currencies) == ("Acme Web Shop LLC", "USD", ("USD",))
    assert [name for _, name in company.categories] == ["Online shop", "Wholesale"]
    assert company.tax_codes == (("NON", "NON"), ("TAX", "TAX"))
    many = trading.at.books.company(trading.at.link)
    assert many.currencies == ("USD", "EUR", "JPY")
    desk.qb.companies[desk.realm].closed_through = "2026-06-30"
    assert desk.at.books.company(desk.at.link).closed_through == "2026-06-30"


def test_the_pace_is_that_of_full_batches(new_desk):
    company = new_desk(limits=None).at.books
    found = company.company(new_desk(limits=None).at.link)
    assert found.documents_per_second == 20.0
    assert "about 20 documents a second" in found.pace


def test_every_account_with_its_nature_inactive_ones_too(trading):
    trading.qb.companies[trading.realm].account("Savings")["Active"] = False
    chart = {each.name: each for each in trading.at.books.accounts(trading.at.link)}
    assert (chart["Savings"].active, chart["Checking"].active) == (False, True)
    assert (chart["Checking"].nature, chart["Merchant fees:Payout fees"].nature, chart["Sales"].nature) == (
        "bank",
        "expense",
        "income",
    )
    assert (chart["Euro account"].currency, chart["Sales"].currency) == ("EUR", None)
    assert chart["Sales"].detail == "Income / SalesOfProductIncome"


def test_documents_are_ours_alone_and_as_they_stand_now(desk):
    sale, payout = desk.sale(), desk.payout()
    desk.write(sale)
    desk.write(payout)
    desk.write(desk.sale(3, day="2025-12-31"))
    line = {"Amount": 5, "DetailType": "JournalEntryLineDetail"}
    sides = [
        line | {"JournalEntryLineDetail": {"PostingType": side, "AccountRef": {"value": desk.id("Sales")}}}
        for side in ("Debit", "Credit")
    ]
    desk.qb.person(
        desk.realm,
        "create",
        "JournalEntry",
        {"DocNumber": "17", "PrivateNote": "Ann's", "TxnDate": "2026-03-05", "Line": sides},
    )
    found = {each.key: each for each in desk.at.books.documents(desk.at.link, **YEAR)}
    assert set(found) == {sale.key, payout.key}
    desk.qb.person(desk.realm, "update", "JournalEntry", {"Id": found[sale.key].id, "TxnDate": "2026-04-01"})
    (moved,) = (each for each in desk.at.books.documents(desk.at.link, **YEAR) if each.key == sale.key)
    assert (moved.day, moved.version, found[sale.key].version) == ("2026-04-01", "1", "0")
    desk.qb.person(desk.realm, "delete", "JournalEntry", {"Id": moved.id})
    assert [each.key for each in desk.at.books.documents(desk.at.link, **YEAR)] == [payout.key]


def test_documents_come_page_by_page(desk, monkeypatch):
    monkeypatch.setattr("bookhand.systems.quickbooks.client.PAGE", 4)
    for n in range(11):
        desk.write(desk.sale(n))
    assert [each.key for each in desk.at.books.documents(desk.at.link, **YEAR)] == [
        desk.sale(n).key for n in range(11)
    ]


def test_the_ledger_gives_back_every_line_to_the_cent(desk):
    documents = [
        desk.sale(1),
        desk.sale(2, minor=77_777),
        desk.payout(),
        desk.sale(1).reversed(day="2026-09-30"),
    ]
    for each in documents:
        desk.write(each)
    wanted = [(line.account, each.day, line.minor) for each in documents for line in each.lines]
    accounts = {account for account, _, _ in wanted}
    found = list(desk.at.books.postings(desk.at.link, accounts, **YEAR))
    assert sorted((each.account, each.day, each.minor) for each in found) == sorted(wanted)
    assert {(each.document_kind, each.number) for each in found} == {
        ("JournalEntry", documents[0].number), ("JournalEntry", documents[1].number), ("JournalEntry", documents[3].number), ("Deposit", None),
    }  # fmt: skip
    assert {each.document for each in found} == {each["Id"] for each in desk.held() + desk.held("Deposit")}


def test_what_people_post_is_in_the_ledger(desk):
    told = {
        "TxnDate": "2026-05-01",
        "Amount": 40,
        "FromAccountRef": {"value": desk.id("Stripe clearing")},
        "ToAccountRef": {"value": desk.id("Checking")},
    }
    desk.qb.person(desk.realm, "create", "Transfer", told)
    spent = {
        "DetailType": "AccountBasedExpenseLineDetail",
        "Amount": "9.99",
        "AccountBasedExpenseLineDetail": {"AccountRef": {"value": desk.id("Merchant fees")}},
    }
    desk.qb.person(
        desk.realm,
        "create",
        "Purchase",
        {
            "TxnDate": "2026-05-02",
            "AccountRef": {"value": desk.id("Checking")},
            "PaymentType": "Cash",
            "Line": [spent],
        },
    )
    found = desk.at.books.postings(desk.at.link, [desk.id("Checking"), desk.id("Merchant fees")], **YEAR)
    assert [(each.document_kind, each.minor) for each in found] == [
        ("Transfer", 4_000),
        ("Expense", -999),
        ("Expense", 999),
    ]


def test_the_ledger_of_three_currencies_is_in_the_documents_own(trading):
    clearing, sales, fees = (
        trading.id("Stripe clearing JPY"),
        trading.id("Sales"),
        trading.id("Merchant fees"),
    )
    yen = trading.sale(
        lines=(BookLine(clearing, 1), BookLine(fees, 1), BookLine(sales, -2)), currency="JPY"
    )  # under half a cent each
    euro = trading.sale(
        2,
        lines=(BookLine(trading.id("Stripe clearing EUR"), 12_345), BookLine(sales, -12_345)),
        currency="EUR",
    )
    dollars = trading.sale(3)
    for each in (yen, euro, dollars):
        trading.write(each)
    wanted = [
        (line.account, each.currency, line.minor) for each in (yen, euro, dollars) for line in each.lines
    ]
    found = trading.at.books.postings(trading.at.link, {account for account, _, _ in wanted}, **YEAR)
    assert sorted((each.account, each.currency, each.minor) for each in found) == sorted(wanted)


def test_a_report_that_is_cut_short_is_asked_for_in_parts(desk):
    for n in range(12):
        desk.write(desk.sale(n, day=f"2026-03-{n + 1:02d}"))
    desk.qb.most_cells = 6 * 8  # eight rows
    accounts = [desk.id("Sales"), desk.id("Merchant fees")]
    found = list(desk.at.books.postings(desk.at.link, accounts, **YEAR))
    assert len(found) == 24
    assert not any(CUT in each.memo for each in found)
    desk.qb.most_cells = 6
    with pytest.raises(Refusal, match="general ledger of 2026-03-01"):
        list(desk.at.books.postings(desk.at.link, accounts, **YEAR))


def test_all_of_time_is_a_few_reports(desk):
    desk.write(desk.sale(1, day="2026-03-05"))
    desk.write(desk.sale(2, day="2019-01-31"))
    before = desk.qb.calls["GET reports/GeneralLedger"]
    found = desk.at.books.postings(desk.at.link, [desk.id("Sales")], since="0001-01-01", until="9999-12-31")
    assert sorted(each.day for each in found) == ["2019-01-31", "2026-03-05"]
    assert desk.qb.calls["GET reports/GeneralLedger"] - before < 20


def test_reads_of_the_catalogue(desk):
    sent = desk.write(desk.sale())
    desk.write(desk.payout())
    assert read(desk, "company.retrieve").data["home_currency"] == "USD"
    assert read(desk, "accounts.list").count == 32
    assert [each["key"] for each in read(desk, "journal_entries.list", **YEAR).data] == [desk.sale().key]
    assert read(desk, "journal_entries.retrieve", id=sent.data["id"]).data == sent.data
    assert read(desk, "deposits.list", **YEAR).data[0]["number"] == desk.payout().number
    assert {
        each["account"]
        for each in read(desk, "reports.general_ledger", **YEAR, accounts=[desk.id("Sales")]).data
    } == {desk.id("Sales")}
    assert read(desk, "reports.general_ledger", **YEAR).count == 7
    with pytest.raises(Refusal, match="no JournalEntry 999"):
        read(desk, "journal_entries.retrieve", id="999")
    with pytest.raises(Refusal, match="is no day"):
        desk.at.performer.read(
            desk.at.link,
            next(each for each in ACTIONS if each.name.endswith("entries.list")),
            {"since": "2026-01-01' OR", "until": "2026-01-02"},
        )


# --- previews ---


def preview(desk, document):
    action = CREATES[document.kind]
    found = {name: desk.at.performer.fetch(desk.at.link, get) for name, get in action.plan.reads({}).items()}
    return action.plan.preview(params_of(document), found)


def test_a_preview_names_the_accounts_and_costs_no_calls_for_a_minute(desk):
    seen = preview(desk, desk.sale())
    assert seen.says.startswith(
        f"Write journal entry {desk.sale().number} of 2026-03-05 into QuickBooks: 100.00 USD, Stripe clearing, Merchant fees to Sales."
    )
    assert seen.books[0] == "Stripe clearing  96.80 USD  ch_1"
    before = sum(desk.qb.calls.values())
    for n in range(50):
        preview(desk, desk.sale(n))
    assert sum(desk.qb.calls.values()) == before
    assert desk.at.performer.fetch(desk.at.link, Get(COMPANY))["currencies"] == ["USD"]


def test_a_preview_refuses_what_quickbooks_would(desk):
    company = desk.qb.companies[desk.realm]
    company.account("Savings")["Active"] = False
    company.closed_through = "2026-01-31"
    sales = desk.id("Sales")
    for lines, said in (
        ((BookLine("9999", 5), BookLine(sales, -5)), "no account 9999"),
        ((BookLine(desk.id("Savings"), 5), BookLine(sales, -5)), "Savings is inactive"),
        ((BookLine(desk.id("Accounts Payable (A/P)"), 5), BookLine(sales, -5)), "needs a vendor"),
    ):
        with pytest.raises(Refusal, match=said):
            preview(desk, desk.sale(lines=lines))
    with pytest.raises(Refusal, match="closed through 2026-01-31"):
        preview(desk, desk.sale(day="2026-01-31"))
    with pytest.raises(Refusal, match="takes USD, and"):
        preview(desk, desk.sale(currency="EUR"))
    assert preview(desk, desk.sale(day="2026-02-01"))


def test_a_preview_refuses_an_account_of_another_currency(trading):
    lines = (BookLine(trading.id("Euro account"), 5), BookLine(trading.id("Sales"), -5))
    with pytest.raises(Refusal, match="Euro account takes EUR alone"):
        preview(trading, trading.sale(lines=lines))
    assert preview(trading, trading.sale(lines=lines, currency="EUR"))
    assert (
        trading.at.performer.fetch(trading.at.link, Get(ACCOUNTS))[lines[0].account]["name"] == "Euro account"
    )


def test_the_stand_ins_ledger_balances_at_home_too(trading):
    sales = trading.id("Sales")
    lines = (
        BookLine(trading.id("Stripe clearing JPY"), 333),
        BookLine(trading.id("Merchant fees"), 333),
        BookLine(sales, -666),
    )
    trading.write(trading.sale(lines=lines, currency="JPY"))
    (kept,) = trading.held()
    assert sum(line.home for line in postings("JournalEntry", kept)) == Decimal(0)
    assert isinstance(next(trading.at.books.documents(trading.at.link, **YEAR)), Posted)
