"""How the stand-in counts money: exponents, smallest charges and exchange rates.

Amounts are whole numbers in Stripe's smallest unit. A rate is told between *major* units, as
`balance_transaction.exchange_rate` tells it:

    >>> convert(1000, "eur", "usd", Decimal("1.084"))
    1084
    >>> convert(1000, "jpy", "usd", Decimal("0.0067"))
    670

Rates drift by day so that a refund never settles at the rate of its charge; the drift is a function of
the date alone, so one date has one rate in every run.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

ZERO_DECIMAL = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
)
THREE_DECIMAL = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
WHOLE_HUNDREDS = frozenset(("isk", "ugx"))
PAYOUT_HUNDREDS = frozenset(("huf", "twd"))

# One US dollar buys this much: the middle around which the daily rates drift.
PER_DOLLAR = {
    "usd": Decimal(1),
    "aed": Decimal("3.6725"),
    "aud": Decimal("1.52"),
    "bhd": Decimal("0.376"),
    "brl": Decimal("5.45"),
    "cad": Decimal("1.37"),
    "chf": Decimal("0.84"),
    "clp": Decimal(942),
    "czk": Decimal("22.4"),
    "dkk": Decimal("6.70"),
    "eur": Decimal("0.8980"),
    "gbp": Decimal("0.7650"),
    "hkd": Decimal("7.80"),
    "huf": Decimal(358),
    "idr": Decimal(15600),
    "inr": Decimal("84.1"),
    "isk": Decimal(137),
    "jod": Decimal("0.709"),
    "jpy": Decimal("149.30"),
    "krw": Decimal(1345),
    "kwd": Decimal("0.3060"),
    "mxn": Decimal("19.4"),
    "myr": Decimal("4.30"),
    "nok": Decimal("10.6"),
    "nzd": Decimal("1.63"),
    "omr": Decimal("0.385"),
    "php": Decimal(56),
    "pln": Decimal("3.87"),
    "ron": Decimal("4.47"),
    "sek": Decimal("10.2"),
    "sgd": Decimal("1.31"),
    "thb": Decimal("33.5"),
    "tnd": Decimal("3.05"),
    "try": Decimal("34.2"),
    "twd": Decimal(32),
    "ugx": Decimal(3670),
    "vnd": Decimal(24800),
    "zar": Decimal("17.5"),
}
SMALLEST_CHARGE = {"usd": 50, "eur": 50, "gbp": 30, "jpy": 50, "cad": 50, "aud": 50, "chf": 50, "kwd": 150}
PEGGED = frozenset(("usd", "aed", "bhd", "jod", "omr"))
DAY = 86_400


def known(currency: str) -> bool:
    """Whether the stand-in takes payments in this (lower-case) currency."""
    return currency in PER_DOLLAR


def exponent(currency: str) -> int:
    """How many decimals Stripe's smallest unit of this currency stands for.

    >>> [exponent(c) for c in ("usd", "jpy", "kwd")]
    [2, 0, 3]
    """
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def smallest_charge(currency: str) -> int:
    """The least that can be charged: about half a dollar."""
    fixed = SMALLEST_CHARGE.get(currency)
    if fixed is not None:
        return fixed
    return convert(50, "usd", currency, PER_DOLLAR[currency])


@lru_cache(maxsize=4096)
def rate(source: str, target: str, day: int) -> Decimal:
    """The rate of one day (days since 1970), six significant decimals, between major units."""
    crossed = _per_dollar(target, day) / _per_dollar(source, day)
    digits = 6 if crossed < 10 else 4
    return round(crossed, digits)


@lru_cache(maxsize=65_536)
def _scale(source: str, target: str) -> Decimal:
    return Decimal(10) ** (exponent(target) - exponent(source))


def convert(amount: int, source: str, target: str, at: Decimal) -> int:
    """`amount` in another currency at a given rate, half a unit rounded away from zero."""
    exact = Decimal(amount) * at * _scale(source, target)
    return int(exact.to_integral_value(ROUND_HALF_UP))


def day_of(moment: int) -> int:
    """The UTC day of a Unix time."""
    return moment // DAY


def _per_dollar(currency: str, day: int) -> Decimal:
    middle = PER_DOLLAR[currency]
    if currency in PEGGED:
        return middle
    phase = sum(map(ord, currency))
    drift = 0.021 * math.sin(day / 37 + phase) + 0.006 * math.sin(day / 5.3 + 2 * phase)
    return middle * (1 + Decimal(f"{drift:.7f}"))
