"""Events: one object for each thing that happened, rendered once.

    call.emit("charge.succeeded", charge)
    call.emit("customer.updated", customer, previous={"email": None})

Events older than `Pinstripe.events_from` are not made: a seeded year would only throw them away after 30 days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookhand.sandbox.stripe.errors import JSON

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call
    from bookhand.sandbox.stripe.engine import Pinstripe

KEPT = 30 * 86400


class Events:
    """Makes events and hands them to the endpoints that want them."""

    def __init__(self, engine: Pinstripe) -> None:
        self.engine = engine

    def emit(self, call: Call, type: str, obj: JSON, previous: JSON | None) -> None:  # noqa: A002
        """Store the event."""
        if call.now < self.engine.events_from:
            return
        data: JSON = {"object": obj}
        if previous is not None:
            data["previous_attributes"] = previous
        event = {
            "id": call.new_id("evt"),
            "object": "event",
            "api_version": self.engine.version,
            "created": call.now,
            "data": data,
            "livemode": call.livemode,
            "pending_webhooks": 0,
            "request": {"id": call.request_id, "idempotency_key": call.idempotency_key},
            "type": type,
        }
        call.add(event, type=type)
