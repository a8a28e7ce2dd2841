"""What the pages about the bank read: accounts, lines by keyset and by a search with an end, files that wait, what is open to be matched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.core.problems import Missing, Refusal
from bookhand.systems.bank.checks import CHANGED, GAP, OFF, REUSED, WARNING
from bookhand.web.page.wording import plain

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_SEARCHED = 4_000
"""So many lines are looked through for a word at once; the page says from which day on to look further."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A bank account with the days and the newest balance that are known of it."""

    connection_id: int
    account: str
    currency: str | None
    mode: str
    auth: str
    status: str
    first_day: str | None
    last_day: str | None
    balance_minor: int | None
    balance_day: str | None
    alone: bool = True
    """Whether no other account is called so."""

    @property
    def name(self) -> str:
        """What a page is asked for it by: its name, with its connection before it where that is not enough."""
        return self.account if self.alone else named(self.connection_id, self.account)


class LineRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line in a list, with the match that it is in."""

    id: int
    connection_id: int
    account: str
    key: str
    day: str
    currency: str
    minor: int
    description: str
    counterparty: str | None
    superseded: str | None
    match: str | None
    payout: str | None
    """One payout of that match."""
    payouts: int
    is_open: bool


class FileWaits(msgspec.Struct, frozen=True, kw_only=True):
    """A file from which nothing was read yet: its columns wait to be confirmed."""

    hash: str
    name: str
    received_at: datetime


class OpenPayout(msgspec.Struct, frozen=True, kw_only=True):
    """A payout that is looked for at the bank."""

    id: str
    connection: str
    mode: str
    currency: str
    minor: int
    status: str
    arrival: int


def accounts(cx: Transaction[Any], workspace_id: int) -> list[Account]:
    """Every bank account, oldest connection first."""
    rows = cx.execute(
        """
        select b.connection_id, b.account, b.currency, c.mode, c.auth, c.status,
            (select min(l.day) from statement_line l where l.workspace_id = b.workspace_id and l.connection_id = b.connection_id
                and l.account = b.account)::text,
            (select max(l.day) from statement_line l where l.workspace_id = b.workspace_id and l.connection_id = b.connection_id
                and l.account = b.account)::text, s.closing_minor, s.closing_day::text
        from bank_account b join connection c on c.workspace_id = b.workspace_id and c.connection_id = b.connection_id
        left join lateral (
            select closing_minor, closing_day from bank_statement s where s.workspace_id = b.workspace_id
                and s.connection_id = b.connection_id and s.account = b.account and closing_minor is not null
            order by closing_day desc nulls last, statement_id desc limit 1) s on true
        where b.workspace_id = %s order by b.connection_id, b.account limit 500
        """,
        (workspace_id,),
    ).fetchall()
    called = Counter(account for _, account, *_ in rows)
    return [
        Account(**dict(zip(Account.__struct_fields__, (*row, called[row[1]] == 1), strict=True)))
        for row in rows
    ]


def named(connection_id: int, account: str) -> str:
    """An account of a connection, for an address: never another one that is called the same."""
    return f"{connection_id}:{account}"


def one_of(accounts: Sequence[Account], asked: str) -> Account:
    """The account that is asked for; `Missing` where there is none, `Refusal` where several are called so."""
    found = [each for each in accounts if asked in {each.account, named(each.connection_id, each.account)}]
    if not found:
        raise Missing(plain("payouts.asked.no_account", id=asked[:60]))
    if len(found) > 1:
        modes = ", ".join(each.mode.upper() for each in found)
        raise Refusal(plain("payouts.asked.several_accounts", id=asked, modes=modes))
    return found[0]


_LINE = """
    select l.line_id, l.connection_id, l.account, l.key, l.day::text, l.currency, l.minor, l.description, l.counterparty, s.why,
        m.match_id, (select min(p.payout_id) from bank_match_payout p where p.workspace_id = l.workspace_id and p.match_id = m.match_id),
        (select count(*) from bank_match_payout p where p.workspace_id = l.workspace_id and p.match_id = m.match_id),
        o.key is not null
    from ({source}) l
    left join line_superseded s on s.workspace_id = l.workspace_id and s.connection_id = l.connection_id and s.account = l.account
        and s.key = l.key
    left join bank_match_line m on m.workspace_id = l.workspace_id and m.connection_id = l.connection_id and m.account = l.account
        and m.key = l.key
    left join line_open o on o.workspace_id = l.workspace_id and o.account = l.account and o.key = l.key
        and o.connection_id = l.connection_id
