"""What was approved is done by a run: at once, once, and after a doubt when a person has spoken."""

from __future__ import annotations

import time

import msgspec
import pytest
from tests.actions.conftest import APPROVER, OPERATOR

from bookhand.actions import call_store, store
from bookhand.actions.act_workflow import DoorRuns, act_template, ask_template, rights_now
from bookhand.actions.workflow import Door
from bookhand.runs import store as runs
from bookhand.runs.workflow import Engine
from bookhand.systems import store as connections
from bookhand.workspace.trail_store import search, verify_all


@pytest.fixture
def worked(kit):
    """The door with an engine in this process."""
    door = Door(kit)

    def owner_now(cx, schedule):
        return OPERATOR, msgspec.to_builtins(rights_now(cx, 1, schedule.connection_id, kit.clock()))

    engine = Engine(kit.db, [act_template(door), ask_template(door)], caller_of=owner_now)
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


def _started(worked, shop, db, amount=700) -> tuple[str, str, object]:
    """A run that asks for a refund: its charge, its id, and what it asked for."""
    charge = shop.charge()
    begun = worked.propose(
        OPERATOR, "runs.start", {"action": "refunds.create", "params": {"charge": charge, "amount": amount}, "reason": "Charged twice"}, "x"
    )  # fmt: skip
    assert begun.state == "done"
    with db.transaction() as cx:
        [run] = [each for each in runs.every(cx) if each.template == "ask"]
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with db.transaction() as cx:
            asked = store.of_step(cx, 1, run.id, "ask")
        if asked is not None and runs_state(db, run.id) == "waiting":
            return charge, run.id, asked
        time.sleep(0.02)
    raise AssertionError("The run asked for nothing.")


def runs_state(db, run_id: str) -> str:
    with db.transaction() as cx:
        return runs.get(cx, run_id).state


def _ended(db, run_id: str):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with db.transaction() as cx:
            run = runs.get(cx, run_id)
        if run.state in {"done", "failed", "cancelled", "parked"}:
            return run
        time.sleep(0.02)
    raise AssertionError(f"The run is {run.state}.")


def test_a_run_asks_waits_and_does_what_was_approved(worked, shop, db) -> None:
    charge, run_id, asked = _started(worked, shop, db)
    assert (asked.proposed_by, asked.channel, asked.reason) == (OPERATOR.who, "workflow", "Charged twice")
    worked.approve(APPROVER, asked.proposal_id, asked.call_hash)
    run = _ended(db, run_id)
    assert (run.state, run.result["state"]) == ("done", "done")
    assert [refund.amount for refund in shop.refunds(charge)] == [700]
    with db.transaction() as cx:
        assert len(runs.every(cx)) == 1  # the run that asked does it; no other was begun


def test_a_run_whose_request_is_rejected_ends_and_says_so(worked, shop, db) -> None:
    charge, run_id, asked = _started(worked, shop, db)
    worked.reject(APPROVER, asked.proposal_id, "Wrong customer")
    run = _ended(db, run_id)
    assert (run.state, run.result["state"], run.result["why"]) == ("done", "rejected", "Wrong customer")
    assert shop.refunds(charge) == []


def test_a_run_does_what_its_request_was_edited_to(worked, shop, db) -> None:
    charge, run_id, asked = _started(worked, shop, db)
    edited = worked.edit(APPROVER, asked.proposal_id, {"amount": 300})
    time.sleep(0.5)
    assert runs_state(db, run_id) == "waiting"
    worked.approve(APPROVER, edited.proposal_id, edited.call_hash)
    assert _ended(db, run_id).result["proposal"] == edited.proposal_id
    assert [refund.amount for refund in shop.refunds(charge)] == [300]


def test_a_run_that_may_not_fails_with_the_reason(worked, shop, db) -> None:
    worked.propose(
        OPERATOR,
        "runs.start",
        {"action": "payouts.create", "params": {"amount": 1, "currency": "usd"}, "reason": "x"},
        "x",
    )
    with db.transaction() as cx:
        [run] = runs.every(cx)
    ended = _ended(db, run.id)
    assert ended.state == "failed"
    assert "payouts.create is not allowed" in ended.reason


def test_the_clock_starts_a_run_that_asks(worked, shop, db) -> None:
    charge = shop.charge()
    kept = worked.propose(
        OPERATOR, "schedules.keep",
        {"name": "monthly", "cron": "* * * * *", "action": "refunds.create", "params": {"charge": charge, "amount": 1}, "reason": "Each month"},
        "x",
    )  # fmt: skip
    assert kept.state == "done"
    with db.transaction() as cx:
        cx.execute("update schedule set next_at = now() - interval '1 minute'")
    deadline = time.monotonic() + 10
    waiting = []
    while time.monotonic() < deadline and not waiting:
        with db.transaction() as cx:
            waiting = store.listed(cx, 1, states=["waiting"], action="refunds.create")
        time.sleep(0.05)
    assert [each.reason for each in waiting] == ["Each month"]


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
