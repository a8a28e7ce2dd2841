"""A manual payout of which a person has said what is in it, over the real path: stand-in Stripe, journal, a book by deposits."""

from __future__ import annotations

import pytest
from tests.contract.books.conftest import OWNER, room
from tests.contract.books.shelf import Beancount
from tests.workflows.payouts.conftest import open_shop, shop

from bookhand.books import reading_store
from bookhand.workflows.payouts.contents import solving_store
from bookhand.workflows.payouts.payout_store import get

__all__ = ["open_shop", "room", "shop"]


@pytest.fixture
def shelf(db, tmp_path):
    return Beancount(db, tmp_path / "book")


def _deposits(shelf, made):
    posted = shelf.books.documents(shelf.connection.link, since="2025-01-01", until="2026-12-31")
    return [each for each in posted if made in each.key]


def test_a_confirmed_manual_payout_is_one_deposit_and_no_guess_ever_is(db, link, shop, shelf, room):
    book = shelf.connection.link
    shop.manual()
    for amount in (10_000, 4_000):
        shop.pay(amount)
    shop.wait(4)
    free = shop.get("/v1/balance")["available"][0]["amount"]
    made = shop.post("/v1/payouts", amount=free, currency="usd")["id"]
    shop.sync()
    shown = room.setups.propose(OWNER, book, method="deposit", chosen=shelf.chosen)
    room.setups.agree(OWNER, book, shown.choice(), "We looked at it.")
    with db.transaction() as cx:
        solving_store.solve_due(cx, link)
        found = solving_store.proposed(cx, link, made)
        assert found is not None
        assert (found.outcome, len(found.members)) == ("unique", 2)
        assert reading_store.latest_payout(cx, link) is None
    before = room.mirrors.mirror(book)
    assert before.written == 0, "the only solution is still no fact"
    assert {(each.cause, each.subject) for each in before.coverage.waiting} >= {("breakdown", made)}
    with db.transaction() as cx:
        solving_store.confirm(cx, link, OWNER, get(cx, made), found.members)
        shown_payout = reading_store.latest_payout(cx, link)
    assert shown_payout is not None
    assert made in shown_payout[1].whole
    after = room.mirrors.mirror(book)
    assert after.coverage.waiting == []
    (deposit,) = _deposits(shelf, made)
    assert deposit.kind == "deposit"
    assert deposit.lines[0].minor == free
    assert shelf.accounts["clearing"] not in {line.account for line in deposit.lines}
    compared = room.compares.compare(OWNER, book)
    assert compared.equal
    assert [each.says for each in compared.comparison.breaks] == []


def test_what_stripe_lists_elsewhere_since_takes_a_persons_word_apart(db, link, shop, shelf, room):
    book = shelf.connection.link
    shop.manual()
    for amount in (10_000, 4_000):
        shop.pay(amount)
    shop.wait(4)
    free = shop.get("/v1/balance")["available"][0]["amount"]
    made = shop.post("/v1/payouts", amount=free, currency="usd")["id"]
    shop.sync()
    shown = room.setups.propose(OWNER, book, method="deposit", chosen=shelf.chosen)
    room.setups.agree(OWNER, book, shown.choice(), "We looked at it.")
    with db.transaction() as cx:
        solving_store.solve_due(cx, link)
        found = solving_store.proposed(cx, link, made)
        assert found is not None
        solving_store.confirm(cx, link, OWNER, get(cx, made), found.members)
        cx.execute(
            "insert into journal_member (workspace_id, connection_id, balance_transaction, payout) values (%s, %s, %s, 'po_other')",
            (link.workspace_id, link.connection_id, found.members[0]),
        )
    done = room.mirrors.mirror(book)
    assert _deposits(shelf, made) == []
    assert "comes to" in " ".join(each.why for each in done.coverage.waiting if each.subject == made)
