"""Where the stand-in keeps everything: one SQLite file, or a private one that spills to disk.

Objects are stored as the bytes that are sent. `part` is an account in a mode, `kind` an object's type; a list is
walked by (created, seq), newest first. Secondary look-ups stand in `links`; small counters in `marks`; work to do
later in `jobs`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bookhand.sandbox.stripe.database import opened


class Row(NamedTuple):
    """Where an object stands, and its look-ups."""

    created: int
    seq: int
    body: bytes
    links: dict[str, str]


class Window(NamedTuple):
    """Part of a list: places are exclusive, times inclusive."""

    older_than: tuple[int, int] | None = None
    newer_than: tuple[int, int] | None = None
    since: int | None = None
    until: int | None = None


WINDOW = (
    " AND (o.created, o.seq) < (?, ?)",
    " AND (o.created, o.seq) > (?, ?)",
    " AND o.created >= ?",
    " AND o.created <= ?",
)
NEWEST = " ORDER BY o.created DESC, o.seq DESC LIMIT ?"
OLDEST = " ORDER BY o.created, o.seq LIMIT ?"


class Part(NamedTuple):
    """An account in a mode."""

    account: str
    livemode: bool


class Store:
    """SQL, and nothing that knows what an object means."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.db = opened(path)
        self._parts: dict[tuple[str, bool], int] = {}
        self._kinds: dict[str, int] = {}
        self._names: dict[int, Part] = {}
        self.counter, self.seq = (int(text) for text in (self.meta("counters") or "0 0").split())
        self._kept = (self.counter, self.seq)

    def close(self) -> None:
        """Let go of the file."""
        self.db.close()

    # names

    def meta(self, name: str) -> str | None:
        """One stored setting."""
        row = self.db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set_meta(self, name: str, value: str) -> None:
        """Store one setting."""
        self.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def keep_counters(self, counter: int) -> None:
        """Store how far ids and places are counted, if they went on."""
        if (counter, self.seq) != self._kept:
            self.set_meta("counters", f"{counter} {self.seq}")
            self._kept = (counter, self.seq)

    def part(self, account: str, livemode: bool) -> int:  # noqa: FBT001 - the key itself
        """The number of an account in a mode."""
        found = self._parts.get((account, livemode))
        if found is None:
            self.db.execute(
                "INSERT OR IGNORE INTO parts (account, livemode) VALUES (?, ?)", (account, livemode)
            )
            row = self.db.execute(
                "SELECT part FROM parts WHERE account = ? AND livemode = ?", (account, livemode)
            ).fetchone()
            found = self._parts[account, livemode] = int(row[0])
            self._names[found] = Part(account, livemode)
        return found

    def twin(self, account: str, livemode: bool) -> int | None:  # noqa: FBT001 - the key itself
        """The number of an account in a mode, if it has one."""
        row = self.db.execute(
            "SELECT part FROM parts WHERE account = ? AND livemode = ?", (account, livemode)
        ).fetchone()
        return None if row is None else int(row[0])

    def account_of(self, part: int) -> Part:
        """The account and mode of a number."""
        if part not in self._names:
            account, livemode = self.db.execute(
                "SELECT account, livemode FROM parts WHERE part = ?", (part,)
            ).fetchone()
            self._names[part] = Part(account, bool(livemode))
        return self._names[part]

    def kind(self, name: str) -> int:
        """The number of an object's type, or of a look-up's name."""
        found = self._kinds.get(name)
        if found is None:
            self.db.execute("INSERT OR IGNORE INTO kinds (name) VALUES (?)", (name,))
            row = self.db.execute("SELECT kind FROM kinds WHERE name = ?", (name,)).fetchone()
            found = self._kinds[name] = int(row[0])
        return found

    def forget_names(self) -> None:
        """After a rollback: numbers given inside it are gone."""
        self._parts.clear()
        self._kinds.clear()
        self._names.clear()
        self._kept = (-1, -1)

    # objects

    def add(
        self,
        part: int,
        object: str,  # noqa: A002
        id: str,  # noqa: A002
        body: bytes,
        *,
        created: int,
        links: dict[str, str],
    ) -> None:
        """A new object."""
        kind = self.kind(object)
        self.seq += 1
        self.db.execute(
            "INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?, ?)",
            (part, kind, created, self.seq, id, body, msgspec.json.encode(links) if links else None),
        )
        for name, value in links.items():
            self._link(part, kind, name, value, (created, self.seq))

    def replace(self, part: int, object: str, id: str, body: bytes, links: dict[str, str | None]) -> bool:  # noqa: A002
        """New bytes for an object; look-ups named here are changed, the others stay. False if there is none."""
        kind = self.kind(object)
        if not links:
            done = self.db.execute(
                "UPDATE objects SET body = ? WHERE id = ? AND part = ? AND kind = ?", (body, id, part, kind)
            )
            return done.rowcount == 1
        row = self.row(part, object, id)
        if row is None:
            return False
        merged = dict(row.links)
        for name, value in links.items():
            old = merged.pop(name, None)
            if old == value:
                merged[name] = old or ""
                continue
            if old is not None:
                self._unlink(part, kind, name, old, (row.created, row.seq))
            if value:
                merged[name] = value
                self._link(part, kind, name, value, (row.created, row.seq))
        self.db.execute(
            "UPDATE objects SET body = ?, links = ? WHERE part = ? AND kind = ? AND created = ? AND seq = ?",
            (body, msgspec.json.encode(merged) if merged else None, part, kind, row.created, row.seq),
        )
        return True

    def body(self, part: int, object: str, id: str) -> bytes | None:  # noqa: A002
        """An object's bytes."""
        row = self.db.execute(
            "SELECT body FROM objects WHERE id = ? AND part = ? AND kind = ?", (id, part, self.kind(object))
        ).fetchone()
        return row[0] if row else None

    def row(self, part: int, object: str, id: str) -> Row | None:  # noqa: A002
        """An object with its place."""
        row = self.db.execute(
            "SELECT created, seq, body, links FROM objects WHERE id = ? AND part = ? AND kind = ?",
            (id, part, self.kind(object)),
        ).fetchone()
        if row is None:
            return None
        return Row(row[0], row[1], row[2], msgspec.json.decode(row[3]) if row[3] else {})

    def place(self, part: int, object: str, id: str) -> tuple[int, int] | None:  # noqa: A002
        """(created, seq) of an object, for cursors."""
        row = self.db.execute(
            "SELECT created, seq FROM objects INDEXED BY objects_by_id WHERE id = ? AND part = ? AND kind = ?",
            (id, part, self.kind(object)),
        ).fetchone()
        return (row[0], row[1]) if row else None

    def remove(self, part: int, object: str, id: str, *, stub: bool = False) -> bool:  # noqa: A002
        """Take an object away; a stub remembers that it was there."""
        row = self.row(part, object, id)
        if row is None:
            return False
        kind = self.kind(object)
        for name, value in row.links.items():
            self._unlink(part, kind, name, value, (row.created, row.seq))
        self.db.execute(
            "DELETE FROM objects WHERE part = ? AND kind = ? AND created = ? AND seq = ?",
            (part, kind, row.created, row.seq),
        )
        if stub:
            self.db.execute("INSERT OR IGNORE INTO stubs VALUES (?, ?, ?)", (part, kind, id))
        return True

    def deleted(self, part: int, object: str, id: str) -> bool:  # noqa: A002
        """Was there such an object once?"""
        sql = "SELECT 1 FROM stubs WHERE id = ? AND part = ? AND kind = ?"
        return self.db.execute(sql, (id, part, self.kind(object))).fetchone() is not None

    def bodies(
        self,
        part: int,
        object: str,  # noqa: A002
        *,
        links: dict[str, str] | None = None,
        window: Window | None = None,
        limit: int = -1,
        newest_first: bool = True,
    ) -> list[bytes]:
        """The bytes of many objects."""
        sql, values = self._select(part, object, links or {}, window, "body")
        sql += NEWEST if newest_first else OLDEST
        values.append(limit)
        return [body for (body,) in self.db.execute(sql, values)]

    def rows(
        self,
        part: int,
        object: str,  # noqa: A002
        *,
        links: dict[str, str] | None = None,
        window: Window | None = None,
        limit: int = -1,
        newest_first: bool = True,
    ) -> Iterator[tuple[int, int, bytes]]:
        """The same with their places, one by one."""
        sql, values = self._select(part, object, links or {}, window, "o.created, o.seq, body")
        sql += NEWEST if newest_first else OLDEST
        values.append(limit)
        yield from self.db.execute(sql, values)

    def values(self, part: int, object: str, name: str) -> list[str]:  # noqa: A002
        """Every value a look-up has."""
        key = (part, self.kind(object), self.kind(name))
        found: list[str] = []
        sql = "SELECT min(value) FROM links WHERE part = ? AND kind = ? AND name = ? AND value > ?"
        while (row := self.db.execute(sql, (*key, found[-1] if found else "")).fetchone())[0] is not None:
            found.append(row[0])
        return found

    def forget_before(self, part: int, object: str, created: int) -> None:  # noqa: A002
        """Drop old objects with their look-ups."""
        key = (part, self.kind(object), created)
        self.db.execute("DELETE FROM objects WHERE part = ? AND kind = ? AND created < ?", key)
        self.db.execute("DELETE FROM links WHERE part = ? AND kind = ? AND created < ?", key)

    def count(self, part: int, object: str, **links: str) -> int:  # noqa: A002
        """How many there are."""
        sql, values = self._select(part, object, links, None, "count(*)")
        return int(self.db.execute(sql, values).fetchone()[0])

    def everything(self) -> Iterable[tuple[int, int, int, int, str, bytes]]:
        """Every object in a fixed order, for the digest."""
        return self.db.execute(
            "SELECT part, kind, created, seq, id, body FROM objects ORDER BY part, kind, created, seq"
        )

    def _select(
        self,
        part: int,
        object: str,  # noqa: A002
        links: dict[str, str],
        window: Window | None,
        what: str,
    ) -> tuple[str, list[Any]]:
        kind = self.kind(object)
        if not links:
            sql = f"SELECT {what} FROM objects o WHERE o.part = ? AND o.kind = ?"
            values: list[Any] = [part, kind]
        else:
            sql, values = self._joined(part, kind, list(links.items()), what)
        if window is not None:
            for text, found in zip(WINDOW, window, strict=True):
                if found is not None:
                    sql += text
                    values += found if isinstance(found, tuple) else (found,)
        return sql, values

    def _joined(self, part: int, kind: int, links: list[tuple[str, str]], what: str) -> tuple[str, list[Any]]:
        joins, values = "", []
        for at, (name, value) in enumerate(links[1:]):
            joins += (
                f" CROSS JOIN links l{at} ON l{at}.part = o.part AND l{at}.kind = o.kind AND l{at}.name = ?"
                f" AND l{at}.value = ? AND l{at}.created = o.created AND l{at}.seq = o.seq"
            )
            values += [self.kind(name), value]
        sql = (
            f"SELECT {what} FROM links o{joins} CROSS JOIN objects d ON d.part = o.part AND d.kind = o.kind"
            " AND d.created = o.created AND d.seq = o.seq"
            " WHERE o.part = ? AND o.kind = ? AND o.name = ? AND o.value = ?"
        )
        name, value = links[0]
        return sql, [*values, part, kind, self.kind(name), value]

    def _link(self, part: int, kind: int, name: str, value: str, place: tuple[int, int]) -> None:
        self.db.execute(
            "INSERT OR IGNORE INTO links VALUES (?, ?, ?, ?, ?, ?)",
            (part, kind, self.kind(name), value, *place),
        )

    def _unlink(self, part: int, kind: int, name: str, value: str, place: tuple[int, int]) -> None:
        self.db.execute(
            "DELETE FROM links WHERE part = ? AND kind = ? AND name = ? AND value = ? AND created = ? AND seq = ?",
            (part, kind, self.kind(name), value, *place),
        )

    # marks and jobs

    def mark(self, part: int, name: str) -> int:
        """A small counter."""
        row = self.db.execute("SELECT value FROM marks WHERE part = ? AND name = ?", (part, name)).fetchone()
        return row[0] if row else 0

    def marks(self, part: int, prefix: str) -> dict[str, int]:
        """Every counter whose name begins so."""
        rows = self.db.execute(
            "SELECT name, value FROM marks WHERE part = ? AND name >= ? AND name < ?",
            (part, prefix, prefix + "\U0010ffff"),
        )
        return dict(rows.fetchall())

    def bump(self, part: int, name: str, by: int) -> int:
        """Add to a counter."""
        row = self.db.execute(
            "INSERT INTO marks VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value RETURNING value",
            (part, name, by),
        ).fetchone()
        return int(row[0])

    def schedule(self, line: str, due: int, part: int, name: str, args: bytes) -> None:
        """Work for later."""
        self.seq += 1
        self.db.execute("INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?)", (line, due, self.seq, part, name, args))

    def next_job(self, line: str, until: int) -> tuple[int, int, int, str, bytes] | None:
        """(due, seq, part, name, args) of the first job due by `until`, taken off the list."""
        row = self.db.execute(
            "SELECT due, seq, part, name, args FROM jobs WHERE line = ? AND due <= ? ORDER BY due, seq LIMIT 1",
            (line, until),
        ).fetchone()
        if row is None:
            return None
        self.db.execute("DELETE FROM jobs WHERE line = ? AND due = ? AND seq = ?", (line, row[0], row[1]))
        due, seq, part, name, args = row
        return due, seq, part, name, args

    def due(self, line: str = "") -> int | None:
        """When the next job is due."""
        row = self.db.execute("SELECT min(due) FROM jobs WHERE line = ?", (line,)).fetchone()
        return None if row is None else row[0]
