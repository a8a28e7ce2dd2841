"""The web on a real database: the page, health and metrics, fed by the real inbox and the real journal."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import psycopg
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families
from psycopg import conninfo
from tests.inbox import mail
from tests.web.browsing import Web

from bookhand.core.facts import Link
from bookhand.core.problems import Problem, Refusal
from bookhand.db.engine import Database
from bookhand.db.schema import newest
from bookhand.inbox import store as inbox
from bookhand.inbox.delivery import listed, of_event
from bookhand.inbox.workflow import drain
from bookhand.journal import workflow as journal
from bookhand.logs import setup
from bookhand.systems import store as connections
from bookhand.web import store
from bookhand.web.app import create_app
from bookhand.web.integrations.room import Came
from bookhand.web.shield import HEADERS
from bookhand.workspace.heartbeat_store import age_seconds, beat
from bookhand.workspace.store import report


class Browser:
    """Asks an app for pages, as a browser on this machine would."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def get(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8787") as client:
            return await client.request(method, path, headers=headers)

    async def metrics(self) -> dict[tuple[str, ...], float]:
        answer = await self.get("/metrics")
        assert answer.status_code == 200
        return {
            (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Lines go where nobody reads them, made as in production."""
    kept = structlog.get_config()
    setup(style="json", stream=io.StringIO())
    yield
    structlog.configure(**kept)


@pytest.fixture
def house(db: Database, tmp_path: Any) -> Web:
    made = Web(db, tmp_path)
    made.app = create_app(
        db,
        reception=made.reception,
        site=made.site,
        tally={"accepted": 7, "duplicate": 2, "signature": 1},
    )
    return made


@pytest.fixture
def browser(house: Web) -> Browser:
    return Browser(house.app)


@pytest.fixture
def post(db: Database, link: Link) -> Callable[..., None]:
    """Receive mail and post it, as the worker does."""

    def go(*deliveries: Any, to: Link = link, read: bool = True) -> None:
        with db.transaction() as cx:
            inbox.receive(cx, to, list(deliveries))
        if read:
            drain(db, to, [journal.read])

    return go


def prove(
    db: Database, link: Link, currency: str, *, clearing: int, stripe: int | None, reason: str = ""
) -> None:
    with db.transaction() as cx:
        cx.execute(
            "insert into journal_proof (workspace_id, connection_id, currency, clearing, stripe_balance, off_by, unmatched, suspense, reason)"
            " values (%s, %s, %s, %s, %s, %s, 0, 0, %s)",
            (
                link.workspace_id,
                link.connection_id,
                currency,
                clearing,
                stripe,
                None if stripe is None else clearing - stripe,
                reason,
            ),
        )


async def test_an_empty_house_says_how_to_begin(browser: Browser) -> None:
    answer = await browser.get("/")
    assert answer.status_code == 200
    assert "No account is connected yet." in answer.text
    assert "bookhand owner you@example.com" in answer.text


async def test_the_page_shows_the_entries_the_proof_and_the_problems(
    browser: Browser, house: Web, db: Database, link: Link, post: Callable[..., None]
) -> None:
    post(of_event(mail.event(1, "charge.succeeded", mail.charge(1))))
    post(listed(mail.encode(mail.transaction(1)), as_of=9), listed(mail.encode(mail.transaction(2, amount=-500, fee=0, net=-500, type="refund", reporting_category="refund", source="re_000002", fee_details=[])), as_of=9))  # fmt: skip
    prove(db, link, "USD", clearing=1, stripe=9)
    prove(db, link, "USD", clearing=441, stripe=441)
    prove(db, link, "JPY", clearing=100, stripe=107, reason="7 JPY are in txn_000099.")
    with db.transaction() as cx:
        report(cx, link, [Problem(kind="odd", subject="txn_1", message="Look at <txn_1>, `please`.")])
    text = (await browser.get("/")).text
    assert "One balance differs from Stripe&#39;s." in text
    for piece in ("4.41", "(7)", "7 JPY are in txn_000099.", "TEST"):
        assert piece in text
    assert "0.01" not in text
    owner = await house.owner()
    text = (await owner.get("/")).text
    for piece in ("10.00", "5.00", "(7)", "txn_000002", "One Problem is open."):
        assert piece in text
    assert "Look at &lt;txn_1&gt;, <code>please</code>." in (await owner.get("/problems")).text


async def test_health_is_ready_only_when_all_is_well(
    browser: Browser, db: Database, link: Link, post: Callable[..., None]
) -> None:
    assert (await browser.get("/health/live")).json() == {"status": "ok"}
    silent = await browser.get("/health")
    assert silent.status_code == 503
    assert "run `bookhand serve`" in silent.json()["checks"]["worker"]["message"]
    with db.transaction() as cx:
        beat(cx, "worker")
        beat(cx, "worker")
    well = await browser.get("/health/ready")
    assert (well.status_code, well.json()["status"]) == (200, "ok")
    assert well.json()["checks"]["migrations"] == {"ok": True, "value": newest()}
    post(of_event(mail.event(1, "charge.succeeded", mail.charge(1))), read=False)
    aged(
        db,
        "alter table delivery disable trigger all; update delivery set received_at = now() - interval '10 min'",
    )
    late = (await browser.get("/health")).json()
    assert late["status"] == "not ready"
    assert late["checks"]["posting"]["value"] >= 600
    drain(db, link, [journal.read])
    assert (await browser.get("/health")).status_code == 200
    aged(db, "update heartbeat set at = now() - interval '2 min'")
    assert "last here 120 s ago" in (await browser.get("/health")).json()["checks"]["worker"]["message"]
    aged(db, "update heartbeat set at = now()")
    aged(db, "update alembic_version set version_num = '0001'")
    assert "The schema is at 0001" in (await browser.get("/health")).json()["checks"]["migrations"]["message"]


async def test_history_that_waits_its_turn_is_not_late(db: Database, link: Link) -> None:
    with db.transaction() as cx:
        inbox.receive(cx, link, [listed(mail.encode(mail.transaction(1)), as_of=9)], lane=inbox.HISTORY)
        assert store.oldest_waiting_seconds(cx) is None
        assert sum(store.queue(cx).values()) == 1


async def test_a_workspace_sees_its_own_signs_of_life(db: Database) -> None:
    with db.transaction() as cx:
        beat(cx, "worker")
        assert (age_seconds(cx, "worker") or 9) < 5
    with Database(db.url, workspace_id=2) as other, other.transaction() as cx:
        assert age_seconds(cx, "worker") is None


async def test_metrics_count_what_happened(
    browser: Browser, db: Database, link: Link, post: Callable[..., None]
) -> None:
    number, mode = str(link.connection_id), link.mode
    first = await browser.metrics()
    assert first["bookhand_webhooks_total", "accepted"] == 7
    assert first["bookhand_webhooks_total", "signature"] == 1
    assert first["bookhand_mail_to_entry_seconds_count",] == 0
    post(
        of_event(mail.event(1, "charge.succeeded", mail.charge(1))),
        of_event(mail.event(2, "charge.succeeded", mail.charge(2))),
    )
    post(listed(mail.encode(mail.transaction(1)), as_of=9), listed(mail.encode(mail.transaction(2)), as_of=9))
    post(of_event(mail.event(3, "charge.succeeded", mail.charge(3))), read=False)
    prove(db, link, "USD", clearing=1882, stripe=1890)
    with db.transaction() as cx:
        beat(cx, "worker")
    found = await browser.metrics()
    assert found["bookhand_mail_to_entry_seconds_count",] == 2
    assert 0 < found["bookhand_mail_to_entry_seconds_sum",] < 5
    assert found["bookhand_proof_off_by", number, "USD", mode] == -8
    assert found["bookhand_proof_stripe_balance", number, "USD", mode] == 1890
    assert found["bookhand_queue_depth", number, "live"] == 1
    assert found["bookhand_queue_depth", number, "errands"] == 1
    assert found["bookhand_entries",] == 2
    assert found["bookhand_connection_active", number, mode] == 1
    assert found["bookhand_worker_seen_seconds",] < 5
    assert (await browser.metrics())["bookhand_mail_to_entry_seconds_count",] == 2


async def test_the_lag_is_from_the_event_to_the_entry(
    db: Database, link: Link, post: Callable[..., None]
) -> None:
    post(of_event(mail.event(1, "charge.succeeded", mail.charge(1))))
    aged(
        db,
        "alter table delivery disable trigger all; update delivery set received_at = now() - interval '3 s'",
    )
    post(listed(mail.encode(mail.transaction(1)), as_of=9), listed(mail.encode(mail.transaction(2)), as_of=9))
    with db.transaction() as cx:
        since, (lag,) = store.lags_since(cx, datetime(2026, 1, 1, tzinfo=UTC))
        assert store.lags_since(cx, since) == (since, [])
    assert 3 <= lag < 10


async def test_a_backfill_shows_how_far_it_is(browser: Browser, house: Web, db: Database, link: Link) -> None:
    with db.transaction() as cx:
        row = cx.execute(
            "insert into backfill (workspace_id, connection_id, since, until, lists, started_at)"
            " values (1, %s, 0, 1000, '{balance_transactions,charges}', now() - interval '10 s') returning backfill_id",
            (link.connection_id,),
        ).fetchone()
        assert row is not None
        cx.cursor().executemany(
            "insert into slice (workspace_id, connection_id, backfill_id, list, number, since, until, reached, state, seen, pages)"
            " values (1, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (link.connection_id, row[0], "balance_transactions", 1, 0, 500, 0, "done", 3000, 30),
                (link.connection_id, row[0], "balance_transactions", 2, 500, 1000, 900, "waiting", 600, 6),
                (link.connection_id, row[0], "charges", 1, 0, 1000, 0, "done", 70, 1),
            ],
        )
    with db.transaction() as cx:
        (movements, charges), (history,) = store.backfills(cx)
    assert (movements.what, movements.done, movements.complete) == ("balance_transactions", 3600, False)
    assert (movements.total or 0) > 4000
    assert 300 < (movements.per_second or 0) <= 360
    assert (movements.seconds_left or 0) > 1
    assert (charges.done, charges.total, charges.complete) == (70, 70, True)
    assert history.status == "running"
    assert "History is still coming in." in (await browser.get("/")).text
    text = (await (await house.owner()).get("/")).text
    assert "History is still coming in." in text
    assert f"of about {movements.total:,}" in text
    assert re.search(rf'<progress [^>]*value="3600" max="{movements.total}"', text)
    assert "left" in text
    assert (await browser.metrics())["bookhand_backfill_complete", str(link.connection_id), "charges"] == 1


async def test_every_answer_is_shielded_and_errors_are_pages(browser: Browser) -> None:
    for path, code in (("/", 200), ("/nowhere", 404), ("/static/../app.py", 404), ("/static/nothing.css", 404), ("/docs", 404), ("/openapi.json", 404)):  # fmt: skip
        answer = await browser.get(path)
        assert answer.status_code == code
        assert all(answer.headers[name] == value for name, value in HEADERS.items())
    assert (await browser.get("/", "POST")).status_code == 405
    sheet = await browser.get("/static/app.css")
    assert sheet.headers["content-type"].startswith("text/css")
    assert "immutable" in sheet.headers["cache-control"]
    assert (await browser.get("/", host="books.example.com")).status_code == 403


async def test_a_database_that_is_away_is_a_page_and_not_ready(db: Database, tmp_path: Any) -> None:
    gone = Database(conninfo.make_conninfo(db.url, dbname="is_not_there"))
    gone._pool.timeout = 0.2
    away = Web(gone, tmp_path, public_url="https://books.example.com")
    browser = Browser(away.app)
    for path, host in (("/", "localhost"), ("/sign-in", "localhost"), ("/", "books.example.com")):
        page = await browser.get(path, host=host)
        assert page.status_code == 503
        assert "The database does not answer." in page.text
        assert all(page.headers[name] == value for name, value in HEADERS.items())
    call = await browser.get("/api/v1/people")
    assert (call.status_code, call.json()["error"]["kind"]) == (503, "outage")
    health = await browser.get("/health")
    assert health.status_code == 503
    assert health.json()["checks"]["database"]["ok"] is False
    assert (await browser.get("/health/live")).status_code == 200
    gone.close()


async def test_a_fault_of_ours_tells_nothing_to_the_browser(
    browser: Browser, db: Database, link: Link
) -> None:
    aged(db, "drop table journal_proof")
    answer = await browser.get("/")
    assert answer.status_code == 500
    assert "This page could not be made." in answer.text
    assert "journal_proof" not in answer.text


async def test_mail_goes_straight_to_its_app(db: Database) -> None:
    seen: list[str] = []

    async def door(scope: Any, _receive: Any, send: Any) -> None:
        seen.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"kept"})

    browser = Browser(create_app(db, webhooks=door))
    answer = await browser.get(
        "/webhooks/stripe/1", "POST", host="books.example.com", **{"x-forwarded-for": "3.18.12.63"}
    )
    assert (answer.text, seen) == ("kept", ["/webhooks/stripe/1"])
    assert (await browser.get("/webhookish")).status_code == 404


async def test_a_sign_in_comes_back_from_anywhere_and_is_told_how_it_went(db: Database, link: Link) -> None:
    with db.transaction() as cx:
        made = connections.get(cx, link.connection_id)
    asked: list[tuple[str, Any]] = []

    def finish(kind: str, sent: Any) -> Came:
        asked.append((kind, dict(sent)))
        if sent.get("error"):
            raise Refusal("Stripe did not connect: <no>. Start again when you want to.")
        return Came(connection=made, says="Acme <Ltd> is connected.")

    browser = Browser(create_app(db, sign_in=finish))
    away = {"host": "books.example.com", "x-forwarded-for": "203.0.113.9"}
    good = await browser.get("/oauth/stripe/app?state=s1&code=ac_1", **away)
    assert (good.status_code, asked) == (200, [("app", {"state": "s1", "code": "ac_1"})])
    assert "Acme &lt;Ltd&gt; is connected." in good.text
    bad = await browser.get("/oauth/stripe/connect?error=access_denied", **away)
    assert bad.status_code == 400
    assert "Stripe did not connect: &lt;no&gt;." in bad.text
    assert (await browser.get("/oauth/stripe/other", **away)).status_code == 404
    assert (await Browser(create_app(db)).get("/oauth/stripe/app")).status_code == 404


async def test_no_secret_is_on_a_page_or_in_the_metrics(browser: Browser, db: Database, link: Link) -> None:
    secret = b"sealed-and-secret-0123456789"
    with db.transaction() as cx:
        cx.execute(
            "insert into secret (workspace_id, connection_id, name, key_id, sealed) values (1, %s, 'token', 'k1', %s)",
            (link.connection_id, secret),
        )
        cx.execute(
            "update connection set settings = %s, scopes = %s",
            ('{"webhook_secret": "whsec_hidden"}', '["rk_hidden"]'),
        )
    for path in ("/", "/metrics", "/health"):
        text = (await browser.get(path)).text
        for hidden in (secret.decode(), secret.hex(), "whsec_", "rk_hidden"):
            assert hidden not in text


async def test_the_page_costs_little_beside_a_large_journal(db: Database, link: Link) -> None:
    rows = [f"txn_{number:06d}" for number in range(20_000)]
    with db.transaction() as cx:
        cx.execute(
            "insert into journal_entry (workspace_id, connection_id, key, happened_at, booked_on, kind, why, accounts, currencies, minors, hash, delivery)"
            " select 1, %s, key, 1790000000, '2026-09-21', 'charge', 'Charge', '{a,b}', '{USD,USD}', '{1,-1}', '', 1 from unnest(%s::text[]) as t (key)",
            (link.connection_id, rows),
        )
        cx.execute("insert into journal_entry (workspace_id, connection_id, key, happened_at, booked_on, kind, why, accounts, currencies, minors, hash, delivery, recorded_at)"
                   " values (1, %s, 'last', 1790000000, '2026-09-21', 'charge', 'Charge', '{a,b}', '{USD,USD}', '{1,-1}', '', 1, now() + interval '1 s')", (link.connection_id,))  # fmt: skip
    aged(db, "analyze journal_entry")
    with db.transaction() as cx:
        plan = cx.execute(
            "explain (format json) select 1 from journal_entry where ctid >= %s::tid",
            (store._newest_pages(cx),),
        ).fetchone()
        found = store.entries(cx)
    assert plan is not None
    assert "Tid Range Scan" in msgspec.json.encode(plan[0]).decode()
    assert (len(found), found[0].key) == (20, "last")


def aged(db: Database, statements: str) -> None:
    """Do to the database what the product may not."""
    with psycopg.connect(db.url, autocommit=True) as cx:
        for statement in statements.split(";"):
            cx.execute(statement)
