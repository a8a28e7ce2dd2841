"""What stands around the pages: who may ask for them, and what a browser may do with them.

There is no sign-in yet, so the pages answer this machine alone: under a loopback name, and not through a proxy, unless a
host name was allowed. The webhook address, ``/health`` and the way back from an OAuth sign-in answer everybody.

>>> Shield(app=None, hosts=()).refusal("books.example.com", proxied=False)[:40]
'This page answers only under localhost; '
>>> Shield(app=None, hosts=("books.example.com",)).refusal("books.example.com", proxied=True) is None
True
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bookhand.web.pages import message_page

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
OPEN_PATHS = ("/health", "/static/", "/oauth/")
"""What anybody may ask for, by how it begins: it tells nothing of the books. An OAuth sign-in is checked by its own state."""
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


class Shield:
    """ASGI: refuses strangers, and puts `HEADERS` on every answer of `app`."""

    def __init__(self, app: ASGIApp | Any, *, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = frozenset(host.strip().lower() for host in hosts if host.strip())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        headers = Headers(scope=scope)
        why = self.refusal(
            host_name(headers.get("host", "")), proxied=any(name in headers for name in _PROXY_HEADERS)
        )
        if why and not scope["path"].startswith(OPEN_PATHS):
            page = HTMLResponse(message_page("This page is not for this address.", why), status_code=403)
            await page(scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)

    def refusal(self, host: str, *, proxied: bool) -> str | None:
        """Why a request under `host` is not answered; None if it is."""
        if host in self._hosts or (host in LOOPBACK and not proxied):
            return None
        return (
            "This page answers only under localhost; it shows a company's money and has no sign-in of its own. To show it "
            "under another name, behind a proxy that asks who is there, put the name into BOOKHAND_PAGE_HOSTS."
        )


def host_name(header: str) -> str:
    """The name in a Host header, without its port: ``host_name("[::1]:8787") == "[::1]"``."""
    name = header.strip().lower()
    if name.startswith("["):
        address, closing, _ = name.partition("]")
        return address + closing
    return name.partition(":")[0]
