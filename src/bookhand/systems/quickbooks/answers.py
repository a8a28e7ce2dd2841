r"""What QuickBooks' answers mean, pure: done, a definite no, not done and worth another try, or nobody can tell.

A no is definite only in QuickBooks' own words (a Fault): a proxy's page, an error of its own (5xx, a SystemFault) or its "please wait a few
minutes" leave it open whether a write was done.

>>> body = b'{"Fault":{"Error":[{"Message":"Object Not Found","Detail":"Made inactive","code":"610"}],"type":"ValidationFault"}}'
>>> trouble(Answer(status=400, headers={"intuit_tid": "1-2"}, body=body), asked="POST /journalentry").code
'610'
>>> type(trouble(Answer(status=502, headers={}, body=b"<html>"), asked="POST /journalentry")).__name__
'UnknownOutcome'
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from bookhand.core.problems import BookhandError, Outage, Refusal, UnknownOutcome
from bookhand.core.redaction import redact_text

decode = msgspec.json.Decoder(float_hook=Decimal).decode
encode = msgspec.json.Encoder(decimal_format="number").encode

DUPLICATE_NUMBER, NOT_FOUND, TOKEN, LEFT = "6140", "610", "3200", "120"
CLOSED = frozenset({"6200", "6210"})
TOO_MANY = 429
_OK, _UNAUTHORIZED, _FORBIDDEN, _TIMEOUT, _SERVER = 200, 401, 403, 408, 500
_IN_BETWEEN = frozenset({_TIMEOUT, 502, 503, 504})
"""Statuses of what stands before QuickBooks: the request itself may still be under way."""
_THROTTLES = frozenset({"3001", "003001"})
_BUSY = "unexpected error occurred while accessing or saving"
_WAIT_SECONDS, _SOON_SECONDS = 60.0, 2.0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A raw answer; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def tid(self) -> str | None:
        """Intuit's id of the request."""
        return self.headers.get("intuit_tid")


class Wrong(msgspec.Struct, frozen=True):
    """One error of a Fault."""

    code: str
    says: str


class Fault(msgspec.Struct, frozen=True):
    """A refusal in QuickBooks' words."""

    errors: tuple[Wrong, ...] = ()
    type: str = ""

    @property
    def code(self) -> str:
        """The first error's."""
        return self.errors[0].code if self.errors else ""

    @property
    def says(self) -> str:
        """What it says, in one text, without anything that looks like a secret."""
        return redact_text("; ".join(error.says for error in self.errors if error.says))[:500]


class QuickBooksRefusal(Refusal):
    """QuickBooks said no. `code` is its own."""

    def __init__(self, message: str, *, code: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class AnsweredLost(UnknownOutcome):
    """QuickBooks answered, but not what was done: the request is over, and can be looked up at once."""


def fault_of(answer: Answer) -> Fault | None:
    """The Fault in an answer, whatever its status; None for an answer that has none or is no JSON."""
    try:
        body = decode(answer.body)
    except msgspec.DecodeError:
        return None
    found = _lower(body).get("fault") if isinstance(body, dict) else None
    return read_fault(found) if isinstance(found, dict) else None


def read_fault(found: Mapping[str, Any]) -> Fault:
    """A Fault as JSON; the gateway in front of QuickBooks writes the same in small letters."""
    told = _lower(found)
    errors = [_lower(each) for each in told.get("error") or [] if isinstance(each, dict)]
    return Fault(
        errors=tuple(
            Wrong(str(each.get("code") or ""), str(each.get("detail") or each.get("message") or "")) for each in errors
        ),
        type=str(told.get("type") or ""),
    )  # fmt: skip


def _lower(found: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name).lower(): value for name, value in found.items()}


def is_good(answer: Answer) -> bool:
    """HTTP 200 and no Fault in it."""
    return answer.status == _OK and fault_of(answer) is None


def credential_refused(answer: Answer) -> bool:
    """Whether the access token is refused (HTTP 401, code 3200): another one may do."""
    return answer.status == _UNAUTHORIZED


def passing(answer: Answer) -> bool:
    """Whether the trouble will pass by itself: too many calls, or an error of Intuit's own."""
    fault = fault_of(answer)
    return answer.status >= _SERVER or answer.status == _TIMEOUT or is_throttled(answer) or _is_untold(fault)


def is_throttled(answer: Answer) -> bool:
    """Whether it came too fast."""
    fault = fault_of(answer)
    return answer.status == TOO_MANY or (fault is not None and fault.code in _THROTTLES)


