"""Bank accounts, statements and their lines as rows. Nothing here commits; lines are only added.

A key is once in its account: adding a line again adds nothing. A line that a bank takes back or tells anew is superseded: it stays, and does
not count any more (`bank_line` is the view of those that do).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from bookhand.core.bank import Statement, StatementLine
from bookhand.core.facts import Link
from bookhand.core.problems import Missing, Refusal
from bookhand.core.ready import ready
from bookhand.systems.bank.checks import GAP, Span, lines_until, span_of

Transaction = psycopg.Connection[Any]

_CHUNK = 5000
_LOCK = 4_242_011


class BankAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A bank account that lines are known of."""

    connection_id: int
    connection: str
    mode: str
    account: str
    currency: str | None
    auth: str
    lines: int
    first_day: str | None
    last_day: str | None
    balance_minor: int | None
    """The newest closing balance that a statement told, and its day."""
    balance_day: str | None


class KeptStatement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement as it was read, without its lines; `new_lines` of them were not here before."""

    id: int
    connection_id: int
    account: str
    format: str
    file: str | None
    file_name: str | None
    number: str | None
    currency: str | None
    opening_minor: int | None
    closing_minor: int | None
    first_day: str | None
    last_day: str | None
    lines: int
    new_lines: int
    warnings: list[str]
    read_at: datetime


class KeptLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line with its number, in the order in which it came; `superseded` says why it does not count any more."""

    id: int
    connection_id: int
    line: StatementLine
    superseded: str | None = None


def hold(cx: Transaction, workspace_id: int) -> None:
    """Let one intake of this workspace go at a time, until the transaction ends."""
    cx.execute("select pg_advisory_xact_lock(%s, %s)", (_LOCK, workspace_id))


# --- accounts ---


def keep_account(
    cx: Transaction, link: Link, account: str, currency: str | None, *, name: str | None = None
) -> None:
    """Add an account of a connection, or what is new about it."""
    cx.execute(
        """
        insert into bank_account as b (workspace_id, connection_id, account, currency, name) values (%s, %s, %s, %s, %s)
        on conflict (workspace_id, connection_id, account) do update
            set currency = coalesce(b.currency, excluded.currency), name = coalesce(excluded.name, b.name)
        """,
        (link.workspace_id, link.connection_id, account, currency, name),
    )  # fmt: skip


def owner_of(cx: Transaction, account: str, *, mode: str) -> int | None:
    """The connection that an account (by its own name) belongs to; None for one that is not known."""
    row = cx.execute(
        "select b.connection_id from bank_account b join connection c using (workspace_id, connection_id)"
        " where b.account = %s and c.mode = %s order by b.connection_id limit 1",
        (account, mode),
    ).fetchone()
    return int(row[0]) if row else None


def currency_of(cx: Transaction, account: str, *, mode: str) -> str | None:
    """The currency of an account, where it is known."""
    row = cx.execute(
        "select b.currency from bank_account b join connection c using (workspace_id, connection_id)"
        " where b.account = %s and c.mode = %s and b.currency is not null order by b.connection_id limit 1",
        (account, mode),
    ).fetchone()
    return str(row[0]) if row else None


def mode_of(cx: Transaction, account: str, mode: str | None = None) -> str:
    """The mode of the account that is meant by a name; `Refusal` where accounts of two modes have it, `Missing` where none has (in `mode`)."""
    rows = cx.execute(
        "select distinct on (c.mode) c.mode, c.name from bank_account b join connection c using (workspace_id, connection_id)"
        " where b.account = %s order by c.mode, b.connection_id",
        (account,),
    ).fetchall()
    known = {str(each): str(name) for each, name in rows}
    if not known or (mode is not None and mode not in known):
        elsewhere = f" in {mode} mode (there is one in {' and '.join(known)} mode)" if known else ""
        raise Missing(f"There is no bank account {account}{elsewhere}: `bookhand bank-accounts` lists them.")
    if mode is None and len(known) > 1:
        both = " and ".join(f"{name} ({each} mode)" for each, name in known.items())
        raise Refusal(f"Several bank accounts are called {account}: {both}. Say which mode is meant.")
    return next(iter(known)) if mode is None else mode


