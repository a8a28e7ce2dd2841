"""The bank over REST: files are uploaded, refused with their reason, confirmed once; lines come a page at a time."""

from __future__ import annotations

import pytest
from tests.web.api.conftest import Api, by_bearer

from bookhand.actions.kit import Kit
from bookhand.actions.own_store import OWN
from bookhand.actions.workflow import Door
from bookhand.db.engine import Database
from bookhand.sandbox.bank.files import FileFormat, render
from bookhand.sandbox.bank.lines import BankAccount, BankLine
from bookhand.systems.bank.intake_workflow import Intake, Waiting
from bookhand.web.api.app import create_api
from bookhand.web.app import create_app
from bookhand.wiring import catalogue

LINES = tuple(
    BankLine(id=f"T{n}", day=f"2026-11-{n:02d}", minor=100 * n if n % 3 else -50, description=f"LINE {n}")
    for n in range(1, 8)
)


@pytest.fixture
def api(db: Database) -> Api:
    """The API of a house without any Stripe."""
    return api_of(db)


def api_of(db: Database, **more: int) -> Api:
    door = Door(Kit(db=db, catalogue=catalogue(), performers={}, own=OWN))
    return Api(create_app(db, api=create_api(door, authenticate=by_bearer(), **{"bank_file_mb": 8, **more})))


def file(kind: FileFormat = "camt053", *lines: BankLine) -> bytes:
    return render(BankAccount(number="DE02120300000000202051", currency="EUR", lines=lines or LINES), kind)


def test_a_file_is_taken_in_once_and_told_in_pages(api) -> None:
    first = api("operator").upload("/bank/statements", name="nov.xml", raw=file())
    assert (first.status_code, first.json()["new_lines"], first.json()["problems"]) == (201, 7, [])
    again = api("operator").upload("/bank/statements", name="other name.xml", raw=file())
    assert (again.json()["again"], again.json()["new_lines"]) == (True, 0)
    seen, path = [], "/bank/lines?limit=3"
    while True:
        page = api("viewer").get(path).json()
        seen += [each["minor"] for each in page["items"]]
        if page["next"] is None:
            break
        path = f"/bank/lines?limit=3&cursor={page['next']}"
    assert seen == [line.minor for line in reversed(LINES)]
    [account] = api("viewer").get("/bank/accounts").json()["items"]
    assert (account["lines"], account["balance_minor"], account["balance_day"]) == (
        7,
        sum(line.minor for line in LINES),
        "2026-11-07",
    )
    [statement] = api("viewer").get("/bank/statements").json()["items"]
    assert (statement["file_name"], statement["new_lines"]) == ("nov.xml", 7)
    some = api("viewer").get("/bank/lines?since=2026-11-02&until=2026-11-03").json()["items"]
    assert [each["description"] for each in some] == ["LINE 3", "LINE 2"]
    assert some[0]["raw"].startswith("<Ntry>")


def test_it_is_in_the_trail_who_took_what_in(api) -> None:
    api("operator").upload("/bank/statements", name="nov.xml", raw=file())
    [entry] = api("auditor").get("/trail?what=bank.statements_taken").json()["items"]
    assert entry["said"]["who"] == "person:4"
    assert entry["said"]["details"]["new_lines"] == 7


def test_a_csv_waits_and_is_confirmed_by_who_manages(api) -> None:
    odd = (
        BankLine(id="1", day="2026-04-03", minor=100, description="A"),
        BankLine(id="2", day="2026-05-03", minor=-20, description="B"),
    )
    waiting = api("operator").upload("/bank/statements", name="x.csv", raw=file("csv", *odd), account="Main")
    assert waiting.status_code == 202
    told = waiting.json()
    assert [each["field"] for each in told["proposal"]["questions"]] == ["date_order"]
    sent = {"file": told["file"], "account": "Main", "changes": {"date_order": "MDY"}}
    assert api("operator").post("/bank/profiles", sent).status_code == 403
    assert api("owner").post("/bank/profiles", {**sent, "changes": {}}).status_code == 422
    assert api("owner").post("/bank/profiles", {**sent, "changes": {"date_order": ["x"]}}).status_code == 422
    assert api("owner").post("/bank/profiles", {**sent, "file": "0" * 12}).status_code == 404
    assert api("owner").post("/bank/profiles", sent).json()["new_lines"] == 2
    more = (*odd, BankLine(id="3", day="2026-06-03", minor=7, description="C"))
    assert (
        api("operator").upload("/bank/statements", name="y.csv", raw=file("csv", *more)).json()["new_lines"]
        == 1
    )


