"""What QuickBooks offers to the door, as data: its company, chart, documents and general ledger; writing journal entries and deposits.

>>> CREATES["deposit"].name, CREATES["deposit"].risk, READS[0].name
('quickbooks.deposits.create', 'write', 'quickbooks.company.retrieve')
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from bookhand.core.action import (
    Action,
    Call,
    Get,
    Lookup,
    NoParams,
    Params,
    Plan,
    Preview,
    Shape,
    Values,
)
from bookhand.core.book import Document, DocumentKind
from bookhand.core.book_params import (
    POSTED,
    DepositParams,
    DocumentParams,
    JournalEntryParams,
    document_of,
    document_preview,
)
from bookhand.core.problems import Refusal
from bookhand.systems.quickbooks import SCOPE, SYSTEM

ACCOUNTS, COMPANY = "/accounts", "/company"
"""What `QuickBooksPerformer.fetch` gives for a preview: the chart by id, and the company."""
_READ = "10 calls a second, 500 a minute for the company; Intuit counts reads by the month."
_WRITE = "About 20 a second: 30 in a batch, 40 batches a minute."
_Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$")]
_Id = Annotated[str, StringConstraints(pattern=r"^\d{1,20}$")]
_CHART = Shape(
    "book_account",
    {
        "id": "QuickBooks' id", "name": "with its parents, colons between", "nature": "asset, bank, liability …",
        "detail": "AccountType / AccountSubType", "currency": "the only one it takes", "active": "whether it can be used",
    },
    many=True,
)  # fmt: skip


class Range(Params):
    """From a day to a day."""

    since: Annotated[_Day, Field(description="The first day, ISO.")]
    until: Annotated[_Day, Field(description="The last day, ISO.")]


class Ledger(Range):
    """The general ledger of some accounts, or all."""

    accounts: Annotated[
        list[_Id], Field(max_length=200, description="Ids of accounts; none is all of them.")
    ] = []  # noqa: RUF012 (pydantic copies it)


class One(Params):
    """One document."""

    id: Annotated[_Id, Field(description="QuickBooks' id of the document.")]


def _reads(name: str, params: type[Params], summary: str, result: Shape, path: str) -> Action:
    return Action(
        name=f"{SYSTEM}.{name}", vendor=SYSTEM, summary=summary, risk="read", params=params, result=result, scope=SCOPE, limits=_READ,
        call=Call("GET", path, marked=False),
    )  # fmt: skip


def _documents(resource: str, path: str, spoken: str, plural: str) -> tuple[Action, Action]:
    many = Shape(POSTED.object, POSTED.fields, many=True)
    return (
        _reads(f"{resource}.list", Range, f"{plural} that are dated in a range, whoever wrote them", many, "/query"),
        _reads(f"{resource}.retrieve", One, f"One {spoken} as it stands in the book", POSTED, f"/{path}/{{id}}"),
    )  # fmt: skip


READS: tuple[Action, ...] = (
    _reads(
        "company.retrieve", NoParams, "Whose book it is: home currency, currencies, closed through, classes, tax codes, pace",
        Shape("company", {"name": "the company's", "home_currency": "ISO code", "closed_through": "the last closed day"}),
        "/companyinfo",
    ),
    _reads("accounts.list", NoParams, "The chart of accounts, inactive ones too", _CHART, "/query"),
    *_documents("journal_entries", "journalentry", "journal entry", "Journal entries"),
    *_documents("deposits", "deposit", "deposit", "Deposits"),
    _reads(
        "reports.general_ledger", Ledger, "Every line on some accounts in a range, whoever wrote it",
        Shape("book_posting", {"account": "id", "day": "ISO", "minor": "debit positive", "document": "id", "document_kind": "QuickBooks' word"}, many=True),
        "/reports/GeneralLedger",
    ),
)  # fmt: skip


def _preview(values: Values, found: Mapping[str, Any]) -> Preview:
    """In words, with the accounts' own names; refuses what QuickBooks would refuse."""
    document = document_of(values)
    chart = found["accounts"]
    _must_be_usable(document, chart)
    _must_be_open(document, found["company"])
    return document_preview(
        document, book="QuickBooks", names={id_: each["name"] for id_, each in chart.items()}
    )


def _must_be_usable(document: Document, chart: Mapping[str, Mapping[str, Any]]) -> None:
    for id_ in dict.fromkeys(line.account for line in document.lines):
        account = chart.get(id_)
        if account is None:
            raise Refusal(f"There is no account {id_} in QuickBooks: look at the mapping.")
        if not account["active"]:
            raise Refusal(
                f"Account {account['name']} is inactive in QuickBooks: make it active there, or map another."
            )
        somebody = account.get("needs")
        if somebody:
            raise Refusal(
                f"Every line on {account['name']} needs a {somebody} in QuickBooks, and bookhand names none: map another account, of type "
                "Other Current Asset or Other Current Liability."
            )
        own = account.get("currency")
        if own and own not in {document.currency, account.get("home")}:
            raise Refusal(
                f"Account {account['name']} takes {own} alone, and the document is in {document.currency}: map another."
            )


def _must_be_open(document: Document, company: Mapping[str, Any]) -> None:
    closed = company.get("closed_through")
    if closed and document.day <= closed:
        raise Refusal(
            f"QuickBooks' books are closed through {closed}, and {document.number} is of {document.day}: open them there, or let it be "
            "posted on an open day."
        )
    if document.currency not in company["currencies"]:
        raise Refusal(
            f"The company in QuickBooks takes {', '.join(company['currencies'])}, and {document.number} is in {document.currency}: turn the "
            "currency on there first."
        )


def _creates(resource: str, path: str, params: type[DocumentParams], summary: str) -> Action:
    return Action(
        name=f"{SYSTEM}.{resource}.create", vendor=SYSTEM, summary=summary, risk="write", params=params, result=POSTED, scope=SCOPE,
        copies=True,
        limits=_WRITE, when="By the mirror, under the standing approval of a book's mapping.", lookup=Lookup(),
        call=Call("POST", path, marked=False),
        plan=Plan(
            reads=lambda _values: {"accounts": Get(ACCOUNTS), "company": Get(COMPANY)}, watched={}, preview=_preview,
            needed=("accounts", "company"),
        ),
    )  # fmt: skip


CREATES: dict[DocumentKind, Action] = {
    "journal_entry": _creates(
        "journal_entries", "/journalentry", JournalEntryParams, "Write a journal entry into QuickBooks"
    ),
    "deposit": _creates("deposits", "/deposit", DepositParams, "Write a bank deposit into QuickBooks"),
}
ACTIONS: tuple[Action, ...] = (*READS, *CREATES.values())
