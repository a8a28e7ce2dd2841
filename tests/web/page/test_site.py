"""How pages are answered: shown, done, or told why not; and nothing that a visitor sends leads anywhere else."""

from __future__ import annotations

import base64
import json
import re
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.web.browsing import Browser
from tests.web.page.conftest import HOSTILE, SECRET, House

from bookhand import web
from bookhand.web.page.frame import LOOK
from bookhand.web.page.site import LOCALE, SAID, ZONE, local
from bookhand.web.shield import HEADERS

OURS = {"sec-fetch-site": "same-origin"}


async def token(browser: Browser) -> str:
    found = re.search(r'name="form-token" content="([0-9a-f]+)"', (await browser.get("/trial")).text)
    assert found is not None
    return found[1]


async def post(browser: Browser, fields: dict[str, str], **headers: str):
    return await browser.client.post("/trial", data=fields, headers={**OURS, **headers})


async def test_a_form_is_done_once_and_says_so_once_on_the_next_page(web: House):
    owner = await web.owner()
    answer = await post(owner, {"csrf": await token(owner), "to": "/trial", "said": HOSTILE})
    assert (answer.status_code, answer.headers["location"]) == (303, "/trial")
    assert web.done == [""]
    cookie = SimpleCookie(answer.headers["set-cookie"])[SAID]
    assert (cookie["httponly"], cookie["samesite"].lower(), cookie["path"]) == (True, "lax", "/")
    assert int(cookie["max-age"]) <= 60
    page = await owner.get("/trial")
    assert 'role="status"' in page.text
    assert "&lt;script&gt;" in page.text
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;" not in (await owner.get("/trial")).text


async def test_amounts_in_what_is_told_are_written_as_its_reader_writes_them(web: House):
    owner = await web.owner()
    told = (await owner.get("/trial?how=amounts")).text
    assert "allows 1,500.00 USD a day; 1,250.50 USD is used and 1.005 KWD is asked for" in told
    owner.client.cookies.set(LOCALE, "de-DE")
    told = (await owner.get("/trial?how=amounts")).text
    assert "allows 1.500,00 USD a day; 1.250,50 USD is used and 1,005 KWD is asked for" in told
    await post(owner, {"csrf": await token(owner), "to": "/trial", "said": "Budget 1 is 2000.00 USD a day."})
    assert "Budget 1 is 2.000,00 USD a day." in (await owner.get("/trial")).text


@pytest.mark.parametrize("sent", [{}, {"csrf": ""}, {"csrf": "0" * 64}, {"csrf": "ü" * 64}])
async def test_without_its_token_nothing_is_done(web: House, sent: dict[str, str]):
    owner = await web.owner()
    answer = await post(owner, sent)
    assert (answer.status_code, web.done) == (403, [])
    assert "came from another site" in answer.text


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"sec-fetch-site": "", "origin": "https://evil.example"}],
)  # fmt: skip
async def test_from_another_site_nothing_is_done_even_with_the_token(web: House, headers: dict[str, str]):
    owner = await web.owner()
    answer = await post(owner, {"csrf": await token(owner)}, **headers)
    assert (answer.status_code, web.done) == (403, [])


async def test_by_origin_alone_where_a_browser_says_no_more(web: House):
    owner = await web.owner()
    fields = {"csrf": await token(owner)}
    foreign = await owner.client.post("/trial", data=fields, headers={"origin": "https://evil.example"})
    assert (foreign.status_code, web.done) == (403, [])
    ours = await owner.client.post("/trial", data=fields, headers={"origin": "http://localhost:8787"})
    assert (ours.status_code, web.done) == (303, [""])


async def test_anothers_token_is_no_token(web: House):
    owner = await web.owner()
    viewer = await web.person("approver", owner)
    assert (await post(owner, {"csrf": await token(viewer)})).status_code == 403
    by_header = await post(owner, {}, **{"x-csrf-token": await token(owner)})
    assert (by_header.status_code, web.done) == (303, [""])


