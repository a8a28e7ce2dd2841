"""The report GeneralLedger as postings, pure.

A row is a line of a document on the account of its section, with home debit or credit as texts. In a company with several currencies the
amount in the document's own is ``nat_foreign_amount``, whose sign goes by the account's nature: the side is taken from the home columns,
the size from there. A report that QuickBooks cut short (past 400,000 cells, with HTTP 200) is known by `is_cut`: ask for fewer days.
Shape: as read by those who use it; no official page tells all of it, so whatever is not understood is refused, never skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bookhand.core.book import BookAccount, BookPosting
from bookhand.core.problems import Refusal
from bookhand.systems.quickbooks.translate import minor_of

SINGLE = ("tx_date", "txn_type", "doc_num", "memo", "debt_amt", "credit_amt")
MANY = (
    "tx_date", "txn_type", "doc_num", "memo", "debt_home_amt", "credit_home_amt", "nat_foreign_amount", "currency",
)  # fmt: skip
_CUT = "Unable to display more data"
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_CODE = re.compile(r"[A-Z]{3}")
_CREDIT_NATURED = {"liability", "equity", "income"}
_SPOKEN = {"Journal Entry": "JournalEntry"}

JSON = Mapping[str, Any]


def size(report: JSON) -> int:
    """How many rows it has."""
    return sum(1 for _ in _rows((report.get("Rows") or {}).get("Row") or [], ""))


def is_cut(report: JSON) -> bool:
    """Whether QuickBooks cut the report short."""
    rows = _rows((report.get("Rows") or {}).get("Row") or [], "")
    return any(str(cells[0].get("value", "")).startswith(_CUT) for _, cells in rows if cells)


def postings_of(report: JSON, *, home: str, accounts: Mapping[str, BookAccount]) -> Iterator[BookPosting]:
    """Every line of a report; `accounts` are the chart by id. It must be whole: see `is_cut`."""
    keys = [_key(column) for column in (report.get("Columns") or {}).get("Column") or []]
    for account, cells in _rows((report.get("Rows") or {}).get("Row") or [], ""):
        row = dict(zip(keys, cells, strict=False))
        day = str((row.get("tx_date") or {}).get("value", ""))
        if _DAY.fullmatch(day):
            yield _posting(account, day, row, home, accounts)
        elif _amount(row):
            raise Refusal(
                f"QuickBooks' general ledger has a row that bookhand does not understand ({day!r}): nothing was compared."
            )


def _posting(
    account: str, day: str, row: Mapping[str, JSON], home: str, accounts: Mapping[str, BookAccount]
) -> BookPosting:
    if not account:
        raise Refusal("QuickBooks' general ledger has a row of no account: nothing was compared.")
    kind = row.get("txn_type") or {}
    said = _text(row, "currency")
    known = accounts.get(account)
    currency = said if _CODE.fullmatch(said) else (known.currency if known else None) or home
    return BookPosting(
        account=account, day=day, currency=currency, minor=_minor(row, currency, home, known), document=str(kind.get("id") or ""),
        document_kind=_SPOKEN.get(str(kind.get("value", "")), str(kind.get("value", ""))),
        number=_text(row, "doc_num") or None, memo=_text(row, "memo"),
    )  # fmt: skip


def _minor(row: Mapping[str, JSON], currency: str, home: str, account: BookAccount | None) -> int:
    """Debit positive, in the document's currency."""
    debit = minor_of(_number(row, "debt_home_amt") or _number(row, "debt_amt") or "0", home)
    credit = minor_of(_number(row, "credit_home_amt") or _number(row, "credit_amt") or "0", home)
    if currency == home:
        return debit - credit
    foreign = _number(row, "nat_foreign_amount")
    if not foreign or account is None:
        raise Refusal(
            f"QuickBooks' general ledger does not tell an amount in {currency}: nothing was compared."
        )
    minor = minor_of(foreign, currency)
    if debit == credit:  # too small for a cent at home
        return -minor if account.nature in _CREDIT_NATURED else minor
    return abs(minor) if debit > credit else -abs(minor)


def _rows(rows: list[JSON], account: str) -> Iterator[tuple[str, list[JSON]]]:
    """Rows of data with the account of the section they stand in; sections may stand in sections."""
    for row in rows:
        header = ((row.get("Header") or {}).get("ColData") or [{}])[0]
        inner = (row.get("Rows") or {}).get("Row")
        if inner:
            yield from _rows(inner, str(header.get("id") or account))
        if row.get("ColData"):
            yield account, row["ColData"]


def _key(column: JSON) -> str:
    told = [each.get("Value") for each in column.get("MetaData") or [] if each.get("Name") == "ColKey"]
    return str(told[0] if told else column.get("ColType", ""))


def _amount(row: Mapping[str, JSON]) -> bool:
    return any(_number(row, name) for name in ("debt_amt", "credit_amt", "debt_home_amt", "credit_home_amt"))


def _number(row: Mapping[str, JSON], name: str) -> str:
    return _text(row, name).replace(",", "")


def _text(row: Mapping[str, JSON], name: str) -> str:
    return str((row.get(name) or {}).get("value") or "").strip()
