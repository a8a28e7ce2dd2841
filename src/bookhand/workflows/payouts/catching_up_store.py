"""Payouts that were told before bookhand kept them: their newest deliveries, which are kept whole, are read once more.

A house that was at work before this version has them in its inbox only. Afterwards nothing is left to do, and asking costs one look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.core.facts import Link, Payout
from bookhand.inbox.delivery import Opened, open_delivery
from bookhand.inbox.snapshot_store import snapshot
from bookhand.workflows.payouts.payout_store import read

if TYPE_CHECKING:
    from psycopg import Connection as Transaction


def catch_up(cx: Transaction[Any], link: Link, *, most: int = 500) -> int:
    """Read up to `most` payouts of `link` that the inbox knows and that are not kept; how many there were."""
    rows = cx.execute(
        """
        select s.object_id from snapshot s where s.workspace_id = %(workspace)s and s.connection_id = %(connection)s
            and s.object = 'payout' and not s.gone and not exists (select from payout p where p.workspace_id = %(workspace)s
                and p.connection_id = %(connection)s and p.payout_id = s.object_id collate "default")
        order by s.object_id limit %(most)s
        """,
        {"workspace": link.workspace_id, "connection": link.connection_id, "most": most},
    ).fetchall()
    facts = []
    for (payout_id,) in rows:
        known = snapshot(cx, link, "payout", payout_id)
        opened = open_delivery(known.seq, known.delivery, api_version=link.api_version) if known else None
        if isinstance(opened, Opened):
            facts += [seen for seen in opened.facts if isinstance(seen.fact, Payout)]
    read(cx, link, facts)
    return len(facts)
