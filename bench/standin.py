"""How many list pages of 100 balance transactions a second one server process of the stand-in answers.

python bench/standin.py [--rows 100000] [--seconds 5] [--connections 8] [--server uvicorn|granian]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bookhand.sandbox.stripe.clock import Clock
from bookhand.sandbox.stripe.engine import Pinstripe

START = 1_750_000_000
TARGET = 1500
ASGI = "bench_standin_app"


def main() -> None:
    chosen = _options().parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pinstripe.db"
        key, ids = fill(path, chosen.rows)
        port = _free_port()
        server = start(chosen.server, path, port)
        try:
            _wait(port)
            done, size, took, busy = asyncio.run(
                load(port, key, ids, chosen.connections, seconds=chosen.seconds, pid=server.pid)
            )
        finally:
            server.terminate()
            server.wait(timeout=10)
    pages = done / took
    print(f"{chosen.server}: {pages:,.0f} pages/s of 100 balance transactions ({size:,} bytes each)")
    print(f"  {pages * 100:,.0f} objects/s, {pages * size / 1e6:,.0f} MB/s, {chosen.connections} connections")
    if busy:
        print(f"  {done / busy:,.0f} pages for each second of the server's own processor time")
    print(f"  {pages / TARGET:.2f} of the {TARGET:,} pages/s it must reach")


def fill(path: Path, rows: int) -> tuple[str, list[str]]:
    """A store with this many balance transactions; its key, and ids to page from."""
    engine = Pinstripe(path, clock=Clock(START))
    engine.account()
    ids = []
    began = time.perf_counter()
    with engine.session() as call:
        for at in range(rows):
            call.now = START + at * 30
            ids.append(call.add(_transaction(call.new_id("txn"), call.new_id("ch"), call.now, at))["id"])
    print(
        f"filled with {rows:,} rows at {rows / (time.perf_counter() - began):,.0f}/s, {path.stat().st_size / rows:,.0f} bytes each"
    )
    key = engine.keys().test
    engine.close()
    return key, ids[200::37]


def start(server: str, path: Path, port: int) -> subprocess.Popen[bytes]:
    if server == "uvicorn":
        command = [sys.executable, "-m", "bookhand.sandbox.stripe", "--db", str(path), "--port", str(port)]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL)
    app = path.with_name(f"{ASGI}.py")
    app.write_text(
        "import os\nfrom pathlib import Path\nfrom bookhand.sandbox.stripe.engine import Pinstripe\n"
        "from bookhand.sandbox.stripe.server import App\napp = App(Pinstripe(Path(os.environ['STANDIN_DB'])))\n"
    )
    command = [
        *(sys.executable, "-m", "granian", "--interface", "asgi", "--workers", "1", "--no-ws"),
        *("--port", str(port), "--log-level", "error", "--working-dir", str(app.parent), f"{ASGI}:app"),
    ]
    return subprocess.Popen(command, env={**os.environ, "STANDIN_DB": str(path)})


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
        self.transport.write(self.requests[self.at])

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


async def load(
    port: int, key: str, ids: list[str], connections: int, *, seconds: float, pid: int
) -> tuple[int, int, float, float]:
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
    for at in range(connections):
        first = at * len(requests) // connections
        _, reader = await loop.create_connection(
            lambda first=first: Reader(requests, first), "127.0.0.1", port
        )
        readers.append(reader)
    await asyncio.sleep(1)
    before, began, busy = sum(reader.done for reader in readers), time.perf_counter(), _processor(pid)
    await asyncio.sleep(seconds)
    took, busy = time.perf_counter() - began, _processor(pid) - busy
    return sum(reader.done for reader in readers) - before, readers[0].size, took, busy


def _processor(pid: int) -> float:
    """Seconds of processor time a process has used, where the system tells."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _transaction(id_: str, source: str, created: int, at: int) -> dict[str, object]:
    amount = 1000 + at % 9000
    fee = 30 + amount * 29 // 1000
    detail = {
        "amount": fee,
        "application": None,
        "currency": "usd",
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    return {
        "id": id_,
        "object": "balance_transaction",
        "amount": amount,
        "available_on": created + 172_800,
        "balance_type": "payments",
        "created": created,
        "currency": "usd",
        "description": "Subscription update",
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [detail],
        "net": amount - fee,
        "reporting_category": "charge",
        "source": source,
        "status": "available",
        "type": "charge",
    }


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _wait(port: int) -> None:
    for _ in range(200):
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("the server did not start")


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--seconds", type=float, default=5)
    options.add_argument("--connections", type=int, default=8)
    options.add_argument("--server", choices=["uvicorn", "granian"], default="uvicorn")
    return options


if __name__ == "__main__":
    main()
