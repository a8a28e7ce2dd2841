"""Plaid over HTTP: the loop of transactions/sync, what is told anew or taken back, and a bank that wants a new sign-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bookhand.core.problems import Outage, Refusal
from bookhand.db.engine import Database
from bookhand.sandbox.bank.files import render
from bookhand.sandbox.bank.lines import BankAccount, BankLine
from bookhand.sandbox.outside.server import running
from bookhand.sandbox.plaid.items import Item
from bookhand.sandbox.plaid.standin import Plaid
from bookhand.systems import store as connections
from bookhand.systems.bank import checks, store
from bookhand.systems.bank.intake_workflow import Intake
from bookhand.systems.bank.plaid import link_auth
from bookhand.systems.bank.plaid.api_client import Application, Parted, PlaidClient
from bookhand.systems.bank.plaid.sync_workflow import Feed, Synced
from bookhand.systems.connection import Connection
from bookhand.workspace.secrets_store import Secrets
from bookhand.workspace.store import open_problems


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Plaid, str]]:
    stand_in = Plaid()
    with running(stand_in) as url:
        yield stand_in, url


@pytest.fixture
def plaid(served) -> Iterator[PlaidClient]:
    served[0].faults.clear()
    client = PlaidClient(Application(client_id="client", secret="sandbox", base_url=served[1]))
    yield client
    client.close()


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path)


class Bank(NamedTuple):
    """A connected Item, and the stand-in's side of it."""

    connection: Connection
    item: Item
    db: Database

    def lines(self, *, superseded: bool = False) -> list[tuple[str, int, str]]:
        with self.db.transaction() as cx:
            found = store.lines(cx, superseded=superseded)
        return [(each.line.day, each.line.minor, each.line.key) for each in reversed(found)]

    def problems(self) -> list[str]:
        with self.db.transaction() as cx:
            return [each.problem.kind for each in open_problems(cx)]

    def status(self) -> tuple[str, str | None]:
        with self.db.transaction() as cx:
            found = connections.get(cx, self.connection.id)
        return found.status, found.status_reason


@pytest.fixture
def bank(db, secrets, plaid, served) -> Bank:
    public = plaid.post(
        "/sandbox/public_token/create", {"institution_id": "ins_109508", "initial_products": ["transactions"]}
    )
    made = link_auth.connect(db, secrets, plaid, public["public_token"])
    item = next(each for each in served[0].items.values() if each.id == made.link.account)
    return Bank(made, item, db)


@pytest.fixture
def feed(db, secrets, plaid) -> Feed:
    return Feed(db, secrets, plaid, page=3)


def sync(feed: Feed, bank: Bank) -> tuple[int, int, int]:
    with bank.db.transaction() as cx:
        found: Synced = feed.sync(connections.get(cx, bank.connection.id))
    return found.added, found.changed, found.removed


def test_an_item_is_a_connection_with_its_accounts(bank, db, plaid) -> None:
    link = bank.connection.link
    assert (link.system, link.mode, bank.connection.auth, bank.connection.livemode) == (
        "bank",
        "test",
        "plaid",
        False,
    )
    with db.transaction() as cx:
        assert [each.currency for each in store.accounts(cx)] == ["USD", "EUR"]
    assert link_auth.link_token(plaid, user="w1").startswith("link-")


def test_money_that_comes_in_is_positive_and_every_page_is_read(bank, feed) -> None:
    assert sync(feed, bank) == (0, 0, 0)  # right after the sign-in there is nothing yet
    for number in range(8):
        bank.item.post(amount=f"-{number + 1}.10", date="2026-11-02", name="STRIPE TRANSFER")
    bank.item.post(amount="0.3", date="2026-11-03", name="FEE", account=1)
    assert sync(feed, bank) == (9, 0, 0)
    assert sorted(minor for _, minor, _ in bank.lines()) == [-30, 110, 210, 310, 410, 510, 610, 710, 810]
    assert sync(feed, bank) == (0, 0, 0)


def test_a_listing_that_changed_begins_again_and_keeps_the_cursor_for_its_end(bank, feed, served) -> None:
    for number in range(7):
        bank.item.post(amount=f"-{number + 1}", date="2026-11-02", name="A")
    served[0].control("mutate", {"times": 2})
    assert sync(feed, bank) == (7, 0, 0)
    served[0].faults.add("mutation", times=None)
    for _ in range(4):
        bank.item.post(amount="-9", date="2026-11-04", name="B")
    with pytest.raises(Outage, match="changed"):
        sync(feed, bank)
    assert len(bank.lines()) == 7  # nothing of a listing that did not end
    served[0].faults.clear()
    assert sync(feed, bank) == (4, 0, 0)


