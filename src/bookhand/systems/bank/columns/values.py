"""Cells: days and numbers as people's programs write them. Pure.

>>> day_of("3/4/2026", "DMY"), day_of("3/4/2026", "MDY"), day_of("02 Nov 2026", "DMY"), day_of("2026-11-02 10:00", "YMD")
('2026-04-03', '2026-03-04', '2026-11-02', '2026-11-02')
>>> [str(number_of(each, ",")) for each in ("1.234,50", "(12,00)", "12,50-", "€ 3", "-4")]
['1234.50', '-12.00', '-12.50', '3', '-4']
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal

from bookhand.systems.bank.figures import calendar_day, full_year

DayOrder = Literal["YMD", "DMY", "MDY"]
Mark = Literal[".", ","]
ORDERS: tuple[DayOrder, ...] = ("YMD", "DMY", "MDY")

_TIME = r"(?:[T ,]+\d{1,2}:\d{2}.*)?"
_YMD = re.compile(rf"(\d{{4}})([-/.]?)(\d{{2}})\2(\d{{2}}){_TIME}", re.ASCII)
_NUMERIC = re.compile(rf"(\d{{1,2}})([-/. ])(\d{{1,2}})\2\s?(\d{{4}}|\d{{2}}){_TIME}", re.ASCII)
_DAY_FIRST = re.compile(rf"(\d{{1,2}})[-/. ]\s?([A-Za-z]{{3,9}})\.?[-/, ]+(\d{{4}}|\d{{2}}){_TIME}", re.ASCII)
_MONTH_FIRST = re.compile(rf"([A-Za-z]{{3,9}})\.?[- ](\d{{1,2}}),?[- ]+(\d{{4}}|\d{{2}}){_TIME}", re.ASCII)
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, start=1)}
_SHORT_YEAR = 2
_MINUS = str.maketrans(
    {"\u2212": "-", "\u2013": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'"}
)
_AROUND = re.compile(r"^(?:[A-Z]{3}\b|[$€£¥₹])?\s*(.*?)\s*(?:\b[A-Z]{3}|[$€£¥₹])?$")
_SIDE = re.compile(r"\s*(CR|DR)\.?$", re.IGNORECASE)
_DIGITS = re.compile(r"[+-]?(?:\d[\d.,' ]*|[.,]\d+)", re.ASCII)
_LONGEST = 60


def day_of(cell: str, order: DayOrder) -> str:
    """The ISO date of a cell; `ValueError` where it is none in this order."""
    text = cell.strip()
    if len(text) > _LONGEST:
        raise ValueError(f"{text[:_LONGEST]!r} is no day: it is too long")
    for shape, parts in ((_DAY_FIRST, (2, 1)), (_MONTH_FIRST, (1, 2))):
        found = shape.fullmatch(text)
        if found and found[parts[0]][:3].lower() in _MONTHS:
            return calendar_day(_year(found[3]), _MONTHS[found[parts[0]][:3].lower()], int(found[parts[1]]))
    if order == "YMD":
        found = _YMD.fullmatch(text)
        if found:
            return calendar_day(int(found[1]), int(found[3]), int(found[4]))
    else:
        found = _NUMERIC.fullmatch(text)
        if found:
            first, second = int(found[1]), int(found[3])
            month, day = (first, second) if order == "MDY" else (second, first)
            return calendar_day(_year(found[4]), month, day)
    raise ValueError(f"{text[:_LONGEST]!r} is no day in the order {order}")


def is_day(cell: str, order: DayOrder) -> bool:
    """Whether a cell is a day in this order."""
    try:
        day_of(cell, order)
    except ValueError:
        return False
    return True


def number_of(cell: str, mark: Mark) -> Decimal:
    """The exact number in a cell whose decimal mark is `mark`; `ValueError` where it is none.

    A minus may stand before or behind, parentheses and ``DR`` are a minus, a currency's sign or code may stand around.
    """
    text = cell.translate(_MINUS).strip()
    if len(text) > _LONGEST:
        raise ValueError(f"{text[:_LONGEST]!r} is no number: it is too long")
    side = _SIDE.search(text)
    text = _SIDE.sub("", text)
    minuses = int(bool(side and side[1].upper() == "DR"))
    if text.startswith("(") and text.endswith(")"):
        minuses, text = minuses + 1, text[1:-1].strip()
    if text.startswith("-") or text.endswith("-"):
        minuses, text = minuses + 1, text.removeprefix("-").removesuffix("-").strip()
    around = _AROUND.match(text)
    text = (around[1] if around else text).strip()
    if text.startswith("-"):
        minuses, text = minuses + 1, text[1:].strip()
    if minuses > 1:
        raise ValueError(
            f"{cell.strip()[:_LONGEST]!r} has two marks of a minus, and nobody can say whether the second takes back the first"
        )
    if not _DIGITS.fullmatch(text):
        raise ValueError(f"{cell.strip()[:_LONGEST]!r} is no number")
    value = _plain(text, mark)
    return -value if minuses else value


def _plain(text: str, mark: Mark) -> Decimal:
    thousands = "," if mark == "." else "."
    whole, point, rest = text.lstrip("+").partition(mark)
    groups = re.split(rf"[{re.escape(thousands)}' ]", whole)
    well = (
        len(groups) == 1
        or (all(len(part) in {2, 3} for part in groups[1:]) and 1 <= len(groups[0]) <= 3 and len(groups[-1]) == 3)  # noqa: PLR2004 (thousands; India groups by two)
    )  # fmt: skip
    if not well or not all(part.isdigit() or (len(groups) == 1 and not part) for part in groups):
        raise ValueError(f"{text!r} is no number with {mark!r} for decimals")
    if point and not (rest == "" or rest.isdigit()):
        raise ValueError(f"{text!r} is no number with {mark!r} for decimals")
    return Decimal(f"{''.join(groups) or '0'}.{rest or '0'}" if rest else "".join(groups))


def is_number(cell: str, mark: Mark | None = None) -> bool:
    """Whether a cell is a number (with this decimal mark, or any)."""
    for each in (mark,) if mark else (".", ","):
        try:
            number_of(cell, each)
        except ValueError:
            continue
        return True
    return False


def _year(digits: str) -> int:
    return full_year(digits) if len(digits) == _SHORT_YEAR else int(digits)
