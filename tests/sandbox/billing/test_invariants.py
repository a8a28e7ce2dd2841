"""A company lives through months of anything: whatever was done in whatever order, the identities hold."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from contextlib import suppress

import pytest

from .conftest import DAY, JSON, START, Company, RefusedError
from .test_money import adds_up

ENDED = ("canceled", "incomplete_expired")


class Crowd:
    """Customers who do what customers do, by chance."""

    def __init__(self, seed: int) -> None:
        self.company, self.chance = Company(seed), random.Random(seed)
        company = self.company
        company.call("POST", "/_pinstripe/billing", then=self.chance.choice(["cancel", "unpaid", "past_due"]))
        company.post(
            "tax/registrations", country="DE", country_options={"de": {"type": "standard"}}, active_from="now"
        )
        self.prices = [
            company.price(amount, interval)
            for amount, interval in (
                (900, "month"),
                (2500, "month"),
                (700, "week"),
                (24_000, "year"),
                (10, "month"),
            )
        ]
        self.rate = company.post("tax_rates", display_name="T", percentage=7.7, inclusive=True)
        self.coupon = company.post("coupons", percent_off=15, duration="repeating", duration_in_months=2)
        self.customers = [self._customer() for _ in range(8)]
        self.subs: list[JSON] = []

    def live(self, days: int) -> None:
        for day in range(days):
            self.company.day(day + self.chance.random())
            for _ in range(self.chance.randint(0, 3)):
                with suppress(RefusedError):
                    self.chance.choice(DEEDS)(self)

    def _customer(self) -> JSON:
        address = {"country": "DE", "line1": "Weg 1", "city": "Berlin", "postal_code": "10115"}
        return self.company.customer(
            self.chance.choice(["pm_card_visa", "pm_card_mastercard"]), address=address
        )

    def _subscribe(self) -> None:
        extra = self.chance.choice(
            [
                {},
                {"trial_period_days": self.chance.randint(1, 20)},
                {"automatic_tax": {"enabled": True}},
                {"default_tax_rates": [self.rate["id"]]},
                {"discounts": [{"coupon": self.coupon["id"]}]},
                {"collection_method": "send_invoice", "days_until_due": 7},
                {"cancel_at": self.company.engine.clock.now() + self.chance.randint(1, 60) * DAY},
            ]
        )
        items = [
            {"price": price["id"], "quantity": self.chance.randint(1, 4)}
            for price in self.chance.sample(self.prices, self.chance.randint(1, 2))
        ]
        self.subs.append(self.company.subscribe(self.chance.choice(self.customers), items=items, **extra))

    def _sub(self) -> JSON:
        if not self.subs:
            self._subscribe()
        return self.company.get(f"subscriptions/{self.chance.choice(self.subs)['id']}")

    def _seats(self) -> None:
        item = self.chance.choice(self._sub()["items"]["data"])
        self.company.post(
            f"subscription_items/{item['id']}",
            quantity=self.chance.randint(0, 9),
            proration_behavior=self.chance.choice(["always_invoice", "create_prorations", "none"]),
        )

    def _swap(self) -> None:
        sub = self._sub()
        wanted = [{"id": sub["items"]["data"][0]["id"], "price": self.chance.choice(self.prices)["id"]}]
        behavior = self.chance.choice(["allow_incomplete", "error_if_incomplete", "pending_if_incomplete"])
        self.company.post(f"subscriptions/{sub['id']}", items=wanted, payment_behavior=behavior)

    def _cancel(self) -> None:
        sub = self._sub()
        if self.chance.random() < 0.5:
            self.company.post(f"subscriptions/{sub['id']}", cancel_at_period_end=self.chance.random() < 0.7)
        else:
            self.company.delete(
                f"subscriptions/{sub['id']}", prorate=True, invoice_now=self.chance.random() < 0.5
            )

    def _fail(self) -> None:
        self.company.fails_from_now(self.chance.choice(self.customers), times=self.chance.randint(1, 5))

    def _extra(self) -> None:
        self.company.post(
            "invoiceitems",
            customer=self.chance.choice(self.customers)["id"],
            amount=self.chance.randint(-900, 3000),
            currency="usd",
        )

    def _trial(self) -> None:
        sub = self._sub()
        end = self.company.engine.clock.now() + self.chance.randint(1, 9) * DAY
        self.company.post(f"subscriptions/{sub['id']}", trial_end=self.chance.choice(["now", end]))

    def _pause(self) -> None:
        sub = self._sub()
        if sub["status"] == "paused":
            self.company.post(f"subscriptions/{sub['id']}/resume")
        elif self.chance.random() < 0.5:
            self.company.post(f"subscriptions/{sub['id']}/pause")
        else:
            behavior = self.chance.choice(["keep_as_draft", "mark_uncollectible", "void"])
            self.company.post(f"subscriptions/{sub['id']}", pause_collection={"behavior": behavior})

    def _credit(self) -> None:
        customer = self.chance.choice(self.customers)["id"]
        amount = self.chance.randint(-2000, 500)
        self.company.post(f"customers/{customer}/balance_transactions", amount=amount, currency="usd")

    def _pay(self) -> None:
        for invoice in self.company.get("invoices", status="open")["data"][:1]:
            verb = self.chance.choice(["pay", "void", "mark_uncollectible"])
            self.company.post(f"invoices/{invoice['id']}/{verb}")

    def _note(self) -> None:
        for invoice in self.company.get("invoices", status="paid")["data"][:1]:
            amount = max(1, invoice["total"] // 3)
            key = self.chance.choice(["refund_amount", "credit_amount", "out_of_band_amount"])
            self.company.post("credit_notes", invoice=invoice["id"], amount=amount, **{key: amount})


DEEDS = (
    Crowd._subscribe,
    Crowd._subscribe,
    Crowd._seats,
    Crowd._swap,
    Crowd._cancel,
    Crowd._fail,
    Crowd._extra,
    Crowd._trial,
    Crowd._pause,
    Crowd._credit,
    Crowd._pay,
    Crowd._note,
)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_it_adds_up(seed: int) -> None:
    crowd = Crowd(seed)
    crowd.live(70)
    company = crowd.company
    invoices = company.all("invoices")
    assert len(invoices) > 15
    for invoice in invoices:
        adds_up(invoice, company.all(f"invoices/{invoice['id']}/lines"))
        _paid_by_what_it_says(company, invoice)
    numbers = [invoice["number"] for invoice in invoices if invoice["number"]]
    assert len(set(numbers)) == len(numbers)
    for customer in crowd.customers:
        moves = company.all(f"customers/{customer['id']}/balance_transactions")
        assert company.get(f"customers/{customer['id']}")["balance"] == sum(move["amount"] for move in moves)
    now = company.engine.clock.now()
    for sub in company.all("subscriptions", status="all"):
        assert (sub["ended_at"] is not None) == (sub["status"] in ENDED)
        assert (sub["status"] == "paused") == ("status_details" in sub and sub["status_details"] is not None)
        if sub["status"] in ("active", "trialing", "past_due", "unpaid"):
            assert all(item["current_period_end"] > now for item in sub["items"]["data"])
    counted = Counter(event["type"] for event in company.events())
    assert counted["invoice.created"] == len(invoices)
    assert counted["invoice.paid"] == sum(invoice["status"] == "paid" for invoice in invoices)


def _paid_by_what_it_says(company: Company, invoice: JSON) -> None:
    payments = company.all("invoice_payments", invoice=invoice["id"])
    through = sum(payment["amount_paid"] for payment in payments if payment["status"] == "paid")
    assert through + invoice["amount_paid_off_stripe"] == invoice["amount_paid"]
    for payment in payments:
        intent = company.get(f"payment_intents/{payment['payment']['payment_intent']}")
        assert (intent["status"] == "succeeded") == (payment["status"] == "paid")
        assert intent["amount"] == payment["amount_requested"]
    if invoice["status"] in ("void", "draft"):
        assert invoice["amount_paid"] == 0


def test_one_seed_is_one_company_in_any_process() -> None:
    script = (
        "from tests.sandbox.billing.test_invariants import Crowd\n"
        "crowd = Crowd(4); crowd.live(15); print(crowd.company.engine.digest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": str(salt)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for salt in (1, 2)
    }
    assert len(digests) == 1


def test_time_in_one_step_or_in_many_is_the_same(company: Company) -> None:
    other = Company()
    for one in (company, other):
        one.subscribe(one.customer(), one.price(), trial_period_days=3)
        one.subscribe(one.customer(), one.price(500, "week"))
    company.engine.advance(START + 100 * DAY)
    for hour in range(0, 100 * 24, 7):
        other.engine.advance(START + hour * 3600)
    other.engine.advance(START + 100 * DAY)
    assert company.engine.digest() == other.engine.digest()
