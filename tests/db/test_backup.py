"""A backup gives back the same books, whole, and only into an empty database."""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import conninfo, sql

from bookhand.core.facts import Link
from bookhand.core.problems import Outage, Problem, Refusal
from bookhand.db.backup import NOT_IN_IT, address, backup, restore
from bookhand.db.engine import Database
from bookhand.db.schema import migrate, newest
from bookhand.workspace.store import report


@pytest.fixture
def empty_url(server_url: str) -> Iterator[str]:
    name = f"bookhand_empty_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as cx:
        cx.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    yield conninfo.make_conninfo(server_url, dbname=name)
    with psycopg.connect(server_url, autocommit=True) as cx:
        cx.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def contents(url: str) -> dict[str, list[Any]]:
    """Every row of every table, in order."""
    with psycopg.connect(url) as cx:
        tables = cx.execute(
            "select c.oid::regclass::text from pg_class c where relkind in ('r', 'p')"
            " and relnamespace = 'public'::regnamespace and not relispartition order by 1"
        ).fetchall()
        return {name: cx.execute(f"select t::text from {name} t order by 1").fetchall() for (name,) in tables}


def protection(url: str) -> list[Any]:
    """What guards the tables: row-level security, policies, triggers, rights."""
    with psycopg.connect(url) as cx:
        return [
            cx.execute(query).fetchall()
            for query in (
                "select relname, relrowsecurity, relforcerowsecurity, relacl::text from pg_class where relkind in ('r', 'p', 'S') and relnamespace = 'public'::regnamespace order by 1",
                "select defaclnamespace::regnamespace::text, defaclobjtype, defaclacl::text from pg_default_acl order by 1, 2",
                "select tablename, policyname, qual, with_check from pg_policies order by 1, 2",
                "select tgrelid::regclass::text, tgname, tgenabled from pg_trigger where not tgisinternal order by 1, 2",
            )
        ]


