"""Event destinations of the second API: JSON, thin or snapshot payloads.

POST /v2/core/event_destinations
{"name": "mine", "type": "webhook_endpoint", "event_payload": "thin", "enabled_events": ["v1.charge.succeeded"],
 "webhook_endpoint": {"url": "http://127.0.0.1:1/"}, "include": ["webhook_endpoint.signing_secret"]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from bookhand.sandbox.stripe import lists, versions
from bookhand.sandbox.stripe.endpoints import MOST, Endpoint, secret
from bookhand.sandbox.stripe.errors import JSON, StripeError
from bookhand.sandbox.stripe.events import moment
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

KIND = "v2.core.event_destination"
_encode = msgspec.json.Encoder().encode


@route("POST", "/v2/core/event_destinations")
def create_destination(call: Call) -> JSON:
    """A new destination, owned by the account, disabled by a call of its own."""
    call.choice("type", ("webhook_endpoint",), required=True)
    payload = call.choice("event_payload", ("snapshot", "thin"), required=True)
    name = call.text("name", required=True)
    url = call.text("webhook_endpoint[url]", required=True) or ""
    enabled = [str(event) for event in call.listing("enabled_events")]
    version = call.text("snapshot_api_version")
    if not enabled:
        raise StripeError(
            "Missing required param: enabled_events.", code="parameter_missing", param="enabled_events"
        )
    if version:
        versions.check(version)
    if len(call.engine.endpoints.of(call.account, call.livemode)) >= MOST:
        raise StripeError(f"You have reached the maximum of {MOST} event destinations.")
    sources = [str(source) for source in call.listing("events_from")] or ["self"]
    obj: JSON = {
        "id": call.new_id("ed_live" if call.livemode else "ed_test"),
        "object": KIND,
        "amazon_eventbridge": None,
        "azure_event_grid": None,
        "created": moment(call.now),
        "description": call.text("description") or "",
        "enabled_events": enabled,
        "event_payload": payload,
        "events_from": sources,
        "livemode": call.livemode,
        "metadata": call.metadata(),
        "name": name,
        "snapshot_api_version": (version or call.engine.version) if payload == "snapshot" else None,
        "status": "enabled",
        "status_details": None,
        "type": "webhook_endpoint",
        "updated": moment(call.now),
        "webhook_endpoint": {"signing_secret": None, "url": None},
    }
    call.add(obj, stamp=False)
    endpoint = Endpoint(
        obj["id"],
        call.account,
        call.livemode,
        url,
        secret(call),
        tuple(enabled),
        connect="other_accounts" in sources,
        api_version=obj["snapshot_api_version"],
        thin=payload == "thin",
    )
    call.engine.endpoints.put(endpoint)
    return _shown(call, obj)


@route("GET", "/v2/core/event_destinations")
def list_destinations(call: Call) -> JSON:
    """All of them."""
    return lists.second(call, KIND, {})


@route("GET", "/v2/core/event_destinations/{id}")
def retrieve_destination(call: Call) -> JSON:
    """One of them; `include[]` shows its address and secret."""
    return _shown(call, call.get(KIND, call.path["id"]))


@route("POST", "/v2/core/event_destinations/{id}")
def update_destination(call: Call) -> JSON:
    """Change its name, notes, events or address."""
    obj = call.get(KIND, call.path["id"])
    for name in ("name", "description"):
        obj[name] = call.text(name) if call.sent(name) else obj[name]
    if call.sent("enabled_events"):
        obj["enabled_events"] = [str(event) for event in call.listing("enabled_events")]
    obj["metadata"] = call.metadata(old=obj["metadata"])
    return _changed(call, obj, url=call.text("webhook_endpoint[url]"))


@route("POST", "/v2/core/event_destinations/{id}/disable")
def disable_destination(call: Call) -> JSON:
    """Send no more."""
    obj = call.get(KIND, call.path["id"])
    return _changed(call, {**obj, "status": "disabled", "status_details": {"disabled": {"reason": "user"}}})


@route("POST", "/v2/core/event_destinations/{id}/enable")
def enable_destination(call: Call) -> JSON:
    """Send again."""
    return _changed(call, {**call.get(KIND, call.path["id"]), "status": "enabled", "status_details": None})


@route("POST", "/v2/core/event_destinations/{id}/ping")
def ping_destination(call: Call) -> JSON:
    """Send a `v2.core.event_destination.ping`."""
    obj = call.get(KIND, call.path["id"])
    endpoint = call.engine.endpoints.get(obj["id"])
    event: JSON = {
        "id": call.new_id("evt"),
        "object": "v2.core.event",
        "type": "v2.core.event_destination.ping",
        "created": moment(call.now),
        "livemode": call.livemode,
        "context": None,
        "reason": None,
        "related_object": {"id": obj["id"], "type": KIND, "url": f"/v2/core/event_destinations/{obj['id']}"},
    }
    call.add(event, stamp=False)
    if endpoint is not None:
        call.engine.courier.post(call, event["id"], endpoint, _encode(event), [])
    return event


@route("DELETE", "/v2/core/event_destinations/{id}")
def delete_destination(call: Call) -> JSON:
    """Take it away."""
    call.delete(KIND, call.path["id"], stub=False)
    call.engine.endpoints.drop(call.path["id"])
    return {"id": call.path["id"], "object": KIND}


def _changed(call: Call, obj: JSON, *, url: str | None = None) -> JSON:
    known = call.engine.endpoints.get(obj["id"])
    if known is not None:
        changed = msgspec.structs.replace(
            known,
            url=url or known.url,
            enabled_events=tuple(obj["enabled_events"]),
            enabled=obj["status"] == "enabled",
        )
        call.engine.endpoints.put(changed)
    return _shown(call, call.save({**obj, "updated": moment(call.now)}))


def _shown(call: Call, obj: JSON) -> JSON:
    included = call.listing("include")
    known = call.engine.endpoints.get(obj["id"])
    webhook: JSON = {"signing_secret": None, "url": None}
    if known and "webhook_endpoint.url" in included:
        webhook["url"] = known.url
    if known and "webhook_endpoint.signing_secret" in included:
        webhook["signing_secret"] = known.secret
    return {**obj, "webhook_endpoint": webhook}
