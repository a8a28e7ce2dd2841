"""The reconciliation statement of a bank account, out of the database: bank plus items is books, to the cent."""

from __future__ import annotations

import random

import pytest
from tests.workflows.payouts.conftest import BANK, day_of

from bookhand.core.bank import StatementLine
from bookhand.core.problems import Missing
from bookhand.sandbox.bank.files import render
from bookhand.sandbox.bank.lines import BankAccount, BankLine
from bookhand.systems.bank import store
from bookhand.systems.bank.intake_workflow import Intake
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


def test_a_month_that_is_missing_is_not_taken_for_what_was_there_before(db, bank):
    bank.balance[BANK] = 50_000
    bank.line("2025-10-15", 1_000, "OCTOBER")
    bank.balance[BANK] += 7_000  # what November brought, of which there is no statement
    bank.line("2025-12-15", -400, "DECEMBER")
    reconcile(db, mode="test")
    found = statement(db)
    assert (found.bank_minor, found.difference_minor) == (57_600, 0)
    told = {(item.cause, item.minor) for item in found.items if "line" in item.text}
    assert told == {(Cause.FOREIGN, -50_000), (Cause.UNKNOWN, -7_000)}
    assert statement(db, day="2025-11-30").items_minor == -51_000


def test_a_balance_of_noon_is_not_that_of_the_evening(db):
    noon = (BankLine(id="A", day="2025-10-31", minor=1_000, description="IN"),)
    evening = (
        *noon,
        BankLine(id="B", day="2025-10-31", minor=50, description="LATER"),
        BankLine(id="C", day="2025-11-01", minor=7, description="NEXT"),
    )
    for number, lines in enumerate((noon, evening)):
        whole = BankAccount(number=BANK, currency="USD", opening_minor=500, statement_no=number, lines=lines)
        Intake(db, mode="test").take(render(whole, "ofx"), name=f"{number}.ofx", by="person:1")
    reconcile(db, mode="test")
    found = statement(db, day="2025-10-31")
    assert (found.bank_minor, found.difference_minor) == (1_550, 0)
    assert {item.cause for item in found.items} == {Cause.FOREIGN}
    assert statement(db).bank_minor == 1_557


def test_a_statement_that_tells_its_opening_alone_has_a_balance(db):
    whole = BankAccount(
        number=BANK, currency="USD", opening_minor=500, statement_no=1,
        lines=(BankLine(id="A", day="2025-10-31", minor=1_000, description="IN"),),
    )  # fmt: skip
    raw = render(whole, "camt053").replace(b"CLBD", b"ITBD")
    Intake(db, mode="test").take(raw, name="a.xml", by="person:1")
    reconcile(db, mode="test")
    found = statement(db)
    assert (found.bank_minor, found.difference_minor) == (1_500, 0)
    assert sorted(item.minor for item in found.items) == [-1_000, -500]


def test_one_account_of_two_currencies_adds_up_only_its_own(db):
    lines = (BankLine(id="A", day="2025-10-15", minor=1_000, description="IN"),)
    for place, (currency, opening) in enumerate((("USD", 500), ("EUR", 90_000))):
        whole = BankAccount(
            number=BANK, currency=currency, opening_minor=opening, statement_no=place, lines=lines
        )
        Intake(db, mode="test").take(render(whole, "mt940"), name=f"{currency}.sta", by="person:1")
    found = statement(db)
    assert (found.currency, found.bank_minor, found.difference_minor) == ("USD", 1_500, 0)
    assert sorted(item.minor for item in found.items) == [-1_000, -500]


def test_an_account_of_a_feed_has_lines_and_no_statement(db, link):
    line = StatementLine(
        account="acc1", key="tx1", day="2025-10-15", currency="USD", minor=700, description="IN"
    )
    with db.transaction() as cx:
        store.keep_account(cx, link, "acc1", "USD")
        store.add_lines(cx, link, [line])
    found = statement(db, account="acc1")
    assert (found.as_of, found.bank_minor, found.difference_minor) == ("2025-10-15", 700, 0)


def test_an_account_that_is_not_there(db):
    with pytest.raises(Missing, match="no bank account"):
        statement(db, account="NOWHERE")
