"""Payouts that fail: one that never reached the bank is settled by what put its money back, any other stays a Break."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from tests.workflows.payouts.conftest import day_of

from bookhand.actions.kit import Kit
from bookhand.actions.workflow import Door
from bookhand.core.bank import StatementLine
from bookhand.core.caller import Caller, capabilities
from bookhand.wiring import OWN_ACTS, catalogue
from bookhand.workflows.payouts.breaks import Cause
from bookhand.workflows.payouts.matcher import match
from bookhand.workflows.payouts.matching import Bounds, Expected
from bookhand.workflows.payouts.reconciling import break_store, match_store
from bookhand.workflows.payouts.reconciling.workflow import reconcile

ANA = Caller(
    workspace_id=1, who="person:1", name="Ana", role="operator", can=capabilities("operator"), channel="cli"
)


ID = "po_1QAbCdEfGhIjKlMn"


def after(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days)).isoformat()


def causes(db) -> set[Cause]:
    with db.transaction() as cx:
        return {each.found.cause for each in break_store.standing(cx)}


def notes(db) -> list[str]:
    with db.transaction() as cx:
        return [each.found.note for each in break_store.standing(cx)]


def told(db, payout: str) -> dict[str, object]:
    door = Door(Kit(db=db, catalogue=catalogue(), performers={}, own=OWN_ACTS))
    found = door.read(ANA, "payouts.breakdown", {"payout": payout}).data["payout"]
    listed = {each["id"]: each for each in door.read(ANA, "payouts.arrivals", {}).data}
    assert {key: listed[payout][key] for key in ("settled", "settled_says")} == {
        key: found[key] for key in ("settled", "settled_says")
    }
    is_open = {each["id"] for each in door.read(ANA, "payouts.arrivals", {"standing": "open"}).data}
    assert (payout in is_open) is (found["settled"] is None)
    return dict(found)


def trail(db) -> list[tuple[str, str]]:
    with db.transaction() as cx:
        rows = cx.execute("select body from trail order by seq").fetchall()
    said = [json.loads(body) for (body,) in rows]
    found = {"payouts.settled", "payouts.reopened"}
    return [(each["what"], each["subject"]) for each in said if each["what"] in found]


@pytest.fixture
def failed(shop):
    """A payout that failed at once, with its failure's balance transaction."""
    shop.manual()
    shop.pay(10_000)
    shop.wait(4)
    shop.post("/_pinstripe/settings", payout_failure="account_closed")
    made = shop.post("/v1/payouts", amount=9_000, currency="usd")
    shop.wait(4)
    shop.sync()
    (payout,) = shop.payouts()
    assert (payout["status"], payout["id"]) == ("failed", made["id"])
    assert payout["failure_balance_transaction"]
    return payout


def test_one_that_never_reached_the_bank_is_settled_when_its_days_are_covered(db, failed, bank):
    day = day_of(failed)
    bank.line(after(day, -1), -100, "TEA", since=after(day, -3))
    reconcile(db, mode="test")
    assert Cause.FAILED in causes(db)
    assert any(failed["failure_balance_transaction"] in each and "too early" in each for each in notes(db))
    bank.line(after(day, 20), -100, "TEA", since=after(day, 1))
    report = reconcile(db, mode="test")
    assert (report.settled, report.closed_breaks, causes(db) - {Cause.MANUAL_PAYOUT}) == (1, 1, set())
    found = told(db, failed["id"])
    assert found["settled"] == failed["failure_balance_transaction"]
    assert str(found["settled_says"]).startswith("A payout failed and never reached the bank; ")
    assert trail(db) == [("payouts.settled", failed["id"])]
    assert not reconcile(db, mode="test").changed


def test_it_is_looked_for_again_when_a_line_comes_after_all(db, failed, bank):
    day = day_of(failed)
    bank.line(after(day, -1), -100, "TEA", since=after(day, -3))
    bank.line(after(day, 20), -100, "TEA", since=after(day, 1))
    assert reconcile(db, mode="test").settled == 1
    bank.line(day, 9_000, f"STRIPE {failed['id']}")
    reconcile(db, mode="test")
    assert Cause.FAILED_NOT_RETURNED in causes(db)
    assert told(db, failed["id"])["settled"] is None
    assert trail(db)[-1] == ("payouts.reopened", failed["id"])
    bank.line(after(day, 1), -9_000, f"STRIPE RETURN {failed['id']}")
    assert reconcile(db, mode="test").matches == 1
    with db.transaction() as cx:
        (kept,) = match_store.standing(cx, [failed["id"]])
    assert (kept.rule, causes(db) - {Cause.MANUAL_PAYOUT}) == ("returned", set())


def test_one_whose_line_came_first_stays_a_break_until_it_is_sent_back(db, shop, bank):
    shop.pay(10_000)
    shop.wait(4)
    shop.sync()
    (payout,) = shop.payouts()
    day = day_of(payout)
    bank.line(day, 9_680, f"STRIPE {payout['id']}")
    assert reconcile(db, mode="test").matches == 1
    shop.post(f"/_pinstripe/payouts/{payout['id']}/fail", failure_code="account_closed")
    shop.sync()
    bank.line(after(day, 30), -100, "TEA", since=after(day, 1))
    report = reconcile(db, mode="test")
    assert (report.settled, causes(db)) == (0, {Cause.FAILED_NOT_RETURNED})
    assert told(db, payout["id"])["settled"] is None


