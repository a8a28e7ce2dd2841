"""The whole way against the stand-in Stripe over HTTP: history and live mail in, a journal that ties to the cent out."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import uvicorn

from bookhand.core.facts import Link
from bookhand.inbox import store
from bookhand.inbox.backfill_workflow import Backfill, Progress
from bookhand.inbox.delivery import Delivery, listed, of_event
from bookhand.inbox.errands_workflow import run_errands
from bookhand.inbox.workflow import drain, replayed
from bookhand.journal import store as journal
from bookhand.journal.check_workflow import check
from bookhand.journal.proof_workflow import prove
from bookhand.journal.workflow import read
from bookhand.sandbox.stripe.engine import DEFAULT_ACCOUNT, Pinstripe
from bookhand.sandbox.stripe.server import App
from bookhand.sandbox.world.live import Live
from bookhand.sandbox.world.world import World
from bookhand.systems.client import Gate, LocalLeaser
from bookhand.systems.connection import Connection
from bookhand.systems.stripe.balance import balance_of
from bookhand.systems.stripe.client import StripeReader

WORLD = World(seed=3, months=1, customers=15)


@pytest.fixture(scope="module")
def engine() -> Iterator[Pinstripe]:
    made = WORLD.create()
    yield made
    made.close()


@pytest.fixture(scope="module")
def address(engine: Pinstripe) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(App(engine), port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


def reader_of(link: Link, engine: Pinstripe, address: str) -> StripeReader:
    fast = {"account": 100_000, "endpoint": 100_000}
    connection = Connection(
        link=link, name="x", livemode=False, auth="key", status="active", settings={"base_url": address, "limits": fast}
    )  # fmt: skip
    return StripeReader(connection, token=lambda: engine.keys(DEFAULT_ACCOUNT).test, gate=Gate(LocalLeaser()))


def unproven(db, link: Link, reader: StripeReader) -> list[str]:
    proofs = prove(db, link, lambda: balance_of(reader.one("/v1/balance") or b"{}"))
    assert proofs
    return [f"{one.currency} is off by {one.off_by}: {one.reason}" for one in proofs if not one.holds]


def backfill(db, link: Link, engine: Pinstripe, reader: StripeReader) -> Progress:
    work = Backfill(
        db, link, reader, readers=[read], tie_out=lambda: unproven(db, link, reader), clock=engine.clock.now, fetchers=6
    )  # fmt: skip
    return work.run(since=WORLD.start - 30 * 86400)


def journal_of(db, link: Link) -> bytes:
    with db.transaction() as cx:
        return b"".join(journal.dump(cx, link))


def listing(reader: StripeReader, name: str, **params: Any) -> list[msgspec.Raw]:
    return [raw for page in reader.pages(f"/v1/{name}", params) for raw in page.data]


def test_a_history_comes_in_ties_out_and_goes_on_live(db, link, engine: Pinstripe, address: str) -> None:
    with reader_of(link, engine, address) as reader:
        outcome = backfill(db, link, engine, reader)
        assert outcome.phase == "complete", outcome.verdict
        seen = {bytes(raw) for raw in listing(reader, "events")}
        live = Live(engine, seed=5)
        for _ in range(40):
            live.step()
        events = [of_event(bytes(raw)) for raw in listing(reader, "events") if bytes(raw) not in seen]
        assert events
        with db.transaction() as cx:
            store.receive(cx, link, events)
        while drain(db, link, [read]) or run_errands(
            db, link, reader, clock=engine.clock.now, kinds=("pull", "members")
        ):
            pass
        assert unproven(db, link, reader) == []
        report = check(db, link, replayed(db, link))
        assert report.holds, report.sentences


def test_shuffled_doubled_and_split_mail_gives_the_same_journal(
    db, new_link, engine: Pinstripe, address: str
) -> None:
    first = new_link(account="acct_first")
    with reader_of(first, engine, address) as reader:
        now = int(engine.clock.now())
        mail = [of_event(bytes(raw)) for raw in listing(reader, "events")]
        mail += [
            listed(raw, as_of=now) for raw in listing(reader, "balance_transactions", expand=["data.source"])
        ]
    assert len(mail) > 500
    deliver(db, first, mail, cuts=[])
    told = journal_of(db, first)
    assert told.count(b"\n") > 100
    for seed in range(2):
        chance = random.Random(seed)
        shuffled = [*mail, *chance.sample(mail, len(mail) // 3)]
        chance.shuffle(shuffled)
        link = new_link(account=f"acct_{seed}")
        deliver(db, link, shuffled, cuts=sorted(chance.sample(range(len(shuffled)), 15)))
        assert journal_of(db, link) == told


def deliver(db, link: Link, mail: list[Delivery], *, cuts: list[int]) -> None:
    for start, end in zip([0, *cuts], [*cuts, len(mail)], strict=True):
        with db.transaction() as cx:
            store.receive(cx, link, mail[start:end])
        drain(db, link, [read], batch=97)
    with db.transaction() as cx:
        assert store.waiting(cx, link) == 0
        assert cx.execute(
            "select count(*) from parked where connection_id = %s", (link.connection_id,)
        ).fetchone() == (0,)
