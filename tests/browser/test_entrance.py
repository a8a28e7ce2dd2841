"""The first pages that anybody sees, from nobody being here to signing in with a second factor: each state is looked at by axe, light and dark, wide and narrow."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from playwright.sync_api import Page, expect
from tests.browser.accessible import AXE, COLOUR, TAGS, violations
from tests.browser.town import Town
from tests.browser.window import NARROW, WIDE, Window, Windows

from bookhand.web.page.wording import plain
from bookhand.workspace.people import invitation_store, totp

PASSWORD = "tram velvet orchid nine"
"""Good enough for a town that is gone in a minute."""


def test_from_nobody_to_a_second_factor(new_windows: Windows) -> None:
    here = new_windows.town
    window = new_windows.open(None, color_scheme="light")
    window.expected += ["400", "401", "403", "404", "429"]
    window.context.add_init_script(path=AXE)
    page = window.page
    _seen(window, here.url, "Nobody has come in yet")
    _seen(window, f"{here.url}/sign-in", "bookhand owner you@example.com")
    _seen(window, f"{here.url}/welcome/worn", "This link is no good.")
    # in, by the first link of all
    _seen(window, f"{here.url}/welcome/{_owner_link(here)}", "You were invited as owner")
    _fill(page, name="Ada", password=PASSWORD, again=PASSWORD[::-1])
    _seen(window, None, plain("entrance.welcome.differ"))
    expect(page.locator("#password")).to_be_focused()
    _fill(page, password=PASSWORD, again=PASSWORD)
    expect(page).to_have_url(f"{here.url}/second")
    _seen(window, None, plain("entrance.second.lead"))
    # a passkey needs a name: a number is none, and the page says so
    page.locator("[data-passkey] button").click()
    _seen(window, None, plain("entrance.passkey.insecure"))
    secret = page.locator(".key code").inner_text().replace(" ", "")
    _fill(page, code="000000")
    _seen(window, None, "This code is not right")
    _fill(page, code=totp.code_at(secret, time.time() - 30))
    expect(page.locator(".codes li")).to_have_count(10)
    _seen(window, None, plain("entrance.codes.title"))
    page.locator("main a.btn").click()
    expect(page).to_have_url(f"{here.url}/")
    _seen(window, f"{here.url}/second", plain("entrance.second.app.have"))
    _seen(window, f"{here.url}/api/v1/docs", plain("entrance.reference.title"))
    page.locator("details.route").nth(5).click()
    _seen(window, None, plain("entrance.reference.takes"))
    # out, and in again by password and code
    page.goto("/")
    page.locator(".side-foot form[action='/sign-out'] button").click()
    _seen(window, None, plain("entrance.sign_in.lead"))
    _fill(page, email="ada@example.com", password="wrong" * 3)
    _seen(window, None, "is not right: try again")
    expect(page.locator("#password")).to_be_focused()
    _fill(page, password=PASSWORD)
    _seen(window, None, plain("entrance.half.lead"))
    _fill(page, code="000000")
    _seen(window, None, "The code is not right")
    _fill(page, code=totp.code_at(secret, time.time()))
    expect(page).to_have_url(f"{here.url}/")


def test_too_many_failed_say_how_long_to_wait(new_windows: Windows) -> None:
    window = new_windows.open(None)
    window.expected += ["401", "429"]
    page = window.page
    new_windows.town.link("owner")  # from then on people sign in
    page.goto("/sign-in")
    for _ in range(9):
        with page.expect_navigation():
            _fill(page, email="eve@example.com", password="wrong" * 3)
    window.says("wait a quarter of an hour")


def test_a_link_from_elsewhere_shows_a_button_first(windows: Windows) -> None:
    link = windows.town.link("viewer")
    window = windows.open(None, extra_http_headers={"x-forwarded-for": "203.0.113.9"})
    window.context.add_init_script(path=AXE)
    _seen(window, link, plain("entrance.enter.lead"))
    window.page.get_by_role("button", name=plain("entrance.enter.act")).click()
    expect(window.page.locator(".me-who").first).to_contain_text("Viewer of Lantern")


def test_a_passkey_is_made_and_used(windows: Windows) -> None:
    here = windows.town.url.replace("127.0.0.1", "localhost")
    window = windows.open(None, base_url=here)
    window.expected.append("400")
    page = window.page
    device = window.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto(windows.town.link("approver").replace("127.0.0.1", "localhost"))
    page.goto("/second")
    page.locator("[data-passkey] button").click()
    window.says(plain("entrance.second.passkey.have"))
    page.locator("[data-passkey] button").click()
    window.says(plain("entrance.passkey.there"))
    window.context.clear_cookies()
    page.goto("/sign-in")
    page.locator("[data-passkey] button").click()
    expect(page).to_have_url(f"{here}/")


def test_what_keeps_a_passkey_from_being_used_is_told_in_words(windows: Windows) -> None:
    window = windows.open(None)
    window.expected.append("Failed to load resource")
    page = window.page
    page.goto("/sign-in")
    button, told = page.locator("[data-passkey] button"), page.locator("[data-passkey] [role=alert]")
    page.route("**/sign-in/passkey/options", lambda route: route.abort())
    button.click()
    expect(told).to_have_text(plain("entrance.passkey.away"))
    expect(button).to_be_focused()
    page.unroute("**/sign-in/passkey/options")
    page.route("**/sign-in/passkey/options", lambda route: route.fulfill(status=502, body="<h1>no</h1>"))
    button.click()
    expect(told).to_have_text(plain("entrance.passkey.away"))
    page.unroute("**/sign-in/passkey/options")
    button.click()
    expect(told).to_have_text(plain("entrance.passkey.insecure"))
    for name, key in (("NotAllowedError", "cancelled"), ("UnknownError", "failed")):
        page.evaluate(
            "name => { navigator.credentials.get = async () => { throw new DOMException('Secret words of a browser', name); }; }",
            name,
        )
        button.click()
        expect(told).to_have_text(plain(f"entrance.passkey.{key}"))


def test_without_passkeys_and_without_scripts_people_still_come_in(windows: Windows) -> None:
    link = windows.town.link("operator")
    window = windows.open(None)
    window.context.add_init_script("delete window.PublicKeyCredential;")
    page = window.page
    page.goto(link)
    page.goto("/second")
    window.says(plain("entrance.passkey.unable"))
    expect(page.locator("[data-passkey] button")).to_be_hidden()
    page.goto("/")
    bare = windows.open(None, java_script_enabled=False)
    bare.page.goto("/sign-in")
    expect(bare.page.locator("[data-passkey] button")).to_be_hidden()
    expect(bare.page.get_by_role("button", name=plain("entrance.sign_in.act"))).to_be_visible()
    bare.page.goto(windows.town.link("operator"))
    expect(bare.page).to_have_url(f"{windows.town.url}/")


def test_by_keyboard_alone(windows: Windows) -> None:
    window = windows.open(None)
    window.expected.append("401")
    page = window.page
    page.goto("/sign-in")
    expect(page.locator("#email")).to_be_focused()
    page.keyboard.type("nobody@lantern.example")
    window.type("#password", "wrong" * 3)
    window.tab_to("main form button")
    window.keys("Enter")
    window.says("is not right")
    window.tab_to("[data-passkey] button")


def _owner_link(here: Town) -> str:
    with here.house.db.transaction() as cx:
        return invitation_store.owner_link(
            cx, "ada@example.com", now=datetime.now(UTC), note=here.house.note
        ).secret


def _fill(page: Page, **fields: str) -> None:
    for name, text in fields.items():
        page.fill(f"#{name}", text)
    page.locator("main form button").click()


def _seen(window: Window, address: str | None, says: str) -> None:
    """The page (or the one that is open) says so, fits a phone, and axe finds nothing, light and dark, wide and narrow."""
    page = window.page
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")
    if address is not None:
        page.goto(address)
    expect(page.locator("main")).to_contain_text(says)
    where = re.sub(r"bhl_\w+", "…", page.url)
    assert violations(page, TAGS) == [], (where, says, "light, wide")
    page.emulate_media(color_scheme="dark")
    assert violations(page, COLOUR) == [], (where, says, "dark, wide")
    page.set_viewport_size(NARROW)
    assert violations(page, TAGS) == [], (where, says, "dark, narrow")
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], (where, says)
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")
