"""What a quantity of a price costs.

per unit 1,900 x 3 = 5,700; graduated tiers (10 at 500, then 400) x 12 = 5,800; volume tiers x 12 = 4,800
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

JSON = dict[str, Any]


def amount_of(price: JSON, quantity: int, currency: str) -> int:
    """The whole amount of a quantity in a currency that the price knows."""
    option = option_of(price, currency)
    if option.get("tiers"):
        return _tiered(option["tiers"], price["tiers_mode"] or "graduated", quantity)
    return _whole(_unit(option) * _packages(price.get("transform_quantity"), quantity))


def option_of(price: JSON, currency: str) -> JSON:
    """The part of a price that holds for a currency: itself, or one of its currency options."""
    if price["currency"] == currency:
        return price
    options: JSON = price.get("currency_options") or {}
    return options.get(currency) or {}


def offers(price: JSON, currency: str) -> bool:
    """Whether a price can be billed in a currency."""
    return price["currency"] == currency or currency in (price.get("currency_options") or {})


def unit_words(price: JSON, currency: str) -> str | None:
    """`unit_amount_decimal` of a price in a currency, as text."""
    option = option_of(price, currency)
    if option.get("unit_amount_decimal") is not None:
        return str(option["unit_amount_decimal"])
    return None if option.get("unit_amount") is None else str(option["unit_amount"])


def _unit(option: JSON) -> Decimal:
    if option.get("unit_amount") is not None:
        return Decimal(option["unit_amount"])
    return Decimal(option.get("unit_amount_decimal") or 0)


def _packages(transform: JSON | None, quantity: int) -> int:
    if not transform:
        return quantity
    size = int(transform["divide_by"])
    return -(-quantity // size) if transform["round"] == "up" else quantity // size


def _tiered(tiers: list[JSON], mode: str, quantity: int) -> int:
    if mode == "volume":
        return _whole(_of_tier(_tier_for(tiers, quantity), quantity))
    total, taken = Decimal(0), 0
    for tier in tiers:
        if taken >= quantity and taken:
            break
        end = quantity if tier["up_to"] is None else min(quantity, tier["up_to"])
        total += _of_tier(tier, end - taken)
        taken = end
    return _whole(total)


def _tier_for(tiers: list[JSON], quantity: int) -> JSON:
    return next((t for t in tiers if t["up_to"] is None or quantity <= t["up_to"]), tiers[-1])


def _of_tier(tier: JSON, quantity: int) -> Decimal:
    flat = Decimal(tier.get("flat_amount_decimal") or tier.get("flat_amount") or 0)
    unit = Decimal(tier.get("unit_amount_decimal") or tier.get("unit_amount") or 0)
    return flat + unit * quantity


def _whole(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))
