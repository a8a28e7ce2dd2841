"""Undoing: documents of some days are reversed by journal entries of their own, through the door, each once.

    undone = Undos(kit).undo(caller, link, since="2026-01-01", until="2026-01-31")
    Undos(kit).begin(caller, link, since="2026-01-01", until="2026-01-31", why="Booked twice")     # the next mirror sends them
    Undos(kit).post_again(caller, link, since="2026-01-01", until="2026-01-31", why="Mapped anew")

Nothing is deleted: the reversed document and its reversal both stay in the book. What they covered is posted again only if that is
asked for. Errors: `NotAllowed` for who may not, `Refusal` while documents are on their way or a day is closed, those of mirroring.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.books import store
from bookhand.books.book import Kept
from bookhand.books.kit import BookKit, Progress
from bookhand.books.mirror_workflow import Mirrors
from bookhand.books.posting.lines import Days
from bookhand.core.book import Company, Document
from bookhand.core.caller import Caller
from bookhand.core.facts import Link
from bookhand.core.problems import Refusal
from bookhand.journal import period_store
from bookhand.workspace.trail import Note
from bookhand.workspace.trail_store import append

if TYPE_CHECKING:
    from psycopg import Connection as Transaction


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

    def undo(
        self,
        caller: Caller,
        link: Link,
        *,
        since: str,
        until: str,
        again: bool = False,
        told: Callable[[Progress], None] = lambda _: None,
    ) -> Undone:
        """Reverse every document dated from `since` to `until`; with `again` what they covered may be posted again."""
        caller.need("approve")
        caller.need("manage")
        company = self.kit.company(link)
        with self.kit.db.transaction() as cx:
            store.take_turn(cx, link)
            self._intend(cx, link, company, since, until)
        written = self.mirrors.send(link, told=told)
        with self.kit.db.transaction() as cx:
            store.take_turn(cx, link)
            found = _of_range(cx, link, since, until)
            freed = _freed(cx, link, found) if again else 0
        return Undone(written=written, reversed=sum(each.state == "reversed" for each in found), freed=freed)

    def begin(self, caller: Caller, link: Link, *, since: str, until: str, why: str) -> int:
        """Write down the reversals of these days for the next mirror to send, and who wanted it and why; how many."""
        caller.need("approve")
        caller.need("manage")
        company = self.kit.company(link)
        with self.kit.db.transaction() as cx:
            store.take_turn(cx, link)
            count = self._intend(cx, link, company, since, until)
            if not count:
                raise Refusal(f"No document of the book is dated from {since} to {until}, or all are undone.")
            note = _note(caller, link, "books.undo", why, since=since, until=until, documents=count)
            append(cx, link.workspace_id, [note])
        return count

    def post_again(self, caller: Caller, link: Link, *, since: str, until: str, why: str) -> int:
        """Let what the undone documents of these days covered be posted again, by the next mirror; how many entries."""
        caller.need("approve")
        caller.need("manage")
        with self.kit.db.transaction() as cx:
            store.take_turn(cx, link)
            store.refuse_if_busy(cx, link)
            count = _freed(cx, link, _of_range(cx, link, since, until))
            if not count:
                raise Refusal(f"No document from {since} to {until} is undone and still holds its entries.")
            note = _note(caller, link, "books.post_again", why, since=since, until=until, entries=count)
            append(cx, link.workspace_id, [note])
        return count

    def _intend(self, cx: Transaction[Any], link: Link, company: Company, since: str, until: str) -> int:
        store.refuse_if_busy(cx, link)
        store.drop_failed(cx, link, unsent=True)
        there = [
            each
            for each in store.documents(cx, link, since=since, until=until, states=("done",))
            if each.reverses is None
        ]
        begun = store.reversing(cx, link, [each.key for each in there])
        calendar = period_store.calendar(cx, link.workspace_id)
        days = Days(closed=calendar.closed, closed_through=company.closed_through, late=calendar.late)
        fresh = [_reversal(each, days) for each in there if each.key not in begun]
        store.add(cx, link, fresh)
        return len(fresh)


def _of_range(cx: Transaction[Any], link: Link, since: str, until: str) -> list[Kept]:
    return [each for each in store.documents(cx, link, since=since, until=until) if each.reverses is None]


def _freed(cx: Transaction[Any], link: Link, found: Sequence[Kept]) -> int:
    done = _wholly_reversed(found)
    return store.free(cx, link, sorted(done)) if done else 0


def _note(caller: Caller, link: Link, what: str, why: str, **details: Any) -> Note:
    return Note(
        who=caller.who, name=caller.name, agent=caller.agent, channel=caller.channel, what=what, subject=link.account, why=why,
        connection=link.connection_id, mode=link.mode, details=details,
    )  # fmt: skip


def _reversal(kept: Kept, days: Days) -> Kept:
    placed = days.placed(kept.day)
    if placed is None:
        raise Refusal(
            f"{kept.day} is closed: reopen it, or let late facts go into the open period, to undo {kept.key}."
        )
    made: Document = kept.content.reversed(day=placed.day)
    if placed.note:
        made = msgspec.structs.replace(made, memo=f"{made.memo} {placed.note}"[:2900])
    return Kept(
        key=made.key, base=made.key, source_id=kept.source_id, subject=kept.subject, kind="journal_entry", day=made.day,
        currency=made.currency, content=made, total=sum(line.minor for line in made.lines if line.minor > 0), reverses=kept.key,
    )  # fmt: skip


def _wholly_reversed(found: Sequence[Kept]) -> set[str]:
    """Bases of which every document is reversed."""
    return {each.base for each in found if each.state == "reversed"} - {
        each.base for each in found if each.state != "reversed"
    }
