"""Reading for the performer: one object, or a list to its end, or to a bound that is told with how to go on.

    reading = Reading(reader, Sender(line, times))
    reading.listed("/v1/refunds", {"charge": "ch_1"})          # Found(data=[…], count=2, cut=None)

Objects come as JSON, cleaned of client secrets. One of the wrong mode is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bookhand.core.action import Action, Found, Get, Values
from bookhand.core.problems import Outage, Refusal, UnknownOutcome
from bookhand.systems.connection import require_mode
from bookhand.systems.stripe.actions.fields import MOST
from bookhand.systems.stripe.client import PAGE, Page, StripeReader
from bookhand.systems.stripe.performing.asked import Asked, cleaned, flat, pairs_of, placed
from bookhand.systems.stripe.performing.sending_client import Sender

READ_BY_POST = frozenset({"/v1/invoices/create_preview"})
"""What Stripe computes from what it is sent, and changes nothing."""


class Reading:
    """Reads on one line, for one method of the performer."""

    def __init__(self, reader: StripeReader, sender: Sender, version: str | None = None) -> None:
        self._reader = reader
        self._sender = sender
        self._version = version

    def read(self, action: Action, values: Values) -> Found:
        """A read of the catalogue; `Refusal` where what was asked for is not there."""
        assert action.call is not None  # noqa: S101 (what is composed has its own way)
        path, rest = placed(action.call.path, {**values, **action.call.fixed})
        if action.result.many:
            return self.listed(path, rest)
        found = self.one(path, rest)
        if found is None:
            raise Refusal(
                f"Stripe has no {action.result.object} at {path} for {self._whose}: check the id and the connection."
            )
        return Found(data=found)

    def fetch(self, get: Get) -> Any:
        """One object, or a list: all of it, or as many as `limit` says. None where there is none.

        `Refusal` for a list that is too long to be had whole.
        """
        if "limit" in get.params:
            return self.listed(get.path, get.params).data
        found = self.one(get.path, get.params)
        if not isinstance(found, dict) or found.get("object") not in {"list", "search_result"}:
            return found
        if not found.get("has_more"):
            return found["data"]
        whole = self.listed(get.path, {**get.params, "limit": MOST})
        if whole.cut:
            raise Refusal(f"{get.path} has more than {MOST:,} objects: ask for fewer of them.")
        return whole.data

    def one(self, path: str, params: Values) -> Any:
        """One object as JSON; None where there is none."""
        if path in READ_BY_POST:
            return self._computed(path, params)
        body = self._reader.one(path, flat(params), version=self._version)
        return None if body is None else _json(body, path)

    def listed(self, path: str, params: Values) -> Found:
        """A list or a search, at most `limit` objects of it (without one, `MOST`)."""
        rest = {name: value for name, value in params.items() if name != "limit"}
        most = params.get("limit") or MOST
        found: list[Any] = []
        for page in self._pages(path, rest, most):
            found += [self._object(raw, path) for raw in page.data]
            cut = _cut(page, found, path) if page.has_more and page.data else None
        return Found(data=found, count=len(found), cut=cut)

    def _pages(self, path: str, params: Values, most: int) -> Iterator[Page]:
        """Pages until there are no more, or `most` objects are had; no page holds more than are wanted."""
        query, left = flat(params), most
        while left > 0:
            page = self._page(path, query, min(PAGE, left))
            yield page
            left -= len(page.data)
            if not page.has_more or not page.data:
                return
            query |= _after(page)

    def _page(self, path: str, query: Mapping[str, str], limit: int) -> Page:
        return self._reader.page(path, {**query, "limit": limit}, version=self._version)

    def _object(self, raw: Any, path: str) -> Any:
        found = _json(bytes(raw), path)
        require_mode(self._reader.connection, found.get("livemode"), subject=f"GET {path}")
        return found

    def _computed(self, path: str, params: Values) -> Any:
        """As no answer changes anything, one that was lost is only an outage."""
        try:
            sent = self._sender.send(
                Asked("POST", path, tuple(pairs_of(params))), key=None, version=self._version
            )
        except UnknownOutcome as lost:
            raise Outage(str(lost), retry_after_seconds=lost.retry_after_seconds) from None
        return sent.data

    @property
    def _whose(self) -> str:
        connection = self._reader.connection
        return f"connection {connection.id} ({connection.name}, {'live' if connection.livemode else 'test'} mode)"


def _json(body: bytes, path: str) -> Any:
    try:
        return cleaned(body)
    except ValueError:
        raise Outage(f"Stripe's answer to GET {path} is no JSON: a proxy in between?") from None


def _after(page: Page) -> dict[str, str]:
    """Where the next page begins: a search says so, a list goes on after its last object."""
    if page.next_page is not None:
        return {"page": page.next_page}
    return {"starting_after": _json(bytes(page.data[-1]), "a list").get("id", "")}


def _cut(page: Page, found: list[Any], path: str) -> str:
    ((name, place),) = _after(page).items()
    return f"These are the first {len(found):,} of {path}, and there are more: go on with {name}={place}."
