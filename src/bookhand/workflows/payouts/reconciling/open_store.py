"""What is open, out of the database: payouts that no line explains and lines that no payout explains, as the matcher takes them.

Lines that the matcher has never seen, and those around the days of open payouts: never the whole table. A payout that failed after its
arrival was matched is open again, and brings its match along: the return belongs to the same money.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.core.bank import StatementLine
from bookhand.core.facts import Payout
from bookhand.systems import store as connections
from bookhand.systems.bank import store as bank_store
from bookhand.systems.bank.checks import gaps
from bookhand.workflows.payouts.breaks import LineKey
from bookhand.workflows.payouts.matching import Expected, Status
from bookhand.workflows.payouts.payout_store import COLUMNS, Kept, kept_of
from bookhand.workflows.payouts.reconciling.entries import IN_TRANSIT, Arrived, Paid

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_BEFORE, _AFTER = timedelta(days=12), timedelta(days=45)
_STATUSES: Mapping[str, Status] = {
    "pending": "pending", "in_transit": "in_transit", "paid": "paid", "failed": "failed", "canceled": "canceled",
}  # fmt: skip
_LINE = """l.connection_id, l.account, l.key, l.day::text, l.value_day::text, l.currency, l.minor, l.description, l.counterparty, l.refs,
    l.native_id, l.code, l.reversal, l.original_minor, l.original_currency"""


class Covered(msgspec.Struct, frozen=True):
    """The first and the last day of which there are statements or lines, and the days between them of which there are none."""

    first: str
    last: str
    holes: tuple[tuple[str, str], ...] = ()


class Open(msgspec.Struct, kw_only=True):
    """What the matcher is given, and how to find it again: payouts by id, lines by key."""

    payouts: list[Expected]
    lines: list[StatementLine]
    paid: dict[str, Paid]
    arrived: dict[LineKey, Arrived]
    currency: dict[str, str]
    """Payout to its currency."""
    version: dict[str, bytes]
    """Payout to the hash of its state."""
    matched: dict[str, str]
    """Payout that is open again to the match that stands for it."""
    covered: dict[str, Covered]
    """Bank account to the days that are known of it."""


def everything_open(cx: Transaction[Any], *, mode: str, today: str | None = None) -> Open:
    """What is open of the Stripe connections of `mode`, and the lines of the same mode's banks that may belong to it; `today` as in `covered`."""
    rows = cx.execute(
        f"""
        select p.hash, b.match_id, e.happened_at, case when p.status = 'failed' and b.match_id is null and (
                select sum(line.minor) from unnest(e.accounts, e.currencies, e.minors) as line (account, currency, minor)
                where line.account = %s and line.currency = p.currency) = -p.amount then e.key end, {COLUMNS}
        from connection c join payout_open o using (workspace_id, connection_id)
        cross join lateral (select * from payout p where p.workspace_id = o.workspace_id and p.connection_id = o.connection_id
            and p.payout_id = o.payout_id offset 0) p
        left join lateral (select * from bank_match_payout b where b.workspace_id = o.workspace_id
            and b.connection_id = o.connection_id and b.payout_id = o.payout_id offset 0) b on true
        left join lateral (select * from journal_entry e where e.workspace_id = o.workspace_id and e.connection_id = o.connection_id
            and e.key = p.failure_balance_transaction offset 0) e on true
        where not o.held and c.mode = %s order by o.since, o.payout_id
        """,
        (IN_TRANSIT, mode),
    ).fetchall()
    kept = [(row[0], row[1], kept_of(row[4:])) for row in rows]
    payouts = [
        msgspec.structs.replace(expected_of(each.payout, each.connection_id, row[2]), money_back=row[3])
        for row, (_, _, each) in zip(rows, kept, strict=True)
    ]
    matched = {each.payout.id: match for _, match, each in kept if match is not None}
    found = _lines(cx, windows(payouts), sorted(set(matched.values())), mode=mode)
    return Open(
        payouts=payouts,
        lines=[line for _, line in found],
        paid={
            each.payout.id: Paid(each.connection_id, each.payout.id, each.payout.amount)
            for _, _, each in kept
        },
        arrived={(line.account, line.key): arrived_of(line, connection_id) for connection_id, line in found},
        currency={each.payout.id: each.payout.currency for _, _, each in kept},
        version={each.payout.id: bytes(hash_) for hash_, _, each in kept},
        matched=matched,
        covered=covered(cx, mode=mode, today=today),
    )


