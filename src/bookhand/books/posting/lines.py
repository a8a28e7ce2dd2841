"""What the posting methods share: an entry with its ledger day, documents that cover entries together, and what has to wait; pure.

>>> days = Days(closed=frozenset({"2026-01"}), closed_through=None, late="post_open")
>>> days.placed("2026-01-31"), days.placed("2026-02-01")
(Placed(day='2026-02-01', note='Of 2026-01-31, which is closed.'), Placed(day='2026-02-01', note=''))
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import msgspec

from bookhand.books.mapping import Finder
from bookhand.core.book import BookLine, Document, DocumentKind
from bookhand.core.days import next_period
from bookhand.core.entry import Entry, Posting
from bookhand.core.facts import Link
from bookhand.journal.periods import Late

CLEARING = "stripe_clearing:payments"
"""What payouts take from: its entries go out with one. Other balances at Stripe have no payouts."""
AT_BANK = frozenset({"bank_in_transit", "bank"})
FEWEST_LINES = 10
"""A document must have room for so many, as the breakout has that many kinds."""
MOST_LINES = 1_000
"""A document with more lines than this is summed up by kind and account; QuickBooks and NetSuite both take as many."""


class Booked(msgspec.Struct, frozen=True):
    """An entry of the journal and the day it is booked on."""

    day: str
    entry: Entry


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """Documents that cover entries together: one for each currency, all of one day. `base` is the key of the first.

    `subject` is what it is of: an entry, a payout, a day.
    """

    base: str
    subject: str
    documents: tuple[Document, ...]
    booked: tuple[Booked, ...]


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that is in no document yet. `cause` is payout, open_day, breakdown, closed, unmapped; `why` is a sentence."""

    booked: Booked
    cause: str
    subject: str
    """The payout, day or account that it waits for; '' where it is just not paid out yet."""
    why: str


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """What a method made of entries: each of them is in one bundle, or waits."""

    bundles: list[Bundle]
    waiting: list[Waits]


class Placed(msgspec.Struct, frozen=True):
    """The day a document is dated, and a note where that is not the day it is of."""

    day: str
    note: str


class Days(msgspec.Struct, frozen=True, kw_only=True):
    """Which days may be written: the workspace's closed months, and the last closed day of the book."""

    closed: frozenset[str] = frozenset()
    closed_through: str | None = None
    late: Late = "post_open"

    def placed(self, day: str) -> Placed | None:
        """Where a document of `day` goes; None where it has to wait for a person."""
        if not self._is_closed(day):
            return Placed(day, "")
        if self.late == "ask":
            return None
        open_day = day
        while self._is_closed(open_day):
            if open_day[:7] in self.closed:
                open_day = f"{next_period(open_day[:7])}-01"
            else:
                open_day = (
                    date.fromisoformat(self.closed_through or open_day) + timedelta(days=1)
                ).isoformat()
        return Placed(open_day, f"Of {day}, which is closed.")

    def _is_closed(self, day: str) -> bool:
        return day[:7] in self.closed or (self.closed_through is not None and day <= self.closed_through)


