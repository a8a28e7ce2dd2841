"""Documents as NetSuite's JSON and back, pure; and its lists as the words of `core.book`.

    body_of(document, terms)                  # journalEntry: debits and credits · deposit: the bank, other and cashBack
    posted_of(record, terms)                  # GET …?expandSubResources=true
    documents_of(rows, terms)                 # the lines of SuiteQL, put together

A deposit's lines below the bank's: what comes from an account (a credit) is a positive line of `other`, what goes to one (a fee) a positive
line of `cashBack`; so no amount is ever negative (Oracle's help, section_3947199795: "in the Cash Back list … a positive amount reduces the
deposit", section_3941974737). Field names: section_0223040947, article_14124948339; the currency of a deposit is its bank account's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

import msgspec

from bookhand.core.book import (
    BookAccount,
    BookLine,
    BookPosting,
    Document,
    DocumentKind,
    Nature,
    Posted,
    number_of,
)
from bookhand.core.money import Money, as_text, exponent
from bookhand.core.problems import Outage, Refusal
from bookhand.systems.netsuite.marks import LONGEST_MEMO, external_id, key_of, memo_of

JOURNAL, DEPOSIT = "journalEntry", "deposit"
RECORDS: dict[DocumentKind, str] = {"journal_entry": JOURNAL, "deposit": DEPOSIT}
SUBLISTS = {JOURNAL: "line", DEPOSIT: "other,cashBack"}
"""What ``?replace=`` has for each: lines take the place of lines, they are never added to."""
TYPES: dict[str, DocumentKind] = {"Journal": "journal_entry", "Deposit": "deposit"}
NATURES: dict[str, Nature] = {
    "Bank": "bank", "AcctRec": "asset", "UnbilledRec": "asset", "OthCurrAsset": "asset", "FixedAsset": "asset", "OthAsset": "asset",
    "DeferExpense": "asset", "AcctPay": "liability", "CredCard": "liability", "OthCurrLiab": "liability", "LongTermLiab": "liability",
    "DeferRevenue": "liability", "Equity": "equity", "Income": "income", "OthIncome": "income", "COGS": "expense", "Expense": "expense",
    "OthExpense": "expense",
}  # fmt: skip
"""`account.accttype` to what the account is by nature; NonPosting and Stat are other."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a company's own numbers mean: currencies by ISO code with their ids and decimals, and which subsidiary is ours."""

    subsidiary: str | None
    currencies: Mapping[str, str]
    decimals: Mapping[str, int] = {}

    def symbol(self, currency_id: str) -> str:
        """The ISO code of a currency's id."""
        for symbol, number in self.currencies.items():
            if number == currency_id:
                return symbol
        raise Outage(
            f"NetSuite told of a currency {currency_id} that its list does not have: read the lists again."
        )


# --- ours to theirs ---


def body_of(document: Document, terms: Terms) -> dict[str, Any]:
    """The record's JSON; amounts are Decimals. `Refusal` for a currency the company does not have, or cannot keep exactly."""
    _require(document, terms)
    body: dict[str, Any] = {
        "externalId": external_id(document.key, terms.subsidiary), "tranDate": document.day, "memo": memo_of(document.memo, document.key),
        "currency": {"id": terms.currencies[document.currency]},
    }  # fmt: skip
    if terms.subsidiary is not None:
        body["subsidiary"] = {"id": terms.subsidiary}
    if document.kind == "deposit":
        return body | _deposit(document)
    items = [
        _line(
            line, {"debit" if line.minor > 0 else "credit": Money(abs(line.minor), document.currency).decimal}
        )
        for line in document.lines
        if line.minor
    ]
    return body | {"approved": True, "line": {"items": items}}


def _deposit(document: Document) -> dict[str, Any]:
    bank, *lines = document.lines
    more: dict[str, Any] = {"account": {"id": bank.account}}
    for sublist, sign in (("other", -1), ("cashBack", 1)):
        items = [
            _line(line, {"amount": Money(sign * line.minor, document.currency).decimal})
            for line in lines
            if sign * line.minor > 0
        ]
        if items:
            more[sublist] = {"items": items}
    return more


