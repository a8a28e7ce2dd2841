"""What a key does to a proposal: only to the one that is meant, once, and nothing where keys were turned off."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.browser.town import Town
from tests.browser.window import Window, Windows

HELD = 30
"""How often a held key tells of itself: about a second of it."""


@pytest.fixture
def two(windows: Windows) -> list[str]:
    """Two refunds of one charge that wait; they are taken back where the test left them."""
    here = windows.town
    charge = here.refundable()[-1]
    return [
        here.propose("refunds.create", {"charge": charge, "amount": amount}, "A key too many")
        for amount in (111, 112)
    ]


def test_a_key_without_a_card_in_focus_does_nothing(windows: Windows, two: list[str]) -> None:
    window = windows.open("approver")
    page = window.page
    page.goto("/approvals")
    expect(page.locator("article.ask", has_text="A key too many")).to_have_count(2)
    assert page.evaluate("document.activeElement === document.body")
    window.keys("a", "r", "q", "e")
    _rests(page)
    assert page.url.endswith("/approvals")
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert {windows.town.state_of(each) for each in two} == {"waiting"}

    page.locator(f"#{two[0]}").focus()
    window.keys("r")
    expect(page.locator(f"dialog#reject-{two[0]}")).to_be_visible()
    window.keys("Escape")
    _taken_back(windows.town, two)


def test_a_key_that_is_held_approves_once(windows: Windows, two: list[str]) -> None:
    window, here = windows.open("approver"), windows.town
    page = window.page
    page.goto("/approvals")
    page.locator(f"#{two[0]}").focus()
    _hold(page, "a")
    assert here.state_of(two[0]) == "waiting", "a key acts when it is let go"
    page.keyboard.up("a")
    expect(page.locator("main [role=status]").first).to_contain_text("Approved")
    expect(page.locator(f"#{two[0]}")).to_have_count(0)
    assert here.state_of(two[1]) == "waiting"

    page.goto("/")
    page.keyboard.down("a")
    page.goto(f"/approvals/{two[1]}")  # the key is still down
    _hold(page, "a")
    page.keyboard.up("a")
    _rests(page)
    assert here.state_of(two[1]) == "waiting", (
        "a key that went down on another page is not meant for this one"
    )
    window.keys("a")
    here.until(lambda: here.state_of(two[1]) != "waiting", what="the second is approved, on its own page")
    window.says("Approved")


def test_keys_of_one_letter_can_be_turned_off(windows: Windows, two: list[str]) -> None:
    window, here = windows.open("approver"), windows.town
    page = window.page
    page.goto("/approvals")
    hint = page.locator(".keys-hint")
    expect(hint).to_contain_text("a approves")
    _choose(window, on=False)
    expect(hint).to_be_hidden()
    page.locator(f"#{two[0]}").focus()
    window.keys("a", "r", "j", "g", "b", "?")
    _rests(page)
    assert page.url.endswith("/approvals")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.locator(f"#{two[0]}")).to_be_focused()
    assert here.state_of(two[0]) == "waiting"

    page.goto(f"/approvals/{two[0]}")
    window.keys("r")
    _rests(page)
    expect(page.locator("dialog[open]")).to_have_count(0)
    _choose(window, on=True)
    window.keys("r")
    expect(page.locator(f"dialog#reject-{two[0]}")).to_be_visible()
    _taken_back(here, two)


def test_who_may_not_is_told_of_no_key_to_do_it(windows: Windows, two: list[str]) -> None:
    page = windows.open("viewer").page
    page.goto("/approvals")
    expect(page.locator(".keys-hint")).to_have_text("j and k walk from card to card.")
    expect(page.locator("main [data-key]")).to_have_count(0)
    _taken_back(windows.town, two)


def _hold(page: Page, key: str) -> None:
    for _ in range(HELD):
        page.keyboard.down(key)


def _rests(page: Page) -> None:
    """Give what a key may have begun the time to go: two frames, and an answer of the server's."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.evaluate("fetch('/needs.json').then((answer) => answer.text())")


def _choose(window: Window, *, on: bool) -> None:
    page = window.page
    page.locator("footer [data-opens=keys]").press("Enter")
    page.locator("#keys [data-keys-on]").press("Space")
    expect(page.locator("#keys [data-keys-on]")).to_be_checked(checked=on)
    window.keys("Escape")
    expect(page.locator("#keys")).to_be_hidden()


def _taken_back(here: Town, proposals: list[str]) -> None:
    for each in proposals:
        here.withdraw(each)