def expected_of(payout: Payout, connection_id: int, failed_at: int | None = None) -> Expected:
    """A payout as the matcher needs it; days are UTC's, as Stripe's arrival date is."""
    return Expected(
        id=payout.id, connection=str(connection_id), currency=payout.currency, minor=payout.amount,
        arrival_day=_day(payout.arrival_date), created_day=_day(payout.created), status=_STATUSES.get(payout.status, "in_transit"),
        automatic=payout.automatic, method="instant" if payout.method == "instant" else "standard",
        trace_id=payout.trace_id if payout.trace_status == "supported" else None, descriptor=payout.statement_descriptor,
        last4=payout.destination_last4, failed_day=None if failed_at is None else _day(failed_at), original=payout.original_payout,
        reversed_by=payout.reversed_by,
    )  # fmt: skip


def arrived_of(line: StatementLine, connection_id: int) -> Arrived:
    """A line as its match keeps it."""
    return Arrived(line.account, line.key, line.day, line.currency, line.minor, connection_id)


def windows(payouts: Iterable[Expected]) -> list[tuple[date, date]]:
    """The days around arrivals on which lines are looked at, joined where they touch.

    >>> made = Expected(id="po_1", connection="1", currency="USD", minor=1, arrival_day="2026-03-02", created_day="2026-03-01", status="paid")
    >>> [(str(first), str(last)) for first, last in windows([made, made])]
    [('2026-02-18', '2026-04-16')]
    """
    joined: list[tuple[date, date]] = []
    for day in sorted({each.arrival_day for each in payouts}):
        arrival = date.fromisoformat(day)
        first, last = arrival - _BEFORE, arrival + _AFTER
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], last
        else:
            joined.append((first, last))
    return joined


def some_lines(
    cx: Transaction[Any], keys: Sequence[LineKey], *, mode: str
) -> dict[LineKey, tuple[int, StatementLine]]:
    """These lines of the banks of `mode`, with their connections; those that there are, and that the bank has not taken back."""
    rows = cx.execute(
        f"select {_LINE} from unnest(%s::text[], %s::text[]) as n (account, key)"
        " cross join lateral (select * from bank_line b where b.account = n.account and b.key = n.key offset 0) l"
        " join connection c using (workspace_id, connection_id) where c.mode = %s",
        ([account for account, _ in keys], [key for _, key in keys], mode),
    )
    return {(line.account, line.key): (connection_id, line) for connection_id, line in map(_line, rows)}


def hold_lines(
    cx: Transaction[Any], workspace_id: int, keys: Sequence[LineKey], *, beside: Sequence[str]
) -> None:
    """Leave these lines, as far as they are open, to people: only a person matches them from then on. They are of the mode of these payouts."""
    cx.execute(
        """
        update line_open o set held = true from unnest(%s::text[], %s::text[]) as n (account, key)
        where o.workspace_id = %s and o.account = n.account and o.key = n.key and o.connection_id in (
            select b.connection_id from connection b join connection c on c.workspace_id = b.workspace_id and c.mode = b.mode
            join payout p on p.workspace_id = c.workspace_id and p.connection_id = c.connection_id
            where b.workspace_id = o.workspace_id and p.payout_id = any (%s))
        """,
        ([account for account, _ in keys], [key for _, key in keys], workspace_id, list(beside)),
    )


def still_open(cx: Transaction[Any], found: Open) -> tuple[set[str], set[LineKey]]:
    """What of `found` is as it was when it was read."""
    payouts = cx.execute(
        "select o.payout_id, p.hash from payout_open o cross join lateral (select * from payout p where p.workspace_id = o.workspace_id"
        " and p.connection_id = o.connection_id and p.payout_id = o.payout_id offset 0) p where not o.held and o.payout_id = any (%s)",
        (list(found.paid),),
    )
    same = {payout for payout, hash_ in payouts if found.version[payout] == bytes(hash_)}
    keys = list(found.arrived)
    lines = cx.execute(
        "select o.account, o.key from unnest(%s::int[], %s::text[], %s::text[]) as n (connection_id, account, key)"
        " cross join lateral (select * from line_open o where o.workspace_id = current_setting('bookhand.workspace')::int"
        " and o.account = n.account and o.key = n.key offset 0) o where not o.held and o.connection_id = n.connection_id",
        (
            [each.connection_id for each in found.arrived.values()],
            [account for account, _ in keys],
            [key for _, key in keys],
        ),
    )
    return same, {(account, key) for account, key in lines}


