"""Payouts and bank lines reconciled over the real path: matched, posted, asked, left over, and nothing done twice."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import msgspec
import psycopg
import pytest
from tests.workflows.payouts.conftest import BANK as ACCOUNT
from tests.workflows.payouts.conftest import day_of

from bookhand.actions.kit import Kit
from bookhand.actions.workflow import Door
from bookhand.core.caller import Caller, capabilities
from bookhand.core.problems import Conflict, Missing, Refusal
from bookhand.inbox.workflow import replayed
from bookhand.journal import store as journal
from bookhand.journal.check_workflow import check
from bookhand.sandbox.bank.files import render
from bookhand.sandbox.bank.lines import BankAccount, BankLine
from bookhand.sandbox.outside.server import running
from bookhand.sandbox.plaid.standin import Plaid
from bookhand.systems import store as connections
from bookhand.systems.bank import store as bank_store
from bookhand.systems.bank.intake_workflow import Intake
from bookhand.systems.bank.plaid import link_auth
from bookhand.systems.bank.plaid.api_client import Application, PlaidClient
from bookhand.systems.bank.plaid.sync_workflow import Feed
from bookhand.wiring import OWN_ACTS, catalogue
from bookhand.workflows.payouts.breaks import Cause
from bookhand.workflows.payouts.reconciling import break_store, match_store
from bookhand.workflows.payouts.reconciling.workflow import reconcile
from bookhand.workspace.secrets_store import Secrets

ANA = Caller(
    workspace_id=1, who="person:1", name="Ana", role="operator", can=capabilities("operator"), channel="cli"
)
AGENT = Caller(
    workspace_id=1, who="person:1", name="Ana", role="operator", can=capabilities("operator"), channel="chat", agent="chat"
)  # fmt: skip


@pytest.fixture
def door(db) -> Door:
    return Door(Kit(db=db, catalogue=catalogue(), performers={}, own=OWN_ACTS))


def balances(db, link):
    with db.transaction() as cx:
        found = journal.balances(cx, link)
    return {
        account: minor
        for (account, _), minor in found.items()
        if minor and not account.startswith("stripe_clearing")
    }


def standing(db):
    with db.transaction() as cx:
        return {each.found.cause: each for each in break_store.standing(cx)}


def test_a_payout_arrives_and_is_booked_once(db, link, shop, bank):
    shop.pay(10_000)
    shop.wait(7)
    shop.sync()
    (payout,) = shop.payouts()
    paid = bank.line(day_of(payout), 9_680, f"STRIPE PAYOUT {payout['trace_id']['value']}")
    rent = bank.line(day_of(payout), -4_200, "RENT")
    report = reconcile(db, mode="test")
    assert (report.counted, report.matches, report.breaks) == (1, 1, 0)
    with db.transaction() as cx:
        (number,) = cx.execute("select connection_id from bank_account").fetchone()
        at_bank = msgspec.structs.replace(link, connection_id=number)
        assert [match_store.has_line(cx, at_bank, *line) for line in (paid, rent)] == [True, False]
    assert balances(db, link)["bank:" + ACCOUNT] == 9_680
    assert "bank_in_transit" not in balances(db, link)
    with db.transaction() as cx:
        (kept,) = match_store.standing(cx, [payout["id"]])
        rows = cx.execute(
            "select key, booked_on::text from journal_entry where kind = 'bank_match'"
        ).fetchall()
    assert rows == [(f"match:{kept.id}", day_of(payout))]
    again = reconcile(db, mode="test")
    assert not again.changed
    assert balances(db, link)["bank:" + ACCOUNT] == 9_680


def test_an_account_that_comes_while_a_round_is_under_way_does_not_break_it(db, link, shop, bank):
    shop.pay(10_000)
    shop.wait(4)
    shop.sync()
    (payout,) = shop.payouts()
    bank.line(day_of(payout), 9_680, f"STRIPE PAYOUT {payout['trace_id']['value']}")
    with ThreadPoolExecutor(1) as pool, psycopg.connect(db.url) as cx:
        cx.execute(
            "update connection set mode = 'live' where system = 'stripe'"
        )  # so that the round finds none at first
        cx.commit()
        cx.execute(
            "lock table bank_match_line in access exclusive mode"
        )  # where the round stands until this is over
        going = pool.submit(reconcile, db, mode="test")
        waits = "select from pg_locks where not granted and relation = 'bank_match_line'::regclass"
        while not cx.execute(waits).fetchall():
            assert not going.done()
        cx.execute("update connection set mode = 'test' where system = 'stripe'")
        cx.commit()
        assert going.result().matches == 1
    assert balances(db, link)["bank:" + ACCOUNT] == 9_680


def test_what_is_missing_is_a_break_until_it_is_found(db, link, shop, bank):
    shop.pay(10_000)
    shop.wait(7)
    shop.sync()
    (payout,) = shop.payouts()
    bank.balance[ACCOUNT] = -450
    bank.line("2025-11-28", -300, "COFFEE")
    assert reconcile(db, mode="test").new_breaks == 1
    assert set(standing(db)) == {Cause.NOT_COVERED}  # there is no statement of its days
    bank.balance[ACCOUNT] = 0
    bank.line("2025-10-10", -450, "TEA")
    report = reconcile(db, mode="test")  # the balances go on, so nothing is missing between
    assert (report.new_breaks, report.closed_breaks) == (1, 1)
    found = standing(db)[Cause.MISSING].found
    assert (found.amount, found.payouts) == ("-96.80 USD", (payout["id"],))
    assert not reconcile(db, mode="test").changed
    bank.line(day_of(payout), 9_680, "STRIPE")
    report = reconcile(db, mode="test")
    assert (report.matches, report.closed_breaks, report.breaks) == (1, 1, 0)


def test_a_payout_that_comes_back_after_its_arrival_was_booked(db, link, shop, bank):
    shop.pay(10_000)
    shop.wait(4)
    shop.sync()
    (payout,) = shop.payouts()
    day = day_of(payout)
    bank.line(day, 9_680, f"STRIPE {payout['id']}")
    assert reconcile(db, mode="test").matches == 1
    shop.post(f"/_pinstripe/payouts/{payout['id']}/fail", failure_code="account_closed")
    shop.sync()
    reconcile(db, mode="test")
    bank.line(shop.today(), -9_680, f"STRIPE RETURN {payout['id']}")
    report = reconcile(db, mode="test")
    assert (report.undone, report.matches) == (1, 1)
    with db.transaction() as cx:
        (kept,) = match_store.standing(cx, [payout["id"]])
    assert (kept.rule, len(kept.lines), kept.difference) == ("returned", 2, 0)
    found = balances(db, link)
    assert ("bank:" + ACCOUNT not in found, "bank_in_transit" not in found) == (True, True)
    assert not reconcile(db, mode="test").changed
    assert check(db, link, replayed(db, link)).holds


def test_a_failed_payout_that_never_arrived_takes_no_other_line(db, link, shop, bank):
    shop.post("/_pinstripe/settings", payout_failure="account_closed")
    shop.pay(10_000)
    shop.wait(4)
    shop.post("/_pinstripe/settings", payout_failure="")
    shop.wait(5)
    shop.sync()
    failed, again = shop.payouts()
    assert (failed["status"], again["status"], failed["amount"]) == ("failed", "paid", again["amount"])
    bank.line(day_of(again), 9_680, "STRIPE PAYOUT")
    reconcile(db, mode="test")
    with db.transaction() as cx:
        assert match_store.standing(cx, [failed["id"]]) == []
        assert len(match_store.standing(cx, [again["id"]])) == 1
    assert "bank_in_transit" not in balances(db, link)


def test_money_that_stripe_takes_from_the_bank(db, link, shop, bank):
    charge = shop.pay(10_000)
    shop.wait(4)
    shop.post("/v1/refunds", charge=charge, amount=10_000)
    shop.wait(9)
    shop.sync()
    found = [each for each in shop.payouts() if each["amount"] < 0]
    assert found, "the stand-in took nothing back"
    for each in shop.payouts():
        bank.line(day_of(each), each["amount"], f"STRIPE {each['id']}")
    assert reconcile(db, mode="test").matches == 2
    assert balances(db, link)["bank:" + ACCOUNT] == sum(each["amount"] for each in shop.payouts())


def test_a_line_that_the_bank_takes_back_is_matched_no_more(db, link, shop, bank):
    shop.pay(10_000)
    shop.wait(7)
    shop.sync()
    (payout,) = shop.payouts()
    account, key = bank.line(day_of(payout), 9_680, f"STRIPE {payout['id']}")
    assert reconcile(db, mode="test").matches == 1
    with db.transaction() as cx:
        connection = connections.every(cx, system="bank")[0]
        bank_store.supersede(cx, connection.link, account, key, by_key=None, why="Booked by mistake")
    report = reconcile(db, mode="test")
    assert (report.undone, report.matches) == (1, 0)
    assert balances(db, link)["bank_in_transit"] == 9_680
    assert not reconcile(db, mode="test").changed
    bank.line(day_of(payout), 9_680, f"STRIPE {payout['id']}")
    assert reconcile(db, mode="test").matches == 1


def test_a_line_that_plaid_tells_in_other_words_stays_matched(db, link, shop, tmp_path):
    shop.pay(10_000)
    shop.wait(7)
    shop.sync()
    (payout,) = shop.payouts()
    secrets, stand_in = Secrets(tmp_path), Plaid()
    with running(stand_in) as url:
        plaid = PlaidClient(Application(client_id="client", secret="sandbox", base_url=url))
        asked = {"institution_id": "ins_109508", "initial_products": ["transactions"]}
        public = plaid.post("/sandbox/public_token/create", asked)["public_token"]
        bank = link_auth.connect(db, secrets, plaid, public)
        item = next(iter(stand_in.items.values()))
        feed = Feed(db, secrets, plaid, is_matched=match_store.has_line)
        told = item.post(amount="-96.80", date=day_of(payout), name=f"STRIPE {payout['id']}")
        feed.sync(bank)
        assert reconcile(db, mode="test").matches == 1
        item.modify(told["transaction_id"], original_description="STRIPE TRANSFER, BEAUTIFIED")
        assert feed.sync(bank).changed == 1
        plaid.close()
    report = reconcile(db, mode="test")
    assert (report.undone, report.matches) == (0, 0)
    assert "bank_in_transit" not in balances(db, link)
    with db.transaction() as cx:
        assert cx.execute("select count(*) from line_open").fetchone() == (0,)
        assert cx.execute("select count(*) from statement_line").fetchone() == (2,)


def test_a_sum_that_is_off_by_a_cent_is_a_break_and_a_problem(db, link, shop):
    shop.pay(10_000)
    shop.wait(7)
    shop.sync()
    (payout,) = shop.payouts()
    with db.transaction() as cx:  # as if Stripe's payout said a cent more
        cx.execute("update payout set amount = amount + 1 where payout_id = %s", (payout["id"],))
    report = reconcile(db, mode="test")
    assert report.wrong == 1
    found = standing(db)[Cause.BREAKDOWN]
    assert found.found.payouts == (payout["id"],)
    with db.transaction() as cx:
        (message,) = cx.execute(
            "select message from problem where kind = 'payout_does_not_add_up'"
        ).fetchone()
    assert "96.81 USD" in message


def test_a_person_matches_with_a_fee_and_takes_it_apart_again(db, link, shop, bank, door):
    shop.pay(10_000)
    shop.wait(7)
    shop.sync()
    (payout,) = shop.payouts()
    account, key = bank.line(day_of(payout), 9_180, "INCOMING WIRE")
    reconcile(db, mode="test")
    asked = {"payouts": [payout["id"]], "lines": [{"account": account, "key": key}], "why": "Seen on paper"}
    with pytest.raises(Refusal, match=r"say what the difference of -5\.00 USD is"):
        door.propose(ANA, "payouts.match", asked, "why")
    waits = door.propose(AGENT, "payouts.match", {**asked, "difference": "bank_fee"}, "why")
    assert waits.state == "waiting"
    assert "bank:" + account not in balances(db, link)
    assert door.propose(ANA, "payouts.match", {**asked, "difference": "bank_fee"}, "why").state == "done"
    assert balances(db, link)["bank:" + account] == 9_180
    assert balances(db, link)["bank_fees"] == 500
    assert standing(db) == {}
    with pytest.raises(Conflict, match="is matched already"):
        door.propose(ANA, "payouts.match", {**asked, "difference": "bank_fee"}, "why")
    (match,) = door.read(ANA, "payouts.matches", {"payout": payout["id"]}).data
    door.propose(ANA, "payouts.unmatch", {"match": match["id"], "why": "It was another one"}, "why")
    assert balances(db, link)["bank_in_transit"] == 9_680
    reconcile(db, mode="test")
    (held,) = standing(db).values()
    assert "Ana took its match apart: It was another one" in held.found.note
    explained = {"break_id": held.id, "explanation": "The bank keeps it"}
    door.propose(ANA, "payouts.explain", explained, "why")
    door.propose(ANA, "breaks.assign", {"break_id": held.id, "owner": "Ben"}, "why")
    (told,) = door.read(ANA, "breaks.list", {"owner": "Ben"}).data
    assert (told["state"], told["explanation"], told["explained_by"]) == (
        "explained",
        "The bank keeps it",
        "Ana",
    )
    assert not reconcile(db, mode="test").changed
    assert door.propose(ANA, "payouts.match", {**asked, "difference": "bank_fee"}, "why").state == "done"
    assert "bank_in_transit" not in balances(db, link)
    assert check(db, link, replayed(db, link)).holds


def test_a_fee_that_a_person_agreed_to_is_known_from_then_on(db, link, shop, bank, door):
    shop.pay(10_000)
    shop.wait(7)
    shop.pay(20_000)
    shop.wait(7)
    shop.sync()
    first, second = shop.payouts()
    account, key = bank.line(day_of(first), first["amount"] - 1_500, "STRIPE PAYOUT")
    bank.line(day_of(second), second["amount"] - 1_500, "STRIPE PAYOUT")
    assert reconcile(db, mode="test").matches == 0
    asked = {
        "payouts": [first["id"]],
        "lines": [{"account": account, "key": key}],
        "difference": "bank_fee",
        "why": "Our bank's",
    }
    door.propose(ANA, "payouts.match", asked, "why")
    assert reconcile(db, mode="test").matches == 1
    with db.transaction() as cx:
        (kept,) = match_store.standing(cx, [second["id"]])
    assert (kept.rule, kept.difference, kept.by_who) == ("bank_fee", -1_500, "bookhand")
    assert balances(db, link)["bank_fees"] == 3_000
    assert "bank_in_transit" not in balances(db, link)


def test_a_line_in_another_currency_passes_through_the_exchange_account(db, link, shop, bank, door):
    shop.pay(10_000)
    shop.wait(7)
    shop.sync()
    (payout,) = shop.payouts()
    account, key = bank.line(day_of(payout), 8_900, "STRIPE", currency="EUR")
    asked = {"payouts": [payout["id"]], "lines": [{"account": account, "key": key}], "why": "why"}
    with pytest.raises(Refusal, match="say that the difference is fx"):
        door.propose(ANA, "payouts.match", asked, "why")
    door.propose(ANA, "payouts.match", {**asked, "difference": "fx"}, "why")
    with db.transaction() as cx:
        found = journal.balances(cx, link)
    assert found["bank:" + account, "EUR"] == 8_900
    assert found["fx_conversion", "EUR"] == -8_900
    assert found["fx_conversion", "USD"] == 9_680
    assert found["bank_in_transit", "USD"] == 0


def test_manual_payouts_are_confirmed_through_the_door(db, link, shop, bank, door):
    shop.manual()
    shop.pay(10_000)
    shop.wait(4)
    made = shop.post("/v1/payouts", amount=9_680, currency="usd")["id"]
    shop.wait(3)
    shop.sync()
    (payout,) = shop.payouts()
    bank.line(day_of(payout), 9_680, f"STRIPE {made}")
    assert reconcile(db, mode="test").solved == 1
    assert standing(db)[Cause.MANUAL_PAYOUT].found.payouts == (made,)
    assert (
        door.propose(AGENT, "payouts.confirm_breakdown", {"payout": made, "why": "x"}, "why").state
        == "waiting"
    )
    door.propose(ANA, "payouts.confirm_breakdown", {"payout": made, "why": "It is all there was"}, "why")
    found = door.read(ANA, "payouts.breakdown", {"payout": made}).data
    assert (found["basis"], found["confirmed_by"], found["adds_up"]) == ("confirmed", "Ana", True)
    assert len(found["lines"]) == 2
    reconcile(db, mode="test")
    assert standing(db) == {}
    (listed,) = door.read(ANA, "payouts.arrivals", {"standing": "matched"}).data
    assert (listed["id"], listed["match"] is not None) == (made, True)


def test_a_match_of_what_the_bank_exchanged_says_so_with_the_rate(db, link, shop, bank):
    shop.pay(10_000)
    shop.wait(7)
    shop.sync()
    (payout,) = shop.payouts()
    line = BankLine(
        id="TX1", day=day_of(payout), minor=8_712, description=f"STRIPE {payout['id']}", sent_minor=9_680, sent_currency="USD",
    )  # fmt: skip
    account = BankAccount(number=f"{ACCOUNT[:-3]}EUR", currency="EUR", lines=(line,))
    bank.intake.take(render(account, "camt053"), name="1.xml", by="person:1")
    assert reconcile(db, mode="test").matches == 1
    with db.transaction() as cx:
        (kept,) = match_store.standing(cx, [payout["id"]])
        (why,) = cx.execute("select why from journal_entry where kind = 'bank_match'").fetchone()
    assert kept.reason.endswith("; exchanged at the bank, 0.9 EUR for 1 USD")
    assert kept.reason in why


def test_what_was_matched_without_a_person_is_in_the_trail(db, link, shop, bank):
    shop.pay(10_000)
    shop.wait(7)
    shop.sync()
    (payout,) = shop.payouts()
    line = bank.line(day_of(payout), 9_680, f"STRIPE {payout['id']}")
    reconcile(db, mode="test")
    reconcile(db, mode="test")
    with db.transaction() as cx:
        (kept,) = match_store.standing(cx, [payout["id"]])
        (connection,) = connections.every(cx, system="bank")
        bank_store.supersede(cx, connection.link, *line, by_key=None, why="Booked by mistake")
    reconcile(db, mode="test")
    with db.transaction() as cx:
        rows = cx.execute(
            "select body from trail where body like %s order by seq", ('%"payouts.%',)
        ).fetchall()
    said = [json.loads(body) for (body,) in rows]
    assert [(each["who"], each["what"], each["subject"]) for each in said] == [
        ("bookhand", "payouts.matched", kept.id),
        ("bookhand", "payouts.unmatched", kept.id),
    ]
    assert said[0]["details"] == {"count": 1, "matches": [kept.id]}


def test_a_person_does_not_match_across_modes_nor_call_more_money_a_fee(db, link, shop, bank, door):
    shop.pay(10_000)
    shop.wait(7)
    shop.sync()
    (payout,) = shop.payouts()
    whole = BankAccount(
        number=ACCOUNT,
        currency="USD",
        lines=(BankLine(id="TX1", day=day_of(payout), minor=9_680, description="WIRE"),),
    )
    Intake(db, mode="live").take(render(whole, "camt053"), name="live.xml", by="person:1")
    with db.transaction() as cx:
        account, key = cx.execute("select account, key from statement_line").fetchone()
    asked = {"payouts": [payout["id"]], "lines": [{"account": account, "key": key}], "why": "It looks so"}
    with pytest.raises(Missing, match=r"no line TX1@.* of test mode"):
        door.propose(ANA, "payouts.match", asked, "why")
    account, key = bank.line(day_of(payout), 9_780, "WIRE")
    asked = {**asked, "lines": [{"account": account, "key": key}], "difference": "bank_fee"}
    with pytest.raises(Refusal, match="no fee of a bank makes more"):
        door.propose(ANA, "payouts.match", asked, "why")
    assert balances(db, link)["bank_in_transit"] == 9_680
