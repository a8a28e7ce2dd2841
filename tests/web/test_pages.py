"""The pages for who is not in the app, in every state: what they say, how figures stand in them, and that nothing in them can be run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from starlette.requests import Request
from tests.web import samples

from bookhand.core.caller import ROLES
from bookhand.web import pages
from bookhand.web.page import assets
from bookhand.web.page.wording import plain, texts
from bookhand.web.pages import before_page
from bookhand.web.status import ProofRow, verdict
from bookhand.workspace.people.person import Person

HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "`<b>`")
MESSAGES = sorted(
    {key.split(".")[2] for key in texts() if re.fullmatch(r"entrance\.message\.\w+\.title", key)}
)


def request(method: str = "GET", **headers: str) -> Request:
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": method, "path": "/", "query_string": b"", "headers": sent})


def person(*second: str) -> Person:
    return Person(
        id=1, workspace_id=1, email="ada@example.com", name="Ada", role="owner", second=second,
        created_at=datetime(2026, 11, 23, tzinfo=UTC), disabled_at=None,
    )  # fmt: skip


def sign_in(text: str = "", **more: Any) -> str:
    given = {"problem": text or None, "email": text, "ways": (), "provider": text or None, "guarded": True}
    return pages.sign_in_page(request(), csrf="c", **(given | more))


def welcome(text: str = "", *, reset: bool = False) -> str:
    return pages.welcome_page(
        request(), csrf="c", link="bhl_1", email=text or "ada@example.com", role="admin", reset=reset,
        problem=text or None, name=text,
    )  # fmt: skip


def second(text: str = "", *factors: str, codes: tuple[str, ...] = ()) -> str:
    address = "" if "totp" in factors else f"otpauth://totp/bookhand?{text}"
    return pages.second_page(
        request(), csrf="c", person=person(*factors), secret="" if "totp" in factors else f"ABCD {text}", address=address,
        codes=codes, problem=text or None,
    )  # fmt: skip


ENTRANCE: dict[str, Callable[..., str]] = {
    "sign-in": sign_in,
    "nobody": lambda text="": sign_in(text, guarded=False),
    "code": lambda text="": sign_in(text, ways=("totp", "passkey")),
    "passkey": lambda text="": sign_in(text, ways=("passkey",)),
    "welcome": welcome,
    "reset": lambda text="": welcome(text, reset=True),
    "enter": lambda text="": pages.enter_page(request(), csrf="c", link=text),
    "second": second,
    "second-on": lambda text="": second(text, "totp", "passkey"),
    "codes": lambda text="": second(text, codes=("AAAA-BBBB-CCCC-DDDD", text)),
    **{
        f"message-{key}": lambda text="", key=key: bytes(
            pages.message(request(), key, detail=text, status=400).body
        ).decode()
        for key in MESSAGES
    },
    **{
        f"before-{name}": lambda text="", name=name: before_page(request(), samples.ALL[name])
        for name in samples.ALL
    },
}


class Read(HTMLParser):
    """The text of a page, and what its tags carry."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "input"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


HEADLINES = {
    "good": "The books agree with Stripe, to the cent.",
    "empty": "No account is connected yet.",
    "connected": "Nothing has been proven yet.",
    "loading": "History is still coming in.",
    "gap": "One balance differs from Stripe's.",
    "lost": "One connection is disconnected.",
    "stuck": "Mail is waiting to be posted.",
    "stale": "The books agreed with Stripe when they were last compared.",
    "hole": "The books agree with Stripe; their history has a hole.",
}


@pytest.mark.parametrize("name", ENTRANCE)
def test_every_page_is_whole_and_breaks_nothing_of_its_own_policy(name: str) -> None:
    html = ENTRANCE[name]()
    page = Read(html)
    assert page.open == []
    assert [tag for tag, _ in page.tags].count("h1") == 1
    assert "<svg" not in html or 'aria-hidden="true"' in html
    ids = [given["id"] for _, given in page.tags if given.get("id")]
    assert len(ids) == len(set(ids))
    for tag, given in page.tags:
        assert tag not in {"style", "iframe", "img"}
        assert not any(key == "style" or key.startswith("on") for key in given)
        for key in ("href", "src", "action"):
            assert re.match(r"^(/(?!/)|#main$|#\w+$|otpauth://|$)", given.get(key) or "/"), given
        for each in (given.get("aria-describedby") or "").split() + (
            given.get("aria-labelledby") or ""
        ).split():
            assert each in ids
        if tag == "script":
            assert (given.get("src") or "").startswith("/static/")
        if tag == "input" and given.get("type") != "hidden":
            assert any(other == "label" and more.get("for") == given["id"] for other, more in page.tags)