def accounts(cx: Transaction) -> list[BankAccount]:
    """Every account, oldest connection first."""
    rows = cx.execute(
        """
        select b.connection_id, c.name, c.mode, b.account, b.currency, c.auth, coalesce(l.lines, 0), l.first_day::text, l.last_day::text,
               s.closing_minor, s.closing_day::text
        from bank_account b join connection c using (workspace_id, connection_id)
        left join lateral (
            select count(*)::int as lines, min(day) as first_day, max(day) as last_day from bank_line l
            where (l.workspace_id, l.connection_id, l.account) = (b.workspace_id, b.connection_id, b.account)
        ) l on true
        left join lateral (
            select closing_minor, closing_day from bank_statement s
            where (s.workspace_id, s.connection_id, s.account) = (b.workspace_id, b.connection_id, b.account) and closing_minor is not null
            order by closing_day desc nulls last, statement_id desc limit 1
        ) s on true
        order by b.connection_id, b.account
        """
    )
    return [BankAccount(**dict(zip(BankAccount.__struct_fields__, row, strict=True))) for row in rows]


# --- statements ---


def keep_statement(cx: Transaction, link: Link, statement: Statement, *, file_hash: str | None) -> int:
    """Add a statement and the lines of it that are new; how many those were."""
    span, told_until = span_of(statement), lines_until(statement)
    row = cx.execute("select nextval(pg_get_serial_sequence('bank_statement', 'statement_id'))").fetchone()
    assert row is not None  # noqa: S101 (a sequence gives a number)
    new = add_lines(cx, link, statement.lines, statement_id=int(row[0]))
    cx.execute(
        """
        insert into bank_statement (workspace_id, connection_id, account, statement_id, file_hash, format, currency, number, opening_minor,
            closing_minor, opening_day, closing_day, first_day, last_day, lines, new_lines, warnings)
        overriding system value values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (link.workspace_id, link.connection_id, statement.account, row[0], file_hash, statement.format, statement.currency, statement.number,
         statement.opening_minor, statement.closing_minor, statement.opening_day, statement.closing_day,
         span.first_day if span else None, told_until, len(statement.lines), len(new), Jsonb([*statement.warnings, *statement.notes])),
    )  # fmt: skip
    return len(new)


def add_lines(
    cx: Transaction, link: Link, lines: Sequence[StatementLine], *, statement_id: int | None = None
) -> set[str]:
    """Add the lines whose keys are not here yet; their keys."""
    added: set[str] = set()
    for start in range(0, len(lines), _CHUNK):
        rows = [msgspec.to_builtins(line) for line in lines[start : start + _CHUNK]]
        found = cx.execute(
            """
            insert into statement_line (workspace_id, connection_id, account, key, statement_id, day, value_day, currency, minor, description,
                counterparty, refs, native_id, code, reversal, original_minor, original_currency, raw)
            select %s, %s, account, key, %s, day, value_day, currency, minor, description, counterparty, "references", native_id, code,
                reversal, original_minor, original_currency, raw
            from rows from (jsonb_to_recordset(%s) as (account text, key text, day date, value_day date, currency text, minor bigint,
                description text, counterparty text, "references" text[], native_id text, code text, reversal boolean, original_minor bigint,
                original_currency text, raw text)) with ordinality
            order by ordinality
            on conflict do nothing returning key
            """,
            (link.workspace_id, link.connection_id, statement_id, Jsonb(rows)),
        )  # fmt: skip
        added |= {str(key) for (key,) in found}
    return added


def statements(
    cx: Transaction,
    *,
    file_hash: str | None = None,
    account: str | None = None,
    mode: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> Iterator[KeptStatement]:
    """Statements, newest first; `before` is the number of the last one seen. An account's name is told apart by `mode`."""
    rows = cx.execute(
        """
        select statement_id, connection_id, account, format, file_hash, f.name, number, currency, opening_minor, closing_minor,
               first_day::text, last_day::text, lines, new_lines, warnings, read_at
        from bank_statement s left join bank_file f on (f.workspace_id, f.hash) = (s.workspace_id, s.file_hash)
        where (%s::text is null or file_hash = %s) and (%s::text is null or account = %s) and (%s::bigint is null or statement_id < %s)
            and (%s::text is null or exists (select from connection c where c.workspace_id = s.workspace_id
                and c.connection_id = s.connection_id and c.mode = %s))
        order by statement_id desc limit %s
        """,
        (file_hash, file_hash, account, account, before, before, mode, mode, limit),
    )
    for row in rows:
        yield KeptStatement(**dict(zip(KeptStatement.__struct_fields__, row, strict=True)))


def read_before(cx: Transaction, hash_: str, *, mode: str | None = None) -> list[KeptStatement]:
    """The statements (of accounts of `mode`, or all) that were read from a file; none where it only waits for its profile."""
    return list(statements(cx, file_hash=hash_, mode=mode, limit=1000))


def spans(cx: Transaction, link: Link, account: str, currency: str) -> list[Span]:
    """The days and balances of all statements of an account that tell any.

    A closing balance that was told before the day was over says nothing of the evening: it is left out where lines of that day came later.
    """
    rows = cx.execute(
        """
        select first_day::text, greatest(last_day, closing_day)::text, opening_minor, closing_minor,
               exists (select 1 from bank_line l where (l.workspace_id, l.connection_id, l.account) = (s.workspace_id, s.connection_id, s.account)
                       and l.day = greatest(s.last_day, s.closing_day) and l.statement_id > s.statement_id)
        from bank_statement s
        where workspace_id = %s and connection_id = %s and account = %s and currency = %s and first_day is not null
            and (opening_minor is not null or closing_minor is not null)
        """,
        (link.workspace_id, link.connection_id, account, currency),
    )
    return [
        Span(first, last, opening, None if went_on and opening is None else closing)
        for first, last, opening, closing, went_on in rows
    ]


def moved(cx: Transaction, link: Link, account: str, currency: str) -> dict[str, int]:
    """What the lines of each day move."""
    rows = cx.execute(
        "select day::text, sum(minor)::bigint from bank_line where workspace_id = %s and connection_id = %s and account = %s and currency = %s group by 1",
        (link.workspace_id, link.connection_id, account, currency),
    )  # fmt: skip
    return {str(day): int(minor) for day, minor in rows}


def newest(cx: Transaction, link: Link, account: str, currency: str | None) -> Span | None:
    """The statement that reaches furthest, and is newest among those."""
    row = cx.execute(
        "select first_day::text, greatest(last_day, closing_day)::text, opening_minor, closing_minor from bank_statement"
        " where workspace_id = %s and connection_id = %s and account = %s and currency = %s and last_day is not null"
        " order by greatest(last_day, closing_day) desc, statement_id desc limit 1",
        (link.workspace_id, link.connection_id, account, currency),
    ).fetchone()
    return Span(*row) if row else None


def other_format(
    cx: Transaction, link: Link, account: str, format_: str, *, since: str, until: str
) -> str | None:
    """Another format from which lines of these days were read already; None where there is none."""
    row = cx.execute(
        """
        select s.format from statement_line l join bank_statement s using (workspace_id, connection_id, account, statement_id)
        where l.workspace_id = %s and l.connection_id = %s and l.account = %s and l.day between %s and %s and s.format <> %s limit 1
        """,
        (link.workspace_id, link.connection_id, account, since, until, format_),
    ).fetchone()
    return str(row[0]) if row else None


# --- lines ---


_LINES = """
    select l.line_id, l.connection_id, l.account, l.key, l.day::text, l.value_day::text, l.currency, l.minor, l.description, l.counterparty,
           l.refs, l.native_id, l.code, l.reversal, l.original_minor, l.original_currency, l.raw, s.why
    from statement_line l left join line_superseded s using (workspace_id, connection_id, account, key)
"""


def lines(
    cx: Transaction, *, connection_id: int | None = None, account: str | None = None, since: str | None = None, until: str | None = None,
    after: tuple[str, int] | None = None, superseded: bool = False, limit: int = 100, mode: str | None = None,
) -> list[KeptLine]:  # fmt: skip
    """Lines by day, newest first; `after` is the day and number of the last one seen. Those that do not count only where asked for."""
    rows = cx.execute(
        f"""
        {_LINES}
        where (%(connection)s::int is null or l.connection_id = %(connection)s) and (%(account)s::text is null or l.account = %(account)s)
            and (%(since)s::date is null or l.day >= %(since)s::date) and (%(until)s::date is null or l.day <= %(until)s::date)
            and (%(all)s or s.key is null) and (%(mode)s::text is null or exists (select from connection c
                where c.workspace_id = l.workspace_id and c.connection_id = l.connection_id and c.mode = %(mode)s))
            and (%(day)s::date is null or (l.day, l.line_id) < (%(day)s::date, %(number)s::bigint))
        order by l.day desc, l.line_id desc limit %(limit)s
        """,
        {"connection": connection_id, "account": account, "since": since, "until": until, "all": superseded, "mode": mode,
         "day": after[0] if after else None, "number": after[1] if after else None, "limit": limit},
    )  # fmt: skip
    return [_kept(row) for row in rows]


def by_native(cx: Transaction, link: Link, ids: Sequence[str], *, superseded: bool = False) -> list[KeptLine]:
    """The lines of a connection that bear one of these ids of the bank; those that do not count only where asked for."""
    rows = cx.execute(
        f"{_LINES} where l.workspace_id = %s and l.connection_id = %s and l.native_id = any (%s) and (%s or s.key is null)",
        (link.workspace_id, link.connection_id, list(ids), superseded),
    )
    return [_kept(row) for row in rows]


def counting(cx: Transaction, *, since: str | None = None) -> list[KeptLine]:
    """Every line that counts, oldest first: what payouts are matched with."""
    return lines(cx, since=since, limit=2**31 - 1)[::-1]


def _kept(row: tuple[Any, ...]) -> KeptLine:
    (
        number, connection_id, account, key, day, value_day, currency, minor, description, counterparty, refs, native_id, code, reversal,
        original_minor, original_currency, raw, why,
    ) = row  # fmt: skip
    line = StatementLine(
        account=account, key=key, day=day, value_day=value_day, currency=currency, minor=minor, description=description,
        counterparty=counterparty, references=tuple(refs), native_id=native_id, code=code, reversal=reversal,
        original_minor=original_minor, original_currency=original_currency, raw=raw,
    )  # fmt: skip
    return KeptLine(id=number, connection_id=connection_id, line=line, superseded=why)


def keys_on(cx: Transaction, link: Link, account: str, day: str) -> list[str]:
    """The keys of an account's lines of a day."""
    rows = cx.execute(
        "select key from statement_line where workspace_id = %s and connection_id = %s and account = %s and day = %s",
        (link.workspace_id, link.connection_id, account, day),
    )
    return [str(key) for (key,) in rows]


def reused(cx: Transaction, link: Link, account: str, natives: Iterable[tuple[str, str]]) -> list[str]:
    """Of (bank's id, key) of an account those ids under which another line stands already."""
    pairs = list(natives)
    rows = cx.execute(
        """
        select distinct n.id from unnest(%s::text[], %s::text[]) as n (id, key)
        join bank_line l on l.native_id = n.id and l.key <> n.key
        where l.workspace_id = %s and l.connection_id = %s and l.account = %s order by 1
        """,
        (
            [native for native, _ in pairs],
            [key for _, key in pairs],
            link.workspace_id,
            link.connection_id,
            account,
        ),
    )
    return [str(native) for (native,) in rows]


def supersede(cx: Transaction, link: Link, account: str, key: str, *, by_key: str | None, why: str) -> None:
    """Let a line count no more: another (`by_key`) says it anew, or it was taken back."""
    cx.execute(
        "insert into line_superseded (workspace_id, connection_id, account, key, by_key, why) values (%s, %s, %s, %s, %s, %s)"
        " on conflict do nothing",
        (link.workspace_id, link.connection_id, account, key, by_key, why),
    )


def gap_subjects(cx: Transaction, link: Link, prefix: str, still: set[str]) -> list[str]:
    """The subjects of this account's open Problems about balances that are none of `still`."""
    rows = cx.execute(
        "select subject from problem where workspace_id = %s and connection_id = %s and kind = %s and closed_at is null and starts_with(subject, %s)",
        (link.workspace_id, link.connection_id, GAP, prefix),
    )  # fmt: skip
    return [str(subject) for (subject,) in rows if subject not in still]


ready(BankAccount, KeptStatement, KeptLine)  # see core.ready
