"""Payments as the official SDK makes them, and what each test card does."""

from __future__ import annotations

import time
from typing import Any

import pytest
import stripe
from stripe import StripeClient

from bookhand.sandbox.money.payments import pay, retry

from .conftest import DAY, MONDAY, Till


def confirmed(client: StripeClient, card: str, **more: Any) -> Any:
    return client.v1.payment_intents.create(
        {"amount": 2000, "currency": "usd", "payment_method": card, "confirm": True, **more}
    )


def test_a_card_payment_ties_charge_fee_and_balance_transaction(sdk: StripeClient) -> None:
    intent = confirmed(sdk, "pm_card_visa", expand=["latest_charge.balance_transaction"])
    assert (intent.status, intent.amount_received) == ("succeeded", 2000)
    charge = intent.latest_charge
    assert (charge.paid, charge.captured, charge.payment_method_details.card.last4) == (True, True, "4242")
    txn = charge.balance_transaction
    assert (txn.amount, txn.fee, txn.net, txn.status) == (2000, 88, 1912, "pending")
    assert txn.available_on == MONDAY + 2 * DAY
    assert txn.source == charge.id
    again = sdk.v1.balance_transactions.list({"source": charge.id, "expand": ["data.source"]}).data
    assert [one.id for one in again] == [txn.id]
    assert again[0].source.id == charge.id


@pytest.mark.parametrize(
    ("card", "code", "decline_code", "advice"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline", "try_again_later"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds", "try_again_later"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card", "do_not_try_again"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card", "confirm_card_data"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc", "confirm_card_data"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error", "try_again_later"),
        ("pm_card_chargeDeclinedDoNotHonor", "card_declined", "do_not_honor", "try_again_later"),
        ("pm_card_radarBlock", "card_declined", "fraudulent", None),
    ],
)
def test_a_decline_is_a_402_that_leaves_the_attempt(
    sdk: StripeClient, card: str, code: str, decline_code: str, advice: str | None
) -> None:
    with pytest.raises(stripe.CardError) as caught:
        confirmed(sdk, card)
    error = caught.value.error
    assert (caught.value.http_status, error.code, error.decline_code) == (402, code, decline_code)
    intent = sdk.v1.payment_intents.retrieve(error.payment_intent.id)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error.decline_code == decline_code
    charge = sdk.v1.charges.retrieve(error.charge)
    assert (charge.status, charge.paid, charge.balance_transaction) == ("failed", False, None)
    assert charge.outcome.advice_code == advice
    blocked = card == "pm_card_radarBlock"
    assert charge.outcome.type == ("blocked" if blocked else "issuer_declined")
    assert charge.outcome.reason == ("highest_risk_level" if blocked else decline_code)


def test_authentication_is_asked_of_a_customer_who_is_there_and_declined_off_session(till: Till) -> None:
    intent = till.pay(card="pm_card_threeDSecure2Required", return_url="https://shop.example/back")
    assert intent["status"] == "requires_action"
    assert intent["next_action"]["redirect_to_url"]["return_url"] == "https://shop.example/back"
    assert intent["latest_charge"] is None
    done = till.post(f"/_pinstripe/payment_intents/{intent['id']}/authenticate")
    assert done["status"] == "succeeded"

    again = till.pay(card="pm_card_threeDSecure2Required")
    failed = till.post(f"/_pinstripe/payment_intents/{again['id']}/authenticate", succeed=False)
    assert failed["last_payment_error"]["code"] == "payment_intent_authentication_failure"

    error = till.refused(
        "/v1/payment_intents",
        amount=900,
        currency="usd",
        payment_method="pm_card_threeDSecure2Required",
        confirm=True,
        off_session=True,
    )
    assert error["code"] == "authentication_required"
    assert "payment_intent.requires_action" in till.events()


def test_a_card_that_was_set_up_pays_off_session(till: Till) -> None:
    with till.engine.session(till.account) as call:
        intent = pay(
            call,
            amount=900,
            currency="usd",
            customer=None,
            payment_method="pm_card_authenticationRequiredSetupForOffSession",
        )
    assert intent["status"] == "succeeded"


