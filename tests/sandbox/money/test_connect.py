"""Connected accounts: charges made for them, through them and beside them; what the platform earns."""

from __future__ import annotations

from typing import Any

import pytest
import stripe
from stripe import StripeClient

from .conftest import Till


@pytest.fixture
def partner(till: Till) -> str:
    found: str = till.post("/v1/accounts", type="express", country="US", email="baker@example.com")["id"]
    return found


def kinds(till: Till, on: str | None = None) -> list[tuple[str, int, int]]:
    return [(one["type"], one["amount"], one["fee"]) for one in till.txns(on)[::-1]]


def test_a_direct_charge_pays_the_platform_from_the_partners_fee(till: Till, partner: str) -> None:
    charge = till.post(
        "/v1/charges", partner, amount=10_000, currency="usd", source="tok_visa", application_fee_amount=500
    )
    txn = till.get("/v1/balance_transactions/" + charge["balance_transaction"], partner)
    assert [(one["type"], one["amount"]) for one in txn["fee_details"]] == [
        ("stripe_fee", 320),
        ("application_fee", 500),
    ]
    assert txn["net"] == 9180
    fee = till.get("/v1/application_fees/" + charge["application_fee"])
    assert (fee["account"], fee["charge"], fee["amount"]) == (partner, charge["id"], 500)
    assert fee["application"] == charge["application"]
    assert kinds(till) == [("application_fee", 500, 0)]
    back = till.post(f"/v1/application_fees/{fee['id']}/refunds", amount=200)
    assert (back["fee"], back["amount"]) == (fee["id"], 200)
    assert till.get("/v1/application_fees/" + fee["id"])["refunds"]["data"][0]["id"] == back["id"]
    assert kinds(till)[1:] == [("application_fee_refund", -200, 0)]
    assert kinds(till, partner)[1:] == [("adjustment", 200, 0)]
    assert "greater than" in till.refused(f"/v1/application_fees/{fee['id']}/refunds", amount=301)["message"]
    till.check()
    till.check(partner)


def test_a_refund_of_a_direct_charge_can_give_the_fee_back(till: Till, partner: str) -> None:
    charge = till.post(
        "/v1/charges", partner, amount=10_000, currency="usd", source="tok_visa", application_fee_amount=500
    )
    till.post("/v1/refunds", partner, charge=charge["id"], amount=5000, refund_application_fee=True)
    assert till.get("/v1/application_fees/" + charge["application_fee"])["amount_refunded"] == 250
    till.check()
    till.check(partner)


def test_a_destination_charge_sends_all_and_takes_its_fee(till: Till, partner: str) -> None:
    intent = till.pay(10_000, transfer_data={"destination": partner}, application_fee_amount=800)
    charge = till.get("/v1/charges/" + intent["latest_charge"])
    assert kinds(till) == [("charge", 10_000, 320), ("transfer", -10_000, 0), ("application_fee", 800, 0)]
    assert kinds(till, partner) == [("payment", 10_000, 800)]
    fee = till.get("/v1/application_fees/" + charge["application_fee"])
    assert fee["originating_transaction"] == charge["id"]
    transfer = till.get("/v1/transfers/" + charge["transfer"])
    assert (transfer["source_transaction"], fee["charge"]) == (charge["id"], transfer["destination_payment"])
    till.post(
        "/v1/refunds", charge=charge["id"], amount=5000, reverse_transfer=True, refund_application_fee=True
    )
    assert till.get("/v1/transfers/" + charge["transfer"])["amount_reversed"] == 5000
    assert kinds(till, partner)[1:] == [("payment_refund", -5000, 0), ("adjustment", 400, 0)]
    till.check()
    till.check(partner)
    till.wait(10)
    till.check()
    till.check(partner)


def test_a_destination_charge_may_send_a_part(till: Till, partner: str) -> None:
    till.pay(10_000, transfer_data={"destination": partner, "amount": 7000})
    assert kinds(till) == [("charge", 10_000, 320), ("transfer", -7000, 0)]
    assert kinds(till, partner) == [("payment", 7000, 0)]


