"""Connecting: by key, by app, by platform; with live tokens, one webhook endpoint, and a clean way out."""

from __future__ import annotations

import inspect
import re
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
import pytest
import structlog
import urllib3
from stripe.params import _webhook_endpoint_create_params

from bookhand.core.problems import Outage, Refusal
from bookhand.sandbox.stripe import oauth
from bookhand.systems import store
from bookhand.systems.stripe import EVENTS, MANIFEST
from bookhand.systems.stripe.auth import (
    connect_account,
    connect_with_key,
    connections,
    open_reader,
    open_sdk,
)
from bookhand.systems.stripe.client import Patience
from bookhand.systems.stripe.oauth_auth import Application, finish_oauth, start_oauth
from bookhand.systems.stripe.parting_auth import deauthorized, disconnect
from bookhand.systems.stripe.token_auth import KEY, TOKENS, Credential, Tokens
from bookhand.systems.stripe.webhook_client import reconcile, signing_secrets

BACK = "http://127.0.0.1:8787/oauth/back"
QUICK = Patience(tries=2, first_seconds=0.01, longest_seconds=0.02, read_seconds=5)
READS = {
    need.permission.removeprefix("rak_").removesuffix("_read"): "read"
    for need in MANIFEST.needs
    if need.access == "Read"
}
FAST = {"account": 400, "endpoint": 400}


@pytest.fixture
def key(engine):
    return engine.keys().test


@pytest.fixture
def connected(db, secrets, key, url):
    return connect_with_key(db, secrets, key, base_url=url, limits=FAST)


def stored(db, secrets, connection, name):
    with db.transaction() as cx:
        return secrets.get(cx, connection.link, name)


def now_in(db, connection):
    with db.transaction() as cx:
        return store.get(cx, connection.id)


# --- with a key ---


def test_a_key_connects_the_account_it_is_of(db, secrets, engine, key, connected):
    assert (connected.link.account, connected.link.mode, connected.auth) == (
        engine.default_account,
        "test",
        "key",
    )
    assert (connected.livemode, connected.link.api_version) == (False, "2026-10-28.endive")
    assert now_in(db, connected) == connected == connections(db)[0]
    assert stored(db, secrets, connected, KEY) == key
    with open_reader(db, secrets, connected) as reader:
        assert reader.page("/v1/charges").data == []


def test_the_same_account_again_is_the_same_connection(db, secrets, key, url, connected):
    with db.transaction() as cx:
        store.set_status(cx, connected.id, "disconnected", reason="tired")
    again = connect_with_key(db, secrets, key, name="Books", base_url=url, limits=FAST)
    assert (again.id, again.name, again.status, again.status_reason) == (
        connected.id,
        "Books",
        "active",
        None,
    )
    assert connect_with_key(db, secrets, key, base_url=url, limits=FAST).name == "Books"
    assert len(connections(db)) == 1


def test_live_and_test_of_one_account_stand_side_by_side(db, secrets, engine, url, connected):
    live = connect_with_key(db, secrets, engine.keys().live, base_url=url)
    assert live.id != connected.id
    assert (live.livemode, live.link.mode, live.link.account) == (True, "live", connected.link.account)


def test_a_name_that_is_taken_is_refused(db, secrets, engine, key, url):
    connect_with_key(db, secrets, key, name="Books", base_url=url, limits=FAST)
    with pytest.raises(Refusal, match="another connection named 'Books'"):
        connect_with_key(db, secrets, engine.keys().live, name="Books", base_url=url, limits=FAST)


def test_a_restricted_key_with_all_it_needs_is_enough(db, secrets, engine, url):
    rk = engine.restricted(engine.default_account, READS)
    assert connect_with_key(db, secrets, rk, base_url=url, limits=FAST).status == "active"
    with pytest.raises(Refusal, match=r"Webhook endpoints: Write \(rak_webhook_write\)"):
        connect_with_key(db, secrets, rk, base_url=url, limits=FAST, need_webhooks=True)


def test_every_missing_permission_is_named_and_nothing_is_stored(db, secrets, engine, url):
    lacking = {"payout", "dispute", "accounts_kyc_basic"}
    rk = engine.restricted(
        engine.default_account, {name: way for name, way in READS.items() if name not in lacking}
    )
    with pytest.raises(Refusal) as caught:
        connect_with_key(db, secrets, rk, base_url=url, limits=FAST)
    for name in lacking:
        assert f"rak_{name}_read" in str(caught.value)
    assert "rak_charge_read" not in str(caught.value)
    assert connections(db) == []


