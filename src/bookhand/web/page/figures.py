"""Figures, days and times as a person reads them: in their number format and their time zone. Pure.

>>> us, de = Reads(locale="en_US", zone="UTC"), Reads(locale="de_DE", zone="Europe/Berlin")
>>> us.money(-123456, "USD"), us.money(0, "USD"), us.money(500, "JPY"), de.money(-1234560, "KWD")
('(1,234.56)', '0.00', '500', '(1.234,560)')
>>> de.moment(datetime(2026, 11, 28, 23, 30, tzinfo=UTC)), us.day(date(2026, 11, 28))
('29.11.2026, 00:30', 'Nov 28, 2026')
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from babel import Locale, UnknownLocaleError
from babel.core import negotiate_locale
from babel.dates import format_date, format_skeleton, format_time
from babel.localedata import locale_identifiers
from babel.numbers import NumberPattern, parse_pattern

from bookhand.core.money import EXPONENTS, reworded

DEFAULT_LOCALE, DEFAULT_ZONE = "en_US", "UTC"
_LONGEST = 40


class Reads(msgspec.Struct, frozen=True, dict=True, kw_only=True):
    """How one person reads: a Babel locale (``en_US``) and an IANA time zone."""

    locale: str = DEFAULT_LOCALE
    zone: str = DEFAULT_ZONE

    def money(self, minor: int, currency: str) -> str:
        """Major units with the currency's decimals; a negative stands in parentheses, as accountants write it."""
        places = EXPONENTS.get(currency.upper())
        if places is None:
            return f"{self.count(minor)} minor units"
        return _money(minor, places, self.locale)

    def sentence(self, text: str) -> str:
        """A sentence that was written down with amounts in it, as the person reads amounts: ``Refund 181,58 EUR of …``."""
        return reworded(text, lambda minor, currency: f"{self.money(minor, currency)} {currency}")

    def count(self, number: int) -> str:
        """A whole number in groups."""
        return _count(number, self.locale)

    def moment(self, at: datetime) -> str:
        """A day and a time, to the minute."""
        here = at.astimezone(self._zone)
        return f"{_day(here.date(), self.locale)}, {_time(here.time().replace(second=0, microsecond=0), 'HH:mm', self.locale)}"

    def second(self, at: datetime) -> str:
        """A day and a time, to the second."""
        return f"{self.day(at)}, {self.clock(at)}"

    def clock(self, at: datetime) -> str:
        """The time of day, to the second."""
        return _time(at.astimezone(self._zone).time().replace(microsecond=0), "HH:mm:ss", self.locale)

    def day(self, on: date | datetime | str) -> str:
        """A day; a moment's is that of the person's time zone, a plain day is nobody's but its own."""
        if isinstance(on, str):
            on = date.fromisoformat(on)
        if isinstance(on, datetime):
            on = on.astimezone(self._zone).date()
        return _day(on, self.locale)

    def month(self, on: date | str) -> str:
        """A month and its year: ``November 2026``; `on` is any of its days, or ``2026-11``."""
        if isinstance(on, str):
            on = date.fromisoformat(on if on.count("-") > 1 else f"{on}-01")
        return format_skeleton("yMMMM", on, locale=_locale(self.locale))

    def zone_name(self, at: datetime) -> str:
        """What the time zone is called at that moment: ``CET``."""
        return at.astimezone(self._zone).tzname() or self.zone

    def today(self, now: datetime) -> date:
        """The person's day."""
        return now.astimezone(self._zone).date()

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


def reads(*, accepts: str = "", locale: str | None = None, zone: str | None = None) -> Reads:
    """How the sender of a request reads: as chosen, else as the browser says (``Accept-Language``); what is unknown is the default."""
    return Reads(
        locale=_known(locale) or _negotiated(accepts[:200]) or DEFAULT_LOCALE,
        zone=zone if zone and _is_zone(zone) else DEFAULT_ZONE,
    )


@lru_cache(maxsize=256)
def _known(locale: str | None) -> str | None:
    if not locale or len(locale) > _LONGEST:
        return None
    try:
        return str(Locale.parse(locale.replace("-", "_")))
    except (ValueError, UnknownLocaleError):
        return None


@lru_cache(maxsize=256)
def _negotiated(accepts: str) -> str | None:
    wanted = sorted(
        (
            (-_quality(rest), order, name.strip().replace("-", "_"))
            for order, each in enumerate(accepts.split(","))
            for name, _, rest in [each.partition(";")]
            if name.strip() not in {"", "*"}
        )
    )
    return negotiate_locale([name for _, _, name in wanted], locale_identifiers())


def _quality(parameter: str) -> float:
    try:
        return float(parameter.partition("=")[2] or 1)
    except ValueError:
        return 0.0


@lru_cache(maxsize=256)
def _is_zone(name: str) -> bool:
    if len(name) > _LONGEST:
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


# The same figures, days and minutes stand on a page many times, and on the next one again.


@lru_cache(maxsize=8192)
def _money(minor: int, places: int, locale: str) -> str:
    return str(_pattern(places).apply(Decimal(minor).scaleb(-places), _locale(locale)))


@lru_cache(maxsize=2048)
def _count(number: int, locale: str) -> str:
    return str(_pattern(0, "-").apply(number, _locale(locale)))


@lru_cache(maxsize=2048)
def _day(on: date, locale: str) -> str:
    return format_date(on, "medium", locale=_locale(locale))


@lru_cache(maxsize=8192)
def _time(at: time, pattern: str, locale: str) -> str:
    return format_time(at, pattern, locale=_locale(locale))


@lru_cache(maxsize=64)
def _locale(name: str) -> Locale:
    return Locale.parse(name)


@lru_cache(maxsize=16)
def _pattern(places: int, sign: str = "(") -> NumberPattern:
    figures = "#,##0" + ("." + "0" * places if places else "")
    return parse_pattern(f"{figures};({figures})" if sign == "(" else figures)


def aware(at: datetime) -> datetime:
    """The moment, in UTC where it named no zone."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)
