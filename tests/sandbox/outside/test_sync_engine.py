"""A sync engine we did not write copies the whole company into PostgreSQL, and what it has is what there is."""

from __future__ import annotations

import json
import subprocess
import uuid
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo, sql

from bookhand.sandbox.stripe.engine import Pinstripe

pytestmark = pytest.mark.outside

COUNTED = {
    "Products": ("product", "products"),
    "Prices": ("price", "prices"),
    "Customers": ("customer", "customers"),
    "Subscriptions": ("subscription", "subscriptions"),
    "Invoices": ("invoice", "invoices"),
    "Charges": ("charge", "charges"),
    "PaymentIntents": ("payment_intent", "payment_intents"),
    "Disputes": ("dispute", "disputes"),
    "Refunds": ("refund", "refunds"),
    "CreditNotes": ("credit_note", "credit_notes"),
}


@pytest.fixture
def database(server_url: str) -> str:
    name = f"sync_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server_url, autocommit=True) as cx:
        cx.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return conninfo.make_conninfo(server_url, dbname=name)


def test_it_copies_everything(node: str, company: tuple[Pinstripe, str], database: str) -> None:
    engine, address = company
    events = engine.call("GET", "/v1/events", {"type": "charge.succeeded", "limit": 100}).json()["data"]
    done = subprocess.run(
        [node, Path(__file__).with_name("sync.cjs"), _url(database), engine.keys().test, address, "whsec_test"],
        input="\n".join(json.dumps(event) for event in events),
        capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert {step: said for step, said in told.items() if not isinstance(said, int)} == {}
    assert told["webhooks"] == len(events) > 0
    with engine.session() as call, psycopg.connect(database) as cx:
        for step, (kind, table) in COUNTED.items():
            there = engine.store.count(call.part, kind)
            row = cx.execute(
                sql.SQL("select count(*) from stripe.{}").format(sql.Identifier(table))
            ).fetchone()
            assert (step, told[step], row[0] if row else 0) == (step, there, there)
        amounts = cx.execute("select sum(amount), sum(amount_refunded) from stripe.charges").fetchone()
        charges = call.find("charge")
    assert amounts == (sum(c["amount"] for c in charges), sum(c["amount_refunded"] for c in charges))


def _url(database: str) -> str:
    """The same address as a URL: what the engine's driver reads."""
    parts = conninfo.conninfo_to_dict(database)
    user = f"{parts['user']}:{parts.get('password', '')}@" if parts.get("password") else f"{parts['user']}@"
    host = parts.get("host", "127.0.0.1")
    if str(host).startswith("/"):
        return f"postgresql://{user}localhost/{parts['dbname']}?host={host}&port={parts.get('port', 5432)}"
    return f"postgresql://{user}{host}:{parts.get('port', 5432)}/{parts['dbname']}"
