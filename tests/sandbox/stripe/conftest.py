"""A stand-in Stripe with a small resource of its own, over real HTTP, and a receiver for its webhooks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest
from stripe import StripeClient

from bookhand.sandbox.stripe.call import Call
from bookhand.sandbox.stripe.clock import Clock
from bookhand.sandbox.stripe.engine import Pinstripe
from bookhand.sandbox.stripe.errors import JSON, StripeError
from bookhand.sandbox.stripe.expand import includable
from bookhand.sandbox.stripe.routes import job, route
from bookhand.sandbox.stripe.server import running

START = 1_760_000_000


@route("POST", "/v1/widgets")
def make(call: Call) -> JSON:
    widget = {
        "id": call.new_id("widget"),
        "object": "widget",
        "amount": call.integer("amount", required=True, min=1),
        "colour": call.choice("colour", ("red", "blue"), default="red"),
        "metadata": call.metadata(),
        "customer": call.text("customer"),
        "parent": call.text("parent"),
    }
    if widget["parent"]:
        call.get("widget", str(widget["parent"]), param="parent")
    call.add(widget, colour=str(widget["colour"]), parent=call.text("parent"))
    call.bump("widgets")
    call.emit("widget.created", widget)
    if widget["amount"] == 402:
        raise StripeError(
            "Your card was declined.",
            type="card_error",
            code="card_declined",
            status=402,
            decline_code="generic_decline",
        )
    if widget["amount"] == 777:
        raise ZeroDivisionError
    if widget["amount"] == 500:
        raise StripeError("It broke.", type="api_error", status=500)
    if call.boolean("later"):
        call.after(60, "widget.paint", id=widget["id"])
    return widget


@route("GET", "/v1/widgets")
def several(call: Call) -> JSON:
    return call.page("widget", colour=call.text("colour"), parent=call.text("parent"))


@route("GET", "/v1/widgets/{id}")
def one(call: Call) -> JSON:
    return call.get("widget", call.path["id"], deleted=True)


@route("POST", "/v1/widgets/{id}")
def change(call: Call) -> JSON:
    widget = call.get("widget", call.path["id"])
    old = widget["colour"]
    widget["colour"] = call.choice("colour", ("red", "blue"), default=old)
    widget["metadata"] = call.metadata(old=widget["metadata"])
    call.save(widget, colour=widget["colour"])
    call.emit("widget.updated", widget, {"colour": old})
    return widget


@route("DELETE", "/v1/widgets/{id}")
def remove(call: Call) -> JSON:
    return call.delete("widget", call.path["id"])


@job("widget.paint")
def paint(call: Call, args: JSON) -> None:
    widget = call.get("widget", args["id"])
    widget["painted"] = call.now
    call.save(widget, colour="blue")


@includable("widget", "children")
def children(call: Call, widget: JSON) -> JSON:
    return call.embedded(call.find("widget", parent=widget["id"]), f"/v1/widgets/{widget['id']}/children")


class Stand(NamedTuple):
    """An engine, where it is served, and the official client on it."""

    engine: Pinstripe
    url: str

    def client(self, key: str | None = None, **options: Any) -> StripeClient:
        url = self.url
        return StripeClient(
            key or self.engine.keys().test,
            base_addresses={"api": url, "connect": url, "files": url, "meter_events": url},
            **{"max_network_retries": 0, **options},
        )


@pytest.fixture
def stand() -> Iterator[Stand]:
    engine = Pinstripe(seed=7, clock=Clock(START))
    engine.account()
    with running(engine) as url:
        yield Stand(engine, url)
    engine.close()


@pytest.fixture
def engine() -> Iterator[Pinstripe]:
    engine = Pinstripe(seed=7, clock=Clock(START))
    engine.account()
    yield engine
    engine.close()


class Mail(NamedTuple):
    """One delivery as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


class Inbox:
    """A webhook endpoint; `statuses` are answered first, then 200."""

    def __init__(self) -> None:
        self.mail: list[Mail] = []
        self.statuses: list[int] = []
        self.busy = self.busiest = 0
        self.hold: Callable[[], None] = lambda: None
        self._arrived = threading.Condition()
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = inbox.take(Mail(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def take(self, mail: Mail) -> int:
        with self._arrived:
            self.busy += 1
            self.busiest = max(self.busiest, self.busy)
        self.hold()
        with self._arrived:
            self.busy -= 1
            self.mail.append(mail)
            self._arrived.notify_all()
            return self.statuses.pop(0) if self.statuses else 200

    def wait(self, count: int, seconds: float = 5) -> list[Mail]:
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.mail) >= count, timeout=seconds):
                raise AssertionError(f"{len(self.mail)} of {count} deliveries arrived")
            return list(self.mail)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    found = Inbox()
    yield found
    found.server.shutdown()
    found.server.server_close()
