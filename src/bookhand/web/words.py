"""How figures without a unit of money are written for people: ages, durations and rates; and names as words. Amounts: `page.figures`.

>>> duration(0.0042), duration(72), duration(7_320), rate(10_432.4)
('4 ms', '1 min 12 s', '2 h 2 min', '10,432/s')
"""

from __future__ import annotations

from datetime import datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


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
