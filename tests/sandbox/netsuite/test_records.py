"""Journal entries and deposits: made, read, changed, deleted, and refused as NetSuite refuses them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.sandbox.netsuite.conftest import SIMPLE, WORLD, Caller

from bookhand.sandbox.netsuite.netsuite import NetSuite

STRICT = {"X_NetSuite_PropertyNameValidation": "Error"}


def _number(netsuite: NetSuite, slug: str, number: str) -> str:
    return netsuite.accounts[slug].company.by_number(number).id


def _entry(netsuite: NetSuite, slug: str = SIMPLE, *, amount: float = 100, **more: Any) -> dict[str, Any]:
    debit, credit = (_number(netsuite, slug, number) for number in ("1095", "4000"))
    lines = [
        {"account": {"id": debit}, "debit": amount, "memo": "ch_1"},
        {"account": {"id": credit}, "credit": amount},
    ]
    return {"tranDate": "2026-11-20", "memo": "a sale", "line": {"items": lines}} | more


def _why(answer: Any) -> tuple[int, str, str]:
    [detail] = answer.json()["o:errorDetails"]
    assert answer.json()["status"] == answer.status_code
    return answer.status_code, detail["o:errorCode"], detail["detail"]


def test_a_journal_entry_is_made_and_read(netsuite: NetSuite, call: Caller) -> None:
    made = call("POST", "/record/v1/journalEntry", _entry(netsuite, externalId="a:1"), **STRICT)
    assert (made.status_code, made.content) == (204, b"")
    where = made.headers["location"]
    number = where.rpartition("/")[2]
    assert where == f"{call.rest}/record/v1/journalEntry/{number}"
    found = call("GET", "/record/v1/journalEntry/eid:a%3A1?expandSubResources=true").json()
    assert (found["id"], found["externalId"], found["tranDate"], found["tranId"]) == (
        number,
        "a:1",
        "2026-11-20",
        "JE1",
    )
    assert [(i.get("debit"), i.get("credit"), i.get("memo")) for i in found["line"]["items"]] == [
        (100.0, None, "ch_1"),
        (None, 100.0, None),
    ]
    assert "items" not in call("GET", f"/record/v1/journalEntry/{number}").json()["line"], (
        "sublists are links unless expanded"
    )


def test_the_same_external_id_is_not_made_twice_and_is_put_instead(netsuite: NetSuite, call: Caller) -> None:
    first = call("PUT", "/record/v1/journalEntry/eid:b-1", _entry(netsuite)).headers["location"]
    assert _why(call("POST", "/record/v1/journalEntry", _entry(netsuite, externalId="b-1")))[1] == "DUP_RCRD"
    again = call("PUT", "/record/v1/journalEntry/eid:b-1?replace=line", _entry(netsuite, amount=55.5))
    assert again.headers["location"] == first
    lines = call("GET", "/record/v1/journalEntry/eid:b-1?expandSubResources=true").json()["line"]["items"]
    assert [line.get("debit") or line.get("credit") for line in lines] == [55.5, 55.5]
    call("PUT", "/record/v1/journalEntry/eid:b-1", _entry(netsuite, amount=1))
    assert (
        call("GET", "/record/v1/journalEntry/eid:b-1?expandSubResources=true").json()["line"]["totalResults"]
        == 4
    ), "without replace lines are added"


def test_changed_and_deleted(netsuite: NetSuite, call: Caller) -> None:
    number = call("POST", "/record/v1/journalEntry", _entry(netsuite)).headers["location"].rpartition("/")[2]
    assert call("PATCH", f"/record/v1/journalEntry/{number}", {"memo": "other"}).status_code == 204
    assert call("GET", f"/record/v1/journalEntry/{number}").json()["memo"] == "other"
    assert call("GET", "/record/v1/journalEntry").json()["items"] == [{"links": [], "id": number}]
    assert call("DELETE", f"/record/v1/journalEntry/{number}").status_code == 204
    assert _why(call("GET", f"/record/v1/journalEntry/{number}"))[:2] == (404, "NONEXISTENT_ID")
    assert call.query("SELECT id FROM transaction").json()["totalResults"] == 0


@pytest.mark.parametrize(
    ("wrong", "code", "said"),
    [
        (
            {
                "line": {
                    "items": [
                        {"account": {"id": "101"}, "debit": 5},
                        {"account": {"id": "102"}, "credit": 4.99},
                    ]
                }
            },
            "USER_ERROR",
            "must balance",
        ),
        ({"line": {"items": [{"account": {"id": "101"}, "debit": 0}]}}, "USER_ERROR", "two lines"),
        (
            {"line": {"items": [{"account": {"id": "101"}, "debit": 5, "credit": 5}]}},
            "INVALID_CONTENT",
            "either a debit or a credit",
        ),
        (
            {"line": {"items": [{"account": {"id": "999"}, "debit": 5}]}},
            "INVALID_CONTENT",
            "Invalid Field Value 999",
        ),
        (
            {"line": {"items": [{"account": {"id": "101"}, "debit": 5, "class": {"id": "9"}}]}},
            "INVALID_CONTENT",
            "class",
        ),
        ({"tranDate": "2026-13-01"}, "INVALID_CONTENT", "date"),
        ({"tranDate": "2031-01-01"}, "USER_ERROR", "accounting period"),
        ({"currency": {"id": "77"}}, "INVALID_CONTENT", "currency"),
        ({"subsidiary": {"id": "1"}}, "INVALID_CONTENT", "subsidiary"),
        ({"memmo": "x"}, "INVALID_CONTENT", "memmo"),
    ],
)
def test_what_is_refused(
    netsuite: NetSuite, call: Caller, wrong: dict[str, Any], code: str, said: str
) -> None:
    status, told, detail = _why(call("POST", "/record/v1/journalEntry", _entry(netsuite) | wrong, **STRICT))
    assert (status, told) == (400, code)
    assert said in detail
    assert not netsuite.accounts[SIMPLE].transactions


def test_a_name_that_is_not_there_passes_where_it_is_not_checked(netsuite: NetSuite, call: Caller) -> None:
    assert call("POST", "/record/v1/journalEntry", _entry(netsuite, memmo="x")).status_code == 204


def test_a_closed_month_an_inactive_account_and_a_line_on_receivables(
    netsuite: NetSuite, call: Caller
) -> None:
    account = netsuite.accounts[SIMPLE]
    number = (
        call("POST", "/record/v1/journalEntry", _entry(netsuite, tranDate="2026-10-05"))
        .headers["location"]
        .rpartition("/")[2]
    )
    account.close_period("Oct 2026")
    for answer in (
        call("POST", "/record/v1/journalEntry", _entry(netsuite, tranDate="2026-10-31")),
        call("PATCH", f"/record/v1/journalEntry/{number}", {"tranDate": "2026-11-05"}),
        call("DELETE", f"/record/v1/journalEntry/{number}"),
    ):
        assert _why(answer)[:2] == (400, "USER_ERROR")
        assert "closed" in _why(answer)[2]
    account.set_inactive(_number(netsuite, SIMPLE, "4000"))
    assert "Invalid Field Value" in _why(call("POST", "/record/v1/journalEntry", _entry(netsuite)))[2]
    lines = [
        {"account": {"id": _number(netsuite, SIMPLE, "1100")}, "debit": 5},
        {"account": {"id": "102"}, "credit": 5},
    ]
    assert "name" in _why(call("POST", "/record/v1/journalEntry", _entry(netsuite, line={"items": lines})))[2]


def test_subsidiaries(netsuite: NetSuite, world: Caller) -> None:
    assert "Subsidiary" in _why(world("POST", "/record/v1/journalEntry", _entry(netsuite, WORLD)))[2]
    made = world("POST", "/record/v1/journalEntry", _entry(netsuite, WORLD, subsidiary={"id": "2"}))
    found = world("GET", "/record/v1/journalEntry/" + made.headers["location"].rpartition("/")[2]).json()
    assert (found["currency"]["refName"], found["subsidiary"]["refName"]) == ("EUR", "Aurora Goods GmbH")
    bank = _number(netsuite, WORLD, "1000")  # the other subsidiary's
    lines = [
        {"account": {"id": bank}, "debit": 5},
        {"account": {"id": _number(netsuite, WORLD, "4000")}, "credit": 5},
    ]
    assert (
        _why(world("POST", "/record/v1/journalEntry", {"subsidiary": {"id": "2"}, "line": {"items": lines}}))[
            1
        ]
        == "INVALID_CONTENT"
    )


def test_a_deposit_takes_from_accounts_and_gives_back(netsuite: NetSuite, world: Caller) -> None:
    bank, clearing, fees = (_number(netsuite, WORLD, number) for number in ("1010", "1095", "6010"))
    body = {
        "account": {"id": bank}, "tranDate": "2026-11-21", "other": {"items": [{"account": {"id": clearing}, "amount": 100.0, "memo": "ch_1"}]},
        "cashBack": {"items": [{"account": {"id": fees}, "amount": 3.2}]},
    }  # fmt: skip
    made = world("PUT", "/record/v1/deposit/eid:po_1", body, **STRICT)
    found = world("GET", "/record/v1/deposit/eid:po_1?expandSubResources=true").json()
    assert made.headers["location"].endswith(f"/deposit/{found['id']}")
    assert (found["total"], found["currency"]["refName"], found["subsidiary"]["id"]) == (96.8, "EUR", "2")
    rows = world.query(
        "SELECT tal.account, tl.debitforeignamount AS d, tl.creditforeignamount AS c FROM transactionline tl JOIN transactionaccountingline tal "
        "ON tal.transaction = tl.transaction AND tal.transactionline = tl.id ORDER BY tl.id"
    ).json()["items"]
    assert [(row["account"], row.get("d"), row.get("c")) for row in rows] == [
        (bank, "96.8", None),
        (clearing, None, "100"),
        (fees, "3.2", None),
    ]
    body["cashBack"] = {"items": [{"account": {"id": fees}, "amount": 100.01}]}
    assert "negative" in _why(world("POST", "/record/v1/deposit", body))[2]
    assert _why(world("POST", "/record/v1/deposit", body | {"currency": {"id": "1"}}))[1] == "INVALID_CONTENT"


def test_the_catalogue_of_fields_and_what_is_not_there(call: Caller) -> None:
    told = call("GET", "/record/v1/metadata-catalog/deposit", Accept="application/schema+json").json()
    assert {"externalId", "tranDate", "account", "other", "cashBack"} <= told["properties"].keys()
    assert (
        "debit"
        in call("GET", "/record/v1/metadata-catalog/journalentry").json()["properties"]["line"]["properties"][
            "items"
        ]["items"]["properties"]
    )
    assert _why(call("GET", "/record/v1/salesOrder/1"))[0] == 404
    assert call("GET", "/record/v1/subsidiary").status_code == 404, "a simple account has none"
    assert call("GET", "/record/v1/account?limit=2").json()["hasMore"]
