"""Migrated databases for tests: made from a template, and given out again once they are as they were made.

A test finds what it would find in a database made for it: no row but those of the template, every sequence at its start. Making one takes
PostgreSQL some 400 files, emptying one a few milliseconds. What cannot be sure is dropped: a database whose tables or triggers were touched,
that grew large, or to which somebody might still come back (a session, a thread or a process that the test left behind).
"""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any, NamedTuple

import psutil
import psycopg
from psycopg import conninfo, sql

from bookhand.db.schema import migrate

_GROWN_BYTES = 8 * 1024 * 1024
_GOING_SECONDS = 0.2
_SHAPE = (
    "select 'pg_trigger', count(*), sum(hashtext(concat(tgrelid, tgname, tgenabled))::bigint) from pg_trigger union all "
) + " union all ".join(
    f"select '{name}', count(*), sum(xmin::text::bigint) from {name}"
    for name in (
        "pg_class", "pg_attribute", "pg_attrdef", "pg_constraint", "pg_proc", "pg_policy", "pg_namespace", "pg_type", "pg_rewrite", "pg_db_role_setting"
    )
)  # fmt: skip
"""What PostgreSQL knows of the tables: each change of one is a new row of these."""
_TABLES = """
    select format('%I.%I', n.nspname, c.relname), pg_table_size(c.oid) from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname in ('public', 'dbos')
"""
"""Each table and its size in bytes: one that has its first size was never written to."""
_GUARDS = """
    select tgrelid::regclass::text, quote_ident(tgname) from pg_trigger where tgenabled = 'A' and not tgisinternal order by 1, 2
"""
"""The triggers that keep tables append-only, whoever asks."""
_SEQUENCES = """
    select format('%I.%I', schemaname, sequencename), start_value, last_value from pg_sequences where schemaname in ('public', 'dbos') order by 1
"""


class Lent(NamedTuple):
    """A database that a test has, and who was there before."""

    name: str
    url: str
    around: frozenset[int]


class Databases:
    """The databases of one server in one test run."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._template = f"bookhand_template_{uuid.uuid4().hex[:12]}"
        self._clean: list[str] = []
        self._command(sql.SQL("create database {}").format(sql.Identifier(self._template)))
        url = self._url(self._template)
        migrate(url)
        with psycopg.connect(url, autocommit=True) as cx:
            self._shape = cx.execute(_SHAPE).fetchall()
            self._sequences = cx.execute(_SEQUENCES).fetchall()
            self._sizes = _sizes(cx)
            self._guards = [(_whole(table), name) for table, name in cx.execute(_GUARDS)]
            self._rows = {name: rows for name in self._sizes if (rows := _copied(cx, name))}

    def lend(self) -> Lent:
        """A migrated database in which nothing was done."""
        if self._clean:
            name = self._clean.pop()
        else:
            name = f"bookhand_test_{uuid.uuid4().hex[:12]}"
            self._command(
                sql.SQL("create database {} template {}").format(
                    sql.Identifier(name), sql.Identifier(self._template)
                )
            )
        return Lent(name, self._url(name), _around())

    def take_back(self, lent: Lent) -> None:
        """Empty it for another test, or drop it."""
        if _around() <= lent.around and self._emptied(lent.url):
            self._clean.append(lent.name)
        else:
            self._drop(lent.name)

    def close(self) -> None:
        """Drop all of them."""
        for name in (*self._clean, self._template):
            self._drop(name)

    def _emptied(self, url: str) -> bool:
        with psycopg.connect(url, autocommit=True) as cx:
            if not _is_alone(cx) or cx.execute(_SHAPE).fetchall() != self._shape:
                return False
            sizes = _sizes(cx)
            if sum(sizes.values()) > sum(self._sizes.values()) + _GROWN_BYTES:
                return False
            written = [
                name for name, size in sizes.items() if size != self._sizes[name] or name in self._rows
            ]
            cx.execute("set session_replication_role = replica")  # no trigger speaks, nor does a foreign key
            with cx.transaction():
                guards = [(table, name) for table, name in self._guards if table in written]
                for do in (
                    *(f"alter table {table} disable trigger {name}" for table, name in guards),
                    *(f"delete from {table}" for table in written),
                    *(f"alter table {table} enable always trigger {name}" for table, name in guards),
                ):
                    cx.execute(do)  # type: ignore[arg-type]
                for name, rows in self._rows.items():
                    with cx.cursor().copy(f"copy {name} from stdin") as copy:  # type: ignore[arg-type]
                        copy.write(rows)
                now = cx.execute(_SEQUENCES).fetchall()
                for name, start, last in (
                    as_made for as_made, is_now in zip(self._sequences, now, strict=True) if as_made != is_now
                ):
                    cx.execute("select setval(%s, %s, %s)", (name, last or start, last is not None))
        return True

    def _url(self, name: str) -> str:
        return conninfo.make_conninfo(self._server_url, dbname=name)

    def _drop(self, name: str) -> None:
        self._command(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    def _command(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._server_url, autocommit=True) as cx:
            cx.execute(statement)


def _around() -> frozenset[int]:
    """The threads and processes of this test run."""
    children = psutil.Process().children(recursive=True)
    threads = [each.native_id or 0 for each in threading.enumerate()]
    return frozenset([*threads, *(each.pid for each in children)])


def _is_alone(cx: psycopg.Connection[Any]) -> bool:
    """Whether no other session is left; one that was just closed takes a moment to go."""
    ends = time.monotonic() + _GOING_SECONDS
    while True:
        [others] = cx.execute(
            "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            " and backend_type = 'client backend'"
        ).fetchone() or [0]
        if not others or time.monotonic() > ends:
            return not others
        time.sleep(0.005)


def _whole(table: str) -> str:
    return table if "." in table else f"public.{table}"


def _sizes(cx: psycopg.Connection[Any]) -> dict[str, int]:
    return dict(cx.execute(_TABLES).fetchall())


def _copied(cx: psycopg.Connection[Any], name: str) -> bytes:
    with cx.cursor().copy(f"copy {name} to stdout") as copy:  # type: ignore[arg-type]
        return b"".join(bytes(part) for part in copy)