def test_restore_gives_the_same_rows_and_the_same_guards(
    db: Database, link: Link, empty_url: str, tmp_path: Path
) -> None:
    with db.transaction() as cx:
        report(
            cx, link, [Problem(kind="odd", subject="txn_1", message="It is odd: 100 %, 'quoted' \\ and ü.")]
        )
    file = tmp_path / "books.backup"
    written = backup(db, file)
    assert (written.size, written.schema_version) == (file.stat().st_size, newest())
    restored = restore(file, empty_url)
    assert restored.schema_version == newest()
    before = contents(db.url)
    assert len(before["problem"]) == 1
    assert contents(empty_url) == before
    assert protection(empty_url) == protection(db.url)
    with Database(empty_url, workspace_id=2) as other, other.transaction() as cx:
        assert cx.execute("select count(*) from connection").fetchone() == (0,)
    with Database(empty_url) as again, again.transaction() as cx:
        cx.execute(
            "insert into connection (workspace_id, system, account, mode, livemode, name, api_version, auth)"
            " values (1, 'stripe', 'acct_new', 'test', false, 'new', 'v', 'key')"
        )


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_the_file_is_its_owners_alone_and_stands_alone(db: Database, tmp_path: Path) -> None:
    backup(db, tmp_path / "books.backup")
    assert stat.S_IMODE((tmp_path / "books.backup").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["books.backup"]


def test_a_backup_never_overwrites(db: Database, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(Refusal, match="never overwrites"):
        backup(db, tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "precious"
    with pytest.raises(Refusal, match="make it first"):
        backup(db, tmp_path / "nowhere" / "books.backup")


def test_a_backup_that_fails_leaves_nothing(db: Database, tmp_path: Path) -> None:
    broken = Database.__new__(Database)
    broken.url = conninfo.make_conninfo(db.url, dbname="is_not_there")
    with pytest.raises(Outage, match="is_not_there"):
        backup(broken, tmp_path / "books.backup")
    assert list(tmp_path.iterdir()) == []


def test_restore_refuses_a_database_with_tables(db: Database, link: Link, tmp_path: Path) -> None:
    backup(db, tmp_path / "books.backup")
    before = contents(db.url)
    with pytest.raises(Refusal, match=r"not empty, so nothing was restored.*BOOKHAND_DATA_DIR"):
        restore(tmp_path / "books.backup", db.url)
    assert contents(db.url) == before


def test_restore_refuses_what_is_no_backup(db: Database, empty_url: str, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="There is no backup"):
        restore(tmp_path / "missing", empty_url)
    (tmp_path / "text").write_text("not an archive, and long enough to be looked at " * 40)
    with pytest.raises(Refusal, match="no whole backup"):
        restore(tmp_path / "text", empty_url)
    assert contents(empty_url) == {}


def test_a_cut_file_restores_nothing(db: Database, link: Link, empty_url: str, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    backup(db, whole)
    cut = tmp_path / "cut"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    with pytest.raises((Refusal, Outage)):
        restore(cut, empty_url)
    assert contents(empty_url) == {}


def test_restore_refuses_a_schema_from_the_future(db: Database, empty_url: str, tmp_path: Path) -> None:
    with psycopg.connect(db.url) as cx:
        cx.execute("update alembic_version set version_num = '9999'")
    backup(db, tmp_path / "books.backup")
    with pytest.raises(Refusal, match=r"9999.*newer bookhand"):
        restore(tmp_path / "books.backup", empty_url)
    assert contents(empty_url) == {}


def test_another_ones_archive_is_refused(server_url: str, empty_url: str, tmp_path: Path) -> None:
    with psycopg.connect(empty_url) as cx:
        cx.execute("create table theirs (id int)")
    foreign = Database.__new__(Database)
    foreign.url = empty_url
    backup(foreign, tmp_path / "theirs")
    with pytest.raises(Refusal, match="not one of bookhand's"):
        restore(tmp_path / "theirs", empty_url)


def test_what_is_not_in_the_file_is_said() -> None:
    assert "BOOKHAND_SEALING_KEY" in NOT_IN_IT


def test_the_password_goes_by_the_environment() -> None:
    """Whoever may list processes must not read it."""
    for name in ("pg_dump", "pg_restore"):
        arguments, environment = address(
            name, "postgresql://me:hush-hush@db.example:5433/books?sslmode=require"
        )
        assert "hush-hush" not in " ".join(arguments)
        assert environment["PGPASSWORD"] == "hush-hush"
        assert (environment["PGHOST"], environment["PGPORT"], environment["PGSSLMODE"]) == (
            "db.example",
            "5433",
            "require",
        )


def test_an_ordinary_owner_may_work_but_is_told_that_it_may_not_back_up(
    server_url: str, tmp_path: Path
) -> None:
    """On a PostgreSQL of one's own the owner of the tables is under their guards too: half a backup would be worse than none."""
    name = f"bookhand_owner_{uuid.uuid4().hex[:12]}"
    identifier = sql.Identifier(name)
    with psycopg.connect(server_url, autocommit=True) as cx:
        cx.execute(sql.SQL("create role {} login createrole").format(identifier))
        cx.execute(sql.SQL("grant bookhand_app to {} with admin option").format(identifier))
        cx.execute(sql.SQL("create database {} owner {}").format(identifier, identifier))
    try:
        url = conninfo.make_conninfo(server_url, dbname=name, user=name)
        migrate(url)
        with Database(url) as owned:
            with owned.transaction() as cx:
                assert cx.execute("select current_user, name from workspace").fetchone() == (
                    "bookhand_app",
                    "Main",
                )
            with pytest.raises(Refusal, match="BYPASSRLS"):
                backup(owned, tmp_path / "books.backup")
        assert list(tmp_path.iterdir()) == []
    finally:
        with psycopg.connect(server_url, autocommit=True) as cx:
            cx.execute(sql.SQL("drop database if exists {} with (force)").format(identifier))
            cx.execute(sql.SQL("drop role {}").format(identifier))
