"""A real bookhand at work, with what stands around it: the stand-in Stripe with a small company, and the stand-in QuickBooks.

with town(url, folder, stripe) as here:
    page.goto(here.link("owner"))          # signs in, once
    here.furnish()                         # as the command line does it: the account, its history, the bank
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from bench import company

from bookhand.cli.demo_refund import person
from bookhand.core.caller import Role
from bookhand.house import House
from bookhand.sandbox.outside.server import running as over_http
from bookhand.sandbox.quickbooks.limits import Rates
from bookhand.sandbox.quickbooks.standin import QuickBooks
from bookhand.sandbox.stripe.engine import DEFAULT_ACCOUNT
from bookhand.settings import Settings
from bookhand.systems.connection import Connection
from bookhand.wiring import intake_of, open_house
from bookhand.workspace.people import invitation_store
from bookhand.workspace.people import store as people

SOURCE = Path(__file__).parents[2] / "src"
STRANGE = b"When,What it says,Sum (USD)\n2026-11-02,STRIPE PAYOUT,12.00\n2026-11-03,FEE,-1.00\n"
"""A statement of a bank that nobody has seen before: somebody has to look at its columns."""
_LARGE = 2_000
WORLD = "seed=6,months=1,customers=6"


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

    def made(self, what: str, key: str, fields: dict[str, Any]) -> dict[str, Any]:
        """An object that is made there by somebody else than bookhand."""
        answer = httpx.post(f"{self.url}/v1/{what}", data=fields, auth=(key, ""), timeout=30)
        answer.raise_for_status()
        made: dict[str, Any] = answer.json()
        return made

    def clear_faults(self) -> None:
        """Nothing goes wrong any more."""
        httpx.delete(f"{self.url}/_pinstripe/faults", timeout=30).raise_for_status()

    def every(self, what: str, key: str | None = None) -> list[dict[str, Any]]:
        """Every object of a list, page by page; in test mode, where no other `key` is given."""
        found: list[dict[str, Any]] = []
        while True:
            asked = {"limit": "100", **({"starting_after": found[-1]["id"]} if found else {})}
            answer = httpx.get(
                f"{self.url}/v1/{what}", params=asked, auth=(key or self.developer_key(), ""), timeout=30
            )
            answer.raise_for_status()
            found += answer.json()["data"]
            if not answer.json()["has_more"]:
                return found

    def developer_key(self) -> str:
        """The secret key of the platform that asks for consent."""
        accounts = httpx.get(f"{self.url}/_pinstripe", timeout=30).json()["accounts"]
        return str(accounts[DEFAULT_ACCOUNT]["test"])


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
    url: str
    stripe: Stripe
    quickbooks: QuickBooks
    connection: Connection | None = field(default=None)

    def link(self, role: Role = "owner") -> str:
        """A one-time link for somebody of that role, who is made where they are not there yet."""
        email, now = f"{role}@lantern.example", datetime.now(UTC)
        with self.house.db.transaction() as cx:
            if all(each.email != email for each in people.every(cx)):
                people.add(cx, email=email, name=f"{role.capitalize()} of Lantern", role=role, now=now)
            link = invitation_store.entry_link(cx, email, now=now, note=self.house.note)
        return f"{self.url}/enter/{link.secret}"

    def furnish(self) -> None:
        """What lies in a company's books after a while, brought in without a browser."""
        key = company.key(self.stripe.url)
        made = company.history(self.house, self.stripe.url, key)
        self.house.register_webhooks(made, url=self.url)
        company.bank(self.house, self.stripe.url, key)
        company.book(self.house, made, self.house.settings.data_dir)
        company.refunds(self.house, made, waiting=3, done=1)
        intake_of(self.house, mode="test").take(STRANGE, name="strange.csv", by="person:1", account="Savings")
        self.connection = made

    def go_live(self) -> None:
        """Real sales and a payout, in live mode, of the account that the company rehearses with in test mode; both connected."""
        keys = httpx.get(f"{self.stripe.url}/_pinstripe", timeout=30).json()["accounts"][DEFAULT_ACCOUNT]
        for minor in (12_500, 4_200, 9_900):
            sold = {
                "amount": minor,
                "currency": "usd",
                "source": "tok_bypassPending",
                "description": "A real lamp",
            }
            self.stripe.made("charges", keys["live"], sold)
        self.stripe.made("payouts", keys["live"], {"amount": 6_000, "currency": "usd"})
        for name, livemode in (("Lantern, rehearsal", False), ("Lantern Metrics", True)):
            key = company.key(self.stripe.url, livemode=livemode)
            self.connection = company.history(self.house, self.stripe.url, key, name=name)
            self.house.register_webhooks(self.connection, url=self.url)

    # --- what is so ---

    def refundable(self) -> list[str]:
        """Charges of which nothing went back yet."""
        asked = {"limit": "100"}
        found = httpx.get(
            f"{self.stripe.url}/v1/charges", params=asked, auth=(self.stripe.developer_key(), ""), timeout=30
        ).json()["data"]
        return [
            each["id"]
            for each in found
            if each["currency"] == "usd" and each["paid"] and each["captured"] and not each["disputed"] and not each["amount_refunded"] and each["amount"] >= _LARGE
            and each["payment_method_details"]["type"] == "card"
        ]  # fmt: skip

    def modes(self) -> dict[str, Connection]:
        """Its Stripe account in each mode."""
        return {each.link.mode: each for each in self.house.every() if each.link.system == "stripe"}

    def charge(self, mode: str) -> str:
        """One of which nothing went back yet, in that mode."""
        key = httpx.get(f"{self.stripe.url}/_pinstripe", timeout=30).json()["accounts"][DEFAULT_ACCOUNT][mode]
        found = self.stripe.every("charges", key)
        return next(
            str(each["id"])
            for each in found
            if each["paid"] and each["captured"] and not each["disputed"] and not each["amount_refunded"]
        )

    def refunded(self, charge: str) -> int:
        """How much of a charge went back, as Stripe has it."""
        key = self.stripe.developer_key()
        return int(
            httpx.get(f"{self.stripe.url}/v1/charges/{charge}", auth=(key, ""), timeout=30).json()[
                "amount_refunded"
            ]
        )

    def propose(self, action: str, params: dict[str, Any], why: str) -> str:
        """Have the operator ask for something; the proposal's id."""
        assert self.connection is not None
        where = {"account": self.connection.link.account, "mode": self.connection.link.mode}
        return str(
            self.house.door.propose(
                person(self.house, "operator"), action, {**params, **where}, why
            ).proposal_id
        )

    def withdraw(self, proposal: str) -> None:
        """Have the operator take it back."""
        self.house.door.withdraw(person(self.house, "operator"), proposal, note="Only a trial")

    def result(self, proposal: str) -> str | None:
        """What it made, once it is done."""
        return self._one("select result_id from proposal where proposal_id = %s and state = 'done'", proposal)

    def state_of(self, proposal: str) -> str | None:
        """Where it stands."""
        return self._one("select state from proposal where proposal_id = %s", proposal)

    def hash_of(self, proposal: str) -> str | None:
        """What a yes to it binds."""
        return self._one("select call_hash from proposal where proposal_id = %s", proposal)

    def run_of(self, proposal: str) -> str | None:
        """The run that does it."""
        return self._one("select run_id from proposal where proposal_id = %s", proposal)

    def booked(self, source: str) -> str | None:
        """The entry of an object of Stripe's."""
        return self._one("select key from journal_entry where source = %s and key like 'txn%%'", source)

    def pages(self) -> int:
        """How many pages of lists its backfills have read."""
        return int(self._one("select coalesce(sum(pages), 0)::text from slice") or 0)

    def entries(self) -> set[str]:
        """The keys of the journal's entries."""
        with self.house.db.transaction() as cx:
            return {key for (key,) in cx.execute("select key from journal_entry")}

    def count(self, table: str) -> int:
        """How many rows it has."""
        return int(self._one(f"select count(*)::text from {table}") or 0)

    def _one(self, query: Any, *values: str) -> str | None:
        with self.house.db.transaction() as cx:
            row = cx.execute(query, values).fetchone()
        return row[0] if row else None

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
def town(database_url: str, folder: Path, stripe: Stripe, *, mode: str = "test") -> Iterator[Town]:
    """A house at work on a free port, as a process of its own; what a test does beside the browser, it does by a house of this process."""
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
            data_dir=folder, books_dir=folder / "books", database_url=database_url, port=port, public_url=public, log_level="warning",
            stripe_base_url=stripe.url, stripe_connect_url=stripe.url, stripe_marketplace_url=stripe.url, stripe_client_id=client, stripe_application="connect",
            stripe_developer_key=stripe.developer_key(), backfill_months=2,
            quickbooks_client_id=quickbooks.app.client_id, quickbooks_client_secret=quickbooks.app.client_secret, quickbooks_mode="test",
            quickbooks_base_url=url, quickbooks_discovery_url=f"{url}/.well-known/openid_configuration",
        )  # fmt: skip
        with open_house(settings, main_mode=mode) as house, _served(settings, folder, mode):
            yield Town(house, public, stripe, quickbooks)


@contextmanager
def _served(settings: Settings, folder: Path, mode: str) -> Iterator[None]:
    """The process that serves the pages and does the work; what it logs is kept in the folder."""
    told = settings.model_dump(exclude_none=True, exclude_defaults=True)
    plain = {
        name: getattr(value, "get_secret_value", lambda value=value: value)() for name, value in told.items()
    }
    env = {f"BOOKHAND_{name.upper()}": str(value) for name, value in plain.items()}
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.browser.serving", mode], cwd=SOURCE.parent, stdout=subprocess.PIPE, stderr=log, text=True,
            env={**env, "PYTHONPATH": f"{SOURCE}{os.pathsep}{SOURCE.parent}", "PATH": os.environ["PATH"]},
        )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("bookhand on "), (folder / "serve.log").read_text()
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()
