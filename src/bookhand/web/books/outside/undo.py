"""``/books/outside/{number}/undo``: documents of some days are reversed in the book; what it would do is shown, and waits for a yes."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.books.actions import UNDO
from bookhand.core.problems import Refusal
from bookhand.web.books.journal import day
from bookhand.web.books.outside import store
from bookhand.web.books.outside.shelf import Shelf, shelf
from bookhand.web.page.site import Done, Form, Seen, Sent, Site
from bookhand.web.page.wording import plain

if TYPE_CHECKING:
    from bookhand.web.page.frame import Viewer

_LONGEST = 1000


def routes(site: Site, router: APIRouter) -> None:
    """Undoing documents of a book."""

    @router.get("/books/outside/{number}/undo")
    def ask(request: Request, number: int, since: str = "", until: str = "") -> Response:
        return site.show(
            request, "books/outside_undo.html", lambda _me: _asked(site, number, since, until), need="manage"
        )

    @router.post("/books/outside/{number}/undo")
    def undo(request: Request, number: int, form: Sent) -> Response:
        return site.act(request, form, lambda me: _undo(site, me, number, form), need="manage")

    @router.post("/books/outside/{number}/post-again")
    def post_again(request: Request, number: int, form: Sent) -> Response:
        return site.act(request, form, lambda me: _post_again(site, me, number, form), need="manage")


def _asked(site: Site, number: int, since: str, until: str) -> Seen:
    days = _days(since, until) if since or until else None
    with site.db.transaction() as cx:
        found = shelf(cx, site, number)
        found.kept()
        ranges = store.undoable(cx, found.connection.link, since=days[0], until=days[1]) if days else None
        undone = store.undone(cx, found.connection.link, since=days[0], until=days[1]) if days else 0
    return {"shelf": found, "ranges": ranges, "undone": undone, "since": since, "until": until, "days": days}


def _days(since: str, until: str) -> tuple[date, date]:
    first, last = day(since), day(until)
    if first is None or last is None:
        raise Refusal(plain("books.undo.days_missing"))
    if first > last:
        raise Refusal(plain("books.undo.days_turned", since=since, until=until))
    return first, last


def _undo(site: Site, me: Viewer, number: int, form: Form) -> Done:
    found, first, last, why = _wanted(site, number, form)
    wanted = {"book": found.connection.id, "since": first.isoformat(), "until": last.isoformat()}
    made = site.door.propose(me.caller, UNDO, wanted, why)
    return Done(to=f"/approvals/{made.proposal_id}", said=plain("books.undo.asked"), tone="look")


def _post_again(site: Site, me: Viewer, number: int, form: Form) -> Done:
    found, first, last, why = _wanted(site, number, form)
    count = site.books.undos.post_again(
        me.caller, found.connection.link, since=first.isoformat(), until=last.isoformat(), why=why
    )
    return Done(
        to=found.at,
        said=plain("books.undo.freed", n=count, count=me.reads.count(count), name=found.connection.name),
    )


def _wanted(site: Site, number: int, form: Form) -> tuple[Shelf, date, date, str]:
    """The book, the days and the reason that a form gives."""
    first, last = _days(form.text("since"), form.text("until"))
    why = form.text("why")[:_LONGEST]
    if not why:
        raise Refusal(plain("books.undo.why_missing"))
    with site.db.transaction() as cx:
        found = shelf(cx, site, number)
    found.kept()
    return found, first, last, why
