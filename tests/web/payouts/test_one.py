"""One payout: its parts come to it, its match is seen and taken apart, and a person says what is in a manual one."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

from tests.journal.shapes import DAY, bt, seen
from tests.web.payouts.conftest import Company, csrf, line, said, words
from tests.workflows.payouts.conftest import open_shop, shop  # noqa: F401 (fixtures)

from bookhand.journal.workflow import read as post
from bookhand.workflows.payouts.contents import solving_store


async def test_the_parts_lead_from_gross_to_what_was_paid_out(company: Company) -> None:
    page = (await (await company.person("viewer")).get("/payouts/po_good")).text
    chart = json.loads(unescape(re.search(r'data-chart="([^"]+)"', page)[1]))
    assert [(step["name"], step["minor"], step["total"]) for step in chart["steps"]] == [
        ("Charges", 10_000, False), ("Fees", -320, False), ("Refunds", -500, False), ("Paid out", 9_180, True),
    ]  # fmt: skip
    told = words(page)
    assert "Charges 1 100.00 Fees 1 (3.20) Refunds 1 (5.00)" in told
    assert "Its 2 members add up to the payout, to the cent." in told
    assert all(key in told for key in ("txn_good", "txn_re_good", "txn_po_good"))
    assert "STRIPE po_good" in told
    assert "Take this match apart" not in told


async def test_members_go_on_by_key(company: Company) -> None:
    owner = await company.owner()
    page = (await owner.get("/payouts/po_good?cursor=WyIiLCAidHhuX2dvb2QiXQ")).text  # after txn_good
    told = words(page)
    assert "txn_po_good" in told
    assert not re.search(r"<th scope=\"row\"><span class=\"po-id\">txn_good</span>", page)


async def test_a_match_is_taken_apart_by_who_may(company: Company) -> None:
    viewer, operator = await company.person("viewer"), await company.person("operator")
    match = company.one("select match_id from bank_match_payout where payout_id = 'po_good'")
    page = (await operator.get("/payouts/po_good")).text
    fields = {"csrf": csrf(page), "match": match, "why": "Another one"}
    here = {"sec-fetch-site": "same-origin"}
    refused = await viewer.client.post(
        "/payouts/po_good/undo",
        data={**fields, "csrf": csrf((await viewer.get("/payouts")).text)},
        headers=here,
    )
    assert refused.status_code == 403
    assert (
        await operator.client.post("/payouts/po_good/undo", data={**fields, "csrf": ""}, headers=here)
    ).status_code == 403
    assert (
        await operator.client.post("/payouts/po_good/undo", data={**fields, "why": " "}, headers=here)
    ).status_code == 400
    assert company.one("select count(*) from bank_match_payout") == 1
    done = await operator.client.post("/payouts/po_good/undo", data=fields, headers=here)
    assert said(done) == "/payouts/po_good"
    after = words((await operator.get("/payouts/po_good")).text)
    assert "The match was taken apart" in after
    assert "No line of the bank is matched with it." in after
    assert company.one("select reason from bank_match where undoes = %s", match) == "Another one"
    again = await operator.client.post("/payouts/po_good/undo", data=fields, headers=here)
    assert again.status_code == 409


async def test_a_payout_whose_members_do_not_come_to_it_says_by_how_much(web: Company) -> None:
    made = web.payout("off", charge=10_000, fee=320)
    with web.db.transaction() as cx:
        cx.execute("update payout set amount = amount - 7 where payout_id = %s", (made.id,))
    web.reconcile()
    page = (await (await web.owner()).get("/payouts/po_off")).text
    assert "Its own movement is (96.80) USD, but the payout is 96.73 USD." in words(page)
    assert "Not known (0.07)" in words(page)


async def test_a_payout_that_failed_and_never_arrived_says_what_put_its_money_back(web: Company) -> None:
    made = web.payout(
        "failed", charge=10_000, fee=320, day=2, status="failed", failure_balance_transaction="txn_back"
    )
    back = bt("txn_back", made.amount, category="payout_reversal", source=made.id, at=made.created + DAY)
    with web.db.transaction() as cx:
        post(cx, web.link, seen([back]))
    web.bank(line(1, 1, -100, "TEA"), line(2, 30, -100, "COFFEE"))
    assert web.reconcile().settled == 1
    owner = await web.owner()
    told = words((await owner.get("/payouts/po_failed")).text)
    assert "txn_back put its money back in the Stripe balance" in told
    assert "No line of the bank is matched with it." not in told
    board = words((await owner.get("/payouts")).text)
    assert "Failed, money back" in board
    assert "Failed, money back" not in words((await owner.get("/payouts?show=open")).text)


async def test_what_is_in_a_manual_payout_is_confirmed_chosen_and_taken_back(web: Company, shop: Any) -> None:  # noqa: F811
    shop.manual()
    for amount in (10_000, 10_000, 4_000):
        shop.pay(amount)
    shop.wait(4)
    made = shop.post("/v1/payouts", amount=9_680, currency="usd")["id"]
    shop.sync()
    web.reconcile()
    operator = await web.person("operator")
    told = words((await operator.get(f"/payouts/{made}")).text)
    assert "Several choices add up" in told
    assert "Nobody has said what is in it yet" in told
    page = (await operator.get(f"/payouts/{made}/candidates")).text
    ticks = re.findall(
        r'name="member" value="(txn_\w+)" data-tick data-minor="(-?\d+)"[^>]*?( checked)?\s+aria', page
    )
    assert sorted(int(minor) for _, minor, _ in ticks) == [3_854, 9_680, 9_680]
    chosen = [key for key, _, checked in ticks if checked]
    other = next(key for key, minor, _ in ticks if minor == "9680" and key not in chosen)
    wrong = await operator.fill(
        f"/payouts/{made}/candidates", f"/payouts/{made}/confirm", {"by": "hand", "why": "x"}
    )
    assert (wrong.status_code, "Tick what went out" in wrong.text) == (400, True)
    short = next(key for key, minor, _ in ticks if minor == "3854")
    refused = await operator.fill(
        f"/payouts/{made}/candidates", f"/payouts/{made}/confirm", {"by": "hand", "member": short, "why": "x"}
    )
    assert (refused.status_code, "choose others" in words(refused.text)) == (400, True)
    assert "These 1 come to 38.54 USD, but" in words(refused.text)
    done = await operator.fill(
        f"/payouts/{made}/candidates",
        f"/payouts/{made}/confirm",
        {"by": "hand", "member": other, "why": "The second"},
    )
    assert said(done) == f"/payouts/{made}"
    told = words((await operator.get(f"/payouts/{made}")).text)
    assert "Confirmed by operator@example.com" in told or "Confirmed by operator" in told
    assert other in told
    back = await operator.fill(f"/payouts/{made}", f"/payouts/{made}/take-back", {"why": "It was the first"})
    assert said(back) == f"/payouts/{made}"
    assert web.one("select count(*) from payout_confirmed") == 0
    with web.db.transaction() as cx:
        solving_store.solve_due(cx, web.link)
    again = await operator.fill(f"/payouts/{made}", f"/payouts/{made}/confirm", {"why": "As proposed"})
    assert said(again) == f"/payouts/{made}"
    assert {
        key
        for key in chosen
        if web.one("select payout_id from payout_confirmed where balance_transaction = %s", key)
    } == set(chosen)


async def test_who_may_not_decide_sees_no_candidates_and_confirms_nothing(company: Company) -> None:
    viewer = await company.person("viewer")
    assert (await viewer.get("/payouts/po_good/candidates")).status_code == 403
    assert (await viewer.get("/payouts/match")).status_code == 403
    for path in ("/payouts/po_good/confirm", "/payouts/po_good/take-back", "/payouts/match"):
        answer = await viewer.fill("/payouts", path, {"why": "x"})
        assert answer.status_code == 403, path
    operator = await company.person("operator")
    assert (await operator.get("/payouts/po_good/candidates")).status_code == 400  # it is automatic


async def test_a_payout_in_several_lines_shows_each(web: Company) -> None:
    web.payout("two", charge=10_000, fee=320)
    web.bank(line(1, 1, 9_000, "STRIPE A"), line(2, 1, 680, "STRIPE B"), line(3, 20, -1, "FEE"))
    numbers = [str(web.line("STRIPE A")), str(web.line("STRIPE B"))]
    operator = await web.person("operator")
    done = await operator.fill(
        "/payouts/match?payout=po_two", "/payouts/match", {"payout": "po_two", "line": numbers, "why": "Both"}
    )
    assert said(done) == "/payouts/po_two"
    told = words((await operator.get("/payouts/po_two")).text)
    assert "STRIPE A" in told
    assert "STRIPE B" in told
    assert "operator@example.com says so: Both" in told or "operator says so: Both" in told
