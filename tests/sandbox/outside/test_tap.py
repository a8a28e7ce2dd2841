"""A Singer tap we did not write, on a `stripe` ten versions older than ours, reads every stream it knows."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from bookhand.sandbox.stripe.engine import DEFAULT_ACCOUNT, Pinstripe

pytestmark = pytest.mark.outside

STREAMS = {
    "charges": "charge",
    "customers": "customer",
    "payment_intents": "payment_intent",
    "invoices": "invoice",
    "balance_transactions": "balance_transaction",
    "payouts": "payout",
    "disputes": "dispute",
    "products": "product",
    "coupons": "coupon",
    "transfers": "transfer",
    "subscriptions": "subscription",
    "plans": "price",
}
# The tap knows its streams by the host's name in the URL, so the stand-in is its proxy.
START = "import stripe; stripe.api_base = 'http://api.stripe.com'; import tap_stripe; tap_stripe.main()"


def test_it_reads_every_stream(tap: Path, company: tuple[Pinstripe, str], tmp_path: Path) -> None:
    engine, address = company
    config = {
        "client_secret": engine.keys().test,
        "account_id": DEFAULT_ACCOUNT,
        "start_date": "2020-01-01T00:00:00Z",
        "lookback_window": 0,
        "date_window_size": 4000,
        "event_date_window_size": 400,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    catalog = json.loads(_run(tap, address, "--config", tmp_path / "config.json", "--discover"))
    for stream in catalog["streams"]:
        top = next(m for m in stream["metadata"] if m["breadcrumb"] == [])
        top["metadata"]["selected"] = stream["stream"] in STREAMS
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    said = _run(tap, address, "--config", tmp_path / "config.json", "--catalog", tmp_path / "catalog.json")
    rows = [json.loads(line) for line in said.splitlines()]
    ids: dict[str, set[str]] = {}
    for row in rows:
        if row["type"] == "RECORD":
            ids.setdefault(row["stream"], set()).add(row["record"]["id"])
    with engine.session() as call:
        there = {stream: engine.store.count(call.part, kind) for stream, kind in STREAMS.items()}
    assert Counter({stream: len(found) for stream, found in ids.items() if stream in STREAMS}) == Counter(
        there
    )


def _run(python: Path, address: str, *words: object) -> str:
    done = subprocess.run(
        [python, "-c", START, *map(str, words)],
        env=os.environ | {"http_proxy": address, "no_proxy": "", "NO_PROXY": ""},
        capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
