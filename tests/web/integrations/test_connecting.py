"""Connecting: by a window that comes back to its own session alone, and by forms with each fault beside its field."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from pydantic import SecretStr
from tests.web.browsing import LOCAL, Browser
from tests.web.integrations.conftest import EUROPE, HOME, PERMISSIONS, SELLER, At, connected, words

from bookhand.cli.demo_sign_ins import at_intuit
from bookhand.sandbox.outside.server import running
from bookhand.sandbox.plaid.standin import Plaid
from bookhand.sandbox.quickbooks.person import come_back
from bookhand.sandbox.quickbooks.standin import SMALL_REALM, TRADING_REALM, QuickBooks
from bookhand.systems import store

pytestmark = pytest.mark.anyio
OURS = {"sec-fetch-site": "same-origin"}
AWAY = {"sec-fetch-site": "cross-site"}


async def begin(browser: Browser, again: int | None = None, **headers: str) -> httpx.Response:
    more = f"&again={again}" if again is not None else ""
    return await browser.get(f"{HOME}/stripe/connect?way=oauth{more}", **(headers or OURS))


def lose(at: At, number: int) -> None:
    """As when somebody at Stripe took it away."""
    with at.house.db.transaction() as cx:
        store.set_status(cx, number, "disconnected", reason="revoked at Stripe")


def told(at: At) -> list[dict[str, Any]]:
    """What the trail says of connecting, oldest first."""
    with at.house.db.transaction() as cx:
        rows = cx.execute(
            "select body from trail where what = 'connection.connected' order by seq"
        ).fetchall()
    return [json.loads(body)["details"] for (body,) in rows]


def secrets_of(at: At, number: int) -> set[str]:
    with at.house.db.transaction() as cx:
        rows = cx.execute("select name from secret where connection_id = %s", (number,)).fetchall()
    return {name for (name,) in rows}


def say(decision: str, address: str, account: str = SELLER) -> str:
    """Press a button on the stand-in's consent page; where it sends the window, as path and query."""
    page = httpx.get(address)
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    answer = httpx.post(
        str(httpx.URL(address).copy_with(path="/oauth/authorize", query=None)),
        data={**fields, "account": account, "decision": decision},
    )
    back = urlsplit(answer.headers["location"])
    assert f"{back.scheme}://{back.netloc}" == LOCAL
    return f"{back.path}?{back.query}"


def choose(address: str, bank: str) -> str:
    """The same on the stand-in Plaid's page."""
    assert "Choose your bank" in httpx.get(address).text
    return httpx.post(address, data={"bank": bank}).headers["location"].removeprefix(LOCAL)


# --- by a window ---


async def test_a_window_comes_back_connected_and_closes_itself(at: At) -> None:
    browser = await at.person()
    sent = await begin(browser)
    assert sent.status_code == 303, sent.text
    back = await browser.get(say("allow", sent.headers["location"]), **AWAY)
    assert back.status_code == 200, back.text
    assert 'data-popup-done="good"' in back.text
    assert re.search(r'<script src="/static/app[^"]*\.js', back.text)
    assert back.headers["cross-origin-opener-policy"] == "unsafe-none"
    [made] = at.house.every()
    assert (made.link.account, made.status, made.auth) == (SELLER, "active", "app_oauth")
    with at.house.db.transaction() as cx:
        [noted] = cx.execute("select body from trail where what = 'connection.connected'").fetchall()
    assert "person:1" in str(noted)


async def test_who_says_no_is_told_and_the_window_stays(at: At) -> None:
    browser = await at.person()
    back = await browser.get(say("deny", (await begin(browser)).headers["location"]), **AWAY)
    assert back.status_code == 400
    assert 'data-popup-done="bad"' in back.text
    assert at.house.every() == []


async def test_another_browser_does_not_finish_it(at: At) -> None:
    way = say("allow", (await begin(await at.person())).headers["location"])
    for stranger in (Browser(at.app, LOCAL, {}), await at.person("admin"), await at.person("owner")):
        answer = await stranger.get(way, **AWAY)
        assert answer.status_code == 403, answer.text
        assert "begun by somebody else, or in another browser" in words(answer.text)
    assert at.house.every() == []


