"""Who may ask, in which version, on which account; what is said to those who may not."""

from __future__ import annotations

import base64

import httpx
import pytest
import stripe
from stripe import StripeClient


def raw(client: StripeClient, method: str, path: str, **params):
    return client.deserialize(client.raw_request(method, path, **params), api_mode="V1")


def test_sdk_creates_and_reads_an_object(stand):
    client = stand.client()
    made = raw(client, "post", "/v1/widgets", amount=5, metadata={"a": "b", "c": "d"})
    found = raw(client, "get", f"/v1/widgets/{made['id']}")
    assert found["amount"] == 5
    assert found["metadata"]["c"] == "d"
    assert found["livemode"] is False
    assert found["created"] == 1_760_000_000


def test_basic_and_bearer_name_the_same_key(stand):
    key = stand.engine.keys().test
    basic = base64.b64encode(f"{key}:".encode()).decode()
    for header in (f"Bearer {key}", f"Basic {basic}"):
        answer = httpx.get(f"{stand.url}/v1/widgets", headers={"Authorization": header})
        assert answer.status_code == 200
        assert answer.headers["request-id"].startswith("req_")
        assert answer.headers["stripe-version"] == "2026-10-28.endive"


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "You did not provide an API key"),
        ({"Authorization": "Bearer sk_test_nobodyknowsthis"}, "Invalid API Key provided: sk_test_"),
        ({"Authorization": "Basic !!!"}, "You did not provide an API key"),
    ],
)
def test_without_a_good_key_the_answer_is_401(stand, headers, words):
    answer = httpx.get(f"{stand.url}/v1/widgets", headers=headers)
    assert answer.status_code == 401
    assert words in answer.json()["error"]["message"]


def test_a_publishable_key_reads_nothing(stand):
    with pytest.raises(stripe.AuthenticationError, match="publishable"):
        raw(stand.client(stand.engine.keys().publishable_test), "get", "/v1/widgets")


def test_modes_share_nothing(stand):
    keys = stand.engine.keys()
    made = raw(stand.client(keys.live), "post", "/v1/widgets", amount=5)
    assert made["livemode"] is True
    with pytest.raises(stripe.InvalidRequestError, match="exists in live mode, but a test mode key was used"):
        raw(stand.client(keys.test), "get", f"/v1/widgets/{made['id']}")


def test_an_error_has_stripes_shape(stand):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        raw(stand.client(), "get", "/v1/widgets/widget_none")
    error = caught.value
    assert error.http_status == 404
    assert error.user_message == "No such widget: 'widget_none'"
    assert (error.code, error.param) == ("resource_missing", "id")
    assert error.request_id in error.error.request_log_url
    assert error.error.doc_url == "https://stripe.com/docs/error-codes/resource-missing"


def test_an_object_named_by_a_parameter_is_a_400(stand):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        raw(stand.client(), "post", "/v1/widgets", amount=1, parent="widget_none")
    assert (caught.value.http_status, caught.value.param) == (400, "parent")


def test_a_card_error_keeps_the_attempt(stand):
    client = stand.client()
    with pytest.raises(stripe.CardError) as caught:
        raw(client, "post", "/v1/widgets", amount=402)
    assert caught.value.error.decline_code == "generic_decline"
    assert len(raw(client, "get", "/v1/widgets")["data"]) == 1


def test_another_error_undoes_its_call(stand):
    client = stand.client()
    with pytest.raises(stripe.APIError):
        raw(client, "post", "/v1/widgets", amount=500)
    assert raw(client, "get", "/v1/widgets")["data"] == []
    assert list(client.v1.events.list().data) == []


@pytest.mark.parametrize(
    ("params", "param", "words"),
    [
        ({}, "amount", "Missing required param: amount."),
        ({"amount": "x"}, "amount", "Invalid integer: x"),
        ({"amount": 0}, "amount", "greater than or equal to 1"),
        ({"amount": 1, "colour": "green"}, "colour", "must be one of red, or blue"),
        ({"amount": ""}, "amount", "You passed an empty string for 'amount'"),
        ({"amount": 1, "metadata": {"k" * 41: "v"}}, f"metadata[{'k' * 41}]", "up to 40 characters"),
    ],
)
def test_parameters_are_refused_by_name(stand, params, param, words):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        raw(stand.client(), "post", "/v1/widgets", **params)
    assert caught.value.param == param
    assert words in caught.value.user_message


def test_an_unknown_url_is_told(stand):
    with pytest.raises(stripe.InvalidRequestError, match=r"Unrecognized request URL \(GET: /v1/nothing\)"):
        raw(stand.client(), "get", "/v1/nothing")


