"""The stages before a call: which connection is meant, whether it is allowed there, what the day still allows, standing approvals.

Every refusal says who can change it, and is written into the trail.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.actions import notes, store
from bookhand.actions.asked import Asked, Rights
from bookhand.actions.catalogue import Target
from bookhand.actions.kit import Kit
from bookhand.actions.proposal import Proposal, Row, call_hash, must_fit, must_wait
from bookhand.actions.rights import rights_store
from bookhand.actions.rights.policy import Wanted, allows, copies_under, needs_four_eyes, outside, over_budget
from bookhand.core.action import Action, Preview
from bookhand.core.caller import Caller, NotAllowed
from bookhand.core.problems import Conflict, Refusal
from bookhand.systems import store as connections
from bookhand.systems.connection import Connection, usable
from bookhand.workspace.trail_store import append

if TYPE_CHECKING:
    from psycopg import Connection as Transaction


class Permits:
    """Asked before every call."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit

    def permitted(self, caller: Caller, action: Action, target: Target, rights: Rights | None) -> Connection:
        """The connection that is meant, if the caller may do this there."""
        try:
            with self.kit.db.transaction() as cx:
                connection = usable(_meant(connections.every(cx, system=action.vendor), action, target))
                self._check(cx, caller, action, connection, rights)
        except Refusal as error:
            self.note_refusal(caller, action, str(error))
            raise
        return connection

    def note_refusal(self, caller: Caller, action: Action, why: str) -> None:
        """Write down that somebody was refused."""
        with self.kit.db.transaction() as cx:
            append(
                cx, caller.workspace_id, [notes.asked(caller, action, None, {"refused": why})], flush=False
            )

    def _check(
        self,
        cx: Transaction[Any],
        caller: Caller,
        action: Action,
        connection: Connection,
        rights: Rights | None,
    ) -> None:
        grants = rights.grants if rights else rights_store.grants_of(cx, caller.workspace_id, connection.id)
        reads = action.risk == "read"
        if not allows(grants, grantee=caller.grantee, action=action.name, reads=reads):
            raise NotAllowed(
                f"{action.name} is not allowed for {caller.agent or caller.name} at {connection.name} ({connection.link.mode}): an owner or "
                f"admin can allow it (`bookhand allow {action.name}`)."
            )
        if rights is not None:
            taken_back = rights_store.revoked_since(
                cx,
                caller.workspace_id,
                connection_id=connection.id,
                grantee=caller.grantee,
                action=action.name,
                reads=reads,
                since=rights.taken_at,
            )
            if taken_back:
                raise NotAllowed(f"{action.name} is not allowed any more: {taken_back}")

    def approvable(
        self, cx: Transaction[Any], caller: Caller, proposal: Proposal, given_hash: str, now: datetime
    ) -> None:
        """Nothing, if this caller may say yes to exactly this call at this moment."""
        must_wait(proposal)
        must_fit(proposal, given_hash)
        if proposal.expires_at <= now:
            raise Conflict(f"Proposal {proposal.proposal_id} was not approved in time: ask for it again.")
        if caller.who in store.askers(cx, proposal) and self._needs_four_eyes(cx, proposal):
            raise NotAllowed(
                f"{caller.name} asked for proposal {proposal.proposal_id} or edited it, and its amount needs four eyes: somebody else has to approve it."
            )
        taken_back = rights_store.revoked_since(
            cx, caller.workspace_id, connection_id=proposal.connection_id, grantee=proposal.grantee, action=proposal.action, reads=False,
            since=proposal.rights_at,
        )  # fmt: skip
        if taken_back:
            raise NotAllowed(f"Proposal {proposal.proposal_id} may not be done any more: {taken_back}")

    def _needs_four_eyes(self, cx: Transaction[Any], proposal: Proposal) -> bool:
        """Whether it did when it was asked for, or does by the thresholds of now."""
        return proposal.four_eyes or self.needs_four_eyes(cx, proposal, notes.wanted_of(proposal))

    def spend(self, cx: Transaction[Any], proposal: Proposal, wanted: Wanted, now: datetime) -> None:
        """Count it into the day's budgets, or refuse; what is only a copy uses nothing of them."""
        if self.is_copy(cx, proposal):
            return
        rights_store.lock_budgets(cx, proposal.workspace_id, proposal.connection_id)
        over = self._over(cx, proposal, wanted, now)
        if over:
            raise NotAllowed(
                f"Not today: {' '.join(over)} An owner or admin can change the budget, or it waits until tomorrow."
            )
        where, day = (proposal.workspace_id, proposal.connection_id), self.kit.day(now)
        rights_store.use(cx, *where, day, wanted, standing=proposal.standing_id or "")

    def is_copy(self, cx: Transaction[Any], proposal: Proposal) -> bool:
        """Whether it only writes into a book what has happened already, under the book's own standing approval."""
        return is_copy(self.kit, cx, proposal)

    def needs_four_eyes(self, cx: Transaction[Any], proposal: Proposal, wanted: Wanted) -> bool:
        """Whether two people have to be in it."""
        budgets = rights_store.budgets_of(cx, proposal.workspace_id, proposal.connection_id)
        return not self.is_copy(cx, proposal) and needs_four_eyes(budgets, wanted)

    def warned(self, cx: Transaction[Any], proposal: Proposal, wanted: Wanted, now: datetime) -> Preview:
        """The preview, with what the day's budgets would say if it were approved now."""
        over = [] if self.is_copy(cx, proposal) else self._over(cx, proposal, wanted, now)
        preview = proposal.preview
        return msgspec.structs.replace(preview, warnings=(*preview.warnings, *over)) if over else preview

    def _over(self, cx: Transaction[Any], proposal: Proposal, wanted: Wanted, now: datetime) -> list[str]:
        workspace, connection_id = proposal.workspace_id, proposal.connection_id
        budgets = rights_store.budgets_of(cx, workspace, connection_id)
        if not budgets:
            return []
        customers = list(wanted.customers)
        used = rights_store.used_on(cx, workspace, connection_id, self.kit.day(now), customers=customers)
        return over_budget(budgets, used, wanted)

    def stopped(
        self, cx: Transaction[Any], caller: Caller, draft: Proposal, asked: Asked, rows: Sequence[Row]
    ) -> str | None:
        """None, if the call is inside its standing approval, which is held until `cx` ends; else that one stops: in a sentence, why."""
        why = self._outside(cx, caller, draft, asked, rows)
        if not why:
            return None
        reason = f"{draft.action} is outside of it: {' '.join(why)}"
        rights_store.set_standing(cx, caller.workspace_id, asked.under or "", "stopped", why=reason)
        append(cx, caller.workspace_id, [notes.stopped(caller, draft, asked.under or "", reason)])
        return f"Standing approval {asked.under} was stopped. {reason} A person has to look at it."

    def two_people(self, cx: Transaction[Any], caller: Caller, proposal: Proposal) -> None:
        """Nothing, unless four eyes are needed and who agreed to the standing approval is who asks under it."""
        if proposal.standing_id is None or not proposal.four_eyes:
            return
        standing = rights_store.standing(cx, caller.workspace_id, proposal.standing_id)
        if standing.agreed_by == caller.who:
            raise NotAllowed(
                f"{caller.name} agreed to standing approval {standing.id}, and this amount needs four eyes: ask for it without, so that "
                "somebody else approves it."
            )

    def _outside(
        self, cx: Transaction[Any], caller: Caller, draft: Proposal, asked: Asked, rows: Sequence[Row]
    ) -> list[str]:
        standing = rights_store.standing(cx, caller.workspace_id, asked.under or "", for_update=True)
        if standing.state != "open":
            raise NotAllowed(
                f"Standing approval {standing.id} is {standing.state}: a person has to look at it first."
            )
        if standing.connection_id not in {None, draft.connection_id}:
            return ["It goes to another connection."]
        day = self.kit.day(self.kit.clock())
        used = rights_store.used_on(
            cx, caller.workspace_id, draft.connection_id, day, customers=(), standing=standing.id
        )
        wanted, terms_hash = notes.wanted_of(draft, rows or None), call_hash(dict(asked.terms or {}))
        for values, moves in [(row.params, row.moves) for row in rows] or [
            (draft.params, draft.preview.moves)
        ]:
            why = outside(standing, used, wanted, values=values, terms_hash=terms_hash, largest=moves)
            if why:
                return why
        return []


