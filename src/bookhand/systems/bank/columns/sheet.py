r"""A CSV file as rows: its delimiter, the row its header is in, and each row as it stood in the file. Pure.

>>> found = sheet_of("Account;123\n\nDate;Text;Amount\n02.11.2026;\"STRIPE; Inc\";12,50\n")
>>> found.delimiter, found.header, found.rows[0].cells, found.rows[0].line
(';', ('Date', 'Text', 'Amount'), ('02.11.2026', 'STRIPE; Inc', '12,50'), 4)
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator

import msgspec

from bookhand.core.problems import Refusal
from bookhand.systems.bank.columns.values import ORDERS, is_day

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_ROWS = 200
_LEAST_COLUMNS = 2
_MOST_COLUMNS = 200
_LONGEST_CELL = 200_000
_LONGEST_VALUE = 60
_VALUE = re.compile(r"^[\s\d.,:/+\-'()$€£¥%]*\d[\s\d.,:/+\-'()$€£¥%]*$")


class Row(msgspec.Struct, frozen=True):
    """One record: its cells without outer white space, the line of the file it begins in, and the text as it stood."""

    cells: tuple[str, ...]
    line: int
    raw: str
    short: bool = False
    """Whether it ended before the last column: the missing cells are empty."""


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """The table in a CSV file. Without a header the columns are called ``column 1`` and so on."""

    delimiter: str
    header: tuple[str, ...]
    has_header: bool
    rows: tuple[Row, ...]
    before: tuple[str, ...] = ()
    """What stands above the table, line by line: the account's number, often."""

    @property
    def fingerprint(self) -> str:
        """What a remembered profile is found by: the columns' names in their order, and the delimiter."""
        names = [re.sub(r"\s+", " ", name).strip().lower() for name in self.header]
        said = "\x1f".join((self.delimiter, *names))
        return hashlib.sha256(said.encode()).hexdigest()[:32]


def sheet_of(text: str) -> Sheet:
    """The table; `Refusal` where there is none, or where a quotation mark is opened and not closed."""
    by_delimiter = {mark: _sampled(text, mark) for mark in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda mark: _score(by_delimiter[mark]))
    width, _ = _width(by_delimiter[delimiter])
    if width < _LEAST_COLUMNS:
        raise Refusal(
            "This is none of the formats that are read: not OFX, CAMT.053, MT940 or BAI2, and no table (CSV) with at least two columns."
        )
    if width > _MOST_COLUMNS:
        raise Refusal(f"The table has {width} columns, more than any statement has: it was refused.")
    rows = [row for row in _rows(text, delimiter) if any(row.cells)]
    _refuse_open_quotes(rows, delimiter, width)
    begin = next((place for place, row in enumerate(rows) if _fits(row, width) and _has_day(row)), 0)
    head = next((place for place in range(begin - 1, -1, -1) if _is_header(rows[place], width)), None)
    header = (
        _named(rows[head].cells) if head is not None else tuple(f"column {n}" for n in range(1, width + 1))
    )
    body = rows[begin if head is None else head + 1 :]
    return Sheet(
        delimiter=delimiter, header=header, has_header=head is not None, rows=tuple(_trimmed(row, len(header)) for row in body),
        before=tuple(row.raw for row in rows[: begin if head is None else head]),
    )  # fmt: skip


def _rows(text: str, delimiter: str, *, most: int | None = None) -> Iterator[Row]:
    lines = list(io.StringIO(text, newline=""))
    reader = csv.reader(iter(lines), delimiter=delimiter, strict=False)
    before = 0
    csv.field_size_limit(_LONGEST_CELL)
    try:
        for count, cells in enumerate(reader):
            if most is not None and count >= most:
                return
            raw = "".join(lines[before : reader.line_num]).rstrip("\r\n")
            yield Row(tuple(cell.strip().strip("\ufeff") for cell in cells), before + 1, raw)
            before = reader.line_num
    except csv.Error as error:
        raise Refusal(f"Line {reader.line_num} of the CSV file cannot be read: {error}.") from None


