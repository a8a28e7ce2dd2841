"""A thousand refunds through the door in a storm: each is done exactly once at the stand-in, and makes one entry in the journal.

Two workers are killed, or stopped for longer than their claim and let go on; connections are cut before and after the refund, answers
are late, 500s and 429s; every yes is clicked twice at the same moment; webhooks come twice and out of order. Each try's trouble is
drawn from its own seed.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Self

import msgspec
import pytest
from tests.actions.conftest import (
    APPROVER,
    OPERATOR,
    OWNER,
    clock,
    connected,
    engine,
    secrets,
    server,
    shop,
    url,
)
from tests.storm.test_kill import Lives, quiet

from bookhand.actions.act_workflow import DoorRuns
from bookhand.actions.catalogue import Catalogue
from bookhand.actions.kit import Kit
from bookhand.actions.workflow import Door
from bookhand.core.problems import Outage, Refusal
from bookhand.inbox.errands_workflow import pull
from bookhand.inbox.workflow import drain
from bookhand.journal.workflow import read
from bookhand.runs import store as runs
from bookhand.systems.client import Gate, LocalLeaser
from bookhand.systems.stripe.acting_client import StripePerformer
from bookhand.systems.stripe.actions import ACTIONS
from bookhand.systems.stripe.client import Patience, StripeReader
from bookhand.workspace.trail_store import search, verify_all

pytestmark = pytest.mark.storm

__all__ = ["clock", "connected", "engine", "secrets", "server", "shop", "url"]

TRIES = int(os.environ.get("BOOKHAND_STORM_REFUNDS", "1000"))
SEED = int(os.environ.get("BOOKHAND_STORM_SEED", "20261125"))
ANSWER_SECONDS, LEASE_SECONDS = 1.0, 3.0
_TROUBLE = ("", "", "", "cut_before", "cut_after", "500", "429", "lock_timeout", "slow")


class Trouble:
    """Kills one worker or the other, or stops one for longer than its claim, until told to end."""

    def __init__(self, jobs: list[dict[str, Any]]) -> None:
        self.jobs = jobs
        self.lives = [Lives() for _ in jobs]
        self.pids = [life.start(job) for life, job in zip(self.lives, jobs, strict=True)]
        self.kills = self.stops = 0
        self.deaths: list[int] = []
        self._chance = random.Random(SEED)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def calm(self) -> None:
        self._end.set()
        self._thread.join()

    def __exit__(self, *_: object) -> None:
        self.calm()
        for pid, life in zip(self.pids, self.lives, strict=True):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            life.wait()
            life.close()

    def _run(self) -> None:
        while not self._end.wait(self._chance.uniform(0.8, 2.5)):
            which = self._chance.randrange(len(self.pids))
            if self._chance.random() < 0.25:
                self._stop(which)
            else:
                self._kill(which)

    def _kill(self, which: int) -> None:
        try:
            os.kill(self.pids[which], signal.SIGKILL)
        except ProcessLookupError:
            self.deaths.append(self.lives[which].wait())
        else:
            self.lives[which].wait()
        self.pids[which] = self.lives[which].start(self.jobs[which])
        self.kills += 1

    def _stop(self, which: int) -> None:
        """Longer than its claim and its heartbeat last: the other takes over, and then this one wakes."""
        try:
            os.kill(self.pids[which], signal.SIGSTOP)
        except ProcessLookupError:
            self._kill(which)
            return
        self._end.wait(LEASE_SECONDS + 0.5)
        os.kill(self.pids[which], signal.SIGCONT)
        self.stops += 1


def test_a_thousand_refunds(db, shop, engine, url, secrets, connected, tmp_path) -> None:
    charges = [shop.charge(1000 + number) for number in range(TRIES)]
    port = _free_port()
    webhook = shop.client.v1.webhook_endpoints.create(
        {"url": f"http://127.0.0.1:{port}/webhooks/stripe/{connected.id}", "enabled_events": ["*"], "api_version": connected.link.api_version}
    )  # fmt: skip
    engine.faults.add("duplicate", type="*", chance=0.3, times=None)
    engine.faults.add("reorder", type="*", chance=0.1, times=None)
    job = {
        "what": "act", "link": msgspec.json.encode(connected.link).decode(), "stripe": url, "database": db.url, "data": str(tmp_path),
        "answer_seconds": ANSWER_SECONDS, "lease_seconds": LEASE_SECONDS, "secret": webhook.secret,
    }  # fmt: skip
    door = _door(db, secrets)
    began = time.monotonic()
    with Trouble([{**job, "port": port}, job]) as trouble:
        with ThreadPoolExecutor(3) as pool:
            clicks = Counter(
                outcome
                for pair in pool.map(lambda n: _try(door, engine, n, charges[n]), range(TRIES))
                for outcome in pair
            )
        ends = time.monotonic() + 60
        while _left(db) > TRIES // 4 and time.monotonic() < ends:
            _resume_parked(db)
            time.sleep(0.2)
        left = _left(db)
        trouble.calm()
        engine.faults.clear()
        _until_done(db)
    took = time.monotonic() - began
    sys.stderr.write(
        f"\n{TRIES} refunds in {took:.0f} s: {trouble.kills} kills, {trouble.stops} stops; {left} were left when calm began; clicks {dict(clicks)};"
        f" {_words(db)}\n"
    )
    assert trouble.deaths == [], "a worker ended by itself"
    assert clicks["approved"] == TRIES
    assert trouble.kills + trouble.stops >= max(2, took / 10)
    _expect_once(db, shop, charges, engine)
    _expect_booked(db, url, connected, engine)


def _try(door: Door, engine: Any, number: int, charge: str) -> list[str]:
    """One refund: asked for, some trouble put in its way, and its yes clicked twice at once."""
    chance = random.Random(SEED + number)
    kind = chance.choice(_TROUBLE)
    proposal = _patiently(
        lambda: door.propose(OPERATOR, "refunds.create", {"charge": charge, "amount": 1 + number}, "Storm")
    )
    if kind:
        engine.faults.add(kind, method="POST", path="/v1/refunds", seconds=ANSWER_SECONDS + 0.4)
    outcomes: list[str] = []

    def click() -> None:
        try:
            outcomes.append(door.approve(APPROVER, proposal.proposal_id, proposal.call_hash).state)
        except Refusal:
            outcomes.append("refused")

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()
    return outcomes


def _patiently(work: Any) -> Any:
    for _ in range(20):
        try:
            return work()
        except Outage:
            time.sleep(0.2)
    return work()


def _door(db, secrets) -> Door:
    patience = Patience(
        tries=6, first_seconds=0.05, longest_seconds=0.3, read_seconds=3, come_back_seconds=0.1
    )
    kit = Kit(
        db=db,
        catalogue=Catalogue(ACTIONS),
        performers={"stripe": StripePerformer(db, secrets, patience=patience)},
    )
    kit.runs = DoorRuns()
    return Door(kit)


def _left(db) -> int:
    with db.transaction() as cx:
        row = cx.execute("select count(*) from proposal where state = 'approved'").fetchone()
    return int(row[0])


def _until_done(db) -> None:
    deadline = time.monotonic() + 120
    while _left(db):
        _resume_parked(db)
        if time.monotonic() > deadline:
            with db.transaction() as cx:
                why = cx.execute(
                    "select p.proposal_id, c.state, c.state_why, r.state, r.reason from proposal p left join call c using (workspace_id,"
                    " proposal_id) left join run r using (workspace_id, run_id) where p.state = 'approved' limit 5"
                ).fetchall()
            raise AssertionError(f"{_left(db)} were not done in time: {why}")
        time.sleep(0.2)


def _resume_parked(db) -> None:
    """What a person does of a run on which ten workers died: it is parked with a Problem, and goes on once somebody says so."""
    with db.transaction() as cx:
        for run in runs.every(cx, states=["parked"]):
            runs.resume(cx, OWNER, run.id, "The storm is over.")


def _words(db) -> str:
    with db.transaction() as cx:
        rows = cx.execute(
            "select what, count(*) from trail where what like 'call.%' group by 1 order by 1"
        ).fetchall()
    return ", ".join(f"{count} {what}" for what, count in rows)


def _expect_once(db, shop, charges: list[str], engine: Any) -> None:
    """Exactly one refund for each, of its amount, with the mark of its call; the trail is whole."""
    refunds: dict[str, list[tuple[int, str]]] = {charge: [] for charge in charges}
    for refund in shop.client.v1.refunds.list({"limit": 100}).auto_paging_iter():
        refunds[refund.charge].append((refund.amount, refund.metadata["bookhand_call"]))
    with db.transaction() as cx:
        calls = dict(
            cx.execute("select params ->> 'charge', call_id from call where state = 'done'").fetchall()
        )
        assert verify_all(cx, 1).findings == ()
        assert len(search(cx, 1, what="call.done", limit=TRIES + 10)) == TRIES
    wrong = {
        charge: found
        for number, charge in enumerate(charges)
        if (found := refunds[charge]) != [(1 + number, calls.get(charge))]
    }
    assert wrong == {}


def _expect_booked(db, url, connected, engine: Any) -> None:
    """One entry for each refund, however often its webhook came."""
    link = connected.link
    fast = {"account": 100_000, "endpoint": 100_000}
    shown = msgspec.structs.replace(connected, settings={**connected.settings, "limits": fast})
    with StripeReader(shown, token=lambda: engine.keys().test, gate=Gate(LocalLeaser())) as reader:
        pull(db, link, reader, clock=time.time)
        drain(db, link, [read], wait=True)
    quiet(db, link)
    with db.transaction() as cx:
        rows = cx.execute(
            "select count(*), count(distinct source), sum(amount) from journal_entry where kind like 'refund%' and key like 'txn_%'"
        ).fetchone()
    assert (rows[0], rows[1], int(rows[2])) == (TRIES, TRIES, -sum(range(1, TRIES + 1)))


def _free_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
