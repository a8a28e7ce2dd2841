"""Permissions of a connection: the specified defaults, changed row by row, and a right taken back at once."""

from __future__ import annotations

import re

import pytest
from tests.web.integrations.conftest import HOME, At, connected, words

from bookhand.actions.rights.policy import DEFAULT_GRANTS, EVERYONE, Grant, allows
from bookhand.systems.stripe.actions import ACTIONS
from bookhand.web.integrations.rights_seen import changes, resources

pytestmark = pytest.mark.anyio
BY_NAME = {each.name: each for each in ACTIONS}


def states(
    grants: list[Grant], *, grantee: str = EVERYONE, standings: tuple[dict[str, object], ...] = ()
) -> dict[str, str]:
    found = resources(ACTIONS, grants, standings, grantee=grantee)
    return {right.action: right.state for resource in found for right in resource.rights}


def test_by_default_reads_are_allowed_writes_ask_and_what_nothing_speaks_of_is_refused() -> None:
    found = states(list(DEFAULT_GRANTS))
    assert {
        found[name] for name in ("charges.list", "customers.retrieve", "disputes.list", "invoices.list")
    } == {"allowed"}
    assert {
        found[name] for name in ("refunds.create", "subscriptions.update", "disputes.stage_evidence")
    } == {"asks"}
    assert {
        found[name]
        for name in ("subscriptions.cancel", "disputes.submit_evidence", "invoices.void", "payouts.list")
    } == {"refused"}


def test_what_is_shown_is_what_the_door_decides() -> None:
    grants = [
        *DEFAULT_GRANTS,
        Grant("agent:chat", "refunds.create", allowed=False),
        Grant(EVERYONE, "invoices:write"),
    ]
    for grantee in (EVERYONE, "agent:chat", "person:3"):
        for name, state in states(grants, grantee=grantee).items():
            reads = BY_NAME[name].risk == "read"
            assert (state != "refused") == allows(grants, grantee=grantee, action=name, reads=reads), name


def test_under_an_open_standing_approval_a_write_passes() -> None:
    standing = {"state": "open", "grantee": "agent:mirror", "patterns": ["refunds:write"]}
    grants = list(DEFAULT_GRANTS)
    assert states(grants, grantee="agent:mirror", standings=(standing,))["refunds.create"] == "passes"
    assert states(grants, grantee="agent:chat", standings=(standing,))["refunds.create"] == "asks"
    assert (
        states(grants, grantee="agent:mirror", standings=({**standing, "state": "stopped"},))[
            "refunds.create"
        ]
        == "asks"
    )


def test_only_what_is_to_stand_otherwise_is_changed() -> None:
    found = resources(ACTIONS, list(DEFAULT_GRANTS), (), grantee=EVERYONE)
    wanted = {"refunds.create": False, "charges.list": True, "subscriptions.cancel": True}
    assert sorted(changes(found, wanted)) == [("refunds.create", False), ("subscriptions.cancel", True)]


async def test_a_right_is_given_and_taken_for_one_agent_at_one_connection(at: At, key: str) -> None:
    browser = await at.person()
    number = await connected(at, browser, key, name="Seller")
    page = f"{HOME}/stripe/{number}/permissions"
    shown = (await browser.get(f"{page}?to=agent:chat")).text
    assert 'name="may:refunds.create"' in shown
    assert "for Everybody (default)" in words(shown)
    sent = {
        "to": "agent:chat",
        "may:refunds.create": "no",
        "may:subscriptions.cancel": "yes",
        "may:charges.list": "yes",
    }
    answer = await browser.fill(page, page, sent)
    assert answer.status_code == 303, answer.text
    permissions = at.house.door.governing.permissions(owner(at))
    mine = {
        (each.grantee, each.pattern): each.allowed for each in permissions if each.connection_id == number
    }
    assert mine == {("agent:chat", "refunds.create"): False, ("agent:chat", "subscriptions.cancel"): True}
    after = words((await browser.get(f"{page}?to=agent:chat")).text)
    assert "2 permissions were changed." in after
    with at.house.db.transaction() as cx:
        noted = cx.execute(
            "select count(*) from trail where what in ('permission.allowed', 'permission.forbidden')"
        ).fetchone()
    assert noted == (2,)


async def test_a_right_is_taken_back_at_once_with_a_reason(at: At, key: str) -> None:
    browser = await at.person()
    number = await connected(at, browser, key)
    page = f"{HOME}/stripe/{number}/permissions"
    sent = {"to": "*", "pattern": "refunds.create", "why": ""}
    assert (await browser.fill(page, f"{page}/revoke", sent)).status_code == 400
    answer = await browser.fill(page, f"{page}/revoke", {**sent, "why": "Refunds went wrong"})
    assert answer.status_code == 303, answer.text
    assert "refunds.create is taken back" in words((await browser.get(page)).text)
    row = re.search(r"<code>refunds\.create</code>.*?</tr>", (await browser.get(page)).text, re.DOTALL)
    assert row is not None
    assert "Refused" in row[0]


async def test_who_may_not_manage_sees_and_changes_nothing(at: At, key: str) -> None:
    number = await connected(at, await at.person(), key)
    viewer, page = await at.person("viewer"), f"{HOME}/stripe/{number}/permissions"
    assert "may:refunds.create" not in (await viewer.get(page)).text
    assert (await viewer.fill(HOME, page, {"to": "*", "may:refunds.create": "no"})).status_code == 403
    revoked = await viewer.fill(HOME, f"{page}/revoke", {"to": "*", "pattern": "refunds.create", "why": "x"})
    assert revoked.status_code == 403


async def test_nobody_is_named_by_nonsense(at: At, key: str) -> None:
    browser = await at.person()
    number = await connected(at, browser, key)
    answer = await browser.get(f"{HOME}/stripe/{number}/permissions?to=<script>")
    assert answer.status_code == 400
    assert "<script>" not in answer.text.split("<main", 1)[1].split("</main>")[0]


def owner(at: At):  # type: ignore[no-untyped-def]
    from bookhand.core.caller import Caller, capabilities

    return Caller(
        workspace_id=at.house.db.workspace_id, who="person:1", name="Owner", role="owner", can=capabilities("owner"), channel="web"
    )  # fmt: skip
