"""Proving: read Stripe's balance before and after, and compare only where nothing moved in between.

proofs = prove(db, link, read_balance, catch_up=pull_and_drain, listed=all_balance_transactions)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

import msgspec

from bookhand.core.facts import BalanceTransaction, Link
from bookhand.db.engine import Database
from bookhand.journal import proof, proof_store
from bookhand.journal.proof import Balances, Proof


def prove(
    db: Database,
    link: Link,
    read_balance: Callable[[], Balances],
    *,
    catch_up: Callable[[], object] | None = None,
    listed: Callable[[], Iterable[BalanceTransaction]] | None = None,
    attempts: int = 12,
) -> list[Proof]:
    """Prove every currency of `link` and keep the result.

    `catch_up` brings what Stripe has and the journal has not yet. It is called between two readings of the balance, so that where
    both say the same, the journal has all that they count. While money moves it is tried again; a gap that two comparisons in a
    row agree on is a gap. `listed` lists Stripe's balance transactions, to name those behind it.
    """
    proofs: list[Proof] = []
    for _ in range(attempts):
        last, proofs = proofs, _compare(db, link, read_balance, catch_up or (lambda: None))
        if all(one.holds for one in proofs) or (_known(last) and _gaps(last) == _gaps(proofs)):
            break
    if listed is not None and any(one.off_by for one in proofs):
        proofs = _named(db, link, proofs, listed())
    with db.transaction() as cx:
        proof_store.keep(cx, proofs)
    return proofs


def _compare(
    db: Database, link: Link, read_balance: Callable[[], Balances], catch_up: Callable[[], object]
) -> list[Proof]:
    before = read_balance()
    catch_up()
    with db.transaction() as cx:
        ours = proof_store.standing(cx, link)
    after = read_balance()
    return proof.prove(link, ours, after if before == after else None, as_of=int(time.time()))


def _known(proofs: Sequence[Proof]) -> bool:
    return bool(proofs) and all(one.off_by is not None for one in proofs)


def _gaps(proofs: Sequence[Proof]) -> dict[str, int | None]:
    return {one.currency: one.off_by for one in proofs}


def _named(
    db: Database, link: Link, proofs: Sequence[Proof], listing: Iterable[BalanceTransaction]
) -> list[Proof]:
    with db.transaction() as cx:
        gaps = proof_store.gaps(cx, link, listing)
    return [
        msgspec.structs.replace(
            one, reason=f"{one.reason} {gaps[one.currency].sentence(one.currency)}".strip()
        )
        if one.off_by and one.currency in gaps
        else one
        for one in proofs
    ]
