"""Who stands in front of the API: nobody comes in unknown, with a body without end, or leaves without an answer.

    app.add_middleware(Porter, authenticate=authenticate, workspace_id=1, longer={("POST", "/bank/statements"): Longest(…)})

The caller is known before anything of the request is read. Open to everybody are the description and
signing in (`OPEN`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bookhand.core.caller import Caller
from bookhand.web.api import trouble
from bookhand.web.bounded import Bounded, TooLongError, declared

MOST_BYTES = 8 * 1024 * 1024
OPEN = (("GET", "/openapi.json"), ("GET", "/docs"), ("POST", "/session"))
Authenticate = Callable[[Request], Caller | None]


class Longest(NamedTuple):
    """How long a body may be, and what is said where it is longer."""

    bytes: int
    says: str


_LONGEST = Longest(MOST_BYTES, f"The body is longer than {MOST_BYTES // 1024 // 1024} MiB: send it in parts.")


class Porter:
    """ASGI: see the module's docstring."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        authenticate: Authenticate,
        workspace_id: int,
        longer: Mapping[tuple[str, str], Longest] | None = None,
    ) -> None:
        self._app = app
        self._longer = longer or {}
        self._authenticate = authenticate
        self._workspace_id = workspace_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or have it answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        longest = self._longer.get((request.method, _inner(scope)), _LONGEST)
        begun, body = False, Bounded(receive, most_bytes=longest.bytes)

        async def noting(message: Message) -> None:
            nonlocal begun
            if body.is_over:  # whoever read it may have taken the error for broken JSON
                raise TooLongError
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            refusal = await self._refusal(request, longest)
            await (refusal or self._app)(scope, body, noting)
        except TooLongError:
            if not begun:
                await too_long(longest.says)(scope, receive, send)
        except Exception as error:
            found = trouble.of_error(error)
            if begun:
                raise
            await found(scope, receive, send)

    async def _refusal(self, request: Request, longest: Longest) -> ASGIApp | None:
        if declared(request) > longest.bytes:
            return too_long(longest.says)
        if (request.method, _inner(request.scope)) in OPEN:
            return None
        caller = await run_in_threadpool(self._authenticate, request)
        if caller is None or caller.workspace_id != self._workspace_id:
            return trouble.unauthenticated()
        request.state.caller = caller
        return None


def _inner(scope: Scope) -> str:
    """The path below where the API is mounted."""
    return str(scope["path"]).removeprefix(str(scope.get("root_path", "")))


def too_long(says: str) -> JSONResponse:
    """The answer to a body that is longer than is read."""
    return trouble.answer(413, "invalid", says)
