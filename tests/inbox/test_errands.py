"""What the mail calls for is fetched: once for many events, past what was known, and later where Stripe is away."""

from __future__ import annotations

import threading
import time
from typing import Any

import msgspec
import pytest
from tests.inbox.lister import Lister
from tests.inbox.mail import charge, customer, event, payout, thin, transaction

from bookhand.core.facts import PayoutMember
from bookhand.inbox import errand_store, snapshot_store, store
from bookhand.inbox.delivery import of_event
from bookhand.inbox.errand_store import PULL, Errand
from bookhand.inbox.errands_workflow import OVERLAP_ROWS, poll_events, pull, run_errands
from bookhand.inbox.worker_workflow import Post, Worker
from bookhand.inbox.workflow import drain, replayed
from bookhand.workspace.store import open_problems

NOW = 1_790_000_000


def clock() -> float:
    return NOW


def rows(first: int, last: int) -> list[dict[str, Any]]:
    return [transaction(n, created=NOW - 1000 + n) for n in range(first, last)]


def put(db, link, *mail) -> None:
    with db.transaction() as cx:
        store.receive(cx, link, list(mail))


def ids(db, link) -> set[str]:
    drain(db, link, [])
    with db.transaction() as cx:
        return {
            row[0]
            for row in cx.execute("select object_id from snapshot where object = 'balance_transaction'")
        }


def test_one_call_brings_the_money_of_many_events(db, link) -> None:
    with Lister({"balance_transactions": rows(0, 300)}) as stripe, stripe.reader(link) as reader:
        put(db, link, of_event(event(1, "charge.succeeded", charge(1), created=NOW - 1000)))
        drain(db, link, [])
        assert run_errands(db, link, reader, clock=clock) == 1
        assert len(ids(db, link)) == 300
        stripe.put("balance_transactions", rows(300, 360))
        put(db, link, *(of_event(event(n, "charge.succeeded", charge(n))) for n in range(300, 360)))
        drain(db, link, [])
        before = stripe.calls["balance_transactions"]
        assert run_errands(db, link, reader, clock=clock) == 1
        assert stripe.calls["balance_transactions"] == before + 1
        assert len(ids(db, link)) == 360


def test_a_pull_reads_past_what_it_knew(db, link) -> None:
    """Money that was booked a little out of order is found by the overlap."""
    with Lister({"balance_transactions": rows(0, 200)}) as stripe, stripe.reader(link) as reader:
        put(db, link, of_event(event(1, "charge.succeeded", charge(1), created=NOW - 1000)))
        pull(db, link, reader, clock=clock)
        late = transaction(900, created=NOW - 1000 + 199 - OVERLAP_ROWS + 3)
        stripe.put("balance_transactions", [late, *rows(200, 290)])
        assert pull(db, link, reader, clock=clock) == 91
        assert late["id"] in ids(db, link)


def test_a_pull_that_was_cut_off_starts_over(db, link) -> None:
    with Lister({"balance_transactions": rows(0, 500)}) as stripe, stripe.reader(link, tries=1) as reader:
        put(db, link, of_event(event(1, "charge.succeeded", charge(1), created=NOW - 1000)))
        drain(db, link, [])
        stripe.trouble = lambda number, _path: 500 if number == 3 else None
        assert run_errands(db, link, reader, clock=clock) == 0
        time.sleep(0.2)
        assert run_errands(db, link, reader, clock=clock) == 1
        assert len(ids(db, link)) == 500


def test_a_pull_never_reaches_back_before_our_first_mail(db, link) -> None:
    old = [transaction(n, created=NOW - 10_000_000 + n) for n in range(300)]
    with (
        Lister({"balance_transactions": [*old, transaction(999, created=NOW)]}) as stripe,
        stripe.reader(link) as reader,
    ):
        put(db, link, of_event(event(1, "charge.succeeded", charge(1), created=NOW)))
        assert pull(db, link, reader, clock=clock) == 1


def test_an_object_in_doubt_is_asked_for_and_settled(db, link) -> None:
    final = charge(1, description="final")
    with Lister({"charges": [final]}) as stripe, stripe.reader(link) as reader:
        for number, text in ((1, "a"), (2, "b")):
            put(db, link, of_event(event(number, "charge.updated", charge(1, description=text), created=NOW)))
        drain(db, link, [])
        with db.transaction() as cx:
            assert (
                errand_store.due(cx, link, kinds=["fetch"]) == []
            )  # a moment later, for mail of the same second may settle it
            cx.execute("update errand set due_at = now()")
        run_errands(db, link, reader, clock=clock, kinds=("fetch",))
        drain(db, link, [])
        with db.transaction() as cx:
            known = snapshot_store.snapshot(cx, link, "charge", "ch_000001")
            assert errand_store.errands_left(cx, link, kinds=("fetch",)) == 0
    assert known is not None
    assert msgspec.json.decode(known.delivery.body) == final


def test_many_objects_in_doubt_cost_one_call(db, link) -> None:
    objects = [charge(n, created=NOW + n) for n in range(50)]
    with Lister({"charges": objects}) as stripe, stripe.reader(link) as reader:
        with db.transaction() as cx:
            errand_store.want(cx, link, [
                Errand(kind="fetch", object="charge", object_id=each["id"], path=f"/v1/charges/{each['id']}", born=each["created"])
                for each in [*objects[:40], charge(777, created=NOW + 5)]
            ])  # fmt: skip
        assert run_errands(db, link, reader, clock=clock) == 41
        assert (stripe.calls["charges"], stripe.calls["charges/ch_000777"]) == (1, 1)
        drain(db, link, [])
        with db.transaction() as cx:
            gone = snapshot_store.snapshot(cx, link, "charge", "ch_000777")
    assert gone is not None
    assert gone.gone  # Stripe said it is not there: a state


