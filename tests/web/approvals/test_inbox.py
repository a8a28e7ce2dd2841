"""The inbox: what a card says before a yes, who sees which button, and that ticks approve what was shown."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from tests.actions.conftest import OWNER, person
from tests.web.approvals.conftest import BEA, hash_on, send, stands
from tests.web.page.conftest import HOSTILE, SECRET
from tests.web.test_pages import Read

from bookhand.actions.rights import rights_store
from bookhand.actions.rights.policy import Budget

CLEO = person(93, "approver")


async def test_an_empty_inbox_says_what_would_be_in_it(web):
    owner = await web.owner()
    page = await owner.get("/approvals")
    assert page.status_code == 200
    assert "Nothing waits for a yes" in page.text
    assert "data-tick" not in page.text


async def test_a_card_says_everything_that_a_yes_would_be_for(web, asked):
    made = asked(1500, "Charged twice")
    owner = await web.owner()
    page = (await owner.get("/approvals")).text
    text = Read(page).text
    for said in (
        "Refund 15.00 USD of 80.00 USD to Fernwood Bakery", "TEST", "Shop", "Charged twice", BEA.name, "refunded of this charge", "0.00 USD",
        "15.00 USD", "(15.00) USD", "Stripe clearing", "is not returned", "cannot be called back",  "May approve: you (owner).", "a approves, e edits, q asks, r rejects",
    ):  # fmt: skip
        assert said in text, said
    assert re.search(r"(2 d 23 h|3 d) left", text)
    assert made.call_hash in page
    for key in "aeqr":
        assert f'data-key="{key}"' in page
    assert Read(page).open == []
    assert not re.search(r"<style|<script(?! src=\"/static/)| style=| on\w+=", page)


async def test_a_card_has_one_way_of_writing_amounts_and_it_is_the_readers(web, asked):
    made = asked(1500, "Charged twice")
    owner = await web.owner()
    for path in ("/approvals", f"/approvals/{made.proposal_id}"):
        text = Read((await owner.get(path, **{"accept-language": "de-DE"})).text).text
        assert "Refund 15,00 USD of 80,00 USD to Fernwood Bakery" in text, path
        assert re.search(r"0,00 USD\s+15,00 USD", text), path  # before and after
        assert "$" not in text, path
        assert not re.search(r"\d\.\d\d\s*USD", text), path
        english = Read((await owner.get(path)).text).text
        assert "Refund 15.00 USD of 80.00 USD" in english, path


async def test_a_viewer_sees_the_card_and_no_button_and_is_refused(web, asked, db):
    made = asked()
    owner = await web.owner()
    viewer = await web.person("viewer", owner)
    page = (await viewer.get("/approvals")).text
    assert "Refund 15.00 USD of 80.00 USD to Fernwood Bakery" in Read(page).text
    assert "May approve: owner." in Read(page).text
    assert "approves" not in Read(page).text
    assert "Approvers, admins and owners may approve" in page
    assert "/approve" not in page
    assert made.call_hash not in page
    for verb in ("approve", "reject", "ask", "answer", "withdraw", "settle", "edit"):
        fields = {"call_hash": made.call_hash, "note": "x", "p.charge": "ch_1"}
        answer = await send(viewer, f"/approvals/{made.proposal_id}/{verb}", fields)
        assert answer.status_code == 403, verb
    assert (
        await send(viewer, "/approvals/approve", {"tick": f"{made.proposal_id}:{made.call_hash}"})
    ).status_code == 403
    assert (await viewer.get(f"/approvals/{made.proposal_id}/edit")).status_code == 403
    assert stands(db, made).state == "waiting"


async def test_an_operator_takes_back_own_ones_alone(web, asked, door, shop, db):
    other = asked()
    owner = await web.owner()
    operator = await web.person("operator", owner)
    fields = {"p.charge": shop.charge(), "p.amount": "1.00", "c.amount": "USD", "why": "By mistake"}
    made = await send(operator, "/actions/refunds.create", fields)
    own = made.headers["location"]
    assert f"/approvals/{other.proposal_id}/withdraw" not in (await operator.get("/approvals")).text
    assert f"{own}/withdraw" in (await operator.get("/approvals")).text
    assert (await send(operator, f"{own}/withdraw", {"note": "Not needed"})).status_code == 303
    assert stands(db, own.rpartition("/")[2]).state == "withdrawn"
    assert (await send(operator, f"/approvals/{other.proposal_id}/withdraw", {})).status_code == 403
    assert stands(db, other).state == "waiting"


async def test_without_its_token_nothing_is_decided(web, asked, db):
    made = asked()
    owner = await web.owner()
    fields = {"call_hash": made.call_hash, "note": "x", "tick": f"{made.proposal_id}:{made.call_hash}"}
    for path in (
        f"/approvals/{made.proposal_id}/approve",
        f"/approvals/{made.proposal_id}/reject",
        "/approvals/approve",
    ):
        assert (await send(owner, path, fields, token=False)).status_code == 403
    assert stands(db, made).state == "waiting"


async def test_a_yes_from_the_inbox_is_for_the_call_that_was_shown(web, asked, db):
    made = asked()
    owner = await web.owner()
    shown = hash_on((await owner.get("/approvals")).text, made)
    answer = await send(
        owner, f"/approvals/{made.proposal_id}/approve", {"call_hash": shown, "from": "inbox"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/approvals")
    assert stands(db, made).state == "approved"
    after = (await owner.get("/approvals")).text
    assert "Approved: Refund" in after
    assert "Nothing waits for a yes" in after


async def test_ticked_ones_are_approved_and_what_cannot_be_is_said(web, asked, door, db):
    first, second, third = asked(100), asked(200), asked(300)
    owner = await web.owner()
    page = (await owner.get("/approvals")).text
    ticks = re.findall(r'name="tick" form="many" value="([^"]+)" data-tick data-sums="([^"]+)"', page)
    assert {tick for tick, _ in ticks} == {
        f"{each.proposal_id}:{each.call_hash}" for each in (first, second, third)
    }
    assert "[[&#34;USD TEST&#34;,100,2]]" in {sums for _, sums in ticks}
    door.reject(CLEO, third.proposal_id, "No")
    answer = await send(owner, "/approvals/approve", {"tick": [tick for tick, _ in ticks]})
    assert answer.status_code == 303
    assert [stands(db, each).state for each in (first, second, third)] == ["approved", "approved", "rejected"]
    text = Read((await owner.get("/approvals")).text).text
    assert "2 were approved." in text
    assert f"Proposal {third.proposal_id} was rejected: No" in text
    assert (await send(owner, "/approvals/approve", {})).status_code == 400


async def test_four_eyes_are_said_and_kept(web, door, shop, db):
    owner = await web.owner()
    approver = await web.person("approver", owner)
    with db.transaction() as cx:
        budget = Budget(id=0, grantee="*", pattern="refunds.create", currency="USD", four_eyes_minor=1000)
        rights_store.add_budget(cx, OWNER, connection_id=None, budget=budget)
    fields = {"p.charge": shop.charge(), "p.amount": "15.00", "c.amount": "USD", "why": "Charged twice"}
    path = (await send(approver, "/actions/refunds.create", fields)).headers["location"]
    made = stands(db, path.rpartition("/")[2])
    page = (await approver.get("/approvals")).text
    assert "You asked for it or edited it, and its amount needs four eyes" in page
    assert "May approve: owner. Four eyes" in Read(page).text
    answer = await send(approver, f"{path}/approve", {"call_hash": made.call_hash})
    assert answer.status_code == 403
    assert "needs four eyes" in answer.text
    assert stands(db, made).state == "waiting"
    assert (await send(owner, f"{path}/approve", {"call_hash": made.call_hash})).status_code == 303


async def test_what_people_and_agents_wrote_stays_text_and_shows_no_secret(web, asked, door):
    made = asked(1500, f"{HOSTILE} {SECRET}")
    door.ask(CLEO, made.proposal_id, f"{HOSTILE} {SECRET}?")
    owner = await web.owner()
    for path in ("/approvals", f"/approvals/{made.proposal_id}", f"/approvals/{made.proposal_id}/edit"):
        page = (await owner.get(path)).text
        assert "<script>alert" not in page, path
        assert "<img" not in page, path
        assert SECRET not in page, path


async def test_many_come_a_page_at_a_time_the_one_that_ends_first_at_the_head(web, asked, shop, clock):
    charge = shop.charge()
    made = []
    for number in range(22):
        clock.ahead = timedelta(seconds=number)
        made.append(asked(100 + number, charge=charge))
    owner = await web.owner()
    first = (await owner.get("/approvals")).text
    following = re.search(r'href="(/approvals\?cursor=[^"]+)"', first)
    assert following
    second = (await owner.get(following[1])).text
    assert [f'id="{each.proposal_id}"' in first for each in made] == [True] * 20 + [False] * 2
    assert [f'id="{each.proposal_id}"' in second for each in made] == [False] * 20 + [True] * 2
    assert (await owner.get("/approvals?cursor=odd")).status_code == 400


async def test_an_open_page_is_told_that_something_changed_and_does_not_move_by_itself(web, asked):
    owner = await web.owner()
    asked()
    page = (await owner.get("/approvals")).text
    fresh = re.search(r'hx-get="(/approvals/fresh\?than=\w+)"', page)
    assert fresh
    assert "Something changed" not in (await owner.get(fresh[1])).text
    asked()
    assert "Something changed" in (await owner.get(fresh[1])).text


async def test_what_was_decided_is_kept_and_can_be_narrowed(web, asked, door):
    one, other = asked(100), asked(200)
    waits = asked(300)
    door.reject(CLEO, one.proposal_id, "The amount is wrong")
    door.withdraw(BEA, other.proposal_id, "Not needed")
    owner = await web.owner()
    whole = (await owner.get("/approvals/decided")).text
    rejected = (await owner.get("/approvals/decided?state=rejected")).text
    assert [each.proposal_id in whole for each in (one, other, waits)] == [True, True, False]
    assert [each.proposal_id in rejected for each in (one, other, waits)] == [True, False, False]
    assert "The amount is wrong" in whole
    assert "Nothing of the kind yet" in (await owner.get("/approvals/decided?by=standing")).text
    for path in (
        "/approvals/decided?state=odd",
        "/approvals/decided?state=waiting",
        "/approvals/decided?cursor=x",
    ):
        assert (await owner.get(path)).status_code == 400, path


async def test_a_stranger_sees_nothing(web, asked):
    made = asked()
    await web.owner()
    for path in ("/approvals", "/approvals/decided", f"/approvals/{made.proposal_id}", "/approvals/fresh"):
        answer = await web.browser().get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in"), path


@pytest.mark.parametrize("role", ["viewer", "operator", "approver", "admin", "auditor"])
async def test_every_role_can_look(web, asked, role):
    made = asked()
    owner = await web.owner()
    someone = await web.person(role, owner)
    for path in ("/approvals", f"/approvals/{made.proposal_id}", "/approvals/decided"):
        assert (await someone.get(path)).status_code == 200, path
