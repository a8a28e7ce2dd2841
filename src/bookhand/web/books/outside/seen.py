"""What pages about a book show, made from what was read. Pure.

>>> rows = [Row(account="84", name="Clearing", currency="USD", month="2026-01", journal=500, book=400)]
>>> [(each.month, each.differs, each.rows[0].difference) for each in months_of(rows)]
[('2026-01', True, -100)]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bookhand.books.comparing.compare import Break, Note, Row
from bookhand.books.setup.proposing import Proposed, proposed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bookhand.books.comparing.compare_workflow import Compared
    from bookhand.books.mapping import MapLine, Mapping
    from bookhand.core.book import BookAccount, Document


class MonthSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A month of a comparison, account by account."""

    month: str
    rows: list[Row]

    @property
    def differs(self) -> bool:
        """Whether an account differs in it."""
        return any(row.difference for row in self.rows)


class WaitsSeen(NamedTuple):
    """Entries in no document yet: why, how many, and what they come to on clearing."""

    cause: str
    currency: str
    entries: int
    minor: int


class ComparisonSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison: accounts over all months, then each month; differences by cause; what waits; what nothing explains."""

    equal: bool
    accounts: list[Row]
    months: list[MonthSeen]
    breaks: list[Break]
    causes: dict[str, int]
    notes: list[Note]
    waiting: list[WaitsSeen]
    unexplained: list[tuple[str, str, int]]
    on_way: int
    undone: int


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a mapping: `account` as the book names it, and what speaks for it: as was proposed, or a person's own choice."""

    line: MapLine
    account: BookAccount | None
    says: str | None
    chosen: bool


def comparison_of(compared: Compared) -> ComparisonSeen:
    """What the page shows of a comparison."""
    found = compared.comparison
    causes: dict[str, int] = {}
    for each in found.breaks:
        causes[each.cause] = causes.get(each.cause, 0) + 1
    return ComparisonSeen(
        equal=compared.equal,
        accounts=_totals(found.rows),
        months=months_of(found.rows),
        breaks=list(found.breaks),
        causes=causes,
        notes=found.notes,
        waiting=[WaitsSeen(*where, *sums) for where, sums in sorted(compared.coverage.waits().items())],
        unexplained=[(*where, minor) for where, minor in sorted(compared.unexplained.items())],
        on_way=len(found.on_way),
        undone=compared.undone,
    )


def _totals(rows: Iterable[Row]) -> list[Row]:
    """Every account over all months; one that never held anything on either side is left out."""
    sums: dict[tuple[str, str], Row] = {}
    for row in rows:
        before = sums.get((row.account, row.currency))
        sums[row.account, row.currency] = (
            row
            if before is None
            else msgspec.structs.replace(
                before, journal=before.journal + row.journal, book=before.book + row.book
            )
        )
    return sorted(sums.values(), key=lambda row: (row.name, row.currency))


def months_of(rows: Iterable[Row]) -> list[MonthSeen]:
    """By month, newest first."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.month, []).append(row)
    return [
        MonthSeen(month=month, rows=sorted(found[month], key=lambda row: (row.name, row.currency)))
        for month in sorted(found, reverse=True)
    ]


def evidence_of(mapping: Mapping, accounts: Sequence[BookAccount]) -> list[Evidence]:
    """Each line with what would be proposed for it today; where that is another account, it was a person's choice."""
    chart = {account.id: account for account in accounts}
    asked = [
        (line.journal, line.currency or line.takes or _any_currency(line, chart)) for line in mapping.lines
    ]
    ideas: list[Proposed] = proposed(asked, accounts) if accounts else []
    found = []
    for line in sorted(mapping.lines, key=lambda line: (line.journal, line.currency or "")):
        idea = next(
            (each for each in ideas if each.journal == line.journal and each.account == line.account), None
        )
        found.append(
            Evidence(
                line=line,
                account=chart.get(line.account),
                says=idea.evidence if idea else None,
                chosen=bool(accounts) and idea is None,
            )
        )
    return found


def _any_currency(line: MapLine, chart: dict[str, BookAccount]) -> str:
    """The currency that a line for any is looked at with: its account's own, or none, which every account without one takes."""
    account = chart.get(line.account)
    return (account.currency if account else None) or ""


def moved_of(document: Document) -> int:
    """The sum of a document's debits."""
    return sum(line.minor for line in document.lines if line.minor > 0)