async def test_what_others_tried_does_not_use_it_up(at: At) -> None:
    browser = await at.person()
    way = say("allow", (await begin(browser)).headers["location"])
    assert (await Browser(at.app, LOCAL, {}).get(way, **AWAY)).status_code == 403
    assert (await browser.get(way, **AWAY)).status_code == 200
    assert (await browser.get(way, **AWAY)).status_code == 400  # once


async def test_who_signed_out_meanwhile_does_not_finish_it(at: At) -> None:
    browser = await at.person()
    way = say("allow", (await begin(browser)).headers["location"])
    with at.house.db.transaction() as cx:
        cx.execute("delete from session")
    assert (await browser.get(way, **AWAY)).status_code == 403


async def test_it_is_led_home_under_the_name_it_began_with_and_nowhere_else(at: At) -> None:
    browser = await at.person(base="http://127.0.0.1:8787")
    sent = await begin(browser)
    state = parse_qs(urlsplit(sent.headers["location"]).query)["state"][0]
    elsewhere = Browser(at.app, LOCAL, {})  # the same machine, under the name that the vendor knows
    answer = await elsewhere.get(
        f"/oauth/stripe/app?state={state}&code=ac_1&next=https://evil.example", **AWAY
    )
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("http://127.0.0.1:8787/oauth/stripe/app?state=")
    made_up = await elsewhere.get("/oauth/stripe/app?state=made-up&code=ac_1", **AWAY)
    assert made_up.status_code == 400  # and no redirect


@pytest.mark.parametrize(
    ("role", "headers", "status"), [("viewer", OURS, 403), ("approver", OURS, 403), ("owner", AWAY, 403)]
)
async def test_who_may_not_begin_is_told(at: At, role: Any, headers: dict[str, str], status: int) -> None:
    answer = await begin(await at.person(role), **headers)
    assert answer.status_code == status
    assert 'data-popup-done="bad"' in answer.text
    with at.house.db.transaction() as cx:
        assert cx.execute("select count(*) from sign_in").fetchone() == (0,)


async def test_what_is_not_set_up_is_named_and_not_offered(at: At) -> None:
    browser = await at.person()
    page = await browser.get(f"{HOME}/quickbooks")
    assert "BOOKHAND_QUICKBOOKS_CLIENT_ID" in page.text
    assert "data-popup" not in page.text
    answer = await browser.get(f"{HOME}/quickbooks/connect", **OURS)
    assert answer.status_code == 400
    assert "BOOKHAND_QUICKBOOKS_CLIENT_ID" in answer.text


async def test_intuit_knows_localhost_alone_and_the_window_is_led_home(at: At) -> None:
    browser = await at.person(base="http://127.0.0.1:8787")
    with running(QuickBooks(seed=1)) as url:
        at.house.settings = at.house.settings.model_copy(update=at_intuit(url))
        sent = await browser.get(f"{HOME}/quickbooks/connect", **OURS)
        assert sent.status_code == 303, sent.text
        query = come_back(sent.headers["location"], realm=SMALL_REALM)
        landed = await Browser(at.app, LOCAL, {}).get(f"/oauth/quickbooks?{urlencode(query)}", **AWAY)
        assert landed.status_code == 303
        back = await browser.get(landed.headers["location"].removeprefix("http://127.0.0.1:8787"), **AWAY)
    assert (back.status_code, 'data-popup-done="good"' in back.text) == (200, True), back.text
    [made] = at.house.every()
    assert (made.link.system, made.link.account, made.link.mode) == ("quickbooks", SMALL_REALM, "test")


async def test_a_bank_is_chosen_on_plaids_own_page(at: At) -> None:
    browser = await at.person()
    with running(Plaid()) as url:
        known = {"plaid_client_id": "client", "plaid_secret": SecretStr("sandbox"), "plaid_base_url": url}
        at.house.settings = at.house.settings.model_copy(update=known)
        for bank, status in (("", 400), ("platypus", 200)):
            sent = await browser.get(f"{HOME}/plaid/connect", **OURS)
            way = choose(sent.headers["location"], bank)
            back = await browser.get(way, **AWAY)
            assert back.status_code == status, back.text
        assert (await browser.get(way, **AWAY)).status_code == 400  # once
    [made] = at.house.every()
    assert (made.link.system, made.auth) == ("bank", "plaid")
    assert "access-sandbox" not in (await browser.get(f"{HOME}/plaid/{made.id}")).text


