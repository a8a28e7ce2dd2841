"""What QuickBooks checks before it keeps something, and what it adds: pure but for the company it looks into.

    kept = company.put("JournalEntry", checked(company, "JournalEntry", asked))

A refusal is the `QuickBooksFault` that QuickBooks gives. Amounts must have no more decimals than their currency has.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from bookhand.sandbox.outside.standin import JSON
from bookhand.sandbox.quickbooks.chart import CLASSIFICATIONS
from bookhand.sandbox.quickbooks.company import Company, account_of
from bookhand.sandbox.quickbooks.errors import (
    QuickBooksFault,
    business,
    invalid_reference,
    missing,
    not_found,
    too_long,
    unsupported,
)

MOST_NUMBER = 21
MOST_NOTE = 4000
_NO_DECIMALS = {"JPY", "KRW", "VND", "CLP", "ISK"}
_LEDGERS = {"Accounts Receivable": "customer", "Accounts Payable": "vendor"}
_HOLDS_MONEY = {"Bank", "Other Current Asset", "Credit Card"}


def checked(company: Company, entity: str, asked: JSON, *, today: str) -> JSON:
    """`asked` as it will be kept, or a fault."""
    try:
        check = _CHECKS[entity]
    except KeyError:
        raise unsupported(f"create {entity}") from None
    return check(company, asked, today)


def expect_open(company: Company, day: str) -> None:
    """6210 for a day in a closed period."""
    if company.closed_through and day <= company.closed_through:
        raise QuickBooksFault(
            "6210", "Account Period Closed, Cannot Update Through Services Error",
            "Account Period Closed, Cannot Update Through Services Error : The account period has closed and the account books cannot be "
            "updated through the QBO Services API. Please use the QBO website to make these changes.",
        )  # fmt: skip


def _document(company: Company, asked: JSON, today: str) -> JSON:
    """What every document has: a day, a currency with its rate, a note."""
    day = str(asked.get("TxnDate") or today)
    try:
        date.fromisoformat(day)
    except ValueError:
        raise QuickBooksFault(
            "2030", "Invalid Date", f"TxnDate {day} is no date.", element="TxnDate"
        ) from None
    expect_open(company, day)
    if len(str(asked.get("PrivateNote", ""))) > MOST_NOTE:
        raise too_long("PrivateNote", MOST_NOTE)
    currency = _ref(asked, "CurrencyRef") or company.home
    kept = {**asked, "TxnDate": day, "CurrencyRef": {"value": currency}}
    if currency == company.home:
        return kept | ({"ExchangeRate": 1} if company.multicurrency else {})
    if not company.multicurrency:
        raise business("Multicurrency is not enabled for this company: only the home currency can be used.")
    if currency not in company.rates:
        raise invalid_reference(f"CurrencyRef {currency}")
    return kept | {
        "ExchangeRate": _amount(asked["ExchangeRate"], "")
        if asked.get("ExchangeRate")
        else company.rates[currency]
    }


def _journal_entry(company: Company, asked: JSON, today: str) -> JSON:
    kept = _document(company, asked, today)
    currency = kept["CurrencyRef"]["value"]
    _number(company, kept, "JournalEntry", "Journal Entry")
    lines, off, ledgers = [], Decimal(0), 0
    for index, line in enumerate(_lines(asked), start=1):
        detail = _detail(line, "JournalEntryLineDetail")
        amount = _amount(line.get("Amount"), currency)
        if amount < 0:
            raise business("The amount of a journal entry's line cannot be negative: use the other side.")
        account = _account(company, detail, currency)
        ledgers += _ledger(account, detail.get("Entity"))
        side = detail.get("PostingType")
        if side not in {"Debit", "Credit"}:
            raise missing("PostingType") if side is None else _invalid("PostingType", side)
        off += amount if side == "Debit" else -amount
        lines.append(
            _line(company, line, index=index, amount=amount, detail={**detail, "AccountRef": _named(account)})
        )
    if len(lines) < 2:
        raise business("A journal entry must have at least two lines.")
    if ledgers > 1:
        raise business("Transactions can have only one A/R or A/P line.")
    if off:
        raise business("You must balance debits and credits: they are not equal.")
    return kept | {"Line": lines, "Adjustment": bool(asked.get("Adjustment")), "TotalAmt": 0}


def _deposit(company: Company, asked: JSON, today: str) -> JSON:
    kept = _document(company, asked, today)
    currency = kept["CurrencyRef"]["value"]
    kept.pop("DocNumber", None)
    into = _account(
        company, {"AccountRef": asked.get("DepositToAccountRef")}, currency, element="DepositToAccountRef"
    )
    if into["AccountType"] not in _HOLDS_MONEY:
        raise business(
            "You need to select an account of type Bank, Other Current Asset or Credit Card to deposit to."
        )
    lines = []
    for index, line in enumerate(_lines(asked), start=1):
        if line.get("LinkedTxn"):
            raise unsupported("deposit of linked transactions (in this stand-in)")
        detail = _detail(line, "DepositLineDetail")
        amount = _amount(line.get("Amount"), currency)
        account = _account(company, detail, currency)
        _ledger(account, detail.get("Entity"))
        lines.append(
            _line(company, line, index=index, amount=amount, detail={**detail, "AccountRef": _named(account)})
        )
    total = sum((line["Amount"] for line in lines), Decimal(0))
    if total < 0:
        raise business("The total amount of a deposit must be zero or more.")
    return kept | {"DepositToAccountRef": _named(into), "Line": lines, "TotalAmt": total}


def _transfer(company: Company, asked: JSON, today: str) -> JSON:
    kept = _document(company, asked, today)
    currency = kept["CurrencyRef"]["value"]
    kept.pop("DocNumber", None)
    for name in ("FromAccountRef", "ToAccountRef"):
        kept[name] = _named(_account(company, {"AccountRef": asked.get(name)}, currency, element=name))
    return kept | {"Amount": _amount(asked.get("Amount"), currency)}


def _purchase(company: Company, asked: JSON, today: str) -> JSON:
    kept = _document(company, asked, today)
    currency = kept["CurrencyRef"]["value"]
    _number(company, kept, "Purchase", "Expense")
    paid_from = _account(company, {"AccountRef": asked.get("AccountRef")}, currency)
    lines = []
    for index, line in enumerate(_lines(asked), start=1):
        detail = _detail(line, "AccountBasedExpenseLineDetail")
        account = _account(company, detail, currency)
        amount = _amount(line.get("Amount"), currency)
        lines.append(
            _line(company, line, index=index, amount=amount, detail={**detail, "AccountRef": _named(account)})
        )
    return kept | {
        "AccountRef": _named(paid_from),
        "PaymentType": asked.get("PaymentType") or "Cash",
        "Line": lines,
        "TotalAmt": sum((line["Amount"] for line in lines), Decimal(0)),
    }


def _account_entity(company: Company, asked: JSON, _today: str) -> JSON:
    if "Id" in asked:
        return _unique(company, "Account", asked)
    kind = asked.get("AccountType")
    if not asked.get("Name"):
        raise missing("Name")
    if kind not in CLASSIFICATIONS:
        raise missing("AccountType") if kind is None else _invalid("AccountType", str(kind))
    parent = (
        company.get("Account", _ref(asked, "ParentRef"))["FullyQualifiedName"]
        if asked.get("ParentRef")
        else ""
    )
    made = account_of(
        company,
        asked["Name"],
        kind,
        asked.get("AccountSubType") or "Other",
        currency=_ref(asked, "CurrencyRef"),
        parent=parent,
    )
    return _unique(company, "Account", made)


def _customer(company: Company, asked: JSON, _today: str) -> JSON:
    if not asked.get("DisplayName"):
        raise missing("DisplayName")
    return {"Active": True, "CurrencyRef": {"value": company.home}} | _unique(company, "Customer", asked)


def _class(company: Company, asked: JSON, _today: str) -> JSON:
    if not asked.get("Name"):
        raise missing("Name")
    return {"Active": True, "SubClass": False, "FullyQualifiedName": asked["Name"]} | _unique(
        company, "Class", asked
    )


_CHECKS: dict[str, Callable[[Company, JSON, str], JSON]] = {
    "JournalEntry": _journal_entry,
    "Deposit": _deposit,
    "Transfer": _transfer,
    "Purchase": _purchase,
    "Account": _account_entity,
    "Customer": _customer,
    "Class": _class,
}


# --- parts ---


def _number(company: Company, asked: JSON, entity: str, spoken: str) -> None:
    number = asked.get("DocNumber")
    if number is None:
        return
    if len(str(number)) > MOST_NUMBER:
        raise too_long("DocNumber", MOST_NUMBER)
    others = [
        holder for holder in company.numbers.get(str(number), []) if holder != (entity, asked.get("Id"))
    ]
    others = [holder for holder in others if holder[0] == entity]
    if others and company.duplicate_numbers_refused:
        raise QuickBooksFault(
            "6140", "Duplicate Document Number Error",
            "Duplicate Document Number Error : You must specify a different number. This number has already been used. "
            f"DocNumber={number} is assigned to TxnType={spoken} with TxnId={others[0][1]}",
        )  # fmt: skip


def _unique(company: Company, entity: str, asked: JSON) -> JSON:
    if company.named(entity, asked):
        raise QuickBooksFault(
            "6240", "Duplicate Name Exists Error",
            "The name supplied already exists. : Another customer, vendor, employee or account is already using this name. "
            "Please use a different name.",
        )  # fmt: skip
    return asked


def _lines(asked: JSON) -> list[JSON]:
    lines = asked.get("Line")
    if not isinstance(lines, list) or not lines:
        raise missing("Line")
    return lines


def _detail(line: JSON, kind: str) -> JSON:
    if line.get("DetailType") != kind:
        raise (
            missing("DetailType")
            if not line.get("DetailType")
            else _invalid("DetailType", str(line["DetailType"]))
        )
    detail = line.get(kind)
    if not isinstance(detail, dict):
        raise missing(kind)
    if len(str(line.get("Description") or "")) > MOST_NOTE:
        raise too_long("Description", MOST_NOTE)
    return detail


def _line(company: Company, line: JSON, *, index: int, amount: Decimal, detail: JSON) -> JSON:
    kind = str(line["DetailType"])
    category = _ref(detail, "ClassRef")
    if category and category not in company.objects["Class"]:
        raise invalid_reference(f"ClassRef {category}")
    told = {"Description": line["Description"]} if line.get("Description") else {}
    return {
        "Id": str(index - 1),
        "LineNum": index,
        "Amount": amount,
        **told,
        "DetailType": kind,
        kind: detail,
    }


def _account(company: Company, detail: JSON, currency: str, *, element: str = "AccountRef") -> JSON:
    id_ = _ref(detail, "AccountRef")
    if not id_:
        raise missing(element)
    account = company.objects["Account"].get(id_)
    if account is None:
        raise invalid_reference(f"Accounts element id {id_} not found")
    if not account["Active"]:
        raise not_found("Something you're trying to use has been made inactive. Check the fields with accounts, customers, items, vendors or employees.")  # fmt: skip
    own = account["CurrencyRef"]["value"]
    if own not in {company.home, currency}:
        raise business("You can only use one foreign currency per transaction.")
    return account


def _ledger(account: JSON, entity: Any) -> int:
    """1 for a line on A/R or A/P, which must name somebody; else 0."""
    who = _LEDGERS.get(account["AccountType"])
    if who is None:
        return 0
    told = entity if isinstance(entity, dict) else {}
    kind = str(told.get("Type") or told.get("type") or "").lower()
    if kind != who or not (_ref(told, "EntityRef") or told.get("value")):
        raise business(f"When you use {account['AccountType']}, you must choose a {who} in the Name field.")
    return 1


def _named(account: JSON) -> JSON:
    return {"value": account["Id"], "name": account["FullyQualifiedName"]}


def _ref(obj: JSON, name: str) -> str:
    found = obj.get(name)
    return str(found.get("value") or "") if isinstance(found, dict) else ""


def _amount(value: Any, currency: str) -> Decimal:
    if value is None:
        raise missing("Amount")
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise QuickBooksFault("2040", "Invalid Number", f"{value} is no number.", element="Amount") from None
    places = 0 if currency in _NO_DECIMALS else 2
    if currency and amount != round(amount, places):
        raise QuickBooksFault(
            "2040", "Invalid Number", f"{value} has too many decimals for {currency}.", element="Amount"
        )
    return amount


def _invalid(element: str, value: str) -> QuickBooksFault:
    return QuickBooksFault("2170", "Invalid Enumeration", f"Invalid Enumeration : {value}", element=element)
