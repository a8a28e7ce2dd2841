"""Walks with the official SDK through payments, refunds, disputes, payouts, the balance and what Connect moves."""

from __future__ import annotations

import io
from typing import Any

import pytest
import stripe

Client = stripe.StripeClient
NOW_AVAILABLE = "pm_card_bypassPending"


def pay(
    c: Client, amount: int = 2_000, card: str = "pm_card_visa", currency: str = "usd", **more: Any
) -> Any:
    """A confirmed payment intent."""
    return c.v1.payment_intents.create(
        {
            "amount": amount,
            "currency": currency,
            "payment_method": card,
            "allowed_payment_method_types": ["card"],
            "confirm": True,
            **more,
        }
    )


def intents(c: Client) -> None:
    customer = c.v1.customers.create({"email": "ada@example.com"})
    slow = c.v1.payment_intents.create({"amount": 1_500, "currency": "usd", "customer": customer.id})
    c.v1.payment_intents.update(slow.id, {"amount": 1_600, "metadata": {"a": "b"}})
    c.v1.payment_intents.confirm(
        slow.id, {"payment_method": "pm_card_visa", "return_url": "https://a.example"}
    )
    c.v1.payment_intents.retrieve(
        slow.id, {"expand": ["latest_charge.balance_transaction", "customer", "payment_method"]}
    )
    held = pay(c, 5_000, capture_method="manual")
    c.v1.payment_intents.capture(held.id, {"amount_to_capture": 4_000})
    c.v1.payment_intents.cancel(pay(c, capture_method="manual").id, {"cancellation_reason": "abandoned"})
    pay(c, card="pm_card_threeDSecure2Required", return_url="https://a.example")
    pay(c, 3_000, "pm_card_de", "eur")
    pay(c, 4_200, "pm_card_jp", "jpy")
    pay(c, 9_000, "pm_card_mastercard", "kwd")
    pay(c, card="pm_usBankAccount_success", allowed_payment_method_types=["us_bank_account"])
    for card in (
        "pm_card_chargeDeclinedInsufficientFunds",
        "pm_card_chargeDeclinedExpiredCard",
        "pm_card_radarBlock",
    ):
        with pytest.raises(stripe.CardError):
            pay(c, card=card)
    c.v1.payment_intents.list({"limit": 3, "expand": ["data.latest_charge"]})
    c.v1.payment_intents.search({"query": "status:'succeeded'"})


def setups(c: Client) -> None:
    customer = c.v1.customers.create({})
    made = c.v1.setup_intents.create({"customer": customer.id, "allowed_payment_method_types": ["card"]})
    c.v1.setup_intents.update(made.id, {"metadata": {"a": "b"}})
    c.v1.setup_intents.confirm(made.id, {"payment_method": "pm_card_visa"})
    c.v1.setup_intents.retrieve(made.id)
    c.v1.setup_intents.list({"customer": customer.id})
    c.v1.setup_intents.cancel(c.v1.setup_intents.create({}).id)


def tokens(c: Client) -> None:
    card = {"number": "4242424242424242", "exp_month": "8", "exp_year": "2034", "cvc": "314"}
    made = c.v1.tokens.create({"card": card})
    c.v1.tokens.retrieve(made.id)
    c.v1.charges.create({"amount": 900, "currency": "usd", "source": made.id})


def warnings(c: Client) -> None:
    pay(c, 1_100, "pm_card_createIssuerFraudRecord")
    found = c.v1.radar.early_fraud_warnings.list({"limit": 1})
    c.v1.radar.early_fraud_warnings.retrieve(found.data[0].id, {"expand": ["charge"]})


def charges(c: Client) -> None:
    made = c.v1.charges.create(
        {"amount": 2_000, "currency": "usd", "source": "tok_visa", "description": "Old way"}
    )
    c.v1.charges.update(made.id, {"metadata": {"a": "b"}})
    held = c.v1.charges.create({"amount": 2_000, "currency": "usd", "source": "tok_visa", "capture": False})
    c.v1.charges.capture(held.id, {"amount": 1_500})
    c.v1.charges.retrieve(made.id, {"expand": ["balance_transaction", "refunds", "payment_intent"]})
    c.v1.charges.list({"limit": 5, "created": {"gte": 1}})
    c.v1.charges.search({"query": "amount>1000"})
    with pytest.raises(stripe.InvalidRequestError):
        c.v1.charges.retrieve("ch_none")


