"""Webhooks: signed, retried, at least once; events kept thirty days."""

from __future__ import annotations

import time

import pytest
import stripe

from bookhand.sandbox.stripe.wire import Wire

EVENTS = ["widget.created", "widget.updated"]


def endpoint(stand, inbox, **params):
    return stand.client().v1.webhook_endpoints.create({"url": inbox.url, "enabled_events": EVENTS, **params})


def widget(stand, amount=1, **options):
    return stand.client(**options).raw_request("post", "/v1/widgets", amount=amount).data["id"]


def opened(stand, mail, secret):
    return stand.client().construct_event(mail.body, mail.headers["stripe-signature"], secret)


def test_the_sdk_believes_the_signature(stand, inbox):
    hook = endpoint(stand, inbox)
    made = widget(stand)
    mail = inbox.wait(1)[0]
    event = opened(stand, mail, hook.secret)
    assert (event.type, event.data.object["id"], event.api_version) == (
        "widget.created",
        made,
        "2026-10-28.endive",
    )
    assert mail.headers["user-agent"].startswith("Stripe/1.0")
    with pytest.raises(stripe.SignatureVerificationError):
        opened(stand, mail, "whsec_another")
    stored = stand.client().v1.events.retrieve(event.id)
    assert stored.data.object["id"] == made


def test_the_secret_is_shown_once(stand, inbox):
    hook = endpoint(stand, inbox)
    assert hook.secret.startswith("whsec_")
    assert "secret" not in stand.client().v1.webhook_endpoints.retrieve(hook.id)
    assert "secret" not in stand.client().v1.webhook_endpoints.list().data[0]


def test_only_what_was_asked_for_is_sent(stand, inbox):
    hook = endpoint(stand, inbox, enabled_events=["widget.updated"])
    made = widget(stand)
    stand.client().raw_request("post", f"/v1/widgets/{made}", colour="blue")
    event = opened(stand, inbox.wait(1)[0], hook.secret)
    assert event.type == "widget.updated"
    assert event.data.previous_attributes.to_dict() == {"colour": "red"}
    stand.client().v1.webhook_endpoints.update(hook.id, {"enabled_events": ["*"]})
    widget(stand)
    assert opened(stand, inbox.wait(2)[1], hook.secret).type == "widget.created"
    stand.client().v1.webhook_endpoints.update(hook.id, {"disabled": True})
    widget(stand)
    stand.client().v1.webhook_endpoints.delete(hook.id)
    assert stand.engine.courier.settle(2)
    assert len(inbox.mail) == 2


def test_refused_mail_comes_again_when_the_pause_is_over(stand, inbox):
    hook = endpoint(stand, inbox)
    inbox.statuses = [500, 302]
    widget(stand)
    inbox.wait(1)
    settled(stand)
    assert pending(stand) == 1
    stand.engine.advance(stand.engine.clock.now() + 300)
    inbox.wait(2)
    settled(stand)
    stand.engine.advance(stand.engine.clock.now() + 3600)
    bodies = {opened(stand, mail, hook.secret).id for mail in inbox.wait(3)}
    assert len(bodies) == 1
    settled(stand)
    assert pending(stand) == 0
    assert [e.type for e in stand.client().v1.events.list({"delivery_success": True})] == ["widget.created"]


def test_mail_is_given_up_after_the_last_pause(stand, inbox):
    endpoint(stand, inbox)
    stand.engine.courier.sandbox_pauses = (10, 10)
    inbox.statuses = [500] * 5
    widget(stand)
    for count in (1, 2, 3):
        inbox.wait(count)
        settled(stand)
        stand.engine.advance(stand.engine.clock.now() + 10)
    assert stand.engine.courier.given_up == 1
    assert stand.engine.courier.waiting() == 0
    assert len(stand.client().v1.events.list({"delivery_success": False}).data) == 1


def test_after_a_roll_both_secrets_sign_until_the_old_one_expires(stand, inbox):
    hook = endpoint(stand, inbox)
    path = f"/_pinstripe/webhook_endpoints/{hook.id}/roll"
    fresh = stand.client().raw_request("post", path, expires_in=3600).data["secret"]
    assert fresh != hook.secret
    widget(stand)
    mail = inbox.wait(1)[0]
    assert opened(stand, mail, hook.secret).id == opened(stand, mail, fresh).id
    stand.engine.advance(stand.engine.clock.now() + 3600)
    widget(stand)
    mail = inbox.wait(2)[1]
    assert opened(stand, mail, fresh)
    with pytest.raises(stripe.SignatureVerificationError):
        opened(stand, mail, hook.secret)
    with pytest.raises(stripe.InvalidRequestError, match="less than or equal to 86400"):
        stand.client().raw_request("post", path, expires_in=86_401)


