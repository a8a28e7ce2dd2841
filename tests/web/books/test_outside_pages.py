"""The pages of outside books: set up from the proposal that was seen, compared with Breaks, undone; on a real Beancount folder."""

from __future__ import annotations

import json
import re
from datetime import date
from urllib.parse import quote

import pytest
from tests.contract.books.company import third
from tests.web.books.conftest import fields_of, send, text
from tests.web.page.conftest import HOSTILE

from bookhand.actions.rights import rights_store
from bookhand.actions.rights.policy import Budget
from bookhand.books import sending_store, store
from bookhand.core.caller import Caller, capabilities
from bookhand.web.books.outside import store as outside

OWNER = Caller(
    workspace_id=1, who="person:1", name="owner", role="owner", can=capabilities("owner"), channel="web"
)


@pytest.fixture
def at(book):
    return f"/books/outside/{book.id}"


@pytest.fixture
def kept(web, book):
    """The book, set up by deposit and mirrored."""
    setups = web.site.books.setups
    setups.agree(OWNER, book.link, setups.propose(OWNER, book.link, method="deposit").choice(), "why")
    web.site.books.mirrors.mirror(book.link)
    return book


async def test_without_a_book_it_is_said_what_one_would_be(web, company):
    page = await (await web.owner()).get("/books/outside")
    assert "No outside book is connected" in text(page)


async def test_from_the_proposal_to_a_kept_book(web, db, book, at):
    owner = await web.owner()
    assert "It is connected, and not set up yet." in text(await owner.get("/books/outside"))
    setup = await owner.get(f"{at}/setup")
    assert f'hx-get="{at}/setup/proposal" hx-trigger="load"' in setup.text
    proposal = await owner.get(f"{at}/setup/proposal")
    said = text(proposal)
    assert "its name says" in said, "each line has its evidence"
    assert "One real payout, as it would be written" in said
    fields = fields_of(proposal.text)
    assert fields["method"] == "clearing"
    again = await send(owner, at, f"{at}/setup/proposal", **{**fields, "method": "deposit"})
    assert again.status_code == 200, again.text
    assert re.search(r'value="deposit"\s+checked', again.text)
    assert "19.12 USD" in text(again), "the payout itself"
    fields = fields_of(again.text)
    assert (await send(owner, at, f"{at}/setup", **fields, why="")).status_code == 400
    kept = await send(owner, at, f"{at}/setup", **fields, why="Our auditor looked at it")
    assert (kept.status_code, kept.headers["location"]) == (303, at), kept.text
    with db.transaction() as cx:
        found = store.get(cx, book.link)
    assert (found.method, found.agreed_name) == ("deposit", "owner")
    assert "is kept like this from now on" in text(await owner.get(at))


async def test_what_was_not_seen_is_not_agreed_to(web, db, book, at):
    owner = await web.owner()
    fields = fields_of((await owner.get(f"{at}/setup/proposal")).text)
    other = next(name for name in fields if name.startswith("map.processing_fees"))
    changed = {**fields, other: "Expenses:Disputes-Lost", "why": "why"}
    answer = await send(owner, at, f"{at}/setup", **changed)
    assert answer.status_code in {400, 409}, "the mark is that of another proposal"
    assert (
        await send(owner, at, f"{at}/setup", **{**fields, "mark": "0" * 32, "why": "why"})
    ).status_code == 409
    with db.transaction() as cx:
        assert store.find(cx, book.link) is None


@pytest.mark.parametrize("role", ["viewer", "operator", "approver"])
async def test_who_may_not_manage_sets_nothing_up_and_undoes_nothing(web, db, kept, at, role):
    person = await web.person(role)
    for path in (
        at,
        f"{at}/mapping",
        f"{at}/mapping/evidence",
        f"{at}/documents",
        f"{at}/comparison",
        f"{at}/setup/proposal",
    ):
        assert (await person.get(path)).status_code == 200, path
    fields = fields_of((await person.get(f"{at}/setup/proposal")).text)
    assert (await send(person, at, f"{at}/setup", **fields, why="why")).status_code == 403
    days = {"since": "2026-01-01", "until": "2026-12-31"}
    assert (await send(person, at, f"{at}/undo", **days, why="why")).status_code == 403
    assert (await person.client.post(f"{at}/undo", data={**days, "why": "why"})).status_code == 403
    with db.transaction() as cx:
        assert outside.extent(cx, kept.link, store.get(cx, kept.link)).open == {}


