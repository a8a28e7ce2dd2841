"""``/books/outside``: books side by side; one book compared with the journal, its mapping with the evidence, its documents."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.books.comparing.compare import CAUSES
from bookhand.core.problems import BookhandError, Missing, Refusal
from bookhand.web.api.shown import decode, encode
from bookhand.web.books.outside import store
from bookhand.web.books.outside.seen import comparison_of, evidence_of, moved_of
from bookhand.web.books.outside.shelf import shelf, shelves
from bookhand.web.page.frame import Viewer
from bookhand.web.page.site import Done, Seen, Sent, Site
from bookhand.web.page.wording import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bookhand.books.book import Kept, State
    from bookhand.core.book import BookAccount

PAGE = 50
_BREAKS = 100
_COVERED = 100
_STATES: Mapping[str, State] = {
    "intended": "intended",
    "done": "done",
    "failed": "failed",
    "reversed": "reversed",
}


def routes(site: Site, router: APIRouter) -> None:
    """The pages about outside books."""

    @router.get("/books/outside")
    def books(request: Request) -> Response:
        return site.show(request, "books/outside.html", lambda _me: _every(site))

    @router.get("/books/outside/{number}")
    def book(request: Request, number: int) -> Response:
        return site.show(request, "books/outside_one.html", lambda _me: _one(site, number))

    @router.get("/books/outside/{number}/comparison")
    def comparison(request: Request, number: int) -> Response:
        return site.show(request, "books/outside_comparison.html", lambda me: _comparison(site, me, number))

    @router.post("/books/outside/{number}/comparison")
    def compare(request: Request, number: int, form: Sent) -> Response:
        return site.act(request, form, lambda me: _compare(site, me, number), need="propose")

    @router.post("/books/outside/{number}/retry")
    def retry(request: Request, number: int, form: Sent) -> Response:
        return site.act(request, form, lambda me: _again(site, me, number, form.text("back")), need="propose")

    @router.get("/books/outside/{number}/mapping")
    def mapping(request: Request, number: int) -> Response:
        return site.show(request, "books/outside_mapping.html", lambda _me: _one(site, number, set_up=True))

    @router.get("/books/outside/{number}/mapping/evidence")
    def evidence(request: Request, number: int) -> Response:
        return site.show(request, "books/outside_evidence.html", lambda _me: _evidence(site, number))

    @router.get("/books/outside/{number}/documents")
    def documents(request: Request, number: int, state: str = "", cursor: str | None = None) -> Response:
        return site.show(
            request, "books/outside_documents.html", lambda _me: _documents(site, number, state, cursor)
        )

    @router.get("/books/outside/{number}/documents/{key:path}")
    def document(request: Request, number: int, key: str) -> Response:
        return site.show(request, "books/outside_document.html", lambda _me: _document(site, number, key))


def _every(site: Site) -> Seen:
    with site.db.transaction() as cx:
        found = shelves(cx, site)
        extents = {
            each.connection.id: store.extent(cx, each.connection.link, each.book)
            for each in found
            if each.book
        }
    return {"shelves": found, "extents": extents, "causes": CAUSES}


def _one(site: Site, number: int, *, set_up: bool = False) -> Seen:
    with site.db.transaction() as cx:
        found = shelf(cx, site, number)
        book = found.kept() if set_up else found.book
        extent = store.extent(cx, found.connection.link, book) if book else None
    return {"shelf": found, "extent": extent, "causes": CAUSES}


def _compare(site: Site, me: Viewer, number: int) -> Done:
    """Compare, and keep what is different as Breaks."""
    with site.db.transaction() as cx:
        found = shelf(cx, site, number)
    found.kept()
    compared = site.aside.run(
        ("comparison", number), lambda: site.books.compares.keep(me.caller, found.connection.link)
    )
    if compared is None:
        return Done(
            to=found.at, said=plain("books.compare.goes_on", name=found.connection.name), tone="quiet"
        )
    breaks = len(compared.comparison.breaks)
    if breaks:
        said = plain("books.compare.kept", n=breaks, count=f"{breaks:,}", name=found.connection.name)
    else:
        said = plain("books.compare.kept_none", name=found.connection.name)
    return Done(to=found.at, said=said, tone="good" if compared.equal else "look")


def _again(site: Site, me: Viewer, number: int, back: str) -> Done:
    """Have the next mirror send what the book refused."""
    with site.db.transaction() as cx:
        found = shelf(cx, site, number)
    found.kept()
    refused = site.books.mirrors.again(me.caller, found.connection.link)
    said = plain("books.again.said", n=refused, count=f"{refused:,}", name=found.connection.name)
    return Done(to=back or found.at, said=said)


def _comparison(site: Site, me: Viewer, number: int) -> Seen:
    with site.db.transaction() as cx:
        found = shelf(cx, site, number)
    seen: dict[str, object] = {
        "shelf": found,
        "causes": CAUSES,
        "error": None,
        "compared": None,
        "most": _BREAKS,
    }
    try:
        compared = site.books.compares.compare(me.caller, found.connection.link)
    except BookhandError as error:
        return {**seen, "error": error}
    return {**seen, "compared": compared, "view": comparison_of(compared)}


def _evidence(site: Site, number: int) -> Seen:
    """Each line of the mapping with what it goes to, and what speaks for it; the book's own names need the book to answer."""
    with site.db.transaction() as cx:
        found = shelf(cx, site, number)
    book = found.kept()
    try:
        accounts: list[BookAccount] = site.books.kit.reader(found.connection.link).accounts(
            found.connection.link
        )
    except BookhandError as error:
        return {
            "shelf": found,
            "lines": evidence_of(book.mapping, []),
            "error": error,
            "alone": book.alone,
            "names": {},
        }
    names = {each.id: each.name for each in accounts}
    return {
        "shelf": found,
        "lines": evidence_of(book.mapping, accounts),
        "error": None,
        "alone": book.alone,
        "names": names,
    }


def _documents(site: Site, number: int, state: str, cursor: str | None) -> Seen:
    wanted = _STATES.get(state)
    with site.db.transaction() as cx:
        found = shelf(cx, site, number)
        found.kept()
        rows = store.documents(cx, found.connection.link, state=wanted, before=_place(cursor), limit=PAGE + 1)
    end = rows[PAGE - 1] if len(rows) > PAGE else None
    return {
        "shelf": found,
        "documents": rows[:PAGE],
        "state": wanted or "",
        "states": list(_STATES),
        "next": encode(end.day, end.key) if end else None,
        "begun": cursor is not None,
        "at": f"{found.at}/documents{f'?state={wanted}' if wanted else ''}",
    }


def _place(cursor: str | None) -> tuple[date, str] | None:
    if not cursor:
        return None
    day, key = decode(cursor)
    try:
        return date.fromisoformat(day), key
    except ValueError:
        raise Refusal(plain("books.no_cursor")) from None


def _document(site: Site, number: int, key: str) -> Seen:
    with site.db.transaction() as cx:
        found = shelf(cx, site, number)
        link = found.connection.link
        kept = store.document(cx, link, key)
        if kept is None:
            raise Missing(plain("books.document.missing", id=key[:120], name=found.connection.name))
        covers = store.covered(cx, link, kept.base, limit=_COVERED)
        reversal: Kept | None = store.document(cx, link, kept.content.reversed(day=kept.day).key)
    return {
        "shelf": found,
        "kept": kept,
        "covers": covers,
        "most": _COVERED,
        "reversal": reversal,
        "moved": moved_of(kept.content),
    }
