"""Real money and rehearsal beside each other: wherever either stands, it says LIVE or TEST."""

from __future__ import annotations

from playwright.sync_api import Locator, expect
from tests.browser.town import Town
from tests.browser.window import Windows

REAL, REHEARSED = "Lantern Metrics", "Lantern, rehearsal"


def test_every_page_says_which_money_is_real(real_windows: Windows) -> None:
    window, here = real_windows.open("operator"), real_windows.town
    page = window.page
    for path, rows in (
        ("/settings/integrations", "#connected tbody tr"),
        ("/books", "#proofs tbody tr"),
        ("/books", "#history .bk-pills a"),
        ("/payouts", "#list tbody tr"),
        ("/", ".proofs li"),
        ("/actions/refunds.create", "form.action-form label"),
    ):
        page.goto(path)
        _says(page.locator(rows, has_text=REAL), "LIVE", not_="TEST")
        _says(page.locator(rows, has_text=REHEARSED), "TEST", not_="LIVE")
    page.goto("/")
    for mode, of in here.modes().items():
        entries = page.locator(f".latest a[href^='/books/journal/{of.id}/']")
        _says(entries, mode.upper(), not_="TEST" if mode == "live" else "LIVE")
    expect(page.locator(".test-note")).to_contain_text("LIVE")
    for mode, of in here.modes().items():
        page.goto(f"/settings/integrations/stripe/{of.id}")
        _says(page.locator("h1"), mode.upper())
        page.goto(f"/payouts?account={of.id}")
        _says(page.locator("#list tbody tr"), mode.upper())


def test_a_real_refund_says_live_and_a_rehearsed_one_test(real_windows: Windows) -> None:
    here = real_windows.town
    why = {"live": "The real lamp broke", "test": "Only a rehearsal"}
    asked = {mode: _asked(here, mode, why[mode]) for mode in why}
    window = real_windows.open("approver")
    page = window.page
    page.goto("/approvals")
    for mode, proposal in asked.items():
        card = page.locator(f"#{proposal}")
        _says(card, mode.upper(), not_="TEST" if mode == "live" else "LIVE")
        expect(card).to_contain_text(why[mode])
        card.locator("input[data-tick]").press("Space")
    expect(page.locator("[data-ticked-of=many]")).to_contain_text("2.50 USD LIVE")
    expect(page.locator("[data-ticked-of=many]")).to_contain_text("2.50 USD TEST")

    page.goto(f"/approvals/{asked['live']}")
    expect(page.locator(".mode").first).to_have_text("LIVE")
    window.keys("a")
    expect(page.locator("main [role=status]").first).to_contain_text("Approved")
    here.until(lambda: here.result(asked["live"]), what="the real refund is done", seconds=40)
    assert here.state_of(asked["test"]) == "waiting"
    page.goto("/approvals")
    expect(page.locator("article .mode")).to_have_text(["TEST"])
    run = here.run_of(asked["live"])
    page.goto(f"/runs/{run}")
    _says(page.locator(".stands"), "LIVE", not_="TEST")
    refund = here.result(asked["live"])
    here.until(lambda: here.booked(refund or ""), what="the real refund is booked", seconds=30)
    page.goto("/books/journal")
    _says(page.locator("tr", has_text=refund), "LIVE", not_="TEST")


def _asked(here: Town, mode: str, why: str) -> str:
    here.connection = here.modes()[mode]
    return here.propose("refunds.create", {"charge": here.charge(mode), "amount": 250}, why)


def _says(found: Locator, badge: str, *, not_: str = "") -> None:
    """Each of what was found bears that badge, and none the other."""
    expect(found.first).to_be_visible()
    for each in found.all():
        expect(each.locator(".mode").first).to_have_text(badge)
        if not_:
            expect(each.locator(".mode", has_text=not_)).to_have_count(0)
