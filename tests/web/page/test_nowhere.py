"""An address that leads nowhere is told inside the app to who is signed in, and says nothing to others."""

from __future__ import annotations

from typing import Any

import httpx
import psycopg
import pytest
from tests.web.page.conftest import House

from bookhand.db.engine import Database
from bookhand.web.app import create_app


@pytest.fixture
def web(db: Database, tmp_path: Any) -> House:
    made = House(db, tmp_path)
    made.app = create_app(db, reception=made.reception, site=made.site)
    return made


@pytest.mark.parametrize(
    "path", ["/nowhere", "/audit/word", "/customers/x/cus_1", "/books/nowhere/at/all", "/static/no.js"]
)
async def test_nothing_is_there(web: House, path: str) -> None:
    owner = await web.owner()
    answer = await owner.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    if not path.startswith("/static"):
        assert 'class="rooms"' in answer.text


async def test_what_was_asked_for_is_shown_as_text(web: House) -> None:
    answer = await (await web.owner()).get("/<script>alert(1)</script>")
    assert "<script>alert" not in answer.text


async def test_a_stranger_is_told_nothing(web: House) -> None:
    web.entry_link()
    answer: httpx.Response = await web.browser().get("/nowhere")
    assert answer.status_code in {303, 404}
    assert 'class="rooms"' not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/audit?who=%00", "/approvals/prop_%00", "/runs/%00", "/customers?q=%00", "/customers/1/%00", "/books/journal/1/%00",
        "/books/journal?account=%00", "/books/journal?q=%00", "/books/proof/1/%00", "/books/outside/6/documents/%00",
        "/payouts/statements?account=%00", "/payouts/reconciliation/file?account=%00", "/api/v1/runs/%00", "/sign-in?%00",
    ],
)  # fmt: skip
async def test_a_zero_byte_is_in_no_address_of_ours(web: House, path: str) -> None:
    assert (await (await web.owner()).get(path)).status_code in {404, 422}


@pytest.mark.parametrize(
    "path",
    [
        "/payouts/match?around=9999-12-31", "/payouts/match?around=0001-01-01", "/payouts/reconciliation?day=2026-02-30",
        "/audit?since=2026-99-99", "/books/journal?since=2026-13-01",
    ],
)  # fmt: skip
async def test_a_day_that_no_calendar_has_is_said_to_be_none(web: House, path: str) -> None:
    answer = await (await web.owner()).get(path)
    assert (answer.status_code, "is no day" in answer.text) == (400, True)


async def test_with_the_database_away_pages_say_so(web: House) -> None:
    owner = await web.owner()
    web.db.close()
    for path in ("/", "/approvals", "/sign-in"):
        page = await owner.get(path)
        assert page.status_code == 503, path
        assert "The database does not answer." in page.text
        assert page.headers["content-security-policy"]
    answer = await owner.get("/api/v1/runs")
    assert (answer.status_code, answer.json()["error"]["kind"]) == (503, "outage")


async def test_a_fault_of_ours_is_told_inside_the_app(web: House, db: Database) -> None:
    owner = await web.owner()
    with psycopg.connect(db.url, autocommit=True) as cx:
        cx.execute("drop table journal_proof")
    answer = await owner.get("/books")
    assert answer.status_code == 500
    assert 'class="rooms"' in answer.text
    assert "This page could not be made" in answer.text
    assert "only reads" not in answer.text
    assert "journal_proof" not in answer.text
