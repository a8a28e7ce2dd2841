"""Which systems there are to connect, in their categories, with the picture each has. Pure.

>>> manifest("stripe").name, [each.key for each in of_category("bank")]
('Stripe', ['bank', 'plaid'])
"""

from __future__ import annotations

from typing import get_args

import msgspec

from bookhand.core.problems import Missing
from bookhand.systems import bank, beancount, netsuite, quickbooks, stripe
from bookhand.systems.bank import plaid
from bookhand.systems.connection import Connection
from bookhand.systems.manifest import Category, Manifest
from bookhand.web.page.wording import plain

CATEGORIES: tuple[Category, ...] = get_args(Category)
LIBRARY: tuple[Manifest, ...] = (
    stripe.MANIFEST, quickbooks.MANIFEST, netsuite.MANIFEST, beancount.MANIFEST, bank.MANIFEST, plaid.MANIFEST,
)  # fmt: skip
"""Every system that can be connected."""


class Face(msgspec.Struct, frozen=True):
    """The picture of a system."""

    icon: str


_FACES = {
    "stripe": Face(icon="credit-card"),
    "quickbooks": Face(icon="report-money"),
    "netsuite": Face(icon="building-skyscraper"),
    "beancount": Face(icon="file-text"),
    "bank": Face(icon="file-invoice"),
    "plaid": Face(icon="building-bank"),
}


def manifest(key: str) -> Manifest:
    """The manifest of that key; `Missing` where there is none."""
    found = next((each for each in LIBRARY if each.key == key), None)
    if found is None:
        raise Missing(plain("integrations.no_system", name=key[:40]))
    return found


def of_category(category: Category) -> list[Manifest]:
    """The systems of a category."""
    return [each for each in LIBRARY if each.category == category]


def of_connection(connection: Connection) -> Manifest:
    """Which system a connection is of: banks by statements and by Plaid are stored alike."""
    mine = [each for each in LIBRARY if each.system == connection.link.system]
    fitting = [each for each in mine if connection.auth in each.auth]
    return (fitting or mine or [LIBRARY[0]])[0]


def icon_of(key: str) -> str:
    """The name of a system's picture."""
    return _FACES[key].icon
