"""``/settings/limits``: limits a day, amounts from which four eyes are needed, and what was approved once and for all."""

from __future__ import annotations

from typing import Any, get_args

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.actions.rights.govern_workflow import StandingState
from bookhand.actions.rights.policy import Budget
from bookhand.core.problems import BookhandError, Refusal
from bookhand.systems import store as connections
from bookhand.web.page.entered import currency_of, minor_of
from bookhand.web.page.frame import Viewer
from bookhand.web.page.site import Done, Form, Seen, Sent, Site, status_of
from bookhand.web.page.wording import plain

_AMOUNTS = ("day_minor", "customer_minor", "four_eyes_minor")
_COUNTS = ("day_count", "customer_count")


def routes(site: Site) -> APIRouter:
    """The page of limits, and what is done on it."""
    router = site.router()

    @router.get("/settings/limits")
    def limits(request: Request) -> Response:
        return site.show(request, "settings/limits.html", lambda me: _seen(site, me))

    @router.post("/settings/limits")
    def set_limit(request: Request, form: Sent) -> Response:
        def made(me: Viewer) -> Done:
            site.door.governing.set_budget(
                me.caller, connection_id=form.whole("connection"), budget=_budget(me, form)
            )
            return Done(to="/settings/limits", said=plain("settings.limits.made"))

        def again(me: Viewer, error: BookhandError) -> Response:
            seen = {
                **_seen(site, me),
                "problem": str(error),
                "typed": {name: form.text(name) for name in form.data},
            }
            return site.part(me, "settings/limits.html", seen, status=status_of(error))

        return site.act(request, form, made, need="manage", again=again)

    @router.post("/settings/limits/{number}/end")
    def end(request: Request, number: int, form: Sent) -> Response:
        def ended(me: Viewer) -> Done:
            site.door.governing.end_budget(me.caller, number)
            return Done(to="/settings/limits", said=plain("settings.limits.ended"))

        return site.act(request, form, ended, need="manage")

    @router.post("/settings/standing/{standing_id}")
    def standing(request: Request, standing_id: str, form: Sent) -> Response:
        def changed(me: Viewer) -> Done:
            state: StandingState | None = next(
                (each for each in get_args(StandingState) if each == form.text("state")), None
            )
            if state is None or not form.text("why"):
                raise Refusal(plain("settings.standing.why_needed"))
            site.door.governing.set_standing(me.caller, standing_id, state, form.text("why"))
            return Done(to="/settings/limits#standing", said=plain(f"settings.standing.now_{state}"))

        return site.act(request, form, changed, need="manage")

    return router


def _seen(site: Site, me: Viewer) -> Seen:
    with site.db.transaction() as cx:
        every = connections.every(cx)
    return {
        "tab": "limits",
        "budgets": site.door.governing.budgets(me.caller),
        "standings": site.door.governing.standings(me.caller),
        "connections": {each.id: each for each in every},
        "problem": None,
        "typed": {},
    }


def _budget(me: Viewer, form: Form) -> Budget:
    amounts: dict[str, Any] = {name: form.text(name) for name in _AMOUNTS}
    currency = currency_of(form.text("currency")) if form.text("currency") or any(amounts.values()) else None
    return Budget(
        id=0, grantee=form.text("grantee") or "*", pattern=form.text("pattern") or "*", currency=currency,
        **{name: _amount(me, text, currency) if text and currency else None for name, text in amounts.items()},
        **{name: form.whole(name) for name in _COUNTS},
    )  # fmt: skip


def _amount(me: Viewer, text: str, currency: str) -> int:
    minor = minor_of(text, currency, me.reads.locale)
    if minor < 0:
        raise Refusal(plain("settings.limits.negative"))
    return minor
