"""The seeded company's books in QuickBooks: one company kept by journal entries, one by deposits, each with the accounts it needs."""

from __future__ import annotations

from bookhand.sandbox.outside.clock import Clock
from bookhand.sandbox.quickbooks.chart import SMALL, Row
from bookhand.sandbox.quickbooks.company import Company

CLEARING_REALM = "4620816365000011"
DEPOSIT_REALM = "4620816365000012"
CURRENCIES = ("EUR", "JPY", "KWD")
CHART: tuple[Row, ...] = (
    *SMALL,
    ("Dollar account", "Bank", "Checking", "", ""),
    ("Girokonto", "Bank", "Checking", "EUR", ""),
    ("Instant payout bridge", "Other Current Asset", "OtherCurrentAssets", "", ""),
    ("Connect payable", "Other Current Liability", "OtherCurrentLiabilities", "", ""),
    ("Currency conversion", "Equity", "OwnersEquity", "", ""),
    ("Tax on fees", "Expense", "TaxesPaid", "", ""),
    ("Bank fees", "Expense", "BankCharges", "", ""),
)


def companies(clock: Clock) -> dict[str, Company]:
    """Both, by realm."""
    names = {CLEARING_REALM: "Lantern Metrics", DEPOSIT_REALM: "Lantern Metrics (deposits)"}
    return {
        realm: Company(realm, name, chart=CHART, clock=clock, currencies=CURRENCIES)
        for realm, name in names.items()
    }