async def test_a_bank_that_wants_a_new_sign_in_is_the_same_connection_again(at: At) -> None:
    browser = await at.person()
    with running(Plaid()) as url:
        known = {"plaid_client_id": "client", "plaid_secret": SecretStr("sandbox"), "plaid_base_url": url}
        at.house.settings = at.house.settings.model_copy(update=known)
        sent = await browser.get(f"{HOME}/plaid/connect", **OURS)
        await browser.get(choose(sent.headers["location"], "platypus"), **AWAY)
        [made] = at.house.every()
        with at.house.db.transaction() as cx:
            store.set_status(cx, made.id, "disconnected", reason="The bank wants a new sign-in.")
        page = await browser.get(f"{HOME}/plaid/{made.id}")
        assert f"connect?way=oauth&amp;again={made.id}" in page.text
        sent = await browser.get(f"{HOME}/plaid/connect?again={made.id}", **OURS)
        back = await browser.get(choose(sent.headers["location"], "platypus"), **AWAY)
        assert back.status_code == 200, back.text
    assert [(each.id, each.status) for each in at.house.every()] == [(made.id, "active")]


async def test_keys_at_plaid_are_tried_sealed_and_never_shown(at: At) -> None:
    browser, page = await at.person(), f"{HOME}/plaid/connect/keys"
    with running(Plaid(client_id="5f1dclient", secret="9a8bsecretvalue")) as url:
        at.house.settings = at.house.settings.model_copy(update={"plaid_base_url": url})
        assert "data-popup" not in (await browser.get(f"{HOME}/plaid")).text
        wrong = {"client_id": "5f1dclient", "secret": "anothersecretvalue", "place": "sandbox"}
        answer = await browser.fill(page, page, wrong)
        assert answer.status_code == 400
        assert "anothersecretvalue" not in answer.text
        assert 'value="5f1dclient"' in answer.text
        answer = await browser.fill(page, page, {**wrong, "secret": "9a8bsecretvalue"})
        assert answer.status_code == 303, answer.text
        shown = await browser.get(f"{HOME}/plaid")
        assert "data-popup" in shown.text
        assert "9a8bsecretvalue" not in shown.text
        sent = await browser.get(f"{HOME}/plaid/connect", **OURS)
        assert (await browser.get(choose(sent.headers["location"], "platypus"), **AWAY)).status_code == 200
    with at.house.db.transaction() as cx:
        sealed = cx.execute("select sealed from house_secret where name = 'plaid/keys'").fetchone()
        noted = cx.execute("select body from trail where what = 'plaid.keys'").fetchall()
    assert sealed is not None
    assert b"9a8bsecretvalue" not in bytes(sealed[0])
    assert "9a8bsecretvalue" not in str(noted)


# --- once more ---


async def test_another_account_does_not_come_back_in_place_of_the_one_that_was_lost(at: At) -> None:
    browser = await at.person()
    await browser.get(say("allow", (await begin(browser)).headers["location"], EUROPE), **AWAY)
    [lost] = at.house.every()
    lose(at, lost.id)
    page = await browser.get(f"{HOME}/stripe/{lost.id}")
    assert f"connect?way=oauth&amp;again={lost.id}" in page.text

    sent = await begin(browser, again=lost.id)
    back = await browser.get(say("allow", sent.headers["location"], SELLER), **AWAY)
    assert back.status_code == 400
    assert 'data-popup-done="bad"' in back.text
    for said in (
        lost.name,
        EUROPE,
        SELLER,
        "nothing was changed",
        "is disconnected as before",
        f"choose {EUROPE}",
    ):
        assert said in words(back.text), said
    assert [(each.id, each.status) for each in at.house.every()] == [(lost.id, "disconnected")]
    assert len(told(at)) == 1

    sent = await begin(browser, again=lost.id)
    back = await browser.get(say("allow", sent.headers["location"], EUROPE), **AWAY)
    assert (back.status_code, 'data-popup-done="good"' in back.text) == (200, True)
    assert [(each.id, each.status) for each in at.house.every()] == [(lost.id, "active")]
    assert told(at)[1]["was"] == "disconnected"


