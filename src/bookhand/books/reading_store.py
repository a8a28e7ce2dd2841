"""What a book has not taken yet: entries of the journal that no document covers, and what is known of payouts. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.books import store
from bookhand.books.posting.deposit import PAYOUT, Payouts
from bookhand.books.posting.lines import Booked
from bookhand.core.days import next_period
from bookhand.core.facts import Link
from bookhand.core.money import as_text
from bookhand.journal import store as journal
from bookhand.journal.rows import entry_from

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_COLUMNS = "key, happened_at, kind, why, accounts, currencies, minors, refs, reverses, source, delivery"


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many entries, payouts and days with entries there are."""

    entries: int
    payouts: int
    days: int


def open_months(cx: Transaction[Any], source: Link, covered: dict[str, int], *, since: str) -> list[str]:
    """The months that have more entries than the book has taken, oldest first."""
    return [
        month
        for month, count in sorted(journal.months(cx, source).items())
        if month >= since[:7] and count != covered.get(month, 0)
    ]


def uncovered(cx: Transaction[Any], book: Link, source: Link, month: str, *, since: str) -> list[Booked]:
    """The entries of a month that no document of the book covers, by ledger day and time."""
    first = max(f"{month}-01", since)
    rows = cx.execute(
        f"""
        select {_COLUMNS}, booked_on::text from journal_entry e
        where workspace_id = %(workspace)s and connection_id = %(source)s and booked_on >= %(first)s::date and booked_on < %(end)s::date
            and not exists (select from book_cover c where c.workspace_id = %(workspace)s and c.connection_id = %(book)s
                and c.source_id = %(source)s and c.entry = e.key offset 0)
        order by booked_on, happened_at, key
        """,
        {"workspace": book.workspace_id, "source": source.connection_id, "book": book.connection_id, "first": first,
         "end": f"{next_period(month)}-01"},
    )  # fmt: skip
    return [Booked(row[11], entry_from(*row[:11])) for row in rows]


def months(cx: Transaction[Any], source: Link) -> list[str]:
    """The months of a journal."""
    return sorted(journal.months(cx, source))


def used(cx: Transaction[Any], source: Link, *, since: str) -> list[tuple[str, str]]:
    """The (journal account, currency) pairs that have been posted to since a month, and the clearing of each such currency."""
    found = {
        (account, currency) for month, account, currency in journal.activity(cx, source) if month >= since[:7]
    }
    return sorted(found)


def totals(cx: Transaction[Any], source: Link, *, since: str) -> dict[tuple[str, str], int]:
    """What the journal changed in each (journal account, currency) since a month."""
    found: Counter[tuple[str, str]] = Counter()
    for (month, account, currency), minor in journal.activity(cx, source).items():
        if month >= since[:7]:
            found[account, currency] += minor
    return dict(found)


def count(cx: Transaction[Any], source: Link, *, since: str) -> Counts:
    """How much there is to mirror since a month."""
    held = {month: entries for month, entries in journal.months(cx, source).items() if month >= since[:7]}
    row = cx.execute(
        """
        select count(*) filter (where kind = 'payout'), count(distinct booked_on) from journal_entry
        where workspace_id = %s and connection_id = %s and booked_on >= %s::date
        """,
        (source.workspace_id, source.connection_id, since),
    ).fetchone()
    payouts_, days = row or (0, 0)
    return Counts(entries=sum(held.values()), payouts=payouts_, days=days)


def latest_payout(cx: Transaction[Any], source: Link) -> tuple[list[Booked], Payouts] | None:
    """The entries of the newest payout that is whole, with what goes with them; None where there is none."""
    rows = cx.execute(
        """
        select key, m.payout from journal_entry e join (
            select workspace_id, connection_id, balance_transaction, payout from journal_member
            union all select workspace_id, connection_id, balance_transaction, payout_id from payout_confirmed) m
            on m.workspace_id = e.workspace_id and m.connection_id = e.connection_id and m.balance_transaction = e.key
        where e.workspace_id = %s and e.connection_id = %s and e.kind = 'payout' order by e.booked_on desc, e.key limit 25
        """,
        (source.workspace_id, source.connection_id),
    ).fetchall()
    for _, payout in rows:
        held = _of_payout(cx, source, payout)
        known = payouts(cx, source, source, held)
        if payout in known.whole:
            return held, known
    return None


