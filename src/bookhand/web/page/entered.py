"""What people type into forms, read exactly. Pure.

>>> minor_of("1,234.56", "USD"), minor_of("500", "JPY"), minor_of(" 12.340 ", "KWD"), minor_of("7", "EUR")
(123456, 500, 12340, 700)
"""

from __future__ import annotations

import re

from bookhand.core.money import EXPONENTS
from bookhand.core.problems import Refusal
from bookhand.web.page.wording import plain

_AMOUNT = re.compile(r"(\d{1,3}(?:,\d{3})+|\d{1,15})(?:\.(\d{1,4}))?")


def currency_of(text: str) -> str:
    """A currency's code; `Refusal` where there is none of that name."""
    code = text.strip().upper()
    if code not in EXPONENTS:
        raise Refusal(plain("page.entered.no_currency", text=text.strip()[:20]))
    return code


def minor_of(text: str, currency: str) -> int:
    """An amount in major units as whole minor units; `Refusal` where it has more decimals than the currency, or is no amount."""
    plainly = text.strip().replace(" ", "")
    found = _AMOUNT.fullmatch(plainly)
    if found is None:
        raise Refusal(plain("page.entered.no_amount", text=text.strip()[:40]))
    places = EXPONENTS[currency_of(currency)]
    part = found.group(2) or ""
    if len(part) > places:
        raise Refusal(plain("page.entered.decimals", text=plainly, currency=currency.upper(), n=places))
    return int(found.group(1).replace(",", "") + part.ljust(places, "0"))
