"""The reconciliation statement of a bank account, out of the database: what the bank says, what the books say, and what is between.

*Per bank* is the newest closing balance that a statement claims up to the day, and the lines after it. *Per books* is the journal's
`bank:<account>` and what is on its way to it in `bank_in_transit`. Between them lie: payouts that the books have sent and the bank does not
show (yet), lines that no payout explains, and what was in the account before its first line that bookhand knows. Where several bank
accounts have one currency, a payout on its way belongs to the account that its destination paid into before, else to the oldest one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.core.problems import Missing
from bookhand.systems.bank import store as bank_store
from bookhand.workflows.payouts.breaks import Break, Cause, LineKey
from bookhand.workflows.payouts.reconciling import break_store
from bookhand.workflows.payouts.reconciling.entries import BANK, IN_TRANSIT
from bookhand.workflows.payouts.statement import Item, Reconciliation

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_LISTED = 100
"""Lines of the company's other business stand one by one up to so many; more are told by the month."""
_TOPUPS = ("topup", "topup_reversal")


class _Account(msgspec.Struct, frozen=True, kw_only=True):
    connection_id: int
    account: str
    currency: str
    mode: str
    siblings: tuple[str, ...]
    """Every bank account of the currency in this mode, oldest first."""
    day: str


class _OnItsWay(msgspec.Struct, frozen=True):
    payout: str
    status: str
    due: str
    minor: int
    destination: str | None


def reconciliation(
    cx: Transaction[Any], account: str, *, mode: str | None = None, day: str | None = None
) -> Reconciliation:
    """The statement of `account` (of `mode`, where accounts of two modes are called so) at the end of `day` (that of its newest balance or line, if None); `Missing` where there is no such account."""
    at = _account(cx, account, bank_store.mode_of(cx, account, mode), day)
    bank, known, openings = _per_bank(cx, at)
    standing = [
        each.found for each in break_store.standing(cx) if each.found.cause not in break_store.CONTENTS
    ]
    on_its_way = [each for each in _on_its_way(cx, at) if _goes_to(cx, each, at)]
    items = [*_payout_items(on_its_way, standing), *_line_items(cx, at, standing), *_withdrawn_items(cx, at)]
    alone = len(at.siblings) == 1
    if alone:
        items += _topup_items(cx, at)
    items += _beside_lines(at, bank - known, openings)
    transit = _at(cx, at, IN_TRANSIT) if alone else sum(each.minor for each in on_its_way)
    return Reconciliation(
        company=_company(cx), account=account, mode=at.mode, currency=at.currency, as_of=at.day, bank_minor=bank,
        books_minor=_at(cx, at, f"{BANK}:{account}") + transit, items=tuple(items),
    )  # fmt: skip


def accounts(cx: Transaction[Any]) -> list[str]:
    """The bank accounts that there are, oldest first."""
    rows = cx.execute("select account from bank_account order by connection_id, created_at, account")
    return list(dict.fromkeys(account for (account,) in rows))


def _account(cx: Transaction[Any], account: str, mode: str, day: str | None) -> _Account:
    row = cx.execute(
        """
        select b.connection_id, coalesce(b.currency, (select l.currency from bank_line l where l.workspace_id = b.workspace_id
                and l.connection_id = b.connection_id and l.account = b.account limit 1)),
            greatest((select greatest(max(s.closing_day), max(s.last_day)) from bank_statement s where s.workspace_id = b.workspace_id
                and s.connection_id = b.connection_id and s.account = b.account), (select max(l.day) from bank_line l
                where l.workspace_id = b.workspace_id and l.connection_id = b.connection_id and l.account = b.account))::text
        from bank_account b join connection c using (workspace_id, connection_id) where b.account = %s and c.mode = %s order by b.connection_id limit 1
        """,
        (account, mode),
    ).fetchone()
    connection_id, currency, newest = row or (0, None, None)
    day = day or newest
    if currency is None or day is None:
        raise Missing(f"Bank account {account} has no statement yet: import one.")
    rows = cx.execute(
        "select b.account from bank_account b join connection c using (workspace_id, connection_id)"
        " where c.mode = %s and b.currency = %s order by b.connection_id, b.created_at, b.account",
        (mode, currency),
    )
    siblings = tuple(dict.fromkeys([each for (each,) in rows])) or (account,)
    return _Account(
        connection_id=connection_id,
        account=account,
        currency=currency,
        mode=mode,
        siblings=siblings,
        day=day,
    )


