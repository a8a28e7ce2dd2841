"""Breakdowns in the database: counted set by set where members were added, so that a million charges are one statement.

A count is kept with how many members it saw (``journal_payout.counted``); as soon as the journal knows of more, it is due again. All of
it happens in one statement and so in one picture of the journal, while posting goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from bookhand.core.facts import Link
from bookhand.core.problems import Missing
from bookhand.workflows.payouts.contents.breakdown import OWN, Basis, Breakdown, Line, Total

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_MEMBERS_OF = """
        cross join lateral (select * from journal_member m where m.workspace_id = %(workspace)s and m.connection_id = %(connection)s
            and m.payout = d.payout offset 0) m
        cross join lateral (select * from journal_entry e where e.workspace_id = %(workspace)s and e.connection_id = %(connection)s
            and e.key = m.balance_transaction offset 0) e
"""
_ALL_MEMBERS = """
        join journal_member m on m.workspace_id = %(workspace)s and m.connection_id = %(connection)s and m.payout = d.payout
        join journal_entry e on e.workspace_id = %(workspace)s and e.connection_id = %(connection)s and e.key = m.balance_transaction
"""
_COUNT = f"""
    with due as materialized (
        select payout, currency, members from journal_payout
        where workspace_id = %(workspace)s and connection_id = %(connection)s and counted <> members
        order by payout, currency limit %(most)s),
    counted as materialized (
        select m.payout, e.settles, case when e.kind = 'payout' and e.source = m.payout then '{OWN}' else e.kind end as kind,
            count(*) as count, sum(e.amount) as amount, sum(e.amount - e.net) as fee, sum(e.net) as net
        from (select distinct payout from due) d
        [members]
        where e.settles is not null
        group by 1, 2, 3),
    kept as (
        insert into payout_total (workspace_id, connection_id, payout_id, currency, kind, count, amount, fee, net)
        select %(workspace)s, %(connection)s, payout, settles, kind, count, amount, fee, net from counted
        order by payout, settles, kind
        on conflict (workspace_id, connection_id, payout_id, currency, kind) do update set
            count = excluded.count, amount = excluded.amount, fee = excluded.fee, net = excluded.net)
    update journal_payout j set counted = due.members from due
    where j.workspace_id = %(workspace)s and j.connection_id = %(connection)s and j.payout = due.payout and j.currency = due.currency
    returning j.payout
"""
_MANY = 20_000
"""From so many members on they are read in one sweep instead of one by one."""
_WAITING = """
    select coalesce(sum(members), 0)::bigint from journal_payout
    where workspace_id = %(workspace)s and connection_id = %(connection)s and counted <> members
"""
_SUSPECT = f"""
    select distinct p.payout_id from unnest(%(ids)s::text[]) as n (id)
    cross join lateral (select * from payout p where p.workspace_id = %(workspace)s and p.connection_id = %(connection)s
        and p.payout_id = n.id offset 0) p
    left join lateral (select * from journal_payout j where j.workspace_id = %(workspace)s and j.connection_id = %(connection)s
        and j.payout = n.id offset 0) j on true
    left join lateral (select * from payout_total t where t.workspace_id = %(workspace)s and t.connection_id = %(connection)s
        and t.payout_id = n.id and t.kind = '{OWN}' offset 0) t on true
    where j.net <> 0 or j.currency <> p.currency or t.amount <> -p.amount order by 1
"""
_MEMBERS = """
    select balance_transaction from journal_member where workspace_id = %(workspace)s and connection_id = %(connection)s
        and payout = %(payout)s
    union all
    select balance_transaction from payout_confirmed where workspace_id = %(workspace)s and connection_id = %(connection)s
        and payout_id = %(payout)s
"""
_LINES = f"""
    select e.key, case when e.kind = 'payout' and e.source = %(payout)s then '{OWN}' else e.kind end, e.happened_at, e.source,
        e.amount, e.amount - e.net, e.net
    from ({_MEMBERS}) m
    join journal_entry e on e.workspace_id = %(workspace)s and e.connection_id = %(connection)s and e.key = m.balance_transaction
    where e.settles is not null and (%(after)s::text is null or e.key > %(after)s::text collate "C") order by e.key limit %(limit)s
