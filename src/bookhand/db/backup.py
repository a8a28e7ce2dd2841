"""Backup and restore: the whole database in one file, by PostgreSQL's own `pg_dump` and `pg_restore`.

The file is an ordinary archive of `pg_dump --format=custom`: consistent (one snapshot, work goes on meanwhile), compressed,
and readable by any PostgreSQL of the same or a newer major version. It appears under its name only when it is whole.
The key that seals tokens is not in it, on purpose: who finds the file must not find the tokens. `NOT_IN_IT` says so.

    written = backup(db, Path("bookhand-2026-11-23.backup"))
    restore(Path("bookhand-2026-11-23.backup"), "postgresql://…/empty")

Errors: `Refusal` where a file would be overwritten, the database is not empty or the file is not ours; `Outage` where the
server cannot be reached or the disk is full.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import psycopg
from psycopg import conninfo

from bookhand.core.problems import Outage, Refusal
from bookhand.db.embedded import program
from bookhand.db.engine import Database
from bookhand.db.schema import make_role, newest, open_restored, revisions, version

NOT_IN_IT = (
    "Not in the file: the key that seals the connections' tokens (BOOKHAND_SEALING_KEY, or the file sealing.key in the data "
    "folder) and bookhand.toml. Keep the key apart from the backup, for example in a password manager: without it the books "
    "are whole, but every Stripe account has to be connected again."
)

_WHOLE = ["--no-owner", "--exit-on-error", "--single-transaction"]
_VARIABLES = {
    "host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD",
    "dbname": "PGDATABASE", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY", "passfile": "PGPASSFILE", "service": "PGSERVICE", "channel_binding": "PGCHANNELBINDING",
}  # fmt: skip


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """A backup as it was written or restored; `size` in bytes, `schema_version` as in ``db/migrations``."""

    file: Path
    size: int
    schema_version: str


def backup(db: Database, file: Path) -> Backup:
    """Write all of `db` to `file`, which must not exist."""
    if file.exists():
        raise Refusal(
            f"{file} exists already; a backup never overwrites. Choose another name or move it away."
        )
    if not file.parent.is_dir():
        raise Refusal(f"The folder {file.parent} is not there: make it first, or choose another.")
    with _connect(db.url) as cx:
        at = version(cx)
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        part.touch(mode=0o600, exist_ok=False)
        _run("pg_dump", db.url, ["--format=custom", "--no-owner", "--file", str(part)])
        _put(part, file)
    except OSError as error:
        raise Outage(
            f"{file} could not be written: {error.strerror or error}. Nothing was left behind."
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return Backup(file=file, size=file.stat().st_size, schema_version=str(at))


def restore(file: Path, url: str) -> Backup:
    """Fill the empty database at `url` from `file`, then bring it to this bookhand's version. All of it, or nothing."""
    found, dumped_from, contents = _inspect(file)
    if found not in revisions():
        raise Refusal(
            f"{file} holds schema version {found}; this bookhand knows up to {newest()}: restore it with a newer bookhand."
        )
    with _connect(url) as cx:
        _refuse_unless_fit(cx, file, dumped_from)
        make_role(cx)
    with TemporaryDirectory() as folder:
        wanted = Path(folder) / "contents"
        wanted.write_text(contents)
        _run("pg_restore", url, [*_WHOLE, "--use-list", str(wanted), str(file)])
    open_restored(url)
    return Backup(file=file, size=file.stat().st_size, schema_version=found)


def _connect(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    try:
        return psycopg.connect(url, autocommit=True)
    except psycopg.OperationalError as error:
        raise Outage(f"PostgreSQL cannot be reached: {str(error).strip().splitlines()[-1]}") from error


def _put(part: Path, file: Path) -> None:
    """Give the finished `part` its name; refuses where somebody took the name meanwhile."""
    with part.open("rb") as written:
        os.fsync(written.fileno())
    try:
        os.link(part, file)
    except FileExistsError:
        raise Refusal(f"{file} appeared while the backup was written; it was left alone.") from None
    if os.name == "posix":
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _inspect(file: Path) -> tuple[str, int, str]:
    """An archive's schema version, the major version of its PostgreSQL, and what to take from it."""
    if not file.is_file():
        raise Refusal(f"There is no backup {file}.")
    listing = _run("pg_restore", None, ["--list", str(file)])
    rows = _run("pg_restore", None, ["--data-only", "--table=alembic_version", "--file=-", str(file)])
    at = re.search(r"^COPY public\.alembic_version .*\n(\S+)\n\\\.$", rows, re.MULTILINE)
    taken_from = re.search(r"Dumped from database version: (\d+)", listing)
    if at is None or taken_from is None:
        raise Refusal(f"{file} is a PostgreSQL archive, but not one of bookhand's.")
    contents = "\n".join(line for line in listing.splitlines() if " DEFAULT ACL " not in line) + "\n"
    return at[1], int(taken_from[1]), contents


def _refuse_unless_fit(cx: psycopg.Connection[Any], file: Path, dumped_from: int) -> None:
    tables = cx.execute(
        "select count(*) from pg_class where relkind in ('r', 'p', 'v', 'm') and relnamespace not in"
        " ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'pg_toast'::regnamespace)"
    ).fetchone()
    if tables != (0,):
        raise Refusal(
            f"The database {cx.info.dbname} is not empty, so nothing was restored. A backup goes into an empty one: set "
            "BOOKHAND_DATA_DIR to a new folder, or BOOKHAND_DATABASE_URL to a database made by `createdb`."
        )
    server = cx.info.server_version // 10000
    if server < dumped_from:
        raise Refusal(
            f"{file} comes from PostgreSQL {dumped_from} and this server is {server}: "
            "restore into the same major version or a newer one."
        )


def _run(name: str, url: str | None, arguments: list[str]) -> str:
    where, environment = address(name, url)
    done = subprocess.run(
        [str(program(name)), *where, *arguments],
        env={**os.environ, **environment, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise _error(name, done.stderr, reading_file=url is None)
    return done.stdout


def address(name: str, url: str | None) -> tuple[list[str], dict[str, str]]:
    """How program `name` is told of the database at `url`: arguments, which anybody may list, and environment, for the password."""
    if url is None:
        return [], {}
    parts = {key: str(value) for key, value in conninfo.conninfo_to_dict(url).items()}
    arguments = ["--dbname", parts.get("dbname", "")] if name == "pg_restore" else []
    return arguments, {_VARIABLES[key]: value for key, value in parts.items() if key in _VARIABLES}


def _error(name: str, said: str, *, reading_file: bool) -> Refusal | Outage:
    line = next((line for line in said.splitlines() if "error:" in line), said.strip())
    text = line.split("error:", 1)[-1].strip() or "it stopped without a word"
    if "row-level security" in said or "permission denied" in said:
        return Refusal(
            f"{name} may not read past row-level security ({text}): a backup needs the database's superuser, or a role with "
            "BYPASSRLS, in BOOKHAND_DATABASE_URL."
        )
    if reading_file or "could not read from input file" in said:
        return Refusal(f"The file is no whole backup: {text}.")
    return Outage(f"{name} failed: {text}.")
