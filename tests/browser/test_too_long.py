"""A text that is longer than a field takes: it is said which and by how much, and what was typed is still there."""

from __future__ import annotations

from playwright.sync_api import Locator, expect
from tests.browser.window import Windows

_LONG = "a lamp " * 45_000


def test_what_was_typed_is_not_lost(windows: Windows) -> None:
    window = windows.open("operator")
    window.expected.append("413")
    page = window.page
    page.goto("/actions/refunds.create")
    _write(page.locator("#why"), _LONG)
    page.locator("form.action-form .acts button").press("Enter")
    window.says("The text in the field “why” is 308 KiB long, and a field takes 256 KiB")
    assert page.locator("#why").input_value().strip() == _LONG.strip(), "the form still has it"

    page.goto("/payouts/breaks")
    page.locator("[data-item]").first.press("Enter")
    where = page.url
    _write(page.locator("#explanation-text"), _LONG)
    page.locator("#explain button").press("Enter")
    window.says("The text in the field “explanation” is 308 KiB long")
    page.go_back()
    expect(page).to_have_url(where)
    assert page.locator("#explanation-text").input_value() == _LONG, "it is there on the page before"


def _write(field: Locator, text: str) -> None:
    """Write more into a field than the browser would let one type."""
    field.evaluate("each => each.removeAttribute('maxlength')")
    field.fill(text)
