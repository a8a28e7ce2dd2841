"""Proofs in the database: where the journal stands, the history of proofs, and the comparison by listing behind a gap."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from bookhand.core.facts import BalanceTransaction, Link
from bookhand.journal import payout_store, store
from bookhand.journal.proof import Gap, Proof, Standing
from bookhand.journal.rows import text

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_LISTING = 'id text collate "C" primary key, currency text, net bigint, created bigint'
_HISTORY_SECONDS = 3600


def standing(cx: Transaction[Any], link: Link) -> dict[str, Standing]:
    """Where the journal stands, by currency, from the running sums: the cost does not grow with the journal."""
    clearing: defaultdict[str, dict[str, int]] = defaultdict(dict)
    suspense: defaultdict[str, int] = defaultdict(int)
    for (account, currency), minor in store.balances(cx, link).items():
        role, _, detail = account.partition(":")
        if role == "stripe_clearing":
            clearing[currency][detail] = minor
        elif role == "suspense":
            suspense[currency] += minor
    waiting = _waiting(cx, link)
    linked = payout_store.linked(cx, link)
    return {
        currency: Standing(
            clearing=dict(clearing[currency]),
            linked=linked.get(currency, 0),
            suspense=suspense[currency],
            waiting=waiting.get(currency, 0),
        )
        for currency in sorted({*clearing, *suspense, *waiting})
    }


def keep(cx: Transaction[Any], proofs: Sequence[Proof]) -> None:
    """Add to the history those proofs that say something new, or whose last word is an hour old."""
    for proof in proofs:
        values = (
            proof.clearing,
            proof.stripe_balance,
            proof.off_by,
            proof.unmatched,
            proof.suspense,
            proof.reason,
        )
        mine = (proof.link.workspace_id, proof.link.connection_id, proof.currency)
        cx.execute(
            """
            insert into journal_proof
                (workspace_id, connection_id, currency, as_of, clearing, stripe_balance, off_by, unmatched, suspense, reason)
            select %s, %s, %s, to_timestamp(%s), %s, %s, %s, %s, %s, %s where not exists (
                select from (
                    select * from journal_proof where workspace_id = %s and connection_id = %s and currency = %s
                    order by proof_id desc limit 1
                ) as newest
                where (clearing, stripe_balance, off_by, unmatched, suspense, reason)
                    is not distinct from (%s::bigint, %s::bigint, %s::bigint, %s::bigint, %s::bigint, %s::text)
                    and as_of > to_timestamp(%s) - make_interval(secs => %s))
            """,
            (*mine, proof.as_of, *values, *mine, *values, proof.as_of, _HISTORY_SECONDS),
        )


def newest(cx: Transaction[Any], link: Link) -> list[Proof]:
    """The last word on each currency."""
    return _proofs(cx, link, "distinct on (currency)", "order by currency, proof_id desc")


def history(cx: Transaction[Any], link: Link, *, currency: str, limit: int = 100) -> list[Proof]:
    """What was proven in a currency, newest first."""
    return _proofs(cx, link, "", "and currency = %s order by proof_id desc limit %s", currency, limit)


def gaps(cx: Transaction[Any], link: Link, listed: Iterable[BalanceTransaction]) -> dict[str, Gap]:
    """Compare the journal with a listing of balance transactions, newest or oldest first, by currency.

    The listing may begin late: only entries from its oldest balance transaction on are compared.
    """
    cx.execute(f"create temp table if not exists proof_listing ({_LISTING}) on commit delete rows")
    with cx.cursor() as cursor, cursor.copy("copy proof_listing from stdin") as copy:
        for bt in listed:
            copy.write(f"{text(bt.id)}\t{bt.currency}\t{bt.net}\t{bt.created}\n")
    rows = cx.execute(
        """
        with mine as (
            select key, settles, net from journal_entry
            where workspace_id = %(workspace)s and connection_id = %(connection)s and settles is not null
                and happened_at >= (select coalesce(min(created), 0) from proof_listing))
        select coalesce(l.id, b.key), coalesce(l.currency, b.settles), l.net, b.net
        from proof_listing l full join mine b on b.key = l.id
        where l.net is distinct from b.net or l.currency is distinct from b.settles
        order by 1
        """,
        {"workspace": link.workspace_id, "connection": link.connection_id},
    ).fetchall()
    found: defaultdict[str, list[tuple[str, int | None, int | None]]] = defaultdict(list)
    for id_, currency, theirs, ours in rows:
        found[currency].append((id_, theirs, ours))
    return {currency: _gap(rows) for currency, rows in found.items()}


def _gap(rows: Sequence[tuple[str, int | None, int | None]]) -> Gap:
    return Gap(
        only_stripe=[(id_, theirs) for id_, theirs, ours in rows if ours is None and theirs is not None],
        only_journal=[(id_, ours) for id_, theirs, ours in rows if theirs is None and ours is not None],
        differing=[(id_, theirs) for id_, theirs, ours in rows if theirs is not None and ours is not None],
    )


def _waiting(cx: Transaction[Any], link: Link) -> dict[str, int]:
    rows = cx.execute(
        "select settles, count(*) from journal_waiting where workspace_id = %s and connection_id = %s and settles is not null"
        " group by settles",
        (link.workspace_id, link.connection_id),
    )
    return dict(rows.fetchall())


def _proofs(cx: Transaction[Any], link: Link, distinct: str, tail: str, *args: object) -> list[Proof]:
    rows = cx.execute(
        f"select {distinct} currency, clearing, stripe_balance, off_by, unmatched, suspense, extract(epoch from as_of)::bigint, reason"
        f" from journal_proof where workspace_id = %s and connection_id = %s {tail}",
        (link.workspace_id, link.connection_id, *args),
    )
    return [
        Proof(
            link=link, currency=currency, clearing=clearing, stripe_balance=balance, off_by=off_by, unmatched=unmatched,
            suspense=suspense, as_of=as_of, reason=reason,
        )
        for currency, clearing, balance, off_by, unmatched, suspense, as_of, reason in rows
    ]  # fmt: skip