def test_a_thin_events_object_is_fetched(db, link) -> None:
    with Lister({"charges": [charge(5)]}) as stripe, stripe.reader(link) as reader:
        put(db, link, of_event(thin(1, "v1.charge.updated", "charge", "ch_000005", "/v1/charges/ch_000005")))
        drain(db, link, [])
        run_errands(db, link, reader, clock=clock, kinds=("fetch",))
        drain(db, link, [])
    assert [seen.fact.id for batch in replayed(db, link) for seen in batch] == ["ch_000005"]


def test_members_are_named_all_at_once(db, link) -> None:
    inside = [transaction(n, created=NOW + n, payout="po_000001") for n in range(250)]
    with Lister({"balance_transactions": inside}) as stripe, stripe.reader(link, tries=1) as reader:
        put(db, link, of_event(event(1, "payout.reconciliation_completed", payout(1))))
        drain(db, link, [])
        stripe.trouble = lambda number, _path: 500 if number == 3 else None
        run_errands(db, link, reader, clock=clock, kinds=("members",))
        drain(db, link, [])
        assert not any(isinstance(s.fact, PayoutMember) for batch in replayed(db, link) for s in batch)
        time.sleep(0.2)
        run_errands(db, link, reader, clock=clock, kinds=("members",))
        drain(db, link, [])
    named = {
        s.fact.balance_transaction
        for batch in replayed(db, link)
        for s in batch
        if isinstance(s.fact, PayoutMember)
    }
    assert len(named) == 250


def test_a_refusal_is_said_and_left_for_later(db, link) -> None:
    with Lister() as stripe, stripe.reader(link) as reader:
        stripe.refused = {"balance_transactions"}
        with db.transaction() as cx:
            errand_store.want(cx, link, [PULL])
        assert run_errands(db, link, reader, clock=clock) == 0
        assert run_errands(db, link, reader, clock=clock) == 0
        assert stripe.calls["balance_transactions"] == 1
        with db.transaction() as cx:
            (problem,) = open_problems(cx)
            assert "rak_balance_transactions_read" in problem.problem.message
            cx.execute("update errand set due_at = now()")
        stripe.refused = set()
        assert run_errands(db, link, reader, clock=clock) == 1
        with db.transaction() as cx:
            assert open_problems(cx) == []


def test_the_safety_net_asks_for_failed_deliveries_in_time_and_not_more_often(db, link) -> None:
    missed = msgspec.json.decode(event(7, "charge.succeeded", charge(7), created=NOW - 60))
    with (
        Lister({"events": [missed], "balance_transactions": rows(0, 5)}) as stripe,
        stripe.reader(link) as reader,
    ):
        assert poll_events(db, link, reader, clock=clock, every_minutes=20) == 1
        assert poll_events(db, link, reader, clock=clock, every_minutes=20) is None
        asked = [each for each in stripe.asked if each.startswith("/v1/events")]
    assert len(asked) == 2
    assert all("delivery_success=false" in each and "types" in each for each in asked)
    with db.transaction() as cx:
        assert cx.execute("select count(*) from delivery where key = 'evt_000007'").fetchone() == (1,)


def test_an_event_of_another_version_in_a_list_calls_for_its_object(db, link) -> None:
    old = msgspec.json.decode(
        event(7, "customer.updated", customer(7), created=NOW - 60, version="2020-08-27")
    )
    with Lister({"events": [old], "customers": [customer(7)]}) as stripe, stripe.reader(link) as reader:
        poll_events(db, link, reader, clock=clock, every_minutes=20)
        run_errands(db, link, reader, clock=clock, kinds=("fetch",))
        drain(db, link, [])
        with db.transaction() as cx:
            assert snapshot_store.snapshot(cx, link, "customer", "cus_000007") is not None


def test_the_worker_reads_mail_and_brings_its_money_within_moments(db, link) -> None:
    arrived = threading.Event()

    def reader(_cx, _link, facts) -> list:
        if any(type(seen.fact).__name__ == "BalanceTransaction" for seen in facts):
            arrived.set()
        return []

    with Lister({"balance_transactions": rows(0, 10)}) as stripe, stripe.reader(link) as client:
        stop = threading.Event()
        worker = Worker(db, posts=lambda: [Post(link, client)], readers=[reader], clock=clock)
        thread = threading.Thread(target=worker.run, args=(stop,))
        thread.start()
        time.sleep(0.5)
        begun = time.perf_counter()
        put(db, link, of_event(event(1, "charge.succeeded", charge(1), created=NOW - 500)))
        assert arrived.wait(5)
        took = time.perf_counter() - begun
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
    assert took < 2, "the wake-up was lost and the worker only looked by itself"


@pytest.mark.parametrize("lost", ["notice", "process"])
def test_mail_whose_wake_up_was_lost_is_found(db, link, lost: str) -> None:
    heard = threading.Event()

    def reader(_cx, _link, facts) -> list:
        heard.set()
        return []

    stop = threading.Event()
    worker = Worker(db, posts=lambda: [Post(link)], readers=[reader], clock=clock)
    thread = threading.Thread(target=worker.run, args=(stop,))
    if lost == "notice":
        thread.start()
        time.sleep(0.3)
    with db.transaction() as cx:
        rows_in = store.arguments(
            1, [(link.connection_id, of_event(event(1, "customer.created", customer(1))))], lane=0
        )
        cx.execute(store.INSERT, rows_in)  # kept without a word
    if lost == "process":
        thread.start()
    assert heard.wait(12)
    stop.set()
    thread.join(10)
