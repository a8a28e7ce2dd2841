"""Signing in by OAuth through a running bookhand: from the printed address over Stripe's consent page and back, to a proof."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import httpx
import pytest

from bookhand.cli.running import Running
from bookhand.house import House
from bookhand.settings import Settings
from bookhand.systems.connection import Connection
from bookhand.systems.stripe import oauth_auth
from bookhand.wiring import open_house

SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture(scope="module")
def stripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The stand-in, with a small platform and its connected accounts."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bookhand.sandbox.stripe", "--port", "0", "--world", "seed=6,months=1,customers=6"],
        cwd=tmp_path_factory.mktemp("stripe"), env={"PYTHONPATH": str(SOURCE), "PATH": ""}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.kill()
        process.wait()


@pytest.fixture(params=["app", "connect"])
def kind(request: pytest.FixtureRequest) -> Literal["app", "connect"]:
    return "app" if request.param == "app" else "connect"


@pytest.fixture
def running(
    database_url: str, stripe: str, tmp_path: Path, kind: Literal["app", "connect"]
) -> Iterator[Running]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    public = f"http://127.0.0.1:{port}"
    asked = {"name": "Books", "kind": kind, "redirect_uris[]": f"{public}/oauth/stripe/{kind}"}
    client = httpx.post(f"{stripe}/_pinstripe/applications", data=asked).json()["id"]
    accounts = httpx.get(f"{stripe}/_pinstripe").json()["accounts"]
    settings = Settings(
        data_dir=tmp_path, books_dir=tmp_path / "books", database_url=database_url, port=port, public_url=public,
        stripe_base_url=stripe, stripe_connect_url=stripe, stripe_marketplace_url=stripe, stripe_client_id=client,
        stripe_developer_key=next(iter(accounts.values()))["test"],
    )  # fmt: skip
    with open_house(settings) as house, Running(house) as running:
        yield running


def say(decision: str, address: str) -> httpx.Response:
    """Press a button on the consent page, and follow where Stripe sends us."""
    page = httpx.get(address).text
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    chosen = re.search(r'name="account" value="(acct_\w+)"', page)
    assert chosen is not None, page
    return httpx.post(
        f"{httpx.URL(address).copy_with(path='/oauth/authorize', query=None)}",
        data={**fields, "account": chosen[1], "decision": decision},
        follow_redirects=True,
    )


def only(house: House) -> Connection:
    [connection] = house.every()
    return connection


def test_a_person_signs_in_and_the_books_of_the_account_prove_themselves(
    running: Running, kind: Literal["app", "connect"]
) -> None:
    house = running.house
    address = oauth_auth.start_oauth(house.db, house.application(kind), name="Theirs")
    back = say("allow", address)
    assert back.status_code == 200, back.text
    assert "The account is connected." in back.text
    connection = only(house)
    assert (connection.name, connection.status, connection.link.mode) == ("Theirs", "active", "test")
    assert connection.settings["webhook_endpoint"]
    assert house.backfill(connection, since=int(time.time()) - 90 * 86_400).phase == "complete"
    again = httpx.get(str(back.url))
    assert (again.status_code, "start again" in again.text) == (400, True)  # its code is not exchanged twice
    assert only(house).status == "active"
    assert all(each.holds for each in house.prove(connection))


def test_who_says_no_connects_nothing(running: Running, kind: Literal["app", "connect"]) -> None:
    house = running.house
    back = say("deny", oauth_auth.start_oauth(house.db, house.application(kind)))
    assert (back.status_code, "not connected" in back.text) == (400, True), back.text
    assert house.every() == []