def _of_payout(cx: Transaction[Any], source: Link, payout: str) -> list[Booked]:
    rows = cx.execute(
        f"""
        with member as materialized (
            select balance_transaction as id from journal_member where workspace_id = %(workspace)s and connection_id = %(source)s
                and payout = %(payout)s
            union select balance_transaction from payout_confirmed where workspace_id = %(workspace)s and connection_id = %(source)s
                and payout_id = %(payout)s)
        select {_COLUMNS}, booked_on::text from member cross join lateral (
            select * from journal_entry where workspace_id = %(workspace)s and connection_id = %(source)s
                and (key = member.id or (key > member.id || ':' and key < member.id || ';')) offset 0) e
        order by booked_on, happened_at, key
        """,
        {"workspace": source.workspace_id, "source": source.connection_id, "payout": payout},
    )
    return [Booked(row[11], entry_from(*row[:11])) for row in rows]


def payouts(cx: Transaction[Any], book: Link, source: Link, held: Collection[Booked]) -> Payouts:
    """What is known of the payouts that `held` went out with: which are whole, and by how much others are off.

    Whole is a payout whose own movement is listed among its members, all of which are in the journal and come to zero. Stripe's list
    says what its members are; where Stripe has none (manual and instant payouts), a person's word does.
    """
    keys = [booked.entry.key for booked in held]
    of = _confirmed(cx, source, keys)
    of |= dict(
        cx.execute(
            "select balance_transaction, payout from journal_member where workspace_id = %s and connection_id = %s"
            " and balance_transaction = any (%s)",
            (source.workspace_id, source.connection_id, keys),
        ).fetchall()
    )
    named = sorted(set(of.values()))
    parts = store.parts(cx, book, source.connection_id, named)
    listed: dict[str, int] = dict(
        cx.execute(
            "select payout, count(*) from journal_member where workspace_id = %s and connection_id = %s and payout = any (%s) group by payout",
            (source.workspace_id, source.connection_id, named),
        ).fetchall()
    )
    known: dict[str, int] = {}
    off: dict[str, str] = {}
    sums = cx.execute(
        "select payout, currency, members, net from journal_payout where workspace_id = %s and connection_id = %s and payout = any (%s)",
        (source.workspace_id, source.connection_id, named),
    ).fetchall()
    for payout, currency, members, net, told in _confirmed_sums(cx, source, named):
        listed[payout] = listed.get(payout, 0) + told
        sums.append((payout, currency, members, net))
    for payout, currency, members, net in sums:
        known[payout] = known.get(payout, 0) + members
        if net:
            off[payout] = f"with its members it comes to {as_text(net, currency)} and not to zero"
    for payout in named:
        if payout not in off and listed.get(payout, 0) != known.get(payout, 0):
            off[payout] = (
                f"{listed.get(payout, 0) - known.get(payout, 0):,} of its members are not in the journal"
            )
    own = Counter(
        of[entry.key]
        for entry in (booked.entry for booked in held)
        if entry.kind == PAYOUT and entry.key in of and of[entry.key] == entry.refs.get("source")
    )
    for payout, movements in own.items():
        if movements + bool(parts.get(payout)) > 1:
            off.setdefault(payout, "Stripe lists more than one movement of the payout itself")
    whole = {payout for payout in named if payout not in off and (parts.get(payout) or own.get(payout))}
    for payout in named:
        if payout not in whole and payout not in off:
            off[payout] = "the payout's own movement is not in the journal yet"
    return Payouts(of=of, whole=whole, off=off, parts=parts)


def _confirmed(cx: Transaction[Any], source: Link, keys: Collection[str]) -> dict[str, str]:
    """Which of these balance transactions went out with which payout, by a person's word."""
    rows = cx.execute(
        "select balance_transaction, payout_id from payout_confirmed where workspace_id = %s and connection_id = %s"
        " and balance_transaction = any (%s)",
        (source.workspace_id, source.connection_id, list(keys)),
    )
    return dict(rows.fetchall())


def _confirmed_sums(
    cx: Transaction[Any], source: Link, payouts_: Collection[str]
) -> list[tuple[str, str, int, int, int]]:
    """(payout, currency, members in the journal, what they come to, members told) by a person's word.

    What Stripe has listed since counts as Stripe says: a payout of which it listed a member elsewhere does not add up any more.
    """
    return cx.execute(
        """
        select c.payout_id, coalesce(e.settles, ''), count(e.key), coalesce(sum(e.net), 0)::bigint, count(*)
        from payout_confirmed c left join journal_entry e
            on e.workspace_id = c.workspace_id and e.connection_id = c.connection_id and e.key = c.balance_transaction
        where c.workspace_id = %(workspace)s and c.connection_id = %(source)s and c.payout_id = any (%(payouts)s)
            and not exists (select from journal_member m where m.workspace_id = c.workspace_id and m.connection_id = c.connection_id
                and m.balance_transaction = c.balance_transaction)
        group by 1, 2
        """,
        {
            "workspace": source.workspace_id,
            "source": source.connection_id,
            "payouts": list(payouts_),
        },
    ).fetchall()
