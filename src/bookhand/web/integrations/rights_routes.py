"""Who may do what at a connection: a table of its actions for one grantee, changed row by row; and a right taken back at once."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.actions.rights import rights_store
from bookhand.actions.rights.policy import EVERYONE, checked_grantee
from bookhand.core.problems import Missing, Refusal
from bookhand.web.integrations import connection_seen, store
from bookhand.web.integrations.rights_seen import Resource, changes, resources
from bookhand.web.page.frame import Viewer
from bookhand.web.page.site import Done, Form, Seen, Sent, Site
from bookhand.web.page.wording import plain
from bookhand.workspace.people import store as people

BASE = "/settings/integrations/{key}/{number:int}/permissions"
_USUAL_AGENTS = ("agent:chat",)
"""Agents that are offered before anybody gave them a right."""


def add(router: APIRouter, site: Site) -> None:
    """The pages of rights."""

    @router.get(BASE)
    def rights(request: Request, key: str, number: int, to: str = EVERYONE) -> Response:
        return site.show(
            request, "integrations/rights.html", lambda me: _rights(site, me, key, number, grantee=to)
        )

    @router.post(BASE)
    def change(request: Request, key: str, number: int, form: Sent) -> Response:
        return site.act(request, form, lambda me: _change(site, me, key, number, form), need="manage")

    @router.post(f"{BASE}/revoke")
    def revoke(request: Request, key: str, number: int, form: Sent) -> Response:
        return site.act(request, form, lambda me: _revoke(site, me, key, number, form), need="manage")


def _rights(site: Site, me: Viewer, key: str, number: int, *, grantee: str) -> Seen:
    seen = connection_seen.head(site, key, number)
    if not seen["has_actions"]:
        raise Missing(plain("integrations.rights.none"))
    checked_grantee(grantee)
    with site.db.transaction() as cx:
        known = {each.who: each.name or each.email for each in people.every(cx) if each.disabled_at is None}
        agents = store.agents(cx, me.caller.workspace_id)
    offered = {EVERYONE: plain("integrations.rights.everybody")}
    for agent in dict.fromkeys((*_USUAL_AGENTS, *agents)):
        offered[agent] = plain("integrations.rights.agent", name=agent.removeprefix("agent:"))
    offered |= known
    offered.setdefault(grantee, grantee)
    return {**seen, "grantee": grantee, "offered": offered, "resources": _table(site, me, key, number, grantee)}  # fmt: skip


def _table(site: Site, me: Viewer, key: str, number: int, grantee: str) -> list[Resource]:
    actions = [each for each in site.door.kit.catalogue.actions.values() if each.vendor == key]
    standings = [
        each for each in site.door.governing.standings(me.caller) if each["connection_id"] in {None, number}
    ]
    with site.db.transaction() as cx:
        grants = rights_store.grants_of(cx, me.caller.workspace_id, number)
    return resources(actions, grants, standings, grantee=grantee)


def _change(site: Site, me: Viewer, key: str, number: int, form: Form) -> Done:
    connection_seen.head(site, key, number)
    grantee = checked_grantee(form.text("to", EVERYONE))
    found = _table(site, me, key, number, grantee)
    wanted = {
        right.action: form.text(f"may:{right.action}") == "yes"
        for resource in found
        for right in resource.rights
        if form.text(f"may:{right.action}") in {"yes", "no"}
    }
    changed = changes(found, wanted)
    for action, allowed in changed:
        site.door.governing.permit(
            me.caller, connection_id=number, grantee=grantee, pattern=action, allowed=allowed
        )
    said = plain("integrations.rights.saved", n=len(changed)) if changed else plain("integrations.rights.same")  # fmt: skip
    return Done(to=_page(key, number, grantee), said=said, tone="good" if changed else "quiet")


def _revoke(site: Site, me: Viewer, key: str, number: int, form: Form) -> Done:
    connection_seen.head(site, key, number)
    grantee, pattern, why = checked_grantee(form.text("to", EVERYONE)), form.text("pattern"), form.text("why")
    if not why:
        raise Refusal(plain("integrations.rights.no_why"))
    stopped = site.door.governing.revoke_now(
        me.caller, connection_id=number, grantee=grantee, pattern=pattern, why=why
    )
    return Done(
        to=_page(key, number, grantee), said=plain("integrations.rights.revoked", n=stopped, pattern=pattern)
    )


def _page(key: str, number: int, grantee: str) -> str:
    return f"/settings/integrations/{key}/{number}/permissions?to={grantee}"
