"""HTTP to one NetSuite account: reads that try again, writes that are sent once, never more at once than the account's slots.

    with client.open(…) as http: ...
    client.record("deposit", "eid:bookhand-x")              # JSON with its lines; None where there is none
    client.put("deposit", "eid:bookhand-x", body)           # the internal id; Refusal, Outage (nothing done), UnknownOutcome
    client.rows("SELECT id FROM transaction ORDER BY id")   # every row of a SuiteQL query, page by page

A request that was blocked because too many are under way did nothing, so it is sent again after a while, a write too. An access token that
is refused is renewed. Everything else that is no definite answer to a write is an `UnknownOutcome`.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

import httpx
import msgspec
import structlog

from bookhand.core.problems import Outage, UnknownOutcome
from bookhand.systems.client import Begins
from bookhand.systems.meters import CALLS, TOO_FAST
from bookhand.systems.netsuite import answers
from bookhand.systems.netsuite.answers import Answer, encode

if TYPE_CHECKING:
    from bookhand.systems.netsuite.session.place import Place

PAGE_ROWS = 1000
MOST_ROWS = 100_000
"""What one SuiteQL query gives at most (Oracle's help, section_157909186990)."""
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_LAST_STEP = re.compile(r"/([^/?]+)/?(?:\?.*)?$")
_KEPT_OPEN_SECONDS = 10.0
_TOKENS = 8
"""How many a request goes through at most, while others pass with them."""

log = structlog.get_logger(__name__)


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long calls wait and how often they are tried."""

    tries: int = 6
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 20.0
    connect_seconds: float = 10.0
    answer_seconds: float = 120.0

    def wait(self, tried: int) -> float:
        """Seconds before the next try: twice as long each time, and spread."""
        most: float = min(self.first_wait_seconds * 2.0**tried, self.longest_wait_seconds)
        return most * (0.5 + random.random() / 2)  # noqa: S311 (spread, no secret)


def http_of(patience: Patience, *, at_once: int) -> httpx.Client:
    """Connections that are kept open for the next call; reads come first on each, so a write never finds a stale one."""
    return httpx.Client(
        timeout=httpx.Timeout(patience.answer_seconds, connect=patience.connect_seconds),
        limits=httpx.Limits(
            max_connections=at_once + 2,
            max_keepalive_connections=at_once,
            keepalive_expiry=_KEPT_OPEN_SECONDS,
        ),
        follow_redirects=False,
    )


class Signs(Protocol):
    """What calls are signed with: `token_auth.Credential`, or one on trial."""

    def headers(self, method: str, url: str) -> dict[str, str]:
        """The Authorization of one call."""
        ...

    def renew(self, refused: str) -> bool:
        """Whether another try makes sense after `refused`."""
        ...

    def works(self) -> None:
        """A call passed."""
        ...


class Holds(Protocol):
    """What keeps requests at once within the limit: `slots_store.Slots`."""

    def hold(self) -> AbstractContextManager[None]:
        """A slot for the time of one request."""
        ...


@dataclass(frozen=True, slots=True)
class _Request:
    """What is sent, but for its signature; `begin` is called before it leaves, a second at most."""

    method: str
    url: str
    content: bytes | None
    headers: Mapping[str, str]
    begin: Callable[[], None] = lambda: None


class NetSuiteClient:
    """Safe to share between threads."""

    def __init__(
        self,
        place: Place,
        credential: Signs,
        slots: Holds,
        http: httpx.Client,
        *,
        patience: Patience | None = None,
    ) -> None:
        self.place = place
        self._credential = credential
        self._slots = slots
        self._http = http
        self._patience = patience or Patience()

    # --- reads ---

    def record(self, record: str, key: str) -> dict[str, Any] | None:
        """A record with its lines, by id or ``eid:…``; None where there is none."""
        answer = self._read(
            "GET", f"/record/v1/{record}/{_step(key)}", {"expandSubResources": "true"}, asked=f"GET {record}"
        )
        if answer.status == answers.NOT_FOUND:
            return None
        return _object(answer)

    def page(self, record: str, *, limit: int = 1) -> dict[str, Any]:
        """The first ids of a record: shows whether the role may see it."""
        answer = self._read("GET", f"/record/v1/{record}", {"limit": str(limit)}, asked=f"GET {record}")
        if answer.status == answers.NOT_FOUND:
            raise answers.refusal(answer, asked=f"GET {record}")
        return _object(answer)

    def rows(self, query: str) -> Iterator[dict[str, str]]:
        """Every row; the query has an unambiguous order, or pages would overlap."""
        offset = 0
        while True:
            found = self.rows_page(query, limit=PAGE_ROWS, offset=offset)
            for row in found["items"]:
                row.pop("links", None)
                yield row
            if not found.get("hasMore"):
                return
            offset += PAGE_ROWS

    def rows_page(self, query: str, *, limit: int, offset: int) -> dict[str, Any]:
        """One page of a query's answer."""
        asked = "a SuiteQL query"
        answer = self._read(
            "POST", "/query/v1/suiteql", {"limit": str(limit), "offset": str(offset)}, {"q": query}, asked=asked,
            headers={"Prefer": "transient"},
        )  # fmt: skip
        if answer.status == answers.NOT_FOUND:
            raise answers.refusal(answer, asked=asked)
        return _object(answer)

    # --- writes ---

    def put(
        self,
        record: str,
        key: str,
        body: Mapping[str, Any],
        *,
        replacing: str,
        begin: Callable[[], None] = lambda: None,
    ) -> str:
        """Make the record of that external id, or make it so; the internal id that NetSuite gave.

        `begin` is called a second at most before anything is sent, with the slot in hand if that was waited for; what it raises keeps it
        from being sent.
        """
        asked = f"PUT {record}"
        told = {"X-NetSuite-PropertyNameValidation": "Error"}
        request = self._request(
            "PUT", f"/record/v1/{record}/{_step(key)}", {"replace": replacing}, body, told
        )
        answer = self._write(replace(request, begin=begin), asked=asked)
        found = _LAST_STEP.search(answer.headers.get("location", ""))
        if found is None:
            raise UnknownOutcome(
                f"NetSuite did {asked}, and did not say under which id: it is looked up.",
                retry_after_seconds=1.0,
            )
        return found[1]

    # --- one call ---

    def _read(
        self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None = None, *, asked: str,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """An answer that is fine, or 404; tried again while the trouble may pass."""
        request = self._request(method, path, query, body, headers or {})
        why: Exception | None = None
        for tried in range(self._patience.tries):
            if tried:
                time.sleep(self._patience.wait(tried - 1))
            try:
                answer = self._authorised(request)
            except httpx.HTTPError as error:
                why = error
                continue
            if answer.is_ok or answer.status == answers.NOT_FOUND:
                return answer
            if not answers.passing(answer):
                raise answers.refusal(answer, asked=asked)
            why = answers.outage(
                answer, asked=asked, tries=tried + 1, retry_after_seconds=self._patience.longest_wait_seconds
            )
        if isinstance(why, Outage):
            raise why
        raise answers.unsent(asked, type(why).__name__)

    def _write(self, request: _Request, *, asked: str) -> Answer:
        """Sent once; again only where NetSuite said that it was blocked, and nothing done."""
        for tried in range(self._patience.tries):
            if tried:
                time.sleep(self._patience.wait(tried - 1))
            try:
                answer = self._authorised(request)
            except _UNSENT as error:
                raise answers.unsent(asked, type(error).__name__) from None
            except httpx.HTTPError as error:
                raise answers.lost(asked, type(error).__name__) from None
            if answer.is_ok:
                return answer
            if not answers.crowded(answer):
                raise answers.trouble(answer, asked=asked)
        raise answers.outage(
            answer,
            asked=asked,
            tries=self._patience.tries,
            retry_after_seconds=self._patience.longest_wait_seconds,
        )

    def _authorised(self, request: _Request) -> Answer:
        """An exchange; again under a new token where this one was refused, which did nothing."""
        for tried in range(_TOKENS):
            if tried > 1:
                time.sleep(self._patience.wait(tried - 2))
            answer, shown = self._exchange(request)
            if answer.status != answers.UNAUTHORIZED:
                self._credential.works()
                return answer
            if not self._credential.renew(shown):
                return answer
        raise answers.outage(answer, asked=request.method, tries=_TOKENS, retry_after_seconds=5.0)

    def _exchange(self, request: _Request) -> tuple[Answer, str]:
        begins = Begins(request.begin)
        begins.be_fresh()  # while others have the slots: one that is in hand should be in use
        with self._slots.hold():
            own = self._credential.headers(request.method, request.url)
            begins.be_fresh()
            try:
                got = self._http.request(
                    request.method, request.url, content=request.content, headers={**request.headers, **own}
                )
            except httpx.HTTPError:
                CALLS.labels("netsuite", "none").inc()
                raise
        answer = Answer(
            status=got.status_code, headers={n.lower(): v for n, v in got.headers.items()}, body=got.content
        )
        CALLS.labels("netsuite", str(answer.status)).inc()
        if answers.crowded(answer):
            TOO_FAST.labels("netsuite", "at_once").inc()
        return answer, own["Authorization"]

    def _request(
        self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> _Request:  # fmt: skip
        url = str(httpx.URL(self.place.rest + path, params=dict(query)))
        told = {"Accept": "application/json", **headers}
        if body is None:
            return _Request(method, url, None, told)
        return _Request(method, url, encode(body), {**told, "Content-Type": "application/json"})


def _step(key: str) -> str:
    """A record's key as a step of a path; the colon of ``eid:`` stays."""
    return quote(key, safe=":")


def _object(answer: Answer) -> dict[str, Any]:
    found = answer.json()
    if not isinstance(found, dict):
        raise Outage("NetSuite answered with something else than an object: is the address right?")
    return found
