"""Webhooks per second: bookhand's endpoint, signed, checked, deduplicated and durable, beside a bare one that checks the HMAC and commits.

    python bench/webhooks.py [--seconds 5] [--connections 32] [--server uvicorn granian] [--app ours bare bare-grouped]

Prints one JSON line a run: events a second, the answer's p50 and p99 in milliseconds, p50 of one event
alone, and the server's processor time an event. Loopback only.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hmac
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import psutil
import psycopg
from psycopg_pool import AsyncConnectionPool

from bookhand.core.facts import Link
from bookhand.db.engine import Database
from bookhand.inbox.admission import Endpoint, sign
from bookhand.inbox.commit_store import Mailbox
from bookhand.inbox.endpoint import webhooks

SECRET = "whsec_bench"
VERSION = "2026-10-28.endive"


def link(connection_id: int = 1) -> Link:
    return Link(
        workspace_id=1, connection_id=connection_id, system="stripe", account="acct_1Bench", mode="test", api_version=VERSION
    )  # fmt: skip


def event(number: int) -> bytes:
    """An event of 3 kB, as charge.succeeded is."""
    charge = {
        "id": f"ch_{number:024d}", "object": "charge", "amount": 2000, "created": 1_790_000_000, "currency": "usd",
        "livemode": False, "balance_transaction": f"txn_{number:024d}", "description": "Subscription creation " * 8,
        "billing_details": {"address": {"city": None, "country": "US", "line1": None}, "email": "a@example.com"},
        "payment_method_details": {"card": {f"field_{i}": f"value {i}" for i in range(90)}, "type": "card"},
    }  # fmt: skip
    return msgspec.json.encode(
        {
            "id": f"evt_{number:024d}", "object": "event", "api_version": VERSION, "created": 1_790_000_000, "livemode": False,
            "type": "charge.succeeded", "data": {"object": charge}, "pending_webhooks": 1, "request": {"id": None},
        }
    )  # fmt: skip


# --- the servers ---


def ours():
    """Factory of the product's app."""
    db = Database(os.environ["BENCH_DATABASE"])
    mailbox = Mailbox(db)
    endpoint = Endpoint(secrets=(SECRET,), links={None: link()})
    return webhooks(find=lambda number: endpoint if number == 1 else None, keep=mailbox.keep, clock=time.time)


def bare():
    """Factory of a bare app: HMAC, one insert, one commit a request."""
    return _Bare(group=False)


def bare_grouped():
    """The same with the commits of waiting requests put together."""
    return _Bare(group=True)


class _Bare:
    def __init__(self, *, group: bool) -> None:
        self.group = group
        self.pool: AsyncConnectionPool | None = None
        self.waiting: list[tuple[str, bytes, asyncio.Future[None]]] = []
        self.task: asyncio.Task[None] | None = None

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": f"{message['type']}.complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        header = dict(scope["headers"])[b"stripe-signature"].decode()
        sent, _, given = header[2:].partition(",v1=")
        good = hmac.compare_digest(
            hmac.digest(SECRET.encode(), f"{sent}.".encode() + body, "sha256").hex(), given
        )
        if good:
            await self.keep(body)
        await send(
            {
                "type": "http.response.start",
                "status": 200 if good else 401,
                "headers": [(b"content-length", b"2")],
            }
        )
        await send({"type": "http.response.body", "body": b"ok"})

    async def keep(self, body: bytes) -> None:
        if self.pool is None:
            self.pool = AsyncConnectionPool(
                os.environ["BENCH_DATABASE"], min_size=8, max_size=8, open=False, kwargs={"autocommit": True}
            )  # fmt: skip
            await self.pool.open()
        if not self.group:
            async with self.pool.connection() as cx:
                await cx.execute("insert into bare (body) values (%b)", (body,))
            return
        done = asyncio.get_running_loop().create_future()
        self.waiting.append(("", body, done))
        if self.task is None:
            self.task = asyncio.create_task(self.write())
        await done

    async def write(self) -> None:
        assert self.pool is not None
        while self.waiting:
            batch, self.waiting = self.waiting, []
            async with self.pool.connection() as cx:
                await cx.execute(
                    "insert into bare (body) select unnest(%b::bytea[])", ([body for _, body, _ in batch],)
                )
            for _, _, done in batch:
                done.set_result(None)
        self.task = None