async def test_a_book_beside_the_journal_and_what_somebody_changed_in_it(web, db, kept, at, tmp_path):
    owner = await web.owner()
    page = await owner.get(at)
    assert f'hx-get="{at}/comparison" hx-trigger="load"' in page.text
    same = await owner.get(f"{at}/comparison")
    assert "Equal: the book holds what the journal holds" in text(same)
    assert "Not paid out yet 1 28.83 USD" in text(same), "what waits is told beside"
    path = next((tmp_path / "book" / "bookhand").glob("2026-*.beancount"))
    before = path.read_text()
    path.write_text(re.sub(r'(  Expenses:.*\n    memo: )"[^"]*"', r'\g<1>"<b>mine</b>"', before, count=1))
    assert path.read_text() != before
    reworded = await owner.get(f"{at}/comparison")
    assert "Equal: the book holds what the journal holds" in text(reworded)
    assert "Words were changed in one document of the book: nothing is off by it" in text(reworded)
    assert "<b>mine" not in reworded.text
    path.write_text(re.sub(r"(Expenses:\S+  )([\d.]+)( USD)", r"\g<1>0.01\3", before, count=1))
    assert path.read_text() != before
    other = await owner.get(f"{at}/comparison")
    said = text(other)
    assert "Not equal: one Break" in said
    assert "Edited in the book" in said
    assert "None known" in text(await owner.get("/books/outside")), "to look at it keeps nothing"
    assert (await send(await web.person("viewer"), at, f"{at}/comparison")).status_code == 403
    kept_now = await send(owner, at, f"{at}/comparison")
    assert (kept_now.status_code, kept_now.headers["location"]) == (303, at)
    assert "one Break is kept under Problems" in text(await owner.get(at))
    shelf = text(await owner.get("/books/outside"))
    assert "Edited in the book · 1" in shelf
    document = re.search(rf'href="({at}/documents/[^"]+)"', other.text)
    assert "In the book" in text(await owner.get(document[1]))


async def test_a_book_that_cannot_be_read_is_told_calmly(web, kept, at, tmp_path):
    (tmp_path / "book").rename(tmp_path / "away")
    owner = await web.owner()
    for path in ("comparison", "setup/proposal"):
        page = await owner.get(f"{at}/{path}")
        assert page.status_code == 200
        assert "This could not be read now" in text(page)
    evidence = await owner.get(f"{at}/mapping/evidence")
    assert "cannot be shown now" in text(evidence)
    assert "Processing fees" in text(evidence), "the mapping itself is ours"


async def test_what_the_book_refused_is_sent_again_from_the_page(web, db, kept, at, tell):
    tell(*third())
    mirrors = web.site.books.mirrors
    mirrors.plans.plan(kept.link)
    with db.transaction() as cx:
        [refused] = list(store.documents(cx, kept.link, states=("intended",)))
        sending_store.settle(cx, kept.link, [(refused.key, "failed", "Its account is closed.", None, None)])
    mirrors.mirror(kept.link)
    owner = await web.owner()
    page = await owner.get("/problems")
    document = f"{at}/documents/{quote(refused.key, safe='')}"
    assert "Its account is closed." in text(page)
    assert f'href="{document}"' in page.text
    assert f'action="{at}/retry"' in page.text
    assert f'action="{at}/retry"' in (await owner.get(document)).text
    viewer = await web.person("viewer")
    assert f'action="{at}/retry"' not in (await viewer.get("/problems")).text
    assert (await send(viewer, "/problems", f"{at}/retry")).status_code == 403
    sent = await send(owner, "/problems", f"{at}/retry", back="/problems")
    assert (sent.status_code, sent.headers["location"]) == (303, "/problems")
    after = text(await owner.get("/problems"))
    assert "One document that Ledger refused is planned anew." in after
    assert "Its account is closed." not in after
    done = mirrors.mirror(kept.link)
    assert (done.refused, done.written > 0) == ([], True)
    assert "Equal: the book holds what the journal holds" in text(await owner.get(f"{at}/comparison"))


