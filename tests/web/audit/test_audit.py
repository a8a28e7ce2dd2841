"""The trail on a page: found by its filters, walked by its cursor, checked, exported; and only for who may read it."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from tests.web.page.conftest import House

from bookhand.db.engine import Database
from bookhand.workspace import trail_store
from bookhand.workspace.trail import Note

HOSTILE = '<script>alert("x")</script>'


@pytest.fixture
def web(db: Database, tmp_path: Any) -> House:
    return House(db, tmp_path)


def told(web: House, many: int, **more: Any) -> None:
    notes = [
        Note(
            **{
                "who": "person:1",
                "name": "Ada",
                "what": "refund.asked",
                "subject": f"ch_{number}",
                "why": f"reason {number}",
                **more,
            }
        )
        for number in range(many)
    ]
    with web.db.transaction() as cx:
        trail_store.append(cx, web.db.workspace_id, notes)


async def test_pages_follow_each_other_without_a_gap(web: House) -> None:
    owner = await web.owner()
    told(web, 120)
    first = (await owner.get("/audit?what=refund.asked")).text
    assert "reason 119" in first
    assert "reason 69" not in first
    following = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    second = (await owner.get(following)).text
    assert "reason 69" in second
    assert "reason 70" not in second
    assert "reason 119" not in second


@pytest.mark.parametrize(
    ("query", "found"),
    [("who=person:1", True), ("who=person:9", False), ("what=refund.asked", True), ("subject=ch_0", True), ("subject=ch_5", False),
     ("since=2000-01-01", True), ("since=2999-01-01", False), ("until=2999-01-01", True), ("until=2000-01-01", False)],
)  # fmt: skip
async def test_every_filter_is_exact(web: House, query: str, found: bool) -> None:
    owner = await web.owner()
    told(web, 1)
    page = (await owner.get(f"/audit?{query}")).text
    assert ("reason 0" in page) is found


@pytest.mark.parametrize(
    "query", ["since=soon", "cursor=abc", "cursor=-1", "until=2026-13", "cursor=99999999999999999999"]
)
async def test_what_is_no_filter_is_refused(web: House, query: str) -> None:
    owner = await web.owner()
    assert (await owner.get(f"/audit?{query}")).status_code == 400


@pytest.mark.parametrize("role", ["viewer", "operator", "approver"])
async def test_who_may_not_audit_sees_nothing_of_it(web: House, role: str) -> None:
    await web.owner()
    told(web, 1)
    person = await web.person(role)
    for path in ("/audit", "/audit/1", "/audit/export"):
        answer = await person.get(path)
        assert answer.status_code == 403, path
        assert "reason 0" not in answer.text
    assert 'href="/audit"' not in (await person.get("/settings")).text
    assert (await person.fill("/settings", "/audit/verify", {})).status_code == 403


async def test_what_others_wrote_is_shown_as_text(web: House) -> None:
    owner = await web.owner()
    told(
        web,
        1,
        why=HOSTILE,
        subject=HOSTILE,
        name=HOSTILE,
        details={"said": HOSTILE, "key": "rk_live_" + "a" * 24},
    )
    page = (await owner.get("/audit?what=refund.asked")).text
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    with web.db.transaction() as cx:
        number = trail_store.search(cx, web.db.workspace_id, what="refund.asked", limit=1)[0].seq
    one = (await owner.get(f"/audit/{number}")).text
    assert HOSTILE not in one
    assert "rk_live_" not in one


async def test_an_entry_that_is_not_there(web: House) -> None:
    owner = await web.owner()
    assert (await owner.get("/audit/999999")).status_code == 404


async def test_the_trail_is_checked_and_a_changed_one_is_told(web: House) -> None:
    owner = await web.owner()
    told(web, 3)
    await owner.fill("/audit", "/audit/verify", {})
    assert "The trail holds" in (await owner.get("/audit")).text


async def test_a_long_check_goes_on_and_its_result_is_written_down(web: House) -> None:
    owner = await web.owner()
    told(web, 3)
    web.site.aside.seconds = 0
    with web.db.transaction() as cx:  # holds the head, so the check cannot end while it is waited for
        cx.execute("select from trail_head for update")
        await owner.fill("/audit", "/audit/verify", {})
        page = (await owner.get("/audit")).text
        assert "The trail is being checked from its first entry on." in page
        assert "Checked " not in page
    web.site.aside.seconds = 60
    await owner.fill("/audit", "/audit/verify", {})
    page = (await owner.get("/audit")).text
    assert "entries, and all held." in page
    assert "trail.verified" in page
    with psycopg.connect(web.db.url) as cx:
        cx.execute("alter table trail disable trigger all")
        cx.execute("update trail set body = replace(body, 'reason 1', 'reason 7')")
    await owner.fill("/audit", "/audit/verify", {})
    page = (await owner.get("/audit")).text
    assert "The trail does not hold." in page
    assert "the trail did not hold. Entry " in page


async def test_the_export_is_whole_and_noted(web: House) -> None:
    auditor = await web.person("auditor", await web.owner())
    told(web, 3)
    answer = await auditor.get("/audit/export")
    assert answer.headers["content-disposition"].endswith('"bookhand-trail.jsonl"')
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert sum("refund.asked" in json.dumps(line) for line in lines) == 3
    assert "trail.exported" in (await auditor.get("/audit")).text
