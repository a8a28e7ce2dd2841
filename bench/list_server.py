"""A fast list server: Stripe's lists in Stripe's pages, from memory, to measure who reads them. Loopback only.

    python -m bench.list_server --port 12222 --count 100000 --lists charges balance_transactions
    python -m bench.list_server --port 12222 --count 100000 --latency 0.15 --account-rate 100 --endpoint-rate 25
    python -m bench.list_server --port 12222 --begin 1795000000 --pace 500         # object n is there from second begin + n / pace

Object n of N is created at its share of a year (or when the pace brings it), so a page is found by arithmetic. With rates it
refuses what is too fast, as Stripe does: more calls in any second than the rate. ``GET /bench`` tells what it saw.
"""

from __future__ import annotations

import argparse
import asyncio
import bisect
import json
import re
import time
from collections import Counter, deque
from urllib.parse import parse_qs, unquote

from bench import shapes

BEGAN, YEAR = 1_758_464_000, 31_536_000
KEPT_IN_MEMORY = 200_000
EMPTY = b'{"object":"list","data":[],"has_more":false}'
TOO_FAST = (
    b'{"error":{"code":"rate_limit","message":"Request rate limit exceeded.","type":"invalid_request_error"}}'
)


class Lists:
    """The lists by name, oldest first."""

    def __init__(self, names: list[str], count: int, *, live: bool, begin: float | None, pace: float) -> None:
        self.names, self.count, self.live, self.begin, self.pace = names, count, live, begin, pace
        self.kept: dict[str, list[bytes]] = {}
        if begin is None and count <= KEPT_IN_MEMORY:
            self.kept = {
                name: [self._made(name, number, expanded=False) for number in range(count)] for name in names
            }
            if "balance_transactions" in names:
                self.kept["expanded"] = [
                    self._made("balance_transactions", number, expanded=True) for number in range(count)
                ]

    def there(self) -> int:
        """How many objects there are by now."""
        if self.begin is None:
            return self.count
        return min(self.count, max(0, int((time.time() - self.begin) * self.pace) + 1))

    def created(self, number: int) -> int:
        if self.begin is None:
            return BEGAN + number * YEAR // self.count
        return int(self.begin + number / self.pace)

    def page(self, name: str, query: dict[str, list[str]]) -> bytes:
        if name not in self.names:
            return EMPTY
        total = range(self.there())
        start, end = 0, len(total)
        if "created[gte]" in query:
            start = bisect.bisect_left(total, int(query["created[gte]"][0]), key=self.created)
        if "created[lt]" in query:
            end = bisect.bisect_left(total, int(query["created[lt]"][0]), key=self.created)
        if "created[lte]" in query:
            end = bisect.bisect_right(total, int(query["created[lte]"][0]), key=self.created)
        if "starting_after" in query:
            end = min(end, _number(query["starting_after"][0]))
        first = max(start, end - int(query.get("limit", ["10"])[0]))
        rows = self.rows(name, first, end, expanded="expand[]" in query or "expand[0]" in query)
        more = b"true" if first > start else b"false"
        return b'{"object":"list","url":"/v1/%s","data":[%s],"has_more":%s}' % (
            name.encode(),
            b",".join(rows),
            more,
        )

    def rows(self, name: str, first: int, end: int, *, expanded: bool) -> list[bytes]:
        """The objects from `first` up to `end`, newest first."""
        if name in self.kept and not (expanded and name == "balance_transactions"):
            return self.kept[name][first:end][::-1]
        if name in self.kept:
            return self.kept["expanded"][first:end][::-1]
        return [self._made(name, number, expanded=expanded) for number in range(end - 1, first - 1, -1)]

    def one(self, name: str, object_id: str) -> bytes | None:
        if name not in shapes.TEMPLATES:
            return None
        number = _number(object_id)
        return shapes.made(shapes.TEMPLATES[name], number, created=self.created(number), live=self.live)

    def balance(self) -> bytes:
        """What Stripe would say is there: the sum of all nets."""
        amount = {
            "amount": self.there() * shapes.NET * ("balance_transactions" in self.names),
            "currency": "usd",
            "source_types": {},
        }
        return json.dumps(
            {"object": "balance", "available": [amount], "pending": [], "livemode": self.live}
        ).encode()

    def _made(self, name: str, number: int, *, expanded: bool) -> bytes:
        template = shapes.EXPANDED if expanded and name == "balance_transactions" else shapes.TEMPLATES[name]
        return shapes.made(template, number, created=self.created(number), live=self.live)


