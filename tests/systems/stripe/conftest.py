"""The stand-in Stripe over real HTTP, for the tests of what talks to it."""

from __future__ import annotations

import threading
import time

import pytest

from bookhand.core.facts import Link
from bookhand.sandbox.serving import bound
from bookhand.sandbox.stripe.engine import DEFAULT_ACCOUNT, Pinstripe
from bookhand.sandbox.stripe.server import serve
from bookhand.systems.client import Gate, LocalLeaser
from bookhand.systems.connection import Connection
from bookhand.systems.stripe import PINNED_VERSION
from bookhand.systems.stripe.client import Patience, StripeReader
from bookhand.workspace.secrets_store import Secrets

QUICK = Patience(tries=3, first_seconds=0.01, longest_seconds=0.02, read_seconds=2, come_back_seconds=60)


@pytest.fixture(scope="module")
def server():
    """One HTTP server for a module's tests, which each put their own stand-in behind it."""
    idle = Pinstripe()
    with bound("127.0.0.1", 0) as sock:
        server = serve(idle)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        yield f"http://127.0.0.1:{sock.getsockname()[1]}", server.config.app, idle
        server.should_exit = True
        thread.join(timeout=10)
    idle.close()


@pytest.fixture
def engine():
    engine = Pinstripe(seed=7)
    engine.account()
    yield engine
    engine.close()


@pytest.fixture
def url(engine, server):
    address, app, idle = server
    app.engine = engine
    yield address
    app.engine = idle


@pytest.fixture
def secrets(tmp_path):
    return Secrets(tmp_path)


@pytest.fixture
def plain():
    """A connection that is in no database, to nowhere yet."""
    link = Link(
        workspace_id=1,
        connection_id=1,
        system="stripe",
        account=DEFAULT_ACCOUNT,
        mode="test",
        api_version=PINNED_VERSION,
    )
    settings = {"limits": {"account": 500, "endpoint": 500}}
    return Connection(link=link, name="Test", livemode=False, auth="key", status="active", settings=settings)


@pytest.fixture
def connection(plain, url):
    """A connection to the stand-in's default account."""
    plain.settings["base_url"] = url
    return plain


@pytest.fixture
def reader(engine, connection):
    with StripeReader(
        connection, token=lambda: engine.keys().test, gate=Gate(LocalLeaser()), patience=QUICK
    ) as reader:
        yield reader
