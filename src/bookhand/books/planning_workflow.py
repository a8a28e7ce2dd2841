"""Planning: the entries that a book has not taken become documents, written down with what they cover before anything is sent.

    planned = Plans(kit).plan(link)          # planned.entries are covered now; planned.waiting are not, each with its cause

Only months that have more entries than the book has taken are read. Errors: `Refusal` where the book is not set up, `Outage` where it
is away (its closed periods have to be known).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.books import reading_store, store
from bookhand.books.book import Book
from bookhand.books.kit import BookKit
from bookhand.books.mapping import Finder
from bookhand.books.posting import clearing, deposit, summary
from bookhand.books.posting.lines import Booked, Days, Desk, Planned, Waits, clearing_of
from bookhand.core.book import BookAccount, Company
from bookhand.core.days import day_of
from bookhand.core.facts import Link
from bookhand.journal import period_store
from bookhand.systems import store as connections

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

NEXT = "next"
"""Cause of an entry that nothing holds up: the next mirror writes it."""


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How many entries are covered newly, and what waits."""

    entries: int
    waiting: list[Waits]

    def waits(self) -> dict[tuple[str, str], tuple[int, int]]:
        """(cause, currency) to how many entries wait, and what they come to on the clearing account."""
        found: dict[tuple[str, str], tuple[int, int]] = {}
        for each in self.waiting:
            entry = each.booked.entry
            for currency, minor in (clearing_of(entry) or {entry.postings[0].currency: 0}).items():
                count, before = found.get((each.cause, currency), (0, 0))
                found[each.cause, currency] = (count + 1, before + minor)
        return found


class Plans:
    """See the module's docstring."""

    def __init__(self, kit: BookKit) -> None:
        self.kit = kit

    def plan(self, link: Link) -> Coverage:
        """Write down what is to stand in the book; for each journal in one transaction."""
        company, accounts = self.kit.company(link), self.kit.reader(link).accounts(link)
        count, waiting = 0, list[Waits]()
        for source_id in self._sources(link):
            with self.kit.db.transaction() as cx:
                store.take_turn(cx, link)
                left: list[Waits] = []
                for planned in self._by_month(cx, link, source_id, company, accounts):
                    store.intend(cx, link, source_id, planned.bundles)
                    count += sum(len(bundle.booked) for bundle in planned.bundles)
                    left = planned.waiting
            waiting += left
        return Coverage(entries=count, waiting=waiting)

    def preview(self, link: Link) -> list[Waits]:
        """Everything that is not in a document yet, with what holds it up; nothing is written down."""
        company, accounts = self.kit.company(link), self.kit.reader(link).accounts(link)
        with self.kit.db.snapshot() as cx:
            return self.waiting(cx, link, company, accounts)

    def waiting(
        self, cx: Transaction[Any], link: Link, company: Company, accounts: Sequence[BookAccount]
    ) -> list[Waits]:
        """The same, in a transaction of the caller's."""
        found: list[Waits] = []
        for source_id in store.get(cx, link).sources:
            left: list[Waits] = []
            for planned in self._by_month(cx, link, source_id, company, accounts):
                found += [
                    Waits(
                        booked=booked,
                        cause=NEXT,
                        subject=bundle.subject,
                        why="The next mirror writes it.",
                    )
                    for bundle in planned.bundles
                    for booked in bundle.booked
                ]
                left = planned.waiting
            found += left
        return found

    def _sources(self, link: Link) -> tuple[int, ...]:
        with self.kit.db.transaction() as cx:
            return store.get(cx, link).sources

    def _by_month(
        self,
        cx: Transaction[Any],
        link: Link,
        source_id: int,
        company: Company,
        accounts: Sequence[BookAccount],
    ) -> Iterator[Planned]:
        """What each month gives, together with what was left waiting by the months before it."""
        book = store.get(cx, link)
        source = connections.get(cx, source_id).link
        find = Finder(book.mapping.usable(accounts))
        desk, today = self._desk(cx, link, source, book, company, find)
        held: list[Booked] = []
        for month in reading_store.open_months(
            cx, source, store.covered(cx, link, source_id), since=book.since
        ):
            held += reading_store.uncovered(cx, link, source, month, since=book.since)
            if book.method == "clearing":
                planned = clearing.plan(desk, held)
            elif book.method == "daily_summary":
                parts = store.parts(cx, link, source_id, sorted({each.day for each in held}))
                planned = summary.plan(desk, held, today=today, parts=parts)
            else:
                planned = deposit.plan(desk, held, reading_store.payouts(cx, link, source, held))
            held = [each.booked for each in planned.waiting]
            yield planned

    def _desk(  # noqa: PLR0917 (as above)
        self, cx: Transaction[Any], link: Link, source: Link, book: Book, company: Company, find: Finder
    ) -> tuple[Desk, str]:
        """What the methods need, and the day it is for the company."""
        calendar = period_store.calendar(cx, link.workspace_id)
        days = Days(closed=calendar.closed, closed_through=company.closed_through, late=calendar.late)
        rounds = store.rounds(cx, link, source.connection_id)
        desk = Desk(link=source, find=find, days=days, rounds=rounds, most_lines=book.most_lines)
        return desk, day_of(int(self.kit.clock().timestamp()), calendar.timezone).isoformat()
