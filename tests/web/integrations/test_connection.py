"""One connection's pages: its history asked for, watched, paused and resumed; its limits and version; letting go of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import date, timedelta

import msgspec
import pytest
from tests.web.integrations.conftest import HOME, SELLER, At, connected, words

from bookhand.cli.history_rounds import HistoryRounds
from bookhand.inbox import slices_store
from bookhand.inbox.backfill import ListProgress, Progress
from bookhand.keeper import Keeper
from bookhand.runs import store as runs
from bookhand.sandbox.stripe.engine import Pinstripe
from bookhand.systems import store
from bookhand.systems.manifest import Version, standing
from bookhand.systems.stripe import PINNED_VERSION

pytestmark = pytest.mark.anyio


def link_of(at: At, number: int):  # type: ignore[no-untyped-def]
    with at.house.db.transaction() as cx:
        return store.get(cx, number).link


def newest(at: At, number: int) -> slices_store.Backfill:
    with at.house.db.transaction() as cx:
        found = slices_store.latest(cx, link_of(at, number))
    assert found is not None
    return found


def until(rounds: HistoryRounds, held: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not held():
        assert time.monotonic() < deadline
        rounds.look()
        time.sleep(0.05)


# --- history ---


async def test_history_is_asked_for_and_a_worker_brings_it_in_to_its_verdict(
    at: At, key: str, pinstripe: tuple[str, Pinstripe]
) -> None:
    for _ in range(3):
        pinstripe[1].call("POST", "/v1/customers", {"name": "Theirs"}, account=SELLER)
    browser = await at.person()
    number = await connected(at, browser, key, name="Seller")
    page = f"{HOME}/stripe/{number}"
    assert "No history was brought in yet." in words((await browser.get(page)).text)
    answer = await browser.fill(page, f"{page}/history", {"range": "12"})
    assert answer.status_code == 303, answer.text
    shown = (await browser.get(page)).text
    assert "Begins" in words(shown)
    assert "every 2s" in shown
    rounds = HistoryRounds(at.house)
    until(rounds, lambda: newest(at, number).status != "running")
    rounds.end()
    assert newest(at, number).status == "complete"
    shown = words((await browser.get(page)).text)
    assert "Complete" in shown
    assert "events that Stripe keeps" in shown
    assert "customers 3" in re.sub(r" +", " ", shown).lower()
    assert "every 2s" not in (await browser.get(page)).text


async def test_a_second_range_waits_for_the_first(at: At, key: str) -> None:
    browser = await at.person()
    number = await connected(at, browser, key)
    page = f"{HOME}/stripe/{number}"
    assert (await browser.fill(page, f"{page}/history", {"range": "all"})).status_code == 303
    answer = await browser.fill(page, f"{page}/history", {"range": "12"})
    assert answer.status_code == 409
    assert "under way" in answer.text


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ({"range": "days"}, "needs its first day"),
        ({"range": "days", "since": "yesterday"}, "is no day"),
        ({"range": "days", "since": (date.today() + timedelta(days=3)).isoformat()}, "empty"),  # noqa: DTZ011 (three days off)
        ({"range": "900"}, "between 1 and 240"),
        ({"range": "-1"}, "no whole number"),
    ],
)
async def test_a_range_that_cannot_be_is_refused(at: At, key: str, sent: dict[str, str], why: str) -> None:
    browser = await at.person()
    number = await connected(at, browser, key)
    page = f"{HOME}/stripe/{number}"
    answer = await browser.fill(page, f"{page}/history", sent)
    assert answer.status_code == 400
    assert why in answer.text


async def test_what_is_paused_stands_and_goes_on(at: At, key: str) -> None:
    browser = await at.person()
    number = await connected(at, browser, key)
    page = f"{HOME}/stripe/{number}"
    await browser.fill(page, f"{page}/history", {"range": "12"})
    assert (await browser.fill(page, f"{page}/history/pause", {})).status_code == 303
    rounds = HistoryRounds(at.house)
    for _ in range(5):
        rounds.look()
    assert newest(at, number).told is None  # nobody is at it
    assert "Paused" in words((await browser.get(page)).text)
    assert (await browser.fill(page, f"{page}/history/resume", {})).status_code == 303
    until(rounds, lambda: newest(at, number).status == "complete")
    rounds.end()


async def test_what_is_disconnected_stops_and_goes_on_once_it_is_connected_again(at: At, key: str) -> None:
    browser = await at.person()
    number = await connected(at, browser, key)
    page = f"{HOME}/stripe/{number}"
    await browser.fill(page, f"{page}/history", {"range": "12"})
    answer = await browser.fill(f"{page}/disconnect", f"{page}/disconnect", {})
    assert answer.status_code == 303, answer.text
    rounds = HistoryRounds(at.house)
    rounds.look()
    assert newest(at, number).told is None
    assert await connected(at, browser, key) == number
    until(rounds, lambda: newest(at, number).status == "complete")
    rounds.end()


async def test_a_lost_key_refuses_no_list_and_a_new_one_goes_on(at: At, key: str) -> None:
    browser = await at.person()
    number = await connected(at, browser, key)
    page = f"{HOME}/stripe/{number}"
    await browser.fill(page, f"{page}/history", {"range": "12"})
    with at.house.db.transaction() as cx:
        cx.execute("delete from secret")
    rounds = HistoryRounds(at.house, rest_seconds=0)
    until(rounds, lambda: newest(at, number).told is not None)
    rounds.end()
    with at.house.db.transaction() as cx:
        slices = slices_store.slices(cx, link_of(at, number), newest(at, number).id)
    assert (newest(at, number).status, {each.state for each in slices}) == ("running", {"waiting"})
    assert "has no credential: its key was removed." in words((await browser.get(page)).text)
    assert await connected(at, browser, key) == number
    until(rounds, lambda: newest(at, number).status == "complete")
    rounds.end()


async def test_a_key_that_stripe_takes_no_more_refuses_no_list(
    at: At, key: str, pinstripe: tuple[str, Pinstripe]
) -> None:
    browser = await at.person()
    number = await connected(at, browser, key)
    page = f"{HOME}/stripe/{number}"
    await browser.fill(page, f"{page}/history", {"range": "12"})
    pinstripe[1].ring.drop(key)
    rounds = HistoryRounds(at.house)
    until(rounds, lambda: newest(at, number).told is not None)
    rounds.end()
    with at.house.db.transaction() as cx:
        slices = slices_store.slices(cx, link_of(at, number), newest(at, number).id)
    assert {each.state for each in slices} == {"waiting"}


async def test_progress_is_shown_with_count_rate_and_time_left(at: At, key: str) -> None:
    browser = await at.person()
    number = await connected(at, browser, key)
    page = f"{HOME}/stripe/{number}"
    await browser.fill(page, f"{page}/history", {"range": "12"})
    part = ListProgress(name="charges", state="waiting", seen=1200, estimate=4800, slices=4, slices_done=1)
    how = Progress(
        phase="listing", seen=1200, estimate=4800, unread=77, rate=60.0, seconds_left=60.0, lists=(part,)
    )
    with at.house.db.transaction() as cx:
        slices_store.tell(cx, link_of(at, number), how)
    shown = words((await browser.get(page)).text)
    for told in ("Coming in", "1,200 of about 4,800", "60/s", "1 min left", "77 to post"):
        assert told in shown
    with at.house.db.transaction() as cx:
        cx.execute(
            "update backfill set told_at = now() - interval '1 minute', started_at = now() - interval '2 minutes'"
        )
    assert "Waits for a worker" in words((await browser.get(page)).text)
    refused = msgspec.structs.replace(part, state="refused", note="The key lacks <b>rak_charge_read</b>")
    with at.house.db.transaction() as cx:
        slices_store.tell(cx, link_of(at, number), msgspec.structs.replace(how, lists=(refused,)))
    assert "&lt;b&gt;rak_charge_read" in (await browser.get(page)).text


async def test_only_stripe_has_a_history(at: At, tmp_path: object) -> None:
    browser, form = await at.person(), f"{HOME}/beancount/connect/folder"
    made = await browser.fill(form, form, {"folder": f"{tmp_path}/acme", "mode": "test"})
    page = made.headers["location"]
    assert "No history was brought in" not in (await browser.get(page)).text
    assert (await browser.fill(page, f"{page}/history", {"range": "12"})).status_code == 400
    assert (await browser.get(f"{page}/advanced")).status_code == 200


# --- limits and version ---


async def test_limits_are_kept_and_given_back(at: At, key: str) -> None:
    browser = await at.person()
    number = await connected(at, browser, key)
    page = f"{HOME}/stripe/{number}/advanced"
    assert PINNED_VERSION in (await browser.get(page)).text
    sent = {f"limit:{each.name}": str(each.usual) for each in at.connecting.limits(at.house.every()[0])}
    assert (
        await browser.fill(page, f"{HOME}/stripe/{number}/limits", {**sent, "limit:account": "50"})
    ).status_code == 303
    assert at.house.every()[0].settings["limits"] == {"account": 50}
    assert "The limits are kept from now on." in words((await browser.get(page)).text)
    refused = await browser.fill(page, f"{HOME}/stripe/{number}/limits", {**sent, "limit:account": "0"})
    assert refused.status_code == 400
    assert (await browser.fill(page, f"{HOME}/stripe/{number}/limits", sent)).status_code == 303
    assert "limits" not in at.house.every()[0].settings


async def test_a_version_that_is_behind_is_told(at: At, key: str) -> None:
    browser = await at.person()
    number = await connected(at, browser, key)
    with at.house.db.transaction() as cx:
        cx.execute("update connection set api_version = '2025-09-30.clover'")
    assert "API version: Behind" in words((await browser.get(HOME)).text)
    shown = words((await browser.get(f"{HOME}/stripe/{number}/advanced")).text)
    assert "2025-09-30.clover" in shown
    assert f"bookhand speaks {PINNED_VERSION} now" in shown


def test_the_end_of_a_version_is_told_half_a_year_ahead() -> None:
    version = Version(name="9", says="", ends="2027-06-01")

    def kind(today: str) -> str:
        return standing(version, "9", today=date.fromisoformat(today)).kind

    assert [kind(day) for day in ("2026-11-28", "2026-12-03", "2027-06-01", "2027-06-02")] == [
        "current", "ending", "ending", "ended",
    ]  # fmt: skip


def test_older_versions_have_an_end_of_their_own() -> None:
    version = Version(name="9", says="", older_end="2026-11-01")
    assert standing(version, "8", today=date(2026, 11, 2)).kind == "ended"
    assert standing(version, "9", today=date(2026, 11, 2)).kind == "current"


async def test_a_version_past_its_end_is_a_problem_until_the_account_speaks_another(at: At, key: str) -> None:
    browser = await at.person()
    number = await connected(at, browser, key, name="Lantern")
    at.house.watch_versions(lambda _: Version(name=PINNED_VERSION, says="", ends="2026-01-31"))
    found = words((await browser.get("/problems")).text)
    assert (
        f"Lantern speaks API version {PINNED_VERSION}, which is not answered any more since 2026-01-31"
        in found
    )
    assert "One Problem is open." in words((await browser.get("/")).text)
    at.house.watch_versions(lambda _: Version(name="2027-09-29.fern", says="", older_end="2026-01-31"))
    moves = "connect the account again, and it moves to 2027-09-29.fern"
    assert moves in words((await browser.get("/problems")).text)
    with at.house.db.transaction() as cx:
        store.set_status(cx, number, "disconnected")
    at.house.watch_versions(lambda _: Version(name=PINNED_VERSION, says="", ends="2026-01-31"))
    assert "Lantern speaks" not in words((await browser.get("/problems")).text)


async def test_who_keeps_the_books_looks_at_the_versions_too(at: At, key: str) -> None:
    browser = await at.person()
    await connected(at, browser, key)
    at.house.watch_versions(lambda _: Version(name="2027-09-29.fern", says="", older_end="2026-01-31"))
    assert "speaks API version" in words((await browser.get("/problems")).text)
    Keeper(at.house).look()
    assert "speaks API version" not in words((await browser.get("/problems")).text)


# --- letting go ---


async def test_what_will_pause_is_listed_before_anything_is_done(at: At, key: str) -> None:
    browser = await at.person()
    number = await connected(at, browser, key, name="Seller")
    with at.house.db.transaction() as cx:
        cx.execute(
            """
            insert into run (workspace_id, run_id, template, state, who, name, role, grantee, channel, prompt, connection_id)
            values (%s, 'run_1', 'act', 'waiting', 'person:1', 'Owner', 'owner', 'person:1', 'web', 'Refund <b>15.00</b> USD', %s)
            """,
            (at.house.db.workspace_id, number),
        )
    page = f"{HOME}/stripe/{number}"
    await browser.fill(page, f"{page}/history", {"range": "12"})
    leaving = await browser.get(f"{page}/disconnect")
    for told in (
        "1 run would stand still before its next step",
        "The backfill would stop after the page that is under way",
        "be proven no more",
    ):
        assert told in words(leaving.text)
    assert "Refund &lt;b&gt;15.00" in leaving.text
    assert 'href="/runs/run_1"' in leaving.text
    assert at.house.every()[0].status == "active"  # looking changes nothing
    with at.house.db.transaction() as cx:
        assert runs.get(cx, "run_1").state == "waiting"


async def test_a_connection_says_what_would_pause_and_a_lost_one_what_does(at: At, key: str) -> None:
    browser = await at.person()
    number = await connected(at, browser, key, name="Seller")
    page = f"{HOME}/stripe/{number}"
    healthy = words((await browser.get(page)).text)
    assert "Its books would grow no further" in healthy
    assert "grow no further, and are proven no more" not in healthy
    assert "pauses" not in healthy
    await browser.fill(f"{page}/disconnect", f"{page}/disconnect", {})
    lost = words((await browser.get(page)).text)
    assert "Its books grow no further, and are proven no more" in lost
    assert "would" not in lost


async def test_letting_go_forgets_the_key_and_keeps_the_connection(at: At, key: str) -> None:
    browser = await at.person()
    number = await connected(at, browser, key, name="Seller")
    page = f"{HOME}/stripe/{number}"
    answer = await browser.fill(f"{page}/disconnect", f"{page}/disconnect", {})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{HOME}/stripe")
    with at.house.db.transaction() as cx:
        assert cx.execute("select count(*) from secret").fetchone() == (0,)
        noted = cx.execute("select body from trail where what = 'connection.disconnected'").fetchall()
    assert "person:1" in str(noted)
    assert at.house.every()[0].status == "disconnected"
    assert "Seller is disconnected." in words((await browser.get(f"{HOME}/stripe")).text)
    assert (await browser.fill(page, f"{page}/disconnect", {})).status_code == 409


async def test_who_may_not_manage_changes_nothing(at: At, key: str) -> None:
    number = await connected(at, await at.person(), key)
    page = f"{HOME}/stripe/{number}"
    for role in ("viewer", "approver"):
        browser = await at.person(role)  # type: ignore[arg-type]
        assert (await browser.get(page)).status_code == 200
        assert (await browser.get(f"{page}/disconnect")).status_code == 403
        for act in ("disconnect", "history", "history/pause", "limits"):
            assert (await browser.fill(page, f"{page}/{act}", {"range": "12"})).status_code == 403, act
    assert at.house.every()[0].status == "active"
    with at.house.db.transaction() as cx:
        assert slices_store.latest(cx, link_of(at, number)) is None
