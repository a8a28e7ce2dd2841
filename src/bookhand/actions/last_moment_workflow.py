"""The last moment: what is checked once more before an approved call is sent, so that nothing is sent which nobody would send now.

Whether the right was taken back, the thing is still as the preview showed it, what is sent is what was approved, and the other side
still knows the key. Each says why not in a sentence, for the trail; `Refusal` where the connection is away: it is not done *yet*.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bookhand.actions import call_store, store
from bookhand.actions.catalogue import endpoint
from bookhand.actions.kit import Kit
from bookhand.actions.proposal import (
    Call,
    Decision,
    Proposal,
    bound,
    call_hash,
    differing,
    key_of,
    seen_of,
    version_of,
)
from bookhand.actions.proposing.draft_workflow import fetched
from bookhand.actions.rights import rights_store
from bookhand.core.action import Action, Values
from bookhand.core.facts import Link
from bookhand.core.problems import Outage, Refusal
from bookhand.systems import store as connections
from bookhand.systems.connection import usable

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

KEY_LIFE = timedelta(hours=23)
"""How long the other side keeps an idempotency key for certain (Stripe: 24 hours); after that a call is never sent again."""
FORGED = "It was not sent: what stands in the database is not what was approved."


class LastMoment:
    """See the module's docstring; `Calls` has one."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit

    def held_back(self, proposal: Proposal, link: Link) -> str | None:
        """Who took the right back since it was given, in a sentence; `Refusal` where the connection is away."""
        with self.kit.db.transaction() as cx:
            return self.barred(cx, proposal, link)

    def barred(self, cx: Transaction[Any], proposal: Proposal, link: Link) -> str | None:
        """The same in a transaction that is open."""
        usable(connections.get(cx, link.connection_id))
        return self.taken_back(cx, proposal)

    def is_away(self, link: Link) -> bool:
        """Whether the account is not connected at this moment: what was refused for that goes on once it is."""
        with self.kit.db.transaction() as cx:
            return connections.get(cx, link.connection_id).status != "active"

    def taken_back(self, cx: Transaction[Any], proposal: Proposal) -> str | None:
        """Who took the right back since it was given, in a sentence."""
        found = rights_store.revoked_since(
            cx, proposal.workspace_id, connection_id=proposal.connection_id, grantee=proposal.grantee, action=proposal.action,
            reads=False, since=proposal.rights_at,
        )  # fmt: skip
        return f"It was not sent: {found}" if found else None

    def changed(
        self,
        proposal: Proposal,
        action: Action,
        link: Link,
        values: Values,
        seen: Mapping[str, Mapping[str, Any]],
    ) -> str | None:
        """What is not as the preview showed it, in a sentence: the yes does not hold any more."""
        if action.plan is None:
            return None
        try:
            there = fetched(self.kit, action, values, link, proposal.api_version)
            action.plan.preview(
                values, there
            )  # what cannot be any more is refused by it (a balance that is gone)
        except Refusal as error:
            if self.is_away(link):
                raise
            return f"It was not sent: {error}"
        found = differing(seen, seen_of(action.plan.watched, there))
        return f"It was not sent: since the preview, {'; '.join(found)}. Look at it again." if found else None


def must_hold(call: Call, kit: Kit) -> None:
    """Nothing, if a call may still be sent under its claim; else the `Outage` of who slept for so long that another may have it."""
    if call.claimed_until is not None and call.claimed_until <= kit.clock():
        raise Outage(
            f"{call.action} of proposal {call.proposal_id} was not sent: its worker came too late. It is looked at again."
        )


def approval_of(cx: Transaction[Any], proposal: Proposal) -> Decision | None:
    """The yes that a proposal has."""
    said = store.decisions(cx, proposal.workspace_id, proposal.proposal_id)
    return next((each for each in reversed(said) if each.kind in {"approve", "standing"}), None)


def forged(cx: Transaction[Any], proposal: Proposal, action: Action) -> str | None:
    """Whether a proposal's row says something else than was approved: a decision cannot be changed, a row can."""
    approved = approval_of(cx, proposal)
    if approved is None:
        return "It was not sent: nobody has approved it."
    bind = bound(
        proposal_id=proposal.proposal_id, action=action, endpoint=endpoint(action, proposal.params), values=proposal.params,
        connection_id=proposal.connection_id, mode=proposal.mode, account=proposal.account, api_version=proposal.api_version,
        version=version_of(proposal.seen),
    )  # fmt: skip
    call = call_store.call(cx, proposal.workspace_id, proposal.proposal_id)
    if call_hash(bind) != approved.call_hash or call is None or unlike(call, proposal, proposal.params):
        return FORGED
    return None


def unlike(call: Call, proposal: Proposal, params: Values) -> bool:
    """Whether a call's row says something else than its proposal, its key and its mark included."""
    call_id = f"{proposal.proposal_id}_{call.row_no}"
    return (call.params, call.action, call.api_version, call.call_id, call.key) != (
        params, proposal.action, proposal.api_version, call_id, key_of(proposal.workspace_id, call_id),
    )  # fmt: skip


def too_late(call: Call, now: datetime) -> str | None:
    """Whether a call was sent so long ago that the other side has forgotten its key."""
    if call.first_sent_at is not None and now - call.first_sent_at > KEY_LIFE:
        return "It was sent once and, as looking showed, not done; its key is forgotten by now, so it is not sent again. Ask for it anew."
    return None
