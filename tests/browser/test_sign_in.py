"""Coming in by the one-time link, and going out again."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.browser.window import Windows


def test_the_link_signs_in_once_and_the_first_page_is_alive(windows: Windows) -> None:
    link = windows.town.link("owner")
    window = windows.open(None)
    window.page.goto(link)
    expect(window.page).to_have_url(f"{windows.town.url}/")
    expect(window.page.locator("h1")).to_be_visible()
    expect(window.page.locator("html")).to_have_attribute("data-zone", "Europe/Berlin")
    again = windows.open(None)
    again.expected.append("404")
    again.page.goto(link)
    expect(again.page.locator("body")).to_contain_text("This link is no good.")
    again.page.goto("/")
    expect(again.page).to_have_url(f"{windows.town.url}/sign-in")


def test_by_keyboard_to_every_page_and_out(windows: Windows) -> None:
    windows._states.pop("auditor", None)  # its session ends here
    window = windows.open("auditor")
    page = window.page
    page.goto("/")
    window.keys("Tab")
    expect(page.locator(".skip")).to_be_focused()
    window.keys("Enter")
    expect(page.locator("#main")).to_be_focused()
    window.keys("?")
    expect(page.locator("dialog#keys")).to_be_visible()
    window.keys("Escape")
    expect(page.locator("dialog#keys")).to_be_hidden()
    window.tab_to("form[action='/sign-out'] button")
    window.keys("Enter")
    expect(page).to_have_url(f"{windows.town.url}/sign-in")
    windows._states.pop("auditor")


def test_the_look_that_was_chosen_stays(windows: Windows) -> None:
    window = windows.open("viewer", color_scheme="light")
    page = window.page
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    page.get_by_role("button", name="Dark").first.click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
