"""Talking to QuickBooks over HTTP: reads that are tried again, writes that are sent once.

Synchronous and safe to share between threads. Every call waits at the gate that all workers share. Numbers are read and written exactly
(Decimal), never as floats.

    with QuickBooksClient(connection, token=…, renew=…, gate=gate) as client:
        for account in client.every("Account", "Active IN (true, false)"): ...
        client.post("/journalentry", body, request_id="…")

Reads raise `QuickBooksRefusal` and `Outage`. A write raises `Outage` where nothing was sent or a limit was met, `QuickBooksRefusal` for a
definite no, and `UnknownOutcome` for everything else; it is never sent again here, but for an access token that was refused, which did
nothing.
"""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Self

import httpx
import msgspec
import structlog

from bookhand.core.problems import BookhandError, Outage
from bookhand.systems.connection import Connection, usable
from bookhand.systems.meters import CALLS, TOO_FAST
from bookhand.systems.quickbooks import MINOR_VERSION, SYSTEM, answers
from bookhand.systems.quickbooks.answers import Answer, QuickBooksRefusal, decode, encode
from bookhand.systems.quickbooks.layers import layers_of, limits

if TYPE_CHECKING:
    from bookhand.systems.client import Gate

BASES = {"live": "https://quickbooks.api.intuit.com", "test": "https://sandbox-quickbooks.api.intuit.com"}
PAGE = 1000
_KEEP_SECONDS = 15.0
"""Connections are not used again after so long: the other side may be closing them, and a write would be in doubt."""
_CONNECTIONS = 16
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)

