"""Kept once, never changed, read in order: deliveries, the queue and errands in PostgreSQL."""

from __future__ import annotations

import psycopg
import pytest
from tests.inbox.mail import charge, customer, encode, event, transaction

from bookhand.db.arrays import bigints, byteas, texts
from bookhand.inbox import errand_store, snapshot_store, store
from bookhand.inbox.delivery import listed, of_event
from bookhand.inbox.errand_store import PULL, Errand
from bookhand.inbox.workflow import drain


def test_arrays_come_back_as_they_went(db) -> None:
    with db.transaction() as cx:
        row = cx.execute(
            "select %b::text[], %b::int8[], %b::bytea[], %b::text[]",
            (
                texts(["a", None, "é", ""]),
                bigints([1, -2, 2**62]),
                byteas([b"\x00\xff", None, b""]),
                texts([]),
            ),
        ).fetchone()
    assert row == (["a", None, "é", ""], [1, -2, 2**62], [b"\x00\xff", None, b""], [])


def test_mail_is_kept_once_and_queued_once(db, link) -> None:
    mail = [of_event(event(n % 3, "customer.created", customer(n % 3))) for n in range(6)]
    with db.transaction() as cx:
        first = store.receive(cx, link, mail)
        assert len(first) == 3
        assert store.receive(cx, link, mail) == []
        assert store.waiting(cx, link) == 3
        assert [delivery.key for _, _, delivery in store.take(cx, link, limit=2)] == sorted(
            {d.key for d in mail}
        )[:2]


def test_two_connections_may_hear_the_same_event(db, new_link) -> None:
    one, two = new_link(account="acct_1"), new_link(account="acct_2")
    mail = [of_event(event(1, "customer.created", customer(1)))]
    with db.transaction() as cx:
        assert len(store.receive(cx, one, mail)) == len(store.receive(cx, two, mail)) == 1


def test_a_delivery_is_never_changed_or_deleted(db, link) -> None:
    with db.transaction() as cx:
        store.receive(cx, link, [of_event(event(1, "customer.created", customer(1)))])
    for statement in ("update delivery set body = ''", "delete from delivery"):
        with pytest.raises(psycopg.errors.RestrictViolation), db.transaction() as cx:
            cx.execute(statement)


def test_live_mail_does_not_wait_behind_history(db, link) -> None:
    with db.transaction() as cx:
        store.receive(
            cx, link, [listed(encode(transaction(n)), as_of=5) for n in range(5)], lane=store.HISTORY
        )
        store.receive(cx, link, [of_event(event(1, "customer.created", customer(1)))])
        assert store.take(cx, link, limit=1)[0][2].kind == "event"


def test_a_state_that_came_back_is_told_again(db, link) -> None:
    """Listed as A, then B, then A again: the third is mail, though its content is not new."""
    states = [
        listed(encode(charge(1, description=text)), as_of=at)
        for text, at in (("a", 10), ("b", 20), ("a", 30))
    ]
    for each in states:
        with db.transaction() as cx:
            assert len(store.receive(cx, link, [each])) == 1
        drain(db, link, [])
    with db.transaction() as cx:
        known = snapshot_store.snapshot(cx, link, "charge", "ch_000001")
        assert store.receive(cx, link, [states[2]]) == []
    assert known is not None
    assert (known.as_of, known.delivery.body) == (30, states[2].body)


def test_replay_gives_every_delivery_in_order_but_the_parked(db, link) -> None:
    mail = [listed(encode(transaction(n)), as_of=5) for n in range(25)]
    with db.transaction() as cx:
        numbers = [seq for seq, _ in store.receive(cx, link, mail)]
        store.park(cx, link, numbers[3], store.Unreadable(kind="unreadable", message="x"))
        batches = list(store.replay(cx, link, batch=10))
    assert [len(batch) for batch in batches] == [10, 10, 4]
    assert [seq for batch in batches for seq, _ in batch] == sorted(set(numbers) - {numbers[3]})


def test_an_errand_wanted_while_it_runs_stays(db, link) -> None:
    with db.transaction() as cx:
        errand_store.want(cx, link, [PULL, PULL])
        (running,) = errand_store.due(cx, link, kinds=["pull"])
        errand_store.want(cx, link, [PULL])
        errand_store.done(cx, link, running)
        (again,) = errand_store.due(cx, link, kinds=["pull"])
        errand_store.done(cx, link, again)
        assert errand_store.errands_left(cx, link) == 0
        errand_store.want(
            cx, link, [Errand(kind="fetch", object="charge", object_id="ch_1", born=5)], delay_seconds=60
        )
        assert errand_store.due(cx, link, kinds=["fetch"]) == []


def test_unknown_ids_are_those_nobody_told_us_of(db, link) -> None:
    with db.transaction() as cx:
        store.receive(cx, link, [listed(encode(transaction(1)), as_of=5)])
    drain(db, link, [])
    with db.transaction() as cx:
        assert store.unknown(cx, link, "balance_transaction", ["txn_000001", "txn_000002"]) == ["txn_000002"]