def test_a_declined_intent_is_tried_again_with_a_second_charge(till: Till) -> None:
    with till.engine.session(till.account) as call:
        intent = pay(
            call, amount=700, currency="usd", customer=None, payment_method="pm_card_chargeDeclinedLostCard"
        )
        assert intent["status"] == "requires_payment_method"
        retry(call, intent, payment_method="pm_card_visa")
    stored = till.get(f"/v1/payment_intents/{intent['id']}")
    assert (stored["status"], stored["last_payment_error"]) == ("succeeded", None)
    charges = till.get("/v1/charges", payment_intent=intent["id"])["data"]
    assert [one["status"] for one in charges] == ["succeeded", "failed"]


def test_an_outcome_can_be_set_for_a_stored_method(till: Till) -> None:
    method = till.get("/v1/payment_intents/" + till.pay()["id"])["payment_method"]
    till.post(f"/_pinstripe/payment_methods/{method}/outcome", outcome="decline:try_again_later", times=1)
    error = till.refused(
        "/v1/payment_intents", amount=900, currency="usd", payment_method=method, confirm=True
    )
    assert error["decline_code"] == "try_again_later"
    assert till.pay(card=method)["status"] == "succeeded"


def test_money_held_is_captured_in_part_and_the_rest_given_up(till: Till) -> None:
    intent = till.pay(10_000, capture_method="manual")
    assert (intent["status"], intent["amount_capturable"]) == ("requires_capture", 10_000)
    assert till.txns() == []
    done = till.post(f"/v1/payment_intents/{intent['id']}/capture", amount_to_capture=6000)
    assert (done["status"], done["amount_received"], done["amount_capturable"]) == ("succeeded", 6000, 0)
    charge = till.get("/v1/charges/" + intent["latest_charge"])
    assert (charge["amount_captured"], charge["amount_refunded"], charge["refunded"]) == (6000, 4000, False)
    told = [(one["type"], one["reporting_category"], one["amount"], one["fee"]) for one in till.txns()]
    assert told == [("refund", "partial_capture_reversal", -4000, 0), ("charge", "charge", 10_000, 204)]
    error = till.refused(f"/v1/payment_intents/{intent['id']}/capture")
    assert error["code"] == "payment_intent_unexpected_state"
    till.check()


def test_money_held_for_seven_days_is_let_go(till: Till) -> None:
    intent = till.pay(capture_method="manual")
    till.wait(8)
    assert till.get(f"/v1/payment_intents/{intent['id']}")["status"] == "canceled"
    assert till.get(f"/v1/payment_intents/{intent['id']}")["cancellation_reason"] == "automatic"
    assert "charge.expired" in till.events()
    assert till.txns() == []


@pytest.mark.parametrize(
    ("currency", "amount", "gross", "rate"),
    [("eur", 10_000, 11_000, 1.1), ("jpy", 15_000, 10_000, 0.0067), ("kwd", 3060, 1000, 3.27)],
)
def test_another_currency_is_converted_with_its_own_fee(
    till: Till, currency: str, amount: int, gross: int, rate: float
) -> None:
    charge = till.charge(amount, currency=currency)
    txn = till.get("/v1/balance_transactions/" + charge["balance_transaction"])
    assert txn["currency"] == "usd"
    assert charge["currency"] == currency
    assert txn["amount"] == pytest.approx(gross, rel=0.04)
    assert txn["exchange_rate"] == pytest.approx(rate, rel=0.04)
    assert [one["description"] for one in txn["fee_details"]] == [
        "Stripe processing fees",
        "Stripe currency conversion fee",
    ]
    assert txn["fee_details"][1]["amount"] == round(txn["amount"] * 0.01)


def test_a_settled_currency_is_not_converted(till: Till) -> None:
    till.post("/_pinstripe/settings", settles=["eur"])
    txn = till.get("/v1/balance_transactions/" + till.charge(1000, currency="eur")["balance_transaction"])
    assert (txn["currency"], txn["amount"], txn["exchange_rate"]) == ("eur", 1000, None)
    assert {row["currency"] for row in till.get("/v1/balance")["pending"]} == {"usd", "eur"}


def test_a_foreign_card_costs_more(till: Till) -> None:
    home, foreign = till.charge(10_000), till.charge(10_000, "pm_card_de")
    fees = [
        till.get("/v1/balance_transactions/" + one["balance_transaction"])["fee"] for one in (home, foreign)
    ]
    assert fees == [320, 470]


