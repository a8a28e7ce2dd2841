"""What stands around the pages: who may ask for them, and what a browser may do with them.

The pages answer this machine: under a loopback name, and not through a proxy, unless a host name was allowed. Once people sign in,
they also answer under the public address, which before that shows the sign-in alone. The webhook address, ``/health`` and the way
back from an OAuth sign-in answer everybody.

>>> Shield(app=None, hosts=()).refusal("books.example.com", proxied=False)[:40]
'This page answers only under localhost; '
>>> Shield(app=None, hosts=("books.example.com",)).refusal("books.example.com", proxied=True) is None
True
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import psycopg
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bookhand.core.problems import Outage
from bookhand.web.page.wording import plain
from bookhand.web.pages import message

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
OPEN_PATHS = ("/health", "/static/", "/oauth/")
"""What anybody may ask for, by how it begins: it tells nothing of the books. An OAuth sign-in is checked by its own state."""
SIGN_IN_PATHS = ("/sign-in", "/welcome/", "/enter/", "/oidc/")
"""Where people come in: open under the names that pages have, and under the public address."""
POPUP_PATHS = ("/oauth/",)
"""What a consent window comes back to: it must still know the page that opened it, to close itself."""
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin-allow-popups",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
HSTS = {"strict-transport-security": "max-age=31536000"}
"""Where the public address is https; browsers heed it there alone, not under a loopback name without it."""
_PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


class Shield:
    """ASGI: refuses strangers, and puts `HEADERS` on every answer of `app`."""

    def __init__(
        self,
        app: ASGIApp | Any,
        *,
        hosts: Iterable[str],
        public_url: str | None = None,
        guarded: Callable[[], bool] | None = None,
    ) -> None:
        """`guarded` says whether people sign in; from then on pages answer under `public_url` as well."""
        self._app = app
        self._public = (urlsplit(public_url).hostname or "") if public_url and guarded else ""
        self._guarded = guarded or (lambda: False)
        self._kept_to_https = HSTS if (public_url or "").startswith("https:") else {}
        self._hosts = frozenset(host.strip().lower() for host in hosts if host.strip())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in (HEADERS | self._kept_to_https).items():
                    headers[name] = value
                if scope["path"].startswith(POPUP_PATHS):
                    headers["cross-origin-opener-policy"] = "unsafe-none"
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refused = await self._refused(scope)
        await (refused or self._app)(scope, receive, send_with_headers)

    async def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        why = self.refusal(
            host_name(headers.get("host", "")), proxied=any(name in headers for name in _PROXY_HEADERS)
        )
        if not why or scope["path"].startswith(OPEN_PATHS):
            return None
        try:
            is_public = await self._is_public(headers, scope["path"])
        except (Outage, psycopg.OperationalError):
            return message(HTTPConnection(scope), "away", status=503)
        return None if is_public else message(HTTPConnection(scope), "elsewhere", status=403)

    async def _is_public(self, headers: Headers, path: str) -> bool:
        if not self._public or host_name(headers.get("host", "")) != self._public:
            return False
        return path.startswith(SIGN_IN_PATHS) or await run_in_threadpool(self._guarded)

    def refusal(self, host: str, *, proxied: bool) -> str | None:
        """Why a request under `host` is not answered; None if it is."""
        if host in self._hosts or (host in LOOPBACK and not proxied):
            return None
        return plain("entrance.message.elsewhere.words")


def is_this_machine(headers: Headers) -> bool:
    """Whether a request came under a loopback name, and not through a proxy."""
    return host_name(headers.get("host", "")) in LOOPBACK and not any(
        name in headers for name in _PROXY_HEADERS
    )


def host_name(header: str) -> str:
    """The name in a Host header, without its port: ``host_name("[::1]:8787") == "[::1]"``."""
    name = header.strip().lower()
    if name.startswith("["):
        address, closing, _ = name.partition("]")
        return address + closing
    name, _, port = name.partition(":")
    return name if not port or port.isdigit() else ""
