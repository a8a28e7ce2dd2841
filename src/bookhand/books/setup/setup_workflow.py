"""Setting a book up: what would be written is shown, then a person agrees to exactly that mapping and method.

    setups = Setups(kit)
    shown = setups.propose(caller, link, method="deposit", since="2026-01-01")      # reads the book, writes nothing
    book = setups.agree(caller, link, shown.choice(), why="Our auditor looked at it")

Agreeing gives the mirror its permission and a standing approval whose terms are the whole configuration, then writes the book down; the
standing approval before it ends. Errors: `NotAllowed` for who may not agree, `Refusal` naming what is not mapped or cannot be changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Map
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.actions import store as proposals
from bookhand.actions.rights.govern_workflow import Terms
from bookhand.books import reading_store, sending_store, store
from bookhand.books.book import Book, terms_of
from bookhand.books.kit import RESOURCES, BookKit, writes
from bookhand.books.mapping import Finder, Mapping, checked
from bookhand.books.mirror_workflow import request_key
from bookhand.books.posting import clearing, deposit, summary
from bookhand.books.posting.lines import FEWEST_LINES, MOST_LINES, Booked, Days, Desk
from bookhand.books.reading_store import Counts
from bookhand.books.setup.proposing import Proposed, alone_of, ids_of, lines_of, proposed
from bookhand.core.book import BookAccount, Company, Document, PostingMethod
from bookhand.core.caller import MIRROR, Caller
from bookhand.core.facts import Link
from bookhand.core.problems import Refusal
from bookhand.systems import store as connections

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_DAY_SECONDS = 86_400
_SAID = {"clearing": "clearing", "deposit": "deposit", "daily_summary": "daily summary"}
_MONTH_BEGINS = re.compile(r"[1-9]\d{3}-(0[1-9]|1[0-2])-01", re.ASCII)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What a person agrees to."""

    method: PostingMethod
    mapping: Mapping
    sources: tuple[int, ...]
    since: str
    alone: tuple[str, ...] = ()
    most_lines: int = MOST_LINES


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """A book as it would be kept: its company and accounts, the mapping with its evidence, real documents, and how long it takes."""

    company: Company
    accounts: list[BookAccount]
    method: PostingMethod
    lines: list[Proposed]
    mapping: Mapping
    sources: tuple[int, ...]
    since: str
    alone: tuple[str, ...]
    sample: tuple[Document, ...]
    """The newest payout that is whole, as this method writes it; empty where there is none, or where something is not mapped."""
    pace: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def unmapped(self) -> list[tuple[str, str]]:
        """What has to be mapped by a person first."""
        return self.mapping.unmapped((line.journal, line.currency) for line in self.lines)

    def choice(self) -> Choice:
        """This proposal, to agree to."""
        return Choice(
            method=self.method, mapping=self.mapping, sources=self.sources, since=self.since, alone=self.alone
        )


