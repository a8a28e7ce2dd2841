"""Through the door: what is allowed, what a yes binds, and that a call is done once."""

from __future__ import annotations

import threading
from datetime import timedelta

import psycopg
import pytest
from tests.actions.conftest import APPROVER, OPERATOR, OWNER, person

from bookhand.actions import call_store, store
from bookhand.actions.asked import Asked, Rights
from bookhand.actions.call_workflow import Doubt
from bookhand.actions.rights import rights_store
from bookhand.actions.rights.policy import Budget, allows
from bookhand.core.caller import NotAllowed
from bookhand.core.problems import Outage, Refusal, UnknownOutcome
from bookhand.systems import store as connections
from bookhand.workspace.store import open_problems
from bookhand.workspace.trail_store import search, verify_all

REFUND = "refunds.create"


def _trail(db) -> list[str]:
    with db.transaction() as cx:
        assert verify_all(cx, 1).findings == ()
        return [entry.said()["what"] for entry in reversed(search(cx, 1, limit=500))]


def _asked(door, shop, amount=1500, by=OPERATOR, charge=None, **asked):
    charge = charge or shop.charge()
    return charge, door.propose(
        by, REFUND, {"charge": charge, "amount": amount}, Asked(reason="Charged twice", **asked)
    )


def _yes(door, proposal, by=APPROVER):
    return door.approve(by, proposal.proposal_id, proposal.call_hash)


# --- the whole way ---


def test_a_refund_is_asked_for_seen_approved_and_done(door, shop, db) -> None:
    charge, proposal = _asked(door, shop)
    assert proposal.state == "waiting"
    assert "15.00" in proposal.preview.says
    assert "Fernwood Bakery" in proposal.preview.says
    assert any("Refunds: +15.00 USD" in line for line in proposal.preview.books)
    assert shop.refunds(charge) == []
    assert _yes(door, proposal).state == "approved"
    assert shop.refunds(charge) == []  # it is a run that does it
    call = door.calls.perform(proposal.proposal_id)
    assert (call.state, call.attempts) == ("done", 1)
    [refund] = shop.refunds(charge)
    assert (refund.amount, refund.metadata["bookhand_call"], refund.id) == (
        1500,
        call.call_id,
        call.result_id,
    )
    assert door.calls.perform(proposal.proposal_id) == call  # asked again, it says what is known
    assert len(shop.refunds(charge)) == 1
    assert _trail(db) == ["proposal.made", "proposal.approved", "call.sending", "call.done"]


def test_a_read_goes_straight_through_and_is_written_down(door, shop, db) -> None:
    charge = shop.charge()
    found = door.read(person(5, "viewer"), "charges.retrieve", {"charge": charge})
    assert found.data["id"] == charge
    with db.transaction() as cx:
        [entry] = search(cx, 1)
    said = entry.said()
    assert (said["what"], said["who"], said["details"]["params"], said["details"]["found"]) == (
        "charges.retrieve", "person:5", {"charge": charge}, 1,
    )  # fmt: skip


# --- permission ---


def test_what_nobody_allowed_is_refused_and_written_down(door, shop, db) -> None:
    with pytest.raises(NotAllowed, match=r"payouts\.create is not allowed.*bookhand allow payouts\.create"):
        door.propose(OWNER, "payouts.create", {"amount": 100, "currency": "usd"}, "to the bank")
    with pytest.raises(NotAllowed, match=r"payment_intents\.create is not allowed"):
        door.propose(OWNER, "payment_intents.create", {"amount": 100, "currency": "usd"}, "a charge")
    with pytest.raises(NotAllowed, match=r"payouts\.list is not allowed"):
        door.read(OWNER, "payouts.list", {})
    with db.transaction() as cx:
        assert all("refused" in entry.said()["details"] for entry in search(cx, 1))


