"""The pages of runs: who sees them, what stands on them, and that nothing in them can be run or is a secret."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from tests.actions.conftest import (  # noqa: F401 (fixtures)
    Shop,
    clock,
    connected,
    engine,
    performer,
    secrets,
    server,
    shop,
    url,
)
from tests.web.api.conftest import door, kit, runs  # noqa: F401 (fixtures)
from tests.web.browsing import Web
from tests.web.test_pages import Read

from bookhand.actions import store as proposals
from bookhand.actions.act_workflow import act_template
from bookhand.actions.workflow import Door
from bookhand.core.caller import Caller, capabilities
from bookhand.db.engine import Database
from bookhand.runs import store
from bookhand.web.app import create_app
from bookhand.web.shield import HEADERS

SECRET = "rk_test_" + "a" * 24


@pytest.fixture
def web(db: Database, tmp_path) -> Web:
    return Web(db, tmp_path)


def _caller(role: str, number: int) -> Caller:
    return Caller(
        workspace_id=1, who=f"person:{number}", name=role, role=role, can=capabilities(role), channel="rest"
    )


@pytest.fixture
def start(db: Database) -> Callable[..., str]:
    def start(prompt: str = "Close the month", **inputs: object) -> str:
        with db.transaction() as cx:
            rights = {"allow": ["refunds.create"]}
            return store.start(cx, _caller("operator", 4), "close", inputs, rights=rights, prompt=prompt)

    return start


async def test_a_stranger_sees_no_run(web, start) -> None:
    run = start()
    for path in ("/runs", f"/runs/{run}"):  # before somebody has come in, and after
        answer = await web.browser().get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    await web.owner()
    for path in ("/runs", f"/runs/{run}"):
        answer = await web.browser().get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


async def test_a_run_is_listed_and_has_a_page_of_its_own(web, start) -> None:
    owner, run = await web.owner(), start(period="2026-10")
    assert '<a href="/runs">' in (await owner.get("/")).text
    listed = await owner.get("/runs")
    assert f'href="/runs/{run}"' in listed.text
    text = Read((await owner.get(f"/runs/{run}")).text).text
    for said in (
        "Close the month",
        "Queued",
        "operator",
        "2026-10",
        "refunds.create",
        "It has proposed nothing.",
    ):
        assert said in text
    for page in (listed, await owner.get(f"/runs/{run}")):
        assert page.headers["content-security-policy"] == HEADERS["content-security-policy"]
        assert Read(page.text).open == []
        assert not re.search(r"<style|<script(?! src=\"/static/)| style=| on\w+=", page.text)


async def test_a_done_refund_shows_its_steps_its_call_and_to_an_auditor_its_trail(
    web,
    shop: Shop,  # noqa: F811
    door: Door,  # noqa: F811
    runs,  # noqa: F811
    db: Database,
) -> None:
    web.app = create_app(db, reception=web.reception, templates={"act": act_template(door)})
    owner = await web.owner()
    viewer = await web.person("viewer", owner)
    asked = door.propose(
        _caller("operator", 4), "refunds.create", {"charge": shop.charge(), "amount": 1500}, "Charged twice"
    )
    approved = door.approve(_caller("approver", 3), asked.proposal_id, asked.call_hash)
    _until_done(db, approved.run_id)
    with db.transaction() as cx:
        refund = proposals.proposal(cx, 1, asked.proposal_id).result_id
    text = Read((await owner.get(f"/runs/{approved.run_id}")).text).text
    for said in (
        "Done",
        asked.preview.says,
        "Send the approved call",
        refund,
        "Charged twice",
        "proposal.made",
        "call.done",
    ):
        assert said in text
    seen = Read((await viewer.get(f"/runs/{approved.run_id}")).text).text
    assert refund in seen
    assert "proposal.made" not in seen


async def test_text_from_outside_stays_text_and_no_secret_is_shown(web, start, db) -> None:
    owner = await web.owner()
    run = start(f"<script>alert(1)</script> {SECRET}", note=f"<b>{SECRET}</b>", client_secret="hidden")
    for path in ("/runs", f"/runs/{run}"):
        html = (await owner.get(path)).text
        assert "<script>alert" not in html
        assert "<b>" not in html
        assert SECRET not in html
        assert "hidden</code>" not in html
    with db.transaction() as cx:  # planted by hand: what comes in by the door has none
        cx.execute("delete from run where run_id = %s", (run,))


async def test_states_pages_and_what_is_not_there(web, start) -> None:
    owner, runs = await web.owner(), [start(f"Run {number}") for number in range(52)]  # noqa: F811
    first = (await owner.get("/runs")).text
    following = re.search(r'href="(/runs\?cursor=[^"]+)"', first)
    assert following
    second = (await owner.get(following[1])).text
    assert [run in first for run in runs] == [False] * 2 + [True] * 50
    assert [run in second for run in runs] == [True] * 2 + [False] * 50
    assert "No run is parked." in (await owner.get("/runs?state=parked")).text
    for path, status, said in (
        ("/runs/run_nowhere", 404, "There is no run run_nowhere"),
        ("/runs?state=odd", 403, "No run is ever"),
        ("/runs?cursor=odd", 403, "That is no cursor"),
    ):
        answer = await owner.get(path)
        assert (answer.status_code, said in answer.text) == (status, True)


def _until_done(db: Database, run_id: str) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with db.transaction() as cx:
            if store.get(cx, run_id).state == "done":
                return
        time.sleep(0.05)
