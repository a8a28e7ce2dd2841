"""What an address asks for, as values; `Refusal` where it asks for something that there is not. Pure.

>>> day("2026-11-28"), day(""), number("12"), one_of("open", ("all", "open")), cursor(None)
('2026-11-28', None, 12, 'open', None)
"""

from __future__ import annotations

import re
from datetime import date
from typing import Literal, TypeVar

from bookhand.core.problems import Missing, Refusal
from bookhand.web.api.shown import decode
from bookhand.web.page.wording import plain

_PAYOUT = re.compile(r"po_[A-Za-z0-9_]{1,200}")
_BREAK = re.compile(r"br_[0-9a-f]{8,64}")
_FILE = re.compile(r"[0-9a-f]{64}")
_DIGITS = re.compile(r"[0-9]{1,18}")
LONGEST = 200
FIRST_YEAR, LAST_YEAR = 1970, 2200
"""Days beyond are no money's: they are slips of a pen, and a week more would be beyond what a day can be."""
T = TypeVar("T", bound=str)


def day(text: str | None) -> str | None:
    """A day of the calendar, as ISO; None where nothing is asked."""
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise Refusal(plain("payouts.asked.no_day", text=text[:40]))
    return found.isoformat()


def number(text: str | None) -> int | None:
    """A number of ours; None where nothing is asked."""
    if not text:
        return None
    if not _DIGITS.fullmatch(text):
        raise Refusal(plain("payouts.asked.no_number", text=text[:40]))
    return int(text)


def one_of(text: str | None, among: tuple[T, ...]) -> T:
    """One of `among`, the first where nothing is asked."""
    return next((each for each in among if each == text), among[0])


def cursor(text: str | None) -> tuple[int, str] | None:
    """Where the page before ended: a number, and an id."""
    if not text:
        return None
    at, last = decode(text)
    if not _DIGITS.fullmatch(at):
        raise Refusal(plain("payouts.asked.no_cursor"))
    return int(at), last


def day_cursor(text: str | None) -> tuple[str, str] | None:
    """Where the page before ended: a day, and an id."""
    if not text:
        return None
    at, last = decode(text)
    try:
        return date.fromisoformat(at).isoformat(), last
    except ValueError:
        raise Refusal(plain("payouts.asked.no_cursor")) from None


def line_cursor(text: str | None) -> tuple[str, int] | None:
    """Where the page before ended: a day, and a line's number."""
    found = day_cursor(text)
    if found is None:
        return None
    if not _DIGITS.fullmatch(found[1]):
        raise Refusal(plain("payouts.asked.no_cursor"))
    return found[0], int(found[1])


def known(kind: Literal["payout", "break", "file"], text: str) -> str:
    """An id that may be one; `Missing` where nothing is called so."""
    shape = {"payout": _PAYOUT, "break": _BREAK, "file": _FILE}[kind]
    if not shape.fullmatch(text):
        raise Missing(plain(f"payouts.asked.no_{kind}", id=text[:60]))
    return text


def words(text: str | None) -> str:
    """What somebody searches for: printable, and not without an end."""
    return "".join(each for each in (text or "").strip()[:LONGEST] if each.isprintable())
