"""Whether a CSV contradicts what was confirmed for its columns. Pure."""

from __future__ import annotations

from itertools import groupby

from bookhand.systems.bank.columns.cells import MARKS, orders_of
from bookhand.systems.bank.columns.profile import Profile
from bookhand.systems.bank.columns.sheet import Sheet
from bookhand.systems.bank.columns.values import ORDERS, is_day, is_number


def contradiction(sheet: Sheet, profile: Profile) -> str | None:
    """What of `profile` the rows of `sheet` contradict as a whole, in words; None where nothing.

    A bank may change how it writes days and amounts, or another bank may call its columns the same: 03/04 would still be a day.
    """
    cells = [
        cell for cell, _ in groupby(_under(sheet, profile.date))
    ]  # many rows have the day of the row before
    days = [cell for cell in cells if any(is_day(cell, order) for order in ORDERS)]
    orders, ordered = orders_of(days)
    if profile.date_order and orders and not all(is_day(cell, profile.date_order) for cell in days):
        return f"with dates as {profile.date_order}, but those of this one read as {' or '.join(orders)}"
    if len(ordered) == 1 and profile.date_order not in {None, ordered[0]}:
        return (
            f"with dates as {profile.date_order}, but the rows of this one are in order only as {ordered[0]}"
        )
    names = [name for name in (profile.amount, profile.money_in, profile.money_out) if name]
    amounts = [cell for cell in {cell for name in names for cell in _under(sheet, name)} if is_number(cell)]
    marks = [mark for mark in MARKS if all(is_number(cell, mark) for cell in amounts)]
    if profile.decimal and marks and profile.decimal not in marks:
        return (
            f"with {profile.decimal!r} for decimals, but the amounts of this one read only with {marks[0]!r}"
        )
    return None


def _under(sheet: Sheet, name: str) -> list[str]:
    place = sheet.header.index(name)
    return [row.cells[place] for row in sheet.rows if row.cells[place]]
