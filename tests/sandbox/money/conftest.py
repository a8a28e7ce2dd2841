"""A stand-in Stripe with one account, asked in process or through the official SDK."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from stripe import StripeClient

from bookhand.sandbox.stripe.clock import Clock
from bookhand.sandbox.stripe.engine import Pinstripe
from bookhand.sandbox.stripe.server import running

MONDAY = 1_760_313_600  # 2025-10-13 00:00 UTC
DAY = 86_400
ACCOUNT = "acct_shop"


class Till:
    """The account's API in process: `till.post("/v1/refunds", charge=…)` answers with the object or fails."""

    def __init__(self, account: str = ACCOUNT) -> None:
        self.engine = Pinstripe(seed=7, clock=Clock(start=MONDAY + 9 * 3600))
        self.engine.account(account)
        self.account = account
        self.key = self.engine.keys(account).test

    def send(self, method: str, path: str, params: Any, on: str | None = None) -> tuple[int, Any]:
        answer = self.engine.call(method, path, params, key=self.key, account=on)
        return answer.status, answer.json()

    def get(self, path: str, on: str | None = None, **params: Any) -> Any:
        status, found = self.send("GET", path, params, on)
        assert status == 200, found
        return found

    def post(self, path: str, on: str | None = None, **params: Any) -> Any:
        status, found = self.send("POST", path, params, on)
        assert status == 200, found
        return found

    def refused(self, path: str, on: str | None = None, **params: Any) -> Any:
        status, found = self.send("POST", path, params, on)
        assert status >= 400, found
        return found["error"]

    def pay(self, amount: int = 2000, card: str = "pm_card_visa", currency: str = "usd", **more: Any) -> Any:
        return self.post(
            "/v1/payment_intents",
            amount=amount,
            currency=currency,
            payment_method=card,
            confirm=True,
            **more,
        )

    def charge(self, *args: Any, **more: Any) -> Any:
        return self.get("/v1/charges/" + self.pay(*args, **more)["latest_charge"])

    def wait(self, days: float) -> None:
        self.engine.advance(self.engine.clock.now() + int(days * DAY))

    def txns(self, on: str | None = None, **filters: Any) -> list[Any]:
        found = self.get("/v1/balance_transactions", on, limit=100, **filters)
        assert not found["has_more"]
        return found["data"]

    def events(self) -> list[str]:
        """Their types, oldest first."""
        return [one["type"] for one in self.get("/v1/events", limit=100)["data"]][::-1]

    def check(self, account: str | None = None) -> None:
        """Every sum that must hold, over everything there is."""
        with self.engine.session(account or self.account) as call:
            txns = call.find("balance_transaction")
            payouts = call.find("payout")
            members = {one["id"]: call.find("balance_transaction", payout=one["id"]) for one in payouts}
        nets: dict[tuple[str, str], int] = defaultdict(int)
        for txn in txns:
            assert txn["fee"] == sum(line["amount"] for line in txn["fee_details"])
            assert txn["net"] == txn["amount"] - txn["fee"]
            nets[txn["balance_type"], txn["currency"]] += txn["net"]
        balance = self.engine.call("GET", "/v1/balance", account=account or self.account).json()
        shown: dict[tuple[str, str], int] = defaultdict(int)
        for status in ("available", "pending"):
            for row in balance[status]:
                shown["payments", row["currency"]] += row["amount"]
                of_status = sum(
                    txn["net"]
                    for txn in txns
                    if (txn["status"], txn["currency"], txn["balance_type"])
                    == (status, row["currency"], "payments")
                )
                assert row["amount"] == of_status, (status, row)
            for row in balance.get("issuing", {}).get(status, []):
                shown["issuing", row["currency"]] += row["amount"]
        for key, net in nets.items():
            if key[0] in ("payments", "issuing"):
                assert shown[key] == net, key
        self._check_payouts(payouts, members)

    def _check_payouts(self, payouts: list[Any], members: dict[str, list[Any]]) -> None:
        seen: set[str] = set()
        for payout in payouts:
            inside = members[payout["id"]]
            assert payout["arrival_date"] % DAY == 0
            if not payout["automatic"]:
                assert inside == []
                continue
            assert sum(txn["net"] for txn in inside) == 0, payout
            own = [txn for txn in inside if txn["id"] == payout["balance_transaction"]]
            assert [txn["net"] for txn in own] == [-payout["amount"]]
            assert all(txn["status"] == "available" for txn in inside)
            assert all(txn["currency"] == payout["currency"] for txn in inside)
            assert not seen & {txn["id"] for txn in inside}
            seen |= {txn["id"] for txn in inside}


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture(scope="module")
def sdk() -> Iterator[StripeClient]:
    """The official client, over HTTP."""
    engine = Pinstripe(seed=7, clock=Clock(start=MONDAY))
    engine.account(ACCOUNT)
    with running(engine) as url:
        addresses = {"api": url, "connect": url, "files": url}
        yield StripeClient(engine.keys(ACCOUNT).test, base_addresses=addresses, max_network_retries=0)
