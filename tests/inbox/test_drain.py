"""What is queued becomes facts, in one transaction; what cannot be read never blocks the rest."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from tests.inbox.mail import charge, customer, encode, event, payout, thin, transaction

from bookhand.core.facts import BalanceTransaction, Charge, Link, Seen
from bookhand.core.problems import Problem
from bookhand.inbox import errand_store, snapshot_store, store
from bookhand.inbox.delivery import listed, of_event
from bookhand.inbox.workflow import drain, replayed, retry_parked
from bookhand.workspace.store import open_problems


class Diary:
    """A reader that writes each fact into a table of its own, in the transaction it is given."""

    def __init__(self, *, poison: str = "") -> None:
        self.poison = poison

    def __call__(self, cx: Any, link: Link, facts: Sequence[Seen]) -> list[Problem]:
        for seen in facts:
            if self.poison and getattr(seen.fact, "id", None) == self.poison:
                raise ZeroDivisionError("no rule for this")
            cx.execute("insert into diary values (%s)", (getattr(seen.fact, "id", "?"),))
        return []


@pytest.fixture
def diary(db) -> Any:
    with db.transaction() as cx:
        cx.execute("reset role")
        cx.execute("create table diary (id text)")
        cx.execute("grant all on diary to bookhand_app")

    def entries() -> list[str]:
        with db.transaction() as cx:
            return sorted(row[0] for row in cx.execute("select id from diary"))

    return entries


def put(db, link, *mail) -> None:
    with db.transaction() as cx:
        store.receive(cx, link, list(mail))


def test_facts_reach_the_readers_and_the_mail_leaves_the_queue(db, link) -> None:
    heard: list[Seen] = []

    def reader(_cx: Any, _link: Link, facts: Sequence[Seen]) -> list[Problem]:
        heard.extend(facts)
        return [Problem(kind="odd", subject="txn_000001", message="Look at it.")]

    put(
        db,
        link,
        of_event(event(1, "charge.succeeded", charge(1))),
        listed(encode(transaction(1, source=charge(1))), as_of=9),
    )
    assert drain(db, link, [reader]) == 2
    assert drain(db, link, [reader]) == 0
    assert sorted(type(seen.fact).__name__ for seen in heard) == ["BalanceTransaction", "Charge", "Charge"]
    with db.transaction() as cx:
        assert [each.problem.kind for each in open_problems(cx)] == ["odd"]


def test_reader_and_queue_stand_or_fall_together(db, link, diary) -> None:
    put(db, link, *(listed(encode(transaction(n)), as_of=9) for n in range(40)))
    assert drain(db, link, [Diary(poison="txn_000017")], batch=16) == 40
    assert diary() == [f"txn_{n:06d}" for n in range(40) if n != 17]
    with db.transaction() as cx:
        (problem,) = open_problems(cx)
        assert problem.problem.kind == "reader_failed"
        assert "ZeroDivisionError" in problem.problem.message
        assert store.waiting(cx, link) == 0
    assert retry_parked(db, link) == 1  # after the upgrade
    assert drain(db, link, [Diary()]) == 1
    assert "txn_000017" in diary()
    with db.transaction() as cx:
        assert open_problems(cx) == []


def test_what_cannot_be_read_is_parked_with_a_problem(db, link, diary) -> None:
    put(
        db, link,
        of_event(event(1, "charge.succeeded", charge(1, amount=1.5))),
        of_event(event(2, "charge.succeeded", charge(2), version="2020-08-27")),
        of_event(event(3, "charge.succeeded", charge(3))),
    )  # fmt: skip
    assert drain(db, link, [Diary()]) == 3
    assert diary() == ["ch_000003"]
    with db.transaction() as cx:
        assert {each.problem.kind for each in open_problems(cx)} == {"unreadable", "other_api_version"}
        assert snapshot_store.snapshot(cx, link, "charge", "ch_000002") is None
    assert [seen.fact.id for batch in replayed(db, link) for seen in batch] == ["ch_000003"]
    assert retry_parked(db, link) == 1  # the broken one; an event in another version stays where it is
    assert drain(db, link, [Diary()]) == 1
    pinned = msgspec.structs.replace(link, api_version="2020-08-27")
    assert retry_parked(db, pinned) == 1


def test_what_a_pushed_event_of_another_version_tells_is_asked_for_at_once(db, link) -> None:
    put(db, link, of_event(event(2, "charge.succeeded", charge(2), version="2020-08-27")))
    drain(db, link, [])
    with db.transaction() as cx:
        asked = {(each.kind, each.path) for each in errand_store.due(cx, link, kinds=("pull", "fetch"))}
    assert asked == {("pull", None), ("fetch", "/v1/charges/ch_000002")}


def test_amounts_that_do_not_add_up_are_said(db, link) -> None:
    put(db, link, listed(encode(transaction(1, net=940)), as_of=9))
    drain(db, link, [])
    with db.transaction() as cx:
        assert [each.problem.subject for each in open_problems(cx)] == ["txn_000001"]


def test_one_reader_at_a_time(db, link) -> None:
    put(db, link, *(listed(encode(transaction(n)), as_of=9) for n in range(3)))
    inside, leave = threading.Event(), threading.Event()

    def slow(_cx: Any, _link: Link, _facts: Sequence[Seen]) -> list[Problem]:
        inside.set()
        assert leave.wait(10)
        return []

    first = threading.Thread(target=drain, args=(db, link, [slow]))
    first.start()
    assert inside.wait(10)
    assert drain(db, link, []) == 0  # not ours to read now
    threading.Timer(0.2, leave.set).start()
    assert drain(db, link, [], wait=True) == 0  # now it is, and nothing is left
    assert leave.is_set()
    first.join()
    with db.transaction() as cx:
        assert store.waiting(cx, link) == 0


def test_connections_are_read_side_by_side(db, new_link) -> None:
    one, two = new_link(account="acct_1"), new_link(account="acct_2")
    for each in (one, two):
        put(db, each, listed(encode(transaction(1)), as_of=9))
    both = threading.Barrier(2, timeout=10)

    def meet(_cx: Any, _link: Link, _facts: Sequence[Seen]) -> list[Problem]:
        both.wait()
        return []

    threads = [threading.Thread(target=drain, args=(db, each, [meet])) for each in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.transaction() as cx:
        assert store.waiting(cx, one) == store.waiting(cx, two) == 0


def test_money_events_call_for_one_pull_and_others_for_none(db, link) -> None:
    put(
        db,
        link,
        of_event(event(1, "customer.created", customer(1))),
        of_event(event(2, "charge.failed", charge(2))),
    )
    drain(db, link, [])
    with db.transaction() as cx:
        assert errand_store.due(cx, link, kinds=["pull"]) == []
    put(db, link, *(of_event(event(n, "charge.succeeded", charge(n))) for n in range(10, 20)))
    drain(db, link, [])
    with db.transaction() as cx:
        (errand,) = errand_store.due(cx, link, kinds=["pull"])
    assert errand.wanted == 1


def test_two_tellings_of_one_second_call_for_the_object(db, link) -> None:
    put(
        db, link,
        of_event(event(1, "charge.succeeded", charge(1), created=50)),
        of_event(event(2, "charge.updated", charge(1, description="new"), created=50)),
        of_event(event(3, "charge.succeeded", charge(2), created=50)),
        of_event(event(4, "charge.updated", charge(2, description="new"), created=51)),
    )  # fmt: skip
    drain(db, link, [])
    with db.transaction() as cx:
        row = cx.execute("select object_id, path, born from errand where kind = 'fetch'").fetchall()
    assert row == [("ch_000001", "/v1/charges/ch_000001", 1_790_000_000)]


def test_an_old_event_never_replaces_a_newer_state(db, link) -> None:
    put(db, link, of_event(event(2, "charge.updated", charge(1, description="new"), created=60)))
    drain(db, link, [])
    put(db, link, of_event(event(1, "charge.succeeded", charge(1), created=50)))
    drain(db, link, [])
    with db.transaction() as cx:
        known = snapshot_store.snapshot(cx, link, "charge", "ch_000001")
    assert known is not None
    assert known.delivery.key == "evt_000002"


def test_a_deleted_object_is_a_state(db, link) -> None:
    put(db, link, of_event(event(1, "customer.deleted", customer(1), created=60)))
    drain(db, link, [])
    with db.transaction() as cx:
        known = snapshot_store.snapshot(cx, link, "customer", "cus_000001")
    assert known is not None
    assert known.gone


def test_thin_events_and_settled_payouts_call_for_what_they_name(db, link) -> None:
    put(
        db, link,
        of_event(thin(1, "v1.charge.succeeded", "charge", "ch_1", "/v1/charges/ch_1")),
        of_event(thin(2, "v2.core.account.updated", "v2.core.account", "acct_9", "/v2/core/accounts/acct_9")),
        of_event(thin(3, "v2.x", "v2.x", "x_9", "https://elsewhere.example/x_9")),
        of_event(event(4, "payout.reconciliation_completed", payout(1))),
        of_event(event(5, "payout.created", payout(2, reconciliation_status="in_progress"))),
        of_event(event(6, "payout.paid", payout(3, automatic=False, reconciliation_status="not_applicable"))),
    )  # fmt: skip
    drain(db, link, [])
    with db.transaction() as cx:
        rows = cx.execute("select kind, object_id, path from errand order by 1, 2").fetchall()
    assert rows == [
        ("fetch", "acct_9", "/v2/core/accounts/acct_9"),
        ("fetch", "ch_1", "/v1/charges/ch_1"),
        ("members", "po_000001", None),
        ("pull", "", None),
    ]


def test_a_replay_tells_what_the_readers_heard(db, link) -> None:
    heard: list[Seen] = []

    def reader(_cx: Any, _link: Link, facts: Sequence[Seen]) -> list[Problem]:
        heard.extend(facts)
        return []

    put(db, link, *(listed(encode(transaction(n, source=charge(n))), as_of=9) for n in range(30)))
    drain(db, link, [reader], batch=7)
    told = [seen for batch in replayed(db, link) for seen in batch]
    assert told == heard
    assert {type(seen.fact) for seen in told} == {BalanceTransaction, Charge}
