"""The API about people: who may call, what each call does, and what it never tells."""

from __future__ import annotations

import json
import time

import httpx
import pytest
from tests.web.browsing import PASSWORD, Web

from bookhand.db.engine import Database
from bookhand.workspace.people import totp


@pytest.fixture
def web(db: Database, tmp_path) -> Web:
    return Web(db, tmp_path)


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["kind"]


async def test_sign_in_me_and_out(web):
    await web.owner()
    browser = web.browser()
    wrong = await browser.call("POST", "/session", {"email": "ada@example.com", "password": "hush hush hush"})
    assert error(wrong) == (401, "unauthenticated")
    begun = await browser.call("POST", "/session", {"email": "ada@example.com", "password": PASSWORD})
    assert begun.status_code == 201
    assert browser.session is not None
    assert browser.session not in begun.text
    me = (await browser.call("GET", "/me")).json()
    assert (me["who"], me["role"], me["channel"], "own" in me["can"]) == ("person:1", "owner", "rest", True)
    assert (await browser.call("DELETE", "/session")).status_code == 204
    assert error(await browser.call("GET", "/me")) == (401, "unauthenticated")


async def test_a_second_factor_is_asked_for(web):
    owner = await web.owner()
    begun = (await owner.call("POST", "/me/totp")).json()
    codes = (
        await owner.call("PUT", "/me/totp", {"code": totp.code_at(begun["secret"], time.time() - 30)})
    ).json()["codes"]
    sent = {"email": "ada@example.com", "password": PASSWORD}
    browser = web.browser()
    assert error(await browser.call("POST", "/session", sent)) == (401, "second_needed")
    assert browser.session is None
    assert error(await browser.call("POST", "/session", sent | {"totp": "000000"})) == (
        401,
        "unauthenticated",
    )
    assert (await browser.call("POST", "/session", sent | {"totp": codes[0]})).status_code == 201
    assert error(await owner.call("POST", "/me/second-factors/remove", {"password": "wrong"})) == (
        401,
        "unauthenticated",
    )
    assert (await owner.call("POST", "/me/second-factors/remove", {"password": PASSWORD})).status_code == 204
    assert (await web.browser().call("POST", "/session", sent)).status_code == 201


async def test_a_call_that_changes_something_by_cookie_must_be_ours(web):
    owner = await web.owner()
    begun = await web.browser().call("POST", "/session", {"email": "ada@example.com", "password": PASSWORD})
    body = {"email": "eve@example.com", "role": "owner"}
    for headers in (
        {}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"}, {"origin": "null"},
        {"x-csrf-token": "0" * 64}, {"x-csrf-token": begun.json()["csrf"]}, {"sec-fetch-site": "none"},
    ):  # fmt: skip
        answer = await owner.client.post("/api/v1/invitations", json=body, headers=headers)
        assert error(answer) == (403, "not_allowed"), headers
    assert (await owner.client.get("/api/v1/invitations")).json() == []
    assert (
        await owner.client.post("/api/v1/invitations", json=body, headers={"origin": "http://localhost:8787"})
    ).status_code == 201
    fresh = web.browser()
    csrf = (await fresh.call("POST", "/session", {"email": "ada@example.com", "password": PASSWORD})).json()[
        "csrf"
    ]
    assert (
        await fresh.client.post("/api/v1/invitations", json=body, headers={"x-csrf-token": csrf})
    ).status_code == 201


async def test_another_site_cannot_sign_a_browser_in(web):
    await web.owner()
    answer = await web.browser().client.post(
        "/api/v1/session",
        json={"email": "ada@example.com", "password": PASSWORD},
        headers={"sec-fetch-site": "cross-site"},
    )
    assert error(answer) == (403, "not_allowed")


async def test_a_token_speaks_without_cookie_and_alone(web):
    owner = await web.owner()
    made = (await owner.call("POST", "/tokens", {"name": "ci", "scopes": ["read", "people"]})).json()
    robot = web.browser(authorization=f"Bearer {made['secret']}")
    me = (await robot.call("GET", "/me")).json()
    assert (me["can"], me["token"]) == (["people", "read"], made["token"]["id"])
    invited = await robot.client.post(
        "/api/v1/invitations", json={"email": "v@example.com", "role": "viewer"}
    )
    assert invited.status_code == 201
    assert error(
        await robot.client.post("/api/v1/invitations", json={"email": "o@example.com", "role": "owner"})
    ) == (403, "not_allowed")
    assert error(await robot.client.post("/api/v1/tokens", json={"name": "more", "scopes": ["read"]})) == (
        403,
        "not_allowed",
    )
    owner.client.headers["authorization"] = "Bearer bhk_wrong"
    assert error(await owner.call("GET", "/me")) == (401, "unauthenticated")
    del owner.client.headers["authorization"]
    listed = await owner.call("GET", "/tokens")
    assert made["secret"] not in listed.text
    assert (await owner.call("DELETE", f"/tokens/{made['token']['id']}")).status_code == 204
    assert error(await robot.call("GET", "/me")) == (401, "unauthenticated")


