"""Where a feed goes on, and the lines that stand under Plaid's ids."""

from __future__ import annotations

from collections.abc import Iterable

from bookhand.core.facts import Link
from bookhand.systems.bank import store
from bookhand.systems.bank.store import KeptLine, Transaction


def cursor(cx: Transaction, link: Link) -> str | None:
    """The cursor after everything that is kept; None before the first sync."""
    row = cx.execute(
        "select cursor from feed_cursor where workspace_id = %s and connection_id = %s",
        (link.workspace_id, link.connection_id),
    ).fetchone()
    return str(row[0]) if row else None


def keep(cx: Transaction, link: Link, found: str) -> None:
    """Go on from here the next time."""
    cx.execute(
        "insert into feed_cursor (workspace_id, connection_id, cursor) values (%s, %s, %s)"
        " on conflict (workspace_id, connection_id) do update set cursor = excluded.cursor, moved_at = now()",
        (link.workspace_id, link.connection_id, found),
    )


def standing(cx: Transaction, link: Link, ids: Iterable[str]) -> dict[str, KeptLine]:
    """The line that counts under each of these ids, where there is one."""
    found = store.by_native(cx, link, list(ids))
    return {each.line.native_id or "": each for each in found}


def newest(cx: Transaction, link: Link, id_: str) -> KeptLine | None:
    """The line that came last under an id, whether it counts or not."""
    return max(store.by_native(cx, link, [id_], superseded=True), key=lambda each: each.id, default=None)


def versions(cx: Transaction, link: Link, ids: Iterable[str]) -> dict[str, int]:
    """How many lines there have been under each of these ids, those that do not count any more included."""
    wanted = list(ids)
    rows = cx.execute(
        "select native_id, count(*)::int from statement_line where workspace_id = %s and connection_id = %s and native_id = any (%s) group by 1",
        (link.workspace_id, link.connection_id, wanted),
    )  # fmt: skip
    counts = {str(native): int(count) for native, count in rows}
    return {each: counts.get(each, 0) for each in wanted}
