"""The door: what it adds to a read, how soon a call follows its yes, and what it adds to a batch.

The stand-in Stripe is a process of its own on loopback, so a call costs a few milliseconds: what the door adds is measured as the time of
the whole less the time inside the performer, call by call. A batch of refunds is compared with the same refunds sent by the performer alone,
on as many threads.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import stripe

from bench import programs
from bench.figures import Figure
from bench.ground import UNLIMITED, Ground
from bookhand.actions.act_workflow import DoorRuns, act_template
from bookhand.actions.catalogue import Catalogue
from bookhand.actions.kit import Kit
from bookhand.actions.workflow import Door
from bookhand.core.action import USUALLY_AT_ONCE
from bookhand.core.caller import Caller, capabilities
from bookhand.db.engine import Database
from bookhand.runs.workflow import Engine
from bookhand.systems import store as connections
from bookhand.systems.stripe.acting_client import StripePerformer
from bookhand.systems.stripe.actions import ACTIONS
from bookhand.systems.stripe.auth import connect_with_key
from bookhand.workspace.secrets_store import Secrets

SECTION = "door"
READS, YES, ROWS = 400, 80, 600
WHO = Caller(
    workspace_id=1, who="person:1", name="bench", role="owner", can=capabilities("owner"), channel="cli"
)


def measure(ground: Ground, options: argparse.Namespace) -> Iterator[Figure]:  # noqa: ARG001
    with ExitStack() as held:
        port = programs.free_port()
        server = held.enter_context(
            programs.started(
                [sys.executable, "-m", "bookhand.sandbox.stripe", "--port", str(port)], port=port
            )
        )
        del server
        url = f"http://127.0.0.1:{port}"
        key = next(iter(httpx.get(f"{url}/_pinstripe", timeout=10).json()["accounts"].values()))["test"]
        place = held.enter_context(ground.place(base_url=url))
        db = held.enter_context(Database(place.url))
        secrets = Secrets(Path(place.folder))
        connect_with_key(db, secrets, key, base_url=url, limits=UNLIMITED, name="shop")
        timed = Timed(StripePerformer(db, secrets))
        kit = Kit(db=db, catalogue=Catalogue(ACTIONS), performers={"stripe": timed})
        door = Door(kit)
        shop = Shop(url, key)
        yield from _reads(door, timed, shop)
        yield from _approvals(door, kit, timed, shop)
        yield from _batches(door, timed, shop)


class Timed:
    """A performer that says how long each of its methods took, and when a write began."""

    def __init__(self, inner: StripePerformer) -> None:
        self.inner = inner
        self.took = 0.0
        self.began: dict[str, float] = {}

    def read(self, *given: Any, **named: Any) -> Any:
        at = time.perf_counter()
        try:
            return self.inner.read(*given, **named)
        finally:
            self.took = time.perf_counter() - at

    def fetch(self, *given: Any, **named: Any) -> Any:
        return self.inner.fetch(*given, **named)

    def send(self, *given: Any, **named: Any) -> Any:
        self.began[named["marker"]] = time.perf_counter()
        return self.inner.send(*given, **named)

    def look_up(self, *given: Any, **named: Any) -> Any:
        return self.inner.look_up(*given, **named)


class Shop:
    """Makes charges."""

    def __init__(self, url: str, key: str) -> None:
        self.client = stripe.StripeClient(key, base_addresses={"api": url})
        self.customer = self.client.v1.customers.create({"name": "Bench"}).id

    def charges(self, count: int) -> list[str]:
        asked: Any = {
            "amount": 5000, "currency": "usd", "customer": self.customer, "payment_method": "pm_card_visa", "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }  # fmt: skip
        return [str(self.client.v1.payment_intents.create(asked).latest_charge) for _ in range(count)]


def _reads(door: Door, timed: Timed, shop: Shop) -> Iterator[Figure]:
    [charge] = shop.charges(1)
    where = {"charge": charge, "account": "shop"}
    added, inside = [], []
    for number in range(READS + 20):
        at = time.perf_counter()
        door.read(WHO, "charges.retrieve", where)
        if number >= 20:
            added.append(time.perf_counter() - at - timed.took)
            inside.append(timed.took)
    yield Figure(
        section=SECTION, name="added to a read, p95", value=_p(added, 95) * 1000, unit="ms", most=5,
        note=f"p50 {_p(added, 50) * 1000:.1f} ms; the read itself p50 {_p(inside, 50) * 1000:.1f} ms; {READS} reads",
    )  # fmt: skip


def _approvals(door: Door, kit: Kit, timed: Timed, shop: Shop) -> Iterator[Figure]:
    engine = Engine(kit.db, [act_template(door)])
    kit.runs = DoorRuns(nudge=engine.nudge)
    engine.launch(work=True)
    took = []
    try:
        for charge in shop.charges(YES):
            proposal = door.propose(
                WHO, "refunds.create", {"charge": charge, "amount": 100, "account": "shop"}, "bench"
            )
            at = time.perf_counter()
            door.approve(WHO, proposal.proposal_id, proposal.call_hash)
            marker = f"{proposal.proposal_id}_0"
            until = at + 10
            while marker not in timed.began and time.perf_counter() < until:
                time.sleep(0.001)
            took.append(timed.began[marker] - at)
    finally:
        engine.close()
        kit.runs = DoorRuns()
    yield Figure(
        section=SECTION, name="approval to call, p95", value=_p(took, 95) * 1000, unit="ms", most=500,
        note=f"p50 {_p(took, 50) * 1000:.0f} ms, {YES} of them; three reads before the call are in it",
    )  # fmt: skip


def _batches(door: Door, timed: Timed, shop: Shop) -> Iterator[Figure]:
    charges = shop.charges(2 * ROWS)
    rows = [{"charge": charge, "amount": 100, "account": "shop"} for charge in charges[:ROWS]]
    batch = door.propose_batch(WHO, "refunds.create", rows, "bench")
    door.approve(WHO, batch.proposal_id, batch.call_hash)
    at = time.perf_counter()
    ended = door.batches.perform(batch.proposal_id)
    through = ROWS / (time.perf_counter() - at)
    alone = _alone(door, timed, charges[ROWS:])
    yield Figure(
        section=SECTION, name="a batch of refunds", value=through, unit="/s", peer="the same reads and calls without the door", peer_value=alone,
        note=f"{ended}; {USUALLY_AT_ONCE} threads each",
    )  # fmt: skip


def _alone(door: Door, timed: Timed, charges: list[str]) -> float:
    """The performer alone: what a refund has to read first, and the refund."""
    action = door.kit.catalogue.action("refunds.create")
    with door.kit.db.transaction() as cx:
        [link] = [each.link for each in connections.every(cx) if each.name == "shop"]

    def one(numbered: tuple[int, str]) -> None:
        number, charge = numbered
        values = {"charge": charge, "amount": 100}
        assert action.plan is not None
        for get in action.plan.reads(values).values():
            timed.fetch(link, get)
        timed.send(link, action, values, key=f"bench-{number}", marker=f"bench-{number}")

    at = time.perf_counter()
    with ThreadPoolExecutor(USUALLY_AT_ONCE) as pool:
        list(pool.map(one, enumerate(charges)))
    return len(charges) / (time.perf_counter() - at)


def _p(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def options(_parser: argparse.ArgumentParser) -> None:
    """Nothing to choose."""
