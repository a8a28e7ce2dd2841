"""What an answer to a write means, pure: done, a definite no, not done and worth another try, or nobody can tell.

A no is definite only in Stripe's own words: an error page of a proxy in between says nothing about what Stripe did.

>>> from bookhand.systems.stripe.answers import Answer
>>> body = b'{"error":{"type":"invalid_request_error","message":"No such charge: ch_9"}}'
>>> type(trouble(Answer(status=404, headers={}, body=body), asked="POST /v1/refunds")).__name__
'StripeRefusal'
>>> type(trouble(Answer(status=500, headers={}, body=b""), asked="POST /v1/refunds")).__name__
'UnknownOutcome'
"""

from __future__ import annotations

import re

from bookhand.core.problems import BookhandError, Outage, Refusal, UnknownOutcome
from bookhand.systems.connection import Connection
from bookhand.systems.stripe import answers
from bookhand.systems.stripe.answers import Answer

_CONFLICT = 409
_REFUSED = range(400, 500)
_UNTOLD = frozenset({408, _CONFLICT, 424, 425})
"""Refusals that do not say that nothing was done: a timeout, a conflict, a failure behind Stripe."""
_SOON_SECONDS, _LATER_SECONDS = 1.0, 60.0
_MODE = re.compile(r"[a-z]+_(test|live)_")


def trouble(answer: Answer, *, asked: str) -> BookhandError:
    """The error that an answer which is not 2xx stands for."""
    error = answers.error_of(answer)
    if answer.status == answers.TOO_MANY or error.code == "lock_timeout":
        return answers.outage(answer, asked=asked, tries=1, retry_after_seconds=retry_after(answer))
    if error.type is None or answer.status not in _REFUSED or answer.status in _UNTOLD:
        return UnknownOutcome(_untold(answer, asked), retry_after_seconds=retry_after(answer))
    return answers.refusal(answer, asked=asked)


def retry_after(answer: Answer) -> float:
    """Seconds until another try: as Stripe says, else soon for a limit or a lock, and later for the rest."""
    told = answer.headers.get("retry-after", "")
    if told.isascii() and told.isdigit():
        return float(told)
    return _SOON_SECONDS if answer.status in {answers.TOO_MANY, _CONFLICT} else _LATER_SECONDS


def lost(asked: str, why: str) -> UnknownOutcome:
    """What is raised where an answer never came."""
    return UnknownOutcome(
        f"Stripe's answer to {asked} was lost ({why}): it may be done or not, and is looked up before anything is sent again.",
        retry_after_seconds=_SOON_SECONDS,
    )


def unsent(asked: str, why: str) -> Outage:
    """What is raised where nothing was sent."""
    return Outage(
        f"Stripe could not be reached for {asked} ({why}), and nothing was sent: is the network up, and the address right?",
        retry_after_seconds=_LATER_SECONDS,
    )


def require_key_mode(connection: Connection, token: str) -> None:
    """`Refusal`, before anything is sent, where the key's own prefix tells another mode than the connection's."""
    told = _MODE.match(token)
    if told and (told[1] == "live") != connection.livemode:
        ours = "live" if connection.livemode else "test"
        raise Refusal(
            f"Connection {connection.id} ({connection.name}) is for {ours} mode, but its key is for {told[1]} mode: "
            "nothing was sent. Connect it again."
        )


def _untold(answer: Answer, asked: str) -> str:
    said = answers.clean(answers.error_of(answer).message) or "without a word"
    request_id = answer.headers.get("request-id")
    traced = f" (request {request_id})" if request_id else ""
    return (
        f"Stripe answered {answer.status} to {asked}, which does not say whether it was done: {said}{traced}"
    )
