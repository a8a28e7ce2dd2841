"""One proposal: what is said of it, what becomes of it, and that a yes is never for something else than was shown."""

from __future__ import annotations

import time

from tests.actions.conftest import person
from tests.web.approvals.conftest import BEA, asks_at, hash_on, send, stands
from tests.web.page.conftest import SECRET
from tests.web.test_pages import Read

from bookhand.actions import call_store

CLEO = person(93, "approver")


async def test_a_yes_is_done_by_a_run_and_the_page_shows_what_became_of_it(web, asked, runs, shop, db):
    charge = shop.charge()
    made = asked(1500, charge=charge)
    path = f"/approvals/{made.proposal_id}"
    owner = await web.owner()
    shown = hash_on((await owner.get(path)).text, made)
    answer = await send(owner, f"{path}/approve", {"call_hash": shown, "note": "Seen with Bea"})
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    _until(lambda: stands(db, made).is_final)
    [refund] = shop.refunds(charge)
    text = Read((await owner.get(path)).text).text
    for said in (
        "It is done.", refund.id, "Seen with Bea", "asked for it", "approved it", "by web", "POST /v1/refunds", made.call_hash,
        "bookhand-1-", "proposal.made", "call.done",
    ):  # fmt: skip
        assert said in text, said
    viewer = await web.person("viewer", owner)
    seen = Read((await viewer.get(path)).text).text
    assert refund.id in seen
    assert "proposal.made" not in seen


async def test_what_was_decided_meanwhile_is_shown_as_it_stands(web, asked, door, db):
    made = asked()
    owner = await web.owner()
    shown = hash_on((await owner.get("/approvals")).text, made)
    door.reject(CLEO, made.proposal_id, "Not this one")
    answer = await send(owner, f"/approvals/{made.proposal_id}/approve", {"call_hash": shown})
    assert answer.status_code == 409
    text = Read(answer.text).text
    assert "Here is how it stands now." in text
    assert "was rejected: Not this one" in text
    assert "alert-warning" in answer.text
    assert "/approve" not in answer.text
    assert stands(db, made).state == "rejected"
    assert set(asks_at(answer.text)) == {f"/approvals/{made.proposal_id}"}


async def test_a_yes_for_another_call_is_none(web, asked, db):
    made, other = asked(1500), asked(100)
    owner = await web.owner()
    for wrong in (other.call_hash, "", "0" * 64):
        answer = await send(owner, f"/approvals/{made.proposal_id}/approve", {"call_hash": wrong})
        assert answer.status_code == 409, wrong
        assert "The approval is for another call" in answer.text
    assert stands(db, made).state == "waiting"


async def test_an_object_that_changed_makes_the_yes_void_and_says_so(web, asked, runs, shop, db):
    charge = shop.charge(8000)
    made = asked(1500, charge=charge)
    shop.client.v1.refunds.create({"charge": charge, "amount": 500})
    owner = await web.owner()
    path = f"/approvals/{made.proposal_id}"
    await send(owner, f"{path}/approve", {"call_hash": made.call_hash})
    _until(lambda: stands(db, made).is_final)
    assert stands(db, made).state == "void"
    text = Read((await owner.get(path)).text).text
    assert "amount_refunded was 0 and is 500" in text
    assert "Ask for it again" in text
    again = await owner.get(f"/actions/refunds.create?again={made.proposal_id}")
    assert f'value="{charge}"' in again.text
    assert 'value="15.00"' in again.text


async def test_a_no_has_its_reason(web, asked, db):
    made = asked()
    owner = await web.owner()
    path = f"/approvals/{made.proposal_id}"
    assert (await send(owner, f"{path}/reject", {"note": ""})).status_code == 400
    assert stands(db, made).state == "waiting"
    sent = {"usual": "Wrong amount", "note": "It was 12.00", "from": "inbox"}
    answer = await send(owner, f"{path}/reject", sent)
    assert (answer.status_code, answer.headers["location"]) == (303, "/approvals")
    found = stands(db, made)
    assert (found.state, found.state_why) == ("rejected", "Wrong amount: It was 12.00")