@pytest.mark.parametrize(
    ("role", "error"), [("viewer", "may not ask"), ("auditor", "may not ask"), ("operator", None)]
)
def test_who_may_ask(door, shop, role, error) -> None:
    charge = shop.charge()
    ask = lambda: door.propose(person(9, role), REFUND, {"charge": charge, "amount": 1}, "why")  # noqa: E731
    if error:
        with pytest.raises(NotAllowed, match=error):
            ask()
    else:
        assert ask().state == "waiting"


@pytest.mark.parametrize("role", ["viewer", "auditor", "operator"])
def test_who_may_not_approve(door, shop, role) -> None:
    _, proposal = _asked(door, shop)
    with pytest.raises(NotAllowed, match="may not say yes or no"):
        _yes(door, proposal, by=person(9, role))


def test_an_agent_may_be_allowed_less_than_its_person_and_never_approves(door, shop, allow) -> None:
    agent = person(1, "owner", agent="chat")
    _, proposal = _asked(door, shop, by=agent)
    assert (proposal.agent, proposal.grantee, proposal.proposed_by) == ("chat", "agent:chat", "person:1")
    with pytest.raises(NotAllowed, match="An agent cannot approve"):
        _yes(door, proposal, by=agent)
    allow(REFUND, grantee="agent:chat", allowed=False)
    with pytest.raises(NotAllowed, match="not allowed for chat"):
        _asked(door, shop, by=agent)
    assert _asked(door, shop, by=OWNER)[1].state == "waiting"


def test_a_revocation_stops_what_is_under_way_and_a_plain_one_does_not(door, shop, db, allow) -> None:
    _, plain = _asked(door, shop)
    charge, stopped = _asked(door, shop)
    _yes(door, plain)
    _yes(door, stopped)
    allow(REFUND, allowed=False)
    assert door.calls.perform(plain.proposal_id).state == "done"
    with db.transaction() as cx:
        rights_store.revoke_now(
            cx, OWNER, connection_id=None, grantee="*", pattern=REFUND, why="Fraud is suspected."
        )
    call = door.calls.perform(stopped.proposal_id)
    assert call.state == "void"
    assert "Fraud is suspected" in (call.state_why or "")
    assert shop.refunds(charge) == []


def test_a_right_that_was_given_at_one_connection_is_taken_back_with_all_the_others(door, shop, db) -> None:
    charge = shop.charge()
    with db.transaction() as cx:
        rights_store.grant(cx, OWNER, connection_id=1, grantee="person:2", pattern=REFUND, allowed=True)
        rights_store.revoke_now(
            cx, OWNER, connection_id=None, grantee="person:2", pattern=REFUND, why="He left."
        )
        assert [
            (each.connection_id, each.allowed)
            for each in rights_store.permissions(cx, 1)
            if (each.grantee, each.pattern) == ("person:2", REFUND)
        ] == [(None, False), (1, False)]
    with pytest.raises(NotAllowed):
        door.propose(OPERATOR, REFUND, {"charge": charge, "amount": 5}, "after it")


@pytest.mark.parametrize("pattern", [REFUND, "refunds:write", "*:write", "*"])
@pytest.mark.parametrize("grantee", ["*", "agent:chat"])
def test_what_is_taken_back_widely_was_also_given_exactly(door, shop, allow, pattern, grantee) -> None:
    """Somebody's own permission of the very action does not outlive what was taken back from everybody, nor from all of a resource."""
    allow(REFUND, grantee="agent:chat")
    allow("refunds:write", grantee="agent:chat")
    door.governing.revoke_now(OWNER, connection_id=None, grantee=grantee, pattern=pattern, why="Stop.")
    with pytest.raises(NotAllowed, match="not allowed for chat"):
        _asked(door, shop, by=person(1, "owner", agent="chat"))
    if grantee != "*":
        assert _asked(door, shop, by=OPERATOR)[1].state == "waiting"  # it was not taken back from others
    allow(REFUND, grantee="agent:chat")
    assert (
        _asked(door, shop, by=person(1, "owner", agent="chat"))[1].state == "waiting"
    )  # until it is given again


