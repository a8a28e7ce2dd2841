"""Events sent to a webhook endpoint over raw sockets, because a client library would be the slower half. Loopback only.

    python -m bench.load --port 8787 --path /webhooks/stripe/1 --connections 32 --seconds 5      as fast as they are answered
    python -m bench.load --port 8787 --path /webhooks/stripe/1 --count 20000                     so many, as fast as that
    python -m bench.load --port 8787 --path … --begin 1795000000 --pace 500 --seconds 15 --again 0.1
        event n at second begin + n / pace, and a tenth of them twice

Each event is signed as it is sent. Prints one line of JSON: events sent, answers that were not 200, the latencies and the
share of a processor this program took.
"""

from __future__ import annotations

import argparse
import hmac
import json
import os
import random
import select
import socket
import time
from collections import deque
from collections.abc import Iterator

from bench import shapes

SECRET = b"whsec_bench"


class Sender:
    """One connection with at most one event on its way."""

    def __init__(self, port: int, path: str) -> None:
        self.port = port
        self.socket = self._connected()
        self.head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nstripe-signature: ".encode()
        self.since = 0.0
        self.answer = b""
        self.closes = False

    def _connected(self) -> socket.socket:
        found = socket.create_connection(("127.0.0.1", self.port))
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return found

    def reconnect(self) -> None:
        """The server closes after this answer: the next event goes over a new connection."""
        number = self.socket.fileno()
        fresh = self._connected()
        os.dup2(fresh.fileno(), number)
        fresh.close()
        self.closes = False

    def send(self, body: bytes, since: float) -> None:
        at = int(time.time())
        signature = hmac.digest(SECRET, b"%d.%b" % (at, body), "sha256").hex()
        self.since = since
        self.socket.sendall(
            b"%bt=%d,v1=%b\r\ncontent-length: %d\r\n\r\n%b"
            % (self.head, at, signature.encode(), len(body), body)
        )

    def received(self) -> int:
        """The status of the answer once it is whole, else 0."""
        self.answer += self.socket.recv(65536)
        end = self.answer.find(b"\r\n\r\n")
        if not self.answer:
            raise SystemExit("The server closed the connection without an answer.")
        if end < 0 or not _whole(self.answer, end):
            return 0
        status = int(self.answer[9:12])
        self.closes = b"connection: close" in self.answer[:end].lower()
        self.answer = b""
        return status


def _whole(answer: bytes, end: int) -> bool:
    """Whether the body is all there: by its length, or by the last chunk."""
    head = answer[:end].lower()
    if b"transfer-encoding: chunked" in head:
        return answer.endswith(b"0\r\n\r\n")
    _, found, rest = head.partition(b"content-length:")
    return len(answer) - end - 4 >= (int(rest.split(b"\r\n")[0]) if found else 0)


class Load:
    """What is sent, and how long each answer took."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self.chosen = chosen
        self.senders = {
            s.socket.fileno(): s
            for s in (Sender(chosen.port, chosen.path) for _ in range(chosen.connections))
        }
        self.poll = select.epoll() if hasattr(select, "epoll") else select.poll()
        for number in self.senders:
            self.poll.register(number, select.POLLIN)
        self.latencies: list[float] = []
        self.bad: dict[int, int] = {}
        self.first_bad = ""

    def at_will(self) -> None:
        """Every connection sends its next event as soon as the last one is answered."""
        chosen = self.chosen
        numbers = iter(range(chosen.start, chosen.start + (chosen.count or 100_000_000)))
        stop = time.perf_counter() + chosen.seconds if chosen.seconds else float("inf")
        busy = 0
        for sender in self.senders.values():
            busy += self._next(sender, numbers, stop)
        while busy:
            for sender in self._answered(1.0):
                busy += self._next(sender, numbers, stop) - 1

    def paced(self) -> None:
        """Every event at its time, whatever became of the ones before; latency counts from that time."""
        due = _due(self.chosen)
        free = deque(self.senders.values())
        at, number = next(due)
        more, busy = True, 0
        while more or busy:
            now = time.time()
            while more and free and at <= now:
                sender = free.popleft()
                sender.send(shapes.event(number, created=int(at)), time.perf_counter() - (now - at))
                busy += 1
                at, number = next(due, (0.0, -1))
                more = number >= 0
            wait = max(0.0, min(at - time.time(), 0.5)) if more and free else 0.5
            for sender in self._answered(wait):
                free.append(sender)
                busy -= 1

    def _next(self, sender: Sender, numbers: Iterator[int], stop: float) -> int:
        now = time.perf_counter()
        number = next(numbers, None) if now < stop else None
        if number is None:
            return 0
        sender.send(shapes.event(number, created=int(time.time())), now)
        return 1

    def _answered(self, seconds: float) -> Iterator[Sender]:
        ticks = seconds if hasattr(select, "epoll") else seconds * 1000
        for number, _ in self.poll.poll(ticks):
            sender = self.senders[number]
            status = sender.received()
            if status:
                self.latencies.append(time.perf_counter() - sender.since)
                if sender.closes:
                    self._again(sender)
                if status != 200:
                    self.bad[status] = self.bad.get(status, 0) + 1
                yield sender

    def _again(self, sender: Sender) -> None:
        number = sender.socket.fileno()
        self.poll.unregister(number)
        sender.reconnect()
        self.poll.register(number, select.POLLIN)


def _due(chosen: argparse.Namespace) -> Iterator[tuple[float, int]]:
    """The events and when they are sent, some of them twice, the second time within two seconds."""
    chance = random.Random(1)
    plan = [
        (chosen.begin + number / chosen.pace, number) for number in range(int(chosen.seconds * chosen.pace))
    ]
    again = [(at + chance.random() * 2, number) for at, number in plan if chance.random() < chosen.again]
    return iter(sorted(plan + again))


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--path", required=True)
    options.add_argument("--connections", type=int, default=32)
    options.add_argument("--seconds", type=float, default=0)
    options.add_argument("--count", type=int, default=0)
    options.add_argument("--start", type=int, default=0)
    options.add_argument("--begin", type=float)
    options.add_argument("--pace", type=float, default=500)
    options.add_argument("--again", type=float, default=0)
    load = Load(options.parse_args())
    began, busy = time.perf_counter(), time.process_time()
    load.paced() if load.chosen.begin else load.at_will()
    took, busy = time.perf_counter() - began, time.process_time() - busy
    found = sorted(load.latencies)
    told = {
        "sent": len(found), "seconds": took, "bad": load.bad, "rate": len(found) / took, "processor": busy / took,
        "p50_ms": _at(found, 0.5), "p99_ms": _at(found, 0.99), "pid": os.getpid(),
    }  # fmt: skip
    print(json.dumps(told))


def _at(ordered: list[float], share: float) -> float:
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 3) if ordered else 0.0


if __name__ == "__main__":
    main()
