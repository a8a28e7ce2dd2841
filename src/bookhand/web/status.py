"""How it stands, as values, and the one sentence that sums it up.

`Status` is what the stores said at one moment; `verdict` is pure, so every state is a test.

>>> verdict(Status(at=datetime(2026, 11, 23))).headline
'No account is connected yet.'
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal

import msgspec

Tone = Literal["good", "busy", "look", "quiet"]

STALE = timedelta(minutes=15)
SLOW_SECONDS = 60
PROOF_OLD = timedelta(hours=2, minutes=15)
"""When a proof is older than it should be: one is taken after each batch and each hour, and kept where it says something new or the last
is an hour old, so that a healthy account's is at most two hours old."""
Standing = Literal["now", "old", "away"]


def standing_of(connection_status: str | None, taken: datetime, now: datetime) -> Standing:
    """Whether a proof speaks of now: not where its connection is away, nor where it is older than it should be."""
    if connection_status != "active":
        return "away"
    return "old" if now - taken > PROOF_OLD else "now"


class ConnectionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A connection as a person knows it."""

    id: int
    name: str
    account: str
    mode: str
    livemode: bool
    auth: str
    api_version: str
    status: str
    status_reason: str | None = None


class ProofRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the proof, in `currency`'s minor units: ``off_by == clearing - stripe_balance``.

    The two are None where they could not be compared. `unmatched` is the part of clearing that is in no payout yet.
    """

    connection_id: int
    currency: str
    clearing: int
    stripe_balance: int | None
    off_by: int | None
    unmatched: int
    suspense: int
    reason: str
    at: datetime

    def standing(self, connection_status: str | None, now: datetime) -> Standing:
        """Whether it speaks of now."""
        return standing_of(connection_status, self.at, now)


class BackfillRow(msgspec.Struct, frozen=True, kw_only=True):
    """How far the history of one kind of object has come."""

    connection_id: int
    what: str
    done: int
    total: int | None
    """An estimate, until the last page is in."""
    complete: bool
    refused: str | None = None
    """Why Stripe refused the list, if it did."""
    per_second: float | None = None
    seconds_left: float | None = None


