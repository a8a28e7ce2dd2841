"""The official SDK, made to wait at our gate before each call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import stripe
from stripe import RequestsClient

from bookhand.systems.stripe.layers import layers_of, limits

if TYPE_CHECKING:
    from bookhand.systems.client import Gate
    from bookhand.systems.connection import Connection

_REAL = "https://api.stripe.com"


def client_of(
    connection: Connection, *, token: str, gate: Gate, retries: int, base: str
) -> stripe.StripeClient:
    """A `StripeClient` for `connection`; see `client.sdk`."""
    counts = limits(livemode=connection.livemode, overrides=connection.settings.get("limits"))
    return stripe.StripeClient(
        token,
        stripe_account=connection.link.account if connection.auth in {"platform", "connect_oauth"} else None,
        stripe_version=connection.link.api_version,
        base_addresses={}
        if base == _REAL
        else {"api": base, "files": base, "connect": base, "meter_events": base},
        max_network_retries=retries,
        http_client=_Gated(gate, counts),
    )


class _Gated(RequestsClient):
    def __init__(self, gate: Gate, counts: dict[str, int]) -> None:
        super().__init__(timeout=80)
        self._gate = gate
        self._counts = counts

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **_: Any) -> Any:
        """As the SDK's own, after waiting."""
        self._wait(method, url)
        return super().request(method, url, headers, post_data)

    def request_stream(self, method: str, url: str, headers: Any, post_data: Any = None, **_: Any) -> Any:
        """As the SDK's own, after waiting."""
        self._wait(method, url)
        return super().request_stream(method, url, headers, post_data)

    def _wait(self, method: str, url: str) -> None:
        verb = method.upper()
        self._gate.wait(layers_of(verb, urlsplit(url).path, self._counts), read=verb == "GET")
