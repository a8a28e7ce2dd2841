"""The stand-in QuickBooks does what Intuit's pages say: errors by their codes, versions, batches, queries, changes, tokens."""

from __future__ import annotations

import re
import subprocess
import sys
from decimal import Decimal

import httpx
import pytest
from tests.sandbox.quickbooks.conftest import TOKENS, Caller

from bookhand.sandbox.outside.standin import decode
from bookhand.sandbox.quickbooks.limits import Limits, Rates
from bookhand.sandbox.quickbooks.oauth import HARD_SECONDS, REFRESH_SECONDS
from bookhand.sandbox.quickbooks.standin import TRADING_REALM

DAY = 86_400


# --- what is refused, and how ---


@pytest.mark.parametrize(
    ("code", "spoil"),
    [
        ("2020", lambda c: {"TxnDate": "2026-03-05"}),
        ("2020", lambda c: c.entry(Line=[c.side("Debit", "Checking", None), c.side("Credit", "Sales", 1)])),
        ("2030", lambda c: c.entry(TxnDate="2026-02-30")),
        ("2040", lambda c: c.entry(amount="1.005")),
        ("2050", lambda c: c.entry(DocNumber="x" * 22)),
        ("2050", lambda c: c.entry(PrivateNote="x" * 4_001)),
        ("2170", lambda c: c.entry(Line=[c.side("Deebit", "Checking", 1), c.side("Credit", "Sales", 1)])),
        (
            "2500",
            lambda c: c.entry(
                Line=[
                    c.side("Debit", "Checking", 1, AccountRef={"value": "9999"}),
                    c.side("Credit", "Sales", 1),
                ]
            ),
        ),
        (
            "2500",
            lambda c: c.entry(
                Line=[c.side("Debit", "Checking", 1, ClassRef={"value": "77"}), c.side("Credit", "Sales", 1)]
            ),
        ),
        ("6000", lambda c: c.entry(Line=[c.side("Debit", "Checking", 1), c.side("Credit", "Sales", "0.99")])),
        ("6000", lambda c: c.entry(Line=[c.side("Debit", "Checking", -1), c.side("Credit", "Sales", -1)])),
        ("6000", lambda c: c.entry(Line=[c.side("Debit", "Checking", 0)])),
        (
            "6000",
            lambda c: c.entry(
                Line=[c.side("Debit", "Accounts Receivable (A/R)", 1), c.side("Credit", "Sales", 1)]
            ),
        ),
        ("6000", lambda c: c.entry(CurrencyRef={"value": "EUR"})),
    ],
)
def test_entries_that_are_refused(small: Caller, code, spoil):
    assert small.code("POST", "journalentry", spoil(small)) == code
    assert small.query("SELECT count(*) FROM JournalEntry") == {"totalCount": 0}


def test_receivables_take_one_line_with_a_customer(small: Caller):
    customer = next(iter(small.qb.companies[small.realm].objects["Customer"]))
    owed = small.side(
        "Debit", "Accounts Receivable (A/R)", 5, Entity={"Type": "Customer", "EntityRef": {"value": customer}}
    )
    small.got("POST", "journalentry", small.entry(Line=[owed, small.side("Credit", "Sales", 5)]))
    twice = small.entry(Line=[owed, owed, small.side("Credit", "Sales", 10)])
    assert small.code("POST", "journalentry", twice) == "6000"


def test_inactive_accounts_closed_days_and_used_numbers(small: Caller):
    company = small.qb.companies[small.realm]
    company.account("Checking")["Active"] = False
    assert small.code("POST", "journalentry", small.entry()) == "610"
    company.account("Checking")["Active"] = True
    company.closed_through = "2026-03-05"
    assert small.code("POST", "journalentry", small.entry()) == "6210"
    open_day = {"TxnDate": "2026-03-06", "DocNumber": "S1"}
    for _ in range(2):  # numbers are not checked where nobody asked for it
        small.got("POST", "journalentry", small.entry(**open_day))
    company.duplicate_numbers_refused = True
    assert small.code("POST", "journalentry", small.entry(**open_day)) == "6140"
    made = small.got("POST", "journalentry", small.entry(**open_day | {"DocNumber": "S2"}))["JournalEntry"]
    small.got("POST", "journalentry", {**made, "PrivateNote": "edited"}, operation="update")  # its own number
    assert (
        small.got("GET", "preferences")["Preferences"]["AccountingInfoPrefs"]["BookCloseDate"] == "2026-03-05"
    )


