"""``/books``: the proof of every account, mode and currency with its history; and what is behind a gap."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.core.money import EXPONENTS
from bookhand.core.problems import BookhandError, Missing
from bookhand.journal import proof_store
from bookhand.systems import store as connections
from bookhand.systems.connection import Connection
from bookhand.web import store as house
from bookhand.web.books.hands import hands
from bookhand.web.page.frame import Viewer
from bookhand.web.page.site import Done, Seen, Sent, Site
from bookhand.web.page.wording import plain
from bookhand.web.status import standing_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bookhand.journal.proof import Gap, Proof
    from bookhand.web.status import ProofRow

HISTORY = 500
_SHOWN = 25
_NAMED = 200


def routes(site: Site, router: APIRouter) -> None:
    """``/books`` and ``/books/proof/…``."""

    @router.get("/books")
    def proofs(request: Request, of: str = "") -> Response:
        return site.show(request, "books/proof.html", lambda me: _every(site, me, of))

    @router.get("/books/proof/{number}/{currency}")
    def proof(request: Request, number: int, currency: str) -> Response:
        return site.show(request, "books/proof_one.html", lambda me: _one(site, me, number, currency))

    @router.get("/books/proof/{number}/{currency}/gap")
    def gap(request: Request, number: int, currency: str) -> Response:
        return site.show(request, "books/proof_gap.html", lambda _me: _gap(site, number, currency))

    @router.post("/books/proof/{number}")
    def prove(request: Request, number: int, form: Sent) -> Response:
        return site.act(request, form, lambda _me: _prove(site, number, form.text("back")), need="propose")


def _every(site: Site, me: Viewer, of: str) -> Seen:
    with site.db.transaction() as cx:
        rows = house.proofs(cx)
        known = {each.id: each for each in connections.every(cx, system="stripe")}
        rows = [each for each in rows if each.connection_id in known]
        rows.sort(key=lambda each: known[each.connection_id].link.mode != "live")
        chosen = _chosen(rows, of)
        history = (
            proof_store.history(cx, known[chosen.connection_id].link, currency=chosen.currency, limit=HISTORY)
            if chosen
            else []
        )
        entries = house.live(cx).entries if not rows else None
    standings = {
        (each.connection_id, each.currency): each.standing(known[each.connection_id].status, me.now)
        for each in rows
    }
    current = [each for each in rows if standings[each.connection_id, each.currency] == "now"]
    return {
        "rows": rows,
        "standings": standings,
        "current": current,
        "connections": known,
        "mixed": len({known[each.connection_id].link.mode for each in rows}) > 1,
        "chosen": chosen,
        "picture": picture(history, me) if chosen else None,
        "history": history[:_SHOWN],
        "off": [each for each in history if each.off_by][:_SHOWN],
        "gaps": [each for each in rows if each.off_by],
        "unknown": [each for each in current if each.off_by is None],
        "newest": max((each.at for each in rows), default=None),
        "entries": entries,
    }


def _chosen(rows: Sequence[ProofRow], of: str) -> ProofRow | None:
    """The row that a person asked for; else one with a gap, else the first."""
    asked = next((each for each in rows if f"{each.connection_id}.{each.currency}" == of), None)
    return asked or next((each for each in rows if each.off_by), rows[0] if rows else None)


def picture(history: Sequence[Proof], me: Viewer) -> dict[str, Any]:
    """The history as a picture: clearing over Stripe's balance, and under them what they are off by."""
    ordered = list(reversed(history))
    currency = ordered[0].currency if ordered else ""
    return {
        "kind": "proof",
        "currency": currency,
        "places": EXPONENTS.get(currency, 0),
        "zone": me.reads.zone,
        "at": [each.as_of * 1000 for each in ordered],
        "names": [plain("books.proof.clearing"), plain("books.proof.stripes"), plain("books.proof.off_by")],
        "clearing": [each.clearing for each in ordered],
        "stripe": [each.stripe_balance for each in ordered],
        "off": [each.off_by for each in ordered],
    }


def _one(site: Site, me: Viewer, number: int, currency: str) -> Seen:
    currency = currency.upper()
    with site.db.transaction() as cx:
        connection = stripe(connections.get(cx, number))
        history = proof_store.history(cx, connection.link, currency=currency, limit=HISTORY)
        standing = proof_store.standing(cx, connection.link).get(currency)
    if not history and standing is None:
        raise Missing(plain("books.proof.no_currency", name=connection.name, currency=currency[:8]))
    newest = history[0] if history else None
    return {
        "connection": connection,
        "currency": currency,
        "proof": newest,
        "stands_as": standing_of(connection.status, datetime.fromtimestamp(newest.as_of, UTC), me.now)
        if newest
        else "now",
        "standing": standing,
        "picture": picture(history, me),
        "history": history[:_SHOWN],
        "at": moments(history[:_SHOWN]),
        "cut": len(history) > _SHOWN,
    }


def moments(history: Sequence[Proof]) -> dict[int, datetime]:
    """When each proof was taken, as a moment."""
    return {each.as_of: datetime.fromtimestamp(each.as_of, UTC) for each in history}


def _gap(site: Site, number: int, currency: str) -> Seen:
    with site.db.transaction() as cx:
        connection = stripe(connections.get(cx, number))
    try:
        found: Gap | None = hands(site).gaps(number).get(currency.upper())
    except BookhandError as error:
        return {"connection": connection, "currency": currency.upper(), "gap": None, "error": error}
    return {
        "connection": connection,
        "currency": currency.upper(),
        "gap": found,
        "error": None,
        "most": _NAMED,
    }


def _prove(site: Site, number: int, back: str) -> Done:
    with site.db.transaction() as cx:
        connection = stripe(connections.get(cx, number))
    prove = hands(site).prove
    found = site.aside.run(("proof", number), lambda: prove(number))
    if found is None:
        return Done(
            to=back or "/books", said=plain("books.proof.goes_on", name=connection.name), tone="quiet"
        )
    off = [each for each in found if not each.holds]
    said = plain(
        "books.proof.compared_off" if off else "books.proof.compared",
        n=len(off or found),
        name=connection.name,
    )
    return Done(to=back or "/books", said=said, tone="look" if off else "good")


def stripe(connection: Connection) -> Connection:
    """`connection`, if it is one of Stripe's: only those have a journal."""
    if connection.link.system != "stripe":
        raise Missing(plain("books.no_journal", name=connection.name))
    return connection