def test_tax_on_fees_is_a_line_of_its_own(till: Till) -> None:
    till.post("/_pinstripe/settings", fee_tax_percent="19")
    txn = till.get("/v1/balance_transactions/" + till.charge(10_000)["balance_transaction"])
    assert [(one["type"], one["amount"]) for one in txn["fee_details"]] == [("stripe_fee", 320), ("tax", 61)]
    assert txn["fee"] == 381


def test_fees_may_be_known_later(till: Till) -> None:
    till.post("/_pinstripe/settings", fees_later=3600)
    charge = till.charge()
    assert charge["balance_transaction"] is None
    assert till.txns() == []
    till.wait(0.1)
    bound = till.get("/v1/charges/" + charge["id"])["balance_transaction"]
    assert [one["id"] for one in till.txns()] == [bound]
    updated = [one for one in till.get("/v1/events")["data"] if one["type"] == "charge.updated"]
    assert updated[0]["data"]["previous_attributes"] == {"balance_transaction": None}
    assert updated[0]["data"]["object"]["balance_transaction"] == bound


def test_a_bank_debit_is_pending_and_then_succeeds(till: Till) -> None:
    intent = till.pay(100_000, "pm_usBankAccount_success")
    charge = till.get("/v1/charges/" + intent["latest_charge"])
    assert (intent["status"], charge["status"], charge["id"][:3]) == ("processing", "pending", "py_")
    txn = till.txns()[0]
    assert (txn["type"], txn["status"], txn["fee"]) == ("payment", "pending", 500)
    till.wait(8)
    assert till.get(f"/v1/payment_intents/{intent['id']}")["status"] == "succeeded"
    assert till.get("/v1/charges/" + charge["id"])["status"] == "succeeded"
    till.check()


def test_a_bank_debit_that_fails_takes_its_money_and_fee_back(till: Till) -> None:
    intent = till.pay(100_000, "pm_usBankAccount_noAccount")
    till.wait(8)
    charge = till.get("/v1/charges/" + intent["latest_charge"])
    assert (charge["status"], charge["failure_code"]) == ("failed", "no_account")
    back = till.get("/v1/balance_transactions/" + charge["failure_balance_transaction"])
    assert (back["type"], back["amount"], back["fee"]) == ("payment_failure_refund", -100_000, -500)
    assert [one["net"] for one in till.txns(type="stripe_fee")] == [-400]
    assert till.get(f"/v1/payment_intents/{intent['id']}")["last_payment_error"]["code"] == "no_account"
    till.check()


def test_a_bank_debit_can_come_back_after_it_succeeded(till: Till) -> None:
    charge = till.charge(5000, "pm_sepaDebit_success")
    till.wait(8)
    failed = till.post(f"/_pinstripe/charges/{charge['id']}/fail", failure_code="debit_disputed")
    assert failed["status"] == "failed"
    assert [one["amount"] for one in till.txns(type="payment_reversal")] == [-5000]
    till.check()


def test_events_come_in_the_order_of_what_happened(till: Till) -> None:
    till.pay()
    assert [one for one in till.events() if not one.startswith("payment_method")] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (49, "usd", "amount_too_small"),
        (100_000_000, "usd", "amount_too_large"),
        (1001, "kwd", "invalid_charge_amount"),
    ],
)
def test_amounts_nobody_can_charge(till: Till, amount: int, currency: str, code: str) -> None:
    error = till.refused("/v1/payment_intents", amount=amount, currency=currency)
    assert (error["code"], error["param"]) == (code, "amount")


def test_a_statement_takes_twenty_two_characters(till: Till) -> None:
    asked = {"amount": 500, "currency": "usd", "statement_descriptor_suffix": "x" * 22}
    assert till.post("/v1/payment_intents", **asked)["statement_descriptor_suffix"] == "x" * 22
    asked["statement_descriptor_suffix"] += "x"
    assert till.refused("/v1/payment_intents", **asked)["param"] == "statement_descriptor_suffix"


def test_a_currency_nobody_knows(till: Till) -> None:
    error = till.refused("/v1/payment_intents", amount=1000, currency="xxx")
    assert error["param"] == "currency"


