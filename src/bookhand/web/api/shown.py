"""How things are told in answers: plain JSON, and nothing in it that looks like a secret. Pure.

Text of ours is searched; whole values from outside (parameters, answers, what was seen) are also searched by the names of their fields.

>>> shown({"reason": "key rk_test_" + "a" * 24, "result": {"client_secret": "x", "amount": 5}, "minor": 4242424242424242})
{'reason': 'key [redacted]', 'result': {'client_secret': '[redacted]', 'amount': 5}, 'minor': 4242424242424242}
>>> decode(encode("2026-11-25T09:30:00+00:00", "prop_1"))
('2026-11-25T09:30:00+00:00', 'prop_1')
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from fastapi.responses import JSONResponse

from bookhand.core.problems import Refusal
from bookhand.core.redaction import redact_text, redacted

_OUTSIDE = frozenset(
    {"params", "seen", "result", "data", "details", "inputs", "output", "terms", "only", "said", "fixed"}
)
_LONGEST_CURSOR = 400
_NO_CURSOR = "That is no cursor: send `next` of the page before as it was given."


def shown(value: Any) -> Any:
    """`value` as JSON that may be told."""
    return _told(msgspec.to_builtins(value))


def outside(value: Any) -> Any:
    """The same for a value that is from outside as a whole."""
    return redacted(msgspec.to_builtins(value))


def said(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An answer with `value`, which may be told."""
    return JSONResponse(shown(value), status_code=status, headers=dict(headers or {}))


def _told(value: Any) -> Any:
    match value:
        case str():
            return redact_text(value)
        case dict():
            return {
                str(key): redacted(item) if key in _OUTSIDE else _told(item) for key, item in value.items()
            }
        case list():
            return [_told(item) for item in value]
        case _:
            return value


# --- keyset cursors ---


def encode(at: str, last: str) -> str:
    """Where a page ended, as an opaque text."""
    return base64.urlsafe_b64encode(json.dumps([at, last]).encode()).decode().rstrip("=")


def decode(cursor: str) -> tuple[str, str]:
    """Where the page before ended; `Refusal` where `cursor` is none of ours."""
    try:
        found = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        at, last = found
        if (
            len(cursor) <= _LONGEST_CURSOR
            and isinstance(at, str)
            and isinstance(last, str)
            and last.isprintable()
        ):
            return at, last
    except (binascii.Error, ValueError, TypeError, RecursionError):
        pass
    raise Refusal(_NO_CURSOR)


def after(cursor: str | None) -> tuple[datetime, str] | None:
    """The moment and the id that a page goes on from."""
    if cursor is None:
        return None
    at, last = decode(cursor)
    try:
        return datetime.fromisoformat(at).astimezone(UTC), last
    except (ValueError, OverflowError):
        raise Refusal(_NO_CURSOR) from None


def page(rows: Iterable[Any], *, limit: int, at: str = "created_at", last: str) -> dict[str, Any]:
    """One page of `rows`, of which there is one more than `limit` where another page follows."""
    found = list(rows)
    more = len(found) > limit
    kept = found[:limit]
    end = kept[-1] if more else None
    following = encode(getattr(end, at).isoformat(), getattr(end, last)) if end is not None else None
    return {"items": kept, "next": following}
