"""Opening balances in the journal: those that stand, and what moved beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.journal import store
from bookhand.journal.opening import Bucket

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

    from bookhand.core.facts import Link

_CLEARING = "stripe_clearing:"


def standing(cx: Transaction[Any], link: Link) -> dict[Bucket, tuple[int, int]]:
    """The opening balances that no longer history has replaced: (since, minor units) by currency and balance type."""
    rows = cx.execute(
        """
        select currencies[1], substr(accounts[1], %s), happened_at, minors[1] from journal_entry as opening
        where workspace_id = %s and connection_id = %s and kind = 'opening_balance' and key >= 'opening:' and key < 'opening;'
            and not exists (
                select from journal_entry as undone where undone.workspace_id = opening.workspace_id
                and undone.connection_id = opening.connection_id and undone.key = opening.key || ':replaced')
        """,
        (len(_CLEARING) + 1, link.workspace_id, link.connection_id),
    )
    return {(currency, balance_type): (since, minor) for currency, balance_type, since, minor in rows}


def moved(cx: Transaction[Any], link: Link) -> dict[Bucket, int]:
    """What the balance transactions in the journal come to, by currency and balance type, without opening balances."""
    before = standing(cx, link)
    return {
        (currency, account.removeprefix(_CLEARING)): minor
        - before.get((currency, account.removeprefix(_CLEARING)), (0, 0))[1]
        for (account, currency), minor in store.balances(cx, link).items()
        if account.startswith(_CLEARING)
    }
