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
