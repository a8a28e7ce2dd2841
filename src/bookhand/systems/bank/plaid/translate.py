"""Plaid's transactions as statement lines. Pure.

Plaid counts money that leaves the account as positive; here money in is positive. A pending transaction is no line: the posted one comes later
under another id. Source: plaid.com/docs/api/products/transactions (transactions/sync).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from bookhand.core.bank import StatementLine
from bookhand.core.problems import Refusal
from bookhand.systems.bank.figures import currency_of, day_of_iso, scaled

_NUMBERS = ("reference_number", "ppd_id")
_encode = msgspec.json.Encoder(decimal_format="number").encode


def line_of(transaction: Mapping[str, Any]) -> StatementLine | None:
    """A posted transaction as a line; None for a pending one. `Refusal` for what cannot be counted."""
    if transaction.get("pending"):
        return None
    identity = str(transaction["transaction_id"])
    code = transaction.get("iso_currency_code")
    if not code:
        unofficial = transaction.get("unofficial_currency_code")
        raise Refusal(
            f"Plaid's transaction {identity} is in {unofficial or 'no currency'}, which is no money of a bank: leave its account out of the feed."
        )
    try:
        currency = currency_of(str(code))
        minor = -scaled(Decimal(str(transaction["amount"])), currency)
        day = day_of_iso(str(transaction["date"]))
    except (ValueError, KeyError, ArithmeticError) as error:
        raise Refusal(f"Plaid's transaction {identity} cannot be read: {error}.") from None
    return StatementLine(
        account=str(transaction["account_id"]), key=identity, day=day, currency=currency, minor=minor,
        description=str(transaction.get("original_description") or transaction.get("name") or ""),
        counterparty=_counterparty(transaction), references=_references(transaction), native_id=identity,
        code=transaction.get("transaction_code") or None, raw=_encode(transaction).decode(),
    )  # fmt: skip


def same(one: StatementLine, other: StatementLine) -> bool:
    """Whether two lines say the same, whatever Plaid added around it since."""
    return _said(one) == _said(other)


def same_money(one: StatementLine, other: StatementLine) -> bool:
    """Whether two lines move the same money on the same day of the same account."""
    return (one.account, one.day, one.currency, one.minor) == (
        other.account,
        other.day,
        other.currency,
        other.minor,
    )


def _said(line: StatementLine) -> tuple[Any, ...]:
    return (
        line.account,
        line.day,
        line.currency,
        line.minor,
        line.description,
        line.counterparty,
        line.references,
    )


def _counterparty(transaction: Mapping[str, Any]) -> str | None:
    named = [each.get("name") for each in transaction.get("counterparties") or () if each.get("name")]
    meta = transaction.get("payment_meta") or {}
    found = (
        transaction.get("merchant_name")
        or (named[0] if named else None)
        or meta.get("payer")
        or meta.get("payee")
    )
    return str(found) if found else None


def _references(transaction: Mapping[str, Any]) -> tuple[str, ...]:
    meta = transaction.get("payment_meta") or {}
    said = [
        transaction.get("transaction_id"),
        *(meta.get(name) for name in _NUMBERS),
        transaction.get("check_number"),
        transaction.get("pending_transaction_id"),
    ]
    return tuple(dict.fromkeys(str(each) for each in said if each))
