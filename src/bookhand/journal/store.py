"""The journal in the database: entries added once, what they add up to, and the way to read them back.

Stores take an open transaction and never commit. Running sums move with the entries, in the same transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.core.entry import Entry
from bookhand.core.facts import BalanceTransaction, Link
from bookhand.core.problems import Problem
from bookhand.journal import period_store
from bookhand.journal.copy_store import Table, insert_new
from bookhand.journal.lookups import arguments, each, touched
from bookhand.journal.periods import Calendar
from bookhand.journal.rows import ENTRY_COLUMNS, day_text, entry_from, hash_in, row_of

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_ENTRY = Table("journal_entry", ENTRY_COLUMNS)
_WAITING = Table("journal_waiting", ENTRY_COLUMNS)
_COLUMNS = "key, happened_at, kind, why, accounts, currencies, minors, refs, reverses, source, delivery"
MATCH = "match:"
"""How the keys begin of entries that follow from the bank's lines, not from Stripe's mail."""
_LOCK_CONNECTION, _LOCK_WORKSPACE = 4_242_101, 4_242_102


class Draft(msgspec.Struct, frozen=True):
    """An entry to add, and the balance transaction whose own entry it is, if it is one."""

    entry: Entry
    bt: BalanceTransaction | None = None


class Added(msgspec.Struct):
    """What adding drafts did: the keys that were new and are in the journal, and the findings."""

    keys: set[str]
    problems: list[Problem]


def take_turn(cx: Transaction[Any], link: Link) -> None:
    """Wait until nobody else writes this connection's journal or closes a period; until the transaction ends."""
    cx.execute(
        "select pg_advisory_xact_lock(%s, %s), pg_advisory_xact_lock_shared(%s, %s)",
        (_LOCK_CONNECTION, link.connection_id, _LOCK_WORKSPACE, link.workspace_id),
    )


def add(cx: Transaction[Any], link: Link, drafts: Sequence[Draft], *, released: bool = False) -> Added:
    """Add what is new of `drafts`; a known key is left as it is, and is a Problem where the content differs.

    `released` drafts do not wait: a person has already said that they may go into the open period.
    """
    unique, problems = _unique(drafts)
    if not unique:
        return Added(set(), problems)
    books = period_store.calendar(cx, link.workspace_id)
    rows, waiting = {}, {}
    for key, draft in unique.items():
        day = day_text(draft.entry.happened_at, books.timezone)
        if day[:7] in books.closed:
            if books.late == "ask" and not released:
                waiting[key] = row_of(draft.entry, booked_on=day, bt=draft.bt)
                continue
            day = books.first_open_day(day)
        rows[key] = row_of(draft.entry, booked_on=day, bt=draft.bt)
    known = _known_waiting(cx, link, list(rows)) if books.anyone_waits else {}
    new = {key: row for key, row in rows.items() if key not in known}
    keys = {key for (key,) in insert_new(cx, link, _ENTRY, list(new.values()), returning="key")}
    problems += _differing(rows, _hashes(cx, link, [key for key in new if key not in keys]) | known)
    problems += _keep_waiting(cx, link, waiting)
    _sum_up(cx, link, [(unique[key].entry, _month(rows[key])) for key in sorted(keys)])
    return Added(keys, problems)


def release(cx: Transaction[Any], link: Link, books: Calendar) -> list[str]:
    """Move what waits into the open period; the keys that moved."""
    moved = cx.execute(
        f"delete from journal_waiting where workspace_id = %s and connection_id = %s returning {_COLUMNS}, booked_on::text,"
        " settles, amount, net",
        (link.workspace_id, link.connection_id),
    ).fetchall()
    rows, sums = [], []
    for row in moved:
        entry, source = entry_from(*row[:11]), row[9]
        day, settles, amount, net = row[11:]
        open_day = books.first_open_day(day) if day[:7] in books.closed else day
        bt = None
        if settles is not None:
            bt = BalanceTransaction(
                id=entry.key, created=entry.happened_at, available_on=0, type="", reporting_category="", balance_type="",
                currency=settles, amount=amount, fee=amount - net, net=net, source=source,
            )  # fmt: skip
        rows.append(row_of(entry, booked_on=open_day, bt=bt))
        sums.append((entry, open_day[:7]))
    insert_new(cx, link, _ENTRY, rows, returning="key")
    _sum_up(cx, link, sums)
    return [entry.key for entry, _ in sums]


