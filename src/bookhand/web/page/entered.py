"""What people type into forms, read exactly and as they write it. Pure.

>>> minor_of("1,234.50", "USD", "en_US"), minor_of("1.234,50", "USD", "de_DE"), minor_of("500", "JPY", "en_US"), minor_of("-0.005", "KWD", "en_US")
(123450, 123450, 500, -5)
"""

from __future__ import annotations

from decimal import Decimal

from babel.numbers import NumberFormatError, get_decimal_symbol, get_group_symbol, parse_decimal

from bookhand.core.money import EXPONENTS
from bookhand.core.problems import Refusal
from bookhand.web.page.wording import plain

_LARGEST_DIGITS = 15
_DIGITS = "-0123456789"


def currency_of(text: str) -> str:
    """A currency's code; `Refusal` where there is none of that name."""
    code = text.strip().upper()
    if code not in EXPONENTS:
        raise Refusal(plain("page.entered.no_currency", text=text.strip()[:20]))
    return code


def minor_of(text: str, currency: str, locale: str) -> int:
    """An amount in major units, as a person of `locale` writes it, in whole minor units.

    `Refusal` where it is no amount, or has more decimals than its currency.
    """
    code = currency_of(currency)
    scaled = _decimal(text, locale).scaleb(EXPONENTS[code])
    if scaled != scaled.to_integral_value():
        raise Refusal(
            plain(
                "page.entered.decimals" if EXPONENTS[code] else "page.entered.no_decimals",
                currency=code,
                places=EXPONENTS[code],
            )
        )
    return int(scaled)


def _decimal(text: str, locale: str) -> Decimal:
    group, mark = get_group_symbol(locale), get_decimal_symbol(locale)
    told = "".join(_as_written(each, group) for each in text.strip())
    try:
        found = (
            parse_decimal(told, locale=locale, strict=True) if set(told) <= {*_DIGITS, group, mark} else None
        )
    except NumberFormatError:
        found = None
    if (
        found is None
        or not found.is_finite()
        or len(text) > _LARGEST_DIGITS * 2
        or found.adjusted() >= _LARGEST_DIGITS
    ):
        example = f"1{group}234{mark}50"
        raise Refusal(plain("page.entered.no_amount", text=text[:30], example=example))
    return found


def _as_written(character: str, group: str) -> str:
    """A sign that people write for another: a minus, a blank or an apostrophe between the groups."""
    if character == "\N{MINUS SIGN}":
        return "-"
    same = (character.isspace() and group.isspace()) or (
        character == "'" and group == "\N{RIGHT SINGLE QUOTATION MARK}"
    )
    return group if same else character
