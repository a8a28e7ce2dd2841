"""A run: one execution of a template, its state and what may follow it. Pure.

>>> may_move("waiting", "queued"), may_move("done", "queued")
(True, False)
>>> told_of(("ask", "send"), ["ask"])["says"]
'1 of 2 steps was done: ask. Not done: send.'
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal, get_args

import msgspec

from bookhand.core.caller import Channel, Role

State = Literal["queued", "running", "waiting", "paused", "parked", "done", "failed", "cancelled"]
Held = Literal["person", "disconnect"]
STATES: tuple[State, ...] = get_args(State)

DISCONNECTED = "Integration disconnected"
"""The reason, in these words, of a run that stands before a step whose connection is lost."""
OUTAGE = "outage"
"""What a run waits for while the other side is down; topics of people never have this name."""
GIVE_UP_DAYS = 14

# A run that is paused during its last step is done, or failed, with it.
_MOVES: dict[State, tuple[State, ...]] = {
    "queued": ("running", "paused", "parked", "cancelled"),
    "running": ("running", "queued", "waiting", "paused", "parked", "done", "failed", "cancelled"),
    "waiting": ("queued", "running", "paused", "parked", "cancelled"),
    "paused": ("queued", "paused", "done", "failed", "cancelled"),
    "parked": ("queued", "cancelled"),
    "done": (),
    "failed": (),
    "cancelled": (),
}
ENDED: frozenset[State] = frozenset(state for state, after in _MOVES.items() if not after)
WHAT: dict[State, str] = {
    "queued": "will go on as soon as a worker is free",
    "running": "is at work",
    "waiting": "waits, for a person or for the other side",
    "paused": "stands still until it is resumed",
    "parked": "cannot go on by itself; a person looks at the reason and resumes or cancels it",
    "done": "did all it should",
    "failed": "was refused",
    "cancelled": "was stopped before its end",
}


def may_move(before: State, after: State) -> bool:
    """Whether a run in state `before` may become `after`."""
    return after in _MOVES[before]


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """In whose name a run acts."""

    who: str
    name: str
    role: Role
    agent: str | None = None

    @property
    def grantee(self) -> str:
        """Whose permissions count: the agent's where one acts, else the person's."""
        return f"agent:{self.agent}" if self.agent else self.who


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table ``run``. `rights` are those of the moment it was started."""

    workspace_id: int
    id: str
    template: str
    state: State
    epoch: int
    owner: Owner
    channel: Channel
    rights: dict[str, Any]
    inputs: dict[str, Any]
    prompt: str | None
    connection_id: int | None
    reason: str | None
    held_by: Held | None
    held_at: datetime | None
    waits_for: str | None
    wait_until: datetime | None
    result: dict[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a run's timeline. A step that is declared and not done has no times."""

    name: str
    state: Literal["done", "refused", "not done"]
    says: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    output: Any = None
    error: str | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at before a step: the run's state and epoch, and the connection's name and status where it has one."""

    state: State
    epoch: int
    connection: str | None = None
    status: str | None = None


Verdict = Literal["go", "leave", "disconnected", "taken over"]


def verdict(found: Standing | None, *, epoch: int, needs_connection: bool) -> Verdict:
    """Whether the execution that began with `epoch` may do its next step."""
    if found is None or found.epoch != epoch:
        return "taken over"
    if found.state not in {"queued", "running"}:
        return "leave"
    if needs_connection and found.status not in {None, "active"}:
        return "disconnected"
    return "go"


def told_of(declared: Sequence[str], done: Collection[str]) -> dict[str, Any]:
    """What was and was not done, by the recorded and the declared steps; `says` is fit for a person."""
    names = {name.partition(":")[0] for name in done}
    did = [name for name in declared if name in names]
    left = [name for name in declared if name not in names]
    verb = "was" if len(did) == 1 else "were"
    says = f"{len(did)} of {len(declared)} steps {verb} done{': ' + ', '.join(did) if did else ''}."
    if left:
        says += f" Not done: {', '.join(left)}."
    return {"done": did, "not_done": left, "says": says}


_FIRST_SECONDS, _LONGEST_SECONDS = 0.2, 5.0
_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 15.0, 900.0


def rest_seconds(attempt: int, *, chance: float, asked: float | None = None) -> float:
    """How long to rest after failed `attempt` (from 0) of a step; `chance` in 0..1 spreads it, `asked` is the other side's wish."""
    longest = min(_FIRST_SECONDS * 2.0**attempt, _LONGEST_SECONDS)
    return max(longest * (0.5 + chance / 2), min(asked or 0.0, _LONGEST_SECONDS))


def outage_seconds(outages: int, *, chance: float) -> float:
    """How long a run waits, out of memory, after its step met the `outages`-th outage in a row (from 1)."""
    return min(_WAIT_SECONDS * 2.0 ** min(outages - 1, 10), _LONGEST_WAIT_SECONDS) * (0.75 + chance / 4)
