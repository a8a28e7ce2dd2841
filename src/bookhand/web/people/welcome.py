"""Coming in by a one-time link, and adding a second factor: ``/welcome/{link}`` or ``/enter/{link}``, then ``/second``.

    app.include_router(routes(reception))

Looking at a link does not use it up (mail programs look at links); choosing a password does, and so does opening, on the machine itself,
a link that its own command line has printed. ``/second`` needs a session, as every
other page does; its codes are shown once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from bookhand.core.caller import Caller
from bookhand.core.problems import BookhandError
from bookhand.web import pages
from bookhand.web.page.wording import plain
from bookhand.web.people import cookies
from bookhand.web.people.gate import Reception
from bookhand.web.people.sign_in import (
    Field,
    entered,
    is_script,
    keep_step,
    said_by,
    site,
    source,
    status_of,
    strange,
    with_form,
)
from bookhand.web.shield import is_this_machine
from bookhand.workspace.people import invitation_store


def routes(reception: Reception) -> APIRouter:
    """The pages of somebody's first minutes."""
    router = APIRouter(include_in_schema=False)
    _welcome(router, reception)
    _enter(router, reception)
    _second(router, reception)
    _passkey(router, reception)
    return router


def _welcome(router: APIRouter, reception: Reception) -> None:
    @router.get("/welcome/{link}")
    def page(request: Request, link: str) -> Response:
        return _welcome_page(reception, request, link)

    @router.post("/welcome/{link}")
    def come(
        request: Request,
        link: str,
        *,
        name: Field = "",
        password: Field = "",
        again: Field = "",
        csrf: Field = "",
    ) -> Response:
        if not cookies.from_our_page(request, csrf, public_url=reception.public_url):
            return _welcome_page(reception, request, link, problem=strange(), name=name, status=403)
        if password != again:
            return _welcome_page(
                reception,
                request,
                link,
                problem=plain("entrance.welcome.differ"),
                name=name,
                status=400,
            )
        try:
            new = reception.door.welcome(
                link, name=name, password=password, source=source(request), now=reception.clock()
            )
        except BookhandError as error:
            return _welcome_page(
                reception, request, link, problem=str(error), name=name, status=status_of(error)
            )
        return entered(RedirectResponse("/second", status_code=303), reception, request, new)


def _enter(router: APIRouter, reception: Reception) -> None:
    def come(request: Request, link: str) -> Response:
        try:
            new = reception.door.enter(link, source=source(request), now=reception.clock())
        except BookhandError as error:
            return pages.message(request, "worn", detail=str(error), status=404)
        return entered(RedirectResponse("/", status_code=303), reception, request, new)

    @router.get("/enter/{link}")
    def page(request: Request, link: str) -> Response:
        if is_this_machine(request.headers):
            return come(request, link)
        return with_form(reception, request, lambda csrf: pages.enter_page(request, csrf=csrf, link=link))

    @router.post("/enter/{link}")
    def enter(request: Request, link: str, csrf: Field = "") -> Response:
        if not cookies.from_our_page(request, csrf, public_url=reception.public_url):
            return pages.message(request, "not_signed_in", detail=strange(), status=403)
        return come(request, link)


def _second(router: APIRouter, reception: Reception) -> None:
    @router.get("/second")
    def page(request: Request) -> Response:
        caller = reception.caller(request)
        if caller is None:
            return RedirectResponse("/sign-in", status_code=303)
        return _second_page(reception, request, caller)

    @router.post("/second")
    def keep(request: Request, code: Field = "", csrf: Field = "") -> Response:
        caller = reception.caller(request)
        if caller is None:
            return RedirectResponse("/sign-in", status_code=303)
        if not cookies.from_our_page(request, csrf, public_url=reception.public_url):
            return _second_page(reception, request, caller, problem=strange(), status=403)
        try:
            codes = reception.door.keep_totp(caller, code, now=reception.clock())
        except BookhandError as error:
            return _second_page(reception, request, caller, problem=str(error), status=status_of(error))
        return _second_page(reception, request, caller, codes=codes)


def _passkey(router: APIRouter, reception: Reception) -> None:
    @router.post("/second/passkey/options")
    def options(request: Request) -> Response:
        caller = reception.caller(request)
        if caller is None or not is_script(reception, request):
            return JSONResponse({"message": strange()}, status_code=403)
        step, asked = reception.door.new_passkey_options(
            site(reception, request), caller, now=reception.clock()
        )
        answer = JSONResponse(asked)
        keep_step(answer, reception, request, step, name=cookies.PASSKEY)
        return answer

    @router.post("/second/passkey")
    async def passkey(request: Request) -> Response:
        said = await said_by(request)
        return await run_in_threadpool(_add_passkey, reception, request, said)


def _add_passkey(reception: Reception, request: Request, said: dict[str, Any]) -> Response:
    caller = reception.caller(request)
    if caller is None or not is_script(reception, request):
        return JSONResponse({"message": strange()}, status_code=403)
    try:
        reception.door.add_passkey(
            site(reception, request), caller, cookies.cookie(request, cookies.PASSKEY) or "", said,
            name=request.headers.get("user-agent", ""), now=reception.clock(),
        )  # fmt: skip
    except BookhandError as error:
        return JSONResponse({"message": str(error)}, status_code=status_of(error))
    answer = JSONResponse({"to": "/second"})
    cookies.drop_cookie(answer, request, cookies.PASSKEY)
    return answer


def _welcome_page(
    reception: Reception,
    request: Request,
    link: str,
    *,
    problem: str | None = None,
    name: str = "",
    status: int = 200,
) -> Response:
    try:
        with reception.door.db.transaction() as cx:
            invited = invitation_store.look(cx, link, now=reception.clock())
    except BookhandError as error:
        return pages.message(request, "worn", detail=str(error), status=404)
    return with_form(
        reception,
        request,
        lambda csrf: pages.welcome_page(
            request,
            csrf=csrf,
            link=link,
            email=invited.email,
            role=invited.role,
            reset=invited.kind == "reset",
            problem=problem,
            name=name,
        ),
        status=status,
    )


def _second_page(
    reception: Reception,
    request: Request,
    caller: Caller,
    *,
    problem: str | None = None,
    codes: Sequence[str] = (),
    status: int = 200,
) -> HTMLResponse:
    person, pending = reception.door.second(caller, renew=request.method == "GET")
    secret, address = pending or ("", "")
    groups = " ".join(secret[index : index + 4] for index in range(0, len(secret), 4))
    return with_form(
        reception,
        request,
        lambda csrf: pages.second_page(
            request, csrf=csrf, person=person, secret=groups, address=address, codes=codes, problem=problem
        ),
        status=status,
    )
