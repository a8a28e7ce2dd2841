"""A real bookhand at work, with what stands around it: the stand-in Stripe with a small company, and the stand-in QuickBooks.

with town(url, folder, stripe) as here:
    page.goto(here.link("owner"))          # signs in, once
    here.connect()                         # as the command line does it: the account, its history, the bank
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from bookhand.cli.demo import TO_ACT
from bookhand.cli.running import Running
from bookhand.core.caller import Role
from bookhand.house import House
from bookhand.sandbox.outside.server import running as over_http
from bookhand.sandbox.quickbooks.limits import Rates
from bookhand.sandbox.quickbooks.standin import QuickBooks
from bookhand.sandbox.stripe.engine import DEFAULT_ACCOUNT
from bookhand.settings import Settings
from bookhand.systems.connection import Connection
from bookhand.systems.stripe import MANIFEST, auth
from bookhand.wiring import open_house
from bookhand.workspace.people import invitation_store
from bookhand.workspace.people import store as people

SOURCE = Path(__file__).parents[2] / "src"
WORLD = "seed=6,months=1,customers=6"
LIMITS = {"account": 400, "endpoint": 200}


@dataclass
class Stripe:
    """The stand-in's process, from outside."""

    url: str

    def post(self, what: str, **fields: Any) -> dict[str, Any]:
        """One of its switches."""
        answer = httpx.post(f"{self.url}/_pinstripe/{what}", data=fields, timeout=30)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told

    def key(self, account: str = DEFAULT_ACCOUNT) -> str:
        """A restricted key that may read all that bookhand asks for, and act."""
        names = (*(need.permission for need in MANIFEST.needs), *TO_ACT)
        ways = [name.removeprefix("rak_").rpartition("_") for name in names]
        told = self.post("keys", account=account, **{f"permissions[{what}]": way for what, _, way in ways})
        return str(told["key"])

    def developer_key(self) -> str:
        """The secret key of the platform that asks for consent."""
        accounts = httpx.get(f"{self.url}/_pinstripe", timeout=30).json()["accounts"]
        return str(accounts[DEFAULT_ACCOUNT]["test"])

    def listed(self, what: str, account: str = DEFAULT_ACCOUNT, **query: str) -> list[dict[str, Any]]:
        """A first page of a list."""
        answer = httpx.get(
            f"{self.url}/v1/{what}",
            params={"limit": "100", **query},
            auth=(self.key(account), ""),
            timeout=30,
        )
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["data"]
        return found


@contextmanager
def stand_in_stripe(folder: Path) -> Iterator[Stripe]:
    """A small company at its Stripe, in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bookhand.sandbox.stripe", "--port", "0", "--world", WORLD],
        cwd=folder, env={"PYTHONPATH": str(SOURCE), "PATH": ""}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield Stripe(process.stdout.readline().split()[-1])
    finally:
        process.kill()
        process.wait()


@dataclass
class Town:
    """One bookhand and its neighbours."""

    house: House
    running: Running
    stripe: Stripe
    quickbooks: QuickBooks
    connection: Connection | None = field(default=None)

    @property
    def url(self) -> str:
        """Where the pages are."""
        return self.running.url

    def link(self, role: Role = "owner") -> str:
        """A one-time link for somebody of that role, who is made where they are not there yet."""
        email, now = f"{role}@lantern.example", datetime.now(UTC)
        with self.house.db.transaction() as cx:
            if all(each.email != email for each in people.every(cx)):
                people.add(cx, email=email, name=f"{role.capitalize()} of Lantern", role=role, now=now)
            link = invitation_store.entry_link(cx, email, now=now, note=self.house.note)
        return f"{self.url}/enter/{link.secret}"

    def connect(self) -> Connection:
        """Stripe's account by a key, with its month of history."""
        house = self.house
        made = auth.connect_with_key(
            house.db, house.secrets, self.stripe.key(), name="Lantern Metrics", base_url=self.stripe.url, limits=LIMITS,
            need_webhooks=True,
        )  # fmt: skip
        house.register_webhooks(made, url=self.url)
        done = house.backfill(made, since=int(time.time()) - 60 * 86_400)
        assert done.phase == "complete", done
        self.running.keeper.look(now=True)
        self.connection = made
        return made

    def asks(self, role: Role = "operator") -> Any:
        """Somebody of that role, as the door knows them."""
        from bookhand.cli.demo_refund import person

        return person(self.house, role)

    def refundable(self) -> list[str]:
        """Charges of which a part can go back."""
        return [
            each["id"]
            for each in self.stripe.listed("charges")
            if each["paid"] and each["captured"] and not each["disputed"] and not each["amount_refunded"] and each["amount"] >= 2_000
        ]  # fmt: skip

    def until(self, true: Callable[[], Any], *, what: str, seconds: float = 20) -> Any:
        """Wait until something is so."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = true()
            if found:
                return found
            time.sleep(0.1)
        raise AssertionError(f"After {seconds} s still not: {what}")


@contextmanager
def town(database_url: str, folder: Path, stripe: Stripe) -> Iterator[Town]:
    """A house at work on a free port; the web and the work in this process, as ``bookhand serve`` has them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    public = f"http://127.0.0.1:{port}"
    quickbooks = QuickBooks(rates=Rates(enabled=False))
    client = stripe.post(
        "applications",
        name="bookhand",
        kind="connect",
        **{"redirect_uris[]": f"{public}/oauth/stripe/connect"},
    )["id"]
    with over_http(quickbooks) as url:
        settings = Settings(
            data_dir=folder, books_dir=folder / "books", database_url=database_url, port=port, public_url=public, log_level="error",
            stripe_base_url=stripe.url, stripe_connect_url=stripe.url, stripe_marketplace_url=stripe.url, stripe_client_id=client,
            stripe_developer_key=stripe.developer_key(), backfill_months=2,
            quickbooks_client_id=quickbooks.app.client_id, quickbooks_client_secret=quickbooks.app.client_secret, quickbooks_mode="test",
            quickbooks_base_url=url, quickbooks_discovery_url=f"{url}/.well-known/openid_configuration",
        )  # fmt: skip
        with open_house(settings, main_mode="test") as house, Running(house) as running:
            yield Town(house, running, stripe, quickbooks)