def test_a_key_without_any_one_permission_is_refused_and_that_one_is_named(db, secrets, engine, url):
    for lacking in ("plan", "charge", "invoice"):
        rk = engine.restricted(
            engine.default_account, {name: way for name, way in READS.items() if name != lacking}
        )
        with pytest.raises(Refusal) as caught:
            connect_with_key(db, secrets, rk, base_url=url, limits=FAST)
        assert str(caught.value).count("rak_") == 1
        assert f"rak_{lacking}_read" in str(caught.value)


def test_the_guide_lists_exactly_what_is_needed():
    guide = (Path(__file__).parents[3] / "docs" / "connecting-stripe.md").read_text()
    assert set(re.findall(r"`(rak_\w+)`", guide)) == {need.permission for need in MANIFEST.needs}


@pytest.mark.parametrize(
    "key", ["pk_test_123", "whsec_123", "ca_123", "", "hello", "sk_other_1", "rk_nothing"]
)
def test_what_is_no_key_is_refused_without_asking(db, secrets, key):
    with pytest.raises(Refusal, match=r"restricted key") as caught:
        connect_with_key(db, secrets, key, base_url="http://127.0.0.1:9")
    assert not key or key not in str(caught.value)


def test_a_key_whose_prefix_lies_about_its_mode_is_refused(db, secrets, engine, url):
    """A key that says test and reads live: Stripe's own livemode decides, and the two must agree."""
    lying = "rk_test_" + "z" * 24
    with engine.transaction():
        engine.store.db.execute(
            "INSERT INTO keys SELECT ?, account, 1, kind, permissions, expires FROM keys WHERE key = ?",
            (lying, engine.keys().live),
        )
    with pytest.raises(Refusal, match="is from live mode"):
        connect_with_key(db, secrets, lying, base_url=url, limits=FAST)
    assert connections(db) == []


def test_something_else_than_stripe_is_not_connected(db, secrets, key, engine, url):
    with pytest.raises((Outage, Refusal)):
        connect_with_key(db, secrets, key, base_url=f"{url}/elsewhere", limits=FAST)
    assert connections(db) == []


def test_a_key_that_was_rolled_disconnects_and_says_so(db, secrets, engine, connected):
    with db.transaction() as cx:
        secrets.put(cx, connected.link, KEY, "sk_test_rolledaway")
    with (
        open_reader(db, secrets, connected, patience=QUICK) as reader,
        pytest.raises(Refusal, match="Connect again"),
    ):
        reader.page("/v1/charges")
    after = now_in(db, connected)
    assert (after.status, after.status_reason) == ("disconnected", "Stripe does not accept the key any more")
    with pytest.raises(Refusal, match="is disconnected: Stripe does not accept"):
        open_reader(db, secrets, after)


def test_a_key_that_another_process_replaced_is_taken_up(db, secrets, key, connected):
    credential = Credential(db, secrets, connected)
    with db.transaction() as cx:
        secrets.put(cx, connected.link, KEY, "sk_test_old")
    assert credential.token() == "sk_test_old"
    with db.transaction() as cx:
        secrets.put(cx, connected.link, KEY, key)
    assert credential.renew("sk_test_old") == key
    assert now_in(db, connected).status == "active"


# --- a platform ---


@pytest.fixture
def account(engine):
    engine.account("acct_1Seller00000000", business_profile={"name": "Seller"})
    engine.connect(engine.default_account, "acct_1Seller00000000")
    return "acct_1Seller00000000"


def test_a_platform_key_reads_its_connected_account(db, secrets, engine, key, url, account):
    engine.call("POST", "/v1/customers", {"name": "Theirs"}, account=account)
    connection = connect_account(db, secrets, key, account, base_url=url, limits=FAST)
    assert (connection.link.account, connection.auth) == (account, "platform")
    with open_reader(db, secrets, connection) as reader:
        assert b"Theirs" in bytes(reader.page("/v1/customers").data[0])
    with open_sdk(db, secrets, connection) as client:
        assert client.v1.customers.list().data[0].name == "Theirs"


