"""The pages of proof, journal, accounts and periods: what they show of real rows, what they refuse, and what never gets into them."""

from __future__ import annotations

import re
import threading
import time

import pytest
from tests.journal.shapes import DAY, START, bt
from tests.web.books.conftest import decoded, send, text
from tests.web.page.conftest import HOSTILE

from bookhand.core.problems import Outage
from bookhand.inbox import store as inbox
from bookhand.inbox.delivery import listed
from bookhand.journal import proof_store
from bookhand.journal.proof import prove
from bookhand.systems import store as connections
from bookhand.web.books.hands import ROOM, Hands

pytestmark = pytest.mark.usefixtures("connected")


def proven(db, connected, balance, ago=0):
    """A proof of the journal against `balance` in dollars, taken so many seconds ago, kept."""
    with db.transaction() as cx:
        ours = proof_store.standing(cx, connected.link)
        made = prove(connected.link, ours, {"USD": {"payments": balance}}, as_of=int(time.time()) - ago)
        proof_store.keep(cx, made)
    return next(each for each in made if each.currency == "USD")


# --- the proof ---


async def test_before_the_first_proof_it_is_said_what_comes(web):
    page = text(await (await web.owner()).get("/books"))
    assert "Nothing has been proven yet" in page
    assert "Nothing has been compared with Stripe yet." in page


async def test_a_proof_that_holds_is_off_by_nothing(web, db, connected, company):
    clearing = proven(db, connected, 0, ago=60).clearing
    proven(db, connected, clearing)
    owner = await web.owner()
    page = await owner.get("/books")
    assert "The books agree with Stripe, to the cent." in text(page)
    assert 'data-label="Off by"><span class="t-good"><span class="money strong">0.00</span>' in page.text
    picture = decoded(re.search(r'data-chart="([^"]+)"', page.text)[1])
    assert (picture["off"], picture["stripe"], picture["clearing"]) == (
        [clearing, 0],
        [0, clearing],
        [clearing, clearing],
    )
    one = await owner.get(f"/books/proof/{connected.id}/USD")
    assert "Equal, to the cent." in text(one)
    assert "/gap" not in one.text, "nothing is behind it, so nothing is looked for"
    assert (await owner.get(f"/books/proof/{connected.id}/NZD")).status_code == 404


async def test_a_proof_of_an_account_that_is_away_is_told_as_of_then(web, db, connected, company):
    clearing = proven(db, connected, 0).clearing
    proven(db, connected, clearing)
    owner = await web.owner()
    for status, said in (
        ("disconnected", "Account disconnected as of "),
        ("paused", "Account paused as of "),
    ):
        with db.transaction() as cx:
            connections.set_status(cx, connected.id, status, reason="The key was removed.")
        page = text(await owner.get("/books"))
        assert "The books agree with" not in page
        assert "One balance is not compared now" in page
        assert said in page
        assert " Equal " not in page
        one = text(await owner.get(f"/books/proof/{connected.id}/USD"))
        assert said in one
    assert "not connected" in text(await owner.get("/"))
    assert "The books agree with" not in text(await owner.get("/"))


async def test_a_proof_that_is_older_than_it_should_be_is_not_told_as_of_now(web, db, connected, company):
    clearing = proven(db, connected, 0, ago=9_000).clearing
    proven(db, connected, clearing, ago=8_900)
    owner = await web.owner()
    page = text(await owner.get("/books"))
    assert "The books agree with" not in page
    assert "Not compared lately as of " in page
    today = text(await owner.get("/"))
    assert "The books agree with" not in today
    assert "One balance was compared more than two hours ago." in today
    proven(db, connected, clearing)
    assert "The books agree with Stripe, to the cent." in text(await owner.get("/books"))


async def test_a_gap_opens_on_its_balance_transactions(web, db, connected, company):
    off = proven(db, connected, 1).off_by
    assert off
    owner = await web.owner()
    assert "One balance differs from Stripe&#39;s." in (await owner.get("/books")).text
    one = await owner.get(f"/books/proof/{connected.id}/USD")
    path = f"/books/proof/{connected.id}/USD/gap"
    assert f'hx-get="{path}"' in one.text
    gap = await owner.get(path)
    assert f"/books/journal/{connected.id}/txn_9" in gap.text
    assert "Only the journal has it 28.83 USD" in text(gap)
    assert "<html" not in gap.text, "a part of a page"


