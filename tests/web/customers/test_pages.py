"""The pages of customers: the list, the search, one customer's days and all the rest."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.inbox import mail
from tests.web.page.conftest import House
from tests.workflows.customers.test_customers import link_of, post, read_all

from bookhand.db.engine import Database
from bookhand.inbox.delivery import listed
from bookhand.web.customers import seen

HOSTILE = "<script>alert('x')</script>"


@pytest.fixture
def web(db: Database, tmp_path: Any) -> House:
    return House(db, tmp_path)


def told(*objects: dict[str, Any]) -> list[Any]:
    return [listed(mail.encode(each), as_of=int(time.time())) for each in objects]


async def test_without_customers(web: House) -> None:
    owner = await web.owner()
    page = await owner.get("/customers")
    assert page.status_code == 200
    assert "No customer yet" in page.text
    assert "Nobody fits" in (await owner.get("/customers?q=x")).text
    assert (await owner.get("/customers/1/cus_1")).status_code == 404
    assert (await owner.get("/customers?cursor=zzz")).status_code == 400


async def test_a_customers_days_and_what_was_before(web: House, db: Database) -> None:
    link, now = link_of(db), int(time.time())
    day = 86_400
    post(
        db, link,
        *told(
            mail.customer(1, name=HOSTILE, email="a@b.example"),
            mail.charge(1, customer="cus_000001", created=now - day, amount=12345, status="succeeded"),
            mail.charge(2, customer="cus_000001", created=now - 2 * day, amount=700, status="failed", failure_code="card_declined"),
            mail.charge(3, customer="cus_000001", created=now - 200 * day, amount=99, status="succeeded", description="long ago"),
            {"id": "re_1", "object": "refund", "charge": "ch_000001", "amount": 345, "currency": "usd", "status": "succeeded",
             "created": now, "balance_transaction": None, "payment_intent": None},
            {"id": "pm_1", "object": "payment_method", "customer": "cus_000001", "type": "card", "created": now,
             "card": {"brand": "visa", "last4": "4242", "exp_month": 4, "exp_year": 2029}},
        ),
    )  # fmt: skip
    read_all(db, link)
    viewer = await web.person("viewer", await web.owner())
    page = (await viewer.get(f"/customers/{link.connection_id}/cus_000001")).text
    assert HOSTILE not in page
    assert "123.45" in page
    assert "(3.45)" in page
    assert "120.00" in page
    assert "Visa •••• 4242, 04/2029" in page
    assert "card_declined" in page
    assert "long ago" not in page
    assert "/actions/refunds.create" not in page
    following = page.split('rel="next"')[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
    before = (await viewer.get(following)).text
    assert "long ago" in before
    assert "123.45" not in before
    operator = await web.person("operator")
    assert (
        "/actions/refunds.create?charge=ch_000001"
        in (await operator.get(f"/customers/{link.connection_id}/cus_000001")).text
    )


def test_sums_are_exact_in_each_currency() -> None:
    found = seen.totals(
        [
            {"object": "charge", "status": "succeeded", "amount": 500, "currency": "jpy"},
            {
                "object": "charge",
                "status": "succeeded",
                "amount": 900,
                "amount_captured": 400,
                "currency": "usd",
            },
            {"object": "charge", "status": "succeeded", "captured": False, "amount": 5, "currency": "usd"},
            {"object": "refund", "status": "failed", "amount": 7, "currency": "usd"},
            {"object": "refund", "status": "pending", "amount": 3, "currency": "usd"},
            {"object": "invoice", "status": "open", "amount_remaining": 11, "currency": "usd"},
            {"object": "dispute", "status": "lost", "amount": 13, "currency": "usd"},
        ]
    )
    assert [
        (each.currency, each.paid, each.returned, each.kept, each.due, each.disputed) for each in found
    ] == [
        ("JPY", 500, 0, 500, 0, 0),
        ("USD", 400, 3, 397, 11, 13),
    ]


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ({"type": "sepa_debit", "sepa_debit": {"last4": "3000", "bank_code": "x"}}, "Sepa debit •••• 3000"),
        ({"type": "link", "link": {"email": "x"}}, "Link"),
        ({"type": "card", "card": None}, "Card"),
        ({}, ""),
    ],
)
def test_payment_methods_in_words(method: dict[str, Any], words: str) -> None:
    assert seen.card(method) == words