def _per_bank(cx: Transaction[Any], at: _Account) -> tuple[int, int, list[int]]:
    """What the bank says is there, what the lines that are known come to, and what its first statements say was there before them.

    A closing balance that was told before its day was over goes on with the lines of that day that came after it; where none is told, the
    opening does.
    """
    row = cx.execute(
        """
        with newest as (
            select closing_minor, closing_day, statement_id from bank_statement where connection_id = %(c)s and account = %(a)s and currency = %(currency)s
                and closing_minor is not null and closing_day <= %(day)s::date order by closing_day desc, statement_id desc limit 1),
        told as (
            select opening_minor, first_day from bank_statement where connection_id = %(c)s and account = %(a)s and currency = %(currency)s
                and opening_minor is not null and first_day <= %(day)s::date),
        first as (
            select opening_minor, first_day from told where first_day = (select min(first_day) from told))
        select (select closing_minor from newest), coalesce(sum(minor), 0)::bigint,
            coalesce(sum(minor) filter (where day > (select closing_day from newest)
                or (day = (select closing_day from newest) and statement_id > (select statement_id from newest))), 0)::bigint,
            coalesce(sum(minor) filter (where day < (select min(first_day) from first)), 0)::bigint,
            (select coalesce(array_agg(opening_minor), '{}') from first)
        from bank_line where connection_id = %(c)s and account = %(a)s and currency = %(currency)s and day <= %(day)s::date
        """,
        {"c": at.connection_id, "a": at.account, "currency": at.currency, "day": at.day},
    ).fetchone()
    closing, known, since, earlier, openings = row or (None, 0, 0, 0, [])
    before = [each - earlier for each in openings]
    return (known + (before[0] if before else 0) if closing is None else closing + since), known, before


# --- what the books have and the bank has not ---


def _on_its_way(cx: Transaction[Any], at: _Account) -> list[_OnItsWay]:
    """What each payout has left in transit at the end of the day: out at Stripe, less what came back there, less what arrived."""
    rows = cx.execute(
        """
        select p.payout_id, p.status, to_char(to_timestamp(p.arrival_date) at time zone 'UTC', 'YYYY-MM-DD'), p.destination,
            p.amount * (1 - (r.key is not null)::int - (m.match_id is not null)::int)
        from payout p join connection c using (workspace_id, connection_id)
        join journal_entry e on e.workspace_id = p.workspace_id and e.connection_id = p.connection_id and e.key = p.balance_transaction
            and e.booked_on <= %(day)s::date
        left join journal_entry r on r.workspace_id = p.workspace_id and r.connection_id = p.connection_id
            and r.key = p.failure_balance_transaction and r.booked_on <= %(day)s::date
        left join bank_match_payout b on b.workspace_id = p.workspace_id and b.connection_id = p.connection_id
            and b.payout_id = p.payout_id and b.rule <> 'returned'
        left join bank_match m on m.workspace_id = b.workspace_id and m.match_id = b.match_id and m.day <= %(day)s::date
        where c.mode = %(mode)s and p.currency = %(currency)s
            and (r.key is not null)::int + (m.match_id is not null)::int <> 1
        order by p.created, p.payout_id
        """,
        {"day": at.day, "mode": at.mode, "currency": at.currency},
    )
    return [
        _OnItsWay(payout, status, due, minor, destination) for payout, status, due, destination, minor in rows
    ]


def _goes_to(cx: Transaction[Any], each: _OnItsWay, at: _Account) -> bool:
    if len(at.siblings) == 1:
        return True
    row = cx.execute(
        "select l.account from payout p join bank_match_payout b using (workspace_id, connection_id, payout_id)"
        " join bank_match_line l on l.workspace_id = b.workspace_id and l.match_id = b.match_id"
        " where p.destination = %s order by p.created desc limit 1",
        (each.destination,),
    ).fetchone()
    return bool((row[0] if row else at.siblings[0]) == at.account)


def _payout_items(found: list[_OnItsWay], standing: list[Break]) -> Iterator[Item]:
    causes = {id_: each for each in standing for id_ in each.payouts}
    for each in found:
        known = causes.get(each.payout)
        usual = Cause.IN_TRANSIT if each.minor > 0 else Cause.FAILED_NOT_RETURNED
        if each.minor < 0 and each.status != "failed":
            usual = Cause.IN_TRANSIT  # Stripe takes money from the bank
        yield Item(
            cause=known.cause if known else usual, day=each.due, minor=each.minor, text=f"Payout, {each.status.replace('_', ' ')}",
            reference=each.payout, owner=known.owner if known else None,
        )  # fmt: skip


def _topup_items(cx: Transaction[Any], at: _Account) -> Iterator[Item]:
    """Money that was sent to Stripe: it is booked in transit too, and not looked for at the bank."""
    row = cx.execute(
        """
        select coalesce(sum(line.minor), 0)::bigint, max(e.booked_on)::text from journal_entry e
        join connection c using (workspace_id, connection_id)
        cross join lateral unnest(e.accounts, e.currencies, e.minors) as line (account, currency, minor)
        where c.mode = %s and e.kind = any (%s) and e.booked_on <= %s::date and line.account = %s and line.currency = %s
        """,
        (at.mode, list(_TOPUPS), at.day, IN_TRANSIT, at.currency),
    ).fetchone()
    if row and row[0]:
        yield Item(
            cause=Cause.UNKNOWN,
            day=row[1],
            minor=row[0],
            text="Top-ups of the Stripe balance: not looked for at the bank",
        )


ELSEWHERE = ("charge", "refund", "stripe_fee", "tax", "exchange")
"""Kinds of entries that nothing posts to a bank account, of which there are most: the index of migration 0020 leaves them out."""