@pytest.mark.parametrize("name", [name for name in ENTRANCE if not name.startswith("before-")])
@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_outside_stays_text(name: str, text: str) -> None:
    page = Read(ENTRANCE[name](text))
    assert page.open == []
    assert not any(tag in {"img", "b"} for tag, _ in page.tags)
    scripts = [given.get("src") for tag, given in page.tags if tag == "script"]
    assert set(scripts) <= {assets.address("look.js"), assets.address("passkey.js")}
    assert "49" not in [word.strip() for word in page.words]


@pytest.mark.parametrize("name", samples.ALL)
def test_before_anybody_the_page_says_how_to_come_in_and_what_is(name: str) -> None:
    page = Read(before_page(request(), samples.ALL[name]))
    assert "bookhand owner you@example.com" in page.text
    assert HEADLINES[name] in page.text
    assert not any(tag == "form" for tag, _ in page.tags)


def test_every_static_address_is_served_and_changes_with_its_content() -> None:
    html = "".join(make() for make in ENTRANCE.values())
    names = set(re.findall(r'"/static/([\w.]+)\?[0-9a-f]{8}', html))
    assert names == {"app.css", "look.js", "passkey.js", "mark.svg", "icons.svg"}
    assert len(re.findall(r'"/static/', html)) == len(re.findall(r'"/static/[\w.]+\?[0-9a-f]{8}', html))


def test_every_icon_is_one_that_was_built() -> None:
    drawn = assets.assets()["icons.svg"].body.decode()
    named = {name for make in ENTRANCE.values() for name in re.findall(r'icons\.svg\?\w+#([\w-]+)"', make())}
    assert named
    assert all(f'id="{name}"' in drawn for name in named)


def test_amounts_stand_as_accountants_write_them() -> None:
    text = Read(before_page(request(), samples.GOOD)).text
    for figure in ("48,210.93", "482,000", "48.210", "0.000"):
        assert figure in text
    assert "48.210,93" in Read(before_page(request(**{"accept-language": "de"}), samples.GOOD)).text


def test_a_gap_is_shown_with_its_reason_and_an_unasked_balance_is_not_a_zero() -> None:
    text = Read(before_page(request(), samples.GAP)).text
    assert "(0.08)" in text
    assert "txn_1QzHarbor0099" in text
    assert "not known" in text


def test_modes_are_told_apart() -> None:
    text = Read(before_page(request(), samples.GOOD)).text
    assert "LIVE" in text
    assert "TEST" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_connection_and_a_proof_say_stays_text(text: str) -> None:
    connection = msgspec.structs.replace(samples.LIVE, name=text, status="disconnected", status_reason=text)
    proofs = tuple(msgspec.structs.replace(each, reason=text) for each in samples.GOOD.proofs)
    page = Read(
        before_page(
            request(), msgspec.structs.replace(samples.GOOD, connections=(connection,), proofs=proofs)
        )
    )
    assert page.open == []
    assert not any(tag in {"img", "b"} for tag, _ in page.tags)
    assert "49" not in [word.strip() for word in page.words]


def test_a_currency_nobody_knows_does_not_break_the_page() -> None:
    odd = ProofRow(
        connection_id=1, currency="ZZZ", clearing=12345, stripe_balance=12345, off_by=0, unmatched=0, suspense=0, reason="", at=samples.NOW
    )  # fmt: skip
    page = Read(before_page(request(), msgspec.structs.replace(samples.GOOD, proofs=(odd,))))
    assert "12,345 minor units" in page.text


@pytest.mark.parametrize(
    ("chosen", "look", "theme"),
    [
        ("", "auto", "light"),
        ("dark", "dark", "dark"),
        ("light", "light", "light"),
        ('x"><b>', "auto", "light"),
    ],
)
def test_the_look_that_was_chosen_in_the_app_holds_at_its_door(chosen: str, look: str, theme: str) -> None:
    at = request(cookie=f"bookhand-look={chosen}")
    page = Read(pages.enter_page(at, csrf="", link="l"))
    assert page.tags[0][1] | {"data-look": look, "data-bs-theme": theme} == page.tags[0][1]


