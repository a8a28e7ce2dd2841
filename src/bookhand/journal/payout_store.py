"""Payouts and what went out with them: for each, how many balance transactions and their net, kept as they become known.

The members of a payout with its own balance transaction sum to zero; what is in no payout is still at Stripe.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.core.facts import Link
from bookhand.journal.lookups import arguments, each, touched

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_LINK = f"""
    with pair (balance_transaction, payout) as materialized (
        select * from unnest(%(members)s::text[], %(payouts)s::text[])
        union
        select m.balance_transaction, m.payout from {touched()}
        cross join {each("journal_member", "balance_transaction", "touched.id")} m)
    insert into journal_payout as kept (workspace_id, connection_id, payout, currency, members, net)
    select %(workspace)s, %(connection)s, pair.payout, b.settles, count(*), sum(b.net)
    from pair cross join {each("journal_entry", "key", "pair.balance_transaction")} b
    where b.settles is not null
    group by pair.payout, b.settles order by pair.payout, b.settles
    on conflict (workspace_id, connection_id, payout, currency) do update
        set members = kept.members + excluded.members, net = kept.net + excluded.net
"""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A payout's members as far as they are known; `net` is zero once all are."""

    payout: str
    currency: str
    members: int
    net: int


def link_members(
    cx: Transaction[Any], link: Link, *, new_moves: Collection[str], new_members: Collection[tuple[str, str]]
) -> None:
    """Add to payouts what has both sides now: `new_moves` are balance transactions, `new_members` (balance transaction, payout)."""
    if not new_moves and not new_members:
        return
    members = sorted(new_members)
    cx.execute(
        _LINK,
        arguments(
            link, new_moves, members=[bt for bt, _ in members], payouts=[payout for _, payout in members]
        ),
    )


def linked(cx: Transaction[Any], link: Link) -> dict[str, int]:
    """Currency to the net of all that is in a payout."""
    rows = cx.execute(
        "select currency, sum(net)::bigint from journal_payout where workspace_id = %s and connection_id = %s group by currency",
        (link.workspace_id, link.connection_id),
    )
    return dict(rows.fetchall())


def unbalanced(cx: Transaction[Any], link: Link) -> list[Group]:
    """Payouts whose members do not sum to zero with them."""
    rows = cx.execute(
        "select payout, currency, members, net from journal_payout where workspace_id = %s and connection_id = %s and net <> 0"
        " order by payout, currency",
        (link.workspace_id, link.connection_id),
    )
    return [
        Group(payout=payout, currency=currency, members=members, net=net)
        for payout, currency, members, net in rows
    ]
