"""A company with its own stand-in: calls in process, the simulated clock in days, every answer judged by its shape."""

from __future__ import annotations

from typing import Any

import pytest
from tests.sandbox.honesty import python_sdk
from tests.sandbox.honesty.shapes import check

from bookhand.sandbox.stripe.clock import Clock
from bookhand.sandbox.stripe.engine import Pinstripe

JSON = dict[str, Any]
START = 1_767_225_600  # 1 January 2026
DAY = 86_400


class RefusedError(AssertionError):
    def __init__(self, status: int, error: JSON) -> None:
        super().__init__(f"{status}: {error}")
        self.status, self.error = status, error


class Company:
    def __init__(self, seed: int = 1) -> None:
        self.engine = Pinstripe(seed=seed, clock=Clock(start=START))
        self.engine.account()
        self.heard: dict[str, JSON] = {}

    def call(self, method: str, path: str, **params: Any) -> JSON:
        answer = self.engine.call(method, path, params)
        body = answer.json()
        if answer.status != 200:
            raise RefusedError(answer.status, body["error"])
        judge(body)
        return body

    def post(self, path: str, **params: Any) -> JSON:
        return self.call("POST", f"/v1/{path}", **params)

    def get(self, path: str, **params: Any) -> JSON:
        return self.call("GET", f"/v1/{path}", **params)

    def delete(self, path: str, **params: Any) -> JSON:
        return self.call("DELETE", f"/v1/{path}", **params)

    def all(self, path: str, **params: Any) -> list[JSON]:
        found: list[JSON] = []
        while True:
            more = {"starting_after": found[-1]["id"]} if found else {}
            page = self.get(path, limit=100, **params, **more)
            found += page["data"]
            if not page["has_more"]:
                return found

    def refused(self, path: str, **params: Any) -> JSON:
        with pytest.raises(RefusedError) as caught:
            self.post(path, **params)
        return caught.value.error

    def day(self, number: float) -> None:
        """Let time pass until this day after the start."""
        until = START + int(number * DAY)
        while self.engine.clock.now() < until:
            self._listen()
            self.engine.advance(min(until, self.engine.clock.now() + 20 * DAY))

    def events(self, *types: str) -> list[JSON]:
        """What was told, oldest first, each judged."""
        self._listen()
        found = [event for event in self.heard.values() if not types or event["type"] in types]
        for event in found:
            judge(event["data"]["object"])
        return found

    def _listen(self) -> None:
        """Keep what is told: Stripe forgets it after thirty days."""
        for event in reversed(self.all("events")):
            self.heard.setdefault(event["id"], event)

    def told(self) -> list[str]:
        return [event["type"] for event in self.events()]

    def customer(self, card: str | None = "pm_card_visa", **params: Any) -> JSON:
        customer = self.post("customers", email="jo@example.com", name="Jo", **params)
        if card is None:
            return customer
        method = self.post(f"payment_methods/{card}/attach", customer=customer["id"])
        return self.post(
            f"customers/{customer['id']}", invoice_settings={"default_payment_method": method["id"]}
        )

    def price(
        self, amount: int = 3000, interval: str = "month", currency: str = "usd", **params: Any
    ) -> JSON:
        product = self.post("products", name="Pro")
        return self.post(
            "prices",
            product=product["id"],
            currency=currency,
            unit_amount=amount,
            recurring={"interval": interval},
            **params,
        )

    def subscribe(self, customer: JSON, *prices: JSON, **params: Any) -> JSON:
        items = params.pop("items", [{"price": price["id"]} for price in prices])
        return self.post("subscriptions", customer=customer["id"], items=items, **params)

    def fails_from_now(
        self, customer: JSON, outcome: str = "decline:insufficient_funds", times: int = 1
    ) -> None:
        from bookhand.sandbox.money.methods import expect

        with self.engine.session() as call:
            expect(call, customer["invoice_settings"]["default_payment_method"], outcome, times=times)

    def latest(self, sub: JSON) -> JSON:
        return self.get(f"invoices/{self.get('subscriptions/' + sub['id'])['latest_invoice']}")


def judge(obj: JSON) -> None:
    """Every object has the shape that the installed SDK says it has."""
    name = obj.get("object", "")
    if name in ("list", "search_result"):
        for one in obj["data"]:
            judge(one)
        return
    if obj.get("deleted") or name not in KNOWN:
        return
    wrong = [f for f in check(obj, python_sdk.shape(name), at=name) if f.weight == "wrong"]
    assert not wrong, wrong


KNOWN = frozenset(python_sdk.names())


@pytest.fixture
def company() -> Company:
    return Company()
