"""The pages of runs: what is under way and what stands, what was done and what was not, and who may stop it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from tests.actions.conftest import person
from tests.web.approvals.conftest import asks_at, send
from tests.web.page.conftest import HOSTILE, SECRET
from tests.web.test_pages import Read

from bookhand.runs import store

BEA, OLGA = person(92, "operator"), person(91, "admin")


@pytest.fixture
def start(db) -> Callable[..., str]:
    def start(prompt: str | None = "Close the month", **inputs: object) -> str:
        with db.transaction() as cx:
            return store.start(cx, BEA, "act", inputs, rights={"allow": ["refunds.create"]}, prompt=prompt)

    return start


def _state(db, run_id: str) -> str:
    with db.transaction() as cx:
        return store.get(cx, run_id).state


async def test_a_run_that_was_approved_shows_its_steps_its_call_and_its_trail(web, asked, runs, shop, db):
    made = asked(1500)
    owner = await web.owner()
    await send(owner, f"/approvals/{made.proposal_id}/approve", {"call_hash": made.call_hash})
    [run] = _until(db, "done")
    listed = (await owner.get("/runs")).text
    assert f'href="/runs/{run}"' in listed
    page = (await owner.get(f"/runs/{run}")).text
    text = Read(page).text
    [refund] = shop.refunds(made.params["charge"])
    for said in (
        "It did all it should.",
        "Refund 15.00 USD of 80.00 USD to Fernwood Bakery",
        refund.id,
        "Send the approved call",
        "operator",
        "call.done",
        made.proposal_id,
    ):
        assert said.lower() in text.lower(), said
    assert f'href="/approvals/{made.proposal_id}"' in page
    assert Read(page).open == []
    assert not re.search(r"<style|<script(?! src=\"/static/)| style=| on\w+=", page)
    viewer = await web.person("viewer", owner)
    assert "call.done" not in (await viewer.get(f"/runs/{run}")).text
    assert 'data-opens="pause"' not in page


async def test_pausing_resuming_and_cancelling_go_through_the_door_with_a_reason(web, start, db):
    run = start(period="2026-10")
    owner = await web.owner()
    page = (await owner.get(f"/runs/{run}")).text
    assert [f'data-opens="{verb}"' in page for verb in ("pause", "resume", "cancel")] == [True, False, True]
    assert (await send(owner, f"/runs/{run}/pause", {"note": " "})).status_code == 400
    assert _state(db, run) == "queued"
    paused = await send(owner, f"/runs/{run}/pause", {"note": "The bank is closed"})
    assert (paused.status_code, paused.headers["location"]) == (303, f"/runs/{run}")
    assert _state(db, run) == "paused"
    page = (await owner.get(f"/runs/{run}")).text
    assert [f'data-opens="{verb}"' in page for verb in ("pause", "resume", "cancel")] == [False, True, True]
    assert "The bank is closed" in page
    assert f'href="/runs/{run}"' in (await owner.get("/runs?state=held")).text
    assert (await send(owner, f"/runs/{run}/resume", {"note": "It is open"})).status_code == 303
    assert _state(db, run) == "queued"
    again = await send(owner, f"/runs/{run}/resume", {"note": "Once more"})
    assert (again.status_code, "there is nothing to resume" in again.text) == (409, True)
    assert asks_at(again.text) == [f"/runs/{run}"]
    assert (await send(owner, f"/runs/{run}/cancel", {"note": "Not needed"})).status_code == 303
    assert _state(db, run) == "cancelled"
    page = (await owner.get(f"/runs/{run}")).text
    assert 'aria-label="Not done"' in page
    assert "Send the approved call" in page
    with db.transaction() as cx:
        acts = cx.execute("select action, state from proposal order by created_at").fetchall()
    assert [name for name, _ in acts] == ["runs.pause", "runs.resume", "runs.cancel"]


@pytest.mark.parametrize("role", ["viewer", "operator", "approver"])
async def test_who_may_not_manage_sees_and_does_not_stop(web, start, db, role):
    run = start()
    owner = await web.owner()
    someone = await web.person(role, owner)
    page = await someone.get(f"/runs/{run}")
    assert page.status_code == 200
    assert 'data-opens="pause"' not in page.text
    for verb in ("pause", "resume", "cancel"):
        assert (await send(someone, f"/runs/{run}/{verb}", {"note": "x"})).status_code == 403
    assert _state(db, run) == "queued"
    assert (await send(owner, f"/runs/{run}/pause", {"note": "x"}, token=False)).status_code == 403
    assert _state(db, run) == "queued"


async def test_filters_and_pages(web, start, db):
    made = [start(f"Run {number}") for number in range(52)]
    with db.transaction() as cx:
        store.pause(cx, OLGA, made[0], "Wait")
        store.cancel(cx, OLGA, made[1], "No")
    owner = await web.owner()
    first = (await owner.get("/runs")).text
    following = re.search(r'href="(/runs\?cursor=[^"]+)"', first)
    assert following
    second = (await owner.get(following[1])).text
    assert [run in first for run in made] == [False] * 2 + [True] * 50
    assert [run in second for run in made] == [True] * 2 + [False] * 50
    under_way = (await owner.get("/runs?state=open")).text
    assert (made[1] in under_way, made[51] in under_way) == (False, True)
    further = re.search(r'href="(/runs\?state=open&amp;cursor=[^"]+)"', under_way)
    assert further
    assert made[0] in (await owner.get(further[1].replace("&amp;", "&"))).text
    for state, there in (
        ("paused", made[0]),
        ("held", made[0]),
        ("cancelled", made[1]),
        ("queued", made[51]),
    ):
        page = (await owner.get(f"/runs?state={state}")).text
        assert there in page, state
        assert len({made[0], made[1], made[51]} & set(re.findall(r"run_\w+", page))) == 1, state
    assert "No run is parked." in (await owner.get("/runs?state=parked")).text
    for path, status in (("/runs/run_nowhere", 404), ("/runs?state=odd", 400), ("/runs?cursor=odd", 400)):
        assert (await owner.get(path)).status_code == status, path
    assert (await send(owner, f"/runs/{made[5]}/praise", {"note": "x"})).status_code == 404


async def test_what_was_given_stays_text_and_shows_no_secret(web, start, db):
    run = start(
        f"{HOSTILE} {SECRET}", note=f"{HOSTILE} {SECRET}", client_secret="hidden", parts=[{"token": "hidden"}]
    )
    owner = await web.owner()
    for path in ("/runs", f"/runs/{run}"):
        page = (await owner.get(path)).text
        assert "<script>alert" not in page
        assert "<img" not in page
        assert SECRET not in page
        assert "hidden<" not in page.replace("visually-hidden", "")
    with db.transaction() as cx:  # planted by hand: what comes in by the door has none
        cx.execute("delete from run where run_id = %s", (run,))


async def test_a_stranger_sees_no_run(web, start):
    run = start()
    for somebody_is_in in (False, True):
        if somebody_is_in:
            await web.owner()
        for path in ("/runs", f"/runs/{run}"):
            answer = await web.browser().get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def _until(db, state: str, seconds: float = 20) -> list[str]:
    until = time.monotonic() + seconds
    found: list[str] = []
    while not found and time.monotonic() < until:
        with db.transaction() as cx:
            found = [row[0] for row in cx.execute("select run_id from run where state = %s", (state,))]
        time.sleep(0.05)
    assert found
    return found
