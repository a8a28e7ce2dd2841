"""Pictures of every page, light and dark, wide and narrow: for the docs, and to look at.

    bookhand demo                                             # in one terminal; it prints the address of the app
    python tools/pictures.py --link http://127.0.0.1:8787/enter/…      # in another: signs in by that link
    python tools/pictures.py --state state.json --only books --into /tmp/look

A page's address that has an id in it is found by the first link on another page that fits (`{…}` in `PAGES`). Needs Chromium: Playwright's
own, or the one that CHROMIUM names, or /usr/bin/chromium.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
INTO = ROOT / "docs" / "pictures"
WIDE, NARROW = {"width": 1360, "height": 850}, {"width": 390, "height": 844}
TALLEST = 1200
QUALITY = 30


class Sight(NamedTuple):
    """One page: its name, its address, and, where that has a hole, the page whose first fitting link fills it."""

    name: str
    path: str
    found_on: str | None = None


DOOR = (Sight("sign-in", "/sign-in"), Sight("sign-in-worn", "/enter/worn"))
"""What somebody sees who is not signed in."""
_INTEGRATIONS = "/settings/integrations"
PAGES = (
    Sight("home", "/"),
    Sight("approvals", "/approvals"),
    Sight("approvals-one", "/approvals/prop_{id}", "/approvals"),
    Sight("approvals-edit", "/approvals/prop_{id}/edit", "/approvals"),
    Sight("approvals-decided", "/approvals/decided"),
    Sight("approvals-standing", "/approvals/decided?by=standing"),
    Sight("runs", "/runs"),
    Sight("runs-one", "/runs/run_{id}", "/runs"),
    Sight("actions", "/actions?vendor=stripe&risk=money"),
    Sight("actions-events", "/actions?show=events"),
    Sight("actions-refund", "/actions/refunds.create"),
    Sight("actions-list", "/actions/charges.list"),
    Sight("books-proof", "/books"),
    Sight("books-proof-one", "/books/proof/{number}/{currency}", "/books"),
    Sight("books-journal", "/books/journal"),
    Sight("books-entry", "/books/journal/{number}/{key}", "/books/journal"),
    Sight("books-accounts", "/books/accounts"),
    Sight(
        "books-ledger", "/books/accounts/{number}/stripe_clearing:payments?currency=USD", "/books/accounts"
    ),
    Sight("books-outside", "/books/outside"),
    Sight("books-comparison", "/books/outside/{number}", "/books/outside"),
    Sight("books-mapping", "/books/outside/{number}/mapping", "/books/outside/6"),
    Sight("books-documents", "/books/outside/{number}/documents", "/books/outside/6"),
    Sight("books-setup", "/books/outside/{number}/setup", "/books/outside/6"),
    Sight("books-undo", "/books/outside/{number}/undo", "/books/outside/6"),
    Sight("books-document", "/books/outside/{number}/documents/{key}", "/books/outside/6/documents"),
    Sight("books-periods", "/books/periods"),
    Sight("home-begin", "/begin"),
    Sight("home-problems", "/problems"),
    Sight("customers", "/customers"),
    Sight("customers-one", "/customers/{number}/{id}", "/customers"),
    Sight("audit", "/audit"),
    Sight("settings", "/settings"),
    Sight("settings-second", "/second"),
    Sight("settings-people", "/settings/people"),
    Sight("settings-tokens", "/settings/tokens"),
    Sight("settings-limits", "/settings/limits"),
    Sight("settings-notices", "/settings/notices"),
    Sight("api", "/api/v1/docs"),
    Sight("audit-entry", "/audit/{seq:[0-9]+}", "/audit"),
    Sight("payouts", "/payouts"),
    Sight("payouts-one", "/payouts/po_{payout}", "/payouts?show=matched"),
    Sight("payouts-match", "/payouts/match"),
    Sight("payouts-questions", "/payouts/questions"),
    Sight("payouts-breaks", "/payouts/breaks"),
    Sight("payouts-break", "/payouts/breaks/br_{break}", "/payouts/breaks"),
    Sight("payouts-lines", "/payouts/lines"),
    Sight("payouts-line", "/payouts/lines/{line}", "/payouts/lines"),
    Sight("payouts-statements", "/payouts/statements"),
    Sight("payouts-columns", "/payouts/statements/{file}/columns", "/payouts/statements"),
    Sight("payouts-taken", "/payouts/statements/{file}", "/payouts/statements"),
    Sight("payouts-reconciliation", "/payouts/reconciliation"),
    Sight("integrations", _INTEGRATIONS),
    Sight("integrations-stripe", f"{_INTEGRATIONS}/stripe"),
    Sight("integrations-bank", f"{_INTEGRATIONS}/bank"),
    Sight("integrations-key", f"{_INTEGRATIONS}/stripe/connect/key"),
    Sight("integrations-netsuite", f"{_INTEGRATIONS}/netsuite/connect/m2m"),
    Sight("integrations-connection", f"{_INTEGRATIONS}/stripe/{{number}}", _INTEGRATIONS),
    Sight(
        "integrations-rights", f"{_INTEGRATIONS}/stripe/{{number}}/permissions", f"{_INTEGRATIONS}/stripe/1"
    ),
    Sight(
        "integrations-advanced", f"{_INTEGRATIONS}/stripe/{{number}}/advanced", f"{_INTEGRATIONS}/stripe/1"
    ),
    Sight(
        "integrations-leaving", f"{_INTEGRATIONS}/stripe/{{number}}/disconnect", f"{_INTEGRATIONS}/stripe/1"
    ),
)


def main() -> int:
    """Take them; the exit code."""
    asked = _asked()
    into = Path(asked.into)
    into.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as program:
        browser = program.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        state = asked.state or _sign_in(browser, asked.link, into)
        base = asked.base or re.sub(r"(https?://[^/]+).*", r"\1", asked.link or "")
        taken = 0
        for look in ("light", "dark"):
            for size, viewport in (("wide", WIDE), ("narrow", NARROW)):
                if asked.suffix not in {"", f"{look}-{size}"}:
                    continue
                for sights, signed_in in ((DOOR, None), (PAGES, state)):
                    context = browser.new_context(
                        storage_state=signed_in, viewport=viewport, color_scheme=look, base_url=base,
                        timezone_id="Europe/Berlin", locale="en-GB", reduced_motion="reduce",
                    )  # fmt: skip
                    wanted = [each for each in sights if each.name.startswith(asked.only)]
                    taken += _all(context, wanted, into, f"{look}-{size}", viewport)
                    context.close()
        browser.close()
    _list(into)
    print(f"{taken} pictures in {into}")
    return 0 if taken else 1


def _list(into: Path) -> None:
    """A page that shows those that are there, the pages in the order of `DOOR` and `PAGES`."""
    there = {path.stem for path in into.glob("*.jpg")}
    lines = [
        "# Pictures of the app",
        "",
        "Taken by `make pictures` from the demo; a page that is long is cut.",
        "",
    ]
    for sight in (*DOOR, *PAGES):
        names = sorted(
            name
            for name in there
            if re.fullmatch(re.escape(sight.name) + "-(light|dark)-(wide|narrow)", name)
        )
        if names:
            lines += [f"## `{sight.path}`", "", *(f"![{name}]({name}.jpg)" for name in names), ""]
    (into / "README.md").write_text("\n".join(lines), encoding="utf-8")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--link", help="a link that signs in: `bookhand link you@…` prints one")
    parser.add_argument("--state", help="a browser state that an earlier call has kept")
    parser.add_argument("--base", help="where the app is, with --state")
    parser.add_argument("--only", default="", help="only pages whose name begins so")
    parser.add_argument(
        "--in", dest="suffix", default="", help="only in one look and size: light-wide, dark-narrow …"
    )
    parser.add_argument("--into", default=str(INTO))
    asked = parser.parse_args()
    if not (asked.link or (asked.state and asked.base)):
        parser.error("give --link, or --state and --base")
    return asked


def chromium() -> str | None:
    """The browser to use; None is Playwright's own."""
    named = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    return named or shutil.which("google-chrome")


