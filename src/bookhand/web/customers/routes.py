"""Customers: found by name, e-mail or id, and one of them whole: the last 90 days first, and all the rest."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.actions import store as proposals
from bookhand.core.problems import Refusal
from bookhand.systems import store as connections
from bookhand.web.api.shown import decode, encode
from bookhand.web.customers import seen
from bookhand.web.page.frame import Viewer
from bookhand.web.page.site import Seen, Site
from bookhand.web.page.wording import plain
from bookhand.workflows.customers import store

PAGE = 50
DAYS = 90
_MOST = 300
_LONGEST = 120
_METHODS, _SUBSCRIPTIONS = 6, 20


def routes(site: Site) -> APIRouter:
    """``/customers`` and ``/customers/{connection}/{customer}``."""
    router = site.router()

    @router.get("/customers")
    def listed(request: Request, q: str = "", cursor: str | None = None) -> Response:
        return site.show(request, "customers/list.html", lambda _me: _list(site, q[:_LONGEST], cursor))

    @router.get("/customers/{number}/{customer}")
    def one(request: Request, number: int, customer: str, cursor: str | None = None) -> Response:
        return site.show(
            request, "customers/customer.html", lambda me: _one(site, me, number, customer, cursor)
        )

    return router


def _list(site: Site, text: str, cursor: str | None) -> Seen:
    after = _after(cursor)
    with site.db.transaction() as cx:
        found = (
            store.found(cx, text, limit=PAGE + 1)
            if text.strip()
            else store.newest(cx, after=after, limit=PAGE + 1)
        )
        every = {each.id: each for each in connections.every(cx, system="stripe")}
    kept = found[:PAGE]
    more = len(found) > PAGE
    return {
        "customers": kept,
        "more": more,
        "next": encode(str(kept[-1].created), kept[-1].id) if more and not text.strip() else None,
        "first": bool(cursor),
        "q": text,
        "connections": every,
    }


def _one(site: Site, me: Viewer, number: int, customer: str, cursor: str | None) -> Seen:
    after = _after(cursor)
    since = int((me.now - timedelta(days=DAYS)).timestamp()) if after is None else 0
    with site.db.transaction() as cx:
        found = store.get(cx, number, customer)
        limit = _MOST if after is None else PAGE
        told = store.told(cx, number, customer, since=since, after=after, limit=limit + 1)
        objects = [seen.raw(each) for each in told[:limit]]
        charges = [str(each["id"]) for each in objects if each["object"] == "charge"]
        objects += [seen.raw(each) for each in store.returns(cx, number, charges)]
        disputes = [_id(each.get("dispute")) for each in objects if each.get("dispute")]
        objects += [seen.raw(each) for each in store.whole(cx, number, "dispute", disputes)]
        more = told[limit - 1] if len(told) > limit else None
        older = more or (_last_before(cx, number, customer, since) if after is None else None)
        here = {
            "customer": found,
            "connection": connections.get(cx, number),
            "raw": next((seen.raw(each) for each in store.whole(cx, number, "customer", [customer])), {}),
            "subscriptions": seen.subscriptions(_of(cx, number, customer, "subscription", _SUBSCRIPTIONS)),
            "methods": [seen.card(each) for each in _of(cx, number, customer, "payment_method", _METHODS)],
            "asked": _asked(cx, me, charges, customer),
        }
    return {
        **here,
        "lines": [each for each in seen.lines(objects) if each.kind != "subscription" or after is None],
        "totals": seen.totals(objects) if after is None else [],
        "whole": more is None,
        "next": encode(str(older.created), older.id) if older else None,
        "first": after is not None,
        "days": DAYS,
    }


def _of(cx: Any, number: int, customer: str, kind: str, limit: int) -> list[dict[str, Any]]:
    return [seen.raw(each) for each in store.of_kind(cx, number, customer, kind, limit=limit)]


def _last_before(cx: Any, number: int, customer: str, since: int) -> store.Told | None:
    """Where the older ones begin: a place just after which they follow, if there is any."""
    rest = store.told(cx, number, customer, since=0, after=(since, ""), limit=1)
    return store.Told(object="", id="~", created=since, body=b"", is_event=False) if rest else None


def _asked(cx: Any, me: Viewer, charges: list[str], customer: str) -> list[Any]:
    """What was asked for lately that names the customer or one of these charges."""
    names = {*charges, customer}
    lately = proposals.listed(cx, me.caller.workspace_id, limit=200)
    return [
        each for each in lately if names & {value for value in each.params.values() if isinstance(value, str)}
    ][:10]


def _id(value: Any) -> str:
    return str(value.get("id", "")) if isinstance(value, dict) else str(value)


def _after(cursor: str | None) -> tuple[int, str] | None:
    if cursor is None:
        return None
    created, last = decode(cursor)
    if not (created.isascii() and created.isdigit() and len(created) < 16):  # noqa: PLR2004 (no moment has more)
        raise Refusal(plain("customers.no_cursor"))
    return int(created), last