def test_deposits_have_a_total_of_zero_or_more_and_no_number(small: Caller):
    made = small.got("POST", "deposit", small.deposit("100.00", "-3.20", DocNumber="S1"))["Deposit"]
    assert made["TotalAmt"] == Decimal("96.80")
    assert "DocNumber" not in made
    assert small.code("POST", "deposit", small.deposit("1.00", "-3.20")) == "6000"
    assert (
        small.code("POST", "deposit", small.deposit(1, DepositToAccountRef={"value": small.id("Sales")}))
        == "6000"
    )
    assert small.code("POST", "deposit", small.deposit(1, DepositToAccountRef=None)) == "2020"
    linked = small.deposit(1)
    linked["Line"][0]["LinkedTxn"] = [{"TxnId": "1", "TxnType": "Payment"}]
    assert small.code("POST", "deposit", linked) == "500"


def test_names_are_used_once_and_what_is_not_done_here_says_so(small: Caller):
    small.got("POST", "customer", {"DisplayName": "New & Co"})
    assert small.code("POST", "customer", {"DisplayName": "new & co"}) == "6240"
    assert small.code("POST", "customer", {"DisplayName": "Stripe"}) == "6240"  # a vendor's
    account = small.got("POST", "account", {"Name": "Fees", "AccountType": "Expense"})["Account"]
    assert account["Classification"] == "Expense"
    assert small.code("POST", "account", {"Name": "Fees", "AccountType": "Expense"}) == "6240"
    assert small.code("POST", "invoice", {}) == "500"
    assert small.code("GET", "invoice/1") == "500"
    assert small.code("GET", "journalentry/1") == "610"


def test_currencies(trading: Caller):
    euro = [trading.side("Debit", "Euro account", "10.00"), trading.side("Credit", "Sales", "10.00")]
    made = trading.got("POST", "journalentry", trading.entry(Line=euro, CurrencyRef={"value": "EUR"}))[
        "JournalEntry"
    ]
    assert made["ExchangeRate"] == Decimal("1.0850")
    told = trading.got(
        "POST", "journalentry", trading.entry(Line=euro, CurrencyRef={"value": "EUR"}, ExchangeRate="1.2")
    )
    assert told["JournalEntry"]["ExchangeRate"] == Decimal("1.2")
    assert (
        trading.code("POST", "journalentry", trading.entry(Line=euro)) == "6000"
    )  # a euro account, in dollars
    assert trading.code("POST", "journalentry", trading.entry(CurrencyRef={"value": "CHF"})) == "2500"
    assert (
        trading.code("POST", "journalentry", trading.entry(amount="1.50", CurrencyRef={"value": "JPY"}))
        == "2040"
    )
    report = trading.got(
        "GET",
        "reports/GeneralLedger",
        start_date="2026-01-01",
        end_date="2026-12-31",
        account=trading.id("Euro account"),
        columns="tx_date,debt_amt,debt_home_amt,nat_foreign_amount,currency",
    )
    rows = report["Rows"]["Row"][0]["Rows"]["Row"][1:]
    assert [[cell["value"] for cell in row["ColData"]] for row in rows] == [
        ["2026-03-05", "", "10.85", "10.00", "EUR"], ["2026-03-05", "", "12.00", "10.00", "EUR"],
    ]  # fmt: skip


# --- versions, batches, request ids ---


