"""The first page: today at a glance."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.web import store
from bookhand.web.page.frame import Viewer
from bookhand.web.page.site import Seen, Site
from bookhand.web.status import verdict


def routes(site: Site) -> APIRouter:
    """``/``."""
    router = site.router()

    def seen(_me: Viewer) -> Seen:
        with site.db.transaction() as cx:
            status = store.status(cx, at=datetime.now(UTC))
        return {"status": status, "verdict": verdict(status)}

    @router.get("/")
    def today(request: Request) -> Response:
        return site.show(request, "home/today.html", seen)

    return router