async def test_questions_and_answers_stand_on_the_card(web, asked, db):
    made = asked()
    owner = await web.owner()
    operator = await web.person("operator", owner)
    path = f"/approvals/{made.proposal_id}"
    assert f'data-opens="answer-{made.proposal_id}"' not in (await operator.get("/approvals")).text
    assert (await send(owner, f"{path}/ask", {"note": "Was it really twice?"})).status_code == 303
    assert f'data-opens="answer-{made.proposal_id}"' in (await operator.get("/approvals")).text
    assert (await send(operator, f"{path}/ask", {"note": "May I?"})).status_code == 403
    assert (await send(operator, f"{path}/answer", {"note": "Yes, ticket 4711"})).status_code == 303
    for page in ("/approvals", path):
        text = Read((await owner.get(page)).text).text
        assert "Was it really twice?" in text
        assert "Yes, ticket 4711" in text
    assert (await send(owner, f"{path}/ask", {"note": " "})).status_code == 400
    assert stands(db, made).state == "waiting"


async def test_an_edit_is_another_proposal_in_its_place(web, asked, db):
    made = asked(1500)
    owner = await web.owner()
    path = f"/approvals/{made.proposal_id}"
    form = (await owner.get(f"{path}/edit")).text
    assert 'value="15.00"' in form
    assert 'name="c.amount" value="USD"' in form
    same = {"p.charge": made.params["charge"], "p.amount": "15.00", "c.amount": "USD"}
    unchanged = await send(owner, f"{path}/edit", same)
    assert (unchanged.status_code, "Nothing was changed" in unchanged.text) == (400, True)
    wrong = await send(owner, f"{path}/edit", {**same, "p.amount": "10.005"})
    assert wrong.status_code == 400
    assert "USD has 2 decimals" in wrong.text
    assert 'value="10.005"' in wrong.text
    assert 'id="p-amount-wrong"' in wrong.text
    much = await send(owner, f"{path}/edit", {**same, "p.amount": "100.00"})
    assert (much.status_code, "is left to refund" in much.text) == (400, True)
    assert stands(db, made).state == "waiting"
    answer = await send(owner, f"{path}/edit", {**same, "p.amount": "10.00", "why": "Half of it"})
    assert answer.status_code == 303
    new = stands(db, answer.headers["location"].rpartition("/")[2])
    assert (new.params["amount"], new.reason, new.replaces, new.state) == (
        1000,
        "Half of it",
        made.proposal_id,
        "waiting",
    )
    assert new.call_hash != made.call_hash
    assert stands(db, made).state == "replaced"
    assert f'href="{answer.headers["location"]}"' in (await owner.get(path)).text
    late = await send(owner, f"{path}/edit", {**same, "p.amount": "9.00"})
    assert (late.status_code, "Here is how it stands now." in late.text) == (409, True)
    assert (await owner.get(f"{path}/edit")).status_code == 409


async def test_a_secret_among_the_parameters_is_not_shown_and_an_edit_leaves_it_as_it_is(web, door, shop, db):
    params = {"charge": shop.charge(), "amount": 1500, "metadata": {"order": "6735", "note": f"see {SECRET}"}}
    made = door.propose(BEA, "refunds.create", params, "Charged twice")
    path = f"/approvals/{made.proposal_id}"
    owner = await web.owner()
    form = (await owner.get(f"{path}/edit")).text
    for page in (
        form,
        (await owner.get(path)).text,
        (await owner.get(f"/actions/refunds.create?again={made.proposal_id}")).text,
    ):
        assert SECRET not in page
    assert "note=see [redacted]" in form
    fields = {
        "p.charge": params["charge"],
        "p.amount": "10.00",
        "c.amount": "USD",
        "p.metadata": "note=see [redacted]\r\norder=6735",
    }
    answer = await send(owner, f"{path}/edit", fields)
    assert answer.status_code == 303
    new = stands(db, answer.headers["location"].rpartition("/")[2])
    assert new.params == {**params, "amount": 1000}
    with db.transaction() as cx:  # planted by hand: the test's end looks for secrets in every table
        cx.execute(
            "delete from proposal where proposal_id = any (%s)", ([made.proposal_id, new.proposal_id],)
        )


async def test_an_amount_is_read_as_its_person_writes_it(web, asked, db):
    made = asked(1500)
    owner = await web.owner()
    owner.client.headers["accept-language"] = "de-DE"
    path = f"/approvals/{made.proposal_id}"
    assert 'value="15,00"' in (await owner.get(f"{path}/edit")).text
    fields = {"p.charge": made.params["charge"], "c.amount": "USD"}
    english = await send(owner, f"{path}/edit", {**fields, "p.amount": "10.50"})
    assert (english.status_code, "is no amount as you write them" in english.text) == (400, True)
    answer = await send(owner, f"{path}/edit", {**fields, "p.amount": "10,50"})
    assert stands(db, answer.headers["location"].rpartition("/")[2]).params["amount"] == 1050


