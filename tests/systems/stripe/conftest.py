"""The stand-in Stripe over real HTTP, for the tests of what talks to it."""

from __future__ import annotations

import pytest

from bookhand.core.facts import Link
from bookhand.sandbox.stripe.engine import Pinstripe
from bookhand.sandbox.stripe.server import running
from bookhand.systems.client import Gate, LocalLeaser
from bookhand.systems.connection import Connection
from bookhand.systems.stripe import PINNED_VERSION
from bookhand.systems.stripe.client import Patience, StripeReader
from bookhand.workspace.secrets_store import Secrets

QUICK = Patience(tries=3, first_seconds=0.01, longest_seconds=0.02, read_seconds=2, come_back_seconds=60)


@pytest.fixture
def engine():
    engine = Pinstripe(seed=7)
    engine.account()
    yield engine
    engine.close()


@pytest.fixture
def url(engine):
    with running(engine) as address:
        yield address


@pytest.fixture
def secrets(tmp_path):
    return Secrets(tmp_path)


@pytest.fixture
def connection(engine, url):
    """A connection to the stand-in's default account that is in no database."""
    link = Link(
        workspace_id=1,
        connection_id=1,
        system="stripe",
        account=engine.default_account,
        mode="test",
        api_version=PINNED_VERSION,
    )
    return Connection(
        link=link,
        name="Test",
        livemode=False,
        auth="key",
        status="active",
        settings={"base_url": url, "limits": {"account": 500, "endpoint": 500}},
    )


@pytest.fixture
def reader(engine, connection):
    with StripeReader(
        connection, token=lambda: engine.keys().test, gate=Gate(LocalLeaser()), patience=QUICK
    ) as reader:
        yield reader
