"""Disconnected in the middle of a run, and connected again: the run waits before its next step, and goes on."""

from __future__ import annotations

import re

from bench import company
from playwright.sync_api import expect
from tests.browser.window import Windows


def test_a_run_waits_for_its_connection_and_goes_on(new_windows: Windows) -> None:
    window, here = new_windows.open("owner"), new_windows.town
    page = window.page
    key = company.key(here.stripe.url)
    here.connection = company.history(here.house, here.stripe.url, key)
    number = here.connection.id
    charge = here.refundable()[-1]
    proposal = here.propose("refunds.create", {"charge": charge, "amount": 321}, "Broken")

    here.stripe.post("faults", kind="500", path="/v1/charges*", times="forever")
    page.goto(f"/approvals/{proposal}")
    window.keys("a")
    expect(page.locator("main [role=status]").first).to_contain_text("Approved")
    run = here.until(lambda: here.run_of(proposal), what="its run")
    page.goto(f"/settings/integrations/stripe/{number}")
    page.get_by_role("link", name="Disconnect").press("Enter")
    expect(page.locator("#pauses")).to_be_visible()
    window.tab_to("form[action$='/disconnect'] button")
    window.keys("Enter")
    expect(page.locator("main")).to_contain_text("Disconnected")
    page.goto(f"/runs/{run}")
    window.says("Integration disconnected")
    here.stripe.clear_faults()
    assert here.refunded(charge) == 0

    page.goto("/settings/integrations/stripe/connect/key")
    window.type("[name=key]", key)
    window.keys("Enter")
    expect(page).to_have_url(re.compile(rf"/settings/integrations/stripe/{number}"))
    expect(page.locator("main")).to_contain_text("Connected")
    page.goto(f"/runs/{run}")
    expect(page.locator("#run .chip-good").first).to_be_visible(timeout=40_000)
    here.until(lambda: here.refunded(charge) == 321, what="the refund is done, once")
