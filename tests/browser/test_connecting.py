"""From nothing to a proof, by keyboard alone: Stripe's consent in a window of its own, the history coming in, the books at zero; and QuickBooks."""

from __future__ import annotations

import re

from bench import company
from playwright.sync_api import Page, expect
from tests.browser.window import Window, Windows

STRIPE, QUICKBOOKS = "#system-stripe", "#system-quickbooks"


def test_stripe_is_connected_its_history_comes_in_and_the_books_prove_themselves(
    new_windows: Windows,
) -> None:
    window, here = new_windows.open("owner"), new_windows.town
    page = window.page
    page.goto("/settings/integrations")
    _stays(page)
    window.tab_to(f"{STRIPE} a[data-popup]")
    with page.expect_popup() as opened:
        window.keys("Enter")
    consent = opened.value
    expect(consent.get_by_role("heading", name="Connect bookhand to your account")).to_be_visible()
    window.tab_to("button[value=allow]", page=consent)
    with consent.expect_event("close"):
        consent.keyboard.press("Enter")
    expect(page.locator(STRIPE)).to_contain_text("1 connection")
    expect(page.locator("#connected")).to_contain_text("Connected")
    assert _stayed(page), "the page was loaded anew"

    here.stripe.post("latency", milliseconds=150)
    window.tab_to("#connected th a")
    window.keys("Enter")
    expect(page.locator("#history-title")).to_be_visible()
    if page.locator("#range").count():
        window.tab_to("form.in-ask button")
        window.keys("Enter")
    expect(page.locator("#history progress").first).to_be_visible()
    _stays(page)
    here.stripe.post("latency", milliseconds=0)
    expect(page.locator("#history-title .chip")).to_have_class(re.compile("chip-good"), timeout=60_000)
    assert _stayed(page), "the page was loaded anew"

    window.keys("g", "b")
    expect(page).to_have_url(re.compile("/books$"))
    expect(page.locator("main")).to_contain_text("0.00")
    here.until(lambda: _off_by(page) == {0}, what="every account off by zero", seconds=30)


def test_quickbooks_is_connected_and_who_says_no_connects_nothing(new_windows: Windows) -> None:
    window, here = new_windows.open("owner"), new_windows.town
    page = window.page
    page.goto("/settings/integrations")
    _stays(page)
    window.expected.append("error=access_denied")  # the page that says so is a 400
    consent = _asked(window)
    consent.get_by_role("button", name="Cancel").press("Enter")
    expect(consent.locator("[data-popup-done]")).not_to_have_attribute("data-popup-done", "good")
    expect(page.locator("#connected")).not_to_contain_text("QuickBooks")
    consent.close()

    consent = _asked(window)
    company = consent.locator("button[name=realm]").first
    with consent.expect_event("close"):
        company.press("Enter")
    expect(page.locator(QUICKBOOKS)).to_contain_text("1 connection")
    assert _stayed(page), "the page was loaded anew"
    [made] = here.house.every()
    assert (made.link.system, made.status) == ("quickbooks", "active")


def test_a_backfill_is_watched_paused_and_goes_on_without_a_gap(new_windows: Windows) -> None:
    window, here = new_windows.open("owner"), new_windows.town
    page = window.page
    page.goto("/settings/integrations/stripe/connect/key")
    window.type("[name=key]", company.key(here.stripe.url))
    window.keys("Enter")
    expect(page.locator("#range")).to_be_visible()
    here.stripe.post("latency", milliseconds=4_000)
    window.tab_to("form.in-ask button")
    window.keys("Enter")
    head, figures = page.locator("#history-title"), page.locator("#history .in-figures")
    expect(head).to_contain_text("Coming in", timeout=20_000)
    _stays(page)
    expect(figures).to_have_text(
        re.compile(r"^[1-9][\d,]* of about [\d,]+ · [\d,.]+/s · .+ left"), timeout=20_000
    )
    assert _stayed(page), "the page was loaded anew"

    window.tab_to("form[action$='/history/pause'] button")
    window.keys("Enter")
    expect(head).to_contain_text("Paused", timeout=30_000)
    window.says("what was read is kept, and it goes on from there")
    stands, read = figures.inner_text(), here.pages()
    assert read
    page.wait_for_timeout(4_000)
    assert (figures.inner_text(), here.pages()) == (stands, read), "it went on while it was paused"

    window.tab_to("form[action$='/history/resume'] button")
    window.keys("Enter")
    expect(head).to_contain_text("Coming in", timeout=30_000)
    _stays(page)
    here.until(lambda: here.pages() > read, what="it goes on", seconds=40)
    here.stripe.post("latency", milliseconds=0)
    expect(head.locator(".chip")).to_have_text("Complete", timeout=60_000)
    assert _stayed(page), "the page was loaded anew"
    told = {each["id"] for each in here.stripe.every("balance_transactions")}
    assert told
    assert told <= here.entries(), "some of it is missing"
    page.goto("/books")
    here.until(lambda: _off_by(page) == {0}, what="every account off by zero", seconds=30)


def _asked(window: Window) -> Page:
    window.page.locator(f"{QUICKBOOKS} a[data-popup]").focus()
    with window.page.expect_popup() as opened:
        window.keys("Enter")
    consent: Page = opened.value
    expect(consent.get_by_role("heading", name="Choose the company to connect")).to_be_visible()
    return consent


def _stays(page: Page) -> None:
    page.evaluate("window.stayed = true")


def _stayed(page: Page) -> bool:
    return bool(page.evaluate("window.stayed === true"))


def _off_by(page: Page) -> set[int]:
    """What the proof's table says each account is off by, in minor units; it moves on by itself."""
    texts = (
        page.locator("table")
        .first.locator("tbody tr td:last-child .money, tbody tr td .money.strong")
        .all_inner_texts()
    )
    return {int(re.sub(r"\D", "", text) or 0) for text in texts}
