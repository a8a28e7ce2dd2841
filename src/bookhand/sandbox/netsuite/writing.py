"""What a body makes of a transaction, with the rules that NetSuite has for it.

Refused: debits and credits that differ, lines with both or neither, accounts, classes, currencies and subsidiaries that are not there or
inactive or of another subsidiary, a day in a period that is closed or locked, a deposit below zero ("The total can not be negative":
Oracle's help, section_3941974737). In `other` a positive amount comes from the account, in `cashBack` it goes to the account
(section_3947199795). UNVERIFIED: the sentences; that an account with a currency takes no other one; that a deposit may go to another
current asset; that a line of `other` may be negative (it may here, so long as the total is not).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from bookhand.sandbox.netsuite.company import Account, Company
from bookhand.sandbox.netsuite.errors import invalid, unknown_reference, user_error
from bookhand.sandbox.netsuite.fields import SUBLISTS
from bookhand.sandbox.netsuite.transaction import Line, Transaction, minor_of

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOST_TEXT = {"memo": 999, "externalId": 255}
"""UNVERIFIED lengths."""


def made_of(company: Company, record: str, body: Mapping[str, Any], *, id: str, today: str) -> Transaction:  # noqa: A002 (theirs)
    """A new transaction of `body`; `NetSuiteError` where a rule says no."""
    blank = Transaction(id=id, record=record, day=today, currency="", lines=[])
    return changed(company, blank, body, replacing=SUBLISTS[record])


def changed(
    company: Company, before: Transaction, body: Mapping[str, Any], *, replacing: tuple[str, ...] = ()
) -> Transaction:
    """`before` with what `body` says; the lines of a sublist are added unless it is among `replacing` (``?replace=line``)."""
    after = replace(before, lines=list(before.lines))
    after.day = _day(body, "tranDate", before.day)
    after.memo = _text(body, "memo", before.memo) or ""
    after.external_id = _text(body, "externalId", before.external_id)
    after.number = _text(body, "tranId", before.number) or ""
    (_journal if after.record == "journalEntry" else _deposit)(company, after, body, replacing)
    _open(company, after.day)
    if before.lines:
        _open(company, before.day)
    return after


# --- the two records ---


def _journal(
    company: Company, after: Transaction, body: Mapping[str, Any], replacing: tuple[str, ...]
) -> None:
    after.subsidiary = _subsidiary(company, body, after.subsidiary)
    after.currency = _currency(company, body, after.currency or _home(company, after.subsidiary))
    _rate(company, after, body)
    after.approved = bool(body.get("approved", after.approved))
    if "line" in body:
        items = _items(body, "line")
        kept = [] if "line" in replacing else after.lines
        after.lines = [
            *kept,
            *(_journal_line(company, after, item, f"line.items[{at}]") for at, item in enumerate(items)),
        ]
    if len(after.lines) < 2:
        raise user_error("You must enter at least two lines for this transaction.", path="line")
    if sum(line.minor for line in after.lines):
        raise user_error("The amounts in a journal entry must balance.", path="line")


def _journal_line(company: Company, after: Transaction, item: Mapping[str, Any], path: str) -> Line:
    debit, credit = (_amount(item, name, path) for name in ("debit", "credit"))
    if (debit is None) == (credit is None):
        raise invalid("Please enter either a debit or a credit amount for each line.", path=path)
    amount = debit if debit is not None else -(credit or Decimal(0))
    return _line(company, after, item, path, amount=amount, place="line")


def _deposit(
    company: Company, after: Transaction, body: Mapping[str, Any], replacing: tuple[str, ...]
) -> None:
    bank = _into(company, after, body)
    _rate(company, after, body)
    if "payment" in body:
        raise user_error("The stand-in has no payments to deposit: use other and cashBack.", path="payment")
    lines = [line for line in after.lines if line.place != "main"]
    for place in ("other", "cashBack"):
        if place in body:
            if place in replacing:
                lines = [line for line in lines if line.place != place]
            sign = -1 if place == "other" else 1
            for at, item in enumerate(_items(body, place)):
                path = f"{place}.items[{at}]"
                amount = _amount(item, "amount", path)
                if not amount:
                    raise invalid("Please enter a value for amount.", path=path)
                lines.append(_line(company, after, item, path, amount=sign * amount, place=place))
    total = -sum(line.minor for line in lines)
    if not lines:
        raise user_error("You must enter at least one line item for this transaction.", path="other")
    if total < 0:
        raise user_error("The total can not be negative.", path="other")
    after.lines = [Line(bank.id, total, after.memo, place="main"), *lines]


def _into(company: Company, after: Transaction, body: Mapping[str, Any]) -> Account:
    """The account of a deposit; the subsidiary and the currency are its own, where it has any."""
    bank = _bank(company, body, after)
    after.subsidiary = _subsidiary(
        company, body, bank.subsidiaries[0] if bank.subsidiaries else after.subsidiary
    )
    if bank.subsidiaries and after.subsidiary not in bank.subsidiaries:
        raise unknown_reference(bank.id, "account", path="account")
    after.currency = _currency(
        company, body, bank.currency or after.currency or _home(company, after.subsidiary)
    )
    if bank.currency and after.currency != bank.currency:
        raise unknown_reference(after.currency, "currency", path="currency")
    return bank


def _bank(company: Company, body: Mapping[str, Any], after: Transaction) -> Account:
    given = _id(body["account"]) if "account" in body else after.lines[0].account if after.lines else None
    bank = company.accounts.get(given or "")
    if bank is None or bank.inactive or bank.type not in {"Bank", "OthCurrAsset", "CredCard"}:
        raise unknown_reference(given, "account", path="account")
    return bank


# --- values ---


def _line(
    company: Company,
    after: Transaction,
    item: Mapping[str, Any],
    path: str,
    *,
    amount: Decimal | int,
    place: str,
) -> Line:
    account = _account(company, after, item, path)
    if account.type in {"AcctRec", "AcctPay"} and not item.get("entity"):
        raise user_error(
            "You must enter a name for a line with an accounts receivable or payable account.", path=path
        )
    symbol = company.currencies[after.currency].symbol
    return Line(
        account.id, minor_of(amount, symbol), memo=_text(item, "memo", "") or "", place=place,
        class_=_named(company.classes, item, "class", path), department=_named(company.departments, item, "department", path),
        location=_named(company.locations, item, "location", path), entity=_id(item["entity"]) if item.get("entity") else None,
    )  # fmt: skip


def _account(company: Company, after: Transaction, item: Mapping[str, Any], path: str) -> Account:
    given = _id(item.get("account"))
    account = company.accounts.get(given or "")
    if account is None or account.inactive or account.summary or account.type in {"NonPosting", "Stat"}:
        raise unknown_reference(given, "account", path=f"{path}.account")
    if after.subsidiary and account.subsidiaries and after.subsidiary not in account.subsidiaries:
        raise unknown_reference(given, "account", path=f"{path}.account")
    if account.currency and account.currency != after.currency:
        symbol = company.currencies[account.currency].symbol
        raise user_error(f"The account {account.name} is in {symbol}, and the transaction is not.", path=path)
    return account


def _named(lists: Mapping[str, Any], item: Mapping[str, Any], name: str, path: str) -> str | None:
    if item.get(name) is None:
        return None
    given = _id(item[name]) or ""
    if given not in lists or lists[given].inactive:
        raise unknown_reference(given, name, path=f"{path}.{name}")
    return given


def _subsidiary(company: Company, body: Mapping[str, Any], before: str | None) -> str | None:
    if not company.one_world:
        if "subsidiary" in body:
            raise invalid("Unknown reference or field: subsidiary", path="subsidiary")
        return None
    given = _id(body["subsidiary"]) if "subsidiary" in body else before
    if given is None:
        raise user_error("Please enter value(s) for: Subsidiary", path="subsidiary")
    if given not in company.subsidiaries or company.subsidiaries[given].inactive:
        raise unknown_reference(given, "subsidiary", path="subsidiary")
    return given


def _currency(company: Company, body: Mapping[str, Any], before: str) -> str:
    given = _id(body["currency"]) if "currency" in body else before
    if given not in company.currencies:
        raise unknown_reference(given, "currency", path="currency")
    return given


def _home(company: Company, subsidiary: str | None) -> str:
    return company.subsidiaries[subsidiary].currency if subsidiary else next(iter(company.currencies))


def _rate(company: Company, after: Transaction, body: Mapping[str, Any]) -> None:
    home = company.currencies[_home(company, after.subsidiary)]
    if body.get("exchangeRate") is not None:
        after.rate = Decimal(body["exchangeRate"])
    elif not after.lines:
        own = company.currencies[after.currency]
        after.rate = (
            (Decimal(own.rate) / Decimal(home.rate)).quantize(Decimal("0.00000001"))
            if own is not home
            else Decimal(1)
        )


def _open(company: Company, day: str) -> None:
    period = company.period_of(day)
    if period is None:
        raise user_error(f"The date {day} is not within an accounting period.", path="tranDate")
    if period.closed or period.locked:
        raise user_error(
            f"The posting period {period.name} for the date {day} is closed or locked.", path="tranDate"
        )


def _items(body: Mapping[str, Any], name: str) -> list[Any]:
    found = body[name].get("items") if isinstance(body[name], Mapping) else None
    if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
        raise invalid(f"The {name} sublist must have items.", path=name)
    return found


def _amount(item: Mapping[str, Any], name: str, path: str) -> Decimal | None:
    given = item.get(name)
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | Decimal):
        raise invalid(f"Invalid content in the request body: {name} must be a number.", path=f"{path}.{name}")
    return Decimal(given)


def _day(body: Mapping[str, Any], name: str, before: str) -> str:
    given = body.get(name, before)
    return _checked(
        given, lambda: date.fromisoformat(given).isoformat() if _DAY.fullmatch(given) else _refuse(), name
    )


def _refuse() -> str:
    raise ValueError


def _checked(given: Any, read: Callable[[], str], name: str) -> str:
    try:
        return read()
    except (TypeError, ValueError):
        raise invalid(f"Invalid date value {given} (must be yyyy-mm-dd)", path=name) from None


def _text(item: Mapping[str, Any], name: str, before: str | None) -> str | None:
    given = item.get(name, before)
    if given is not None and not isinstance(given, str):
        raise invalid(f"Invalid content in the request body: {name} must be a string.", path=name)
    most = _MOST_TEXT.get(name)
    if given and most and len(given) > most:
        raise user_error(
            f"The field {name} contained more than the maximum number ({most}) of characters allowed.",
            path=name,
        )
    return given


def _id(ref: Any) -> str | None:
    """The id of a reference: an object with an id, or the bare id."""
    given = ref.get("id") if isinstance(ref, Mapping) else ref
    return str(given) if isinstance(given, str | int) and not isinstance(given, bool) else None
