"""The reconciliation statement: its arithmetic, and the three files of it read back by programs that are not ours."""

from __future__ import annotations

import csv
import io
import re

import openpyxl
import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookhand.workflows.payouts.breaks import Break, Cause
from bookhand.workflows.payouts.statement import Item, Reconciliation, accounting, item_of, rows
from bookhand.workflows.payouts.statement_page import as_pdf, as_pictures
from bookhand.workflows.payouts.statement_tables import as_csv, as_xlsx, harmless

EVIL = '=cmd|"/c calc"!A1 #let x = $y$ *z* STRIPE'
items = st.lists(
    st.builds(
        Item, cause=st.sampled_from(list(Cause)), day=st.sampled_from(["2026-11-01", "2026-11-30"]),
        minor=st.integers(-(10**12), 10**12), text=st.text(max_size=30), reference=st.text(max_size=30),
    ),
    max_size=12,
)  # fmt: skip


def statement(count: int = 3, *, off: int = 0, currency: str = "USD") -> Reconciliation:
    made = (
        Item(cause=Cause.IN_TRANSIT, day="2026-11-30", minor=990_050, text="Payout", reference="po_1Q"),
        Item(cause=Cause.MISSING, day="2026-11-18", minor=125_000, text="Payout", reference="po_1R", owner="mia@acme.example"),
        Item(cause=Cause.LOOKS_LIKE_STRIPE, day="2026-11-12", minor=-42_000, text=EVIL, reference="@k7"),
        *(Item(cause=Cause.FOREIGN, day="2026-11-05", minor=-7 * n, text=f"CITY POWER {n}", reference=f"{n}") for n in range(3, count)),
    )  # fmt: skip
    return Reconciliation(
        company="Acme & Söhne, Inc.", account="DE02 1203 0000", currency=currency, as_of="2026-11-30", bank_minor=12_345_678,
        books_minor=12_345_678 + sum(item.minor for item in made) + off, items=made,
    )  # fmt: skip


@given(items=items, bank=st.integers(-(10**12), 10**12), books=st.integers(-(10**12), 10**12))
def test_bank_and_items_and_difference_are_the_books(items, bank, books):
    found = Reconciliation(
        company="A", account="B", currency="USD", as_of="2026-11-30", bank_minor=bank, books_minor=books, items=tuple(items)
    )  # fmt: skip
    told = list(rows(found))
    told_items = [row.minor for row in told if row.kind == "item"]
    assert sorted(told_items) == sorted(item.minor for item in items)
    assert sum(row.minor for row in told if row.kind == "subtotal") == sum(told_items)
    assert told[-1].minor == books - bank - sum(told_items)
    assert told[-1].text == ("Difference" if told[-1].minor == 0 else "Unexplained difference")
    assert {cause for section in found.sections for cause in [item.cause for item in section.items]} == {
        item.cause for item in items
    }


def test_a_break_leads_from_the_bank_to_the_books():
    """What the bank has more is taken away on the way to the books."""
    found = item_of(
        Break(cause=Cause.FOREIGN, currency="USD", minor=500, since="2026-11-05", lines=(("A1", "k7"),)),
        text="CITY POWER",
    )
    assert (found.minor, found.reference, found.day) == (-500, "k7", "2026-11-05")


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(0, "USD", "0.00"), (-5, "USD", "(0.05)"), (123456789, "JPY", "123,456,789"), (-1234567, "KWD", "(1,234.567)"), (100000, "EUR", "1,000.00")],
)  # fmt: skip
def test_amounts_are_the_accountants_way(minor, currency, text):
    assert accounting(minor, currency) == text


@given(st.text(max_size=20))
def test_no_cell_is_a_formula(text):
    cell = harmless(text)
    assert cell.lstrip()[:1] not in {"=", "+", "-", "@"}
    assert cell[:1] not in {"\t", "\r", "\n"}
    assert cell.replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize("mark", [";", "\t", "\n", "\r\n"])
@pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", '"='])
def test_no_part_of_a_cell_is_a_formula_where_semicolons_or_tabs_part_cells(mark, start):
    cell = harmless(f"STRIPE{mark}{start}1+1{mark}{start}2")
    parts = [part.strip(' "') for part in re.split(r"[;\t\r\n]", cell)]
    assert not [part for part in parts if part[:1] in {"=", "+", "-", "@"}]


def test_csv():
    table = list(
        csv.DictReader(
            io.StringIO(
                as_csv(
                    statement(),
                ),
                newline="",
            )
        )
    )
    by_text = {row["Text"]: row for row in table}
    assert by_text["Balance per bank, 30 November 2026"]["Amount"] == "123456.78"
    assert by_text[f"'{EVIL}"]["Amount"] == "(420.00)"
    assert by_text[f"'{EVIL}"]["Reference"] == "'@k7"
    assert by_text["Difference"]["Amount"] == "0.00"
    assert not [cell for row in table for cell in row.values() if cell[:1] in set("=+-@\t")]


def test_spreadsheet():
    """Numbers are numbers, sums are formulas whose kept values are right, text is text, and the header stays."""
    data = as_xlsx(statement(40, off=37))
    shown = openpyxl.load_workbook(io.BytesIO(data), data_only=True)["Reconciliation"]
    written = openpyxl.load_workbook(io.BytesIO(data))["Reconciliation"]
    assert shown.freeze_panes == "A6"
    amounts = {row[2].value: row[4] for row in shown.iter_rows(min_row=6)}
    assert float(amounts["Balance per bank, 30 November 2026"].value) == 123456.78
    assert amounts["Payout"].number_format == "#,##0.00_);(#,##0.00)"
    assert float(amounts["Unexplained difference"].value) == 0.37
    evil = next(cell for row in written.iter_rows(min_row=6) for cell in row if cell.value == EVIL)
    assert evil.data_type == "s"
    formulas = {row[2].value: row[4].value for row in written.iter_rows(min_row=6) if row[4].data_type == "f"}
    assert all(value.startswith("=") for value in formulas.values())
    _check_sums(written, shown)
    assert shown.column_dimensions["C"].width > 40


def _check_sums(written, shown) -> None:
    """Each SUM covers exactly its items."""
    checked = 0
    for row in written.iter_rows(min_row=6):
        value = row[4].value
        if isinstance(value, str) and value.startswith("=SUM("):
            first, last = value.removeprefix("=SUM(").removesuffix(")").split(":")
            parts = [float(cell[0].value) for cell in shown[first:last]]
            assert sum(parts) == pytest.approx(float(shown[row[4].coordinate].value), abs=0.001)
            checked += 1
    assert checked == 4


def test_pdf_of_several_pages():
    pages = pypdf.PdfReader(io.BytesIO(as_pdf(statement(120, off=37)))).pages
    assert len(pages) >= 3
    text = [page.extract_text() for page in pages]
    for number, one in enumerate(text, start=1):
        assert "Acme & Söhne, Inc." in one
        assert f"Page {number} of {len(pages)}" in one
    assert "Balance per bank, 30 November 2026" in text[0]
    assert "123,456.78" in text[0]
    assert "(420.00)" in text[0]
    assert "#let x = $y$ *z*" in text[0]
    assert "Unexplained difference" in text[-1]
    assert "0.37 USD are not explained" in text[-1]


def test_pdf_that_holds_says_so_and_is_the_same_each_time():
    data = as_pdf(statement())
    assert data == as_pdf(statement())
    assert "to the cent" in pypdf.PdfReader(io.BytesIO(data)).pages[-1].extract_text()
    assert as_pictures(statement())[0].startswith(b"\x89PNG")