"""
_SOME = """
    select * from statement_line l where l.workspace_id = %(w)s {account}
        and (%(since)s::date is null or l.day >= %(since)s::date) and (%(until)s::date is null or l.day <= %(until)s::date)
        and (%(day)s::date is null or (l.day, l.line_id) < (%(day)s::date, %(number)s::bigint))
    order by l.day desc, l.line_id desc limit {most}
"""
_ONE_ACCOUNT = " and l.connection_id = %(connection)s and l.account = %(account)s"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which lines: of an account, of days (both included), with a word in them, only those that no payout explains."""

    account: tuple[int, str] | None = None
    since: str | None = None
    until: str | None = None
    word: str = ""
    only_open: bool = False
    after: tuple[str, int] | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A page of lines, where the next begins (day, number), and whether that is where looking ended and not where the page is full."""

    lines: list[LineRow]
    next: tuple[str, int] | None
    looked: int = 0


def lines(cx: Transaction[Any], workspace_id: int, asked: Asked, *, limit: int) -> Found:
    """Lines, newest day first."""
    values: dict[str, Any] = {
        "w": workspace_id, "connection": asked.account[0] if asked.account else None, "account": asked.account[1] if asked.account else None,
        "since": asked.since, "until": asked.until, "day": asked.after[0] if asked.after else None,
        "number": asked.after[1] if asked.after else None, "limit": limit + 1, "word": _like(asked.word), "searched": _SEARCHED,
    }  # fmt: skip
    of_account = _ONE_ACCOUNT if asked.account else ""
    if not asked.word and not asked.only_open:
        query = (
            _LINE.format(source=_SOME.format(account=of_account, most="%(limit)s"))
            + " order by l.day desc, l.line_id desc"
        )
        return _paged(_rows(cx, query, values), limit)
    looked = cx.execute(
        f"select count(*), min(array[to_char(day, 'YYYY-MM-DD'), lpad(line_id::text, 20, '0')]) from"
        f" ({_SOME.format(account=of_account, most='%(searched)s')}) l",
        values,
    ).fetchone()
    number, last = looked or (0, None)
    narrowed = f"select * from ({_SOME.format(account=of_account, most='%(searched)s')}) l where true"
    if asked.word:
        narrowed += (
            " and (l.description ilike %(word)s or l.counterparty ilike %(word)s or l.key ilike %(word)s"
            " or exists (select from unnest(l.refs) as r (text) where r.text ilike %(word)s))"
        )
    if asked.only_open:
        narrowed += (
            " and exists (select from line_open n where n.workspace_id = l.workspace_id and n.account = l.account and n.key = l.key"
            " and n.connection_id = l.connection_id)"
        )
    narrowed += " order by l.day desc, l.line_id desc limit %(limit)s"
    query = _LINE.format(source=narrowed) + " order by l.day desc, l.line_id desc"
    found = _paged(_rows(cx, query, values), limit)
    if found.next is None and number == _SEARCHED and last:
        return msgspec.structs.replace(found, next=(last[0], int(last[1])), looked=number)
    return found


def line(cx: Transaction[Any], workspace_id: int, number: int) -> LineRow | None:
    """One line by its number."""
    query = _LINE.format(
        source="select * from statement_line l where l.workspace_id = %(w)s and l.line_id = %(number)s"
    )
    return next(iter(_rows(cx, query, {"w": workspace_id, "number": number})), None)


def raw(cx: Transaction[Any], workspace_id: int, number: int) -> dict[str, Any]:
    """What more a line says: its days, references, and how it stood in the file."""
    row = cx.execute(
        """
        select l.value_day::text, l.refs, l.native_id, l.code, l.reversal, l.original_minor, l.original_currency, l.raw, l.recorded_at,
            s.statement_id, s.file_hash, f.name
        from statement_line l
        left join bank_statement s on s.workspace_id = l.workspace_id and s.connection_id = l.connection_id and s.account = l.account
            and s.statement_id = l.statement_id
        left join bank_file f on f.workspace_id = s.workspace_id and f.hash = s.file_hash
        where l.workspace_id = %s and l.line_id = %s
        """,
        (workspace_id, number),
    ).fetchone()
    names = (
        "value_day", "references", "native_id", "code", "reversal", "original_minor", "original_currency", "raw", "recorded_at",
        "statement", "file", "file_name",
    )  # fmt: skip
    return dict(zip(names, row, strict=True)) if row else {}


def by_key(
    cx: Transaction[Any], workspace_id: int, keys: list[tuple[str, str]]
) -> dict[tuple[str, str], LineRow]:
    """Lines by account and key."""
    if not keys:
        return {}
    source = """
        select l.* from unnest(%(accounts)s::text[], %(keys)s::text[]) as n (account, key) join connection c on c.workspace_id = %(w)s
            and c.system = 'bank'
        cross join lateral (select * from statement_line l where l.workspace_id = %(w)s and l.connection_id = c.connection_id
            and l.account = n.account and l.key = n.key offset 0) l
    """
    asked = {
        "w": workspace_id,
        "accounts": [account for account, _ in keys],
        "keys": [key for _, key in keys],
    }
    return {(each.account, each.key): each for each in _rows(cx, _LINE.format(source=source), asked)}


def open_lines(
    cx: Transaction[Any],
    workspace_id: int,
    *,
    mode: str,
    since: date,
    until: date,
    word: str = "",
    limit: int,
) -> list[LineRow]:
    """Lines of those days, of banks of `mode`, that no payout explains, newest first; with `word` in them."""
    source = """
        select l.* from line_open o join connection c on c.workspace_id = o.workspace_id and c.connection_id = o.connection_id
            and c.mode = %(mode)s
        join statement_line l on l.workspace_id = o.workspace_id and l.line_id = o.line_id
        where o.workspace_id = %(w)s and o.day between %(since)s and %(until)s
            and (%(any)s or l.description ilike %(word)s or l.counterparty ilike %(word)s)
        order by l.day desc, l.line_id desc limit %(limit)s
    """
    asked = {"w": workspace_id, "mode": mode, "since": since, "until": until, "any": not word, "word": _like(word), "limit": limit}  # fmt: skip
    return _rows(cx, _LINE.format(source=source) + " order by l.day desc, l.line_id desc", asked)


def open_payouts(
    cx: Transaction[Any], workspace_id: int, *, mode: str, since: int, until: int, limit: int
) -> list[OpenPayout]:
    """Payouts of `mode` made in that time that are looked for at the bank, newest first."""
    rows = cx.execute(
        """
        select p.payout_id, c.name, c.mode, p.currency, p.amount, p.status, p.arrival_date from payout_open o
        join connection c on c.workspace_id = o.workspace_id and c.connection_id = o.connection_id and c.mode = %(mode)s
        join payout p on p.workspace_id = o.workspace_id and p.connection_id = o.connection_id and p.payout_id = o.payout_id
        where o.workspace_id = %(w)s and o.since between %(since)s and %(until)s and p.status <> 'canceled'
        order by o.since desc, o.payout_id desc limit %(limit)s
        """,
        {"w": workspace_id, "mode": mode, "since": since, "until": until, "limit": limit},
    )
    return [OpenPayout(**dict(zip(OpenPayout.__struct_fields__, row, strict=True))) for row in rows]


# --- files ---


def files_that_wait(cx: Transaction[Any], workspace_id: int) -> list[FileWaits]:
    """Files of the last hundred from which nothing was read yet, newest first."""
    rows = cx.execute(
        """
        select f.hash, f.name, f.received_at from (
            select hash, name, received_at from bank_file where workspace_id = %(w)s order by received_at desc, hash limit 100) f
        where not exists (select from bank_statement s where s.workspace_id = %(w)s and s.file_hash = f.hash)
        order by f.received_at desc, f.hash
        """,
        {"w": workspace_id},
    )
    return [FileWaits(hash=hash_, name=name, received_at=at) for hash_, name, at in rows]


def file(cx: Transaction[Any], workspace_id: int, hash_: str) -> tuple[str, str]:
    """The hash and the name of a file that is kept; `Missing` where there is none."""
    row = cx.execute(
        "select hash, name from bank_file where workspace_id = %s and hash = %s", (workspace_id, hash_)
    ).fetchone()
    if row is None:
        raise Missing(plain("payouts.asked.no_file", id=hash_[:12]))
    return row[0], row[1]


def problems(cx: Transaction[Any], workspace_id: int, connections: list[int]) -> list[tuple[str, str]]:
    """What stands open about the statements of these banks: (kind, sentence), newest first."""
    return cx.execute(
        "select kind, message from problem where workspace_id = %s and connection_id = any (%s) and kind = any (%s) and closed_at is null"
        " order by last_seen desc, subject limit 50",
        (workspace_id, connections, [OFF, GAP, WARNING, REUSED, CHANGED]),
    ).fetchall()


def _rows(cx: Transaction[Any], query: str, values: dict[str, Any]) -> list[LineRow]:
    return [
        LineRow(**dict(zip(LineRow.__struct_fields__, row, strict=True))) for row in cx.execute(query, values)
    ]


def _paged(found: list[LineRow], limit: int) -> Found:
    last = found[limit - 1] if len(found) > limit else None
    return Found(lines=found[:limit], next=(last.day, last.id) if last else None)


def _like(word: str) -> str:
    """A pattern that finds `word` anywhere; nothing in it is a pattern of its own."""
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