# --- the load: raw sockets, because a client library would be the slower half ---


async def load(port: int, *, seconds: float, connections: int, start: int) -> tuple[list[float], int]:
    """Send for `seconds`; the latencies in seconds, and how many answers were not 200."""
    stop = time.perf_counter() + seconds
    numbers = iter(range(start, start + 10_000_000))
    latencies: list[float] = []
    bad = 0

    async def one() -> None:
        nonlocal bad
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.closing(writer):
            while time.perf_counter() < stop:
                request = _request(event(next(numbers)))
                begun = time.perf_counter()
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(_length(head))
                latencies.append(time.perf_counter() - begun)
                bad += not head.startswith(b"HTTP/1.1 200")

    await asyncio.gather(*(one() for _ in range(connections)))
    return latencies, bad


def _request(body: bytes) -> bytes:
    header = sign(body, SECRET, at=int(time.time()))
    return (
        f"POST /webhooks/stripe/1 HTTP/1.1\r\nhost: localhost\r\nstripe-signature: {header}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line[15:])
    return 0


def measure(app: str, server: str, database: str, *, seconds: float, connections: int) -> dict[str, object]:
    port = _free_port()
    process = _serve(app, server, database, port)
    try:
        _wait_for(port)
        asyncio.run(load(port, seconds=1, connections=connections, start=0))
        begun, used = time.perf_counter(), _processor_seconds(process.pid)
        found, bad = asyncio.run(load(port, seconds=seconds, connections=connections, start=10_000_000))
        took, used = time.perf_counter() - begun, _processor_seconds(process.pid) - used
        alone, bad_alone = asyncio.run(load(port, seconds=1, connections=1, start=20_000_000))
    finally:
        process.terminate()
        process.wait(10)
    found.sort()
    alone.sort()
    return {
        "app": app, "server": server, "connections": connections, "events_per_second": round(len(found) / took),
        "p50_ms": round(found[len(found) // 2] * 1000, 2), "p99_ms": round(found[int(len(found) * 0.99)] * 1000, 2),
        "alone_p50_ms": round(alone[len(alone) // 2] * 1000, 2), "server_us_an_event": round(used / len(found) * 1e6), "not_200": bad + bad_alone,
    }  # fmt: skip


def _processor_seconds(pid: int) -> float:
    """What the server and its workers used of a processor: the figure that a busy machine does not change."""
    found = psutil.Process(pid)
    return sum(sum(each.cpu_times()[:2]) for each in [found, *found.children(recursive=True)])


def _serve(app: str, server: str, database: str, port: int) -> subprocess.Popen[bytes]:
    target = f"webhooks:{app.replace('-', '_')}"
    where = str(Path(__file__).parent)
    command = {
        "uvicorn": [sys.executable, "-m", "uvicorn", "--factory", target, "--port", str(port), "--log-level", "error", "--no-access-log"],
        "granian": [
            sys.executable, "-m", "granian", "--interface", "asgi", "--factory", target, "--port", str(port), "--log-level", "error",
            "--loop", "uvloop", "--workers", "1",
        ],
    }[server]  # fmt: skip
    environment = {
        **os.environ,
        "BENCH_DATABASE": database,
        "PYTHONPATH": os.pathsep.join([where, *sys.path]),
    }
    return subprocess.Popen(command, env=environment)


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise SystemExit("The server did not start.")


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seconds", type=float, default=5)
    options.add_argument("--connections", type=int, default=32)
    options.add_argument("--server", nargs="*", default=["uvicorn", "granian"])
    options.add_argument("--app", nargs="*", default=["ours", "bare", "bare-grouped"])
    chosen = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bookhand-bench-"))
    folder.chmod(0o755)
    with Database.open(data_dir=folder) as db:
        with psycopg.connect(db.url, autocommit=True) as cx:
            cx.execute(
                "create table bare (id bigint generated always as identity primary key, body bytea not null)"
            )
        for app in chosen.app:
            for server in chosen.server:
                with psycopg.connect(db.url, autocommit=True) as cx:
                    cx.execute("alter table delivery disable trigger all")
                    cx.execute("truncate delivery, queued, bare")
                    cx.execute("alter table delivery enable trigger all")
                print(
                    json.dumps(
                        measure(app, server, db.url, seconds=chosen.seconds, connections=chosen.connections)
                    ),
                    flush=True,
                )
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
