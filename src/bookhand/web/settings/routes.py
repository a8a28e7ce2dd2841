"""The settings: you, people, tokens, limits and what you are told of."""

from __future__ import annotations

from fastapi import APIRouter

from bookhand.web.page.site import Site
from bookhand.web.settings import limits, me, people, tokens


def routes(site: Site) -> APIRouter:
    """``/settings`` and what hangs on it, but for the integrations."""
    router = site.router()
    for part in (me, people, tokens, limits):
        router.include_router(part.routes(site))
    return router
