"""A small company that goes the whole way with bookhand: history, bank, matches, an outside book, refunds that wait and refunds that are done.

made = history(house, stripe_url, key(stripe_url))
bank(house, stripe_url, key)
book(house, made, folder)
refunds(house, made)
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx

from bench.ground import UNLIMITED
from bookhand import wiring
from bookhand.actions import store as proposals
from bookhand.cli.demo import TO_ACT
from bookhand.cli.demo_refund import person
from bookhand.house import House
from bookhand.keeper import Keeper
from bookhand.sandbox.bank.files import ENDINGS, render_lines
from bookhand.sandbox.bank.lantern import bank_of
from bookhand.sandbox.stripe.engine import DEFAULT_ACCOUNT
from bookhand.systems.bank.intake_workflow import Waiting
from bookhand.systems.beancount.auth import connect_folder
from bookhand.systems.connection import Connection
from bookhand.systems.stripe import MANIFEST, auth

_DAYS = 100


def key(stripe: str, *, livemode: bool = False) -> str:
    """A restricted key that may read what bookhand asks for, and act."""
    names = (*(each.permission for each in MANIFEST.needs), *TO_ACT)
    ways = [name.removeprefix("rak_").rpartition("_") for name in names]
    asked = {
        "account": DEFAULT_ACCOUNT, "livemode": str(livemode).lower(), **{f"permissions[{what}]": way for what, _, way in ways}
    }  # fmt: skip
    return str(httpx.post(f"{stripe}/_pinstripe/keys", data=asked, timeout=30).json()["key"])


def history(house: House, stripe: str, key: str, *, name: str = "Lantern Metrics") -> Connection:
    """The account connected by a key, and what happened in it."""
    made = auth.connect_with_key(house.db, house.secrets, key, name=name, base_url=stripe, limits=UNLIMITED)
    done = house.backfill(made, since=int(time.time()) - _DAYS * 86_400)
    if done.phase != "complete":
        raise RuntimeError(f"The backfill ended {done.phase}.")
    Keeper(house).look(now=True)
    return made


_UNREAD = b"Posted;What;Value\n2026-11-03;Coffee;-3.50\n2026-11-04;Paper;-12.00\n"


def bank(house: House, stripe: str, key: str) -> None:
    """What the bank booked of the payouts, with oddities, taken in and matched."""
    owner = person(house, "owner")
    found = httpx.get(f"{stripe}/v1/payouts", params={"limit": "100"}, auth=(key, ""), timeout=30).json()[
        "data"
    ]
    planted = bank_of({DEFAULT_ACCOUNT: found})
    intake = wiring.intake_of(house, mode="test")
    for account in planted.accounts:
        raw = render_lines(
            account.lines, account.format, number=account.number, currency=account.currency, opening_minor=account.opening_minor,
        )  # fmt: skip
        taken = intake.take(raw, name=f"bank.{ENDINGS[account.format]}", by=owner.who, account=account.number)
        if isinstance(taken, Waiting):
            intake.confirm(taken.file, account=account.number, changes={}, by=owner.who)
    intake.take(
        _UNREAD, name="card.csv", by=owner.who, account="card"
    )  # somebody has yet to say what its columns are
    house.payouts.reconcile()


def book(house: House, connection: Connection, folder: Path) -> None:
    """A Beancount folder as an outside book, mirrored up to now."""
    owner, link = (
        person(house, "owner"),
        connect_folder(house.db, folder / "shelf", mode="test", name="Beancount").link,
    )
    accounts = {each.name.rpartition(":")[2]: each.id for each in house.books.kit.reader(link).accounts(link)}
    asked: dict[str, Any] = {"method": "clearing", "sources": (connection.id,), "since": "2020-01-01"}
    shown = house.books.setups.propose(owner, link, **asked, chosen={})
    chosen = {journal: next(iter(accounts.values())) for journal, _ in shown.unmapped}
    shown = house.books.setups.propose(owner, link, **asked, chosen=chosen)
    house.books.setups.agree(owner, link, shown.choice(), "It is measured.")
    house.books.mirrors.mirror(link)


def refunds(house: House, connection: Connection, *, waiting: int = 2, done: int = 4) -> None:
    """So many that wait for a yes, and so many that had one; `Running` does them."""
    asks, approves = person(house, "operator"), person(house, "approver")
    where = {"account": connection.link.account, "mode": connection.link.mode}
    charges = [
        each["id"]
        for each in house.door.read(asks, "charges.list", {"limit": 100, **where}).data
        if each["paid"] and each["captured"] and not each["amount_refunded"] and not each["disputed"] and each["amount"] >= 2_000
    ]  # fmt: skip
    for number, charge in enumerate(charges[: waiting + done]):
        asked = house.door.propose(
            asks, "refunds.create", {"charge": charge, "amount": 500, **where}, "Charged twice"
        )
        if number >= waiting:
            house.door.approve(approves, asked.proposal_id, asked.call_hash)
            _until_final(house, asked.workspace_id, asked.proposal_id)


def _until_final(house: House, workspace_id: int, proposal_id: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with house.db.transaction() as cx:
            if proposals.proposal(cx, workspace_id, proposal_id).is_final:
                return
        time.sleep(0.1)
    raise RuntimeError(f"The refund {proposal_id} was not done in a minute.")
