"""Statements that go on in the middle of a day: the lines of that day are counted on where the newest statement here ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from bookhand.core.bank import Statement, StatementLine
from bookhand.systems.bank import checks, store
from bookhand.systems.connection import Connection

if TYPE_CHECKING:
    from bookhand.systems.bank.store import Transaction


def going_on(
    cx: Transaction, owners: Mapping[str, Connection], statements: Sequence[Statement]
) -> list[Statement]:
    """The statements of a file with keys that go on where the newest one here ended in the middle of a day.

    Where the balance before the file's first statement is the closing balance of the newest one, and of its last day, the file's lines
    of that day are others than those that are here, however equal they are.
    """
    here: dict[tuple[str, str], Counter[str]] = {}
    for statement in sorted(statements, key=_begins):
        span, place = checks.span_of(statement), (statement.account, statement.currency or "")
        if place in here:
            continue
        here[place] = Counter()
        link = owners[statement.account].link
        newest = store.newest(cx, link, statement.account, statement.currency)
        if (
            span is not None and newest is not None and newest.closing is not None and newest.closing == span.opening
            and newest.opening != newest.closing and newest.last_day == span.first_day
        ):  # fmt: skip
            keys = store.keys_on(cx, link, statement.account, span.first_day)
            here[place] = Counter(key.rpartition("#")[0] for key in keys)
    return [
        msgspec.structs.replace(
            each,
            lines=tuple(_counted_on(line, here[each.account, each.currency or ""]) for line in each.lines),
        )
        for each in statements
    ]


def _begins(statement: Statement) -> tuple[str, str]:
    span = checks.span_of(statement)
    return (span.first_day, span.last_day) if span else ("", "")


def _counted_on(line: StatementLine, here: Counter[str]) -> StatementLine:
    start, _, count = line.key.rpartition("#")
    if line.native_id is not None or not here[start]:
        return line
    return msgspec.structs.replace(line, key=f"{start}#{int(count) + here[start]}")
