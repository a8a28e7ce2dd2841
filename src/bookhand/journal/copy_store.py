"""Rows into a table, set by set: COPY into a temporary table, then insert what is new.

COPY cannot write into a table under row-level security and knows no ``on conflict``; the temporary table stays with the
session and is emptied at each commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, LiteralString

import msgspec

from bookhand.core.facts import Link

if TYPE_CHECKING:
    from psycopg import Connection as Transaction


class Table(msgspec.Struct, frozen=True):
    """A table whose key begins with workspace and connection: its name and its further columns with their types."""

    name: LiteralString
    columns: LiteralString
    unless: LiteralString = "true"
    """A condition that a row must meet to be inserted."""


def insert_new(
    cx: Transaction[Any], link: Link, table: Table, rows: Sequence[str], *, returning: LiteralString
) -> list[tuple[Any, ...]]:
    """Insert COPY lines into `table` where their key is new, and give `returning` of those that were."""
    if not rows:
        return []
    names = ", ".join(column.split()[0] for column in table.columns.split(", "))
    incoming = f"incoming_{table.name}"
    cx.execute(
        f"create temp table if not exists {incoming} ({table.columns}) on commit delete rows", prepare=False
    )
    with cx.cursor() as cursor, cursor.copy(f"copy pg_temp.{incoming} from stdin") as copy:
        copy.write("".join(rows))
    added = cx.execute(
        f"insert into {table.name} (workspace_id, connection_id, {names}) "
        f"select %s, %s, {names} from pg_temp.{incoming} as incoming where {table.unless} on conflict do nothing returning {returning}",
        (link.workspace_id, link.connection_id),
        prepare=False,
    ).fetchall()
    cx.execute(f"delete from pg_temp.{incoming}")
    return added
