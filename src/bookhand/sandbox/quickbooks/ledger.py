"""What documents post, and the report GeneralLedger of it.

The report has a section for each account, with a row for each line; amounts are texts. In a company with several currencies the columns
``debt_amt`` and ``credit_amt`` stay empty: there are ``debt_home_amt`` and ``credit_home_amt`` in the home currency, and
``nat_foreign_amount`` in the document's, with its sign by the account's nature. Past `MOST_CELLS` a report is cut with one row that says so,
and HTTP 200. Shapes: as published by those who read it (columns by their ColKey, the document's id in the cell of its type).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

from bookhand.sandbox.outside.standin import JSON
from bookhand.sandbox.quickbooks.company import DOCUMENTS, Company
from bookhand.sandbox.quickbooks.errors import QuickBooksFault

MOST_CELLS = 400_000
CUT = "Unable to display more data. Please reduce the date range."
_SPOKEN = {
    "JournalEntry": "Journal Entry",
    "Deposit": "Deposit",
    "Transfer": "Transfer",
    "Purchase": "Expense",
}
_CREDIT_NATURED = {"Liability", "Equity", "Revenue"}
_KNOWN = (
    "tx_date", "txn_type", "doc_num", "name", "memo", "split_acc", "account_name", "klass_name", "currency", "exch_rate",
    "debt_amt", "credit_amt", "subt_nat_amount", "rbal_nat_amount",
    "debt_home_amt", "credit_home_amt", "subt_nat_home_amount", "nat_foreign_amount", "is_cleared",
)  # fmt: skip
_HOME = {"debt_amt": "debit", "credit_amt": "credit", "debt_home_amt": "debit", "credit_home_amt": "credit"}
_FOR_MANY = {
    "debt_home_amt",
    "credit_home_amt",
    "nat_foreign_amount",
    "currency",
    "exch_rate",
    "subt_nat_home_amount",
}
_CENT = Decimal("0.01")


class Posted(msgspec.Struct, frozen=True):
    """One line of the ledger: debit positive, in the document's currency and in the home currency."""

    account: str
    amount: Decimal
    home: Decimal
    memo: str


def postings(entity: str, document: JSON) -> list[Posted]:
    """The lines of one document; they sum to zero, in the home currency too."""
    rate = Decimal(document.get("ExchangeRate") or 1)
    found = [
        Posted(account, amount, (amount * rate).quantize(_CENT, ROUND_HALF_UP), memo)
        for account, amount, memo in _lines(entity, document)
    ]
    rest = -sum((line.home for line in found), Decimal(0))
    if rest and found:
        found[-1] = msgspec.structs.replace(found[-1], home=found[-1].home + rest)
    return found


def _lines(entity: str, document: JSON) -> Iterator[tuple[str, Decimal, str]]:
    note = str(document.get("PrivateNote") or "")
    match entity:
        case "JournalEntry":
            for line in document["Line"]:
                detail = line["JournalEntryLineDetail"]
                sign = 1 if detail["PostingType"] == "Debit" else -1
                yield detail["AccountRef"]["value"], sign * line["Amount"], line.get("Description") or note
        case "Deposit":
            yield document["DepositToAccountRef"]["value"], document["TotalAmt"], note
            for line in document["Line"]:
                yield (
                    line["DepositLineDetail"]["AccountRef"]["value"],
                    -line["Amount"],
                    line.get("Description") or note,
                )
        case "Transfer":
            yield document["ToAccountRef"]["value"], document["Amount"], note
            yield document["FromAccountRef"]["value"], -document["Amount"], note
        case _:
            yield document["AccountRef"]["value"], -document["TotalAmt"], note
            for line in document["Line"]:
                detail = line["AccountBasedExpenseLineDetail"]
                yield detail["AccountRef"]["value"], line["Amount"], line.get("Description") or note


