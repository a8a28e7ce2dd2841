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
from bookhand.workspace.store import clear, report


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


async def test_what_books_wait_for_alike_is_one_problem_and_each_book_keeps_its_own(
    web: House, db: Database
) -> None:
    owner = await web.owner()
    payout = Problem(kind="book_waits_breakdown", subject="po_1", message="Payout po_1 is not whole: off.")
    account = Problem(
        kind="book_waits_unmapped", subject="fx_fees in EUR", message="It is mapped to nothing."
    )
    refused = Problem(
        kind="book_document_refused", subject="acct_1:test:po_2", message="The book refused it."
    )
    with db.transaction() as cx:
        books = [
            connections.keep(cx, db.workspace_id, book(name)) for name in ("Clearing", "Deposits", "Days")
        ]
        for each in books[:2]:
            report(cx, each.link, [payout, account, refused])
        days = Problem(kind=payout.kind, subject=payout.subject, message="Payout po_1 is not whole yet.")
        report(cx, books[2].link, [days])
    assert (
        "4 Problems are open." in (await owner.get("/")).text
    )  # po_1, the account, and a document in each of two books
    page = (await owner.get("/problems")).text
    rows = [row for row in page.split("<tr>") if "<td" in row]
    assert len(rows) == 4
    of_payout = next(row for row in rows if "<code>po_1</code>" in row)
    assert all(f'href="/books/outside/{each.id}">{each.name}' in of_payout for each in books)
    assert of_payout.count("Payout po_1 is not whole: off.") == 1
    assert "Days: Payout po_1 is not whole yet." in " ".join(of_payout.split())
    assert of_payout.count('href="/payouts/po_1"') == 1
    of_account = next(row for row in rows if "fx_fees" in row)
    assert all(f"/books/outside/{each.id}/setup" in of_account for each in books[:2])
    assert sum(f"/books/outside/{each.id}/retry" in row for row in rows for each in books) == 2
    with db.transaction() as cx:
        clear(cx, books[0].link, kind=payout.kind)
    row = next(row for row in (await owner.get("/problems")).text.split("<tr>") if "<code>po_1</code>" in row)
    assert f'href="/books/outside/{books[0].id}"' not in row
    assert f'href="/books/outside/{books[1].id}"' in row


async def test_problems_of_one_moment_are_all_on_some_page(web: House, db: Database) -> None:
    owner = await web.owner()
    with db.transaction() as cx:  # one moment for all, and one subject
        for number in range(60):
            made = connections.keep(cx, db.workspace_id, connection(f"Lantern{number:02}", "live"))
            report(
                cx, made.link, [Problem(kind="read_quota", subject="all", message=f"Of Lantern{number:02}.")]
            )
    first = (await owner.get("/problems")).text
    following = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    both = first + (await owner.get(following)).text
    assert all(f"Of Lantern{number:02}." in both for number in range(60))


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


def book(name: str) -> NewConnection:
    return NewConnection(
        system="beancount", account=name, mode="test", livemode=False, default_name=name, auth="folder", api_version="3",
    )  # fmt: skip


def connection(name: str, mode: str) -> NewConnection:
    return NewConnection(
        system="stripe", account=f"acct_{name.split(maxsplit=1)[0]}", mode=mode, livemode=mode == "live", default_name=name, auth="key",
        api_version="2026-10-28.endive",
    )  # fmt: skip