async def test_people_roles_and_the_last_owner(web):
    owner = await web.owner()
    operator = await web.person("operator", owner)
    people = (await operator.call("GET", "/people")).json()
    assert [(each["email"], each["role"]) for each in people] == [
        ("ada@example.com", "owner"),
        ("operator@example.com", "operator"),
    ]
    assert "password" not in str(people)
    assert error(await operator.call("PUT", "/people/2/role", {"role": "owner"})) == (403, "not_allowed")
    assert error(await operator.call("GET", "/invitations")) == (403, "not_allowed")
    assert error(await owner.call("PUT", "/people/1/role", {"role": "viewer"})) == (422, "refused")
    assert error(await owner.call("POST", "/people/1/disable")) == (422, "refused")
    assert error(await owner.call("PUT", "/people/99/role", {"role": "viewer"})) == (404, "not_found")
    assert (await owner.call("PUT", "/people/2/role", {"role": "approver"})).json()["role"] == "approver"
    assert error(await operator.call("GET", "/me")) == (401, "unauthenticated")
    assert (await owner.call("POST", "/people/2/disable")).json()["disabled_at"] is not None
    assert (await owner.call("POST", "/people/2/enable")).json()["disabled_at"] is None
    link = (await owner.call("POST", "/people/2/link")).json()
    assert link["invitation"]["kind"] == "reset"
    assert (
        await web.browser().come(link["path"].rpartition("/")[2], "another four good words")
    ).status_code == 303


async def test_invitations_and_sessions(web):
    owner = await web.owner()
    made = (await owner.call("POST", "/invitations", {"email": "bob@example.com", "role": "viewer"})).json()
    listed = await owner.call("GET", "/invitations")
    assert [each["email"] for each in listed.json()] == ["bob@example.com"]
    assert made["path"].rpartition("/")[2] not in listed.text
    assert (await owner.call("DELETE", f"/invitations/{made['invitation']['id']}")).status_code == 204
    assert error(await owner.call("DELETE", f"/invitations/{made['invitation']['id']}")) == (404, "not_found")
    other = web.browser()
    await other.sign_in()
    sessions = (await owner.call("GET", "/sessions")).json()
    assert len(sessions) == 2
    assert other.session not in str(sessions)
    assert (await owner.call("DELETE", f"/sessions/{sessions[1]['id']}")).status_code == 204
    assert (await other.get("/")).status_code == 303


async def test_a_new_password_gives_this_browser_a_new_session(web):
    owner, other = await web.owner(), web.browser()
    await other.sign_in()
    before = owner.session
    sent = {"before": PASSWORD, "after": "another four good words"}
    assert (await owner.call("PUT", "/me/password", sent)).status_code == 200
    assert owner.session != before
    assert (await owner.get("/")).status_code == 200
    assert (await other.get("/")).status_code == 303


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/session", {"email": "a@b.c", "password": {"hush": "hush-secret"}}), ("POST", "/session", {"hush-secret": 1}),
     ("POST", "/session", None), ("PUT", "/me/password", {"before": "hush-secret", "after": 3}),
     ("POST", "/session", {"email": "a@b.c", "password": "hush-secret" * 200}),
     ("PUT", "/people/0/role", {"role": "viewer"}), ("PUT", "/people/1/role", {"role": "king"}), ("DELETE", "/tokens/99999999999", None)],
)  # fmt: skip
async def test_what_is_not_of_the_right_form_is_told_without_its_values(web, method, path, body):
    owner = await web.owner()
    answer = await owner.call(method, path, body)
    assert error(answer) == (422, "invalid")
    assert 'hush-secret"' not in answer.text.replace("body.hush-secret", "")
    assert "hush-secrethush" not in answer.text


@pytest.mark.parametrize("text", ["\x00", "a\x00@example.com", "é" * 250, "\ud800"])
async def test_odd_text_is_refused_and_breaks_nothing(web, text):
    owner = await web.owner()
    for path in ("/session", "/invitations", "/tokens"):
        body = {"email": text, "password": text, "role": "viewer", "name": text, "scopes": ["read"]}
        keys = {
            "/session": ("email", "password"),
            "/invitations": ("email", "role"),
            "/tokens": ("name", "scopes"),
        }[path]
        answer = await owner.client.post(
            f"/api/v1{path}", content=json.dumps({key: body[key] for key in keys}),
            headers={"sec-fetch-site": "same-origin", "content-type": "application/json"},
        )  # fmt: skip
        assert answer.status_code < 500, (path, answer.text)
