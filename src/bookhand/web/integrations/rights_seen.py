"""Who may do what at a connection, as a table: each action with how it stands for one grantee, and by which permission. Pure.

A read is allowed or refused. A write that is allowed asks a person first; under an open standing approval it passes without asking.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Literal

import msgspec

from bookhand.actions.rights.policy import DEFAULT_GRANTS, EVERYONE, Grant, deciding, matches
from bookhand.core.action import Action, Risk

State = Literal["allowed", "asks", "passes", "refused"]


class Right(msgspec.Struct, frozen=True, kw_only=True):
    """One action for one grantee: how it stands, and the permission that says so (None: none speaks of it)."""

    action: str
    summary: str
    risk: Risk
    state: State
    by: Grant | None
    is_default: bool
    """Whether it stands so without anybody's word."""

    @property
    def is_allowed(self) -> bool:
        """Whether it may be done at all."""
        return self.state != "refused"


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """The actions on one kind of object."""

    name: str
    rights: tuple[Right, ...]

    @property
    def allowed(self) -> int:
        """How many of them may be done."""
        return sum(right.is_allowed for right in self.rights)


def resources(
    actions: Iterable[Action],
    grants: Sequence[Grant],
    standings: Sequence[Mapping[str, Any]],
    *,
    grantee: str,
) -> list[Resource]:
    """Every action by its resource; what writes comes first within one."""
    ordered = sorted(actions, key=lambda each: (each.resource, each.risk == "read", each.name))
    return [
        Resource(name=name, rights=tuple(_right(each, grants, standings, grantee) for each in found))
        for name, found in groupby(ordered, key=lambda each: each.resource)
    ]


def _right(
    action: Action, grants: Sequence[Grant], standings: Sequence[Mapping[str, Any]], grantee: str
) -> Right:
    reads = action.risk == "read"
    by = deciding(grants, grantee=grantee, action=action.name, reads=reads)
    return Right(
        action=action.name, summary=action.summary, risk=action.risk, by=by, is_default=by is None or by in DEFAULT_GRANTS,
        state=_state(action, standings, grantee, allowed=by is not None and by.allowed),
    )  # fmt: skip


def _state(action: Action, standings: Sequence[Mapping[str, Any]], grantee: str, *, allowed: bool) -> State:
    if not allowed:
        return "refused"
    if action.risk == "read":
        return "allowed"
    passes = any(
        each["state"] == "open"
        and each["grantee"] in {grantee, EVERYONE}
        and any(matches(pattern, action.name, reads=False) for pattern in each["patterns"])
        for each in standings
    )
    return "passes" if passes else "asks"


def changes(found: Sequence[Resource], wanted: Mapping[str, bool]) -> list[tuple[str, bool]]:
    """The actions that are to stand otherwise than they do, with what is wanted; what is not named stays."""
    return [
        (right.action, wanted[right.action])
        for resource in found
        for right in resource.rights
        if right.action in wanted and wanted[right.action] != right.is_allowed
    ]