def movements(cx: Transaction[Any], link: Link, keys: Sequence[str]) -> list[BalanceTransaction]:
    """What the journal kept of the balance transactions with these keys, as far as refinements need it."""
    rows = cx.execute(
        "select b.key, b.happened_at, b.kind, b.settles, b.amount, b.net, b.source"
        f" from {touched()} cross join {each('journal_entry', 'key', 'touched.id')} b where b.settles is not null order by b.key",
        arguments(link, keys),
    )
    return [
        BalanceTransaction(
            id=key, created=at, available_on=at, type="", reporting_category=kind, balance_type="",
            currency=currency, amount=amount, fee=amount - net, net=net, source=source,
        )
        for key, at, kind, currency, amount, net, source in rows
    ]  # fmt: skip


def entries(cx: Transaction[Any], link: Link, *, month: str | None = None) -> Iterator[tuple[str, Entry]]:
    """Entries with their ledger date, by (happened_at, key); those booked in `month` (``2026-11``), or all."""
    bounds = ""
    args: list[int | str] = [link.workspace_id, link.connection_id]
    if month is not None:
        bounds = (
            " and booked_on >= (%s || '-01')::date and booked_on < (%s || '-01')::date + interval '1 month'"
        )
        args += [month, month]
    with cx.cursor(name=f"journal_entries_{link.connection_id}", binary=True) as cursor:
        cursor.itersize = 5000
        cursor.execute(
            f"select {_COLUMNS}, booked_on::text from journal_entry where workspace_id = %s and connection_id = %s"
            f"{bounds} order by happened_at, key",
            args,
        )
        for row in cursor:
            yield row[11], entry_from(*row[:11])


def dump(cx: Transaction[Any], link: Link) -> Iterator[bytes]:
    """The whole journal in its canonical form, a line of JSON for each entry by (happened_at, key).

    Only what follows from the facts: no delivery, no time of recording, no ledger date, no match with the bank.
    """
    encode = msgspec.json.Encoder(order="sorted").encode
    for _, entry in entries(cx, link):
        if not entry.key.startswith(MATCH):
            yield encode(msgspec.structs.replace(entry, delivery=0)) + b"\n"


def balances(cx: Transaction[Any], link: Link) -> dict[tuple[str, str], int]:
    """The running balance of each (account, currency)."""
    rows = cx.execute(
        "select account, currency, minor from journal_balance where workspace_id = %s and connection_id = %s",
        (link.workspace_id, link.connection_id),
    )
    return {(account, currency): minor for account, currency, minor in rows}


def count_since(cx: Transaction[Any], link: Link, since: int) -> int:
    """How many charges happened since `since` (Unix seconds): what Stripe's read allotment is counted by."""
    row = cx.execute(
        """
        select count(*) from journal_entry where workspace_id = %s and connection_id = %s
            and booked_on >= (to_timestamp(%s) - interval '2 days')::date and happened_at >= %s and kind = 'charge'
        """,
        (link.workspace_id, link.connection_id, since, since),
    ).fetchone()
    return int(row[0]) if row else 0


def months(cx: Transaction[Any], link: Link) -> dict[str, int]:
    """How many entries each month of the ledger has."""
    rows = cx.execute(
        "select month, entries from journal_month where workspace_id = %s and connection_id = %s order by month",
        (link.workspace_id, link.connection_id),
    )
    return dict(rows.fetchall())


def activity(cx: Transaction[Any], link: Link) -> dict[tuple[str, str, str], int]:
    """What each month of the ledger changed in each account: (month, account, currency) to minor units."""
    rows = cx.execute(
        "select month, account, currency, minor from journal_activity where workspace_id = %s and connection_id = %s"
        " order by month, account, currency",
        (link.workspace_id, link.connection_id),
    )
    return {(month, account, currency): minor for month, account, currency, minor in rows}


def waiting(cx: Transaction[Any], link: Link) -> list[Entry]:
    """What waits for a person because its period is closed."""
    rows = cx.execute(
        f"select {_COLUMNS} from journal_waiting where workspace_id = %s and connection_id = %s order by happened_at, key",
        (link.workspace_id, link.connection_id),
    )
    return [entry_from(*row) for row in rows]


