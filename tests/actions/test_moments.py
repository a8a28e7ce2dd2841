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
from bookhand.core.problems import Outage, Refusal, UnknownOutcome
from bookhand.systems import store as connections

REFUND = "refunds.create"


class Interrupted:
    """A performer with something happening just before it reads or sends: `at` is the method, once."""

    def __init__(self, performer: Any) -> None:
        self._performer = performer
        self._next: dict[str, list[Callable[[], None]]] = {"fetch": [], "send": [], "look_up": []}
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
        self._happen("look_up")
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


def test_a_right_taken_back_while_it_is_looked_at_once_more_stops_the_call(
    door, shop, moment, revoke
) -> None:
    charge, proposal = _asked(door, shop)
    _yes(door, proposal)
    moment.before("fetch", revoke)
    assert door.calls.perform(proposal.proposal_id).state == "void"
    assert shop.refunds(charge) == []


def test_a_right_taken_back_in_the_middle_of_a_batch_stops_the_rest(door, shop, moment, revoke) -> None:
    rows = [{"charge": shop.charge(), "amount": 100} for _ in range(40)]
    batch = door.propose_batch(OPERATOR, REFUND, rows, "Recall")
    _yes(door, batch)
    moment.before("send", revoke)
    ended = door.batches.perform(batch.proposal_id)
    assert ended["done"] < 20, ended  # what was at the other side already, by one of eight threads
    assert ended["done"] + ended["void"] == 40


# --- the account goes away ---


@pytest.fixture
def away(db, connected) -> Callable[[], None]:
    def now() -> None:
        with db.transaction() as cx:
            connections.set_status(cx, connected.id, "disconnected", reason="gone")

    return now


@pytest.fixture
def back(db, connected) -> Callable[[], None]:
    def now() -> None:
        with db.transaction() as cx:
            connections.set_status(cx, connected.id, "active")

    return now


@pytest.mark.parametrize("at", ["fetch", "send"])
def test_what_was_approved_outlives_an_account_that_goes_away_at_the_last_moment(
    door, shop, moment, away, back, at
) -> None:
    charge, proposal = _asked(door, shop)
    _yes(door, proposal)
    moment.before(at, away)
    with pytest.raises(Refusal, match="disconnected: gone"):
        door.calls.perform(proposal.proposal_id)
    back()
    assert door.calls.perform(proposal.proposal_id).state == "done"
    assert len(shop.refunds(charge)) == 1


def test_a_batch_goes_on_after_its_account_went_away_in_the_middle(door, shop, moment, away, back) -> None:
    rows = [{"charge": shop.charge(), "amount": 100} for _ in range(30)]
    batch = door.propose_batch(OPERATOR, REFUND, rows, "Recall")
    _yes(door, batch)
    moment.before("send", away)
    with pytest.raises(Refusal, match="disconnected: gone"):
        door.batches.perform(batch.proposal_id)
    back()
    assert door.batches.perform(batch.proposal_id) == {"done": 30}
    assert [len(shop.refunds(row["charge"])) for row in rows] == [1] * 30


def test_a_call_of_a_batch_that_was_sent_did_not_fail_because_it_may_not_be_looked_up(
    door, shop, moment, engine
) -> None:
    rows = [{"charge": shop.charge(), "amount": 100} for _ in range(2)]
    batch = door.propose_batch(OPERATOR, REFUND, rows, "Recall")
    _yes(door, batch)
    engine.faults.add("cut_after", method="POST", path="/v1/refunds")
    with pytest.raises(UnknownOutcome):
        door.batches.perform(batch.proposal_id)

    def refuse() -> None:
        raise Refusal("There is no key for this account.")

    moment.before("look_up", refuse)
    with pytest.raises(Refusal, match="no key"):
        door.batches.perform(batch.proposal_id)
    assert door.batches.perform(batch.proposal_id) == {"done": 2}
    assert [len(shop.refunds(row["charge"])) for row in rows] == [1, 1]


# --- a worker that slept ---


def test_a_worker_that_slept_beyond_its_claim_sends_nothing(door, shop, clock, moment) -> None:
    charge, proposal = _asked(door, shop)
    _yes(door, proposal)
    sent: list[int] = []
    moment.before("send", lambda: sent.append(1))

    def sleep(_cx: Any) -> None:
        clock.ahead += timedelta(seconds=60)

    with pytest.raises(Outage, match="came too late"):
        door.calls.perform(proposal.proposal_id, fence=sleep)
    assert sent == []
    assert door.calls.perform(proposal.proposal_id).state == "done"
    assert len(shop.refunds(charge)) == 1


# --- rows that were changed ---


@pytest.mark.parametrize(
    "forgery",
    [
        "key = key || 'x'",
        "api_version = '2020-08-27'",
        "call_id = call_id || 'x'",
        "action = 'refunds.cancel'",
    ],
)
def test_a_changed_call_is_not_sent(door, shop, db, forgery) -> None:
    charge, proposal = _asked(door, shop)
    _yes(door, proposal)
    rows = [{"charge": shop.charge(), "amount": 100} for _ in range(2)]
    batch = door.propose_batch(OPERATOR, REFUND, rows, "Recall")
    _yes(door, batch)
    with psycopg.connect(db.url) as cx:
        cx.execute(f"update call set {forgery} where row_no = 0")
    assert door.calls.perform(proposal.proposal_id).state == "void"
    assert door.batches.perform(batch.proposal_id) == {"done": 1, "void": 1}
    assert shop.refunds(charge) == shop.refunds(rows[0]["charge"]) == []
