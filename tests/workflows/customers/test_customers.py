"""Customers: whom an object is about, read behind the posting, once and again; and found as people look for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.inbox import mail

from bookhand.core.facts import Link
from bookhand.core.problems import Missing
from bookhand.db.engine import Database
from bookhand.inbox import store as inbox
from bookhand.inbox.delivery import Delivery, listed, of_event
from bookhand.inbox.workflow import drain
from bookhand.journal import workflow as journal
from bookhand.workflows.customers import store
from bookhand.workflows.customers.index_workflow import Index
from bookhand.workflows.customers.parties import party_of


def link_of(db: Database, name: str = "Lantern", mode: str = "test") -> Link:
    from bookhand.systems import store as connections

    with db.transaction() as cx:
        return connections.keep(
            cx, db.workspace_id,
            connections.NewConnection(
                system="stripe", account=f"acct_{name}", mode=mode, livemode=mode == "live", default_name=name, auth="key",
                api_version=mail.VERSION,
            ),
        ).link  # fmt: skip


def post(db: Database, link: Link, *deliveries: Delivery) -> None:
    with db.transaction() as cx:
        inbox.receive(cx, link, list(deliveries))
    drain(db, link, [journal.read])


def read_all(db: Database, link: Link, **options: Any) -> int:
    index, read = Index(db, **options), 0
    while seen := index.look(link):
        read += seen
    return read


def one(kind: str, **fields: Any) -> bytes:
    return mail.encode({"id": f"{kind[:2]}_1", "object": kind, "created": 5, **fields})


@pytest.mark.parametrize(
    ("body", "is_event", "customer"),
    [
        (one("charge", customer="cus_1"), False, "cus_1"),
        (one("charge", customer={"id": "cus_2", "object": "customer"}), False, "cus_2"),
        (one("charge", customer=None), False, None),
        (one("charge"), False, None),
        (one("customer", name="Ada"), False, "cu_1"),
        (
            mail.event(1, "charge.succeeded", {"id": "ch_1", "object": "charge", "customer": "cus_3"}),
            True,
            "cus_3",
        ),
        (one("payout", customer="cus_1"), False, None),
        (one("charge", customer=7), False, None),
        (b"not json", False, None),
        (b"[]", True, None),
    ],
)
def test_whom_an_object_is_about(body: bytes, is_event: bool, customer: str | None) -> None:
    found = party_of(body, is_event=is_event)
    assert (found.customer if found else None) == customer


@given(st.binary(max_size=200))
def test_no_body_breaks_the_reading(body: bytes) -> None:
    party_of(body, is_event=True)
    party_of(body, is_event=False)


def test_a_customer_is_found_by_name_by_mail_and_by_id(db: Database) -> None:
    link = link_of(db)
    post(
        db, link,
        listed(mail.encode(mail.customer(1, name="Basalt Textiles", email="yusuf@basalt.example")), as_of=9),
        listed(mail.encode(mail.customer(2, name="100%_sure", email="A@b.example")), as_of=9),
    )  # fmt: skip
    assert read_all(db, link) >= 2

    def found(text: str) -> list[str]:
        with db.transaction() as cx:
            return [each.id for each in store.found(cx, text, limit=10)]

    assert found("basalt") == found("YUSUF@") == found("cus_000001") == ["cus_000001"]
    assert found("100%_") == ["cus_000002"]
    assert found("%") == found("textiles") == found("cus_00000") == []
    assert found("'; drop table customer; --") == []


def test_the_newest_name_stays_whatever_comes_first(db: Database) -> None:
    link = link_of(db)
    post(
        db, link,
        of_event(mail.event(1, "customer.updated", mail.customer(1, name="New"), created=200)),
        of_event(mail.event(2, "customer.created", mail.customer(1, name="Old"), created=100)),
    )  # fmt: skip
    read_all(db, link, batch=1)
    with db.transaction() as cx:
        assert store.get(cx, link.connection_id, "cus_000001").name == "New"


def test_what_was_read_twice_is_there_once_and_what_is_young_is_read_again(db: Database) -> None:
    link = link_of(db)
    post(db, link, listed(mail.encode(mail.charge(1, customer="cus_9")), as_of=9))
    index = Index(db)
    assert index.look(link) > 0
    assert index.look(link) == 0
    with db.transaction() as cx:
        assert store.settled(cx, link) == 0
    later = datetime.now(UTC) + timedelta(seconds=61)
    assert index.look(link, now=later) > 0
    assert index.look(link, now=later) == 0
    with db.transaction() as cx:
        assert store.settled(cx, link) > 0
        assert cx.execute("select count(*) from customer_object").fetchone() == (1,)


def test_a_delivery_that_is_committed_late_is_not_missed(db: Database) -> None:
    link = link_of(db)
    index = Index(db)
    early = listed(mail.encode(mail.charge(1, customer="cus_1")), as_of=9)
    late = listed(mail.encode(mail.charge(2, customer="cus_2")), as_of=9)
    with db.transaction() as slow:
        inbox.receive(slow, link, [early])
        post(db, link, late)
        while index.look(link):
            pass
    drain(db, link, [journal.read])
    later = datetime.now(UTC) + timedelta(seconds=61)
    while index.look(link, now=later):
        pass
    with db.transaction() as cx:
        assert {row[0] for row in cx.execute("select customer from customer_object")} == {"cus_1", "cus_2"}


def test_objects_come_newest_first_in_their_newest_state_and_page_by_page(db: Database) -> None:
    link = link_of(db)
    post(
        db, link,
        *(listed(mail.encode(mail.charge(number, customer="cus_1", created=1_790_000_000 + number)), as_of=9) for number in range(1, 6)),
        of_event(mail.event(9, "charge.updated", mail.charge(3, customer="cus_1", created=1_790_000_003, description="new"), created=1_790_000_900)),
    )  # fmt: skip
    read_all(db, link)
    with db.transaction() as cx:
        first = store.told(cx, link.connection_id, "cus_1", since=0, after=None, limit=3)
        rest = store.told(
            cx, link.connection_id, "cus_1", since=0, after=(first[-1].created, first[-1].id), limit=9
        )
        assert [each.id[-1] for each in (*first, *rest)] == ["5", "4", "3", "2", "1"]
        assert b"new" in first[2].body
        assert (
            store.told(cx, link.connection_id, "cus_1", since=1_790_000_005, after=None, limit=9)[0].id
            == first[0].id
        )
        with pytest.raises(Missing):
            store.get(cx, link.connection_id, "cus_404")
