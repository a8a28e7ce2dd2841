"""A refund, asked for by one person and allowed by another, by keyboard; done once, and found again in the journal."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from tests.browser.window import Windows


def test_a_refund_is_asked_for_allowed_done_and_booked(windows: Windows) -> None:
    here = windows.town
    charge = here.refundable()[-1]
    asks = windows.open("operator")
    asks.page.goto("/actions/refunds.create")
    asks.type("[name='p.charge']", charge)
    asks.type("[name='p.amount']", "7.31")
    asks.type("#why", "The lamp arrived broken")
    asks.tab_to("form.action-form .acts button")
    asks.keys("Enter")
    expect(asks.page).to_have_url(re.compile(r"/approvals/prop_\w+$"))
    asks.says("7.31")
    asks.says("The lamp arrived broken")
    expect(asks.page.locator("main [data-key=a]")).to_have_count(0)
    proposal = asks.page.url.rpartition("/")[2]

    allows = windows.open("approver")
    page = allows.page
    page.goto("/")
    allows.keys("g", "a")
    expect(page).to_have_url(re.compile("/approvals$"))
    card = page.locator(f"#{proposal}")
    for _ in range(10):
        allows.keys("j")
        if page.evaluate("id => document.activeElement?.id === id", proposal):
            break
    expect(card).to_be_focused()
    for told in ("7.31", "TEST", "The lamp arrived broken"):
        expect(card).to_contain_text(told)
    allows.keys("a")
    expect(page.locator("main [role=status]").first).to_contain_text("Approved")
    expect(page.locator(f"#{proposal}")).to_have_count(0)

    page.goto(f"/approvals/{proposal}")
    refund = here.until(lambda: here.result(proposal), what="the refund is done", seconds=40)
    expect(page.locator("main .chip-good").first).to_contain_text("Done", timeout=10_000)
    assert here.refunded(charge) == 731
    here.until(lambda: here.booked(refund), what="the refund is booked", seconds=30)
    allows.keys("g", "b")
    page.get_by_role("link", name="Journal").first.click()
    page.locator("main a[href^='/books/journal/']", has_text=re.compile("refund", re.IGNORECASE)).first.press(
        "Enter"
    )
    allows.says("7.31")
    allows.says(refund)


def test_a_question_an_edit_and_a_no(windows: Windows) -> None:
    here = windows.town
    charge = here.refundable()[0]
    asked = here.propose("refunds.create", {"charge": charge, "amount": 1_234}, "Sent twice")
    window = windows.open("approver")
    page = window.page
    page.goto(f"/approvals/{asked}")
    window.keys("q")
    note = page.locator(f"#ask-{asked}-note")
    expect(note).to_be_focused()
    page.keyboard.type("Which parcel?")
    window.tab_to(f"#ask-{asked} button.btn-primary")
    window.keys("Enter")
    window.says("Which parcel?")

    window.keys("e")
    expect(page).to_have_url(re.compile(f"/approvals/{asked}/edit$"))
    amount = page.locator("[name='p.amount']")
    amount.fill("5.00")
    amount.press("Enter")
    expect(page).not_to_have_url(re.compile("/edit$"))
    edited = page.url.rpartition("/")[2]
    assert edited != asked
    window.says("5.00")

    window.keys("r")
    expect(page.locator(f"dialog#reject-{edited}")).to_be_visible()
    window.keys("Escape")
    expect(page.locator(f"dialog#reject-{edited}")).to_be_hidden()
    window.keys("r")
    page.locator(f"#reject-{edited}-note").fill("It came back to us")
    window.tab_to(f"#reject-{edited} button.btn-danger")
    with page.expect_navigation():
        window.keys("Enter")
    page.goto(f"/approvals/{edited}")
    window.says("It came back to us")
    assert here.refunded(charge) == 0


def test_many_at_once_with_their_total(windows: Windows) -> None:
    here = windows.town
    charges = here.refundable()[1:3]
    for charge in charges:
        here.propose("refunds.create", {"charge": charge, "amount": 250}, "A batch of late parcels")
    window = windows.open("approver")
    page = window.page
    page.goto("/approvals")
    button = page.locator("#many button[data-needs-tick]")
    expect(button).to_be_disabled()
    for card in page.locator("article.ask", has_text="A batch of late parcels").all():
        card.locator("input[data-tick]").press("Space")
    expect(page.locator("[data-ticked-of=many]")).to_contain_text("5.00")
    button.press("Enter")
    expect(page.locator("article.ask", has_text="A batch of late parcels")).to_have_count(0)
    here.until(lambda: all(here.refunded(charge) == 250 for charge in charges), what="both refunds are done")