class Desk:
    """What every method needs: whose entries, where accounts go, which days are open, and which keys were used before."""

    def __init__(
        self,
        *,
        link: Link,
        find: Finder,
        days: Days,
        rounds: dict[str, int] | None = None,
        most_lines: int = MOST_LINES,
    ) -> None:
        """`rounds` is how often a base was posted and undone before: the next of it gets a key of its own."""
        self.label = f"{link.account}:{link.mode}"
        self.find = find
        self.days = days
        self.most_lines = most_lines
        self._rounds = rounds or {}

    def base(self, what: str) -> str:
        """The key of what is posted, once for ever; after an undo, of the next time."""
        base = f"{self.label}:{what}"
        again = self._rounds.get(base, 0)
        return f"{base}:again{again}" if again else base

    def unmapped(self, entries: Iterable[Booked]) -> str | None:
        """The first account that no line takes, in words."""
        for booked in entries:
            for posting in booked.entry.postings:
                if self.find(posting.account, posting.currency) is None:
                    return f"{posting.account} in {posting.currency}"
        return None

    def wait(self, entries: Iterable[Booked], cause: str, subject: str, why: str) -> list[Waits]:
        """They wait, for this reason."""
        return [Waits(booked=each, cause=cause, subject=subject, why=why) for each in entries]

    def line(self, posting: Posting, memo: str) -> BookLine:
        """A posting as a line of the book; every account was looked at before (`unmapped`)."""
        found = self.find(posting.account, posting.currency)
        if found is None:
            raise LookupError(posting.account)
        return BookLine(found.account, posting.minor, memo, found.category)

    def entry_bundle(
        self, subject: str, booked: Sequence[Booked], memo: str
    ) -> tuple[list[Bundle], list[Waits]]:
        """One journal entry of all that `booked` say (one for each currency), on the day of the first."""
        missing = self.unmapped(booked)
        if missing:
            return [], self.wait(
                booked, "unmapped", missing, f"{missing} is mapped to no account of the book that takes it."
            )
        placed = self.days.placed(booked[0].day)
        if placed is None:
            why = f"{booked[0].day} is closed: reopen it, or let late facts go into the open period."
            return [], self.wait(booked, "closed", booked[0].day, why)
        lines: defaultdict[str, list[BookLine]] = defaultdict(list)
        for each in booked:
            for posting in each.entry.postings:
                lines[posting.currency].append(self.line(posting, memo_of(each.entry)))
        documents = self.documents(self.base(subject), placed, memo, dict(lines))
        return [bundle_of(subject, documents, booked)], []

    def documents(
        self,
        base: str,
        placed: Placed,
        memo: str,
        lines: dict[str, list[BookLine]],
        *,
        first: DocumentKind = "journal_entry",
    ) -> list[Document]:
        """A document for each currency: the first has the base as its key, the others the currency after it."""
        made = []
        for place, (currency, held) in enumerate(lines.items()):
            kept, note = self.summed(held, keep=1 if first == "deposit" and place == 0 else 0)
            said = " ".join(part for part in (memo, placed.note, note) if part)
            made.append(
                Document(
                    key=f"{base}:{currency}" if place else base, kind=first if place == 0 else "journal_entry", day=placed.day,
                    currency=currency, memo=said[:2900], lines=tuple(kept),
                )
            )  # fmt: skip
        return made

    def summed(self, lines: list[BookLine], *, keep: int) -> tuple[list[BookLine], str]:
        """`lines`, or where they are too many one for each account and kind (debits and credits apart), and a note that says so."""
        if len(lines) <= self.most_lines:
            return lines, ""
        sums: dict[tuple[str, str | None, str, bool], list[int]] = {}
        for line in lines[keep:]:
            what = line.memo.partition(" ")[0]
            held = sums.setdefault((line.account, line.category, what, line.minor > 0), [0, 0])
            held[0] += line.minor
            held[1] += 1
        made = [
            BookLine(account, minor, f"{what} ({count:,} lines)", category)
            for (account, category, what, _), (minor, count) in sums.items()
        ]
        return [*lines[:keep], *made], f"{len(lines):,} lines, summed up by account and kind."


def bundle_of(subject: str, documents: Sequence[Document], booked: Sequence[Booked]) -> Bundle:
    """Documents and what they cover."""
    return Bundle(base=documents[0].key, subject=subject, documents=tuple(documents), booked=tuple(booked))


def memo_of(entry: Entry) -> str:
    """What a line of an entry says: its kind and every id of Stripe's, for whoever looks it up there."""
    ids = dict.fromkeys([*entry.refs.values(), entry.key])
    return f"{entry.kind} {' '.join(each for each in ids if each)}"[:400]


def clearing_of(entry: Entry) -> dict[str, int]:
    """What an entry does to the balance that payouts take from, by currency."""
    found: dict[str, int] = {}
    for posting in entry.postings:
        if posting.account == CLEARING:
            found[posting.currency] = found.get(posting.currency, 0) + posting.minor
    return found
