"""`render`: the statement of a made-up account as a file. Each format by its own writer, honest to what it can say.

OFX has no opening balance and no value date of its own; BAI2 and MT940 have no id of a line (it goes into the references), and MT940's
``:86:`` has 27 characters a piece; the CSVs are those of four kinds of banks.

>>> from bookhand.sandbox.bank.lines import BankAccount, BankLine
>>> paid = BankLine(id="1", day="2026-11-02", minor=1250, description="STRIPE PAYOUT")
>>> render(BankAccount(number="77", currency="EUR", lines=(paid,)), "csv_eu").decode().splitlines()[1]
'02.11.2026;02.11.2026;;STRIPE PAYOUT;;12,50;12,50;EUR'
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from bookhand.core.bank import StatementLine
from bookhand.sandbox.bank.bai2 import bai2
from bookhand.sandbox.bank.camt import camt053
from bookhand.sandbox.bank.lines import BankAccount, BankLine
from bookhand.sandbox.bank.mt940 import mt940
from bookhand.sandbox.bank.ofx import ofx_sgml, ofx_xml
from bookhand.sandbox.bank.tables import csv_eu, csv_in_out, csv_uk, csv_us

FileFormat = Literal[
    "ofx", "ofx_xml", "camt053", "camt053_v8", "mt940", "bai2", "csv", "csv_eu", "csv_uk", "csv_in_out"
]
FORMATS: dict[FileFormat, Callable[[BankAccount], bytes]] = {
    "ofx": ofx_sgml,
    "ofx_xml": ofx_xml,
    "camt053": lambda account: camt053(account, version="02"),
    "camt053_v8": lambda account: camt053(account, version="08"),
    "mt940": mt940,
    "bai2": bai2,
    "csv": csv_us,
    "csv_eu": csv_eu,
    "csv_uk": csv_uk,
    "csv_in_out": csv_in_out,
}
"""Every format that there is a writer for."""
ENDINGS: dict[FileFormat, str] = {
    "ofx": "qfx", "ofx_xml": "ofx", "camt053": "xml", "camt053_v8": "xml", "mt940": "sta", "bai2": "bai",
    "csv": "csv", "csv_eu": "csv", "csv_uk": "csv", "csv_in_out": "csv",
}  # fmt: skip
"""How the files of each are called at the end."""


def render(account: BankAccount, kind: FileFormat) -> bytes:
    """The file of `account` in a format."""
    return FORMATS[kind](account)


def render_lines(
    lines: Sequence[StatementLine], kind: FileFormat, *, number: str, currency: str, opening_minor: int = 0
) -> bytes:
    """The same from lines as the core has them (the seeded company's banks, a generated set), oldest first."""
    written = tuple(
        BankLine(
            id=line.native_id or line.key, day=line.day, value_day=line.value_day, minor=line.minor, description=line.description,
            counterparty=line.counterparty or "", reference=_reference(line), reversal=line.reversal,
            sent_minor=None if line.original_minor is None else abs(line.original_minor), sent_currency=line.original_currency,
        )
        for line in lines
    )  # fmt: skip
    return render(
        BankAccount(number=number, currency=currency, opening_minor=opening_minor, lines=written), kind
    )


def _reference(line: StatementLine) -> str:
    return next((each for each in line.references if each not in {line.native_id, line.key}), "")
