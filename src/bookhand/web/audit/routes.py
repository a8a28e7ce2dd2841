"""The trail for people: searched, one entry whole, checked, and exported as the file that can be checked on any machine."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from bookhand.core.problems import BookhandError, Missing, Refusal
from bookhand.web.bounded import MEGABYTE
from bookhand.web.page.frame import Viewer
from bookhand.web.page.site import Done, Seen, Sent, Site
from bookhand.web.page.wording import plain
from bookhand.workspace import trail_store
from bookhand.workspace.trail import Note, Verdict

PAGE = 50
FILTERS = ("who", "what", "subject", "run", "proposal")
_LONGEST = 200


def routes(site: Site) -> APIRouter:
    """``/audit`` and what hangs on it; all of it needs the capability to audit."""
    router = site.router()

    @router.get("/audit")
    def listed(request: Request, cursor: str = "") -> Response:
        asked = {
            name: request.query_params.get(name, "").strip()[:_LONGEST]
            for name in (*FILTERS, "since", "until")
        }
        return site.show(request, "audit/list.html", lambda me: _list(site, me, asked, cursor), need="audit")

    @router.get("/audit/export")
    def export(request: Request) -> Response:
        me = site.viewer(request)
        if me is None:
            return RedirectResponse("/sign-in", status_code=303)
        try:
            me.caller.need("audit")
        except BookhandError as error:
            return site.told(me, error)
        return _export(site, me)

    @router.post("/audit/verify")
    def verify(request: Request, form: Sent) -> Response:
        return site.act(request, form, lambda me: _checked(site, me), need="audit")

    @router.get("/audit/{seq}")
    def one(request: Request, seq: int) -> Response:
        return site.show(request, "audit/entry.html", lambda _me: _one(site, seq), need="audit")

    return router


def _list(site: Site, me: Viewer, asked: dict[str, str], cursor: str) -> Seen:
    for name in ("since", "until"):
        if asked[name] and not _is_day(asked[name]):
            raise Refusal(plain("audit.no_day", text=asked[name][:40]))
    if cursor and not re.fullmatch(r"[0-9]{1,18}", cursor):
        raise Refusal(plain("audit.no_cursor"))
    chosen = {name: asked[name] or None for name in FILTERS}
    with site.db.transaction() as cx:
        found = trail_store.search(
            cx, me.caller.workspace_id, **chosen, since=asked["since"] or None,
            until=f"{asked['until']}T23:59:59.999999Z" if asked["until"] else None, before=int(cursor) if cursor else None,
            limit=PAGE + 1,
        )  # fmt: skip
        count, head = trail_store.head(cx, me.caller.workspace_id)
        size = trail_store.size(cx, me.caller.workspace_id)
        checks = trail_store.search(cx, me.caller.workspace_id, what=trail_store.VERIFIED, limit=1)
    return {
        "entries": [(entry.seq, entry.said()) for entry in found[:PAGE]],
        "next": str(found[PAGE - 1].seq) if len(found) > PAGE else None,
        "first": bool(cursor),
        "asked": asked,
        "filtered": any(asked.values()),
        "count": count,
        "chain_head": head,
        "megabytes": size // MEGABYTE,
        "verified": checks[0].said() if checks else None,
    }


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _one(site: Site, seq: int) -> Seen:
    with site.db.transaction() as cx:
        found = trail_store.search(cx, site.db.workspace_id, before=seq + 1, limit=1)
    if not found or found[0].seq != seq:
        raise Missing(plain("audit.no_entry", number=seq))
    entry = found[0]
    return {"seq": seq, "said": entry.said(), "hash": entry.hash.hex(), "prev": entry.prev.hex()}


def _checked(site: Site, me: Viewer) -> Done:
    """Check every entry, and write down what was found; a long trail's check goes on when this is answered."""

    def check() -> Verdict:
        with site.db.transaction() as cx:
            return trail_store.note_verified(cx, site.db.workspace_id, _note(me, trail_store.VERIFIED))

    found = site.aside.run("trail", check)
    if found is None:
        return Done(to="/audit", said=plain("audit.verify.goes_on"), tone="quiet")
    if found.findings:
        wrong = " ".join(found.findings[:5])
        return Done(to="/audit", said=plain("audit.verify.broken", findings=wrong), tone="bad")
    return Done(to="/audit", said=plain("audit.verify.holds", n=found.entries, head=found.head))


def _note(me: Viewer, what: str, **details: Any) -> Note:
    return Note(
        who=me.caller.who, name=me.caller.name, agent=me.caller.agent, channel=me.caller.channel, what=what, details=details
    )  # fmt: skip


def _export(site: Site, me: Viewer) -> Response:
    """The file, sent while it is read: what was cut off on its way has no last line, and is found by that."""
    found = trail_store.exported(site.db, _note(me, "trail.exported", first=1))
    headers = {"content-disposition": 'attachment; filename="bookhand-trail.jsonl"'}
    return StreamingResponse(found, media_type="application/x-ndjson", headers=headers)