async def test_stripe_that_does_not_answer_is_told_calmly(web, db, connected, company):
    def away(_number):
        raise Outage(f"Stripe does not answer. {HOSTILE}")

    web.site.rooms[ROOM] = Hands(gaps=away)
    gap = await (await web.owner()).get(f"/books/proof/{connected.id}/USD/gap")
    assert gap.status_code == 200
    assert "This could not be read now" in text(gap)
    assert "Try again" in text(gap)
    assert "<script" not in gap.text


async def test_comparing_now_reads_stripe(web, db, connected, shop):
    shop.charge(8000)
    owner = await web.owner()
    for role, status in (("viewer", 403), ("operator", 303)):
        answer = await send(await web.person(role), "/books", f"/books/proof/{connected.id}", back="/books")
        assert answer.status_code == status, role
    with db.transaction() as cx:
        [proof] = proof_store.newest(cx, connected.link)
    assert proof.holds
    assert proof.clearing > 7000
    assert "Equal" in text(await owner.get("/books"))
    assert (await owner.client.post(f"/books/proof/{connected.id}", data={})).status_code == 403


async def test_comparing_now_answers_while_stripe_does_not_and_goes_on(web, db, connected, tie_out, shop):
    shop.charge(8000)
    answers, asked = threading.Event(), []

    def prove(number):
        asked.append(number)
        answers.wait()
        return tie_out.prove()

    web.site.rooms[ROOM] = Hands(prove=prove)
    web.site.aside.seconds = 0
    owner = await web.owner()
    at = f"/books/proof/{connected.id}"
    try:
        for _ in range(3):
            assert (await send(owner, "/books", at, back="/books")).status_code == 303
            assert "has not answered in full yet. The comparison goes on by itself" in text(
                await owner.get("/books")
            )
        assert asked == [connected.id], "who asks again waits for the same"
    finally:
        answers.set()
    web.site.aside.seconds = 60
    assert (await send(owner, "/books", at, back="/books")).status_code == 303
    assert "was compared: its balance is equal, to the cent." in text(await owner.get("/books"))


async def test_a_comparison_that_fails_while_somebody_waits_is_told(web, connected):
    def away(_number):
        raise Outage("Stripe does not answer.")

    web.site.rooms[ROOM] = Hands(prove=away)
    answer = await send(await web.owner(), "/books", f"/books/proof/{connected.id}", back="/books")
    assert (answer.status_code, "Stripe does not answer." in text(answer)) == (503, True)


# --- the journal ---


