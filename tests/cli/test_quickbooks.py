"""Connecting QuickBooks from the command line through a running bookhand, and letting it go again."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bookhand.cli.quickbooks_commands import application_of
from bookhand.cli.running import Running
from bookhand.core.problems import Refusal
from bookhand.sandbox.outside.server import running as over_http
from bookhand.sandbox.quickbooks.limits import Rates
from bookhand.sandbox.quickbooks.person import come_back
from bookhand.sandbox.quickbooks.standin import SMALL_REALM, QuickBooks
from bookhand.settings import Settings
from bookhand.wiring import open_house

SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture
def stand_in() -> Iterator[tuple[QuickBooks, str]]:
    made = QuickBooks(rates=Rates(enabled=False))
    with over_http(made) as url:
        yield made, url


@pytest.fixture
def settings(database_url: str, tmp_path: Path, stand_in: tuple[QuickBooks, str]) -> Settings:
    qb, url = stand_in
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return Settings(
        data_dir=tmp_path, books_dir=tmp_path / "books", database_url=database_url, port=port, public_url=f"http://127.0.0.1:{port}",
        quickbooks_client_id=qb.app.client_id, quickbooks_client_secret=qb.app.client_secret, quickbooks_mode="test",
        quickbooks_base_url=url, quickbooks_discovery_url=f"{url}/.well-known/openid_configuration",
    )  # fmt: skip


def command(settings: Settings, *words: str) -> subprocess.Popen[str]:
    told = settings.model_dump(exclude_none=True, exclude_defaults=True)
    secret = {
        name: getattr(value, "get_secret_value", lambda value=value: value)() for name, value in told.items()
    }
    env = {f"BOOKHAND_{name.upper()}": str(value) for name, value in secret.items()}
    return subprocess.Popen(
        [sys.executable, "-m", "bookhand", *words], env={**env, "PYTHONPATH": str(SOURCE), "PATH": os.environ["PATH"], "COLUMNS": "400"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def test_somebody_signs_in_and_the_command_that_waited_says_so(
    settings: Settings, stand_in: tuple[QuickBooks, str]
) -> None:
    qb, _ = stand_in
    with open_house(settings) as house, Running(house):
        child = command(settings, "connect", "quickbooks", "--name", "Books", "--limit", "batch=20")
        assert child.stdout is not None
        said = ""
        while not (found := re.search(r"^http\S+$", said, re.MULTILINE)):
            line = child.stdout.readline()
            assert line, said
            said += line
        query = come_back(found[0], realm=SMALL_REALM)
        page = httpx.get(f"{settings.public_url}/oauth/quickbooks", params=query)
        assert (page.status_code, "The company is connected." in page.text) == (200, True), page.text
        assert "about 10 documents a second" in page.text
        told, _ = child.communicate(timeout=60)
        assert "Connected Books (USD, test mode)." in told
        [made] = house.every()
        assert (made.name, made.link.system, made.settings["limits"]) == (
            "Books",
            "quickbooks",
            {"batch": 20},
        )
        again = httpx.get(f"{settings.public_url}/oauth/quickbooks", params=query)
        assert (again.status_code, "The company was not connected." in again.text) == (400, True)
        child = command(settings, "disconnect", "Books")
        told, _ = child.communicate(timeout=60)
        assert told.startswith("Disconnected Books.")
        assert not qb.oauth.grants
        assert house.every()[0].status == "disconnected"


def test_what_is_not_set_is_named(settings: Settings) -> None:
    bare = settings.model_copy(update={"quickbooks_client_secret": None, "public_url": None})
    with pytest.raises(Refusal, match="needs BOOKHAND_QUICKBOOKS_CLIENT_SECRET: see"):
        application_of(bare)
    assert (
        application_of(settings.model_copy(update={"public_url": None})).redirect_uri
        == f"http://localhost:{settings.port}/oauth/quickbooks"
    )
