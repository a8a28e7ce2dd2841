r"""What Stripe's refusals mean, pure: an HTTP answer that is not 2xx to one of ours, with a sentence and no secret in it.

>>> answer = Answer(status=403, headers={"request-id": "req_1"},
...                 body=b'{"error":{"message":"Having the \'rak_payout_read\' permission would allow this request to continue."}}')
>>> refusal(answer, asked="GET /v1/payouts").permission
'rak_payout_read'
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from bookhand.core.problems import Outage, Refusal
from bookhand.core.ready import ready

_GOOD = range(200, 300)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A raw answer; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_ok(self) -> bool:
        """2xx."""
        return self.status in _GOOD


class StripeRefusal(Refusal):
    """Stripe said no. `permission` is what a restricted key lacks (``rak_…``); `code` and `param` are Stripe's own."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str | None,
        param: str | None,
        permission: str | None,
        request_id: str | None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param
        self.permission = permission
        self.request_id = request_id

    @property
    def missing(self) -> bool:
        """Whether it is only that the object is not there."""
        return self.status == _NOT_FOUND and self.code == "resource_missing"


class _Error(msgspec.Struct):
    message: str = ""
    type: str | None = None
    code: str | None = None
    param: str | None = None


class _Body(msgspec.Struct):
    error: _Error | str = msgspec.field(default_factory=_Error)
    error_description: str = ""


TOO_MANY = 429
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _CONFLICT, _SERVER = 401, 403, 404, 409, 500
_PERMISSION = re.compile(r"\brak_\w+")
_SECRET = re.compile(
    r"\b(?:((?:sk|rk|pk|ac|rt|ek)(?:_(?:test|live|org))?|whsec)_[\w*]{4,}|((?:pi|seti)_\w+_secret)_\w+)"
)


def worth_retrying(answer: Answer) -> bool:
    """Whether the same read may be sent again: Stripe's own word first, then 409, 429 and 5xx."""
    told = answer.headers.get("stripe-should-retry")
    if told in {"true", "false"}:
        return told == "true"
    return passing(answer)


def passing(answer: Answer) -> bool:
    """Whether the trouble is Stripe's and will pass: too many calls, a conflict, an error of its own."""
    return answer.status in {_CONFLICT, TOO_MANY} or answer.status >= _SERVER


def credential_refused(answer: Answer) -> bool:
    """Whether it is the credential that is refused: unknown or expired, or the account took its access back."""
    return answer.status == _UNAUTHORIZED or (
        answer.status == _FORBIDDEN and error_of(answer).code == "account_invalid"
    )


def too_fast(answer: Answer) -> str | None:
    """The layer whose limit a 429 names (``global-rate``, ``endpoint-rate`` …); None for an object's lock or another status."""
    return answer.headers.get("stripe-rate-limited-reason") if answer.status == TOO_MANY else None


def refusal(answer: Answer, *, asked: str) -> StripeRefusal:
    """Stripe's no in one sentence; `asked` is the method and path."""
    error = error_of(answer)
    request_id = answer.headers.get("request-id")
    found = _PERMISSION.search(error.message) if answer.status == _FORBIDDEN else None
    permission = found[0] if found else None
    return StripeRefusal(
        f"{_why(answer.status, permission, asked)} Stripe says: {clean(error.message) or f'HTTP {answer.status}'}{_traced(request_id)}",
        status=answer.status, code=error.code, param=error.param, permission=permission, request_id=request_id,
    )  # fmt: skip


def outage(answer: Answer, *, asked: str, tries: int, retry_after_seconds: float) -> Outage:
    """What is raised after the last try."""
    request_id = answer.headers.get("request-id")
    reason = too_fast(answer)
    why = f"limits our calls ({reason})" if reason else f"answered {answer.status}"
    return Outage(
        f"Stripe {why} to {asked}, {tries} times: {clean(error_of(answer).message) or 'without a word'}{_traced(request_id)}",
        retry_after_seconds=retry_after_seconds,
    )


def error_of(answer: Answer) -> _Error:
    """The error object of an answer, also of OAuth's flat shape; empty for a body that is not JSON (a proxy's page)."""
    try:
        body = msgspec.json.decode(answer.body, type=_Body)
    except msgspec.DecodeError:
        return _Error()
    if isinstance(body.error, str):
        return _Error(message=body.error_description or body.error, code=body.error)
    return body.error


def clean(text: str) -> str:
    """`text` with everything that looks like a key or a code of Stripe's cut to its prefix."""
    return _SECRET.sub(lambda found: f"{found[1] or found[2]}_…", text)


def _why(status: int, permission: str | None, asked: str) -> str:
    if permission:
        return f"The key may not do {asked}: give it the permission {permission} in Stripe's dashboard (Developers, API keys)."
    if status == _UNAUTHORIZED:
        return f"Stripe does not accept the credential for {asked}: it was rolled, revoked or mistyped. Connect again."
    if status == _FORBIDDEN:
        return f"The key may not do {asked}."
    return f"Stripe refused {asked}."


def _traced(request_id: str | None) -> str:
    return f" (request {request_id})" if request_id else ""


ready(_Body)  # see core.ready
