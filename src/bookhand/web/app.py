"""The web: the pages, ``/health``, ``/metrics``, and in front of them the webhook app, raw, because it has to be fast.

    app = create_app(db, webhooks=webhooks(find=…, keep=…, clock=…), tally=webhooks.tally)

`create_app` gives a plain ASGI app. ``POST /webhooks/…`` goes straight to `webhooks`; everything else passes the `Shield`.
Errors: a database that is away is a page that says so (503), never a traceback.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from http import HTTPStatus

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from bookhand.core.problems import Bug, Missing, Outage
from bookhand.db.engine import Database
from bookhand.web import health, pages, rooms
from bookhand.web.api import people as people_api
from bookhand.web.api.trouble import PREFIX
from bookhand.web.bounded import Bound, TooLongError
from bookhand.web.integrations import back
from bookhand.web.integrations.back import BoundTo, SignIn
from bookhand.web.metrics import CONTENT_TYPE, Meter
from bookhand.web.page import assets
from bookhand.web.page.site import Site
from bookhand.web.page.wording import plain
from bookhand.web.people import sign_in as sign_in_pages
from bookhand.web.people import welcome as welcome_pages
from bookhand.web.people.gate import Gate, Reception
from bookhand.web.shield import Shield

WEBHOOKS = "/webhooks/"

Lifespan = Callable[[], AbstractAsyncContextManager[None]]
log = structlog.get_logger(__name__)


def create_app(
    db: Database,
    *,
    webhooks: ASGIApp | None = None,
    tally: Mapping[str, int] | None = None,
    hosts: Iterable[str] = (),
    sign_in: SignIn | None = None,
    bound: BoundTo | None = None,
    lifespan: Lifespan | None = None,
    reception: Reception | None = None,
    api: ASGIApp | None = None,
    site: Site | None = None,
) -> ASGIApp:
    """The whole web of one process.

    `tally` is the webhook app's count, `hosts` the names beside loopback that may see pages, `sign_in` what finishes an OAuth
    sign-in at ``/oauth/…``, and `bound` says whose one is (see `integrations.back`). With `reception` people sign in, and with `site` they
    have the app. `api` is the REST API, behind the same shield (without it, the part about people alone is there).
    """
    app = FastAPI(
        title="bookhand", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan(lifespan)
    )
    _files(app)
    if site is not None:
        rooms.into(app, site)
    if reception is not None:
        _people(app, reception, alone=api is None)
    if sign_in is not None:
        app.include_router(back.routes(sign_in, bound=bound, reception=reception))
    if api is not None:
        app.mount(PREFIX, api)
    _machines(app, db, Meter(db, tally=tally if tally is not None else {}))
    _errors(app, site)
    return _Front(_guarded(_bounded(app, site), hosts, reception), webhooks)


def _bounded(app: FastAPI, site: Site | None) -> ASGIApp:
    """The pages, with an end to what is sent to them; the API has its own."""
    if site is None:
        return app
    pages_alone = Bound(app, most=site.most_bytes, too_long=site.too_long)

    async def apart(scope: Scope, receive: Receive, send: Send) -> None:
        of_api = scope["type"] == "http" and scope["path"].startswith(f"{PREFIX}/")
        if scope["type"] == "http" and not of_api and _has_zero(scope):
            await pages.message(Request(scope), "nowhere", status=404)(scope, receive, send)
            return
        await (app if of_api else pages_alone)(scope, receive, send)

    return apart


def _has_zero(scope: Scope) -> bool:
    """Whether the address has a zero byte in it, which no database looks for."""
    return "\x00" in scope["path"] or b"%00" in scope["query_string"]


def _guarded(app: ASGIApp, hosts: Iterable[str], reception: Reception | None) -> ASGIApp:
    if reception is None:
        return Shield(app, hosts=hosts)
    return Shield(
        Gate(app, reception), hosts=hosts, public_url=reception.public_url, guarded=reception.is_guarded
    )


def _people(app: FastAPI, reception: Reception, *, alone: bool) -> None:
    app.include_router(sign_in_pages.routes(reception))
    app.include_router(welcome_pages.routes(reception))
    if alone:
        app.include_router(people_api.of(reception), prefix=PREFIX)


def _files(app: FastAPI) -> None:
    @app.get("/static/{name}")
    def static(name: str, request: Request) -> Response:
        found = assets.assets().get(name)
        if found is None:
            raise HTTPException(status_code=404)
        headers = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}
        if found.small is not None and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(
                found.small, media_type=found.media, headers={**headers, "content-encoding": "gzip"}
            )
        return Response(found.body, media_type=found.media, headers=headers)


def _machines(app: FastAPI, db: Database, meter: Meter) -> None:
    @app.get("/health/live")
    def live() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @app.get("/health/ready")
    @app.get("/health")
    def ready() -> JSONResponse:
        found = health.check(db)
        return JSONResponse(health.as_json(found), status_code=200 if health.is_ready(found) else 503)

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(meter.text(), media_type=CONTENT_TYPE)


def _errors(app: FastAPI, site: Site | None) -> None:
    async def away(request: Request, error: Exception) -> HTMLResponse:
        log.warning("page_waits", why=str(error).strip())
        return pages.message(request, "away", status=503)

    async def nowhere(request: Request, _error: Exception) -> HTMLResponse:
        me = await run_in_threadpool(site.viewer, request) if site is not None else None
        if site is not None and me is not None:
            return site.told(me, Missing(plain("page.nowhere", path=request.url.path[:80])))
        return pages.message(request, "nowhere", status=404)

    async def status(request: Request, error: Exception) -> HTMLResponse:
        code = error.status_code if isinstance(error, HTTPException) else 500
        if code == HTTPStatus.NOT_FOUND:
            return await nowhere(request, error)
        return pages.message(request, "unasked", status=code)

    async def fault(request: Request, error: Exception) -> HTMLResponse:
        if not isinstance(error, TooLongError):  # that is no fault, and `Bound` answers it
            log.error("page_failed", exc_info=error)
        with suppress(Exception):  # what is at fault may be what a viewer is known by
            me = await run_in_threadpool(site.viewer, request) if site is not None else None
            if site is not None and me is not None:
                return site.told(me, Bug(plain("page.fault")))
        return pages.message(request, "fault", status=500)

    app.add_exception_handler(Outage, away)
    app.add_exception_handler(psycopg.OperationalError, away)
    app.add_exception_handler(HTTPException, status)
    app.add_exception_handler(RequestValidationError, nowhere)  # what is no number is nowhere either
    app.add_exception_handler(Exception, fault)


def _lifespan(around: Lifespan | None) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def run(_app: FastAPI) -> AsyncIterator[None]:
        if around is None:
            yield
            return
        async with around():
            yield

    return run


class _Front:
    """ASGI: mail to the webhook app, everything else to the pages."""

    def __init__(self, web: ASGIApp, webhooks: ASGIApp | None) -> None:
        self._web = web
        self._webhooks = webhooks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._webhooks is not None and scope["type"] == "http" and scope["path"].startswith(WEBHOOKS):
            await self._webhooks(scope, receive, send)
        else:
            await self._web(scope, receive, send)
