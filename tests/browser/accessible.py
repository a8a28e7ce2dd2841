"""What axe-core finds on a page that is open.

window.context.add_init_script(path=AXE)      # before the page's own policy has a say, and changing nothing of it
assert violations(window.page, TAGS) == []
"""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
COLOUR = ["color-contrast", "link-in-text-block"]
"""What a change of the look can change."""
_RUN = """async (only) => {
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  const found = await axe.run(document, { runOnly: only, resultTypes: ["violations"] });
  return found.violations.flatMap((rule) => rule.nodes.map((node) =>
    `${rule.id}: ${node.target.join(" ")} ${node.html.slice(0, 120)} ${node.failureSummary}`));
}"""


def violations(page: Page, only: list[str]) -> list[str]:
    """Each rule that is broken, where and how; `only` is `TAGS` or `COLOUR`."""
    found: list[str] = page.evaluate(_RUN, {"type": "tag" if only is TAGS else "rule", "values": only})
    return found
