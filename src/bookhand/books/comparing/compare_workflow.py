"""Comparing: `compare.compared` on what was written down here and what the book says now.

    found = Compares(kit).compare(caller, link)     # looks, and writes nothing
    found.equal                                     # with found.waiting and found.comparison.on_way told beside
    found = Compares(kit).keep(caller, link)        # the same, and its Breaks are kept

Our side (journal, documents, what waits) is read in one snapshot, while posting and mirroring go on. The book's side is read after it, first
its lines and then our documents, so that no line of a document that was just written is taken for somebody else's. What was written down
or sent meanwhile is asked once more at the end, and told as on its way. Breaks are kept as Problems of the book's connection (``book_break_edited`` …) and closed once they are gone. Errors:
`Refusal` where the book is not set up, `Outage` where it cannot be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.books import reading_store, store
from bookhand.books.book import Book, Kept, State
from bookhand.books.comparing.compare import CAUSES, Break, Comparison, compared
from bookhand.books.kit import BookKit
from bookhand.books.mapping import Finder
from bookhand.books.planning_workflow import Coverage, Plans
from bookhand.books.posting.lines import Waits
from bookhand.core.caller import Caller
from bookhand.core.facts import Link
from bookhand.core.problems import Problem
from bookhand.systems import store as connections
from bookhand.workspace import store as problems

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

    from bookhand.core.book import Books, Posted

_FIRST, _LAST = "1900-01-01", "2999-12-31"
_ONCE = ("not_sent",)
"""Causes that were told once, and are not any more: their Problems are closed."""
_SHOWN = 200
"""Breaks that are kept as Problems, of each cause; the comparison has all."""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison, what waits beside it, and whether journal, documents and what waits add up for every account of the book.

    `unexplained` is (account, currency) to what the journal has more than documents and waiting entries say: nothing, unless we have a bug.
    `undone` is how many documents were undone whose entries nobody let be posted again: those stand in neither column.
    """

    book: Book
    comparison: Comparison
    coverage: Coverage
    unexplained: dict[tuple[str, str], int]
    undone: int = 0

    @property
    def equal(self) -> bool:
        """Whether the book holds what the journal holds, less what waits and what is on its way."""
        return self.comparison.equal and not self.unexplained


class Compares:
    """See the module's docstring."""

    def __init__(self, kit: BookKit) -> None:
        self.kit = kit

    def keep(
        self, caller: Caller, link: Link, *, since: str | None = None, until: str | None = None
    ) -> Compared:
        """Compare, and keep the Breaks as Problems."""
        caller.need("propose")
        found = self._compare(link, since, until)
        self._tell(link, found.comparison, whole=since is None and until is None)
        return found

    def compare(
        self, caller: Caller, link: Link, *, since: str | None = None, until: str | None = None
    ) -> Compared:
        """Compare the documents of some days, or all, with the book; nothing is written."""
        caller.need("read")
        return self._compare(link, since, until)

    def _compare(self, link: Link, since: str | None, until: str | None) -> Compared:
        whole = since is None and until is None
        reader, company = self.kit.reader(link), self.kit.company(link)
        accounts = reader.accounts(link)
        with self.kit.db.snapshot() as cx:
            book = store.get(cx, link)
            waiting = Plans(self.kit).waiting(cx, link, company, accounts)
            kept = list(store.documents(cx, link, since=since, until=until))
            known = {each.key for each in kept} if whole else set(store.states(cx, link))
            covering = store.covering(cx, link)
            unexplained = _unexplained(cx, book, kept, covering, waiting) if whole else {}
        today = self.kit.clock().date().isoformat()
        days = (
            since or min([book.since, *(each.day for each in kept)]),
            until or max([today, *(each.day for each in kept)]),
        )
        foreign = list(reader.postings(link, book.alone, since=days[0], until=days[1])) if book.alone else []
        posted = self._posted(reader, link, kept, since=days[0], until=days[1])
        with self.kit.db.transaction() as cx:
            now = store.states(cx, link)
        names = {account.id: account.name for account in accounts}
        comparison = compared(
            [_as_it_ended(each, now) for each in kept], posted, foreign, alone=book.alone, names=names,
            moving=_moving(kept, known, now),
        )  # fmt: skip
        return Compared(
            book=book,
            comparison=comparison,
            coverage=Coverage(entries=0, waiting=waiting),
            unexplained=unexplained,
            undone=sum(each.state == "reversed" and each.base in covering for each in kept),
        )

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

    def _tell(self, link: Link, comparison: Comparison, *, whole: bool) -> None:
        """Keep Breaks as Problems; a comparison of some days says nothing about the Breaks of others, and closes none."""
        with self.kit.db.transaction() as cx:
            for cause in (*CAUSES, *_ONCE):
                if whole:
                    problems.clear(cx, link, kind=_kind(cause))
                some = [each for each in comparison.breaks if each.cause == cause][:_SHOWN]
                problems.report(cx, link, [_problem(each) for each in some])


def _unexplained(
    cx: Transaction[Any], book: Book, kept: Sequence[Kept], covering: set[str], waiting: Iterable[Waits]
) -> dict[tuple[str, str], int]:
    """The law: for each account of the book, the journal is what the documents cover and what waits. All of one snapshot."""
    find = Finder(book.mapping)
    left: Counter[tuple[str, str]] = Counter()
    for source_id in book.sources:
        source = connections.get(cx, source_id).link
        for (journal, currency), minor in reading_store.totals(cx, source, since=book.since).items():
            line = find(journal, currency)
            left[line.account if line else journal, currency] += minor
    for each in kept:
        if each.reverses is None and each.base in covering:
            for line_ in each.content.lines:
                left[line_.account, each.currency] -= line_.minor
    for waits in waiting:
        for posting in waits.booked.entry.postings:
            line = find(posting.account, posting.currency)
            left[line.account if line else posting.account, posting.currency] -= posting.minor
    return {where: minor for where, minor in left.items() if minor}


_Now = Mapping[str, tuple[State, str | None]]
"""What became of every document until the book was read: its state and why, by key."""


def _moving(kept: Iterable[Kept], known: Collection[str], now: _Now) -> set[str]:
    """Documents that were on their way while the book was read: written down since, or not known to be there and not refused."""
    return (now.keys() - known) | {
        each.key
        for each in kept
        if each.state in {"intended", "failed"} and now.get(each.key, ("intended", None))[0] != "failed"
    }


def _as_it_ended(kept: Kept, now: _Now) -> Kept:
    """A document that the book refused meanwhile is refused."""
    state, why = now.get(kept.key, (kept.state, kept.why))
    if kept.state == "intended" and state == "failed":
        return msgspec.structs.replace(kept, state=state, why=why)
    return kept


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