def held(cx: Transaction[Any]) -> list[tuple[Kept, str]]:
    """Payouts whose match a person took apart, with who and why."""
    rows = cx.execute(
        f"""
        select coalesce((select u.by_name || ' took its match apart: ' || u.reason from bank_match u join bank_match m
                on m.workspace_id = u.workspace_id and m.match_id = u.undoes
            where u.workspace_id = o.workspace_id and m.content -> 'payouts' @> jsonb_build_array(
                jsonb_build_object('connection_id', o.connection_id, 'payout', o.payout_id))
            order by u.seq desc limit 1), 'Its match was taken apart.'), {COLUMNS}
        from payout_open o join payout p on p.workspace_id = o.workspace_id and p.connection_id = o.connection_id
            and p.payout_id = o.payout_id
        where o.held order by o.since, o.payout_id
        """
    )
    return [(kept_of(row[1:]), row[0]) for row in rows]


def looked_for(
    cx: Transaction[Any], payouts: Iterable[str], lines: Iterable[LineKey]
) -> tuple[set[str], set[LineKey]]:
    """Those of these that are open."""
    keys = sorted(set(lines))
    ids = cx.execute(
        "select payout_id from payout_open where payout_id = any (%s)", (sorted(set(payouts)),)
    ).fetchall()
    rows = cx.execute(
        "select o.account, o.key from unnest(%s::text[], %s::text[]) as n (account, key) cross join lateral (select * from line_open o"
        " where o.workspace_id = current_setting('bookhand.workspace')::int and o.account = n.account and o.key = n.key offset 0) o",
        ([account for account, _ in keys], [key for _, key in keys]),
    )
    return {id_ for (id_,) in ids}, {(account, key) for account, key in rows}


def looked(cx: Transaction[Any], found: Open) -> None:
    """The matcher has seen these lines."""
    keys = list(found.arrived)
    cx.execute(
        "update line_open o set looked = true where not o.looked and (o.connection_id, o.account, o.key) in ("
        "select * from unnest(%s::int[], %s::text[], %s::text[]))",
        (
            [each.connection_id for each in found.arrived.values()],
            [account for account, _ in keys],
            [key for _, key in keys],
        ),
    )


class Settled(msgspec.Struct, frozen=True):
    """A payout that failed and never reached the bank: what put its money back, and the whole of it in a sentence."""

    proof: str
    """A balance transaction."""
    says: str


def settle(
    cx: Transaction[Any], found: Open, same: set[str], settled: Mapping[str, Settled]
) -> tuple[list[str], list[str]]:
    """Keep which of the payouts that were looked at are settled, and forget it of the others; those that are so now, and those that are no more.

    `same` are those whose state is as it was when it was read.
    """
    rows = cx.execute(
        "select payout_id, settled from payout_open where payout_id = any (%s) and not held order by payout_id",
        (sorted(same & found.paid.keys()),),
    ).fetchall()
    new = [id_ for id_, before in rows if id_ in settled and before is None]
    reopened = [id_ for id_, before in rows if id_ not in settled and before is not None]
    cx.execute(
        "update payout_open o set settled = n.proof, settled_says = n.says from unnest(%s::text[], %s::text[], %s::text[]) as n (id, proof, says)"
        " where o.payout_id = n.id and not o.held",
        (
            [*new, *reopened],
            [*(settled[id_].proof for id_ in new), *(None for _ in reopened)],
            [*(settled[id_].says for id_ in new), *(None for _ in reopened)],
        ),
    )
    return new, reopened


def settled(cx: Transaction[Any], payouts: Iterable[str]) -> dict[str, Settled]:
    """Those of these payouts that are settled."""
    rows = cx.execute(
        "select payout_id, settled, settled_says from payout_open where payout_id = any (%s) and settled is not null",
        (sorted(set(payouts)),),
    )
    return {id_: Settled(proof, says) for id_, proof, says in rows}


