"""How a document of ours is known again in NetSuite, pure: its key as an external id, and the mark in its memo.

>>> external_id("acct_1:test:txn_1")
'bookhand-acct_1.3Atest.3Atxn_1'
>>> key_of(external_id("acct_1:test:txn_1"), None)
'acct_1:test:txn_1'
>>> external_id("acct_1:test:txn_1", "2"), key_of(external_id("acct_1:test:txn_1", "2"), None)
('bookhand-.s2.acct_1.3Atest.3Atxn_1', 'acct_1:test:txn_1')
>>> key_of(None, memo_of("Charge ch_1", "acct_1:test:txn_1"))
'acct_1:test:txn_1'

An external id is a record's own, once in an account for each kind of record: two subsidiaries that keep the same journal each write it, so
it begins with the subsidiary. It stands in addresses (``eid:…``): so it holds letters, digits, hyphens,
underscores and points alone. It can be read back; a very long key is hashed, and read from the memo. UNVERIFIED: how long either may be
(999 characters are said of a memo), so both are kept well under it.
"""

from __future__ import annotations

import base64
import hashlib
import re

from bookhand.core.book import KEY_MARK

PREFIX = "bookhand-"
_HASHED = ".h."
_LONGEST_ID = 150
LONGEST_MEMO = 999
_PLAIN = re.compile(rb"[A-Za-z0-9_-]")
_ESCAPED = re.compile(r"\.([0-9A-F]{2})|([A-Za-z0-9_-])")
_PLACE = re.compile(r"\.s(\d+)\.")
_MARKED = re.compile(re.escape(KEY_MARK) + r"(\S+)")


def external_id(key: str, subsidiary: str | None = None) -> str:
    """The external id of the document of this key in a subsidiary: the same for the same, another for another."""
    place = "" if subsidiary is None else f".s{subsidiary}."
    spelt = "".join(chr(byte) if _PLAIN.fullmatch(bytes([byte])) else f".{byte:02X}" for byte in key.encode())
    if len(spelt) + len(PREFIX) <= _LONGEST_ID:
        return PREFIX + place + spelt
    return (
        PREFIX
        + place
        + _HASHED
        + base64.b32encode(hashlib.sha256(key.encode()).digest()).decode().rstrip("=")
    )


def memo_of(text: str, key: str) -> str:
    """The memo of a document: what it says, and the mark, which is never cut off."""
    mark = KEY_MARK + _spelt(key)
    room = LONGEST_MEMO - len(mark) - 1
    words = " ".join(text.split())
    return f"{words[:room].rstrip()} {mark}".strip()


def key_of(given_id: str | None, memo: str | None) -> str | None:
    """The key in an external id and a memo: the id says it, and the memo where the id cannot; None where nothing of ours is there."""
    marked = key_in(memo)
    if given_id is None or not given_id.startswith(PREFIX):
        return marked
    place = _PLACE.match(given_id.removeprefix(PREFIX))
    subsidiary = place[1] if place else None
    if marked is not None and external_id(marked, subsidiary).lower() == given_id.lower():
        return marked
    rest = given_id.removeprefix(PREFIX)[place.end() if place else 0 :]
    return None if rest.startswith(_HASHED) else _decoded(rest)


def key_in(memo: str | None) -> str | None:
    """The key that a memo's mark tells."""
    found = _MARKED.findall(memo or "")
    return _unspelt(found[-1]) if found else None


def _decoded(text: str) -> str | None:
    found = bytearray()
    at = 0
    while at < len(text):
        step = _ESCAPED.match(text, at)
        if step is None:
            return None
        found += bytes([int(step[1], 16)]) if step[1] else step[2].encode()
        at = step.end()
    try:
        return found.decode()
    except UnicodeDecodeError:
        return None


def _spelt(key: str) -> str:
    """A key without spaces and control characters, so that the mark ends where it ends."""
    return "".join(f"%{ord(c):X};" if c.isspace() or c == "%" or not c.isprintable() else c for c in key)


def _unspelt(text: str) -> str:
    return re.sub(r"%([0-9A-F]+);", lambda found: chr(int(found[1], 16)), text)
