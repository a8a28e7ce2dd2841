"""Rows into a table, set by set: COPY into a temporary table, then insert what is new.

COPY cannot write into a table under row-level security and knows no ``on conflict``; the temporary table stays with the
session and is emptied at each commit. A few rows, as one event brings them, go with the statement itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, LiteralString

import msgspec

from bookhand.core.facts import Link
from bookhand.journal.rows import plain

if TYPE_CHECKING:
    from psycopg import Connection as Transaction


class Table(msgspec.Struct, frozen=True):
    """A table whose key begins with workspace and connection: its name and its further columns with their types."""

    name: LiteralString
    columns: LiteralString

    @property
    def names(self) -> str:
        """The further columns, without their types."""
        return ", ".join(column.split()[0] for column in self.columns.split(", "))


_FEW = 24
"""Up to so many rows go with the statement: a temporary table would cost more than they do."""


def insert_new(
    cx: Transaction[Any], link: Link, table: Table, rows: Sequence[str], *, returning: LiteralString
) -> list[tuple[Any, ...]]:
    """Insert COPY lines into `table` where their key is new, and give `returning` of those that were."""
    if not rows:
        return []
    return (
        _few(cx, link, table, rows, returning)
        if len(rows) <= _FEW
        else _many(cx, link, table, rows, returning)
    )


def _few(
    cx: Transaction[Any], link: Link, table: Table, rows: Sequence[str], returning: str
) -> list[tuple[Any, ...]]:
    fields = zip(*([plain(field) for field in row[:-1].split("\t")] for row in rows), strict=True)
    typed = ", ".join(
        f"{name}::{kind}" for name, kind in (column.split() for column in table.columns.split(", "))
    )
    arrays = ", ".join(["%s::text[]"] * len(table.columns.split(", ")))
    return cx.execute(
        f"insert into {table.name} (workspace_id, connection_id, {table.names}) select %s, %s, {typed} "
        f"from unnest({arrays}) as incoming ({table.names}) on conflict do nothing returning {returning}",
        (link.workspace_id, link.connection_id, *(list(column) for column in fields)),
    ).fetchall()


def _many(
    cx: Transaction[Any], link: Link, table: Table, rows: Sequence[str], returning: str
) -> list[tuple[Any, ...]]:
    incoming = f"incoming_{table.name}"
    cx.execute(
        f"create temp table if not exists {incoming} ({table.columns}) on commit delete rows", prepare=False
    )
    with cx.cursor() as cursor, cursor.copy(f"copy pg_temp.{incoming} from stdin") as copy:
        copy.write("".join(rows))
    added = cx.execute(
        f"insert into {table.name} (workspace_id, connection_id, {table.names}) "
        f"select %s, %s, {table.names} from pg_temp.{incoming} as incoming on conflict do nothing returning {returning}",
        (link.workspace_id, link.connection_id),
        prepare=False,
    ).fetchall()
    cx.execute(f"delete from pg_temp.{incoming}")
    return added
