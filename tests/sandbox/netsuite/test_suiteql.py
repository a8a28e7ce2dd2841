"""SuiteQL: what can be selected, how it is told and paged, and what is refused."""

from __future__ import annotations

import pytest
from tests.sandbox.netsuite.conftest import SIMPLE, Caller

from bookhand.sandbox.netsuite.netsuite import NetSuite


def _books(netsuite: NetSuite, count: int) -> None:
    account = netsuite.accounts[SIMPLE]
    for number in range(count):
        lines = [
            {"account": {"id": "101"}, "debit": 1 + number},
            {"account": {"id": "102"}, "credit": 1 + number},
        ]
        body = {
            "tranDate": f"2026-11-{1 + number % 28:02}",
            "externalId": f"x{number}",
            "line": {"items": lines},
        }
        account.create("journalEntry", body, at="2026-11-20T10:00:00Z")


def test_values_are_texts_and_a_bare_day_is_in_the_users_format(netsuite: NetSuite, call: Caller) -> None:
    _books(netsuite, 3)
    [row] = call.query(
        "SELECT id, tranid, trandate, TO_CHAR(trandate, 'YYYY-MM-DD') AS day, memo FROM transaction WHERE externalid = 'x1'"
    ).json()["items"]
    assert row == {"links": [], "id": "5001", "tranid": "JE2", "trandate": "11/2/2026", "day": "2026-11-02"}
    assert call.query("SELECT id FROM transaction WHERE trandate >= '2026-11-01'").json()["count"] == 0, (
        "a text is no day"
    )
    assert (
        call.query("SELECT id FROM transaction WHERE trandate > TO_DATE('2026-11-01', 'YYYY-MM-DD')").json()[
            "count"
        ]
        == 2
    )


def test_pages(netsuite: NetSuite, call: Caller) -> None:
    _books(netsuite, 25)
    seen, offset = [], 0
    while True:
        page = call.query("SELECT id FROM transaction ORDER BY id", limit=10, offset=offset).json()
        assert (page["offset"], page["totalResults"]) == (offset, 25)
        seen += [int(row["id"]) for row in page["items"]]
        if not page["hasMore"]:
            break
        offset += 10
    assert seen == list(range(5000, 5025))
    for wrong in ({"limit": 1001}, {"limit": 0}, {"limit": 10, "offset": 5}):
        assert call.query("SELECT id FROM transaction", **wrong).status_code == 400


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("DELETE FROM transaction", "Invalid or unsupported search"),
        ("SELECT id FROM transaction; DROP TABLE account", "Invalid or unsupported search"),
        ("SELECT id FROM transaction LIMIT 1", "Invalid or unsupported search"),
        ("SELECT BUILTIN.DF(currency) FROM transaction", "Invalid or unsupported search"),
        ("SELECT name FROM sqlite_master", "Invalid or unsupported search"),
        ("SELECT randomblob(9) FROM account", "Invalid or unsupported search"),
        ("SELECT id FROM customer", "Record 'customer' was not found"),
        ("SELECT id FROM subsidiary", "Record 'subsidiary' was not found"),
        ("SELECT subsidiary FROM transaction", "Field 'subsidiary' was not found"),
        ("", "Invalid or unsupported search"),
    ],
)
def test_what_cannot_be_searched(call: Caller, query: str, said: str) -> None:
    answer = call.query(query)
    [detail] = answer.json()["o:errorDetails"]
    assert (answer.status_code, detail["o:errorQueryParam"]) == (400, "q")
    assert said in detail["detail"]


def test_sums_joins_and_the_header_it_needs(netsuite: NetSuite, world: Caller, call: Caller) -> None:
    _books(netsuite, 4)
    [row] = call.query(
        "SELECT account, SUM(NVL(debit, 0) - NVL(credit, 0)) AS net FROM transactionaccountingline GROUP BY account ORDER BY account"
    ).json()["items"][:1]
    assert row == {"links": [], "account": "101", "net": "10"}
    assert [
        row["name"] for row in world.query("SELECT name FROM subsidiary ORDER BY id").json()["items"]
    ] == ["Aurora Goods Inc.", "Aurora Goods GmbH"]
    assert call("POST", "/query/v1/suiteql", {"q": "SELECT id FROM account"}).status_code == 400
