"""What the house does when Stripe refuses, is away, or lets only some of it be read: nothing is hidden, and the rest goes on."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from bookhand.cli import books_commands, connect_commands
from bookhand.cli.app import app
from bookhand.core.problems import BookhandError, Refusal
from bookhand.house import House
from bookhand.journal import opening_store
from bookhand.keeper import Keeper
from bookhand.settings import Settings
from bookhand.systems.connection import Connection
from bookhand.systems.stripe import MANIFEST, auth
from bookhand.systems.stripe.token_auth import KEY
from bookhand.wiring import open_house

SOURCE = Path(__file__).parents[2] / "src"
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def stripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The stand-in, with two months of a small company."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bookhand.sandbox.stripe", "--port", "0", "--world", "seed=4,months=2,customers=8"],
        cwd=tmp_path_factory.mktemp("stripe"), env={"PYTHONPATH": str(SOURCE), "PATH": ""}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def house(database_url: str, stripe: str, tmp_path: Path) -> Iterator[House]:
    settings = Settings(
        data_dir=tmp_path, books_dir=tmp_path / "books", database_url=database_url, stripe_base_url=stripe,
        public_url="https://books.example.com",
    )  # fmt: skip
    with open_house(settings) as house:
        yield house


def key_of(stripe: str, *, without: str = "") -> str:
    """A restricted key that may do all that is asked for, but for one resource."""
    ways = [need.permission.removeprefix("rak_").rpartition("_") for need in MANIFEST.needs]
    granted = {f"permissions[{resource}]": way for resource, _, way in ways if resource != without}
    return str(httpx.post(f"{stripe}/_pinstripe/keys", data=granted).json()["key"])


def connect(house: House, stripe: str, *, name: str = "Mine") -> Connection:
    fast = {"account": 400, "endpoint": 400}
    return auth.connect_with_key(
        house.db, house.secrets, key_of(stripe), name=name, base_url=stripe, limits=fast
    )


def hold(house: House, connection: Connection, key: str) -> None:
    """Let the connection have this key from now on."""
    with house.db.transaction() as cx:
        house.secrets.put(cx, connection.link, KEY, key)
    house._clients.clear()


def test_what_stripe_would_not_show_is_never_taken_for_an_opening_balance(house: House, stripe: str) -> None:
    connection = connect(house, stripe)
    since = int(time.time()) - 20 * 86_400
    hold(house, connection, key_of(stripe, without="balance_transaction_source"))
    with pytest.raises(Refusal, match="rak_balance_transaction_source_read"):
        house.backfill(connection, since=since)
    begun = house.unfinished(connection)
    assert begun is not None
    assert begun[0] == since
    hold(house, connection, key_of(stripe))
    goes_on = house.backfill(connection, since=0)
    assert goes_on.phase == "incomplete"
    assert any("The journal has" in sentence for sentence in goes_on.verdict)
    with house.db.transaction() as cx:
        assert opening_store.standing(cx, connection.link) == {}
    assert house.unfinished(connection) is None
    whole = house.backfill(connection, since=since)
    assert whole.phase == "complete", whole.verdict
    with house.db.transaction() as cx:
        assert {taken for taken, _ in opening_store.standing(cx, connection.link).values()} == {since}


def test_a_hole_between_two_histories_is_named_and_not_taken_for_an_opening_balance(
    house: House, stripe: str
) -> None:
    connection, now, day = connect(house, stripe), int(time.time()), 86_400
    assert house.backfill(connection, since=now - 10 * day).phase == "complete"
    holed = house.backfill(connection, since=now - 40 * day, until=now - 25 * day)
    assert holed.phase == "incomplete"
    [named] = [sentence for sentence in holed.verdict if "bookhand backfill --from" in sentence]
    with house.db.transaction() as cx:
        standing = opening_store.standing(cx, connection.link)
    assert {taken for taken, _ in standing.values()} == {now - 10 * day}
    filled = house.backfill(connection, since=now - 25 * day, until=now - 10 * day)
    assert filled.phase == "complete", (named, filled.verdict)
    with house.db.transaction() as cx:
        assert {taken for taken, _ in opening_store.standing(cx, connection.link).values()} == {
            now - 40 * day
        }


def test_one_account_out_of_reach_does_not_keep_the_others_from_their_proof(
    house: House, stripe: str
) -> None:
    lost = connect(house, stripe, name="lost")
    good = auth.connect_with_key(house.db, house.secrets, _live_key(stripe), name="good", base_url=stripe)
    key = key_of(stripe)
    with house.db.transaction() as cx:
        house.secrets.drop(cx, lost.link)
    house._clients.clear()
    keeper = Keeper(house, again_seconds=0)
    with pytest.raises(BookhandError, match="has no credential"):
        keeper.look()
    assert lost.id not in keeper.proofs
    assert good.id in keeper.proofs
    assert (house.book_folder("live") / "main.beancount").exists()
    hold(house, lost, key)
    keeper.look()  # nothing grew: what failed is tried again by itself
    assert keeper.proofs[lost.id]


def _live_key(stripe: str) -> str:
    accounts = httpx.get(f"{stripe}/_pinstripe").json()["accounts"]
    return str(next(iter(accounts.values()))["live"])


def test_serving_begins_though_stripe_is_away(house: House, stripe: str) -> None:
    connection = connect(house, stripe)
    with house.db.transaction() as cx:
        cx.execute(
            "update connection set settings = settings || jsonb_build_object('base_url', %s::text)",
            (NOWHERE,),
        )
    [told] = house.register_all()
    assert told.startswith(f"{connection.name}: its webhook endpoint was not looked after")


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch, house: House, stripe: str, tmp_path: Path) -> CliRunner:
    assert house.settings.database_url is not None
    monkeypatch.setenv("BOOKHAND_DATABASE_URL", house.settings.database_url.get_secret_value())
    monkeypatch.setenv("BOOKHAND_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("BOOKHAND_STRIPE_BASE_URL", stripe)
    return CliRunner()


def test_limits_given_at_connect_are_kept_and_a_name_in_brackets_is_a_name(
    house: House, stripe: str, outside: CliRunner
) -> None:
    assert connect_commands.limits_of([]) is None
    asked = ["connect", "stripe", "--key", key_of(stripe), "--limit", "account=200", "--name", "[/Acme]"]
    done = outside.invoke(app, asked)
    assert (done.exit_code, "Connected [/Acme]" in done.output) == (0, True), done.output
    assert house.named("[/Acme]").settings["limits"] == {"account": 200}
    left = outside.invoke(app, ["disconnect", "[/Acme]"])
    assert (left.exit_code, "Disconnected [/Acme]" in left.output) == (0, True), left.output


def test_a_chart_that_is_not_there_is_one_sentence(
    house: House, stripe: str, outside: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(house, stripe)
    assert books_commands.export.__doc__
    monkeypatch.setenv("BOOKHAND_ACCOUNTS_FILE", "nowhere.toml")
    assert isinstance(found := outside.invoke(app, ["export"]).exception, Refusal), found
    assert "accounts_file is nowhere.toml" in str(found)
