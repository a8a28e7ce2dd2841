"""The rows of a CSV as statements, by a confirmed profile: strictly, or refused with the row. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from bookhand.core.bank import Statement, StatementLine
from bookhand.core.problems import Refusal
from bookhand.systems.bank.columns.chain import balance, breaks, moved
from bookhand.systems.bank.columns.profile import Profile
from bookhand.systems.bank.columns.sheet import Row, Sheet
from bookhand.systems.bank.columns.values import day_of, number_of
from bookhand.systems.bank.columns.words import NOT_BOOKED, STATUS, plain
from bookhand.systems.bank.figures import currency_of, scaled

FORMAT = "CSV"
_SHOWN = 80
_MOST_TOLD = 5


class Unlike(Refusal):
    """The file is not as those for which its profile was confirmed: it is to be confirmed anew."""


class _Read(NamedTuple):
    row: Row
    line: StatementLine
    moved: Decimal
    balance: Decimal | None


def statements_of(sheet: Sheet, profile: Profile, account: str) -> list[Statement]:
    """One statement for each account and currency of the file (`account` where no column names one); lines oldest first.

    `Refusal` names the row that cannot be read. Rows without a day (sums, notes) and rows that are not booked are no lines, and are told.
    """
    read, left, rows = [], [], booked_rows(sheet)
    unbooked = len(sheet.rows) - len(rows)
    for row in rows:
        date = row.cells[sheet.header.index(profile.date)]
        if not date:
            left.append(row)
            continue
        read.append(_read(sheet, profile, account, row, left))
    kept = [each for each in read if each is not None]
    if not kept:
        raise Refusal("No row of the table (CSV) is a booked line.")
    groups: dict[tuple[str, str], list[_Read]] = {}
    for each in kept:
        groups.setdefault((each.line.account, each.line.currency), []).append(each)
    made = [_statement(profile, group) for group in groups.values()]
    if not profile.balance or any(each.warnings for each in made):
        _refuse_two_ways_out(sheet, profile, [each.row for each in kept])
        _refuse_two_signs(sheet, profile, [each.row for each in kept])
    first = msgspec.structs.replace(
        made[0],
        warnings=(*made[0].warnings, *_amounts_without_day(sheet, profile, left)),
        notes=_notes(left, unbooked),
    )
    return [first, *made[1:]]


def booked_rows(sheet: Sheet) -> list[Row]:
    """The rows but for those of which a column says that they moved no money, or have not yet."""
    status = [place for place, name in enumerate(sheet.header) if plain(name) in STATUS]
    return [row for row in sheet.rows if not any(plain(row.cells[place]) in NOT_BOOKED for place in status)]


def _amounts_without_day(sheet: Sheet, profile: Profile, left: Sequence[Row]) -> tuple[str, ...]:
    """Rows that may be sums, or lines whose day is missing: somebody looks at them."""
    places = [
        sheet.header.index(name) for name in (profile.amount, profile.money_in, profile.money_out) if name
    ]
    found = [row for row in left if any(row.cells[place] for place in places)]
    return tuple(
        f"Row {row.line} has an amount and no day, and is no line: {row.raw[:_SHOWN]!r}."
        for row in found[:_MOST_TOLD]
    )


def _notes(left: Sequence[Row], unbooked: int) -> tuple[str, ...]:
    told: tuple[str, ...] = ()
    if unbooked:
        told = (f"{unbooked} rows are not booked (their status says so): they are no lines.",)
    told += tuple(f"Row {row.line} is no line: {row.raw[:_SHOWN]!r}." for row in left[:_MOST_TOLD])
    return told if len(left) <= _MOST_TOLD else (*told, f"{len(left) - _MOST_TOLD} more rows are no lines.")


def _read(sheet: Sheet, profile: Profile, account: str, row: Row, left: list[Row]) -> _Read | None:
    def cell(name: str | None) -> str:
        return row.cells[sheet.header.index(name)] if name else ""

    try:
        day = day_of(cell(profile.date), profile.date_order or "YMD")
    except ValueError as error:
        if not any(cell(name) for name in (profile.amount, profile.money_in, profile.money_out)):
            left.append(row)
            return None
        raise Refusal(
            f"Row {row.line}, column {profile.date!r}: {error}. Nothing of the file was taken."
        ) from None
    _refuse_misplaced(sheet, profile, row)
    if profile.amount is None and not (cell(profile.money_in) or cell(profile.money_out)):
        left.append(row)  # a balance brought forward, say: nothing moved
        return None
    try:
        currency = currency_of(cell(profile.currency_column) or profile.currency or "")
        amount = moved(sheet.header, row, profile) * (profile.sign or 1)
        stated = balance(sheet.header, row, profile) if profile.balance and cell(profile.balance) else None
        line = StatementLine(
            account=cell(profile.account_column) or account, key="", day=day,
            value_day=day_of(cell(profile.value_date), profile.date_order or "YMD") if cell(profile.value_date) else None,
            currency=currency, minor=scaled(amount, currency), counterparty=cell(profile.counterparty) or None,
            description=" ".join(dict.fromkeys(text for name in profile.description if (text := " ".join(cell(name).split())))),
            references=tuple(dict.fromkeys(text for name in (profile.native_id, *profile.references) if (text := cell(name)))),
            native_id=cell(profile.native_id) or None, raw=row.raw,
        )  # fmt: skip
    except ValueError as error:
        raise Refusal(f"Row {row.line}: {error}. Nothing of the file was taken.") from None
    return _Read(row, line, amount, stated)


def _refuse_misplaced(sheet: Sheet, profile: Profile, row: Row) -> None:
    """`Refusal` for a row whose cells may not stand in their columns: one has too many, one ends before its amount."""
    if len(row.cells) > len(sheet.header):
        raise Refusal(
            f"Row {row.line} has {len(row.cells)} cells, and the table {len(sheet.header)} columns: nobody can say which cell is of which column "
            f"({row.raw[:_SHOWN]!r}). Is there a {sheet.delimiter!r} in a text without quotation marks? Nothing of the file was taken."
        )
    names = [name for name in (profile.amount, profile.money_in, profile.money_out) if name]
    if row.short and not any(row.cells[sheet.header.index(name)] for name in names):
        raise Refusal(
            f"Row {row.line} ends before its amount: {row.raw[:_SHOWN]!r}. Is the file cut off? Nothing of it was taken; get it from the bank again."
        )


def _refuse_two_ways_out(sheet: Sheet, profile: Profile, rows: Sequence[Row]) -> None:
    """`Refusal` where the column for money out has both signs, and no balances show that both went out.

    Some banks write what went out with a minus there, some without; one that does both means something else by one of them.
    """
    if profile.money_out is None:
        return
    place = sheet.header.index(profile.money_out)
    below: dict[bool, Row] = {}
    for row in rows:
        if row.cells[place] and (value := number_of(row.cells[place], profile.decimal or ".")):
            below.setdefault(value < 0, row)
    if len(below) > 1:
        raise Refusal(
            f"Column {profile.money_out!r} has amounts with and without a minus (rows {below[False].line} and {below[True].line}), and no balance "
            "shows that both went out. Nothing of the file was taken: export it with the balance of each row, or in another format."
        )


def _refuse_two_signs(sheet: Sheet, profile: Profile, rows: Sequence[Row]) -> None:
    """`Refusal` where an amount has a minus beside a column that says which way it goes, and no balances show what both mean.

    A bank that writes both means money that went out; one that takes a debit back means money that came in.
    """
    if profile.direction is None or profile.amount is None:
        return
    place = sheet.header.index(profile.amount)
    for row in rows:
        if number_of(row.cells[place], profile.decimal or ".") < 0:
            raise Unlike(
                f"Row {row.line} has {row.cells[place]!r} in column {profile.amount!r} and {row.cells[sheet.header.index(profile.direction)]!r} in column "
                f"{profile.direction!r}, and no balance shows which way it goes. Nothing of the file was taken: where the minus alone says it, confirm "
                "the file with direction: null, else export it with the balance of each row."
            )


def _statement(profile: Profile, group: Sequence[_Read]) -> Statement:
    order = _order(group) or profile.order or "oldest_first"
    oldest_first = list(group) if order == "oldest_first" else list(reversed(group))
    pairs = [(each.moved, each.balance) for each in oldest_first if each.balance is not None]
    whole = len(pairs) == len(group)
    currency = group[0].line.currency
    opening = closing = None
    warnings: tuple[str, ...] = ()
    if profile.balance and whole:
        opening = scaled(pairs[0][1] - pairs[0][0], currency)
        closing = scaled(pairs[-1][1], currency)
        places = breaks([(minor, stated) for minor, stated in pairs], 1, "oldest_first")
        warnings = tuple(
            f"Row {oldest_first[place].row.line}: its balance does not go on from the row before: a line is missing, or stands twice."
            for place in places[:_MOST_TOLD]
        )
    elif profile.balance:
        warnings = (f"{len(group) - len(pairs)} rows state no balance: the balances were not checked.",)
    return Statement(
        account=group[0].line.account, currency=currency, format=FORMAT, opening_minor=opening, closing_minor=closing,
        opening_day=oldest_first[0].line.day, closing_day=oldest_first[-1].line.day,
        lines=tuple(each.line for each in oldest_first), warnings=warnings,
    )  # fmt: skip


def _order(group: Sequence[_Read]) -> str | None:
    """The order of this file, where its days show it."""
    first, last = group[0].line.day, group[-1].line.day
    return None if first == last else "oldest_first" if first < last else "newest_first"