def test_a_listing_that_goes_round_in_a_circle_ends(bank, feed, served, monkeypatch) -> None:
    for number in range(9):
        bank.item.post(amount=f"-{number + 1}", date="2026-11-02", name="A")
    whole = served[0]._sync

    def circle(item: Item, body: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = whole(item, body)
        again = {**body, "cursor": None}
        return {**found, "next_cursor": whole(item, again)["next_cursor"], "has_more": True}

    monkeypatch.setattr(served[0], "_sync", circle)  # what Plaid may do is the stand-in's to show
    with pytest.raises(Outage, match="gave before"):
        sync(feed, bank)
    assert bank.lines() == []
    monkeypatch.undo()
    assert sync(feed, bank) == (9, 0, 0)


def test_pending_ones_are_no_lines_until_they_are_posted(bank, feed) -> None:
    pending = bank.item.post(amount="-50", date="2026-11-02", name="STRIPE", pending=True)
    assert sync(feed, bank) == (0, 0, 0)
    bank.item.settle(pending["transaction_id"], amount="-50.01", date="2026-11-03")
    assert sync(feed, bank) == (1, 0, 0)
    [(day, minor, _)] = bank.lines()
    assert (day, minor) == ("2026-11-03", 5001)
    with bank.db.transaction() as cx:
        assert pending["transaction_id"] in store.lines(cx)[0].line.references
    assert bank.problems() == []


def test_what_is_taken_back_or_told_anew_stays_and_counts_no_more(bank, feed) -> None:
    first = bank.item.post(amount="-10", date="2026-11-02", name="A")["transaction_id"]
    second = bank.item.post(amount="-20", date="2026-11-02", name="B")["transaction_id"]
    sync(feed, bank)
    bank.item.remove(first)
    bank.item.modify(second, amount="-21")
    assert sync(feed, bank) == (0, 1, 1)
    assert bank.lines() == [("2026-11-02", 2100, f"{second}~2")]
    assert sorted(minor for _, minor, _ in bank.lines(superseded=True)) == [1000, 2000, 2100]
    assert bank.problems() == [checks.CHANGED, checks.CHANGED]
    bank.item.modify(second, amount="-20")
    assert sync(feed, bank) == (0, 1, 0)
    assert bank.lines() == [("2026-11-02", 2000, f"{second}~3")]


def test_a_change_of_what_was_not_matched_is_no_problem(bank, db, secrets, plaid) -> None:
    feed = Feed(db, secrets, plaid, is_matched=lambda *_: False)
    first = bank.item.post(amount="-10", date="2026-11-02", name="A")["transaction_id"]
    sync(feed, bank)
    bank.item.modify(first, original_description="A, LATER")
    assert sync(feed, bank) == (0, 1, 0)
    bank.item.remove(first)
    assert sync(feed, bank) == (0, 0, 1)
    assert (bank.lines(), bank.problems()) == ([], [])


def test_a_matched_line_that_is_told_in_other_words_alone_stays(bank, feed) -> None:
    first = bank.item.post(amount="-10", date="2026-11-02", name="A")["transaction_id"]
    sync(feed, bank)
    for _ in range(2):  # told again, it is kept once
        bank.item.modify(first, original_description="A, LATER")
        sync(feed, bank)
    assert bank.lines() == [("2026-11-02", 1000, first)]
    with bank.db.transaction() as cx:
        told = [(each.line.description, each.superseded) for each in store.lines(cx, superseded=True)]
    assert [words for words, _ in told] == ["A, LATER", "A"]
    assert told[1][1] is None
    assert "in these words now" in str(told[0][1])
    assert bank.problems() == []
    bank.item.modify(first, original_description="A, LATER", amount="-11")
    assert sync(feed, bank) == (0, 1, 0)
    assert bank.lines() == [("2026-11-02", 1100, f"{first}~3")]
    assert bank.problems() == [checks.CHANGED]


@pytest.mark.parametrize("changed", [{"date": "2026-11-03"}, {"amount": "-11"}, {"iso_currency_code": "EUR"}])
def test_a_matched_line_that_moves_other_money_is_replaced(bank, feed, changed) -> None:
    first = bank.item.post(amount="-10", date="2026-11-02", name="A")["transaction_id"]
    sync(feed, bank)
    bank.item.modify(first, **changed)
    assert sync(feed, bank) == (0, 1, 0)
    assert [key for _, _, key in bank.lines()] == [f"{first}~2"]
    assert bank.problems() == [checks.CHANGED]


def test_a_bank_that_wants_a_new_sign_in_disconnects_with_the_reason(
    bank, feed, served, secrets, plaid, db
) -> None:
    bank.item.post(amount="-10", date="2026-11-02", name="A")
    served[0].control("reset_login", {"item": bank.item.id})
    with pytest.raises(Parted, match="ITEM_LOGIN_REQUIRED"):
        sync(feed, bank)
    status, reason = bank.status()
    assert status == "disconnected"
    assert "ITEM_LOGIN_REQUIRED" in (reason or "")
    with pytest.raises(Refusal, match="Connect it again"):
        sync(feed, bank)
    served[0].control("repair", {"item": bank.item.id})
    with db.transaction() as cx:
        connections.set_status(cx, bank.connection.id, "active")
    assert sync(feed, bank) == (1, 0, 0)


@pytest.mark.parametrize("kind", ["429", "500", "cut_before", "cut_after"])
def test_trouble_on_the_way_changes_nothing_and_passes(bank, feed, served, kind) -> None:
    bank.item.post(amount="-10", date="2026-11-02", name="A")
    served[0].faults.add(kind, path="/transactions/sync")
    with pytest.raises(Outage):
        sync(feed, bank)
    assert bank.lines() == []
    assert bank.status()[0] == "active"
    assert sync(feed, bank) == (1, 0, 0)


def test_letting_go_takes_the_item_away(bank, db, secrets, plaid, served, feed) -> None:
    assert link_auth.part(db, secrets, plaid, bank.connection) == []
    assert bank.item.access_token not in served[0].items
    with pytest.raises(Refusal):
        sync(feed, bank)


def test_keys_that_plaid_does_not_know_are_refused_without_being_told(served, db, secrets) -> None:
    client = PlaidClient(Application(client_id="client", secret="wrong-secret-1234", base_url=served[1]))
    with pytest.raises(Refusal, match="INVALID_API_KEYS") as caught:
        link_auth.connect(db, secrets, client, "public-x")
    assert "wrong-secret" not in str(caught.value)
    assert "wrong-secret" not in repr(Application(client_id="c", secret="wrong-secret-1234"))


def test_a_listing_that_another_process_overtook_is_dropped(bank, db, secrets, served, feed) -> None:
    first = bank.item.post(amount="-10", date="2026-11-02", name="A")["transaction_id"]

    class Late(PlaidClient):
        """Reads its listing; then the bank changes its mind, and another process reads and keeps that, before this one does."""

        def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
            answer = super().post(path, body)
            bank.item.modify(first, amount="-11")
            sync(feed, bank)
            return answer

    late = Late(Application(client_id="client", secret="sandbox", base_url=served[1]))
    assert sync(Feed(db, secrets, late), bank) == (0, 0, 0)
    assert [minor for _, minor, _ in bank.lines(superseded=True)] == [1100]
    late.close()


def test_two_at_once_keep_it_once(bank, feed) -> None:
    from concurrent.futures import ThreadPoolExecutor

    for number in range(5):
        bank.item.post(amount=f"-{number + 1}", date="2026-11-02", name="A")
    with ThreadPoolExecutor(3) as pool:
        found: list[Any] = list(pool.map(lambda _: sync(feed, bank)[0], range(3)))
    assert sum(found) == 5
    assert len(bank.lines(superseded=True)) == 5


def test_an_account_that_files_tell_too_is_a_problem(bank, feed) -> None:
    for day in range(1, 7):
        bank.item.post(amount=f"-{day}0", date=f"2026-11-0{day}", name="A")
    lines = tuple(
        BankLine(id=f"T{day}", day=f"2026-11-0{day}", minor=1_000 * day, description="A")
        for day in range(1, 7)
    )
    Intake(bank.db, mode=bank.connection.link.mode).take(
        render(BankAccount(number="77", currency="USD", lines=lines), "camt053"),
        name="nov.xml",
        by="person:1",
    )
    sync(feed, bank)
    assert bank.problems() == ["bank_account_twice"]
