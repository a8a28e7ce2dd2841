"""Clearing equals Stripe's balance to the cent, and a gap is shown with the balance transactions behind it."""

from __future__ import annotations

import pytest
from tests.journal.shapes import bt, members, seen

from bookhand.journal import payout_store, proof_store
from bookhand.journal.proof_workflow import prove
from bookhand.journal.workflow import read
from bookhand.systems.stripe.balance import balance_of

FACTS = [
    bt("txn_1", 10_000, fee=320, source="ch_1"),
    bt("txn_2", 5_000, fee=175, source="ch_2"),
    bt("txn_eur", 700, currency="EUR", source="ch_3"),
    bt("txn_hold", -300, category="risk_reserved_funds", kind="reserve_hold"),
    bt("txn_held", 300, category="risk_reserved_funds", kind="reserve_hold", balance_type="risk_reserved"),
    bt("txn_po", -9_680, category="payout", source="po_1"),
    *members("po_1", "txn_1", "txn_po"),
]
STRIPES = {"USD": {"payments": 4_525, "risk_reserved": 300}, "EUR": {"payments": 700}}


@pytest.fixture
def posted(db, link):
    with db.transaction() as cx:
        read(cx, link, seen(FACTS))
    return link


def test_every_currency_is_proven_with_all_its_balance_types(db, posted):
    usd, eur = sorted(prove(db, posted, lambda: STRIPES), key=lambda proof: proof.currency, reverse=True)
    assert (usd.clearing, usd.stripe_balance, usd.off_by, usd.unmatched, usd.suspense) == (
        4_825,
        4_825,
        0,
        4_825,
        0,
    )
    assert (eur.clearing, eur.off_by, eur.reason) == (700, 0, "")
    with db.transaction() as cx:
        assert payout_store.unbalanced(cx, posted) == []
        assert {proof.currency: proof.off_by for proof in proof_store.newest(cx, posted)} == {
            "USD": 0,
            "EUR": 0,
        }


def test_a_gap_of_one_cent_is_shown_with_its_reason(db, posted):
    one_more = {**STRIPES, "EUR": {"payments": 701}}
    proofs = prove(db, posted, lambda: one_more, listed=lambda: [*_bts(), bt("txn_new", 1, currency="EUR")])
    eur = next(proof for proof in proofs if proof.currency == "EUR")
    assert eur.off_by == -1
    assert eur.reason == (
        "The journal has 0.01 EUR less than Stripe in payments. Stripe has txn_new (0.01 EUR), which the journal has not."
    )


def test_a_money_that_only_the_journal_has_is_named_too(db, posted):
    without = [one for one in _bts() if one.id != "txn_2"]
    with db.transaction() as cx:
        gap = proof_store.gaps(cx, posted, without)["USD"]
    assert gap.only_journal == [("txn_2", 4_825)]
    assert gap.only_stripe == []


def test_a_currency_that_only_stripe_has_is_off_by_all_of_it(db, posted):
    proofs = prove(db, posted, lambda: {**STRIPES, "GBP": {"payments": 5}})
    assert {proof.currency: proof.off_by for proof in proofs} == {"USD": 0, "EUR": 0, "GBP": -5}


def test_a_balance_that_moves_while_it_is_read_is_not_compared(db, posted):
    moving = iter(range(100))
    proofs = prove(db, posted, lambda: {"USD": {"payments": next(moving)}})
    assert {proof.off_by for proof in proofs} == {None}
    assert "moved while it was read" in proofs[0].reason


def test_what_arrived_meanwhile_is_caught_up_before_it_counts_as_a_gap(db, posted):
    def catch_up():
        with db.transaction() as cx:
            read(cx, posted, seen([bt("txn_late", 1, currency="EUR")]))

    proofs = prove(db, posted, lambda: {**STRIPES, "EUR": {"payments": 701}}, catch_up=catch_up)
    assert all(proof.holds for proof in proofs)


def test_history_keeps_only_what_is_new(db, posted):
    for balance in (STRIPES, STRIPES, {**STRIPES, "EUR": {"payments": 699}}):
        prove(db, posted, lambda balance=balance: balance)
    with db.transaction() as cx:
        assert [proof.off_by for proof in proof_store.history(cx, posted, currency="EUR")] == [1, 0]


def test_a_currency_nobody_knows_is_kept_and_is_the_reason(db, link):
    with db.transaction() as cx:
        problems = read(cx, link, seen([bt("txn_x", 5, currency="XQX")]))
    [proof] = prove(db, link, lambda: {"XQX": {"payments": 5}})
    assert [problem.kind for problem in problems] == ["unknown_currency"]
    assert (proof.off_by, proof.clearing) == (0, 5)
    assert "Nobody knows the decimals of XQX" in proof.reason


def test_payout_groups_that_do_not_foot_are_found(db, posted):
    with db.transaction() as cx:
        read(cx, posted, seen(members("po_1", "txn_2")))
        [group] = payout_store.unbalanced(cx, posted)
    assert (group.payout, group.members, group.net) == ("po_1", 3, 4_825)


def test_stripes_answer_is_read_by_balance_type():
    body = (
        b'{"object":"balance","available":[{"amount":10,"currency":"usd","source_types":{"card":10}}],'
        b'"pending":[{"amount":5,"currency":"usd"},{"amount":-3,"currency":"jpy"}],'
        b'"connect_reserved":[{"amount":99,"currency":"usd"}],"instant_available":[{"amount":10,"currency":"usd"}],'
        b'"issuing":{"available":[{"amount":7,"currency":"usd"}]},"livemode":false}'
    )
    assert balance_of(body) == {"USD": {"payments": 15, "issuing": 7}, "JPY": {"payments": -3}}


def _bts():
    return [fact for fact in FACTS if hasattr(fact, "net")]