def test_an_unknown_version_is_refused_and_a_known_one_echoed(stand):
    headers = {"Authorization": f"Bearer {stand.engine.keys().test}", "Stripe-Version": "2024-06-20"}
    answer = httpx.get(f"{stand.url}/v1/widgets", headers=headers)
    assert answer.headers["stripe-version"] == "2024-06-20"
    answer = httpx.get(f"{stand.url}/v1/widgets", headers={**headers, "Stripe-Version": "1999-01-01"})
    assert answer.status_code == 400
    assert "Invalid Stripe API version: 1999-01-01" in answer.json()["error"]["message"]


def test_a_restricted_key_is_told_what_it_lacks(stand):
    client = stand.client(stand.engine.restricted(stand.engine.default_account, {"widget": "read"}))
    assert raw(client, "get", "/v1/widgets")["data"] == []
    with pytest.raises(stripe.PermissionError, match="'rak_widget_write' permission") as caught:
        raw(client, "post", "/v1/widgets", amount=1)
    assert caught.value.http_status == 403
    with pytest.raises(stripe.PermissionError, match="rak_payout_read"):
        client.v1.payouts.list()


def test_stripe_account_needs_a_connection(stand):
    engine = stand.engine
    engine.account("acct_other")
    client = stand.client(stripe_account="acct_other")
    with pytest.raises(stripe.PermissionError, match="does not have access to account 'acct_other'"):
        raw(client, "get", "/v1/widgets")
    engine.connect(engine.default_account, "acct_other")
    made = raw(client, "post", "/v1/widgets", amount=9)
    assert [w["id"] for w in raw(client, "get", "/v1/widgets")["data"]] == [made["id"]]
    assert raw(stand.client(), "get", "/v1/widgets")["data"] == []
    engine.connect(engine.default_account, "acct_other", scope="read_only")
    assert len(raw(client, "get", "/v1/widgets")["data"]) == 1
    with pytest.raises(stripe.PermissionError, match="scope read_only"):
        raw(client, "post", "/v1/widgets", amount=9)


def test_expand_follows_links_and_refuses_what_is_none(stand, monkeypatch):
    monkeypatch.setitem(
        __import__("bookhand.sandbox.stripe.expand", fromlist=["x"]).PREFIXES, "widget", "widget"
    )
    client = stand.client()
    top = raw(client, "post", "/v1/widgets", amount=1)
    mid = raw(client, "post", "/v1/widgets", amount=2, parent=top["id"])
    low = raw(client, "post", "/v1/widgets", amount=3, parent=mid["id"], expand=["parent.parent"])
    assert low["parent"]["parent"]["amount"] == 1
    shown = raw(client, "get", "/v1/widgets", limit=1, expand=["data.parent"])
    assert shown["data"][0]["parent"]["id"] == mid["id"]
    assert (
        raw(client, "get", f"/v1/widgets/{top['id']}", expand=["children"])["children"]["data"][0]["id"]
        == mid["id"]
    )
    for path, words in [
        ("amount", r"cannot be expanded \(amount\)\."),
        ("nothing", r"cannot be expanded \(nothing\)\."),
        ("parent.parent.parent.parent.parent", "more than 4 levels"),
    ]:
        with pytest.raises(stripe.InvalidRequestError, match=words):
            raw(client, "get", f"/v1/widgets/{low['id']}", expand=[path])
    with pytest.raises(stripe.InvalidRequestError, match=r"try expanding 'data\.parent' instead"):
        raw(client, "get", "/v1/widgets", expand=["parent"])


def test_a_deleted_object_leaves_a_stub(stand):
    client = stand.client()
    made = raw(client, "post", "/v1/widgets", amount=1)
    gone = {"id": made["id"], "object": "widget", "deleted": True}
    assert dict(raw(client, "delete", f"/v1/widgets/{made['id']}").to_dict()) == gone
    assert dict(raw(client, "get", f"/v1/widgets/{made['id']}").to_dict()) == gone
    assert raw(client, "get", "/v1/widgets", colour="red")["data"] == []


def test_a_handler_that_breaks_is_a_500_and_leaves_nothing(stand):
    with pytest.raises(stripe.APIError) as caught:
        raw(stand.client(), "post", "/v1/widgets", amount=777)
    assert (caught.value.http_status, caught.value.error.type) == (500, "api_error")
    assert raw(stand.client(), "get", "/v1/widgets")["data"] == []


def test_a_body_that_cannot_be_read_is_a_400(stand):
    headers = {"Authorization": f"Bearer {stand.engine.keys().test}"}
    for kind, body in (("application/json", b"{"), ("application/json", b"[1]"), ("text/plain", b"a[=1")):
        answer = httpx.post(
            f"{stand.url}/v1/widgets", content=body, headers={**headers, "Content-Type": kind}
        )
        assert answer.status_code == 400
        assert answer.json()["error"]["type"] == "invalid_request_error"
