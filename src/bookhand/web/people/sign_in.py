"""Signing in and out: ``/sign-in`` (password, then a code or a passkey), ``/sign-out``, ``/oidc/start`` and ``/oidc/back``.

    app.include_router(routes(reception))

Every form brings its token; every good sign-in gets a session of its own, whatever the browser carried before. What goes wrong is a
sentence on the same page.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Form, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from bookhand.core.problems import BookhandError, Outage, Refusal
from bookhand.web import pages
from bookhand.web.page.wording import plain
from bookhand.web.people import cookies
from bookhand.web.people.gate import Reception
from bookhand.workspace.people.factor_store import TooMany
from bookhand.workspace.people.passkeys import Site
from bookhand.workspace.people.person import NotSignedIn
from bookhand.workspace.people.session_store import NewSession
from bookhand.workspace.people.sign_in_workflow import Half, Source

STEP_SECONDS = 600
_MOST_BYTES = 65_536
Field = Annotated[str, Form()]


def routes(reception: Reception) -> APIRouter:
    """The pages where people come in and go."""
    router = APIRouter(include_in_schema=False)
    _by_password(router, reception)
    _by_passkey(router, reception)
    _out(router, reception)
    if reception.provider is not None:
        _by_oidc(router, reception)
    return router


def _by_password(router: APIRouter, reception: Reception) -> None:
    door = reception.door

    @router.get("/sign-in")
    def page(request: Request) -> Response:
        if reception.caller(request) is not None:
            return RedirectResponse("/", status_code=303)
        return _page(reception, request)

    @router.post("/sign-in")
    def password(request: Request, email: Field = "", password: Field = "", csrf: Field = "") -> Response:
        if not cookies.from_our_page(request, csrf, public_url=reception.public_url):
            return _page(reception, request, problem=strange(), email=email, status=403)
        try:
            found = door.by_password(email, password, source=source(request), now=reception.clock())
        except BookhandError as error:
            return _page(reception, request, problem=str(error), email=email, status=status_of(error))
        if isinstance(found, NewSession):
            return entered(RedirectResponse("/", status_code=303), reception, request, found)
        answer = _page(reception, request, half=found)
        keep_step(answer, reception, request, found.step)
        return answer

    @router.post("/sign-in/code")
    def code(request: Request, code: Field = "", csrf: Field = "") -> Response:
        half = Half(cookies.cookie(request, cookies.STEP) or "", ("totp",))
        if not cookies.from_our_page(request, csrf, public_url=reception.public_url):
            return _page(reception, request, problem=strange(), half=half, status=403)
        try:
            found = door.by_code(half.step, code, source=source(request), now=reception.clock())
        except BookhandError as error:
            again = None if "start again" in str(error) else half
            return _page(reception, request, problem=str(error), half=again, status=status_of(error))
        return entered(RedirectResponse("/", status_code=303), reception, request, found)


def _by_passkey(router: APIRouter, reception: Reception) -> None:
    door = reception.door

    @router.post("/sign-in/passkey/options")
    def options(request: Request) -> Response:
        if not is_script(reception, request):
            return JSONResponse({"message": strange()}, status_code=403)
        half = cookies.cookie(request, cookies.STEP)
        step, asked = door.passkey_options(site(reception, request), half=half, now=reception.clock())
        answer = JSONResponse(asked)
        keep_step(answer, reception, request, step, name=cookies.PASSKEY)
        return answer

    @router.post("/sign-in/passkey")
    async def passkey(request: Request) -> Response:
        said = await said_by(request)
        return await run_in_threadpool(_use_passkey, reception, request, said)


def _use_passkey(reception: Reception, request: Request, said: dict[str, Any]) -> Response:
    if not is_script(reception, request):
        return JSONResponse({"message": strange()}, status_code=403)
    try:
        found = reception.door.by_passkey(
            site(reception, request), cookies.cookie(request, cookies.PASSKEY) or "", said,
            source=source(request), now=reception.clock(),
        )  # fmt: skip
    except Refusal as error:
        return JSONResponse({"message": str(error)}, status_code=status_of(error))
    return entered(JSONResponse({"to": "/"}), reception, request, found)


def _out(router: APIRouter, reception: Reception) -> None:
    @router.post("/sign-out")
    def out(request: Request, csrf: Field = "") -> Response:
        if not cookies.from_our_page(request, csrf, public_url=reception.public_url):
            return pages.message(request, "still_signed_in", detail=strange(), status=403)
        reception.door.sign_out(cookies.cookie(request, cookies.SESSION) or "", now=reception.clock())
        answer = RedirectResponse("/sign-in", status_code=303)
        cookies.drop_cookie(answer, request, cookies.SESSION)
        return answer


def _by_oidc(router: APIRouter, reception: Reception) -> None:
    door, provider = reception.door, reception.provider
    assert provider is not None  # noqa: S101 (asked by the caller)

    @router.get("/oidc/start")
    def start(request: Request) -> Response:
        try:
            step, url = door.start_oidc(provider, now=reception.clock())
        except BookhandError as error:
            return _page(reception, request, problem=str(error), status=status_of(error))
        answer = RedirectResponse(url, status_code=303)
        keep_step(answer, reception, request, step)
        return answer

    @router.get("/oidc/back")
    def back(request: Request) -> Response:
        step = cookies.cookie(request, cookies.STEP) or ""
        try:
            found = door.by_oidc(
                provider, step, dict(request.query_params), source=source(request), now=reception.clock()
            )
        except BookhandError as error:
            return _page(reception, request, problem=str(error), status=status_of(error))
        return entered(RedirectResponse("/", status_code=303), reception, request, found)


# --- what these pages and /welcome share ---


def entered(answer: Response, reception: Reception, request: Request, new: NewSession) -> Response:
    """`answer` with the session's cookie; what the browser carried of the way in is forgotten."""
    for name in (cookies.STEP, cookies.PASSKEY, cookies.FORM):
        cookies.drop_cookie(answer, request, name)
    seconds = reception.door.rules.hours * 3600
    cookies.set_cookie(
        answer, request, cookies.SESSION, new.secret, seconds=seconds, public_url=reception.public_url
    )
    return answer


