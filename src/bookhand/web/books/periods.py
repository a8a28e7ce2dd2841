"""``/books/periods``: the months of the ledger, which are closed, by whom and why; to close and to reopen, each with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.core.days import zone
from bookhand.core.problems import Refusal
from bookhand.journal import period_store
from bookhand.journal.periods import checked
from bookhand.systems import store as connections
from bookhand.web.books import store
from bookhand.web.books.asking import asked
from bookhand.web.page.frame import Viewer
from bookhand.web.page.site import Done, Form, Seen, Sent, Site
from bookhand.web.page.wording import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bookhand.journal.period_store import Act
    from bookhand.journal.periods import Calendar

_ACTS = 100
_WAITING = 100
_LONGEST = 1000


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """A month: how many entries it has, whether it is closed, running or open, and the last act on it."""

    period: str
    entries: int
    state: str
    last: period_store.Act | None


def routes(site: Site, router: APIRouter) -> None:
    """``/books/periods`` and what is done there."""

    @router.get("/books/periods")
    def periods(request: Request) -> Response:
        return site.show(request, "books/periods.html", lambda me: _seen(site, me))

    @router.get("/books/periods/{period}/{act}")
    def ask(request: Request, period: str, act: str) -> Response:
        return site.show(request, "books/period_act.html", lambda _me: _one(site, period, act), need="manage")

    @router.post("/books/periods/{period}/{act}")
    def do(request: Request, period: str, act: str, form: Sent) -> Response:
        return site.act(request, form, lambda me: _act(site, me, period, act, form), need="manage")


def _seen(site: Site, me: Viewer) -> Seen:
    with site.db.transaction() as cx:
        calendar = period_store.calendar(cx, me.caller.workspace_id)
        acts = period_store.acts(cx, me.caller.workspace_id)
        months = store.months(cx)
        waiting = store.waiting(cx, limit=_WAITING) if calendar.anyone_waits else []
        names = {each.id: each for each in connections.every(cx)}
    running = f"{me.now.astimezone(zone(calendar.timezone)):%Y-%m}"
    return {
        "periods": rows(months, acts, calendar, running),
        "calendar": calendar,
        "acts": list(reversed(acts))[:_ACTS],
        "waiting": waiting,
        "connections": names,
    }


def rows(
    months: Sequence[store.Month], acts: Sequence[Act], calendar: Calendar, running: str
) -> list[Period]:
    """A line for each month, newest first."""
    last = {each.period: each for each in acts}
    entries = {each.period: each.entries for each in months}
    return [
        Period(
            period=period,
            entries=entries.get(period, 0),
            state="closed" if period in calendar.closed else "open" if period < running else "running",
            last=last.get(period),
        )
        for period in sorted({*entries, *calendar.closed}, reverse=True)
    ]


def _one(site: Site, period: str, act: str) -> Seen:
    with site.db.transaction() as cx:
        found = {each.period: each.entries for each in store.months(cx)}
        calendar = period_store.calendar(cx, site.db.workspace_id)
    return {
        "period": checked(period),
        "act": _known(act),
        "entries": found.get(period, 0),
        "calendar": calendar,
    }


def _act(site: Site, me: Viewer, period: str, act: str, form: Form) -> Done:
    why = form.text("why")[:_LONGEST]
    if not why:
        raise Refusal(plain(f"books.periods.why_missing_{_known(act)}"))
    made = asked(site, me, f"periods.{_known(act)}", {"period": checked(period), "why": why}, why)
    month = me.reads.month(period)
    done = made.state == "done"
    said = plain(f"books.periods.done_{act}" if done else "books.periods.under_way", month=month)
    return Done(to="/books/periods", said=said, tone="good" if done else "quiet")


def _known(act: str) -> str:
    if act not in {"close", "reopen"}:
        raise Refusal(plain("books.periods.no_act"))
    return act
