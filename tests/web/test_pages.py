"""The status page in every state: what it says, how figures stand in it, and that nothing in it can be run."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from importlib.resources import files

import msgspec
import pytest
from tests.web import samples

from bookhand.web import pages
from bookhand.web.page import assets
from bookhand.web.pages import message_page, status_page
from bookhand.web.status import BackfillRow, PostingRow, ProofRow, verdict


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


@pytest.mark.parametrize("name", samples.ALL)
def test_every_state_is_a_whole_page_that_says_what_is(name: str) -> None:
    page = Read(status_page(samples.ALL[name]))
    assert page.open == []
    assert HEADLINES[name] in page.text


@pytest.mark.parametrize("name", [*samples.ALL, "message"])
def test_nothing_in_a_page_breaks_its_own_policy(name: str) -> None:
    html = message_page("It broke.", "Wait.") if name == "message" else status_page(samples.ALL[name])
    for tag, attributes in Read(html).tags:
        assert tag not in {"style", "form", "iframe", "img"}
        assert not any(key == "style" or key.startswith("on") for key in attributes)
        for key in ("href", "src"):
            assert re.match(r"^(/|#main$)", attributes.get(key) or "/")
        if tag == "script":
            assert (attributes.get("src") or "").startswith("/static/")


def test_every_static_address_is_served_and_changes_with_its_content() -> None:
    entrance = pages.sign_in_page(csrf="", problem=None, email="", ways=(), provider=None, guarded=True)
    html = status_page(samples.GOOD) + entrance
    names = set(re.findall(r'"/static/([\w.]+)\?[0-9a-f]{8}', html))
    assert names == {"bookhand.css", "refresh.js", "passkey.js", "mark.svg"}
    ours = {name for name in assets.assets() if files("bookhand.web").joinpath("static", name).is_file()}
    assert ours - names == {"reference.css"}  # of the API's description alone


def test_amounts_stand_as_accountants_write_them() -> None:
    text = Read(status_page(samples.GOOD)).text
    for figure in ("48,210.93", "(123.75)", "482,000", "48.210", "0.000"):
        assert figure in text
    assert not re.search(r"-\d", text.replace("2026-10-28", "").replace("2026-11-23", ""))


def test_a_gap_is_shown_with_its_reason_and_an_unasked_balance_is_not_a_zero() -> None:
    text = Read(status_page(samples.GAP)).text
    assert "(0.08)" in text
    assert "txn_1QzHarbor0099" in text
    assert "not known" in text
    assert "unknown" in text
    assert "And 5 more." in text


def test_a_progress_shows_done_total_rate_and_time_left() -> None:
    page = Read(status_page(samples.LOADING))
    for words in ("8,412 of about 14,900", "2,210/s · 2.9 s left", "3,950/s · 3.6 s left", "24/min"):
        assert words in page.text
    bars = [attributes for tag, attributes in page.tags if tag == "progress"]
    assert [(bar.get("value"), bar.get("max")) for bar in bars] == [
        ("8412", "14900"),
        ("6020", "12400"),
        (None, None),
    ]


def test_an_entry_shows_its_lines_balanced() -> None:
    page = Read(status_page(samples.GOOD))
    assert "Stripe clearing · payments" in page.text
    assert samples.ENTRIES[0].size == [PostingRow(account="", currency="USD", minor=9900)]
    assert "Sales tax payable · txr 1CA" in page.text


def test_modes_are_told_apart_everywhere() -> None:
    page = Read(status_page(samples.GOOD))
    assert page.text.count("LIVE") >= 1 + len(samples.ENTRIES)
    assert "TEST" in page.text
    alone = Read(status_page(msgspec.structs.replace(samples.GOOD, connections=(samples.LIVE,))))
    assert alone.text.count("LIVE") == 1


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "`<b>`"]
)
def test_text_from_outside_stays_text(text: str) -> None:
    connection = msgspec.structs.replace(samples.LIVE, name=text, status="disconnected", status_reason=text)
    problem = msgspec.structs.replace(samples.PROBLEMS[0], message=text, kind=text, subject=text)
    entry = msgspec.structs.replace(samples.ENTRIES[0], why=text, key=text, kind=text)
    page = Read(
        status_page(
            msgspec.structs.replace(
                samples.GOOD,
                connections=(connection,),
                problems=(problem,),
                open_problems=1,
                entries=(entry,),
            )
        )
    )
    assert page.open == []
    assert not any(tag in {"img", "b"} for tag, _ in page.tags)
    assert [dict(attributes).get("src") for tag, attributes in page.tags if tag == "script"] == [
        assets.address("refresh.js")
    ]
    assert "49" not in [word.strip() for word in page.words]


def test_a_currency_nobody_knows_does_not_break_the_page() -> None:
    odd = ProofRow(
        connection_id=1, currency="ZZZ", clearing=12345, stripe_balance=12345, off_by=0, unmatched=0, suspense=0, reason="", at=samples.NOW
    )  # fmt: skip
    page = Read(status_page(msgspec.structs.replace(samples.GOOD, proofs=(odd,))))
    assert "12,345 minor units" in page.text


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


def test_a_quiet_account_is_not_stale_and_a_refinement_moves_nothing() -> None:
    tomorrow = samples.NOW + timedelta(days=1)
    quiet = msgspec.structs.replace(samples.GOOD, at=tomorrow)
    assert verdict(quiet).tone == "good"
    refined = samples.entry(
        "dp_1:lost",
        "dispute_lost",
        "Lost",
        ("disputes_losses", "USD", 5),
        ("disputes_pending", "USD", -5),
        ago=-600,
    )
    assert verdict(msgspec.structs.replace(quiet, entries=(refined,))).tone == "good"


def test_what_was_refused_and_found_stands_under_history() -> None:
    text = Read(status_page(samples.HOLE)).text
    assert "rak_credit_note_read" in text
    assert "Not complete" in text
    assert "every one had arrived" in Read(status_page(samples.GOOD)).text


def test_a_finished_history_needs_no_bar() -> None:
    done = BackfillRow(connection_id=1, what="charges", done=3, total=3, complete=True)
    page = Read(status_page(msgspec.structs.replace(samples.GOOD, backfills=(done,))))
    assert "Complete · 3 objects" in page.text
    assert not any(tag == "progress" for tag, _ in page.tags)
