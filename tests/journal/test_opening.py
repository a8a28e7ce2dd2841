"""What lay at Stripe before the history begins is entered once, said to be taken from Stripe, and replaced by longer history."""

from __future__ import annotations

from bookhand.core.facts import BalanceTransaction, Link, OpeningBalance, Seen
from bookhand.db.engine import Database
from bookhand.inbox.delivery import Opened, open_delivery, opening
from bookhand.journal import opening_store, store, workflow
from bookhand.journal.opening import openings

MARCH, JANUARY = 1_772_323_200, 1_767_225_600
USD = ("USD", "payments")


def _sale(key: str, at: int, net: int) -> BalanceTransaction:
    return BalanceTransaction(
        id=key, created=at, available_on=at, type="charge", reporting_category="charge", balance_type="payments", currency="USD",
        amount=net, fee=0, net=net, source=None,
    )  # fmt: skip


def _read(db: Database, link: Link, *facts: BalanceTransaction | OpeningBalance) -> None:
    with db.transaction() as cx:
        problems = workflow.read(
            cx, link, [Seen(fact=fact, delivery=1, as_of=MARCH, told_by="listed") for fact in facts]
        )
    assert problems == []


def _open(
    db: Database, link: Link, stripe: dict[tuple[str, str], int], since: int, *, older: bool = True
) -> list[OpeningBalance]:
    with db.transaction() as cx:
        return openings(
            stripe=stripe,
            moved=opening_store.moved(cx, link),
            since=since,
            before=opening_store.standing(cx, link),
            older=older,
        )


def _clearing(db: Database, link: Link) -> int:
    with db.transaction() as cx:
        return store.balances(cx, link)["stripe_clearing:payments", "USD"]


def test_the_difference_at_the_first_tie_out_is_the_opening_balance(db: Database, link: Link) -> None:
    _read(db, link, _sale("txn_2", MARCH + 5, 700))
    [found] = _open(db, link, {USD: 1200}, MARCH)
    assert (found.minor, found.replaces) == (500, None)
    _read(db, link, found)
    _read(db, link, found)
    assert _clearing(db, link) == 1200


def test_it_is_never_taken_again_for_the_same_history(db: Database, link: Link) -> None:
    _read(db, link, _sale("txn_2", MARCH + 5, 700))
    _read(db, link, *_open(db, link, {USD: 1200}, MARCH))
    assert _open(db, link, {USD: 1201}, MARCH) == []
    assert _open(db, link, {USD: 1201, ("EUR", "payments"): 4}, MARCH) == []


def test_a_longer_history_replaces_it(db: Database, link: Link) -> None:
    _read(db, link, _sale("txn_2", MARCH + 5, 700))
    _read(db, link, *_open(db, link, {USD: 1200}, MARCH))
    _read(db, link, _sale("txn_1", JANUARY + 5, 450))
    [longer] = _open(db, link, {USD: 1200}, JANUARY)
    assert (longer.minor, longer.replaces) == (50, (MARCH, 500))
    _read(db, link, longer)
    assert _clearing(db, link) == 1200
    with db.transaction() as cx:
        assert opening_store.standing(cx, link) == {USD: (JANUARY, 50)}


def test_a_whole_history_leaves_no_opening_balance(db: Database, link: Link) -> None:
    _read(db, link, _sale("txn_2", MARCH + 5, 700))
    _read(db, link, *_open(db, link, {USD: 1200}, MARCH))
    _read(db, link, _sale("txn_1", JANUARY, 500))
    _read(db, link, *_open(db, link, {USD: 1200}, JANUARY, older=False))
    assert _clearing(db, link) == 1200
    with db.transaction() as cx:
        assert store.balances(cx, link).get(("opening_balances", "USD"), 0) == 0


def test_a_replay_hears_it_again() -> None:
    said = OpeningBalance(
        since=MARCH, currency="USD", balance_type="payments", minor=500, replaces=(MARCH + 9, 4)
    )
    read = open_delivery(7, opening(said, as_of=MARCH), api_version="2026-10-28.endive")
    assert isinstance(read, Opened)
    assert [(seen.fact, seen.delivery) for seen in read.facts] == [(said, 7)]


def test_a_whole_history_that_does_not_tie_out_hides_nothing(db: Database, link: Link) -> None:
    _read(db, link, _sale("txn_1", JANUARY, 500))
    assert _open(db, link, {USD: 777}, JANUARY, older=False) == []
