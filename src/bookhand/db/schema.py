"""The schema's versions: Alembic migrations, each a file of plain SQL in ``migrations/versions``; then DBOS's own (`db/durable`).

`migrate` brings a database to the newest version; two processes that start at once take turns behind an advisory lock.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import conninfo

from bookhand.core.problems import Refusal
from bookhand.db import durable

APP_ROLE = "bookhand_app"
if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 4_242_001


def migrate(url: str) -> None:
    """Bring the database at `url` to the newest version; `Refusal` where its owner may not."""
    with psycopg.connect(url, autocommit=True) as cx:
        cx.execute("select pg_advisory_lock(%s)", (_LOCK,))
        if version(cx) == newest() and durable.is_prepared(cx):
            return
        from alembic import command  # noqa: PLC0415 (half a second that only a migration needs)

        try:
            command.upgrade(_config(url), "head")
            durable.prepare(sqlalchemy_url(url), role=APP_ROLE)
        except Exception as error:
            cause = error.__cause__ or error
            if isinstance(cause, psycopg.errors.InsufficientPrivilege):
                raise Refusal(
                    "The database user may not create bookhand's tables and role "
                    f"({str(cause).splitlines()[0]}): let its owner run `bookhand migrate` once."
                ) from error
            raise


def open_restored(url: str) -> None:
    """Bring a restored database to the newest version; rights that a backup does not carry are given again."""
    migrate(url)
    durable.prepare(sqlalchemy_url(url), role=APP_ROLE)


def version(cx: psycopg.Connection) -> str | None:
    """The version a database is at, or None for an empty one."""
    if cx.execute("select to_regclass('alembic_version')").fetchone() == (None,):
        return None
    row = cx.execute("select version_num from alembic_version").fetchone()
    return None if row is None else str(row[0])


def newest() -> str | None:
    """The version this bookhand brings: migrations are numbered, and the highest is the last."""
    return max(revisions(), default=None)


def revisions() -> set[str]:
    """Every version this bookhand knows, by the names of its files."""
    return {path.name[:4] for path in (_MIGRATIONS / "versions").glob("[0-9][0-9][0-9][0-9]_*.py")}


def make_role(cx: psycopg.Connection[Any]) -> None:
    """What 0001 does outside its tables, for a database that is about to be restored: the role, and its right to sequences."""
    if not cx.execute("select 1 from pg_roles where rolname = 'bookhand_app'").fetchone():
        cx.execute("create role bookhand_app nologin")
    cx.execute("alter default privileges in schema public grant usage, select on sequences to bookhand_app")


def sqlalchemy_url(url: str) -> str:
    """A libpq address or keyword string as SQLAlchemy wants it."""
    from sqlalchemy import URL  # noqa: PLC0415 (half a second that only a migration needs)

    parts = dict(conninfo.conninfo_to_dict(url))
    host = str(parts.pop("host", "") or "")
    query = {
        key: str(value) for key, value in parts.items() if key not in {"user", "password", "port", "dbname"}
    }
    if host.startswith("/"):
        query["host"], host = host, ""
    return URL.create(
        "postgresql+psycopg",
        username=_text(parts.get("user")),
        password=_text(parts.get("password")),
        host=host or None,
        port=int(str(parts["port"])) if parts.get("port") else None,
        database=_text(parts.get("dbname")),
        query=query,
    ).render_as_string(hide_password=False)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _config(url: str) -> Config:
    from alembic.config import Config  # noqa: PLC0415 (see above)

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["url"] = url
    return config
