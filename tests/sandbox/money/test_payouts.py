"""Payouts: what is in each, when they come, and what banks do with them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import stripe
from stripe import StripeClient

from .conftest import DAY, MONDAY, Till


def payouts(till: Till, **filters: Any) -> list[Any]:
    found: list[Any] = till.get("/v1/payouts", limit=100, **filters)["data"]
    return found


def test_an_automatic_payout_holds_exactly_what_became_available(till: Till) -> None:
    first = till.charge(10_000)
    till.wait(1)
    later = till.charge(7000)
    till.wait(1.5)
    (payout,) = payouts(till)
    assert (payout["amount"], payout["automatic"], payout["created"]) == (9680, True, MONDAY + 2 * DAY)
    members = till.txns(payout=payout["id"])
    assert {one["source"] for one in members} == {first["id"], payout["id"]}
    assert sum(one["net"] for one in members) == 0
    assert payout["arrival_date"] == MONDAY + 3 * DAY
    till.wait(1)
    assert {one["source"] for one in till.txns(payout=payouts(till)[0]["id"])} >= {later["id"]}
    till.check()


def test_the_life_of_a_payout_is_told(till: Till) -> None:
    till.pay(10_000)
    till.wait(2)
    payout = payouts(till)[0]["id"]
    seen = []
    for _ in range(16):
        found = till.get("/v1/payouts/" + payout)
        seen.append((found["status"], found["reconciliation_status"], found["trace_id"]["status"]))
        till.wait(0.5 if seen[-1][0] == "paid" else 0.25)
    assert list(dict.fromkeys(seen)) == [
        ("in_transit", "in_progress", "pending"),
        ("in_transit", "completed", "pending"),
        ("paid", "completed", "pending"),
        ("paid", "completed", "supported"),
    ]
    told = [one for one in till.events() if one.startswith(("payout", "balance"))]
    assert told == [
        "balance.available",
        "payout.created",
        "payout.updated",
        "payout.reconciliation_completed",
        "payout.paid",
        "payout.updated",
    ]


def test_weekends_pay_nothing(till: Till) -> None:
    for _ in range(14):
        till.pay(5000)
        till.wait(1)
    weekdays = {datetime.fromtimestamp(one["created"], UTC).isoweekday() for one in payouts(till)}
    assert weekdays <= {1, 2, 3, 4, 5}
    assert {datetime.fromtimestamp(one["arrival_date"], UTC).isoweekday() for one in payouts(till)} <= {
        1,
        2,
        3,
        4,
        5,
    }
    till.check()


@pytest.mark.parametrize(
    ("schedule", "days"),
    [
        ({"interval": "weekly", "weekly_payout_days": ["thursday"]}, {"2025-10-23", "2025-10-30"}),
        ({"interval": "monthly", "monthly_payout_days": [20]}, {"2025-10-20"}),
        ({"interval": "manual"}, set()),
    ],
)
def test_other_schedules(till: Till, schedule: Any, days: set[str]) -> None:
    till.post("/v1/balance_settings", payments={"payouts": {"schedule": schedule}})
    for _ in range(20):
        till.wait(1)
        if till.engine.clock.now() < MONDAY + 14 * DAY:
            till.pay(5000)
    made = {datetime.fromtimestamp(one["created"], UTC).date().isoformat() for one in payouts(till)}
    assert made >= days if days else made == set()
    assert all(datetime.fromisoformat(one).weekday() < 5 for one in made)
    if schedule["interval"] == "weekly":
        assert {datetime.fromisoformat(one).weekday() for one in made} == {3}
    till.check()


def test_each_settlement_currency_has_its_own_payout(till: Till) -> None:
    till.post("/_pinstripe/settings", settles=["eur"])
    till.pay(10_000)
    till.pay(8000, currency="eur")
    till.wait(3)
    assert {(one["currency"], one["automatic"]) for one in payouts(till)} == {("usd", True), ("eur", True)}
    banks = {one["destination"] for one in payouts(till)}
    assert banks == {one["id"] for one in till.get("/v1/account")["external_accounts"]["data"]}
    till.check()


def test_a_minimum_balance_is_held_in_the_payout_and_released(till: Till) -> None:
    till.post("/v1/balance_settings", payments={"payouts": {"minimum_balance_by_currency": {"usd": 3000}}})
    till.pay(10_000)
    till.wait(3)
    (payout,) = payouts(till)
    assert payout["amount"] == 6680
    kinds = [one["type"] for one in till.txns(payout=payout["id"])]
    assert sorted(kinds) == ["charge", "payout", "payout_minimum_balance_hold"]
    assert till.get("/v1/balance")["available"][0]["amount"] == 3000
    till.check()


def test_forints_are_paid_in_whole_hundreds(till: Till) -> None:
    till.post("/_pinstripe/settings", settles=["huf"])
    till.pay(123_456, currency="huf")
    till.wait(3)
    (payout,) = payouts(till)
    assert payout["amount"] % 100 == 0
    rest = [one["amount"] for one in till.get("/v1/balance")["available"] if one["currency"] == "huf"]
    assert 0 < rest[0] < 100
    till.check()


def test_a_paid_payout_may_fail_and_its_money_is_paid_again(till: Till) -> None:
    till.pay(10_000)
    till.wait(5)
    payout = payouts(till)[0]
    assert payout["status"] == "paid"
    failed = till.post(f"/_pinstripe/payouts/{payout['id']}/fail", failure_code="account_closed")
    assert (failed["status"], failed["failure_code"]) == ("failed", "account_closed")
    back = till.get("/v1/balance_transactions/" + failed["failure_balance_transaction"])
    assert (back["type"], back["reporting_category"], back["amount"]) == (
        "payout_failure",
        "payout_reversal",
        9680,
    )
    till.wait(4)
    again = payouts(till)[0]
    assert again["id"] != payout["id"]
    assert back["id"] in {one["id"] for one in till.txns(payout=again["id"])}
    assert sum(one["net"] for one in till.txns(payout=payout["id"])) == 0
    till.check()


def test_an_account_that_owes_is_debited(till: Till) -> None:
    charge = till.charge(10_000)["id"]
    till.wait(5)
    till.post("/v1/refunds", charge=charge)
    till.wait(4)
    debit = payouts(till)[0]
    assert (debit["amount"], debit["status"]) == (-10_000, "paid")
    assert till.get("/v1/balance")["available"][0]["amount"] == 0
    till.check()


def test_a_manual_payout_tells_nothing_of_what_is_inside(sdk: StripeClient) -> None:
    sdk.v1.charges.create({"amount": 100_000, "currency": "usd", "source": "tok_bypassPending"})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.payouts.create({"amount": 10_000_000, "currency": "usd"})
    assert caught.value.code == "balance_insufficient"
    with pytest.raises(stripe.InvalidRequestError, match="No such external account"):
        sdk.v1.payouts.create({"amount": 1, "currency": "usd", "destination": "ba_none"})
    payout = sdk.v1.payouts.create({"amount": 40_000, "currency": "usd", "metadata": {"why": "rent"}})
    assert (payout.automatic, payout.reconciliation_status, payout.method) == (
        False,
        "not_applicable",
        "standard",
    )
    with pytest.raises(stripe.InvalidRequestError, match="automatic transfers, not manual"):
        sdk.v1.balance_transactions.list({"payout": payout.id})
    gone = sdk.v1.payouts.cancel(payout.id)
    assert gone.status == "canceled"
    back = sdk.v1.balance_transactions.retrieve(str(gone.failure_balance_transaction))
    assert (back.type, back.amount) == ("payout_cancel", 40_000)
    assert [one.id for one in sdk.v1.payouts.list({"status": "canceled"}).data] == [payout.id]


def test_an_instant_payout_costs_and_takes_pending_money_in_advance(till: Till) -> None:
    till.pay(20_000, "pm_card_bypassPending")
    till.pay(30_000)
    balance = till.get("/v1/balance")
    assert balance["available"][0]["amount"] == 19_390
    assert balance["instant_available"][0]["amount"] == 19_390 + 29_100
    payout = till.post("/v1/payouts", amount=40_000, currency="usd", method="instant")
    own = till.get("/v1/balance_transactions/" + payout["balance_transaction"])
    assert (own["amount"], own["fee"], own["net"]) == (-40_000, 600, -40_600)
    assert [one["net"] for one in till.txns(type="advance")] == [40_600 - 19_390]
    assert [one["net"] for one in till.txns(type="advance_funding")] == [-(40_600 - 19_390)]
    assert till.get("/v1/balance")["available"][0]["amount"] == 0
    till.check()
    till.wait(0.1)
    assert till.get("/v1/payouts/" + payout["id"])["status"] == "paid"
    assert (
        till.refused("/v1/payouts", amount=40_000, currency="usd", method="instant")["code"]
        == "balance_insufficient"
    )


def test_a_paid_payout_is_reversed_once(till: Till) -> None:
    till.pay(20_000, "pm_card_bypassPending")
    payout = till.post("/v1/payouts", amount=5000, currency="usd")
    till.wait(2)
    back = till.post(f"/v1/payouts/{payout['id']}/reverse")
    assert (back["amount"], back["original_payout"]) == (-5000, payout["id"])
    assert till.get("/v1/payouts/" + payout["id"])["reversed_by"] == back["id"]
    assert "cannot be reversed" in till.refused(f"/v1/payouts/{payout['id']}/reverse")["message"]
    assert "was reversed" in till.refused(f"/_pinstripe/payouts/{payout['id']}/fail")["message"]
    till.check()


def test_payouts_are_found_by_the_day_they_arrive(till: Till) -> None:
    for _ in range(4):
        till.pay(5000)
        till.wait(1)
    till.wait(5)
    every = payouts(till)
    day = every[1]["arrival_date"]
    assert [one["id"] for one in payouts(till, arrival_date=day)] == [every[1]["id"]]
    assert [one["id"] for one in payouts(till, arrival_date={"gt": day})] == [every[0]["id"]]


def test_a_schedule_resumes_after_a_manual_time(till: Till) -> None:
    till.post("/v1/balance_settings", payments={"payouts": {"schedule": {"interval": "manual"}}})
    till.pay(10_000)
    till.wait(10)
    assert payouts(till) == []
    till.post("/v1/balance_settings", payments={"payouts": {"schedule": {"interval": "daily"}}})
    till.wait(3)
    assert [one["amount"] for one in payouts(till)] == [9680]
    till.check()


def test_a_top_up_arrives_fails_or_is_taken_back(till: Till) -> None:
    topup = till.post("/v1/topups", amount=5000, currency="usd", description="More")
    assert (topup["status"], topup["balance_transaction"]) == ("pending", None)
    stopped = till.post("/v1/topups", amount=1, currency="usd")
    assert till.post(f"/v1/topups/{stopped['id']}/cancel")["status"] == "canceled"
    till.wait(2)
    arrived = till.get("/v1/topups/" + topup["id"])
    assert arrived["status"] == "succeeded"
    assert till.get("/v1/balance_transactions/" + arrived["balance_transaction"])["net"] == 5000
    assert till.post(f"/_pinstripe/topups/{topup['id']}/fail")["status"] == "reversed"
    assert [one["net"] for one in till.txns(type="topup_reversal")] == [-5000]
    assert {"topup.created", "topup.canceled", "topup.succeeded", "topup.reversed"} <= set(till.events())
    till.check()


def test_reserves_are_shown_and_come_back(till: Till) -> None:
    till.pay(20_000, "pm_card_bypassPending")
    till.post("/_pinstripe/reserve_transactions", amount=1500)
    till.post("/_pinstripe/reserve_holds", amount=700, days=5)
    balance = till.get("/v1/balance")
    assert balance["connect_reserved"][0]["amount"] == 1500
    assert balance["available"][0]["amount"] == 19_390 - 1500 - 700
    till.check()
    till.wait(6)
    released = till.txns(type="reserve_release")
    assert sorted((one["balance_type"], one["net"]) for one in released) == [
        ("payments", 700),
        ("risk_reserved", -700),
    ]
    till.check()