async def test_one_that_is_connected_keeps_its_sign_in_when_it_comes_back_for_another(
    at: At, key: str
) -> None:
    browser = await at.person()
    await browser.get(say("allow", (await begin(browser)).headers["location"], EUROPE), **AWAY)
    [lost] = at.house.every()
    lose(at, lost.id)
    number = await connected(at, browser, key, name="Seller")
    sent = await begin(browser, again=lost.id)
    back = await browser.get(say("allow", sent.headers["location"], SELLER), **AWAY)
    assert (back.status_code, "what came back is Seller (" in words(back.text)) == (400, True)
    assert {each.id: (each.auth, each.status) for each in at.house.every()} == {
        lost.id: ("app_oauth", "disconnected"), number: ("key", "active")
    }  # fmt: skip
    assert "tokens" not in secrets_of(at, number)


async def test_a_key_of_another_account_does_not_either(at: At, key: str, pinstripe: Any) -> None:
    browser = await at.person()
    number = await connected(at, browser, pinstripe[1].restricted(EUROPE, PERMISSIONS), name="Europe")
    lose(at, number)
    page = f"{HOME}/stripe/connect/key?again={number}"
    assert f'href="{page}"' in (await browser.get(f"{HOME}/stripe/{number}")).text
    shown = await browser.get(page)
    assert f"Europe ({EUROPE}) is to be connected again" in words(shown.text)
    fields = dict(re.findall(r'type="hidden" name="(again)" value="(\d+)"', shown.text))
    answer = await browser.fill(page, page.partition("?")[0], {"key": key, **fields})
    assert (answer.status_code, "what came back is" in answer.text) == (400, True)
    assert f'name="again" value="{number}"' in answer.text
    assert [(each.name, each.status) for each in at.house.every()] == [("Europe", "disconnected")]
    answer = await browser.fill(page, page.partition("?")[0], {"key": key, "again": "x"})
    assert answer.status_code == 400
    right = pinstripe[1].restricted(EUROPE, PERMISSIONS)
    answer = await browser.fill(page, page.partition("?")[0], {"key": right, **fields})
    assert answer.status_code == 303
    assert [(each.name, each.status) for each in at.house.every()] == [("Europe", "active")]


async def test_another_company_is_refused_before_its_code_is_used(at: At) -> None:
    browser = await at.person(base=LOCAL)
    with running(QuickBooks(seed=1)) as url:
        at.house.settings = at.house.settings.model_copy(update=at_intuit(url))
        ways = [SMALL_REALM, TRADING_REALM, SMALL_REALM]
        for nth, (realm, status) in enumerate(zip(ways, (200, 400, 200), strict=True)):
            made = at.house.every()
            again = f"?again={made[0].id}" if nth else ""
            sent = await browser.get(f"{HOME}/quickbooks/connect{again}", **OURS)
            query = come_back(sent.headers["location"], realm=realm)
            back = await browser.get(f"/oauth/quickbooks?{urlencode(query)}", **AWAY)
            assert back.status_code == status, back.text
            if status == 400:
                assert f"what came back is another company ({TRADING_REALM}, test mode)" in words(back.text)
            [only] = at.house.every()
            assert only.link.account == SMALL_REALM
            if nth < 2:
                lose(at, only.id)
        assert only.status == "active"


async def test_another_way_in_for_an_account_in_use_is_said_before_and_after_and_in_the_trail(
    at: At, key: str
) -> None:
    browser = await at.person()
    assert "replaces its sign-in" not in (await browser.get(f"{HOME}/stripe")).text
    number = await connected(at, browser, key, name="Seller")
    for page in ("stripe", "stripe/connect/key"):
        before = words((await browser.get(f"{HOME}/{page}")).text)
        assert "replaces its sign-in" in before, page
        assert f"Seller {SELLER} TEST restricted key" in before, page
    shelf = (await browser.get(HOME)).text
    assert "connect?way=oauth" not in shelf  # the page of the system says it first
    assert "Connect another" in shelf
    back = await browser.get(say("allow", (await begin(browser)).headers["location"]), **AWAY)
    assert (back.status_code, 'data-popup-done="look"' in back.text) == (200, True)
    assert "Seller was connected already, by restricted key: from now on bookhand signs in there by Stripe App" in words(back.text)  # fmt: skip
    assert told(at)[-1] | {"name": ""} == {
        "name": "", "system": "stripe", "signed_in_by": "app_oauth", "was": "active", "was_signed_in_by": "key"
    }  # fmt: skip
    assert "key" not in secrets_of(at, number)

    page = f"{HOME}/stripe/connect/key"
    answer = await browser.fill(page, page, {"key": key})
    assert answer.status_code == 303
    after = words((await browser.get(answer.headers["location"])).text)
    assert "by Stripe App: from now on bookhand signs in there by restricted key" in after
    assert secrets_of(at, number) & {"key", "tokens", "developer_key"} == {"key"}
    answer = await browser.fill(page, page, {"key": key})
    assert "its sign-in was replaced by the new one" in words((await browser.get(answer.headers["location"])).text)  # fmt: skip