class Setups:
    """See the module's docstring."""

    def __init__(self, kit: BookKit) -> None:
        self.kit = kit

    def propose(
        self,
        caller: Caller,
        link: Link,
        *,
        method: PostingMethod = "clearing",
        sources: Sequence[int] = (),
        since: str | None = None,
        chosen: Map[str, str] | None = None,
    ) -> Setup:
        """Read the book and propose how to keep it; `chosen` is a person's own word (``revenue`` or ``revenue@USD`` to an account's id or name).

        Without `sources` it takes every Stripe account of the book's mode; without `since` everything.
        """
        caller.need("read")
        reader = self.kit.reader(link)
        company, accounts = self.kit.company(link), reader.accounts(link)
        with self.kit.db.transaction() as cx:
            links = _sources(cx, link, sources)
            first = since or _first_month(cx, links)
            wanted = sorted({pair for each in links for pair in reading_store.used(cx, each, since=first)})
            counts = [reading_store.count(cx, each, since=first) for each in links]
            newest = next(
                ((each, *found) for each in links if (found := reading_store.latest_payout(cx, each))), None
            )
        lines = proposed(wanted, accounts)
        mapping = Mapping(lines_of(lines, ids_of(chosen or {}, accounts)))
        takes = {account.id: account.currency for account in accounts}
        mapping = Mapping(
            tuple(msgspec.structs.replace(line, takes=takes.get(line.account)) for line in mapping.lines)
        )
        sample: tuple[Document, ...] = ()
        if newest is not None and not mapping.unmapped(wanted):
            sample = _sample(method, mapping, *newest)
        return Setup(
            company=company, accounts=accounts, method=method, lines=lines, mapping=mapping, sources=tuple(each.connection_id for each in links),
            since=first, alone=alone_of(mapping.lines, accounts), sample=sample, pace=tuple(_pace(company, method, counts)),
            warnings=tuple(_warnings(company, wanted)),
        )  # fmt: skip

    def agree(self, caller: Caller, link: Link, choice: Choice, why: str, *, from_now: bool = False) -> Book:
        """Keep the book like this from now on.

        Another method (or other sources) than before needs everything undone first; or `from_now`: what is in the book stays as it is
        and is never posted again, and the rest goes by the new one.
        """
        caller.need("approve")
        caller.need("manage")
        _sound(choice)
        accounts = self.kit.reader(link).accounts(link)
        with self.kit.db.transaction() as cx:
            links = _sources(cx, link, choice.sources)
            wanted = {pair for each in links for pair in reading_store.used(cx, each, since=choice.since)}
            self._changeable(cx, link, choice, from_now=from_now)
        mapping = checked(choice.mapping, accounts, wanted)
        names = {account.id for account in accounts}
        if strange := sorted(set(choice.alone) - names):
            raise Refusal(f"The book has no account {strange[0]}, which was to be bookhand's alone.")
        standing = self._approved(caller, link, choice, mapping, why)
        book = Book(
            connection_id=link.connection_id, sources=tuple(sorted(choice.sources)), method=choice.method, mapping=mapping,
            digest=mapping.digest(), alone=tuple(sorted(choice.alone)), since=choice.since, most_lines=choice.most_lines,
            standing_id=standing, agreed_by=caller.who, agreed_name=caller.name, agreed_at=self.kit.clock(),
        )  # fmt: skip
        try:
            with self.kit.db.transaction() as cx:
                store.take_turn(cx, link)
                self._changeable(cx, link, choice, from_now=from_now)
                before = store.find(cx, link)
                store.drop_failed(cx, link, unsent=True)
                store.put(cx, link, book)
        except BaseException:  # whatever it was: nobody uses the approval, so it is not left standing
            self._end(caller, standing, "The book was not set up after all.")
            raise
        if before is not None:
            self._end(caller, before.standing_id, "The book is kept otherwise from now on.")
        return book

    def _end(self, caller: Caller, standing_id: str, why: str) -> None:
        self.kit.door.governing.set_standing(caller, standing_id, "ended", why)

    def _approved(self, caller: Caller, link: Link, choice: Choice, mapping: Mapping, why: str) -> str:
        """The permission and the standing approval of exactly this; its id."""
        governing = self.kit.door.governing
        patterns = tuple(writes(link.system, kind) for kind in RESOURCES)
        for pattern in patterns:
            governing.permit(
                caller,
                connection_id=link.connection_id,
                grantee=f"agent:{MIRROR}",
                pattern=pattern,
                allowed=True,
            )
        terms = terms_of(choice.method, mapping, sources=tuple(sorted(choice.sources)), since=choice.since)
        return governing.agree(
            caller,
            Terms(
                grantee=f"agent:{MIRROR}", patterns=patterns, connection_id=link.connection_id, terms=terms
            ),
            why,
        )

    def _changeable(self, cx: Transaction[Any], link: Link, choice: Choice, *, from_now: bool) -> None:
        """`Refusal` where documents are under way, or where the change would post money a second way."""
        before = store.find(cx, link)
        if before is None:
            return
        for batch in sending_store.open_batches(cx, link):
            if (
                proposals.of_request(cx, link.workspace_id, before.agreed_by, request_key(link, batch))
                is None
            ):
                sending_store.unbatch(cx, link, batch)
        store.refuse_if_busy(cx, link)
        same = (before.method, before.sources) == (choice.method, tuple(sorted(choice.sources)))
        month = store.last_month(cx, link)
        if month is not None and not same and not from_now:
            raise Refusal(
                f"The book holds entries up to {month} by {before.method}: undo them first (`bookhand undo-books`), or let the change count "
                "from now on (--from-now); what is in the book then stays, and is never posted again."
            )
        if month is not None and choice.since < before.since:
            raise Refusal(
                f"The book begins with {before.since}: undo what is in it before it is to begin earlier."
            )