@pytest.mark.parametrize("key", MESSAGES)
def test_a_message_sets_commands_as_code_and_shows_no_secret(key: str) -> None:
    own = bytes(pages.message(request(), key, status=400).body).decode()
    assert "`" not in own
    assert ("<code>bookhand owner</code>" in own) == (key == "elsewhere")
    secret = "rk_live_" + "51Nh3xQrStUvWxYz0123456789"
    told = bytes(
        pages.message(request(), key, detail=f"Run `bookhand <x>` {secret}.", status=400).body
    ).decode()
    assert "<code>bookhand &lt;x&gt;</code>" in told
    assert secret not in told


@pytest.mark.parametrize("role", ROLES)
def test_an_invitation_says_what_the_role_may(role: Any) -> None:
    html = pages.welcome_page(
        request(), csrf="", link="l", email="bob@example.com", role=role, reset=False, problem=None, name=""
    )
    text = Read(html).text
    assert f"As {role} you can" in text
    assert ("make and unmake owners" in text) == (role == "owner")


def test_a_browser_without_passkeys_or_scripts_is_told_where_nobody_gets_any_further_without() -> None:
    unable, no_script = plain("entrance.passkey.unable"), plain("entrance.passkey.no_script")
    for name, there in (("sign-in", False), ("code", False), ("passkey", True), ("second", True)):
        text = Read(ENTRANCE[name]()).text
        assert (unable in text, no_script in text) == (there, there), name


def test_what_went_wrong_with_a_passkey_has_words_on_the_page() -> None:
    page = Read(sign_in())
    [words] = [given["data-words"] for _, given in page.tags if given.get("data-words")]
    assert words is not None
    assert {"cancelled", "there", "insecure", "away", "failed"} == set(json.loads(words))


@pytest.mark.parametrize(
    ("method", "key", "to"),
    [("GET", "away", ""), ("POST", "away", "/"), ("GET", "worn", "/sign-in"), ("GET", "nowhere", "/"), ("GET", "elsewhere", None)],
)  # fmt: skip
def test_a_message_leads_on(method: str, key: str, to: str | None) -> None:
    page = Read(bytes(pages.message(request(method), key, status=400).body).decode())
    acts = [given.get("href") for tag, given in page.tags if "btn" in (given.get("class") or "")]
    assert acts == ([] if to is None else [to])


def test_the_verdict_names_the_worst_first() -> None:
    worst = msgspec.structs.replace(
        samples.GAP, histories=samples.LOADING.histories, connections=samples.LOST.connections
    )
    assert verdict(worst).headline == HEADLINES["lost"]
    assert (
        verdict(msgspec.structs.replace(worst, connections=samples.GAP.connections)).headline
        == HEADLINES["loading"]
    )
    assert verdict(samples.GAP).headline == HEADLINES["gap"]
    unknown = msgspec.structs.replace(samples.GAP, proofs=samples.GAP.proofs[-1:])
    assert verdict(unknown).headline == "Money moved while it was counted."
    asked = msgspec.structs.replace(samples.GOOD, open_problems=2)
    assert "Two questions wait for a person." in verdict(asked).detail


def test_a_proof_that_is_old_or_of_an_account_that_is_away_is_not_told_as_of_now() -> None:
    day_later = msgspec.structs.replace(samples.GOOD, at=samples.NOW + timedelta(days=1))
    assert verdict(day_later).headline == "The books agreed with Stripe when they were last compared."
    assert "compared more than two hours ago" in verdict(day_later).detail
    paused = msgspec.structs.replace(samples.LIVE, status="paused")
    half = verdict(msgspec.structs.replace(samples.GOOD, connections=(paused, samples.TEST)))
    assert (half.tone, half.headline) == ("good", "The books agree with Stripe, to the cent.")
    assert "of accounts that are not connected now." in half.detail
    none = verdict(msgspec.structs.replace(samples.GOOD, connections=(paused,)))
    assert (none.tone, none.headline) == (
        "quiet",
        "The books agreed with Stripe when they were last compared.",
    )


def test_a_quiet_account_is_not_stale_and_a_refinement_moves_nothing() -> None:
    tomorrow = samples.NOW + timedelta(days=1)
    hour_ago = tomorrow - timedelta(hours=1)
    proofs = tuple(msgspec.structs.replace(row, at=hour_ago) for row in samples.GOOD.proofs)
    quiet = msgspec.structs.replace(samples.GOOD, at=tomorrow, proofs=proofs)
    assert verdict(quiet).tone == "good", "what is quiet is compared every hour all the same"
    refined = samples.entry(
        "dp_1:lost",
        "dispute_lost",
        "Lost",
        ("disputes_losses", "USD", 5),
        ("disputes_pending", "USD", -5),
        ago=-600,
    )
    assert verdict(msgspec.structs.replace(quiet, entries=(refined,))).tone == "good"
