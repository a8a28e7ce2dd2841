"""Who is there? Once a workspace has people, every page and every call of the API needs a session or a token.

    Gate(app, reception)                       # ASGI, behind the Shield
    current_caller(request, cx)                # in a page or a call: the Caller, or None

Open without: health, static files, the way back from an OAuth sign-in, and the sign-in itself. ``/metrics`` answers this machine, and
elsewhere a token that may read. A call of the API that changes something and speaks by a cookie must come from our own page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bookhand.core.caller import Caller
from bookhand.core.problems import Outage
from bookhand.web.pages import message
from bookhand.web.people import cookies
from bookhand.web.shield import OPEN_PATHS, SIGN_IN_PATHS, is_this_machine
from bookhand.workspace.people import session_store, store
from bookhand.workspace.people.oidc_auth import Provider
from bookhand.workspace.people.sign_in_workflow import SignIn

log = structlog.get_logger(__name__)

API = "/api/"
API_SESSION = "/api/v1/session"


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Reception:
    """What the web needs to know who is there; `provider` makes the identity provider for an origin, where one is set."""

    door: SignIn
    public_url: str | None = None
    provider: Provider | None = None
    clock: Callable[[], datetime] = _utc_now
    _guarded: bool = False

    def is_guarded(self) -> bool:
        """Whether the workspace has people; once it has, it always will."""
        if not self._guarded:
            with self.door.db.transaction() as cx:
                self._guarded = store.has_people(cx)
        return self._guarded

    def caller(self, request: HTTPConnection) -> Caller | None:
        """Who asks, in a transaction of its own."""
        with self.door.db.transaction() as cx:
            return current_caller(request, cx, now=self.clock())


def current_caller(
    request: HTTPConnection, cx: psycopg.Connection[Any], *, now: datetime | None = None
) -> Caller | None:
    """Who asks, by API token or by session; None for a stranger."""
    token = cookies.bearer(request)
    return session_store.authenticate(
        cx,
        session=cookies.cookie(request, cookies.SESSION),
        bearer=token,
        channel="web" if token is None and not request.url.path.startswith(API) else "rest",
        now=now or _utc_now(),
    )


class Gate:
    """ASGI: lets `app` answer who may ask."""

    def __init__(self, app: ASGIApp | Any, reception: Reception) -> None:
        self._app = app
        self._reception = reception

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or have it answered."""
        if scope["type"] == "http" and not scope["path"].startswith((*OPEN_PATHS, *SIGN_IN_PATHS)):
            refusal = await run_in_threadpool(self._answered, Request(scope))
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _answered(self, request: Request) -> Response | None:
        try:
            return self._refusal(request)
        except (Outage, psycopg.OperationalError) as error:
            log.warning("page_waits", why=str(error).strip())
            if request.url.path.startswith(API):
                return _told(503, "outage", "The database does not answer: try again in a few seconds.")
            return message(request, "away", status=503)

    def _refusal(self, request: Request) -> Response | None:
        """The answer to somebody who may not ask; None where they may."""
        if not self._reception.is_guarded():
            return None
        path = request.url.path
        if path.startswith(API):
            return self._refusal_of_call(request)
        if path == "/metrics":
            return self._refusal_of_metrics(request)
        return None if self._reception.caller(request) else to_sign_in(request)

    def _refusal_of_call(self, request: Request) -> Response | None:
        public_url = self._reception.public_url
        if request.method not in cookies.SAFE and cookies.bearer(request) is None:
            foreign = cookies.is_foreign(request, public_url)
            by_cookie = cookies.cookie(request, cookies.SESSION) is not None
            if foreign or (by_cookie and not cookies.from_our_script(request, public_url=public_url)):
                return _told(
                    403,
                    "not_allowed",
                    "This call came by a cookie and not from our own page: send X-CSRF-Token, or an API token.",
                )
        if request.url.path == API_SESSION or self._reception.caller(request):
            return None
        return _told(401, "unauthenticated", "Nobody is signed in: send an API token, or sign in.")

    def _refusal_of_metrics(self, request: Request) -> Response | None:
        if cookies.bearer(request) is None and is_this_machine(request.headers):
            return None
        caller = self._reception.caller(request)
        if caller is not None and "read" in caller.can:
            return None
        return PlainTextResponse("Metrics need an API token with the scope read.\n", status_code=401)


def to_sign_in(request: HTTPConnection) -> Response:
    """The way in; for a part that a page asks for (htmx), by the header that leads the whole page there."""
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"hx-redirect": "/sign-in"})
    return RedirectResponse("/sign-in", status_code=303)


def _told(status: int, kind: str, message: str) -> JSONResponse:
    headers = {"www-authenticate": "Bearer"} if status == 401 else None  # noqa: PLR2004 (what 401 must carry)
    return JSONResponse({"error": {"kind": kind, "message": message}}, status_code=status, headers=headers)