async def test_a_problem_leads_to_the_payout_it_is_about(web, kept):
    page = await (await web.owner()).get("/problems")
    assert 'href="/payouts/po_3"' in page.text


async def test_documents_page_by_page_down_to_their_entries(web, db, kept, at):
    owner = await web.owner()
    page = await owner.get(f"{at}/documents")
    keys = re.findall(rf'class="row-link" href="{at}/documents/([^"]+)"', page.text)
    with db.transaction() as cx:
        every = outside.documents(cx, kept.link, state=None, before=None, limit=100)
        walked, before = [], None
        while found := outside.documents(cx, kept.link, state=None, before=before, limit=1):
            walked += [each.key for each in found]
            before = (date.fromisoformat(found[-1].day), found[-1].key)
    assert walked == [each.key for each in every]
    assert len(keys) == len(every) > 0
    whole = await owner.get(f"{at}/documents/{keys[0]}")
    assert "/books/journal/" in whole.text
    entry = await owner.get(re.search(r'href="(/books/journal/\d+/txn[^"]+)"', whole.text)[1])
    assert f"{at}/documents/" in entry.text, "and back from the entry"
    assert (await owner.get(f"{at}/documents/none")).status_code == 404
    assert "No document is like this" in text(await owner.get(f"{at}/documents?state=failed"))
    assert (await owner.get(f"{at}/documents?cursor=bad")).status_code == 400


async def test_an_undoing_waits_for_its_yes_and_is_sent_by_the_next_mirror(web, db, kept, at):
    owner = await web.owner()
    days = {"since": "2026-01-01", "until": "2026-12-31"}
    before = text(await owner.get(f"{at}/undo?since=2026-01-01&until=2026-12-31"))
    assert "documents would be reversed" in before
    assert (await owner.get(f"{at}/undo?since=2026-02-01&until=2026-01-01")).status_code == 400
    assert "Nothing to undo" in text(await owner.get(f"{at}/undo?since=2020-01-01&until=2020-01-01"))
    assert (await send(owner, at, f"{at}/undo", **days, why="")).status_code == 400
    asked = await send(owner, at, f"{at}/undo", **days, why=f"Twice. {HOSTILE}")
    assert (asked.status_code, asked.headers["location"].split("prop_")[0]) == (303, "/approvals/")
    assert not web.site.books.mirrors.has_news(kept.link), "nothing before the yes"
    card = await owner.get(asked.headers["location"])
    for told in ("Undo", "Ledger", "TEST", "reversed on", "no money moves", "What the books will show"):
        assert told in text(card)
    assert "<script>" not in card.text
    assert (await approve(owner, asked.headers["location"], card)).status_code == 303
    assert "On its way" in text(await owner.get(f"{at}/documents?state=intended"))
    assert web.site.books.mirrors.has_news(kept.link)
    web.site.books.mirrors.mirror(kept.link)
    assert not web.site.books.mirrors.has_news(kept.link)
    with db.transaction() as cx:
        done = outside.documents(cx, kept.link, state="done", before=None, limit=100)
        notes = [each for each in _trail(cx) if each["what"] == "books.undo"]
    assert all(each.reverses for each in done)
    assert [each["name"] for each in notes] == ["owner"]
    assert notes[0]["why"].startswith("Twice.")
    again = await send(owner, at, f"{at}/undo", **days, why="again")
    assert again.status_code == 400
    assert "or all are undone" in text(again)
    page = text(await owner.get(f"{at}/undo?since=2026-01-01&until=2026-12-31"))
    assert "documents of these days are undone" in page
    with db.transaction() as cx:
        held = store.tally(cx, kept.link).entries
    assert (await send(owner, at, f"{at}/post-again", **days, why="Mapped anew")).status_code == 303
    with db.transaction() as cx:
        assert (held > 0, store.tally(cx, kept.link).entries) == (True, 0)
    assert (await send(owner, at, f"{at}/post-again", **days, why="twice")).status_code == 400
    web.site.books.mirrors.mirror(kept.link)
    assert "Equal: the book holds what the journal holds" in text(await owner.get(f"{at}/comparison"))


