"""The stand-in NetSuite over real HTTP, a real database, and a connection made as a person makes one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.systems.netsuite.connecting import SIMPLE, Connected, connected

from bookhand.core.action import Action
from bookhand.core.book import BookLine, Document, DocumentKind
from bookhand.db.engine import Database
from bookhand.sandbox.netsuite.netsuite import NetSuite
from bookhand.sandbox.outside.server import serve
from bookhand.sandbox.serving import bound
from bookhand.systems.netsuite.actions import ACTIONS
from bookhand.workspace.secrets_store import Secrets

BY_NAME: dict[str, Action] = {action.name: action for action in ACTIONS}
ENTRY, DEPOSIT = BY_NAME["netsuite.journal_entries.create"], BY_NAME["netsuite.deposits.create"]


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, Any]]:
    idle = NetSuite()
    with bound("127.0.0.1", 0) as sock:
        server = serve(idle)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        yield f"http://127.0.0.1:{sock.getsockname()[1]}", server.config.app
        server.should_exit = True
        thread.join(timeout=10)
    idle.close()


@pytest.fixture
def netsuite() -> Iterator[NetSuite]:
    made = NetSuite()
    yield made
    made.close()


@pytest.fixture
def url(netsuite: NetSuite, server: tuple[str, Any]) -> Iterator[str]:
    address, app = server
    idle, app.stand_in = app.stand_in, netsuite
    yield address
    app.stand_in = idle


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path)


@pytest.fixture
def books(url: str, db: Database, secrets: Secrets) -> Iterator[Connected]:
    """The account with one company and one currency."""
    with connected(url, db, secrets, account=SIMPLE) as found:
        yield found


@pytest.fixture
def entry(netsuite: NetSuite) -> Callable[..., Document]:
    """A document on the simple account's chart: ``entry("txn_1", 9680, 320, -10000)``."""
    chart = netsuite.accounts["1002-sb1"].company

    def make(
        key: str = "acct_1:test:txn_1",
        *minors: int,
        day: str = "2026-11-20",
        kind: DocumentKind = "journal_entry",
        numbers: str = "",
    ) -> Document:
        amounts = minors or (9680, 320, -10000)
        on = (numbers or ("1000 6010 1095" if kind == "deposit" else "1095 6010 4000")).split()
        lines = [
            BookLine(
                chart.by_number(on[at % len(on)]).id,
                minor,
                f"line {at}" if at or kind == "journal_entry" else "",
            )
            for at, minor in enumerate(amounts)
        ]
        return Document(key=key, kind=kind, day=day, currency="USD", memo="Charge ch_1", lines=tuple(lines))

    return make
