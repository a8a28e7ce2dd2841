"""Editing what was asked for: the form of its action with its parameters in it; what is sent is a new proposal in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from fastapi.responses import Response

from bookhand.actions import store as proposals
from bookhand.actions.catalogue import arguments
from bookhand.core.action import Action
from bookhand.core.caller import NotAllowed
from bookhand.core.problems import BookhandError, Conflict, Missing
from bookhand.web.actions import form
from bookhand.web.approvals import store
from bookhand.web.page.frame import Viewer
from bookhand.web.page.site import Done, Seen, Site, status_of
from bookhand.web.page.wording import plain

Again = Callable[[str, Viewer, BookhandError], Response]
"""The page of a proposal, with what was refused."""


class Editing:
    """See the module's docstring. `again` shows a proposal as it stands, where it cannot be edited any more."""

    def __init__(self, site: Site, *, again: Again) -> None:
        self.site = site
        self.door = site.door
        self._stands = again

    def opened(self, me: Viewer, proposal_id: str) -> Seen:
        """The form of a proposal that waits, with what it asks for in it."""
        return self._page(me, proposal_id, None, {})

    def sent(self, me: Viewer, proposal_id: str, held: form.Held) -> Done | Response:
        """A changed call in its place; only what was changed is said."""
        if held.texts.more:
            return self._shown(me, proposal_id, held, {})
        with self.site.db.transaction() as cx:
            proposal = proposals.proposal(cx, me.caller.workspace_id, proposal_id)
            action = self.door.kit.catalogue.action(proposal.action)
            checked = form.checked_for(cx, action, held, reads=me.reads, proposal=proposal)
        if checked.wrong:
            return self._shown(me, proposal_id, held, checked.wrong, status=400)
        changes = _changes(action, proposal.params, checked.params)
        if not changes:
            return self._shown(me, proposal_id, held, {"": plain("approvals.nothing_changed")}, status=400)
        made = self.door.edit(me.caller, proposal_id, changes, note=held.why or None)
        return Done(to=f"/approvals/{made.proposal_id}", said=plain("approvals.said.edit"))

    def again(self, proposal_id: str, held: form.Held, me: Viewer, error: BookhandError) -> Response:
        """The form once more, with what was refused; where it cannot be edited any more, how it stands now."""
        if isinstance(error, (Conflict, Missing, NotAllowed)):
            return self._stands(proposal_id, me, error)
        try:
            return self._shown(me, proposal_id, held, {"": str(error)}, status=status_of(error))
        except Conflict as decided:
            return self._stands(proposal_id, me, decided)

    def _shown(
        self, me: Viewer, proposal_id: str, held: form.Held, wrong: Mapping[str, str], *, status: int = 200
    ) -> Response:
        return self.site.part(
            me, "approvals/edit.html", self._page(me, proposal_id, held, wrong), status=status
        )

    def _page(self, me: Viewer, proposal_id: str, held: form.Held | None, wrong: Mapping[str, str]) -> Seen:
        with self.site.db.transaction() as cx:
            proposal = proposals.proposal(cx, me.caller.workspace_id, proposal_id)
            card = store.cards(cx, me.caller, self.door.kit.catalogue, [proposal])[0]
        if not card.may.edit:
            raise Conflict(plain("approvals.no_edit"))
        action = self.door.kit.catalogue.action(proposal.action)
        if held is None:
            held = msgspec.structs.replace(form.held_of(action, proposal, me.reads.locale), why="")
        return {
            "card": card, "proposal": proposal, "action": action, "asked": form.shown(action, held, wrong), "held": held, "wrong": wrong,
        }  # fmt: skip


def _changes(action: Action, before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What is other than before; None takes a parameter out."""
    _, after = arguments(action, given)
    left = {name: None for name in before if name not in after}
    return {**left, **{name: value for name, value in after.items() if before.get(name) != value}}