async def test_rows_of_a_batch_are_ticked_over_pages_and_no_others_are_done(web, door, shop, db):
    charge = shop.charge(500_000)
    rows = [{"charge": charge, "amount": 100 + number} for number in range(103)]
    made = door.propose_batch(BEA, "refunds.create", rows, "Rounding")
    path = f"/approvals/{made.proposal_id}"
    owner = await web.owner()
    first = (await owner.get(path)).text
    assert first.count('name="shown"') == 100
    last_three = sum(200 + number for number in range(3))
    assert _elsewhere(first) == f'{{"count":3,"sums":[["USD",{last_three},2]]}}'
    shown = [str(number) for number in range(100)]
    ticked = [each for each in shown if each not in {"3", "7", "8"}]
    base = {"call_hash": made.call_hash, "rows": "chosen", "without": ""}
    turned = await send(owner, f"{path}/rows", {**base, "shown": shown, "tick": ticked, "after": "99"})
    assert turned.headers["location"] == f"{path}?after=99&without=3,7-8#rows"
    second = (await owner.get(turned.headers["location"].partition("#")[0])).text
    assert second.count('name="shown"') == 3
    assert 'name="without" value="3,7-8"' in second
    all_of_it = sum(row["amount"] for row in rows)
    assert (
        _elsewhere(second) == f'{{"count":97,"sums":[["USD",{all_of_it - last_three - 103 - 107 - 108},2]]}}'
    )
    back = (await owner.get(f"{path}?after=-1&without=3,7-8")).text
    assert back.count(" checked ") + back.count(" checked>") >= 97
    sent = {**base, "without": "3,7-8", "shown": ["100", "101", "102"], "tick": ["100", "102"]}
    assert (await send(owner, f"{path}/approve", sent)).status_code == 303
    with db.transaction() as cx:
        calls = call_store.calls(cx, 1, made.proposal_id)
    assert [call.row_no for call in calls] == [n for n in range(103) if n not in {3, 7, 8, 101}]
    after = Read((await owner.get(path)).text).text
    assert "Left out" in after
    assert "Not sent yet" in after


async def test_rows_that_are_not_there_are_refused(web, door, shop, db):
    charge = shop.charge(500_000)
    made = door.propose_batch(
        BEA, "refunds.create", [{"charge": charge, "amount": 5 + n} for n in range(3)], "Rounding"
    )
    path = f"/approvals/{made.proposal_id}"
    owner = await web.owner()
    for without in ("9", "2-1", "x", "1,,2", "-1", "1" * 9000):
        assert (
            await owner.get(
                path,
            )
        ).status_code == 200
        assert (await owner.get(f"{path}?without={without}")).status_code == 400, without[:20]
    none = {"call_hash": made.call_hash, "rows": "chosen", "shown": ["0", "1", "2"]}
    refused = await send(owner, f"{path}/approve", none)
    assert (refused.status_code, "No row is chosen" in refused.text) == (400, True)
    assert (await owner.get(f"{path}?after=odd")).status_code == 200
    assert (await owner.get(f"{path}/edit")).status_code == 409
    assert stands(db, made).state == "waiting"


async def test_what_is_not_there_and_what_cannot_be_said(web, asked):
    made = asked()
    owner = await web.owner()
    assert (await owner.get("/approvals/prop_nowhere")).status_code == 404
    assert (await send(owner, "/approvals/prop_nowhere/approve", {"call_hash": "0" * 64})).status_code == 404
    assert (await send(owner, f"/approvals/{made.proposal_id}/praise", {})).status_code == 404
    assert (
        await send(owner, f"/approvals/{made.proposal_id}/settle", {"done": "maybe", "note": "x"})
    ).status_code == 400


def _elsewhere(page: str) -> str:
    text = page.partition('data-elsewhere="')[2].partition('"')[0]
    return text.replace("&#34;", '"')


def _until(ready, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not ready() and time.monotonic() < until:
        time.sleep(0.05)
    assert ready()