def _at(cx: Transaction[Any], at: _Account, account: str) -> int:
    """What an account of the journal holds at the end of the day: whole months from the running sums, and the days of the last one."""
    row = cx.execute(
        f"""
        select coalesce((select sum(a.minor) from journal_activity a join connection c using (workspace_id, connection_id)
                where c.mode = %(mode)s and a.account = %(account)s and a.currency = %(currency)s and a.month < left(%(day)s, 7)), 0)
            + coalesce((select sum(line.minor) from journal_entry e join connection c using (workspace_id, connection_id)
                cross join lateral unnest(e.accounts, e.currencies, e.minors) as line (account, currency, minor)
                where c.mode = %(mode)s and e.booked_on >= (left(%(day)s, 7) || '-01')::date and e.booked_on <= %(day)s::date
                and e.kind not in {ELSEWHERE} and line.account = %(account)s and line.currency = %(currency)s), 0)
        """,
        {"mode": at.mode, "account": account, "currency": at.currency, "day": at.day},
    ).fetchone()
    return int(row[0]) if row else 0


# --- what the bank has and the books have not ---


_UNMATCHED = """
    from bank_line l
    left join line_open o on o.workspace_id = l.workspace_id and o.account = l.account and o.key = l.key
        and o.connection_id = l.connection_id
    where l.connection_id = %(c)s and l.account = %(a)s and l.currency = %(currency)s and l.day <= %(day)s::date
        and not exists (select from bank_match_line m where m.workspace_id = l.workspace_id and m.connection_id = l.connection_id
            and m.account = l.account and m.key = l.key)
"""
_FOREIGN = "coalesce(o.looked, false) and not (l.key = any (%(known)s))"


def _line_items(cx: Transaction[Any], at: _Account, standing: list[Break]) -> Iterator[Item]:
    causes: Mapping[LineKey, Break] = {key: each for each in standing for key in each.lines}
    asked = {
        "c": at.connection_id, "a": at.account, "currency": at.currency, "day": at.day,
        "known": [key for account, key in causes if account == at.account],
    }  # fmt: skip
    months = cx.execute(
        f"select to_char(l.day, 'YYYY-MM'), count(*), sum(l.minor)::bigint, max(l.day)::text {_UNMATCHED} and {_FOREIGN} group by 1 order by 1",
        asked,
    ).fetchall()
    many = sum(count for _, count, _, _ in months) > _LISTED
    for month, count, minor, last in months if many else ():
        yield Item(cause=Cause.FOREIGN, day=last, minor=-minor, text=f"{count:,} lines of {month}")
    rows = cx.execute(
        f"select l.key, l.day::text, l.minor, l.description, coalesce(o.looked, false) {_UNMATCHED}"
        f" and (not %(many)s or not ({_FOREIGN})) order by l.day, l.line_id",
        {**asked, "many": many},
    )
    for key, day, minor, description, looked in rows:
        known = causes.get((at.account, key))
        cause = known.cause if known else Cause.FOREIGN if looked else Cause.UNKNOWN
        yield Item(
            cause=cause,
            day=day,
            minor=-minor,
            text=description,
            reference=_bank_id(key),
            owner=known.owner if known else None,
        )


def _withdrawn_items(cx: Transaction[Any], at: _Account) -> Iterator[Item]:
    """Lines that the bank took back after they were matched: the books have them until the next reconciling takes the match apart."""
    rows = cx.execute(
        """
        select l.key, l.day::text, l.minor, l.description from bank_match_line m
        join line_superseded s on s.workspace_id = m.workspace_id and s.connection_id = m.connection_id and s.account = m.account
            and s.key = m.key
        join statement_line l on l.workspace_id = m.workspace_id and l.line_id = m.line_id
        where m.connection_id = %(c)s and m.account = %(a)s and l.currency = %(currency)s and l.day <= %(day)s::date
        order by l.day, l.line_id
        """,
        {"c": at.connection_id, "a": at.account, "currency": at.currency, "day": at.day},
    )
    for key, day, minor, description in rows:
        text = f"{description} (taken back by the bank after it was matched: reconcile, and the match is taken apart)"
        yield Item(cause=Cause.UNKNOWN, day=day, minor=minor, text=text.strip(), reference=_bank_id(key))


def _beside_lines(at: _Account, minor: int, openings: list[int]) -> Iterator[Item]:
    """What the bank has and no line that is known brought: what was there before the first one, and what lines that are missing moved."""
    before = minor if minor in openings or not openings else openings[0]
    if before:
        yield Item(
            cause=Cause.FOREIGN, day=at.day, minor=-before, text="What was in the account before its first line that bookhand knows"
        )  # fmt: skip
    if minor != before:
        yield Item(
            cause=Cause.UNKNOWN, day=at.day, minor=before - minor,
            text="What the bank's balances move by and no line here does: a statement is missing (see `bookhand problems`)",
        )  # fmt: skip


def _company(cx: Transaction[Any]) -> str:
    row = cx.execute("select name from workspace").fetchone()
    return str(row[0]) if row else ""


def _bank_id(key: str) -> str:
    """The bank's own id in a line's key (``id@day:amount``); empty where the key is a hash of what the line says (``=…``)."""
    return "" if key.startswith("=") else key.partition("@")[0]