def test_one_that_a_person_matched_with_less_is_not_taken_for_one_that_never_came(db, shop, bank):
    shop.pay(10_000)
    shop.wait(4)
    shop.sync()
    (payout,) = shop.payouts()
    day = day_of(payout)
    account, key = bank.line(day, 9_000, "WIRE")
    door = Door(Kit(db=db, catalogue=catalogue(), performers={}, own=OWN_ACTS))
    asked = {"payouts": [payout["id"]], "lines": [{"account": account, "key": key}], "difference": "bank_fee", "why": "On paper"}  # fmt: skip
    assert door.propose(ANA, "payouts.match", asked, "why").state == "done"
    shop.post(f"/_pinstripe/payouts/{payout['id']}/fail", failure_code="account_closed")
    shop.sync()
    bank.line(after(day, 30), -100, "TEA", since=after(day, 1))
    assert reconcile(db, mode="test").settled == 0
    assert causes(db) == {Cause.FAILED}


def test_one_that_was_missing_before_stripe_said_that_it_failed(db, shop, bank):
    shop.pay(10_000)
    shop.wait(4)
    shop.sync()
    (payout,) = shop.payouts()
    day = day_of(payout)
    bank.line(after(day, -1), -100, "TEA", since=after(day, -3))
    bank.line(after(day, 30), -100, "TEA", since=after(day, 1))
    reconcile(db, mode="test")
    assert causes(db) == {Cause.MISSING}
    shop.post(f"/_pinstripe/payouts/{payout['id']}/fail", failure_code="account_closed")
    shop.sync()
    assert reconcile(db, mode="test").settled == 1
    assert causes(db) == set()


def test_what_its_failure_moved_must_be_in_the_journal(db, failed, bank):
    with db.transaction() as cx:  # as if Stripe had not told of it yet
        cx.execute(
            "update payout set failure_balance_transaction = 'txn_later' where payout_id = %s",
            (failed["id"],),
        )
    bank.line(after(day_of(failed), -1), -100, "TEA", since=after(day_of(failed), -3))
    bank.line(after(day_of(failed), 20), -100, "TEA", since=after(day_of(failed), 1))
    assert reconcile(db, mode="test").settled == 0
    assert Cause.FAILED in causes(db)


@pytest.mark.parametrize(
    ("minor", "text", "day", "more"),
    [
        (-125_00, "STRIPE RETURN", "2026-11-30", {}),
        (125_00, "INCOMING WIRE", "2026-11-25", {}),
        (-125_00, "RUECKLASTSCHRIFT", "2026-12-04", {}),
        (110_00, "STRIPE PAYOUT", "2026-11-27", {}),
        (99, f"SEE {ID}", "2026-11-27", {}),
        (101_00, "STRIPE PAYOUT", "2026-11-27", {"account": "DE2", "currency": "EUR"}),
    ],
    ids=["a return", "the amount", "a return that says nothing", "less a fee", "its name", "exchanged"],
)
def test_a_line_that_may_be_of_it_leaves_it_a_break(minor, text, day, more):
    payout = Expected(
        id=ID, connection="a", currency="USD", minor=125_00, arrival_day="2026-11-25", created_day="2026-11-23", status="failed",
        failed_day="2026-11-27", money_back="txn_1",
    )  # fmt: skip
    bounds = Bounds(begins={"DE1": "2026-11-01"}, covered={"DE1": "2026-12-31"})
    assert [each.cause for each in match([payout], [], bounds).payouts] == [Cause.FAILED_BACK]
    line = StatementLine(
        **{
            "account": "DE1",
            "key": "k1",
            "day": day,
            "currency": "USD",
            "minor": minor,
            "description": text,
            **more,
        }
    )
    outcome = match([payout], [line], bounds)
    assert Cause.FAILED_BACK not in {each.cause for each in outcome.payouts}
    assert Cause.FAILED_BACK in {each.cause for each in match([payout], [far(line)], bounds).payouts}


def far(line: StatementLine) -> StatementLine:
    """The same line, too long after to have to do with it, and without a name."""
    return StatementLine(
        account=line.account,
        key="k1",
        day="2027-03-01",
        currency=line.currency,
        minor=line.minor,
        description="STRIPE PAYOUT",
    )


@pytest.mark.parametrize(
    ("begins", "covered", "holes", "failed_day"),
    [
        ("2026-11-27", "2026-12-31", (), None),
        ("2026-11-01", "2026-11-29", (), None),
        ("2026-11-01", "2026-12-31", (("2026-11-26", "2026-11-27"),), None),
        ("2026-11-01", "2026-12-02", (), "2026-12-01"),
    ],
    ids=["begins later", "reaches not far enough", "a hole", "reaches not to its return"],
)
def test_it_stays_a_break_while_its_days_are_not_covered(begins, covered, holes, failed_day):
    payout = Expected(
        id=ID, connection="a", currency="USD", minor=125_00, arrival_day="2026-11-25", created_day="2026-11-23", status="failed",
        failed_day=failed_day, money_back="txn_1",
    )  # fmt: skip
    bounds = Bounds(begins={"DE1": begins}, covered={"DE1": covered}, holes={"DE1": holes})
    (left,) = match([payout], [], bounds).payouts
    assert left.cause is Cause.FAILED
    assert left.note.startswith("txn_1 put its money back")
    (none,) = match([payout], []).payouts
    assert none.cause is Cause.FAILED
