"""Undoing: documents of some days are reversed by journal entries of their own, through the door, each once.

    made = door.propose(caller, "books.undo", {"book": 3, "since": "2026-01-01", "until": "2026-01-31"}, "Booked twice")
    door.approve(other, made.proposal_id, made.call_hash)     # the reversals are written down; the next mirror sends them
    undone = Undos(kit).undo(caller, link, since="2026-01-01", until="2026-01-31", why="Booked twice")     # all of it, and sent
    Undos(kit).post_again(caller, link, since="2026-01-01", until="2026-01-31", why="Mapped anew")

A yes is for exactly the documents that were shown: where others are there by then, it is void. Nothing is deleted: the reversed document and
its reversal both stay in the book. What they covered is posted again only if that is asked for. Errors: `NotAllowed` for who may not,
`Refusal` while documents are on their way or a day is closed, those of the door and of mirroring.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.actions.kit import Asking, Seen, Shown
from bookhand.actions.proposal import Changed, differing
from bookhand.books import store
from bookhand.books.actions import UNDO
from bookhand.books.book import Kept
from bookhand.books.comparing import undo_store
from bookhand.books.comparing.undo_store import OneDay, Range
from bookhand.books.kit import BookKit, Progress
from bookhand.books.mirror_workflow import Mirrors
from bookhand.books.posting.lines import Days, Placed
from bookhand.core.action import Change, Moves, Preview, Values
from bookhand.core.book import Company, Document
from bookhand.core.caller import Caller
from bookhand.core.facts import Link
from bookhand.core.money import EXPONENTS, Money
from bookhand.core.problems import BookhandError, Refusal
from bookhand.journal import period_store
from bookhand.systems import store as connections
from bookhand.workspace.trail import Note
from bookhand.workspace.trail_store import append

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_NAMED, _ACCOUNTS = 8, 12
_AT_ONCE = 2000
"""So many reversals are made and written down at a time."""


class Undone(msgspec.Struct, frozen=True, kw_only=True):
    """How many documents were reversed now, how many are reversed in all of the range, and how many entries are free again."""

    written: int
    reversed: int
    freed: int


class Undos:
    """See the module's docstring."""

    def __init__(self, kit: BookKit) -> None:
        self.kit = kit
        self.mirrors = Mirrors(kit)

    @property
    def asking(self) -> Asking:
        """How the door shows an undoing before its yes, and does it with it."""
        return Asking(look=self._look, act=self._act)

    def undo(
        self,
        caller: Caller,
        link: Link,
        *,
        since: str,
        until: str,
        why: str,
        again: bool = False,
        told: Callable[[Progress], None] = lambda _: None,
    ) -> Undone:
        """Ask for the undoing of these days, say yes to it, and send it; with `again` what was covered may be posted again.

        `NotAllowed` where the yes has to be somebody else's: the proposal waits for it.
        """
        caller.need("approve")
        caller.need("manage")
        with self.kit.db.transaction() as cx:
            store.refuse_if_busy(cx, link)
            anything = undo_store.any_standing(cx, Range(link=link, since=since, until=until))
        if anything:
            wanted = {"book": link.connection_id, "since": since, "until": until}
            made = self.kit.door.propose(caller, UNDO, wanted, why)
            self.kit.door.approve(caller, made.proposal_id, made.call_hash)
        written = self.mirrors.send(link, told=told)
        with self.kit.db.transaction() as cx:
            store.take_turn(cx, link)
            days = Range(link=link, since=since, until=until)
            freed = _freed(cx, days) if again else 0
            return Undone(written=written, reversed=undo_store.reversed_ones(cx, days), freed=freed)

    def post_again(self, caller: Caller, link: Link, *, since: str, until: str, why: str) -> int:
        """Let what the undone documents of these days covered be posted again, by the next mirror; how many entries."""
        caller.need("approve")
        caller.need("manage")
        with self.kit.db.transaction() as cx:
            store.take_turn(cx, link)
            store.refuse_if_busy(cx, link)
            count = _freed(cx, Range(link=link, since=since, until=until))
            if not count:
                raise Refusal(f"No document from {since} to {until} is undone and still holds its entries.")
            note = _note(caller, link, "books.post_again", why, since=since, until=until, entries=count)
            append(cx, link.workspace_id, [note])
        return count

    # --- what the door asks ---

    def _look(self, _caller: Caller, values: Values) -> Shown:
        """What an undoing would do; nothing is written down."""
        since, until = values["since"], values["until"]
        with self.kit.db.transaction() as cx:
            connection = connections.get(cx, values["book"])
        link = connection.link
        range_ = Range(link=link, since=since, until=until)
        company = self.kit.company(link)
        with self.kit.db.snapshot() as cx:
            store.get(cx, link)
            store.refuse_if_busy(cx, link)
            found = undo_store.each_day(cx, range_)
            if not found:
                raise Refusal(f"No document of the book is dated from {since} to {until}, or all are undone.")
            seen = _seen(cx, range_, found)
            there = _there(cx, range_, found, _days(cx, link, company))
        names: dict[str, str] = {}
        with suppress(BookhandError):  # it is shown by their ids, then
            names = {each.id: each.name for each in self.kit.reader(link).accounts(link)}
        preview = _preview(
            there, name=connection.name, subject=link.account, days=(since, until), names=names
        )
        return Shown(connection=connection, seen=seen, preview=preview)

    def _act(self, cx: Transaction[Any], caller: Caller, values: Values, seen: Seen) -> dict[str, Any]:
        """Write down the reversals of what was seen, for the next mirror to send."""
        caller.need("manage")
        link = connections.get(cx, values["book"]).link
        company = self.kit.company(link)
        store.take_turn(cx, link)
        store.refuse_if_busy(cx, link)
        store.drop_failed(cx, link, unsent=True)
        range_ = Range(link=link, since=values["since"], until=values["until"])
        now = _seen(cx, range_, undo_store.each_day(cx, range_))
        changed = differing(seen, now)
        if changed:
            raise Changed(
                f"It was not undone: since it was asked for, {'; '.join(changed)}. Ask for it again."
            )
        days = _days(cx, link, company)
        for there in undo_store.all_standing(cx, range_, size=_AT_ONCE):
            store.add(cx, link, [_reversal(each, days) for each in there])
        return {**values, "documents": now["documents"]["count"]}


