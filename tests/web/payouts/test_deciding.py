"""What a person decides: questions answered, or none of their answers right; Breaks explained and owned; payouts and lines matched by hand."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx
import pytest
from tests.web.browsing import Browser
from tests.web.payouts.conftest import HOSTILE, SECRET, Company, line, said, words

QUESTIONS = "/payouts/questions"


def answers(page: str) -> list[str]:
    return [unescape(each) for each in re.findall(r'name="answer" value="([^"]+)"', page) if each != "none"]


async def asked(browser: Browser) -> tuple[str, list[str]]:
    """The first question's address, and the answers to it."""
    page = (await browser.get(QUESTIONS)).text
    found = re.search(r'action="(/payouts/questions/br_\w+)"', page)
    assert found, words(page)
    return found[1], answers(page)


async def test_a_question_shows_both_sides_and_why_each_answer_fits(company: Company) -> None:
    viewer = await company.person("viewer")
    told = words((await viewer.get(QUESTIONS)).text)
    assert "nothing in it says Stripe" in told
    assert re.search(r"Answer 1 the amount.*?po_weak 193\.90 USD.*?INCOMING WIRE", told)
    assert "This is it" not in told


async def test_the_answer_that_was_seen_is_matched_and_booked(company: Company) -> None:
    operator = await company.person("operator")
    path, given = await asked(operator)
    done = await operator.fill(QUESTIONS, path, {"answer": given[0]})
    assert said(done) == QUESTIONS
    told = words((await operator.get(QUESTIONS)).text)
    assert "Matched, and booked" in told
    assert "No match is in doubt" in told
    assert company.one("select rule from bank_match_payout where payout_id = 'po_weak'") == "person"
    assert company.one("select count(*) from journal_entry where kind = 'bank_match'") == 2
    gone = await operator.fill("/payouts/match", path, {"answer": given[0]})
    assert gone.status_code == 404


async def test_an_answer_that_is_none_any_more_matches_nothing(company: Company) -> None:
    operator = await company.person("operator")
    path, given = await asked(operator)
    for answer, status in ((given[0].replace("po_weak", "po_gone"), 409), ("", 400)):
        refused = await operator.fill(QUESTIONS, path, {"answer": answer})
        assert refused.status_code == status
    assert company.one("select count(*) from bank_match_payout") == 1


async def test_where_no_answer_is_right_the_line_is_left_to_people(company: Company) -> None:
    operator = await company.person("operator")
    path, _ = await asked(operator)
    silent = await operator.fill(QUESTIONS, path, {"answer": "none"})
    assert silent.status_code == 400
    done = await operator.fill(QUESTIONS, path, {"answer": "none", "why": "It is a customer's wire"})
    assert said(done) == QUESTIONS
    assert company.reconcile().questions == 0
    assert company.reconcile().changed is False
    assert company.one("select cause from break where payouts ? 'po_weak' and state <> 'closed'") == "missing"
    assert company.one("select held from line_open where line_id = %s", company.line("INCOMING WIRE")) is True
    number = str(company.line("INCOMING WIRE"))
    by_hand = await operator.fill(
        "/payouts/match?payout=po_weak",
        "/payouts/match",
        {"payout": "po_weak", "line": number, "why": "It was after all"},
    )
    assert said(by_hand) == "/payouts/po_weak"


async def test_breaks_are_listed_oldest_first_and_filtered(company: Company) -> None:
    owner = await company.owner()
    page = (await owner.get("/payouts/breaks")).text
    told = words(page)
    assert told.index("Fits, and does not say Stripe") < told.index("Due on 2026-01-05")
    assert "Ask the bank for it with the trace id" in told
    only = words((await owner.get("/payouts/breaks?cause=missing")).text)
    assert "(291.00) USD" in only
    assert "INCOMING" not in only
    assert "No Break fits" in words((await owner.get("/payouts/breaks?whose=mine")).text)
    assert "No Break fits" in words((await owner.get("/payouts/breaks?state=explained")).text)


async def test_breaks_go_on_by_key(web: Company) -> None:
    for n in range(45):
        web.payout(f"{n:02d}", charge=10_000 + n, fee=300, day=n)
    web.reconcile()
    owner = await web.owner()
    first = (await owner.get("/payouts/breaks")).text
    second = (await owner.get(unescape(re.search(r'href="([^"]+)" rel="next"', first)[1]))).text
    ids = [re.findall(r'href="/payouts/breaks/(br_\w+)"', page) for page in (first, second)]
    assert [len(each) for each in ids] == [40, 5]
    assert len({*ids[0], *ids[1]}) == 45
    assert 'rel="next"' not in second


