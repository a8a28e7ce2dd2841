"""The shapes of the bank's part of the API. Amounts are whole minor units, money in is positive; days are ISO dates as the bank writes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bookhand.web.api.desk import Sent

_DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


class BankAccountShown(BaseModel):
    """An account, with what is known of it."""

    connection_id: int
    connection: str
    mode: str
    account: str
    currency: str | None
    auth: str
    lines: int
    first_day: str | None
    last_day: str | None
    balance_minor: int | None
    balance_day: str | None


class BankAccounts(BaseModel):
    """All of them."""

    items: list[BankAccountShown]


class BankFinding(BaseModel):
    """Something that a file does not prove."""

    kind: str
    subject: str
    message: str


class BankPart(BaseModel):
    """What became of one account's part of a file."""

    connection_id: int
    account: str
    currency: str | None
    lines: int
    new_lines: int
    first_day: str | None
    last_day: str | None


class BankTaken(BaseModel):
    """A file that was read; `again` is one that had been read before, so that nothing was added."""

    file: str
    format: str
    accounts: list[BankPart]
    problems: list[BankFinding]
    notes: list[str]
    again: bool
    new_lines: int


class BankQuestion(BaseModel):
    """What the file leaves open: the field of the profile, and the answers there are (none: any)."""

    field: str
    sentence: str
    options: list[str]


class BankProposal(BaseModel):
    """What stands in which column of a CSV, as far as the file shows it, with the evidence as (field, why)."""

    fingerprint: str
    header: list[str]
    profile: dict[str, Any]
    evidence: list[tuple[str, str]]
    questions: list[BankQuestion]
    sample: list[list[str]]


class BankWaiting(BaseModel):
    """A CSV that is kept, and waits for `POST /bank/profiles`."""

    file: str
    account: str | None
    proposal: BankProposal
    says: str
    known: list[str]


class BankStatementShown(BaseModel):
    """A statement as it was read."""

    id: int
    connection_id: int
    account: str
    format: str
    file: str | None
    file_name: str | None
    number: str | None
    currency: str | None
    opening_minor: int | None
    closing_minor: int | None
    first_day: str | None
    last_day: str | None
    lines: int
    new_lines: int
    warnings: list[str]
    read_at: datetime


class BankStatements(BaseModel):
    """Statements, newest first; `next` goes on."""

    items: list[BankStatementShown]
    next: str | None


class BankLineShown(BaseModel):
    """A booked line; `superseded` says why it does not count any more."""

    id: int
    connection_id: int
    account: str
    key: str
    day: str
    value_day: str | None
    currency: str
    minor: int
    description: str
    counterparty: str | None
    references: list[str]
    native_id: str | None
    code: str | None
    reversal: bool
    original_minor: int | None
    original_currency: str | None
    raw: str
    superseded: str | None


class BankLines(BaseModel):
    """Lines, newest day first; `next` goes on."""

    items: list[BankLineShown]
    next: str | None


class NewBankProfile(Sent):
    """What a person confirms: the file that waits, the account it is of, and what is otherwise than proposed."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"file": "9f86d081884c", "account": "Main", "changes": {"date_order": "DMY"}}]
        },
    )
    file: str = Field(
        pattern="^[0-9a-f]{8,64}$", description="`file` of the answer to the upload, or its beginning."
    )
    account: str = Field(
        min_length=1,
        max_length=120,
        pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$",
        description="The bank account's name or number.",
    )
    changes: dict[str, Any] = Field(default_factory=dict, max_length=40, description="Fields of the profile.")
