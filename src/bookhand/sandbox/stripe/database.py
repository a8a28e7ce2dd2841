"""The SQLite file that the stand-in keeps everything in: its tables, and how it is opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parts (part INTEGER PRIMARY KEY, account TEXT, livemode INTEGER, UNIQUE (account, livemode));
CREATE TABLE IF NOT EXISTS kinds (kind INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS objects (
  part INTEGER, kind INTEGER, created INTEGER, seq INTEGER, id TEXT, body BLOB, links BLOB,
  PRIMARY KEY (part, kind, created, seq)) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS objects_by_id ON objects (id, part, kind);
CREATE TABLE IF NOT EXISTS links (
  part INTEGER, kind INTEGER, name INTEGER, value TEXT, created INTEGER, seq INTEGER,
  PRIMARY KEY (part, kind, name, value, created, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stubs (part INTEGER, kind INTEGER, id TEXT, PRIMARY KEY (id, part, kind)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks (part INTEGER, name TEXT, value INTEGER, PRIMARY KEY (part, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS jobs (
  line TEXT, due INTEGER, seq INTEGER, part INTEGER, name TEXT, args BLOB, PRIMARY KEY (line, due, seq)) WITHOUT ROWID;
"""


def opened(path: Path | None) -> sqlite3.Connection:
    """The file with its tables, for this process alone: the counters of its ids live in memory."""
    db = sqlite3.connect(str(path or ""), isolation_level=None, check_same_thread=False, timeout=1)
    try:
        for setting in (
            "page_size=8192",
            "locking_mode=EXCLUSIVE",
            f"journal_mode={'WAL' if path else 'MEMORY'}",
            "synchronous=OFF",
            "cache_size=-65536",
            "temp_store=FILE",
            "wal_autocheckpoint=8000",
        ):
            db.execute(f"PRAGMA {setting}")
        db.execute("BEGIN IMMEDIATE")
        db.execute("COMMIT")
    except sqlite3.Error as error:
        db.close()
        raise RuntimeError(f"{path} cannot be opened for this process alone: {error}") from error
    db.executescript(SCHEMA)
    return db
