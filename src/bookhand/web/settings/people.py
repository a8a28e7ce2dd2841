"""``/settings/people``: everybody of the workspace, invitations, roles; a link that is made is shown once."""

from __future__ import annotations

from typing import get_args

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.core.caller import ROLES, WHAT, Role, capabilities
from bookhand.core.problems import Refusal
from bookhand.web.page.frame import Viewer
from bookhand.web.page.site import Done, Form, Seen, Sent, Site
from bookhand.web.page.wording import plain
from bookhand.workspace.people import invitation_store, store


def routes(site: Site) -> APIRouter:
    """The pages about others."""
    router = site.router()
    _links(router, site)
    _roles(router, site)

    @router.get("/settings/people")
    def people(request: Request) -> Response:
        return site.show(request, "settings/people.html", lambda me: _seen(site, me))

    return router


def _links(router: APIRouter, site: Site) -> None:
    note = site.reception.door.note

    @router.post("/settings/people/invite")
    def invite(request: Request, form: Sent) -> Response:
        def made(me: Viewer) -> Response:
            with site.db.transaction() as cx:
                link = invitation_store.invite(
                    cx, me.caller, form.text("email"), _role(form), now=me.now, note=note
                )
            return _link(site, request, me, link)

        return site.act(request, form, made, need="people")

    @router.post("/settings/people/{number}/link")
    def link(request: Request, number: int, form: Sent) -> Response:
        def made(me: Viewer) -> Response:
            with site.db.transaction() as cx:
                found = invitation_store.reset(cx, me.caller, number, now=me.now, note=note)
            return _link(site, request, me, found)

        return site.act(request, form, made, need="people")

    @router.post("/settings/people/invitations/{number}/revoke")
    def revoke(request: Request, number: int, form: Sent) -> Response:
        def revoked(me: Viewer) -> Done:
            with site.db.transaction() as cx:
                invitation_store.revoke(cx, me.caller, number, now=me.now, note=note)
            return Done(to="/settings/people", said=plain("settings.people.revoked"))

        return site.act(request, form, revoked, need="people")


def _roles(router: APIRouter, site: Site) -> None:
    note = site.reception.door.note

    @router.post("/settings/people/{number}/role")
    def role(request: Request, number: int, form: Sent) -> Response:
        def changed(me: Viewer) -> Done:
            with site.db.transaction() as cx:
                person = store.change_role(cx, me.caller, number, _role(form), now=me.now, note=note)
            return Done(
                to="/settings/people",
                said=plain("settings.people.changed", name=person.name, role=person.role),
            )

        return site.act(request, form, changed, need="people")

    @router.post("/settings/people/{number}/disable")
    def disable(request: Request, number: int, form: Sent) -> Response:
        def disabled(me: Viewer) -> Done:
            with site.db.transaction() as cx:
                person = store.disable(cx, me.caller, number, now=me.now, note=note)
            return Done(to="/settings/people", said=plain("settings.people.disabled", name=person.name))

        return site.act(request, form, disabled, need="people")

    @router.post("/settings/people/{number}/enable")
    def enable(request: Request, number: int, form: Sent) -> Response:
        def enabled(me: Viewer) -> Done:
            with site.db.transaction() as cx:
                person = store.enable(cx, me.caller, number, note=note)
            return Done(to="/settings/people", said=plain("settings.people.enabled", name=person.name))

        return site.act(request, form, enabled, need="people")


def _seen(site: Site, me: Viewer) -> Seen:
    with site.db.transaction() as cx:
        everybody = store.every(cx)
        open_links = invitation_store.every(cx, now=me.now) if me.can("people") else []
    return {
        "tab": "people",
        "people": everybody,
        "invitations": open_links,
        "roles": [(role, [WHAT[each] for each in WHAT if each in capabilities(role)]) for role in ROLES],
    }


def _link(site: Site, request: Request, me: Viewer, link: invitation_store.Link) -> Response:
    base = site.reception.public_url or f"{request.url.scheme}://{request.headers.get('host', '')}"
    made = {"tab": "people", "invitation": link.invitation, "address": f"{base}/welcome/{link.secret}"}
    return site.part(me, "settings/link.html", made, status=201)


def _role(form: Form) -> Role:
    found: Role | None = next((each for each in get_args(Role) if each == form.text("role")), None)
    if found is None:
        raise Refusal(plain("settings.people.no_role", text=form.text("role")[:20]))
    return found
