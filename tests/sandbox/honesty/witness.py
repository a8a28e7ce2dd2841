"""An HTTP client for the official SDK that writes down what it was answered.

with running(engine) as address:
    witness = Witness()
    client = witness.client(key, address)
    client.v1.customers.create({"email": "a@example.com"})
witness.exchanges[0].path            # '/v1/customers'
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import stripe


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer."""

    method: str
    path: str
    status: int
    body: Any
    sent: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"


class Witness(stripe.HTTPXClient):
    """The SDK's own client, listening."""

    def __init__(self) -> None:
        super().__init__(timeout=20, allow_sync_methods=True)
        self.exchanges: list[Exchange] = []

    def client(self, key: str, address: str, **options: Any) -> stripe.StripeClient:
        """A client of the stand-in whose every answer is kept."""
        bases = {"api": address, "files": address, "connect": address, "meter_events": address}
        return stripe.StripeClient(
            key, base_addresses=bases, http_client=self, max_network_retries=0, **options
        )

    def request(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        content, status, answered = super().request(method, url, headers, post_data)
        kind = answered.get("content-type", "")
        body = json.loads(content) if kind.startswith("application/json") else content
        parts = urlsplit(url)
        sent = post_data if isinstance(post_data, str) else parts.query
        self.exchanges.append(Exchange(method.upper(), parts.path, status, body, sent[:200]))
        return content, status, answered
