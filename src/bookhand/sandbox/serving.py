"""How a stand-in is served over HTTP: a server on a socket, in a thread or as a program, whose connections can be cut on demand.

with running(app) as url: ...                          # on a free port of 127.0.0.1
with bound("127.0.0.1", 12111) as sock:
serve(app).run(sockets=[sock])                     # until it is stopped
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]
"""An ASGI app."""

_BACKLOG = 2048
_TRANSPORT = "standin.transport"


class _Protocol(HttpToolsProtocol):
    """uvicorn's, handing the transport along so that a connection can be cut on demand."""

    def on_headers_complete(self) -> None:
        """The request begins."""
        super().on_headers_complete()
        self.scope[_TRANSPORT] = self.transport  # type: ignore[literal-required]


def serve(app: App) -> uvicorn.Server:
    """A server; `run(sockets=[sock])` starts it."""
    config = uvicorn.Config(
        app,
        http=_Protocol,
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


@contextlib.contextmanager
def running(app: App, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """`app` over HTTP in a thread; gives its address."""
    with bound(host, port) as sock:
        server = serve(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the stand-in did not start")
            time.sleep(0.005)
        try:
            yield f"http://{host}:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)


def bound(host: str, port: int) -> socket.socket:
    """A socket on this address; port 0 is a free one. Who connects before the server runs waits for it."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    sock.listen(_BACKLOG)
    return sock


async def read(receive: Receive, *, largest: int) -> bytes:
    """The body of a request; `ValueError` for one of more than `largest` bytes."""
    parts, size = [], 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size > largest:
            raise ValueError("The request is too large.")
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


async def answer(send: Send, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
    """Send a whole answer."""
    told = [(name.encode(), value.encode()) for name, value in headers]
    told.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": body})


async def cut(scope: dict[str, Any], send: Send) -> None:
    """Hang up without a word."""
    transport = scope.get(_TRANSPORT)
    if transport is None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
        raise ConnectionAbortedError("cut on demand")
    transport.abort()
    await asyncio.sleep(0.001)
