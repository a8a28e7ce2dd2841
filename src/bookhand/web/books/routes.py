"""``/books``: the proof, the journal, the accounts, outside books, periods."""

from __future__ import annotations

from fastapi import APIRouter

from bookhand.web.books import accounts, journal, periods, proofs
from bookhand.web.books.outside import routes as outside
from bookhand.web.books.outside import setup, undo
from bookhand.web.page.site import Site


def routes(site: Site) -> APIRouter:
    """Every page under ``/books``."""
    router = site.router()
    for part in (proofs, journal, accounts, outside, setup, undo, periods):
        part.routes(site, router)
    return router
