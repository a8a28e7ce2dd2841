"""``/settings/tokens``: API tokens of one's own (for who cares for people, everybody's); a new one is shown once."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.core.caller import WHAT, Capability
from bookhand.core.problems import Refusal
from bookhand.web.page.frame import Viewer
from bookhand.web.page.site import Done, Seen, Sent, Site
from bookhand.web.page.wording import plain
from bookhand.workspace.people import session_store

DAYS = (30, 90, 180, 365)


def routes(site: Site) -> APIRouter:
    """The pages of tokens."""
    router = site.router()
    note = site.reception.door.note

    @router.get("/settings/tokens")
    def tokens(request: Request) -> Response:
        return site.show(request, "settings/tokens.html", lambda me: _seen(site, me))

    @router.post("/settings/tokens")
    def make(request: Request, form: Sent) -> Response:
        def made(me: Viewer) -> Response:
            scopes: list[Capability] = [each for each in WHAT if each in form.texts("scope")]
            if not scopes:
                raise Refusal(plain("settings.tokens.no_scope"))
            with site.db.transaction() as cx:
                token, secret = session_store.make_token(
                    cx, me.caller, form.text("name"), scopes, days=form.whole("days") or session_store.TOKEN_DAYS,
                    now=me.now, note=note,
                )  # fmt: skip
            return site.part(
                me, "settings/token.html", {"tab": "tokens", "token": token, "secret": secret}, status=201
            )

        return site.act(request, form, made, need="read")

    @router.post("/settings/tokens/{number}/revoke")
    def revoke(request: Request, number: int, form: Sent) -> Response:
        def revoked(me: Viewer) -> Done:
            with site.db.transaction() as cx:
                session_store.revoke_token(cx, me.caller, number, now=me.now, note=note)
            return Done(to="/settings/tokens", said=plain("settings.tokens.revoked"))

        return site.act(request, form, revoked, need="read")

    return router


def _seen(site: Site, me: Viewer) -> Seen:
    with site.db.transaction() as cx:
        found = session_store.tokens(cx, me.caller, now=me.now)
    return {
        "tab": "tokens",
        "tokens": found,
        "scopes": [(name, words) for name, words in WHAT.items() if name in me.caller.can],
        "days": DAYS,
    }
