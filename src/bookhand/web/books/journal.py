"""``/books/journal``: entries, newest first; and one entry, down to the delivery it came from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.core.problems import Missing, Refusal
from bookhand.journal.chart import Chart
from bookhand.systems import store as connections
from bookhand.systems.connection import Connection
from bookhand.web.api.shown import decode, encode
from bookhand.web.books import journal_store, store
from bookhand.web.books.hands import hands
from bookhand.web.books.journal_store import Line, Lines, Place, Wanted
from bookhand.web.books.proofs import stripe
from bookhand.web.page.frame import Viewer
from bookhand.web.page.site import Seen, Site
from bookhand.web.page.wording import plain

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

PAGE = 40
_FOUND = 100
_RELATED = 40
_LONGEST = 200
_MATCH = "match:"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a person looks for; each part as they wrote it."""

    q: str = ""
    connection: str = ""
    account: str = ""
    kind: str = ""
    since: str = ""
    until: str = ""

    @property
    def filtered(self) -> bool:
        """Whether anything is asked for."""
        return any((self.q, self.connection, self.account, self.kind, self.since, self.until))

    def address(self, **other: str) -> str:
        """The page's address with these filters."""
        given = {**msgspec.structs.asdict(self), **other}
        said = urlencode({name: value for name, value in given.items() if value})
        return f"/books/journal?{said}" if said else "/books/journal"


def routes(site: Site, router: APIRouter) -> None:
    """``/books/journal`` and an entry of it."""

    @router.get("/books/journal")
    def journal(request: Request, cursor: str | None = None) -> Response:
        asked = _asked(request)
        return site.show(
            request,
            "books/journal.html",
            lambda _me: {**_page(site, asked, cursor), "on_its_own": continued(request)},
        )

    @router.get("/books/journal/{number}/{key:path}")
    def entry(request: Request, number: int, key: str) -> Response:
        return site.show(request, "books/entry.html", lambda me: _entry(site, me, number, key))


def continued(request: Request) -> bool:
    """Whether a page goes on from another and stands on its own, not as the rest of a table that looks on by itself."""
    return "cursor" in request.query_params and not request.headers.get("hx-request")


def _asked(request: Request) -> Asked:
    given = request.query_params
    return Asked(
        **{name: given.get(name, "").strip()[:_LONGEST] for name in Asked.__struct_fields__ if name in given}
    )


def _page(site: Site, asked: Asked, cursor: str | None) -> Seen:
    with site.db.transaction() as cx:
        every = connections.every(cx, system="stripe")
        chosen = [each for each in every if asked.connection in {"", str(each.id)}]
        links = [each.link for each in chosen]
        if asked.q:
            found = Lines(entries=journal_store.about(cx, links, asked.q, limit=_FOUND), next=None)
        else:
            found = journal_store.page(cx, links, _wanted(asked), before=place(cursor), limit=PAGE)
        accounts = sorted({account for _, account, _ in store.balances(cx)})
        kinds = journal_store.kinds(cx)
    return {
        "asked": asked,
        "found": found,
        "next": cursor_of(found.next),
        "looked": found.next[0] if found.short and found.next else None,
        "begun": cursor is not None,
        "connections": {each.id: each for each in every},
        "accounts": accounts,
        "kinds": kinds,
        "most": _FOUND if asked.q and len(found.entries) == _FOUND else None,
    }


def _wanted(asked: Asked) -> Wanted:
    return Wanted(
        account=asked.account or None, kind=asked.kind or None, since=day(asked.since), until=day(asked.until)
    )


