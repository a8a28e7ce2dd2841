"""Every page of `tools/pictures.py`, light and dark, wide and narrow: nothing that axe-core finds, and nothing wider than the screen."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from tests.browser.window import NARROW, WIDE, Windows

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import pictures  # type: ignore[import-not-found]  # noqa: E402 (a program, not a package)

AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_RUN = """async (tags) => {
  const found = await axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] });
  return found.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")} ${node.failureSummary}`));
}"""


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_every_page(windows: Windows, look: Any, size: str) -> None:
    viewport = WIDE if size == "wide" else NARROW
    window = windows.open("owner", color_scheme=look, viewport=viewport)
    window.context.add_init_script(
        path=AXE
    )  # runs before the page's own policy has a say, and changes nothing of it
    wrong = {}
    for sight in pictures.PAGES:
        path = pictures._address(window.page, sight)
        assert path is not None, f"{sight.name}: no link to {sight.path} on {sight.found_on}"
        window.page.goto(path)
        found = _violations(window.page)
        wide = window.page.evaluate("document.documentElement.scrollWidth")
        if wide > viewport["width"]:
            found.append(f"{wide} px wide, and {viewport['width']} are there")
        if found:
            wrong[sight.name] = found
    assert wrong == {}


def test_the_way_in(windows: Windows) -> None:
    window = windows.open(None)
    window.expected += ["404", "403"]
    window.context.add_init_script(path=AXE)
    for path in ("/sign-in", "/enter/worn", "/nowhere"):
        window.page.goto(path)
        assert _violations(window.page) == [], path


def _violations(page: Page) -> list[str]:
    found: list[str] = page.evaluate(_RUN, TAGS)
    return found
