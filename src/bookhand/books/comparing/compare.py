"""Compare, pure: what a book was to hold against what it holds, by account and month, and every difference as a Break with its cause.

What is added up on the journal's side are the documents; on the book's side those same documents as they stand there, and other people's
lines on accounts that are bookhand's alone. The amounts of all Breaks add up to the difference, in every row. What waits (for its payout,
for its day) and what is on its way to the book is in neither, and is told beside. Somebody's edit of words alone (a line's memo or class, a
number) is a note, and no Break.

>>> sale = Document(key="a:test:txn_1", kind="journal_entry", day="2026-01-02", currency="USD", memo="", lines=(
...     BookLine("84", 9680), BookLine("79", -9680)))
>>> kept = Kept(key=sale.key, base=sale.key, source_id=1, subject="txn_1", kind="journal_entry", day=sale.day, currency="USD", content=sale,
...             total=9680, state="done", vendor_id="7")
>>> there = Posted(id="7", version="1", number=sale.number, key=sale.key, kind="journal_entry", day="2026-01-02", currency="USD", lines=(
...     BookLine("84", 9600), BookLine("79", -9600)))
>>> found = compared([kept], [there], [], alone=(), names={"84": "Clearing", "79": "Sales"})
>>> [(row.account, row.journal, row.book) for row in found.rows], [(each.cause, each.says) for each in found.breaks]
([('79', -9680, -9600), ('84', 9680, 9600)], [('edited', 'SI6FZ6CPAVK7K4ERE of 2026-01-02 (a:test:txn_1) was edited in the book: Clearing from 96.80 to 96.00 USD, Sales from -96.80 to -96.00 USD.')])
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from bookhand.books.book import Kept
from bookhand.core.book import BookLine, BookPosting, Document, Posted, number_of
from bookhand.core.money import EXPONENTS, format_minor

Cause = Literal["refused", "missing", "deleted", "edited", "moved", "doubled", "unknown", "foreign"]
CAUSES: Mapping[Cause, str] = {
    "refused": "the book refused it",
    "missing": "sent, and not in the book",
    "deleted": "it was in the book, and somebody deleted it",
    "edited": "somebody edited it in the book",
    "moved": "somebody moved it to another day",
    "doubled": "it stands in the book more than once",
    "unknown": "it bears bookhand's mark, and bookhand does not know it",
    "foreign": "somebody else posted on an account that is bookhand's alone",
}
"""Cause to what it means."""
_CUT = 900
"""Books cut a memo that is longer than they keep; none of them one that is shorter than this."""
Where = tuple[str, str, str]
"""(account, currency, month)"""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An account in a month: minor units of `currency`, a debit positive."""

    account: str
    name: str
    currency: str
    month: str
    journal: int
    book: int

    @property
    def difference(self) -> int:
        """What the book has more."""
        return self.book - self.journal


class Break(msgspec.Struct, frozen=True, kw_only=True):
    """A difference: its cause, the document, a sentence, and what it adds to the book's side of each (account, currency, month)."""

    cause: Cause
    subject: str
    says: str
    amounts: tuple[tuple[str, str, str, int], ...] = ()


class Note(msgspec.Struct, frozen=True):
    """Words of a document that somebody changed in the book, where its amounts, accounts and day are as they were: nothing is off by it."""

    subject: str
    says: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """All rows, and every difference; `on_way` are the documents that were being written meanwhile, which are in neither side."""

    rows: list[Row]
    breaks: list[Break]
    notes: list[Note] = []
    on_way: list[Kept] = []

    @property
    def equal(self) -> bool:
        """Whether the book holds what it was to hold, and nothing of ours was touched."""
        return not self.breaks


