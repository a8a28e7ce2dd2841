"""Stripe's JSON to facts: exact amounts, folded and unfolded references, and every refusal a sentence."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookhand.core import facts
from bookhand.systems.stripe.translate import about, envelope, facts_of, members_of, problems_of

CHARGE = {
    "id": "ch_1", "object": "charge", "amount": 1999, "created": 1767225600, "currency": "eur", "livemode": False,
    "customer": "cus_1", "payment_intent": {"id": "pi_1", "object": "payment_intent"}, "description": "Pro plan",
    "metadata": {"amount": "7"}, "balance_transaction": "txn_1", "source_transfer": None,
}  # fmt: skip
TRANSACTION = {
    "id": "txn_1", "object": "balance_transaction", "amount": 2159, "available_on": 1767398400, "created": 1767225600,
    "currency": "usd", "fee": 93, "net": 2066, "type": "charge", "reporting_category": "charge", "balance_type": "payments",
    "exchange_rate": 1.08004, "description": "Pro plan", "status": "pending", "source": "ch_1",
    "fee_details": [
        {"amount": 63, "application": None, "currency": "usd", "description": "Stripe processing fees", "type": "stripe_fee"},
        {"amount": 30, "application": None, "currency": "usd", "description": None, "type": "tax"},
    ],
}  # fmt: skip


def body(shape: dict, **changes) -> bytes:
    return json.dumps({**shape, **changes}).encode()


def test_a_balance_transaction_keeps_every_amount_and_the_rate_as_text():
    [fact] = facts_of("balance_transaction", body(TRANSACTION))
    assert fact == facts.BalanceTransaction(
        id="txn_1", created=1767225600, available_on=1767398400, type="charge", reporting_category="charge",
        balance_type="payments", currency="USD", amount=2159, fee=93, net=2066, source="ch_1",
        fee_details=(
            facts.FeeDetail("stripe_fee", "USD", 63, "Stripe processing fees"), facts.FeeDetail("tax", "USD", 30, None),
        ),
        exchange_rate="1.08004", description="Pro plan",
    )  # fmt: skip


def test_an_expanded_source_is_a_second_fact_and_the_link_stays_an_id():
    told = facts_of("balance_transaction", body(TRANSACTION, source=CHARGE))
    assert [type(fact) for fact in told] == [facts.BalanceTransaction, facts.Charge]
    assert told[0] == facts_of("balance_transaction", body(TRANSACTION))[0]
    assert told[1] == facts.Charge(
        id="ch_1",
        created=1767225600,
        currency="EUR",
        amount=1999,
        payment_intent="pi_1",
        customer="cus_1",
        description="Pro plan",
    )


@pytest.mark.parametrize(
    "kind", ["transfer", "topup", "application_fee", "fee_refund", "a_kind_of_next_year"]
)
def test_a_source_the_journal_does_not_read_is_named(kind):
    told = facts_of(
        "balance_transaction", body(TRANSACTION, source={"object": kind, "id": "x_1", "amount": 1.5})
    )
    assert told == [
        *facts_of("balance_transaction", body(TRANSACTION, source="x_1")),
        facts.Other(id="x_1", object=kind),
    ]


def test_a_charge_with_its_transaction_expanded_gives_both():
    told = facts_of("charge", body(CHARGE, balance_transaction=TRANSACTION))
    assert told == [*facts_of("charge", body(CHARGE)), *facts_of("balance_transaction", body(TRANSACTION))]


@pytest.mark.parametrize(("sent", "kept"), [
    (b"0.00000001", "0.00000001"), (b"1e-7", "0.0000001"), (b"151.2345678901234567", "151.2345678901234567"), (b"1", "1"),
])  # fmt: skip
def test_a_rate_is_exact_decimal_text(sent, kept):
    sent_body = body(TRANSACTION, exchange_rate=12345).replace(b"12345", sent)
    assert facts_of("balance_transaction", sent_body)[0].exchange_rate == kept


@pytest.mark.parametrize("wrong", [19.99, 20.0, True, "1999", None, [1], {}])
@pytest.mark.parametrize("field", ["amount", "net", "fee"])
def test_an_amount_that_is_no_whole_number_is_refused_with_its_place(field, wrong):
    with pytest.raises(ValueError, match=rf"balance_transaction txn_1 .*\$\.{field}"):
        facts_of("balance_transaction", body(TRANSACTION, **{field: wrong}))


def test_an_amount_wrong_inside_an_expanded_source_is_refused_too():
    with pytest.raises(ValueError, match=r"\$\.source\.amount"):
        facts_of("balance_transaction", body(TRANSACTION, source={**CHARGE, "amount": 1.5}))


@pytest.mark.parametrize(
    "junk",
    [b"", b"[]", b"null", b'"txn"', b"{", b'{"id":1}', b"\xff\xfe", b'{"object":"charge","id":"ch_1"}'],
)
def test_junk_is_refused_with_a_sentence(junk):
    with pytest.raises(ValueError, match=r"\.$"):
        facts_of("balance_transaction", junk)
    with pytest.raises(ValueError, match=r"\.$"):
        envelope(junk)


def test_one_object_is_never_read_as_another():
    with pytest.raises(ValueError, match="expected"):
        facts_of("refund", body(CHARGE))
    with pytest.raises(ValueError, match="expected"):
        facts_of("customer", body(CHARGE))


def test_sums_that_do_not_add_up_are_found():
    assert problems_of(facts_of("balance_transaction", body(TRANSACTION, source=CHARGE))) == []
    found = problems_of(facts_of("balance_transaction", body(TRANSACTION, net=2067, fee_details=[])))
    assert [(problem.kind, problem.subject) for problem in found] == [
        ("sums_differ", "txn_1"),
        ("fees_differ", "txn_1"),
    ]
    assert "net 20.67 USD is not amount" in found[0].message
    assert "add up to 0.00 USD, not to" in found[1].message


def test_a_currency_nobody_knows_is_found_and_kept():
    told = facts_of("charge", body(CHARGE, currency="xts"))
    assert told[0].currency == "XTS"
    assert [problem.kind for problem in problems_of(told)] == ["unknown_currency"]


@given(st.integers(-(10**14), 10**14), st.integers(0, 10**9), st.integers(-3, 3), st.integers(-3, 3))
def test_findings_are_exactly_the_differences(amount, fee, off_net, off_fee):
    details = [{"amount": fee + off_fee, "currency": "usd", "type": "stripe_fee"}]
    told = facts_of(
        "balance_transaction",
        body(TRANSACTION, amount=amount, fee=fee, net=amount - fee + off_net, fee_details=details),
    )
    assert [problem.kind for problem in problems_of(told)] == ["sums_differ"] * bool(off_net) + [
        "fees_differ"
    ] * bool(off_fee)


def test_a_dispute_brings_its_transactions():
    dispute = {
        "id": "dp_1", "object": "dispute", "amount": 1999, "created": 1767225700, "currency": "eur", "status": "needs_response",
        "reason": "fraudulent", "charge": "ch_1", "payment_intent": "pi_1", "livemode": False,
        "balance_transactions": [{**TRANSACTION, "id": "txn_2"}],
    }  # fmt: skip
    told = facts_of("dispute", body(dispute))
    assert told[0].balance_transactions == ("txn_2",)
    assert told[1].id == "txn_2"


INVOICE = {
    "id": "in_1", "object": "invoice", "created": 1767225600, "currency": "usd", "status": "paid", "total": 12100, "number": "A-1",
    "customer": "cus_1", "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}},
    "total_taxes": [{"amount": 2100, "tax_behavior": "exclusive", "tax_rate_details": {"tax_rate": "txr_1"}, "type": "tax_rate_details"}],
    "payments": {"object": "list", "data": [
        {"id": "inpay_1", "object": "invoice_payment", "invoice": "in_1", "currency": "usd", "amount_paid": 12100, "status": "paid",
         "payment": {"type": "payment_intent", "payment_intent": "pi_1"}},
    ]},
}  # fmt: skip


def test_an_invoice_brings_its_taxes_and_payments():
    invoice, payment = facts_of("invoice", body(INVOICE))
    assert invoice.taxes == (facts.InvoiceTax(2100, "exclusive", "txr_1"),)
    assert (invoice.subscription, payment.payment_intent, payment.amount_paid) == ("sub_1", "pi_1", 12100)


@pytest.mark.parametrize("changes", [{"status": "draft"}, {"status": None}, {"test_clock": "clock_1"}])
def test_an_invoice_that_is_not_final_or_not_real_is_no_invoice_of_the_books(changes):
    assert facts_of("invoice", body(INVOICE, **changes)) == [facts.Other(id="in_1", object="invoice")]


def test_a_credit_note_names_its_refunds():
    note = {
        "id": "cn_1", "object": "credit_note", "created": 1, "currency": "usd", "invoice": "in_1", "status": "issued", "total": 600,
        "refunds": [{"amount_refunded": 600, "refund": "re_1", "type": "refund"}, {"amount_refunded": 1, "refund": None}],
        "total_taxes": [{"amount": 100, "tax_behavior": "inclusive", "tax_rate_details": None}],
    }  # fmt: skip
    [fact] = facts_of("credit_note", body(note))
    assert (fact.refunds, fact.taxes) == (("re_1",), (facts.InvoiceTax(100, "inclusive", None),))


@pytest.mark.parametrize("name", ["customer", "invoice", "product"])
def test_a_deleted_object_is_a_state(name):
    assert facts_of(name, json.dumps({"id": "x_1", "object": name, "deleted": True}).encode()) == [
        facts.Gone(id="x_1", object=name)
    ]


def test_the_event_of_a_deletion_makes_its_last_picture_gone():
    customer = b'{"id":"cus_1","object":"customer"}'
    assert facts_of("customer", customer, event_type="customer.deleted") == [
        facts.Gone(id="cus_1", object="customer")
    ]
    canceled = b'{"id":"sub_1","object":"subscription"}'
    assert facts_of("subscription", canceled, event_type="customer.subscription.deleted") == [
        facts.Other(id="sub_1", object="subscription")
    ]


def test_members_of_a_payout():
    assert members_of("po_1", [body(TRANSACTION), body(TRANSACTION, id="txn_2", source=CHARGE)]) == [
        facts.PayoutMember(payout="po_1", balance_transaction="txn_1"), facts.PayoutMember(payout="po_1", balance_transaction="txn_2"),
    ]  # fmt: skip


def test_an_event_is_opened_no_further_than_its_envelope():
    sent = body({"id": "evt_1", "object": "event", "type": "charge.updated", "created": 5, "livemode": True,
                 "api_version": "2026-10-28.endive", "account": "acct_2", "data": {"object": CHARGE}})  # fmt: skip
    event = envelope(sent)
    assert (event.id, event.object_id, event.object_name, event.livemode, event.account) == (
        "evt_1",
        "ch_1",
        "charge",
        True,
        "acct_2",
    )
    assert bytes(event.object) in sent
    assert not event.thin


def test_an_event_about_something_without_an_id():
    sent = b'{"id":"evt_1","object":"event","type":"balance.available","created":5,"livemode":false,"data":{"object":{"object":"balance"}}}'
    assert (envelope(sent).object_id, envelope(sent).object_name) == (None, "balance")


def test_a_thin_event_names_what_it_is_about():
    sent = body({"id": "evt_2", "object": "v2.core.event", "type": "v1.charge.succeeded", "created": "2026-01-01T00:00:00.000Z",
                 "livemode": False, "context": None, "related_object": {"id": "ch_1", "type": "charge", "url": "/v1/charges/ch_1"}})  # fmt: skip
    event = envelope(sent)
    assert (event.thin, event.created, event.object_id, event.object_name) == (
        True,
        1767225600,
        "ch_1",
        "charge",
    )


def test_what_lives_on_a_test_clock_says_so():
    assert (
        about(b'{"id":"cus_1","object":"customer","livemode":false,"test_clock":"clock_1"}').test_clock
        == "clock_1"
    )
    assert about(body(TRANSACTION)).livemode is None