def _refuse_open_quotes(rows: list[Row], delimiter: str, width: int) -> None:
    """`Refusal` for a quotation mark that is not closed: it takes the rows below into one cell, up to the next mark or the end.

    A cell may well have lines of its own. It is told from rows that were taken in by three things: its quotation marks are as they should be, the
    file does not end in it, and none of its lines is a row.
    """
    for place, row in enumerate(rows):
        last = place == len(rows) - 1
        if not (last or "\n" in row.raw or "\r" in row.raw):
            continue
        if (
            _goes_on(row.raw, delimiter)
            or not _is_well_quoted(row, delimiter)
            or _holds_rows(row, delimiter, width)
        ):
            raise Refusal(
                f"A quotation mark in the row that begins in line {row.line} is not closed where it should be, and takes in what follows: "
                f"{row.raw[:_LONGEST_VALUE]!r}. Nothing of the file was taken; get it from the bank again, or close the mark."
            )


def _goes_on(raw: str, delimiter: str) -> bool:
    """Whether a record is still in quotation marks where it ends."""
    return len(list(csv.reader([f"{raw}\n", "end"], delimiter=delimiter))) == 1


def _is_well_quoted(row: Row, delimiter: str) -> bool:
    """Whether a record of several lines has each quotation mark at the edge of a cell, or doubled."""
    if len(row.raw.splitlines()) == 1:
        return True  # within a line, banks write marks as they please
    try:
        list(csv.reader(io.StringIO(row.raw, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        return False
    return True


def _holds_rows(row: Row, delimiter: str, width: int) -> bool:
    """Whether a line within a record of several looks like a row: about as wide as the table, with a day."""
    inner = row.raw.splitlines()[1:]
    return any(
        line.count(delimiter) >= width - 1 and any(is_day(cell.strip(), order) for cell in line.split(delimiter) for order in ORDERS)
        for line in inner
    )  # fmt: skip


def _sampled(text: str, delimiter: str) -> list[Row]:
    try:
        return list(_rows(text, delimiter, most=_SAMPLE_ROWS))
    except Refusal:
        return []


def _width(rows: list[Row]) -> tuple[int, int]:
    """The number of columns that most rows have, and how many do."""
    counts = Counter(len(row.cells) for row in rows if any(row.cells))
    if not counts:
        return 0, 0
    return max(counts.items(), key=lambda item: (item[1] * min(item[0], 3), item[0]))


def _score(rows: list[Row]) -> tuple[float, int]:
    width, count = _width(rows)
    filled = sum(1 for row in rows if any(row.cells))
    return (count / filled if width >= _LEAST_COLUMNS and filled else 0.0, width)


def _fits(row: Row, width: int) -> bool:
    """Whether a row may be one of the table: as wide as the others, give or take one."""
    return width - 1 <= len(row.cells) <= width + 1


def _has_day(row: Row) -> bool:
    return any(is_day(cell, order) for cell in row.cells for order in ORDERS)


def _is_header(row: Row, width: int) -> bool:
    """Whether a row is all names, and most of it filled."""
    return (
        _fits(row, width) and sum(map(bool, row.cells)) * 2 >= width and not any(len(cell) < _LONGEST_VALUE and _VALUE.match(cell) for cell in row.cells)
    )  # fmt: skip


def _named(cells: tuple[str, ...]) -> tuple[str, ...]:
    """Names that are each once: a second ``Name`` is ``Name (2)``."""
    seen: Counter[str] = Counter()
    named = []
    for place, cell in enumerate(cells, start=1):
        name = cell or f"column {place}"
        seen[name] += 1
        named.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(named)


def _trimmed(row: Row, width: int) -> Row:
    """Cells as many as the header has: an empty one too many at the end is dropped, missing ones are empty."""
    cells = row.cells
    while len(cells) > width and not cells[-1]:
        cells = cells[:-1]
    return msgspec.structs.replace(row, cells=cells + ("",) * (width - len(cells)), short=len(cells) < width)
