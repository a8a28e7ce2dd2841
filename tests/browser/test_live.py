"""Live pages: many at once, pages nobody sees, and a page that answered a form."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect
from tests.browser.window import Windows

TABS = 8
"""More than the connections that a browser opens to one host."""
NO_LOCKS = "Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })"


class Streams:
    """The streams that the pages of a context have open; what becomes of the requests of a page that was closed is not always told."""

    def __init__(self, context: BrowserContext) -> None:
        self._under_way: set[Request] = set()
        context.on("request", self._begun)
        context.on("requestfailed", self._ended)
        context.on("requestfinished", self._ended)

    def _begun(self, request: Request) -> None:
        if request.url.endswith("/pulse"):
            self._under_way.add(request)

    def _ended(self, request: Request) -> None:
        self._under_way.discard(request)

    @property
    def open(self) -> list[Request]:
        """Those of the pages that are open themselves."""
        return [each for each in self._under_way if not each.frame.page.is_closed()]


@pytest.fixture
def asked(windows: Windows) -> Iterator[str]:
    """Something that waits for a yes."""
    here = windows.town
    made = here.propose(
        "refunds.create", {"charge": here.refundable()[-1], "amount": 121}, "While you looked away"
    )
    yield made
    if here.state_of(made) == "waiting":
        here.withdraw(made)


def test_eight_tabs_load_and_all_of_them_hear(windows: Windows, asked: str) -> None:
    window = windows.open("approver")
    streams = Streams(window.context)
    tabs = [window.page] + [window.context.new_page() for _ in range(TABS - 1)]
    for tab in tabs:
        tab.goto("/approvals")
        expect(tab.locator("#fresh")).to_have_text("")
    windows.town.until(lambda: _settled(tabs[-1], streams), what="one stream is open")
    windows.town.withdraw(asked)
    for tab in tabs:
        expect(tab.locator("#fresh")).to_contain_text("Something changed")

    tabs[-1].close()  # which held the stream
    expect(tabs[0].locator("#live-lost")).to_be_hidden()
    windows.town.until(lambda: _settled(tabs[0], streams), what="another page holds it")
    tabs[0].goto("/approvals")
    again = windows.town.propose(
        "refunds.create", {"charge": windows.town.refundable()[-1], "amount": 122}, "And once more"
    )
    expect(tabs[0].locator("#fresh")).to_contain_text("Something changed")
    windows.town.withdraw(again)


@pytest.mark.parametrize("locks", [True, False], ids=["shared", "own"])
def test_a_page_nobody_sees_is_brought_up_to_date_when_it_is_shown(
    windows: Windows, asked: str, locks: bool
) -> None:
    window = windows.open("approver")
    if not locks:
        window.context.add_init_script(NO_LOCKS)
    streams = Streams(window.context)
    page = window.page
    page.goto("/approvals")
    windows.town.until(lambda: _settled(page, streams), what="a stream is open")
    _seen(page, "hidden")
    if not locks:
        windows.town.until(lambda: page.evaluate("1") and not streams.open, what="its stream is closed")
    looks = window.context.new_page()
    looks.goto(f"/approvals/{asked}")
    windows.town.withdraw(asked)
    expect(looks.locator("#state")).to_contain_text("Withdrawn")  # this one heard of it
    expect(page.locator("#fresh")).to_have_text("")
    _seen(page, "visible")
    expect(page.locator("#fresh")).to_contain_text("Something changed")


def test_a_page_that_answered_a_form_goes_on_by_itself(windows: Windows, asked: str) -> None:
    here, window = windows.town, windows.open("approver")
    page = window.page
    window.expected.append("409")
    page.goto(f"/approvals/{asked}")
    # A form as it was before somebody else said yes: a tab that slept.
    page.evaluate(
        "document.body.append(document.querySelector('main form[action$=approve]').cloneNode(true))"
    )
    other = windows.open("owner").page
    other.goto(f"/approvals/{asked}")
    other.locator("main form[action$=approve] button").press("Enter")
    here.until(lambda: here.state_of(asked) != "waiting", what="somebody else said yes")
    with page.expect_navigation():
        page.evaluate("document.querySelector('body > form[action$=approve]').submit()")
    assert page.url.endswith(f"/approvals/{asked}/approve")
    expect(page.locator("main [role=alert]")).to_be_visible()
    here.until(lambda: here.result(asked), what="the refund is done", seconds=40)
    expect(page.locator("#state")).to_contain_text("Done")
    expect(page.locator("#stands")).to_be_visible()


def _settled(page: Page, streams: Streams) -> bool:
    page.evaluate("1")  # lets the browser's news in
    return len(streams.open) == 1


def _seen(page: Page, how: str) -> None:
    page.evaluate(
        "how => { Object.defineProperty(document, 'visibilityState', { value: how, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        how,
    )
