"""The webhook endpoint over HTTP: durable before the 200, refused with a reason, nothing acknowledged that was not kept."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import psycopg
import pytest
import uvicorn
from tests.inbox.mail import charge, customer, event

from bookhand.db.engine import Database
from bookhand.inbox import store
from bookhand.inbox.admission import Endpoint, sign
from bookhand.inbox.commit_store import Mailbox
from bookhand.inbox.delivery import of_event
from bookhand.inbox.endpoint import LARGEST_BODY, Webhooks, webhooks

SECRET = "whsec_test"
NOW = 1_790_000_000


@contextmanager
def serving(app: Webhooks) -> Iterator[httpx.Client]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        yield client
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def app(db, link) -> Webhooks:
    endpoint = Endpoint(secrets=(SECRET,), links={None: link})
    find = {link.connection_id: endpoint}.get
    return webhooks(find=find, keep=Mailbox(db, timeout_seconds=3).keep, clock=lambda: NOW)


@pytest.fixture
def post(app, link) -> Iterator[Callable[..., httpx.Response]]:
    with serving(app) as client:

        def send(
            body: bytes, *, header: str | None = None, number: int = link.connection_id
        ) -> httpx.Response:
            signature = sign(body, SECRET, at=NOW) if header is None else header
            return client.post(
                f"/webhooks/stripe/{number}", content=body, headers={"Stripe-Signature": signature}
            )

        yield send


def kept(db, link) -> int:
    with db.transaction() as cx:
        return cx.execute("select count(*) from delivery").fetchone()[0]


def test_an_event_is_durable_before_the_answer(db, link, app, post) -> None:
    body = event(1, "charge.succeeded", charge(1))
    assert post(body).status_code == 200
    with db.transaction() as cx:
        ((_, _, delivery),) = store.take(cx, link, limit=5)
    assert delivery.body == body
    assert post(body).status_code == 200
    assert kept(db, link) == 1
    assert app.tally == {"accepted": 1, "duplicate": 1}


def test_what_is_refused_is_counted_and_changes_nothing(db, link, app, post) -> None:
    body = event(1, "customer.created", customer(1))
    live = event(2, "customer.created", customer(2), livemode=True)
    foreign = event(3, "customer.created", customer(3), account="acct_other")
    answers = [
        post(body, header=""), post(body, header=sign(body, "whsec_other", at=NOW)), post(body, header=sign(body, SECRET, at=NOW - 301)),
        post(body, header=sign(body, SECRET, at=NOW + 301)), post(b"{not json"), post(live), post(foreign), post(body, number=999_999),
    ]  # fmt: skip
    assert [each.status_code for each in answers] == [401, 401, 401, 401, 400, 400, 400, 404]
    reasons = [
        "unsigned",
        "signature",
        "stale",
        "stale",
        "malformed",
        "mode",
        "account",
        "unknown_connection",
    ]
    assert [each.json()["error"]["reason"] for each in answers] == reasons
    assert all(len(each.json()["error"]["message"]) > 20 for each in answers)
    assert app.tally == {
        "unsigned": 1,
        "signature": 1,
        "stale": 2,
        "malformed": 1,
        "mode": 1,
        "account": 1,
        "unknown_connection": 1,
    }
    assert kept(db, link) == 0


def test_other_paths_and_methods_are_refused(app) -> None:
    with serving(app) as client:
        assert client.get("/webhooks/stripe/1").status_code == 405
        for path in (
            "/",
            "/webhooks/stripe/",
            "/webhooks/stripe/x",
            "/webhooks/stripe/1/2",
            "/webhooks/stripe/99999999999999",
        ):
            assert client.post(path).status_code == 404


def test_twenty_megabytes_are_refused_and_not_held(db, link, app, post) -> None:
    assert post(b"x" * (20 << 20)).status_code == 413
    assert post(b'{"a":"' + b"x" * LARGEST_BODY + b'"}').status_code == 413
    assert app.tally["too_large"] == 2


def test_a_body_sent_in_pieces_without_a_length_is_bounded_too(app, link) -> None:
    with serving(app) as client:
        pieces = (b"x" * 65536 for _ in range(320))
        answer = client.post(f"/webhooks/stripe/{link.connection_id}", content=pieces)
    assert answer.status_code == 413


def test_memory_stays_small_under_large_bodies(app, link) -> None:
    """The app holds no piece of a body that it will refuse."""

    async def feed() -> int:
        held: list[bytes] = []
        sent = []

        async def receive() -> dict[str, object]:
            held.append(b"")
            return {"type": "http.request", "body": bytes(65536), "more_body": len(held) < 320}

        async def send(message) -> None:
            sent.append(message)

        headers = [(b"content-length", str(20 << 20).encode())]
        import tracemalloc

        tracemalloc.start()
        await app(
            {
                "type": "http",
                "path": f"/webhooks/stripe/{link.connection_id}",
                "method": "POST",
                "headers": headers,
            },
            receive,
            send,
        )
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert sent[0]["status"] == 413
        return peak

    assert asyncio.run(feed()) < 1 << 20


def test_with_postgresql_away_nothing_is_acknowledged_and_it_comes_back(db, link, database_url) -> None:
    away = [False]

    class Flaky(Database):
        def __init__(self, url: str) -> None:
            super().__init__(url)
            self._url = url

        @property
        def url(self) -> str:
            return "host=127.0.0.1 port=1 dbname=none" if away[0] else self._url

        @url.setter
        def url(self, value: str) -> None:
            self._url = value

    with Flaky(database_url) as flaky:
        endpoint = Endpoint(secrets=(SECRET,), links={None: link})
        app = webhooks(
            find=lambda _: endpoint, keep=Mailbox(flaky, timeout_seconds=3).keep, clock=lambda: NOW
        )
        with serving(app) as client:

            def send(number: int) -> int:
                body = event(number, "customer.created", customer(number))
                return client.post(
                    "/webhooks/stripe/1",
                    content=body,
                    headers={"Stripe-Signature": sign(body, SECRET, at=NOW)},
                ).status_code

            assert send(1) == 200
            away[0] = True
            with psycopg.connect(database_url, autocommit=True) as cx:
                cx.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
                )
            assert send(2) == 503
            assert send(3) == 503
            away[0] = False
            assert send(2) == 200
    with psycopg.connect(database_url) as cx:
        assert cx.execute("select count(*) from delivery").fetchone() == (2,)
    assert app.tally == {"accepted": 2, "not_kept": 2}


def test_a_full_disk_is_a_503(db, link) -> None:
    """What PostgreSQL raises on a full disk, raised by PostgreSQL itself while it writes the row."""
    with db.transaction() as cx:
        cx.execute("reset role")
        cx.execute(
            "create function full_disk() returns trigger language plpgsql as "
            "$$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$"
        )
        cx.execute(
            "create trigger full_disk before insert on delivery for each row execute function full_disk()"
        )
    endpoint = Endpoint(secrets=(SECRET,), links={None: link})
    with serving(webhooks(find=lambda _: endpoint, keep=Mailbox(db).keep, clock=lambda: NOW)) as client:
        body = event(1, "customer.created", customer(1))
        answer = client.post(
            "/webhooks/stripe/1", content=body, headers={"Stripe-Signature": sign(body, SECRET, at=NOW)}
        )
    assert answer.status_code == 503
    assert kept(db, link) == 0


def test_commits_are_shared_and_duplicates_within_one_are_new_once(db, link) -> None:
    async def burst() -> list[bool]:
        mailbox = Mailbox(db)
        mail = [of_event(event(n % 60, "customer.created", customer(n % 60))) for n in range(120)]
        found = await asyncio.gather(*(mailbox.keep(link, each) for each in mail))
        await mailbox.close()
        return found

    assert sum(asyncio.run(burst())) == 60
    with db.transaction() as cx:
        transactions = cx.execute("select count(distinct xmin::text) from delivery").fetchone()[0]
    assert kept(db, link) == 60
    assert transactions <= 3


def test_a_signature_is_checked_over_the_raw_bytes(post) -> None:
    body = event(1, "customer.created", customer(1))
    spaced = body.replace(b":", b": ")
    assert post(spaced, header=sign(body, SECRET, at=NOW)).status_code == 401
    assert post(spaced).status_code == 200


def test_a_delivery_that_is_faster_than_its_secret_waits_for_it(db, link) -> None:
    told: list[Endpoint] = [Endpoint(secrets=(), links={None: link})]
    app = webhooks(find=lambda _: told[-1], keep=Mailbox(db, timeout_seconds=3).keep, clock=lambda: NOW)
    body = event(1, "charge.succeeded", charge(1))
    with serving(app) as client:
        threading.Timer(0.5, lambda: told.append(Endpoint(secrets=(SECRET,), links={None: link}))).start()
        answer = client.post(
            f"/webhooks/stripe/{link.connection_id}",
            content=body,
            headers={"Stripe-Signature": sign(body, SECRET, at=NOW)},
        )
    assert answer.status_code == 200
    assert app.tally == {"accepted": 1}
