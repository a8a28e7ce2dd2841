"""The stand-in's switches and faults of its own, over HTTP: what a person or a bad day does to a book."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.sandbox.quickbooks.conftest import Caller, signed_in

from bookhand.sandbox.outside.server import running
from bookhand.sandbox.quickbooks.person import come_back
from bookhand.sandbox.quickbooks.standin import CLOSED_REALM, SMALL_REALM


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Caller, str]]:
    caller = signed_in(SMALL_REALM)
    with running(caller.qb) as url:
        yield caller, url


@pytest.fixture
def http(shared: tuple[Caller, str]) -> Iterator[httpx.Client]:
    caller, url = shared
    headers = {"accept": "application/json", "authorization": f"Bearer {caller.token}"}
    with httpx.Client(base_url=url, headers=headers, verify=False) as client:
        yield client


def write(http: httpx.Client, caller: Caller, **given: Any) -> Any:
    return http.post(f"/v3/company/{SMALL_REALM}/journalentry", json=caller.entry(**given)).json()


def code(answer: Any) -> str:
    return str(answer["Fault"]["Error"][0]["code"])


def switch(http: httpx.Client, name: str, **asked: Any) -> Any:
    answer = http.post(f"/_standin/{name}", json=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_somebody_edits_adds_and_deletes(shared: tuple[Caller, str], http: httpx.Client) -> None:
    caller, _ = shared
    made = write(http, caller)["JournalEntry"]
    told = {"realm": SMALL_REALM, "entity": "JournalEntry"}
    edited = switch(
        http, "person", **told, operation="update", object={"Id": made["Id"], "PrivateNote": "by Ann"}
    )
    assert (edited["SyncToken"], edited["PrivateNote"], len(edited["Line"])) == ("1", "by Ann", 2)
    assert switch(http, "person", **told, operation="create", object=caller.entry())["Id"] != made["Id"]
    switch(http, "person", **told, operation="delete", object={"Id": made["Id"]})
    assert (
        http.post(
            "/_standin/person", json={**told, "operation": "delete", "object": {"Id": made["Id"]}}
        ).status_code
        == 400
    )


def test_periods_accounts_numbers_and_reports(shared: tuple[Caller, str], http: httpx.Client) -> None:
    caller, _ = shared
    switch(http, "close", realm=SMALL_REALM, through="2026-03-05")
    assert code(write(http, caller)) == "6210"
    switch(http, "close", realm=SMALL_REALM)
    switch(http, "account", realm=SMALL_REALM, account="Sales", active=False)
    assert code(write(http, caller)) == "610"
    switch(http, "account", realm=SMALL_REALM, account="Sales", active=True)
    switch(http, "company", realm=SMALL_REALM, duplicate_numbers_refused=True)
    assert "JournalEntry" in write(http, caller, DocNumber="S77")
    assert code(write(http, caller, DocNumber="S77")) == "6140"
    switch(http, "company", realm=SMALL_REALM, duplicate_numbers_refused=False)
    switch(http, "reports", most_cells=2)
    cut = http.get(
        f"/v3/company/{SMALL_REALM}/reports/GeneralLedger",
        params={"start_date": "2026-01-01", "end_date": "2026-12-31"},
    )
    assert "Unable to display more data" in cut.text
    switch(http, "limits", realm_minute=1)
    assert http.get("/_standin").json()["companies"][CLOSED_REALM]["closed_through"] == "2025-12-31"
    answers = [http.get(f"/v3/company/{SMALL_REALM}/preferences").status_code for _ in range(2)]
    assert answers == [200, 429]
    switch(http, "limits", enabled=False)


def test_faults_of_its_own(shared: tuple[Caller, str], http: httpx.Client) -> None:
    caller, _ = shared
    made = write(http, caller)["JournalEntry"]
    switch(http, "faults", kind="stale", path="*/journalentry")
    change = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "mine"}
    assert code(http.post(f"/v3/company/{SMALL_REALM}/journalentry", json=change).json()) == "5010"
    for kind, expected in (("closed", "6210"), ("busy", "6000"), ("429", "3001"), ("500", "-1")):
        switch(http, "faults", kind=kind, path="*/journalentry")
        assert code(write(http, caller)) == expected
    assert "JournalEntry" in write(http, caller)


def test_access_is_taken_back(shared: tuple[Caller, str], http: httpx.Client) -> None:
    caller, url = shared
    assert switch(http, "revoke", realm=SMALL_REALM) == {"ended": 1}
    assert http.get(f"/v3/company/{SMALL_REALM}/preferences").status_code == 401
    page = httpx.QueryParams(
        client_id=caller.qb.app.client_id, redirect_uri="http://localhost/x?a=1&b=2", state="s", scope="com.intuit.quickbooks.accounting",
        response_type="code",
    )  # fmt: skip
    assert come_back(f"{url}/connect/oauth2?{page}", realm=CLOSED_REALM)["realmId"] == CLOSED_REALM
    with pytest.raises(ValueError, match="something went wrong"):
        come_back(f"{url}/connect/oauth2?client_id=AB0", realm=CLOSED_REALM)
