"""The ground a measurement stands on: one embedded PostgreSQL as bookhand starts it, and a fresh migrated database for each.

with Ground.laid() as ground:
    place = ground.place(base_url="http://127.0.0.1:4000", limits=None)
    place.environment                      # with which `python -m bookhand serve` works on it
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import conninfo, sql

from bench.shapes import VERSION
from bookhand.core.facts import Link
from bookhand.db import embedded
from bookhand.db.engine import Database
from bookhand.db.schema import migrate
from bookhand.systems import store as connections
from bookhand.systems.connection import Connection
from bookhand.systems.stripe.token_auth import KEY
from bookhand.systems.stripe.webhook_client import SECRET
from bookhand.workspace.secrets_store import Secrets

SIGNED_WITH = "whsec_bench"
UNLIMITED = {"account": 1_000_000, "endpoint": 1_000_000}


@dataclass(frozen=True, slots=True)
class Place:
    """A migrated database with one connection, and a data folder: all that a bookhand needs."""

    url: str
    folder: Path
    connection: Connection
    environment: dict[str, str] = field(repr=False)

    @property
    def link(self) -> Link:
        return self.connection.link

    def count(self, query: str) -> int:
        """One number, asked by the database's owner."""
        with psycopg.connect(self.url, autocommit=True) as cx:
            row = cx.execute(query).fetchone()
        return int(row[0]) if row else 0


@dataclass(frozen=True, slots=True)
class Ground:
    """The server and its folder."""

    server_url: str
    folder: Path

    @classmethod
    @contextmanager
    def laid(cls) -> Iterator[Ground]:
        """On the server of BOOKHAND_DATABASE_URL, or the embedded one; gone at the end."""
        folder = Path(tempfile.mkdtemp(prefix="bookhand-bench-"))
        folder.chmod(0o755)
        atexit.register(
            shutil.rmtree, folder, ignore_errors=True
        )  # after the server's own farewell, which it says at exit
        given = os.environ.get("BOOKHAND_DATABASE_URL")
        ground = cls(given or embedded.start(folder / "postgres"), folder)
        ground.insist_on_durability()
        yield ground

    def insist_on_durability(self) -> None:
        """A figure got with fsync off would be a lie."""
        with psycopg.connect(self.server_url, autocommit=True) as cx:
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                row = cx.execute(f"show {name}").fetchone()
                if row is None or row[0] != "on":
                    raise RuntimeError(
                        f"PostgreSQL runs with {name} {row and row[0]}: nothing is measured on it."
                    )

    def database(self) -> str:
        """A new empty database's address."""
        name = f"bench_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.server_url, autocommit=True) as cx:
            cx.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        return conninfo.make_conninfo(self.server_url, dbname=name)

    @contextmanager
    def place(
        self,
        *,
        base_url: str = "http://127.0.0.1:1",
        limits: dict[str, int] | None = None,
        live: bool = False,
    ) -> Iterator[Place]:
        """A fresh database with a connection to the Stripe at `base_url`; dropped at the end."""
        url = self.database()
        migrate(url)
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        secrets = Secrets(folder)
        settings: dict[str, object] = {"base_url": base_url}
        if limits is not None:
            settings["limits"] = limits
        mode = "live" if live else "test"
        new = connections.NewConnection(
            system="stripe", account="acct_1Bench", mode=mode, livemode=live, default_name="bench", api_version=VERSION,
            auth="key", settings=settings,
        )  # fmt: skip
        with Database(url) as db, db.transaction() as cx:
            connection = connections.keep(cx, db.workspace_id, new)
            secrets.put(cx, connection.link, KEY, f"rk_{mode}_bench")
            secrets.put(cx, connection.link, SECRET, SIGNED_WITH)
        environment = {
            "BOOKHAND_DATABASE_URL": url, "BOOKHAND_DATA_DIR": str(folder), "BOOKHAND_BOOKS_DIR": str(folder / "books"),
            "BOOKHAND_LOG_LEVEL": "error", "BOOKHAND_CONFIG": str(_empty(folder)), "BOOKHAND_STRIPE_BASE_URL": base_url,
        }  # fmt: skip
        try:
            yield Place(url, folder, connection, environment)
        finally:
            self.drop(url)
            shutil.rmtree(folder, ignore_errors=True)

    def drop(self, url: str) -> None:
        name = str(conninfo.conninfo_to_dict(url)["dbname"])
        with psycopg.connect(self.server_url, autocommit=True) as cx:
            cx.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def as_url(address: str) -> str:
    """A libpq address as a URL, as drivers of other languages read it."""
    parts = conninfo.conninfo_to_dict(address)
    who = f"{parts.get('user', 'postgres')}" + (f":{parts['password']}" if parts.get("password") else "")
    host, port = str(parts.get("host", "127.0.0.1")), parts.get("port", 5432)
    if host.startswith("/"):
        return f"postgresql://{who}@localhost/{parts['dbname']}?host={host}&port={port}"
    return f"postgresql://{who}@{host}:{port}/{parts['dbname']}"


def _empty(folder: Path) -> Path:
    path = folder / "bookhand.toml"
    path.touch()
    return path
