"""What Stripe keeps: one table of prices, and the fee lines of a balance transaction made from it.

The percentages are those a US account pays without a negotiated plan. Lines sum to the fee, always:

    >>> [line["amount"] for line in card_fee(10_000, "usd", "usd", country="US", card_country="DE")]
    [470]
    >>> lines = card_fee(10_000, "usd", "eur", country="US", card_country="DE", converted=True)
    >>> [(line["amount"], line["description"]) for line in lines]
    [(470, 'Stripe processing fees'), (100, 'Stripe currency conversion fee')]
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from bookhand.sandbox.money.currencies import PER_DOLLAR, convert

JSON = dict[str, Any]


# Fixed parts as Stripe prices them per settlement currency; others take the dollar's, converted.
FIXED = {"usd": 30, "eur": 25, "gbp": 20, "jpy": 0, "cad": 30, "aud": 30, "chf": 30, "kwd": 90}
CARD_POINTS = {"US": 290, "CA": 290, "AU": 175, "GB": 150, "JP": 360}
EUROPE_POINTS = 150
WEST = (
    "AT",
    "BE",
    "CH",
    "DE",
    "DK",
    "ES",
    "FI",
    "FR",
    "IE",
    "IT",
    "LT",
    "LU",
    "LV",
    "MT",
    "NL",
    "NO",
    "PT",
    "SE",
)
EAST = ("BG", "CY", "CZ", "EE", "GR", "HR", "HU", "PL", "RO", "SI", "SK")
EUROPE = frozenset(WEST + EAST)
INTERNATIONAL_POINTS = 150
EUROPE_INTERNATIONAL_POINTS = 175
CONVERSION_POINTS = 100
EUROPE_CONVERSION_POINTS = 200
ACH_POINTS, ACH_CAP = 80, 500
INSTANT_PAYOUT_POINTS, INSTANT_PAYOUT_LEAST = 150, 50
DISPUTE_RECEIVED = 1500
DISPUTE_COUNTERED = 1500
COMPLIANCE_DISPUTE = 50_000
ACH_FAILURE = 400


def line(
    amount: int, currency: str, description: str, kind: str = "stripe_fee", application: str | None = None
) -> JSON:
    """One row of `fee_details`."""
    return {
        "amount": amount,
        "application": application,
        "currency": currency,
        "description": description,
        "type": kind,
    }


def card_fee(
    amount: int,
    currency: str,
    presented: str,
    *,
    country: str,
    card_country: str | None,
    converted: bool = False,
) -> list[JSON]:
    """The lines for a card charge of `amount` settled in `currency`.

    `presented` is what the customer saw; `converted` says that Stripe changed the money.
    """
    home = country == (card_country or country) or (country in EUROPE and card_country in EUROPE)
    points, fixed, conversion = _card_price(country, currency, home)
    lines = [line(_share(amount, points) + fixed, currency, "Stripe processing fees")]
    if converted and presented != currency:
        lines.append(line(_share(amount, conversion), currency, "Stripe currency conversion fee"))
    return lines


def bank_debit_fee(amount: int, currency: str) -> list[JSON]:
    """A bank debit costs a share up to a cap."""
    cap = dollars(ACH_CAP, currency)
    return [line(min(_share(amount, ACH_POINTS), cap), currency, "Stripe processing fees")]


def instant_payout_fee(amount: int, currency: str) -> list[JSON]:
    """An instant payout costs a share, and at least half a dollar."""
    least = dollars(INSTANT_PAYOUT_LEAST, currency)
    cost = max(_share(amount, INSTANT_PAYOUT_POINTS), least)
    return [line(cost, currency, "Stripe instant payout fee")]


def tax_on(lines: list[JSON], percent: float, currency: str) -> list[JSON]:
    """The same lines with the tax Stripe must charge on its own fees, where the account pays one."""
    own = sum(one["amount"] for one in lines if one["type"] == "stripe_fee")
    tax = int((Decimal(own) * Decimal(str(percent)) / 100).to_integral_value(ROUND_HALF_UP))
    return [*lines, line(tax, currency, "VAT", "tax")] if tax else lines


@lru_cache(maxsize=1024)
def dollars(cents: int, currency: str) -> int:
    """A price set in US cents, told in another currency."""
    return cents if currency == "usd" else convert(cents, "usd", currency, PER_DOLLAR[currency])


@lru_cache(maxsize=4096)
def _card_price(country: str, currency: str, home: bool) -> tuple[int, int, int]:  # noqa: FBT001 - a cache key
    europe = country in EUROPE
    points = CARD_POINTS.get(country, EUROPE_POINTS if europe else 290)
    if not home:
        points += EUROPE_INTERNATIONAL_POINTS if europe else INTERNATIONAL_POINTS
    fixed = FIXED.get(currency)
    conversion = EUROPE_CONVERSION_POINTS if europe else CONVERSION_POINTS
    return points, dollars(30, currency) if fixed is None else fixed, conversion


def _share(amount: int, points: int) -> int:
    return (amount * points + 5_000) // 10_000
