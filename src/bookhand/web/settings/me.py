"""``/settings``: who you are, how the pages read, your password, second factor and sessions; ``/settings/notices``: what you are told of."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING
from urllib.parse import quote
from zoneinfo import available_timezones

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from bookhand.core.problems import BookhandError, Refusal
from bookhand.web.home import store as home_store
from bookhand.web.page import figures
from bookhand.web.page.frame import Viewer
from bookhand.web.page.site import LOCALE, ZONE, Done, Form, Seen, Sent, Site, status_of
from bookhand.web.page.wording import plain
from bookhand.web.people import cookies
from bookhand.web.people.sign_in import entered, source
from bookhand.workspace.people import factor_store, session_store, store

if TYPE_CHECKING:
    from bookhand.workspace.people.session_store import NewSession

LOCALES = (
    "en_US",
    "en_GB",
    "de_DE",
    "de_CH",
    "fr_FR",
    "es_ES",
    "it_IT",
    "nl_NL",
    "pl_PL",
    "pt_BR",
    "sv_SE",
    "ja_JP",
    "en_IN",
)
"""Number formats that are offered by name; the browser's own is taken where none is chosen."""
_A_YEAR = 366 * 86_400


def routes(site: Site) -> APIRouter:
    """The pages about oneself."""
    router = site.router()

    @router.get("/settings")
    def mine(request: Request) -> Response:
        return site.show(request, "settings/me.html", lambda me: _seen(site, me))

    @router.get("/settings/notices")
    def notices(request: Request) -> Response:
        return site.show(request, "settings/notices.html", lambda _me: {"tab": "notices"})

    @router.get("/needs.json")
    def needs(request: Request) -> Response:
        me = site.viewer(request)
        if me is None:
            return Response(status_code=401)
        with site.db.transaction() as cx:
            waits = home_store.waits(cx)
        return JSONResponse(
            {
                "approvals": waits.approvals,
                "runs": waits.runs,
                "breaks": waits.breaks,
                "questions": waits.questions,
            }
        )

    _changes(router, site)
    return router


def _changes(router: APIRouter, site: Site) -> None:
    @router.post("/settings/reading")
    def reading(request: Request, form: Sent) -> Response:
        return site.act(request, form, lambda _me: _read_so(site, request, form), need="read")

    @router.post("/settings/password")
    def password(request: Request, form: Sent) -> Response:
        return site.act(
            request, form, lambda me: _new_password(site, request, me, form), need="read",
            again=lambda me, error: _again(site, me, error),
        )  # fmt: skip

    @router.post("/settings/second/remove")
    def second(request: Request, form: Sent) -> Response:
        def drop(me: Viewer) -> Done:
            site.reception.door.drop_second(
                me.caller, password=form.text("password"), source=source(request), now=me.now
            )
            return Done(to="/settings", said=plain("settings.second.removed"))

        return site.act(request, form, drop, need="read", again=lambda me, error: _again(site, me, error))

    @router.post("/settings/sessions/{number}/end")
    def end(request: Request, number: int, form: Sent) -> Response:
        def ended(me: Viewer) -> Done:
            with site.db.transaction() as cx:
                session_store.end(cx, me.caller, number, now=me.now, note=site.reception.door.note)
            return Done(to="/settings", said=plain("settings.sessions.ended"))

        return site.act(request, form, ended, need="read")


def _seen(site: Site, me: Viewer, problem: str | None = None) -> Seen:
    number = session_store.number_of(me.caller)
    with site.db.transaction() as cx:
        person = store.find(cx, number)
        has_password = factor_store.password_of(cx, number) is not None
        sessions = session_store.sessions(cx, me.caller, now=me.now)
    return {
        "tab": "me",
        "person": person,
        "has_password": has_password,
        "sessions": sessions,
        "zones": sorted(each for each in available_timezones() if "/" in each and not each.startswith(("Etc/", "posix/", "right/"))),
        "locales": [(each, _sample(each)) for each in LOCALES],
        "problem": problem,
    }  # fmt: skip


def _sample(locale: str) -> str:
    return figures.Reads(locale=locale).money(-123456789, "USD")


def _again(site: Site, me: Viewer, error: BookhandError) -> Response:
    return site.part(me, "settings/me.html", _seen(site, me, str(error)), status=status_of(error))


def _read_so(site: Site, request: Request, form: Form) -> Response:
    zone, locale = form.text("zone"), form.text("locale")
    if zone and zone not in available_timezones():
        raise Refusal(plain("settings.reading.no_zone", text=zone[:40]))
    if locale and locale not in LOCALES:
        raise Refusal(plain("settings.reading.no_locale", text=locale[:40]))
    answer = RedirectResponse("/settings", status_code=303)
    https = cookies.origin(request, site.reception.public_url).startswith("https://")
    for name, value in ((ZONE, quote(zone, safe="")), (LOCALE, locale)):
        if value:
            answer.set_cookie(name, value, max_age=_A_YEAR, path="/", secure=https, samesite="lax")
        else:
            answer.delete_cookie(name, path="/")
    return answer


def _new_password(site: Site, request: Request, me: Viewer, form: Form) -> Response:
    if form.text("after") != form.text("again"):
        raise Refusal(plain("settings.password.differ"))
    new: NewSession = site.reception.door.change_password(
        me.caller, before=form.text("before"), after=form.text("after"), source=source(request), now=me.now.astimezone(UTC)
    )  # fmt: skip
    return entered(RedirectResponse("/settings", status_code=303), site.reception, request, new)