def refunds(c: Client) -> None:
    pay(c, 50_000, NOW_AVAILABLE)
    intent = pay(c, 3_000)
    part = c.v1.refunds.create({"payment_intent": intent.id, "amount": 1_000, "reason": "duplicate"})
    c.v1.refunds.update(part.id, {"metadata": {"a": "b"}})
    c.v1.refunds.create({"charge": intent.latest_charge})
    c.v1.refunds.retrieve(part.id, {"expand": ["balance_transaction", "charge"]})
    c.v1.refunds.list({"payment_intent": intent.id})
    c.v1.refunds.create({"payment_intent": pay(c, 900, "pm_card_refundFail").id})
    waiting = c.v1.refunds.create({"payment_intent": pay(c, 950, "pm_card_pendingRefund").id})
    assert waiting.status == "pending"
    old = pay(c, 1_200).latest_charge
    c.raw_request("post", f"/v1/charges/{old}/refunds", amount=200)
    c.raw_request("post", f"/v1/charges/{old}/refund", amount=300)
    c.raw_request("get", f"/v1/charges/{old}/refunds")
    c.raw_request("get", f"/v1/charges/{old}/refunds/{c.v1.refunds.list({'charge': old}).data[0].id}")
    c.v1.refunds.cancel(c.v1.refunds.create({"payment_intent": pay(c, 970, "pm_card_pendingRefund").id}).id)


def disputes(c: Client) -> None:
    for card in (
        "pm_card_createDispute",
        "pm_card_createDisputeInquiry",
        "pm_card_createDisputeProductNotReceived",
        "pm_card_createCe3EligibleDispute",
    ):
        pay(c, 7_000, card)
    found = c.v1.disputes.list({"limit": 10}).data
    picture = io.BytesIO(PNG)
    picture.name = "proof.png"
    proof = c.v1.files.create({"purpose": "dispute_evidence", "file": picture})
    c.v1.files.retrieve(proof.id)
    c.v1.files.list({"purpose": "dispute_evidence"})
    first, second, third = found[0], found[1], found[2]
    c.v1.disputes.update(
        first.id, {"evidence": {"product_description": "Software", "receipt": proof.id}, "submit": False}
    )
    c.v1.disputes.update(first.id, {"metadata": {"case": "7"}, "submit": False})
    c.v1.disputes.update(second.id, {"evidence": {"uncategorized_text": "winning_evidence"}, "submit": True})
    c.v1.disputes.close(third.id)
    c.v1.disputes.retrieve(first.id, {"expand": ["charge", "payment_intent", "evidence.receipt"]})
    c.v1.disputes.list({"charge": first.charge})


def payouts(c: Client) -> None:
    pay(c, 500_000, NOW_AVAILABLE)
    made = c.v1.payouts.create({"amount": 1_000, "currency": "usd", "metadata": {"a": "b"}})
    c.v1.payouts.update(made.id, {"metadata": {"c": "d"}})
    c.v1.payouts.cancel(made.id)
    c.v1.payouts.create({"amount": 2_000, "currency": "usd", "method": "instant"})
    c.v1.payouts.retrieve(made.id, {"expand": ["balance_transaction", "failure_balance_transaction"]})
    c.v1.payouts.list({"status": "canceled"})


def balance(c: Client) -> None:
    c.v1.balance.retrieve()
    page = c.v1.balance_transactions.list({"limit": 100, "expand": ["data.source"]})
    c.v1.balance_transactions.list({"type": "charge", "currency": "usd", "limit": 2})
    c.v1.balance_transactions.retrieve(page.data[0].id)
    c.raw_request("get", f"/v1/balance/history/{page.data[0].id}")
    settings = c.v1.balance_settings.retrieve()
    assert settings.object == "balance_settings"
    c.v1.balance_settings.update({"payments": {"payouts": {"schedule": {"interval": "daily"}}}})
    made = c.v1.topups.create({"amount": 20_000, "currency": "usd", "description": "More"})
    c.v1.topups.update(made.id, {"metadata": {"a": "b"}})
    c.v1.topups.retrieve(made.id)
    c.v1.topups.list()
    c.v1.topups.cancel(c.v1.topups.create({"amount": 10_000, "currency": "usd"}).id)


