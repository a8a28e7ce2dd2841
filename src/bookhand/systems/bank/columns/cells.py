"""What the cells of a CSV's column say together. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from bookhand.systems.bank.columns.profile import Order
from bookhand.systems.bank.columns.values import ORDERS, DayOrder, Mark, day_of, is_day, is_number, number_of

MARKS: tuple[Mark, ...] = (".", ",")
_LEAST_DAYS = 3


def sign_of(cell: str) -> int:
    """-1, 0 or 1, whatever marks the decimals; 0 for what is no number."""
    found = [number_of(cell, mark) for mark in MARKS if is_number(cell, mark)]
    return (found[0] > 0) - (found[0] < 0) if found else 0


def orders_of(cells: Sequence[str]) -> tuple[list[DayOrder], list[DayOrder]]:
    """The orders in which every cell is a day (those that make the same days once), and those of them in which the rows are in order."""
    read: dict[tuple[str, ...], DayOrder] = {}
    for order in ORDERS:
        if all(is_day(cell, order) for cell in cells):
            read.setdefault(tuple(day_of(cell, order) for cell in cells), order)
    return list(read.values()), [order for days, order in read.items() if is_ordered(days)]


def are_counted(cells: Sequence[str]) -> bool:
    """Whether they are the numbers of the rows, 1, 2, 3 or from the last to the first: of the next file other rows would have them."""
    if not cells[1:] or not all(re.fullmatch("[0-9]{1,9}", cell) for cell in cells):
        return False
    numbers = [int(cell) for cell in cells]
    first = min(numbers[0], numbers[-1])
    counted = list(range(first, first + len(numbers)))
    return first in {0, 1} and numbers in (counted, counted[::-1])


def order_of(cells: Sequence[str], order: DayOrder | None) -> Order | None:
    """In which direction days go from the first to the last; None where they are the same, or nobody knows how to read them."""
    if not cells or order is None:
        return None
    first, last = day_of(cells[0], order), day_of(cells[-1], order)
    return None if first == last else "oldest_first" if first < last else "newest_first"


def is_ordered(days: Sequence[str]) -> bool:
    """Whether at least three different days never go back, or never go on."""
    if len(set(days)) < _LEAST_DAYS:
        return False
    return list(days) == sorted(days) or list(days) == sorted(days, reverse=True)


def places_of(value: Decimal) -> int:
    """How many digits it has behind the point."""
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0
