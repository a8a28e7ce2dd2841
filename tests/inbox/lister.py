"""A list server over HTTP that holds what a test puts into it: Stripe's pages, 403s, outages and slowness, and nothing else.

    with Lister({"charges": [charge(1), charge(2)]}) as stripe:
        reader = stripe.reader(link)

The stand-in Stripe answers for honesty; this one answers for speed and for faults that strike at a chosen page.
"""

from __future__ import annotations

import bisect
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import msgspec

from bookhand.core.facts import Link
from bookhand.systems.client import Gate, LocalLeaser
from bookhand.systems.connection import Connection
from bookhand.systems.stripe.client import Patience, StripeReader


class Lister:
    """Lists by name; `refused` names lists that are not permitted, `trouble(number of the call) -> status` breaks calls."""

    def __init__(self, lists: dict[str, list[dict[str, Any]]] | None = None, *, latency: float = 0.0) -> None:
        self.lists: dict[str, _List] = {}
        for name, objects in (lists or {}).items():
            self.put(name, objects)
        self.refused: set[str] = set()
        self.trouble: Callable[[int, str], int | None] = lambda _number, _path: None
        self.latency = latency
        self.calls: Counter[str] = Counter()
        self.asked: list[str] = []
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def put(self, name: str, objects: list[dict[str, Any]]) -> None:
        self.lists.setdefault(name, _List()).put(objects)

    def connection(self, link: Link, *, a_second: int = 100_000) -> Connection:
        limits = {"account": a_second, "endpoint": a_second}
        return Connection(
            link=link, name="test", livemode=link.mode == "live", auth="key", status="active",
            settings={"base_url": self.url, "limits": limits},
        )  # fmt: skip

    def reader(self, link: Link, *, a_second: int = 100_000, tries: int = 2) -> StripeReader:
        patience = Patience(tries=tries, first_seconds=0.01, longest_seconds=0.02, come_back_seconds=0.05)
        return StripeReader(
            self.connection(link, a_second=a_second), token=lambda: "rk_test_x", gate=Gate(LocalLeaser()), patience=patience
        )  # fmt: skip

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, target: str) -> tuple[int, bytes]:
        parts = urlsplit(target)
        name = parts.path.removeprefix("/v1/")
        self.calls[name] += 1
        self.asked.append(target)
        if self.latency:
            time.sleep(self.latency)
        status = self.trouble(sum(self.calls.values()), parts.path)
        if status:
            return status, b'{"error":{"message":"Trouble on purpose.","type":"api_error"}}'
        if name.partition("/")[0] in self.refused:
            return (
                403,
                b'{"error":{"message":"The key lacks the \'rak_%s_read\' permission.","type":"invalid_request_error"}}'
                % name.encode(),
            )
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        if "/" in name:
            return self.lists.get(name.partition("/")[0], _List()).one(name.partition("/")[2])
        return self.lists.get(name, _List()).page(query)


class _List:
    """Objects oldest first, encoded once."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, str, bytes, Any]] = []
        self.gone: set[str] = set()

    def put(self, objects: list[dict[str, Any]]) -> None:
        ids = {each["id"] for each in objects}
        self.rows = [row for row in self.rows if row[1] not in ids]
        self.rows += [
            (each["created"], each["id"], msgspec.json.encode(each), each.get("payout")) for each in objects
        ]
        self.rows.sort(key=lambda row: row[:2])

    def remove(self, object_id: str) -> None:
        self.rows = [row for row in self.rows if row[1] != object_id]

    def one(self, object_id: str) -> tuple[int, bytes]:
        found = next((row[2] for row in self.rows if row[1] == object_id), None)
        missing = b'{"error":{"message":"No such object.","type":"invalid_request_error","code":"resource_missing","param":"id"}}'
        return (404, missing) if found is None else (200, found)

    def page(self, query: dict[str, str]) -> tuple[int, bytes]:
        rows = self.rows
        if "payout" in query:
            rows = [row for row in rows if row[3] == query["payout"]]
        low = int(query.get("created[gte]", 0))
        high = (
            int(query["created[lt]"]) if "created[lt]" in query else int(query.get("created[lte]", 2**60)) + 1
        )
        start = bisect.bisect_left(rows, (low, ""))
        end = bisect.bisect_left(rows, (high, ""))
        if "starting_after" in query:
            at = next((i for i, row in enumerate(rows) if row[1] == query["starting_after"]), None)
            if at is None:
                body = b'{"error":{"message":"No such object.","type":"invalid_request_error","code":"resource_missing","param":"starting_after"}}'
                return 400, body
            end = min(end, at)
        first = max(start, end - int(query.get("limit", 10)))
        found = rows[first:end][::-1]
        more = b"true" if first > start else b"false"
        return 200, b'{"object":"list","data":[%s],"has_more":%s}' % (
            b",".join(row[2] for row in found),
            more,
        )


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no error of this server."""


def _handler(lister: Lister) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            status, body = lister.answer(self.path)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
