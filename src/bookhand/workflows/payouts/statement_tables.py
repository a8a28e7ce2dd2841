"""The reconciliation statement as CSV and as a spreadsheet; pure.

Text in it may come from a bank or a customer. A cell of CSV that a spreadsheet would run as a formula gets an apostrophe before it; in the
spreadsheet itself such text is written as text.

>>> harmless("=1+1"), harmless(" @sum"), harmless("STRIPE TRANSFER"), harmless("A;=1+1")
("'=1+1", "' @sum", 'STRIPE TRANSFER', "A;'=1+1")
"""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell

from bookhand.core.money import Money, format_minor
from bookhand.workflows.payouts.statement import Reconciliation, Row, long_day, number_format, rows

_HEADER: Final = ("Section", "Day", "Text", "Reference", "Amount", "Currency", "Note")
_WIDTHS: Final = (34, 12, 58, 34, 18, 10, 60)
_RUNS: Final = re.compile(r"[\s\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_RUNS_LATER: Final = re.compile(r"(?<=[;\t\r\n])(?=[\s\ufeff\"]*[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""A place within the text at which a spreadsheet that parts cells by semicolons or tabs (as European ones do) begins a cell that runs."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_AMOUNT: Final = 4
_FIRST: Final = 5
"""The row of the first line in the spreadsheet, below its head."""


def harmless(text: str) -> str:
    """The text as a cell that no spreadsheet runs."""
    text = _RUNS_LATER.sub("'", text)
    return f"'{text}" if _RUNS.match(text) else text


def as_csv(found: Reconciliation) -> str:
    """One line for each row of the statement; amounts without thousands marks, negative ones in parentheses."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_HEADER)
    for section, row in _by_section(found):
        amount = "" if row.minor is None else format_minor(abs(row.minor), found.currency)
        amount = f"({amount})" if row.minor is not None and row.minor < 0 else amount
        writer.writerow([
            section, row.day, harmless(row.text), harmless(row.reference), amount, found.currency if amount else "", harmless(row.note),
        ])  # fmt: skip
    return out.getvalue()


def as_xlsx(found: Reconciliation) -> bytes:
    """A workbook of one sheet: amounts are numbers, sums are formulas with their values, the header stays in sight."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )  # fmt: skip
    at = datetime.fromisoformat(found.as_of).replace(tzinfo=UTC)
    book.set_properties({
        "title": f"Bank reconciliation {found.account}", "company": _clean(found.company), "created": at.replace(tzinfo=None),
    })  # fmt: skip
    _Sheet(book, found).write()
    book.close()
    return out.getvalue()


class _Sheet:
    def __init__(self, book: Any, found: Reconciliation) -> None:
        self.found = found
        self.sheet = book.add_worksheet("Reconciliation")
        money = {"num_format": number_format(found.currency)}
        plain = {"valign": "top"}
        self.text = {
            "item": book.add_format(plain | {"text_wrap": True}), "section": book.add_format({"bold": True, "font_size": 12}),
            "head": book.add_format({"bold": True, "bottom": 1, "bg_color": "#F2F2F2"}), "title": book.add_format({"bold": True, "font_size": 14}),
            "sum": book.add_format({"bold": True}),
        }  # fmt: skip
        self.number = {
            "item": book.add_format(plain | money), "subtotal": book.add_format(money | {"top": 1}),
            "balance": book.add_format(money | {"bold": True}), "total": book.add_format(money | {"bold": True, "top": 1}),
            "difference": book.add_format(money | {"bold": True, "top": 1, "bottom": 6}),
        }  # fmt: skip
        self.start, self.cells, self.subtotals = 0, dict[str, str](), list[str]()

    def write(self) -> None:
        found, sheet = self.found, self.sheet
        sheet.write_string(0, 0, _clean(found.company), self.text["title"])
        sheet.write_string(1, 0, f"Bank reconciliation, {long_day(found.as_of)}")
        sheet.write_string(2, 0, _clean(f"Account {found.account}, {found.currency}"))
        for column, (name, width) in enumerate(zip(_HEADER, _WIDTHS, strict=True)):
            sheet.set_column(column, column, width)
            sheet.write_string(_FIRST - 1, column, name, self.text["head"])
        sheet.freeze_panes(_FIRST, 0)
        at = _FIRST
        for at, (section, row) in enumerate(_by_section(found), start=_FIRST):
            self._row(at, section, row)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(_FIRST - 1)
        sheet.print_area(0, 0, at, len(_HEADER) - 1)
        sheet.set_footer("&L" + _clean(found.company).replace("&", "&&") + "&RPage &P of &N")

    def _row(self, at: int, section: str, row: Row) -> None:
        text = (
            self.text["item"]
            if row.kind == "item"
            else self.text["section" if row.kind == "section" else "sum"]
        )
        for column, value in ((0, section), (1, row.day), (2, row.text), (3, row.reference), (6, row.note)):
            if value:
                self.sheet.write_string(at, column, _clean(value), text)
        if row.kind == "section":
            self.start = at + 1
        if row.minor is None:
            return
        cell = xl_rowcol_to_cell(at, _AMOUNT)
        self._amount(at, cell, row, Money(row.minor, self.found.currency).decimal)
        self.sheet.write_string(at, 5, self.found.currency)

    def _amount(self, at: int, cell: str, row: Row, value: Decimal) -> None:
        look = self.number[row.kind]
        match row.kind:
            case "subtotal":
                first = xl_rowcol_to_cell(self.start, _AMOUNT)
                last = xl_rowcol_to_cell(at - 1, _AMOUNT)
                self.sheet.write_formula(cell, f"=SUM({first}:{last})", look, str(value))
                self.subtotals.append(cell)
            case "total":
                self.sheet.write_formula(
                    cell, "=" + "+".join([self.cells["bank"], *self.subtotals]), look, str(value)
                )
                self.cells["total"] = cell
            case "difference":
                self.sheet.write_formula(
                    cell, f"=ROUND({self.cells['books']}-{self.cells['total']},3)", look, str(value)
                )
            case _:
                self.sheet.write_number(cell, value, look)
                if row.kind == "balance":
                    self.cells["books" if "bank" in self.cells else "bank"] = cell


def _by_section(found: Reconciliation) -> list[tuple[str, Row]]:
    section, told = "", []
    for row in rows(found):
        if row.kind == "section":
            section = row.text
        elif row.kind not in {"item", "subtotal"}:
            section = ""
        told.append((section, row))
    return told


def _clean(text: str) -> str:
    """Without the characters that XML cannot hold, at the length that a cell can."""
    return _CONTROL.sub("", text)[:32_000]
