"""Payouts over REST: pages, a breakdown, a match by a person and by an agent's token, and the statement in every form."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader
from tests.cli.test_payouts import IBAN
from tests.journal.shapes import START, bt, members, seen
from tests.web.api.conftest import Api, by_bearer, trouble

from bookhand.actions.kit import Kit
from bookhand.actions.workflow import Door
from bookhand.core.facts import Payout
from bookhand.journal.workflow import read as post
from bookhand.sandbox.bank.files import render
from bookhand.sandbox.bank.lines import BankAccount, BankLine
from bookhand.systems.bank.intake_workflow import Intake
from bookhand.web.api.app import create_api
from bookhand.web.app import create_app
from bookhand.wiring import OWN_ACTS, catalogue
from bookhand.workflows.payouts.payout_store import read
from bookhand.workflows.payouts.reconciling.workflow import reconcile

DAY = 86_400


@pytest.fixture
def api(db, link) -> Api:
    """Three payouts that add up; the bank shows the first, five dollars less."""
    facts = []
    for n in range(3):
        facts += [
            bt(f"txn_{n}", 10_000, fee=320, source=f"ch_{n}"),
            bt(f"txn_po{n}", -9_680, category="payout", source=f"po_{n}", at=START + n * DAY),
            *members(f"po_{n}", f"txn_{n}", f"txn_po{n}"),
            Payout(
                id=f"po_{n}", created=START + n * DAY, currency="USD", amount=9_680, status="paid", automatic=True, method="standard",
                arrival_date=START + n * DAY, reconciliation_status="completed", balance_transaction=f"txn_po{n}",
            ),
        ]  # fmt: skip
    with db.transaction() as cx:
        post(cx, link, seen(facts))
        read(cx, link, seen(facts))
    line = BankLine(id="A1", day="2026-01-02", minor=9_180, description="WIRE")
    whole = BankAccount(number=IBAN, currency="USD", lines=(line,))
    Intake(db, mode="test").take(render(whole, "camt053"), name="jan.xml", by="person:1")
    reconcile(db, mode="test")
    door = Door(Kit(db=db, catalogue=catalogue(), performers={}, own=OWN_ACTS))
    return Api(create_app(db, api=create_api(door, authenticate=by_bearer())))


def key_of(db) -> str:
    with db.transaction() as cx:
        return cx.execute("select key from statement_line").fetchone()[0]


def test_pages_of_payouts_and_what_is_in_one(api) -> None:
    first = api("viewer").get("/payouts?limit=2").json()
    second = api("viewer").get(f"/payouts?limit=2&cursor={first['next']}").json()
    assert [each["id"] for page in (first, second) for each in page["items"]] == ["po_2", "po_1", "po_0"]
    assert second["next"] is None
    found = api("viewer").get("/payouts/po_1").json()
    assert (found["adds_up"], found["off_by"], found["basis"]) == (True, 0, "stripe")
    assert [(part["name"], part["minor"]) for part in found["parts"]] == [("charges", 10_000), ("fees", -320)]
    assert trouble(api("viewer").get("/payouts/po_none")) == (404, "not_found")


def test_a_match_is_a_persons_and_can_be_undone(api, db) -> None:
    sent = {"payouts": ["po_0"], "lines": [{"account": IBAN, "key": key_of(db)}], "why": "Seen on paper"}
    refused = api("operator").post("/reconciliation/matches", sent)
    assert (refused.status_code, "-5.00 USD" in refused.text) == (422, True)
    made = api("operator").post("/reconciliation/matches", {**sent, "difference": "bank_fee"})
    assert (made.status_code, made.json()["state"]) == (201, "done")
    (match,) = api("viewer").get("/payouts/po_0").json()["matches"]
    assert (match["difference"], match["difference_kind"]) == (-500, "bank_fee")
    undone = api("operator").post(f"/reconciliation/matches/{match['id']}/undo", {"why": "Another one"})
    assert undone.json()["state"] == "done"
    assert api("viewer").get("/payouts/po_0").json()["matches"] == []
    reconcile(db, mode="test")
    told = api("viewer").get("/breaks").json()["items"]
    held = next(each for each in told if each["payouts"] == ["po_0"])
    assert "took its match apart" in held["says"]
    explained = api("operator").post(f"/breaks/{held['id']}/explain", {"explanation": "The bank keeps it"})
    assert explained.json()["state"] == "done"


def test_the_statement_in_every_form(api) -> None:
    where = f"/reconciliation/statement?account={IBAN}"
    found = api("viewer").get(where).json()
    assert (found["holds"], found["bank_minor"], found["books_minor"]) == (True, 9_180, 2 * 9_680)
    for form, begins in (("csv", b"\xef\xbb\xbfSection"), ("xlsx", b"PK"), ("pdf", b"%PDF")):
        answer = api("viewer").get(f"{where}&form={form}")
        assert answer.content.startswith(begins)
        assert f'filename="reconciliation-2026-01-02.{form}"' in answer.headers["content-disposition"]
    assert "Balance per bank" in PdfReader(io.BytesIO(answer.content)).pages[0].extract_text()


def test_a_live_and_a_test_account_of_one_name_are_never_taken_for_each_other(api, db) -> None:
    line = BankLine(id="A1", day="2026-01-03", minor=77, description="OF LIVE")
    whole = BankAccount(number=IBAN, currency="USD", lines=(line,))
    Intake(db, mode="live").take(render(whole, "camt053"), name="live.xml", by="person:1")
    viewer = api("viewer")
    for path in (
        f"/reconciliation/statement?account={IBAN}",
        f"/bank/lines?account={IBAN}",
        f"/bank/statements?account={IBAN}",
    ):
        refused = viewer.get(path)
        assert refused.status_code == 422, path
        assert "(live mode) and Bank" in refused.json()["error"]["message"]
        assert "Say which mode is meant" in refused.json()["error"]["message"]
    told = {
        mode: viewer.get(f"/reconciliation/statement?account={IBAN}&mode={mode}").json()
        for mode in ("live", "test")
    }
    assert {mode: (each["mode"], each["bank_minor"]) for mode, each in told.items()} == {
        "live": ("live", 77),
        "test": ("test", 9_180),
    }
    for mode, minor in (("live", 77), ("test", 9_180)):
        assert [
            each["minor"] for each in viewer.get(f"/bank/lines?account={IBAN}&mode={mode}").json()["items"]
        ] == [minor]
        assert [
            each["closing_minor"]
            for each in viewer.get(f"/bank/statements?account={IBAN}&mode={mode}").json()["items"]
        ] == [minor]
    accounts = viewer.get("/bank/accounts").json()["items"]
    assert {each["mode"] for each in accounts} == {"live", "test"}
    (live,) = [each["connection_id"] for each in accounts if each["mode"] == "live"]
    assert [
        each["minor"] for each in viewer.get(f"/bank/lines?account={IBAN}&connection={live}").json()["items"]
    ] == [77]
    assert viewer.get("/bank/lines?account=nobody").json()["items"] == []
