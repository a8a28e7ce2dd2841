"""The trail in the database: append-only, one chain a workspace. Whoever appends holds the head until the transaction ends.

    append(cx, 1, [Note(who="person:1", what="refunds.create", subject="ch_1")])
    write_export(cx, 1, file)
    for piece in exported(db, note): …

Append last in a transaction: others wait for the head until it commits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from bookhand.db.arrays import bigints, byteas, texts
from bookhand.workspace.trail import (
    GENESIS,
    Entry,
    Note,
    Verdict,
    body_of,
    chained,
    first_line,
    last_line,
    line_of,
    verify_entries,
)

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

    from bookhand.db.engine import Database

VERIFIED = "trail.verified"
_PAGE = 2000
_FINDINGS = 5
_PIECE_BYTES = 256 * 1024
_CHAIN_BYTES = 165
"""What a line has beside what it says: two hashes and their names."""
_AT = """to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


_UNFLUSHED = ", set_config('synchronous_commit', 'off', true)"


def append(
    cx: Transaction[Any], workspace_id: int, notes: Sequence[Note], *, flush: bool = True
) -> Entry | None:
    """Write `notes` down, one after the other; the last entry. The time is the database's.

    Without `flush` the whole transaction does not wait for the disk: for what changed nothing.
    """
    if not notes:
        return None
    seq, prev, at = _held(cx, workspace_id, flush=flush)
    entries = list(chained(seq + 1, prev, (body_of(note, at=at) for note in notes)))
    last = entries[-1]
    cx.execute(
        """
        with head as (update trail_head set seq = %(seq)s, hash = %(hash)s where workspace_id = %(workspace)s)
        insert into trail (workspace_id, seq, body, prev, hash)
        select %(workspace)s, seq, body, prev, hash
        from unnest(%(seqs)s::bigint[], %(bodies)s::text[], %(prevs)s::bytea[], %(hashes)s::bytea[]) as t (seq, body, prev, hash)
        """,
        {
            "workspace": workspace_id, "seq": last.seq, "hash": last.hash, "seqs": bigints([each.seq for each in entries]),
            "bodies": texts([each.body for each in entries]), "prevs": byteas([each.prev for each in entries]),
            "hashes": byteas([each.hash for each in entries]),
        },
    )  # fmt: skip
    return last


def _held(cx: Transaction[Any], workspace_id: int, *, flush: bool) -> tuple[int, bytes, str]:
    """The head, ours until the transaction ends, and the time after it was ours."""
    query = f"""
        with held as materialized (select seq, hash from trail_head where workspace_id = %s for update)
        select seq, hash, {_AT}{"" if flush else _UNFLUSHED} from held
    """
    row = cx.execute(query, (workspace_id,)).fetchone()
    if row is None:
        cx.execute(
            "insert into trail_head values (%s, 0, %s) on conflict do nothing", (workspace_id, GENESIS)
        )
        row = cx.execute(query, (workspace_id,)).fetchone()
    assert row is not None  # noqa: S101 (it was put there)
    return row[0], bytes(row[1]), row[2]


def head(cx: Transaction[Any], workspace_id: int) -> tuple[int, str]:
    """How many entries there are, and the last one's hash: worth noting elsewhere, now and then."""
    row = cx.execute("select seq, hash from trail_head where workspace_id = %s", (workspace_id,)).fetchone()
    return (row[0], bytes(row[1]).hex()) if row else (0, GENESIS.hex())


_BEFORE_IN_TIME = "(at, seq) < (coalesce((select b.at from trail b where b.workspace_id = %(workspace)s and b.seq = %(before)s), '9999'), %(before)s)"


def search(
    cx: Transaction[Any],
    workspace_id: int,
    *,
    what: str | None = None,
    who: str | None = None,
    subject: str | None = None,
    run: str | None = None,
    proposal: str | None = None,
    since: str | None = None,
    until: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Entry]:
    """Entries, newest first; `since` and `until` are ISO moments, `before` is the number to go on from.

    Those of a time are in the order of their moments, so that an index leads to them however long ago that was.
    """
    timed = bool(since or until)
    exact = {"what": what, "who": who, "subject": subject, "run": run, "proposal": proposal}
    chosen = {name: value for name, value in exact.items() if value is not None}
    clauses = [f"{name} = %({name})s" for name in chosen]
    clauses += (
        ["at >= %(since)s"] * bool(since)
        + ["at < %(until)s"] * bool(until)
        + [_BEFORE_IN_TIME if timed else "seq < %(before)s"] * bool(before)
    )
    rows = cx.execute(
        f"select seq, body, prev, hash from trail where {' and '.join(['workspace_id = %(workspace)s', *clauses])}"
        f" order by {'at desc, ' if timed else ''}seq desc limit %(limit)s",
        {
            **chosen,
            "workspace": workspace_id,
            "since": since,
            "until": until,
            "before": before,
            "limit": limit,
        },
    )
    return [_entry(row) for row in rows]