def day(text: str) -> date | None:
    """A day as a form sends it; None where there is none."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refusal(plain("books.no_day", text=text[:40])) from None


def cursor_of(at: Place | None) -> str | None:
    """The place as a cursor."""
    return None if at is None else encode(f"{at[0].isoformat()} {at[1]}", at[2])


def place(cursor: str | None) -> Place | None:
    """Where the page before ended; `Refusal` where it is no cursor of ours."""
    if not cursor:
        return None
    said, key = decode(cursor)
    on, _, at = said.partition(" ")
    try:
        return date.fromisoformat(on), int(at), key
    except ValueError:
        raise Refusal(plain("books.no_cursor")) from None


# --- one entry ---


def _entry(site: Site, me: Viewer, number: int, key: str) -> Seen:
    del me
    with site.db.transaction() as cx:
        every = connections.every(cx)
        connection = stripe(_of(every, number))
        line = journal_store.one(cx, connection.link, key)
        if line is None:
            raise Missing(plain("books.entry.missing", id=key[:120], name=connection.name))
        related = [each for each in _related(cx, connection, line) if each.key != key]
        books = [each for each in every if each.link.system in site.books.kit.books]
        seen = {
            "connection": connection,
            "line": line,
            "related": related,
            "mail": store.delivery(cx, connection.link, line.delivery),
            "objects": _objects(cx, connection, line),
            "payout": store.payout_of(cx, connection.link, _root(line)),
            "in_books": store.in_books(cx, connection.link, key, [each.id for each in books]),
            "books": {each.id: each for each in books},
        }
    return {
        **seen,
        "root": _root(line),
        "name": namer(hands(site).chart(), connection),
        "sums": _sums([line]),
    }


def _of(every: Sequence[Connection], number: int) -> Connection:
    found = next((each for each in every if each.id == number), None)
    if found is None:
        raise Missing(plain("books.no_connection", number=number))
    return found


def _root(line: Line) -> str:
    """The balance transaction that an entry is of: its own key, or what stands before the colon of a refinement's."""
    if line.key.startswith(_MATCH):
        return ":".join(line.key.split(":")[:2])
    return line.refs.get("balance_transaction") or line.key.partition(":")[0]


def _related(cx: Transaction[Any], connection: Connection, line: Line) -> list[Line]:
    """Entries of the same balance transaction, of the same object, and what this one reverses or is reversed by."""
    found = {
        each.key: each for each in journal_store.about(cx, [connection.link], _root(line), limit=_RELATED)
    }
    source = line.source or line.refs.get("source")
    if source:
        about = journal_store.about(cx, [connection.link], source, limit=_RELATED)
        found |= {each.key: each for each in about}
    if line.reverses and line.reverses not in found:
        other = journal_store.one(cx, connection.link, line.reverses)
        found |= {other.key: other} if other else {}
    return sorted(found.values(), key=lambda each: each.place)


def _objects(cx: Transaction[Any], connection: Connection, line: Line) -> list[store.Mail]:
    """The newest state of the objects that the entry names, each from its own delivery."""
    ids = dict.fromkeys([_root(line), *(value for value in line.refs.values() if isinstance(value, str))])
    numbers: dict[int, None] = {}
    for each in ids:
        numbers |= {
            seq: None for _, seq in store.snapshots(cx, connection.link, each) if seq != line.delivery
        }
    mails = (store.delivery(cx, connection.link, seq) for seq in list(numbers)[:6])
    return [each for each in mails if each is not None]


def _sums(lines: Sequence[Line]) -> dict[str, int]:
    """The debits of each currency."""
    found: dict[str, int] = {}
    for line in lines:
        for each in line.postings:
            found[each.currency] = found.get(each.currency, 0) + max(each.minor, 0)
    return found


class Namer(msgspec.Struct, frozen=True):
    """The chart's names for one journal."""

    chart: Chart
    label: str

    def __call__(self, account: str, currency: str) -> str:
        """What books call an account of the journal; its own key where the chart has no name for it."""
        try:
            return self.chart.name(account, currency=currency, connection=self.label)
        except Refusal:
            return account


def namer(chart: Chart, connection: Connection) -> Namer:
    """As the Beancount ledger names the accounts of this connection."""
    link = connection.link
    return Namer(chart, link.account if link.mode == "live" else f"{link.account}-{link.mode}")