# --- which documents ---


class There(msgspec.Struct, frozen=True, kw_only=True):
    """What would be undone.

    `totals` is currency to what they come to, `first` has the day on which each would be reversed, `moved` counts those whose own day is
    closed, `sums` is (account of the book, currency) to what their lines come to.
    """

    count: int
    totals: dict[str, int]
    first: list[tuple[Kept, str]]
    moved: int
    sums: dict[tuple[str, str], int]


def _there(cx: Transaction[Any], range_: Range, found: Sequence[OneDay], days: Days) -> There:
    """The documents of these days that stand in the book and are not being reversed."""
    placed = {each.day: _placed(each.day, each.first, days).day for each in found}
    return There(
        count=sum(each.count for each in found),
        totals=_totals(found),
        first=[(each, placed[each.day]) for each in undo_store.standing(cx, range_, limit=_NAMED)],
        moved=sum(each.count for each in found if placed[each.day] != each.day),
        sums=undo_store.sums(cx, range_),
    )


def _seen(cx: Transaction[Any], range_: Range, found: Sequence[OneDay]) -> dict[str, dict[str, Any]]:
    """What a yes is for: how many, their totals, and which to the last."""
    totals = {currency: str(minor) for currency, minor in _totals(found).items()}
    count = sum(each.count for each in found)
    return {"documents": {"count": count, "totals": totals, "digest": undo_store.digest(cx, range_)}}


def _totals(found: Sequence[OneDay]) -> dict[str, int]:
    """By currency, sorted."""
    sums = dict.fromkeys(sorted(each.currency for each in found), 0)
    for each in found:
        sums[each.currency] += each.total
    return sums


def _days(cx: Transaction[Any], link: Link, company: Company) -> Days:
    calendar = period_store.calendar(cx, link.workspace_id)
    return Days(closed=calendar.closed, closed_through=company.closed_through, late=calendar.late)


def _freed(cx: Transaction[Any], range_: Range) -> int:
    done = undo_store.wholly_reversed(cx, range_)
    return store.free(cx, range_.link, done) if done else 0


# --- how it is shown ---


def _preview(
    there: There, *, name: str, subject: str, days: tuple[str, str], names: Mapping[str, str]
) -> Preview:
    count = f"{there.count:,} document{'s' if there.count > 1 else ''}"
    changes = [
        Change(
            f"{each.content.number} of {each.day}", _amount(each.total, each.currency), f"reversed on {back}"
        )
        for each, back in there.first
    ]
    if there.count > len(changes):
        changes.append(Change(f"and {there.count - len(changes):,} more", "in the book", "reversed"))
    return Preview(
        says=f"Undo {count} of {name}, {days[0]} to {days[1]}: each is reversed by a journal entry of its own",
        subject=subject,
        changes=tuple(changes),
        moves=tuple(
            Moves(minor, currency, f"booked back in {name}; no money moves")
            for currency, minor in there.totals.items()
        ),
        books=_effect(there.sums, names),
        cannot_undo="Both stay in the book, the documents and their reversals. What they covered is posted again only if that is asked for.",
        warnings=(f"The days of {there.moved:,} are closed: these are reversed on the first open day.",)
        if there.moved
        else (),
    )


def _effect(sums: Mapping[tuple[str, str], int], names: Mapping[str, str]) -> tuple[str, ...]:
    """What reversing lines that come to `sums` does to the book's accounts, currency by currency, debits first."""
    moved = sorted((currency, minor, account) for (account, currency), minor in sums.items() if minor)
    told = [
        f"{names.get(account, account)}: {'+' if minor < 0 else ''}{_amount(-minor, currency)}"
        for currency, minor, account in moved[:_ACCOUNTS]
    ]
    return (*told, f"and {len(moved) - _ACCOUNTS:,} more accounts") if len(moved) > _ACCOUNTS else tuple(told)


def _amount(minor: int, currency: str) -> str:
    return str(Money(minor, currency)) if currency in EXPONENTS else f"{minor} {currency}"


def _note(caller: Caller, link: Link, what: str, why: str, **details: Any) -> Note:
    return Note(
        who=caller.who, name=caller.name, agent=caller.agent, channel=caller.channel, what=what, subject=link.account, why=why,
        connection=link.connection_id, mode=link.mode, details=details,
    )  # fmt: skip


def _placed(day: str, key: str, days: Days) -> Placed:
    placed = days.placed(day)
    if placed is None:
        raise Refusal(
            f"{day} is closed: reopen it, or let late facts go into the open period, to undo {key}."
        )
    return placed


def _reversal(kept: Kept, days: Days) -> Kept:
    placed = _placed(kept.day, kept.key, days)
    made: Document = kept.content.reversed(day=placed.day)
    if placed.note:
        made = msgspec.structs.replace(made, memo=f"{made.memo} {placed.note}"[:2900])
    return Kept(
        key=made.key, base=made.key, source_id=kept.source_id, subject=kept.subject, kind="journal_entry", day=made.day,
        currency=made.currency, content=made, total=sum(line.minor for line in made.lines if line.minor > 0), reverses=kept.key,
    )  # fmt: skip
