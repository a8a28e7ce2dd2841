"""What the seeded company sells: three plans by month and year in four currencies, two things bought once.

    catalogue = stock(desk)
    catalogue.price("team", "month", "eur")             # 'price_…', tax added on top
    catalogue.price("team", "month", "jpy", inside=True) # the same with tax inside

Dinars have three decimals and their last one must be zero; yen have none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bookhand.sandbox.stripe.errors import JSON

if TYPE_CHECKING:
    from bookhand.sandbox.world.desk import Desk
    from bookhand.sandbox.world.people import Person

PLANS = {
    "starter": {"usd": 2_900, "eur": 2_700, "jpy": 4_200, "kwd": 9_000},
    "team": {"usd": 9_900, "eur": 9_200, "jpy": 14_500, "kwd": 30_500},
    "scale": {"usd": 29_900, "eur": 27_900, "jpy": 43_000, "kwd": 92_000},
}
ORDER = tuple(PLANS)
ONCE = {
    "onboarding": {"usd": 150_000, "eur": 139_000, "jpy": 220_000, "kwd": 460_000},
    "credits": {"usd": 5_000, "eur": 4_600, "jpy": 7_400, "kwd": 15_300},
}
MONTHS_PAID_A_YEAR = 10
# name, country, state, percentage, inside the price
RATES = (
    ("Sales tax CA", "US", "CA", "7.25", False),
    ("Sales tax NY", "US", "NY", "8.875", False),
    ("Sales tax TX", "US", "TX", "8.25", False),
    ("Sales tax WA", "US", "WA", "9.2", False),
    ("GST", "CA", "ON", "13", False),
    ("GST", "AU", None, "10", False),
    ("VAT", "GB", None, "20", False),
    ("VAT", "DE", None, "19", False),
    ("VAT", "FR", None, "20", False),
    ("VAT", "NL", None, "21", False),
    ("VAT", "IE", None, "23", False),
    ("JCT", "JP", None, "10", False),
)


@dataclass(slots=True)
class Catalogue:
    """The ids of all of it."""

    products: dict[str, str] = field(default_factory=dict)
    prices: dict[tuple[str, str, str, bool], str] = field(default_factory=dict)
    rates: dict[tuple[str, str | None, bool], str] = field(default_factory=dict)
    coupons: list[str] = field(default_factory=list)

    def price(self, plan: str, interval: str, currency: str, *, inside: bool = False) -> str:
        """A plan's price; `inside` says that tax is part of it."""
        return self.prices[plan, interval, currency, inside]

    def rate(self, person: Person) -> str | None:
        """The tax rate of where a customer is."""
        place = person.address["country"], person.address.get("state")
        return self.rates.get((*place, person.tax == "inclusive"))


def next_plan(plan: str, step: int) -> str:
    """One up or one down, staying where there is none."""
    return ORDER[min(max(ORDER.index(plan) + step, 0), len(ORDER) - 1)]


def stock(desk: Desk) -> Catalogue:
    """Create everything that is for sale."""
    made = Catalogue()
    for plan, amounts in PLANS.items():
        product = desk.post("/v1/products", name=f"{plan.title()} plan", tax_code="txcd_10103001")
        made.products[plan] = product["id"]
        for currency, amount in amounts.items():
            for interval in ("month", "year"):
                for inside in (False, True):
                    price = _price(desk, product, interval, currency, amount, inside=inside)
                    made.prices[plan, interval, currency, inside] = price
    for name in ONCE:
        made.products[name] = desk.post("/v1/products", name=name.title())["id"]
    for name, country, state, percentage, _ in RATES:
        for inside in (False, True):
            rate = _rate(desk, name, country, state, percentage, inside=inside)
            made.rates[country, state, inside] = rate
    made.coupons = [
        desk.post(
            "/v1/coupons", percent_off="20", duration="repeating", duration_in_months=3, name="Welcome"
        )["id"],
        desk.post("/v1/coupons", percent_off="10", duration="forever", name="Non-profit")["id"],
        desk.post("/v1/coupons", amount_off=1_000, currency="usd", duration="once", name="Ten off")["id"],
    ]
    return made


def _price(desk: Desk, product: JSON, interval: str, currency: str, monthly: int, *, inside: bool) -> str:
    found: str = desk.post(
        "/v1/prices",
        product=product["id"],
        currency=currency,
        unit_amount=monthly * (MONTHS_PAID_A_YEAR if interval == "year" else 1),
        recurring={"interval": interval},
        tax_behavior="inclusive" if inside else "exclusive",
        nickname=f"{product['name']} by {interval}",
    )["id"]
    return found


def _rate(desk: Desk, name: str, country: str, state: str | None, percentage: str, *, inside: bool) -> str:
    found: str = desk.post(
        "/v1/tax_rates",
        display_name=name,
        country=country,
        percentage=percentage,
        inclusive=inside,
        jurisdiction=f"{country} {state}" if state else country,
        **({"state": state} if state else {}),
    )["id"]
    return found