def compared(
    kept: Iterable[Kept],
    posted: Iterable[Posted],
    foreign: Iterable[BookPosting],
    *,
    alone: Collection[str],
    names: Mapping[str, str],
    moving: Collection[str] = (),
) -> Comparison:
    """`kept` is what was to be written, `posted` what stands in the book of ours, `foreign` lines on accounts of the book.

    `moving` are the keys of documents that were on their way while both sides were read: of those neither side says anything, but where
    they are kept and found.
    """
    told = _Teller(names)
    wanted = {each.key: each for each in kept}
    there = _matched(wanted, posted)
    journal: Counter[Where] = Counter()
    book: Counter[Where] = Counter()
    breaks: list[Break] = []
    notes: list[Note] = []
    ours = {number_of(key) for key in moving}
    on_way: list[Kept] = []
    for key, each in wanted.items():
        found = there.pop(key, [])
        if not found and key in moving:
            on_way.append(each)
            continue
        _add(journal, each.content.lines, each.currency, each.day)
        different = told.of(each, found)
        breaks += different
        if found and not different:
            notes += told.words(each, found[0])
        for one in found:
            _add(book, one.lines, one.currency, one.day)
            ours |= {one.id, one.number}
    for strays in there.values():
        for one in strays:
            if one.key in moving or one.number in ours:
                ours.add(one.id)
                continue
            _add(book, one.lines, one.currency, one.day)
            ours |= {one.id, one.number}
            breaks.append(told.stray(one))
    for line in foreign:
        if line.account in alone and line.document not in ours and line.number not in ours:
            book[line.account, line.currency, line.day[:7]] += line.minor
            breaks.append(told.foreign(line))
    rows = [
        Row(account=account, name=names.get(account, account), currency=currency, month=month, journal=journal[account, currency, month],
            book=book[account, currency, month])
        for account, currency, month in sorted(journal.keys() | book.keys())
    ]  # fmt: skip
    return Comparison(rows=rows, breaks=breaks, notes=notes, on_way=on_way)


def _matched(wanted: Mapping[str, Kept], posted: Iterable[Posted]) -> dict[str, list[Posted]]:
    """What stands in the book by the key of the document it is: by its mark, else by the book's id, else by its number."""
    by_id = {each.vendor_id: key for key, each in wanted.items() if each.vendor_id}
    by_number = {each.content.number: key for key, each in wanted.items()}
    found: defaultdict[str, list[Posted]] = defaultdict(list)
    for one in posted:
        key = one.key or by_id.get(one.id) or by_number.get(one.number) or one.id
        found[key].append(one)
    for key, several in found.items():
        first = wanted[key].vendor_id if key in wanted else None
        several.sort(key=lambda one: (one.id != first, one.id))
    return found