def test_what_is_taken_back_leaves_what_it_does_not_speak_of(door, db, connected, allow) -> None:
    allow("refunds:write", grantee="agent:chat")
    door.governing.revoke_now(
        OWNER, connection_id=connected.id, grantee="*", pattern="refunds:write", why="Stop."
    )
    with db.transaction() as cx:
        here, elsewhere = (
            rights_store.grants_of(cx, 1, number) for number in (connected.id, connected.id + 1)
        )
    assert allows(here, grantee="agent:chat", action="customers.list", reads=True)
    assert allows(here, grantee="person:1", action="subscriptions.update", reads=False)
    assert not allows(here, grantee="agent:chat", action=REFUND, reads=False)
    assert allows(elsewhere, grantee="agent:chat", action=REFUND, reads=False)


def test_rights_are_those_of_the_runs_start(door, shop, db, allow, clock) -> None:
    with db.transaction() as cx:
        rights = Rights(grants=tuple(rights_store.grants_of(cx, 1, 1)), taken_at=clock())
    allow(REFUND, allowed=False)
    charge = shop.charge()
    kept = door.propose(
        OPERATOR,
        REFUND,
        {"charge": charge, "amount": 5},
        Asked(reason="in a run", rights=rights, run_id="run_1", step="a"),
    )
    assert kept.state == "waiting"
    with pytest.raises(NotAllowed):
        door.propose(OPERATOR, REFUND, {"charge": charge, "amount": 5}, "outside of it")
    with db.transaction() as cx:
        rights_store.revoke_now(
            cx, OWNER, connection_id=None, grantee="person:2", pattern="refunds:write", why="He left."
        )
    with pytest.raises(NotAllowed, match="He left"):
        door.propose(
            OPERATOR,
            REFUND,
            {"charge": charge, "amount": 6},
            Asked(reason="in a run", rights=rights, run_id="run_1", step="b"),
        )
    with pytest.raises(NotAllowed, match="He left"):
        _yes(door, kept)


# --- budgets and four eyes ---


def _budget(db, **limits) -> None:
    with db.transaction() as cx:
        rights_store.add_budget(
            cx,
            OWNER,
            connection_id=None,
            budget=Budget(id=0, **{"grantee": "*", "pattern": REFUND, **limits}),
        )


