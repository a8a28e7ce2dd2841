"""The official SDK drives the room over HTTP: what it sends is understood, what it gets it can read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe
from stripe import StripeClient

from bookhand.sandbox.stripe.clock import Clock
from bookhand.sandbox.stripe.engine import Pinstripe
from bookhand.sandbox.stripe.server import running

from .conftest import DAY, START


@pytest.fixture(scope="module")
def sdk() -> Iterator[Any]:
    engine = Pinstripe(seed=3, clock=Clock(start=START))
    engine.account()
    with running(engine) as url:
        addresses = {"api": url, "connect": url, "files": url}
        yield StripeClient(engine.keys().test, base_addresses=addresses, max_network_retries=0).v1


@pytest.fixture(scope="module")
def price(sdk: Any) -> Any:
    product = sdk.products.create(
        {"name": "Pro", "default_price_data": {"currency": "usd", "unit_amount": 2500}}
    )
    assert sdk.prices.retrieve(product.default_price).type == "one_time"
    return sdk.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 2500,
            "recurring": {"interval": "month"},
            "lookup_key": "pro_monthly",
        }
    )


def customer(sdk: Any, card: str = "pm_card_visa", **more: Any) -> Any:
    made = sdk.customers.create({"email": "sdk@example.com", "metadata": {"order": "7"}, **more})
    method = sdk.payment_methods.attach(card, {"customer": made.id})
    return sdk.customers.update(made.id, {"invoice_settings": {"default_payment_method": method.id}})


def test_customers(sdk: Any) -> None:
    made = sdk.customers.create({"email": "only@example.com", "address": {"country": "DE", "line1": "Weg 1"}})
    assert sdk.customers.list({"email": "only@example.com"}).data[0].id == made.id
    changed = sdk.customers.update(made.id, {"name": "Jo", "metadata": {"a": "1"}, "address": ""})
    assert (changed.name, changed.metadata["a"], changed.address) == ("Jo", "1", None)
    sdk.customers.balance_transactions.create(made.id, {"amount": -700, "currency": "eur"})
    assert sdk.customers.retrieve(made.id, {"expand": ["tax", "subscriptions"]}).balance == -700
    tax_id = sdk.customers.tax_ids.create(made.id, {"type": "eu_vat", "value": "DE123456789"})
    assert (tax_id.country, sdk.customers.tax_ids.list(made.id).data[0].id) == ("DE", tax_id.id)
    assert sdk.customers.delete(made.id).deleted
    assert sdk.customers.retrieve(made.id).deleted
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        sdk.customers.update("cus_none", {"name": "x"})
    with pytest.raises(stripe.InvalidRequestError, match="Invalid email address: only at") as caught:
        sdk.customers.create({"email": "only at example"})
    assert (caught.value.code, caught.value.param) == ("email_invalid", "email")


def test_payment_methods(sdk: Any) -> None:
    card = sdk.payment_methods.create(
        {
            "type": "card",
            "card": {"number": "5555555555554444", "exp_month": 4, "exp_year": 2031, "cvc": "123"},
        }
    )
    assert (card.card.brand, card.card.last4, card.customer) == ("mastercard", "4444", None)
    owner = customer(sdk)
    assert sdk.payment_methods.attach(card.id, {"customer": owner.id}).customer == owner.id
    assert len(sdk.customers.payment_methods.list(owner.id, {"type": "card"}).data) == 2
    assert sdk.payment_methods.detach(card.id).customer is None
    assert len(sdk.payment_methods.list({"customer": owner.id}).data) == 1
    with pytest.raises(stripe.CardError) as caught:
        sdk.payment_methods.attach("pm_card_chargeDeclined", {"customer": owner.id})
    assert caught.value.error.decline_code == "generic_decline"


def test_setup_intents(sdk: Any) -> None:
    owner = sdk.customers.create({})
    intent = sdk.setup_intents.create(
        {"customer": owner.id, "payment_method": "pm_card_visa", "confirm": True}
    )
    assert (intent.status, sdk.payment_methods.retrieve(intent.payment_method).customer) == (
        "succeeded",
        owner.id,
    )
    with pytest.raises(stripe.CardError) as caught:
        sdk.setup_intents.create({"payment_method": "pm_card_chargeDeclined", "confirm": True})
    assert (
        sdk.setup_intents.retrieve(caught.value.error.setup_intent.id).last_setup_error.code
        == "card_declined"
    )
    waiting = sdk.setup_intents.create({"customer": owner.id})
    assert sdk.setup_intents.cancel(waiting.id).status == "canceled"


def test_a_subscription_and_its_invoice(sdk: Any, price: Any) -> None:
    sub = sdk.subscriptions.create(
        {
            "customer": customer(sdk).id,
            "items": [{"price": price.id, "quantity": 2}],
            "expand": ["latest_invoice.lines", "customer"],
        }
    )
    invoice = sdk.invoices.retrieve(
        sub.latest_invoice.id, {"expand": ["payments.data.payment.payment_intent"]}
    )
    assert (sub.status, sub.customer.email, invoice.total) == ("active", "sdk@example.com", 5000)
    charge = sdk.charges.retrieve(invoice.payments.data[0].payment.payment_intent.latest_charge)
    assert (charge.amount, charge.paid) == (5000, True)
    line = sdk.invoices.line_items.list(invoice.id).data[0]
    assert (line.pricing.price_details.price, line.quantity) == (price.id, 2)
    item = sub["items"].data[0]
    assert sdk.subscription_items.retrieve(item.id).current_period_end == START + 31 * DAY
    sdk.subscription_items.update(item.id, {"quantity": 3, "proration_behavior": "always_invoice"})
    assert [i.total for i in sdk.invoices.list({"subscription": sub.id}).data] == [2500, 5000]
    assert (
        sdk.subscriptions.cancel(sub.id, {"cancellation_details": {"comment": "moved"}}).status == "canceled"
    )
    assert sub.id not in [one.id for one in sdk.subscriptions.list({"limit": 100}).auto_paging_iter()]
    assert sub.id in [
        one.id for one in sdk.subscriptions.list({"status": "all", "limit": 1}).auto_paging_iter()
    ]
    with pytest.raises(stripe.InvalidRequestError):
        sdk.subscriptions.update(sub.id, {"items": [{"id": item.id, "quantity": 1}]})
    assert sdk.subscriptions.update(sub.id, {"metadata": {"why": "moved"}}).metadata["why"] == "moved"


def test_an_invoice_by_hand(sdk: Any) -> None:
    owner = customer(sdk)
    draft = sdk.invoices.create({"customer": owner.id, "auto_advance": False, "metadata": {"po": "12"}})
    sdk.invoice_items.create({"customer": owner.id, "invoice": draft.id, "amount": 1200, "currency": "usd"})
    added = sdk.invoices.add_lines(draft.id, {"lines": [{"description": "More", "amount": 300}]})
    assert (added.total, added.status) == (1500, "draft")
    open_ = sdk.invoices.finalize_invoice(draft.id, {"expand": ["confirmation_secret"]})
    assert open_.confirmation_secret.client_secret.startswith("pi_")
    assert open_.hosted_invoice_url.startswith("https://invoice.stripe.com/i/")
    paid = sdk.invoices.pay(draft.id)
    assert (paid.status, paid.amount_paid, paid.attempt_count) == ("paid", 1500, 1)
    payments = sdk.invoices.retrieve(draft.id, {"expand": ["payments"]}).payments.data
    assert [(one.status, one.amount_paid) for one in payments] == [("paid", 1500)]
    note = sdk.credit_notes.create({"invoice": draft.id, "amount": 500, "refund_amount": 500})
    assert sdk.refunds.retrieve(note.refunds[0].refund).amount == 500
    assert sdk.credit_notes.line_items.list(note.id).data[0].amount == 500
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.invoices.pay(draft.id)
    assert caught.value.code == "invoice_already_paid"


def test_declines_reach_the_caller(sdk: Any) -> None:
    owner = customer(sdk, "pm_card_chargeCustomerFail")
    draft = sdk.invoices.create({"customer": owner.id})
    sdk.invoice_items.create({"customer": owner.id, "invoice": draft.id, "amount": 900, "currency": "usd"})
    with pytest.raises(stripe.CardError) as caught:
        sdk.invoices.pay(draft.id)
    assert caught.value.error.decline_code == "generic_decline"
    assert sdk.invoices.retrieve(draft.id).status == "open"
    assert sdk.invoices.void_invoice(draft.id).status == "void"
    assert sdk.payment_intents.retrieve(caught.value.error.payment_intent.id).status == "canceled"


def test_drafts_can_be_deleted_and_uncollectible_ones_paid(sdk: Any) -> None:
    owner = customer(sdk)
    item = sdk.invoice_items.create({"customer": owner.id, "amount": 900, "currency": "usd"})
    draft = sdk.invoices.create({"customer": owner.id, "pending_invoice_items_behavior": "include"})
    assert sdk.invoices.delete(draft.id).deleted
    assert sdk.invoice_items.retrieve(item.id).invoice is None
    again = sdk.invoices.create({"customer": owner.id, "pending_invoice_items_behavior": "include"})
    sdk.invoices.finalize_invoice(again.id)
    assert sdk.invoices.mark_uncollectible(again.id).status == "uncollectible"
    assert sdk.invoices.pay(again.id, {"paid_out_of_band": True}).status == "paid"


def test_catalog(sdk: Any, price: Any) -> None:
    assert sdk.prices.list({"lookup_keys": ["pro_monthly"]}).data[0].id == price.id
    euro = sdk.prices.create(
        {
            "currency": "usd",
            "unit_amount": 100,
            "product_data": {"name": "Cup"},
            "currency_options": {"eur": {"unit_amount": 90}},
            "expand": ["currency_options"],
        }
    )
    assert euro.currency_options["eur"].unit_amount == 90
    assert (
        sdk.products.update(euro.product, {"active": False, "images": ["https://example.com/a.png"]}).active
        is False
    )
    assert sdk.prices.update(euro.id, {"nickname": "Cup"}).nickname == "Cup"
    with pytest.raises(stripe.InvalidRequestError):
        sdk.products.delete(euro.product)
    free = sdk.products.create({"name": "Nothing", "id": "prod_nothing"})
    assert sdk.products.delete(free.id).deleted
    coupon = sdk.coupons.create({"percent_off": 12.5, "duration": "once", "id": "SPRING"})
    assert (coupon.id, sdk.coupons.update("SPRING", {"name": "Spring"}).name) == ("SPRING", "Spring")
    assert sdk.coupons.delete("SPRING").deleted


def test_tax(sdk: Any) -> None:
    berlin = {"country": "DE", "line1": "Weg 1", "city": "Berlin", "postal_code": "10115"}
    sdk.tax.settings.update(
        {"defaults": {"tax_behavior": "exclusive"}, "head_office": {"address": {"country": "DE"}}}
    )
    assert sdk.tax.settings.retrieve().status == "active"
    sdk.tax.registrations.create(
        {"country": "DE", "country_options": {"de": {"type": "standard"}}, "active_from": "now"}
    )
    calculated = sdk.tax.calculations.create(
        {
            "currency": "eur",
            "customer_details": {"address": berlin, "address_source": "billing"},
            "line_items": [
                {"amount": 1000, "reference": "a"},
                {"amount": 1190, "reference": "b", "tax_behavior": "inclusive"},
            ],
            "expand": ["line_items"],
        }
    )
    assert (calculated.amount_total, calculated.tax_amount_exclusive, calculated.tax_amount_inclusive) == (
        2380,
        190,
        190,
    )
    assert [line.amount_tax for line in calculated.line_items.data] == [190, 190]
    posted = sdk.tax.transactions.create_from_calculation(
        {"calculation": calculated.id, "reference": "order_1"}
    )
    with pytest.raises(stripe.InvalidRequestError):
        sdk.tax.transactions.create_from_calculation({"calculation": calculated.id, "reference": "order_1"})
    part = sdk.tax.transactions.create_reversal(
        {"mode": "partial", "original_transaction": posted.id, "reference": "r1", "flat_amount": -1190}
    )
    lines = sdk.tax.transactions.line_items.list(part.id).data
    assert (
        sum(line.amount for line in lines)
        + sum(line.amount_tax for line in lines if line.tax_behavior == "exclusive")
        == -1190
    )
    full = sdk.tax.transactions.create_reversal(
        {"mode": "full", "original_transaction": posted.id, "reference": "r2"}
    )
    assert full.reversal.original_transaction == posted.id
    assert sdk.tax.transactions.retrieve(posted.id).type == "transaction"
    assert sdk.tax_codes.list().data[0].object == "tax_code"


def test_a_clock(sdk: Any, price: Any) -> None:
    clock = sdk.test_helpers.test_clocks.create({"frozen_time": START, "name": "renewals"})
    owner = customer(sdk, test_clock=clock.id)
    sub = sdk.subscriptions.create(
        {"customer": owner.id, "items": [{"price": price.id}], "trial_period_days": 10}
    )
    sdk.test_helpers.test_clocks.advance(clock.id, {"frozen_time": START + 45 * DAY})
    assert sdk.test_helpers.test_clocks.retrieve(clock.id).status == "ready"
    invoices = sdk.invoices.list({"subscription": sub.id}).data
    assert [(i.billing_reason, i.total) for i in invoices] == [
        ("subscription_cycle", 2500),
        ("subscription_cycle", 2500),
        ("subscription_create", 0),
    ]
    types = [event.type for event in sdk.events.list({"limit": 100}).auto_paging_iter()]
    assert "customer.subscription.trial_will_end" in types
    sdk.test_helpers.test_clocks.delete(clock.id)


def test_a_schedule(sdk: Any, price: Any) -> None:
    schedule = sdk.subscription_schedules.create(
        {
            "customer": customer(sdk).id,
            "start_date": "now",
            "end_behavior": "release",
            "phases": [
                {"items": [{"price": price.id}], "duration": {"interval": "month", "interval_count": 3}}
            ],
            "expand": ["subscription"],
        }
    )
    assert (schedule.subscription.status, schedule.current_phase.end_date) == ("active", START + 90 * DAY)
    assert sdk.subscription_schedules.release(schedule.id).status == "released"
