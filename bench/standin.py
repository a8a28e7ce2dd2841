"""The stand-in Stripe: how many list pages of 100 balance transactions a second one server process of it answers."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench import programs
from bench.figures import Figure
from bench.ground import Ground
from bookhand.sandbox.stripe.clock import Clock
from bookhand.sandbox.stripe.engine import Pinstripe

SECTION = "standin"
START = 1_750_000_000
CONNECTIONS, SECONDS = 8, 5.0


def measure(ground: Ground, options: argparse.Namespace) -> Iterator[Figure]:
    path = Path(ground.folder) / "pinstripe.db"
    key, ids = _fill(path, options.rows)
    port = programs.free_port()
    command = [sys.executable, "-m", "bookhand.sandbox.stripe", "--db", str(path), "--port", str(port)]
    with programs.started(command, port=port) as server:
        done, size, took, busy = asyncio.run(_load(server, key, ids))
    note = f"{size:,} bytes each, {done * size / took / 1e6:,.0f} MB/s on {CONNECTIONS} connections"
    if busy:
        note += f"; {done / busy:,.0f} pages for each second of the server's own processor time"
    yield Figure(
        section=SECTION, name="list pages of 100", value=done / took, unit="/s", least=1_500, note=note
    )


def _fill(path: Path, rows: int) -> tuple[str, list[str]]:
    """A store with this many balance transactions; its key, and ids to page from."""
    engine = Pinstripe(path, clock=Clock(START))
    engine.account()
    ids = []
    with engine.session() as call:
        for at in range(rows):
            call.now = START + at * 30
            ids.append(call.add(_transaction(call.new_id("txn"), call.new_id("ch"), call.now, at))["id"])
    key = engine.keys().test
    engine.close()
    return key, ids[200::37]


class Reader(asyncio.Protocol):
    """Asks for one page after another and counts them."""

    def __init__(self, requests: list[bytes], at: int) -> None:
        self.requests, self.at = requests, at
        self.done = self.left = self.size = 0
        self.head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        self.at = (self.at + 1) % len(self.requests)
        self.transport.write(self.requests[self.at])  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        if self.left:
            self.left -= len(data)
        else:
            self.head += data
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self.head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(self.head[:2000].decode())
            fields = self.head[:end].lower()
            self.size = int(fields.split(b"content-length:")[1].split(b"\r\n")[0])
            self.left = self.size - (len(self.head) - end - 4)
            self.head = b""
        if self.left == 0:
            self.done += 1
            self.ask()


async def _load(server: programs.Program, key: str, ids: list[str]) -> tuple[int, int, float, float]:
    """Pages answered, the size of one, the seconds it took, and the server's processor seconds (0 if unknown)."""
    requests = [
        (
            f"GET /v1/balance_transactions?limit=100&starting_after={id_} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {key}\r\nStripe-Version: 2026-10-28.endive\r\nAccept: */*\r\n\r\n"
        ).encode()
        for id_ in ids
    ]
    loop = asyncio.get_running_loop()
    readers = []
    for at in range(CONNECTIONS):
        first = at * len(requests) // CONNECTIONS
        _, reader = await loop.create_connection(
            lambda first=first: Reader(requests, first), "127.0.0.1", server.port
        )  # type: ignore[misc]
        readers.append(reader)
    await asyncio.sleep(1)
    before, began, busy = (
        sum(reader.done for reader in readers),
        time.perf_counter(),
        server.processor_seconds(),
    )
    await asyncio.sleep(SECONDS)
    took, busy = time.perf_counter() - began, server.processor_seconds() - busy
    return sum(reader.done for reader in readers) - before, readers[0].size, took, busy


def _transaction(id_: str, source: str, created: int, at: int) -> dict[str, object]:
    amount = 1000 + at % 9000
    fee = 30 + amount * 29 // 1000
    detail = {
        "amount": fee, "application": None, "currency": "usd", "description": "Stripe processing fees", "type": "stripe_fee",
    }  # fmt: skip
    return {
        "id": id_, "object": "balance_transaction", "amount": amount, "available_on": created + 172_800,
        "balance_type": "payments", "created": created, "currency": "usd", "description": "Subscription update",
        "exchange_rate": None, "fee": fee, "fee_details": [detail], "net": amount - fee, "reporting_category": "charge",
        "source": source, "status": "available", "type": "charge",
    }  # fmt: skip


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rows", type=int, default=50_000, help="standin: how many balance transactions it holds"
    )
