"""Coming in through the pages: by link, password, code, passkey and provider; and what keeps strangers out."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from http.cookies import SimpleCookie

import pytest
from tests.web.browsing import LOCAL, PASSWORD, Web
from tests.workspace.people.authenticator import Authenticator
from tests.workspace.people.provider import IdentityProvider

from bookhand.db.engine import Database
from bookhand.web.shield import HEADERS
from bookhand.workspace.people import totp
from bookhand.workspace.people.oidc_auth import Provider


@pytest.fixture
def web(db: Database, tmp_path) -> Web:
    return Web(db, tmp_path)


async def test_before_somebody_came_in_everything_is_as_it_was(web):
    stranger = web.browser()
    web.owner_link()
    assert "No account is connected yet." in (await stranger.get("/")).text
    assert (await stranger.get("/metrics")).status_code == 200
    assert (await stranger.get("/", host="books.example.com")).status_code == 403
    assert "bookhand owner" in (await stranger.get("/sign-in")).text


async def test_from_the_first_link_to_the_books_and_out_again(web):
    browser, link = web.browser(), web.owner_link()
    page = await browser.get(f"/welcome/{link}")
    assert "ada@example.com" in page.text
    assert (await browser.get(f"/welcome/{link}")).status_code == 200
    came = await browser.come(link)
    assert (came.status_code, came.headers["location"]) == (303, "/second")
    home = await browser.get("/")
    assert "<strong>Ada</strong><small>owner" in home.text
    assert (await web.browser().get(f"/welcome/{link}")).status_code == 404
    out = await browser.fill("/", "/sign-out", {})
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert (await browser.get("/")).headers["location"] == "/sign-in"


async def test_strangers_see_the_way_in_and_nothing_else(web):
    await web.owner()
    stranger = web.browser()
    for path in ("/", "/second", "/nowhere", "/docs"):
        answer = await stranger.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    for path in ("/api/v1/people", "/api/v1/nowhere", "/api/"):
        assert (await stranger.get(path)).status_code == 401
    for path in ("/health", "/health/live", "/static/app.css", "/sign-in"):
        assert (await stranger.get(path)).status_code in {200, 503}
    for path in ("/static/../", "/sign-in/../", "//", "/%2e/", "/welcome/../"):
        assert 'class="rooms"' not in (await stranger.get(path)).text


async def test_metrics_answer_this_machine_and_elsewhere_a_token_that_may_read(db, tmp_path):
    web = Web(db, tmp_path, public_url="https://books.example.com")
    owner = await web.owner()
    away = web.browser("https://books.example.com")
    assert (await web.browser().get("/metrics")).status_code == 200
    assert (await away.get("/metrics")).status_code == 401
    reads, cares = [
        (await owner.call("POST", "/tokens", {"name": "scrape", "scopes": [scope]})).json()["secret"]
        for scope in ("read", "people")
    ]
    assert (await away.get("/metrics", authorization=f"Bearer {reads}")).status_code == 200
    assert (await away.get("/metrics", authorization=f"Bearer {cares}")).status_code == 401
    assert (await web.browser().get("/metrics", authorization="Bearer bhk_wrong")).status_code == 401


async def test_under_the_public_address_only_the_way_in_is_open_until_people_are_here(db, tmp_path):
    web = Web(db, tmp_path, public_url="https://books.example.com")
    link, away = web.owner_link(), web.browser("https://books.example.com")
    assert (await away.get("/")).status_code == 403
    assert (await away.get("/api/v1/people")).status_code == 403
    assert (await away.get(f"/welcome/{link}")).status_code == 200
    assert (await web.browser("https://evil.example").get(f"/welcome/{link}")).status_code == 403
    assert (await away.come(link)).status_code == 303
    assert (await away.get("/")).status_code == 200
    assert (await web.browser("https://evil.example").get("/")).status_code == 403


async def test_the_cookie_is_out_of_reach_and_under_https_for_this_host_alone(db, tmp_path):
    web = Web(db, tmp_path, public_url="https://books.example.com")
    behind = await web.browser("http://books.example.com").get("/sign-in")
    assert "__Host-bookhand-form=" in behind.headers["set-cookie"]
    assert "Secure" in behind.headers["set-cookie"]
    for base, name in (("https://books.example.com", "__Host-bookhand"), (LOCAL, "bookhand")):
        answer = await web.browser(base).come(web.owner_link())
        found = SimpleCookie()
        for each in answer.headers.get_list("set-cookie"):
            found.load(each)
        cookie = found[name]
        assert cookie["httponly"]
        assert (cookie["samesite"].lower(), cookie["path"], cookie["domain"]) == ("lax", "/", "")
        assert bool(cookie["secure"]) == (name != "bookhand")
        assert int(cookie["max-age"]) == 12 * 3600


async def test_a_session_that_was_brought_along_is_never_taken_up(web):
    await web.owner()
    browser = web.browser(cookie="bookhand=bhs_planted; bookhand-form=bound")
    assert (await browser.get("/")).status_code == 303
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', (await browser.get("/sign-in")).text)
    sent = {"email": "ada@example.com", "password": PASSWORD, "csrf": token[1]}
    answer = await browser.client.post("/sign-in", data=sent)
    assert answer.status_code == 303
    new = SimpleCookie(answer.headers["set-cookie"])["bookhand"].value
    assert new.startswith("bhs_")
    assert new != "bhs_planted"
    assert (await browser.get("/")).status_code == 303
    assert (await web.browser(cookie=f"bookhand={new}").get("/")).status_code == 200


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/code", "/sign-out", "/second"])
async def test_a_form_needs_its_token_and_our_own_page(web, path):
    owner = await web.owner()
    fields = {"email": "ada@example.com", "password": PASSWORD, "code": "000000"}
    for sent, headers in (
        (fields, {}),
        (fields | {"csrf": "0" * 64}, {}),
        (fields | {"csrf": "ä"}, {}),
    ):
        assert (await owner.client.post(path, data=sent, headers=headers)).status_code == 403
    for header, value in (
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
    ):
        kept = dict(owner.client.cookies)
        headers = {"sec-fetch-site": "", header: value}
        token = re.search(r'name="csrf" value="([0-9a-f]+)"', (await owner.get("/second")).text)
        headers = {header: value}
        answer = await owner.client.post(path, data=fields | {"csrf": token[1]}, headers=headers)
        assert answer.status_code == 403
        assert dict(owner.client.cookies) == kept
    assert (await owner.get("/")).status_code == 200


async def test_another_browsers_token_is_not_taken(web):
    await web.owner()
    mine, theirs = web.browser(), web.browser()
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', (await theirs.get("/sign-in")).text)
    await mine.get("/sign-in")
    sent = {"email": "ada@example.com", "password": PASSWORD, "csrf": token[1]}
    assert (await mine.client.post("/sign-in", data=sent)).status_code == 403


async def test_a_wrong_password_is_told_on_the_page_and_shown_nowhere(web):
    await web.owner()
    browser = web.browser()
    answer = await browser.sign_in("ada@example.com", "hush hush hush <b>")
    assert answer.status_code == 401
    assert "not right" in answer.text
    assert "hush" not in answer.text
    assert browser.session is None
    odd = await browser.sign_in('"><script>alert(1)</script>', "x")
    assert "<script>alert" not in odd.text
    for _ in range(8):
        last = await browser.sign_in("ada@example.com", "hush")
    assert last.status_code == 429
    assert "quarter of an hour" in last.text


async def test_an_authenticator_app_from_the_page_to_the_next_sign_in(web):
    owner = await web.owner()
    page = (await owner.get("/second")).text
    secret = re.search(r'<p class="key"><code>([A-Z2-7 ]+)</code>', page)[1].replace(" ", "")
    assert "otpauth://totp/" in page
    wrong = await owner.client.post(
        "/second", data={"csrf": re.search(r'value="([0-9a-f]{64})"', page)[1], "code": "000000"}
    )
    assert wrong.status_code == 400
    assert secret[:4] in wrong.text
    sent = {
        "csrf": re.search(r'value="([0-9a-f]{64})"', page)[1],
        "code": totp.code_at(secret, time.time() - 30),
    }
    kept = await owner.client.post("/second", data=sent)
    assert len(re.findall(r"<li><code>[A-Z2-7-]{19}</code>", kept.text)) == 10
    assert "In use." in (await owner.get("/second")).text
    browser = web.browser()
    half = await browser.sign_in()
    assert "One more step" in half.text
    assert browser.session is None
    assert (await browser.get("/")).status_code == 303
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', half.text)[1]
    wrong = await browser.client.post("/sign-in/code", data={"csrf": token, "code": "000000"})
    assert (wrong.status_code, browser.session) == (401, None)
    good = await browser.client.post(
        "/sign-in/code", data={"csrf": token, "code": totp.code_at(secret, time.time())}
    )
    assert good.status_code == 303
    assert (await browser.get("/")).status_code == 200


async def test_a_passkey_from_the_page_to_the_next_sign_in(web):
    owner, device = await web.owner(), Authenticator()
    page = (await owner.get("/second")).text
    assert "/static/passkey.js" in page
    ours = {"x-csrf-token": re.search(r'data-csrf="([0-9a-f]+)"', page)[1], "sec-fetch-site": "same-origin"}
    assert (await owner.client.post("/second/passkey/options")).status_code == 403
    options = await owner.client.post("/second/passkey/options", headers=ours)
    made = await owner.client.post("/second/passkey", json=device.make(options.json()), headers=ours)
    assert (made.status_code, made.json()) == (200, {"to": "/second"})
    browser = web.browser()
    page = (await browser.get("/sign-in")).text
    ours = {"x-csrf-token": re.search(r'data-csrf="([0-9a-f]+)"', page)[1]}
    assert (await browser.client.post("/sign-in/passkey/options")).status_code == 403
    options = await browser.client.post("/sign-in/passkey/options", headers=ours)
    bad = await browser.client.post("/sign-in/passkey", content=b"[1]", headers=ours)
    assert (bad.status_code, browser.session) == (400, None)
    options = await browser.client.post("/sign-in/passkey/options", headers=ours)
    good = await browser.client.post("/sign-in/passkey", json=device.use(options.json()), headers=ours)
    assert (good.status_code, good.json()) == (200, {"to": "/"})
    assert "<strong>Ada</strong><small>owner" in (await browser.get("/")).text
    half = await web.browser().sign_in()
    assert "Use your passkey" in half.text
    assert 'name="code"' not in half.text


@pytest.fixture
def idp() -> Iterator[IdentityProvider]:
    found = IdentityProvider()
    yield found
    found.close()


async def test_in_by_the_identity_provider(db, tmp_path, idp):
    provider = Provider(
        issuer=idp.url,
        client_id="bookhand",
        client_secret="client-hush",
        redirect_uri=f"{LOCAL}/oidc/back",
        name="Example ID",
    )
    web = Web(db, tmp_path, provider=provider)
    await web.owner()
    browser = web.browser()
    assert "Sign in with Example ID" in (await browser.get("/sign-in")).text
    went = await browser.get("/oidc/start")
    assert went.headers["location"].startswith(f"{idp.url}/authorize?")
    back = idp.consent(went.headers["location"])
    other = await web.browser().client.get("/oidc/back", params=back)
    assert other.status_code == 401
    came = await browser.client.get("/oidc/back", params=back)
    assert (came.status_code, came.headers["location"]) == (303, "/")
    assert "<strong>Ada</strong><small>owner" in (await browser.get("/")).text


async def test_every_page_is_shielded_and_runs_nothing_inline(web):
    link = web.owner_link()
    browser = web.browser()
    pages = [await browser.get(path) for path in ("/sign-in", f"/welcome/{link}", "/welcome/bhl_wrong")]
    await browser.come(link)
    pages += [await browser.get("/second"), await browser.get("/"), await browser.sign_in("x", "y")]
    for page in pages:
        assert all(page.headers[name] == value for name, value in HEADERS.items())
        assert page.headers["cache-control"] == "no-store"
        assert not re.search(r"<script(?![^>]*\ssrc=)|\son\w+=|\sstyle=|<style", page.text)


async def test_a_link_needs_two_equal_good_passwords(web):
    link, browser = web.owner_link(), web.browser()
    path = f"/welcome/{link}"
    for password, again, why in (("a", "b", "differ"), ("short", "short", "too short")):
        answer = await browser.fill(path, path, {"name": "Ada", "password": password, "again": again})
        assert (answer.status_code, why in answer.text) == (400, True)
    assert browser.session is None
    assert (await browser.come(link)).status_code == 303
