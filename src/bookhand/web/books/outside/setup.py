"""``/books/outside/{number}/setup``: how a book would be kept is proposed, one real payout is shown as it would be written, a person agrees.

What a person agrees to is what they saw: the form carries a mark of the proposal, and where the book or the journal gives another one by
then, nothing is kept and the new one is shown.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, get_args

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.books import reading_store
from bookhand.books.book import Book, terms_of
from bookhand.core.book import PostingMethod
from bookhand.core.problems import BookhandError, Conflict, Refusal
from bookhand.web.books.outside.shelf import Shelf, shelf
from bookhand.web.page.frame import Viewer
from bookhand.web.page.site import Done, Form, Seen, Sent, Site
from bookhand.web.page.wording import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bookhand.books.setup.proposing import Proposed
    from bookhand.books.setup.setup_workflow import Setup

METHODS: tuple[PostingMethod, ...] = get_args(PostingMethod)
_MAP = "map."
_LONGEST = 1000
_MOST_LINES = 12


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """How a person would keep the book; `chosen` is their word on accounts, None where none was given yet."""

    method: PostingMethod = "clearing"
    since: str | None = None
    sources: tuple[int, ...] = ()
    chosen: dict[str, str] | None = None


def routes(site: Site, router: APIRouter) -> None:
    """The setup of a book."""

    @router.get("/books/outside/{number}/setup")
    def setup(request: Request, number: int) -> Response:
        return site.show(request, "books/outside_setup.html", lambda _me: _begun(site, number))

    @router.get("/books/outside/{number}/setup/proposal")
    def propose(request: Request, number: int) -> Response:
        return site.show(request, "books/outside_proposal.html", lambda me: _proposed(site, me, number, None))

    @router.post("/books/outside/{number}/setup/proposal")
    def again(request: Request, number: int, form: Sent) -> Response:
        def do(me: Viewer) -> Response:
            return site.part(me, "books/outside_proposal.html", _proposed(site, me, number, form))

        return site.act(request, form, do, need="read")

    @router.post("/books/outside/{number}/setup")
    def agree(request: Request, number: int, form: Sent) -> Response:
        return site.act(request, form, lambda me: _agree(site, me, number, form), need="manage")


def _begun(site: Site, number: int) -> Seen:
    with site.db.transaction() as cx:
        found = shelf(cx, site, number)
    return {"shelf": found}


def _proposed(site: Site, me: Viewer, number: int, form: Form | None) -> Seen:
    """The proposal, or why there is none."""
    with site.db.transaction() as cx:
        found = shelf(cx, site, number)
        months = sorted(
            {month for each in found.sources.values() for month in reading_store.months(cx, each.link)}
        )
    asked = _of_book(found.book) if form is None else _of_form(form)
    seen: dict[str, object] = {
        "shelf": found,
        "methods": METHODS,
        "months": months,
        "asked": asked,
        "setup": None,
        "error": None,
    }
    try:
        setup, chosen = _setup(site, me, found, asked)
    except BookhandError as error:
        return {**seen, "error": error}
    return {
        **seen,
        "setup": setup,
        "mark": mark(setup),
        "choices": chosen,
        "kept": [
            (name, account) for name, account in (chosen or {}).items() if name not in _pairs(setup.lines)
        ],
        "names": {each.id: each.name for each in setup.accounts},
        "accounts": sorted((each for each in setup.accounts if each.active), key=lambda each: each.name),
        "most": _MOST_LINES,
        "other": found.book is not None
        and (found.book.method, found.book.sources) != (setup.method, tuple(sorted(setup.sources))),
    }


def _of_book(book: Book | None) -> Asked:
    if book is None:
        return Asked()
    return Asked(method=book.method, since=book.since, sources=book.sources)


def _of_form(form: Form) -> Asked:
    method = next((each for each in METHODS if each == form.text("method")), None)
    if method is None:
        raise Refusal(plain("books.setup.no_method"))
    month = form.text("since")
    sources = tuple(int(each) for each in form.texts("source") if each.isdigit() and len(each) < 10)  # noqa: PLR2004 (a connection's number)
    chosen = {
        name.removeprefix(_MAP): form.text(name)
        for name in form.data
        if name.startswith(_MAP) and form.text(name)
    }
    return Asked(
        method=method, since=f"{month}-01" if month else None, sources=sources, chosen=chosen or None
    )


def _setup(site: Site, me: Viewer, found: Shelf, asked: Asked) -> tuple[Setup, dict[str, str]]:
    """The proposal with a person's choices on top; those of the book as it is kept, where they gave none yet."""

    def propose(chosen: dict[str, str] | None) -> Setup:
        return site.books.setups.propose(
            me.caller,
            found.connection.link,
            method=asked.method,
            sources=asked.sources,
            since=asked.since,
            chosen=chosen,
        )

    if asked.chosen is not None:
        return propose(asked.chosen), asked.chosen
    first = propose(None)
    chosen = _as_kept(found.book, first.lines) if found.book else {}
    return (propose(chosen) if chosen else first), chosen


def _as_kept(book: Book, lines: Iterable[Proposed]) -> dict[str, str]:
    """The mapping of a book as choices: for what is used, and for whole roles that later accounts fall to."""
    chosen = {line.journal: line.account for line in book.mapping.lines if line.currency is None}
    for line in lines:
        kept = book.mapping.line(line.journal, line.currency)
        if kept is not None:
            chosen[f"{line.journal}@{line.currency}"] = kept.account
    return chosen


def _pairs(lines: Iterable[Proposed]) -> set[str]:
    return {f"{each.journal}@{each.currency}" for each in lines}


def mark(setup: Setup) -> str:
    """What a proposal would have a person agree to, in a short text: another mapping, method, beginning or journal gives another one."""
    terms = terms_of(setup.method, setup.mapping, sources=tuple(sorted(setup.sources)), since=setup.since)
    said = msgspec.json.encode([terms, sorted(setup.alone)], order="sorted")
    return hashlib.blake2b(said, digest_size=16).hexdigest()


def _agree(site: Site, me: Viewer, number: int, form: Form) -> Done:
    me.caller.need("approve")
    why = form.text("why")[:_LONGEST]
    if not why:
        raise Refusal(plain("books.setup.why_missing"))
    with site.db.transaction() as cx:
        found = shelf(cx, site, number)
    setup, _ = _setup(site, me, found, _of_form(form))
    if form.text("mark") != mark(setup):
        raise Conflict(plain("books.setup.changed"))
    site.books.setups.agree(
        me.caller, found.connection.link, setup.choice(), why, from_now=form.text("from_now") == "yes"
    )
    return Done(to=found.at, said=plain("books.setup.agreed", name=found.connection.name))
