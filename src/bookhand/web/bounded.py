"""Bodies with an end: a request that is longer than is read is refused, whether it says its length or not.

body = Bounded(receive, most_bytes=1_000_000)       # ASGI's `receive`; raises `TooLongError` beyond that
Bound(app, most=site.most_bytes, too_long=site.too_long)      # ASGI: the same around a whole app, path by path
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEGABYTE = 1024 * 1024
_LONGEST_LENGTH = 18


class TooLongError(Exception):
    """The body is longer than is read."""


class Bounded:
    """ASGI's `receive`, up to `most_bytes` of body."""

    def __init__(self, receive: Receive, *, most_bytes: int) -> None:
        self._receive = receive
        self._left = most_bytes

    @property
    def is_over(self) -> bool:
        """Whether more came than is read."""
        return self._left < 0

    async def __call__(self) -> Message:
        """The next message; `TooLongError` where the body goes on too long."""
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self.is_over:
            raise TooLongError
        return message


def declared(request: Request) -> int:
    """How long the body is by its own word; zero where that is not said, and very long where it is no length."""
    text = request.headers.get("content-length", "")
    if not (text.isascii() and text.isdigit()):
        return 0
    return int(text) if len(text) <= _LONGEST_LENGTH else 10**_LONGEST_LENGTH


class Bound:
    """ASGI: refuses bodies longer than `most` says for the path; `too_long` makes the answer, with the bytes that are read."""

    def __init__(
        self,
        app: ASGIApp | Any,
        *,
        most: Callable[[str], int],
        too_long: Callable[[Request, int], Awaitable[ASGIApp]],
    ) -> None:
        self._app = app
        self._most = most
        self._too_long = too_long

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or have it answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._most(scope["path"])
        request = Request(scope)
        if declared(request) > most:
            await (await self._too_long(request, most))(scope, receive, send)
            return
        begun, body = False, Bounded(receive, most_bytes=most)

        async def noting(message: Message) -> None:
            nonlocal begun
            if body.is_over and not begun:  # whoever read it may have taken the error for something else
                raise TooLongError
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, body, noting)
        except TooLongError:
            if begun:
                raise
            await (await self._too_long(request, most))(scope, receive, send)
