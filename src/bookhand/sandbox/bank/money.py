"""Amounts as the made-up bank writes them: with the currency's decimals by ISO 4217. Pure.

The numbers come in Stripe's minor units, for which ISK and UGX have two decimals that no bank knows.

>>> plain(-1250, "EUR"), plain(500, "JPY"), plain(50000, "ISK"), whole(50000, "ISK")
('-12.50', '500', '500', '500')
"""

from __future__ import annotations

from bookhand.core.money import exponent

_NO_DECIMALS = {"ISK", "UGX"}


def plain(minor: int, currency: str, *, mark: str = ".", sign: bool = True) -> str:
    """A decimal number."""
    places = exponent(currency)
    units, rest = divmod(abs(minor), 10**places)
    minus = "-" if minor < 0 and sign else ""
    if places == 0 or (currency in _NO_DECIMALS and rest == 0):
        return f"{minus}{units}"
    return f"{minus}{units}{mark}{rest:0{places}d}"


def whole(minor: int, currency: str) -> str:
    """A whole number of the smallest units that a bank knows, without a sign."""
    return str(abs(minor) // (10 ** exponent(currency) if currency in _NO_DECIMALS else 1))
