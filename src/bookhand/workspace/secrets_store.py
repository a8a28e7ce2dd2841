"""Secrets as rows: tokens and keys, sealed with a key that is never in the database.

The sealing key is BOOKHAND_SEALING_KEY, or else a file in the data folder that only its owner may read, made on first use.

    secrets = Secrets(data_dir)
    secrets.put(cx, link, "key", "rk_test_…")
    secrets.get(cx, link, "key")                # None where there is none
    secrets.put_own(cx, 1, "totp/3", "JBSW…")   # the workspace's own, of no connection
    secrets.rotate(db)                          # a new sealing key; every secret is sealed again

Errors: `Refusal` where the key is missing, wrong, or readable by others. Back up the key with the data, and apart from it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from bookhand.core.facts import Link
from bookhand.core.problems import Refusal
from bookhand.workspace.sealing import (
    KEY_BYTES,
    NONCE_BYTES,
    Ring,
    dump_ring,
    parse_ring,
    ring_of,
    seal,
    unseal,
)

if TYPE_CHECKING:
    from bookhand.db.engine import Database

_FILE = "sealing.key"
_OTHERS = 0o077
_GET = "select key_id, sealed from secret where workspace_id = %s and connection_id = %s and name = %s"
_GET_LOCKED = "select key_id, sealed from secret where workspace_id = %s and connection_id = %s and name = %s for update"
_GET_OWN = "select key_id, sealed from house_secret where workspace_id = %s and name = %s"

Transaction = psycopg.Connection[Any]


class Secrets:
    """Seals, opens and rotates; safe to share between threads."""

    def __init__(self, data_dir: Path, *, given: str | None = None) -> None:
        """`given` is BOOKHAND_SEALING_KEY: it wins over the file; with several keys, the first one seals."""
        self._path = data_dir / _FILE
        self._given = parse_ring(given) if given else None
        self._ring: Ring | None = self._given

    def put(self, cx: Transaction, link: Link, name: str, secret: str) -> None:
        """Keep `secret` under `name`, in place of the one before."""
        key_id, sealed = seal(
            self._sealing(cx), secret, place=_place(link, name), nonce=os.urandom(NONCE_BYTES)
        )
        cx.execute(
            """
            insert into secret (workspace_id, connection_id, name, key_id, sealed) values (%s, %s, %s, %s, %s)
            on conflict (workspace_id, connection_id, name) do update
                set key_id = excluded.key_id, sealed = excluded.sealed, updated_at = now()
            """,
            (link.workspace_id, link.connection_id, name, key_id, sealed),
        )

    def get(self, cx: Transaction, link: Link, name: str, *, for_update: bool = False) -> str | None:
        """The secret, or None; `for_update` keeps others from it until the transaction ends."""
        row = cx.execute(
            _GET_LOCKED if for_update else _GET, (link.workspace_id, link.connection_id, name)
        ).fetchone()
        return None if row is None else self._open(cx, row[0], bytes(row[1]), _place(link, name))

    def drop(self, cx: Transaction, link: Link, name: str | None = None) -> int:
        """Forget one secret of a connection, or all; how many there were."""
        return cx.execute(
            "delete from secret where workspace_id = %s and connection_id = %s and (%s::text is null or name = %s)",
            (link.workspace_id, link.connection_id, name, name),
        ).rowcount

    def put_own(self, cx: Transaction, workspace_id: int, name: str, secret: str) -> None:
        """Keep a secret of the workspace itself under `name`, in place of the one before."""
        key_id, sealed = seal(
            self._sealing(cx), secret, place=_own_place(workspace_id, name), nonce=os.urandom(NONCE_BYTES)
        )
        cx.execute(
            """
            insert into house_secret (workspace_id, name, key_id, sealed) values (%s, %s, %s, %s)
            on conflict (workspace_id, name) do update
                set key_id = excluded.key_id, sealed = excluded.sealed, updated_at = now()
            """,
            (workspace_id, name, key_id, sealed),
        )

    def get_own(self, cx: Transaction, workspace_id: int, name: str) -> str | None:
        """The workspace's own secret of that name, or None."""
        row = cx.execute(_GET_OWN, (workspace_id, name)).fetchone()
        return None if row is None else self._open(cx, row[0], bytes(row[1]), _own_place(workspace_id, name))

    def drop_own(self, cx: Transaction, workspace_id: int, name: str) -> int:
        """Forget the workspace's own secret of that name; how many there were."""
        return cx.execute(
            "delete from house_secret where workspace_id = %s and name = %s", (workspace_id, name)
        ).rowcount

    def rotate(self, db: Database) -> int:
        """Seal every secret again, with a new key (or, where the key is given, with the first of those); how many.

        The key before stays in the file, for processes that still run with it; older ones go once nothing needs them.
        """
        with db.transaction() as cx:
            cx.execute("lock table secret, house_secret in share row exclusive mode")
            before = self._sealing(cx)
            ring = self._given or ring_of(os.urandom(KEY_BYTES), *before.keys.values())
            if not self._given:
                _write(self._path, ring)  # before the rows: a key too many is harmless, one too few is not
            self._ring = ring
            count = self._seal_again(cx) + self._seal_own_again(cx)
        if not self._given:
            self._ring = ring_of(*list(ring.keys.values())[:2])
            _write(self._path, self._ring)
        return count

    def _seal_again(self, cx: Transaction) -> int:
        rows = cx.execute("select workspace_id, connection_id, name, key_id, sealed from secret").fetchall()
        for workspace_id, connection_id, name, key_id, sealed in rows:
            place = f"{workspace_id}/{connection_id}/{name}"
            secret = self._open(cx, key_id, bytes(sealed), place)
            new_id, again = seal(self._sealing(cx), secret, place=place, nonce=os.urandom(NONCE_BYTES))
            cx.execute(
                "update secret set key_id = %s, sealed = %s where workspace_id = %s and connection_id = %s and name = %s",
                (new_id, again, workspace_id, connection_id, name),
            )
        return len(rows)

    def _seal_own_again(self, cx: Transaction) -> int:
        rows = cx.execute("select workspace_id, name, key_id, sealed from house_secret").fetchall()
        for workspace_id, name, key_id, sealed in rows:
            self.put_own(
                cx, workspace_id, name, self._open(cx, key_id, bytes(sealed), _own_place(workspace_id, name))
            )
        return len(rows)

    def _open(self, cx: Transaction, key_id: str, sealed: bytes, place: str) -> str:
        ring = self._sealing(cx)
        if key_id not in ring.keys and not self._given:
            ring = self._ring = _read(self._path)  # another process rotated it
        return unseal(ring, key_id, sealed, place=place)

    def _sealing(self, cx: Transaction) -> Ring:
        if self._ring is None:
            self._ring = _read(self._path) if self._path.exists() else self._first_ring(cx)
        return self._ring

    def _first_ring(self, cx: Transaction) -> Ring:
        row = cx.execute(
            "(select key_id from secret limit 1) union all (select key_id from house_secret limit 1)"
        ).fetchone()
        if row is not None:
            raise Refusal(
                f"The sealing key is missing: the secrets here are sealed with key {row[0]}, and neither {self._path} nor "
                "BOOKHAND_SEALING_KEY has it. Bring back the file from your backup, or connect again after removing the secrets."
            )
        return _create(self._path)


def _place(link: Link, name: str) -> str:
    return f"{link.workspace_id}/{link.connection_id}/{name}"


def _own_place(workspace_id: int, name: str) -> str:
    return f"{workspace_id}/house/{name}"


def _read(path: Path) -> Ring:
    try:
        mode = path.stat().st_mode
        text = path.read_text()
    except FileNotFoundError:
        raise Refusal(f"The sealing key {path} is gone: bring it back from your backup.") from None
    except PermissionError:
        raise Refusal(
            f"The sealing key {path} may not be read by this user: start bookhand as its owner."
        ) from None
    if os.name == "posix" and stat.S_IMODE(mode) & _OTHERS:
        raise Refusal(
            f"The sealing key {path} is readable by others: `chmod 600 {path}`, and rotate it if others were here."
        )
    return parse_ring(text)


def _create(path: Path) -> Ring:
    """A first key; where two processes make one at once, the first one's is taken by both."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    _write(fresh, ring_of(os.urandom(KEY_BYTES)))
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return _read(path)


def _write(path: Path, ring: Ring) -> None:
    """Whole or not at all, readable by the owner alone, on the disk when it returns."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(dump_ring(ring))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
