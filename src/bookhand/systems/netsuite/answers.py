r"""What NetSuite's answers mean, pure: fine, a definite no in its own words, too many at once, or trouble of its own.

>>> body = b'{"title":"Bad Request","status":400,"o:errorDetails":[{"detail":"This record already exists.","o:errorCode":"DUP_RCRD"}]}'
>>> str(refusal(Answer(status=400, headers={}, body=body), asked="PUT journalEntry"))
'NetSuite refused PUT journalEntry: This record already exists. (DUP_RCRD)'
>>> crowded(Answer(status=400, headers={}, body=b'{"o:errorDetails":[{"o:errorCode":"CONCURRENCY_LIMIT_EXCEEDED"}]}'))
True

The shape is that of Oracle's help, "Error Handling in REST Web Services" (section_156570709583).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from bookhand.core.problems import BookhandError, Outage, Refusal, UnknownOutcome
from bookhand.core.ready import ready
from bookhand.core.redaction import redact_text

UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TOO_MANY = 401, 403, 404, 429
_GOOD = range(200, 300)
_CLIENT, _SERVER = 4, 5
_UNTOLD = frozenset({408, 409, 423, 425})
"""Refusals that do not say that nothing was done."""
CROWDED = frozenset(
    {
        "CONCURRENCY_LIMIT_EXCEEDED",
        "SSS_REQUEST_LIMIT_EXCEEDED",
        "WS_CONCUR_SESSION_DISALLWD",
        "WS_REQUEST_BLOCKED",
    }
)
"""Codes of requests that were blocked because too many were under way (the last three from the older services)."""
_LONGEST = 600


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A raw answer; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_ok(self) -> bool:
        """2xx."""
        return self.status in _GOOD

    def json(self) -> Any:
        """The body, a number with a point as a Decimal; `Outage` for what is no JSON (a proxy's page)."""
        try:
            return _decode(self.body)
        except msgspec.DecodeError:
            raise Outage("What answers is not NetSuite: is the address right?") from None


_decode = msgspec.json.Decoder(float_hook=Decimal).decode
encode = msgspec.json.Encoder(decimal_format="number").encode


class NetSuiteRefusal(Refusal):
    """NetSuite said no. `code` and `path` are its own."""

    def __init__(self, message: str, *, status: int, code: str | None, path: str | None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.path = path

    @property
    def missing(self) -> bool:
        """Whether it is only that the record is not there."""
        return self.status == NOT_FOUND


class _Detail(msgspec.Struct, rename={"code": "o:errorCode", "path": "o:errorPath"}):
    detail: str = ""
    code: str | None = None
    path: str | None = None


class _Body(msgspec.Struct, rename={"details": "o:errorDetails"}):
    details: list[_Detail] = []
    error: str = ""
    error_description: str = ""


def detail_of(answer: Answer) -> _Detail:
    """The first error of an answer, also of the token endpoint's flat shape; empty for a body that is none of NetSuite's."""
    try:
        body = msgspec.json.decode(answer.body, type=_Body)
    except msgspec.DecodeError:
        return _Detail()
    if body.details:
        return body.details[0]
    return _Detail(detail=body.error_description, code=body.error) if body.error else _Detail()


def crowded(answer: Answer) -> bool:
    """Whether the request was blocked, and nothing done, because too many are under way."""
    return answer.status == TOO_MANY or (
        answer.status // 100 == _CLIENT and detail_of(answer).code in CROWDED
    )


def passing(answer: Answer) -> bool:
    """Whether the trouble is NetSuite's and will pass."""
    return crowded(answer) or answer.status // 100 == _SERVER


def refusal(answer: Answer, *, asked: str) -> NetSuiteRefusal:
    """NetSuite's no in one sentence; `asked` is what was asked for."""
    said = detail_of(answer)
    words = redact_text(said.detail)[:_LONGEST] or f"HTTP {answer.status}"
    where = f" at {said.path}" if said.path else ""
    code = f" ({said.code})" if said.code else ""
    hint = _HINTS.get(answer.status, "")
    return NetSuiteRefusal(
        f"NetSuite refused {asked}{where}: {words}{code}{hint}",
        status=answer.status,
        code=said.code,
        path=said.path,
    )


_HINTS = {
    UNAUTHORIZED: ". Its sign-in is not accepted any more: connect it again.",
    FORBIDDEN: ". Give the role this permission in NetSuite (Setup > Users/Roles > Manage Roles).",
}


def outage(answer: Answer, *, asked: str, tries: int, retry_after_seconds: float) -> Outage:
    """What is raised after the last try."""
    said = redact_text(detail_of(answer).detail)[:_LONGEST] or "without a word"
    why = "has too many requests under way" if crowded(answer) else f"answered {answer.status}"
    return Outage(
        f"NetSuite {why} for {asked}, {tries} times: {said}", retry_after_seconds=retry_after_seconds
    )


def trouble(answer: Answer, *, asked: str) -> BookhandError:
    """The error that an answer to a write stands for: a no is definite only in NetSuite's own words."""
    definite = (
        answer.status // 100 == _CLIENT
        and answer.status not in _UNTOLD
        and detail_of(answer).code is not None
    )
    if definite:
        return refusal(answer, asked=asked)
    said = redact_text(detail_of(answer).detail)[:_LONGEST] or "without a word"
    return UnknownOutcome(
        f"NetSuite answered {answer.status} to {asked}, which does not say whether it was done: {said}",
        retry_after_seconds=5.0,
    )


def lost(asked: str, why: str) -> UnknownOutcome:
    """What is raised where an answer never came."""
    return UnknownOutcome(
        f"NetSuite's answer to {asked} was lost ({why}): it may be done or not, and is looked up before anything is sent again.",
        retry_after_seconds=1.0,
    )


def unsent(asked: str, why: str) -> Outage:
    """What is raised where nothing was sent."""
    return Outage(
        f"NetSuite could not be reached for {asked} ({why}), and nothing was sent: is the network up, and the account id right?",
        retry_after_seconds=30.0,
    )


ready(_Body)  # see core.ready
