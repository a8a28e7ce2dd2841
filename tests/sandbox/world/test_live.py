"""Traffic that goes on, and companies kept on a shelf."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import stripe

from bookhand.sandbox.stripe.engine import Pinstripe
from bookhand.sandbox.world.agenda import DAY
from bookhand.sandbox.world.live import CALM, Live
from bookhand.sandbox.world.options import keep_alive, running, world_of
from bookhand.sandbox.world.shelf import Shelf
from bookhand.sandbox.world.world import World

SMALL = World(seed=5, months=2, customers=12)


def count(engine: Pinstripe, kind: str) -> int:
    with engine.session() as call:
        return engine.store.count(call.part, kind)


def test_it_keeps_selling_until_told_to_stop() -> None:
    engine = SMALL.create()
    before, stop = count(engine, "charge"), threading.Event()
    thread = keep_alive(engine, per_second=200, stop=stop)
    deadline = time.monotonic() + 20
    while count(engine, "charge") < before + 20 and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    thread.join(timeout=10)
    assert not thread.is_alive()
    after = count(engine, "charge")
    assert after >= before + 20
    time.sleep(0.05)
    assert count(engine, "charge") == after


def test_everything_happens_sooner_or_later() -> None:
    engine = SMALL.create()
    live = Live(engine, seed=3)
    disputes, refunds = count(engine, "dispute"), count(engine, "refund")
    done = Counter(live.step() for _ in range(900))
    assert set(done) == {"sale", "decline", "refund", "dispute", "payout", "partner"}
    assert count(engine, "dispute") > disputes
    assert count(engine, "refund") > refunds
    assert done["sale"] > 700


def test_an_hour_at_the_demos_pace_is_an_hour_of_such_a_company() -> None:
    company = World(seed=1, months=2)
    engine = company.create()
    month = sold(engine, since=company.until - 30 * DAY)
    payouts = count(engine, "payout")
    live, charges = Live(engine, seed=1), count(engine, "charge")
    done = Counter(live.step() for _ in range(round(CALM * 3600)))
    assert count(engine, "charge") > charges
    assert sold(engine, since=company.until) < month / 5
    assert done["payout"] + done["dispute"] <= 4
    assert count(engine, "payout") <= payouts + 4


def sold(engine: Pinstripe, since: int) -> int:
    """What was charged in dollars since a moment, in cents."""
    with engine.session() as call:
        found = [json.loads(body) for body in engine.store.bodies(call.part, "charge")]
        return sum(
            each["amount"]
            for each in found
            if each["created"] >= since and each["currency"] == "usd" and each["status"] == "succeeded"
        )


def test_the_pace_is_kept() -> None:
    engine = SMALL.create()
    live = Live(engine, per_second=50)
    began = time.monotonic()
    live.run(threading.Event(), at_most=50)
    assert 0.4 < time.monotonic() - began < 6


def test_a_shelf_gives_the_same_company_again_and_keeps_its_own_copy_clean(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    first = shelf.take(SMALL, tmp_path / "a.db")
    digest = first.digest()
    assert digest == SMALL.create().digest()
    first.call("POST", "/v1/customers", {"email": "later@example.com"})
    first.close()
    [kept] = (tmp_path / "shelf").glob("*.db")
    made = kept.read_bytes()
    second = shelf.take(SMALL, tmp_path / "a.db")
    assert second.digest() == digest
    assert second.clock.now() == SMALL.until
    assert list((tmp_path / "shelf").glob("*.db")) == [kept]
    assert kept.read_bytes() == made
    second.close()


def test_words_make_a_company() -> None:
    assert world_of("seed=3,months=2 until=2026-11-01,odd") == World(
        seed=3, months=2, until=1_793_491_200, odd=True
    )
    assert world_of("", now=1_790_000_000.5).until == 1_790_000_000 // DAY * DAY
    with pytest.raises(ValueError, match="colour=blue"):
        world_of("colour=blue")


def test_a_company_that_ended_today_goes_on_now(tmp_path: Path) -> None:
    engine = running(world_of("seed=5,months=1,customers=4"), tmp_path / "a.db", shelf=tmp_path / "shelf")
    assert abs(engine.clock.now() - time.time()) < 2
    assert not engine.clock.simulated
    engine.close()
    old = running(SMALL, tmp_path / "b.db", shelf=tmp_path / "shelf")
    assert old.clock.now() - SMALL.until < 5
    old.close()


def test_one_process_serves_a_company_that_lives_on(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bookhand.sandbox.stripe", "--port", "0", "--live", "40"]
    words = ["--world", "seed=5,months=1,customers=4", "--shelf", str(tmp_path / "shelf")]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([*command, *words], stdout=subprocess.PIPE, text=True, env=env)
    try:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(2)]
        address, key = said[0].split()[-1], said[1].split()[-1]
        client = stripe.StripeClient(key, base_addresses={"api": address})
        first = client.v1.charges.list({"limit": 1}).data[0]
        deadline = time.monotonic() + 20
        while client.v1.charges.list({"limit": 1}).data[0].id == first.id and time.monotonic() < deadline:
            time.sleep(0.05)
        newest = client.v1.charges.list({"limit": 1}).data[0]
        assert newest.id != first.id
        assert abs(newest.created - time.time()) < 30
        assert client.v1.events.list({"type": "charge.succeeded", "limit": 1}).data
    finally:
        process.terminate()
        assert process.wait(timeout=15) in {0, -15, 15, 1}
