"""The board and the list of payouts: what stands where, a page at a time, and nothing that was written by others runs."""

from __future__ import annotations

import json
import re
from html import unescape

from tests.web.payouts.conftest import Company, words


async def test_a_company_without_payouts_is_told_what_comes(web: Company) -> None:
    page = words((await (await web.owner()).get("/payouts")).text)
    assert "There is no payout yet" in page
    assert "looked for at the bank" in page
    assert "0 payouts" not in page
    html = (await (await web.owner()).get("/payouts")).text
    assert "data-chart" not in html  # nothing is drawn of nothing
    assert 'class="btn btn-primary" href="/payouts/statements"' in html


async def test_each_payout_says_where_it_stands(company: Company) -> None:
    viewer = await company.person("viewer")
    text = (await viewer.get("/payouts")).text
    rows = {
        found[1]: words(found[0])
        for found in re.findall(r"(<tr>(?:(?!</tr>).)*?/payouts/(po_\w+).*?</tr>)", text, re.DOTALL)
    }
    assert list(rows) == ["po_gone", "po_weak", "po_good"]
    assert "Missing" in rows["po_gone"]
    assert "To confirm" in rows["po_weak"]
    assert "Arrived" in rows["po_good"]
    assert "91.80 USD" in rows["po_good"]
    assert all("Adds up" in row for row in rows.values())
    assert "Match by hand" not in words(text)  # a viewer decides nothing


async def test_the_board_counts_what_waits_by_cause_age_and_currency(company: Company) -> None:
    page = (await (await company.owner()).get("/payouts")).text
    told = words(page)
    assert "1 question only a person can answer" in told
    assert re.search(r"Missing at the bank .*?\(291\.00\) USD", told)
    assert 'href="/payouts/breaks?cause=missing"' in page
    chart = json.loads(unescape(re.search(r'data-chart="([^"]+)"', page)[1]))
    assert (chart["kind"], len(chart["names"])) == ("bars", 13)


async def test_lists_are_filtered_and_go_on_by_key(web: Company) -> None:
    for n in range(60):
        web.payout(f"{n:03d}", charge=10_000 + n, fee=300, day=n)
    owner = await web.owner()
    found, path = [], "/payouts?show=open"
    while path:
        page = (await owner.get(path)).text
        found += re.findall(r'row-link po-id" href="/payouts/(po_\w+)"', page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        path = unescape(following[1]) if following else ""
    assert found == [f"po_{n:03d}" for n in reversed(range(60))]
    assert "No payout fits" in words((await owner.get("/payouts?show=matched")).text)
    assert "No payout fits" in words((await owner.get("/payouts?account=99")).text)


async def test_what_is_no_place_or_no_payout_is_said_so(company: Company) -> None:
    owner = await company.owner()
    for path, status in (
        ("/payouts?cursor=nonsense", 400), ("/payouts?cursor=WyJ4IiwgInkiXQ", 400), ("/payouts?account=x", 400), ("/payouts/po_none", 404),
        ("/payouts/anything", 404), ("/payouts/breaks/br_0123456789", 404), ("/payouts/breaks/x", 404), ("/payouts/lines/99999", 404),
        ("/payouts/lines/x", 400), ("/payouts/lines?account=none", 404), ("/payouts/lines?since=2026-02-30", 400),
        ("/payouts/lines?cursor=WyIyMDI2LTAyLTMwIiwiMSJd", 400), ("/payouts/statements/" + "0" * 64, 404), ("/payouts/statements/x", 404),
        ("/payouts/statements?cursor=WyJ4IiwgIjEiXQ", 400), ("/payouts/reconciliation?account=none", 404),
        ("/payouts/reconciliation?day=2026-13-01", 400), ("/payouts/reconciliation/file?account=none", 404), ("/payouts/match?payout=x", 404),
        ("/payouts/match?around=x", 400), ("/payouts/breaks?cursor=x", 400),
    ):  # fmt: skip
        answer = await owner.get(path)
        assert answer.status_code == status, (path, answer.status_code)
        assert "Traceback" not in answer.text


async def test_strangers_are_led_to_the_way_in(company: Company) -> None:
    await company.owner()
    stranger = company.browser()
    for path in ("/payouts", "/payouts/po_good", "/payouts/reconciliation/file?account=x"):
        answer = await stranger.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
