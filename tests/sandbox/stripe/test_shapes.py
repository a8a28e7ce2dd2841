"""The surface's own objects have the shape that the official SDK declares."""

from __future__ import annotations

from tests.sandbox.honesty import python_sdk
from tests.sandbox.honesty.shapes import check


def test_events_and_endpoints(engine):
    asked = {"url": "http://127.0.0.1:1/", "enabled_events": ["*"], "metadata": {"a": "b"}}
    made = engine.call("POST", "/v1/webhook_endpoints", asked).json()
    path = f"/v1/webhook_endpoints/{made['id']}"
    engine.call("POST", "/v1/customers", {"email": "a@example.com"})
    event = engine.call("GET", "/v1/events").json()["data"][0]
    shown = [
        made,
        engine.call("GET", path).json(),
        engine.call("POST", path, {"description": "x", "disabled": True}).json(),
        engine.call("DELETE", path).json(),
        engine.call("GET", f"/v1/events/{event['id']}").json(),
        event["data"]["object"],
    ]
    for obj in shown:
        assert check(obj, python_sdk.shape(obj["object"]), at=obj["object"]) == []