def _line(line: BookLine, amount: dict[str, Decimal]) -> dict[str, Any]:
    found: dict[str, Any] = {"account": {"id": line.account}, **amount}
    if line.memo:
        found["memo"] = line.memo[:LONGEST_MEMO]
    if line.category:
        found["class"] = {"id": line.category}
    return found


def _require(document: Document, terms: Terms) -> None:
    if document.imbalance:
        off = as_text(document.imbalance, document.currency)
        raise Refusal(f"Document {document.number} does not balance: it is off by {off}, and is not written.")
    if document.kind == "deposit" and document.lines[0].minor <= 0:
        raise Refusal(
            f"Deposit {document.number} adds nothing to its bank account: it is written as a journal entry, or not at all."
        )
    if document.currency not in terms.currencies:
        known = ", ".join(terms.currencies)
        raise Refusal(
            f"Document {document.number} is in {document.currency}, which this NetSuite company does not have (it has {known}): "
            "add the currency in NetSuite (Lists > Accounting > Currencies), or map it to another book."
        )
    lost = exponent(document.currency) - terms.decimals.get(document.currency, exponent(document.currency))
    if lost > 0 and any(line.minor % 10**lost for line in document.lines):
        raise Refusal(
            f"Document {document.number} has amounts that NetSuite would round: it keeps "
            f"{terms.decimals[document.currency]} decimals of {document.currency}. It is not written."
        )


# --- theirs to ours ---


def posted_of(record: Mapping[str, Any], kind: DocumentKind, terms: Terms) -> Posted:
    """A record as REST gives it, with its lines."""
    symbol = (
        terms.symbol(str(record["currency"]["id"])) if "currency" in record else next(iter(terms.currencies))
    )
    key = key_of(record.get("externalId"), record.get("memo"))
    lines = _journal_lines(record, symbol) if kind == "journal_entry" else _deposit_lines(record, symbol)
    head = _Head(
        str(record["id"]), kind, str(record["tranDate"])[:10], symbol, str(record.get("tranId") or "")
    )
    return _posted(key, head, tuple(lines))


def _journal_lines(record: Mapping[str, Any], symbol: str) -> Iterator[BookLine]:
    for item in _items(record, "line"):
        debit, credit = Decimal(item.get("debit") or 0), Decimal(item.get("credit") or 0)
        yield _read_line(item, minor_of(debit - credit, symbol))


def _deposit_lines(record: Mapping[str, Any], symbol: str) -> Iterator[BookLine]:
    below = [_read_line(item, -minor_of(Decimal(item["amount"]), symbol)) for item in _items(record, "other")]
    below += [
        _read_line(item, minor_of(Decimal(item["amount"]), symbol)) for item in _items(record, "cashBack")
    ]
    yield BookLine(str(record["account"]["id"]), -sum(line.minor for line in below))
    yield from below


def _read_line(item: Mapping[str, Any], minor: int) -> BookLine:
    category = item.get("class")
    return BookLine(
        str(item["account"]["id"]),
        minor,
        str(item.get("memo") or ""),
        str(category["id"]) if category else None,
    )


