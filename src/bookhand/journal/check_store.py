"""The second journal of a check: temporary tables that stand before the real ones, so that the same code fills them.

PostgreSQL looks into a session's temporary tables first. `shadow` makes one for each of the journal's tables; from then on
this connection's statements read and write the copies, and ``public.`` names the real ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.core.facts import Link

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_TABLES = (
    "journal_entry", "journal_waiting", "journal_balance", "journal_activity", "journal_month", "journal_payout", "journal_source",
    "journal_member", "journal_invoice", "journal_invoice_payment", "journal_credit_note", "journal_credit_refund",
    "journal_dispute", "journal_period_act",
)  # fmt: skip
_CONTENT = (
    "happened_at, kind, why, accounts, currencies, minors, refs, reverses, source, settles, amount, net, hash"
)
_MINE = "workspace_id = %(workspace)s and connection_id = %(connection)s"


def shadow(cx: Transaction[Any], link: Link) -> None:
    """Put empty copies before the journal's tables; what waits for a person waits in the copy too."""
    for table in _TABLES:
        cx.execute(f"create temp table {table} (like public.{table} including all)")
    cx.execute(f"insert into journal_waiting select * from public.journal_waiting where {_MINE}", _mine(link))


def settle(cx: Transaction[Any]) -> None:
    """Let the planner know how big the copy is."""
    cx.execute("analyze journal_entry")


def differing(
    cx: Transaction[Any], link: Link, *, last: int, limit: int = 20
) -> tuple[int, int, list[tuple[str, str]]]:
    """Entries compared, how many differ, and the first of them with what is wrong, by key.

    An entry from a delivery after `last`, the newest that was replayed, is news and no difference; one of a match with the bank follows
    from no delivery of Stripe's, and is none either.
    """
    row = cx.execute(f"select count(*) from public.journal_entry where {_MINE}", _mine(link)).fetchone()
    rows = cx.execute(
        f"""
        select coalesce(kept.key, again.key), kept.key is null, again.key is null, count(*) over ()
        from (select key, delivery, ({_CONTENT}) as content from public.journal_entry where {_MINE}) as kept
        full join (select key, ({_CONTENT}) as content from pg_temp.journal_entry where {_MINE}) as again on again.key = kept.key
        where kept.content is distinct from again.content
            and not (again.key is null and (kept.delivery > %(last)s or kept.key like 'match:%%'))
        order by 1 limit %(limit)s
        """,
        _mine(link) | {"limit": limit, "last": last},
    ).fetchall()
    total = rows[0][3] if rows else 0
    return (row[0] if row else 0), total, [(key, _wrong(missing, extra)) for key, missing, extra, _ in rows]


def drifted(cx: Transaction[Any], link: Link) -> list[tuple[str, str, int | None, int | None]]:
    """Running balances that are not what the postings sum to: (account, currency, running, summed)."""
    rows = cx.execute(
        f"""
        with summed as (
            select account, currency, sum(minor)::bigint as minor
            from public.journal_entry cross join lateral unnest(accounts, currencies, minors) as line (account, currency, minor)
            where {_MINE} group by account, currency),
        running as (select account, currency, minor from public.journal_balance where {_MINE})
        select coalesce(summed.account, running.account), coalesce(summed.currency, running.currency), running.minor, summed.minor
        from summed full join running using (account, currency)
        where coalesce(summed.minor, 0) <> coalesce(running.minor, 0) order by 1, 2
        """,
        _mine(link),
    )
    return rows.fetchall()


def months_drifted(cx: Transaction[Any], link: Link) -> list[str]:
    """Months whose running activity is not what their postings sum to."""
    rows = cx.execute(
        f"""
        with summed as (
            select to_char(booked_on, 'YYYY-MM') as month, account, currency, sum(minor)::bigint as minor
            from public.journal_entry cross join lateral unnest(accounts, currencies, minors) as line (account, currency, minor)
            where {_MINE} group by 1, 2, 3),
        running as (select month, account, currency, minor from public.journal_activity where {_MINE})
        select distinct month from summed full join running using (month, account, currency)
        where coalesce(summed.minor, 0) <> coalesce(running.minor, 0) order by 1
        """,
        _mine(link),
    )
    return [month for (month,) in rows]


def payouts_differing(cx: Transaction[Any], link: Link) -> list[str]:
    """Payouts whose members or net the copy has otherwise."""
    rows = cx.execute(
        f"""
        (select payout, currency, members, net from public.journal_payout where {_MINE}
            except select payout, currency, members, net from pg_temp.journal_payout where {_MINE})
        union
        (select payout, currency, members, net from pg_temp.journal_payout where {_MINE}
            except select payout, currency, members, net from public.journal_payout where {_MINE})
        order by 1
        """,
        _mine(link),
    )
    return sorted({payout for payout, *_ in rows})


def unbalanced_entries(cx: Transaction[Any], link: Link) -> list[str]:
    """Entries that do not sum to zero in each currency, whatever the database promised."""
    rows = cx.execute(
        f"select key from public.journal_entry where {_MINE} and not journal_balanced(accounts, currencies, minors) order by key",
        _mine(link),
    )
    return [key for (key,) in rows]


def _mine(link: Link) -> dict[str, Any]:
    return {"workspace": link.workspace_id, "connection": link.connection_id}


def _wrong(missing: bool, extra: bool) -> str:  # noqa: FBT001 (two columns of one row)
    if missing:
        return "follows from the deliveries and is not in the journal"
    return (
        "is in the journal and follows from no delivery"
        if extra
        else "says something else than the deliveries do"
    )
