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

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.actions.kit import Asking, Seen, Shown
from bookhand.actions.proposal import Changed, differing
from bookhand.books import store
from bookhand.books.actions import UNDO
from bookhand.books.book import Kept
from bookhand.books.kit import BookKit, Progress
from bookhand.books.mirror_workflow import Mirrors
from bookhand.books.posting.lines import Days
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
            anything = bool(_there(cx, link, since, until))
        if anything:
            wanted = {"book": link.connection_id, "since": since, "until": until}
            made = self.kit.door.propose(caller, UNDO, wanted, why)
            self.kit.door.approve(caller, made.proposal_id, made.call_hash)
        written = self.mirrors.send(link, told=told)
        with self.kit.db.transaction() as cx:
            store.take_turn(cx, link)
            found = _of_range(cx, link, since, until)
            freed = _freed(cx, link, found) if again else 0
        return Undone(written=written, reversed=sum(each.state == "reversed" for each in found), freed=freed)

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

    # --- what the door asks ---

    def _look(self, _caller: Caller, values: Values) -> Shown:
        """What an undoing would do; nothing is written down."""
        since, until = values["since"], values["until"]
        with self.kit.db.transaction() as cx:
            connection = connections.get(cx, values["book"])
        link = connection.link
        company = self.kit.company(link)
        with self.kit.db.transaction() as cx:
            store.get(cx, link)
            store.refuse_if_busy(cx, link)
            there = _there(cx, link, since, until)
            made = _reversals(cx, link, company, there)
        if not there:
            raise Refusal(f"No document of the book is dated from {since} to {until}, or all are undone.")
        names: dict[str, str] = {}
        with suppress(BookhandError):  # it is shown by their ids, then
            names = {each.id: each.name for each in self.kit.reader(link).accounts(link)}
        preview = _preview(
            there, made, name=connection.name, subject=link.account, days=(since, until), names=names
        )
        return Shown(connection=connection, seen=_seen(there), preview=preview)

    def _act(self, cx: Transaction[Any], caller: Caller, values: Values, seen: Seen) -> dict[str, Any]:
        """Write down the reversals of what was seen, for the next mirror to send."""
        caller.need("manage")
        link = connections.get(cx, values["book"]).link
        company = self.kit.company(link)
        store.take_turn(cx, link)
        store.refuse_if_busy(cx, link)
        store.drop_failed(cx, link, unsent=True)
        there = _there(cx, link, values["since"], values["until"])
        changed = differing(seen, _seen(there))
        if changed:
            raise Changed(
                f"It was not undone: since it was asked for, {'; '.join(changed)}. Ask for it again."
            )
        store.add(cx, link, _reversals(cx, link, company, there))
        return {**values, "documents": len(there)}


# --- which documents ---


def _there(cx: Transaction[Any], link: Link, since: str, until: str) -> list[Kept]:
    """The documents of these days that stand in the book and are not being reversed."""
    done = [
        each
        for each in store.documents(cx, link, since=since, until=until, states=("done",))
        if each.reverses is None
    ]
    begun = store.reversing(cx, link, [each.key for each in done])
    return [each for each in done if each.key not in begun]


def _seen(there: Sequence[Kept]) -> dict[str, dict[str, Any]]:
    """What a yes is for: how many, their totals, and which to the last."""
    told = "\n".join(sorted(f"{each.key} {each.day} {each.total} {each.currency}" for each in there))
    totals = {currency: str(minor) for currency, minor in sorted(_totals(there).items())}
    digest = hashlib.sha256(told.encode()).hexdigest()
    return {"documents": {"count": len(there), "totals": totals, "digest": digest}}


def _totals(there: Iterable[Kept]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for each in there:
        sums[each.currency] = sums.get(each.currency, 0) + each.total
    return sums


def _reversals(cx: Transaction[Any], link: Link, company: Company, there: Sequence[Kept]) -> list[Kept]:
    calendar = period_store.calendar(cx, link.workspace_id)
    days = Days(closed=calendar.closed, closed_through=company.closed_through, late=calendar.late)
    return [_reversal(each, days) for each in there]


def _of_range(cx: Transaction[Any], link: Link, since: str, until: str) -> list[Kept]:
    return [each for each in store.documents(cx, link, since=since, until=until) if each.reverses is None]


def _freed(cx: Transaction[Any], link: Link, found: Sequence[Kept]) -> int:
    done = _wholly_reversed(found)
    return store.free(cx, link, sorted(done)) if done else 0


# --- how it is shown ---


def _preview(
    there: Sequence[Kept], made: Sequence[Kept], *, name: str, subject: str, days: tuple[str, str], names: Mapping[str, str]
) -> Preview:  # fmt: skip
    count = f"{len(there):,} document{'s' if len(there) > 1 else ''}"
    changes = [
        Change(
            f"{each.content.number} of {each.day}",
            _amount(each.total, each.currency),
            f"reversed on {back.day}",
        )
        for each, back in list(zip(there, made, strict=True))[:_NAMED]
    ]
    if len(there) > _NAMED:
        changes.append(Change(f"and {len(there) - _NAMED:,} more", "in the book", "reversed"))
    moved = sum(each.day != back.day for each, back in zip(there, made, strict=True))
    return Preview(
        says=f"Undo {count} of {name}, {days[0]} to {days[1]}: each is reversed by a journal entry of its own",
        subject=subject,
        changes=tuple(changes),
        moves=tuple(
            Moves(minor, currency, f"booked back in {name}; no money moves")
            for currency, minor in sorted(_totals(there).items())
        ),
        books=_effect(made, names),
        cannot_undo="Both stay in the book, the documents and their reversals. What they covered is posted again only if that is asked for.",
        warnings=(f"The days of {moved:,} are closed: these are reversed on the first open day.",)
        if moved
        else (),
    )


def _effect(made: Iterable[Kept], names: Mapping[str, str]) -> tuple[str, ...]:
    """What the reversals do to the book's accounts, currency by currency, debits first."""
    sums: dict[tuple[str, str], int] = {}
    for each in made:
        for line in each.content.lines:
            place = (line.account, each.currency)
            sums[place] = sums.get(place, 0) + line.minor
    moved = sorted(((currency, -minor, account) for (account, currency), minor in sums.items() if minor))
    told = [
        f"{names.get(account, account)}: {'+' if less < 0 else ''}{_amount(-less, currency)}"
        for currency, less, account in moved[:_ACCOUNTS]
    ]
    return (*told, f"and {len(moved) - _ACCOUNTS:,} more accounts") if len(moved) > _ACCOUNTS else tuple(told)


def _amount(minor: int, currency: str) -> str:
    return str(Money(minor, currency)) if currency in EXPONENTS else f"{minor} {currency}"


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