def test_a_days_amount_is_not_exceeded_by_two_at_once(door, shop, db) -> None:
    _budget(db, currency="usd", day_minor=2000)
    proposals = [_asked(door, shop, 1500)[1] for _ in range(3)]
    ended: list[str] = []

    def approve(proposal) -> None:
        try:
            ended.append(_yes(door, proposal).state)
        except NotAllowed as error:
            ended.append("refused" if "20.00 USD a day; 15.00 USD is used" in str(error) else str(error))

    threads = [threading.Thread(target=approve, args=(each,)) for each in proposals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["approved", "refused", "refused"]


def test_a_count_and_a_customers_limit(door, shop, db, clock) -> None:
    _budget(db, customer_count=2)
    _budget(db, day_count=3)
    for _ in range(2):
        _yes(door, _asked(door, shop, 100)[1])
    third = _asked(door, shop, 100)[1]
    assert any("for one customer" in warning for warning in third.preview.warnings)
    with pytest.raises(NotAllowed, match="2 calls a day for one customer"):
        _yes(door, third)
    clock.ahead = timedelta(days=1)
    assert _yes(door, third).state == "approved"


def test_what_was_not_done_is_given_back(door, shop, db) -> None:
    _budget(db, currency="usd", day_minor=2000)
    charge, proposal = _asked(door, shop, 1500)
    _yes(door, proposal)
    shop.client.v1.refunds.create({"charge": charge, "amount": 100})  # somebody else: the yes is void
    assert door.calls.perform(proposal.proposal_id).state == "void"
    assert _yes(door, _asked(door, shop, 1900)[1]).state == "approved"


def test_four_eyes_from_an_amount_on(door, shop, db) -> None:
    _budget(db, currency="usd", four_eyes_minor=5000)
    small = _asked(door, shop, 4999, by=APPROVER)[1]
    assert (small.four_eyes, _yes(door, small, by=APPROVER).state) == (False, "approved")
    large = _asked(door, shop, 5000, by=APPROVER)[1]
    assert large.four_eyes
    with pytest.raises(NotAllowed, match="four eyes"):
        _yes(door, large, by=APPROVER)
    edited = door.edit(OWNER, large.proposal_id, {"amount": 6000})
    with pytest.raises(NotAllowed, match="four eyes"):
        _yes(door, edited, by=OWNER)
    with pytest.raises(NotAllowed, match="four eyes"):  # who asked has seen it approved by nobody else
        _yes(door, edited, by=APPROVER)
    assert _yes(door, edited, by=person(5, "approver")).state == "approved"


def test_a_threshold_counts_for_what_waits_already(door, shop, db) -> None:
    waiting = _asked(door, shop, 5000, by=APPROVER)[1]
    _budget(db, currency="usd", four_eyes_minor=5000)
    with pytest.raises(NotAllowed, match="four eyes"):
        _yes(door, waiting, by=APPROVER)
    assert _yes(door, waiting, by=OWNER).state == "approved"


# --- what a yes binds ---


def test_an_approval_for_another_call_is_refused(door, shop) -> None:
    charge = shop.charge()
    one = _asked(door, shop, 100, charge=charge)[1]
    other = _asked(door, shop, 100, charge=charge)[1]
    assert one.call_hash != other.call_hash  # also of the same call, asked for twice
    with pytest.raises(Refusal, match="for another call"):
        door.approve(APPROVER, one.proposal_id, other.call_hash)
    with pytest.raises(Refusal, match="for another call"):
        door.approve(APPROVER, one.proposal_id, "0" * 64)


def test_an_approval_is_not_given_twice(door, shop, db) -> None:
    _, proposal = _asked(door, shop)
    _yes(door, proposal)
    with pytest.raises(Refusal, match="has its yes"):
        _yes(door, proposal, by=OWNER)
    with db.transaction() as cx:
        assert len(store.decisions(cx, 1, proposal.proposal_id)) == 1


def test_a_changed_object_voids_the_yes(door, shop) -> None:
    charge, proposal = _asked(door, shop)
    _yes(door, proposal)
    shop.client.v1.refunds.create({"charge": charge, "amount": 1})
    call = door.calls.perform(proposal.proposal_id)
    assert call.state == "void"
    assert "amount_refunded was 0 and is 1" in (call.state_why or "")
    assert [refund.amount for refund in shop.refunds(charge)] == [1]


@pytest.mark.parametrize(
    "forgery",
    [
        """update proposal set params = jsonb_set(params, '{amount}', '8000')""",
        """update call set params = jsonb_set(params, '{amount}', '8000')""",
        """update proposal set mode = 'live'""",
        """update proposal set account = 'acct_other'""",
        """update proposal set seen = '{}'""",
    ],
)
def test_a_changed_row_is_not_what_was_approved(door, shop, db, forgery) -> None:
    charge, proposal = _asked(door, shop)
    _yes(door, proposal)
    with psycopg.connect(db.url) as cx:
        cx.execute(forgery)
    call = door.calls.perform(proposal.proposal_id)
    assert (call.state, shop.refunds(charge)) == ("void", [])
    assert "not what was approved" in (call.state_why or "")


def test_a_call_without_a_decision_is_not_sent(door, shop, db) -> None:
    charge, proposal = _asked(door, shop)
    with db.transaction() as cx:  # somebody who can write rows, but not decisions
        call_store.intend(cx, proposal, "forged")
        store.settle(cx, 1, proposal.proposal_id, "approved", now=proposal.created_at)
    assert door.calls.perform(proposal.proposal_id).state == "void"
    assert shop.refunds(charge) == []


def test_an_expired_proposal_is_not_approved(door, shop, clock) -> None:
    _, proposal = _asked(door, shop)
    clock.ahead = timedelta(days=3, seconds=1)
    with pytest.raises(Refusal, match="not approved in time"):
        _yes(door, proposal)
    assert door.expire() == 1
    with pytest.raises(Refusal, match="was not approved in time"):
        _yes(door, proposal)


def test_rejecting_asking_answering_withdrawing(door, shop) -> None:
    _, first = _asked(door, shop)
    door.ask(APPROVER, first.proposal_id, "Which of the two charges?")
    door.answer(OPERATOR, first.proposal_id, "The later one.")
    with pytest.raises(Refusal, match="Say why"):
        door.reject(APPROVER, first.proposal_id, " ")
    assert door.reject(APPROVER, first.proposal_id, "Wrong customer").state == "rejected"
    with pytest.raises(Refusal, match=r"was rejected: Wrong customer"):
        _yes(door, first)
    _, second = _asked(door, shop)
    with pytest.raises(NotAllowed):
        door.withdraw(person(8, "operator"), second.proposal_id)
    assert door.withdraw(OPERATOR, second.proposal_id).state == "withdrawn"


def test_an_edit_is_another_proposal_with_its_own_hash(door, shop) -> None:
    charge, proposal = _asked(door, shop, 1500)
    edited = door.edit(APPROVER, proposal.proposal_id, {"amount": 900})
    assert (edited.params["amount"], edited.replaces, edited.root_id) == (
        900,
        proposal.proposal_id,
        proposal.proposal_id,
    )
    with pytest.raises(Refusal, match="was replaced"):
        _yes(door, proposal)
    with pytest.raises(Refusal, match="for another call"):
        door.approve(APPROVER, edited.proposal_id, proposal.call_hash)
    _yes(door, edited)
    door.calls.perform(edited.proposal_id)
    assert [refund.amount for refund in shop.refunds(charge)] == [900]


def test_an_edit_that_cannot_be_changes_nothing(door, shop) -> None:
    _, proposal = _asked(door, shop, 1500)
    with pytest.raises(Refusal):
        door.edit(APPROVER, proposal.proposal_id, {"amount": 8001})
    assert _yes(door, proposal).state == "approved"


def test_the_same_key_is_the_same_proposal(door, shop) -> None:
    charge = shop.charge()
    first = _asked(door, shop, 100, charge=charge, request_key="k1")[1]
    again = _asked(door, shop, 100, charge=charge, request_key="k1")[1]
    assert first.proposal_id == again.proposal_id
    with pytest.raises(Refusal, match="was used for another request"):
        _asked(door, shop, 101, charge=charge, request_key="k1")


def test_the_same_step_of_a_run_asks_once(door, shop) -> None:
    charge = shop.charge()
    found = [
        _asked(door, shop, 100, charge=charge, run_id="run_9", step="refund")[1].proposal_id for _ in range(2)
    ]
    assert found[0] == found[1]


# --- where it goes ---


def test_two_modes_are_never_guessed_between(door, shop, db, secrets, engine, url) -> None:
    from bookhand.systems.stripe.auth import connect_with_key

    connect_with_key(db, secrets, engine.keys().live, base_url=url, name="Shop live")
    charge = shop.charge()
    with pytest.raises(Refusal, match="several accounts: say which by account and mode"):
        door.propose(OPERATOR, REFUND, {"charge": charge, "amount": 1}, "why")
    with pytest.raises(Refusal, match="several accounts"):
        door.read(OPERATOR, "charges.list", {})
    assert (
        door.propose(OPERATOR, REFUND, {"charge": charge, "amount": 1, "mode": "test"}, "why").mode == "test"
    )
    with pytest.raises(Refusal, match="live or test"):
        door.propose(OPERATOR, REFUND, {"charge": charge, "amount": 1, "mode": "live"}, "why")


def test_a_connection_that_is_away_is_named(door, shop, db, connected) -> None:
    _, proposal = _asked(door, shop)
    _yes(door, proposal)
    with db.transaction() as cx:
        connections.set_status(cx, connected.id, "disconnected", reason="by a person")
    with pytest.raises(Refusal, match="disconnected: by a person"):
        door.calls.perform(proposal.proposal_id)
    with pytest.raises(Refusal, match="disconnected"):
        door.read(OWNER, "charges.list", {})
    with db.transaction() as cx:
        connections.set_status(cx, connected.id, "active")
    assert door.calls.perform(proposal.proposal_id).state == "done"


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"amount": 5}, "exactly one"),
        ({"charge": "ch_1", "amount": -5}, "amount"),
        ({"charge": "ch_1", "amount": 5, "colour": "red"}, "takes no colour"),
        ({"charge": "cus_1", "amount": 5}, "ch_"),
        ({"charge": "ch_1", "amount": "much"}, "amount"),
        ({"charge": "ch_missing0000000", "amount": 5}, "no charge"),
    ],
)
def test_bad_parameters_are_named(door, shop, params, said) -> None:
    with pytest.raises(Refusal, match=said):
        door.propose(OPERATOR, REFUND, params, "why")