def _sources(cx: Transaction[Any], link: Link, wanted: Sequence[int]) -> list[Link]:
    stripe = [each.link for each in connections.every(cx, system="stripe")]
    found = [each for each in stripe if (each.connection_id in wanted if wanted else each.mode == link.mode)]
    if len(found) != (len(set(wanted)) or len(found)) or not found:
        raise Refusal(
            f"There is no Stripe connection {sorted(wanted) or f'in {link.mode} mode'} whose journal the book could take."
        )
    if {each.mode for each in found} != {link.mode}:
        raise Refusal(
            f"The book is in {link.mode} mode, and play money and real money do not go into one book."
        )
    return found


def _first_month(cx: Transaction[Any], links: Sequence[Link]) -> str:
    months = [month for each in links for month in reading_store.months(cx, each)]
    if not months:
        raise Refusal("The journal is empty: bring the history in first (`bookhand backfill`).")
    return f"{min(months)}-01"


def _sound(choice: Choice) -> None:
    if not _MONTH_BEGINS.fullmatch(choice.since):
        raise Refusal(
            f"A book begins with a month: write its first day, as in 2026-01-01, not {choice.since!r}."
        )
    if choice.most_lines < FEWEST_LINES:
        raise Refusal(f"A document needs at least {FEWEST_LINES} lines.")


def _sample(
    method: PostingMethod, mapping: Mapping, source: Link, held: list[Booked], payouts: deposit.Payouts
) -> tuple[Document, ...]:
    desk = Desk(link=source, find=Finder(mapping), days=Days(), most_lines=MOST_LINES)
    fresh = msgspec.structs.replace(payouts, parts={})
    if method == "deposit":
        bundles = deposit.plan(desk, held, fresh).bundles
    elif method == "daily_summary":
        bundles = summary.plan(desk, held, today="9999-12-31", parts={}).bundles
    else:
        bundles = clearing.plan(desk, held).bundles
    return tuple(document for bundle in bundles for document in bundle.documents)


def _pace(company: Company, method: PostingMethod, counts: Sequence[Counts]) -> list[str]:
    """How long a catch-up takes by each method, and which to take where it would be days."""
    speed = company.documents_per_second or 1.0
    needed = {
        "clearing": sum(each.entries for each in counts),
        "deposit": sum(each.payouts for each in counts),
        "daily_summary": sum(each.days for each in counts),
    }
    said = [company.pace] if company.pace else []
    said.append(
        f"{needed[method]:,} documents by {_SAID[method]} take about {_time(needed[method] / speed)}"
        + "".join(
            f"; {count:,} by {_SAID[name]} take {_time(count / speed)}"
            for name, count in needed.items()
            if name != method
        )
        + "."
    )
    if needed[method] / speed > _DAY_SECONDS:
        said.append("That would take days: a daily summary keeps the same balances with one entry a day.")
    return said


def _time(seconds: float) -> str:
    for limit, unit, size in ((120, "seconds", 1), (7200, "minutes", 60), (2 * _DAY_SECONDS, "hours", 3600)):
        if seconds < limit:
            told = max(round(seconds / size, 1 if size > 1 else 0), 1)
            return f"{told:g} {unit.removesuffix('s') if told == 1 else unit}"
    return f"{seconds / _DAY_SECONDS:.1f} days"


def _warnings(company: Company, wanted: Sequence[tuple[str, str]]) -> list[str]:
    missing = sorted({currency for _, currency in wanted} - set(company.currencies))
    return [
        f"The book does not take {currency}: turn on its currencies there first, or its documents will be refused."
        for currency in missing
    ]