def _sign_in(browser: Browser, link: str, into: Path) -> str:
    context = browser.new_context()
    page = context.new_page()
    page.goto(link)
    if page.url.endswith(link):
        raise SystemExit("The link signed nobody in: it works once. `bookhand link you@…` prints another.")
    kept = into / ".state.json"
    context.storage_state(path=str(kept))
    context.close()
    return str(kept)


def _all(
    context: BrowserContext, sights: Sequence[Sight], into: Path, suffix: str, viewport: dict[str, int]
) -> int:
    page, taken = context.new_page(), 0
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto("/")
    page.wait_for_timeout(300)
    for sight in sights:
        path = _address(page, sight)
        if path is None:
            print(f"  {sight.name}: no link to {sight.path} on {sight.found_on}", file=sys.stderr)
            continue
        said.clear()
        page.goto(path)
        page.wait_for_timeout(400)
        page.wait_for_selector("[aria-busy=true]", state="detached", timeout=60_000)
        tall = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > viewport["width"]:
            print(f"  {sight.name} {suffix}: {wide} px wide, {viewport['width']} are there", file=sys.stderr)
        page.set_viewport_size({"width": viewport["width"], "height": max(tall, viewport["height"])})
        page.screenshot(path=str(into / f"{sight.name}-{suffix}.jpg"), type="jpeg", quality=QUALITY)
        page.set_viewport_size({"width": viewport["width"], "height": viewport["height"]})
        for text in said:
            print(f"  {sight.name} {suffix}: {text}", file=sys.stderr)
        taken += 1
    return taken


def _hole(name: str) -> str:
    """What fits a hole: ``{id}`` one part of an address, ``{id:[0-9]+}`` what the expression says."""
    return name.partition(":")[2] or "[^/?#]+"


def form_of(sight: Sight) -> re.Pattern[str]:
    """What addresses of the page look like, its holes filled."""
    parts = re.split(r"\{([^}]*)\}", sight.path)
    return re.compile(
        "".join(_hole(part) if place % 2 else re.escape(part) for place, part in enumerate(parts)) + "$"
    )


def _address(page: Page, sight: Sight) -> str | None:
    if sight.found_on is None:
        return sight.path
    page.goto(sight.found_on)
    form = form_of(sight)
    links: list[str] = page.eval_on_selector_all(
        "main a[href]", "all => all.map(a => a.getAttribute('href'))"
    )
    return next((link for link in links if form.match(link)), None)


if __name__ == "__main__":
    raise SystemExit(main())