def entries(
    cx: Transaction[Any], workspace_id: int, *, after: int = 0, upto: int | None = None
) -> Iterator[Entry]:
    """Every entry in order, up to number `upto` (None: the last), read page by page."""
    while page := _page(cx, workspace_id, after=after, upto=upto):
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].seq


def _page(cx: Transaction[Any], workspace_id: int, *, after: int, upto: int | None) -> list[Entry]:
    rows = cx.execute(
        "select seq, body, prev, hash from trail where workspace_id = %s and seq > %s and (%s::bigint is null or seq <= %s)"
        " order by seq limit %s",
        (workspace_id, after, upto, upto, _PAGE),
    )
    return [_entry(row) for row in rows]


def export_lines(
    cx: Transaction[Any], workspace_id: int, *, first: int = 1, upto: int | None = None
) -> Iterator[bytes]:
    """The lines of an export that begins with entry `first`."""
    return _lines(workspace_id, entries(cx, workspace_id, after=first - 1, upto=upto), first=first)


def exported(db: Database, note: Note, *, first: int = 1) -> Iterator[bytes]:
    """Write down that an export was asked for, as `note` says; then its lines, in pieces that are read as they are taken.

    The export goes up to the entry before that note. Entries never change, so that no transaction is open for as long as somebody reads
    slowly. What was cut off on its way has no last line, and `verify` says so.
    """
    with db.transaction() as cx:
        upto, _ = head(cx, db.workspace_id)
        append(cx, db.workspace_id, [note])
    return _pieces(_lines(db.workspace_id, _apart(db, after=first - 1, upto=upto), first=first))


def _apart(db: Database, *, after: int, upto: int) -> Iterator[Entry]:
    """Entries in order, each page of them in a transaction of its own."""
    while after < upto:
        with db.transaction() as cx:
            page = _page(cx, db.workspace_id, after=after, upto=upto)
        if not page:
            return
        yield from page
        after = page[-1].seq


def _pieces(lines: Iterator[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= _PIECE_BYTES:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


def _lines(workspace_id: int, found: Iterator[Entry], *, first: int) -> Iterator[bytes]:
    entry = next(found, None)
    count, last = 0, entry.prev if entry else GENESIS
    begin = first_line(workspace_id=workspace_id, entry=entry.seq if entry else first, prev=last)
    yield begin
    while entry is not None:
        yield line_of(entry)
        count, last = count + 1, entry.hash
        entry = next(found, None)
    yield last_line(begin, count=count, head=last)


def write_export(cx: Transaction[Any], workspace_id: int, file: BinaryIO, *, first: int = 1) -> int:
    """Write an export into `file`; how many lines."""
    count = 0
    for line in export_lines(cx, workspace_id, first=first):
        file.write(line)
        count += 1
    return count


def verify_all(cx: Transaction[Any], workspace_id: int) -> Verdict:
    """Check the trail as it stands in the database, against its head; what is written meanwhile is left to the next check."""
    count, newest = head(cx, workspace_id)
    return verify_entries(entries(cx, workspace_id, upto=count), head=newest)


def note_verified(cx: Transaction[Any], workspace_id: int, note: Note) -> Verdict:
    """`verify_all`, with what it found written down as `note` says who asked."""
    found = verify_all(cx, workspace_id)
    details = {"entries": found.entries, "head": found.head, "findings": list(found.findings[:_FINDINGS])}
    append(cx, workspace_id, [msgspec.structs.replace(note, what=VERIFIED, details=details)])
    return found


def size(cx: Transaction[Any], workspace_id: int) -> int:
    """About how many bytes an export has: as many a line as the newest have."""
    count, _ = head(cx, workspace_id)
    row = cx.execute(
        "select coalesce(avg(octet_length(body)), 0)::bigint from (select body from trail where workspace_id = %s order by seq desc limit 200) t",
        (workspace_id,),
    ).fetchone()
    return int(count * ((row[0] if row else 0) + _CHAIN_BYTES))


def now(cx: Transaction[Any]) -> str:
    """The database's time, as entries say it: what is written from now on is not before it."""
    row = cx.execute(f"select {_AT}").fetchone()
    return str(row[0]) if row else ""


def moment(text: str) -> str:
    """An ISO day or moment as the trail writes it, to compare with: ``2026-11-25`` is that day's beginning, UTC."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}(T[\d:.]+Z?)?", text):
        raise ValueError(f"{text!r} is no day (2026-11-25) and no moment (2026-11-25T09:30:00Z).")
    return text


def _entry(row: tuple[Any, ...]) -> Entry:
    return Entry(seq=row[0], body=row[1], prev=bytes(row[2]), hash=bytes(row[3]))
