"""The key of each line: what makes the same line the same when it is read again. Pure.

A bank's own id (OFX's FITID, CAMT's AcctSvcrRef) counts together with day and amount, for some banks use an id again. Where there is none (or a
word or zeros in its place), it is a hash of the content with its place among equals of the same day: two equal lines in one file are two, and the same two in the next
file that overlaps are the same two.

>>> from bookhand.core.bank import StatementLine
>>> fee = StatementLine(account="1", key="", day="2026-11-02", currency="USD", minor=-150, description="FEE")
>>> kept, said = keyed([fee, fee])
>>> kept[0].key == kept[1].key, kept[0].key[:-1] == kept[1].key[:-1], said
(False, True, [])
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from bookhand.core.bank import Statement, StatementLine
from bookhand.systems.bank.figures import account_of

_PRINT_CHARS = 32
_NO_IDS = frozenset({"", "NOTPROVIDED", "NOTAVAILABLE", "NONREF", "NOREF", "NONE", "NULL", "NA", "UNKNOWN"})
_REPLACE = msgspec.structs.replace


def told_id(said: str | None) -> str | None:
    """A bank's own id of a line; None for what stands where there is none.

    >>> told_id("F1"), told_id("Not Provided"), told_id("000000"), told_id("N/A"), told_id(None)
    ('F1', None, None, None, None)
    """
    plain = re.sub(r"[\W_]", "", said or "").upper()
    return None if plain.strip("0") == "" or plain in _NO_IDS else said


def content(line: StatementLine) -> str:
    """A hash of what a line says; white space counts once, what files tell beside it (raw text, codes) does not."""
    said = (
        line.day,
        line.currency,
        str(line.minor),
        " ".join(line.description.split()),
        *sorted(line.references),
    )
    return hashlib.sha256("\x1f".join(said).encode()).hexdigest()[:_PRINT_CHARS]


def base(line: StatementLine) -> str:
    """The key without its place among equals."""
    if line.native_id:
        return f"{line.native_id}@{line.day}:{line.minor}"
    return f"={content(line)}"


def keyed(
    lines: Iterable[StatementLine], *, moved: int | None = None
) -> tuple[list[StatementLine], list[str]]:
    """`lines` of one account in the order of the file, each with its key; and what there is to say.

    A line that stands twice, its bank's id and all, is one, unless `moved` (closing less opening) says that both count.
    """
    found = list(lines)
    if moved is None or sum(line.minor for line in found) != moved:
        found, said = _without_repeats(found)
    else:
        said = []
    return list(_numbered(found)), said


def keyed_statements(statements: Sequence[Statement]) -> list[Statement]:
    """All statements of one file with the keys of their lines: equal lines of one account are counted through the file.

    An account is called the same in each, however its IBAN is written.
    """
    counts: Counter[tuple[str, str]] = Counter()
    made = []
    for statement in map(_by_its_name, statements):
        moved = None
        if statement.opening_minor is not None and statement.closing_minor is not None:
            moved = statement.closing_minor - statement.opening_minor
        lines, said = keyed(statement.lines, moved=moved)
        again = tuple(_counted(lines, counts))
        made.append(_REPLACE(statement, lines=again, warnings=(*statement.warnings, *said)))
    return made


def _by_its_name(statement: Statement) -> Statement:
    name = account_of(statement.account)
    if name == statement.account:
        return statement
    return _REPLACE(
        statement, account=name, lines=tuple(_REPLACE(line, account=name) for line in statement.lines)
    )


def _numbered(lines: Iterable[StatementLine]) -> Iterable[StatementLine]:
    return _counted(lines, Counter())


def _counted(lines: Iterable[StatementLine], counts: Counter[tuple[str, str]]) -> Iterable[StatementLine]:
    for line in lines:
        own = base(line)
        counts[line.account, own] += 1
        count = counts[line.account, own]
        plain = line.native_id is not None and count == 1
        yield _REPLACE(line, key=own if plain else f"{own}#{count}")


def _without_repeats(lines: Sequence[StatementLine]) -> tuple[list[StatementLine], list[str]]:
    seen: set[tuple[str, str, str]] = set()
    kept, repeated = [], []
    for line in lines:
        own = (line.account, base(line), content(line))
        if line.native_id and own in seen:
            repeated.append(line)
            continue
        seen.add(own)
        kept.append(line)
    said = [
        f"Line {line.native_id} of {line.day} stands twice in the file, with the same id, day, amount and text: it was taken once."
        for line in repeated
    ]
    return kept, said
