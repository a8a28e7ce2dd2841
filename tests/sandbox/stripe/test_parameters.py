"""What an endpoint does not take is refused; what it takes is what the official SDK declares."""

from __future__ import annotations

import pytest
import stripe
from tests.sandbox.stripe import sdk_parameters

from bookhand.sandbox.stripe import parameters


def test_the_table_is_the_installed_sdks():
    assert parameters.TABLE.read_text(encoding="utf-8") == sdk_parameters.table(), (
        "write it anew: python -m tests.sandbox.stripe.sdk_parameters"
    )


def test_the_reading_of_the_sdk_sees_what_is_there():
    found = sdk_parameters.endpoints()
    assert len(found) > 500
    assert {"amount", "currency", "metadata", "expand"} <= found["POST /v1/charges"]
    assert "starting_after" in found["GET /v1/payouts"]
    assert found["DELETE /v1/webhook_endpoints/{}"] == set()


def test_an_unknown_parameter_is_named(stand):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        stand.client().v1.events.list({"limit": 1, "colour": "red"})
    assert caught.value.user_message == "Received unknown parameter: colour"
    assert (caught.value.error.code, caught.value.param) == ("parameter_unknown", "colour")
    answer = stand.engine.call("POST", "/v1/webhook_endpoints", {"a": 1, "b": 2, "url": "x"})
    assert answer.json()["error"]["message"] == "Received unknown parameters: a, b"
