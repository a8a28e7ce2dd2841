"""History comes in through the same inbox, in slices, and is complete only after it was looked at twice."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.inbox.lister import Lister
from tests.inbox.mail import charge, customer, event, payout, transaction

from bookhand.core.facts import Link, PayoutMember, Seen
from bookhand.core.problems import Problem, Refusal
from bookhand.inbox import slices_store, store
from bookhand.inbox.backfill import Slice, after_page, holes, left_in, plan, split
from bookhand.inbox.backfill_workflow import Backfill, Progress, progress
from bookhand.inbox.workflow import replayed
from bookhand.workspace.store import open_problems

NOW = 1_790_000_000
START = NOW - 365 * 86400


class Heard:
    def __init__(self) -> None:
        self.facts: list[Seen] = []

    def __call__(self, _cx: Any, _link: Link, facts: Sequence[Seen]) -> list[Problem]:
        self.facts += facts
        return []

    def ids(self, kind: str) -> list[str]:
        return sorted(seen.fact.id for seen in self.facts if type(seen.fact).__name__ == kind)


def run(db, link, stripe: Lister, reader=None, *, tie_out=lambda: (), **options: Any) -> Progress:
    work = Backfill(
        db,
        link,
        stripe.reader(link),
        readers=[reader or Heard()],
        tie_out=tie_out,
        clock=lambda: NOW,
        fetchers=8,
    )
    return work.run(since=START, **options)


def many(count: int) -> list[dict[str, Any]]:
    """Transactions over the year, with bursts: several hundred in one second."""
    return [
        transaction(n, created=START + (n // 7 * 40_000 if n % 5 else 86400) % (NOW - START))
        for n in range(count)
    ]


def test_every_list_comes_in_and_is_said_complete(db, link) -> None:
    heard = Heard()
    lists = {
        "balance_transactions": many(1200), "charges": [charge(n, created=START + n * 1000) for n in range(250)],
        "customers": [customer(n) | {"created": 1_400_000_000 + n} for n in range(30)],
        "events": [msgspec.json.decode(event(n, "charge.updated", charge(n), created=NOW - 100 - n)) for n in range(40)],
    }  # fmt: skip
    with Lister(lists) as stripe:
        outcome = run(db, link, stripe, heard)
    assert outcome.phase == "complete", outcome.verdict
    assert heard.ids("BalanceTransaction") == sorted(each["id"] for each in lists["balance_transactions"])
    assert set(heard.ids("Charge")) == {each["id"] for each in lists["charges"]}
    assert heard.ids("Other") == sorted(each["id"] for each in lists["customers"])
    assert "40 were from before this account was connected" in outcome.verdict[0]
    with db.transaction() as cx:
        assert store.waiting(cx, link) == 0


def test_a_payouts_members_are_named(db, link) -> None:
    heard = Heard()
    inside = [transaction(n, payout="po_000001", created=START + n) for n in range(120)]
    with Lister(
        {
            "payouts": [payout(1, created=START + 5)],
            "balance_transactions": [*inside, transaction(500, created=START)],
        }
    ) as stripe:
        assert run(db, link, stripe, heard).phase == "complete"
    told = {seen.fact.balance_transaction for seen in heard.facts if isinstance(seen.fact, PayoutMember)}
    assert told == {each["id"] for each in inside}
    again = [
        seen.fact for batch in replayed(db, link) for seen in batch if isinstance(seen.fact, PayoutMember)
    ]
    assert len(again) == 120  # a replay hears it too


def test_a_list_that_is_refused_is_named_and_the_rest_comes_in(db, link) -> None:
    heard = Heard()
    with Lister({"balance_transactions": many(300), "payouts": [payout(1)]}) as stripe:
        stripe.refused = {"payouts", "disputes"}
        outcome = run(db, link, stripe, heard)
    assert outcome.phase == "incomplete"
    assert len(heard.ids("BalanceTransaction")) == 300
    assert sum("rak_payouts_read" in each for each in outcome.verdict) == 1
    assert {each.name: each.state for each in outcome.lists}["disputes"] == "refused"
    with db.transaction() as cx:
        assert {each.problem.subject for each in open_problems(cx)} == {"payouts", "disputes"}
    shown = progress(db, link)
    assert shown is not None
    assert shown.phase == "incomplete"


def test_an_outage_is_waited_out(db, link) -> None:
    heard = Heard()
    with Lister({"balance_transactions": many(900)}) as stripe:
        stripe.trouble = lambda number, _path: 503 if 12 <= number < 90 else None
        outcome = run(db, link, stripe, heard)
    assert outcome.phase == "complete", outcome.verdict
    assert len(heard.ids("BalanceTransaction")) == 900


def test_a_balance_that_does_not_tie_is_not_complete(db, link) -> None:
    with Lister({"balance_transactions": many(10)}) as stripe:
        outcome = run(db, link, stripe, tie_out=lambda: ["USD is off by 5.00."])
    assert outcome.phase == "incomplete"
    assert "USD is off by 5.00." in outcome.verdict


def test_it_goes_on_where_it_was_stopped(db, link) -> None:
    rows = many(3000)
    with Lister({"balance_transactions": rows}, latency=0.05) as stripe:
        work: list[Backfill] = []

        def stop_early(shown: Progress) -> None:
            if shown.seen >= 500:
                work[0].stop()

        first = Heard()
        work.append(
            Backfill(
                db,
                link,
                stripe.reader(link),
                readers=[first],
                tie_out=lambda: (),
                clock=lambda: NOW,
                show=stop_early,
                fetchers=2,
            )
        )
        work[0].run(since=START, lists=["balance_transactions"])
        before = stripe.calls["balance_transactions"]
        with db.transaction() as cx:
            saved = slices_store.latest(cx, link)
            assert saved is not None
            assert saved.status == "running"
            seen = sum(part.seen for part in slices_store.slices(cx, link, saved.id))
        assert 500 <= seen < 3000
        second = Heard()
        assert run(db, link, stripe, second, lists=["balance_transactions"]).phase == "complete"
        checks = 2 * 60
        assert stripe.calls["balance_transactions"] - before < 30 - seen // 100 + 40 + checks
    told = [*first.ids("BalanceTransaction"), *second.ids("BalanceTransaction")]
    assert sorted(told) == sorted(each["id"] for each in rows)


def test_a_cursor_whose_object_is_gone_goes_on_by_time(db, link) -> None:
    rows = [customer(n) | {"created": START + n} for n in range(450)]
    with Lister({"customers": rows}) as stripe:

        def remove(number: int, path: str) -> None:
            if path == "/v1/customers" and stripe.calls["customers"] == 3:
                for at in (250, 249, 150, 50):
                    stripe.lists["customers"].remove(f"cus_{at:06d}")

        stripe.trouble = remove
        heard = Heard()
        assert run(db, link, stripe, heard, lists=["customers"]).phase == "complete"
    assert {each["id"] for each in rows} - set(heard.ids("Other")) <= {
        f"cus_{at:06d}" for at in (250, 249, 150, 50)
    }


def test_only_one_process_runs_it(db, link) -> None:
    with Lister() as stripe, db.connect(autocommit=True) as other:
        assert slices_store.only_one(other, link)
        with pytest.raises(Refusal, match="another process"):
            run(db, link, stripe)


def test_what_a_list_gained_behind_us_is_found_by_the_second_look(db, link) -> None:
    with Lister({"charges": [charge(n, created=START + n) for n in range(150)]}) as stripe:
        late = charge(999, created=START + 500)

        def tie_in(number: int, path: str) -> None:
            if path == "/v1/events" and "charges" in stripe.lists:
                stripe.put("charges", [late])

        stripe.trouble = tie_in
        heard = Heard()
        outcome = run(db, link, stripe, heard)
    assert outcome.phase == "complete"
    assert late["id"] in heard.ids("Charge")


def test_events_missed_while_we_were_down_are_found(db, link) -> None:
    decode = msgspec.json.decode
    with Lister({"events": [decode(event(1, "customer.created", customer(1), created=NOW - 50))]}) as stripe:
        assert "before this account was connected" in run(db, link, stripe).verdict[0]
        stripe.put("events", [decode(event(2, "customer.created", customer(2), created=NOW - 40))])
        heard = Heard()
        outcome = run(db, link, stripe, heard)
    assert "1 had not arrived and were fetched" in outcome.verdict[0]
    assert heard.ids("Other") == ["cus_000002"]


def test_many_fetchers_share_one_long_list(db, link) -> None:
    """One list with all the work: it is cut up until every hand is busy."""
    inside, most, lock = set(), [0], threading.Lock()
    with Lister(
        {"balance_transactions": [transaction(n, created=START + n * 3000) for n in range(6000)]},
        latency=0.02,
    ) as stripe:

        def count(number: int, _path: str) -> None:
            with lock:
                inside.add(threading.get_ident())
                most[0] = max(most[0], len(inside))

        stripe.trouble = count
        heard = Heard()
        work = Backfill(
            db, link, stripe.reader(link), readers=[heard], tie_out=lambda: (), clock=lambda: NOW, fetchers=8
        )
        work.bring(since=START, lists=["balance_transactions"])
        with db.transaction() as cx:
            saved = slices_store.latest(cx, link)
            assert saved is not None
            parts = slices_store.slices(cx, link, saved.id)
    assert len(parts) >= 8
    assert holes(parts, since=START, until=NOW + 1) == []
    assert stripe.calls["balance_transactions"] < 60 * 1.6


# --- the plan, pure ---


@given(st.lists(st.tuples(st.integers(0, 99), st.booleans()), max_size=30))
def test_however_slices_are_cut_they_leave_no_hole(steps: list[tuple[int, bool]]) -> None:
    parts = plan(["charges"], since=0, until=1_000_000)
    for at, cut in steps:
        index = at % len(parts)
        part = parts[index]
        if cut and part.reached - part.since > 1:
            newer, older = split(part, number=len(parts))
            parts[index] = newer
            parts.append(older)
        else:
            reached = part.since + (part.reached - part.since) * at // 100
            parts[index] = after_page(
                part, first_id="a", last_id="b", reached=reached, count=100, has_more=True
            )
    assert holes(parts, since=0, until=1_000_000) == []


def test_a_hole_is_seen() -> None:
    left = Slice(list="charges", number=0, since=0, until=40, reached=40)
    right = Slice(list="charges", number=1, since=60, until=90, reached=90)
    assert holes([right, left], since=0, until=100) == [(40, 60), (90, 100)]


def test_what_is_left_follows_what_was_seen() -> None:
    part = Slice(list="charges", number=0, since=0, until=1000, reached=600, seen=800, pages=8)
    assert left_in(part) == pytest.approx(1200)
    assert left_in(after_page(part, first_id=None, last_id=None, reached=None, count=0, has_more=False)) == 0