class _Teller:
    """Says what is different, in sentences."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def of(self, kept: Kept, found: Sequence[Posted]) -> list[Break]:
        """What is different about one document."""
        document = kept.content
        if not found:
            return [self._gone(kept)]
        one, *more = found
        breaks = [
            Break(
                cause="doubled", subject=kept.key, amounts=_amounts(each.lines, each.currency, each.day),
                says=f"{_named(document)} stands in the book again, as {each.id}.",
            )
            for each in more
        ]  # fmt: skip
        if one.day != document.day:
            moved = Counter(_where(document.lines, document.currency, one.day))
            moved.subtract(_where(document.lines, document.currency, document.day))
            breaks.append(
                Break(
                    cause="moved",
                    subject=kept.key,
                    amounts=_listed(moved),
                    says=f"{_named(document)} was moved to {one.day} in the book.",
                )
            )
        changes = self._changes(document, one)
        if changes:
            edited = Counter(_where(one.lines, one.currency, one.day))
            edited.subtract(_where(document.lines, document.currency, one.day))
            says = f"{_named(document)} was edited in the book: {', '.join(changes)}."
            breaks.append(Break(cause="edited", subject=kept.key, amounts=_listed(edited), says=says))
        return breaks

    def _gone(self, kept: Kept) -> Break:
        document = kept.content
        amounts = _amounts(document.lines, document.currency, document.day, sign=-1)
        if kept.state == "failed":
            return Break(
                cause="refused",
                subject=kept.key,
                amounts=amounts,
                says=f"{_named(document)} was refused by the book: {kept.why}",
            )
        if kept.vendor_id:
            says = f"{_named(document)} was in the book as {kept.vendor_id}, and somebody deleted it."
            return Break(cause="deleted", subject=kept.key, amounts=amounts, says=says)
        return Break(
            cause="missing",
            subject=kept.key,
            amounts=amounts,
            says=f"{_named(document)} was sent, and is not in the book.",
        )

    def _changes(self, document: Document, one: Posted) -> list[str]:
        """Account by account, from what to what."""
        before, after = _sums(document.lines, document.currency), _sums(one.lines, one.currency)
        said = [
            f"{self._names.get(account, account)} from {_amount(before[account, currency], currency)} to "
            f"{_amount(after[account, currency], currency)} {currency}"
            for account, currency in dict.fromkeys([*before, *after])
            if before[account, currency] != after[account, currency]
        ]
        if said or _lines(document.lines) == _lines(one.lines):
            return said
        return ["its lines were split or joined"]

    def words(self, kept: Kept, one: Posted) -> list[Note]:
        """Which words of a document are others, where its lines are what they were."""
        document, changes = kept.content, []
        if one.number and one.number != document.number:
            changes.append(f"its number to {one.number}")
        head = document.kind == "deposit"  # it has no words of its own in some books
        left, others = list(one.lines[head:]), []
        for line in document.lines[head:]:
            there = next((each for each in left if _same_words(line, each)), None)
            if there is None:
                others.append(line)
            else:
                left.remove(there)
        for line in others:
            there = next(
                (each for each in left if (each.account, each.minor) == (line.account, line.minor)), None
            )
            if there is not None:
                left.remove(there)
                changes += self._words(line, there)
        return (
            [Note(kept.key, f"{_named(document)}: somebody changed {', '.join(changes)}.")] if changes else []
        )

    def _words(self, line: BookLine, there: BookLine) -> Iterator[str]:
        name = self._names.get(line.account, line.account)
        if not _same_memo(line, there):
            yield f"the memo on {name} to {repr(there.memo) if there.memo else 'nothing'}"
        if (there.category or None) != (line.category or None):
            yield f"the class on {name} to {there.category or 'none'}"

    def stray(self, one: Posted) -> Break:
        """A document with our mark that nobody here knows."""
        return Break(
            cause="unknown", subject=one.key or one.id, amounts=_amounts(one.lines, one.currency, one.day),
            says=f"{one.id} of {one.day} bears bookhand's mark ({one.key or one.number}), and bookhand does not know it.",
        )  # fmt: skip

    def foreign(self, line: BookPosting) -> Break:
        """Somebody else's line where nobody else should post."""
        name = self._names.get(line.account, line.account)
        return Break(
            cause="foreign", subject=line.document, amounts=((line.account, line.currency, line.day[:7], line.minor),),
            says=f"{line.document_kind} {line.document} of {line.day} posts {_amount(line.minor, line.currency)} {line.currency} on {name}, "
            f"which is bookhand's alone{f': {line.memo}' if line.memo else ''}.",
        )  # fmt: skip


def _same_words(ours: BookLine, theirs: BookLine) -> bool:
    """Whether a line is the one that was written, with its words."""
    same = (ours.account, ours.minor, ours.category or None) == (
        theirs.account,
        theirs.minor,
        theirs.category or None,
    )
    return same and _same_memo(ours, theirs)


def _same_memo(ours: BookLine, theirs: BookLine) -> bool:
    """Whether a memo is what was written: with whatever blanks, and cut where the book keeps less."""
    wanted, there = " ".join(ours.memo.split()), " ".join(theirs.memo.split())
    return wanted == there or (len(there) >= _CUT and wanted.startswith(there))


def _named(document: Document) -> str:
    return f"{document.number} of {document.day} ({document.key})"


def _amount(minor: int, currency: str) -> str:
    return format_minor(minor, currency) if currency in EXPONENTS else str(minor)


def _add(sums: Counter[Where], lines: Iterable[BookLine], currency: str, day: str) -> None:
    for line in lines:
        sums[line.account, currency, day[:7]] += line.minor


def _where(lines: Iterable[BookLine], currency: str, day: str) -> Counter[Where]:
    found: Counter[Where] = Counter()
    _add(found, lines, currency, day)
    return found


def _amounts(
    lines: Iterable[BookLine], currency: str, day: str, *, sign: int = 1
) -> tuple[tuple[str, str, str, int], ...]:
    return _listed({where: sign * minor for where, minor in _where(lines, currency, day).items()})


def _listed(sums: Mapping[Where, int]) -> tuple[tuple[str, str, str, int], ...]:
    return tuple((*where, minor) for where, minor in sorted(sums.items()) if minor)


def _sums(lines: Iterable[BookLine], currency: str) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for line in lines:
        found[line.account, currency] += line.minor
    return found


def _lines(lines: Iterable[BookLine]) -> Counter[tuple[str, int]]:
    return Counter((line.account, line.minor) for line in lines)
