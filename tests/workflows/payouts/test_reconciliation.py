"""The reconciliation statement of a bank account, out of the database: bank plus items is books, to the cent."""

from __future__ import annotations

import random

import pytest
from tests.workflows.payouts.conftest import BANK, day_of

from bookhand.core.problems import Missing
from bookhand.systems import store as connections
from bookhand.systems.bank import store as bank_store
from bookhand.workflows.payouts.breaks import Cause
from bookhand.workflows.payouts.reconciling.statement_store import reconciliation
from bookhand.workflows.payouts.reconciling.workflow import reconcile


def statement(db, *, day=None, account=BANK):
    with db.transaction() as cx:
        return reconciliation(cx, account, day=day)


def test_every_kind_of_item_is_named_and_nothing_is_left(db, link, shop, bank):
    bank.balance[BANK] = 50_000  # what was there before
    shop.pay(10_000)
    shop.wait(1)
    shop.pay(20_000)
    shop.wait(1)
    shop.pay(30_000)
    shop.wait(9)
    shop.sync()
    first, second, third = shop.payouts()
    bank.line(day_of(first), first["amount"], f"STRIPE {first['id']}")
    bank.line(day_of(first), -12_345, "RENT")
    bank.line(day_of(second), second["amount"] - 1_500, f"STRIPE {second['id']}")
    bank.line(day_of(third), 777, "STRIPE VERIFICATION", since=day_of(first))
    reconcile(db, mode="test")
    found = statement(db)
    assert found.bank_minor == bank.balance[BANK]
    assert found.difference_minor == 0
    by_cause = {item.cause: item.minor for item in found.items}
    assert by_cause[Cause.LOOKS_LIKE_STRIPE] == -777
    assert sorted(item.minor for item in found.items if item.cause is Cause.FOREIGN) == [-50_000, 12_345]
    assert third["amount"] in {item.minor for item in found.items}
    assert found.books_minor == sum(each["amount"] for each in shop.payouts())
    earlier = statement(db, day=day_of(first))
    assert (earlier.as_of, earlier.difference_minor) == (day_of(first), 0)
    assert earlier.bank_minor == 50_000 + first["amount"] - 12_345


@pytest.mark.parametrize("seed", range(3))
def test_it_holds_on_every_day_whatever_the_bank_shows(db, link, shop, bank, seed):
    chance = random.Random(seed)
    for _ in range(6):
        charge = shop.pay(chance.randint(3_000, 40_000))
        if chance.random() < 0.3:
            shop.post("/v1/refunds", charge=charge, amount=1_000)
        shop.wait(chance.choice((0.4, 1, 2)))
    shop.wait(4)
    shop.post("/v1/topups", amount=5_000, currency="usd", description="For refunds")
    shop.wait(4)
    some = shop.payouts()
    shop.post(f"/_pinstripe/payouts/{chance.choice(some)['id']}/fail", failure_code="account_closed")
    shop.sync(seed=seed)
    for each in sorted(shop.payouts(), key=day_of):
        if chance.random() < 0.7:
            bank.line(day_of(each), each["amount"], f"STRIPE {each['id'] if chance.random() < 0.7 else ''}")
        if chance.random() < 0.5:
            bank.line(day_of(each), -chance.randint(1, 9_000), "RENT")
    bank.line("2025-11-20", -1, "COFFEE", since="2025-10-10")
    reconcile(db, mode="test")
    for day in ("2025-10-15", "2025-10-17", "2025-10-20", "2025-10-22", None):
        assert statement(db, day=day).difference_minor == 0


def test_a_matched_line_that_the_bank_took_back_is_named_until_the_match_is_taken_apart(db, link, shop, bank):
    shop.pay(10_000)
    shop.wait(7)
    shop.sync()
    (payout,) = shop.payouts()
    account, key = bank.line(day_of(payout), payout["amount"], f"STRIPE {payout['id']}")
    reconcile(db, mode="test")
    with db.transaction() as cx:
        (connection,) = connections.every(cx, system="bank")
        bank_store.supersede(cx, connection.link, account, key, by_key=None, why="Booked by mistake")
    found = statement(db)
    assert found.difference_minor == 0
    assert [item.minor for item in found.items if "taken back by the bank" in item.text] == [payout["amount"]]
    reconcile(db, mode="test")
    after = statement(db)
    assert after.difference_minor == 0
    assert not [item for item in after.items if "taken back by the bank" in item.text]


def test_an_account_that_is_not_there(db):
    with pytest.raises(Missing, match="no bank account"):
        statement(db, account="NOWHERE")
