"""What happens between two statements: rights taken back, accounts lost, claims that ran out, runs that ended, two at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from tests.actions.conftest import APPROVER, OPERATOR, OWNER

from bookhand.actions import rights_store
from bookhand.actions.workflow import Door
from bookhand.core.caller import NotAllowed

REFUND = "refunds.create"


class Interrupted:
    """A performer with something happening just before it reads or sends: `at` is the method, once."""

    def __init__(self, performer: Any) -> None:
        self._performer = performer
        self._next: dict[str, list[Callable[[], None]]] = {"fetch": [], "send": []}
        self._lock = threading.Lock()

    def before(self, method: str, what: Callable[[], None]) -> None:
        self._next[method].append(what)

    def _happen(self, method: str) -> None:
        with self._lock:
            what = self._next[method].pop() if self._next[method] else None
        if what:
            what()

    def fetch(self, *given: Any, **named: Any) -> Any:
        self._happen("fetch")
        return self._performer.fetch(*given, **named)

    def send(self, *given: Any, **named: Any) -> Any:
        self._happen("send")
        return self._performer.send(*given, **named)

    def read(self, *given: Any, **named: Any) -> Any:
        return self._performer.read(*given, **named)

    def look_up(self, *given: Any, **named: Any) -> Any:
        return self._performer.look_up(*given, **named)


@pytest.fixture
def moment(kit, performer) -> Interrupted:
    made = Interrupted(performer)
    kit.performers = {"stripe": made}
    return made


@pytest.fixture
def revoke(db) -> Callable[[], None]:
    def now() -> None:
        with db.transaction() as cx:
            rights_store.revoke_now(cx, OWNER, connection_id=None, grantee="*", pattern=REFUND, why="Stop.")

    return now


def _asked(door: Door, shop, amount=1500, by=OPERATOR):
    charge = shop.charge()
    return charge, door.propose(by, REFUND, {"charge": charge, "amount": amount}, "Charged twice")


def _yes(door: Door, proposal, by=APPROVER):
    return door.approve(by, proposal.proposal_id, proposal.call_hash)


# --- rights ---


def test_a_right_taken_back_while_the_preview_is_made_is_not_there_any_more(
    door, shop, moment, revoke
) -> None:
    moment.before("fetch", revoke)
    with pytest.raises(NotAllowed, match=r"Stop\."):
        _yes(door, _asked(door, shop)[1])
