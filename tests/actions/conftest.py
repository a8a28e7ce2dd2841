"""The door on a real database, before the stand-in Stripe over real HTTP, with people of every role."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
import stripe

from bookhand.actions.catalogue import Catalogue
from bookhand.actions.kit import Kit
from bookhand.actions.own import OWN_ACTIONS
from bookhand.actions.own_store import OWN
from bookhand.actions.rights import rights_store
from bookhand.actions.workflow import Door
from bookhand.core.caller import Caller, Role, capabilities
from bookhand.db.engine import Database
from bookhand.sandbox.serving import bound
from bookhand.sandbox.stripe.engine import Pinstripe
from bookhand.sandbox.stripe.server import serve
from bookhand.systems.connection import Connection
from bookhand.systems.stripe.acting_client import StripePerformer
from bookhand.systems.stripe.actions import ACTIONS, EVENT_KINDS
from bookhand.systems.stripe.auth import connect_with_key
from bookhand.systems.stripe.client import Patience
from bookhand.systems.stripe.performing.looking_client import Patient
from bookhand.systems.stripe.performing.sending_client import Times
from bookhand.workspace.secrets_store import Secrets

QUICK = Patience(tries=2, first_seconds=0.01, longest_seconds=0.02, read_seconds=2, come_back_seconds=1)
FAST = {"account": 1000, "endpoint": 1000}


class Clock:
    """A clock that a test moves on: real time and what was added to it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Shop(NamedTuple):
    """A customer with a card, and a way to make charges."""

    client: stripe.StripeClient
    customer: str

    def charge(self, amount: int = 8000, currency: str = "usd") -> str:
        made = self.client.v1.payment_intents.create(
            {"amount": amount, "currency": currency, "customer": self.customer, "payment_method": "pm_card_visa", "confirm": True,
             "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
        )  # fmt: skip
        return str(made.latest_charge)

    def refunds(self, charge: str) -> list[Any]:
        return list(self.client.v1.refunds.list({"charge": charge}).data)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, Any, Pinstripe]]:
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
def engine() -> Iterator[Pinstripe]:
    engine = Pinstripe(seed=7)
    engine.account()
    yield engine
    engine.close()


@pytest.fixture
def url(engine: Pinstripe, server: tuple[str, Any, Pinstripe]) -> Iterator[str]:
    address, app, idle = server
    app.engine = engine
    yield address
    app.engine = idle


@pytest.fixture
def secrets(tmp_path) -> Secrets:
    return Secrets(tmp_path)


@pytest.fixture
def shop(engine: Pinstripe, url: str) -> Shop:
    client = stripe.StripeClient(
        engine.keys().test, base_addresses={"api": url, "files": url}, max_network_retries=0
    )
    customer = client.v1.customers.create({"name": "Fernwood Bakery", "email": "ap@fernwood.example"})
    return Shop(client, customer.id)


@pytest.fixture
def connected(db: Database, secrets: Secrets, engine: Pinstripe, url: str) -> Connection:
    return connect_with_key(db, secrets, engine.keys().test, base_url=url, limits=FAST, name="Shop")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def performer(db: Database, secrets: Secrets) -> Iterator[StripePerformer]:
    made = StripePerformer(
        db, secrets, patience=QUICK, times=Times(answer_seconds=2), patient=Patient(settled_seconds=0)
    )
    yield made
    made.close()


@pytest.fixture
def kit(db: Database, connected: Connection, performer: StripePerformer, clock: Clock) -> Kit:
    return Kit(
        db=db, catalogue=Catalogue((*ACTIONS, *OWN_ACTIONS), EVENT_KINDS), performers={"stripe": performer},
        own=OWN, clock=clock, settle_seconds=0, believe_seconds=0, lease_seconds=30
    )  # fmt: skip


@pytest.fixture
def door(kit: Kit) -> Door:
    return Door(kit)


def person(number: int, role: Role, *, agent: str | None = None, workspace_id: int = 1) -> Caller:
    name = f"{role}{number}@example.com"
    return Caller(
        workspace_id=workspace_id, who=f"person:{number}", name=name, role=role, can=capabilities(role), channel="rest", agent=agent
    )  # fmt: skip


OWNER = person(1, "owner")
OPERATOR = person(2, "operator")
APPROVER = person(3, "approver")


@pytest.fixture
def allow(db: Database) -> Callable[..., None]:
    """Allow (or forbid) an action: ``allow("payouts.create")``."""

    def permit(pattern: str, *, grantee: str = "*", allowed: bool = True) -> None:
        with db.transaction() as cx:
            rights_store.grant(
                cx, OWNER, connection_id=None, grantee=grantee, pattern=pattern, allowed=allowed
            )

    return permit