def test_a_file_that_is_none_is_refused_with_the_reason_and_nothing_is_kept(api) -> None:
    wicked = b"<!DOCTYPE x [<!ENTITY a 'b'>]><BkToCstmrStmt/>"
    for raw, says in (
        (b"PK\x03\x04bomb", "ZIP"),
        (b"", "empty"),
        (b"\x00\x01", "control character"),
        (wicked, "document type"),
    ):
        answer = api("operator").upload("/bank/statements", name="../../etc/passwd", raw=raw)
        assert answer.status_code == 422
        assert says in answer.json()["error"]["message"]
    assert (
        api("operator").upload("/bank/statements", name="big", raw=b"x" * (9 * 1024 * 1024)).status_code
        == 413
    )
    assert api("viewer").get("/bank/statements").json()["items"] == []


def padded(megabytes: float) -> bytes:
    """A statement of some size: a note in its XML makes it long."""
    return file().replace(b"<Stmt>", b"<!--" + b"x" * int(megabytes * 1024 * 1024) + b"--><Stmt>", 1)


def test_a_file_may_be_as_large_as_the_setting_says_and_no_larger(db) -> None:
    api = api_of(db, bank_file_mb=12)
    taken = api("operator").upload("/bank/statements", name="big.xml", raw=padded(10))
    assert (taken.status_code, taken.json()["new_lines"]) == (201, 7)
    for megabytes in (12, 12.04, 15):  # a little too large for the file, for the form around it, and by far
        refused = api("operator").upload("/bank/statements", name="big.xml", raw=padded(megabytes))
        assert refused.status_code == 413, megabytes
        assert "larger than the 12 MB that are read (bank_file_mb)" in refused.json()["error"]["message"]
    small = api_of(db, bank_file_mb=1)("operator")
    refused = small.upload("/bank/statements", name="big.xml", raw=padded(2))
    assert (refused.status_code, "larger than the 1 MB" in refused.json()["error"]["message"]) == (413, True)
    assert small.post("/bank/profiles", {"file": "x" * (9 * 1024 * 1024)}).status_code == 413
    assert (
        small.post("/bank/profiles", {"file": "x" * (2 * 1024 * 1024)}).status_code == 422
    )  # what is no file is bounded as ever


def test_a_csv_is_confirmed_within_the_same_setting(db) -> None:
    rows = "".join(f"2026-11-{n % 28 + 1:02d},{'x' * 10_000} {n},1.00\n" for n in range(220))
    waiting = Intake(db).take(
        f"Date,Description,Amount\n{rows}".encode(), name="x.csv", by="folder", account="Main"
    )
    assert isinstance(waiting, Waiting)
    sent = {"file": waiting.file, "account": "Main", "changes": {"currency": "EUR", "sign": 1}}
    refused = api_of(db, bank_file_mb=1)("owner").post("/bank/profiles", sent)
    assert (refused.status_code, "more than the 1 MB" in refused.json()["error"]["message"]) == (422, True)
    taken = api_of(db, bank_file_mb=3)("owner").post("/bank/profiles", sent)
    assert (taken.status_code, taken.json()["new_lines"]) == (201, 220)


def test_what_is_no_cursor_or_day_is_refused(api) -> None:
    for path in (
        "/bank/lines?cursor=abc",
        "/bank/lines?since=2026-02-30",
        "/bank/statements?cursor=WyJ4IiwgIjEiXQ",
        "/bank/lines?cursor=WyIyMDI2LTAyLTMwIiwiMSJd",
    ):
        assert api("viewer").get(path).status_code == 422
