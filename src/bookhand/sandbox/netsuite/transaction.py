"""Transactions as the account keeps them: lines with whole minor units, debit positive, in the transaction's currency.

>>> from bookhand.sandbox.netsuite.company import simple
>>> made = Transaction(id="1", record="journalEntry", day="2026-11-20", currency="1", lines=[Line("101", 500), Line("102", -500)])
>>> made.type, sum(line.minor for line in made.lines)
('Journal', 0)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from bookhand.core.money import exponent
from bookhand.sandbox.netsuite.company import Company

TYPES = {"journalEntry": "Journal", "deposit": "Deposit", "check": "Check"}
"""The record's name to `transaction.type`."""


@dataclass
class Line:
    """One line; `place` is the sublist it stands in (``main`` is the bank's line of a deposit or a check)."""

    account: str
    minor: int
    memo: str = ""
    class_: str | None = None
    department: str | None = None
    location: str | None = None
    entity: str | None = None
    place: str = "line"


@dataclass
class Transaction:
    """A journal entry, a deposit, or a check that a person wrote."""

    id: str
    record: str
    day: str
    currency: str
    lines: list[Line]
    subsidiary: str | None = None
    external_id: str | None = None
    number: str = ""
    memo: str = ""
    rate: Decimal = Decimal(1)
    approved: bool = True
    created: str = ""
    modified: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """As SuiteQL says it."""
        return TYPES[self.record]

    @property
    def posts(self) -> bool:
        """Whether it is in the general ledger."""
        return self.approved


def minor_of(amount: Decimal | int, symbol: str) -> int:
    """An amount of JSON in minor units; NetSuite rounds to the currency's decimals."""
    return int((Decimal(amount).scaleb(exponent(symbol))).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def amount_of(minor: int, symbol: str) -> Decimal:
    """Minor units as JSON's number."""
    return Decimal(minor).scaleb(-exponent(symbol))


def rendered(company: Company, made: Transaction, base: str, *, expanded: bool) -> dict[str, Any]:
    """``GET /record/v1/{record}/{id}``: sublists are links unless they are expanded."""
    symbol = company.currencies[made.currency].symbol
    period = company.period_of(made.day)
    here = f"{base}/{made.record}/{made.id}"
    found: dict[str, Any] = {
        "links": [{"rel": "self", "href": here}], "id": made.id, "createdDate": made.created, "lastModifiedDate": made.modified,
        "tranDate": made.day, "tranId": made.number, "memo": made.memo or None, "externalId": made.external_id,
        "currency": _ref(made.currency, symbol), "exchangeRate": made.rate,
        "postingPeriod": _ref(period.id, period.name) if period else None,
    }  # fmt: skip
    if made.subsidiary is not None:
        found["subsidiary"] = _ref(made.subsidiary, company.subsidiaries[made.subsidiary].name)
    if made.record == "journalEntry":
        found["approved"] = made.approved
        found["line"] = _sublist(company, made, here, "line", symbol, expanded=expanded)
    else:
        bank = made.lines[0]
        found["account"] = _ref(bank.account, company.accounts[bank.account].name)
        found["total"] = amount_of(bank.minor, symbol)
        for place in ("other", "cashBack"):
            found[place] = _sublist(company, made, here, place, symbol, expanded=expanded)
    return {name: value for name, value in found.items() if value is not None}


def _sublist(
    company: Company, made: Transaction, here: str, place: str, symbol: str, *, expanded: bool
) -> dict[str, Any]:
    links = [{"rel": "self", "href": f"{here}/{place}"}]
    if not expanded:
        return {"links": links}
    lines = [line for line in made.lines if line.place == place]
    items = [_item(company, line, number, symbol) for number, line in enumerate(lines, start=1)]
    return {"links": links, "items": items, "totalResults": len(items)}


def _item(company: Company, line: Line, number: int, symbol: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "account": _ref(line.account, company.accounts[line.account].name),
        "line": number,
    }
    amount = amount_of(abs(line.minor), symbol)
    if line.place == "line":
        found["debit" if line.minor > 0 else "credit"] = amount
    else:
        found["amount"] = amount_of(-line.minor if line.place == "other" else line.minor, symbol)
    if line.memo:
        found["memo"] = line.memo
    for name, lists in (
        ("class", company.classes),
        ("department", company.departments),
        ("location", company.locations),
    ):
        chosen = getattr(line, name if name != "class" else "class_")
        if chosen:
            found[name] = _ref(chosen, lists[chosen].name)
    return found


def _ref(id: str, name: str) -> dict[str, Any]:  # noqa: A002 (theirs)
    return {"id": id, "refName": name}
