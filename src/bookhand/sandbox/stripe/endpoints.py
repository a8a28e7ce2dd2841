"""Where events go: webhook endpoints of the first API and event destinations of the second.

POST /v1/webhook_endpoints {url, enabled_events[], api_version, connect}      # the secret is shown once
POST /v2/core/event_destinations {name, type, event_payload, enabled_events, webhook_endpoint: {url}}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from bookhand.sandbox.stripe import versions
from bookhand.sandbox.stripe.errors import JSON, StripeError, missing
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call
    from bookhand.sandbox.stripe.engine import Pinstripe

SCHEMA = "CREATE TABLE IF NOT EXISTS endpoints (id TEXT PRIMARY KEY, body BLOB)"
MOST = 16
SECRET_LENGTH = 32
ROLL_SECONDS = 86_400
_encode = msgspec.json.Encoder().encode


class Endpoint(msgspec.Struct, frozen=True):
    """One address that is sent events, and the account and mode that owns it."""

    id: str
    owner: str
    livemode: bool
    url: str
    secret: str
    enabled_events: tuple[str, ...]
    connect: bool = False
    api_version: str | None = None
    thin: bool = False
    enabled: bool = True
    old_secret: str = ""
    old_until: float = 0
    failing_since: float | None = None

    def wants(self, type: str) -> bool:  # noqa: A002
        """Is this event asked for?"""
        if not self.enabled:
            return False
        name = f"v1.{type}" if self.thin else type
        return "*" in self.enabled_events or name in self.enabled_events

    def secrets(self, now: float) -> list[str]:
        """Those that sign: after a roll the old one too, until it expires."""
        return [self.secret, *([self.old_secret] if now < self.old_until else [])]


def wanted(call: Call) -> list[Endpoint]:
    """The endpoints that hear of this account: its own, and its platforms' with connect=true.

    A platform's live endpoints hear of test events too: `livemode` tells them apart.
    """
    endpoints = call.engine.endpoints
    if not endpoints.any():
        return []
    found = [endpoint for endpoint in endpoints.of(call.account, call.livemode) if not endpoint.connect]
    for platform in call.engine.platforms(call.account, livemode=call.livemode):
        modes = (True,) if call.livemode else (False, True)
        found += [one for mode in modes for one in endpoints.of(platform, mode) if one.connect]
    return found


class Endpoints:
    """All of them, remembered; stored as settings beside the objects that show them."""

    def __init__(self, engine: Pinstripe) -> None:
        self.engine = engine
        self._known: dict[str, Endpoint] | None = None
        engine.store.db.execute(SCHEMA)

    def any(self) -> bool:
        """Is there one at all?"""
        return bool(self._all())

    def of(self, owner: str, livemode: bool) -> list[Endpoint]:  # noqa: FBT001 - an account's two halves
        """Those of one account and mode, oldest first."""
        return [e for e in self._all().values() if e.owner == owner and e.livemode == livemode]

    def get(self, id: str) -> Endpoint | None:  # noqa: A002
        """One of them."""
        return self._all().get(id)

    def put(self, endpoint: Endpoint) -> None:
        """Add or change one."""
        self.engine.store.db.execute(
            "INSERT INTO endpoints VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
            (endpoint.id, _encode(endpoint)),
        )
        self._known = None

    def disable(self, endpoint: Endpoint) -> None:
        """Send it nothing more, as the object then shows; its owner may enable it again."""
        store = self.engine.store
        part = store.part(endpoint.owner, endpoint.livemode)
        body = store.body(part, "webhook_endpoint", endpoint.id)
        if body is None:  # the second API's destinations have no word for this
            return
        obj = {**msgspec.json.decode(body), "status": "disabled"}
        store.replace(part, "webhook_endpoint", endpoint.id, _encode(obj), {})
        self.put(msgspec.structs.replace(endpoint, enabled=False, failing_since=None))

    def drop(self, id: str) -> None:  # noqa: A002
        """Take one away, with what waits for it."""
        self.engine.store.db.execute("DELETE FROM endpoints WHERE id = ?", (id,))
        self.engine.store.db.execute("DELETE FROM deliveries WHERE endpoint = ?", (id,))
        self._known = None

    def forget(self) -> None:
        """After a rollback: what is remembered may not be stored."""
        self._known = None

    def _all(self) -> dict[str, Endpoint]:
        if self._known is None:
            with self.engine.lock:
                rows = self.engine.store.db.execute("SELECT body FROM endpoints ORDER BY rowid").fetchall()
            stored = [msgspec.json.decode(row[0], type=Endpoint) for row in rows]
            self._known = {endpoint.id: endpoint for endpoint in stored}
        return self._known


@route("POST", "/v1/webhook_endpoints")
def create_endpoint(call: Call) -> JSON:
    """A new endpoint; the answer alone carries its secret."""
    url = _url(call, call.text("url", required=True) or "", "url")
    enabled = _events(call)
    version = call.text("api_version")
    if version:
        versions.check(version)
    if len(call.engine.endpoints.of(call.account, call.livemode)) >= MOST:
        raise StripeError(f"You have reached the maximum of {MOST} {_mode(call)} webhook endpoints.")
    obj = call.add(
        {
            "id": call.new_id("we"),
            "object": "webhook_endpoint",
            "api_version": version,
            "application": None,
            "created": call.now,
            "description": call.text("description"),
            "enabled_events": enabled,
            "livemode": call.livemode,
            "metadata": call.metadata(),
            "status": "enabled",
            "url": url,
        }
    )
    endpoint = Endpoint(
        obj["id"],
        call.account,
        call.livemode,
        url,
        secret(call),
        tuple(enabled),
        connect=bool(call.boolean("connect", default=False)),
        api_version=version,
    )
    call.engine.endpoints.put(endpoint)
    return {**obj, "secret": endpoint.secret}


@route("GET", "/v1/webhook_endpoints")
def list_endpoints(call: Call) -> JSON:
    """All of them."""
    return call.page("webhook_endpoint", created=False)


@route("GET", "/v1/webhook_endpoints/{id}")
def retrieve_endpoint(call: Call) -> JSON:
    """One of them."""
    return call.get("webhook_endpoint", call.path["id"])


@route("POST", "/v1/webhook_endpoints/{id}")
def update_endpoint(call: Call) -> JSON:
    """Change its address, events, state or notes; its version and secret stay."""
    obj = call.get("webhook_endpoint", call.path["id"])
    if call.sent("url"):
        obj["url"] = _url(call, call.text("url", required=True) or "", "url")
    if call.sent("enabled_events"):
        obj["enabled_events"] = _events(call)
    if call.sent("disabled"):
        obj["status"] = "disabled" if call.boolean("disabled") else "enabled"
    if call.sent("description"):
        obj["description"] = call.text("description")
    obj["metadata"] = call.metadata(old=obj["metadata"])
    known = call.engine.endpoints.get(obj["id"])
    if known is not None:
        changed = msgspec.structs.replace(
            known,
            url=obj["url"],
            enabled_events=tuple(obj["enabled_events"]),
            enabled=obj["status"] == "enabled",
            failing_since=known.failing_since if obj["status"] == "enabled" and known.enabled else None,
        )
        call.engine.endpoints.put(changed)
    return call.save(obj)


@route("DELETE", "/v1/webhook_endpoints/{id}")
def delete_endpoint(call: Call) -> JSON:
    """Take it away; what was not delivered is dropped."""
    answer = call.delete("webhook_endpoint", call.path["id"], stub=False)
    call.engine.endpoints.drop(call.path["id"])
    return answer


@route("POST", "/_pinstripe/webhook_endpoints/{id}/roll")
def roll_secret(call: Call) -> JSON:
    """A new secret, as the dashboard gives one: the old one signs beside it for `expires_in` seconds, at most a day."""
    obj = call.get("webhook_endpoint", call.path["id"])
    known = call.engine.endpoints.get(obj["id"])
    if known is None:
        raise missing("webhook_endpoint", obj["id"])
    left = call.integer("expires_in", default=ROLL_SECONDS, min=0, max=ROLL_SECONDS) or 0
    rolled = msgspec.structs.replace(
        known, secret=secret(call), old_secret=known.secret, old_until=call.engine.clock.exact() + left
    )
    call.engine.endpoints.put(rolled)
    return {**obj, "secret": rolled.secret}


def _events(call: Call) -> list[str]:
    found = [str(name) for name in call.listing("enabled_events")]
    if not found:
        raise StripeError(
            "Missing required param: enabled_events.", code="parameter_missing", param="enabled_events"
        )
    return found


def _url(call: Call, url: str, param: str) -> str:
    scheme, _, rest = url.partition("://")
    if scheme not in ("http", "https") or not rest:
        raise StripeError("Invalid URL: An explicit scheme (such as https) must be provided.", param=param)
    local = rest.startswith(("127.0.0.1", "localhost", "[::1]"))
    if call.livemode and scheme == "http" and not local:
        raise StripeError("Invalid URL: Livemode webhook endpoints must use HTTPS.", param=param)
    return url


def secret(call: Call) -> str:
    """A new signing secret."""
    return f"whsec_{call.engine.ids.letters(call.new_id('whsec'), SECRET_LENGTH)}"


def _mode(call: Call) -> str:
    return "live" if call.livemode else "test"
