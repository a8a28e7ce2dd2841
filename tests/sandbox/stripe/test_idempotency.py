"""The first answer to a key is given again; the key is good for nothing else."""

from __future__ import annotations

import threading

import httpx
import pytest
import stripe

KEY = "order-1"


def post(engine, params, key=KEY, path="/v1/widgets", **options):
    return engine.call("POST", path, params, idempotency_key=key, **options)


def test_a_repeated_request_is_done_once(stand):
    client = stand.client()
    first = client.raw_request("post", "/v1/widgets", amount=3, idempotency_key=KEY)
    again = client.raw_request("post", "/v1/widgets", amount=3, idempotency_key=KEY)
    assert again.body == first.body
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["original-request"] == first.headers["request-id"]
    assert "idempotent-replayed" not in first.headers
    assert len(client.v1.events.list().data) == 1
    assert client.v1.events.list().data[0].request.idempotency_key == KEY


def test_other_parameters_or_another_endpoint_are_refused(stand):
    client = stand.client()
    client.raw_request("post", "/v1/widgets", amount=3, idempotency_key=KEY)
    with pytest.raises(stripe.IdempotencyError, match="same parameters they were first used with"):
        client.raw_request("post", "/v1/widgets", amount=4, idempotency_key=KEY)
    with pytest.raises(stripe.IdempotencyError, match="same endpoint they were first used for"):
        client.raw_request("post", "/v1/widgets/widget_1", amount=3, idempotency_key=KEY)


def test_accounts_and_modes_have_their_own_keys(engine):
    engine.account("acct_2")
    made = {
        post(engine, {"amount": 1}, **where).json()["id"]
        for where in ({}, {"livemode": True}, {"account": "acct_2"})
    }
    assert len(made) == 3


def test_a_failed_validation_leaves_the_key_free(engine):
    assert post(engine, {"amount": "x"}).status == 400
    assert post(engine, {"amount": 1}).status == 200


def test_declines_and_server_errors_are_given_again(engine):
    for amount, status in ((402, 402), (500, 500)):
        first, again = (post(engine, {"amount": amount}, key=f"k{amount}") for _ in range(2))
        assert (first.status, again.status) == (status, status)
        assert again.body == first.body
        assert again.headers["Idempotent-Replayed"] == "true"
    assert len(engine.call("GET", "/v1/widgets").json()["data"]) == 1


def test_a_key_is_forgotten_after_a_day(engine):
    first = post(engine, {"amount": 1}).json()["id"]
    engine.advance(engine.clock.now() + 24 * 3600 - 1)
    assert post(engine, {"amount": 1}).json()["id"] == first
    engine.advance(engine.clock.now() + 1)
    assert post(engine, {"amount": 2}).json()["id"] != first


def test_a_key_survives_a_restart(tmp_path):
    from bookhand.sandbox.stripe.engine import Pinstripe

    ids = []
    for _ in range(2):
        engine = Pinstripe(tmp_path / "stripe.db")
        engine.account()
        ids.append(post(engine, {"amount": 1}).json()["id"])
        engine.close()
    assert ids[0] == ids[1]


def test_a_key_in_use_is_a_conflict(stand):
    stand.engine.faults.add("slow", path="/v1/widgets", seconds=0.5)
    headers = {"Authorization": f"Bearer {stand.engine.keys().test}", "Idempotency-Key": KEY}
    stand.engine.latency_seconds = 0.05
    answers = []

    def send():
        answers.append(httpx.post(f"{stand.url}/v1/widgets", data={"amount": 1}, headers=headers))

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    conflict = next(answer for answer in answers if answer.status_code == 409).json()["error"]
    assert (conflict["type"], conflict["code"]) == ("idempotency_error", "idempotency_key_in_use")


def test_a_key_has_at_most_255_characters(engine):
    assert post(engine, {"amount": 1}, key="k" * 256).status == 400
