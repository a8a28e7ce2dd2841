"""A browser, and a town to look at: see `town.Town` and `window.Window`. What fails leaves pictures in ``.browser/``."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, sync_playwright
from psycopg import conninfo, sql
from tests.browser import chromium
from tests.browser.town import Stripe, Town, stand_in_stripe, town
from tests.browser.window import Windows

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
def build(
    browser: Browser, server_url: str, template: str, stripe: Stripe, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], AbstractContextManager[Town]]:
    """Build a town by its name, on a database of its own."""

    def made(name: str) -> AbstractContextManager[Town]:
        with psycopg.connect(server_url, autocommit=True) as cx:
            cx.execute(
                sql.SQL("create database {} template {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        return town(conninfo.make_conninfo(server_url, dbname=name), tmp_path_factory.mktemp(name), stripe)

    return made


@pytest.fixture(scope="package")
def lived_in(build: Callable[[str], AbstractContextManager[Town]]) -> Iterator[Town]:
    """A town that has been there for a while: its Stripe account is connected, its month is in the books."""
    with build("town_lived_in") as here:
        here.connect()
        yield here


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


def _watched(windows: Windows, request: pytest.FixtureRequest) -> Iterator[Windows]:
    yield windows
    if request.node.stash.get(_outcome, False):
        windows.keep(KEPT, re.sub(r"\W+", "-", request.node.name))
    complaints = [each for window in windows.opened for each in window.unexpected()]
    windows.close()
    assert complaints == []