# --- by a form ---


async def test_a_key_connects_and_is_never_shown(at: At, key: str) -> None:
    browser = await at.person()
    number = await connected(at, browser, key, name="Seller")
    page = await browser.get(f"{HOME}/stripe/{number}")
    assert "Seller is connected, in test mode." in words(page.text)
    assert key not in page.text


async def test_a_key_that_is_none_is_told_beside_its_field_and_not_echoed(at: At) -> None:
    browser, page = await at.person(), f"{HOME}/stripe/connect/key"
    answer = await browser.fill(page, page, {"key": "pk_live_notasecretkey", "name": "Mine"})
    assert answer.status_code == 400
    assert 'id="field-key-wrong"' in answer.text
    assert "That is a publishable key" in answer.text
    assert "pk_live_notasecretkey" not in answer.text
    assert 'value="Mine"' in answer.text
    assert at.house.every() == []


async def test_what_is_left_empty_is_named_field_by_field(at: At) -> None:
    browser, page = await at.person(), f"{HOME}/netsuite/connect/tba"
    answer = await browser.fill(page, page, {"account": "1234567", "token_id": "a"})
    assert answer.status_code == 400
    wrong = set(re.findall(r'id="field-(\w+)-wrong"', answer.text))
    assert wrong == {"consumer_key", "consumer_secret", "token_secret"}


async def test_a_certificate_is_shown_and_the_account_stays_typed(at: At) -> None:
    browser, page = await at.person(), f"{HOME}/netsuite/connect/m2m"
    answer = await browser.fill(page, f"{HOME}/netsuite/certificate", {"account": "1234567"})
    assert answer.status_code == 200, answer.text
    assert "-----BEGIN CERTIFICATE-----" in answer.text
    assert "PRIVATE" not in answer.text
    assert 'value="1234567"' in answer.text
    again = await browser.fill(page, f"{HOME}/netsuite/certificate", {"account": ""})
    assert again.status_code == 400


async def test_a_folder_becomes_a_book(at: At, tmp_path: Any) -> None:
    browser, page = await at.person(), f"{HOME}/beancount/connect/folder"
    relative = await browser.fill(page, page, {"folder": "books", "mode": "test"})
    assert (relative.status_code, "whole path" in relative.text) == (400, True)
    wrong = await browser.fill(page, page, {"folder": str(tmp_path / "acme"), "mode": "sandbox7"})
    assert (wrong.status_code, 'id="field-mode-wrong"' in wrong.text) == (400, True)
    answer = await browser.fill(page, page, {"folder": str(tmp_path / "acme"), "mode": "test"})
    assert answer.status_code == 303, answer.text
    [made] = at.house.every()
    assert (made.link.system, made.link.mode) == ("beancount", "test")


async def test_a_form_needs_the_right_and_its_token(at: At, key: str) -> None:
    page = f"{HOME}/stripe/connect/key"
    assert (await (await at.person("viewer")).get(page)).status_code == 403
    viewer = await at.person("viewer")
    assert (await viewer.fill(HOME, page, {"key": key})).status_code == 403
    owner = await at.person()
    without = await owner.client.post(page, data={"key": key}, headers=OURS)
    foreign = await owner.fill(page, page, {"key": key}, **AWAY)
    assert (without.status_code, foreign.status_code) == (403, 403)
    assert at.house.every() == []
