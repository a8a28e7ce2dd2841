"""Amounts and days as files write them, to whole minor units and ISO dates. Pure.

Errors are `ValueError` with the end of a sentence; the reader that knows the line makes a `Refusal` of it.

>>> minor_of("1234,5", "EUR", mark=","), minor_of("-7", "JPY"), minor_of("0.125", "KWD"), whole_of("500", "ISK")
(123450, -7, 125, 50000)
>>> day_of_digits("20261102000000[+9:JST]"), day_of_iso("2026-11-02T23:30:00-05:00")
('2026-11-02', '2026-11-02')
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from bookhand.core.money import as_text, exponent

_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)", re.ASCII)
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?![0-9])", re.ASCII)
_DIGITS = re.compile(r"[0-9]{8}", re.ASCII)
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", re.ASCII)
_IBAN_MODULUS = 97
"""ISO 7064, as ISO 13616 takes it: the remainder of a sound IBAN is 1."""
_FIRST_YEAR, _LAST_YEAR = 1970, 2099
_LAST_OF_2000S = 79
"""SWIFT's rule for two digits: 80 to 99 are of the last century."""
_MOST_MINOR = 10**17
"""So much that the sums of an account's lines still have room in the database: one amount alone must not stop what adds up all of them."""
_LONGEST = 40
_WITHOUT_DECIMALS = frozenset({"ISK", "UGX"})
"""No decimals at a bank (ISO 4217), two at Stripe, whose minor units are ours."""


def minor_of(text: str, currency: str, *, mark: str = ".") -> int:
    """Minor units of a plain number: digits, perhaps a sign, perhaps `mark` and decimals; nothing between thousands."""
    plain = text.strip()
    if mark != "." and "." in plain:
        raise ValueError(f"{text.strip()[:_LONGEST]!r} has a point where {mark!r} is the decimal mark")
    plain = plain.replace(mark, ".", 1)
    if len(plain) > _LONGEST or not _PLAIN.fullmatch(plain):
        raise ValueError(f"{text.strip()[:_LONGEST]!r} is no amount")
    return scaled(Decimal(plain), currency)


def scaled(amount: Decimal, currency: str) -> int:
    """Minor units of an exact amount; `ValueError` where the currency has fewer decimals, and for more than any bank has."""
    minor = amount.scaleb(exponent(currency))
    if minor != minor.to_integral_value():
        raise ValueError(f"{amount} has more decimals than {currency} has ({exponent(currency)})")
    return _believed(int(minor), currency)


def whole_of(text: str, currency: str) -> int:
    """Minor units of a number that is written in the bank's own minor units (BAI2)."""
    if len(text) > _LONGEST or not re.fullmatch(r"[+-]?[0-9]+", text.strip(), re.ASCII):
        raise ValueError(f"{text.strip()[:_LONGEST]!r} is no whole amount")
    return _believed(of_whole(int(text), currency), currency)


def of_whole(whole: int, currency: str) -> int:
    """Our minor units of the bank's own."""
    return whole * (10 ** exponent(currency) if currency in _WITHOUT_DECIMALS else 1)


def _believed(minor: int, currency: str) -> int:
    if abs(minor) > _MOST_MINOR:
        raise ValueError(f"{as_text(minor, currency)} is larger than any amount that a bank has")
    return minor


def day_of_digits(text: str) -> str:
    """``YYYYMMDD`` and whatever follows: the day as the bank wrote it; a time zone behind it moves nothing."""
    found = _DIGITS.match(text.strip())
    if not found:
        raise ValueError(f"{text.strip()[:_LONGEST]!r} is no day")
    digits = found[0]
    return calendar_day(int(digits[:4]), int(digits[4:6]), int(digits[6:]))


def day_of_iso(text: str) -> str:
    """``YYYY-MM-DD`` and whatever follows (a time, a zone)."""
    found = _DAY.match(text.strip())
    if not found:
        raise ValueError(f"{text.strip()[:_LONGEST]!r} is no day")
    return calendar_day(int(found[1]), int(found[2]), int(found[3]))


def calendar_day(year: int, month: int, day: int) -> str:
    """An ISO date; `ValueError` where the calendar has none, and for years of which no bank tells lines."""
    try:
        found = date(year, month, day).isoformat()
    except ValueError:
        raise ValueError(f"{year:04d}-{month:02d}-{day:02d} is no day of the calendar") from None
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise ValueError(f"{found} is no day of a bank statement ({_FIRST_YEAR} to {_LAST_YEAR})")
    return found


def full_year(two_digits: str) -> int:
    """The year that two digits mean.

    >>> full_year("26"), full_year("79"), full_year("80"), full_year("99")
    (2026, 2079, 1980, 1999)
    """
    year = int(two_digits)
    return (2000 if year <= _LAST_OF_2000S else 1900) + year


def account_of(text: str) -> str:
    """An account as it is called here: an IBAN without spaces and in capitals, whatever else as it is.

    >>> account_of(" de89 3704 0044 0532 0130 00 "), account_of("Main account"), account_of("DE88 3704 0044 0532 0130 00")
    ('DE89370400440532013000', 'Main account', 'DE88 3704 0044 0532 0130 00')
    """
    plain = re.sub(r"[\s-]", "", text).upper()
    if not _IBAN.fullmatch(plain):
        return text.strip()
    digits = "".join(str(int(char, 36)) for char in plain[4:] + plain[:4])
    return plain if int(digits) % _IBAN_MODULUS == 1 else text.strip()


def currency_of(text: str) -> str:
    """A currency's code in capitals; `ValueError` where nobody knows it."""
    code = text.strip().upper()
    exponent(code)
    return code
