"""Look-ups: SQL that finds rows one by one by their key, whatever the planner believes.

A journal grows faster than its statistics, and a planner that believes a table is empty reads all of it for each batch. A
lateral subquery with ``offset 0`` is run once for each row before it, by the index on its column.

>>> each("journal_member", "payout", "touched.id")
'lateral (select * from journal_member where workspace_id = %(workspace)s and connection_id = %(connection)s and payout = touched.id offset 0)'
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from bookhand.core.facts import Link


def each(table: str, column: str, value: str) -> str:
    """The rows of `table` whose `column` is `value` (of a row to the left in the from clause)."""
    return (
        f"lateral (select * from {table} where workspace_id = %(workspace)s and connection_id = %(connection)s "  # noqa: S608 (names from this package)
        f"and {column} = {value} offset 0)"
    )


def touched(name: str = "ids") -> str:
    """The parameter `name`, a list of ids, as the table ``touched (id)``."""
    return f"unnest(%({name})s::text[]) as touched (id)"


def arguments(link: Link, ids: Collection[str], **more: Any) -> dict[str, Any]:
    """The parameters of such a query."""
    return {"workspace": link.workspace_id, "connection": link.connection_id, "ids": sorted(ids), **more}