def test_an_intent_is_updated_canceled_and_then_fixed(sdk: StripeClient) -> None:
    intent = sdk.v1.payment_intents.create({"amount": 800, "currency": "usd"})
    changed = sdk.v1.payment_intents.update(intent.id, {"amount": 900, "metadata": {"order": "7"}})
    assert (changed.amount, changed.metadata["order"]) == (900, "7")
    ready = sdk.v1.payment_intents.update(intent.id, {"payment_method": "pm_card_visa"})
    assert ready.status == "requires_confirmation"
    gone = sdk.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.payment_intents.confirm(intent.id)
    assert caught.value.code == "payment_intent_unexpected_state"


def test_the_older_charges(sdk: StripeClient) -> None:
    charge = sdk.v1.charges.create(
        {"amount": 1500, "currency": "usd", "source": "tok_visa", "capture": False, "description": "Cake"}
    )
    assert not charge.captured
    assert sdk.v1.charges.capture(charge.id, {"amount": 1000}).amount_captured == 1000
    updated = sdk.v1.charges.update(
        charge.id, {"metadata": {"a": "b"}, "fraud_details": {"user_report": "safe"}}
    )
    assert updated.fraud_details.user_report == "safe"
    with pytest.raises(stripe.CardError) as caught:
        sdk.v1.charges.create({"amount": 1500, "currency": "usd", "source": "tok_chargeDeclinedStolenCard"})
    assert caught.value.error.decline_code == "stolen_card"
    assert sdk.v1.charges.retrieve(caught.value.error.charge).status == "failed"


def test_a_payment_costs_little(till: Till) -> None:
    """A million of them must be made: this guards against a scan or a job for each."""
    till.engine.events_from = 2**40
    till.pay()
    with till.engine.session(till.account) as call:
        method = call.find("payment_method")[0]
        began = time.process_time()
        for _ in range(2000):
            pay(call, amount=5000, currency="eur", customer="cus_1", payment_method=method)
        assert (time.process_time() - began) / 2000 < 0.0008
        jobs = till.engine.store.db.execute("SELECT count(*) FROM jobs").fetchone()[0]
    assert jobs <= 3


def test_a_test_clock_runs_ahead_and_its_money_does_not(till: Till) -> None:
    with till.engine.session(till.account) as call:
        ahead = call.timeline("clock_1", call.now + 300 * DAY)
        pay(ahead, amount=5000, currency="usd", customer=None, payment_method="pm_card_visa")
        pay(call, amount=7000, currency="usd", customer=None, payment_method="pm_card_visa")
    assert {one["available_on"] for one in till.txns()} == {MONDAY + 2 * DAY}
    till.wait(4)
    assert {one["status"] for one in till.txns()} == {"available"}
    till.check()


def test_a_method_is_kept_when_it_is_set_up_for_later(till: Till) -> None:
    with till.engine.session(till.account) as call:
        customer = {"id": "cus_ada", "object": "customer"}
        call.add(customer)
        call.add({**customer, "id": "cus_bob"})
    intent = till.pay(customer="cus_ada", setup_future_usage="off_session")
    with till.engine.session(till.account) as call:
        assert call.get("payment_method", intent["payment_method"])["customer"] == "cus_ada"
    error = till.refused(
        "/v1/payment_intents",
        amount=900,
        currency="usd",
        customer="cus_bob",
        payment_method=intent["payment_method"],
        confirm=True,
    )
    assert error["param"] == "payment_method"


def test_a_token_is_used_once(sdk: StripeClient) -> None:
    card: Any = {"number": "4000000000000341", "exp_month": 8, "exp_year": 2034, "cvc": "123"}
    token = sdk.v1.tokens.create({"card": card})
    assert (token.card.last4, token.card.brand, token.used) == ("0341", "Visa", False)
    with pytest.raises(stripe.CardError):
        sdk.v1.charges.create({"amount": 1500, "currency": "usd", "source": token.id})
    assert sdk.v1.tokens.retrieve(token.id).used
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.charges.create({"amount": 1500, "currency": "usd", "source": token.id})
    assert caught.value.code == "token_already_used"
    with pytest.raises(stripe.CardError, match="number is incorrect"):
        sdk.v1.tokens.create({"card": {**card, "number": "4242424242424241"}})
