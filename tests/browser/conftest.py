"""A browser, and a town to look at: see `town.Town` and `window.Window`. What fails leaves pictures in ``.browser/``."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.browser import chromium
from tests.browser.town import Stripe, Town, stand_in_stripe, town
from tests.browser.window import Windows
from tests.databases import Databases

from bookhand.web.page import assets

KEPT = Path(__file__).parents[2] / ".browser"
_outcome = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Remember what failed, for the fixture that keeps pictures of it."""
    report = yield
    if report.when == "call":
        item.stash[_outcome] = bool(report.failed)
    return report


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all of these tests."""
    wrong = assets.missing()
    assert wrong is None, wrong
    with sync_playwright() as program:
        there, where = chromium.found(program)
        if not there:
            warnings.warn(chromium.NONE, stacklevel=1)
            pytest.skip(chromium.NONE)
        started = program.chromium.launch(executable_path=where, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="package")
def stripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stripe]:
    """One stand-in Stripe for all of them."""
    with stand_in_stripe(tmp_path_factory.mktemp("stripe")) as stripe:
        yield stripe


@pytest.fixture(scope="package")
def lived_in(
    browser: Browser, databases: Databases, stripe: Stripe, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    """A town that has been there for a while: its account, its bank, a book, refunds that wait and refunds that are done."""
    lent = databases.lend()
    with town(lent.url, tmp_path_factory.mktemp("lived-in"), stripe) as here:
        here.furnish()
        yield here
    databases.take_back(lent)


@pytest.fixture
def empty(browser: Browser, databases: Databases, stripe: Stripe, tmp_path: Path) -> Iterator[Town]:
    """A town into which nobody has come yet."""
    lent = databases.lend()
    with town(lent.url, tmp_path, stripe) as here:
        yield here
    stripe.clear_faults()
    stripe.post("latency", milliseconds=0)
    databases.take_back(lent)


@pytest.fixture(scope="package")
def real(
    browser: Browser, databases: Databases, stripe: Stripe, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    """A town whose real business is in live mode, and which rehearses in test mode beside it."""
    lent = databases.lend()
    with town(lent.url, tmp_path_factory.mktemp("real"), stripe, mode="live") as here:
        here.go_live()
        yield here
    databases.take_back(lent)


@pytest.fixture(scope="package")
def states() -> dict[str, Any]:
    """The sessions of the town's people."""
    return {}


@pytest.fixture
def windows(
    browser: Browser, lived_in: Town, states: dict[str, Any], request: pytest.FixtureRequest
) -> Iterator[Windows]:
    """Windows into the town that is lived in."""
    yield from _watched(Windows(browser, lived_in, states), request)


@pytest.fixture
def new_windows(browser: Browser, empty: Town, request: pytest.FixtureRequest) -> Iterator[Windows]:
    """Windows into the empty town."""
    yield from _watched(Windows(browser, empty, {}), request)


@pytest.fixture
def real_windows(browser: Browser, real: Town, request: pytest.FixtureRequest) -> Iterator[Windows]:
    """Windows into the town with real money."""
    yield from _watched(Windows(browser, real, {}), request)


def _watched(windows: Windows, request: pytest.FixtureRequest) -> Iterator[Windows]:
    yield windows
    if request.node.stash.get(_outcome, False):
        windows.keep(KEPT, re.sub(r"\W+", "-", request.node.name))
    complaints = [each for window in windows.opened for each in window.unexpected()]
    windows.close()
    assert not complaints, "\n".join(complaints)