def general_ledger(company: Company, query: dict[str, str], *, most_cells: int = MOST_CELLS) -> JSON:
    """The report, by ``start_date``, ``end_date``, ``account`` (ids with commas between) and ``columns``."""
    start, end = query.get("start_date", ""), query.get("end_date", "")
    if not (start and end):
        raise QuickBooksFault(
            "5020", "Permission Denied Error", "start_date and end_date must be given in this stand-in."
        )
    columns = _columns(company, query.get("columns"))
    accounts = set(filter(None, query.get("account", "").split(",")))
    rows = _rows(company, start, end, accounts)
    kept = most_cells // len(columns)
    cut = sum(len(lines) for lines in rows.values()) > kept
    sections = [_section(company, account, lines, columns) for account, lines in rows.items()]
    if cut:
        sections = _cut(sections, kept, len(columns))
    return {
        "Header": {
            "Time": company.clock.moment().isoformat(timespec="seconds"), "ReportName": "GeneralLedger",
            "ReportBasis": query.get("accounting_method", "Accrual"), "StartPeriod": start, "EndPeriod": end, "Currency": company.home,
            "Option": [{"Name": "NoReportData", "Value": str(not rows).lower()}],
        },
        "Columns": {"Column": [_column(name) for name in columns]},
        "Rows": {"Row": sections} if sections else {},
    }  # fmt: skip


def _columns(company: Company, asked: str | None) -> list[str]:
    wanted = [
        name
        for name in (asked or "tx_date,txn_type,doc_num,memo,subt_nat_amount").split(",")
        if name in _KNOWN
    ]
    return [name for name in wanted if company.multicurrency or name not in _FOR_MANY]


def _column(name: str) -> JSON:
    return {
        "ColTitle": name.replace("_", " ").title(),
        "ColType": "String",
        "MetaData": [{"Name": "ColKey", "Value": name}],
    }


Row = tuple[str, JSON, Posted]


def _rows(company: Company, start: str, end: str, accounts: set[str]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for entity in DOCUMENTS:
        for document in company.objects[entity].values():
            if start <= document["TxnDate"] <= end:
                for line in postings(entity, document):
                    if not accounts or line.account in accounts:
                        found.setdefault(line.account, []).append((entity, document, line))
    for lines in found.values():
        lines.sort(key=lambda row: (row[1]["TxnDate"], int(row[1]["Id"])))
    return dict(sorted(found.items(), key=lambda item: int(item[0])))


def _section(company: Company, id_: str, lines: list[Row], columns: list[str]) -> JSON:
    account = company.objects["Account"][id_]
    total = sum((line.home for _, _, line in lines), Decimal(0)) * _sign(account)
    opening = [{"value": "Beginning Balance"}, *({"value": ""} for _ in columns[1:])]
    return {
        "type": "Section",
        "Header": {"ColData": [{"value": account["Name"], "id": id_}, *({"value": ""} for _ in columns[1:])]},
        "Rows": {"Row": [{"type": "Data", "ColData": opening}, *(_data(account, row, columns) for row in lines)]},
        "Summary": {"ColData": [{"value": f"Total for {account['Name']}"}, *({"value": ""} for _ in columns[2:]), {"value": str(total)}]},
    }  # fmt: skip


def _data(account: JSON, row: Row, columns: list[str]) -> JSON:
    entity, document, line = row
    return {"type": "Data", "ColData": [_cell(name, account, entity, document, line) for name in columns]}


def _cell(name: str, account: JSON, entity: str, document: JSON, line: Posted) -> JSON:
    found: dict[str, Any] = {
        "tx_date": document["TxnDate"], "doc_num": document.get("DocNumber", ""), "memo": line.memo, "account_name": account["Name"],
        "currency": document["CurrencyRef"]["value"], "exch_rate": str(document.get("ExchangeRate") or 1),
    }  # fmt: skip
    if name == "txn_type":
        return {"value": _SPOKEN[entity], "id": document["Id"]}
    if name in _HOME:
        wanted = line.home if _HOME[name] == "debit" else -line.home
        single = name in {"debt_amt", "credit_amt"} and document.get("ExchangeRate") is not None
        return {"value": str(wanted) if wanted > 0 and not single else ""}
    if name in {"subt_nat_amount", "subt_nat_home_amount"}:
        return {"value": str(line.home * _sign(account))}
    if name == "nat_foreign_amount":
        return {"value": str(line.amount * _sign(account))}
    return {"value": found.get(name, "")}


def _sign(account: JSON) -> int:
    return -1 if account["Classification"] in _CREDIT_NATURED else 1


def _cut(sections: list[JSON], kept: int, width: int) -> list[JSON]:
    """The first `kept` rows, and one that says that there were more."""
    found = []
    for section in sections:
        rows = section["Rows"]["Row"][: max(kept, 0) + 1]
        kept -= len(rows) - 1
        found.append({**section, "Rows": {"Row": rows}})
        if kept <= 0:
            rows.append(
                {"type": "Data", "ColData": [{"value": CUT}, *({"value": ""} for _ in range(width - 1))]}
            )
            break
    return found