class HistoryRow(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a connection's newest backfill: ``running``, ``complete`` or ``incomplete``, and why in sentences."""

    connection_id: int
    status: str
    verdict: tuple[str, ...] = ()


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """The posting path right now."""

    oldest_waiting_seconds: float | None = None
    entries: int = 0
    """Entries in the journal."""


class PostingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One signed line: a debit is positive."""

    account: str
    currency: str
    minor: int


class EntryRow(msgspec.Struct, frozen=True, kw_only=True):
    """A journal entry with its lines."""

    connection_id: int
    key: str
    kind: str
    why: str
    happened_at: datetime
    recorded_at: datetime
    postings: tuple[PostingRow, ...]

    @property
    def moves_clearing(self) -> bool:
        """Whether money at Stripe moved; refinements say more about money that has."""
        return any(line.account.startswith("stripe_clearing") for line in self.postings)

    @property
    def size(self) -> list[PostingRow]:
        """How much it moved, by currency: the sum of its debits."""
        sums: dict[str, int] = {}
        for line in self.postings:
            sums[line.currency] = sums.get(line.currency, 0) + max(line.minor, 0)
        return [PostingRow(account="", currency=currency, minor=minor) for currency, minor in sums.items()]


class ProblemRow(msgspec.Struct, frozen=True, kw_only=True):
    """A Problem that waits for somebody."""

    connection_id: int
    kind: str
    subject: str
    message: str
    first_seen: datetime
    last_seen: datetime
    times: int


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands at one moment."""

    at: datetime
    connections: tuple[ConnectionRow, ...] = ()
    proofs: tuple[ProofRow, ...] = ()
    backfills: tuple[BackfillRow, ...] = ()
    histories: tuple[HistoryRow, ...] = ()
    live: Live = Live()
    entries: tuple[EntryRow, ...] = ()
    problems: tuple[ProblemRow, ...] = ()
    open_problems: int = 0
    """Those of one cause count once."""

    def connection(self, connection_id: int) -> ConnectionRow | None:
        """The connection of that number."""
        return next((row for row in self.connections if row.id == connection_id), None)

    def standing(self, proof: ProofRow) -> Standing:
        """Whether a proof speaks of now."""
        connection = self.connection(proof.connection_id)
        return proof.standing(connection.status if connection else None, self.at)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """All of it in one sentence, with a second one that says what to do or what it rests on."""

    tone: Tone
    headline: str
    detail: str


def verdict(status: Status) -> Verdict:
    """The worst that is true, said calmly."""
    return next(_findings(status))


def _findings(status: Status) -> Iterator[Verdict]:
    """Everything that is true, the most urgent first; the last is always true."""
    yield from _unconnected(status)
    yield from _unproven(status)
    yield from _late(status)
    questions = _several(status.open_problems, "question waits", "questions wait")
    current = [row for row in status.proofs if status.standing(row) == "now"]
    aside = _several(
        len(status.proofs) - len(current),
        "balance is of an account that is not connected now.",
        "balances are of accounts that are not connected now.",
    )
    if not current:
        yield Verdict(
            tone="quiet",
            headline="The books agreed with Stripe when they were last compared.",
            detail=f"{aside} They are compared again when it goes on.",
        )
    yield Verdict(
        tone="good",
        headline="The books agree with Stripe, to the cent.",
        detail=_several(
            len(current),
            "balance compared, off by nothing.",
            "balances compared, every one off by nothing.",
        )
        + (f" {aside}" if len(current) < len(status.proofs) else "")
        + (f" {questions} for a person." if status.open_problems else ""),
    )


def _unconnected(status: Status) -> Iterator[Verdict]:
    if not status.connections:
        yield Verdict(
            tone="quiet",
            headline="No account is connected yet.",
            detail="Connect one with `bookhand connect stripe --key rk_…`; or watch it work with `make demo`.",
        )
    lost = [row for row in status.connections if row.status == "disconnected"]
    if lost:
        yield Verdict(
            tone="look",
            headline=f"{_several(len(lost), 'connection is', 'connections are')} disconnected.",
            detail="Nothing was lost: what was missed is fetched when the account is connected again.",
        )


def _unproven(status: Status) -> Iterator[Verdict]:
    if any(row.status == "running" for row in status.histories):
        yield Verdict(
            tone="busy",
            headline="History is still coming in.",
            detail="The proof is complete when the last page is in; until then a difference is expected.",
        )
    gaps = [row for row in status.proofs if row.off_by]
    if gaps:
        yield Verdict(
            tone="look",
            headline=f"{_several(len(gaps), 'balance differs', 'balances differ')} from Stripe's.",
            detail="The difference and its reason stand in the table, and stay there until it is explained.",
        )
    if any(row.off_by is None for row in status.proofs):
        yield Verdict(
            tone="busy",
            headline="Money moved while it was counted.",
            detail="The books are whole; they are compared with Stripe's balance again after the next batch.",
        )


def _late(status: Status) -> Iterator[Verdict]:
    if (status.live.oldest_waiting_seconds or 0) > SLOW_SECONDS:
        yield Verdict(
            tone="look",
            headline="Mail is waiting to be posted.",
            detail="Everything received is safe. Is the worker running? `bookhand serve` posts it.",
        )
    if not status.proofs:
        yield Verdict(
            tone="quiet",
            headline="Nothing has been proven yet.",
            detail="The first proof is taken when history is in: `bookhand backfill`.",
        )
    moved = [entry.recorded_at for entry in status.entries if entry.moves_clearing]
    last = max((row.at for row in status.proofs), default=status.at)
    old = [row for row in status.proofs if status.standing(row) == "old"]
    if old:
        yield Verdict(
            tone="look",
            headline="The books agreed with Stripe when they were last compared.",
            detail=f"{_several(len(old), 'balance was', 'balances were')} compared more than two hours ago. "
            "Is `bookhand serve` running, and does Stripe answer? `bookhand proof` compares now.",
        )
    if any(last < at < status.at - STALE for at in moved):
        yield Verdict(
            tone="busy",
            headline="The books agreed with Stripe when they were last compared.",
            detail="Money has moved since, and was posted. Is `bookhand serve` running? `bookhand proof` compares now.",
        )
    if any(row.status == "incomplete" for row in status.histories):
        yield Verdict(
            tone="look",
            headline="The books agree with Stripe; their history has a hole.",
            detail="Under History stands what could not be brought in. `bookhand backfill` tries again.",
        )


def _several(count: int, one: str, many: str) -> str:
    words = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
    number = words[count] if count < len(words) else f"{count:,}"
    return f"{number} {one if count == 1 else many}"