"""


def count(cx: Transaction[Any], link: Link, *, most: int = 200_000, sweep_from: int = _MANY) -> list[str]:
    """Count the payouts of which the journal knows more members than were counted, up to `most`; their ids, sorted."""
    waiting = cx.execute(_WAITING, _mine(link)).fetchone()
    if not waiting or not waiting[0]:
        return []
    sweep = waiting[0] > sweep_from
    query = _COUNT.replace("[members]", _ALL_MEMBERS if sweep else _MEMBERS_OF)
    with _sweeping(cx) if sweep else nullcontext():
        rows = cx.execute(query, _mine(link) | {"most": most}).fetchall()
    return sorted({payout for (payout,) in rows})


@contextmanager
def _sweeping(cx: Transaction[Any]) -> Iterator[None]:
    """Let nothing be looked up row by row, whatever the planner believes of tables that have grown since it last counted."""
    cx.execute("set local enable_nestloop = off")
    yield
    cx.execute("set local enable_nestloop = on")


def wrong(cx: Transaction[Any], link: Link, payouts: Sequence[str]) -> list[Breakdown]:
    """Those of `payouts` whose members are all known and do not come to it."""
    rows = cx.execute(_SUSPECT, _mine(link) | {"ids": list(payouts)})
    found = (breakdown(cx, link, payout) for (payout,) in rows.fetchall())
    return [each for each in found if each.wrong]


def breakdown(cx: Transaction[Any], link: Link, payout_id: str) -> Breakdown:
    """What is known of a payout's members: by Stripe's list, else by a person's word, else nothing."""
    asked = _mine(link) | {"payout": payout_id}
    row = cx.execute(
        """
        select currency, amount, balance_transaction,
            (select count(*) from journal_member where workspace_id = p.workspace_id and connection_id = p.connection_id
                and payout = p.payout_id),
            (select count(*) from payout_confirmed where workspace_id = p.workspace_id and connection_id = p.connection_id
                and payout_id = p.payout_id),
            (select min(by_name) from payout_confirmed where workspace_id = p.workspace_id and connection_id = p.connection_id
                and payout_id = p.payout_id)
        from payout p where workspace_id = %(workspace)s and connection_id = %(connection)s and payout_id = %(payout)s
        """,
        asked,
    ).fetchone()
    if row is None:
        raise Missing(
            f"There is no payout {payout_id}: look at its id, or bring the history in that it is in."
        )
    currency, amount, _, told, confirmed, by_name = row
    basis: Basis = "stripe" if told else "confirmed" if confirmed else "none"
    totals = _kept(cx, asked) if told else _summed(cx, asked) if confirmed else []
    return Breakdown(
        payout=payout_id, currency=currency, amount=amount, basis=basis, told=told or confirmed, confirmed_by=by_name,
        totals=tuple(Total(*each) for of, *each in totals if of == currency),
        strange=sum(each[2] for each in totals if each[0] != currency),
    )  # fmt: skip


def lines(
    cx: Transaction[Any], link: Link, payout_id: str, *, after: str | None = None, limit: int = 1000
) -> list[Line]:
    """The members that the journal knows, by id; page on with the last id as `after`."""
    rows = cx.execute(_LINES, _mine(link) | {"payout": payout_id, "after": after, "limit": limit})
    return [
        Line(id=id_, kind=kind, happened_at=at, source=source, amount=amount, fee=fee, net=net)
        for id_, kind, at, source, amount, fee, net in rows
    ]


def _kept(cx: Transaction[Any], asked: dict[str, Any]) -> list[tuple[Any, ...]]:
    return cx.execute(
        "select currency, kind, count, amount, fee, net from payout_total where workspace_id = %(workspace)s"
        " and connection_id = %(connection)s and payout_id = %(payout)s order by currency, kind",
        asked,
    ).fetchall()


def _summed(cx: Transaction[Any], asked: dict[str, Any]) -> list[tuple[Any, ...]]:
    return cx.execute(
        f"""
        select e.settles, case when e.kind = 'payout' and e.source = %(payout)s then '{OWN}' else e.kind end, count(*),
            sum(e.amount)::bigint, sum(e.amount - e.net)::bigint, sum(e.net)::bigint
        from ({_MEMBERS}) m
        join journal_entry e on e.workspace_id = %(workspace)s and e.connection_id = %(connection)s and e.key = m.balance_transaction
        where e.settles is not null group by 1, 2 order by 1, 2
        """,
        asked,
    ).fetchall()


def _mine(link: Link) -> dict[str, Any]:
    return {"workspace": link.workspace_id, "connection": link.connection_id}
