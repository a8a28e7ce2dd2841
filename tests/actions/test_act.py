"""What was approved is done by a run: at once, once, and after a doubt when a person has spoken."""

from __future__ import annotations

import time

import pytest
from tests.actions.conftest import APPROVER, OPERATOR

from bookhand.actions import call_store, store
from bookhand.actions.act_workflow import DoorRuns, act_template
from bookhand.actions.workflow import Door
from bookhand.runs import store as runs
from bookhand.runs.workflow import Engine
from bookhand.systems import store as connections
from bookhand.workspace.trail_store import search, verify_all


@pytest.fixture
def worked(kit):
    """The door with an engine in this process."""
    door = Door(kit)
    engine = Engine(kit.db, [act_template(door)])
    kit.runs = DoorRuns(nudge=engine.nudge)
    engine.launch(work=True)
    yield door
    engine.close()


def _until(db, proposal, *states, seconds=15.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with db.transaction() as cx:
            found = store.proposal(cx, 1, proposal.proposal_id)
        if found.state in states:
            return found
        time.sleep(0.02)
    raise AssertionError(f"It is {found.state}: {found.state_why}")


def _until_run(db, proposal, *states, seconds=15.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with db.transaction() as cx:
            run = runs.get(cx, proposal.run_id)
        if run.state in states:
            return run
        time.sleep(0.02)
    raise AssertionError(f"The run is {run.state}: {run.reason}")


def _approved(door, shop, amount=1500):
    charge = shop.charge()
    proposal = door.propose(OPERATOR, "refunds.create", {"charge": charge, "amount": amount}, "Charged twice")
    return charge, door.approve(APPROVER, proposal.proposal_id, proposal.call_hash)


def test_what_is_approved_is_done_by_a_run_of_its_own(worked, shop, db) -> None:
    charge, proposal = _approved(worked, shop)
    assert proposal.run_id
    _until(db, proposal, "done")
    assert [refund.amount for refund in shop.refunds(charge)] == [1500]
    assert _until_run(db, proposal, "done").result["state"] == "done"
    with db.transaction() as cx:
        assert verify_all(cx, 1).findings == ()
        assert [entry.said()["what"] for entry in reversed(search(cx, 1, proposal=proposal.proposal_id))] == [
            "proposal.made", "proposal.approved", "call.sending", "call.done",
        ]  # fmt: skip


@pytest.mark.parametrize("fault", ["cut_after", "cut_before", "500", "429"])
def test_a_run_comes_back_after_a_lost_answer(worked, shop, db, engine, fault) -> None:
    engine.faults.add(fault, method="POST", path="/v1/refunds")
    charge, proposal = _approved(worked, shop)
    _until(db, proposal, "done")
    assert len(shop.refunds(charge)) == 1


def test_a_doubt_lets_the_run_wait_until_a_person_speaks(
    worked, shop, db, engine, secrets, connected
) -> None:
    worked.kit.settle_seconds = 1.5
    engine.faults.add("cut_after", method="POST", path="/v1/refunds")
    charge, proposal = _approved(worked, shop)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with db.transaction() as cx:
            call = call_store.call(cx, 1, proposal.proposal_id)
            if call is not None and call.state == "unknown":  # now its key may not look any more
                blind = engine.ring.restricted(connected.link.account, {"customer": "read"})
                secrets.put(cx, connected.link, "key", blind)
                break
        time.sleep(0.01)
    _until(db, proposal, "unknown")
    _until_run(db, proposal, "waiting")
    worked.settle(APPROVER, proposal.proposal_id, done=True, note="It is in the dashboard.")
    _until(db, proposal, "done")
    _until_run(db, proposal, "done")
    assert len(shop.refunds(charge)) == 1


def test_a_disconnected_account_pauses_the_run_and_reconnecting_resumes_it(
    worked, shop, db, connected
) -> None:
    charge = shop.charge()
    asked = worked.propose(OPERATOR, "refunds.create", {"charge": charge, "amount": 700}, "why")
    with db.transaction() as cx:
        connections.set_status(cx, connected.id, "disconnected", reason="gone")
    proposal = worked.approve(APPROVER, asked.proposal_id, asked.call_hash)
    assert _until_run(db, proposal, "paused").reason == "Integration disconnected"
    assert shop.refunds(charge) == []
    with db.transaction() as cx:
        connections.set_status(cx, connected.id, "active")
    _until(db, proposal, "done")
    assert len(shop.refunds(charge)) == 1


def test_a_batch_with_doubts_goes_on_once_a_person_has_answered_all(
    worked, shop, db, engine, secrets, connected
) -> None:
    rows = [{"charge": shop.charge(), "amount": 100} for _ in range(4)]
    asked = worked.propose_batch(OPERATOR, "refunds.create", rows, "Recall")
    engine.faults.add("cut_after", method="POST", path="/v1/refunds", times=2)
    worked.kit.settle_seconds = 1.5
    with db.transaction() as cx:
        key = secrets.get(cx, connected.link, "key")
    batch = worked.approve(APPROVER, asked.proposal_id, asked.call_hash)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with db.transaction() as cx:
            if call_store.tally(cx, 1, batch.proposal_id).get("unknown") == 2:
                blind = engine.ring.restricted(connected.link.account, {"customer": "read"})
                secrets.put(cx, connected.link, "key", blind)
                break
        time.sleep(0.01)
    _until(db, batch, "unknown")
    _until_run(db, batch, "waiting")
    with db.transaction() as cx:
        secrets.put(cx, connected.link, "key", key)
        lost = [call.row_no for call in call_store.calls(cx, 1, batch.proposal_id) if call.state == "unknown"]
    for number in lost:
        worked.settle(APPROVER, batch.proposal_id, done=True, note="It is in the dashboard.", row_no=number)
    _until(db, batch, "done")
    _until_run(db, batch, "done")
    assert [len(shop.refunds(row["charge"])) for row in rows] == [1] * 4