async def test_what_breaks_come_to_by_age_is_their_size_and_two_sides_cancel_nothing(web: Company) -> None:
    web.payout("out", charge=10_000, fee=300)
    web.payout("back", charge=100, fee=0, refund=9_700)
    web.reconcile()
    assert web.one("select sum(minor)::int from break where state = 'open'") in {100, -100}
    page = (await (await web.owner()).get("/payouts/breaks")).text
    ages = words(page[page.index('id="ages"') :][:6000])
    assert "193.00 USD" in ages


async def test_a_break_is_explained_taken_over_and_given_away(company: Company) -> None:
    operator, viewer = await company.person("operator"), await company.person("viewer")
    id_ = company.one("select break_id from break where cause = 'missing'")
    one = f"/payouts/breaks/{id_}"
    assert "Say what it is" not in words((await viewer.get(one)).text)
    for path, fields in (("explain", {"explanation": "x"}), ("owner", {"to": "me"})):
        assert (await viewer.fill("/payouts", f"{one}/{path}", fields)).status_code == 403
        assert (
            await operator.client.post(
                f"{one}/{path}", data=fields, headers={"sec-fetch-site": "same-origin"}
            )
        ).status_code == 403
    assert (
        said(await operator.fill(one, f"{one}/explain", {"explanation": f"The bank searches {HOSTILE}"}))
        == one
    )
    assert said(await operator.fill(one, f"{one}/owner", {"to": "me"})) == one
    page = (await operator.get(one)).text
    assert HOSTILE not in page
    assert f"The bank searches {HOSTILE}" in words(page)
    assert company.one("select state from break where cause = 'missing'") == "explained"
    name = company.one("select owner from break where cause = 'missing'")
    assert name
    assert f"{name} looks after it now." in words(page)
    assert "Missing at the bank" in words(
        (await operator.get("/payouts/breaks?whose=mine&state=explained")).text
    )
    assert said(await operator.fill(one, f"{one}/owner", {"owner": "Ben"})) == one
    assert company.one("select owner from break where cause = 'missing'") == "Ben"
    assert said(await operator.fill(one, f"{one}/owner", {"owner": ""})) == one
    assert company.one("select owner from break where cause = 'missing'") is None
    assert (await operator.fill(one, f"{one}/explain", {"explanation": "  "})).status_code == 400


async def match(browser: Browser, **fields: Any) -> httpx.Response:
    return await browser.fill("/payouts/match?payout=po_gone", "/payouts/match", fields)


async def test_sides_that_differ_are_matched_only_when_it_is_said_by_what(company: Company) -> None:
    company.bank(line(9, 6, 28_600, "WIRE LESS FEE"), no=2)
    operator, number = await company.person("operator"), str(company.line("WIRE LESS FEE"))
    page = (await operator.get("/payouts/match?payout=po_gone")).text
    assert re.search(r'value="po_gone" data-tick data-minor="29100"[^>]* checked', page)
    assert re.search(rf'value="{number}" data-tick data-minor="-28600"', page)
    refused = await match(operator, payout="po_gone", line=number, why="Seen on paper")
    assert refused.status_code == 400
    told = refused.text
    assert "say what the difference of (5.00) USD is" in words(told)
    assert re.search(rf'value="{number}" data-tick[^>]* checked', told)  # what was ticked stays so
    assert 'value="Seen on paper"' in told
    done = await match(operator, payout="po_gone", line=number, why="Seen on paper", difference="bank_fee")
    assert said(done) == "/payouts/po_gone"
    page = words((await operator.get("/payouts/po_gone")).text)
    assert "Kept by the bank (5.00) USD" in page
    again = await match(operator, payout="po_gone", line=number, why="Twice", difference="bank_fee")
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"line": "1", "why": "x"}, 400), ({"payout": "po_gone", "why": "x"}, 400), ({"payout": "po_gone", "line": "987654", "why": "x"}, 404),
     ({"payout": "po_gone", "line": "x", "why": "x"}, 400), ({"payout": "po_nobody", "line": "1", "why": "x"}, 404),
     ({"payout": HOSTILE, "line": "1", "why": "x"}, 404)],
)  # fmt: skip
async def test_what_cannot_be_matched_is_refused(
    company: Company, fields: dict[str, str], status: int
) -> None:
    operator = await company.person("operator")
    answer = await match(operator, **fields)
    assert answer.status_code == status
    assert HOSTILE not in answer.text
    assert company.one("select count(*) from bank_match_payout") == 1


async def test_no_page_runs_or_tells_what_others_wrote(company: Company) -> None:
    owner, number = await company.owner(), company.line("RENT")
    for path in (
        "/payouts",
        "/payouts/lines",
        f"/payouts/lines/{number}",
        f"/payouts/match?line={number}",
        "/payouts/reconciliation",
        QUESTIONS,
    ):
        page = (await owner.get(path)).text
        assert HOSTILE not in page, path
        assert SECRET not in page, path
        assert not re.search(r"\son\w+=|style=|javascript:", page), path
    assert HOSTILE in words((await owner.get(f"/payouts/lines/{number}")).text)
