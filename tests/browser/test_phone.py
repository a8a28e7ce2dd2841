"""On a phone: what can be pressed on a wide screen can be pressed there too, amounts are whole, and the open tab is in sight."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page
from tests.browser.test_accessible import PARTS, _address, _here, pictures
from tests.browser.town import Town
from tests.browser.window import NARROW, Windows

from bookhand.cli.demo_refund import person
from bookhand.workspace.people import invitation_store

DESK, SMALL, VAST = (
    {"width": 1440, "height": 900},
    {"width": 320, "height": 700},
    {"width": 2560, "height": 1300},
)
# A link to a place of the same page is not counted: what it leads to is there without it.
_PRESSED = """async () => {
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  return [...document.querySelectorAll("main :is(a[href]:not([href^='#']), button, input:not([type=hidden]), select, textarea, summary)")]
    .filter((each) => !each.closest("dialog") && each.checkVisibility({ visibilityProperty: true }) && each.getClientRects().length)
    .map((each) => `${each.tagName} ${(each.textContent || each.name || "").trim().replace(/\\s+/g, " ").slice(0, 60)}`);
}"""
_CUT = """() => [...document.querySelectorAll("main .money")]
  .filter((each) => !each.checkVisibility() || each.getBoundingClientRect().right > innerWidth).map((each) => each.textContent)"""


def _pressed(page: Page) -> Counter[str]:
    return Counter(page.evaluate(_PRESSED))


def _company(town: Town) -> None:
    """Somebody to disable, and somebody whose invitation can be taken back."""
    town.link("viewer")
    with town.house.db.transaction() as cx:
        invitation_store.invite(
            cx,
            person(town.house, "owner"),
            "guest@lantern.example",
            "viewer",
            now=datetime.now(UTC),
            note=town.house.note,
        )


@pytest.mark.parametrize("part", PARTS)
def test_what_can_be_pressed_can_be_pressed_on_a_phone(part: str, windows: Windows) -> None:
    _company(windows.town)
    links: dict[str, list[str]] = {}
    wrong: list[str] = []
    page = windows.open("owner").page
    for sight in (each for each in pictures.PAGES if each.name.partition("-")[0] == part):
        path = _address(page, _here(sight, windows.town), links)
        assert path is not None, sight
        page.set_viewport_size(DESK)
        page.goto(path)
        wide = _pressed(page)
        page.set_viewport_size(NARROW)
        wrong += [f"{path}: {each}" for each in wide - _pressed(page)]
        page.set_viewport_size(SMALL)
        across = page.evaluate("document.documentElement.scrollWidth")
        if across > SMALL["width"]:
            wrong.append(f"{path}: {across} px across, and {SMALL['width']} are there")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("path", "button"),
    [("/books/periods", "Close"), ("/settings/people", "Disable"), ("/settings/people", "New link"), ("/settings/people", "Revoke"),
     ("/payouts/statements", "columns"), ("/customers", "Refund")],
)  # fmt: skip
def test_a_phones_finger_reaches(path: str, button: str, windows: Windows) -> None:
    _company(windows.town)
    page = windows.open("owner").page
    page.set_viewport_size(NARROW)
    page.goto(path)
    if path == "/customers":
        page.locator("main a[href^='/customers/']").first.click()
    page.locator("main :is(a, button)").filter(has_text=re.compile(button)).first.click(trial=True)


def test_the_reconciliation_has_every_amount_and_every_subtotal(windows: Windows) -> None:
    page = windows.open("owner").page
    page.set_viewport_size(NARROW)
    page.goto("/payouts/reconciliation")
    assert page.locator(".po-sheet .po-subtotal .money").count() > 0
    assert page.locator(".po-sheet .po-balance .money").count() > 0
    assert page.evaluate(_CUT) == []


def test_a_match_by_hand_breaks_no_word(windows: Windows) -> None:
    page = windows.open("owner").page
    page.set_viewport_size(NARROW)
    page.goto("/payouts/match?around=2026-11-15")
    labels = page.locator(".po-label")
    widths = labels.evaluate_all("all => all.map((each) => each.getBoundingClientRect().width)")
    assert widths
    assert min(widths) > 100
    assert page.evaluate(_CUT) == []


@pytest.mark.parametrize("path", ["/settings/notices", "/payouts/reconciliation", "/books/periods"])
def test_the_open_tab_is_in_sight(path: str, windows: Windows) -> None:
    page = windows.open("owner").page
    page.set_viewport_size(NARROW)
    page.goto(path)
    box = page.locator(".tabs [aria-current]").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= NARROW["width"]


def test_a_payout_as_it_would_be_written_fits_however_long_its_notes_are(windows: Windows) -> None:
    page = windows.open("owner").page
    page.set_viewport_size(NARROW)
    page.goto("/books/outside")
    page.goto(str(page.locator("main a[href^='/books/outside/']").first.get_attribute("href")) + "/setup")
    table = page.locator("section[aria-labelledby=sample-title] table").first
    table.wait_for()
    note = f"Tax ch_{'5' * 24} in_{'J' * 24} txn_{'y' * 24}:tax:inpay_{'5' * 24}"
    table.locator("td[data-label=Note], caption code").evaluate_all(
        "(all, note) => all.forEach((each) => { each.textContent = note; })", note
    )
    box = table.locator("xpath=..")
    assert box.evaluate("each => each.scrollWidth <= each.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    assert page.evaluate(_CUT) == []


def test_no_label_stands_over_nothing(windows: Windows) -> None:
    page = windows.open("owner").page
    page.set_viewport_size(NARROW)
    page.goto("/audit")
    empty = "all => all.filter((each) => each.checkVisibility() && !each.textContent.trim()).length"
    assert page.locator(".list.rows td[data-label]").evaluate_all(empty) == 0


def test_on_a_wide_screen_nothing_bursts_its_card_and_the_page_stands_in_the_middle(windows: Windows) -> None:
    page = windows.open("owner").page
    page.set_viewport_size(DESK)
    page.goto("/settings/integrations")
    burst = """all => all.filter((each) => each.getBoundingClientRect().right
      > each.closest(".in-card").getBoundingClientRect().right).map((each) => each.textContent)"""
    assert page.locator(".in-card :is(.btn, .chip)").evaluate_all(burst) == []
    page.set_viewport_size(VAST)
    page.goto("/")
    left, right = page.evaluate(
        "(([a, b]) => [b.left - a.left, a.right - b.right])(['.content', 'main'].map((each) => document.querySelector(each).getBoundingClientRect()))"
    )
    assert abs(left - right) < 2
