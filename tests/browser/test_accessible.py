"""Every page of `tools/pictures.py`, light and dark, wide and narrow: nothing that axe-core finds, and nothing wider than the screen."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from tests.browser.accessible import AXE, COLOUR, TAGS, violations
from tests.browser.town import Town
from tests.browser.window import NARROW, WIDE, Window, Windows

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import pictures  # type: ignore[import-not-found]  # noqa: E402 (a program beside the packages)

PARTS = sorted({sight.name.partition("-")[0] for sight in pictures.PAGES})


@pytest.mark.parametrize("part", PARTS)
def test_every_page_of(part: str, windows: Windows) -> None:
    window = windows.open("owner", color_scheme="light")
    window.context.add_init_script(
        path=AXE
    )  # before the page's own policy has a say, and changing nothing of it
    links: dict[str, list[str]] = {}
    wrong = [
        f"{sight.name}, {what}"
        for sight in pictures.PAGES
        if sight.name.partition("-")[0] == part
        for what in _wrong_with(window, sight, windows.town, links)
    ]
    assert not wrong, "\n".join(wrong)


def _wrong_with(window: Window, sight: Any, town: Town, links: dict[str, list[str]]) -> Iterator[str]:
    page = window.page
    path = _address(page, _here(sight, town), links)
    if path is None:
        yield f"no link to {sight.path} on {sight.found_on}"
        return
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")
    answer = page.goto(path)
    if answer is None or not answer.ok:
        yield f"{path} answers {answer and answer.status}"
    links.setdefault(path, _links(page))
    yield from (f"light, wide: {each}" for each in violations(page, TAGS))
    page.emulate_media(color_scheme="dark")
    yield from (f"dark, wide: {each}" for each in violations(page, COLOUR))
    page.set_viewport_size(NARROW)
    yield from (f"dark, narrow: {each}" for each in violations(page, TAGS))
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > NARROW["width"]:
        yield f"narrow: {wide} px wide, and {NARROW['width']} are there"
    page.emulate_media(color_scheme="light")
    yield from (f"light, narrow: {each}" for each in violations(page, COLOUR))


def _address(page: Page, sight: Any, links: dict[str, list[str]]) -> str | None:
    if sight.found_on is None:
        return str(sight.path)
    if sight.found_on not in links:
        page.goto(sight.found_on)
        links[sight.found_on] = _links(page)
    form = pictures.form_of(sight)
    return next((link for link in links[sight.found_on] if form.match(link)), None)


def _links(page: Page) -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        "main a[href]", "all => all.map(a => a.getAttribute('href'))"
    )
    return found


def _here(sight: Any, town: Town) -> Any:
    """The page in this town: where the demo's sixth connection is a book, here it is this one."""
    book = next(each for each in town.house.every() if each.link.system == "beancount")
    return sight._replace(
        found_on=sight.found_on and sight.found_on.replace("/outside/6", f"/outside/{book.id}")
    )
