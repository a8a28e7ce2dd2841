"""Who may do what: permissions, revoke now, budgets and standing approvals, each change in one transaction with its entry of the trail.

    governing = Governing(kit)
    governing.permit(caller, connection_id=None, grantee="agent:chat", pattern="refunds.create", allowed=True)
    governing.revoke_now(caller, connection_id=None, grantee="agent:chat", pattern="refunds.create", why="It went wrong")

Errors: `NotAllowed` where the role does not manage (or approve), `Missing` where there is no such thing, `Refusal` for what cannot be.
"""

from __future__ import annotations

import difflib
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from bookhand.actions.kit import Kit
from bookhand.actions.proposal import call_hash
from bookhand.actions.rights import rights_store
from bookhand.actions.rights.policy import EVERYONE, Budget, Standing, checked_grantee, checked_pattern
from bookhand.actions.rights.rights_store import Permission
from bookhand.core.caller import Caller, NotAllowed
from bookhand.core.money import EXPONENTS
from bookhand.core.problems import Missing, Refusal
from bookhand.systems import store as connections
from bookhand.workspace.trail import Note
from bookhand.workspace.trail_store import append

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

StandingState = Literal["open", "stopped", "ended"]


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a new standing approval says; amounts are in minor units of `currency`."""

    grantee: str
    patterns: tuple[str, ...]
    connection_id: int | None = None
    terms: Mapping[str, Any] = {}
    only: Mapping[str, tuple[Any, ...]] = {}
    currency: str | None = None
    call_minor: int | None = None
    day_minor: int | None = None
    day_count: int | None = None
    expires_at: datetime | None = None


class Governing:
    """See the module's docstring."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit

    # --- permissions ---

    def permissions(self, caller: Caller) -> list[Permission]:
        """Everything that was allowed or forbidden, and the defaults."""
        caller.need("read")
        with self.kit.db.transaction() as cx:
            return rights_store.permissions(cx, caller.workspace_id)

    def permit(
        self, caller: Caller, *, connection_id: int | None, grantee: str, pattern: str, allowed: bool
    ) -> None:
        """Allow or forbid from now on; runs under way keep what they began with."""
        _person(caller)
        self._known(grantee, pattern)
        with self.kit.db.transaction() as cx:
            _there(cx, connection_id)
            rights_store.grant(
                cx, caller, connection_id=connection_id, grantee=grantee, pattern=pattern, allowed=allowed
            )
            what = "permission.allowed" if allowed else "permission.forbidden"
            self._note(cx, caller, what, pattern, connection_id=connection_id, details={"grantee": grantee})

    def revoke_now(
        self, caller: Caller, *, connection_id: int | None, grantee: str, pattern: str, why: str
    ) -> int:
        """Forbid at once, also for what is under way: nothing more of it is sent; how many runs were stopped.

        Runs of `grantee` are stopped before their next step; everybody's are where everything (``*``) is taken back. Other runs meet it at
        the door, when they come to what they may not do any more.
        """
        caller.need("manage")
        self._known(grantee, pattern)
        if not why.strip():
            raise Refusal("Say why the right is taken back: it stays in the trail.")
        with self.kit.db.transaction() as cx:
            _there(cx, connection_id)
            rights_store.revoke_now(
                cx,
                caller,
                connection_id=connection_id,
                grantee=grantee,
                pattern=pattern,
                why=why,
                reads=self._reads,
            )
            reason = f"{caller.name} took back the right to {pattern}: {why}"
            stopped = 0
            if grantee != EVERYONE or pattern == EVERYONE:
                stopped = self.kit.runs.stop(cx, grantee=grantee, connection_id=connection_id, reason=reason)
            details = {"grantee": grantee, "runs_stopped": stopped}
            self._note(
                cx,
                caller,
                "permission.revoked",
                pattern,
                connection_id=connection_id,
                details=details,
                why=why,
            )
        self.kit.runs.nudge()
        return stopped

    # --- budgets ---

    def budgets(self, caller: Caller) -> list[tuple[int | None, Budget]]:
        """The limits in force, each with its connection (None: every one)."""
        caller.need("read")
        with self.kit.db.transaction() as cx:
            return rights_store.every_budget(cx, caller.workspace_id)

    def set_budget(self, caller: Caller, *, connection_id: int | None, budget: Budget) -> int:
        """Set a limit; its number."""
        _person(caller)
        self._known(budget.grantee, budget.pattern)
        _currency(budget.currency)
        with self.kit.db.transaction() as cx:
            _there(cx, connection_id)
            number = rights_store.add_budget(cx, caller, connection_id=connection_id, budget=budget)
            said = {
                name: value for name, value in msgspec.to_builtins(budget).items() if value is not None
            } | {"id": number}
            self._note(cx, caller, "budget.set", str(number), connection_id=connection_id, details=said)
        return number

    def end_budget(self, caller: Caller, number: int) -> None:
        """Take a limit away."""
        _person(caller)
        with self.kit.db.transaction() as cx:
            rights_store.end_budget(cx, caller, number)
            self._note(cx, caller, "budget.ended", str(number), connection_id=None, details={})

    # --- standing approvals ---

    def standings(self, caller: Caller) -> list[Mapping[str, Any]]:
        """Every standing approval, newest first."""
        caller.need("read")
        with self.kit.db.transaction() as cx:
            return rights_store.standings(cx, caller.workspace_id)

    def standing(self, caller: Caller, standing_id: str) -> Mapping[str, Any]:
        """One of them; `Missing` where there is none."""
        found = next((each for each in self.standings(caller) if each["id"] == standing_id), None)
        if found is None:
            raise Missing(f"There is no standing approval {standing_id}.")
        return found

    def agree(self, caller: Caller, terms: Terms, why: str) -> str:
        """Approve a configuration once: calls inside it pass without asking; its id."""
        caller.need("approve")
        if not why.strip():
            raise Refusal("Say why it is approved: it stays in the trail.")
        if not terms.patterns:
            raise Refusal("A standing approval names at least one action.")
        for pattern in terms.patterns:
            self._known(terms.grantee, pattern)
        _currency(terms.currency)
        if (terms.call_minor is not None or terms.day_minor is not None) and not terms.currency:
            raise Refusal("A standing approval with amounts needs the currency they are in.")
        made = _standing(caller, terms)
        with self.kit.db.transaction() as cx:
            if terms.connection_id is not None:
                _there(cx, terms.connection_id)
            rights_store.agree(cx, caller, made, why=why, expires_at=terms.expires_at)
            said = {"grantee": made.grantee, "patterns": list(made.patterns), "terms_hash": made.terms_hash}
            self._note(
                cx,
                caller,
                "standing.agreed",
                made.id,
                connection_id=made.connection_id,
                details=said,
                why=why,
            )
        return made.id

    def set_standing(self, caller: Caller, standing_id: str, state: StandingState, why: str) -> None:
        """Open a stopped one again, stop it, or end it for good."""
        caller.need("approve" if state == "open" else "manage" if "manage" in caller.can else "approve")
        if caller.agent and state == "open":
            raise NotAllowed("An agent cannot open a standing approval: a person has to.")
        if not why.strip():
            raise Refusal("Say why: it stays in the trail.")
        with self.kit.db.transaction() as cx:
            rights_store.standing(cx, caller.workspace_id, standing_id, for_update=True)
            rights_store.set_standing(cx, caller.workspace_id, standing_id, state, why=why)
            named = {"open": "opened", "stopped": "stopped", "ended": "ended"}[state]
            self._note(cx, caller, f"standing.{named}", standing_id, connection_id=None, details={}, why=why)

    # --- what they share ---

    def _reads(self, pattern: str) -> bool | None:
        """Whether an action only reads; None where `pattern` is no action of the catalogue."""
        action = self.kit.catalogue.actions.get(pattern)
        return None if action is None else action.risk == "read"

    def _known(self, grantee: str, pattern: str) -> None:
        """`Refusal` where nobody is named so, or no action of the catalogue fits the pattern."""
        checked_grantee(grantee)
        if pattern == EVERYONE:
            return
        checked_pattern(pattern)
        actions = self.kit.catalogue.actions
        resource, _, way = pattern.partition(":")
        resources = {each.resource for each in actions.values()} | {EVERYONE}
        if (resource in resources) if way else (pattern in actions):
            return
        known: Sequence[str] = sorted(resources) if way else list(actions)
        near = difflib.get_close_matches(resource if way else pattern, known, n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else "`bookhand actions` lists what there is."
        raise Refusal(f"Nothing in the catalogue is called {resource if way else pattern}. {hint}")

    def _note(
        self, cx: Transaction[Any], caller: Caller, what: str, subject: str, *, connection_id: int | None,
        details: Mapping[str, Any], why: str | None = None,
    ) -> None:  # fmt: skip
        note = Note(
            who=caller.who, name=caller.name, agent=caller.agent, channel=caller.channel, what=what, subject=subject, why=why,
            connection=connection_id, details=details,
        )  # fmt: skip
        append(cx, caller.workspace_id, [note])


def _standing(caller: Caller, terms: Terms) -> Standing:
    return Standing(
        id=f"stand_{uuid.uuid4().hex}", connection_id=terms.connection_id, grantee=terms.grantee, patterns=terms.patterns,
        terms=terms.terms, terms_hash=call_hash(dict(terms.terms)), only=terms.only, currency=terms.currency,
        call_minor=terms.call_minor, day_minor=terms.day_minor, day_count=terms.day_count, agreed_by=caller.who,
        agreed_name=caller.name,
    )  # fmt: skip


def _person(caller: Caller) -> None:
    caller.need("manage")
    if caller.agent:
        raise NotAllowed(
            "An agent cannot change permissions or budgets, its own least of all: a person has to."
        )


def _there(cx: Transaction[Any], connection_id: int | None) -> None:
    if connection_id is not None:
        connections.get(cx, connection_id)


def _currency(code: str | None) -> None:
    if code is not None and code.upper() not in EXPONENTS:
        raise Refusal(f"{code[:20]!r} is no currency that Stripe has: write it as in USD.")
