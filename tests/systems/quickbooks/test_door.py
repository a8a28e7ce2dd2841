"""Many documents through the door, with trouble on the way: each is in the book once, and the door knows of each what became of it."""

from __future__ import annotations

import time

import msgspec
import pytest
from tests.actions.conftest import APPROVER, OPERATOR, OWNER
from tests.systems.quickbooks.connecting import BRIEF, connect_for_test

from bookhand.actions import call_store
from bookhand.actions.asked import Asked
from bookhand.actions.batch_workflow import CHUNK
from bookhand.actions.catalogue import Catalogue
from bookhand.actions.kit import Kit
from bookhand.actions.own import OWN_ACTIONS
from bookhand.actions.own_store import OWN
from bookhand.actions.rights import rights_store
from bookhand.actions.workflow import Door
from bookhand.core.book_params import params_of
from bookhand.core.problems import Outage
from bookhand.systems.quickbooks.acting_client import QuickBooksPerformer
from bookhand.systems.quickbooks.actions import ACTIONS

CREATE = "quickbooks.journal_entries.create"
STORM = ("cut_before", "cut_after", "429", "500", "500_after", "busy", "no_json", "slow_after")
ROUNDS = 60


@pytest.fixture
def stormy(new_desk):
    """Impatient: what takes half a second is lost."""
    return new_desk(patience=msgspec.structs.replace(BRIEF, answer_seconds=0.5))


def door_of(desk) -> Door:
    kit = Kit(
        db=desk.db, catalogue=Catalogue((*ACTIONS, *OWN_ACTIONS)), performers={"quickbooks": desk.at.performer}, own=OWN,
        settle_seconds=0, believe_seconds=0, lease_seconds=30,
    )  # fmt: skip
    with desk.db.transaction() as cx:
        rights_store.grant(
            cx,
            OWNER,
            connection_id=None,
            grantee="*",
            pattern="quickbooks.journal_entries:write",
            allowed=True,
        )
    return Door(kit)


def approved(door, documents):
    made = door.propose_batch(
        OPERATOR, CREATE, [params_of(each) for each in documents], Asked(reason="Mirror")
    )
    door.approve(APPROVER, made.proposal_id, made.call_hash)
    return made


def performed(door, proposal_id):
    """As the run does it: again after each outage."""
    for _ in range(ROUNDS):
        try:
            return door.batches.perform(proposal_id)
        except Outage:
            continue
    raise AssertionError("it never ended")


@pytest.mark.parametrize("seed", [1])
def test_a_storm_leaves_no_document_missing_or_doubled(stormy, seed):
    door, sales = door_of(stormy), [stormy.sale(n, minor=1_000 + n) for n in range(100)]
    batch = approved(door, sales)
    stormy.qb.faults._chance.seed(seed)
    for kind in STORM:
        stormy.fault(kind, path="*/batch", chance=0.15, times=2, seconds=0.7)
    stormy.fault("500", method="GET", chance=0.1, times=4)
    assert performed(door, batch.proposal_id) == {"done": 100}
    held = stormy.held()
    assert sorted(each["DocNumber"] for each in held) == sorted(each.number for each in sales)
    assert sum(stormy.qb.faults.happened.values()) > 5
    with stormy.db.transaction() as cx:
        known = call_store.calls(cx, 1, batch.proposal_id)
    assert {call.result_id for call in known} == {each["Id"] for each in held}


def test_access_taken_back_in_the_middle_holds_what_is_left_until_it_is_back(stormy, stand_in):
    door, sales = door_of(stormy), [stormy.sale(n) for n in range(70)]
    batch = approved(door, sales)
    stormy.fault("token_revoked", path="*/batch")
    with pytest.raises(Exception, match=r"disconnected|sign-in|refused"):
        door.batches.perform(batch.proposal_id)
    done = len(stormy.held())
    assert done < 70

    connect_for_test(stormy.url, stand_in[0], stormy.db, stormy.secrets).performer.close()
    assert performed(door, batch.proposal_id) == {"done": 70}
    assert len({each["DocNumber"] for each in stormy.held()}) == len(stormy.held()) == 70


