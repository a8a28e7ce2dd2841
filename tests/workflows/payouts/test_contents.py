"""What is in payouts, over the real path from the stand-in: automatic ones by Stripe's list, manual and instant ones solved."""

from __future__ import annotations

import pytest
from tests.workflows.payouts.conftest import READERS

from bookhand.core.caller import Caller, capabilities
from bookhand.core.facts import OpeningBalance, Seen
from bookhand.core.problems import Conflict, Refusal
from bookhand.inbox import store as inbox
from bookhand.inbox.delivery import listed
from bookhand.inbox.workflow import drain
from bookhand.journal import workflow as journal
from bookhand.workflows.payouts.breaks import Cause
from bookhand.workflows.payouts.contents import breakdown_store, solving_store
from bookhand.workflows.payouts.payout_store import get
from bookhand.workflows.payouts.reconciling import break_store
from bookhand.workflows.payouts.reconciling.workflow import Payouts

ANA = Caller(
    workspace_id=1, who="person:1", name="Ana", role="operator", can=capabilities("operator"), channel="cli"
)


def solved(db, link):
    with db.transaction() as cx:
        solving_store.solve_due(cx, link)
        rows = cx.execute("select payout_id from payout_solution order by 1").fetchall()
        return {payout: solving_store.proposed(cx, link, payout) for (payout,) in rows}


def test_automatic_payouts_are_counted_and_all_of_them_add_up(db, link, shop):
    first = shop.pay(10_000)
    shop.pay(5_000)
    shop.wait(3)
    shop.post("/v1/refunds", charge=first, amount=2_500)
    shop.pay(7_000)
    shop.wait(5)
    shop.sync(seed=3)
    with db.transaction() as cx:
        counted = breakdown_store.count(cx, link)
        found = [breakdown_store.breakdown(cx, link, payout) for payout in counted]
        assert breakdown_store.wrong(cx, link, counted) == []
    assert len(found) == 2
    assert all(each.adds_up for each in found)
    assert sum(part.minor for each in found for part in each.parts if part.name == "charges") == 22_000
    assert sum(part.minor for each in found for part in each.parts if part.name == "refunds") == -2_500
    assert {each.payout: each.amount for each in found} == {
        each["id"]: each["amount"] for each in shop.payouts()
    }


def test_a_manual_payout_of_everything_has_one_solution_and_a_person_confirms_it(db, link, shop):
    shop.manual()
    for amount in (10_000, 4_000, 7_700):
        shop.pay(amount)
    shop.wait(4)
    shop.pay(9_900)  # not available yet: no candidate
    free = shop.get("/v1/balance")["available"][0]["amount"]
    made = shop.post("/v1/payouts", amount=free, currency="usd")["id"]
    shop.sync()
    found = solved(db, link)[made]
    assert (found.outcome, found.how, found.candidates, len(found.members)) == ("unique", "in_order", 3, 3)
    with db.transaction() as cx:
        assert breakdown_store.breakdown(cx, link, made).basis == "none"  # a proposal is no fact
        kept = get(cx, made)
        with pytest.raises(Refusal, match="come to"):
            solving_store.confirm(cx, link, ANA, kept, found.members[:-1])
        solving_store.confirm(cx, link, ANA, kept, found.members)
        after = breakdown_store.breakdown(cx, link, made)
        assert (after.basis, after.confirmed_by, after.adds_up) == ("confirmed", "Ana", True)
        with pytest.raises(Conflict, match="went out with"):
            solving_store.confirm(cx, link, ANA, kept, found.members)
        assert solving_store.take_back(cx, link, made) == 4
        assert breakdown_store.breakdown(cx, link, made).basis == "none"
    assert solved(db, link)[made].outcome == "unique"


def test_part_of_the_balance_has_no_solution_and_equal_charges_have_several(db, link, shop):
    shop.manual()
    for amount in (10_000, 10_000, 4_000):
        shop.pay(amount)
    shop.wait(4)
    one = shop.post("/v1/payouts", amount=9_680, currency="usd")["id"]
    part = shop.post("/v1/payouts", amount=5_000, currency="usd")["id"]
    shop.sync()
    found = solved(db, link)
    assert (found[one].outcome, found[one].how, found[one].at_least) == ("ambiguous", "in_order", 2)
    assert "so do others" in found[one].says
    assert (found[part].outcome, found[part].members) == ("unsolved", ())


def manual(cx):
    """The Break that asks for the members of a manual payout."""
    [found] = [each for each in break_store.standing(cx) if each.found.cause is Cause.MANUAL_PAYOUT]
    return found


def listing(shop):
    """What the lists of the account hold, newest first, as a backfill reads them."""
    paths = ("/v1/payouts", "/v1/charges", "/v1/balance_transactions")
    return [bytes(raw) for path in paths for page in shop.reader.pages(path, {}) for raw in page.data]


def bring_in(db, link, shop, bodies):
    with db.transaction() as cx:
        inbox.receive(cx, link, [listed(raw, as_of=shop.engine.clock.now()) for raw in bodies])
    while drain(db, link, READERS):
        pass


