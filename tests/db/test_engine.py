"""The database refuses what the invariants forbid."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

from bookhand.core.facts import Link
from bookhand.core.problems import Outage, Problem, Refusal
from bookhand.db import embedded
from bookhand.db.engine import Database
from bookhand.db.schema import migrate, newest, version
from bookhand.workspace.store import clear, open_problems, report


def test_a_query_that_forgets_the_workspace_sees_only_its_own(db: Database, link: Link) -> None:
    with db.transaction() as cx:
        assert cx.execute("select account from connection").fetchall() == [(link.account,)]
    other = Database(db.url, workspace_id=2)
    with other, other.transaction() as cx:
        assert cx.execute("select account from connection").fetchall() == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            cx.execute("insert into workspace (workspace_id, name) values (7, 'not mine')")


def test_every_table_is_protected(db: Database) -> None:
    with db.transaction() as cx:
        bare = cx.execute(
            "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
            " and relname <> 'alembic_version' and not (relrowsecurity and relforcerowsecurity)"
        ).fetchall()
    assert bare == []


def test_a_transaction_that_raises_leaves_nothing(db: Database, link: Link) -> None:
    problem = Problem(kind="odd", subject="txn_1", message="It is odd.")
    with pytest.raises(RuntimeError), db.transaction() as cx:
        report(cx, link, [problem])
        raise RuntimeError
    with db.transaction() as cx:
        assert open_problems(cx) == []


def test_a_problem_told_twice_is_one_and_opens_again(db: Database, link: Link) -> None:
    problem = Problem(kind="odd", subject="txn_1", message="It is odd.")
    with db.transaction() as cx:
        report(cx, link, [problem, problem])
        report(cx, link, [problem])
    with db.transaction() as cx:
        [found] = open_problems(cx)
        assert (found.problem, found.times) == (problem, 2)
        assert clear(cx, link, kind="odd") == 1
        assert open_problems(cx) == []
        report(cx, link, [problem])
        assert len(open_problems(cx)) == 1


def test_migrating_twice_is_once(database_url: str) -> None:
    migrate(database_url)
    with psycopg.connect(database_url) as cx:
        assert version(cx) == newest()


def test_a_folder_of_another_major_version_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("16\n")
    with pytest.raises(Refusal, match=r"PostgreSQL 16.*bookhand backup.*bookhand restore"):
        embedded.start(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["PG_VERSION"]


def test_a_wrong_address_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Outage, match="BOOKHAND_DATABASE_URL"):
        Database.open("postgresql://nobody@127.0.0.1:1/none", data_dir=tmp_path)
    with pytest.raises(Refusal, match="postgresql://user@host/name"):
        Database.open("mysql://x", data_dir=tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root's folders are opened")
def test_folders_above_the_data_stay_closed_for_reading() -> None:
    private = Path(tempfile.mkdtemp(prefix="bookhand-private-"))
    private.chmod(0o700)
    url = embedded.start(private / "data" / "postgres")
    with psycopg.connect(url) as cx:
        assert cx.execute("select 1").fetchone() == (1,)
    assert stat.S_IMODE(private.stat().st_mode) == 0o711


_START = "import sys, pathlib, bookhand.db.embedded as e; print(e.start(pathlib.Path(sys.argv[1])))"


def _started_elsewhere(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The server of `folder`, started and stopped by a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", _START, str(folder)], env=os.environ | environment, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip


def test_another_users_lock_and_a_crash_do_not_lock_anyone_out(tmp_path: Path) -> None:
    """The wheel's lock file is one for all users of a machine, and its pid file is believed whoever has the number now."""
    taken = tmp_path / "tmp"
    (taken / ".lockfile").mkdir(parents=True)  # as good as a file of root's: it cannot be opened
    home = Path(tempfile.mkdtemp(prefix="bookhand-start-"))
    first = _started_elsewhere(home / "postgres", TMPDIR=str(taken), XDG_RUNTIME_DIR=str(tmp_path / "none"))
    assert first.returncode == 0, first.stderr
    lines = [
        str(os.getpid()),
        str(home / "postgres"),
        "1700000000",
        "5432",
        str(home / "postgres"),
        "",
        "1 1",
        "ready",
    ]
    (home / "postgres" / "postmaster.pid").write_text("\n".join(lines) + "\n")
    (home / "postgres" / ".handle_pids.json").write_text("[999999999]")
    again = _started_elsewhere(home / "postgres", TMPDIR=str(taken), XDG_RUNTIME_DIR=str(tmp_path / "none"))
    assert again.returncode == 0, again.stderr
    assert not (home / "postgres" / "postmaster.pid").exists()  # the last one out stopped it


def test_the_versions_are_those_that_alembic_knows() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    from bookhand.db import schema

    config = Config()
    config.set_main_option("script_location", str(schema._MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert schema.newest() == scripts.get_current_head()
    assert schema.revisions() == {script.revision for script in scripts.walk_revisions()}