def test_a_right_taken_back_while_requests_wait_for_their_turn_stops_them_all(desk):
    class Slow(QuickBooksPerformer):
        """Somebody takes the right back while it waits for QuickBooks' limits."""

        def send_many(self, link, action, items, *, begin, api_version=None):
            def late():
                with desk.db.transaction() as cx:
                    rights_store.revoke_now(
                        cx, OWNER, connection_id=None, grantee="*", pattern=CREATE, why="Stop."
                    )
                begin()

            return super().send_many(link, action, items, begin=late, api_version=api_version)

    door = door_of(desk)
    door.kit.performers = {"quickbooks": Slow(desk.db, desk.secrets, patience=BRIEF, settled_seconds=0)}
    batch = approved(door, [desk.sale(n) for n in range(70)])
    assert performed(door, batch.proposal_id) == {"void": 70}
    assert desk.held() == []
    with desk.db.transaction() as cx:
        assert "Stop." in call_store.calls(cx, 1, batch.proposal_id)[-1].state_why


def test_the_next_chunk_is_taken_on_while_one_is_sent(desk):
    taken_on = []

    class Watching(QuickBooksPerformer):
        def send_many(self, link, action, items, *, begin, api_version=None):
            time.sleep(0.2)
            with desk.db.transaction() as cx:
                row = cx.execute("select count(*) from call where state = 'sending'").fetchone()
                taken_on.append(row[0])
            return super().send_many(link, action, items, begin=begin, api_version=api_version)

    door = door_of(desk)
    door.kit.performers = {"quickbooks": Watching(desk.db, desk.secrets, patience=BRIEF, settled_seconds=0)}
    batch = approved(door, [desk.sale(n) for n in range(2 * CHUNK + 10)])
    assert performed(door, batch.proposal_id) == {"done": 2 * CHUNK + 10}
    assert max(taken_on) > CHUNK


def test_a_chunk_that_was_taken_on_ahead_is_left_for_later_where_the_one_before_has_to_come_back(desk):
    door, sales = door_of(desk), [desk.sale(n) for n in range(2 * CHUNK)]
    batch = approved(door, sales)
    desk.fault("429", path="*/batch", times=1)
    with pytest.raises(Outage):
        door.batches.perform(batch.proposal_id)
    with desk.db.transaction() as cx:
        assert call_store.tally(cx, 1, batch.proposal_id).keys() <= {"done", "intended"}, (
            "nothing is left in the air"
        )
    assert performed(door, batch.proposal_id) == {"done": 2 * CHUNK}
    assert sorted(each["DocNumber"] for each in desk.held()) == sorted(each.number for each in sales)


def test_what_quickbooks_refuses_fails_alone_and_the_rest_is_done(desk):
    door = door_of(desk)
    sales = [desk.sale(n, day="2026-01-15" if n == 3 else "2026-03-05") for n in range(6)]
    batch = approved(door, sales)
    desk.qb.companies[desk.realm].closed_through = "2026-01-31"  # after it was approved
    desk.at.performer.books._kept.clear()
    told = performed(door, batch.proposal_id)
    assert told == {"done": 5, "void": 1}
    assert len(desk.held()) == 5


def test_one_document_is_proposed_shown_approved_and_written(desk):
    door = door_of(desk)
    made = door.propose(OPERATOR, CREATE, params_of(desk.sale()), Asked(reason="By hand"))
    assert made.preview.says.startswith("Write journal entry")
    assert made.preview.books[0].startswith("Stripe clearing  96.80 USD")
    door.approve(APPROVER, made.proposal_id, made.call_hash)
    call = door.calls.perform(made.proposal_id)
    assert (call.state, call.result_id) == ("done", desk.held()[0]["Id"])
