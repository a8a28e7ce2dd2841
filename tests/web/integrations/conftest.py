"""A house with its pages, before the stand-in Stripe over real HTTP: people sign in, connect, and watch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.web.browsing import LOCAL, Browser

from bookhand.cli.connecting import Connections
from bookhand.core.caller import Role
from bookhand.house import House
from bookhand.sandbox.stripe import oauth
from bookhand.sandbox.stripe.engine import Pinstripe
from bookhand.sandbox.stripe.server import running
from bookhand.settings import Settings
from bookhand.systems.stripe import MANIFEST
from bookhand.web.app import create_app
from bookhand.web.page.site import Site
from bookhand.web.people.gate import Reception
from bookhand.wiring import open_house
from bookhand.workspace.people import invitation_store
from bookhand.workspace.people import store as people

HOME = "/settings/integrations"
PLATFORM, SELLER, EUROPE = "acct_1Platform00000000", "acct_1Seller0000000000", "acct_1Europe0000000000"
_NAMES = [need.permission.removeprefix("rak_").rpartition("_") for need in MANIFEST.needs]
PERMISSIONS = {resource: way for resource, _, way in _NAMES}


class At:
    """One house's web, and the browsers of its people."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.connecting = Connections(house)
        reception = Reception(house.sign_in(), public_url=house.settings.public_url)
        site = Site(
            db=house.db, reception=reception, door=house.door, templates={each.name: each for each in house.templates},
            books=house.books, payouts=house.payouts, rooms={"integrations": self.connecting},
        )  # fmt: skip
        self.app = create_app(
            house.db, reception=reception, site=site, bound=self.connecting.bound,
            sign_in=self.connecting.finish,
        )  # fmt: skip

    async def person(self, role: Role = "owner", *, base: str = LOCAL) -> Browser:
        """A browser in which somebody of that role is signed in."""
        now = datetime.now(UTC)
        with self.house.db.transaction() as cx:
            email = f"{role}@example.com"
            if people.by_email(cx, email) is None:
                people.add(cx, email=email, name=role.title(), role=role, now=now)
            link = invitation_store.entry_link(cx, email, now=now, note=self.house.note)
        browser = Browser(self.app, base, {})
        page = await browser.get(f"/enter/{link.secret}")
        if page.status_code == 200:
            page = await browser.fill(f"/enter/{link.secret}", f"/enter/{link.secret}", {})
        assert page.status_code == 303, page.text
        return browser


@pytest.fixture(scope="module")
def pinstripe() -> Iterator[tuple[str, Pinstripe]]:
    engine = Pinstripe()
    engine.account(PLATFORM, country="US", default_currency="usd")
    engine.account(SELLER, country="US", default_currency="usd")
    engine.account(EUROPE, country="DE", default_currency="eur")
    with running(engine) as url:
        yield url, engine
    engine.close()


@pytest.fixture
def key(pinstripe: tuple[str, Pinstripe]) -> str:
    """A restricted key of the seller's, as a person would make one."""
    return str(pinstripe[1].restricted(SELLER, PERMISSIONS))


@pytest.fixture
def at(database_url: str, pinstripe: tuple[str, Pinstripe], tmp_path: Path) -> Iterator[At]:
    url, engine = pinstripe
    client = oauth.register(
        engine, PLATFORM, name="Books", redirect_uris=[f"{LOCAL}/oauth/stripe/app"], kind="app", permissions=PERMISSIONS
    )  # fmt: skip
    settings = Settings(
        data_dir=tmp_path, books_dir=tmp_path / "books", database_url=database_url, port=8787, stripe_base_url=url,
        stripe_connect_url=url, stripe_marketplace_url=url, stripe_client_id=client.id,
        stripe_developer_key=engine.keys(PLATFORM).test,
    )  # fmt: skip
    with open_house(settings, main_mode="test") as house:
        yield At(house)


async def connected(at: At, browser: Browser, key: str, **more: str) -> int:
    """Connect by the form; the connection's number."""
    page = f"{HOME}/stripe/connect/key"
    answer = await browser.fill(page, page, {"key": key, **more})
    assert answer.status_code == 303, answer.text
    return int(answer.headers["location"].rpartition("/")[2])


def words(text: str) -> str:
    """What a person reads of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def said(answer: Any) -> int:
    return int(answer.status_code)
