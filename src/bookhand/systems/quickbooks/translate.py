"""QuickBooks' JSON and ours, pure, both ways: documents, accounts, the company.

A document's note begins with our mark, ``bookhand:<key> call:<id>``: what comes after is text that others may have had a hand in, and is
never taken for a mark, unless the document's number is the key's own. Amounts are exact; the sign is the line's side (a journal entry) or
the amount's own (a deposit, whose total is the bank account's debit).

>>> from bookhand.core.book import BookLine
>>> sale = Document(key="acct_1:test:txn_1", kind="journal_entry", day="2026-01-01", currency="USD", memo="Charge ch_1", lines=(
...     BookLine("84", 1005, "ch_1"), BookLine("79", -1005)))
>>> made = as_quickbooks(sale, marker="p1_0")
>>> made["PrivateNote"], made["Line"][0]["Amount"]
('bookhand:acct_1:test:txn_1 call:p1_0 | Charge ch_1', Decimal('10.05'))
>>> posted("JournalEntry", {**made, "Id": "7", "SyncToken": "0"}, home="USD").lines == sale.lines
True
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, assert_never

from bookhand.core.book import (
    KEY_MARK,
    BookAccount,
    BookLine,
    Company,
    Document,
    DocumentKind,
    Nature,
    Posted,
    number_of,
)
from bookhand.core.money import Money, exponent, parse_money
from bookhand.core.problems import Refusal

JSON = Mapping[str, Any]
ENTITIES: dict[DocumentKind, str] = {"journal_entry": "JournalEntry", "deposit": "Deposit"}
KINDS: dict[str, DocumentKind] = {entity: kind for kind, entity in ENTITIES.items()}
_NOTE = 4000
_DECIMALS = 2
"""QuickBooks keeps so many of every currency, and rounds the rest."""
_MARK = re.compile(rf"{KEY_MARK}(\S+)")
_CALL = re.compile(r"call:(\S+)")


# --- documents, to QuickBooks ---


def as_quickbooks(document: Document, *, marker: str) -> dict[str, Any]:
    """The JSON that creates `document`. The rate is left to QuickBooks; the currency is always said. `Refusal` as `require_exact`."""
    require_exact(document)
    made: dict[str, Any] = {
        "TxnDate": document.day,
        "DocNumber": document.number,
        "PrivateNote": note_of(document.key, marker, document.memo),
        "CurrencyRef": {"value": document.currency},
    }
    match document.kind:
        case "journal_entry":
            return made | {"Line": [_entry_line(line, document.currency) for line in document.lines]}
        case "deposit":
            into, *lines = document.lines
            return made | {
                "DepositToAccountRef": {"value": into.account},
                "Line": [_deposit_line(line, document.currency) for line in lines],
            }
        case _:
            assert_never(document.kind)


def require_exact(document: Document) -> None:
    """`Refusal` for an amount that QuickBooks would round (1.234 KWD)."""
    lost = max(exponent(document.currency) - _DECIMALS, 0)
    rounded = next((line.minor for line in document.lines if line.minor % 10**lost), None)
    if rounded is not None:
        raise Refusal(
            f"Document {document.number} has an amount of {Money(abs(rounded), document.currency)}, which QuickBooks would round: it keeps "
            f"{_DECIMALS} decimals of every currency. It is not written."
        )


def note_of(key: str, marker: str, memo: str) -> str:
    """The note of a document: our mark first, and as much of the memo as there is room for."""
    marked = f"{KEY_MARK}{key} call:{marker}"
    return f"{marked} | {memo}"[:_NOTE] if memo else marked


def _entry_line(line: BookLine, currency: str) -> dict[str, Any]:
    detail = {"PostingType": "Debit" if line.minor >= 0 else "Credit", **_where(line)}
    return _line(line, Money(abs(line.minor), currency), "JournalEntryLineDetail", detail)


def _deposit_line(line: BookLine, currency: str) -> dict[str, Any]:
    return _line(line, Money(-line.minor, currency), "DepositLineDetail", _where(line))


def _line(line: BookLine, amount: Money, kind: str, detail: dict[str, Any]) -> dict[str, Any]:
    told = {"Description": line.memo[:_NOTE]} if line.memo else {}
    return {"Amount": amount.decimal, "DetailType": kind, **told, kind: detail}


def _where(line: BookLine) -> dict[str, Any]:
    category = {"ClassRef": {"value": line.category}} if line.category else {}
    return {"AccountRef": {"value": line.account}, **category}


# --- documents, from QuickBooks ---


def posted(entity: str, obj: JSON, *, home: str) -> Posted:
    """A document as it stands in the book now; `home` is the currency of one that names none."""
    currency = _ref(obj, "CurrencyRef") or home
    number = str(obj.get("DocNumber") or "")
    key = key_of(obj)
    kind = KINDS[entity]
    return Posted(
        id=str(obj["Id"]), version=str(obj.get("SyncToken", "")), number=number or (number_of(key) if key else ""), key=key, kind=kind,
        day=str(obj.get("TxnDate", "")), currency=currency, lines=_lines(kind, obj, currency),
    )  # fmt: skip


def key_of(obj: JSON) -> str | None:
    """The key in a document's note: at its beginning, or anywhere if the document has that key's own number."""
    note = str(obj.get("PrivateNote") or "")
    first = _MARK.match(note)
    if first:
        return first[1]
    number = obj.get("DocNumber")
    return next((found[1] for found in _MARK.finditer(note) if number_of(found[1]) == number), None)


def marker_of(obj: JSON) -> str | None:
    """The call that wrote a document, as its note says."""
    note = str(obj.get("PrivateNote") or "")
    found = _CALL.search(note) if _MARK.match(note) else None
    return found[1] if found else None


def is_ours(obj: JSON) -> bool:
    """Whether bookhand wrote it: it has our mark, or a number such as only we give."""
    return key_of(obj) is not None or _NUMBER.fullmatch(str(obj.get("DocNumber") or "")) is not None


_NUMBER = re.compile(r"S[A-Z2-7]{16}")


def _lines(kind: DocumentKind, obj: JSON, currency: str) -> tuple[BookLine, ...]:
    lines = [line for line in obj.get("Line") or [] if line.get("Amount") is not None]
    match kind:
        case "journal_entry":
            return tuple(_read_line(line, "JournalEntryLineDetail", currency) for line in lines)
        case "deposit":
            found = [_read_line(line, "DepositLineDetail", currency) for line in lines]
            total = minor_of(obj.get("TotalAmt", -_sum(found)), currency)
            return (BookLine(_ref(obj, "DepositToAccountRef"), total), *found)
        case _:
            assert_never(kind)


def _sum(lines: Iterable[BookLine]) -> int:
    return sum(line.minor for line in lines)


def _read_line(line: JSON, kind: str, currency: str) -> BookLine:
    detail = line.get(kind) or {}
    minor = minor_of(line["Amount"], currency)
    is_credit = kind == "DepositLineDetail" or detail.get("PostingType") == "Credit"
    return BookLine(
        _ref(detail, "AccountRef"), -minor if is_credit else minor, str(line.get("Description") or ""), _ref(detail, "ClassRef") or None
    )  # fmt: skip


def minor_of(amount: Any, currency: str) -> int:
    """QuickBooks' number as whole minor units; `Refusal` where it has more decimals than the currency."""
    try:
        return parse_money(str(Decimal(str(amount))), currency).minor
    except ValueError as error:
        raise Refusal(f"QuickBooks holds an amount that is none: {error} Correct it there.") from None