log = structlog.get_logger(__name__)


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long a read is tried: the wait doubles from `first_seconds` to `longest_seconds`, with jitter."""

    tries: int = 5
    first_seconds: float = 0.5
    longest_seconds: float = 10.0
    connect_seconds: float = 10.0
    answer_seconds: float = 125.0
    """QuickBooks itself gives up after 120."""
    throttled_seconds: float = 60.0
    """How long nothing is sent once QuickBooks said that calls come too fast."""

    def pause(self, tried: int) -> float:
        """Seconds before try number `tried` + 1."""
        longest = min(self.longest_seconds, self.first_seconds * 2.0 ** (tried - 1))
        return longest * (0.5 + random.random() / 2)  # noqa: S311 (to spread, not to hide)


@cache
def trust() -> ssl.SSLContext:
    """The certificates that are trusted, read once: that takes longer than most calls."""
    return httpx.create_ssl_context()


def http_client(patience: Patience) -> httpx.Client:
    """Connections that are kept open between calls, for a short while."""
    return httpx.Client(
        verify=trust(),
        timeout=httpx.Timeout(patience.answer_seconds, connect=patience.connect_seconds),
        limits=httpx.Limits(max_connections=_CONNECTIONS, keepalive_expiry=_KEEP_SECONDS),
        headers={"Accept": "application/json", "User-Agent": "bookhand"},
    )


class QuickBooksClient:
    """Calls one connection's company."""

    def __init__(
        self,
        connection: Connection,
        *,
        token: Callable[[], str],
        renew: Callable[[str], str | None],
        gate: Gate,
        patience: Patience = Patience(),  # noqa: B008 (frozen)
        http: httpx.Client | None = None,
    ) -> None:
        """`token` gives the access token for the next call; `renew`, told the one that was refused, another one or None."""
        self.connection = usable(connection)
        self._token = token
        self._renew = renew
        self._gate = gate
        self._patience = patience
        self._counts = limits(connection.settings.get("limits"))
        self._owns_http = http is None
        self._http = http or http_client(patience)
        base = str(connection.settings.get("base_url") or BASES[connection.link.mode]).rstrip("/")
        self._base = f"{base}/v3/company/{connection.link.account}"

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """One read, as often as it takes."""
        asked = f"GET {path}"
        for tried in range(1, self._patience.tries + 1):
            answer, trouble = self._read_once(path, params or {})
            if answer and answers.is_good(answer):
                return _json(answer, asked)
            if answer and not answers.passing(answer):
                raise self._no(answer, asked)
            if tried < self._patience.tries:
                self._pause(asked, tried, answer, trouble)
        raise answers.outage(
            answer, trouble, asked=asked, tries=self._patience.tries, seconds=self._patience.throttled_seconds
        )

    def one(self, entity: str, id_: str) -> dict[str, Any] | None:
        """One object by its id; None where there is none."""
        try:
            found = self.get(f"/{entity.lower()}/{id_}")
        except QuickBooksRefusal as refusal:
            if refusal.code == answers.NOT_FOUND:
                return None
            raise
        kept: dict[str, Any] | None = found.get(entity)
        return kept

    def query(self, text: str) -> dict[str, Any]:
        """The QueryResponse of one query."""
        found: dict[str, Any] = self.get("/query", {"query": text}).get("QueryResponse") or {}
        return found

    def every(self, entity: str, where: str = "") -> Iterator[dict[str, Any]]:
        """All objects of a kind, page by page in the order of their ids, so that what is added meanwhile comes at the end."""
        start = 1
        while True:
            condition = f" WHERE {where}" if where else ""
            order = f"ORDERBY Id STARTPOSITION {start} MAXRESULTS {PAGE}"
            found = self.query(f"SELECT * FROM {entity}{condition} {order}")  # noqa: S608 (QuickBooks' own language)
            page = found.get(entity) or []
            yield from page
            if len(page) < PAGE:
                return
            start += PAGE

    def post(
        self,
        path: str,
        body: Any,
        *,
        request_id: str,
        begin: Callable[[], None] = lambda: None,
    ) -> tuple[dict[str, Any], Answer]:
        """One write, sent once; `begin` is called right before it leaves. The answer as JSON, and raw."""
        asked = f"POST {path}"
        content, token = encode(body), self._token()
        self._wait(path, read=False, begin=begin)
        answer = self._write_once(asked, path, content, request_id, token)
        if answers.credential_refused(answer) and (renewed := self._renew(token)):
            self._wait(path, read=False)
            answer = self._write_once(asked, path, content, request_id, renewed)
        if not answers.is_good(answer):
            raise self._trouble(answer, asked)
        try:
            return _json(answer, asked), answer
        except Outage:
            raise answers.lost(asked, "what came is no JSON") from None

    def close(self) -> None:
        """Close the connections that are its own."""
        if self._owns_http:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- one call ---

    def _read_once(self, path: str, params: Mapping[str, str]) -> tuple[Answer | None, str]:
        """The answer, or what went wrong before there was one."""
        token = self._token()
        answer, trouble = self._read(path, params, token)
        if answer is None or not answers.credential_refused(answer):
            return answer, trouble
        renewed = self._renew(token)
        return (answer, trouble) if renewed is None else self._read(path, params, renewed)

    def _read(self, path: str, params: Mapping[str, str], token: str) -> tuple[Answer | None, str]:
        self._wait(path, read=True)
        try:
            response = self._http.get(
                f"{self._base}{path}",
                params={**params, "minorversion": MINOR_VERSION},
                headers={"Authorization": f"Bearer {token}"},
            )
        except httpx.HTTPError as error:
            CALLS.labels(SYSTEM, "none").inc()
            return None, type(error).__name__
        return _counted(response), ""

    def _write_once(self, asked: str, path: str, content: bytes, request_id: str, token: str) -> Answer:
        try:
            response = self._http.post(
                f"{self._base}{path}",
                params={"minorversion": MINOR_VERSION, "requestid": request_id},
                content=content,
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            )
        except _NOT_SENT as error:
            CALLS.labels(SYSTEM, "none").inc()
            raise answers.unsent(asked, type(error).__name__) from None
        except httpx.HTTPError as error:
            CALLS.labels(SYSTEM, "none").inc()
            raise answers.lost(asked, type(error).__name__) from None
        answer = _counted(response)
        log.info(
            "quickbooks_sent",
            asked=asked,
            connection=self.connection.id,
            status=answer.status,
            tid=answer.tid,
        )
        return answer

    def _wait(self, path: str, *, read: bool, begin: Callable[[], None] | None = None) -> None:
        self._gate.wait(layers_of(self._counts, batch=path == "/batch"), read=read, begin=begin)

    def _no(self, answer: Answer, asked: str) -> BookhandError:
        """A definite no to a read; an answer that is none of QuickBooks' is trouble in between."""
        fault = answers.fault_of(answer)
        if fault is None and answer.status < 400:  # noqa: PLR2004 (a page where JSON was asked for)
            return Outage(
                f"What answered {asked} is not QuickBooks: a proxy in between?", retry_after_seconds=60
            )
        return answers.refusal(fault or answers.Fault(), asked=asked, status=answer.status, tid=answer.tid)

    def _trouble(self, answer: Answer, asked: str) -> BookhandError:
        if answers.is_throttled(answer):
            self._hold(answer)
        return answers.trouble(answer, asked=asked, throttled_seconds=self._patience.throttled_seconds)

    def _pause(self, asked: str, tried: int, answer: Answer | None, trouble: str) -> None:
        seconds = self._patience.pause(tried)
        if answer is not None and answers.is_throttled(answer):
            seconds = self._hold(answer)
        status = answer.status if answer else None
        log.warning(
            "quickbooks_retry", asked=asked, connection=self.connection.id, tried=tried, seconds=round(seconds, 2), status=status,
            trouble=trouble or None,
        )  # fmt: skip
        time.sleep(seconds)

    def _hold(self, answer: Answer) -> float:
        """Let nothing go out until QuickBooks takes calls again."""
        seconds = answers.retry_after(answer, throttled_seconds=self._patience.throttled_seconds)
        self._gate.hold(seconds)
        TOO_FAST.labels(SYSTEM, "company").inc()
        return seconds


def _counted(response: httpx.Response) -> Answer:
    CALLS.labels(SYSTEM, str(response.status_code)).inc()
    lower = {name.lower(): value for name, value in response.headers.items()}
    return Answer(status=response.status_code, headers=lower, body=response.content)


def _json(answer: Answer, asked: str) -> Any:
    try:
        found = decode(answer.body)
    except msgspec.DecodeError:
        found = None
    if not isinstance(found, dict):
        raise Outage(f"What answered {asked} is not QuickBooks: a proxy in between?", retry_after_seconds=60)
    return found
