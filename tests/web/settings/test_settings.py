"""The settings: what each role sees and may change, links and tokens that are shown once, limits read exactly."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.web.page.conftest import House

from bookhand.db.engine import Database

PAGES = ("/settings", "/settings/people", "/settings/tokens", "/settings/limits", "/settings/notices")


@pytest.fixture
def web(db: Database, tmp_path: Any) -> House:
    return House(db, tmp_path)


@pytest.mark.parametrize("path", PAGES)
async def test_everybody_sees_the_settings(web: House, path: str) -> None:
    for role in ("owner", "viewer", "auditor"):
        answer = await (await web.person(role)).get(path)
        assert answer.status_code == 200, (role, answer.text[:400])
        assert 'aria-current="page"' in answer.text


@pytest.mark.parametrize("path", PAGES)
async def test_strangers_are_led_to_the_sign_in(web: House, path: str) -> None:
    web.entry_link()
    answer = await web.browser().get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


async def test_an_invitation_is_shown_once_and_lets_somebody_in(web: House) -> None:
    owner = await web.owner()
    answer = await owner.fill(
        "/settings/people", "/settings/people/invite", {"email": "bo@example.com", "role": "approver"}
    )
    assert answer.status_code == 201
    link = re.search(r"/welcome/(bhl_[\w-]+)", answer.text)
    assert link is not None
    later = (await owner.get("/settings/people")).text
    assert link[1] not in later
    assert "bo@example.com" in later
    assert (await web.browser().come(link[1])).status_code == 303
    assert "approver" in (await owner.get("/settings/people")).text


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/settings/people/invite", {"email": "x@example.com", "role": "viewer"}),
        ("/settings/people/1/role", {"role": "owner"}),
        ("/settings/people/1/disable", {}),
        ("/settings/people/1/enable", {}),
        ("/settings/people/1/link", {}),
        ("/settings/limits", {"grantee": "*", "pattern": "*", "day_count": "1"}),
        ("/settings/limits/1/end", {}),
        ("/settings/standing/stand_1", {"state": "ended", "why": "x"}),
    ],
)
async def test_who_may_not_is_refused_and_nothing_changes(
    web: House, path: str, fields: dict[str, str]
) -> None:
    await web.owner()
    viewer = await web.person("viewer")
    before = (await viewer.get("/settings/people")).text.count("<tr>")
    answer = await viewer.fill("/settings", path, fields)
    assert answer.status_code == 403, answer.text[:300]
    assert (await viewer.get("/settings/people")).text.count("<tr>") == before


@pytest.mark.parametrize(
    "path", ["/settings/people/invite", "/settings/tokens", "/settings/limits", "/settings/reading"]
)
async def test_a_form_without_its_token_is_refused(web: House, path: str) -> None:
    owner = await web.owner()
    answer = await owner.client.post(
        path, data={"email": "x@example.com", "role": "viewer", "name": "n", "scope": "read"}
    )
    assert answer.status_code == 403


async def test_a_role_that_is_changed_and_one_that_is_none(web: House) -> None:
    owner = await web.owner()
    await web.person("viewer")
    people = (await owner.get("/settings/people")).text
    number = re.search(r"/settings/people/(\d+)/role", people)
    assert number is not None
    path = f"/settings/people/{number[1]}/role"
    assert (await owner.fill("/settings/people", path, {"role": "king"})).status_code == 400
    answer = await owner.fill("/settings/people", path, {"role": "operator"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings/people")
    told = (await owner.get("/settings/people")).text
    assert "is operator now" in told
    assert "is operator now" not in (await owner.get("/settings/people")).text


async def test_nobody_makes_an_owner_but_an_owner(web: House) -> None:
    await web.owner()
    admin = await web.person("admin")
    answer = await admin.fill(
        "/settings/people", "/settings/people/invite", {"email": "x@example.com", "role": "owner"}
    )
    assert answer.status_code in {400, 403}
    assert "/welcome/" not in answer.text


async def test_a_token_is_shown_once_and_works_until_it_is_revoked(web: House) -> None:
    owner = await web.owner()
    fields = {"name": "payroll <b>", "scope": "read", "days": "30"}
    answer = await owner.fill("/settings/tokens", "/settings/tokens", fields)
    secret = re.search(r"bhk_[\w-]+", answer.text)
    assert answer.status_code == 201
    assert secret is not None
    listed = (await owner.get("/settings/tokens")).text
    assert secret[0] not in listed
    assert "payroll &lt;b&gt;" in listed
    by_token = web.browser()
    bearer = {"authorization": f"Bearer {secret[0]}"}
    assert (await by_token.get("/settings", **bearer)).status_code in {200, 400}
    number = re.search(r"/settings/tokens/(\d+)/revoke", listed)
    assert number is not None
    await owner.fill("/settings/tokens", f"/settings/tokens/{number[1]}/revoke", {})
    assert "payroll" not in (await owner.get("/settings/tokens")).text
    assert (await by_token.get("/settings", **bearer)).status_code == 303


@pytest.mark.parametrize(
    "fields", [{"name": "n"}, {"name": "", "scope": "read"}, {"name": "n", "scope": "read", "days": "zero"}]
)
async def test_half_a_token_is_refused(web: House, fields: dict[str, str]) -> None:
    owner = await web.owner()
    answer = await owner.fill("/settings/tokens", "/settings/tokens", fields)
    assert answer.status_code == 400
    assert "bhk_" not in answer.text


async def test_a_limit_is_read_to_the_minor_unit_and_taken_away(web: House) -> None:
    owner = await web.owner()
    fields = {
        "grantee": "*",
        "pattern": "refunds.create",
        "currency": "kwd",
        "day_minor": "1,234.567",
        "four_eyes_minor": "50",
    }
    answer = await owner.fill("/settings/limits", "/settings/limits", fields)
    assert answer.status_code == 303, answer.text[-900:]
    with web.db.transaction() as cx:
        rows = cx.execute("select currency, day_minor, four_eyes_minor from budget").fetchall()
    assert rows == [("KWD", 1234567, 50000)]
    listed = (await owner.get("/settings/limits")).text
    number = re.search(r"/settings/limits/(\d+)/end", listed)
    assert number is not None
    assert "1,234.567" in listed
    await owner.fill("/settings/limits", f"/settings/limits/{number[1]}/end", {})
    assert "1,234.567" not in (await owner.get("/settings/limits")).text


async def test_a_limit_is_read_as_its_person_writes_amounts(web: House) -> None:
    owner = await web.owner()
    await owner.fill("/settings", "/settings/reading", {"zone": "Europe/Berlin", "locale": "de_DE"})
    for day, customer in (("1.000", "5,00"), ("1234,5", "0,01")):
        fields = {
            "grantee": "*",
            "pattern": "refunds.create",
            "currency": "USD",
            "day_minor": day,
            "customer_minor": customer,
        }
        answer = await owner.fill("/settings/limits", "/settings/limits", fields)
        assert answer.status_code == 303, answer.text[-900:]
    wrong = {"grantee": "*", "pattern": "refunds.create", "currency": "USD", "day_minor": "5.00"}
    answer = await owner.fill("/settings/limits", "/settings/limits", wrong)
    assert (answer.status_code, "1.234,50" in answer.text) == (400, True)
    with web.db.transaction() as cx:
        rows = cx.execute("select day_minor, customer_minor from budget order by budget_id").fetchall()
    assert rows == [(100_000, 500), (123_450, 1)]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"currency": "JPY", "day_minor": "1.50"}, "no decimals"),
        ({"currency": "XXY", "day_minor": "1"}, "no currency"),
        ({"currency": "USD", "day_minor": "-1"}, "not negative"),
        ({"currency": "USD", "day_minor": "1,23"}, "no amount"),
        ({"day_minor": "5"}, "no currency"),
        ({"currency": "KWD", "day_minor": "1.2345"}, "3 decimals"),
        ({"day_count": "many"}, "no whole number"),
        ({"pattern": "nonsense.never", "day_count": "1"}, "nonsense.never"),
    ],
)
async def test_a_limit_that_is_none_is_shown_again_with_what_was_typed(
    web: House, fields: dict[str, str], said: str
) -> None:
    owner = await web.owner()
    answer = await owner.fill(
        "/settings/limits", "/settings/limits", {"grantee": "*", "pattern": "refunds.create", **fields}
    )
    assert answer.status_code in {400, 404}
    assert said in answer.text
    for value in fields.values():
        assert f'value="{value}"' in answer.text
    with web.db.transaction() as cx:
        assert cx.execute("select count(*) from budget").fetchone() == (0,)


async def test_how_pages_read_is_kept_by_the_browser_alone(web: House) -> None:
    owner = await web.owner()
    await owner.fill("/settings", "/settings/reading", {"zone": "Asia/Tokyo", "locale": "de_DE"})
    page = (await owner.get("/settings")).text
    assert 'data-zone="Asia/Tokyo"' in page
    assert 'data-locale="de-DE"' in page
    bad = await owner.fill("/settings", "/settings/reading", {"zone": "../etc/passwd", "locale": ""})
    assert bad.status_code == 400


async def test_a_password_is_changed_by_who_knows_the_one_before(web: House) -> None:
    owner = await web.owner()
    assert "bookhand owner" in (await owner.get("/settings")).text
    await owner.fill(
        "/settings/people", "/settings/people/invite", {"email": "cy@example.com", "role": "viewer"}
    )
    link = re.search(
        r"/welcome/(bhl_[\w-]+)",
        (
            await owner.fill(
                "/settings/people", "/settings/people/invite", {"email": "dy@example.com", "role": "viewer"}
            )
        ).text,
    )
    assert link is not None
    dy = web.browser()
    await dy.come(link[1])
    new = "four other quiet words"
    differ = await dy.fill(
        "/settings", "/settings/password", {"before": "tram velvet orchid nine", "after": new, "again": "x"}
    )
    assert differ.status_code == 400
    wrong = await dy.fill("/settings", "/settings/password", {"before": "no", "after": new, "again": new})
    assert wrong.status_code in {400, 401}
    right = await dy.fill(
        "/settings", "/settings/password", {"before": "tram velvet orchid nine", "after": new, "again": new}
    )
    assert right.status_code == 303
    assert (await web.browser().sign_in("dy@example.com", new)).status_code == 303


async def test_a_session_of_ones_own_is_ended(web: House) -> None:
    owner = await web.owner()
    other = await web.owner()
    numbers = re.findall(r"/settings/sessions/(\d+)/end", (await other.get("/settings")).text)
    await other.fill("/settings", f"/settings/sessions/{min(map(int, numbers))}/end", {})
    assert (await owner.get("/settings")).status_code == 303
    assert (await other.get("/settings")).status_code == 200
