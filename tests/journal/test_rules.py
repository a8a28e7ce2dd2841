"""Every balance transaction type and reporting category has a rule, or goes to suspense with a Problem; nothing is dropped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.journal.shapes import bt

from bookhand.core.facts import BalanceTransaction, FeeDetail
from bookhand.journal.rules import UNKNOWN, entry_of, rule_for, table

KINDS = {
    # (reporting category, type): the role that takes the amount when it is negative
    ("charge", "charge"): "revenue", ("charge", "payment"): "revenue", ("charge", "validation"): "revenue",
    ("refund", "refund"): "refunds", ("refund", "payment_refund"): "refunds", ("partial_capture_reversal", "refund"): "revenue",
    ("charge_failure", "payment_failure_refund"): "revenue", ("charge_failure", "payment_reversal"): "revenue",
    ("refund_failure", "refund_failure"): "refunds_payable", ("refund_failure", "adjustment"): "refunds_payable",
    ("dispute", "adjustment"): "disputes_pending", ("dispute_reversal", "adjustment"): "disputes_pending",
    ("dispute", "adjusted_for_overdraft_transaction"): "disputes_pending", ("other_adjustment", "adjustment"): "suspense",
    ("fee", "adjustment"): "processing_fees", ("fee", "stripe_fee"): "processing_fees", ("fee", "stripe_fx_fee"): "fx_fees",
    ("network_cost", "stripe_fee"): "network_costs", ("tax", "tax_fee"): "tax_on_fees",
    ("advance", "advance"): "instant_payout_bridge", ("advance_funding", "advance_funding"): "instant_payout_bridge",
    ("anticipation_repayment", "anticipation_repayment"): "loans_payable",
    ("other_adjustment", "obligation_outbound"): "loans_payable",
    ("other_adjustment", "obligation_reversal_inbound"): "loans_payable",
    ("platform_earning", "application_fee"): "application_fees",
    ("platform_earning_refund", "application_fee_refund"): "application_fees",
    ("climate_order_purchase", "climate_order_purchase"): "climate_expense",
    ("climate_order_purchase", "climate_reservation_purchase"): "climate_expense",
    ("climate_order_refund", "climate_order_refund"): "climate_expense", ("contribution", "contribution"): "climate_expense",
    ("connect_collection_transfer", "connect_collection_transfer"): "connect_losses",
    ("connect_reserved_funds", "reserve_transaction"): "reserves", ("risk_reserved_funds", "reserved_funds"): "reserves",
    ("risk_reserved_funds", "reserve_hold"): "reserves", ("risk_reserved_funds", "reserve_release"): "reserves",
    ("payment_network_reserve_hold", "payment_network_reserve_hold"): "reserves",
    ("payment_network_reserve_release", "payment_network_reserve_release"): "reserves",
    ("issuing_authorization_hold", "issuing_authorization_hold"): "issuing_holds",
    ("issuing_authorization_release", "issuing_authorization_release"): "issuing_holds",
    ("issuing_transaction", "issuing_transaction"): "card_spend_expense",
    ("issuing_dispute", "issuing_dispute"): "card_spend_expense",
    ("", "issuing_dispute_provisional_credit"): "issuing_provisional_credit",
    ("", "issuing_dispute_provisional_credit_reversal"): "issuing_provisional_credit",
    ("issuing_disbursement", "issuing_disbursement"): "suspense",
    ("unreconciled_customer_funds", "payment_unreconciled"): "customer_deposits",
    ("payout", "payout"): "bank_in_transit", ("payout_reversal", "payout_cancel"): "bank_in_transit",
    ("payout_reversal", "payout_failure"): "bank_in_transit", ("topup", "topup"): "bank_in_transit",
    ("topup_reversal", "topup_reversal"): "bank_in_transit",
    ("payout_minimum_balance_hold", "payout_minimum_balance_hold"): "reserves_minimum_balance",
    ("", "payout_minimum_balance_release"): "reserves_minimum_balance",
    ("transfer", "transfer"): "connect_payable", ("transfer", "recipient_transfer"): "connect_payable",
    ("transfer_reversal", "transfer_cancel"): "connect_payable", ("transfer_reversal", "transfer_failure"): "connect_payable",
    ("transfer_reversal", "transfer_refund"): "connect_payable",
    ("", "fee_credit_funding"): "suspense", ("", "inbound_transfer"): "suspense", ("", "inbound_transfer_reversal"): "suspense",
    ("", "stripe_balance_payment_debit"): "suspense", ("", "stripe_balance_payment_debit_reversal"): "suspense",
    ("", "tax_fund"): "suspense", ("", "balance_transfer_inbound"): "suspense", ("", "balance_transfer_outbound"): "suspense",
}  # fmt: skip


@pytest.mark.parametrize(("said", "role"), KINDS.items())
def test_each_kind_posts_to_its_role(said, role):
    category, kind = said
    entry, problems = entry_of(bt("txn_1", -1000, category=category, kind=kind))
    assert [(line.account, line.minor) for line in entry.postings] == [
        ("stripe_clearing:payments", -1000),
        (role, 1000),
    ]
    assert bool(problems) == (role == "suspense")


def test_the_types_of_the_installed_sdk_are_all_known():
    stripe = pytest.importorskip("stripe")
    types = stripe.BalanceTransaction.__annotations__["type"]
    known = {kind for _, kind in KINDS}
    listed = {
        word
        for word in str(types).replace("'", '"').split('"')
        if word.replace("_", "").isalpha() and word.islower()
    }
    assert len(listed) > 40
    assert listed <= known, listed - known


def test_a_returned_refund_is_owed_to_the_customer():
    entry, _ = entry_of(bt("txn_1", 1000, category="refund", kind="payment_refund"))
    assert entry.postings[1].account == "refunds_payable"


def test_the_category_decides_before_the_type():
    assert rule_for("partial_capture_reversal", "refund").role == "revenue"
    assert rule_for("something_new", "charge") is UNKNOWN


@pytest.mark.parametrize(
    ("kind", "movement"),
    [
        ("unknown_movement", bt("txn_1", 5, category="riddle", kind="riddle")),
        ("unsampled_movement", bt("txn_1", 5, category="other_adjustment", kind="tax_fund")),
        ("bt_does_not_add_up", bt("txn_1", 1000, fee=30, net=960)),
        ("fee_does_not_add_up", bt("txn_1", 1000, fee=50, fee_details=(FeeDetail("stripe_fee", "USD", 30),))),
        ("fee_does_not_add_up", bt("txn_1", 1000, fee=50, fee_details=())),
        ("unknown_fee", bt("txn_1", 1000, fee=50, fee_details=(FeeDetail("a_new_fee", "USD", 50),))),
        ("unknown_fee", bt("txn_1", 1000, fee=50, fee_details=(FeeDetail("stripe_fee", "EUR", 50),))),
    ],
)
def test_what_is_in_doubt_goes_to_suspense_with_a_problem(kind, movement):
    entry, problems = entry_of(movement)
    assert [problem.kind for problem in problems] == [kind]
    assert any(line.account == "suspense" for line in entry.postings)
    assert entry.imbalance() == {}
    assert entry.postings[0].minor == movement.net


def test_a_problem_tells_amounts_in_major_units():
    _, [uneven] = entry_of(bt("txn_1", 100_000, fee=30, net=960))
    assert "net 9.60 USD is not amount 1000.00 USD less fee 0.30 USD" in uneven.message
    _, [unknown] = entry_of(bt("txn_1", 1000, fee=50, fee_details=(FeeDetail("stripe_fee", "USD", 30),)))
    assert "9.50 USD" in unknown.message
    assert "its fee 0.50 USD is 0.20 USD more than its parts" in unknown.message


_AMOUNTS = st.integers(-(10**12), 10**12)
_MOVEMENTS = st.builds(
    BalanceTransaction,
    id=st.just("txn_1"), created=st.just(0), available_on=st.just(0), currency=st.sampled_from(["USD", "JPY", "KWD", "XQX"]),
    type=st.sampled_from(sorted({kind for _, kind in KINDS} | {"new"})),
    reporting_category=st.sampled_from(sorted({category for category, _ in KINDS} | {"new"})),
    balance_type=st.sampled_from(["payments", "issuing", "risk_reserved", "new"]),
    amount=_AMOUNTS, fee=_AMOUNTS, net=_AMOUNTS, source=st.none() | st.just("ch_1"),
    fee_details=st.lists(
        st.builds(FeeDetail, st.sampled_from(["stripe_fee", "tax", "application_fee", "withheld_tax", "new"]),
                  st.sampled_from(["USD", "JPY"]), _AMOUNTS), max_size=4).map(tuple),
)  # fmt: skip


@given(
    _MOVEMENTS
    | _MOVEMENTS.map(
        lambda one: one.__class__(
            **{**{f: getattr(one, f) for f in one.__struct_fields__}, "net": one.amount - one.fee}
        )
    )
)
def test_every_movement_makes_one_balanced_entry_whose_clearing_is_its_net(movement):
    entry, problems = entry_of(movement)
    assert entry.imbalance() == {}
    clearing = sum(line.minor for line in entry.postings if line.account.startswith("stripe_clearing"))
    assert clearing == movement.net
    in_suspense = any(line.account == "suspense" for line in entry.postings)
    assert problems or not in_suspense


def test_no_rule_stands_twice():
    from importlib.resources import files

    lines = files("bookhand.journal").joinpath("rules.csv").read_text("utf-8").splitlines()
    assert len(table()) == len(lines) - 1
