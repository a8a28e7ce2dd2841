r"""Rows: entries as the lines that PostgreSQL's COPY takes, with a hash of what they say.

The hash covers everything that follows from immutable facts, so the same key with other content is noticed. The ledger date and
the delivery are left out: they say when we were told, not what happened.

>>> row_of(Entry(key="txn_1", happened_at=0, kind="charge", why="Charge", postings=(Posting("revenue", "USD", 0),)), booked_on="1970-01-01")[:20]
'txn_1\t0\tcharge\tCharg'
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

import msgspec

from bookhand.core.days import day_of
from bookhand.core.entry import Entry, Posting
from bookhand.core.facts import BalanceTransaction

ENTRY_COLUMNS = (
    "key text, happened_at bigint, kind text, why text, accounts text[], currencies text[], minors bigint[], refs jsonb, "
    "reverses text, source text, settles text, amount bigint, net bigint, hash bytea, delivery bigint, booked_on date"
)
"""The columns of a row, in order, with their types."""

NULL = r"\N"
_NO_MOVEMENT = "\t".join([NULL] * 4)
_UNSAFE = re.compile(r"[\\\t\n\r\0]")
_QUOTED = re.compile(r'[\\\s"{},]|^$|^null$', re.IGNORECASE)
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r", "\0": ""})
_ESCAPED = re.compile(r"\\(.)")
_MEANS = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}
_QUARTER_HOUR = 900


def row_of(entry: Entry, *, booked_on: str, bt: BalanceTransaction | None = None) -> str:
    """The COPY line of `entry`; `bt` is the balance transaction whose own entry it is, if it is one."""
    lines = entry.postings
    accounts = _literal(tuple([line.account for line in lines]))
    currencies = _literal(tuple([line.currency for line in lines]))
    minors = ",".join([str(line.minor) for line in lines])
    movement = _NO_MOVEMENT
    refs = NULL
    if bt is not None:
        source = text(bt.source) if bt.source else NULL
        movement = f"{source}\t{bt.currency}\t{bt.amount}\t{bt.net}"
    elif entry.refs:
        refs = text(msgspec.json.encode(entry.refs, order="sorted").decode())
    reverses = text(entry.reverses) if entry.reverses else NULL
    key, why = entry.key, entry.why
    if _UNSAFE.search(key + why):
        key, why = text(key), text(why)
    said = (
        f"{key}\t{entry.happened_at}\t{entry.kind}\t{why}\t{accounts}\t{currencies}\t{{{minors}}}\t"
        f"{refs}\t{reverses}\t{movement}"
    )
    return f"{said}\t\\\\x{digest(said)}\t{entry.delivery}\t{booked_on}\n"


def digest(said: str) -> str:
    """The hash of a row's content, in hex."""
    return hashlib.blake2b(said.encode(), digest_size=12).hexdigest()


def hash_in(row: str) -> bytes:
    """The hash inside a row that `row_of` made."""
    return bytes.fromhex(row.rsplit("\t", 3)[1][3:])


def text(value: str) -> str:
    """`value` as one COPY field."""
    return value.translate(_ESCAPES) if _UNSAFE.search(value) else value


def plain(field: str) -> str | None:
    """What a COPY field says: the way back from `text` and `field`."""
    if field == NULL:
        return None
    return _ESCAPED.sub(lambda found: _MEANS[found[1]], field) if "\\" in field else field


def field(value: str | int | None) -> str:
    """A value, or nothing, as one COPY field."""
    if value is None:
        return NULL
    return str(value) if isinstance(value, int) else text(value)


def array(values: tuple[str, ...]) -> str:
    """A PostgreSQL array of texts as one COPY field."""
    return _literal(values)


def entry_from(  # noqa: PLR0917 (a row, in the order of its columns)
    key: str, happened_at: int, kind: str, why: str, accounts: list[str], currencies: list[str], minors: list[int],
    refs: dict[str, str] | None, reverses: str | None, source: str | None, delivery: int,
) -> Entry:  # fmt: skip
    """The entry that a stored row holds."""
    postings = tuple(map(Posting, accounts, currencies, minors))
    if refs is None:
        refs = {"balance_transaction": key} | ({"source": source} if source else {})
    return Entry(
        key=key, happened_at=happened_at, kind=kind, why=why, postings=postings, refs=refs, reverses=reverses, delivery=delivery
    )  # fmt: skip


def day_text(timestamp: int, timezone: str) -> str:
    """The date of `timestamp` in `timezone` as ISO text; every zone's offset is a whole number of quarter hours."""
    return _day_text(timestamp // _QUARTER_HOUR, timezone)


@lru_cache(maxsize=65536)
def _day_text(quarter_hours: int, timezone: str) -> str:
    return day_of(quarter_hours * _QUARTER_HOUR, timezone).isoformat()


@lru_cache(maxsize=4096)
def _literal(values: tuple[str, ...]) -> str:
    return "{" + ",".join(text(_quoted(value)) for value in values) + "}"


def _quoted(value: str) -> str:
    if not _QUOTED.search(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