async def test_every_entry_is_on_one_page_of_the_journal(web, db, connected, tell):
    tell(*(bt(f"txn_{n:03}", 100 + n, source=f"ch_{n}", at=START + n * DAY // 4) for n in range(95)))
    owner = await web.owner()
    path, seen = "/books/journal", []
    while path:
        page = (await owner.get(path)).text
        seen += re.findall(rf'href="/books/journal/{connected.id}/(txn_\d+)"', page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        path = following[1].replace("&amp;", "&") if following else None
    assert seen == [f"txn_{n:03}" for n in reversed(range(95))]


async def test_the_journal_is_filtered(web, connected, company):
    owner = await web.owner()

    async def keys(query):
        page = await owner.get(f"/books/journal?{query}")
        return set(re.findall(rf'class="row-link" href="/books/journal/{connected.id}/([^"]+)"', page.text))

    assert await keys("kind=payout") == {"txn_5", "txn_7", "txn_10"}
    assert await keys("q=po_2") == {"txn_7", "txn_8"}
    assert await keys("account=disputes_pending") >= {"txn_4"}
    assert await keys("since=2026-02-10&until=2026-02-10") == {"txn_6"}
    assert await keys("q=nothing") == set()
    assert "No entry fits" in text(await owner.get("/books/journal?q=nothing"))
    assert (await owner.get("/books/journal?since=tomorrow")).status_code == 400
    assert (await owner.get("/books/journal?cursor=bad")).status_code == 400


async def test_what_stripe_writes_is_text_on_the_page(web, connected, tell):
    tell(bt("txn_<b>", 100, source=HOSTILE))
    owner = await web.owner()
    for path in (
        "/books/journal",
        f"/books/journal/{connected.id}/txn_%3Cb%3E",
        f"/books/journal?q={'%3Cscript%3E'}",
    ):
        page = await owner.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "onerror=alert(2)>" not in page.text
    assert "&lt;script&gt;" in page.text


async def test_from_an_entry_down_to_what_stripe_sent(web, db, connected, tell):
    secret = "sk_live_" + "a" * 24
    raw = f'{{"id": "txn_77", "object": "balance_transaction", "amount": 500, "client_secret": "{secret}"}}'.encode()
    with db.transaction() as cx:
        [(seq, _)] = inbox.receive(cx, connected.link, [listed(raw, as_of=START)])
        from bookhand.core.facts import Seen
        from bookhand.journal.workflow import read

        fact = bt("txn_77", 500, fee=45, source="ch_77")
        read(cx, connected.link, [Seen(fact=fact, delivery=seq, as_of=START, told_by="listed")])
    page = await (await web.owner()).get(f"/books/journal/{connected.id}/txn_77")
    said = text(page)
    assert f"Delivery {seq}" in said
    assert "Read in one of Stripe&#39;s lists" in said
    assert "&#34;amount&#34;: 500" in page.text
    assert "/books/journal?q=ch_77" in page.text
    assert secret not in page.text, "what looks like a secret is cut"
    assert "4.55 USD" in said
    assert "5.00 USD 5.00 USD" in said, "debits are credits"


async def test_refinements_and_reversals_stand_beside_their_entry(web, connected, company):
    owner = await web.owner()
    page = await owner.get(f"/books/journal/{connected.id}/txn_1")
    assert f"/books/journal/{connected.id}/txn_1%3A" in page.text, "its tax"
    assert "Went out with the payout" in text(page)
    assert (await owner.get(f"/books/journal/{connected.id}/txn_none")).status_code == 404
    assert (await owner.get("/books/journal/999/txn_1")).status_code == 404


# --- accounts ---


async def test_the_chart_sums_to_nothing(web, connected, company):
    page = await (await web.owner()).get("/books/accounts")
    said = text(page)
    assert "All accounts together 0.00" in said
    assert "Assets:Stripe:" in said
    assert f"/books/accounts/{connected.id}/revenue?currency=USD" in page.text


async def test_a_ledger_runs_from_balance_to_balance(web, connected, tell):
    tell(*(bt(f"txn_{n:03}", 100, source=f"ch_{n}", at=START + n * 3600) for n in range(120)))
    tell(bt("txn_later", 700, source="ch_later", at=START + 35 * DAY))
    owner = await web.owner()
    path, balances = f"/books/accounts/{connected.id}/stripe_clearing:payments?currency=USD&month=2026-01", []
    pages = []
    while path:
        page = (await owner.get(path)).text
        pages.append(page)
        balances += re.findall(
            r'data-item.*?data-label="Balance"><span class="money">([\d.,]+)</span>', page, flags=re.DOTALL
        )
        following = re.search(r'href="([^"]+)" rel="next"', page)
        path = following[1].replace("&amp;", "&") if following else None
    assert balances == [f"{n}.00" for n in range(120, 0, -1)]
    assert "Balance at its beginning" not in pages[0]
    assert "Balance at its beginning" in pages[-1]
    now = await owner.get(f"/books/accounts/{connected.id}/stripe_clearing:payments?currency=USD")
    assert "127.00" in text(now)
    assert (await owner.get(f"/books/accounts/{connected.id}/nothing")).status_code == 404
    assert (await owner.get(f"/books/accounts/{connected.id}/revenue?month=13")).status_code == 400
    assert (await owner.get(f"/books/accounts/{connected.id}/revenue?cursor=1.x")).status_code == 400


# --- periods ---


async def test_a_month_is_closed_and_reopened_with_its_reason(web, runs, company):
    owner = await web.owner()
    assert "No month was closed yet." in text(await owner.get("/books/periods"))
    path = "/books/periods/2026-01/close"
    assert "Close January 2026" in text(await owner.get(path))
    assert (await send(owner, path, path, why="")).status_code == 400
    assert (await send(owner, path, path, why=f"Filed. {HOSTILE}")).status_code == 303
    page = await owner.get("/books/periods")
    assert "January 2026 is closed." in text(page)
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;" in page.text
    assert (await send(owner, path, path, why="again")).status_code in {400, 409}, "it is closed already"
    reopen = "/books/periods/2026-01/reopen"
    assert (await send(owner, reopen, reopen, why="A late invoice")).status_code == 303
    assert "January 2026 is open again." in text(await owner.get("/books/periods"))


@pytest.mark.parametrize("role", ["viewer", "auditor", "operator", "approver"])
async def test_who_does_not_manage_closes_nothing(web, db, company, role):
    person = await web.person(role)
    page = await person.get("/books/periods")
    assert page.status_code == 200
    assert "/close" not in page.text
    path = "/books/periods/2026-01/close"
    assert (await person.get(path)).status_code == 403
    assert (await send(person, "/books/periods", path, why="why")).status_code == 403
    assert (await person.client.post(path, data={"why": "why"})).status_code == 403