def covered(cx: Transaction[Any], *, mode: str, today: str | None = None) -> dict[str, Covered]:
    """Bank account to the days that are known of it; its holes are where the balances of its statements move and no line says why.

    They end with the newest closing balance (or before it, where the bank says that it lists lines of earlier days alone), or where it tells
    none with its last line. What is dated after `today` (the company's own
    where it is not told) says nothing of the days before it, be it a line or a closing balance.
    """
    rows = cx.execute(
        """
        with of as materialized (select coalesce(%s::date,
            (now() at time zone coalesce((select timezone from journal_setting
                where workspace_id = current_setting('bookhand.workspace')::int), 'UTC'))::date) as today)
        select b.connection_id, b.account, b.currency, of.today::text, s.first::text, s.last::text,
            (select l.day::text from bank_line l where l.workspace_id = b.workspace_id and l.connection_id = b.connection_id
                and l.account = b.account order by l.day limit 1),
            (select l.day::text from bank_line l where l.workspace_id = b.workspace_id and l.connection_id = b.connection_id
                and l.account = b.account and l.day <= of.today and not s.closed order by l.day desc limit 1)
        from bank_account b join connection c using (workspace_id, connection_id) cross join of
        left join lateral (
            select min(least(first_day, opening_day)) as first,
                max(least(closing_day, last_day)) filter (where least(closing_day, last_day) <= of.today) as last,
                coalesce(bool_and(coalesce(closing_day <= of.today, false)), false) as closed
            from bank_statement s
            where s.workspace_id = b.workspace_id and s.connection_id = b.connection_id and s.account = b.account) s on true
        where c.mode = %s order by b.connection_id, b.account
        """,
        (today, mode),
    ).fetchall()
    found: dict[str, Covered] = {}
    for connection_id, account, currency, now, *told in rows:
        days = [each for each in told if each is not None]
        if days:
            last = max([each for each in (told[1], told[3]) if each is not None], default=now)
            found.setdefault(account, Covered(min(days), last, _holes(cx, connection_id, account, currency)))
    return found


def _holes(
    cx: Transaction[Any], connection_id: int, account: str, currency: str | None
) -> tuple[tuple[str, str], ...]:
    if currency is None:
        return ()
    link = connections.get(cx, connection_id).link
    found = gaps(bank_store.spans(cx, link, account, currency), bank_store.moved(cx, link, account, currency))
    before = timedelta(days=1)
    return tuple(
        (gap.day, (date.fromisoformat(gap.until) - before).isoformat())
        for gap in found
        if gap.day < gap.until
    )


def _lines(
    cx: Transaction[Any], ranges: Sequence[tuple[date, date]], matches: Sequence[str], *, mode: str
) -> list[tuple[int, StatementLine]]:
    rows = cx.execute(
        f"""
        with here as materialized (
            select workspace_id, connection_id from connection where mode = %s),
        wanted as materialized (
            select o.workspace_id, o.connection_id, o.line_id from line_open o
            where not o.held and (not o.looked or exists (
                select from unnest(%s::date[], %s::date[]) as r (first, last) where o.day between r.first and r.last))
            union
            select m.workspace_id, m.connection_id, m.line_id from unnest(%s::text[]) as n (id)
            cross join lateral (select * from bank_match_line m where m.match_id = n.id offset 0) m)
        select {_LINE} from here join wanted w using (workspace_id, connection_id)
        cross join lateral (
            select * from statement_line l where l.workspace_id = w.workspace_id and l.line_id = w.line_id offset 0) l
        order by l.day, l.account, l.line_id
        """,
        (mode, [first for first, _ in ranges], [last for _, last in ranges], list(matches)),
    )
    return [_line(row) for row in rows]


def _line(row: Sequence[Any]) -> tuple[int, StatementLine]:
    (
        connection_id,
        account,
        key,
        day,
        value_day,
        currency,
        minor,
        description,
        counterparty,
        refs,
        native,
        code,
        back,
        original,
        of,
    ) = row
    return connection_id, StatementLine(
        account=account, key=key, day=day, value_day=value_day, currency=currency, minor=minor, description=description,
        counterparty=counterparty, references=tuple(refs), native_id=native, code=code, reversal=back, original_minor=original,
        original_currency=of,
    )  # fmt: skip


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()
