"""A browser's window in which somebody is signed in, and what it complained of.

    window = windows.open("owner")
    window.page.goto("/books")
    window.keys("g", "p")                       # as a hand on the keyboard does it
    with window.popup() as consent: ...

Every error on the console (a broken Content-Security-Policy is one) and every error of a script fails the test, but for what was said to be
expected: `window.expected.append("403")`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, expect
from tests.browser.town import Town

from bookhand.core.caller import Role

WIDE, NARROW = {"width": 1280, "height": 850}, {"width": 390, "height": 844}
PATIENCE_MS = 10_000
_REPLACED = ("htmx:sendAbort,", "htmx:afterRequest,")
"""How htmx says that a newer word of the live connection took the place of a request that was under way."""
MOST_TABS = 120


class Window:
    """One context, its first page, and the console of all its pages."""

    def __init__(self, context: BrowserContext, home: str) -> None:
        self.context = context
        self._home = home
        self.complaints: list[str] = []
        self.expected: list[str] = [*_REPLACED]
        context.set_default_timeout(PATIENCE_MS)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))
        self.page: Page = context.new_page()

    def _console(self, message: ConsoleMessage) -> None:
        where = message.page.url if message.page else self._home
        if message.type == "error" and where.startswith(self._home):  # how a vendor's page looks is not ours
            self.complaints.append(f"{where}: {message.text}")

    def unexpected(self) -> list[str]:
        """What was complained of and not expected."""
        return [each for each in self.complaints if not any(told in each for told in self.expected)]

    # --- the keyboard ---

    def keys(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def tab_to(self, selector: str, *, page: Page | None = None) -> None:
        """Press Tab until the focus is on what `selector` finds, as somebody without a mouse would; it must be visible there."""
        page = page or self.page
        for _ in range(MOST_TABS):
            page.keyboard.press("Tab")
            if page.evaluate("s => document.activeElement?.matches(s) ?? false", selector):
                assert page.evaluate(_FOCUS_SHOWS), f"the focus on {selector} cannot be seen"
                return
        raise AssertionError(f"{MOST_TABS} times Tab, and never at {selector} on {page.url}")

    def type(self, selector: str, text: str, *, page: Page | None = None) -> None:
        """Tab to a field and write into it."""
        self.tab_to(selector, page=page)
        (page or self.page).keyboard.type(text)

    def says(self, text: str | re.Pattern[str]) -> None:
        """The main part of the page has this text, or will in a moment."""
        expect(self.page.locator("main")).to_contain_text(text, timeout=PATIENCE_MS)

    @contextmanager
    def popup(self) -> Iterator[Any]:
        """What is done inside opens a window; its page is ``.value`` afterwards."""
        with self.page.expect_popup() as opened:
            yield opened


_FOCUS_SHOWS = """() => {
  const it = document.activeElement, box = it.getBoundingClientRect(), style = getComputedStyle(it);
  const ringed = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  return box.width > 0 && box.height > 0 && (ringed || style.boxShadow !== "none");
}"""


class Windows:
    """Opens windows for people of one town; each person's session is begun once."""

    def __init__(self, browser: Browser, town: Town, states: dict[str, Any]) -> None:
        self._browser = browser
        self.town = town
        self._states = states
        self.opened: list[Window] = []

    def open(self, role: Role | None = "owner", **options: Any) -> Window:
        """A window of somebody with that role; with None, of a stranger."""
        chosen = {
            "viewport": WIDE, "locale": "en-GB", "timezone_id": "Europe/Berlin", "reduced_motion": "reduce", "base_url": self.town.url,
            "accept_downloads": True, **options,
        }  # fmt: skip
        state = self._state(role) if role else None
        window = Window(self._browser.new_context(storage_state=state, **chosen), self.town.url)
        self.opened.append(window)
        return window

    def _state(self, role: Role) -> Any:
        if role not in self._states:
            context = self._browser.new_context(timezone_id="Europe/Berlin")
            page = context.new_page()
            page.goto(self.town.link(role))
            page.wait_for_function("document.cookie.includes('bookhand-zone')")
            self._states[role] = context.storage_state()
            _rest(page)
            context.close()
        return self._states[role]

    def keep(self, folder: Path, name: str) -> None:
        """A picture of each open page and its console, of a test that failed."""
        folder.mkdir(parents=True, exist_ok=True)
        for number, window in enumerate(self.opened):
            for at, page in enumerate(window.context.pages):
                page.screenshot(path=str(folder / f"{name}-{number}-{at}.png"), full_page=True)
            (folder / f"{name}-{number}.txt").write_text(
                "\n".join(window.complaints) or "The console is empty."
            )

    def close(self) -> None:
        """Close them all, each page at rest: Chromium may wait for ever for a context that is closed while a page of it is on its way."""
        for window in self.opened:
            for page in window.context.pages:
                _rest(page)
            window.context.close()


def _rest(page: Page) -> None:
    """Bring a page to where nothing is under way; what it was on its way to may come in between, a few times."""
    for _ in range(10):
        with suppress(Error):
            page.goto("about:blank")
            return
