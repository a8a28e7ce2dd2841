r"""Stripe's objects in words for a preview: money, names, dates. Text from Stripe is data: cut short, control characters gone.

Nothing here raises on an object that is odd but valid: a link may be an id or the object, a customer may be deleted or missing.

>>> money(1500, "usd"), money(-500, "jpy"), money(12340, "kwd")
('$15.00', '-¥500', '12.340 KWD')
>>> whom({"id": "cus_1", "name": "Fernwood\x00 Bakery"}), whom("cus_1"), whom(None)
('Fernwood Bakery', 'customer cus_1', 'a customer without a name')
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bookhand.core.action import Change
from bookhand.core.money import EXPONENTS, as_text, in_words
from bookhand.core.problems import Refusal

MOST_CHARACTERS = 120
_LATEST = 253_402_300_799  # the last second of the year 9999


def money(minor: Any, currency: Any) -> str:
    """An amount in words: the sign before the figure for four currencies, else figure and code."""
    if type(minor) is not int:
        return "an unknown amount"
    code = text(currency, 8).upper()
    if code not in EXPONENTS:
        return as_text(minor, code)
    return in_words(minor, code)


def text(value: Any, most: int = MOST_CHARACTERS) -> str:
    """What Stripe says, on one line, without control or direction characters, at most `most` characters."""
    if value is None:
        return ""
    shown = "".join(" " if char.isspace() else char for char in str(value)[: most * 8])
    plain = "".join(char for char in shown if unicodedata.category(char)[0] != "C")
    line = " ".join(plain.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def id_of(link: Any) -> str | None:
    """The id of a link, expanded or not."""
    found = link.get("id") if isinstance(link, Mapping) else link
    return text(found) or None


def inside(link: Any) -> Mapping[str, Any]:
    """The object of a link; empty where it is only an id, or nothing."""
    return link if isinstance(link, Mapping) else {}


def at(obj: Any, path: str) -> Any:
    """What stands at a dotted path; None where a step is missing."""
    for step in path.split("."):
        obj = inside(obj).get(step)
    return obj


def whole(obj: Any, path: str) -> int:
    """The whole number at a dotted path; 0 where there is none."""
    found = at(obj, path)
    return found if type(found) is int else 0


def rows(found: Any) -> list[Mapping[str, Any]]:
    """The objects of a list, given as Stripe's envelope or bare."""
    listed = inside(found).get("data") if isinstance(found, Mapping) else found
    return [inside(one) for one in listed] if isinstance(listed, list) else []


def there(found: Mapping[str, Any], name: str, what: str, named: Any) -> Mapping[str, Any]:
    """The object that a read gave; `Refusal` where there is none, or it was deleted."""
    obj = inside(found.get(name))
    if not obj or obj.get("deleted"):
        raise Refusal(
            f"There is no {what} {text(named)} at Stripe{' any more' if obj else ''}: check the id, and whether it is live or test."
        )
    return obj


def whom(link: Any) -> str:
    """A customer in words: the name, else the e-mail, else the id."""
    obj = inside(link)
    named = text(obj.get("name") or obj.get("business_name") or obj.get("email"), 60)
    known = id_of(link)
    if obj.get("deleted"):
        return f"deleted customer {known}"
    return named or (f"customer {known}" if known else "a customer without a name")


def payer(charge: Mapping[str, Any]) -> str:
    """Who paid a charge: its customer, else the name in its billing details."""
    told = at(charge, "billing_details.name") or at(charge, "billing_details.email")
    if charge.get("customer") is None and told:
        return text(told, 60)
    found = whom(charge.get("customer"))
    return text(told, 60) if told and found.startswith("customer ") else found


def method(link: Any) -> str:
    """A payment method in words: ``visa ending 4242``."""
    obj = inside(link)
    kind = text(obj.get("type"), 30) or "payment method"
    own = inside(obj.get(kind))
    last = text(own.get("last4"), 8)
    brand = text(own.get("brand") or own.get("bank_name"), 30) or kind.replace("_", " ")
    return f"{brand} ending {last}" if last else f"{brand} {id_of(link) or ''}".strip()


def day(seconds: Any) -> str:
    """A moment as a day: ``14 Mar 2026`` (UTC)."""
    if type(seconds) is not int or not 0 <= seconds <= _LATEST:
        return "an unknown day"
    return datetime.fromtimestamp(seconds, UTC).strftime("%d %b %Y").lstrip("0")


def said(value: Any) -> str | None:
    """Any value of an object as a change shows it; None is nothing there."""
    if value is None or value in ("", [], {}):
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        kept = {key: said(one) for key, one in value.items()}
        return text(", ".join(f"{text(key, 40)}: {one}" for key, one in kept.items() if one))
    if isinstance(value, list | tuple):
        return text(", ".join(filter(None, map(said, value))))
    return text(value)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """What `after` (parameters) would make of `before` (the object), field by field; what stays the same is left out.

    Nested settings are laid over those that are there, as Stripe does.
    """
    found = (
        Change(text(name, 60).replace("_", " "), said(before.get(name)), said(_laid(before.get(name), value)))
        for name, value in after.items()
    )
    return tuple(one for one in found if one.before != one.after)


def _laid(old: Any, new: Any) -> Any:
    return {**inside(old), **new} if isinstance(new, Mapping) else new


def share(part: int, whole_minor: int, of_minor: int) -> int:
    """`part` of `whole_minor`, told in the measure of `of_minor`, rounded to the nearest unit."""
    if not whole_minor:
        return 0
    return (2 * part * of_minor + whole_minor) // (2 * whole_minor)


def clocked(obj: Mapping[str, Any]) -> tuple[str, ...]:
    """The warning of an object that lives on a test clock."""
    clock = id_of(obj.get("test_clock") or at(obj, "customer.test_clock"))
    return (
        (f"This is on test clock {clock}: it runs in simulated time and is not in the books.",)
        if clock
        else ()
    )
