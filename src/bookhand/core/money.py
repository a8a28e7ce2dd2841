"""Money: whole minor units and a currency, in one frozen type.

Minor units are Stripe's: the integer that its API sends. ``Money(1999, "USD")`` is 19.99 USD, ``Money(500, "JPY")`` is 500 JPY
and ``Money(12340, "KWD")`` is 12.340 KWD. Stripe counts two currencies otherwise than ISO 4217 does: ISK and UGX have no minor
unit in life and two decimals in the API (500 is 5 ISK); `EXPONENTS` follows the API, so no amount is ever rescaled.
Source: docs.stripe.com/currencies.

>>> Money(1050, "USD") + Money(50, "USD")
Money(minor=1100, currency='USD')
>>> [str(part) for part in Money(100, "USD").split([1, 1, 1])]
['0.34 USD', '0.33 USD', '0.33 USD']
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

_ZERO = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_TWO = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CVE CZK "
    "DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR ISK JMD KES KGS KHR KYD KZT LAK LBP "
    "LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB "
    "SAR SBD SCR SEK SGD SHP SLE SOS SRD STD SVC SZL THB TJS TOP TRY TTD TWD TZS UAH UGX USD UYU UZS WST XCD XCG YER ZAR ZMW"
)
_THREE = "BHD JOD KWD OMR TND"

EXPONENTS: dict[str, int] = {
    **dict.fromkeys(_ZERO.split(), 0),
    **dict.fromkeys(_TWO.split(), 2),
    **dict.fromkeys(_THREE.split(), 3),
}
"""Upper-case ISO code to the number of decimals in Stripe's API."""

PAYOUT_MULTIPLE: dict[str, int] = {"HUF": 100, "TWD": 100, "ISK": 100, "UGX": 100}
"""Currencies whose payouts are whole units although charges have two decimals; the rest stays in the balance."""


class CurrencyError(ValueError):
    """A currency nobody knows, or two currencies in one sum."""


def exponent(currency: str) -> int:
    """Decimals of `currency` (any case); `CurrencyError` if nobody knows it."""
    try:
        return EXPONENTS[currency.upper()]
    except KeyError:
        raise CurrencyError(
            f"Currency {currency!r} is not in bookhand's table, so its decimals are unknown: "
            "add it to core/money.py, or correct the amount's source."
        ) from None


@dataclass(frozen=True, slots=True)
class Money:
    """A signed amount of whole minor units in one currency (upper-case ISO code)."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"Money takes whole minor units, not {self.minor!r}.")
        if not self.currency.isupper():
            object.__setattr__(self, "currency", self.currency.upper())

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __abs__(self) -> Money:
        return Money(abs(self.minor), self.currency)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __str__(self) -> str:
        return f"{format_minor(self.minor, self.currency)} {self.currency}"

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, exact: ``Money(1999, "USD").decimal == Decimal("19.99")``."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def split(self, weights: Sequence[int]) -> list[Money]:
        """Parts in proportion to `weights` that add up to the whole exactly (largest remainder; ties to the first)."""
        return [Money(part, self.currency) for part in split_minor(self.minor, weights)]

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise CurrencyError(
                f"{self} and {other} are in two currencies; they do not add up to one amount."
            )
        return other.minor


def split_minor(minor: int, weights: Sequence[int]) -> list[int]:
    """`Money.split` on bare integers, for the paths where a million of them pass."""
    total = sum(weights)
    if total <= 0 or any(weight < 0 for weight in weights):
        raise ValueError(f"Weights must be zero or more with a positive sum, not {list(weights)!r}.")
    sign = -1 if minor < 0 else 1
    shares = [divmod(abs(minor) * weight, total) for weight in weights]
    parts = [whole for whole, _ in shares]
    by_remainder = sorted(range(len(parts)), key=lambda index: (-shares[index][1], index))
    for index in by_remainder[: abs(minor) - sum(parts)]:
        parts[index] += 1
    return [sign * part for part in parts]


def format_minor(minor: int, currency: str) -> str:
    """Major units as text with the currency's own decimals: ``format_minor(-5, "USD") == "-0.05"``."""
    places = exponent(currency)
    if places == 0:
        return str(minor)
    digits = str(abs(minor)).rjust(places + 1, "0")
    return f"{'-' if minor < 0 else ''}{digits[:-places]}.{digits[-places:]}"


_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
_CODES = {sign: code for code, sign in _SIGNS.items()}
_WRITTEN = re.compile(
    r"(?<![\w.,$€£¥-])-?(?:([$€£¥])([0-9][0-9,]*(?:\.[0-9]+)?)|([0-9][0-9,]*(?:\.[0-9]+)?) ([A-Z]{3}))(?![\w]|[.,][0-9])"
)


def in_words(minor: int, currency: str) -> str:
    """An amount as a sentence has it: the sign before the figure for four currencies, else figure and code.

    >>> in_words(150000, "USD"), in_words(-500, "jpy"), in_words(12340, "KWD")
    ('$1,500.00', '-¥500', '12.340 KWD')
    """
    code = currency.upper()
    whole, dot, part = format_minor(abs(minor), code).partition(".")
    figure = f"{'-' if minor < 0 else ''}{_SIGNS.get(code, '')}{int(whole):,}{dot}{part}"
    return figure if code in _SIGNS else f"{figure} {code}"


def as_text(minor: int, currency: str) -> str:
    """An amount as `Money` writes it, also where nobody knows the currency's decimals.

    >>> as_text(150000, "usd"), as_text(5, "XYZ")
    ('1500.00 USD', '5 minor units of XYZ')
    """
    code = currency.upper()
    return (
        str(Money(minor, code))
        if code in EXPONENTS
        else f"{minor} minor units of {code or 'an unknown currency'}"
    )


def reworded(text: str, write: Callable[[int, str], str]) -> str:
    """A sentence of ours with its amounts written by `write`: those that stand there exactly as `in_words` or `Money` writes them.

    >>> reworded("Refund €1,581.58 of 2000.00 USD; $5 stays, and so does $1.234", lambda minor, code: f"<{minor} {code}>")
    'Refund <158158 EUR> of <200000 USD>; $5 stays, and so does $1.234'
    """

    def again(found: re.Match[str]) -> str:
        written = found.group()
        code = _CODES.get(found[1] or "") or str(found[4])
        digits = (found[2] or found[3]).replace(",", "").replace(".", "")
        minor = -int(digits) if written.startswith("-") else int(digits)
        if code not in EXPONENTS or written not in {in_words(minor, code), str(Money(minor, code))}:
            return written
        return write(minor, code)

    return _WRITTEN.sub(again, text)


def parse_money(text: str, currency: str) -> Money:
    """``parse_money("19.99", "USD") == Money(1999, "USD")``; `ValueError` where it has more decimals than the currency."""
    scaled = Decimal(text).scaleb(exponent(currency))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{text} has more decimals than {currency.upper()} has ({exponent(currency)}).")
    return Money(int(scaled), currency)
