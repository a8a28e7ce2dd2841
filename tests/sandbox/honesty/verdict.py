"""What the judges say about an answer.

    verdict = Verdict(python_sdk.shape)
    verdict.on(exchange)        # ['GET /v1/payouts/po_1 200: payout.amount is missing (Payout)']

Every object is judged by its own `object`, wherever it stands: alone, in a list, in an event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .shapes import Finding, Keys, check

if TYPE_CHECKING:
    from .witness import Exchange

LISTS = {"list", "search_result"}


@dataclass(slots=True)
class Verdict:
    """One judge of shapes; `unsure` collects words that no list has."""

    shape: Callable[[str], Keys]
    unsure: set[str] = field(default_factory=set)

    def on(self, exchange: Exchange) -> list[str]:
        """Everything wrong with one answer, in sentences."""
        if exchange.status >= 400:
            return [f"{exchange}: {said}" for said in error(exchange)]
        found = self._second(exchange) if exchange.path.startswith("/v2/") else self.of(exchange.body)
        self.unsure.update(f"{f.at} {f.says}" for f in found if f.weight == "unsure")
        return sorted({f"{exchange}: {f.at} {f.says}" for f in found if f.weight == "wrong"})

    def of(self, body: Any) -> list[Finding]:
        """Everything to say about one object."""
        if not isinstance(body, dict) or not isinstance(body.get("object"), str):
            return [Finding("answer", "has no `object`")]
        name = body["object"]
        if name in LISTS:
            return self._list(body, name)
        try:
            shape = self.shape(name)
        except KeyError:
            return [Finding("answer", f"is a {name!r}, which Stripe does not have")]
        found = check(body, shape, at=name)
        if name == "event":
            found += [
                Finding(f"event.data({body['type']}).{f.at}", f.says, f.weight) for f in self._told(body)
            ]
        return found

    def _second(self, exchange: Exchange) -> list[Finding]:
        """The second API: its lists have no `object`, what may be absent may be null, a deletion says little."""
        body = exchange.body
        if exchange.method == "DELETE":
            return [] if body.keys() == {"id", "object"} else [Finding("deleted", f"says {sorted(body)}")]
        rows = [body]
        found = []
        if isinstance(body.get("data"), list) and "object" not in body:
            rows = body["data"]
            wanted = {"data", "next_page_url", "previous_page_url"}
            found = [Finding(f"list.{key}", "is missing or too much") for key in wanted ^ body.keys()]
        found += [f for row in rows for f in self.of(row) if not f.says.startswith("is null")]
        return [f for f in found if not f.at.endswith(".related_object")]  # each type's own, not the base's

    def _list(self, body: dict[str, Any], name: str) -> list[Finding]:
        wanted = {"object", "data", "has_more", "url"} | ({"next_page"} if name == "search_result" else set())
        allowed = wanted | {"total_count"}
        found = [Finding(f"{name}.{key}", "is missing") for key in wanted - body.keys()]
        found += [Finding(f"{name}.{key}", "is not a key of a list") for key in body.keys() - allowed]
        if not isinstance(body.get("has_more"), bool):
            found.append(Finding(f"{name}.has_more", "is no boolean"))
        return found + [f for row in body.get("data", []) for f in self.of(row)]

    def _told(self, event: dict[str, Any]) -> list[Finding]:
        told = event.get("data", {}).get("object")
        return self.of(told) if isinstance(told, dict) else [Finding("event.data.object", "is missing")]


ERROR_TYPES = {"api_error", "card_error", "idempotency_error", "invalid_request_error"}
ERROR_KEYS = {
    "advice_code", "charge", "code", "decline_code", "doc_url", "message", "network_advice_code",
    "network_decline_code", "param", "payment_intent", "payment_method", "payment_method_type",
    "request_log_url", "setup_intent", "source", "type",
}  # fmt: skip


def error(exchange: Exchange) -> list[str]:
    """What is wrong with a refusal."""
    told = exchange.body.get("error") if isinstance(exchange.body, dict) else None
    if not isinstance(told, dict):
        return ["a refusal without `error`"]
    found = [f"error.{key} is not a key of an error" for key in told.keys() - ERROR_KEYS]
    if told.get("type") not in ERROR_TYPES:
        found.append(f"error.type is {told.get('type')!r}")
    if not isinstance(told.get("message"), str):
        found.append("error.message is missing")
    return found