def test_an_account_the_platform_may_not_act_on_is_refused(db, secrets, engine, key, url):
    engine.account("acct_1Stranger000000")
    with pytest.raises(Refusal, match="acct_1Stranger000000"):
        connect_account(db, secrets, key, "acct_1Stranger000000", base_url=url, limits=FAST)
    assert connections(db) == []


def test_an_account_that_takes_its_access_back_is_disconnected(db, secrets, engine, key, url, account):
    connection = connect_account(db, secrets, key, account, base_url=url, limits=FAST)
    engine.disconnect(engine.default_account, account)
    with open_reader(db, secrets, connection, patience=QUICK) as reader, pytest.raises(Refusal):
        reader.page("/v1/charges")
    assert now_in(db, connection).status == "disconnected"


# --- OAuth ---


@pytest.fixture
def application(engine, url):
    """A registered application, by kind."""

    def make(kind):
        client = oauth.register(engine, engine.default_account, name="Books", redirect_uris=[BACK], kind=kind)
        return Application(
            kind=kind, client_id=client.id, redirect_uri=BACK, developer_key=engine.keys().test,
            base_url=url, connect_url=url, marketplace_url=url,
        )  # fmt: skip

    return make


def consent(address, account, *, decision="allow"):
    """What a person does on Stripe's page; the parameters they come back with."""
    parts = urlsplit(address)
    fields = {name: values[0] for name, values in parse_qs(parts.query).items()}
    kind = "app" if "/v2/" in parts.path else "connect"
    page = urllib3.request("GET", address)
    assert page.status == 200, page.data
    answer = urllib3.request(
        "POST", f"{parts.scheme}://{parts.netloc}/oauth/authorize", redirect=False, retries=False,
        body=urlencode({**fields, "kind": kind, "account": account, "decision": decision}),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )  # fmt: skip
    back = urlsplit(answer.headers["Location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == BACK
    return {name: values[0] for name, values in parse_qs(back.query).items() if name != "scope"}


@pytest.mark.parametrize("kind", ["app", "connect"])
def test_a_person_who_agrees_is_connected(db, secrets, engine, application, account, kind):
    app = application(kind)
    returned = consent(start_oauth(db, app, name="Seller"), account)
    connection = finish_oauth(db, secrets, app, **returned)
    assert (connection.link.account, connection.name, connection.auth) == (account, "Seller", f"{kind}_oauth")
    assert connection.scopes == ["stripe_apps" if kind == "app" else "read_write"]
    engine.call("POST", "/v1/customers", {"name": "Theirs"}, account=account)
    with open_reader(db, secrets, connection) as reader:
        assert b"Theirs" in bytes(reader.page("/v1/customers").data[0])


@pytest.mark.parametrize("kind", ["app", "connect"])
def test_a_person_who_declines_is_not(db, secrets, application, account, kind):
    app = application(kind)
    returned = consent(start_oauth(db, app), account, decision="deny")
    with pytest.raises(Refusal, match="denied"):
        finish_oauth(db, secrets, app, **returned)
    assert connections(db) == []


def test_a_state_is_good_once_and_only_ours(db, secrets, application, account):
    app = application("connect")
    returned = consent(start_oauth(db, app), account)
    connection = finish_oauth(db, secrets, app, **returned)
    for state in (returned["state"], "made-up"):
        with pytest.raises(Refusal, match="start again"):
            finish_oauth(db, secrets, app, state=state, code=returned["code"])
    with open_reader(
        db, secrets, connection
    ) as reader:  # the code was not shown to Stripe again, which would have ended this
        assert reader.page("/v1/charges").data == []


def test_a_state_expires(db, secrets, application, account):
    app = application("app")
    returned = consent(start_oauth(db, app), account)
    with db.transaction() as cx:
        cx.execute("update sign_in set expires_at = now() - interval '1 second'")
    with pytest.raises(Refusal, match="start again"):
        finish_oauth(db, secrets, app, **returned)


def test_a_state_is_not_in_the_database_and_is_bound_to_its_application(db, secrets, application, account):
    returned = consent(start_oauth(db, application("connect")), account)
    with db.transaction() as cx:
        [(row,)] = cx.execute("select sign_in::text from sign_in").fetchall()
    assert returned["state"] not in row
    with pytest.raises(Refusal, match="another application"):
        finish_oauth(db, secrets, application("connect"), **returned)


@pytest.mark.parametrize("fault", ["cut_after", "cut_before", "500"])
def test_an_exchange_without_an_answer_is_never_sent_again(db, secrets, engine, application, account, fault):
    app = application("connect")
    returned = consent(start_oauth(db, app), account)
    told = engine.faults.add(fault, method="POST", path="/oauth/token", times=None)
    with pytest.raises(Refusal, match="start again"):
        finish_oauth(db, secrets, app, **returned)
    assert told.happened == 1
    engine.faults.clear()
    with pytest.raises(Refusal, match="start again"):
        finish_oauth(db, secrets, app, **returned)
    assert connections(db) == []


# --- an app's tokens ---


@pytest.fixture
def installed(db, secrets, application, account):
    app = application("app")
    return finish_oauth(db, secrets, app, **consent(start_oauth(db, app), account))


def tokens_of(db, secrets, connection):
    return msgspec.json.decode(stored(db, secrets, connection, TOKENS), type=Tokens)


def test_a_token_is_renewed_before_it_expires_and_kept_before_it_is_used(db, secrets, installed):
    first = tokens_of(db, secrets, installed)
    later = Credential(db, secrets, installed, clock=lambda: first.issued_at + 3400)
    renewed = later.token()
    assert renewed != first.access_token
    assert tokens_of(db, secrets, installed).access_token == renewed
    assert tokens_of(db, secrets, installed).refresh_token != first.refresh_token
    assert later.token() == renewed


def test_a_token_that_stripe_refuses_is_renewed_in_the_middle_of_a_read(db, secrets, engine, installed):
    with open_reader(db, secrets, installed, patience=QUICK) as reader:
        before = tokens_of(db, secrets, installed).access_token
        reader.page("/v1/charges")
        engine.store.db.execute("DELETE FROM keys WHERE key = ?", (before,))
        engine.ring.forget()
        assert reader.page("/v1/charges").data == []
    assert tokens_of(db, secrets, installed).access_token != before


def test_a_refresh_that_stripe_refuses_disconnects(db, secrets, engine, installed):
    before = tokens_of(db, secrets, installed)
    with db.transaction() as cx:
        secrets.put(
            cx,
            installed.link,
            TOKENS,
            msgspec.json.encode(Tokens(before.access_token, "rt_used", 0)).decode(),
        )
    with pytest.raises(Refusal) as caught:
        Credential(db, secrets, installed).token()
    assert before.access_token not in str(caught.value)
    assert now_in(db, installed).status == "disconnected"


def test_a_refresh_while_stripe_is_down_changes_nothing(db, secrets, engine, installed):
    before = tokens_of(db, secrets, installed)
    engine.faults.add("500", path="/v1/oauth/token", times=1)
    late = Credential(db, secrets, installed, clock=lambda: before.issued_at + 3400)
    with pytest.raises(Outage):
        late.token()
    assert tokens_of(db, secrets, installed) == before
    assert now_in(db, installed).status == "active"
    assert late.token() != before.access_token


REFRESH = """
from pathlib import Path
from bookhand.db.engine import Database
from bookhand.systems import store
from bookhand.systems.stripe.token_auth import Credential
from bookhand.workspace.secrets_store import Secrets

with Database(url) as db:
    with db.transaction() as cx:
        connection = store.get(cx, connection_id)
    credential = Credential(db, Secrets(Path(folder)), connection, clock=lambda: late)
    ready()
    answer([credential.token() for _ in range(3)])
"""


def test_two_processes_that_need_a_token_at_once_exchange_once(
    db, database_url, secrets, engine, tmp_path, installed, at_once
):
    before = tokens_of(db, secrets, installed)
    told = engine.faults.add("slow", path="/v1/oauth/token", times=None, seconds=0.3)
    first, second = at_once(
        REFRESH,
        url=database_url,
        folder=str(tmp_path),
        connection_id=installed.id,
        late=before.issued_at + 3400,
    )
    assert told.happened == 1
    assert set(first + second) == {tokens_of(db, secrets, installed).access_token}
    assert first[0] != before.access_token


def test_threads_that_need_a_token_at_once_exchange_once(db, secrets, engine, installed):
    told = engine.faults.add("slow", path="/v1/oauth/token", times=None, seconds=0.1)
    late = Credential(db, secrets, installed, clock=lambda: time.time() + 3400)
    found = []
    threads = [threading.Thread(target=lambda: found.append(late.token())) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert (told.happened, len(set(found))) == (1, 1)


# --- the webhook endpoint ---


def endpoints(engine, **account):
    return engine.call("GET", "/v1/webhook_endpoints", {"limit": "100"}, **account).json()["data"]


PUBLIC = "https://books.example.com"


def test_every_event_that_is_asked_for_is_one_that_stripe_has():
    """Stripe refuses an endpoint that asks for a type it does not know; the stand-in takes any."""
    source = inspect.getsource(_webhook_endpoint_create_params)
    known = set(re.findall(r'"([a-z0-9_.]+\.[a-z0-9_.]+)"', source))
    assert len(known) > 200
    assert set(EVENTS) <= known


def test_an_endpoint_is_made_once_with_our_version_and_events(db, secrets, engine, connected):
    made = reconcile(db, secrets, connected, PUBLIC)
    assert [reconcile(db, secrets, connected, PUBLIC) for _ in range(3)] == [made] * 3
    [endpoint] = endpoints(engine)
    assert endpoint["url"] == f"{PUBLIC}/webhooks/stripe/{connected.id}"
    assert (endpoint["api_version"], set(endpoint["enabled_events"])) == ("2026-10-28.endive", set(EVENTS))
    with db.transaction() as cx:
        assert signing_secrets(cx, secrets, connected.link) == (engine.endpoints.get(made).secret,)


def test_a_changed_address_is_an_update(db, secrets, engine, connected):
    made = reconcile(db, secrets, connected, PUBLIC)
    assert reconcile(db, secrets, connected, "https://new.example.com/") == made
    assert [each["url"] for each in endpoints(engine)] == [
        f"https://new.example.com/webhooks/stripe/{connected.id}"
    ]


def test_a_disabled_endpoint_is_enabled_again(db, secrets, engine, connected):
    made = reconcile(db, secrets, connected, PUBLIC)
    engine.call(
        "POST", f"/v1/webhook_endpoints/{made}", {"disabled": "true", "enabled_events": ["charge.failed"]}
    )
    assert reconcile(db, secrets, connected, PUBLIC) == made
    [endpoint] = endpoints(engine)
    assert (endpoint["status"], len(endpoint["enabled_events"])) == ("enabled", len(EVENTS))


def test_a_lost_secret_makes_a_new_endpoint_in_place_of_the_old(db, secrets, engine, connected):
    made = reconcile(db, secrets, connected, PUBLIC)
    with db.transaction() as cx:
        secrets.drop(cx, connected.link, "webhook_secret")
    again = reconcile(db, secrets, connected, PUBLIC)
    assert again != made
    assert [each["id"] for each in endpoints(engine)] == [again]


def test_an_endpoint_of_an_older_version_is_replaced_and_both_secrets_are_good_for_a_while(
    db, secrets, engine, connected
):
    made = reconcile(db, secrets, connected, PUBLIC)
    old = engine.endpoints.get(made).secret
    newer = msgspec.structs.replace(
        connected, link=msgspec.structs.replace(connected.link, api_version="2026-09-30.endive")
    )
    again = reconcile(db, secrets, newer, PUBLIC)
    assert [(each["id"], each["api_version"]) for each in endpoints(engine)] == [(again, "2026-09-30.endive")]
    with db.transaction() as cx:
        assert signing_secrets(cx, secrets, connected.link) == (engine.endpoints.get(again).secret, old)


def test_strays_of_ours_are_removed_and_others_are_left_alone(db, secrets, engine, connected):
    engine.call(
        "POST", "/v1/webhook_endpoints", {"url": "https://theirs.example.com", "enabled_events": ["*"]}
    )
    engine.call(
        "POST",
        "/v1/webhook_endpoints",
        {"url": f"{PUBLIC}/webhooks/stripe/{connected.id}", "enabled_events": ["*"]},
    )
    engine.faults.add("cut_after", method="POST", path="/v1/webhook_endpoints")
    with pytest.raises(Outage):
        reconcile(db, secrets, connected, PUBLIC)
    made = reconcile(db, secrets, connected, PUBLIC)
    assert {each["id"] if "books" in each["url"] else each["url"] for each in endpoints(engine)} == {
        made,
        "https://theirs.example.com",
    }


def test_two_bookhands_on_one_account_leave_each_others_endpoint_alone(db, secrets, engine, connected):
    """One that counts and one to try things: both have connection 1 of workspace 1."""
    ours = reconcile(db, secrets, connected, PUBLIC)
    with db.transaction() as cx:
        mine = store.get(cx, connected.id).settings["webhook_mark"]
        store.set_settings(cx, connected.id, webhook_mark=None, webhook_endpoint=None)
        secrets.drop(cx, connected.link, "webhook_secret")
    theirs = reconcile(db, secrets, connected, "https://try.example.com")
    assert {each["id"] for each in endpoints(engine)} == {ours, theirs}
    with db.transaction() as cx:
        assert store.get(cx, connected.id).settings["webhook_mark"] != mine
    disconnect(db, secrets, connected.id)
    assert [each["id"] for each in endpoints(engine)] == [ours]


def test_a_key_that_may_not_write_endpoints_is_told_which_permission_it_lacks(db, secrets, engine, url):
    rk = engine.restricted(engine.default_account, READS | {"webhook": "read"})
    connection = connect_with_key(db, secrets, rk, base_url=url, limits=FAST)
    with pytest.raises(Refusal, match="rak_webhook_write"):
        reconcile(db, secrets, connection, PUBLIC)


# --- letting go ---


def test_disconnecting_leaves_nothing_behind_but_the_books(db, secrets, engine, connected):
    reconcile(db, secrets, connected, PUBLIC)
    assert disconnect(db, secrets, connected.id) == []
    assert endpoints(engine) == []
    with db.transaction() as cx:
        assert cx.execute("select count(*) from secret").fetchone() == (0,)
    after = now_in(db, connected)
    assert (after.status, after.settings.get("webhook_endpoint")) == ("disconnected", None)
    assert disconnect(db, secrets, connected.id) == []


def test_disconnecting_while_stripe_is_down_disconnects_and_says_what_is_left(db, secrets, engine, connected):
    reconcile(db, secrets, connected, PUBLIC)
    engine.faults.add("cut_before", times=None)
    [left] = disconnect(db, secrets, connected.id)
    assert "Stripe still has its webhook endpoint" in left
    assert now_in(db, connected).status == "disconnected"


def test_disconnecting_a_connect_account_gives_the_access_back(db, secrets, engine, application, account):
    engine.disconnect(engine.default_account, account)
    app = application("connect")
    connection = finish_oauth(db, secrets, app, **consent(start_oauth(db, app), account))
    assert account in engine.connected(engine.default_account)
    assert disconnect(db, secrets, connection.id) == []
    assert account not in engine.connected(engine.default_account)


def test_an_account_that_deauthorizes_is_disconnected_by_its_event(db, secrets, installed):
    deauthorized(db, secrets, installed)
    assert stored(db, secrets, installed, TOKENS) is None
    after = now_in(db, installed)
    assert (after.status, after.status_reason) == ("disconnected", "the account took its access back")


# --- nothing is told ---


def test_no_secret_is_in_a_log_a_row_or_an_error(db, secrets, engine, application, account, url, capfd):
    rk = engine.restricted(engine.default_account, READS | {"webhook": "write"})
    app = application("app")
    said = []
    with structlog.testing.capture_logs() as logs:
        first = connect_with_key(db, secrets, rk, base_url=url, limits=FAST)
        made = reconcile(db, secrets, first, PUBLIC)
        returned = consent(start_oauth(db, app), account)
        second = finish_oauth(db, secrets, app, **returned)
        tokens = tokens_of(db, secrets, second)
        Credential(db, secrets, second, clock=lambda: tokens.issued_at + 3400).token()
        with pytest.raises(Refusal) as caught:
            finish_oauth(db, secrets, app, **returned)
        said += [str(caught.value), repr(app), repr(tokens), repr(first), repr(second)]
        hushed = [rk, engine.keys().test, returned["code"], returned["state"], tokens.access_token, tokens.refresh_token,
                  tokens_of(db, secrets, second).access_token, engine.endpoints.get(made).secret]  # fmt: skip
        disconnect(db, secrets, first.id)
    with db.transaction() as cx:
        for table in ("connection", "secret", "sign_in", "rate_limit", "problem"):
            said += [row[0] for row in cx.execute(f"select t::text from {table} t").fetchall()]
    out = capfd.readouterr()
    said += [repr(logs), out.out, out.err]
    assert len(logs) >= 4
    assert [secret for secret in hushed if any(secret in each for each in said)] == []
