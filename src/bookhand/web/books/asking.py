"""Bookhand's own acts by a person: asked of the door, and awaited for a moment, since a run does them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bookhand.actions import store
from bookhand.core.problems import Refusal

if TYPE_CHECKING:
    from bookhand.actions.proposal import Proposal
    from bookhand.web.page.frame import Viewer
    from bookhand.web.page.site import Site

PATIENCE_SECONDS = 4.0
_LOOK_SECONDS = 0.05


def asked(site: Site, me: Viewer, action: str, params: Mapping[str, Any], why: str) -> Proposal:
    """The proposal, once it is done, or once nobody waits longer (then it is ``approved`` still). `Refusal` where it failed."""
    proposal = site.door.propose(me.caller, action, params, why)
    until = time.monotonic() + PATIENCE_SECONDS
    while proposal.state == "approved" and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
        with site.db.transaction() as cx:
            proposal = store.proposal(cx, proposal.workspace_id, proposal.proposal_id)
    if proposal.state in {"failed", "void"}:
        raise Refusal(proposal.state_why or f"{action} was not done: its run says why.")
    return proposal
