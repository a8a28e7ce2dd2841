"""Who asks: a person (or an agent in a person's name), with what the role and the token allow, and the channel it came by.

A role gives capabilities; a token's scopes can only narrow them. What an agent or a person may do at an outside system is
narrowed further by permissions (an allowlist of actions, `actions/policy`).

>>> sorted(capabilities("operator"))
['propose', 'read']
>>> sorted(capabilities("owner", scopes=("read", "approve")))
['approve', 'read']
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

import msgspec

from bookhand.core.problems import Refusal

Role = Literal["owner", "admin", "approver", "operator", "viewer", "auditor"]
Capability = Literal["read", "propose", "approve", "audit", "manage", "people", "own"]
Channel = Literal["cli", "rest", "web", "chat", "mcp", "slack", "workflow"]

MIRROR = "mirror"
"""Which agent writes into books what has happened, under the standing approval of the book that a person agreed to."""
ROLES: tuple[Role, ...] = get_args(Role)
CAPABILITIES: tuple[Capability, ...] = get_args(Capability)

WHAT: dict[Capability, str] = {
    "read": "see books, runs and proposals, and read at the connected systems",
    "propose": "ask for something to be done, and start runs",
    "approve": "say yes or no to what was asked for",
    "audit": "read, verify and export the trail",
    "manage": "change permissions, budgets, standing approvals, periods and connections, and stop runs",
    "people": "invite people, change their roles, end their sessions",
    "own": "make and unmake owners",
}
"""Capability to what it lets a person do, in words."""

_OF: dict[Role, frozenset[Capability]] = {
    "owner": frozenset(CAPABILITIES),
    "admin": frozenset({"read", "propose", "approve", "audit", "manage", "people"}),
    "approver": frozenset({"read", "propose", "approve"}),
    "operator": frozenset({"read", "propose"}),
    "viewer": frozenset({"read"}),
    "auditor": frozenset({"read", "audit"}),
}


def capabilities(role: Role, *, scopes: Iterable[str] | None = None) -> frozenset[Capability]:
    """What `role` may do; with `scopes` (of a token), no more than those."""
    found = _OF[role]
    return found if scopes is None else found & frozenset(scopes)


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. `who` is stable (``person:3``); `agent` names the agent that acts in the person's name (``chat``)."""

    workspace_id: int
    who: str
    name: str
    role: Role
    can: frozenset[Capability]
    channel: Channel
    agent: str | None = None
    token: int | None = None
    """The API token that spoke, where one did."""

    @property
    def grantee(self) -> str:
        """Whose permissions and budgets count: the agent's where one acts, else the person's."""
        return f"agent:{self.agent}" if self.agent else self.who

    def need(self, capability: Capability) -> None:
        """`Refusal` (`NotAllowed`) unless this caller has `capability`."""
        if capability not in self.can:
            by = f"the token of {self.name}" if self.token is not None else f"{self.name} ({self.role})"
            raise NotAllowed(f"{by} may not {WHAT[capability]}: an owner or admin can change the role.")


class NotAllowed(Refusal):
    """The caller may not: another person, or a change of role, permission or budget, is needed."""