def retry_after(answer: Answer, *, throttled_seconds: float = _WAIT_SECONDS) -> float:
    """Seconds until another try: as QuickBooks says, else a minute for a limit and a little for the rest."""
    told = answer.headers.get("retry-after", "")
    if told.isascii() and told.isdigit():
        return float(told)
    return throttled_seconds if is_throttled(answer) else _SOON_SECONDS


def trouble(answer: Answer, *, asked: str, throttled_seconds: float = _WAIT_SECONDS) -> BookhandError:
    """The error that the answer to a write stands for."""
    fault = fault_of(answer)
    if is_throttled(answer):
        return too_fast(asked, retry_after(answer, throttled_seconds=throttled_seconds))
    if fault is None or answer.status in _IN_BETWEEN:
        return lost(asked, f"HTTP {answer.status}{_traced(answer.tid)}")
    if answer.status >= _SERVER:
        return _untold(asked, f"HTTP {answer.status}{_traced(answer.tid)}")
    return of_fault(fault, asked=asked, status=answer.status, tid=answer.tid)


def of_fault(fault: Fault, *, asked: str, status: int = 400, tid: str | None = None) -> BookhandError:
    """The error that a Fault stands for: of a whole answer, or of one item of a batch."""
    if fault.code in _THROTTLES:
        return too_fast(asked, _WAIT_SECONDS)
    if _is_untold(fault):
        return _untold(asked, fault.says)
    return refusal(fault, asked=asked, status=status, tid=tid)


def refusal(fault: Fault, *, asked: str, status: int = 400, tid: str | None = None) -> QuickBooksRefusal:
    """QuickBooks' no in one sentence, with what to do."""
    why = _ADVICE.get(fault.code, "")
    if status in {_UNAUTHORIZED, _FORBIDDEN} or fault.code == LEFT:
        why = "Connect QuickBooks again, as somebody who may use that company."
    said = f"QuickBooks refused {asked} ({fault.code or status}): {fault.says or 'without a word'}"
    return QuickBooksRefusal(
        f"{said.rstrip('.')}.{' ' if why else ''}{why}{_traced(tid)}", code=fault.code, status=status
    )


_ADVICE = {
    "6200": "The books are closed for that day: open them in QuickBooks, or let it be posted on an open day.",
    "6210": "The books are closed for that day: open them in QuickBooks, or let it be posted on an open day.",
    "6190": "QuickBooks' subscription has ended: renew it there.",
    "2500": "An account or class it names is not there: look at the mapping.",
    "610": "Something it names was made inactive or deleted: look at the mapping.",
    "5010": "Somebody changed it in the meantime: look at it again.",
}


def lost(asked: str, why: str) -> UnknownOutcome:
    """What is raised where nobody can tell what was done."""
    return UnknownOutcome(
        f"QuickBooks' answer to {asked} does not tell what was done ({why}): it is looked up before anything is sent again.",
        retry_after_seconds=_SOON_SECONDS,
    )


def _untold(asked: str, why: str) -> AnsweredLost:
    return AnsweredLost(str(lost(asked, why)), retry_after_seconds=_SOON_SECONDS)


def unsent(asked: str, why: str) -> Outage:
    """What is raised where nothing was sent."""
    return Outage(
        f"QuickBooks could not be reached for {asked} ({why}), and nothing was sent: is the network up, and the address right?",
        retry_after_seconds=_WAIT_SECONDS,
    )


def too_fast(asked: str, seconds: float) -> Outage:
    """What is raised where a limit was met: nothing was done."""
    return Outage(
        f"QuickBooks limits our calls, and {asked} was not done: others call the same company, or the limits set here are too high.",
        retry_after_seconds=seconds,
    )


def outage(answer: Answer | None, why: str, *, asked: str, tries: int, seconds: float) -> Outage:
    """What is raised after the last try of a read."""
    fault = fault_of(answer) if answer else None
    said = fault.says if fault else why or (f"HTTP {answer.status}" if answer else "no answer")
    return Outage(f"QuickBooks could not do {asked}, {tries} times: {said}.", retry_after_seconds=seconds)


def _is_untold(fault: Fault | None) -> bool:
    """Whether a Fault leaves it open what was done."""
    return fault is not None and (
        fault.type.lower() in {"systemfault", "service", "servicefault"} or _BUSY in fault.says.lower()
    )


def _traced(tid: str | None) -> str:
    return f" (intuit_tid {tid})" if tid else ""


def items_of(body: Any) -> dict[str, dict[str, Any]]:
    """The items of a batch's answer by bId, in whatever order they came; empty where it is no such answer."""
    found = body.get("BatchItemResponse") if isinstance(body, dict) else None
    return {str(item.get("bId")): item for item in found or [] if isinstance(item, dict)}
