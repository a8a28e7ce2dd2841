"""Events: one object for each thing that happened, rendered once, handed to every endpoint that wants it.

    call.emit("charge.succeeded", charge)
    call.emit("customer.updated", customer, previous={"email": None})

Kept 30 days. Events before `Pinstripe.events_from` are not made: a seeded year would only throw them away again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.sandbox.stripe import idempotency, lists, versions
from bookhand.sandbox.stripe.endpoints import Endpoint, wanted
from bookhand.sandbox.stripe.errors import JSON, StripeError, missing
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call
    from bookhand.sandbox.stripe.engine import Pinstripe

KEPT_SECONDS = 30 * 86400
DAY = 86400
MOST_TYPES = 20

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Events:
    """Makes events and their deliveries."""

    def __init__(self, engine: Pinstripe) -> None:
        self.engine = engine
        self._swept: dict[int, int] = {}

    def emit(self, call: Call, type: str, obj: JSON, previous: JSON | None) -> None:  # noqa: A002
        """Store the event and what must be delivered."""
        if call.now < self.engine.events_from:
            return
        endpoints = [endpoint for endpoint in wanted(call) if endpoint.wants(type)]
        data: JSON = {"object": obj}
        if previous is not None:
            data["previous_attributes"] = previous
        event: JSON = {
            "id": call.new_id("evt"),
            "object": "event",
            "api_version": versions.CURRENT,
            "created": call.now,
            "data": data,
            "livemode": call.livemode,
            "pending_webhooks": len(endpoints),
            "request": {"id": call.request_id, "idempotency_key": call.idempotency_key},
            "type": type,
        }
        stored = in_version(event, self.engine.version_of(call.account))
        call.add(stored, type=type, delivered="no" if endpoints else "yes")
        self._sweep(call)
        if endpoints:
            self._deliver(call, event, stored["api_version"], endpoints)

    def _deliver(self, call: Call, event: JSON, stored: str, endpoints: list[Endpoint]) -> None:
        faults = self.engine.faults.of_event(event["type"])
        forced = next((fault.version for fault in faults if fault.kind == "version"), None)
        notice = None
        payload: bytes | None
        for endpoint in endpoints:
            if endpoint.thin:
                notice = notice or thin_event(call, event)
                payload = _encode(notice)
            else:
                payload = snapshot(event, stored, endpoint, call.account, forced)
            self.engine.courier.post(call, event["id"], endpoint, payload, faults)

    def _sweep(self, call: Call) -> None:
        today = call.now // DAY
        if self._swept.get(call.part) != today:
            self._swept[call.part] = today
            idempotency.forget(self.engine.store, call.now)
            self.engine.store.forget_before(call.part, "event", call.now - KEPT_SECONDS)
            self.engine.store.forget_before(call.part, "v2.core.event", call.now - KEPT_SECONDS)


def snapshot(
    event: JSON, stored: str, endpoint: Endpoint, account: str, forced: str | None = None
) -> bytes | None:
    """The event as one endpoint is sent it; None when that is what is stored."""
    asked = forced or endpoint.api_version or stored
    if asked == stored and not endpoint.connect:
        return None
    shown = in_version(event, asked)
    if endpoint.connect:
        shown = {**shown, "account": account}
    return _encode(shown)


def in_version(event: JSON, version: str) -> JSON:
    """The event as an older version shows it; as it is, if it is in that version or an older one."""
    if event["api_version"] <= version:
        return event
    shown: JSON = _decode(_encode(event))
    shown["api_version"] = version
    versions.render(shown["data"], version)
    return shown


def thin_event(call: Call, event: JSON) -> JSON:
    """The second API's form of an event: what happened to which object, without the object."""
    obj = event["data"]["object"]
    found: JSON = {
        "id": call.new_id("evt"),
        "object": "v2.core.event",
        "type": f"v1.{event['type']}",
        "created": moment(event["created"]),
        "livemode": event["livemode"],
        "context": None,
        "reason": _reason(event["request"]),
        "related_object": {"id": obj.get("id"), "type": obj["object"], "url": url_of(obj)},
        "snapshot_event": event["id"],
    }
    return call.add(found, stamp=False, object_id=obj.get("id"))


def moment(seconds: int) -> str:
    """A time as the second API writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def url_of(obj: JSON) -> str:
    """Where an object is fetched."""
    kind = PATHS.get(obj["object"]) or obj["object"].replace(".", "/") + "s"
    return f"/v1/{kind}/{obj.get('id')}" if obj.get("id") else f"/v1/{obj['object']}"


def _reason(request: JSON) -> JSON | None:
    if not request["id"]:
        return None
    return {"type": "request", "request": {**request, "idempotency_key": request["idempotency_key"] or ""}}


PATHS = {"fee_refund": "application_fees/refunds", "balance_settings": "balance_settings"}


@route("GET", "/v1/events")
def list_events(call: Call) -> JSON:
    """Events of the last 30 days, by type, types[], created and delivery_success."""
    types = [str(type_) for type_ in call.listing("types")]
    if types and call.sent("type"):
        raise StripeError("You may only specify one of these parameters: type, types.", param="types")
    if len(types) > MOST_TYPES:
        raise StripeError(f"You can filter on at most {MOST_TYPES} types.", param="types")
    delivered = call.boolean("delivery_success")
    index = {"delivered": None if delivered is None else ("yes" if delivered else "no")}
    since = call.now - KEPT_SECONDS
    if types:
        return lists.merged(call, "event", [{**index, "type": type_} for type_ in types], since=since)
    asked = call.text("type")
    if asked and asked.endswith("*"):
        names = call.engine.store.values(call.part, "event", "type")
        found = [name for name in names if name.startswith(asked[:-1])]
        return lists.merged(call, "event", [{**index, "type": name} for name in found], since=since)
    return lists.merged(call, "event", [{**index, "type": asked}], since=since)


@route("GET", "/v1/events/{id}")
def retrieve_event(call: Call) -> JSON:
    """One event of the last 30 days."""
    return _recent(call)


def _recent(call: Call) -> JSON:
    event = call.get("event", call.path["id"])
    if event["created"] < call.now - KEPT_SECONDS:
        raise missing("event", event["id"])
    return event


@route("POST", "/v1/events/{id}/retry")
def resend_event(call: Call) -> JSON:
    """Send it again, to every endpoint that wants it or to `webhook_endpoint` alone."""
    event = _recent(call)
    only = call.text("webhook_endpoint")
    for endpoint in wanted(call):
        if endpoint.thin or not (endpoint.id == only if only else endpoint.wants(event["type"])):
            continue
        payload = snapshot(event, event["api_version"], endpoint, call.account)
        call.engine.courier.post(call, event["id"], endpoint, payload, [])
    return event


@route("GET", "/v2/core/events/{id}")
def retrieve_thin(call: Call) -> JSON:
    """One thin event."""
    return call.get("v2.core.event", call.path["id"])


@route("GET", "/v2/core/events")
def list_thin(call: Call) -> JSON:
    """Thin events, newest first, of one object with `object_id`."""
    index: dict[str, Any] = {"object_id": call.text("object_id")}
    return lists.second(call, "v2.core.event", {name: value for name, value in index.items() if value})
