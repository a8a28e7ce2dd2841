"""The made-up banks: their days off, how they write a payout, and what else they write.

Each bank has its own way with text: some give every id, some cut, some give nothing but a name. Stripe's traces have the shape that each
country's payment system gives them; some have none.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta

from bookhand.sandbox.labelled.shapes import Payout

_OFF = {
    "USD": "0101 0619 0704 1111 1225", "EUR": "0101 0501 1225 1226", "GBP": "0101 1225 1226", "JPY": "0101 0102 0103 0211 0223 0503 0504 0505",
    "CAD": "0101 0701 1225 1226", "KWD": "",
}  # fmt: skip
_GOOD_FRIDAY = {date(2024, 3, 29), date(2025, 4, 18), date(2026, 4, 3)}
_MOVING = {
    "USD": {date(2024, 1, 15), date(2024, 2, 19), date(2024, 5, 27), date(2024, 9, 2), date(2024, 10, 14), date(2024, 11, 28),
            date(2025, 1, 20), date(2025, 2, 17), date(2025, 5, 26), date(2025, 9, 1), date(2025, 10, 13), date(2025, 11, 27),
            date(2026, 1, 19), date(2026, 2, 16), date(2026, 5, 25), date(2026, 9, 7), date(2026, 10, 12), date(2026, 11, 26)},
    "EUR": _GOOD_FRIDAY | {day + timedelta(days=3) for day in _GOOD_FRIDAY},
    "GBP": _GOOD_FRIDAY | {day + timedelta(days=3) for day in _GOOD_FRIDAY} | {
        date(2024, 5, 6), date(2024, 5, 27), date(2024, 8, 26), date(2025, 5, 5), date(2025, 5, 26), date(2025, 8, 25),
        date(2026, 5, 4), date(2026, 5, 25), date(2026, 8, 31)},
    "CAD": {date(2024, 9, 2), date(2025, 9, 1), date(2026, 9, 7)},
}  # fmt: skip
RATES = {("EUR", "USD"): ("1.02", "1.20"), ("GBP", "EUR"): ("1.10", "1.24"), ("USD", "EUR"): ("0.84", "0.98"), ("CAD", "USD"): ("0.68", "0.78"),
         ("USD", "GBP"): ("0.72", "0.84"), ("JPY", "USD"): ("0.0062", "0.0072"), ("KWD", "USD"): ("3.1", "3.4"), ("USD", "KWD"): ("0.30", "0.32")}  # fmt: skip
_NAMES = ("ACME INC", "NORTHWIND LTD", "BLUE HARBOR", "KITE LABS", "OAK AND PINE", "LUMEN GMBH", "FARO SHOP", "TALLY HOUSE")
_SHOPS = ("OFFICE WORLD", "CLOUD HOST 44", "RAIL TICKETS", "PAYROLL 0923", "CITY POWER", "PINSTRIPE TAILORS", "STRIPES COFFEE", "J MILLER RENT",
          "INSURANCE AG", "TAX OFFICE", "ACME INC CUSTOMER 88", "WATER WORKS", "PHONE CO")  # fmt: skip
_STYLES = {"USD": ("ach", "short", "bare"), "EUR": ("sepa", "short"), "GBP": ("faster", "bare"), "JPY": ("bare", "short"), "CAD": ("ach", "short"),
           "KWD": ("short", "sepa")}  # fmt: skip


@dataclass
class Bank:
    """One bank account, and the Stripe account that pays to it."""

    number: str
    connection: str
    currency: str
    style: str
    name: str
    fee: int
    """What the bank keeps of some payouts, in minor units; always the same."""
    hint: str
    """What Stripe's payouts tell of the account: ``account``, ``last4`` or ``nothing``."""
    descriptor: str | None
    prefix: str
    off: frozenset[date] = field(repr=False)

    def works(self, day: date) -> bool:
        """Whether the bank books on this day."""
        weekend = {4, 5} if self.currency == "KWD" else {5, 6}
        return day.weekday() not in weekend and day not in self.off

    def later(self, day: date, days: int) -> date:
        """So many of the bank's days later (or earlier); with 0 the first on or after `day`."""
        step = timedelta(days=1 if days >= 0 else -1)
        while not self.works(day):
            day += timedelta(days=1)
        for _ in range(abs(days)):
            day += step
            while not self.works(day):
                day += step
        return day

    def trace(self, rng: random.Random) -> str | None:
        """A trace id as this country's payment system makes it."""
        match self.currency:
            case "USD" | "CAD":
                return f"{self.prefix}{rng.randrange(10**7):07d}"
            case "EUR":
                return "STE2E" + "".join(rng.choices("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=14))
            case "GBP":
                return f"{self.prefix[:6]}-{rng.randrange(10**8):08d}"
            case "KWD":
                return f"FTIN{rng.randrange(10**10):010d}"
            case _:
                return None


def open_bank(rng: random.Random, index: int) -> Bank:
    """The bank account of a number."""
    currency = rng.choices(("USD", "EUR", "GBP", "JPY", "CAD", "KWD"), (52, 18, 12, 8, 6, 4))[0]
    off = {date(year, int(day[:2]), int(day[2:])) for year in (2024, 2025, 2026, 2027) for day in _OFF[currency].split()}
    name = rng.choice(_NAMES)
    return Bank(
        number=f"{rng.randrange(10**8):08d}{1000 + index:04d}",
        connection=f"acct_{index:03d}",
        currency=currency,
        style=rng.choice(_STYLES[currency]),
        name=name,
        fee={"JPY": 660, "KWD": 2500}.get(currency, rng.choice((500, 1000, 1500, 1250))),
        hint=rng.choice(("account", "account", "last4", "nothing")),
        descriptor=rng.choice((None, None, f"{name} {index}", "STRIPE")),
        prefix=f"{rng.randrange(10**7, 10**8):08d}",
        off=frozenset(off | _MOVING.get(currency, set())),
    )


@dataclass
class Text:
    """What a bank writes of one line."""

    description: str
    references: tuple[str, ...] = ()
    counterparty: str | None = None


def payout_text(rng: random.Random, bank: Bank, payout: Payout, *, trace: str | None) -> Text:
    """A payout's line in the bank's style; `trace` is what of the trace the bank gives."""
    shown = payout.descriptor or "STRIPE"
    own = f"{rng.randrange(10**12):012d}"
    match bank.style:
        case "ach":
            text = f"ORIG CO NAME:STRIPE ORIG ID:1800948598 DESC DATE:{payout.arrival_day[2:].replace('-', '')} CO ENTRY DESCR:TRANSFER SEC:CCD"
            tail = f" TRACE#:{trace}" if trace else ""
            return Text(f"{text}{tail} IND NAME:{bank.name}", (own,))
        case "sepa":
            return Text(
                f"SEPA CREDIT {'STRIPE ' if shown == 'STRIPE' else 'STRIPE ' + shown}",
                (trace or "NOTPROVIDED", f"BK{own}"),
                "STRIPE TECHNOLOGY EUROPE LTD",
            )
        case "faster":
            return Text(f"FPI STRIPE PAYMENTS UK {shown}", (trace,) if trace else ())
        case "short":
            return Text(f"{shown if shown == 'STRIPE' else 'STRIPE ' + shown} TRANSFER{' ' + trace if trace else ''}", (own,))
        case _:
            return Text("STRIPE", (trace.lstrip("0"),) if trace else ())


def foreign_text(rng: random.Random) -> Text:
    """Any other line."""
    return Text(f"{rng.choice(_SHOPS)} {rng.randrange(10**6)}", (f"{rng.randrange(10**12):012d}",) * rng.randrange(2))


def foreign_stripe_text(rng: random.Random, bank: Bank) -> Text:
    """A line that comes from Stripe or says so, and is no payout of the company's known accounts."""
    own = (f"{rng.randrange(10**12):012d}",)
    match rng.randrange(5):
        case 0:
            return Text("STRIPE* SOFTWARE SHOP REFUND", own)
        case 1:
            return Text("STRIPE CAPITAL ADVANCE", own)
        case 2:
            return Text("TRANSFER FROM CUSTOMER: FOR STRIPE INVOICE 2211", own)
        case 3:
            return Text(f"STRIPE TRANSFER {bank.trace(rng) or ''}".strip(), own)
        case _:
            return Text("STRIPE PAYMENTS EUROPE OTHER CO", own)