def test_an_unknown_action_names_the_nearest(door) -> None:
    with pytest.raises(Refusal, match=r"Did you mean refunds\.create"):
        door.propose(OPERATOR, "refund.create", {}, "why")


# --- sent once ---


@pytest.mark.parametrize("fault", ["cut_before", "cut_after", "500"])
def test_a_lost_answer_is_looked_up_and_never_doubled(door, shop, engine, fault) -> None:
    charge, proposal = _asked(door, shop)
    _yes(door, proposal)
    engine.faults.add(fault, method="POST", path="/v1/refunds")
    with pytest.raises(UnknownOutcome):
        door.calls.perform(proposal.proposal_id)
    call = door.calls.perform(proposal.proposal_id)
    assert call.state == "done"
    assert call.attempts == (1 if fault == "cut_after" else 2)
    assert [refund.amount for refund in shop.refunds(charge)] == [1500]


def test_that_a_call_is_not_there_is_believed_only_when_its_last_sending_is_over(
    door, shop, engine, clock
) -> None:
    charge, proposal = _asked(door, shop)
    _yes(door, proposal)
    door.kit.believe_seconds = 30
    for minutes in (0, 1):  # also the second try, long after the first
        clock.ahead = timedelta(minutes=minutes)
        engine.faults.add("cut_before", method="POST", path="/v1/refunds")
        with pytest.raises(UnknownOutcome):
            door.calls.perform(proposal.proposal_id)
        with pytest.raises(UnknownOutcome, match="may still be under way"):
            door.calls.perform(proposal.proposal_id)
    clock.ahead = timedelta(minutes=2)
    assert door.calls.perform(proposal.proposal_id).state == "done"
    assert len(shop.refunds(charge)) == 1


