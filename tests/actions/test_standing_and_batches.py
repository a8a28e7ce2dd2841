"""What passes without asking, and what is approved as one: standing approvals and batches."""

from __future__ import annotations

import dataclasses

import psycopg
import pytest
from tests.actions.conftest import APPROVER, OPERATOR, OWNER, person

from bookhand.actions import call_store, store
from bookhand.actions.asked import Asked
from bookhand.actions.proposal import call_hash
from bookhand.actions.rights import rights_store
from bookhand.actions.rights.policy import Budget, Standing
from bookhand.core.caller import NotAllowed
from bookhand.core.problems import Bug, Outage, Refusal, UnknownOutcome
from bookhand.workspace.trail_store import search, verify_all

TERMS = {"mapping": {"revenue": "4000"}, "method": "clearing"}
MIRROR = person(1, "owner", agent="mirror")


def _agree(db, **how) -> str:
    fields = {
        "id": "stand_1", "connection_id": None, "grantee": "agent:mirror", "patterns": ("refunds.create",), "terms": TERMS,
        "terms_hash": call_hash(TERMS), "currency": "USD", "call_minor": 2000, "day_minor": 3000, "agreed_by": OWNER.who,
        "agreed_name": OWNER.name, "only": {"reason": ("duplicate",)}, **how,
    }  # fmt: skip
    with db.transaction() as cx:
        rights_store.agree(cx, OWNER, Standing(**fields), why="Mirroring", expires_at=None)
    return str(fields["id"])


def _under(door, shop, amount, *, caller=MIRROR, terms=TERMS, reason="duplicate"):
    params = {"charge": shop.charge(), "amount": amount, "reason": reason}
    return door.propose(
        caller, "refunds.create", params, Asked(reason="Mirror", under="stand_1", terms=terms)
    )


def test_inside_it_passes_without_asking_and_is_in_the_trail_under_it(door, shop, db) -> None:
    _agree(db)
    proposal = _under(door, shop, 1500)
    assert (proposal.state, proposal.standing_id) == ("approved", "stand_1")
    assert door.calls.perform(proposal.proposal_id).state == "done"
    with db.transaction() as cx:
        [passed] = search(cx, 1, what="proposal.passed")
        assert passed.said()["details"]["standing"] == "stand_1"
        assert verify_all(cx, 1).findings == ()


@pytest.mark.parametrize(
    ("amount", "how", "said"),
    [
        (2001, {}, "up to 20.00 USD is inside"),
        (100, {"terms": {"mapping": {"revenue": "4001"}}}, "not the one that was approved"),
        (100, {"reason": "fraudulent"}, "reason is 'fraudulent'"),
        (100, {"caller": OWNER}, "for agent:mirror, not for person:1"),
    ],
)
def test_the_first_outside_of_it_stops_it(door, shop, db, amount, how, said) -> None:
    _agree(db)
    assert _under(door, shop, 1000).state == "approved"
    with pytest.raises(NotAllowed, match=said):
        _under(door, shop, amount, **how)
    with pytest.raises(NotAllowed, match="is stopped"):
        _under(door, shop, 1)
    with db.transaction() as cx:
        assert [entry.said()["subject"] for entry in search(cx, 1, what="standing.stopped")] == ["stand_1"]
        rights_store.set_standing(cx, 1, "stand_1", "open", why="Looked at.")
    assert _under(door, shop, 1).state == "approved"


def test_the_days_amount_is_counted_under_it(door, shop, db) -> None:
    _agree(db)
    assert [_under(door, shop, 1500).state for _ in range(2)] == ["approved", "approved"]
    with pytest.raises(NotAllowed, match=r"The day would come to 30\.01 USD"):
        _under(door, shop, 1)


def test_money_is_never_taken_for_a_copy(door, shop, db, connected) -> None:
    """Under an approval that looks like a book's own, of the mirror at one connection, a refund stands under budgets and four eyes."""
    _agree(db, connection_id=connected.id, currency=None, call_minor=None, day_minor=None, only={})
    budget = Budget(id=0, grantee="*", pattern="*", currency="USD", day_minor=1000, four_eyes_minor=900)
    with db.transaction() as cx:
        rights_store.add_budget(cx, OWNER, connection_id=None, budget=budget)
    assert _under(door, shop, 800).state == "approved"
    with pytest.raises(NotAllowed, match="Not today"):
        _under(door, shop, 300)
    with pytest.raises(NotAllowed, match="four eyes"):
        _under(door, shop, 900)
    with pytest.raises(Bug, match="said to copy"):
        dataclasses.replace(door.kit.catalogue.action("refunds.create"), copies=True)


def test_an_agent_cannot_agree_and_a_viewer_neither(db) -> None:
    for caller in (MIRROR, person(4, "viewer")):
        with db.transaction() as cx, pytest.raises(Refusal):
            standing = Standing(id="x", connection_id=None, grantee="*", patterns=("refunds.create",), terms={}, terms_hash="",
                                agreed_by=caller.who, agreed_name="")  # fmt: skip
            rights_store.agree(cx, caller, standing, why="x", expires_at=None)


# --- batches ---


