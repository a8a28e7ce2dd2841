"""One payout: what is in it, where it arrived, and what a person says of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.core.problems import Refusal
from bookhand.systems import store as connections
from bookhand.web.api.shown import decode, encode
from bookhand.web.page.site import Done, Form, Sent
from bookhand.web.page.wording import plain
from bookhand.web.payouts import asked, seen, store
from bookhand.web.payouts.bank import store as bank_store
from bookhand.web.payouts.deciding import decide, why_of
from bookhand.workflows.payouts.contents import breakdown_store, solving_store
from bookhand.workflows.payouts.payout_store import get
from bookhand.workflows.payouts.reconciling import match_store, open_store
from bookhand.workflows.payouts.reconciling.open_store import expected_of

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

    from bookhand.core.facts import Link
    from bookhand.web.page.frame import Viewer
    from bookhand.web.page.site import Seen, Site
    from bookhand.workflows.payouts.contents.breakdown import Breakdown
    from bookhand.workflows.payouts.contents.proposed import Proposed
    from bookhand.workflows.payouts.payout_store import Kept

_MEMBERS = 50
_CANDIDATES = 500
"""So many movements are shown to choose from; where there are more, a person names those that they know."""


def routes(site: Site) -> APIRouter:
    """``/payouts/{id}`` and what is decided there."""
    router = site.router()

    @router.get("/payouts/{payout_id}")
    def payout(request: Request, payout_id: str, cursor: str | None = None) -> Response:
        return site.show(request, "payouts/payout.html", lambda me: _payout(site, me, payout_id, cursor))

    @router.get("/payouts/{payout_id}/candidates")
    def candidates(request: Request, payout_id: str) -> Response:
        return site.show(
            request, "payouts/candidates.html", lambda _: _candidates(site, payout_id), need="propose"
        )

    @router.post("/payouts/{payout_id}/confirm")
    def confirm(request: Request, payout_id: str, form: Sent) -> Response:
        return site.act(request, form, lambda me: _confirm(site, me, payout_id, form), need="propose")

    @router.post("/payouts/{payout_id}/take-back")
    def take_back(request: Request, payout_id: str, form: Sent) -> Response:
        def do(me: Viewer) -> Done:
            why = why_of(form)
            return decide(
                site, me, "payouts.take_back_breakdown", {"payout": asked.known("payout", payout_id), "why": why}, why=why,
                to=f"/payouts/{payout_id}", said=plain("payouts.one.taken_back"),
            )  # fmt: skip

        return site.act(request, form, do, need="propose")

    @router.post("/payouts/{payout_id}/undo")
    def undo(request: Request, payout_id: str, form: Sent) -> Response:
        def do(me: Viewer) -> Done:
            why = why_of(form)
            return decide(
                site, me, "payouts.unmatch", {"match": form.text("match"), "why": why}, why=why,
                to=f"/payouts/{asked.known('payout', payout_id)}", said=plain("payouts.one.undone"),
            )  # fmt: skip

        return site.act(request, form, do, need="propose")

    return router


def _payout(site: Site, me: Viewer, payout_id: str, cursor: str | None) -> Seen:
    asked.known("payout", payout_id)
    after = decode(cursor)[1] if cursor else None
    with site.db.transaction() as cx:
        kept = get(cx, payout_id)
        connection = connections.get(cx, kept.connection_id)
        found = breakdown_store.breakdown(cx, connection.link, payout_id)
        members = breakdown_store.lines(cx, connection.link, payout_id, after=after, limit=_MEMBERS + 1)
        proposal = None if found.basis == "stripe" else solving_store.proposed(cx, connection.link, payout_id)
        standing = match_store.standing(cx, [payout_id])
        arrived = [(line.account, line.key) for match in standing for line in match.lines]
        cause = store.break_of(cx, me.caller.workspace_id, [payout_id]).get(payout_id)
        return {
            "settled": open_store.settled(cx, [payout_id]).get(payout_id), "payout": kept.payout, "connection": connection, "expected": expected_of(kept.payout, kept.connection_id),
            "created": seen.at(kept.payout.created), "found": found, "parts": _parts(found), "chart_of": _chart(found, kept), "matches": standing,
            "proposal": proposal, "proposed": _proposed(cx, connection.link, proposal), "members": members[:_MEMBERS], "first": cursor is None,
            "next": encode("", members[_MEMBERS - 1].id) if len(members) > _MEMBERS else None, "at": seen.at,
            "lines": bank_store.by_key(cx, me.caller.workspace_id, arrived), "cause": cause, "main_mode": site.payouts.mode,
            "is_open": not standing and kept.payout.status != "canceled" and connection.link.mode == site.payouts.mode,
        }  # fmt: skip


def _parts(found: Breakdown) -> list[tuple[str, int, int]]:
    parts = {each.name: each for each in found.parts}
    return [(name, parts[name].count, parts[name].minor) for name in seen.ORDER if name in parts]


def _chart(found: Breakdown, kept: Kept) -> Seen | None:
    if found.basis == "none" or not found.parts:
        return None
    steps = seen.steps(_parts(found), paid=kept.payout.amount)
    return {
        "kind": "waterfall",
        "steps": [
            {"name": plain(f"payouts.part.{name}"), "minor": minor, "total": total}
            for name, minor, total in steps
        ],
    }


def _proposed(cx: Transaction[Any], link: Link, proposal: Proposed | None) -> list[dict[str, Any]]:
    """The movements that bookhand proposes, the first of them."""
    if proposal is None or proposal.outcome == "confirmed":
        return []
    return _movements(cx, link, proposal.members[:_MEMBERS])


def _movements(cx: Transaction[Any], link: Link, ids: tuple[str, ...]) -> list[dict[str, Any]]:
    rows = cx.execute(
        "select key, kind, happened_at, source, amount, amount - net, net from journal_entry"
        " where workspace_id = %s and connection_id = %s and key = any (%s) order by happened_at, key",
        (link.workspace_id, link.connection_id, list(ids)),
    )
    names = ("id", "kind", "happened_at", "source", "amount", "fee", "net")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _candidates(site: Site, payout_id: str) -> Seen:
    """What the solver chose among, to choose otherwise."""
    asked.known("payout", payout_id)
    with site.db.transaction() as cx:
        kept = get(cx, payout_id)
        link = connections.get(cx, kept.connection_id).link
        if kept.payout.automatic:
            raise Refusal(plain("payouts.candidates.automatic", payout=payout_id))
        proposal = solving_store.proposed(cx, link, payout_id)
        if proposal is not None and proposal.candidates > _CANDIDATES:
            raise Refusal(plain("payouts.candidates.many", n=proposal.candidates, most=_CANDIDATES))
        found = solving_store.candidates(cx, link, kept.payout)
        if len(found.ids) > _CANDIDATES:
            raise Refusal(plain("payouts.candidates.many", n=len(found.ids), most=_CANDIDATES))
        return {
            "payout": kept.payout, "candidates": found, "chosen": set(proposal.members) if proposal else set(),
            "rows": _movements(cx, link, found.ids), "at": seen.at, "proposal": proposal,
        }  # fmt: skip


def _confirm(site: Site, me: Viewer, payout_id: str, form: Form) -> Done:
    why = why_of(form)
    params: dict[str, Any] = {"payout": asked.known("payout", payout_id), "why": why}
    if form.text("by") == "hand":
        params["members"] = sorted({*form.texts("member"), *form.text("named").split()})
        if not params["members"]:
            raise Refusal(plain("payouts.candidates.none_ticked"))
    return decide(
        site, me, "payouts.confirm_breakdown", params, why=why, to=f"/payouts/{quote(payout_id)}", said=plain("payouts.one.confirmed")
    )  # fmt: skip
