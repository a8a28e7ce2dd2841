"""The link that signs in once: for the person it was printed for, on this machine, and for nobody after."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie

import pytest
from tests.web.page.conftest import House

AWAY = "https://books.example.com"


async def test_it_signs_in_once(web: House):
    link = web.entry_link()
    browser = web.browser()
    answer = await browser.get(f"/enter/{link}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = SimpleCookie(answer.headers["set-cookie"])["bookhand"]
    assert (cookie["httponly"], cookie["samesite"].lower(), cookie["path"], cookie["domain"]) == (
        True,
        "lax",
        "/",
        "",
    )
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert (await browser.get("/trial")).status_code == 200
    again = await web.browser().get(f"/enter/{link}")
    assert again.status_code == 404
    assert "set-cookie" not in again.headers


async def test_a_race_of_many_has_one_winner(web: House):
    link = web.entry_link()
    answers = await asyncio.gather(*(web.browser().get(f"/enter/{link}") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [303] + [404] * 7


async def test_it_ends(web: House):
    link = web.entry_link()
    web.reception.clock = lambda: datetime.now(UTC) + timedelta(days=8)
    assert (await web.browser().get(f"/enter/{link}")).status_code == 404
    web.reception.clock = lambda: datetime.now(UTC)
    assert (await web.browser().get(f"/enter/{link}")).status_code == 303  # it was not used up by the try


@pytest.mark.parametrize("wrong", ["x", "bhi_" + "x" * 43, "%00", "..", "a" * 5_000, "ü"])
async def test_what_is_no_link_is_no_link(web: House, wrong: str):
    web.entry_link()
    answer = await web.browser().get(f"/enter/{wrong}")
    assert answer.status_code in {303, 404}
    assert "set-cookie" not in answer.headers


async def test_one_that_was_taken_back_or_made_anew_is_worn(web: House):
    first, second = web.entry_link(), web.entry_link()
    codes = [(await web.browser().get(f"/enter/{link}")).status_code for link in (second, first)]
    assert codes[0] == 303


async def test_from_elsewhere_a_look_uses_nothing_up_and_the_button_needs_its_token(db, tmp_path):
    web = House(db, tmp_path, public_url=AWAY)
    await web.owner()
    link, away = web.entry_link("approver"), web.browser(AWAY)
    for _ in range(2):
        page = await away.get(f"/enter/{link}")
        assert page.status_code == 200
        assert 'method="post"' in page.text
    assert (await away.client.post(f"/enter/{link}", data={})).status_code == 403
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', page.text)
    assert token is not None
    foreign = await away.client.post(
        f"/enter/{link}", data={"csrf": token[1]}, headers={"sec-fetch-site": "cross-site"}
    )
    assert foreign.status_code == 403
    came = await away.client.post(
        f"/enter/{link}", data={"csrf": token[1]}, headers={"sec-fetch-site": "same-origin"}
    )
    assert (came.status_code, came.headers["location"]) == (303, "/")
    assert "__Host-bookhand=" in ", ".join(came.headers.get_list("set-cookie"))
    assert "Secure" in ", ".join(came.headers.get_list("set-cookie"))
    assert (await away.get("/trial")).status_code == 200


async def test_through_a_proxy_under_a_name_of_this_machine_it_is_not_this_machine(web: House):
    link = web.entry_link()
    answer = await web.browser().get(f"/enter/{link}", **{"x-forwarded-for": "203.0.113.9"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert (await web.browser("http://rebound.example").get(f"/enter/{link}")).status_code == 403
    assert (await web.browser().get(f"/enter/{link}")).status_code == 303


async def test_the_link_stands_on_no_page_and_in_no_word_of_the_trail(web: House):
    link = web.entry_link()
    browser = web.browser()
    await browser.get(f"/enter/{link}")
    assert link not in (await browser.get("/trial")).text
    assert link not in repr(web.told)
