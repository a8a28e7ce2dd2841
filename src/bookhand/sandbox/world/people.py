"""The customers of the seeded company: who they are, where, what they pay with and what will become of them.

    >>> [c.currency for c in people(Random("1:people"), 3)]
    ['usd', 'usd', 'eur']

Names are made of small word lists of our own; mail goes to example domains, which nobody owns.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

from bookhand.sandbox.stripe.errors import JSON

Fate = Literal[
    "stays", "leaves", "leaves at once", "upgrades", "downgrades", "grows", "recovers", "lost", "pauses"
]
Tax = Literal["automatic", "exclusive", "inclusive", "none"]

FIRST = [
    "Ada",
    "Amara",
    "Anders",
    "Anna",
    "Bilal",
    "Bruno",
    "Carla",
    "Chidi",
    "Clara",
    "Dana",
    "Dmitri",
    "Elena",
    "Emil",
    "Farah",
    "Felix",
    "Greta",
    "Hana",
    "Hugo",
    "Imani",
    "Ines",
    "Ivan",
    "Jonas",
    "Kaya",
    "Keiko",
    "Lars",
    "Leila",
    "Luca",
    "Maeve",
    "Marta",
    "Mei",
    "Milan",
    "Nadia",
    "Nils",
    "Noor",
    "Olga",
    "Omar",
    "Petra",
    "Priya",
    "Quinn",
    "Rafael",
    "Rosa",
    "Sami",
    "Sofia",
    "Tariq",
    "Thea",
    "Uma",
    "Vera",
    "Viktor",
    "Wanda",
    "Xenia",
    "Yara",
    "Yusuf",
    "Zoe",
]
LAST = [
    "Abbott",
    "Bauer",
    "Castillo",
    "Dahl",
    "Eriksen",
    "Farouk",
    "Garnier",
    "Haddad",
    "Ito",
    "Jansen",
    "Kaplan",
    "Lindqvist",
    "Moreau",
    "Nakamura",
    "Okafor",
    "Petrov",
    "Quist",
    "Rossi",
    "Sato",
    "Tanaka",
    "Ueda",
    "Vasquez",
    "Weber",
    "Yilmaz",
    "Zhang",
]
TRADES = [
    "Labs",
    "Works",
    "Studio",
    "Foods",
    "Freight",
    "Robotics",
    "Health",
    "Energy",
    "Print",
    "Textiles",
    "Software",
    "Optics",
    "Media",
    "Tools",
]
WORDS = [
    "Alder",
    "Basalt",
    "Cedar",
    "Delta",
    "Ember",
    "Fjord",
    "Granite",
    "Harbor",
    "Indigo",
    "Juniper",
    "Kestrel",
    "Larch",
    "Maple",
    "Nimbus",
    "Orchard",
    "Pebble",
    "Quarry",
    "Ridge",
    "Sable",
    "Tundra",
    "Umber",
    "Verge",
    "Willow",
    "Yarrow",
    "Zephyr",
]

# country, state, city, postal code, currency, weight, the cards people there pay with
PLACES: tuple[tuple[str, str | None, str, str, str, int, tuple[str, ...]], ...] = (
    ("US", "CA", "Oakland", "94607", "usd", 16, ("pm_card_visa", "pm_card_mastercard", "pm_card_amex")),
    (
        "US",
        "NY",
        "Albany",
        "12207",
        "usd",
        12,
        ("pm_card_visa", "pm_card_mastercard_debit", "pm_card_discover"),
    ),
    ("US", "TX", "Austin", "78701", "usd", 10, ("pm_card_visa_debit", "pm_card_mastercard")),
    ("US", "WA", "Tacoma", "98402", "usd", 6, ("pm_card_visa", "pm_usBankAccount_success")),
    ("US", "OR", "Portland", "97205", "usd", 4, ("pm_card_visa", "pm_card_amex")),
    ("CA", "ON", "Ottawa", "K1P 1J1", "usd", 4, ("pm_card_ca",)),
    ("GB", None, "Leeds", "LS1 4DY", "usd", 5, ("pm_card_gb",)),
    ("AU", None, "Hobart", "7000", "usd", 3, ("pm_card_au",)),
    ("DE", None, "Bremen", "28195", "eur", 10, ("pm_card_de",)),
    ("FR", None, "Nantes", "44000", "eur", 7, ("pm_card_fr",)),
    ("NL", None, "Utrecht", "3511", "eur", 4, ("pm_card_nl",)),
    ("IE", None, "Cork", "T12", "eur", 3, ("pm_card_ie",)),
    ("JP", None, "Nagoya", "450-0002", "jpy", 9, ("pm_card_jp", "pm_card_jcb")),
    ("KW", None, "Kuwait City", "13001", "kwd", 5, ("pm_card_visa",)),
)
FATES: tuple[tuple[Fate, int], ...] = (
    ("stays", 48),
    ("leaves", 14),
    ("leaves at once", 4),
    ("upgrades", 11),
    ("downgrades", 3),
    ("grows", 7),
    ("recovers", 7),
    ("lost", 4),
    ("pauses", 2),
)


@dataclass(frozen=True, slots=True)
class Person:
    """One customer to be."""

    number: int
    name: str
    company: str
    email: str
    address: JSON
    currency: str
    card: str
    plan: str
    interval: Literal["month", "year"]
    seats: int
    trial_days: int
    tax: Tax
    coupon: bool
    by_invoice: bool
    joins: float
    fate: Fate
    fate_at: float


def people(random: Random, how_many: int) -> list[Person]:
    """That many customers, the same for the same generator; `joins` and `fate_at` are shares of the time span."""
    return [_person(random, number) for number in range(how_many)]


def _person(random: Random, number: int) -> Person:
    first, last = random.choice(FIRST), random.choice(LAST)
    company = f"{random.choice(WORDS)} {random.choice(TRADES)}"
    country, state, city, postal, currency, _, cards = random.choices(PLACES, [p[5] for p in PLACES])[0]
    interval: Literal["month", "year"] = random.choices(("month", "year"), (82, 18))[0]
    joins = 0.0 if random.random() < 0.3 else random.random() ** 1.2 * 0.998
    fate = random.choices([f for f, _ in FATES], [w for _, w in FATES])[0]
    return Person(
        number=number,
        name=f"{first} {last}",
        company=company,
        email=f"{first}.{last}.{number}@{company.replace(' ', '-')}.example".lower(),
        address={
            "line1": f"{random.randint(1, 180)} {random.choice(WORDS)} Street",
            "city": city,
            "country": country,
            "postal_code": postal,
            **({"state": state} if state else {}),
        },
        currency=currency,
        card=random.choice(cards),
        plan=random.choices(("starter", "team", "scale"), (50, 35, 15))[0],
        interval=interval,
        seats=random.choices((1, 2, 3, 5, 8, 12), (40, 20, 15, 12, 8, 5))[0],
        trial_days=14 if interval == "month" and random.random() < 0.3 else 0,
        tax=_tax(random, country),
        coupon=random.random() < 0.12,
        by_invoice=random.random() < 0.05,
        joins=joins,
        fate=fate,
        fate_at=joins + (1 - joins) * random.uniform(0.25, 0.85),
    )


def _tax(random: Random, country: str) -> Tax:
    if country == "KW":
        return "none"
    weights = {"US": (55, 25, 0, 20), "JP": (30, 0, 70, 0)}.get(country, (45, 10, 40, 5))
    kinds: tuple[Tax, ...] = ("automatic", "exclusive", "inclusive", "none")
    return random.choices(kinds, weights)[0]
