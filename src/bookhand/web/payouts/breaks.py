"""Breaks: what nobody has explained yet, by age and amount; one of them, explained or given to somebody."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.web.api.shown import encode
from bookhand.web.page.site import Done, Sent
from bookhand.web.page.wording import plain
from bookhand.web.payouts import asked, seen, store
from bookhand.web.payouts.bank import store as bank_store
from bookhand.web.payouts.deciding import decide, why_of
from bookhand.workflows.payouts.breaks import Cause
from bookhand.workflows.payouts.payout_store import some
from bookhand.workflows.payouts.reconciling import break_store

if TYPE_CHECKING:
    from bookhand.web.page.frame import Viewer
    from bookhand.web.page.site import Form, Seen, Site

_SHOWN = 40
_WHOSE = ("all", "mine", "nobody")
_STATES = ("all", "open", "explained")
_CAUSES = ("", *(str(cause) for cause in Cause))


def routes(site: Site) -> APIRouter:
    """``/payouts/breaks``."""
    router = site.router()

    @router.get("/payouts/breaks")
    def breaks(
        request: Request, cause: str = "", whose: str = "", state: str = "", cursor: str | None = None
    ) -> Response:
        return site.show(
            request, "payouts/breaks.html", lambda me: _breaks(site, me, cause=cause, whose=whose, state=state, cursor=cursor)
        )  # fmt: skip

    @router.get("/payouts/breaks/{break_id}")
    def one(request: Request, break_id: str) -> Response:
        return site.show(request, "payouts/break.html", lambda me: _break(site, me, break_id))

    @router.post("/payouts/breaks/{break_id}/explain")
    def explain(request: Request, break_id: str, form: Sent) -> Response:
        def do(me: Viewer) -> Done:
            text = why_of(form, "explanation")
            params = {"break_id": asked.known("break", break_id), "explanation": text}
            return decide(
                site, me, "payouts.explain", params, why=text, to=f"/payouts/breaks/{break_id}", said=plain("payouts.breaks.was_explained")
            )  # fmt: skip

        return site.act(request, form, do, need="propose")

    @router.post("/payouts/breaks/{break_id}/owner")
    def assign(request: Request, break_id: str, form: Sent) -> Response:
        return site.act(request, form, lambda me: _assign(site, me, break_id, form), need="propose")

    return router


def _breaks(site: Site, me: Viewer, *, cause: str, whose: str, state: str, cursor: str | None) -> Seen:
    cause, whose, state = (
        asked.one_of(cause, _CAUSES),
        asked.one_of(whose, _WHOSE),
        asked.one_of(state, _STATES),
    )
    workspace = me.caller.workspace_id
    owner = {"all": None, "mine": me.caller.name, "nobody": ""}[whose]
    with site.db.transaction() as cx:
        ids = store.breaks(
            cx, workspace, cause=cause or None, owner=owner, state=None if state == "all" else state, after=asked.day_cursor(cursor),
            limit=_SHOWN + 1,
        )  # fmt: skip
        found = break_store.some(cx, ids[:_SHOWN])
        aged = store.aged(cx, workspace, today=me.now.date())
        waits = store.waiting(cx, workspace)
    causes = sorted({each.cause for each in aged})
    return {
        "breaks": found, "today": me.now.date().isoformat(), "causes": causes, "cause": cause, "whose": whose, "state": state, "waits": waits,
        "ages": seen.by_age(aged), "first": cursor is None, "chart_of": _chart(seen.by_age(aged)), "total": sum(each.count for each in aged),
        "next": encode(found[-1].found.since, found[-1].id) if len(ids) > _SHOWN else None,
    }  # fmt: skip


def _chart(ages: list[tuple[int, int, list[tuple[str, int]]]]) -> Seen:
    return {
        "kind": "bars", "places": 0, "names": [plain(f"payouts.age.{bucket}") for bucket, _, _ in ages],
        "series": [{"name": plain("payouts.breaks.count"), "values": [count for _, count, _ in ages]}],
    }  # fmt: skip


def _break(site: Site, me: Viewer, break_id: str) -> Seen:
    asked.known("break", break_id)
    workspace = me.caller.workspace_id
    with site.db.transaction() as cx:
        kept = break_store.get(cx, break_id)
        payouts = {each.payout.id: each.payout for each in some(cx, kept.found.payouts[:_SHOWN])}
        lines = bank_store.by_key(cx, workspace, list(kept.found.lines[:_SHOWN]))
        people = store.people(cx, workspace)
        is_question = bool(store.questions(cx, workspace, limit=1, id_=break_id))
    return {
        "kept": kept, "today": datetime.now(UTC).date().isoformat(), "payouts": payouts, "lines": lines, "first_line": next(iter(lines.values()), None),
        "people": people,
        "is_question": is_question, "day_of": seen.day_of, "contents": kept.found.cause in break_store.CONTENTS,
    }  # fmt: skip


def _assign(site: Site, me: Viewer, break_id: str, form: Form) -> Done:
    owner = me.caller.name if form.text("to") == "me" else form.text("owner") or None
    params = {"break_id": asked.known("break", break_id), "owner": owner}
    said = plain("payouts.breaks.given", name=owner) if owner else plain("payouts.breaks.nobodys")
    why = plain("payouts.breaks.why_given")
    return decide(site, me, "breaks.assign", params, why=why, to=f"/payouts/breaks/{break_id}", said=said)
