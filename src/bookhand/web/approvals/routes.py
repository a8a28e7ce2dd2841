"""``/approvals``: what waits for a yes, and what was decided; ``/approvals/{id}``: one proposal whole, and what people do with it.

A yes carries the hash of the call as it was shown. Where it was decided, edited or changed meanwhile, the page shows how it stands now.
"""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.core.caller import Capability
from bookhand.web.actions import form
from bookhand.web.approvals.desk import Desk
from bookhand.web.approvals.editing import Editing
from bookhand.web.page.site import Sent, Site


def routes(site: Site) -> APIRouter:
    """The inbox, the history, and one proposal."""
    router, desk = site.router(), Desk(site)
    _lists(router, site, desk)
    _edits(router, site, Editing(site, again=desk.again))
    _one(router, site, desk)
    return router


def _lists(router: APIRouter, site: Site, desk: Desk) -> None:
    @router.get("/approvals")
    def inbox(request: Request, cursor: str | None = None) -> Response:
        return site.show(request, "approvals/inbox.html", lambda me: desk.inbox(me, cursor))

    @router.get("/approvals/fresh")
    def fresh(request: Request, than: str = "") -> Response:
        return site.show(
            request, "approvals/fresh.html", lambda me: {"mark": desk.mark(me), "than": than[:40]}
        )

    @router.get("/approvals/decided")
    def decided(request: Request, state: str = "", by: str = "", cursor: str | None = None) -> Response:
        return site.show(
            request, "approvals/decided.html", lambda me: desk.decided(me, state, passed=by == "standing", cursor=cursor)
        )  # fmt: skip

    @router.post("/approvals/approve")
    def approve_many(request: Request, sent: Sent) -> Response:
        return site.act(request, sent, lambda me: desk.approve_many(me, sent.texts("tick")), need="approve")


def _edits(router: APIRouter, site: Site, editing: Editing) -> None:
    @router.get("/approvals/{proposal_id}/edit")
    def edit(request: Request, proposal_id: str) -> Response:
        return site.show(
            request, "approvals/edit.html", lambda me: editing.opened(me, proposal_id), need="approve"
        )

    @router.post("/approvals/{proposal_id}/edit")
    def edited(request: Request, proposal_id: str, sent: Sent) -> Response:
        held = form.sent_in(sent)
        return site.act(
            request, sent, lambda me: editing.sent(me, proposal_id, held), need="approve",
            again=partial(editing.again, proposal_id, held),
        )  # fmt: skip


def _one(router: APIRouter, site: Site, desk: Desk) -> None:
    @router.get("/approvals/{proposal_id}")
    def one(request: Request, proposal_id: str, after: str = "", without: str = "") -> Response:
        return site.show(
            request, "approvals/proposal.html", lambda me: desk.whole(me, proposal_id, after=after, without=without)
        )  # fmt: skip

    @router.post("/approvals/{proposal_id}/rows")
    def turned(request: Request, proposal_id: str, sent: Sent) -> Response:
        return site.act(request, sent, lambda me: desk.turned(me, proposal_id, sent), need="read")

    @router.post("/approvals/{proposal_id}/{verb}")
    def said(request: Request, proposal_id: str, verb: str, sent: Sent) -> Response:
        need: Capability = "propose" if verb in {"answer", "withdraw"} else "approve"
        return site.act(
            request, sent, lambda me: desk.said(me, proposal_id, verb, sent), need=need, again=partial(desk.again, proposal_id)
        )  # fmt: skip