def _batch(door, shop, amounts, **asked):
    rows = [{"charge": shop.charge(), "amount": amount} for amount in amounts]
    return rows, door.propose_batch(OPERATOR, "refunds.create", rows, Asked(reason="Recall", **asked))


def test_a_batch_is_approved_as_one_with_ticks_and_totals(door, shop, db) -> None:
    rows, batch = _batch(door, shop, [100, 200, 300, 400])
    assert (batch.size, [(each.minor, each.currency) for each in batch.preview.moves]) == (4, [(1000, "USD")])
    with pytest.raises(Refusal, match="has no row 4: its rows are 0 to 3"):
        door.approve(APPROVER, batch.proposal_id, batch.call_hash, chosen=[0, 4])
    door.approve(APPROVER, batch.proposal_id, batch.call_hash, chosen=[0, 2, 3])
    assert door.batches.perform(batch.proposal_id) == {"done": 3}
    assert [len(shop.refunds(row["charge"])) for row in rows] == [1, 0, 1, 1]
    assert door.batches.perform(batch.proposal_id) == {"done": 3}
    with db.transaction() as cx:
        assert store.proposal(cx, 1, batch.proposal_id).state == "done"
        assert len(search(cx, 1, what="call.done")) == 3
        assert verify_all(cx, 1).findings == ()


def test_one_bad_row_is_named_and_nothing_is_kept(door, shop, db) -> None:
    charge = shop.charge()
    with pytest.raises(Refusal, match=r"Row 1: .*amount"):
        door.propose_batch(
            OPERATOR,
            "refunds.create",
            [{"charge": charge, "amount": 1}, {"charge": charge, "amount": 0}],
            "x",
        )
    with pytest.raises(Refusal, match=r"Row 1: There is no charge"):
        door.propose_batch(
            OPERATOR,
            "refunds.create",
            [{"charge": charge, "amount": 1}, {"charge": "ch_none", "amount": 1}],
            "x",
        )
    with db.transaction() as cx:
        assert store.listed(cx, 1) == []


def test_a_batch_goes_on_where_it_stopped(door, shop, engine) -> None:
    rows, batch = _batch(door, shop, [100] * 12)
    door.approve(APPROVER, batch.proposal_id, batch.call_hash)
    engine.faults.add("cut_after", method="POST", path="/v1/refunds", times=3)
    with pytest.raises(Outage):
        door.batches.perform(batch.proposal_id)
    engine.faults.add("cut_before", method="POST", path="/v1/refunds", times=2)
    for _ in range(10):
        try:
            ended = door.batches.perform(batch.proposal_id)
        except (UnknownOutcome, Outage):
            continue
        break
    assert ended == {"done": 12}
    assert [len(shop.refunds(row["charge"])) for row in rows] == [1] * 12


def test_a_row_that_changed_is_void_alone_and_given_back(door, shop, db) -> None:
    with db.transaction() as cx:
        rights_store.add_budget(
            cx,
            OWNER,
            connection_id=None,
            budget=Budget(id=0, grantee="*", pattern="refunds.create", day_count=3),
        )
    rows, batch = _batch(door, shop, [100, 200, 300])
    door.approve(APPROVER, batch.proposal_id, batch.call_hash)
    shop.client.v1.refunds.create({"charge": rows[1]["charge"], "amount": 7})
    assert door.batches.perform(batch.proposal_id) == {"done": 2, "void": 1}
    with db.transaction() as cx:
        assert store.proposal(cx, 1, batch.proposal_id).state == "partly"
    single = door.propose(OPERATOR, "refunds.create", {"charge": shop.charge(), "amount": 1}, "x")
    assert door.approve(APPROVER, single.proposal_id, single.call_hash).state == "approved"


@pytest.mark.parametrize(
    "forgery",
    [
        "update proposal_row set params = jsonb_set(params, '{amount}', '8000') where row_no = 1",
        "update call set params = jsonb_set(params, '{amount}', '8000') where row_no = 1",
        "update proposal_row set chosen = true",
    ],
)
def test_a_forged_row_is_not_sent(door, shop, db, forgery) -> None:
    rows, batch = _batch(door, shop, [100, 200, 300])
    door.approve(APPROVER, batch.proposal_id, batch.call_hash, chosen=[0, 1])
    with psycopg.connect(db.url) as cx:
        cx.execute(forgery)
    ended = door.batches.perform(batch.proposal_id)
    assert ended.get("void", 0) >= 1
    assert all(refund.amount == 100 for row in rows for refund in shop.refunds(row["charge"]))


def test_two_workers_on_one_batch_do_each_call_once(door, shop, db, kit) -> None:
    import threading

    rows, batch = _batch(door, shop, [50] * 30)
    door.approve(APPROVER, batch.proposal_id, batch.call_hash)

    def work() -> None:
        for _ in range(200):
            try:
                door.batches.perform(batch.proposal_id)
            except Outage:
                threading.Event().wait(0.05)
            else:
                return

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(shop.refunds(row["charge"])) for row in rows] == [1] * 30
    with db.transaction() as cx:
        assert {call.attempts for call in call_store.calls(cx, 1, batch.proposal_id)} == {1}
