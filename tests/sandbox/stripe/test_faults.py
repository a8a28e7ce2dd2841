"""What goes wrong on demand, and rate limits in layers."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest
import stripe

from bookhand.sandbox.stripe.errors import StripeError
from bookhand.sandbox.stripe.faults import Cut
from bookhand.sandbox.stripe.limits import Bucket, Rates
from bookhand.sandbox.stripe.routes import match


def control(stand, switch, **params):
    answer = httpx.post(f"{stand.url}/_pinstripe/{switch}", data=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def count(stand):
    return len(stand.engine.call("GET", "/v1/widgets", {"limit": 100}).json()["data"])


def test_a_connection_cut_before_leaves_nothing(stand):
    control(stand, "faults", kind="cut_before", method="POST", path="/v1/widgets")
    with pytest.raises(stripe.APIConnectionError):
        stand.client().raw_request("post", "/v1/widgets", amount=1)
    assert count(stand) == 0


def test_a_connection_cut_after_has_taken_effect_and_a_retry_does_not_double_it(stand):
    control(stand, "faults", kind="cut_after", method="POST", path="/v1/widgets")
    with pytest.raises(stripe.APIConnectionError):
        stand.client().raw_request("post", "/v1/widgets", amount=1, idempotency_key="once")
    assert count(stand) == 1
    again = stand.client().raw_request("post", "/v1/widgets", amount=1, idempotency_key="once")
    assert again.headers["idempotent-replayed"] == "true"
    assert count(stand) == 1


def test_the_sdk_retries_over_a_cut_by_itself(stand):
    control(stand, "faults", kind="cut_after", path="/v1/widgets", times=2)
    made = stand.client(max_network_retries=3).raw_request("post", "/v1/widgets", amount=1)
    assert made.data["amount"] == 1
    assert count(stand) == 1


def test_server_errors_and_throttling(stand):
    control(stand, "faults", kind="500", path="/v1/widgets")
    with pytest.raises(stripe.APIError) as broken:
        stand.client().raw_request("get", "/v1/widgets")
    assert broken.value.http_status == 500
    control(stand, "faults", kind="429", path="/v1/*", reason="global-concurrency")
    with pytest.raises(stripe.RateLimitError) as slow:
        stand.client().raw_request("get", "/v1/widgets")
    assert slow.value.headers["stripe-rate-limited-reason"] == "global-concurrency"
    control(stand, "faults", kind="lock_timeout", method="POST")
    with pytest.raises(stripe.RateLimitError) as locked:
        stand.client().raw_request("post", "/v1/widgets", amount=1)
    assert locked.value.error.code == "lock_timeout"
    assert "stripe-rate-limited-reason" not in locked.value.headers
    assert locked.value.headers["stripe-should-retry"] == "true"


def test_slow_answers_and_latency(stand):
    control(stand, "latency", milliseconds=60)
    began = time.perf_counter()
    stand.client().raw_request("get", "/v1/widgets")
    assert time.perf_counter() - began >= 0.06
    control(stand, "latency", milliseconds=0)
    control(stand, "faults", kind="slow", seconds="0.1")
    began = time.perf_counter()
    stand.client().raw_request("get", "/v1/widgets")
    assert time.perf_counter() - began >= 0.1


def test_faults_end_and_are_cleared(stand):
    control(stand, "faults", kind="500", times="forever")
    for _ in range(3):
        assert stand.engine.call("GET", "/v1/widgets").status == 500
    httpx.delete(f"{stand.url}/_pinstripe/faults")
    assert stand.engine.call("GET", "/v1/widgets").status == 200
    refused = httpx.post(f"{stand.url}/_pinstripe/faults", data={"kind": "meteor"})
    assert refused.status_code == 400
    assert (
        httpx.post(f"{stand.url}/_pinstripe/faults", data={"kind": "500", "times": "often"}).status_code
        == 400
    )


def test_chance_repeats_with_the_seed(engine):
    engine.faults.add("500", chance=0.5, times=None)
    first = [engine.call("GET", "/v1/widgets").status for _ in range(40)]
    assert 5 < first.count(500) < 35
    other = type(engine)(seed=7)
    other.account()
    other.faults.add("500", chance=0.5, times=None)
    assert [other.call("GET", "/v1/widgets").status for _ in range(40)] == first
    other.close()


def test_in_process_a_cut_is_raised(engine):
    engine.faults.add("cut_after", path="/v1/widgets")
    with pytest.raises(Cut):
        engine.call("POST", "/v1/widgets", {"amount": 1})


class TestEvents:
    @pytest.fixture
    def hook(self, stand, inbox):
        return stand.client().v1.webhook_endpoints.create({"url": inbox.url, "enabled_events": ["*"]})

    def ids(self, stand, inbox, hook):
        client = stand.client()
        mail = [
            client.construct_event(m.body, m.headers["stripe-signature"], hook.secret) for m in inbox.mail
        ]
        return [event.data.object["amount"] for event in mail]

    def make(self, stand, *amounts):
        for amount in amounts:
            stand.client().raw_request("post", "/v1/widgets", amount=amount)

    def test_duplicate(self, stand, inbox, hook):
        stand.engine.faults.add("duplicate", type="widget.*")
        self.make(stand, 1, 2)
        inbox.wait(3)
        assert sorted(self.ids(stand, inbox, hook)) == [1, 1, 2]

    def test_drop(self, stand, inbox, hook):
        stand.engine.faults.add("drop", type="widget.created")
        self.make(stand, 1, 2)
        inbox.wait(1)
        assert stand.engine.courier.settle(2)
        assert self.ids(stand, inbox, hook) == [2]
        lost = stand.client().v1.events.list({"delivery_success": False}).data
        assert [event.data.object["amount"] for event in lost] == [1]

    def test_reorder(self, stand, inbox, hook):
        stand.engine.faults.add("reorder")
        self.make(stand, 1, 2)
        inbox.wait(2)
        assert self.ids(stand, inbox, hook) == [2, 1]

    def test_reorder_of_the_last_event_is_not_a_loss(self, stand, inbox, hook):
        stand.engine.faults.add("reorder")
        self.make(stand, 1)
        inbox.wait(1)
        assert self.ids(stand, inbox, hook) == [1]

    def test_delay(self, stand, inbox, hook):
        stand.engine.faults.add("delay", seconds=3600)
        self.make(stand, 1, 2)
        inbox.wait(1)
        stand.engine.advance(stand.engine.clock.now() + 3600)
        inbox.wait(2)
        assert self.ids(stand, inbox, hook) == [2, 1]

    def test_another_version(self, stand, inbox, hook):
        stand.engine.faults.add("version", version="2022-11-15")
        self.make(stand, 1)
        mail = inbox.wait(1)[0]
        event = stand.client().construct_event(mail.body, mail.headers["stripe-signature"], hook.secret)
        assert event.api_version == "2022-11-15"


class TestLimits:
    def visitor(self, stand, key=None):
        headers = {"Authorization": f"Bearer {key or stand.engine.keys().test}"}
        return httpx.Client(base_url=stand.url, headers=headers, timeout=30)

    def reason(self, client, path):
        answer = client.get(path)
        found = answer.headers.get("stripe-rate-limited-reason", "")
        assert answer.status_code == (429 if found else 200)
        return found

    def reasons(self, stand, paths, *, key=None):
        with self.visitor(stand, key) as client:
            return [self.reason(client, path) for path in paths]

    def test_each_layer_says_which_it_is(self, stand):
        control(stand, "limits", sandbox=20, endpoint=5)
        found = self.reasons(stand, ["/v1/widgets"] * 12 + ["/v1/events"] * 5)
        assert found[:5] == [""] * 5
        assert "endpoint-rate" in found[5:12]
        control(stand, "limits", sandbox=5, endpoint=50)
        assert "global-rate" in self.reasons(stand, ["/v1/widgets", "/v1/events"] * 6)
        stand.engine.limits.configure(Rates(sandbox=50, endpoint=50, resources={"search": 2}))
        assert "resource-specific" in self.reasons(stand, ["/v1/customers/search?query=created>0"] * 8)
        assert stand.engine.limits.refused > 0

    @pytest.mark.parametrize(
        ("rates", "reason"),
        [
            ({"concurrent": {"GET /v1/widgets": 3}}, "endpoint-concurrency"),
            ({"concurrent_total": 3}, "global-concurrency"),
        ],
    )
    def test_what_is_under_way_at_once_is_bounded(self, stand, rates, reason):
        stand.engine.latency_seconds = 1.0
        stand.engine.limits.configure(Rates(**rates))
        with self.visitor(stand) as client, ThreadPoolExecutor(8) as pool:
            found = list(pool.map(self.reason, [client] * 8, ["/v1/widgets"] * 8))
        assert sorted(found) == [""] * 3 + [reason] * 5
        assert self.reasons(stand, ["/v1/widgets"]) == [""]

    def test_the_thirty_first_payout_at_once_is_refused(self, engine):
        engine.limits.configure(Rates())
        (payouts, _) = match("POST", "/v1/payouts")
        with ExitStack() as under_way:
            for _ in range(30):
                under_way.enter_context(engine.limits.place("acct_1", False, payouts))
            with pytest.raises(StripeError) as refused:
                under_way.enter_context(engine.limits.place("acct_1", False, payouts))
            under_way.enter_context(engine.limits.place("acct_2", False, payouts))
        assert refused.value.headers["Stripe-Rate-Limited-Reason"] == "endpoint-concurrency"

    def test_modes_and_accounts_have_their_own_buckets(self, stand):
        stand.engine.limits.configure(Rates(sandbox=1, endpoint=1, live=100))
        assert "global-rate" in self.reasons(stand, ["/v1/widgets"] * 4)
        assert self.reasons(stand, ["/v1/widgets"], key=stand.engine.keys().live) == [""]

    def test_the_sdk_does_not_retry_unless_told(self, stand):
        control(stand, "limits", sandbox=1)
        client = stand.client(max_network_retries=2)
        client.raw_request("get", "/v1/widgets")
        began = time.perf_counter()
        with pytest.raises(stripe.RateLimitError):
            client.raw_request("get", "/v1/widgets")
        assert time.perf_counter() - began < 0.4

    def test_off_by_default(self, engine):
        assert {engine.call("GET", "/v1/widgets").status for _ in range(200)} == {200}

    def test_a_bucket_fills_by_the_second(self):
        bucket = Bucket(4, now=0.0)
        assert [bucket.take(0.0) for _ in range(5)] == [True] * 4 + [False]
        assert [bucket.take(0.5) for _ in range(3)] == [True, True, False]
        assert [bucket.take(100.0) for _ in range(5)] == [True] * 4 + [False]