def test_versions(small: Caller):
    made = small.got("POST", "journalentry", small.entry(PrivateNote="one", DocNumber="S1"))["JournalEntry"]
    sparse = small.got(
        "POST", "journalentry", {"Id": made["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "two"}
    )["JournalEntry"]
    assert (sparse["SyncToken"], sparse["DocNumber"], sparse["PrivateNote"]) == ("1", "S1", "two")
    assert small.code("POST", "journalentry", {"Id": made["Id"], "SyncToken": "0", "sparse": True}) == "5010"
    full = small.got("POST", "journalentry", {**small.entry(), "Id": made["Id"], "SyncToken": "1"})[
        "JournalEntry"
    ]
    assert "PrivateNote" not in full  # what a full update does not name goes away
    assert small.query("SELECT * FROM JournalEntry WHERE DocNumber = 'S1'") == {}
    assert (
        small.code("POST", "journalentry", {"Id": made["Id"], "SyncToken": "0"}, operation="delete") == "5010"
    )
    gone = small.got("POST", "journalentry", {"Id": made["Id"], "SyncToken": "2"}, operation="delete")[
        "JournalEntry"
    ]
    assert gone["status"] == "Deleted"
    assert small.code("GET", f"journalentry/{made['Id']}") == "610"
    assert small.code("POST", "journalentry", {"Id": made["Id"]}, operation="delete") == "2020"


def test_a_request_id_gives_its_first_answer_again(small: Caller):
    first = small.got("POST", "journalentry", small.entry(), requestid="r1")
    again = small.got("POST", "journalentry", small.entry(amount="99.00"), requestid="r1")
    assert again["JournalEntry"] == first["JournalEntry"]
    assert small.query("SELECT count(*) FROM JournalEntry") == {"totalCount": 1}
    assert small.code("POST", "journalentry", small.entry(), requestid="x" * 51) == "2050"
    small.qb.control("requestids", {"enabled": False})
    small.got("POST", "journalentry", small.entry(), requestid="r1")
    assert small.query("SELECT count(*) FROM JournalEntry") == {"totalCount": 2}


def test_a_batch_has_thirty_items_that_fail_alone_and_answers_in_any_order(small: Caller):
    def items(count: int):
        return [
            {"bId": f"b{n}", "operation": "create", "JournalEntry": small.entry(DocNumber=f"S{n}")}
            for n in range(count)
        ]

    asked = items(29)
    asked[3]["JournalEntry"]["Line"] = asked[3]["JournalEntry"]["Line"][:1]
    asked.append({"bId": "q", "Query": "SELECT * FROM Class"})
    told = small.got("POST", "batch", {"BatchItemRequest": asked}, requestid="r1")["BatchItemResponse"]
    by_id = {each["bId"]: each for each in told}
    assert [each["bId"] for each in told] != [each["bId"] for each in asked]
    assert by_id["b3"]["Fault"]["Error"][0]["code"] == "6000"
    assert by_id["b4"]["JournalEntry"]["DocNumber"] == "S4"
    assert len(by_id["q"]["QueryResponse"]["Class"]) == 2
    assert (
        small.got("POST", "batch", {"BatchItemRequest": asked}, requestid="r1")["BatchItemResponse"] == told
    )
    assert small.query("SELECT count(*) FROM JournalEntry") == {"totalCount": 28}
    assert small.code("POST", "batch", {"BatchItemRequest": items(31)}) == "6000"
    assert small.code("POST", "batch", {"BatchItemRequest": items(1) * 2}) == "6000"
    assert small.code("POST", "batch", {"BatchItemRequest": items(2)}, requestid="x" * 37) == "2050"
    assert (
        small.code("POST", "batch", {"BatchItemRequest": [items(1)[0] | {"bId": "x" * 11}]}, requestid="r2")
        == "2050"
    )


# --- queries, changes ---


def test_queries(small: Caller):
    for n in range(1, 13):
        small.got("POST", "journalentry", small.entry(DocNumber=f"S{n}", TxnDate=f"2026-{n:02d}-01"))
    found = small.query(
        "select * from JournalEntry where TxnDate >= '2026-03-01' and TxnDate < '2026-06-01' orderby TxnDate desc"
    )
    assert [each["DocNumber"] for each in found["JournalEntry"]] == ["S5", "S4", "S3"]
    page = small.query("SELECT * FROM JournalEntry ORDERBY Id STARTPOSITION 11 MAXRESULTS 5")
    assert (
        [each["DocNumber"] for each in page["JournalEntry"]],
        page["startPosition"],
        page["maxResults"],
    ) == (["S11", "S12"], 11, 2)
    assert (
        len(small.query("SELECT * FROM JournalEntry WHERE DocNumber IN ('S1', 'S7', 'none')")["JournalEntry"])
        == 2
    )
    assert small.query("SELECT * FROM Account WHERE Name LIKE 'check%'")["Account"][0]["Name"] == "Checking"
    assert small.query("SELECT * FROM JournalEntry WHERE DocNumber = 'it\\'s'") == {}
    small.qb.companies[small.realm].account("Savings")["Active"] = False
    count = "SELECT count(*) FROM Account"
    assert (
        small.query(count)["totalCount"] + 1
        == small.query(f"{count} WHERE Active IN (true, false)")["totalCount"]
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELECT * FROM Deposit WHERE DocNumber = 'S1'", "4001"),
        ("SELECT * FROM JournalEntry WHERE PrivateNote = 'x'", "4001"),
        ("SELECT * FROM Invoice", "4001"),
        ("SELECT * FROM JournalEntry MAXRESULTS 1001", "4001"),
        ("SELECT * FROM JournalEntry WHERE TxnDate = '1' OR TxnDate = '2'", "4000"),
        ("SELECT Id FROM JournalEntry", "4000"),
        ("SELECT * FROM JournalEntry WHERE TxnDate = 2026", "4000"),
        ("DROP TABLE x", "4000"),
        ("SELECT * FROM JournalEntry WHERE TxnDate = 'x", "4000"),
    ],
)
def test_queries_that_are_refused(small: Caller, text, code):
    assert small.code("GET", "query", query=text) == code


def test_changes_since_with_what_was_deleted(small: Caller):
    old = small.got("POST", "journalentry", small.entry())["JournalEntry"]
    small.qb.clock.advance(DAY)
    token = small.exchange()["access_token"]
    small.token = token
    since = small.qb.clock.moment().isoformat()
    assert small.got("GET", "cdc", entities="JournalEntry,Deposit", changedSince=since)["CDCResponse"][0][
        "QueryResponse"
    ] == [{}, {}]
    small.qb.person(small.realm, "update", "JournalEntry", {"Id": old["Id"], "PrivateNote": "x"})
    deposit = small.got("POST", "deposit", small.deposit(5))["Deposit"]
    small.qb.person(small.realm, "delete", "Deposit", {"Id": deposit["Id"]})
    entries, deposits = small.got("GET", "cdc", entities="JournalEntry,Deposit", changedSince=since)[
        "CDCResponse"
    ][0]["QueryResponse"]
    assert [each["SyncToken"] for each in entries["JournalEntry"]] == ["1"]
    assert [(each["Id"], each["status"]) for each in deposits["Deposit"]] == [(deposit["Id"], "Deleted")]
    assert small.code("GET", "cdc", entities="JournalEntry", changedSince="2025-01-01T00:00:00Z") == "6000"


# --- who may ---


def test_tokens_live_an_hour_and_open_one_company(small: Caller):
    small.got("GET", "companyinfo/1")
    elsewhere = Caller(small.qb, TRADING_REALM, small.token)
    assert elsewhere.ask("GET", "companyinfo/1").status == 403
    small.qb.clock.advance(3_600)
    answer = small.ask("GET", "companyinfo/1")
    assert (answer.status, decode(answer.body)["Fault"]["Error"][0]["code"]) == (401, "3200")
    assert small.ask("GET", "companyinfo/1", accept="*/*").status == 401
    small.token = small.exchange()["access_token"]
    assert small.ask("GET", "companyinfo/1", accept="*/*").body.startswith(b"<?xml")


def test_refresh_tokens_change_once_a_day_and_the_one_before_is_refused(small: Caller):
    first = small.exchange()
    assert first["x_refresh_token_hard_expires_in"] == HARD_SECONDS
    assert small.refresh(first["refresh_token"])["refresh_token"] == first["refresh_token"]
    small.qb.clock.advance(DAY)
    second = small.refresh(first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    assert "x_refresh_token_hard_expires_in" not in second  # only where it is asked for
    assert small.refresh(first["refresh_token"])["error"] == "invalid_grant"
    small.qb.clock.advance(REFRESH_SECONDS + 1)
    assert small.refresh(second["refresh_token"])["error"] == "invalid_grant"


def test_codes_are_good_once_for_their_address_and_their_app(small: Caller):
    assert small.exchange(redirect_uri="http://localhost:2/other")["error"] == "invalid_grant"
    assert small.exchange(code="AB11made-up")["error"] == "invalid_grant"
    assert small.form(TOKENS, {"grant_type": "refresh_token"}, secret="wrong").status == 401
    assert small.consent(client_id="AB0").status == 400
    assert small.consent(scope="openid").status == 400
    assert small.consent(redirect_uri="javascript:alert(1)").status == 400
    assert "error=access_denied" in dict(small.consent(realm="").headers)["location"]


def test_limits_count_calls_and_batches(small: Caller):
    small.qb.limits = Limits(Rates(realm_minute=8, app_second=5, app_batches_minute=2))
    item = {"BatchItemRequest": [{"bId": "1", "Query": "SELECT * FROM Class"}]}
    statuses = [small.ask("POST", "batch", item).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert [small.ask("GET", "preferences").status for _ in range(4)] == [200, 200, 200, 429]
    assert decode(small.ask("GET", "preferences").body)["Fault"]["type"] == "THROTTLE"


def test_it_runs_as_a_program() -> None:
    program = [sys.executable, "-m", "bookhand.sandbox.quickbooks", "--port", "0"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            said = re.fullmatch(r"QuickBooks on (http://127\.0\.0\.1:\d+)\n", child.stdout.readline())
            assert said is not None
            assert "client id AB" in child.stdout.readline()
            found = httpx.get(f"{said[1]}/.well-known/openid_configuration").json()
            assert found["token_endpoint"] == f"{said[1]}/oauth2/v1/tokens/bearer"
            assert len(httpx.get(f"{said[1]}/_standin").json()["companies"]) == 3
        finally:
            child.terminate()
