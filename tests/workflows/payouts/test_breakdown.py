"""Breakdowns: Stripe's list counted by kind, to the cent; one cent less is found."""

from __future__ import annotations

import random

import pytest
from tests.journal.shapes import START, bt, members, seen

from bookhand.core.facts import Payout
from bookhand.journal.workflow import read as post
from bookhand.workflows.payouts.contents import breakdown_store as store
from bookhand.workflows.payouts.payout_store import read

PAYOUT = Payout(
    id="po_1", created=START, currency="USD", amount=17_030, status="paid", automatic=True, method="standard",
    arrival_date=START, reconciliation_status="completed", balance_transaction="txn_po",
)  # fmt: skip


def facts(*, own=-17_030, amount=17_030):
    payout = Payout(**{name: getattr(PAYOUT, name) for name in PAYOUT.__struct_fields__} | {"amount": amount})
    return [
        bt("txn_1", 10_000, fee=320, source="ch_1"),
        bt("txn_2", 10_000, fee=320, source="ch_2"),
        bt("txn_3", -1_500, category="refund", source="re_1"),
        bt("txn_4", -830, category="fee", kind="stripe_fee"),
        bt("txn_po", own, category="payout", source="po_1"),
        *members("po_1", "txn_1", "txn_2", "txn_3", "txn_4", "txn_po"),
        payout,
    ]


def told(db, link, mail):
    with db.transaction() as cx:
        for one in mail:
            assert not [p for p in post(cx, link, seen([one])) if p.kind == "entry_changed"]
            read(cx, link, seen([one]))


@pytest.mark.parametrize("seed", range(3))
def test_a_payout_is_its_parts_in_whatever_order_they_are_told(db, link, seed):
    mail = facts()
    random.Random(seed).shuffle(mail)
    told(db, link, mail[:6])
    with db.transaction() as cx:
        store.count(cx, link)
    told(db, link, mail[6:])
    with db.transaction() as cx:
        assert store.count(cx, link, sweep_from=0 if seed else 20_000) == ["po_1"]
        assert store.count(cx, link) == []
        found = store.breakdown(cx, link, "po_1")
        assert {part.name: (part.count, part.minor) for part in found.parts} == {
            "charges": (2, 20_000),
            "refunds": (1, -1_500),
            "fees": (3, -1_470),
        }
        assert found.adds_up
        assert found.says == "Its 4 members add up to the payout, to the cent."
        lines = store.lines(cx, link, "po_1", limit=3) + store.lines(cx, link, "po_1", after="txn_3")
        assert [each.id for each in lines] == ["txn_1", "txn_2", "txn_3", "txn_4", "txn_po"]
        assert sum(each.net for each in lines) == 0
        assert store.wrong(cx, link, ["po_1"]) == []


@pytest.mark.parametrize("wrong", [{"own": -17_029}, {"own": -17_029, "amount": 17_029}, {"amount": 17_031}])
def test_a_cent_that_is_off_is_found(db, link, wrong):
    told(db, link, facts(**wrong))
    with db.transaction() as cx:
        store.count(cx, link)
        (found,) = store.wrong(cx, link, ["po_1"])
    assert found.wrong
    assert "but the payout is" in found.says


def test_members_that_are_not_read_yet_are_no_finding(db, link):
    told(db, link, facts()[1:])
    with db.transaction() as cx:
        store.count(cx, link)
        assert store.wrong(cx, link, ["po_1"]) == []
        assert store.breakdown(cx, link, "po_1").says == "1 of 5 members are not read yet."
