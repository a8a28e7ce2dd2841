"""The seeded company, a year in small: its journal in a Beancount book by each method, in both directions the same to the cent."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.actions.conftest import OWNER
from tests.journal.shapes import seen
from tests.journal.test_company import Company

from bookhand.actions.catalogue import Catalogue
from bookhand.actions.kit import Kit
from bookhand.actions.own import OWN_ACTIONS
from bookhand.actions.own_store import OWN
from bookhand.actions.workflow import Door
from bookhand.books.actions import BOOK_ACTIONS
from bookhand.books.kit import BookKit
from bookhand.books.room_workflow import BookRoom
from bookhand.journal import store as journal
from bookhand.journal.workflow import read
from bookhand.sandbox.stripe.engine import DEFAULT_ACCOUNT
from bookhand.sandbox.world.world import EUROPE, World
from bookhand.systems.beancount.acting_client import BeancountBooks
from bookhand.systems.beancount.actions import ACTIONS
from bookhand.systems.beancount.auth import connect_folder
from bookhand.systems.beancount.client import bean_check


@pytest.fixture(scope="module")
def facts():
    engine = World(seed=3, months=2, customers=12).create()
    yield {account: seen(Company(engine, account).facts()) for account in (DEFAULT_ACCOUNT, EUROPE)}
    engine.close()


@pytest.mark.parametrize("method", ["clearing", "deposit", "daily_summary"])
def test_the_company_in_a_book(db, new_link, facts, tmp_path, method):
    links = [new_link(account=account) for account in facts]
    for link, told in zip(links, facts.values(), strict=True):
        with db.transaction() as cx:
            read(cx, link, told)
    connection = connect_folder(db, tmp_path / "book", mode="test")
    books = BeancountBooks(db)
    door = Door(
        Kit(
            db=db,
            catalogue=Catalogue((*ACTIONS, *OWN_ACTIONS, *BOOK_ACTIONS)),
            performers={"beancount": books},
            own=OWN,
        )
    )
    room = BookRoom(BookKit(db=db, door=door, books={"beancount": books}))
    shown = room.setups.propose(OWNER, connection.link, method=method)
    assert shown.unmapped == []
    assert shown.sample, "a real payout is shown"
    room.setups.agree(OWNER, connection.link, shown.choice(), "We looked at it.")
    done = room.mirrors.mirror(connection.link)
    assert done.refused == []
    found = room.compares.compare(OWNER, connection.link)
    assert [each.says for each in found.comparison.breaks] == []
    assert found.unexplained == {}
    assert bean_check(tmp_path / "book" / "main.beancount") == []
    if method != "deposit":
        assert done.coverage.waiting == []
        return
    with db.transaction() as cx:
        clearing = Counter[str]()
        for link in links:
            for (account, currency), minor in journal.balances(cx, link).items():
                clearing[currency] += minor if account == "stripe_clearing:payments" else 0
    held = Counter[str]()
    for each in books.postings(
        connection.link, ["Assets:Stripe:Clearing"], since="2000-01-01", until="2999-12-31"
    ):
        held[each.currency] += each.minor
    waits = Counter[str]()
    for (_, currency), (_, minor) in done.coverage.waits().items():
        waits[currency] += minor
    assert {cur: held[cur] + waits[cur] for cur in clearing} == dict(clearing), (
        "book and what waits are the clearing balance"
    )
    assert {cause for cause, _ in done.coverage.waits()} == {"payout"}
    assert held == {"USD": 0}, "what was paid out left nothing on clearing"
