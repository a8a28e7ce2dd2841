"""Which of Stripe's rate limits a call stands under, pure.

The account (100 a second live, 25 in a sandbox), its endpoint (25 by default), the resource where Stripe sets one (search, files,
payouts, an object that is updated), and reads or writes where a connection sets them. Every count can be overridden per connection:
``{"account": 200, "endpoint": 50, "search": 10, "GET /v1/charges": 100, "read": 80}``. Source: docs.stripe.com/rate-limits, 2026.

>>> [layer.name for layer in layers_of("GET", "/v1/charges/ch_1", limits(livemode=True))]
['account', 'GET /v1/charges/{id}']
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bookhand.core.problems import Refusal
from bookhand.systems.limits import Layer, overridden

_LIVE = {"account": 100}
_SANDBOX = {"account": 25}
_EITHER = {
    "endpoint": 25,
    "search": 20,
    "files:read": 20,
    "files:write": 20,
    "payouts:create": 15,
    "payment_intent": 1000,
}
_HOUR_SECONDS = 3600.0


def limits(*, livemode: bool, overrides: Mapping[str, object] | None = None) -> dict[str, int]:
    """Calls a second by layer (updates of one payment intent: an hour), with a connection's own counts put in.

    `Refusal` for a layer nobody knows: a limit with a typing error in its name would be no limit.
    """
    counts = {**(_LIVE if livemode else _SANDBOX), **_EITHER}
    unknown = [
        name
        for name in overrides or {}
        if name not in {*counts, "read", "write"} and not _ENDPOINT.fullmatch(name)
    ]
    if unknown:
        known = ", ".join([*counts, "read", "write"])
        raise Refusal(
            f"There is no limit named {unknown[0]!r}: there are {known}, and endpoints as in 'GET /v1/charges'."
        )
    return overridden(counts, overrides or {})


def layers_of(method: str, path: str, counts: Mapping[str, int]) -> tuple[Layer, ...]:
    """The layers a call stands under, the widest first; ids in `path` count as one endpoint."""
    kind = "read" if method == "GET" else "write"
    endpoint = f"{method} {path[:3]}{_ID.sub('{id}', path[3:])}"
    found = [Layer("account", counts["account"])]
    if kind in counts:
        found.append(Layer(kind, counts[kind]))
    found.append(Layer(endpoint, counts.get(endpoint, counts["endpoint"])))
    resource = _resource(method, path, kind)
    if resource in counts:
        found.append(Layer(resource, counts[resource]))
    updated = _UPDATED.fullmatch(path)
    if updated and kind == "write":
        found.append(Layer(updated[1], counts["payment_intent"], _HOUR_SECONDS))
    return tuple(found)


_ID = re.compile(
    r"(?<=/)(?=[a-z_]*[0-9A-Z])[A-Za-z0-9_-]+(?=/|$)"
)  # names of endpoints are lower-case letters alone
_ENDPOINT = re.compile(r"(?:GET|POST|DELETE) /v[12]/[a-z_/{}]+")
_UPDATED = re.compile(r"/v1/payment_intents/(pi_\w+)(?:/\w+)?")


def _resource(method: str, path: str, kind: str) -> str:
    if path.endswith("/search"):
        return "search"
    if path == "/v1/files" or path.startswith("/v1/files/"):
        return f"files:{kind}"
    if method == "POST" and path == "/v1/payouts":
        return "payouts:create"
    return ""
