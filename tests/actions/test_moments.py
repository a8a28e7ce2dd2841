"""What happens between two statements: rights taken back, accounts lost, claims that ran out, runs that ended, two at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import msgspec
import psycopg
import pytest
import stripe
from tests.actions.conftest import APPROVER, OPERATOR, OWNER, Shop, person

from bookhand.actions import call_store, store
from bookhand.actions.act_workflow import DoorRuns, tidy
from bookhand.actions.asked import Asked
from bookhand.actions.proposal import call_hash
from bookhand.actions.rights import rights_store
from bookhand.actions.rights.govern_workflow import Governing
from bookhand.actions.rights.policy import Budget, Standing, Wanted
from bookhand.actions.workflow import Door
from bookhand.core.action import Moves
from bookhand.core.caller import NotAllowed, capabilities
from bookhand.core.problems import Outage, Refusal, UnknownOutcome
from bookhand.runs import execution_store
from bookhand.runs import store as runs
from bookhand.systems import store as connections
from bookhand.systems.stripe.auth import connect_with_key
from bookhand.workspace.trail import Note
from bookhand.workspace.trail_store import append

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


# --- two at once ---


TERMS = {"method": "clearing"}
MIRROR = person(1, "owner", agent="mirror")


def _agree(db, **how) -> None:
    fields: dict[str, Any] = {
        "id": "stand_1", "connection_id": None, "grantee": "agent:mirror", "patterns": (REFUND,), "terms": TERMS,
        "terms_hash": call_hash(TERMS), "currency": "USD", "day_minor": 3000, "agreed_by": OWNER.who, "agreed_name": OWNER.name, **how,
    }  # fmt: skip
    with db.transaction() as cx:
        rights_store.agree(cx, OWNER, Standing(**fields), why="Mirroring", expires_at=None)


def _under(door: Door, charge: str, amount: int, **where: str):
    asked = Asked(reason="Mirror", under="stand_1", terms=TERMS)
    return door.propose(MIRROR, REFUND, {"charge": charge, "amount": amount, **where}, asked)


def _together(*works: Callable[[], Any]) -> list[Any]:
    """What each gave, or what it raised."""
    found: list[Any] = []

    def one(work: Callable[[], Any]) -> None:
        try:
            found.append(work())
        except Exception as error:  # noqa: BLE001 (what it raised is looked at)
            found.append(error)

    threads = [threading.Thread(target=one, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return found


def test_two_at_once_do_not_exceed_the_day_of_a_standing_approval(door, shop, db) -> None:
    _agree(db)
    charges = [shop.charge() for _ in range(2)]
    with (
        db.transaction() as cx
    ):  # holds the trail's head, so that both have been looked at before either is written
        append(cx, 1, [Note(who="test", what="test")])
        release = threading.Timer(1.5, cx.commit)
        release.start()
        found = _together(*[lambda charge=charge: _under(door, charge, 2000) for charge in charges])
    release.join()
    assert sorted(getattr(each, "state", "refused") for each in found) == ["approved", "refused"], found


def test_a_day_under_a_standing_approval_for_every_account_is_one_day(
    door, shop, db, secrets, engine, url
) -> None:
    _agree(db)
    connect_with_key(db, secrets, engine.keys().live, base_url=url, name="Shop live")
    live = stripe.StripeClient(engine.keys().live, base_addresses={"api": url}, max_network_retries=0)
    there = Shop(live, live.v1.customers.create({"name": "Live"}).id)
    assert _under(door, shop.charge(), 2000, mode="test").state == "approved"
    with pytest.raises(NotAllowed, match=r"The day would come to 40\.00 USD"):
        _under(door, there.charge(), 2000, mode="live")


def _budget(db, **limits: Any) -> None:
    with db.transaction() as cx:
        budget = Budget(id=0, **{"grantee": "*", "pattern": "*", "currency": "usd", **limits})
        rights_store.add_budget(cx, OWNER, connection_id=None, budget=budget)


def test_four_eyes_are_needed_under_ones_own_standing_approval_too(door, shop, db) -> None:
    _agree(db)
    _budget(db, four_eyes_minor=1000)
    with pytest.raises(NotAllowed, match="needs four eyes"):
        _under(door, shop.charge(), 1000)
    assert _under(door, shop.charge(), 999).state == "approved"


def test_what_comes_in_does_not_make_up_for_what_goes_out(door, shop, db, allow) -> None:
    action = "invoice_items.create"
    allow(action)
    _budget(db, four_eyes_minor=5000, day_minor=20_000)
    rows = [{"customer": shop.customer, "amount": sign * 6000, "currency": "usd"} for sign in (1, -1)]
    batch = door.propose_batch(OPERATOR, action, rows, "Moved over")
    assert batch.four_eyes
    _yes(door, batch)
    more = door.propose(OPERATOR, action, {**rows[0], "amount": 9000}, "More")
    with pytest.raises(NotAllowed, match=r"120\.00 USD is used and 90\.00 USD is asked for"):
        _yes(door, more)


# --- nobody waits in a circle ---


def test_who_passes_holds_the_trail_last(door, shop, db) -> None:
    _agree(db)
    charge = shop.charge()
    with db.transaction() as cx:
        rights_store.lock_budgets(cx, 1, 1)  # as an approval does, and then appends
        found: list[Any] = []
        thread = threading.Thread(target=lambda: found.extend(_together(lambda: _under(door, charge, 100))))
        thread.start()
        _until_blocked(db)
        append(cx, 1, [Note(who="test", what="test")])
    thread.join(timeout=30)
    assert [getattr(each, "state", each) for each in found] == ["approved"]


def test_who_approves_holds_the_trail_last(door, shop, db) -> None:
    door.kit.runs = DoorRuns()
    with db.transaction() as cx:
        run_id = runs.start(cx, OPERATOR, "any", {}, rights={})
    asked = Asked(reason="in a run", run_id=run_id, step="a")
    proposal = door.propose(OPERATOR, REFUND, {"charge": shop.charge(), "amount": 5}, asked)
    with db.transaction() as cx:
        execution_store.begin(cx, run_id)
        runs.move(cx, runs.get(cx, run_id, lock=True), "waiting", waits_for=proposal.topic)
    with db.transaction() as cx:
        runs.get(cx, run_id, lock=True)  # as a revocation does, and then appends
        found: list[Any] = []
        thread = threading.Thread(target=lambda: found.extend(_together(lambda: _yes(door, proposal))))
        thread.start()
        _until_blocked(db)
        append(cx, 1, [Note(who="test", what="test")])
    thread.join(timeout=30)
    assert [getattr(each, "state", each) for each in found] == ["approved"]


def _until_blocked(db) -> None:
    deadline = time.monotonic() + 10
    with psycopg.connect(db.url, autocommit=True) as look:
        while time.monotonic() < deadline:
            found = look.execute(
                "select 1 from pg_locks l join pg_database d on d.oid = l.database or l.database is null"
                " where not l.granted and d.datname = current_database()"
            ).fetchone()
            if found:
                return
            time.sleep(0.02)
    raise AssertionError("Nobody waits.")


def test_two_who_count_the_same_customers_do_not_wait_in_a_circle(db) -> None:
    def count(cx: Any, *numbers: int) -> None:
        customers = {f"cus_{number}": (1, {"USD": 5}) for number in numbers}
        moves = (Moves(5 * len(numbers), "USD", "x"),)
        wanted = Wanted(grantee="*", action=REFUND, moves=moves, customers=customers, count=len(numbers))
        rights_store.use(cx, 1, 1, date(2026, 11, 25), wanted, standing="")

    def work(*numbers: int) -> None:
        with db.transaction() as cx:
            count(cx, *numbers)

    with db.transaction() as cx:
        count(cx, 2)  # both come to here, each with what lies before it
        release = threading.Timer(1.0, cx.commit)
        release.start()
        found = _together(lambda: work(1, 2, 3), lambda: work(3, 2, 1))
    release.join()
    assert found == [None, None]


# --- budgets ---


def test_what_is_given_back_is_given_back_on_the_day_it_was_counted(door, shop, db, clock) -> None:
    _budget(db, day_minor=2000)
    clock.ahead = timedelta(days=1)
    charge, proposal = _asked(door, shop)
    _yes(door, proposal)
    shop.client.v1.refunds.create({"charge": charge, "amount": 100})
    assert door.calls.perform(proposal.proposal_id).state == "void"
    assert _yes(door, _asked(door, shop, 1900)[1]).state == "approved"


# --- one, and who asks ---


def test_a_batch_of_one_is_done(door, shop) -> None:
    charge = shop.charge()
    batch = door.propose_batch(OPERATOR, REFUND, [{"charge": charge, "amount": 100}], "Recall")
    _yes(door, batch)
    assert door.calls.perform(batch.proposal_id).state == "done"
    assert len(shop.refunds(charge)) == 1


def test_a_token_that_may_only_approve_approves(door, shop) -> None:
    door.kit.runs = DoorRuns()
    token = msgspec.structs.replace(
        APPROVER, can=capabilities("approver", scopes=("read", "approve")), token=1
    )
    assert _yes(door, _asked(door, shop)[1], by=token).state == "approved"


def test_an_agent_does_not_change_what_it_may_do_itself(kit) -> None:
    governing = Governing(kit)
    with pytest.raises(NotAllowed, match="a person has to"):
        governing.permit(
            MIRROR, connection_id=None, grantee="agent:mirror", pattern="payouts.create", allowed=True
        )
    with pytest.raises(NotAllowed, match="a person has to"):
        governing.set_budget(
            MIRROR, connection_id=None, budget=Budget(id=0, grantee="*", pattern="*", day_count=9)
        )
    number = governing.set_budget(
        OWNER, connection_id=None, budget=Budget(id=0, grantee="*", pattern="*", day_count=1)
    )
    with pytest.raises(NotAllowed, match="a person has to"):
        governing.end_budget(MIRROR, number)


# --- runs that end before what was approved is done ---


def _state(db, proposal) -> str:
    with db.transaction() as cx:
        return store.proposal(cx, 1, proposal.proposal_id).state


def _cancelled(db, proposal) -> None:
    with db.transaction() as cx:
        runs.cancel(cx, OWNER, proposal.run_id, "Not any more.")


def test_what_was_approved_and_not_sent_is_void_once_its_run_is_cancelled(door, shop, db) -> None:
    door.kit.runs = DoorRuns()
    _budget(db, day_minor=2000)
    charge, asked = _asked(door, shop)
    rows = [{"charge": shop.charge(), "amount": 100} for _ in range(3)]
    proposals = [_yes(door, asked), _yes(door, door.propose_batch(OPERATOR, REFUND, rows, "Recall"))]
    assert tidy(door) == 0
    for proposal in proposals:
        _cancelled(db, proposal)
    assert (tidy(door), tidy(door)) == (2, 0)
    with db.transaction() as cx:
        call = call_store.call(cx, 1, asked.proposal_id)
    assert "is cancelled: Not any more." in (call.state_why or "")
    assert [_state(db, each) for each in proposals] == ["void", "failed"]
    assert [shop.refunds(each) for each in (charge, *(row["charge"] for row in rows))] == [[]] * 4
    assert _yes(door, _asked(door, shop, 2000)[1]).state == "approved"  # and nothing of the day is used


@pytest.mark.parametrize("fault", ["cut_after", "cut_before"])
def test_what_may_be_under_way_is_looked_up_once_its_run_is_cancelled(door, shop, db, engine, fault) -> None:
    door.kit.runs = DoorRuns()
    charge, asked = _asked(door, shop)
    proposal = _yes(door, asked)
    engine.faults.add(fault, method="POST", path="/v1/refunds")
    with pytest.raises(UnknownOutcome):
        door.calls.perform(proposal.proposal_id)
    _cancelled(db, proposal)
    assert tidy(door) == 1
    assert _state(db, proposal) == ("done" if fault == "cut_after" else "void")
    assert len(shop.refunds(charge)) == (1 if fault == "cut_after" else 0)


def test_taking_a_right_from_an_approver_does_not_stop_what_they_approved_for_others(door, shop, db) -> None:
    door.kit.runs = DoorRuns()
    proposal = _yes(door, _asked(door, shop)[1])
    Governing(door.kit).revoke_now(
        OWNER, connection_id=None, grantee=APPROVER.who, pattern="payouts.create", why="Not theirs."
    )
    with db.transaction() as cx:
        assert runs.get(cx, proposal.run_id).state == "queued"