def test_transfers_are_made_beside_charges_and_reversed(till: Till, partner: str) -> None:
    assert (
        till.refused("/v1/transfers", amount=4000, currency="usd", destination=partner)["code"]
        == "balance_insufficient"
    )
    till.pay(20_000, "pm_card_bypassPending")
    transfer = till.post(
        "/v1/transfers", amount=4000, currency="usd", destination=partner, transfer_group="ORDER_1"
    )
    reversal = till.post(f"/v1/transfers/{transfer['id']}/reversals", amount=1000)
    assert till.get(f"/v1/transfers/{transfer['id']}/reversals")["data"] == [reversal]
    after = till.get("/v1/transfers", transfer_group="ORDER_1")["data"][0]
    assert (after["amount_reversed"], after["reversed"]) == (1000, False)
    assert [one["net"] for one in till.txns(source=reversal["id"])] == [1000]
    assert kinds(till, partner) == [("payment", 4000, 0), ("payment_refund", -1000, 0)]
    assert "greater than" in till.refused(f"/v1/transfers/{transfer['id']}/reversals", amount=3001)["message"]
    assert (
        till.refused("/v1/transfers", amount=1, currency="usd", destination="acct_none")["code"]
        == "resource_missing"
    )
    till.check()
    till.check(partner)


def test_a_partner_in_another_country_is_paid_in_its_own_currency(till: Till) -> None:
    baker = till.post("/v1/accounts", country="DE")
    assert baker["default_currency"] == "eur"
    till.pay(20_000, "pm_card_bypassPending")
    till.post("/v1/transfers", amount=4000, currency="usd", destination=baker["id"])
    (txn,) = till.txns(baker["id"])
    assert txn["currency"] == "eur"
    assert txn["amount"] == round(4000 * txn["exchange_rate"])
    till.wait(5)
    paid = till.get("/v1/payouts", baker["id"])["data"]
    assert [(one["currency"], one["amount"]) for one in paid] == [("eur", txn["amount"])]
    till.check(baker["id"])


def test_the_platform_takes_over_what_a_partner_owes(till: Till, partner: str) -> None:
    till.post("/_pinstripe/balance_transactions", partner, type="stripe_fee", amount=900)
    till.post("/_pinstripe/connect_collections", account=partner)
    assert kinds(till) == [("connect_collection_transfer", -900, 0)]
    assert till.get("/v1/balance", partner)["available"][0]["amount"] == 0
    till.check()
    till.check(partner)


def test_accounts_over_the_sdk(sdk: StripeClient) -> None:
    made = sdk.v1.accounts.create({"type": "custom", "country": "GB", "metadata": {"a": "b"}})
    assert (made.default_currency, made.payouts_enabled) == ("gbp", True)
    changed = sdk.v1.accounts.update(
        made.id,
        {
            "email": "x@example.com",
            "settings": {"payouts": {"schedule": {"interval": "weekly", "weekly_payout_days": ["friday"]}}},
        },
    )
    schedule: Any = changed.settings.payouts.schedule
    assert (changed.email, schedule.interval, schedule.weekly_payout_days) == (
        "x@example.com",
        "weekly",
        ["friday"],
    )
    assert made.id in [one.id for one in sdk.v1.accounts.list({"limit": 100}).auto_paging_iter()]
    assert sdk.v1.accounts.retrieve_current().id != made.id
    theirs = sdk.v1.balance_settings.retrieve({}, {"stripe_account": made.id})
    assert theirs.payments.payouts.schedule.interval == "weekly"
    assert sdk.v1.accounts.delete(made.id).deleted
    with pytest.raises(stripe.PermissionError):
        sdk.v1.accounts.retrieve(made.id)


def test_fees_and_transfers_that_make_no_sense(till: Till, partner: str) -> None:
    alone = till.refused(
        "/v1/charges", amount=1000, currency="usd", source="tok_visa", application_fee_amount=10
    )
    much = till.refused(
        "/v1/charges", partner, amount=1000, currency="usd", source="tok_visa", application_fee_amount=1001
    )
    assert [one["param"] for one in (alone, much)] == ["application_fee_amount"] * 2
    charge = till.charge(8000, currency="eur")["id"]
    error = till.refused(
        "/v1/transfers", amount=100, currency="eur", destination=partner, source_transaction=charge
    )
    assert error["param"] == "currency"


def test_capabilities_and_links_over_the_sdk(sdk: StripeClient) -> None:
    made = sdk.v1.accounts.create({"type": "express", "country": "US"})
    names = [one.id for one in sdk.v1.accounts.capabilities.list(made.id).data]
    assert names == ["card_payments", "transfers"]
    off = sdk.v1.accounts.capabilities.update(made.id, "card_payments", {"requested": False})
    assert (off.requested, off.status) == (False, "inactive")
    assert sdk.v1.accounts.retrieve(made.id).capabilities.card_payments == "inactive"
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.accounts.capabilities.retrieve(made.id, "telepathy")
    link = sdk.v1.account_links.create(
        {
            "account": made.id,
            "type": "account_onboarding",
            "refresh_url": "https://a.example",
            "return_url": "https://b.example",
        }
    )
    assert made.id in link.url
    with pytest.raises(stripe.PermissionError):
        sdk.v1.account_links.create({"account": "acct_none", "type": "account_onboarding"})
