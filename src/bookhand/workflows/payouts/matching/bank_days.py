"""Business days of a currency: the days on which its banks settle; pure.

Each day has a place in the count of business days; a day on which banks rest has the place of the next on which they work. The lag between
two days is the difference of their places, so a payout that arrives on a Saturday and a line of the Monday after are on the same day.

>>> dollar = calendar_of("USD")
>>> dollar.lag("2026-11-25", "2026-11-27")          # Thanksgiving is in between
1
>>> dollar.lag("2026-11-28", "2026-11-30"), calendar_of("EUR").lag("2026-04-02", "2026-04-07")
(0, 1)

Holidays are those of the settlement system where the `holidays` library has it (the Federal Reserve, the ECB's T2), else the country's public
and bank holidays. A currency that is not in the table has weekends only. A wrong holiday moves a lag by a day; windows are days wide.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import holidays

_FINANCIAL: Final = {"USD": "XFED", "EUR": "XECB"}
_COUNTRY: Final[dict[str, tuple[str, str | None]]] = {
    "GBP": ("GB", "ENG"), "JPY": ("JP", None), "CAD": ("CA", "ON"), "AUD": ("AU", "NSW"), "NZD": ("NZ", None), "CHF": ("CH", "ZH"),
    "SEK": ("SE", None), "DKK": ("DK", None), "NOK": ("NO", None), "PLN": ("PL", None), "CZK": ("CZ", None), "HUF": ("HU", None),
    "RON": ("RO", None), "BGN": ("BG", None), "SGD": ("SG", None), "HKD": ("HK", None), "MXN": ("MX", None), "BRL": ("BR", None),
    "INR": ("IN", None), "MYR": ("MY", "KUL"), "THB": ("TH", None), "AED": ("AE", None), "ILS": ("IL", None), "ZAR": ("ZA", None),
    "KWD": ("KW", None), "TRY": ("TR", None), "KRW": ("KR", None), "CLP": ("CL", None), "COP": ("CO", None), "PEN": ("PE", None),
}  # fmt: skip
_ANCHOR: Final = 2024
"""The year whose first business day has place 0; any would do."""
_FIRST_DAY: Final = date(1970, 1, 1)
_LAST_DAY: Final = date(2099, 12, 31)
_SATURDAY: Final = 5


class Calendar:
    """The business days of one currency; ask `calendar_of` for it, for it remembers what it was asked."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self._places: dict[str, int] = {}
        self._years: dict[int, list[int]] = {}
        self._first: dict[int, int] = {_ANCHOR: 0}

    def place(self, day: str) -> int:
        """The place of an ISO day; `ValueError` for what is none. Before 1970 and after 2099 every day is a business day."""
        found = self._places.get(day)
        if found is None:
            found = self._places[day] = self._place(date.fromisoformat(day))
        return found

    def _place(self, at: date) -> int:
        near = min(max(at, _FIRST_DAY), _LAST_DAY)
        beyond = (at - near).days
        return self._first_of(near.year) + self._year(near.year)[near.timetuple().tm_yday - 1] + beyond

    def lag(self, expected: str, day: str) -> int:
        """Business days from `expected` to `day`, negative where `day` is earlier."""
        return self.place(day) - self.place(expected)

    def _first_of(self, year: int) -> int:
        if year not in self._first:
            near = year - 1 if year > _ANCHOR else year + 1
            step = self._year(near)[-1] if year > near else -self._year(year)[-1]
            self._first[year] = self._first_of(near) + step
        return self._first[year]

    def _year(self, year: int) -> list[int]:
        """For each day of the year how many business days were before it, and last how many there are."""
        if year not in self._years:
            rest, weekend = _rest_days(self.currency, year)
            day, counts, before = date(year, 1, 1), [], 0
            while day.year == year:
                counts.append(before)
                before += day.weekday() not in weekend and day not in rest
                day += timedelta(days=1)
            self._years[year] = [*counts, before]
        return self._years[year]


@lru_cache(maxsize=256)
def calendar_of(currency: str) -> Calendar:
    """The calendar of a currency (upper-case ISO code)."""
    return Calendar(currency)


def _rest_days(currency: str, year: int) -> tuple[Collection[date], Collection[int]]:
    """The holidays of a year, and its weekend (Monday is 0)."""
    if currency in _FINANCIAL:
        found: holidays.HolidayBase = holidays.financial_holidays(_FINANCIAL[currency], years=year)
        return frozenset(found), {_SATURDAY, _SATURDAY + 1}
    if currency in _COUNTRY:
        country, part = _COUNTRY[currency]
        kinds = {"public", "bank"} & set(holidays.country_holidays(country, subdiv=part).supported_categories)
        found = holidays.country_holidays(
            country, subdiv=part, years=year, categories=tuple(sorted(kinds)), expand=False
        )
        weekend = frozenset(found.weekend) if _SATURDAY - 1 in found.weekend else {_SATURDAY, _SATURDAY + 1}
        return frozenset(found), weekend
    return frozenset(), {_SATURDAY, _SATURDAY + 1}