async def test_who_may_not_is_refused_before_anything_is_done(web: House):
    owner = await web.owner()
    viewer = await web.person("viewer", owner)
    answer = await post(viewer, {"csrf": await token(viewer)})
    assert (answer.status_code, web.done) == (403, [])
    assert "You may not do this" in answer.text
    assert (await viewer.get("/trial?how=manage")).status_code == 403
    assert (await owner.get("/trial?how=manage")).status_code == 200


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ("refused", 400),
        ("missing", 404),
        ("conflict", 409),
        ("forbidden", 403),
        ("away", 503),
        ("fault", 500),
    ],
)
async def test_what_goes_wrong_is_told_with_its_status(web: House, how: str, status: int):
    owner = await web.owner()
    shown = await owner.get(f"/trial?how={how}")
    acted = await post(owner, {"csrf": await token(owner), "how": how})
    for answer in (shown, acted):
        assert answer.status_code == status
        assert "<h1>" in answer.text
        assert SECRET not in answer.text
        assert "<script>alert" not in answer.text
        assert "<img" not in answer.text


async def test_a_stranger_is_led_to_the_way_in_by_page_and_by_part(web: House):
    await web.owner()
    stranger = web.browser()
    for answer in (await stranger.get("/trial"), await post(stranger, {})):
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert (await stranger.get("/pulse")).status_code in {303, 401}
    assert web.done == []


async def test_a_part_asked_for_after_the_session_ended_leads_the_whole_page_to_the_way_in(web: House):
    owner = await web.owner()
    fields = {"csrf": await token(owner)}
    await owner.client.post("/sign-out", data=fields, headers=OURS)
    for answer in (
        await owner.get("/trial", **{"hx-request": "true"}),
        await post(owner, fields, **{"hx-request": "true"}),
    ):
        assert answer.headers.get("hx-redirect") == "/sign-in"
        assert "location" not in answer.headers


async def test_files_numbers_and_ticks_of_a_form(web: House):
    owner = await web.owner()
    fields = {"csrf": await token(owner), "how": "file", "number": " 12 ", "tick": ["a", "b"]}
    answer = await owner.client.post("/trial", data=fields, files={"file": ("../a.csv", b"x")}, headers=OURS)
    assert answer.text == "../a.csv 12 ['a', 'b']"
    for wrong in ("1.5", "-1", "١٢", "9" * 17):
        answer = await owner.client.post("/trial", data={**fields, "number": wrong}, headers=OURS)
        assert answer.status_code == 400, wrong


async def test_a_form_with_too_much_in_it_does_nothing(web: House):
    owner = await web.owner()
    right = await token(owner)
    many = {"csrf": right, **{f"f{n}": "x" for n in range(2_100)}}
    long = {"csrf": (None, right), "said": (None, "x" * 300_000)}
    files = [("file", (f"{n}.csv", b"x")) for n in range(6)]
    for answer in (
        await post(owner, many),
        await owner.client.post("/trial", files=long, headers=OURS),
        await owner.client.post("/trial", data={"csrf": right}, files=files, headers=OURS),
        await owner.client.post(
            "/trial", content=b"\xff\xfe%", headers={**OURS, "content-type": "multipart/form-data"}
        ),
    ):
        assert answer.status_code in {400, 403, 413}
        assert "This cannot be asked for." not in answer.text
    assert web.done == []


@pytest.mark.parametrize("way", ["urlencoded", "multipart"])
async def test_a_text_that_is_too_long_is_named_with_its_bound(web: House, way: str):
    owner = await web.owner()
    fields = {"csrf": await token(owner), "why": "é" * 140_000}
    sent = (
        {"data": fields}
        if way == "urlencoded"
        else {"files": {each: (None, text) for each, text in fields.items()}}
    )
    answer = await owner.client.post("/trial", headers=OURS, **sent)
    assert (answer.status_code, web.done) == (413, [])
    assert "The text in the field “why” is 274 KiB long, and a field takes 256 KiB." in answer.text
    assert "your text is still there" in answer.text
    assert 'id="main"' in answer.text
    fits = await post(owner, {**fields, "why": "é" * 131_000})
    assert (fits.status_code, web.done) == (303, [""])


async def test_a_form_of_too_many_files_is_told_so_on_a_page_of_ours(web: House):
    owner = await web.owner()
    files = [("file", (f"{n}.csv", b"x")) for n in range(6)]
    answer = await owner.client.post("/trial", data={"csrf": await token(owner)}, files=files, headers=OURS)
    assert answer.status_code == 413
    assert "2000 fields and 4 files" in answer.text


# --- what is said after a redirect ---


