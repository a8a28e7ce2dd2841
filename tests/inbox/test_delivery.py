"""A delivery's key, and what can be read from it."""

from __future__ import annotations

import pytest
from tests.inbox.mail import VERSION, charge, customer, encode, event, thin, transaction

from bookhand.core.facts import BalanceTransaction, Charge, Gone, PayoutMember
from bookhand.core.problems import Refusal
from bookhand.inbox.delivery import Opened, Unreadable, gone, listed, members, of_event, open_delivery


def opened(delivery) -> Opened:
    found = open_delivery(9, delivery, api_version=VERSION)
    assert isinstance(found, Opened), found
    return found


def test_a_listed_object_is_the_same_mail_however_it_is_spaced() -> None:
    one = listed(b'{"id": "po_1",\n  "object": "payout", "amount": 5}', as_of=1)
    assert one.key == listed(b'{"id":"po_1","object":"payout","amount":5}', as_of=2).key
    assert one.key != listed(b'{"id":"po_1","object":"payout","amount":6}', as_of=1).key
    assert one.body.startswith(b'{"id": "po_1",\n')  # kept as it came


def test_an_object_of_the_other_mode_is_refused() -> None:
    with pytest.raises(Refusal, match="ch_000001"):
        listed(encode(charge(1)), as_of=1, livemode=True)


def test_an_event_tells_its_object() -> None:
    found = opened(of_event(event(1, "charge.succeeded", charge(1), created=77)))
    (seen,) = found.facts
    assert isinstance(seen.fact, Charge)
    assert (seen.delivery, seen.as_of, seen.told_by, seen.event_type) == (9, 77, "event", "charge.succeeded")
    assert found.digest == opened(listed(encode(charge(1)), as_of=5)).digest


def test_a_listed_transaction_tells_its_expanded_source_too() -> None:
    found = opened(listed(encode(transaction(1, source=charge(1))), as_of=5))
    assert [type(seen.fact) for seen in found.facts] == [BalanceTransaction, Charge]
    assert {seen.told_by for seen in found.facts} == {"listed"}


def test_deleted_and_missing_objects_are_states() -> None:
    told = of_event(event(1, "customer.deleted", customer(1)))
    assert opened(told).gone
    missing = opened(gone("customer", "cus_000001", as_of=5))
    assert missing.gone
    assert missing.facts[0].fact == Gone(id="cus_000001", object="customer")


def test_members_are_told_as_facts() -> None:
    found = opened(members("po_1", ["txn_1", "txn_2"], as_of=5))
    assert [seen.fact for seen in found.facts] == [
        PayoutMember(payout="po_1", balance_transaction="txn_1"),
        PayoutMember(payout="po_1", balance_transaction="txn_2"),
    ]


def test_what_cannot_be_read_says_why() -> None:
    other = open_delivery(
        1, of_event(event(1, "charge.succeeded", charge(1), version="2024-06-20")), api_version=VERSION
    )
    assert isinstance(other, Unreadable)
    assert other.kind == "other_api_version"
    assert "2024-06-20" in other.message
    broken = open_delivery(
        1, of_event(event(2, "charge.succeeded", charge(2, amount="ten"))), api_version=VERSION
    )
    assert isinstance(broken, Unreadable)
    assert broken.kind == "unreadable"
    assert "evt_000002" in broken.message


def test_a_thin_event_carries_no_facts() -> None:
    assert opened(of_event(thin(1, "v1.charge.succeeded", "charge", "ch_1", "/v1/charges/ch_1"))).facts == []
