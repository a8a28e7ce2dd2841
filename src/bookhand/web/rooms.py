"""Every page of the app, part by part: what is listed here is served, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response, StreamingResponse

from bookhand.web.actions import routes as actions
from bookhand.web.activity import routes as activity
from bookhand.web.approvals import routes as approvals
from bookhand.web.audit import routes as audit
from bookhand.web.books import routes as books
from bookhand.web.customers import routes as customers
from bookhand.web.home import routes as home
from bookhand.web.integrations import routes as integrations
from bookhand.web.page.site import Site
from bookhand.web.payouts import routes as payouts
from bookhand.web.settings import routes as settings

ROOMS: tuple[Callable[[Site], APIRouter], ...] = (
    home.routes,
    approvals.routes,
    activity.routes,
    actions.routes,
    books.routes,
    payouts.routes,
    customers.routes,
    integrations.routes,
    audit.routes,
    settings.routes,
)


def into(app: FastAPI, site: Site) -> None:
    """Serve every page of `site`, and the live word of what moves."""
    for room in ROOMS:
        app.include_router(room(site))

    @app.get("/pulse", include_in_schema=False)
    def pulse(request: Request) -> Response:
        if site.reception.caller(request) is None:
            return Response(status_code=401)
        return StreamingResponse(
            site.pulse.listen(), media_type="text/event-stream", headers={"x-accel-buffering": "no"}
        )
