"""Matching by hand: payouts that are looked for on one side, lines that no payout explains on the other, and what they differ by."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.core.problems import BookhandError, Missing, Refusal
from bookhand.web.page.site import Done, Form, Sent, status_of
from bookhand.web.page.wording import plain
from bookhand.web.payouts import asked, seen
from bookhand.web.payouts.bank import store as bank_store
from bookhand.web.payouts.deciding import decide, why_of
from bookhand.workflows.payouts.payout_store import get

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

    from bookhand.web.page.frame import Viewer
    from bookhand.web.page.site import Seen, Site

_BEFORE, _AFTER = timedelta(days=14), timedelta(days=60)
_SHOWN = 60


def routes(site: Site) -> APIRouter:
    """``/payouts/match``."""
    router = site.router()

    @router.get("/payouts/match")
    def match(request: Request, payout: str = "", line: str = "", q: str = "", around: str = "") -> Response:
        return site.show(
            request, "payouts/match.html",
            lambda me: _sides(site, me, payouts=[payout] if payout else [], lines=[line] if line else [], word=q, around=around), need="propose",
        )  # fmt: skip

    @router.post("/payouts/match")
    def matched(request: Request, form: Sent) -> Response:
        def again(me: Viewer, error: BookhandError) -> Response:
            if not me.can("propose"):
                return site.told(me, error)
            ticked = {"payouts": form.texts("payout"), "lines": form.texts("line")}
            try:
                sides = _sides(site, me, **ticked, word=form.text("q"), around=form.text("around"))
            except BookhandError:
                return site.told(me, error)
            return site.part(
                me, "payouts/match.html",
                {**sides, "wrong": str(error), "why": form.text("why"), "difference": form.text("difference")}, status=status_of(error),
            )  # fmt: skip

        return site.act(request, form, lambda me: _match(site, me, form), need="propose", again=again)

    return router


def _sides(site: Site, me: Viewer, *, payouts: list[str], lines: list[str], word: str, around: str) -> Seen:
    workspace, mode = me.caller.workspace_id, site.payouts.mode
    with site.db.transaction() as cx:
        chosen = [get(cx, asked.known("payout", each)).payout for each in payouts[:_SHOWN]]
        numbers = {number for each in lines[:_SHOWN] if (number := asked.number(each)) is not None}
        marked = [
            row for number in sorted(numbers) if (row := bank_store.line(cx, workspace, number)) is not None
        ]
        days = [
            *(seen.day_of(each.arrival_date) for each in chosen),
            *(date.fromisoformat(row.day) for row in marked),
        ]
        day = asked.day(around)
        middle = date.fromisoformat(day) if day else min(days, default=me.now.date() - _AFTER + _BEFORE)
        first, last = middle - _BEFORE, middle + _AFTER
        left = _payouts(cx, workspace, mode, first, last)
        right = bank_store.open_lines(
            cx, workspace, mode=mode, since=first, until=last, word=asked.words(word), limit=_SHOWN
        )
    known = {each.id for each in right}
    wanted = {each.currency: each.amount for each in chosen} or {row.currency: row.minor for row in marked}
    return {
        "payouts": seen.closest(left, wanted), "lines": seen.closest([*(row for row in marked if row.id not in known), *right], wanted),
        "ticked_payouts": set(payouts), "ticked_lines": numbers, "q": word, "around": middle, "first": first, "last": last, "most": _SHOWN,
        "day_of": seen.day_of, "wrong": None, "why": "", "difference": "", "chosen": [each.id for each in chosen],
    }  # fmt: skip


def _payouts(
    cx: Transaction[Any], workspace_id: int, mode: str, first: date, last: date
) -> list[bank_store.OpenPayout]:
    """Payouts that may have arrived in these days: they are made up to some days before."""
    since, until = (
        int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) for day in (first - _BEFORE, last + timedelta(days=1))
    )  # fmt: skip
    return bank_store.open_payouts(cx, workspace_id, mode=mode, since=since, until=until, limit=_SHOWN)


def _match(site: Site, me: Viewer, form: Form) -> Done:
    payouts = [asked.known("payout", each) for each in form.texts("payout")]
    if not payouts:
        raise Refusal(plain("payouts.match.no_payout"))
    if not form.texts("line"):
        raise Refusal(plain("payouts.match.no_line"))
    why = why_of(form)
    with site.db.transaction() as cx:
        lines = [_line(cx, me, each) for each in form.texts("line")]
    params: dict[str, Any] = {"payouts": payouts, "lines": lines, "why": why}
    if form.text("difference"):
        params["difference"] = form.text("difference")
    to = f"/payouts/{payouts[0]}" if len(payouts) == 1 else "/payouts?" + urlencode({"show": "matched"})
    return decide(site, me, "payouts.match", params, why=why, to=to, said=plain("payouts.match.done"))


def _line(cx: Transaction[Any], me: Viewer, given: str) -> dict[str, str]:
    number = asked.number(given)
    row = bank_store.line(cx, me.caller.workspace_id, number) if number is not None else None
    if row is None:
        raise Missing(plain("payouts.asked.no_line", id=given[:40]))
    return {"account": row.account, "key": row.key}