def _ref(obj: JSON, name: str) -> str:
    found = obj.get(name)
    return str(found.get("value") or "") if isinstance(found, Mapping) else ""


# --- accounts and the company ---

_NATURES: dict[str, Nature] = {
    "Bank": "bank", "Accounts Receivable": "asset", "Other Current Asset": "asset", "Fixed Asset": "asset", "Other Asset": "asset",
    "Accounts Payable": "liability", "Credit Card": "liability", "Other Current Liability": "liability", "Long Term Liability": "liability",
    "Equity": "equity", "Income": "income", "Other Income": "income",
    "Cost of Goods Sold": "expense", "Expense": "expense", "Other Expense": "expense",
}  # fmt: skip
NEEDS_SOMEBODY = {"Accounts Receivable": "customer", "Accounts Payable": "vendor"}
"""Types of accounts on which every line must name somebody."""
_OWN_CURRENCY = {"Bank", "Credit Card", *NEEDS_SOMEBODY}
"""Types whose accounts take one currency alone; the others take any, at the home currency's value."""


def account(obj: JSON, *, multicurrency: bool) -> BookAccount:
    """An account of the chart."""
    kind = str(obj.get("AccountType", ""))
    own = _ref(obj, "CurrencyRef") or None
    fixed = not multicurrency or kind in _OWN_CURRENCY
    return BookAccount(
        id=str(obj["Id"]), name=str(obj.get("FullyQualifiedName") or obj.get("Name") or ""), number=obj.get("AcctNum") or None,
        nature=_NATURES.get(kind, "other"), detail=" / ".join(filter(None, (kind, obj.get("AccountSubType")))),
        currency=own if fixed else None, active=bool(obj.get("Active", True)),
    )  # fmt: skip


def company(
    realm: str,
    *,
    info: JSON,
    preferences: JSON,
    currencies: Iterable[JSON],
    classes: Iterable[JSON],
    tax_codes: Iterable[JSON],
    pace: float,
) -> Company:
    """The company of a book."""
    home = home_currency(preferences)
    others = [str(each.get("Code")) for each in currencies if each.get("Active", True)]
    closed = (preferences.get("AccountingInfoPrefs") or {}).get("BookCloseDate")
    return Company(
        id=realm, name=str(info.get("CompanyName", "")), home_currency=home, currencies=tuple(dict.fromkeys([home, *others])),
        closed_through=str(closed) if closed else None, categories=_named(classes, "FullyQualifiedName"),
        tax_codes=_named(tax_codes, "Name"), documents_per_second=pace,
        pace=f"QuickBooks takes about {pace:.0f} documents a second, sent 30 together; nothing makes it faster.",
    )  # fmt: skip


def home_currency(preferences: JSON) -> str:
    """The company's own currency; United States dollars where it names none."""
    return _ref(preferences.get("CurrencyPrefs") or {}, "HomeCurrency") or "USD"


def is_multicurrency(preferences: JSON) -> bool:
    """Whether documents may be in other currencies."""
    return bool((preferences.get("CurrencyPrefs") or {}).get("MultiCurrencyEnabled"))


def _named(objects: Iterable[JSON], field: str) -> tuple[tuple[str, str], ...]:
    return tuple((str(each["Id"]), str(each.get(field) or each.get("Name") or "")) for each in objects)
