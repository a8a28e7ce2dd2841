"""The seeded company: the same every time, all of life in it, and its money adds up."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bookhand.sandbox.stripe.engine import DEFAULT_ACCOUNT, Pinstripe
from bookhand.sandbox.world.agenda import DAY
from bookhand.sandbox.world.world import EUROPE, World

SMALL = World(seed=5, months=2, customers=12)
Tally = Callable[[str, str], Counter[str]]


@pytest.fixture(scope="module")
def year() -> Iterator[Pinstripe]:
    engine = World(seed=1).create()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def tally(year: Pinstripe) -> Tally:
    def count(kind: str, key: str, account: str = DEFAULT_ACCOUNT) -> Counter[str]:
        with year.session(account) as call:
            return Counter(str(row.get(key)) for row in call.find(kind))

    return count


def test_one_seed_is_one_company_to_the_byte() -> None:
    first, second, other = (World(seed=s, months=2, customers=12).create() for s in (5, 5, 6))
    assert first.digest() == second.digest()
    assert first.digest() != other.digest()


def test_it_is_the_same_in_another_process() -> None:
    code = (
        "from bookhand.sandbox.world.world import World;"
        "print(World(seed=5, months=2, customers=12).create().digest())"
    )
    there = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_env()
    )
    assert there.stdout.strip() == SMALL.create().digest()


def _env() -> dict[str, str]:
    import os

    return os.environ | {"PYTHONHASHSEED": "4242", "PYTHONPATH": ":".join(sys.path)}


def test_every_size_changes_the_company() -> None:
    digests = {
        world.create().digest()
        for world in (
            SMALL,
            World(5, 2, 13),
            World(5, 3, 12),
            World(5, 2, 12, odd=True),
            World(5, 2, 12, livemode=True),
        )
    }
    assert len(digests) == 5


@pytest.mark.parametrize(
    ("kind", "key", "wanted"),
    [
        ("subscription", "status", "active trialing canceled past_due"),
        ("invoice", "status", "paid open void uncollectible"),
        ("invoice", "billing_reason", "subscription_create subscription_cycle subscription_update manual"),
        ("invoice", "currency", "usd eur jpy kwd"),
        ("charge", "status", "succeeded failed"),
        ("charge", "currency", "usd eur jpy kwd"),
        ("refund", "status", "succeeded failed"),
        (
            "dispute",
            "status",
            """needs_response under_review won lost prevented warning_needs_response warning_under_review
            warning_closed appeal_needs_response""",
        ),
        ("payout", "status", "paid failed canceled"),
        ("payout", "method", "standard instant"),
        ("subscription", "collection_method", "charge_automatically send_invoice"),
        ("payout", "automatic", "True False"),
        ("topup", "status", "succeeded"),
        ("transfer", "reversed", "True False"),
        ("application_fee", "refunded", "True False"),
        ("credit_note", "status", "issued"),
        (
            "balance_transaction",
            "type",
            """charge payment refund refund_failure adjustment payout payout_failure payout_cancel stripe_fee tax_fee
            topup transfer transfer_refund application_fee application_fee_refund reserve_hold reserve_release
            advance advance_funding payment_failure_refund""",
        ),
        (
            "balance_transaction",
            "reporting_category",
            """charge refund refund_failure partial_capture_reversal dispute dispute_reversal fee tax payout
            payout_reversal topup transfer transfer_reversal platform_earning platform_earning_refund
            risk_reserved_funds charge_failure""",
        ),
    ],
)
def test_all_of_life_is_in_it(tally: Tally, kind: str, key: str, wanted: str) -> None:
    found = tally(kind, key)
    assert set(wanted.split()) <= found.keys(), f"of {kind}.{key} there is only {dict(found)}"


def test_one_payout_was_fetched_back_from_the_bank(year: Pinstripe) -> None:
    with year.session() as call:
        (back,) = [p for p in call.find("payout") if p["original_payout"]]
        there = call.get("payout", back["original_payout"])
    assert there["reversed_by"] == back["id"]
    assert back["amount"] == -there["amount"]


def test_one_dispute_was_won_in_part(year: Pinstripe) -> None:
    with year.session() as call:
        moves = [[m["amount"] for m in d["balance_transactions"]] for d in call.find("dispute", limit=None)]
    assert [sum(two) for two in moves if len(two) == 2 and sum(two)] == [-12_000]


def test_it_has_two_hundred_customers_and_a_year(year: Pinstripe) -> None:
    with year.session() as call:
        assert year.store.count(call.part, "customer") == 200
        created = sorted(row["created"] for row in call.find("balance_transaction"))
    assert 360 * DAY < created[-1] - created[0] < 372 * DAY
    assert year.clock.now() == World().until


def test_payments_fail_for_many_reasons(year: Pinstripe) -> None:
    with year.session() as call:
        failed = [row for row in call.find("charge") if row["status"] == "failed" and row["outcome"]]
    assert len({row["outcome"]["reason"] for row in failed}) >= 10


def test_refunds_cross_the_ends_of_months(year: Pinstripe) -> None:
    def month(ts: int) -> int:
        return datetime.fromtimestamp(ts, UTC).month

    crossing = 0
    with year.session() as call:
        for refund in call.find("refund"):
            charge = call.look("charge", refund["charge"])
            crossing += charge is not None and month(charge["created"]) != month(refund["created"])
    assert crossing >= 12


def test_tax_is_outside_and_inside_of_prices_in_many_places(year: Pinstripe) -> None:
    with year.session() as call:
        taxes = [tax for invoice in call.find("invoice") for tax in invoice["total_taxes"]]
        rates = {tax["tax_rate_details"]["tax_rate"] for tax in taxes if tax["tax_rate_details"]}
        places = {(call.look("tax_rate", rate) or {}).get("jurisdiction") for rate in rates}
    assert {tax["tax_behavior"] for tax in taxes} == {"inclusive", "exclusive"}
    assert len(places) >= 6


def test_foreign_money_is_changed_at_a_told_rate(year: Pinstripe) -> None:
    with year.session() as call:
        rows = call.find("balance_transaction", type="charge")
    assert {row["currency"] for row in rows} == {"usd"}
    assert sum(row["exchange_rate"] is not None for row in rows) > 200


@pytest.mark.parametrize(("account", "currencies"), [(DEFAULT_ACCOUNT, {"usd"}), (EUROPE, {"eur", "usd"})])
def test_the_balance_is_the_sum_of_its_movements(year: Pinstripe, account: str, currencies: set[str]) -> None:
    balance = year.call("GET", "/v1/balance", account=account).json()
    told = {(r["currency"], s): r["amount"] for s in ("available", "pending") for r in balance[s]}
    assert {currency for currency, _ in told} == currencies
    with year.session(account) as call:
        summed: Counter[tuple[str, str]] = Counter()
        for row in call.find("balance_transaction"):
            if row["balance_type"] == "payments":
                summed[row["currency"], row["status"]] += row["net"]
    assert told == {key: summed[key] for key in told}


def test_every_automatic_payout_is_the_sum_of_what_is_in_it(year: Pinstripe) -> None:
    with year.session() as call:
        payouts = [p for p in call.find("payout") if p["automatic"] and p["status"] == "paid"]
        assert len(payouts) > 200
        for payout in payouts:
            inside = call.find("balance_transaction", payout=payout["id"])
            assert payout["balance_transaction"] in {row["id"] for row in inside}
            assert sum(row["net"] for row in inside) == 0


def test_a_strange_movement_is_there_only_when_asked_for(tally: Tally) -> None:
    assert "moon_levy" not in tally("balance_transaction", "type")
    odd = World(seed=5, months=2, customers=12, odd=True).create()
    with odd.session() as call:
        assert [row["amount"] for row in call.find("balance_transaction", type="moon_levy")] == [-1_234]


def test_live_mode_is_a_life_of_its_own() -> None:
    engine = World(seed=5, months=2, customers=12, livemode=True).create()
    assert engine.call("GET", "/v1/charges").json()["data"] == []
    rows: list[dict[str, Any]] = engine.call("GET", "/v1/charges", livemode=True).json()["data"]
    assert rows
    assert all(row["livemode"] for row in rows)


def test_many_charges_cost_time_and_not_memory(tmp_path: Path) -> None:
    """Charges go to a file; what stays in memory does not grow with them."""
    code = (
        "import resource, sys;"
        "from pathlib import Path;"
        "from bookhand.sandbox.world.world import World;"
        "e = World(1, 1, 4, charges=int(sys.argv[1])).create(Path(sys.argv[2]));"
        "s = e.session().__enter__();"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, e.store.count(s.part, 'charge'))"
    )

    def memory(charges: int) -> int:
        done = subprocess.run(
            [sys.executable, "-c", code, str(charges), str(tmp_path / f"{charges}.db")],
            capture_output=True, text=True, check=True, env=_env(),
        )  # fmt: skip
        kilobytes, made = map(int, done.stdout.split())
        assert charges <= made <= charges * 1.2 + 200
        return kilobytes

    few, many = memory(300), memory(3_000)
    assert many - few < 90_000