def test_a_limit_is_an_outage_and_nothing_was_sent(door, shop, engine) -> None:
    charge, proposal = _asked(door, shop)
    _yes(door, proposal)
    engine.faults.add("429", method="POST", path="/v1/refunds")
    with pytest.raises(Outage):
        door.calls.perform(proposal.proposal_id)
    assert door.calls.perform(proposal.proposal_id).state == "done"
    assert len(shop.refunds(charge)) == 1


def test_a_refusal_is_final_and_said(door, shop, engine, db, secrets, connected) -> None:
    charge, proposal = _asked(door, shop)
    _yes(door, proposal)
    with db.transaction() as cx:  # a key that may look, and not refund
        secrets.put(cx, connected.link, "key", engine.ring.restricted(connected.link.account, {"*": "read"}))
    call = door.calls.perform(proposal.proposal_id)
    assert call.state == "failed"
    assert "rak_" in (call.state_why or "")
    assert shop.refunds(charge) == []


def test_a_dead_workers_call_is_looked_up_after_its_claim(door, shop, db, clock, kit) -> None:
    charge, proposal = _asked(door, shop)
    _yes(door, proposal)
    with db.transaction() as cx:  # a worker that claimed, and died before or after it sent
        call = call_store.call(cx, 1, proposal.proposal_id)
        call_store.claim(cx, [call], by="dead", now=clock(), until=clock() + timedelta(seconds=30))
    with pytest.raises(Outage, match="being sent at this moment"):
        door.calls.perform(proposal.proposal_id)
    clock.ahead = timedelta(seconds=31)
    assert door.calls.perform(proposal.proposal_id).state == "done"
    assert len(shop.refunds(charge)) == 1


