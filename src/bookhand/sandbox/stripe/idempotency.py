"""Idempotency keys: the first answer to a key is given again, for a day.

    seen = recall(store, part, key, request)      # a stored answer, None, or a refusal
    remember(store, part, key, request, answer)   # in the same transaction as the writes

Answers are kept once the endpoint began its work: successes, card errors and server errors. A request that failed
validation leaves nothing behind.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from bookhand.sandbox.stripe.errors import StripeError

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.answer import Request, Response
    from bookhand.sandbox.stripe.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
  part INTEGER, key TEXT, created INTEGER, answer BLOB, PRIMARY KEY (part, key)) WITHOUT ROWID;
"""
KEPT_SECONDS = 24 * 3600
LONGEST = 255

_encode = msgspec.json.Encoder(order="deterministic").encode


class Remembered(msgspec.Struct):
    """An answer that is given again."""

    path: str
    request_hash: str
    status: int
    headers: dict[str, str]
    body: bytes
    created: int


def recall(store: Store, part: int, request: Request, now: int) -> Remembered | None:
    """The answer given before to this key; refuses the key for anything else."""
    key = request.idempotency_key
    if len(key) > LONGEST:
        raise StripeError(f"Idempotency keys can have up to {LONGEST} characters.", param="idempotency_key")
    row = store.db.execute("SELECT answer FROM answers WHERE part = ? AND key = ?", (part, key)).fetchone()
    if row is None:
        return None
    found = msgspec.json.decode(row[0], type=Remembered)
    if found.created <= now - KEPT_SECONDS:
        forget(store, now)
        return None
    if found.path != f"{request.method} {request.path}":
        raise StripeError(
            "Keys for idempotent requests can only be used for the same endpoint they were first used for "
            f"('{request.path}' vs '{found.path.partition(' ')[2]}'). Try using a key other than '{key}' if you meant "
            "to execute a different request.",
            type="idempotency_error",
        )
    if found.request_hash != digest(request):
        raise StripeError(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try "
            f"using a key other than '{key}' if you meant to execute a different request.",
            type="idempotency_error",
        )
    return found


def remember(store: Store, part: int, request: Request, answer: Response, now: int) -> None:
    """Keep an answer."""
    found = Remembered(
        f"{request.method} {request.path}",
        digest(request),
        answer.status,
        answer.headers,
        answer.body,
        now,
    )
    store.db.execute(
        "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)",
        (part, request.idempotency_key, now, _encode(found)),
    )


def forget(store: Store, now: int) -> None:
    """Drop the answers that are a day old."""
    store.db.execute("DELETE FROM answers WHERE created <= ?", (now - KEPT_SECONDS,))


def worth_keeping(error: StripeError, path: str) -> bool:
    """Did the endpoint begin its work? (The second API runs failed work again instead.)"""
    return error.type in ("card_error", "api_error") and error.status < 600 and not path.startswith("/v2/")


def in_use(key: str) -> StripeError:
    """Another request with this key is under way."""
    return StripeError(
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted "
        f"twice, and the other request is still going through): {key}. Please try again later.",
        type="idempotency_error",
        code="idempotency_key_in_use",
        status=409,
    )


def digest(request: Request) -> str:
    """What two requests must share to be the same."""
    files = {name: sha256(file.data).hexdigest() for name, file in request.files.items()}
    return sha256(_encode([request.method, request.path, request.params, files])).hexdigest()
