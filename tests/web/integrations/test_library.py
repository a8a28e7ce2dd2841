"""The library, and a page for each system: what stands in the manifests and the catalogue is what is shown."""

from __future__ import annotations

import pytest
from tests.web.integrations.conftest import HOME, At, connected, words

from bookhand.systems import store
from bookhand.systems.connection import Connection
from bookhand.web.integrations import library
from bookhand.web.integrations.library import CATEGORIES, LIBRARY

pytestmark = pytest.mark.anyio


def test_every_system_says_what_it_is_for_and_when_it_is_not() -> None:
    keys = {each.key for each in LIBRARY}
    for each in LIBRARY:
        assert each.for_what
        assert each.does
        assert each.fits
        assert each.not_for
        assert each.gotchas
        assert each.limits
        assert {other.key for other in each.alternatives} <= keys - {each.key}
        assert each.category in CATEGORIES
        assert library.icon_of(each.key)


async def test_an_empty_house_says_how_to_begin_and_offers_what_there_is(at: At) -> None:
    text = words((await (await at.person()).get(HOME)).text)
    assert "Nothing is connected yet" in text
    for each in LIBRARY:
        assert each.name in text
    assert "CRM, Communication, Tax Nothing can be connected here yet." in text


async def test_a_connection_stands_there_with_its_mode_and_its_account(at: At, key: str) -> None:
    browser = await at.person()
    number = await connected(at, browser, key, name="Seller <script>alert(1)</script>")
    page = await browser.get(HOME)
    assert "<script>alert" not in page.text
    assert "Seller &lt;script&gt;" in page.text
    assert f'href="{HOME}/stripe/{number}"' in page.text
    assert "acct_1Seller0000000000" in page.text
    assert "TEST" in words(page.text)
    assert key not in page.text


async def test_a_lost_connection_is_told(at: At, key: str) -> None:
    browser = await at.person()
    number = await connected(at, browser, key, name="Seller")
    with at.house.db.transaction() as cx:
        store.set_status(cx, number, "disconnected", reason="the account took its access back")
    assert "1 disconnected" in words((await browser.get(HOME)).text)
    page = words((await browser.get(f"{HOME}/stripe/{number}")).text)
    assert "This connection is lost." in page
    assert "the account took its access back" in page


@pytest.mark.parametrize("each", LIBRARY, ids=lambda each: each.key)
async def test_a_system_has_its_page(at: At, each: library.Manifest) -> None:
    page = await (await at.person("viewer")).get(f"{HOME}/{each.key}")
    assert page.status_code == 200, page.text
    for line in (*each.does, *each.not_for, *each.gotchas):
        assert line.split("`")[0][:40].replace("'", "&#39;") in page.text
    actions = [one for one in at.house.door.kit.catalogue.actions.values() if one.vendor == each.key]
    for action in actions:
        assert f"<code>{action.name}</code>" in page.text
    assert "Sign in at" not in words(page.text).split("Connections")[0]  # who only looks is offered nothing


async def test_when_to_use_an_action_and_who_hears_of_an_event_is_told(at: At) -> None:
    text = words((await (await at.person()).get(f"{HOME}/stripe")).text)
    assert "not for a charge that is charged back: that pays twice." in text
    assert "rak_charge_write" in text
    assert "payouts: its newest state is kept, and it is looked for at the bank" in text


async def test_there_is_no_other_system(at: At) -> None:
    browser = await at.person()
    assert (await browser.get(f"{HOME}/salesforce")).status_code == 404
    assert (await browser.get(f"{HOME}/stripe/4711")).status_code == 404
    assert (await browser.get(f"{HOME}/quickbooks/connect/key")).status_code == 404


def test_banks_by_file_and_by_plaid_are_two_systems(at: At) -> None:
    def of(auth: str) -> str:
        with at.house.db.transaction() as cx:
            new = store.NewConnection(system="bank", account=auth, mode="live", livemode=True, default_name=auth, api_version="1", auth=auth)  # type: ignore[arg-type]  # fmt: skip
            made: Connection = store.keep(cx, at.house.db.workspace_id, new)
        return library.of_connection(made).key

    assert [of(auth) for auth in ("files", "folder", "plaid")] == ["bank", "bank", "plaid"]
