"""What the commands over the door share: who asks, parameters as they are typed, and doing what was approved where nobody else does it.

>>> given(["charge=ch_1", "amount=1500", "metadata.order=A7", "expand=[1, 2]"])
{'charge': 'ch_1', 'amount': 1500, 'metadata': {'order': 'A7'}, 'expand': [1, 2]}
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from bookhand import wiring
from bookhand.actions import store
from bookhand.actions.call_workflow import Doubt
from bookhand.cli.app import read_settings
from bookhand.cli.people_commands import caller_of
from bookhand.core.problems import Outage, Refusal
from bookhand.runs import store as runs
from bookhand.workspace.heartbeat_store import age_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from bookhand.actions.proposal import Proposal
    from bookhand.actions.workflow import Door
    from bookhand.core.caller import Caller
    from bookhand.house import House

WAIT_SECONDS = 60.0
_ALIVE_SECONDS = 30.0
_LOOK_SECONDS = 0.1
_REST_SECONDS = 1.0


class Desk(NamedTuple):
    """A house, and who asks in it."""

    house: House
    caller: Caller

    @property
    def door(self) -> Door:
        """The one door."""
        return self.house.door

    def proposal(self, proposal_id: str) -> Proposal:
        """A proposal, for who may read."""
        self.caller.need("read")
        with self.house.db.transaction() as cx:
            return store.proposal(cx, self.caller.workspace_id, proposal_id)

    def connection_id(self, name: str | None) -> int | None:
        """The number of the connection of that name; None for every one."""
        return None if name is None else self.house.named(name).id


@contextmanager
def desk() -> Iterator[Desk]:
    """Open the house, and find out who is there."""
    with wiring.open_house(read_settings()) as house:
        yield Desk(house, caller_of(house))


def given(words: Iterable[str]) -> dict[str, Any]:
    """``name=value`` words as parameters: a value is JSON where it can be, else text; ``a.b=c`` is nested."""
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        parts = name.split(".")
        if not equals or not all(parts):
            raise Refusal(
                f"{word.partition('=')[0][:40]!r} is no parameter: write name=value, as in amount=1500."
            )
        place = found
        for part in parts[:-1]:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise Refusal(f"{name} is both a value and holds others: give one of the two.")
        place[parts[-1]] = _value(value)
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


# --- what was approved ---


def outcome(desk: Desk, proposal_id: str, *, tell: Callable[[str], None]) -> Proposal:
    """What became of an approved proposal: a worker does it, or, where none is alive, this process; after a minute it goes on without us."""
    if _is_worked(desk.house):
        return _watched(desk, proposal_id)
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            _perform(desk, proposal_id)
        except Doubt:
            return desk.proposal(proposal_id)
        except Outage as error:
            if time.monotonic() > until:
                return desk.proposal(proposal_id)
            tell(f"{error} Looking again …")
            time.sleep(min(error.retry_after_seconds or _REST_SECONDS, 10.0))
        else:
            return desk.proposal(proposal_id)


def _perform(desk: Desk, proposal_id: str) -> None:
    if desk.proposal(proposal_id).size > 1:
        desk.door.batches.perform(proposal_id)
    else:
        desk.door.calls.perform(proposal_id)


def _is_worked(house: House) -> bool:
    with house.db.transaction() as cx:
        age = age_seconds(cx, "worker")
    return age is not None and age < _ALIVE_SECONDS


def _watched(desk: Desk, proposal_id: str) -> Proposal:
    until = time.monotonic() + WAIT_SECONDS
    found = desk.proposal(proposal_id)
    while found.state == "approved" and not held(desk, found) and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
        found = desk.proposal(proposal_id)
    return found


def held(desk: Desk, proposal: Proposal) -> str | None:
    """Why the run that is to do it stands, in a sentence; None where it goes on."""
    if proposal.run_id is None:
        return None
    with desk.house.db.transaction() as cx:
        run = runs.get(cx, proposal.run_id)
    if run.state not in {"paused", "parked", "cancelled", "failed"}:
        return None
    return f"Its run {run.id} is {run.state}{f': {run.reason}' if run.reason else ''}."
