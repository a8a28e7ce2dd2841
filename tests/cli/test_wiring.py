"""How the rooms are joined: who may speak through an endpoint, and which book a mode has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bookhand import settings
from bookhand.core.facts import Link
from bookhand.core.problems import Refusal
from bookhand.db.engine import Database
from bookhand.house import House
from bookhand.journal.proof import Proof
from bookhand.keeper import Keeper
from bookhand.systems.connection import Connection
from bookhand.systems.stripe.webhook_client import SECRET
from bookhand.wiring import READERS, open_house
from bookhand.workspace.secrets_store import Secrets


@pytest.fixture
def house(db: Database, tmp_path: Path) -> House:
    return House(
        settings.read(data_dir=tmp_path, books_dir=tmp_path / "books"), db, Secrets(tmp_path), READERS
    )


def test_only_its_own_account_may_speak_through_an_endpoint(
    house: House, new_link: Callable[..., Link]
) -> None:
    mine, other = new_link(account="acct_1Mine"), new_link(account="acct_2Other")
    with house.db.transaction() as cx:
        cx.execute("update connection set auth = 'platform'")
        for link, secret in ((mine, "whsec_mine"), (other, "whsec_other")):
            house.secrets.put(cx, link, SECRET, secret)
    endpoint = house.endpoint(mine.connection_id)
    assert endpoint is not None
    assert endpoint.secrets == ("whsec_mine",)
    assert endpoint.links == {None: mine, "acct_1Mine": mine}
    assert house.endpoint(999) is None


def test_a_disconnected_account_may_not_speak_at_all(house: House, link: Link) -> None:
    with house.db.transaction() as cx:
        cx.execute("update connection set status = 'disconnected'")
    assert house.endpoint(link.connection_id) is None
    assert house.active() == []


def test_every_mode_has_a_book_of_its_own(house: House, new_link: Callable[..., Link]) -> None:
    new_link(account="acct_1Mine", mode="live")
    new_link(account="acct_1Mine", mode="test")
    told = house.mirror()
    books = house.settings.books_dir
    assert [line.split(":")[0] for line in told] == [str(books), str(books / "test")]
    assert (books / "main.beancount").exists()
    assert (books / "test" / "main.beancount").exists()


def test_a_connection_is_named_or_the_only_one(house: House, new_link: Callable[..., Link]) -> None:
    with pytest.raises(Refusal, match="connect stripe"):
        house.named(None)
    first = new_link(account="acct_1Mine")
    assert house.named(None).link == first
    new_link(account="acct_2Other")
    with pytest.raises(Refusal, match="'acct_1Mine test', 'acct_2Other test'"):
        house.named(None)
    assert house.named("acct_1Mine test").link == first


def test_oauth_names_what_is_not_set(house: House) -> None:
    with pytest.raises(
        Refusal, match="BOOKHAND_STRIPE_CLIENT_ID, BOOKHAND_STRIPE_DEVELOPER_KEY, BOOKHAND_PUBLIC_URL"
    ):
        house.application("app")


def test_the_settings_reach_the_journal(database_url: str, tmp_path: Path) -> None:
    found = settings.read(
        data_dir=tmp_path, database_url=database_url, timezone="Asia/Tokyo", late_facts="ask"
    )
    with open_house(found) as house, house.db.transaction() as cx:
        assert cx.execute("select timezone, late from journal_setting").fetchall() == [("Asia/Tokyo", "ask")]


def test_a_check_looks_through_everything_for_what_is_kept_of_it(house: House, link: Link) -> None:
    assert house.check(house.named(None)).holds
    with house.db.transaction() as cx:
        cx.execute(
            "insert into payout_candidate values (1, %s, 'USD', 1, 'txn_stray')", (link.connection_id,)
        )
    report = house.check(house.named(None))
    assert not report.holds
    assert (
        "txn_stray went out with a payout, and is kept as a candidate of payouts made by hand."
        in report.sentences
    )


def test_the_keeper_names_what_is_behind_a_gap_but_not_at_every_look(house: House, link: Link) -> None:
    asked: list[bool] = []

    class Off(House):
        """A house whose journal is a cent short."""

        def prove(self, connection: Connection, *, name_gaps: bool = False) -> list[Proof]:
            asked.append(name_gaps)
            figures = {"clearing": 4, "stripe_balance": 5, "off_by": -1, "unmatched": 4, "suspense": 0}
            return [Proof(link=connection.link, currency="USD", as_of=0, reason="", **figures)]

    keeper = Keeper(Off(house.settings, house.db, house.secrets, READERS), again_seconds=0)
    keeper.look()
    keeper.look()
    assert asked == [False, True, False]


def test_a_schedule_fires_with_the_role_of_its_owner_now_and_not_for_somebody_who_is_gone(
    db: Database,
) -> None:
    from datetime import UTC, datetime

    from bookhand.runs.run import Owner
    from bookhand.runs.schedule import Schedule
    from bookhand.wiring import schedule_owner
    from bookhand.workspace.people import store as people

    now = datetime.now(UTC)
    with db.transaction() as cx:
        person = people.add(cx, email="ada@example.com", name="Ada", role="viewer", now=now)
        schedule = Schedule(
            id=1, name="x", template="ask", cron="* * * * *", timezone="UTC", inputs={}, prompt=None, connection_id=None,
            owner=Owner(who=person.who, name="Ada", role="owner"), enabled=True, next_at=now, last_at=None, last_run=None,
        )  # fmt: skip
        found = schedule_owner(cx, schedule)
        assert found is not None
        assert (found[0].role, sorted(found[0].can)) == ("viewer", ["read"])
        cx.execute("update person set disabled_at = now()")
        assert schedule_owner(cx, schedule) is None
        cx.execute("delete from person")
        assert schedule_owner(cx, schedule) is None
