"""What NetSuite offers to do, as data: reading the company, its chart and its documents, and writing a document once.

>>> sorted(action.name for action in ACTIONS if action.risk != "read")
['netsuite.deposits.create', 'netsuite.journal_entries.create']

A document is written under its external id and never edited: one that is there already is done, and what it holds is told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints, field_validator

from bookhand.core.action import Action, Call, Get, Lookup, NoParams, Params, Plan, Preview, Shape, Values
from bookhand.core.book_params import (
    POSTED,
    DepositParams,
    DocumentParams,
    JournalEntryParams,
    document_of,
    document_preview,
)
from bookhand.systems.netsuite.marks import external_id
from bookhand.systems.netsuite.translate import RECORDS

VENDOR = "netsuite"
CHART = "/bookhand/chart"
"""Read for a preview: {account id: {"name", "active"}}."""
_LIMITS = "5 requests at once of the account's 15 or more; about 0.8 s a request."
_SELECT = re.compile(r"\s*select\s", re.IGNORECASE)
_Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$")]


class DocumentsList(Params):
    """Of which days."""

    since: Annotated[_Day, Field(description="The first day, ISO.")]
    until: Annotated[_Day, Field(description="The last day, ISO; included.")]


class DocumentRetrieve(Params):
    """Which document."""

    id: Annotated[str, StringConstraints(pattern=r"^\d{1,20}$"), Field(description="NetSuite's internal id.")]


class SuiteQLQuery(Params):
    """A SuiteQL query."""

    query: Annotated[str, StringConstraints(min_length=8, max_length=10_000), Field(description="One SELECT, with an ORDER BY.")]  # fmt: skip
    limit: Annotated[int, Field(strict=True, ge=1, le=100_000, description="The most rows to give.")] = 1000

    @field_validator("query")
    @classmethod
    def _reads(cls, query: str) -> str:
        if not _SELECT.match(query) or ";" in query:
            raise ValueError("only one SELECT can be asked")
        return query


_COMPANY = Shape(
    "book_company",
    {
        "id": "the account, and the subsidiary", "name": "the company's name", "home_currency": "what its books are kept in",
        "currencies": "what documents may be in", "closed_through": "the last closed day", "categories": "its classes: id and name",
        "pace": "how fast it lets us write",
    },
)  # fmt: skip
_ACCOUNT = Shape(
    "book_account",
    {
        "id": "NetSuite's internal id", "name": "with its parents, colons between", "number": "its number in the chart",
        "nature": "asset, bank, liability, equity, income, expense or other", "detail": "NetSuite's own type", "active": "whether it can be used",
    },
    many=True,
)  # fmt: skip
_POSTED_MANY = Shape(POSTED.object, POSTED.fields, many=True)


def _read(
    name: str, summary: str, params: type[Params], result: Shape, call: Call, *, scope: str, when: str
) -> Action:
    return Action(
        name=f"netsuite.{name}", vendor=VENDOR, summary=summary, risk="read", params=params, result=result, scope=scope, limits=_LIMITS,
        when=when, call=call,
    )  # fmt: skip


_SUITEQL = Call("POST", "/query/v1/suiteql", marked=False)
_READS = (
    _read("company.retrieve", "The company that the books are of: currencies, closed months, classes", NoParams, _COMPANY, _SUITEQL,
          scope="SuiteAnalytics Workbook, Currency, Subsidiaries, Manage Accounting Periods", when="Before anything is mapped or written."),
    _read("accounts.list", "Every account of the chart", NoParams, _ACCOUNT, _SUITEQL, scope="SuiteAnalytics Workbook, Accounts",
          when="To map accounts. Summary accounts and inactive ones are told as inactive."),
    _read("suiteql.query", "Ask NetSuite anything that can be selected", SuiteQLQuery, Shape("row", {}, many=True), _SUITEQL,
          scope="SuiteAnalytics Workbook", when="For questions that no other read answers. Values are texts; days come in the user's format without TO_CHAR."),
)  # fmt: skip


def _documents(kind: str, words: str, scope: str) -> tuple[Action, Action]:
    record = RECORDS[kind]  # type: ignore[index]
    resource = "journal_entries" if kind == "journal_entry" else "deposits"
    lists = _read(
        f"{resource}.list", f"The {words} that bookhand wrote, as they stand now", DocumentsList, _POSTED_MANY, _SUITEQL,
        scope="SuiteAnalytics Workbook, Find Transaction", when="To compare. What others wrote is found by netsuite.suiteql.query.",
    )  # fmt: skip
    retrieves = _read(
        f"{resource}.retrieve", f"One of the {words}, with its lines", DocumentRetrieve, POSTED,
        Call("GET", f"/record/v1/{record}/{{id}}", marked=False), scope=scope, when="When its internal id is known, whoever wrote it.",
    )  # fmt: skip
    return lists, retrieves


def _create(kind: str, params: type[DocumentParams], summary: str, scope: str, when: str) -> Action:
    record = RECORDS[kind]  # type: ignore[index]
    resource = "journal_entries" if kind == "journal_entry" else "deposits"
    return Action(
        name=f"netsuite.{resource}.create", vendor=VENDOR, summary=summary, risk="write", params=params, result=POSTED, scope=scope,
        copies=True,
        limits=_LIMITS + " Two requests a document.", when=when, call=Call("PUT", f"/record/v1/{record}/eid:{{key}}", marked=False),
        plan=Plan(reads=_chart, watched={}, preview=_preview), lookup=Lookup(marked=lambda values: _by_key(record, values)),
    )  # fmt: skip


def _chart(_: Values) -> Mapping[str, Get]:
    return {"chart": Get(CHART)}


def _by_key(record: str, values: Values) -> Get:
    return Get(f"/record/v1/{record}/eid:{external_id(str(values['key']))}")


def _preview(values: Values, found: Mapping[str, Any]) -> Preview:
    """In the accounts' names, with a warning for each account that NetSuite will not take; whether it does is for NetSuite to say."""
    document = document_of(values)
    chart: Mapping[str, Mapping[str, Any]] = found.get("chart") or {}
    names = {number: str(account["name"]) for number, account in chart.items()}
    warnings = [
        _warning(number, chart.get(number))
        for number in dict.fromkeys(line.account for line in document.lines)
    ]
    return document_preview(
        document, book="NetSuite", names=names, warnings=tuple(each for each in warnings if each)
    )


def _warning(number: str, account: Mapping[str, Any] | None) -> str | None:
    if account is None:
        return f"Account {number} is not in NetSuite's chart of accounts."
    if not account["active"]:
        return f"Account {number} ({account['name']}) is inactive or a summary in NetSuite."
    return None


ACTIONS: tuple[Action, ...] = (
    *_READS,
    *_documents("journal_entry", "journal entries", "Make Journal Entry"),
    *_documents("deposit", "bank deposits", "Deposit"),
    _create("journal_entry", JournalEntryParams, "Write a journal entry into NetSuite", "Make Journal Entry",
            "To mirror the journal. One of the same key is never written twice, and never edited."),
    _create("deposit", DepositParams, "Write a bank deposit into NetSuite", "Deposit",
            "To mirror a payout with its breakout. The total cannot be negative: a payout that takes money from the bank is a journal entry."),
)  # fmt: skip
"""Everything that can be done at NetSuite."""
