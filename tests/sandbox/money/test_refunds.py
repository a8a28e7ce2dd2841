"""Refunds: parts, the whole, too much, late failures."""

from __future__ import annotations

import pytest
import stripe
from stripe import StripeClient

from .conftest import Till


def test_a_refund_takes_the_money_and_leaves_the_fee(till: Till) -> None:
    charge = till.charge(10_000)
    part = till.post("/v1/refunds", charge=charge["id"], amount=2500, reason="requested_by_customer")
    txn = till.get("/v1/balance_transactions/" + part["balance_transaction"])
    assert (part["status"], part["reason"]) == ("succeeded", "requested_by_customer")
    assert (txn["type"], txn["amount"], txn["fee"], txn["source"]) == ("refund", -2500, 0, part["id"])
    rest = till.post("/v1/refunds", payment_intent=charge["payment_intent"])
    assert rest["amount"] == 7500
    after = till.get("/v1/charges/" + charge["id"], expand=["refunds"])
    assert (after["refunded"], after["amount_refunded"]) == (True, 10_000)
    assert [one["id"] for one in after["refunds"]["data"]] == [rest["id"], part["id"]]
    refunded = [one for one in till.get("/v1/events")["data"] if one["type"] == "charge.refunded"]
    assert [one["data"]["previous_attributes"] for one in refunded] == [
        {"amount_refunded": 2500, "refunded": False},
        {"amount_refunded": 0},
    ]
    till.check()


def test_too_much_is_refused(sdk: StripeClient) -> None:
    charge = sdk.v1.charges.create({"amount": 1000, "currency": "usd", "source": "tok_visa"})
    with pytest.raises(
        stripe.InvalidRequestError, match=r"\(\$10.01\) is greater than unrefunded amount"
    ) as caught:
        sdk.v1.refunds.create({"charge": charge.id, "amount": 1001})
    assert caught.value.param == "amount"
    sdk.v1.refunds.create({"charge": charge.id})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.refunds.create({"charge": charge.id, "amount": 1})
    assert caught.value.code == "charge_already_refunded"


def test_a_refund_finer_than_stripe_takes_is_refused(till: Till) -> None:
    charge = till.charge(5000, currency="kwd")
    error = till.refused("/v1/refunds", charge=charge["id"], amount=1234)
    assert (error["code"], error["param"]) == ("invalid_charge_amount", "amount")
    assert till.post("/v1/refunds", charge=charge["id"], amount=1230)["amount"] == 1230
    assert till.post("/v1/refunds", charge=charge["id"])["amount"] == 3770


def test_a_refund_is_of_one_thing(till: Till) -> None:
    intent, other = till.pay(), till.charge()
    refused = till.refused("/v1/refunds", charge=other["id"], payment_intent=intent["id"])
    assert refused["message"] == "You may only specify one of these parameters: charge, payment_intent."


def test_a_failed_refund_gives_the_money_back_to_us(till: Till) -> None:
    charge = till.charge(3000, "pm_card_refundFail")
    refund = till.post("/v1/refunds", charge=charge["id"])
    assert refund["status"] == "succeeded"
    till.wait(3)
    failed = till.get("/v1/refunds/" + refund["id"])
    assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
    back = till.get("/v1/balance_transactions/" + failed["failure_balance_transaction"])
    assert (back["type"], back["reporting_category"], back["amount"]) == (
        "refund_failure",
        "refund_failure",
        3000,
    )
    after = till.get("/v1/charges/" + charge["id"])
    assert (after["refunded"], after["amount_refunded"]) == (False, 0)
    assert {"refund.failed", "refund.updated", "charge.refund.updated"} <= set(till.events())
    assert till.post("/v1/refunds", charge=charge["id"])["status"] == "succeeded"


def test_a_pending_refund_succeeds_later_or_is_canceled(till: Till) -> None:
    first, second = (till.charge(1000, "pm_card_pendingRefund")["id"] for _ in range(2))
    waits = till.post("/v1/refunds", charge=first)
    stops = till.post("/v1/refunds", charge=second)
    assert (waits["status"], waits["pending_reason"]) == ("pending", "processing")
    assert till.post(f"/v1/refunds/{stops['id']}/cancel")["status"] == "canceled"
    till.wait(6)
    assert till.get("/v1/refunds/" + waits["id"])["status"] == "succeeded"
    assert "canceled" in till.refused(f"/v1/refunds/{stops['id']}/cancel")["message"]
    till.check()


def test_a_refund_of_another_currency_settles_at_the_rate_of_its_own_day(till: Till) -> None:
    charge = till.charge(10_000, currency="eur")
    till.wait(20)
    refund = till.post("/v1/refunds", charge=charge["id"])
    paid, returned = (
        till.get("/v1/balance_transactions/" + one["balance_transaction"]) for one in (charge, refund)
    )
    assert paid["exchange_rate"] != returned["exchange_rate"]
    assert paid["amount"] + returned["amount"] != 0
    assert returned["amount"] == -round(10_000 * returned["exchange_rate"])


def test_a_bank_debit_is_refunded_as_a_payment(till: Till) -> None:
    charge = till.charge(5000, "pm_usBankAccount_success")
    assert "pending" in till.refused("/v1/refunds", charge=charge["id"])["message"]
    till.wait(8)
    refund = till.post("/v1/refunds", charge=charge["id"])
    assert refund["id"].startswith("pyr_")
    assert [one["amount"] for one in till.txns(type="payment_refund")] == [-5000]


def test_a_charge_that_was_charged_back_cannot_be_refunded(till: Till) -> None:
    charge = till.charge(2000, "pm_card_createDispute")
    assert till.refused("/v1/refunds", charge=charge["id"])["code"] == "charge_disputed"
    inquired = till.charge(2000, "pm_card_createDisputeInquiry")
    assert till.post("/v1/refunds", charge=inquired["id"])["status"] == "succeeded"
