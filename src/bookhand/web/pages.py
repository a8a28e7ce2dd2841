"""The pages for who is not in the app: coming in, what is told there, and the API's description; from values, as every page is.

    sign_in_page(request, csrf=…, problem=None, email="", ways=(), provider=None, guarded=True)
    message(request, "worn", detail=str(error), status=404)

Light or dark follows what the browser's person chose in the app, else its machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi.responses import HTMLResponse
from markupsafe import Markup
from starlette.requests import HTTPConnection

from bookhand.core.caller import WHAT, Role, capabilities
from bookhand.core.redaction import redact_text
from bookhand.web.api.reference import Reference
from bookhand.web.page import figures
from bookhand.web.page.frame import environment, look_of
from bookhand.web.page.wording import marked, plain, say
from bookhand.web.status import Status, verdict
from bookhand.workspace.people.person import Person

_TO = {
    "worn": ("/sign-in", "sign_in"),
    "not_signed_in": ("/sign-in", "sign_in"),
    "still_signed_in": ("/", "home"),
}
_TRY_AGAIN = {"away", "fault"}
_NOWHERE_TO_GO = {"elsewhere"}


def before_page(request: HTTPConnection, status: Status) -> str:
    """The first page until the first owner has come in: how they come in, and what stands in the books so far."""
    reads = figures.reads(accepts=request.headers.get("accept-language", ""))
    return _page(request, "before", status=status, verdict=verdict(status), reads=reads)


def sign_in_page(
    request: HTTPConnection,
    *,
    csrf: str,
    problem: str | None,
    email: str,
    ways: Sequence[str],
    provider: str | None,
    guarded: bool,
) -> str:
    """Where people sign in; with `ways`, the second half. Where nobody is here yet (`guarded` False), it says how to begin."""
    return _page(
        request,
        "sign_in",
        csrf=csrf,
        problem=problem,
        email=email,
        ways=ways,
        provider=provider,
        guarded=guarded,
    )


def welcome_page(
    request: HTTPConnection,
    *,
    csrf: str,
    link: str,
    email: str,
    role: Role,
    reset: bool,
    problem: str | None,
    name: str,
) -> str:
    """Where a one-time link leads."""
    may = [WHAT[each] for each in WHAT if each in capabilities(role)]
    return _page(
        request,
        "welcome",
        csrf=csrf,
        link=link,
        email=email,
        role=role,
        may=may,
        reset=reset,
        problem=problem,
        name=name,
    )


def enter_page(request: HTTPConnection, *, csrf: str, link: str) -> str:
    """Where a link of the machine's own leads from elsewhere: one button, so that a mail program's look does not use it up."""
    return _page(request, "enter", csrf=csrf, link=link)


def second_page(
    request: HTTPConnection,
    *,
    csrf: str,
    person: Person,
    secret: str,
    address: str,
    codes: Sequence[str],
    problem: str | None,
) -> str:
    """Where a second factor is added; `codes` are the recovery codes, shown once."""
    return _page(
        request,
        "second",
        csrf=csrf,
        person=person,
        secret=secret,
        address=address,
        picture=_qr(address) if address else "",
        codes=codes,
        problem=problem,
    )


def _qr(address: str) -> Markup:
    """A QR code that an authenticator app reads from the screen: drawn here, no style and no script in it."""
    import segno  # noqa: PLC0415 (only one page draws)

    drawn = segno.make(address, error="m", micro=False)
    return Markup(  # noqa: S704 (made of numbers alone)
        drawn.svg_inline(svgclass="qr", lineclass=None, omitsize=True, dark="#111", light="#fff", border=3)
    )


def message(request: HTTPConnection, key: str, *, status: int, detail: str = "") -> HTMLResponse:
    """A page that says one thing (``entrance.message.{key}``, or `detail`) and leads on from there."""
    to, act = _TO.get(key, ("/", "home"))
    if key in _TRY_AGAIN and request.scope.get("method") == "GET":
        to, act = "", "again"
    page = _page(
        request,
        "message",
        headline=plain(f"entrance.message.{key}.title"),
        words=marked(redact_text(detail)) if detail else say(f"entrance.message.{key}.words"),
        to=to,
        act="" if key in _NOWHERE_TO_GO else plain(f"entrance.message.{act}"),
    )
    return HTMLResponse(page, status_code=status)


def reference_page(request: HTTPConnection, reference: Reference, *, trouble: str) -> str:
    """The API for people, made from its own description; `trouble` is how it tells that something is wrong."""
    return _page(request, "reference", reference=reference, trouble=trouble)


def _page(request: HTTPConnection, template: str, /, **seen: Any) -> str:
    return (
        environment().get_template(f"entrance/{template}.html").render(**seen, look=look_of(request.cookies))
    )
