"""``/actions``: what can be done and what can happen; ``/actions/{name}``: a form to ask for one, or to read at once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.actions import store as proposals
from bookhand.actions.asked import Asked
from bookhand.actions.catalogue import OWN, Catalogue
from bookhand.actions.proposal import Proposal
from bookhand.core.action import Action
from bookhand.core.caller import Capability
from bookhand.core.problems import BookhandError, Refusal
from bookhand.web.actions import form, found, listing, store
from bookhand.web.page.frame import Viewer
from bookhand.web.page.site import Done, Seen, Sent, Site, status_of
from bookhand.web.page.wording import plain

_LONGEST_SEARCH = 80


def routes(site: Site) -> APIRouter:
    """The catalogue and its forms."""
    router, desk = site.router(), _Desk(site)

    @router.get("/actions")
    def listed(
        request: Request, show: str = "", vendor: str = "", risk: str = "", text: str = ""
    ) -> Response:
        wanted = listing.Wanted(
            what="events" if show == "events" else "actions", vendor=vendor, risk=risk, text=text.strip()[:_LONGEST_SEARCH]
        )  # fmt: skip
        return site.show(request, "actions/catalogue.html", lambda _me: _catalogue(desk.catalogue, wanted))

    @router.get("/actions/{name}")
    def one(request: Request, name: str, again: str = "") -> Response:
        if name in desk.catalogue.events:
            return site.show(request, "actions/event.html", lambda _me: _event(desk.catalogue, name))
        return site.show(request, "actions/action.html", lambda me: desk.opened(me, request, name, again))

    @router.post("/actions/{name}")
    def asked(request: Request, name: str, sent: Sent) -> Response:
        held, action = form.sent_in(sent), desk.catalogue.actions.get(name)
        need: Capability = "read" if action is None or action.risk == "read" else "propose"
        return site.act(
            request,
            sent,
            lambda me: desk.asked(me, name, held),
            need=need,
            again=partial(desk.again, name, held),
        )

    return router


def _catalogue(catalogue: Catalogue, wanted: listing.Wanted) -> Seen:
    return {
        "shelves": listing.shelves(catalogue, wanted), "wanted": wanted, "vendors": listing.vendors(catalogue), "risks": listing.RISKS,
        "totals": {"actions": len(catalogue.actions), "events": len(catalogue.events)}, "own": OWN,
    }  # fmt: skip


def _event(catalogue: Catalogue, name: str) -> Seen:
    event = catalogue.events[name]
    return {"event": event, "listeners": catalogue.listeners(event), "near": listing.near(catalogue, event)}


class _Desk:
    """Where an action is asked for."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.door = site.door

    @property
    def catalogue(self) -> Catalogue:
        return self.door.kit.catalogue

    def opened(self, me: Viewer, request: Request, name: str, again: str) -> Seen:
        """The form as it is opened: empty, with what the address says, or with what another proposal asked for."""
        action = self.catalogue.action(name)
        held = form.opened(action, request.query_params.multi_items())
        if again:
            held = self._as_before(me, action, again)
        return self._page(action, held)

    def asked(self, me: Viewer, name: str, held: form.Held) -> Done | Response:
        """What a sent form asks for: one row more, a read, or a write."""
        action = self.catalogue.action(name)
        if held.texts.more:
            return self.site.part(me, "actions/action.html", self._page(action, held))
        with self.site.db.transaction() as cx:
            checked = form.checked(cx, action, held, reads=me.reads, among=store.serving(cx, action.vendor))
        reading = action.risk == "read"
        why = str(checked.params.get(form.own_reason(action) or "", "")) or held.why
        wrong = dict(checked.wrong)
        if not reading and not why and not _decides(action):
            wrong[form.own_reason(action) or "why"] = plain("actions.wrong.why")
        if wrong:
            return self.site.part(me, "actions/action.html", self._page(action, held, wrong), status=400)
        given = {**checked.params, **checked.where}
        if reading:
            result = found.of(self.door.read(me.caller, name, given, why=why or None))
            return self.site.part(me, "actions/action.html", {**self._page(action, held), "result": result})
        made = self.door.propose(
            me.caller,
            name,
            given,
            Asked(reason=why or action.summary, request_key=form.request_key(held, checked, why)),
        )
        self._in_its_currency(me, made, checked.currencies)
        return Done(to=f"/approvals/{made.proposal_id}", said=plain("actions.said." + _became(made)))

    def again(self, name: str, held: form.Held, me: Viewer, error: BookhandError) -> Response:
        """The form once more, with what was refused."""
        action = self.catalogue.actions.get(name)
        if action is None:
            return self.site.told(me, error)
        seen = self._page(action, held, {"": str(error)})
        return self.site.part(me, "actions/action.html", seen, status=status_of(error))

    def _page(
        self, action: Action, held: form.Held, wrong: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        found_wrong = wrong or {}
        with self.site.db.transaction() as cx:
            serving = [] if action.vendor == OWN else store.serving(cx, action.vendor)
        chosen = form.chosen_of(serving, held.connection)
        return {
            "action": action, "asked": form.shown(action, held, found_wrong), "held": held, "wrong": found_wrong, "connections": serving,
            "chosen": chosen.id if chosen else None, "asks_why": form.own_reason(action) is None and not _decides(action),
            "near": listing.near(self.catalogue, action), "own": OWN, "result": None,
        }  # fmt: skip

    def _as_before(self, me: Viewer, action: Action, proposal_id: str) -> form.Held:
        with self.site.db.transaction() as cx:
            before = proposals.proposal(cx, me.caller.workspace_id, proposal_id)
        if before.action != action.name or before.size > 1:
            raise Refusal(plain("actions.wrong.again"))
        return form.held_of(action, before, me.reads.locale, anew=True)

    def _in_its_currency(self, me: Viewer, made: Proposal, meant: frozenset[str]) -> None:
        """An amount that was meant in another currency than the object's is not what was asked for: it is taken back."""
        moved = {each.currency.upper() for each in made.preview.moves}
        if not meant or not moved or meant <= moved or made.state != "waiting":
            return
        said = plain("actions.wrong.meant", meant=", ".join(sorted(meant)), moved=", ".join(sorted(moved)))
        self.door.withdraw(me.caller, made.proposal_id, said)
        raise Refusal(said)


def _decides(action: Action) -> bool:
    return action.vendor == OWN and action.resource == "approvals"


def _became(proposal: Proposal) -> str:
    return proposal.state if proposal.state in {"waiting", "approved", "done"} else "other"
