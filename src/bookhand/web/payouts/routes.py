"""The pages about payouts: the board and the list here, the others beside it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.web.api.shown import encode
from bookhand.web.page.wording import plain
from bookhand.web.payouts import asked, breaks, by_hand, one, questions, seen, store
from bookhand.web.payouts.bank import lines, reconciliation, statements

if TYPE_CHECKING:
    from bookhand.web.page.frame import Viewer
    from bookhand.web.page.site import Seen, Site

_SHOWN = 25
_WEEKS = 13
_WHICH: tuple[store.Which, ...] = ("all", "open", "matched")


def routes(site: Site) -> APIRouter:
    """``/payouts`` and everything under it."""
    router = site.router()

    @router.get("/payouts")
    def board(
        request: Request, show: str | None = None, account: str | None = None, cursor: str | None = None
    ) -> Response:
        return site.show(
            request,
            "payouts/board.html",
            lambda me: _board(site, me, show=show, account=account, cursor=cursor),
        )

    for part in (questions, breaks, statements, lines, reconciliation, by_hand, one):
        router.include_router(part.routes(site))
    return router


def _board(site: Site, me: Viewer, *, show: str | None, account: str | None, cursor: str | None) -> Seen:
    which, connection, after = asked.one_of(show, _WHICH), asked.number(account), asked.cursor(cursor)
    today, mode = me.now.date(), site.payouts.mode
    days = seen.mondays(today=today, weeks=_WEEKS)
    with site.db.transaction() as cx:
        workspace = me.caller.workspace_id
        found = store.payouts(
            cx, workspace, mode=mode, which=which, connection_id=connection, after=after, limit=_SHOWN + 1
        )
        causes = store.break_of(cx, workspace, [each.id for each in found])
        weeks = store.weeks(
            cx,
            workspace,
            mode=mode,
            since=int(datetime.combine(days[0], datetime.min.time(), me.now.tzinfo).timestamp()),
        )
        aged = store.aged(cx, workspace, today=today)
        waits = store.waiting(cx, workspace)
        on_the_way = store.on_the_way(cx, workspace, mode=mode, today=today)
        accounts = store.connections(cx, workspace)
    kept = found[:_SHOWN]
    count, amounts = seen.arrived(weeks, today=today)
    return {
        "ever": bool(kept or weeks or aged or on_the_way or which != "all" or connection or cursor),
        "which": which, "account": connection, "accounts": accounts, "first": cursor is None, "waits": waits, "main_mode": mode,
        "rows": [_row(each, causes, mode=mode, today=today) for each in kept],
        "next": encode(str(kept[-1].created), kept[-1].id) if len(found) > _SHOWN else None,
        "arrived": count, "arrived_amounts": amounts, "on_the_way": on_the_way, "causes": seen.by_cause(aged), "ages": seen.by_age(aged),
        "unexplained": sum(each.count - each.explained for each in aged), "chart_of": _chart(me, weeks, days), "day_of": seen.day_of,
    }  # fmt: skip


def _row(each: store.PayoutRow, causes: dict[str, tuple[str, str]], *, mode: str, today: date) -> Seen:
    break_id, cause = causes.get(each.id, (None, None))
    return {
        "payout": each, "break": break_id, "contents": seen.contents(each),
        "standing": seen.standing(each, cause, mode=mode, today=today),
    }  # fmt: skip


def _chart(me: Viewer, weeks: list[store.Week], days: list[date]) -> Seen:
    matched, open_ = seen.counts_by_week(weeks, days)
    return {
        "kind": "bars", "stacked": True, "places": 0, "names": [me.reads.day(day) for day in days],
        "series": [
            {"name": plain("payouts.board.matched"), "values": matched}, {"name": plain("payouts.board.open"), "values": open_},
        ],
        "weeks": [{"from": day, "to": day + timedelta(days=6), "matched": m, "open": o} for day, m, o in zip(days, matched, open_, strict=True)],
    }  # fmt: skip
