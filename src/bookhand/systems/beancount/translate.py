"""Entries as Beancount text; pure.

>>> from bookhand.core.entry import Posting
>>> sale = Entry(key="txn_1", happened_at=1767225600, kind="charge", why="Charge ch_1", refs={"balance_transaction": "txn_1"}, postings=(
...     Posting("stripe_clearing:payments", "USD", 9680), Posting("processing_fees", "USD", 320), Posting("revenue", "USD", -10000)))
>>> names = {"stripe_clearing:payments": "Assets:Stripe:Payments", "processing_fees": "Expenses:Fees", "revenue": "Income:Sales"}
>>> print(transaction(sale, "2026-01-01", lambda account, currency: names[account]), end="")
2026-01-01 * "Charge ch_1" ^txn_1
  kind: "charge"
  key: "txn_1"
  Assets:Stripe:Payments  96.80 USD
  Expenses:Fees  3.20 USD
  Income:Sales  -100.00 USD
<BLANKLINE>
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache

from bookhand.core.days import day_of
from bookhand.core.entry import Entry
from bookhand.core.money import EXPONENTS

Names = Callable[[str, str], str]
"""(account key, currency) to the account's name in the book."""

_LINK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]*")
_COMMODITY = re.compile(r"[A-Z][A-Z0-9-]{0,20}[A-Z0-9]")
_DOUBTFUL = frozenset({"suspense"})


def transaction(entry: Entry, day: str, names: Names, *, timezone: str = "UTC") -> str:
    """One transaction, linked to its balance transaction and carrying every id of Stripe's as metadata."""
    refs = entry.refs
    movement = refs.get("balance_transaction")
    flag = "!" if entry.kind in _DOUBTFUL else "*"
    link = f" ^{movement}" if movement is not None and _LINK.fullmatch(movement) else ""
    lines = [
        f'{day} {flag} "{_quoted(entry.why)}"{link}',
        f'  kind: "{entry.kind}"',
        f'  key: "{_quoted(entry.key)}"',
    ]
    lines += [f'  {role}: "{_quoted(value)}"' for role, value in sorted(refs.items()) if value != entry.key]
    true_day = _day(entry.happened_at // 900, timezone)
    if true_day != day:
        lines.append(f"  happened: {true_day}")
    if entry.reverses is not None:
        lines.append(f'  reverses: "{_quoted(entry.reverses)}"')
    lines += [
        f"  {names(line.account, line.currency)}  {amount(line.minor, line.currency)}"
        for line in entry.postings
    ]
    return "\n".join(lines) + "\n\n"


def amount(minor: int, currency: str) -> str:
    """``amount(-5, "USD") == "-0.05 USD"``; a currency nobody knows is written in minor units of its own commodity."""
    return f"{number(minor, currency)} {commodity(currency)}"


def number(minor: int, currency: str) -> str:
    """Major units with the currency's own decimals (minor units where nobody knows them)."""
    places = EXPONENTS.get(currency, 0)
    if places == 0:
        return str(minor)
    digits = str(abs(minor)).zfill(places + 1)
    return f"{'-' if minor < 0 else ''}{digits[:-places]}.{digits[-places:]}"


@lru_cache(maxsize=256)
def commodity(currency: str) -> str:
    """The commodity of a currency: its ISO code, or ``XQX-MINOR`` where nobody knows its decimals."""
    if currency in EXPONENTS:
        return currency
    name = re.sub(r"[^A-Z0-9]+", "-", currency.upper()).strip("-")[:14]
    name = f"{name}-MINOR" if name[:1].isalpha() else f"X{name}-MINOR"
    return name if _COMMODITY.fullmatch(name) else "UNKNOWN-MINOR"


def exact_balance(day: str, account: str, minor: int, currency: str) -> str:
    """An assertion for the start of `day` without Beancount's tolerance, which would let a cent pass."""
    return (
        f"{day} balance {account}  {number(minor, currency)} ~ {number(0, currency)} {commodity(currency)}\n"
    )


def opening(
    day: str, account: str, *, currency: str | None = None, notes: dict[str, str] | None = None
) -> str:
    """The directive that opens an account, for one currency or any, with metadata."""
    head = f"{day} open {account}{f' {commodity(currency)}' if currency else ''}\n"
    return head + "".join(f'  {name}: "{_quoted(value)}"\n' for name, value in (notes or {}).items())


def commodity_directive(day: str, currency: str) -> str:
    """The directive that declares a currency, with its decimals."""
    decimals = EXPONENTS.get(currency)
    note = (
        f"  decimals: {decimals}\n"
        if decimals is not None
        else '  decimals: "unknown: amounts are in minor units"\n'
    )
    return f"{day} commodity {commodity(currency)}\n{note}"


def price(entry: Entry) -> tuple[str, str, Decimal] | None:
    """What an exchange entry says a unit of the customer's currency was worth: (currency, in which, price)."""
    if entry.kind != "exchange":
        return None
    sides = {line.currency: line.minor for line in entry.postings if line.account == "fx_conversion"}
    if len(sides) != 2:  # noqa: PLR2004 (two currencies)
        return None
    (settled, settled_minor), (presented, presented_minor) = sides.items()
    if not presented_minor or settled not in EXPONENTS or presented not in EXPONENTS:
        return None
    rate = Decimal(abs(settled_minor)).scaleb(-EXPONENTS[settled]) / Decimal(abs(presented_minor)).scaleb(
        -EXPONENTS[presented]
    )
    return presented, settled, rate.quantize(Decimal("0.00000001"))


def price_directive(day: str, currency: str, other: str, rate: Decimal) -> str:
    """A price of `currency` in `other` on `day`."""
    return f"{day} price {currency}  {rate.normalize():f} {other}\n"


def _quoted(text: str) -> str:
    if '"' in text or "\\" in text or "\n" in text:
        return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return text


@lru_cache(maxsize=65536)
def _day(quarter_hours: int, timezone: str) -> str:
    return day_of(quarter_hours * 900, timezone).isoformat()