def keep_step(
    answer: Response, reception: Reception, request: Request, step: str, *, name: str = cookies.STEP
) -> None:
    """Have the browser carry a half-done sign-in."""
    cookies.set_cookie(answer, request, name, step, seconds=STEP_SECONDS, public_url=reception.public_url)


def with_form(reception: Reception, request: Request, render: Any, *, status: int = 200) -> HTMLResponse:
    """A page with a form: `render` gets the form's token, and the browser what the token is made from."""
    fresh = cookies.new_form()
    answer = HTMLResponse(render(cookies.form_token(request, fresh=fresh)), status_code=status)
    if not cookies.cookie(request, cookies.SESSION) and not cookies.cookie(request, cookies.FORM):
        cookies.set_cookie(
            answer, request, cookies.FORM, fresh, seconds=86_400, public_url=reception.public_url
        )
    return answer


def strange() -> str:
    """What is told where a form or a script was not of our own page."""
    return plain("page.strange_form")


def source(request: Request) -> Source:
    """Where a request comes from."""
    return Source(request.client.host if request.client else "", request.headers.get("user-agent", ""))


def site(reception: Reception, request: Request) -> Site:
    """The name and the origin that passkeys of this page are bound to."""
    found = cookies.origin(request, reception.public_url)
    return Site(host=found.split("://", 1)[1].partition(":")[0], origin=found)


async def said_by(request: Request) -> dict[str, Any]:
    """The JSON object that a script of ours sent; an empty one for anything else."""
    body = await request.body()
    try:
        found = msgspec.json.decode(body) if len(body) <= _MOST_BYTES else {}
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def status_of(error: BookhandError) -> int:
    """The HTTP status that says what kind of trouble it is."""
    match error:
        case TooMany():
            return 429
        case NotSignedIn():
            return 401
        case Outage():
            return 503
        case _:
            return 400


def is_script(reception: Reception, request: Request) -> bool:
    """Whether a script of our own page sent this."""
    return cookies.from_our_page(
        request, request.headers.get("x-csrf-token"), public_url=reception.public_url
    )


def _page(
    reception: Reception,
    request: Request,
    *,
    problem: str | None = None,
    email: str = "",
    half: Half | None = None,
    status: int = 200,
) -> HTMLResponse:
    provider = reception.provider.name if reception.provider else None
    guarded = reception.is_guarded()
    return with_form(
        reception,
        request,
        lambda csrf: pages.sign_in_page(
            request,
            csrf=csrf,
            problem=problem,
            email=email,
            ways=half.ways if half else (),
            provider=provider,
            guarded=guarded,
        ),
        status=status,
    )
