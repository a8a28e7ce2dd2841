"""What a browser carries: the session, a half-done sign-in, and the proof that a form is ours.

    set_cookie(answer, request, SESSION, new.secret, seconds=…)
    form_token(request)                     # into a hidden field, or X-CSRF-Token
    from_our_page(request, token)           # False: another site may have sent it

Under https the names begin with ``__Host-``, so no other host can set them; scripts never see them.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

SESSION, STEP, PASSKEY, FORM = "bookhand", "bookhand-step", "bookhand-passkey", "bookhand-form"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_BEARER = "bearer "


def cookie(request: HTTPConnection, name: str) -> str | None:
    """What the browser carries under `name`."""
    found = request.cookies.get(f"__Host-{name}")
    return found if found or request.url.scheme == "https" else request.cookies.get(name)


def bearer(request: HTTPConnection) -> str | None:
    """The API token of a request, if it speaks by one."""
    header = request.headers.get("authorization", "")
    return header[len(_BEARER) :].strip() if header.lower().startswith(_BEARER) else None


def origin(request: HTTPConnection, public_url: str | None) -> str:
    """Where the browser believes to be; a proxy that ends TLS is known by `public_url`."""
    if public_url and urlsplit(public_url).netloc.lower() == request.headers.get("host", "").lower():
        parts = urlsplit(public_url)
        return f"{parts.scheme}://{parts.netloc.lower()}"
    return f"{request.url.scheme}://{request.headers.get('host', '').lower()}"


def set_cookie(
    answer: Response, request: HTTPConnection, name: str, value: str, *, seconds: int, public_url: str | None
) -> None:
    """Have the browser carry `value`; to this origin alone, and out of reach of scripts."""
    https = origin(request, public_url).startswith("https://")
    answer.set_cookie(
        f"__Host-{name}" if https else name, value, max_age=seconds, path="/", secure=https, httponly=True, samesite="lax"
    )  # fmt: skip


def drop_cookie(answer: Response, request: HTTPConnection, name: str) -> None:
    """Have the browser forget it, under both of its names."""
    for each in (f"__Host-{name}", name):
        if each in request.cookies:
            answer.delete_cookie(
                each, path="/", secure=each.startswith("__Host-"), httponly=True, samesite="lax"
            )


def new_form() -> str:
    """What binds a form to a browser that has no session yet."""
    return secrets.token_urlsafe(32)


def form_token(request: HTTPConnection, *, fresh: str | None = None) -> str:
    """The token that this browser's forms must bring: made from its session, or from what was set with the form."""
    base = cookie(request, SESSION) or cookie(request, FORM) or fresh or ""
    return hmac.digest(base.encode(), b"bookhand form", hashlib.sha256).hex() if base else ""


def token_of(session: str) -> str:
    """The token for a session that has just begun."""
    return hmac.digest(session.encode(), b"bookhand form", hashlib.sha256).hex()


def is_foreign(request: HTTPConnection, public_url: str | None) -> bool:
    """Whether the browser itself says that another site sent this."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    return request.headers.get("origin", "null") not in {"null", origin(request, public_url)}


def from_our_page(request: HTTPConnection, token: str | None, *, public_url: str | None) -> bool:
    """Whether `token` is this browser's, and nothing speaks against it."""
    expected = form_token(request)
    right = bool(expected and token) and hmac.compare_digest(expected.encode(), (token or "").encode())
    return right and not is_foreign(request, public_url)


def from_our_script(request: HTTPConnection, *, public_url: str | None) -> bool:
    """The same for the API: the token in X-CSRF-Token, or the browser's word that the page was ours."""
    if from_our_page(request, request.headers.get("x-csrf-token"), public_url=public_url):
        return True
    site = request.headers.get("sec-fetch-site")
    return site == "same-origin" or (
        site is None and request.headers.get("origin") == origin(request, public_url)
    )
