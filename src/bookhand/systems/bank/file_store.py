"""The bank's files as they came, each kept once, by the hash of its bytes."""

from __future__ import annotations

import hashlib

from bookhand.core.problems import Missing
from bookhand.systems.bank.store import Transaction


def hash_of(raw: bytes) -> str:
    """What a file is known by."""
    return hashlib.sha256(raw).hexdigest()


def keep(cx: Transaction, workspace_id: int, raw: bytes, *, name: str, by: str) -> str:
    """Keep a file as it came, once; its hash."""
    found = hash_of(raw)
    cx.execute(
        "insert into bank_file (workspace_id, hash, name, raw, by_who) values (%s, %s, %s, %s, %s) on conflict do nothing",
        (workspace_id, found, name, raw, by),
    )
    return found


def begins(cx: Transaction, raw: bytes) -> bool:
    """Whether a file that was kept within the last day is the beginning of this longer one."""
    rows = cx.execute(
        "select hash, octet_length(raw) from bank_file where received_at > now() - interval '1 day' and octet_length(raw) between 1 and %s"
        " order by received_at desc limit 200",
        (len(raw) - 1,),
    )
    return any(hash_of(raw[:length]) == found for found, length in rows)


def find(cx: Transaction, hash_: str) -> tuple[str, str, bytes]:
    """The hash, the name and the bytes of a kept file, by its hash or the beginning of it; `Missing` where there is none or several."""
    rows = cx.execute(
        "select hash, name, raw from bank_file where starts_with(hash, %s) limit 2", (hash_,)
    ).fetchall()
    if len(rows) != 1:
        raise Missing(
            f"There is no one bank file {hash_[:64]}: send it again, and take the number that is told then."
        )
    found, name, raw = rows[0]
    return str(found), str(name), bytes(raw)