def is_copy(kit: Kit, cx: Transaction[Any], proposal: Proposal) -> bool:
    """Whether a proposal only writes into a book what has happened already, under the book's own standing approval."""
    if proposal.standing_id is None:
        return False
    standing = rights_store.standing(cx, proposal.workspace_id, proposal.standing_id)
    return copies_under(standing, kit.catalogue.action(proposal.action))


def _meant(found: Sequence[Connection], action: Action, target: Target) -> Connection:
    """The one connection that is meant; `Refusal` that names the choices where it is none or several."""
    fitting = [
        each for each in found
        if target.mode in {None, each.link.mode} and target.account in {None, each.link.account, each.name, str(each.id)}
    ]  # fmt: skip
    serving = [each for each in fitting if each.status == "active"] or fitting
    if len(serving) == 1:
        return serving[0]
    choices = ", ".join(
        f"{each.name} (account={each.link.account}, mode={each.link.mode})" for each in serving or found
    )
    if not found:
        raise Refusal(
            f"{action.name} needs a connection to {action.vendor}, and there is none: run `bookhand connect {action.vendor}`."
        )
    if not serving:
        raise Refusal(
            f"No connection fits account={target.account} and mode={target.mode}; there are {choices}."
        )
    raise Refusal(
        f"{action.name} could go to several accounts: say which by account and mode; there are {choices}."
    )