def connect(c: Client) -> None:
    partner = c.v1.accounts.create(
        {
            "type": "express",
            "country": "US",
            "email": "partner@example.com",
            "capabilities": {"transfers": {"requested": True}, "card_payments": {"requested": True}},
        }
    )
    c.v1.accounts.update(partner.id, {"metadata": {"a": "b"}})
    c.v1.accounts.retrieve(partner.id)
    c.v1.accounts.retrieve_current()
    c.v1.accounts.list()
    c.v1.accounts.capabilities.list(partner.id)
    c.v1.accounts.capabilities.update(partner.id, "transfers", {"requested": True})
    c.v1.accounts.capabilities.retrieve(partner.id, "transfers")
    there = "https://a.example"
    c.v1.account_links.create(
        {"account": partner.id, "type": "account_onboarding", "refresh_url": there, "return_url": there}
    )
    bank = c.v1.accounts.external_accounts.list(partner.id).data[0]
    c.v1.accounts.external_accounts.retrieve(partner.id, bank.id)
    c.v1.accounts.delete(c.v1.accounts.create({"type": "custom", "country": "DE"}).id)
    theirs: Any = {"stripe_account": partner.id}
    pay(c, 60_000, NOW_AVAILABLE)
    intent = pay(
        c,
        10_000,
        application_fee_amount=1_500,
        transfer_data={"destination": partner.id},
        on_behalf_of=partner.id,
    )
    c.v1.charges.retrieve(
        intent.latest_charge, {"expand": ["application_fee", "transfer.destination_payment"]}
    )
    fee = c.v1.application_fees.list({"limit": 1}).data[0]
    given = c.v1.application_fees.refunds.create(fee.id, {"amount": 200})
    c.raw_request("post", f"/v1/application_fees/{fee.id}/refund", amount=100)
    c.v1.application_fees.refunds.update(fee.id, given.id, {"metadata": {"a": "b"}})
    c.v1.application_fees.refunds.retrieve(fee.id, given.id)
    c.v1.application_fees.refunds.list(fee.id)
    c.v1.application_fees.retrieve(fee.id, {"expand": ["charge", "account"]})
    c.v1.refunds.create(
        {
            "payment_intent": intent.id,
            "amount": 4_000,
            "reverse_transfer": True,
            "refund_application_fee": True,
        }
    )
    sent = c.v1.transfers.create({"amount": 2_000, "currency": "usd", "destination": partner.id})
    c.v1.transfers.update(sent.id, {"metadata": {"a": "b"}})
    c.v1.transfers.retrieve(sent.id, {"expand": ["balance_transaction", "destination_payment"]})
    c.v1.transfers.list({"destination": partner.id})
    back = c.v1.transfers.reversals.create(sent.id, {"amount": 500})
    c.v1.transfers.reversals.update(sent.id, back.id, {"metadata": {"a": "b"}})
    c.v1.transfers.reversals.retrieve(sent.id, back.id)
    c.v1.transfers.reversals.list(sent.id)
    c.v1.payment_intents.create(
        {
            "amount": 4_000,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "allowed_payment_method_types": ["card"],
            "confirm": True,
            "application_fee_amount": 400,
        },
        theirs,
    )
    c.v1.balance.retrieve(options=theirs)
    c.v1.charges.list({"limit": 10}, theirs)
    c.v1.balance_transactions.list({"expand": ["data.source"]}, theirs)
    with pytest.raises(stripe.StripeError):
        c.v1.balance.retrieve(options={"stripe_account": "acct_none"})


def hooks(c: Client) -> None:
    made = c.v1.webhook_endpoints.create(
        {
            "url": "https://a.example/hook",
            "enabled_events": ["charge.succeeded", "payout.*"],
            "description": "Ours",
        }
    )
    c.v1.webhook_endpoints.update(made.id, {"enabled_events": ["*"], "disabled": True})
    c.v1.webhook_endpoints.retrieve(made.id)
    c.v1.webhook_endpoints.list()
    c.v1.webhook_endpoints.delete(made.id)


def destinations(c: Client) -> None:
    """The second API: thin events and where they go."""
    made = c.v2.core.event_destinations.create(
        {
            "name": "Ours",
            "type": "webhook_endpoint",
            "event_payload": "thin",
            "enabled_events": ["v1.charge.succeeded"],
            "webhook_endpoint": {"url": "https://a.example/thin"},
            "include": ["webhook_endpoint.url", "webhook_endpoint.signing_secret"],
        }
    )
    c.v2.core.event_destinations.update(made.id, {"description": "Thin"})
    c.v2.core.event_destinations.retrieve(made.id)
    c.v2.core.event_destinations.list({"limit": 2})
    c.v2.core.event_destinations.disable(made.id)
    c.v2.core.event_destinations.enable(made.id)
    c.v2.core.event_destinations.ping(made.id)
    seen = c.v2.core.events.list({"limit": 5})
    c.v2.core.events.retrieve(seen.data[0].id)
    c.v2.core.event_destinations.delete(made.id)


def later(c: Client) -> None:
    """Five days on: payouts have arrived, and one is fetched back."""
    paid = c.v1.payouts.list({"status": "paid", "limit": 5}).data
    inside = next(p for p in paid if p.automatic)
    c.v1.balance_transactions.list({"payout": inside.id, "expand": ["data.source"]})
    c.v1.payouts.reverse(paid[0].id, {"metadata": {"why": "wrong bank"}})


def events(c: Client) -> None:
    """Last: everything that happened before is told again and judged."""
    page = c.v1.events.list({"limit": 100})
    c.v1.events.retrieve(page.data[0].id)
    c.raw_request("post", f"/v1/events/{page.data[0].id}/retry")
    c.v1.events.list({"types": ["charge.refunded", "refund.created"]})
    while page.has_more:
        page = c.v1.events.list({"limit": 100, "starting_after": page.data[-1].id})


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000000000500"
    "01a5f645400000000049454e44ae426082"
)
FIRST = (
    intents,
    setups,
    tokens,
    warnings,
    charges,
    refunds,
    disputes,
    payouts,
    balance,
    connect,
    hooks,
    destinations,
)
LAST = (later, events)
