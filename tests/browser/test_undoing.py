"""Documents of a book undone: asked for with what it would do, allowed by somebody else, done once."""

from __future__ import annotations

import re

from bench import company
from playwright.sync_api import expect
from tests.browser.window import Windows

from bookhand.books import store


def test_undoing_documents_waits_for_a_yes_that_is_for_exactly_these(new_windows: Windows) -> None:
    here = new_windows.town
    here.connection = company.history(here.house, here.stripe.url, company.key(here.stripe.url))
    company.book(here.house, here.connection, here.house.settings.data_dir)
    [book] = [each for each in here.house.every() if each.link.system == "beancount"]
    asks = new_windows.open("admin")
    page = asks.page
    page.goto(f"/books/outside/{book.id}/undo")
    page.locator("#since").fill("2026-01-01")
    page.locator("#until").fill("2027-12-31")
    page.locator("main form[method=get] button").press("Enter")
    shown = page.locator("#would-title").inner_text()
    count = int(re.sub(r"\D", "", shown))
    page.locator("#why").fill("Mapped to the wrong account")
    page.locator("button.btn-danger").press("Enter")
    expect(page).to_have_url(re.compile(r"/approvals/prop_\w+$"))
    proposal = page.url.rpartition("/")[2]
    asks.says(f"Undo {count:,} documents of Beancount")
    asks.says("Mapped to the wrong account")
    asks.says("no money moves")

    with here.house.db.transaction() as cx:
        assert store.tally(cx, book.link).intended == 0, "nothing before the yes"
    allows = new_windows.open("owner")
    allows.page.goto(f"/approvals/{proposal}")
    allows.keys("a")
    expect(allows.page.locator("main [role=status]").first).to_contain_text("Approved")
    assert here.state_of(proposal) == "done"

    def reversed_() -> bool:
        with here.house.db.transaction() as cx:
            return store.tally(cx, book.link).reversed == count

    here.until(reversed_, what="every document is reversed", seconds=60)
    allows.page.goto(f"/books/outside/{book.id}/undo?since=2026-01-01&until=2027-12-31")
    allows.says("documents of these days are undone")
