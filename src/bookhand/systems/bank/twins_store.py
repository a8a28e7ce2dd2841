"""One bank account under two names: two accounts whose lines are the same, day by day and cent by cent, are told as a Problem.

A bank's file calls an account by its IBAN, Plaid by an id of its own, a CSV by what somebody typed: nothing in them says that it is one. Their
lines do, and would count twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.core.problems import Problem
from bookhand.workspace.store import clear, report

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

    from bookhand.core.facts import Link

TWINS = "bank_account_twice"
_NEWEST = 200
_LEAST_LINES = 5
_LEAST_PERCENT = 80


def prove_single(cx: Transaction[Any], link: Link, account: str) -> list[Problem]:
    """Hold the newest lines of an account against those of all others of its mode; the Problem is reported, or closed where it stands no more."""
    found = [_problem(account, other, same, of) for other, same, of in _alike(cx, link, account)]
    if found:
        report(cx, link, found)
    else:
        clear(cx, link, kind=TWINS, subjects=[account])
    return found


def _alike(cx: Transaction[Any], link: Link, account: str) -> list[tuple[str, int, int]]:
    """Another account, how many of the newest lines it has too, and how many of them are of its days; the one that is most alike."""
    rows = cx.execute(
        """
        with mine as materialized (
            select day, currency, minor from bank_line where workspace_id = %(w)s and connection_id = %(c)s and account = %(a)s
            order by day desc, line_id desc limit %(newest)s),
        other as materialized (
            select b.connection_id, b.account, span.first, span.last from bank_account b join connection c using (workspace_id, connection_id)
            cross join lateral (select min(day) as first, max(day) as last from bank_line l where l.workspace_id = b.workspace_id
                and l.connection_id = b.connection_id and l.account = b.account) span
            where b.workspace_id = %(w)s and c.mode = %(mode)s and (b.connection_id, b.account) <> (%(c)s, %(a)s))
        select other.account, count(*) filter (where exists (select from bank_line l where l.workspace_id = %(w)s
            and l.connection_id = other.connection_id and l.account = other.account and l.day = mine.day and l.currency = mine.currency
            and l.minor = mine.minor)) as same, count(*) as lines
        from other join mine on mine.day between other.first and other.last group by other.connection_id, other.account
        order by same desc, other.account limit 1
        """,
        {"w": link.workspace_id, "c": link.connection_id, "a": account, "mode": link.mode, "newest": _NEWEST},
    ).fetchall()
    return [row for row in rows if row[1] >= _LEAST_LINES and row[1] * 100 >= row[2] * _LEAST_PERCENT]


def _problem(account: str, other: str, same: int, of: int) -> Problem:
    return Problem(
        kind=TWINS, subject=account,
        message=f"Accounts {account} and {other} tell the same lines ({same} of the newest {of}, to the day and the cent): they look like one account "
        "under two names, and then each line counts twice. Read it from one of them alone.",
    )  # fmt: skip
