"""The limit of requests at once, and what people do in an account."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from tests.sandbox.netsuite.conftest import SIMPLE, Caller
from tests.systems.netsuite.connecting import switch, told

from bookhand.sandbox.netsuite.netsuite import NetSuite


@pytest.mark.parametrize("status", [429, 400])
def test_more_at_once_than_allowed_are_blocked(
    netsuite: NetSuite, url: str, call: Caller, status: int
) -> None:
    switch(url, "concurrency", account=SIMPLE, most=3, status=status)
    netsuite.latency_seconds = 0.15
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: call("GET", "/record/v1/journalEntry"), range(8)))
    blocked = [answer for answer in answers if answer.status_code == status]
    assert len(blocked) == 5
    assert blocked[0].json()["o:errorDetails"][0]["o:errorCode"] == "CONCURRENCY_LIMIT_EXCEEDED"
    netsuite.latency_seconds = 0
    assert {call("GET", "/record/v1/journalEntry").status_code for _ in range(8)} == {200}, (
        "one after another is not at once"
    )


def test_what_people_do(netsuite: NetSuite, url: str, call: Caller) -> None:
    made = switch(
        url, "check", account=SIMPLE, bank="100", other="116", amount="12.30", day="2026-11-03", memo="lunch"
    )
    rows = call.query("SELECT type, tranid FROM transaction").json()["items"]
    assert [(row["type"], row["tranid"]) for row in rows] == [("Check", "CHK1")]
    switch(url, "delete", account=SIMPLE, record="check", id=made["id"])
    switch(url, "deny", account=SIMPLE, record="deposit")
    assert (
        call("GET", "/record/v1/deposit").json()["o:errorDetails"][0]["o:errorCode"]
        == "INSUFFICIENT_PERMISSION"
    )
    switch(url, "period", account=SIMPLE, name="Oct 2026")
    closed = call.query(
        "SELECT COUNT(*) AS n FROM accountingperiod WHERE closed = 'T' AND isquarter = 'F'"
    ).json()["items"]
    assert closed[0]["n"] == "34", "all months before it are closed with it"
    assert told(url)["accounts"][SIMPLE]["transactions"] == 0
    assert httpx.post(f"{url}/_standin/period", json={"account": SIMPLE, "name": "Never"}).status_code == 400


def test_faults_are_told_in_netsuites_own_words(netsuite: NetSuite, call: Caller) -> None:
    netsuite.faults.add("500")
    answer = call("GET", "/record/v1/deposit")
    assert (answer.status_code, answer.json()["o:errorDetails"][0]["o:errorCode"]) == (
        500,
        "UNEXPECTED_ERROR",
    )
    netsuite.faults.add("cut_after", method="PUT")
    lines = [{"account": {"id": "101"}, "debit": 5}, {"account": {"id": "102"}, "credit": 5}]
    with pytest.raises(httpx.TransportError):
        call("PUT", "/record/v1/journalEntry/eid:cut", {"line": {"items": lines}})
    assert call("GET", "/record/v1/journalEntry/eid:cut").status_code == 200
    netsuite.faults.add("token_revoked")
    assert call("GET", "/record/v1/deposit").status_code == 401
