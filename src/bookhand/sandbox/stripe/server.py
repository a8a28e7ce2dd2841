"""The HTTP skin: an ASGI app over one Pinstripe.

app = App(Pinstripe())          # any ASGI server
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from bookhand.sandbox.stripe import forms
from bookhand.sandbox.stripe.engine import Pinstripe, Response
from bookhand.sandbox.stripe.errors import JSON

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class App:
    """Decodes, asks the engine, sends."""

    def __init__(self, engine: Pinstripe) -> None:
        self.engine = engine

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        params = forms.decode(scope["query_string"].decode())
        if scope["method"] != "GET":
            params |= _body(headers, await _read(receive))
        await _send(send, self.engine.answer(scope["method"], scope["path"], params, headers))


def _body(headers: dict[str, str], body: bytes) -> JSON:
    if headers.get("content-type", "").startswith("application/json"):
        found: JSON = forms.texts(msgspec.json.decode(body)) if body else {}
        return found
    return forms.decode(body.decode())


async def _read(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _send(send: Send, answer: Response) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    headers.append((b"content-type", b"application/json"))
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