async def test_what_is_said_cannot_be_forged_nor_carried_to_somebody_else(web: House):
    owner = await web.owner()
    viewer = await web.person("viewer", owner)
    answer = await post(owner, {"csrf": await token(owner), "said": "Sent 100 USD to Mallory."})
    real = SimpleCookie(answer.headers["set-cookie"])[SAID].value
    text, _, seal = real.partition(".")
    other = base64.urlsafe_b64encode(json.dumps(["good", "Pay here"]).encode()).decode()
    forged = [f"{other}.{seal}", f"{text}.{'0' * 32}", text, f"{text}.", "." + seal, "ü.ü", "x" * 4000]
    for value in forged:
        owner.client.cookies.delete(SAID)
        page = await owner.get(
            "/trial", cookie=f"bookhand={owner.session}; {SAID}={value}" if value.isascii() else ""
        )
        assert "Pay here" not in page.text
        assert "Mallory" not in page.text
    theirs = await viewer.get("/trial", cookie=f"bookhand={viewer.session}; {SAID}={real}")
    assert theirs.status_code == 200
    assert "Mallory" not in theirs.text
    assert "Mallory" in (await owner.get("/trial", cookie=f"bookhand={owner.session}; {SAID}={real}")).text


async def test_a_part_that_is_fetched_does_not_use_up_what_is_said(web: House):
    owner = await web.owner()
    await post(owner, {"csrf": await token(owner), "said": "It is done."})
    assert "It is done." not in (await owner.get("/trial", **{"hx-request": "true"})).text
    assert "It is done." in (await owner.get("/trial")).text


async def test_a_long_sentence_still_fits_into_a_cookie(web: House):
    owner = await web.owner()
    answer = await post(owner, {"csrf": await token(owner), "said": "Grüße " * 4_000})
    assert answer.status_code == 303
    assert len(answer.headers["set-cookie"]) < 4_096


# --- nowhere else ---


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "/\t/evil.example",
        "/\n/evil.example", "http:evil.example", "evil.example", "", " /books", "/books\r\nset-cookie: a=b", "/\u2028x", "///evil.example",
        "https:/\\evil.example", "data:text/html,x", "/a\\..\\evil",
    ],
)  # fmt: skip
async def test_no_redirect_leads_away(web: House, address: str):
    assert local(address) == "/"
    owner = await web.owner()
    answer = await post(owner, {"csrf": await token(owner), "to": address})
    assert answer.headers["location"] in {"/", "/books", "/trial"}


@given(st.text(alphabet="/\\:.@?#abc\t\n \u202e", max_size=12))
def test_what_local_lets_through_stays_with_us(address: str):
    found = local(address)
    assert found.startswith("/")
    assert not found.startswith(("//", "/\\"))
    assert not set(found) & set("\\\t\r\n")


@pytest.mark.parametrize(
    "address", ["/books?cursor=a%2F%2Fb", "/runs/run_1#steps", "/customers/cus_1?q=a&b=c", "/"]
)
def test_pages_of_ours_are_let_through(address: str):
    assert local(address) == address


# --- around every page ---


async def test_headers_stand_on_whatever_is_answered(web: House):
    owner = await web.owner()
    for path in (
        "/trial",
        "/trial?how=missing",
        "/trial?how=fault",
        "/nowhere",
        "/sign-in",
        "/enter/worn",
        "/trial?how=manage",
    ):
        answer = await owner.get(path)
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, (path, name)
        assert answer.headers["cache-control"] == "no-store", path
    policy = HEADERS["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


async def test_cookies_of_taste_choose_how_a_page_reads_and_nothing_worse(web: House):
    owner = await web.owner()
    mine = f"bookhand={owner.session}"
    page = await owner.get(
        "/trial",
        cookie=f"{mine}; {ZONE}=Europe%2FBerlin; {LOOK}=dark",
        **{"accept-language": "de-DE,de;q=0.9"},
    )
    assert 'data-zone="Europe/Berlin"' in page.text
    assert 'data-locale="de-DE"' in page.text
    assert 'data-bs-theme="dark"' in page.text
    for wrong in ("../../etc/passwd", "%2Fetc%2Fpasswd", "x" * 500, "%00", '"><script>', "Europe"):
        page = await owner.get(
            "/trial", cookie=f"{mine}; {ZONE}={wrong}; bookhand-locale={wrong}; {LOOK}={wrong}"
        )
        assert page.status_code == 200, wrong
        assert 'data-zone="UTC"' in page.text
        assert 'data-locale="en-US"' in page.text
        assert 'data-bs-theme="light"' in page.text


def test_no_part_asks_for_itself_at_the_address_a_form_was_answered_at() -> None:
    pages = list((Path(web.__file__).parent / "templates").rglob("*.html"))
    assert len(pages) > 50
    assert [each.name for each in pages if 'hx-get=""' in each.read_text("utf-8")] == []