def _items(record: Mapping[str, Any], sublist: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = (record.get(sublist) or {}).get("items") or []
    return found


def documents_of(rows: Iterable[Mapping[str, str]], terms: Terms) -> Iterator[Posted]:
    """Documents of the rows of one SuiteQL answer: a row a line, those of a transaction one after another."""
    for number, group in groupby(rows, key=lambda row: row["id"]):
        lines = list(group)
        head = lines[0]
        kind = TYPES.get(head.get("type", ""))
        if kind is None:
            continue  # somebody gave our mark to another kind of transaction
        symbol = terms.symbol(head["currency"])
        found = tuple(
            BookLine(
                row["account"],
                _minor(row, symbol),
                "" if _is_main(row) else row.get("linememo", ""),
                row.get("class"),
            )
            for row in lines
            if "account" in row
        )
        key = key_of(head.get("externalid"), head.get("memo"))
        yield _posted(key, _Head(number, kind, head["day"], symbol, head.get("tranid", "")), found)


def posting_of(row: Mapping[str, str], terms: Terms) -> BookPosting:
    """One line of the general ledger, of a row of SuiteQL."""
    symbol = terms.symbol(row["currency"])
    return BookPosting(
        account=row["account"], day=row["day"], currency=symbol, minor=_minor(row, symbol), document=row["id"],
        document_kind=row.get("type", ""), number=row.get("tranid"), memo=row.get("linememo") or row.get("memo", ""),
    )  # fmt: skip


def account_of(row: Mapping[str, str], terms: Terms) -> BookAccount:
    """An account of the chart, of a row of SuiteQL; a summary account takes no postings and counts as inactive."""
    currency = row.get("currency")
    usable = row.get("isinactive") != "T" and row.get("issummary") != "T"
    kind = row.get("accttype", "")
    return BookAccount(
        id=row["id"], name=row.get("fullname", "").replace(" : ", ":"), number=row.get("acctnumber"), nature=NATURES.get(kind, "other"),
        detail=kind, currency=terms.symbol(currency) if currency else None, active=usable,
    )  # fmt: skip


def closed_through(periods: Iterable[Mapping[str, str]]) -> str | None:
    """The last day of the latest month that is closed, or locked for all; NetSuite closes months in their order. None where all are open."""
    return max(
        (row["until"] for row in periods if row.get("closed") == "T" or row.get("alllocked") == "T"),
        default=None,
    )


def differences(document: Document, posted: Posted) -> tuple[str, ...]:
    """What is not as `document` says it, in words; empty where the book holds just that."""
    found = []
    for what, ours, theirs in (
        ("kind", document.kind, posted.kind), ("day", document.day, posted.day), ("currency", document.currency, posted.currency),
    ):  # fmt: skip
        if ours != theirs:
            found.append(f"{what} {theirs} where {ours} was to be written")
    wanted, there = _sums(document.lines), _sums(posted.lines)
    for account, category in sorted(wanted.keys() | there.keys(), key=str):
        ours_, theirs_ = (sums.get((account, category), 0) for sums in (wanted, there))
        if ours_ != theirs_:
            stands, wanted_ = as_text(theirs_, posted.currency), as_text(ours_, document.currency)
            found.append(f"{stands} on account {account} where {wanted_} was to be written")
    return tuple(found)


def _sums(lines: Iterable[BookLine]) -> dict[tuple[str, str | None], int]:
    found: dict[tuple[str, str | None], int] = {}
    for line in lines:
        key = (line.account, line.category)
        found[key] = found.get(key, 0) + line.minor
    return {key: minor for key, minor in found.items() if minor}


def minor_of(amount: Decimal, symbol: str) -> int:
    """Major units as whole minor units; `Outage` where NetSuite tells more decimals than the currency has."""
    scaled = amount.scaleb(exponent(symbol))
    if scaled != scaled.to_integral_value():
        raise Outage(
            f"NetSuite told an amount of {amount} {symbol}, which has more decimals than the currency."
        )
    return int(scaled)


def _minor(row: Mapping[str, str], symbol: str) -> int:
    debit, credit = (Decimal(row.get(name) or 0) for name in ("debitforeignamount", "creditforeignamount"))
    return minor_of(debit - credit, symbol)


def _is_main(row: Mapping[str, str]) -> bool:
    return row.get("mainline") == "T"


def written(document: Document, number: str) -> Posted:
    """What a document is once it was written under that internal id."""
    return _posted(
        document.key, _Head(number, document.kind, document.day, document.currency), document.lines
    )


class _Head(NamedTuple):
    """What a document is beside its lines and its key; `own_number` is what NetSuite calls it."""

    id: str
    kind: DocumentKind
    day: str
    currency: str
    own_number: str = ""


def _posted(key: str | None, head: _Head, lines: tuple[BookLine, ...]) -> Posted:
    """`version` is of what counts in the books: the day, the currency and the sums by account and class.

    NetSuite's time of the last change is another text in REST (UTC) than in SuiteQL (the user's time zone), and changes with every note.
    """
    held = number_of(repr((head.kind, head.day, head.currency, sorted(_sums(lines).items(), key=str))))
    return Posted(
        id=head.id, version=held, number=number_of(key) if key else head.own_number, key=key, kind=head.kind, day=head.day,
        currency=head.currency, lines=lines,
    )  # fmt: skip