async def test_a_yes_is_for_the_documents_that_were_shown(web, db, kept, at):
    owner = await web.owner()
    days = {"since": "2026-01-01", "until": "2026-12-31"}
    asked = (await send(owner, at, f"{at}/undo", **days, why="Twice")).headers["location"]
    with db.transaction() as cx:
        first = min(
            each.day for each in outside.documents(cx, kept.link, state="done", before=None, limit=100)
        )
    fewer = await send(owner, at, f"{at}/undo", since="2026-01-01", until=first, why="Fewer")
    other = fewer.headers["location"]
    card, less = await owner.get(asked), await owner.get(other)
    assert (await approve(owner, other, less)).status_code == 303
    web.site.books.mirrors.mirror(kept.link)
    refused = await approve(owner, asked, card)
    assert refused.status_code == 409
    assert "documents.count was" in text(refused)
    assert not web.site.books.mirrors.has_news(kept.link)
    assert "is void" in text(await owner.get(asked))
    assert (await approve(owner, asked, card)).status_code == 409


async def test_who_may_not_manage_says_no_yes_to_an_undoing(web, db, kept, at):
    owner, approver = await web.owner(), await web.person("approver")
    asked = await send(owner, at, f"{at}/undo", since="2026-01-01", until="2026-12-31", why="Twice")
    where = asked.headers["location"]
    card = await approver.get(where)
    assert "A yes to this needs an admin or owner." in text(card)
    assert f'action="{where}/approve"' not in card.text
    assert "May approve: owner." in text(card)
    assert (await approve(approver, where, card)).status_code == 403
    assert not web.site.books.mirrors.has_news(kept.link)


async def test_four_eyes_hold_for_an_undoing_too(web, db, kept, at):
    owner = await web.owner()
    with db.transaction() as cx:
        four_eyes = Budget(id=0, grantee="*", pattern="*", currency="USD", four_eyes_minor=100)
        rights_store.add_budget(cx, OWNER, connection_id=None, budget=four_eyes)
    days = {"since": "2026-01-01", "until": "2026-12-31"}
    asked = (await send(owner, at, f"{at}/undo", **days, why="Twice")).headers["location"]
    card = await owner.get(asked)
    assert "four eyes" in text(card)
    refused = await approve(owner, asked, card)
    assert refused.status_code == 403
    assert not web.site.books.mirrors.has_news(kept.link)
    other = await web.person("admin")
    assert (await approve(other, asked, await other.get(asked))).status_code == 303
    assert web.site.books.mirrors.has_news(kept.link)


async def approve(person, where, card):
    """Say yes to what the page showed."""
    found = re.search(r'name="call_hash" value="([0-9a-f]+)"', card.text)
    digest = found[1] if found else re.search(r">([0-9a-f]{64})<", card.text)[1]
    return await send(person, where, f"{where}/approve", call_hash=digest)


def _trail(cx):
    return [json.loads(body) for (body,) in cx.execute("select body from trail order by seq")]


async def test_no_book_and_no_other_system_is_taken_for_one(web, connected, book):
    owner = await web.owner()
    assert (await owner.get(f"/books/outside/{connected.id}")).status_code == 404
    assert (await owner.get("/books/outside/999")).status_code == 404
    assert (await owner.get(f"/books/outside/{book.id}/documents")).status_code == 404, "not set up yet"
