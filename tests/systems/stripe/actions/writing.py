"""A shop with a stand-in of its own, and the way of a write in small: read, preview, send once under a key, look it up.

The performer is not needed for this: what is checked is the catalogue, and the catalogue is data.
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Any, NamedTuple

from bookhand.core.action import MARKER, Action, Get, Movement, Preview
from bookhand.sandbox.stripe.answer import Request
from bookhand.sandbox.stripe.call import Upload
from bookhand.sandbox.stripe.clock import Clock
from bookhand.sandbox.stripe.engine import Pinstripe
from bookhand.sandbox.stripe.forms import texts
from bookhand.systems.stripe.actions.writes_billing import BILLING_WRITES
from bookhand.systems.stripe.actions.writes_money import MONEY_WRITES

JSON = dict[str, Any]
START = 1_767_225_600  # 1 January 2026
DAY = 86_400
WRITES = {action.name: action for action in (*MONEY_WRITES, *BILLING_WRITES)}
BY_POST = ("/v1/invoices/create_preview",)


class RefusedError(AssertionError):
    def __init__(self, status: int, error: JSON) -> None:
        super().__init__(f"{status}: {error}")
        self.status, self.error = status, error


class Done(NamedTuple):
    """A write that was made: what was foretold, what came of it, and under which key and mark."""

    action: Action
    values: JSON
    preview: Preview
    made: JSON
    key: str
    marker: str


class Shop:
    def __init__(self, start: int = START) -> None:
        self.engine = Pinstripe(seed=5, clock=Clock(start=start))
        self.engine.account()
        self._calls = 0

    # what Stripe is asked

    def call(self, method: str, path: str, **params: Any) -> JSON:
        answer = self.engine.call(method, path, params)
        if answer.status != 200:
            raise RefusedError(answer.status, answer.json()["error"])
        return answer.json()

    def get(self, path: str, **params: Any) -> JSON:
        return self.call("GET", f"/v1/{path}", **params)

    def post(self, path: str, **params: Any) -> JSON:
        return self.call("POST", f"/v1/{path}", **params)

    def day(self, number: float) -> None:
        self.engine.advance(START + int(number * DAY))

    # what is there

    def customer(self, card: str | None = "pm_card_visa", **params: Any) -> JSON:
        made = self.post("customers", **{"email": "jo@example.com", "name": "Fernwood Bakery", **params})
        if card is None:
            return made
        method = self.post(f"payment_methods/{card}/attach", customer=made["id"])
        return self.post(f"customers/{made['id']}", invoice_settings={"default_payment_method": method["id"]})

    def method(self, customer: JSON) -> str:
        return str(customer["invoice_settings"]["default_payment_method"])

    def charge(self, amount: int = 8000, card: str = "pm_card_visa", **more: Any) -> JSON:
        paid = self.post(
            "payment_intents",
            **{"amount": amount, "currency": "usd", "payment_method": card, "confirm": True, **more},
        )
        return self.get(f"charges/{paid['latest_charge']}")

    def dispute(self, amount: int = 8000, **more: Any) -> JSON:
        charge = self.charge(amount)
        return self.call("POST", f"/_pinstripe/charges/{charge['id']}/dispute", **more)

    def price(self, amount: int = 3000, name: str = "Pro", **more: Any) -> JSON:
        product = self.post("products", name=name)
        terms = {"currency": "usd", "unit_amount": amount, "recurring": {"interval": "month"}, **more}
        return self.post("prices", product=product["id"], **{k: v for k, v in terms.items() if v is not None})

    def subscription(self, customer: JSON | None = None, amount: int = 3000, **more: Any) -> JSON:
        who = customer or self.customer()
        items = [{"price": self.price(amount)["id"]}]
        return self.post("subscriptions", customer=who["id"], **{"items": items, **more})

    def draft(self, customer: JSON | None = None, amount: int = 8000, **more: Any) -> JSON:
        who = customer or self.customer()
        made = self.post("invoices", customer=who["id"], **more)
        self.post("invoiceitems", customer=who["id"], invoice=made["id"], amount=amount, currency="usd")
        return self.get(f"invoices/{made['id']}")

    def open_invoice(self, customer: JSON | None = None, **more: Any) -> JSON:
        return self.post(f"invoices/{self.draft(customer, **more)['id']}/finalize", auto_advance=False)

    # the way of a write

    def values(self, name: str, /, **given: Any) -> JSON:
        return WRITES[name].params(**given).model_dump(exclude_none=True)

    def reads(self, name: str, values: JSON) -> JSON:
        plan = WRITES[name].plan
        assert plan is not None
        return {read: self.fetch(get) for read, get in plan.reads(values).items()}

    def preview(self, name: str, /, **given: Any) -> Preview:
        values = self.values(name, **given)
        plan = WRITES[name].plan
        assert plan is not None
        return plan.preview(values, self.reads(name, values))

    def fetch(self, get: Get) -> Any:
        try:
            found = self.call("POST" if get.path in BY_POST else "GET", get.path, **get.params)
        except RefusedError as error:
            if error.status == 404:
                return None
            raise
        return found["data"] if found.get("object") == "list" else found

    def do(self, name: str, /, **given: Any) -> Done:
        """Preview it, then make it."""
        self._calls += 1
        action, values = WRITES[name], self.values(name, **given)
        key, marker = f"key-{self._calls}", f"call{self._calls:04d}"
        foretold = self.preview(name, **given)
        return Done(action, values, foretold, self.send(action, values, key, marker), key, marker)

    def send(self, action: Action, values: JSON, key: str, marker: str) -> JSON:
        call = action.call
        assert call is not None
        names = re.findall(r"{(\w+)}", call.path)
        path = call.path.format(**values)
        body = {name: one for name, one in {**values, **call.fixed}.items() if name not in names}
        if call.upload:
            return self._upload(path, body, marker)
        if call.marked:
            body["metadata"] = {**body.get("metadata", {}), MARKER: marker}
        answer = self.engine.call(call.way, path, body, idempotency_key=key)
        if answer.status != 200:
            raise RefusedError(answer.status, answer.json()["error"])
        return answer.json()

    def _upload(self, path: str, body: JSON, marker: str) -> JSON:
        stem, _, end = body.pop("filename").rpartition(".")
        file = Upload(
            f"{stem}-{marker}.{end}", "application/octet-stream", b64decode(body.pop("content_base64"))
        )
        headers = {"authorization": f"Bearer {self.engine.keys().test}"}
        answer = self.engine.answer(Request("POST", path, texts(body), headers, {"file": file}))
        assert answer.status == 200, answer.json()
        return answer.json()

    def look_up(self, done: Done) -> dict[str, str | None]:
        """Each way that the catalogue names, and the id of what it found (None: it says that nothing was done)."""
        lookup = done.action.lookup
        assert lookup is not None
        found: dict[str, str | None] = {}
        if lookup.listed is not None:
            get = lookup.listed(done.values)
            listed = self.call("GET", get.path, limit=100, **get.params)["data"]
            found["listed"] = next((one["id"] for one in listed if carries(one, done.marker)), None)
        if lookup.marked is not None:
            one = self.fetch(lookup.marked(done.values))
            found["marked"] = one["id"] if carries(one, done.marker) else None
        if lookup.state is not None:
            where, holds = lookup.state
            one = self.fetch(where(done.values))
            found["state"] = one["id"] if holds(done.values, one) else None
        if lookup.events:
            told = self.get("events", limit=100, types=list(lookup.events))["data"]
            mine = [one for one in told if one["request"]["idempotency_key"] == done.key]
            found["events"] = mine[0]["data"]["object"]["id"] if mine else None
        return found


def carries(obj: JSON, marker: str) -> bool:
    if obj.get("object") == "file":
        return f"-{marker}" in obj["filename"]
    return (obj.get("metadata") or {}).get(MARKER) == marker


def looked(shop: Shop, done: Done, *ways: str) -> None:
    """Every way finds it, and only a state can seem to be that of a call which was never made."""
    assert shop.look_up(done) == dict.fromkeys(ways, done.made["id"])
    other = shop.look_up(done._replace(key="never", marker="never"))
    assert {way for way, found in other.items() if found} <= {"state"}


def booked(shop: Shop, movement: Movement | None, source: str) -> None:
    """The balance transaction that was foretold is the one that came."""
    assert movement is not None
    (txn,) = shop.get("balance_transactions", source=source)["data"]
    told = (movement.category, movement.type, movement.currency, movement.amount, movement.balance_type)
    names = ("reporting_category", "type", "currency", "amount", "balance_type")
    assert told == tuple(txn[name] for name in names)
