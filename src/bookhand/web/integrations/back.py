"""The way back from a consent: ``/oauth/…``, where a vendor sends somebody who said yes or no there.

The page tells the one that opened it by a BroadcastChannel and closes itself (``popup.js``). A sign-in that was begun on a page is finished
only by the browser and the person that began it: its state is bound to their session. It may come back under another name of this machine
than the page had (vendors know one address); then it is led home first, to the origin that was written down when it began.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from bookhand.core.caller import Caller
from bookhand.core.problems import BookhandError, Refusal
from bookhand.systems.store import Bound
from bookhand.web.integrations.room import Came
from bookhand.web.page.frame import environment
from bookhand.web.page.wording import plain
from bookhand.web.people import cookies

if TYPE_CHECKING:
    from bookhand.web.people.gate import Reception

SignIn = Callable[[str, Mapping[str, str]], Came]
"""Finishes a sign-in: what kind it was (``app``, ``connect``, ``quickbooks``, ``plaid``) and what was sent back; or it raises."""
BoundTo = Callable[[str], Bound | None]
"""State to whose sign-in it is; None where it was begun at the command line, or is none."""


def routes(sign_in: SignIn, *, bound: BoundTo | None, reception: Reception | None) -> APIRouter:
    """``/oauth/stripe/app``, ``/oauth/stripe/connect``, ``/oauth/quickbooks``, ``/oauth/plaid``."""
    router = APIRouter(include_in_schema=False)

    def finished(what: str, kind: str, request: Request) -> Response:
        whose = bound(request.query_params.get("state", "")) if bound is not None else None
        if whose is not None and reception is not None:
            if whose.home != cookies.origin(request, reception.public_url):
                return RedirectResponse(
                    f"{whose.home}{request.url.path}?{request.url.query}", status_code=303
                )
            if not _is_whose(request, whose, reception.caller(request)):
                return page(plain(f"integrations.back.{what}_not"), plain("integrations.back.stranger"), status=403)  # fmt: skip
        try:
            came = sign_in(kind, dict(request.query_params))
        except BookhandError as error:
            return page(plain(f"integrations.back.{what}_not"), str(error), status=400)
        return page(
            plain(f"integrations.back.{what}"), f"{came.replaced} {came.says}".strip(), stays=came.swapped
        )

    @router.get("/oauth/stripe/{kind}")
    def from_stripe(kind: Literal["app", "connect"], request: Request) -> Response:
        return finished("account", kind, request)

    @router.get("/oauth/quickbooks")
    def from_intuit(request: Request) -> Response:
        return finished("company", "quickbooks", request)

    @router.get("/oauth/plaid")
    def from_plaid(request: Request) -> Response:
        return finished("bank", "plaid", request)

    return router


def page(headline: str, detail: str, *, status: int = 200, stays: bool = False) -> HTMLResponse:
    """What a consent's window shows at its end; a good one closes itself, unless there is something to read."""
    tone = "bad" if status != HTTPStatus.OK else "look" if stays else "good"
    shown = environment().get_template("integrations/back.html").render(headline=headline, detail=detail, tone=tone)  # fmt: skip
    return HTMLResponse(shown, status_code=status)


def bound_to(request: Request, caller: Caller, *, public_url: str | None) -> Bound:
    """What a sign-in that begins now is bound to: this browser's session, this person, and where they are."""
    browser = browser_of(request)
    if not browser:
        raise Refusal(plain("integrations.back.no_session"))
    return Bound(browser=browser, who=caller.who, name=caller.name, home=cookies.origin(request, public_url))


def browser_of(request: Request) -> str:
    """A hash of what this browser alone carries: its session's; '' where it has none."""
    token = cookies.form_token(request)
    return hashlib.sha256(f"sign-in {token}".encode()).hexdigest() if token else ""


def _is_whose(request: Request, whose: Bound, caller: Caller | None) -> bool:
    """Whether it is the browser and the person that began, who still may."""
    same = hmac.compare_digest(browser_of(request), whose.browser)
    return same and caller is not None and caller.who == whose.who and "manage" in caller.can
