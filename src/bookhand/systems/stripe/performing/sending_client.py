"""One POST or DELETE to Stripe, over a connection opened for it: what went out is known to the byte.

A connection that is kept open may have been closed by the other side, and then nobody knows whether a request was read. So a
write opens its own: until the handshake is done nothing was sent (`Outage`), from then on anything but an answer is an
`UnknownOutcome`. Nothing is sent twice; only a credential that Stripe refused, which did nothing, is renewed once.

    sent = Sender(line, times).send(asked, key="bh_…", version=None)
"""

from __future__ import annotations

import http.client
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from bookhand.core.action import Sent
from bookhand.core.problems import UnknownOutcome
from bookhand.systems.client import Gate
from bookhand.systems.connection import Connection
from bookhand.systems.meters import CALLS, TOO_FAST
from bookhand.systems.stripe import answers
from bookhand.systems.stripe.answers import Answer
from bookhand.systems.stripe.client import API, base_url, headers
from bookhand.systems.stripe.layers import layers_of, limits
from bookhand.systems.stripe.performing import verdict
from bookhand.systems.stripe.performing.asked import Asked, cleaned

FILES = "https://files.stripe.com"
_BROKEN = (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Line:
    """What a method of the performer holds from its beginning to its end."""

    connection: Connection
    token: Callable[[], str]
    renew: Callable[[str], str | None]
    gate: Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long a write waits: for a connection, and for the answer (Stripe itself gives up after 80 seconds)."""

    connect_seconds: float = 10.0
    answer_seconds: float = 80.0


class Sender:
    """Sends on one line."""

    def __init__(self, line: Line, times: Times) -> None:
        self._line = line
        self._times = times
        self._counts = limits(
            livemode=line.connection.livemode, overrides=line.connection.settings.get("limits")
        )

    def send(self, asked: Asked, *, key: str | None, version: str | None) -> Sent:
        """The object that Stripe gave; `StripeRefusal`, `Outage` or `UnknownOutcome`."""
        token = self._line.token()
        answer = self._once(asked, token, key, version)
        if answers.credential_refused(answer) and (renewed := self._line.renew(token)):
            answer = self._once(asked, renewed, key, version)
        if not answer.is_ok:
            raise self._trouble(asked, answer)
        return self._sent(asked, answer)

    def _once(self, asked: Asked, token: str, key: str | None, version: str | None) -> Answer:
        verdict.require_key_mode(self._line.connection, token)
        body, kind = asked.body()
        told = headers(self._line.connection, token, version) | _told(kind, key)
        self._line.gate.wait(layers_of(asked.way, asked.path, self._counts), read=False)
        wire, prefix = self._open(asked)
        try:
            answer = _exchange(wire, asked, f"{prefix}{asked.target}", body, told)
        finally:
            wire.close()
        self._count(asked, answer)
        return answer

    def _open(self, asked: Asked) -> tuple[HTTPConnection, str]:
        """A connection with its handshake done, and what goes before the path."""
        parts = urlsplit(self._base(asked))
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        wire = kind(parts.hostname or "", parts.port, timeout=self._times.connect_seconds)
        try:
            wire.connect()
        except _BROKEN as error:
            CALLS.labels("stripe", "none").inc()
            wire.close()
            raise verdict.unsent(str(asked), type(error).__name__) from None
        wire.timeout = self._times.answer_seconds
        return wire, parts.path

    def _base(self, asked: Asked) -> str:
        base = base_url(self._line.connection)
        return FILES if asked.upload and base == API else base

    def _count(self, asked: Asked, answer: Answer) -> None:
        CALLS.labels("stripe", str(answer.status)).inc()
        if answer.status == answers.TOO_MANY:
            TOO_FAST.labels("stripe", answers.too_fast(answer) or "unnamed").inc()
        log.info(
            "stripe_sent", asked=str(asked), connection=self._line.connection.id, status=answer.status,
            request_id=answer.headers.get("request-id"),
        )  # fmt: skip

    def _trouble(self, asked: Asked, answer: Answer) -> Exception:
        if answers.too_fast(answer):
            self._line.gate.hold(verdict.retry_after(answer))
        return verdict.trouble(answer, asked=str(asked))

    def _sent(self, asked: Asked, answer: Answer) -> Sent:
        try:
            data = cleaned(answer.body)
        except ValueError:
            raise verdict.lost(str(asked), "what came is no JSON") from None
        told = data.get("livemode") if isinstance(data, dict) else None
        if told is not None and told != self._line.connection.livemode:
            raise UnknownOutcome(
                f"Stripe did {asked}, but in {'live' if told else 'test'} mode, and connection {self._line.connection.id} "
                "is for the other: a person must look at it in Stripe's dashboard."
            )
        return Sent(data=data, request_id=answer.headers.get("request-id"))


def _told(kind: str | None, key: str | None) -> dict[str, str]:
    found = {"Content-Type": kind} if kind else {}
    return found | ({"Idempotency-Key": key} if key else {})


def _exchange(
    wire: HTTPConnection, asked: Asked, target: str, body: bytes | None, told: dict[str, str]
) -> Answer:
    """Send, and read the whole answer; whatever breaks here leaves it unknown what was done."""
    try:
        wire.request(asked.way, target, body=body, headers=told)
        response = wire.getresponse()
        content = response.data
    except _BROKEN as error:
        CALLS.labels("stripe", "none").inc()
        raise verdict.lost(str(asked), type(error).__name__) from None
    lower = {name.lower(): value for name, value in response.headers.items()}
    return Answer(status=response.status, headers=lower, body=content)
