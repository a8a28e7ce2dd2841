"""The yardstick for webhooks: a bare ASGI endpoint that checks the HMAC, commits one row, and answers.

    BENCH_DATABASE=… BENCH_SECRET=… python -m uvicorn --factory bench.bare:alone        a commit for each event
    BENCH_DATABASE=… BENCH_SECRET=… python -m uvicorn --factory bench.bare:grouped      one for all that wait

It deduplicates nothing, reads nothing of the event, and knows one secret.
"""

from __future__ import annotations

import asyncio
import hmac
import os
from typing import Any

from psycopg_pool import AsyncConnectionPool

TABLE = "create table bare (id bigint generated always as identity primary key, body bytea not null)"
_POOL = 8


def alone() -> Bare:
    """A commit for each event."""
    return Bare(group=False)


def grouped() -> Bare:
    """One commit for all events that wait."""
    return Bare(group=True)


class Bare:
    """The app."""

    def __init__(self, *, group: bool) -> None:
        self.group = group
        self.secret = os.environ["BENCH_SECRET"].encode()
        self.pool: AsyncConnectionPool | None = None
        self.waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self.task: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        header = dict(scope["headers"]).get(b"stripe-signature", b"").decode()
        sent, _, given = header[2:].partition(",v1=")
        expected = hmac.digest(self.secret, f"{sent}.".encode() + body, "sha256").hex()
        good = hmac.compare_digest(expected, given)
        if good:
            await self.keep(body)
        status = 200 if good else 401
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def keep(self, body: bytes) -> None:
        if self.pool is None:
            self.pool = AsyncConnectionPool(
                os.environ["BENCH_DATABASE"],
                min_size=_POOL,
                max_size=_POOL,
                open=False,
                kwargs={"autocommit": True},
            )
            await self.pool.open()
        if not self.group:
            async with self.pool.connection() as cx:
                await cx.execute("insert into bare (body) values (%b)", (body,))
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append((body, done))
        if self.task is None:
            self.task = asyncio.create_task(self.write(self.pool))
        await done

    async def write(self, pool: AsyncConnectionPool) -> None:
        while self.waiting:
            batch, self.waiting = self.waiting, []
            async with pool.connection() as cx:
                await cx.execute(
                    "insert into bare (body) select unnest(%b::bytea[])", ([body for body, _ in batch],)
                )
            for _, done in batch:
                done.set_result(None)
        self.task = None


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
