"""The HTTP skin of a stand-in: an ASGI app that hurts it as its faults say, in a thread or as a program.

with running(stand_in) as url: ...
if __name__ == "__main__":
start(lambda chosen: QuickBooks(seed=chosen.seed), default_port=12120)     # prints "QuickBooks on http://127.0.0.1:12120"
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Callable
from typing import Any

import structlog
import uvicorn

from bookhand.sandbox import serving
from bookhand.sandbox.outside.control import PREFIX, controlled
from bookhand.sandbox.outside.standin import Request, Response, StandIn
from bookhand.sandbox.serving import Receive, Send

log = structlog.get_logger(__name__)

LARGEST_BODY = 32 * 1024 * 1024
_BROKEN = Response(500, b"the stand-in broke")


class App:
    """Reads, asks the stand-in, sends; or does not, where a fault says so."""

    def __init__(self, stand_in: StandIn) -> None:
        self.stand_in = stand_in

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """One request, or the life of the server."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        request = Request(
            scope["method"],
            scope["path"],
            query=scope["query_string"].decode(),
            headers={n.decode("latin-1"): v.decode("latin-1") for n, v in scope["headers"]},
            body=await serving.read(receive, largest=LARGEST_BODY),
        )
        if request.path.startswith(PREFIX):
            with self.stand_in.lock:
                answer: Response | None = controlled(self.stand_in, request)
        else:
            answer = await self._counted(request)
        if answer is None:
            await serving.cut(scope, send)
        else:
            await serving.answer(send, answer.status, answer.headers, answer.body)

    async def _counted(self, request: Request) -> Response | None:
        stand_in = self.stand_in
        with stand_in.lock:
            stand_in.calls[stand_in.counted_as(request)] += 1
            stand_in.under_way += 1
        try:
            answer = await self._hurt(request)
        except Exception:
            log.exception("a stand-in broke", name=stand_in.name, method=request.method, path=request.path)
            answer = _BROKEN
        finally:
            with stand_in.lock:
                stand_in.under_way -= 1
        if answer is not None:
            stand_in.statuses[answer.status] += 1
        return answer

    async def _hurt(self, request: Request) -> Response | None:
        """The answer; None where the connection is cut."""
        stand_in, faults = self.stand_in, self.stand_in.faults
        asked = (request.method, request.path)
        with stand_in.lock:
            refused = stand_in.admit(request)
        if refused is not None:
            return refused
        slow = faults.of(*asked, "slow")
        await asyncio.sleep(stand_in.latency_seconds + (slow.seconds if slow else 0.0))
        with stand_in.lock:
            fault = faults.of(*asked, "429", "500", "cut_before", "token_revoked", *stand_in.kinds)
            if fault is not None and fault.kind == "cut_before":
                return None
            trouble = stand_in.trouble(fault, request) if fault is not None else None
            answer = trouble or stand_in.answer(request)
        after = faults.of(*asked, "cut_after", "500_after", "slow_after")
        if after is None:
            return answer
        if after.kind == "slow_after":
            await asyncio.sleep(after.seconds)
            return answer
        return None if after.kind == "cut_after" else stand_in.trouble(after, request)


def serve(stand_in: StandIn) -> uvicorn.Server:
    """A server; `run(sockets=[sock])` starts it."""
    return serving.serve(App(stand_in))


def running(stand_in: StandIn) -> contextlib.AbstractContextManager[str]:
    """The stand-in over HTTP in a thread, on a free port of 127.0.0.1; gives its address."""
    return serving.running(App(stand_in))


def start(
    make: Callable[[argparse.Namespace], StandIn],
    *,
    default_port: int,
    options: Callable[[argparse.ArgumentParser], None] = lambda _: None,
    shown: Callable[[StandIn], str] = lambda _: "",
) -> None:
    """Serve until stopped; `options` adds to the command line, `shown` is printed under the address."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=default_port, help="0 for a free one")
    parser.add_argument("--seed", type=int, default=1)
    options(parser)
    chosen = parser.parse_args()
    stand_in = make(chosen)
    with contextlib.closing(stand_in), serving.bound(chosen.host, chosen.port) as sock:
        host, port = sock.getsockname()[:2]
        sys.stdout.write(f"{stand_in.name} on http://{host}:{port}\n{shown(stand_in)}")
        sys.stdout.flush()
        serve(stand_in).run(sockets=[sock])


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