def test_a_fence_keeps_a_worker_that_was_taken_over_from_sending(door, shop) -> None:
    charge, proposal = _asked(door, shop)
    _yes(door, proposal)

    def fence(_cx) -> None:
        raise Refusal("This run was taken over.")

    with pytest.raises(Refusal, match="taken over"):
        door.calls.perform(proposal.proposal_id, fence=fence)
    assert shop.refunds(charge) == []


def test_long_after_the_key_is_forgotten_it_is_looked_up_and_not_sent(door, shop, engine, clock, db) -> None:
    done_charge, done = _asked(door, shop)
    undone_charge, undone = _asked(door, shop)
    for fault, proposal in (("cut_after", done), ("cut_before", undone)):
        _yes(door, proposal)
        engine.faults.add(fault, method="POST", path="/v1/refunds")
        with pytest.raises(UnknownOutcome):
            door.calls.perform(proposal.proposal_id)
    clock.ahead = timedelta(days=40)
    assert door.calls.perform(done.proposal_id).state == "done"
    call = door.calls.perform(undone.proposal_id)
    assert (call.state, len(shop.refunds(done_charge)), shop.refunds(undone_charge)) == ("void", 1, [])
    assert "key is forgotten" in (call.state_why or "")


@pytest.mark.parametrize("done", [True, False])
def test_where_nobody_can_tell_a_person_is_asked_and_answers(
    door, shop, engine, db, secrets, connected, done
) -> None:
    charge, proposal = _asked(door, shop)
    _yes(door, proposal)
    engine.faults.add("cut_after" if done else "cut_before", method="POST", path="/v1/refunds")
    with pytest.raises(UnknownOutcome):
        door.calls.perform(proposal.proposal_id)
    blind = engine.ring.restricted(connected.link.account, {"customer": "read"})
    with db.transaction() as cx:  # a key that may not look there
        secrets.put(cx, connected.link, "key", blind)
    with pytest.raises(Doubt, match=r"Was refunds\.create .* done at acct_.*bookhand settle"):
        door.calls.perform(proposal.proposal_id)
    with db.transaction() as cx:
        assert [found.problem.kind for found in open_problems(cx)] == ["unknown_outcome"]
        assert store.proposal(cx, 1, proposal.proposal_id).state == "unknown"
    with pytest.raises(NotAllowed):
        door.settle(OPERATOR, proposal.proposal_id, done=done, note="I looked.")
    settled = door.settle(APPROVER, proposal.proposal_id, done=done, note="I looked at the dashboard.")
    assert settled.state == ("done" if done else "failed")
    with pytest.raises(Refusal, match="in doubt"):
        door.settle(APPROVER, proposal.proposal_id, done=done, note="Again.")
    with db.transaction() as cx:
        assert open_problems(cx) == []
    assert len(shop.refunds(charge)) == int(done)


def test_double_clicks_and_two_workers_do_it_once(door, shop, db) -> None:
    charge, proposal = _asked(door, shop)
    outcomes: list[object] = []

    def click() -> None:
        try:
            outcomes.append(_yes(door, proposal).state)
        except Refusal as error:
            outcomes.append(str(error)[:10])

    def work() -> None:
        for _ in range(100):
            try:
                outcomes.append(door.calls.perform(proposal.proposal_id).state)
            except (Refusal, Outage):
                threading.Event().wait(0.05)
            else:
                return

    threads = [threading.Thread(target=target) for target in (click, click, work, work)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("approved") == 1
    assert outcomes.count("done") == 2
    assert len(shop.refunds(charge)) == 1
    assert _trail(db).count("call.sending") == 1
