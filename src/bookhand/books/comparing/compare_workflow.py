"""Comparing: `compare.compared` on what was written down here and what the book says now.

    found = Compares(kit).compare(caller, link)
    found.comparison.equal                          # with found.waiting told beside

Breaks are kept as Problems of the book's connection (``book_break_edited`` …) and closed once they are gone. Errors: `Refusal` where
the book is not set up, `Outage` where it cannot be read.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from bookhand.books import reading_store, store
from bookhand.books.book import Book, Kept
from bookhand.books.comparing.compare import CAUSES, Break, Comparison, compared
from bookhand.books.kit import BookKit
from bookhand.books.mapping import Finder
from bookhand.books.planning_workflow import Coverage, Plans
from bookhand.core.caller import Caller
from bookhand.core.facts import Link
from bookhand.core.problems import Problem
from bookhand.systems import store as connections
from bookhand.workspace import store as problems

if TYPE_CHECKING:
    from bookhand.core.book import Books, Posted

_FIRST, _LAST = "1900-01-01", "2999-12-31"
_SHOWN = 200
"""Breaks that are kept as Problems, of each cause; the comparison has all."""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison, what waits beside it, and whether journal, documents and what waits add up for every account of the book.

    `unexplained` is (account, currency) to what the journal has more than documents and waiting entries say: nothing, unless we have a bug.
    """

    book: Book
    comparison: Comparison
    coverage: Coverage
    unexplained: dict[tuple[str, str], int]

    @property
    def equal(self) -> bool:
        """Whether the book holds what the journal holds, less what waits."""
        return self.comparison.equal and not self.unexplained


class Compares:
    """See the module's docstring."""

    def __init__(self, kit: BookKit) -> None:
        self.kit = kit

    def compare(
        self, caller: Caller, link: Link, *, since: str | None = None, until: str | None = None
    ) -> Compared:
        """Compare the documents of some days, or all, with the book."""
        caller.need("read")
        reader = self.kit.reader(link)
        waiting = Plans(self.kit).preview(link)
        with self.kit.db.transaction() as cx:
            book = store.get(cx, link)
            kept = list(store.documents(cx, link, since=since, until=until))
            covering = store.covering(cx, link)
        today = self.kit.clock().date().isoformat()
        days = (
            since or min([book.since, *(each.day for each in kept)]),
            until or max([today, *(each.day for each in kept)]),
        )
        posted = self._posted(reader, link, kept, since=days[0], until=days[1])
        foreign = reader.postings(link, book.alone, since=days[0], until=days[1]) if book.alone else ()
        names = {account.id: account.name for account in reader.accounts(link)}
        comparison = compared(kept, posted, foreign, alone=book.alone, names=names)
        coverage = Coverage(entries=0, waiting=waiting)
        whole = since is None and until is None
        unexplained = self._unexplained(book, kept, covering, coverage) if whole else {}
        self._tell(link, comparison, whole=whole)
        return Compared(book=book, comparison=comparison, coverage=coverage, unexplained=unexplained)

    def _posted(self, reader: Books, link: Link, kept: list[Kept], *, since: str, until: str) -> list[Posted]:
        """What stands in the book of ours in these days; and, where something is not there, wherever else it went."""
        found = list(reader.documents(link, since=since, until=until))
        seen = {each.key or each.id for each in found} | {each.number for each in found}
        if all(
            each.key in seen or each.content.number in seen
            for each in kept
            if each.state in {"done", "reversed"}
        ):
            return _of_these(found, kept)
        return _of_these(
            list(reader.documents(link, since=_FIRST, until=_LAST)), kept, since=since, until=until
        )

    def _unexplained(
        self, book: Book, kept: list[Kept], covering: set[str], coverage: Coverage
    ) -> dict[tuple[str, str], int]:
        """The law: for each account of the book, the journal is what the documents cover and what waits."""
        find = Finder(book.mapping)
        left: Counter[tuple[str, str]] = Counter()
        with self.kit.db.transaction() as cx:
            for source_id in book.sources:
                source = connections.get(cx, source_id).link
                for (journal, currency), minor in reading_store.totals(cx, source, since=book.since).items():
                    line = find(journal, currency)
                    left[line.account if line else journal, currency] += minor
        for each in kept:
            if each.reverses is None and each.base in covering:
                for line_ in each.content.lines:
                    left[line_.account, each.currency] -= line_.minor
        for waits in coverage.waiting:
            for posting in waits.booked.entry.postings:
                line = find(posting.account, posting.currency)
                left[line.account if line else posting.account, posting.currency] -= posting.minor
        return {where: minor for where, minor in left.items() if minor}

    def _tell(self, link: Link, comparison: Comparison, *, whole: bool) -> None:
        """Keep Breaks as Problems; a comparison of some days says nothing about the Breaks of others, and closes none."""
        with self.kit.db.transaction() as cx:
            for cause in CAUSES:
                if whole:
                    problems.clear(cx, link, kind=_kind(cause))
                some = [each for each in comparison.breaks if each.cause == cause][:_SHOWN]
                problems.report(cx, link, [_problem(each) for each in some])


def _of_these(
    found: list[Posted], kept: list[Kept], *, since: str = _FIRST, until: str = _LAST
) -> list[Posted]:
    """Those in the days that are compared, and those that are of documents that are compared."""
    keys = {each.key for each in kept}
    numbers = {each.content.number for each in kept}
    return [
        each for each in found if since <= each.day <= until or each.key in keys or each.number in numbers
    ]


def _kind(cause: str) -> str:
    return f"book_break_{cause}"


def _problem(found: Break) -> Problem:
    return Problem(kind=_kind(found.cause), subject=found.subject, message=found.says)
