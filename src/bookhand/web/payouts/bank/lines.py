"""Lines of the bank accounts: listed and searched, and one of them whole."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.core.problems import Missing
from bookhand.web.api.shown import encode
from bookhand.web.page.wording import plain
from bookhand.web.payouts import asked
from bookhand.web.payouts import store as payouts
from bookhand.web.payouts.bank import store
from bookhand.workflows.payouts.reconciling import match_store

if TYPE_CHECKING:
    from bookhand.web.page.frame import Viewer
    from bookhand.web.page.site import Seen, Site

_SHOWN = 50
_WHICH = ("all", "open")


def routes(site: Site) -> APIRouter:
    """``/payouts/lines``."""
    router = site.router()

    @router.get("/payouts/lines")
    def lines(
        request: Request, *, account: str = "", since: str = "", until: str = "", q: str = "", show: str = "", cursor: str | None = None
    ) -> Response:  # fmt: skip
        return site.show(
            request, "payouts/lines.html",
            lambda me: _lines(site, me, account=account, since=since, until=until, q=q, show=show, cursor=cursor),
        )  # fmt: skip

    @router.get("/payouts/lines/{number}")
    def line(request: Request, number: str) -> Response:
        return site.show(request, "payouts/line.html", lambda me: _line(site, me, number))

    return router


def _lines(
    site: Site, me: Viewer, *, account: str, since: str, until: str, q: str, show: str, cursor: str | None
) -> Seen:
    workspace, word, which = me.caller.workspace_id, asked.words(q), asked.one_of(show, _WHICH)
    first, last = asked.day(since), asked.day(until)
    with site.db.transaction() as cx:
        accounts = store.accounts(cx, workspace)
        named = store.one_of(accounts, account) if account else None
        wanted = store.Asked(
            account=(named.connection_id, named.account) if named else None, since=first, until=last, word=word, only_open=which == "open",
            after=asked.line_cursor(cursor),
        )  # fmt: skip
        found = store.lines(cx, workspace, wanted, limit=_SHOWN)
        waits = payouts.waiting(cx, workspace)
    return {
        "accounts": accounts, "account": named.name if named else "", "since": first or "", "until": last or "", "q": word, "which": which, "found": found,
        "first": cursor is None, "waits": waits, "next": encode(found.next[0], str(found.next[1])) if found.next else None,
        "looked_to": date.fromisoformat(found.next[0]) if found.next and found.looked else None,
    }  # fmt: skip


def _line(site: Site, me: Viewer, number: str) -> Seen:
    at = asked.number(number)
    workspace = me.caller.workspace_id
    with site.db.transaction() as cx:
        found = store.line(cx, workspace, at) if at is not None else None
        if at is None or found is None:
            raise Missing(plain("payouts.asked.no_line", id=number[:40]))
        more = store.raw(cx, workspace, at)
        match = match_store.get(cx, found.match) if found.match else None
    return {"line": found, "more": more, "match": match}