def _unique(drafts: Sequence[Draft]) -> tuple[dict[str, Draft], list[Problem]]:
    unique: dict[str, Draft] = {}
    problems = []
    for draft in drafts:
        first = unique.setdefault(draft.entry.key, draft)
        if first is not draft and hash_in(_bare(first)) != hash_in(_bare(draft)):
            problems.append(_changed(draft.entry.key))
    return unique, problems


def _bare(draft: Draft) -> str:
    return row_of(draft.entry, booked_on="", bt=draft.bt)


def _hashes(cx: Transaction[Any], link: Link, keys: list[str]) -> dict[str, bytes]:
    return _hashes_in(cx, "journal_entry", link, keys)


def _known_waiting(cx: Transaction[Any], link: Link, keys: list[str]) -> dict[str, bytes]:
    return _hashes_in(cx, "journal_waiting", link, keys)


def _hashes_in(cx: Transaction[Any], table: str, link: Link, keys: list[str]) -> dict[str, bytes]:
    if not keys:
        return {}
    rows = cx.execute(
        f"select b.key, b.hash from {touched()} cross join {each(table, 'key', 'touched.id')} b",
        arguments(link, keys),
    )
    return dict(rows.fetchall())


def _differing(rows: dict[str, str], stored: dict[str, bytes]) -> list[Problem]:
    return [_changed(key) for key, content in stored.items() if hash_in(rows[key]) != content]


def _changed(key: str) -> Problem:
    return Problem(
        kind="entry_changed",
        subject=key,
        message=f"Entry {key} was told again with other content; the journal keeps the first. "
        "Compare the two deliveries: Stripe does not change what it has booked.",
    )


def _keep_waiting(cx: Transaction[Any], link: Link, rows: dict[str, str]) -> list[Problem]:
    posted = _hashes(cx, link, list(rows))
    fresh = [row for key, row in rows.items() if key not in posted]
    added = insert_new(cx, link, _WAITING, fresh, returning="key, to_char(booked_on, 'YYYY-MM')")
    return _differing(rows, posted) + [
        Problem(
            kind="late_for_closed_period",
            subject=key,
            message=f"{key} belongs to {period}, which is closed. It waits: release it into the open period, or reopen {period}.",
        )
        for key, period in added
    ]


def _sum_up(cx: Transaction[Any], link: Link, added: list[tuple[Entry, str]]) -> None:
    if not added:
        return
    sums: Counter[tuple[str, str, str]] = Counter()
    for entry, month in added:
        for line in entry.postings:
            sums[month, line.account, line.currency] += line.minor
    keys = sorted(sums)
    cx.execute(
        """
        with moved as materialized (
            select * from unnest(%(months)s::text[], %(accounts)s::text[], %(currencies)s::text[], %(minors)s::bigint[])
                as moved (month, account, currency, minor)),
        by_month as (
            insert into journal_activity as kept (workspace_id, connection_id, month, account, currency, minor)
            select %(workspace)s, %(connection)s, month, account, currency, minor from moved
            on conflict (workspace_id, connection_id, month, account, currency) do update
                set minor = kept.minor + excluded.minor)
        insert into journal_balance as kept (workspace_id, connection_id, account, currency, minor)
        select %(workspace)s, %(connection)s, account, currency, sum(minor) from moved
        group by account, currency order by account, currency
        on conflict (workspace_id, connection_id, account, currency) do update set minor = kept.minor + excluded.minor
        """,
        {
            "workspace": link.workspace_id,
            "connection": link.connection_id,
            "months": [month for month, _, _ in keys],
            "accounts": [account for _, account, _ in keys],
            "currencies": [currency for _, _, currency in keys],
            "minors": [sums[key] for key in keys],
        },
    )
    counts = sorted(Counter(month for _, month in added).items())
    cx.execute(
        """
        insert into journal_month as kept (workspace_id, connection_id, month, entries)
        select %s, %s, * from unnest(%s::text[], %s::bigint[])
        on conflict (workspace_id, connection_id, month) do update set entries = kept.entries + excluded.entries
        """,
        (
            link.workspace_id,
            link.connection_id,
            [month for month, _ in counts],
            [count for _, count in counts],
        ),
    )


def _month(row: str) -> str:
    return row[-11:-4]
