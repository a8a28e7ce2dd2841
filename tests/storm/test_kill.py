"""kill -9 at random points of backfill and of live posting: nothing is lost and nothing doubled."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tests.inbox.lister import Lister
from tests.inbox.mail import charge, event, payout, transaction

from bookhand.core.facts import Link
from bookhand.inbox import errand_store, slices_store, store
from bookhand.inbox.admission import sign
from bookhand.inbox.workflow import replayed
from bookhand.journal import store as journal
from bookhand.journal.check_workflow import check

pytestmark = pytest.mark.storm

NOW = 1_790_000_000
START = NOW - 90 * 86400
SECRET = "whsec_storm"


class Lives:
    """Starts lives and kills them."""

    def __init__(self) -> None:
        here = Path(__file__).parent
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(here.parents[1]), *sys.path])}
        self.zygote = subprocess.Popen(
            [sys.executable, str(here / "zygote.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )  # fmt: skip
        self.kills = 0

    def start(self, job: dict[str, Any]) -> int:
        assert self.zygote.stdin is not None
        assert self.zygote.stdout is not None
        self.zygote.stdin.write(json.dumps(job) + "\n")
        self.zygote.stdin.flush()
        return int(self.zygote.stdout.readline())

    def wait(self) -> int:
        assert self.zygote.stdout is not None
        return int(self.zygote.stdout.readline().split()[1])

    def end(self, pid: int, *, after: float) -> int:
        """Kill a life after a while, unless it ended before; 0 if it ended well, -9 if it was killed."""
        over = threading.Timer(after, lambda: os.kill(pid, signal.SIGKILL))
        over.start()
        status = self.wait()
        over.cancel()
        self.kills += status == -signal.SIGKILL
        assert status in {0, -signal.SIGKILL}, "it failed by itself; its words are above"
        return status

    def close(self) -> None:
        assert self.zygote.stdin is not None
        self.zygote.stdin.close()
        self.zygote.wait(20)


@pytest.fixture
def lives() -> Iterator[Lives]:
    found = Lives()
    yield found
    found.close()


def job_of(what: str, link: Link, stripe: Lister, database: str, **more: Any) -> dict[str, Any]:
    encoded = msgspec.json.encode(link).decode()
    return {
        "what": what,
        "link": encoded,
        "stripe": stripe.url,
        "database": database,
        "now": NOW,
        "since": START,
        **more,
    }


def history() -> dict[str, list[dict[str, Any]]]:
    moments = [START + n * 5000 for n in range(1500)]
    return {
        "balance_transactions": [
            transaction(n, created=at, source=charge(n, created=at), payout=f"po_{n // 500:06d}") for n, at in enumerate(moments)
        ],
        "charges": [charge(n, created=at) for n, at in enumerate(moments)],
        "payouts": [payout(n, created=START + n) for n in range(3)],
        "events": [
            msgspec.json.decode(event(n, "charge.updated", charge(n, created=moments[n]), created=NOW - 5000 + n)) for n in range(300)
        ],
    }  # fmt: skip


def test_backfill(db, new_link, database_url, lives, request) -> None:
    ends = time.monotonic() + request.config.getoption("--storm-seconds")
    chance = random.Random(20260823)
    finished = 0
    with Lister(history(), latency=0.004) as stripe:
        while time.monotonic() < ends:
            link = new_link(account=f"acct_{finished}")
            while (
                lives.end(
                    lives.start(job_of("backfill", link, stripe, database_url)), after=patience(chance, ends)
                )
                != 0
            ):
                pass
            expect_whole(db, link, stripe)
            finished += 1
    sys.stderr.write(f"\n{lives.kills} kills, {finished} histories whole\n")
    assert lives.kills >= max(10, request.config.getoption("--storm-seconds") / 2)


def patience(chance: random.Random, ends: float) -> float:
    """How long a life lasts: mostly short, so that every moment of it is met; to the end once time is up."""
    return (
        120.0
        if time.monotonic() > ends
        else chance.choice([chance.uniform(0.02, 0.25), chance.uniform(0.05, 1.2)])
    )


def expect_whole(db, link: Link, stripe: Lister) -> None:
    """Everything is there, once."""
    wanted = {row[1] for row in stripe.lists["balance_transactions"].rows}
    net = sum(msgspec.json.decode(row[2])["net"] for row in stripe.lists["balance_transactions"].rows)
    with db.transaction() as cx:
        saved = slices_store.latest(cx, link)
        assert saved is not None
        assert saved.status == "complete", saved.verdict
        assert store.waiting(cx, link) == 0
        assert errand_store.errands_left(cx, link, kinds=("members",)) == 0
        twice = cx.execute(
            "select key from delivery where connection_id = %s group by key having count(*) > 1",
            (link.connection_id,),
        ).fetchall()
        assert twice == []
        for name in ("charge", "payout", "balance_transaction"):
            plural = f"{name}s"
            assert store.unknown(cx, link, name, [row[1] for row in stripe.lists[plural].rows]) == []
        posted = [
            entry.key
            for _, entry in journal.entries(cx, link)
            if entry.key.startswith("txn_") and ":" not in entry.key
        ]
        assert sorted(posted) == sorted(wanted)
        clearing = sum(
            minor
            for (account, _), minor in journal.balances(cx, link).items()
            if account.startswith("stripe_clearing")
        )
        assert clearing == net
    report = check(db, link, replayed(db, link))
    assert report.holds, report.sentences


def test_live_posting(db, link, database_url, lives, request) -> None:
    ends = time.monotonic() + request.config.getoption("--storm-seconds")
    chance = random.Random(7)
    port = _free_port()
    with Lister() as stripe:
        job = job_of("serve", link, stripe, database_url, port=port, secret=SECRET)
        sender = Sender(stripe, f"http://127.0.0.1:{port}/webhooks/stripe/{link.connection_id}")
        sender.start()
        while time.monotonic() < ends:
            lives.end(lives.start(job), after=chance.uniform(0.15, 1.0))
        sender.stop()
        last = lives.start(job)
        sender.finish()
        quiet(db, link)
        os.kill(last, signal.SIGKILL)
        lives.wait()
        with db.transaction() as cx:
            kept = [key for (key,) in cx.execute("select key from delivery where kind = 'event'")]
            posted = sorted(
                entry.key
                for _, entry in journal.entries(cx, link)
                if entry.key.startswith("txn_") and ":" not in entry.key
            )
        assert sorted(kept) == sorted(set(kept))
        assert sender.acknowledged <= set(kept)
        assert posted == sorted(row[1] for row in stripe.lists["balance_transactions"].rows)
    report = check(db, link, replayed(db, link))
    assert report.holds, report.sentences
    sys.stderr.write(
        f"\n{lives.kills} kills, {len(sender.acknowledged)} events acknowledged, {sender.again} sent again\n"
    )
    assert lives.kills >= max(10, request.config.getoption("--storm-seconds") / 2)
    assert sender.again > 0


class Sender:
    """Stripe's side: books money, sends its event, and sends again what was not acknowledged."""

    def __init__(self, stripe: Lister, address: str) -> None:
        self.stripe, self.address = stripe, address
        self.acknowledged: set[str] = set()
        self.again = 0
        self._owed: list[tuple[int, bytes]] = []
        self._number = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def finish(self) -> None:
        """Send what is owed until all of it is acknowledged."""
        deadline = time.monotonic() + 30
        with httpx.Client(timeout=2) as client:
            while self._owed:
                assert time.monotonic() < deadline
                self._send(client)

    def _run(self) -> None:
        with httpx.Client(timeout=2) as client:
            while not self._stop.is_set():
                self._book()
                self._send(client)

    def _book(self) -> None:
        self._number += 1
        at = NOW - 100_000 + self._number
        sold = charge(self._number, created=at)
        self.stripe.put("balance_transactions", [transaction(self._number, created=at, source=sold)])
        self._owed.append((self._number, event(self._number, "charge.succeeded", sold, created=at)))

    def _send(self, client: httpx.Client) -> None:
        for number, body in self._owed[:20]:
            try:
                header = {"Stripe-Signature": sign(body, SECRET, at=int(time.time()))}
                answer = client.post(self.address, content=body, headers=header)
            except httpx.HTTPError:
                self.again += 1
                time.sleep(0.01)
                return
            if answer.status_code == 200:
                self.acknowledged.add(f"evt_{number:06d}")
                self._owed.remove((number, body))


def quiet(db, link: Link) -> None:
    """Wait until all mail is read and all errands are run."""
    deadline = time.monotonic() + 40
    calm = 0
    while calm < 5:
        assert time.monotonic() < deadline, "the mail was not read in time"
        with db.transaction() as cx:
            calm = (
                calm + 1
                if store.waiting(cx, link) == 0
                and errand_store.errands_left(cx, link, kinds=("pull", "members")) == 0
                else 0
            )
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