def test_history_that_comes_in_later_takes_an_only_solution_back(db, link, shop):
    shop.manual()
    for amount in (5_000, 8_000, 5_000, 3_000):
        shop.pay(amount)
    shop.wait(4)
    net = {each["amount"]: each["net"] for each in shop.get("/v1/balance_transactions", limit=100)["data"]}
    made = shop.post("/v1/payouts", amount=net[5_000] + net[3_000], currency="usd")["id"]
    *newest, oldest = listing(shop)
    payouts = Payouts(db=db, mode="test")
    bring_in(db, link, shop, newest)
    payouts.reconcile()
    with db.transaction() as cx:
        assert solving_store.proposed(cx, link, made).outcome == "unique"  # of what was there
        before = manual(cx)
        assert "Exactly one choice" in before.found.note
    bring_in(db, link, shop, [oldest])
    payouts.reconcile()
    with db.transaction() as cx:
        found = solving_store.proposed(cx, link, made)
        after = manual(cx)
    assert (found.outcome, found.candidates) == ("ambiguous", 4)
    assert (after.id, after.found.note) == (before.id, found.says)
    shop.pay(1_000)  # after it was made: nothing is asked again
    shop.sync()
    payouts.reconcile()
    with db.transaction() as cx:
        assert solving_store.proposed(cx, link, made) == found


def test_a_list_that_says_where_a_member_went_takes_a_solution_back(db, link, shop):
    shop.manual()
    for amount in (5_000, 8_000, 3_000):
        shop.pay(amount)
    shop.wait(4)
    net = {each["amount"]: each["net"] for each in shop.get("/v1/balance_transactions", limit=100)["data"]}
    made = shop.post("/v1/payouts", amount=net[5_000] + net[3_000], currency="usd")["id"]
    bring_in(db, link, shop, listing(shop))
    found = solved(db, link)[made]
    assert found.outcome == "unique"
    with db.transaction() as cx:
        cx.execute(
            "insert into journal_member (workspace_id, connection_id, balance_transaction, payout) values (%s, %s, %s, 'po_other')",
            (link.workspace_id, link.connection_id, found.members[0]),
        )
    assert solved(db, link)[made].outcome == "unsolved"


def test_what_lay_there_before_the_history_leaves_no_solution_proven(db, link, shop):
    shop.manual()
    for amount in (5_000, 8_000, 3_000):
        shop.pay(amount)
    shop.wait(4)
    net = {each["amount"]: each["net"] for each in shop.get("/v1/balance_transactions", limit=100)["data"]}
    made = shop.post("/v1/payouts", amount=net[5_000] + net[3_000], currency="usd")["id"]
    bring_in(db, link, shop, listing(shop))
    assert solved(db, link)[made].outcome == "unique"
    before = OpeningBalance(since=1_735_689_600, currency="USD", balance_type="payments", minor=700)
    with db.transaction() as cx:
        journal.read(cx, link, [Seen(fact=before, delivery=1, as_of=before.since, told_by="listed")])
    found = solved(db, link)[made]
    assert (found.outcome, len(found.members)) == ("gave_up", 2)
    assert "before the history begins may be in it too" in found.says


def test_an_instant_payout_takes_its_fee_and_what_was_advanced(db, link, shop):
    shop.manual()
    shop.pay(10_000)
    shop.wait(4)
    shop.pay(20_000)
    free = shop.get("/v1/balance")["available"][0]["amount"]
    made = shop.post("/v1/payouts", amount=free + 3_000, currency="usd", method="instant")["id"]
    shop.sync()
    found = solved(db, link)[made]
    assert found.outcome == "unique"
    assert found.fee > 0
    with db.transaction() as cx:
        solving_store.confirm(cx, link, ANA, get(cx, made), found.members)
        after = breakdown_store.breakdown(cx, link, made)
    assert after.adds_up
    assert after.payout_fee == found.fee
    assert {part.name for part in after.parts} == {"charges", "fees", "payouts"}


def test_a_payout_that_was_called_off_holds_nothing_and_takes_nothing(db, link, shop):
    shop.manual()
    shop.pay(10_000)
    shop.wait(4)
    off = shop.post("/v1/payouts", amount=9_680, currency="usd")["id"]
    shop.post(f"/v1/payouts/{off}/cancel")
    made = shop.post("/v1/payouts", amount=9_680, currency="usd")["id"]
    shop.sync()
    found = solved(db, link)
    assert set(found) == {made}
    assert found[made].outcome == "unique"


def test_payouts_that_were_told_before_they_were_kept_are_read_again(db, link, shop):
    """As in a house that was at work before this version: its inbox has them, and the table is empty."""
    shop.pay(10_000)
    shop.wait(9)
    shop.sync()
    with db.transaction() as cx:
        before = get(cx, shop.payouts()[0]["id"])
        cx.execute("delete from payout")
        cx.execute("delete from payout_open")
    payouts = Payouts(db, mode="test")
    payouts.reconcile()
    with db.transaction() as cx:
        assert get(cx, before.payout.id).payout == before.payout
        assert cx.execute("select count(*) from payout_open").fetchone() == (1,)
    assert not payouts.reconcile().changed