def test_an_endpoint_at_which_nothing_arrives_for_nine_days_is_disabled(stand, inbox):
    hook = endpoint(stand, inbox)
    stand.engine.courier.sandbox_pauses = ()

    def day_passes(status):
        inbox.statuses, before = [status], len(inbox.mail)
        widget(stand)
        inbox.wait(before + 1)
        settled(stand)
        stand.engine.advance(stand.engine.clock.now() + 86_400)
        return stand.client().v1.webhook_endpoints.retrieve(hook.id).status

    assert {day_passes(status) for status in [500] * 8 + [200] + [500] * 9} == {"enabled"}
    assert day_passes(500) == "disabled"
    arrived = len(inbox.mail)
    widget(stand)
    settled(stand)
    assert len(inbox.mail) == arrived
    stand.client().v1.webhook_endpoints.update(hook.id, {"disabled": False})
    assert day_passes(500) == "enabled"


def test_an_address_where_nobody_answers_is_tried_again(stand, inbox):
    endpoint(stand, inbox)
    url = inbox.url
    inbox.server.shutdown()
    inbox.server.server_close()
    widget(stand)
    settled(stand)
    assert stand.engine.courier.failed == 1
    assert (stand.engine.courier.waiting(), url[:17]) == (1, "http://127.0.0.1:")


def test_an_answer_that_takes_too_long_counts_as_none(stand, inbox):
    endpoint(stand, inbox)
    stand.engine.courier.stop()
    inbox.hold = lambda: time.sleep(0.4)
    import asyncio

    async def send():
        return await Wire(timeout_seconds=0.1).post(inbox.url, {}, b"{}")

    with pytest.raises(TimeoutError):
        asyncio.run(send())


def test_deliveries_run_side_by_side_but_not_without_bound(stand, inbox):
    endpoint(stand, inbox)
    inbox.hold = lambda: time.sleep(0.05)
    for _ in range(60):
        widget(stand)
    inbox.wait(60, 10)
    assert 2 <= inbox.busiest <= 32


def test_what_was_not_delivered_survives_a_restart(tmp_path, inbox):
    from bookhand.sandbox.stripe.clock import Clock
    from bookhand.sandbox.stripe.engine import Pinstripe

    engine = Pinstripe(tmp_path / "stripe.db", clock=Clock(1_760_000_000))
    engine.account()
    engine.call("POST", "/v1/webhook_endpoints", {"url": inbox.url, "enabled_events": ["*"]})
    engine.call("POST", "/v1/widgets", {"amount": 1})
    engine.close()
    engine = Pinstripe(tmp_path / "stripe.db", clock=Clock(1_760_000_060))
    engine.courier.start()
    inbox.wait(1)
    engine.close()


def test_a_resent_event_arrives_again(stand, inbox):
    hook = endpoint(stand, inbox)
    widget(stand)
    event = opened(stand, inbox.wait(1)[0], hook.secret)
    stand.client().raw_request("post", f"/v1/events/{event.id}/retry", webhook_endpoint=hook.id)
    assert opened(stand, inbox.wait(2)[1], hook.secret).id == event.id


def test_a_platform_hears_of_its_connected_accounts(stand, inbox):
    engine = stand.engine
    engine.account("acct_shop")
    engine.connect(engine.default_account, "acct_shop")
    hook = endpoint(stand, inbox, connect=True)
    widget(stand)
    widget(stand, stripe_account="acct_shop")
    mail = inbox.wait(1)
    assert engine.courier.settle(2)
    assert len(inbox.mail) == 1
    assert opened(stand, mail[0], hook.secret).account == "acct_shop"


def test_an_endpoint_is_sent_its_own_version(stand, inbox):
    hook = endpoint(stand, inbox, api_version="2024-06-20", enabled_events=["customer.subscription.created"])
    with stand.engine.session() as call:
        item = {"current_period_start": 1, "current_period_end": 2}
        call.emit(
            "customer.subscription.created",
            {"id": "sub_1", "object": "subscription", "items": {"data": [item]}},
        )
    event = opened(stand, inbox.wait(1)[0], hook.secret)
    assert event.api_version == "2024-06-20"
    assert event.data.object["current_period_end"] == 2
    stored = stand.client().v1.events.retrieve(event.id)
    assert stored.api_version == "2026-10-28.endive"
    assert "current_period_end" not in stored.data.object


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"url": "ftp://x"}, "url"),
        ({"url": "http://127.0.0.1/", "enabled_events": []}, "enabled_events"),
        ({"enabled_events": ["*"]}, "url"),
    ],
)
def test_a_bad_endpoint_is_refused(engine, params, param):
    answer = engine.call("POST", "/v1/webhook_endpoints", {"enabled_events": ["*"], **params})
    assert answer.json()["error"]["param"] == param


def test_live_endpoints_need_https_and_sixteen_are_enough(engine):
    asked = {"url": "http://example.com/", "enabled_events": ["*"]}
    assert engine.call("POST", "/v1/webhook_endpoints", asked, livemode=True).status == 400
    answers = [engine.call("POST", "/v1/webhook_endpoints", asked).status for _ in range(17)]
    assert answers == [200] * 16 + [400]


