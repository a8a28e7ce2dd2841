"""Stripe's own command line client, told only another address."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bookhand.sandbox.stripe.engine import Pinstripe

pytestmark = pytest.mark.outside

TRIGGERS = (
    "charge.captured",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.failed",
    "charge.refunded",
    "charge.succeeded",
    "credit_note.created",
    "customer.created",
    "customer.deleted",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.updated",
    "customer.updated",
    "invoice.finalized",
    "invoice.marked_uncollectible",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.voided",
    "invoiceitem.created",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.created",
    "payment_intent.payment_failed",
    "payment_intent.succeeded",
    "payment_method.attached",
    "payout.created",
    "price.created",
    "product.created",
    "setup_intent.succeeded",
    "subscription_schedule.created",
    "transfer.created",
)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def run(node_modules: Path, company: tuple[Pinstripe, str], tmp_path_factory: pytest.TempPathFactory) -> Run:
    engine, address = company
    funds = {
        "amount": 900_000,
        "currency": "usd",
        "payment_method": "pm_card_bypassPending",
        "confirm": "true",
    }
    assert engine.call("POST", "/v1/payment_intents", funds).status == 200
    home = tmp_path_factory.mktemp("home")
    env = os.environ | {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "STRIPE_CLI_TELEMETRY_OPTOUT": "1",
        "NO_COLOR": "1",
    }

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [
            str(node_modules / ".bin" / "stripe"), *words,
            "--api-key", engine.keys().test, "--api-base", address, "--color", "off",
        ]  # fmt: skip
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)

    return run


def told(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout[done.stdout.index("{") :])


@pytest.mark.parametrize(
    "plural", ["charges", "customers", "invoices", "payouts", "subscriptions", "refunds"]
)
def test_it_lists(run: Run, plural: str) -> None:
    page = told(run(plural, "list", "--limit", "3"))
    assert len(page["data"]) == 3
    assert page["url"] == f"/v1/{plural}"
    more = told(run(plural, "list", "--limit", "3", "--starting-after", page["data"][-1]["id"]))
    assert not {row["id"] for row in page["data"]} & {row["id"] for row in more["data"]}


def test_it_creates_changes_and_deletes(run: Run) -> None:
    made = told(run("customers", "create", "--email", "ada@example.com", "-d", "metadata[from]=cli"))
    assert made["metadata"] == {"from": "cli"}
    changed = told(run("customers", "update", made["id"], "--name", "Ada"))
    assert changed["name"] == "Ada"
    assert told(run("get", f"/v1/customers/{made['id']}"))["email"] == "ada@example.com"
    assert told(run("customers", "delete", made["id"], "--confirm"))["deleted"] is True


def test_it_shows_an_expanded_charge(run: Run) -> None:
    found = told(run("get", "/v1/charges", "--limit", "1", "--expand", "data.balance_transaction"))
    assert found["data"][0]["balance_transaction"]["object"] == "balance_transaction"


@pytest.mark.parametrize("event", TRIGGERS)
def test_it_triggers(run: Run, company: tuple[Pinstripe, str], event: str) -> None:
    done = run("trigger", event)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Trigger succeeded" in done.stdout + done.stderr
    engine, _ = company
    assert engine.call("GET", "/v1/events", {"type": event, "limit": 1}).json()["data"], f"no {event}"
