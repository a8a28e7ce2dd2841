"""Both kinds of OAuth, as a browser and the official client walk through them."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import stripe

from bookhand.sandbox.stripe import oauth

BACK = "http://localhost:9999/back"


@pytest.fixture
def connect(stand):
    stand.engine.account("acct_shop", business_profile={"name": "A <b>shop</b>"})
    return oauth.register(stand.engine, stand.engine.default_account, name="Books", redirect_uris=[BACK])


@pytest.fixture
def app(stand):
    stand.engine.account("acct_shop")
    return oauth.register(
        stand.engine,
        stand.engine.default_account,
        name="Books",
        redirect_uris=[BACK],
        kind="app",
        permissions={"widget": "read"},
    )


def consent(stand, client, path="/oauth/authorize", decision="allow", **params):
    """What a person does: open the page, read it, press a button; the parameters that come back."""
    asked = {"client_id": client.id, "redirect_uri": BACK, "state": "s1", "response_type": "code", **params}
    page = httpx.get(f"{stand.url}{path}", params=asked)
    assert page.status_code == 200, page.text
    assert page.headers["content-type"].startswith("text/html")
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    accounts = re.findall(r'name="account" value="([^"]*)"', page.text)
    assert accounts[0] == "acct_shop"
    assert client.platform not in accounts
    answer = httpx.post(
        f"{stand.url}/oauth/authorize", data={**fields, "account": accounts[0], "decision": decision}
    )
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(BACK)
    return page.text, {
        name: value[0] for name, value in parse_qs(urlsplit(answer.headers["location"]).query).items()
    }


def token(stand, path="/oauth/token", key=None, **params):
    return httpx.post(f"{stand.url}{path}", data=params, auth=(key or stand.engine.keys().test, ""))


class TestConnect:
    def test_the_whole_way(self, stand, connect, inbox):
        platform = stand.client()
        hook = platform.v1.webhook_endpoints.create(
            {"url": inbox.url, "enabled_events": ["*"], "connect": True}
        )
        page, back = consent(stand, connect, scope="read_write")
        assert "Connect Books to your account" in page
        assert "A &lt;b&gt;shop&lt;/b&gt;" in page
        assert back["state"] == "s1"
        given = token(stand, grant_type="authorization_code", code=back["code"]).json()
        assert given["stripe_user_id"] == "acct_shop"
        assert (given["scope"], given["livemode"], given["token_type"]) == ("read_write", False, "bearer")
        stand.client(given["access_token"]).raw_request("post", "/v1/widgets", amount=1)
        stand.client(stripe_account="acct_shop").raw_request("post", "/v1/widgets", amount=1)
        ended = httpx.post(
            f"{stand.url}/oauth/deauthorize",
            data={"client_id": connect.id, "stripe_user_id": "acct_shop"},
            headers={"Authorization": f"Bearer {stand.engine.keys().test}"},
        )
        assert ended.json() == {"stripe_user_id": "acct_shop"}
        with pytest.raises(stripe.AuthenticationError):
            stand.client(given["access_token"]).raw_request("get", "/v1/widgets")
        with pytest.raises(stripe.PermissionError):
            stand.client(stripe_account="acct_shop").raw_request("get", "/v1/widgets")
        kinds = set()
        for mail in inbox.wait(4):
            event = platform.construct_event(mail.body, mail.headers["stripe-signature"], hook.secret)
            assert event.account == "acct_shop"
            kinds.add(event.type)
        assert {"account.application.authorized", "account.application.deauthorized"} <= kinds

    def test_the_official_client_exchanges_and_deauthorizes(self, stand, connect, monkeypatch):
        monkeypatch.setattr(stripe, "connect_api_base", stand.url)
        monkeypatch.setattr(stripe, "api_key", stand.engine.keys().test)
        monkeypatch.setattr(stripe, "client_id", connect.id)
        code = consent(stand, connect)[1]["code"]
        given = stripe.OAuth.token(grant_type="authorization_code", code=code)
        assert given["stripe_user_id"] == "acct_shop"
        assert stripe.OAuth.deauthorize(stripe_user_id="acct_shop")["stripe_user_id"] == "acct_shop"
        with pytest.raises(stripe.oauth_error.InvalidGrantError):
            stripe.OAuth.token(grant_type="refresh_token", refresh_token=given["refresh_token"])

    def test_a_code_shown_twice_ends_the_connection(self, stand, connect):
        code = consent(stand, connect)[1]["code"]
        given = token(stand, grant_type="authorization_code", code=code).json()
        again = token(stand, grant_type="authorization_code", code=code)
        assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
        with pytest.raises(stripe.AuthenticationError):
            stand.client(given["access_token"]).raw_request("get", "/v1/widgets")
        with pytest.raises(stripe.PermissionError):
            stand.client(stripe_account="acct_shop").raw_request("get", "/v1/widgets")

    def test_a_code_is_good_for_five_minutes(self, stand, connect):
        code = consent(stand, connect)[1]["code"]
        stand.engine.advance(stand.engine.clock.now() + 300)
        refused = token(stand, grant_type="authorization_code", code=code)
        assert refused.json()["error"] == "invalid_grant"
        assert "expired" in refused.json()["error_description"]

    def test_the_other_mode_or_another_platform_is_refused(self, stand, connect):
        stand.engine.account("acct_thief")
        code = consent(stand, connect)[1]["code"]
        for key in (stand.engine.keys().live, stand.engine.keys("acct_thief").test):
            assert (
                token(stand, key=key, grant_type="authorization_code", code=code).json()["error"]
                == "invalid_grant"
            )
        assert token(stand, grant_type="authorization_code", code=code).status_code == 200

    def test_read_only_reads(self, stand, connect):
        code = consent(stand, connect)[1]["code"]
        given = token(stand, grant_type="authorization_code", code=code).json()
        client = stand.client(given["access_token"])
        client.raw_request("get", "/v1/widgets")
        with pytest.raises(stripe.PermissionError):
            client.raw_request("post", "/v1/widgets", amount=1)

    def test_a_refresh_revokes_the_token_before(self, stand, connect):
        code = consent(stand, connect, scope="read_write")[1]["code"]
        first = token(stand, grant_type="authorization_code", code=code).json()
        second = token(stand, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
        assert second["refresh_token"] == first["refresh_token"]
        stand.client(second["access_token"]).raw_request("get", "/v1/widgets")
        with pytest.raises(stripe.AuthenticationError):
            stand.client(first["access_token"]).raw_request("get", "/v1/widgets")

    def test_a_live_connection_gets_a_test_token_by_refreshing_with_a_test_key(self, stand):
        engine = stand.engine
        engine.account("acct_shop")
        client = oauth.register(
            engine,
            engine.default_account,
            name="Live",
            redirect_uris=["https://books.example/back"],
            livemode=True,
        )
        asked = {"client_id": client.id, "response_type": "code", "scope": "read_write"}
        answer = httpx.post(
            f"{stand.url}/oauth/authorize", data={**asked, "account": "acct_shop", "decision": "allow"}
        )
        code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
        live = token(stand, key=engine.keys().live, grant_type="authorization_code", code=code).json()
        assert live["livemode"] is True
        test = token(stand, grant_type="refresh_token", refresh_token=live["refresh_token"]).json()
        assert test["livemode"] is False
        for given in (live, test):
            made = stand.client(given["access_token"]).raw_request("get", "/v1/widgets")
            assert made.data["data"] == []

    def test_a_person_who_says_no_is_sent_back(self, stand, connect):
        assert consent(stand, connect, decision="deny")[1]["error"] == "access_denied"

    @pytest.mark.parametrize(
        ("wrong", "error"),
        [
            ({"client_id": "ca_none"}, "invalid_request"),
            ({"redirect_uri": "http://evil.example/"}, "invalid_redirect_uri"),
            ({"scope": "everything"}, "invalid_scope"),
            ({"response_type": "token"}, "unsupported_response_type"),
        ],
    )
    def test_a_wrong_request_is_not_redirected(self, stand, connect, wrong, error):
        asked = {"client_id": connect.id, "redirect_uri": BACK, "response_type": "code", **wrong}
        answer = httpx.get(f"{stand.url}/oauth/authorize", params=asked)
        assert (answer.status_code, answer.json()["error"]) == (400, error)

    def test_unknown_grants_and_callers(self, stand, connect):
        assert token(stand, grant_type="password").json()["error"] == "unsupported_grant_type"
        assert (
            token(stand, grant_type="authorization_code", code="ac_none").json()["error"] == "invalid_grant"
        )
        assert token(stand, key="sk_test_no", grant_type="authorization_code").status_code == 401
        refused = token(stand, "/oauth/deauthorize", client_id=connect.id, stripe_user_id="acct_none")
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")

    def test_the_owner_can_disconnect(self, stand, connect):
        code = consent(stand, connect)[1]["code"]
        token(stand, grant_type="authorization_code", code=code)
        asked = {"client_id": connect.id, "account": "acct_shop"}
        assert httpx.post(f"{stand.url}/_pinstripe/disconnect", data=asked).json() == {"ended": True}
        assert httpx.post(f"{stand.url}/_pinstripe/disconnect", data=asked).json() == {"ended": False}


class TestApps:
    def give(self, stand, app):
        _, back = consent(stand, app, "/oauth/v2/authorize")
        assert "scope" not in back
        return token(stand, "/v1/oauth/token", grant_type="authorization_code", code=back["code"]).json()

    def refresh(self, stand, given):
        return token(
            stand, "/v1/oauth/token", grant_type="refresh_token", refresh_token=given["refresh_token"]
        )

    def test_an_access_token_lasts_an_hour(self, stand, app):
        given = self.give(stand, app)
        assert given["scope"] == "stripe_apps"
        assert "expires_in" not in given
        client = stand.client(given["access_token"])
        client.raw_request("get", "/v1/widgets")
        with pytest.raises(stripe.PermissionError, match="rak_widget_write"):
            client.raw_request("post", "/v1/widgets", amount=1)
        stand.engine.advance(stand.engine.clock.now() + 3600)
        with pytest.raises(stripe.AuthenticationError) as expired:
            client.raw_request("get", "/v1/widgets")
        assert expired.value.error.code == "api_key_expired"

    def test_a_refresh_token_is_good_once(self, stand, app):
        first = self.give(stand, app)
        second = self.refresh(stand, first).json()
        assert second["refresh_token"] != first["refresh_token"]
        stand.client(second["access_token"]).raw_request("get", "/v1/widgets")
        assert self.refresh(stand, first).json()["error"] == "invalid_grant"
        assert self.refresh(stand, second).status_code == 200

    def test_a_refresh_token_lasts_a_year(self, stand, app):
        given = self.give(stand, app)
        stand.engine.advance(stand.engine.clock.now() + 365 * 86400)
        assert self.refresh(stand, given).json()["error"] == "invalid_grant"
