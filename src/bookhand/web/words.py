"""How figures are written for people: amounts as accountants write them, ages and durations in words.

>>> amount(-123456, "USD"), amount(0, "USD"), amount(500, "JPY"), amount(-12340, "KWD")
('(1,234.56)', '0.00', '500', '(12.340)')
>>> duration(0.0042), duration(72), duration(7_320), rate(10_432.4)
('4 ms', '1 min 12 s', '2 h 2 min', '10,432/s')
"""

from __future__ import annotations

from datetime import datetime

from bookhand.core.money import EXPONENTS

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def amount(minor: int, currency: str) -> str:
    """Major units with the currency's own decimals and thousands in groups; a negative stands in parentheses."""
    text = _grouped(abs(minor), EXPONENTS.get(currency.upper()))
    return f"({text})" if minor < 0 else text


def count(number: int) -> str:
    """``12,345``."""
    return f"{number:,}"


def rate(per_second: float) -> str:
    """``412/s``; slower than one a second by the minute."""
    return f"{per_second:,.0f}/s" if per_second >= 1 else f"{per_second * 60:,.0f}/min"


def duration(seconds: float) -> str:
    """The two largest units that say it: ``850 ms``, ``4.2 s``, ``1 min 12 s``, ``3 d 4 h``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:  # noqa: PLR2004 (below it, tenths say something)
        return f"{seconds:.1f} s"
    minutes, second = divmod(round(seconds), _MINUTE)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    parts = [(day, "d"), (hour, "h"), (minute, "min"), (second, "s")]
    first = next((index for index, (number, _) in enumerate(parts) if number), len(parts) - 1)
    return " ".join(f"{number} {name}" for number, name in parts[first : first + 2] if number) or "0 s"


def ago(then: datetime, now: datetime) -> str:
    """``just now``, ``12 s ago``, ``3 min ago``, ``2 h ago``, then the date."""
    seconds = (now - then).total_seconds()
    if seconds < 2:  # noqa: PLR2004 (nobody reads "1.4 s ago")
        return "just now"
    if seconds >= _DAY:
        return then.strftime("%d %b %Y").lstrip("0")
    for unit, name in ((_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= unit:
            return f"{int(seconds // unit)} {name} ago"
    return f"{int(seconds)} s ago"


def account(key: str) -> str:
    """A chart key as words: ``stripe_clearing:payments`` is ``Stripe clearing · payments``."""
    role, _, detail = key.partition(":")
    words = role.replace("_", " ")
    name = words[:1].upper() + words[1:]
    return f"{name} · {detail.replace('_', ' ')}" if detail else name


def kind(name: str) -> str:
    """An entry's or a Problem's kind as words: ``payout_failure`` is ``Payout failure``."""
    return account(name)


def _grouped(minor: int, places: int | None) -> str:
    if places is None:
        return f"{minor:,} minor units"
    whole, part = divmod(minor, 10**places)
    return f"{whole:,}.{part:0{places}d}" if places else f"{whole:,}"
