"""The first page: what a newcomer sees, and what the sums that are kept say."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from tests.web.page.conftest import House

from bookhand.core.problems import Problem
from bookhand.db.engine import Database
from bookhand.systems import store as connections
from bookhand.systems.store import NewConnection
from bookhand.web.home import store
from bookhand.web.home.seen import month_before, needs, whole_year
from bookhand.web.home.store import Month, Waits
from bookhand.workspace.store import report


@pytest.fixture
def web(db: Database, tmp_path: Any) -> House:
    return House(db, tmp_path)


def test_months_before() -> None:
    assert [month_before(date(2026, 1, 31), ago) for ago in (0, 1, 12, 13)] == [
        "2026-01",
        "2025-12",
        "2025-01",
        "2024-12",
    ]


def test_a_year_has_every_month_once() -> None:
    year = whole_year([Month(month="2026-03", sales=5, refunds=-2, fees=-1)], date(2026, 4, 1))
    assert [each.month for each in year][:2] == ["2025-05", "2025-06"]
    assert len(year) == 12
    assert [each.left for each in year if each.sales] == [2]


def test_only_what_waits_is_told() -> None:
    quiet = Waits(approvals=0, questions=0, breaks=0, runs=0, problems=0, unknown=0)
    assert needs(quiet) == []
    assert not quiet.any
    pressing = needs(
        Waits(approvals=2, questions=0, breaks=1, runs=0, problems=0, unknown=1, pauses=("Lantern",))
    )
    assert [each.key for each in pressing] == ["connection", "unknown", "approvals", "breaks"]


async def test_a_newcomer_is_led(web: House) -> None:
    owner = await web.owner()
    page = (await owner.get("/")).text
    assert 'class="guide"' in page
    assert 'href="/settings/integrations/stripe"' in page
    assert "data-chart" not in page
    assert page.index('href="/settings/integrations/stripe"') < page.index("bookhand connect stripe")
    begin = await owner.get("/begin")
    assert begin.status_code == 200


async def test_a_lost_account_is_one_click_from_being_connected_again(web: House, db: Database) -> None:
    owner, viewer = await web.owner(), await web.person("viewer")
    with db.transaction() as cx:
        made = connections.keep(cx, db.workspace_id, connection("Lantern <b>", "live"))
    again = f"/settings/integrations/stripe/{made.id}"
    assert again not in (await owner.get("/")).text
    with db.transaction() as cx:
        connections.set_status(cx, made.id, "disconnected", reason="the account took its access back")
    page = (await owner.get("/")).text
    assert f'href="{again}"' in page
    assert "Connect Lantern &lt;b&gt; again" in page
    assert (await owner.get(again)).text.count(f"again={made.id}") > 0
    told = (await viewer.get("/")).text
    assert f'href="{again}"' not in told
    assert "An owner or admin can connect Lantern &lt;b&gt; again." in told


async def test_a_problem_is_found_from_the_first_page(web: House, db: Database) -> None:
    owner = await web.owner()
    with db.transaction() as cx:
        made = connections.keep(cx, db.workspace_id, connection("Lantern <b>", "live"))
        for number in range(60):
            report(
                cx,
                made.link,
                [
                    Problem(
                        kind="unknown_type", subject=f"txn_{number}", message=f"Nobody knows <i>{number}</i>."
                    )
                ],
            )
    assert "60 Problems are open." in (await owner.get("/")).text
    first = (await owner.get("/problems")).text
    assert "&lt;i&gt;" in first
    assert "<i>" not in first
    assert first.count("Unknown type") == 50
    following = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    second = (await owner.get(following)).text
    assert second.count("Unknown type") == 10
    assert (await owner.get("/problems?cursor=nonsense")).status_code == 400


async def test_live_money_is_shown_where_there_is_any_and_never_mixed_with_test_money(
    web: House, db: Database
) -> None:
    owner = await web.owner()
    now = datetime.now(UTC)
    with db.transaction() as cx:
        for name, mode, minor in (("Live", "live", 12345), ("Trial", "test", 99999)):
            made = connections.keep(cx, db.workspace_id, connection(name, mode))
            key = (db.workspace_id, made.id)
            cx.execute(
                "insert into journal_balance values (%s, %s, 'stripe_clearing:payments', 'USD', %s)",
                (*key, minor),
            )
            cx.execute(
                "insert into journal_activity values (%s, %s, %s, 'revenue', 'USD', %s)",
                (*key, now.strftime("%Y-%m"), -minor),
            )
        assert store.mode(cx) == "live"
    page = (await owner.get("/")).text
    assert "123.45" in page
    assert "999.99" not in page


def connection(name: str, mode: str) -> NewConnection:
    return NewConnection(
        system="stripe", account=f"acct_{name.split(maxsplit=1)[0]}", mode=mode, livemode=mode == "live", default_name=name, auth="key",
        api_version="2026-10-28.endive",
    )  # fmt: skip
