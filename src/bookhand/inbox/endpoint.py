"""The webhook endpoint: ``POST /webhooks/stripe/{connection}``, a plain ASGI app, because a framework costs more than the work.

Raw bytes are checked (`admission`), made durable (`keep`) and only then answered 200. What is refused is answered with a reason,
counted in `tally` and changes nothing; where nothing could be kept the answer is 503 and Stripe sends it again.

    app = webhooks(find=endpoint_of, keep=mailbox.keep, clock=time.time)
    app.tally["accepted"], app.tally["duplicate"], app.tally["signature"]
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec
import structlog

from bookhand.core.facts import Link
from bookhand.core.problems import Outage
from bookhand.inbox.admission import Endpoint, Refused, admit
from bookhand.inbox.delivery import Delivery

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Find = Callable[[int], Endpoint | None]
Keep = Callable[[Link, Delivery], Awaitable[bool]]

PREFIX = "/webhooks/stripe/"
LARGEST_BODY = 1 << 20
"""Stripe's own events stay far below; a larger body is read off the wire and thrown away."""
LARGEST_WASTE = 64 << 20
BODY_SECONDS = 20.0
_REMEMBERED_SECONDS = 15.0
_MOST_REMEMBERED = 1000
_SECRET_TRIES, _SECRET_SECONDS = 10, 0.3
_LARGEST_NUMBER = 2**31

log = structlog.get_logger(__name__)

_ACCEPTED = b'{"received":true}'
_TOO_LARGE = Refused(
    status=413, reason="too_large", message=f"A delivery may have {LARGEST_BODY} bytes; this one has more."
)
_NOT_FOUND = Refused(status=404, reason="unknown_connection", message="There is no such connection here.")
_METHOD = Refused(status=405, reason="method", message="Deliveries are sent with POST.")
_SLOW = Refused(status=408, reason="slow", message="The delivery did not arrive in time.")


class Webhooks:
    """The ASGI app. `tally` counts what became of every delivery, by a word (``accepted``, ``duplicate``, a refusal's reason)."""

    def __init__(self, *, find: Find, keep: Keep, clock: Callable[[], float]) -> None:
        self.tally: Counter[str] = Counter()
        self._find = find
        self._keep = keep
        self._clock = clock
        self._remembered: dict[int, tuple[float, Endpoint | None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        try:
            refused = await self._take(scope, receive)
        except _LeftError:
            self.tally["disconnected"] += 1
            return
        except Outage as error:
            refused = Refused(status=503, reason="not_kept", message=str(error))
        if refused is None:
            await _send(send, 200, _ACCEPTED)
            return
        self.tally[refused.reason] += 1
        log.warning("delivery_refused", path=scope["path"], status=refused.status, reason=refused.reason)
        await _send(
            send,
            refused.status,
            _ERROR.encode({"error": {"reason": refused.reason, "message": refused.message}}),
        )

    def forget(self) -> None:
        """Look connections and secrets up anew: one was connected, or its secret rolled."""
        self._remembered.clear()

    async def _take(self, scope: Scope, receive: Receive) -> Refused | None:
        """None if the delivery is durable."""
        number = _number(scope["path"])
        if number is None:
            return _NOT_FOUND
        if scope["method"] != "POST":
            return _METHOD
        headers = _headers(scope)
        body = await _read(receive, announced=headers.get(b"content-length"))
        if isinstance(body, Refused):
            return body
        endpoint = await self._endpoint(number)
        return (
            await self._judge(endpoint, body, headers.get(b"stripe-signature", b""))
            if endpoint
            else _NOT_FOUND
        )

    async def _judge(self, endpoint: Endpoint, body: bytes, signature: bytes) -> Refused | None:
        checked = admit(endpoint, signature=signature.decode("latin-1"), body=body, now=self._clock())
        if isinstance(checked, Refused):
            return checked
        try:
            fresh = await self._keep(checked.link, checked.delivery)
        except ValueError as error:
            return Refused(status=400, reason="malformed", message=str(error))
        self.tally["accepted" if fresh else "duplicate"] += 1
        return None

    async def _endpoint(self, number: int) -> Endpoint | None:
        """The endpoint of a connection, looked up at most every few seconds, and never on the event loop.

        Stripe tells an endpoint's secret when it makes the endpoint, and begins to deliver at the same moment: a connection that
        has no secret yet is given a few seconds to learn it, and is not remembered as one that has none.
        """
        known = self._remembered.get(number)
        if known is not None and self._clock() < known[0]:
            return known[1]
        found = await self._look_up(number)
        for _ in range(_SECRET_TRIES):
            if found is None or found.secrets:
                break
            await asyncio.sleep(_SECRET_SECONDS)
            found = await self._look_up(number)
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        if found is None or found.secrets:
            self._remembered[number] = (self._clock() + _REMEMBERED_SECONDS, found)
        return found

    async def _look_up(self, number: int) -> Endpoint | None:
        try:
            return await asyncio.to_thread(self._find, number)
        except Exception as error:
            raise Outage(
                f"The connection could not be looked up ({type(error).__name__}): Stripe will send it again."
            ) from error


def webhooks(*, find: Find, keep: Keep, clock: Callable[[], float]) -> Webhooks:
    """The app: `find` gives the endpoint of a connection's number (it may block), `keep` makes a delivery durable."""
    return Webhooks(find=find, keep=keep, clock=clock)


class _LeftError(Exception):
    """The sender went away before its delivery was whole."""


_ERROR = msgspec.json.Encoder()


def _number(path: str) -> int | None:
    rest = path[path.rfind(PREFIX) + len(PREFIX) :] if PREFIX in path else ""
    if not (rest.isascii() and rest.isdigit() and len(rest) <= len(str(_LARGEST_NUMBER))):
        return None
    return int(rest) if int(rest) < _LARGEST_NUMBER else None


def _headers(scope: Scope) -> dict[bytes, bytes]:
    wanted = (b"stripe-signature", b"content-length")
    return {name: value for name, value in scope["headers"] if name in wanted}


async def _read(receive: Receive, *, announced: bytes | None) -> bytes | Refused:
    """The whole body; one that is too large is read off the wire piece by piece and dropped, so the sender hears why."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _pieces(
                receive,
                too_large=announced is not None and announced.isdigit() and int(announced) > LARGEST_BODY,
            )
    except TimeoutError:
        return _SLOW


async def _pieces(receive: Receive, *, too_large: bool) -> bytes | Refused:
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _LeftError
        piece = message.get("body", b"")
        size += len(piece)
        too_large = too_large or size > LARGEST_BODY
        if too_large:
            pieces.clear()
        else:
            pieces.append(piece)
        if not message.get("more_body") or size > LARGEST_WASTE:
            break
    if too_large:
        return _TOO_LARGE
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def _send(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