def test_events_are_kept_thirty_days(engine):
    engine.call("POST", "/v1/widgets", {"amount": 1})
    (first,) = engine.call("GET", "/v1/events").json()["data"]
    engine.advance(engine.clock.now() + 30 * 86400)
    engine.call("POST", "/v1/widgets", {"amount": 2})
    assert len(engine.call("GET", "/v1/events").json()["data"]) == 2
    assert engine.call("GET", f"/v1/events/{first['id']}").status == 200
    engine.advance(engine.clock.now() + 86400)
    assert engine.call("GET", f"/v1/events/{first['id']}").status == 404
    engine.call("POST", "/v1/widgets", {"amount": 3})
    found = engine.call("GET", "/v1/events", {"types": ["widget.created", "widget.updated"]}).json()["data"]
    assert [event["data"]["object"]["amount"] for event in found] == [3, 2]


def test_events_are_found_by_type(engine):
    made = engine.call("POST", "/v1/widgets", {"amount": 1}).json()["id"]
    engine.call("POST", f"/v1/widgets/{made}", {"colour": "blue"})

    def types(**params):
        return [event["type"] for event in engine.call("GET", "/v1/events", params).json()["data"]]

    assert types(type="widget.updated") == ["widget.updated"]
    assert types(type="widget.*") == ["widget.updated", "widget.created"]
    assert types(types=["widget.created", "other"]) == ["widget.created"]
    assert engine.call("GET", "/v1/events", {"types": [str(at) for at in range(21)]}).status == 400


def test_thin_events_name_the_object_and_are_fetched(stand, inbox):
    client = stand.client()
    made = client.v2.core.event_destinations.create(
        {
            "name": "mine",
            "type": "webhook_endpoint",
            "event_payload": "thin",
            "enabled_events": ["v1.widget.created"],
            "webhook_endpoint": {"url": inbox.url},
            "include": ["webhook_endpoint.signing_secret", "webhook_endpoint.url"],
        }
    )
    assert made.webhook_endpoint.url == inbox.url
    one = widget(stand)
    mail = inbox.wait(1)[0]
    notice = client.parse_event_notification(
        mail.body, mail.headers["stripe-signature"], made.webhook_endpoint.signing_secret
    )
    assert (notice.type, notice.related_object.id) == ("v1.widget.created", one)
    assert notice.fetch_related_object()["id"] == one
    assert notice.fetch_event().id == notice.id
    with pytest.raises(ValueError, match="thin"):
        opened(stand, mail, made.webhook_endpoint.signing_secret)
    hidden = client.v2.core.event_destinations.retrieve(made.id)
    assert hidden.webhook_endpoint.signing_secret is None
    assert [d.id for d in client.v2.core.event_destinations.list()] == [made.id]
    client.v2.core.event_destinations.disable(made.id)
    widget(stand)
    client.v2.core.event_destinations.enable(made.id)
    client.v2.core.event_destinations.ping(made.id)
    assert b"event_destination.ping" in inbox.wait(2)[1].body


def settled(stand):
    """Until what is due now has been tried."""
    courier, until = stand.engine.courier, time.monotonic() + 5
    while (courier.due() or courier._taken) and time.monotonic() < until:
        time.sleep(0.005)


def pending(stand):
    return stand.client().v1.events.list().data[0].pending_webhooks


def test_an_account_may_be_pinned_to_an_older_version(stand, inbox):
    stand.engine.pin(stand.engine.default_account, "2024-06-20")
    old = endpoint(stand, inbox, enabled_events=["customer.subscription.created"])
    new = endpoint(
        stand, inbox, enabled_events=["customer.subscription.created"], api_version="2026-10-28.endive"
    )
    with stand.engine.session() as call:
        item = {"current_period_end": 2}
        call.emit(
            "customer.subscription.created",
            {"id": "sub_1", "object": "subscription", "items": {"data": [item]}},
        )
    seen = {}
    for mail in inbox.wait(2):
        for hook in (old, new):
            try:
                event = opened(stand, mail, hook.secret)
            except stripe.SignatureVerificationError:
                continue
            seen[event.api_version] = event.data.object.to_dict().get("current_period_end")
    assert seen == {"2024-06-20": 2, "2026-10-28.endive": None}
    answer = stand.engine.call("GET", "/v1/events")
    assert answer.headers["Stripe-Version"] == "2024-06-20"
    assert answer.json()["data"][0]["api_version"] == "2024-06-20"


def test_a_platforms_live_endpoint_hears_of_test_events_too(stand, inbox):
    engine = stand.engine
    engine.account("acct_shop")
    engine.connect(engine.default_account, "acct_shop")
    live = stand.client(engine.keys().live)
    hook = live.v1.webhook_endpoints.create({"url": inbox.url, "enabled_events": ["*"], "connect": True})
    widget(stand, stripe_account="acct_shop")
    event = opened(stand, inbox.wait(1)[0], hook.secret)
    assert (event.livemode, event.account) == (False, "acct_shop")