class Rates:
    """Stripe's limits: so many calls in any second, for the account and for each endpoint; and what came."""

    def __init__(self, account: int, endpoint: int) -> None:
        self.limits = {"": account} if account else {}
        self.endpoint = endpoint
        self.recent: dict[str, deque[float]] = {}
        self.calls: Counter[str] = Counter()
        self.refused = 0
        self.moments: list[float] = []

    def allows(self, path: str) -> bool:
        now = time.monotonic()
        self.calls[path] += 1
        self.moments.append(now)
        names = [("", self.limits.get("", 0)), (path, self.endpoint)]
        queues = [(self._recent(name, now), limit) for name, limit in names if limit]
        if any(len(queue) >= limit for queue, limit in queues):
            self.refused += 1
            return False
        for queue, _ in queues:
            queue.append(now)
        return True

    def told(self) -> bytes:
        took = self.moments[-1] - self.moments[0] if len(self.moments) > 1 else 0.0
        return json.dumps(
            {
                "calls": sum(self.calls.values()),
                "refused": self.refused,
                "seconds": took,
                "by_path": dict(self.calls),
            }
        ).encode()

    def _recent(self, name: str, now: float) -> deque[float]:
        queue = self.recent.setdefault(name, deque())
        while queue and now - queue[0] >= 1.0:
            queue.popleft()
        return queue


class Server(asyncio.Protocol):
    """HTTP/1.1, GET only, kept alive; as a proxy too, for clients that insist on Stripe's name."""

    def __init__(self, lists: Lists, rates: Rates, latency: float) -> None:
        self.lists, self.rates, self.latency = lists, rates, latency
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head, self.buffer = self.buffer[:end], self.buffer[end + 4 :]
            found = _REQUEST.match(head)
            path, _, query = (found[1].decode() if found else "/").partition("?")
            status, body = self.answer(path, query)
            answer = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
                status,
                len(body),
                body,
            )
            if self.latency and path.startswith("/v1/"):
                asyncio.get_running_loop().call_later(self.latency, self.transport.write, answer)
            else:
                self.transport.write(answer)

    def answer(self, path: str, query: str) -> tuple[bytes, bytes]:
        if path == "/bench":
            return b"200 OK", self.rates.told()
        name, _, object_id = path.removeprefix("/v1/").partition("/")
        if not self.rates.allows(name):
            return b"429 Too Many Requests\r\nstripe-rate-limited-reason: global-rate", TOO_FAST
        if name == "balance":
            return b"200 OK", self.lists.balance()
        if name in {"account", "accounts"}:
            return b"200 OK", ACCOUNT
        if not object_id:
            return b"200 OK", self.lists.page(name, parse_qs(unquote(query)))
        found = self.lists.one(name, object_id)
        return (b"404 Not Found", MISSING) if found is None else (b"200 OK", found)


_REQUEST = re.compile(rb"GET (?:https?://[^/]+)?(\S+) ")
ACCOUNT = (
    b'{"id":"acct_1Bench","object":"account","settings":{"dashboard":{"display_name":"Bench"}},"metadata":{}}'
)
MISSING = b'{"error":{"code":"resource_missing","message":"No such object.","type":"invalid_request_error"}}'


def _number(object_id: str) -> int:
    return int(object_id.rpartition("_")[2])


async def serve(port: int, lists: Lists, rates: Rates, latency: float) -> None:
    server = await asyncio.get_running_loop().create_server(
        lambda: Server(lists, rates, latency), "127.0.0.1", port
    )
    async with server:
        await server.serve_forever()


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--port", type=int, default=12222)
    options.add_argument("--count", type=int, default=100_000)
    options.add_argument(
        "--lists", nargs="*", choices=list(shapes.TEMPLATES), default=["balance_transactions", "charges"]
    )
    options.add_argument("--latency", type=float, default=0)
    options.add_argument("--account-rate", type=int, default=0)
    options.add_argument("--endpoint-rate", type=int, default=0)
    options.add_argument("--live", action="store_true")
    options.add_argument("--begin", type=float)
    options.add_argument("--pace", type=float, default=500)
    chosen = options.parse_args()
    lists = Lists(chosen.lists, chosen.count, live=chosen.live, begin=chosen.begin, pace=chosen.pace)
    asyncio.run(serve(chosen.port, lists, Rates(chosen.account_rate, chosen.endpoint_rate), chosen.latency))


if __name__ == "__main__":
    main()
