"""The first page, today at a glance, and the guide that leads a newcomer from nothing to proven books."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from bookhand.systems import store as connections
from bookhand.web import pages
from bookhand.web import store as status_store
from bookhand.web.home import problems_store, store
from bookhand.web.home.seen import MONTHS, Lost, Step, month_before, needs, picture, steps, whole_year
from bookhand.web.home.things import REFUSED
from bookhand.web.integrations import library
from bookhand.web.page.frame import Viewer
from bookhand.web.page.site import Seen, Site
from bookhand.web.status import Status, verdict

INTEGRATIONS = "/settings/integrations"


def routes(site: Site) -> APIRouter:
    """``/``, ``/begin`` and ``/problems``."""
    router = site.router()

    @router.get("/")
    def today(request: Request, currency: str = "") -> Response:
        if not site.reception.is_guarded():
            return _before_anybody(site, request)
        return site.show(request, "home/today.html", lambda me: _today(site, me, currency))

    @router.get("/begin")
    def begin(request: Request) -> Response:
        return site.show(request, "home/begin.html", lambda _me: _begin(site))

    @router.get("/problems")
    def problems(request: Request, cursor: str | None = None) -> Response:
        return site.show(request, "home/problems.html", lambda _me: _problems(site, cursor))

    return router


def _before_anybody(site: Site, request: Request) -> Response:
    """Until the first owner has come in: the status, for who sits at the machine, and how to come in."""
    with site.db.transaction() as cx:
        status = status_store.status(cx, at=datetime.now(UTC))
    return HTMLResponse(pages.before_page(request, status))


def _today(site: Site, me: Viewer, currency: str) -> Seen:
    on = me.reads.today(me.now)
    with site.db.transaction() as cx:
        status = status_store.status(cx, at=datetime.now(UTC))
        mode = store.mode(cx)
        known = store.currencies(cx, mode)
        chosen = currency.upper() if currency.upper() in known else next(iter(known), "USD")
        year = whole_year(store.months(cx, mode, chosen, since=month_before(on, MONTHS - 1)), on)
        seen = {
            "mode": mode,
            "standing": store.standing(cx, mode),
            "sold": sorted(
                store.sold(cx, mode, month_before(on, 0)), key=lambda each: known.index(each.currency)
            ),
            "banks": store.banks(cx),
            "kept": store.books(cx),
            "needs": needs(store.waits(cx)),
            "lost": _lost(cx),
        }
    guide = _guide(status, seen)
    proven = {each.connection_id for each in status.proofs}
    return {
        **seen,
        "status": status,
        "mixed": len({each.mode for each in status.connections if each.id in proven}) > 1,
        "verdict": verdict(status),
        "currencies": known,
        "currency": chosen,
        "year": year,
        "picture": picture(year, chosen, me.reads) if known else None,
        "guide": guide,
        "is_new": any(step.key in {"stripe", "history", "proof"} and step.state != "done" for step in guide),
    }


def _lost(cx: store.Transaction) -> list[Lost]:
    return [
        Lost(name=each.name, to=f"{INTEGRATIONS}/{library.of_connection(each).key}/{each.id}")
        for each in connections.every(cx)
        if each.status == "disconnected"
    ]


def _begin(site: Site) -> Seen:
    with site.db.transaction() as cx:
        status = status_store.status(cx, at=datetime.now(UTC))
        seen = {"banks": store.banks(cx), "kept": store.books(cx)}
    return {"guide": _guide(status, seen), "status": status, "verdict": verdict(status)}


def _guide(status: Status, seen: Seen) -> list[Step]:
    connected, kept = seen["kept"]
    return steps(status, books=connected, kept=kept, statements=bool(seen["banks"]))


def _problems(site: Site, cursor: str | None) -> Seen:
    with site.db.transaction() as cx:
        return {
            **problems_store.page(cx, cursor),
            "refused": REFUSED,
            "connections": {each.id: each for each in status_store.connections(cx)},
        }
