"""Books, their documents and what they cover, as rows. Nothing here commits.

Who plans, sends or undoes for a book takes its turn first (`take_turn`), until the transaction ends.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from bookhand.books.book import Book, Kept, State, Tally
from bookhand.books.posting.lines import Bundle
from bookhand.core.facts import Link
from bookhand.core.problems import Missing, Refusal
from bookhand.db.arrays import bigints, byteas, integers, texts

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_LOCK_BOOK = 4_242_103
_BOOK = (
    "connection_id, sources, method, mapping, digest, alone, since::text as since, most_lines, standing_id, agreed_by, agreed_name,"
    " agreed_at"
)
KEPT = (
    "key, base, source_id, subject, kind, day::text as day, currency, content, total, reverses, state, why, batch, row_no, proposal_id,"
    " vendor_id, version"
)


def take_turn(cx: Transaction[Any], link: Link) -> None:
    """Wait until nobody else plans, sends or undoes for this book; until the transaction ends."""
    cx.execute("select pg_advisory_xact_lock(%s, %s)", (_LOCK_BOOK, link.connection_id))


# --- books ---


def put(cx: Transaction[Any], link: Link, book: Book) -> None:
    """Write down how a book is kept from now on."""
    cx.execute(
        """
        insert into book (workspace_id, connection_id, sources, method, mapping, digest, alone, since, most_lines, standing_id, agreed_by,
            agreed_name, agreed_at)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        on conflict (workspace_id, connection_id) do update set sources = excluded.sources, method = excluded.method,
            mapping = excluded.mapping, digest = excluded.digest, alone = excluded.alone, since = excluded.since,
            most_lines = excluded.most_lines, standing_id = excluded.standing_id, agreed_by = excluded.agreed_by,
            agreed_name = excluded.agreed_name, agreed_at = excluded.agreed_at
        """,
        (link.workspace_id, link.connection_id, list(book.sources), book.method, Jsonb(msgspec.to_builtins(book.mapping)), book.digest,
         list(book.alone), book.since, book.most_lines, book.standing_id, book.agreed_by, book.agreed_name, book.agreed_at),
    )  # fmt: skip


def find(cx: Transaction[Any], link: Link) -> Book | None:
    """How the book of a connection is kept; None where it was never set up."""
    row = (
        cx.cursor(row_factory=dict_row)
        .execute(
            f"select {_BOOK} from book where workspace_id = %s and connection_id = %s",
            (link.workspace_id, link.connection_id),
        )
        .fetchone()
    )
    return None if row is None else msgspec.convert(row, Book)


def get(cx: Transaction[Any], link: Link) -> Book:
    """The same; `Missing` that says how to set it up."""
    found = find(cx, link)
    if found is None:
        raise Missing(
            f"The book of connection {link.connection_id} is not set up: run `bookhand books-setup`."
        )
    return found


def tally(cx: Transaction[Any], link: Link) -> Tally:
    """How far a book is."""
    rows = cx.execute(
        "select state, count(*) from book_document where workspace_id = %s and connection_id = %s group by state",
        (link.workspace_id, link.connection_id),
    )
    covered = cx.execute(
        "select coalesce(sum(entries), 0)::bigint from book_month where workspace_id = %s and connection_id = %s",
        (link.workspace_id, link.connection_id),
    ).fetchone()
    counts: dict[str, int] = dict(rows.fetchall())
    return Tally(**counts, entries=covered[0] if covered else 0)


# --- documents and covers ---


def intend(cx: Transaction[Any], link: Link, source_id: int, bundles: Sequence[Bundle]) -> None:
    """Write down documents that are to stand in the book, and what they cover, before anything is sent.

    An entry that is covered already is refused by the database, and with it the whole.
    """
    if not bundles:
        return
    kept = [
        Kept(
            key=document.key, base=bundle.base, source_id=source_id, subject=bundle.subject, kind=document.kind, day=document.day,
            currency=document.currency, content=document, total=sum(line.minor for line in document.lines if line.minor > 0),
        )
        for bundle in bundles for document in bundle.documents
    ]  # fmt: skip
    add(cx, link, kept)
    covers = [
        (booked.entry.key, bundle.base, booked.day[:7]) for bundle in bundles for booked in bundle.booked
    ]
    cx.execute(
        """
        insert into book_cover (workspace_id, connection_id, source_id, entry, base, month)
        select %s, %s, %s, * from unnest(%b::text[], %b::text[], %b::text[])
        """,
        (link.workspace_id, link.connection_id, source_id, texts([entry for entry, _, _ in covers]),
         texts([base for _, base, _ in covers]), texts([month for _, _, month in covers])),
    )  # fmt: skip
    _count(cx, link, Counter((source_id, month) for _, _, month in covers))


def add(cx: Transaction[Any], link: Link, kept: Sequence[Kept]) -> None:
    """Write documents down, in one statement."""
    contents = [msgspec.json.encode(each.content) for each in kept]
    cx.execute(
        """
        insert into book_document (workspace_id, connection_id, key, base, source_id, subject, kind, day, currency, content, hash, total,
            reverses, state)
        select %s, %s, key, base, source_id, subject, kind, day::date, currency, content::jsonb, hash, total, reverses, 'intended'
        from unnest(%b::text[], %b::text[], %b::int[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::bytea[], %b::bigint[],
            %b::text[]) as d (key, base, source_id, subject, kind, day, currency, content, hash, total, reverses)
        """,
        (link.workspace_id, link.connection_id, texts([each.key for each in kept]), texts([each.base for each in kept]),
         integers([each.source_id for each in kept]), texts([each.subject for each in kept]), texts([each.kind for each in kept]),
         texts([each.day for each in kept]), texts([each.currency for each in kept]), texts([each.decode() for each in contents]),
         byteas([hashlib.blake2b(each, digest_size=12).digest() for each in contents]), bigints([each.total for each in kept]),
         texts([each.reverses for each in kept])),
    )  # fmt: skip


def _count(cx: Transaction[Any], link: Link, counts: Counter[tuple[int, str]]) -> None:
    rows = sorted(counts.items())
    cx.execute(
        """
        insert into book_month as kept (workspace_id, connection_id, source_id, month, entries)
        select %s, %s, * from unnest(%s::int[], %s::text[], %s::bigint[])
        on conflict (workspace_id, connection_id, source_id, month) do update set entries = kept.entries + excluded.entries
        """,
        (link.workspace_id, link.connection_id, [source for (source, _), _ in rows], [month for (_, month), _ in rows],
         [count for _, count in rows]),
    )  # fmt: skip


class Moved(NamedTuple):
    """How the sums of a day change: documents that can be undone with their total, and those that are undone and still hold entries."""

    day: str
    currency: str
    standing: int = 0
    total: int = 0
    undone: int = 0


def move_days(cx: Transaction[Any], link: Link, moved: Sequence[Moved]) -> None:
    """Move the sums of days (`book_day`), in the transaction that changes their documents. Who does so has the book's turn."""
    sums: dict[tuple[str, str], list[int]] = {}
    for each in moved:
        kept = sums.setdefault(each[:2], [0, 0, 0])
        kept[:] = (before + more for before, more in zip(kept, each[2:], strict=True))
    if not sums:
        return
    rows = sorted(sums.items())
    cx.execute(
        """
        insert into book_day as kept (workspace_id, connection_id, day, currency, standing, total, undone)
        select %s, %s, * from unnest(%s::date[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[])
        on conflict (workspace_id, connection_id, day, currency) do update set standing = kept.standing + excluded.standing,
            total = kept.total + excluded.total, undone = kept.undone + excluded.undone
        """,
        (link.workspace_id, link.connection_id, [day for (day, _), _ in rows], [currency for (_, currency), _ in rows],
         *([counts[place] for _, counts in rows] for place in range(3))),
    )  # fmt: skip


def documents(
    cx: Transaction[Any],
    link: Link,
    *,
    since: str | None = None,
    until: str | None = None,
    states: Sequence[State] = (),
    keys: Sequence[str] | None = None,
) -> Iterator[Kept]:
    """Documents by day and key; those of `keys`, of some days, in some states."""
    with cx.cursor(name=f"book_documents_{link.connection_id}", row_factory=dict_row) as cursor:
        cursor.itersize = 2000
        cursor.execute(
            f"""
            select {KEPT} from book_document where workspace_id = %s and connection_id = %s
                and (%s::date is null or day >= %s::date) and (%s::date is null or day <= %s::date)
                and (%s::text[] is null or state = any (%s)) and (%s::text[] is null or key = any (%s))
            order by day, key
            """,
            (link.workspace_id, link.connection_id, since, since, until, until, list(states) or None, list(states),
             None if keys is None else list(keys), None if keys is None else list(keys)),
        )  # fmt: skip
        for row in cursor:
            yield msgspec.convert(row, Kept)


def states(cx: Transaction[Any], link: Link) -> dict[str, tuple[State, str | None]]:
    """The state of every document, and why, by its key: little to read where contents are known."""
    rows = cx.execute(
        "select key, state, why from book_document where workspace_id = %s and connection_id = %s",
        (link.workspace_id, link.connection_id),
    )
    return {key: (state, why) for key, state, why in rows}


def page(cx: Transaction[Any], link: Link, *, after: tuple[str, str], limit: int) -> list[Kept]:
    """A page of documents by day and key, after the last of the page before."""
    rows = cx.cursor(row_factory=dict_row).execute(
        f"select {KEPT} from book_document where workspace_id = %s and connection_id = %s and (day, key) > (%s::date, %s)"
        " order by day, key limit %s",
        (link.workspace_id, link.connection_id, *after, limit),
    )
    return [msgspec.convert(row, Kept) for row in rows]


# --- taking back ---


def drop_failed(cx: Transaction[Any], link: Link, *, unsent: bool = False) -> int:
    """Take back intentions that the book refused (with `unsent` also those nobody asked for yet), where nothing of their base is in it.

    What they covered is planned anew. Of a base that is partly in the book, the failed part is asked for again as it is.
    """
    states = ["failed", "unsent"] if unsent else ["failed"]
    where = (link.workspace_id, link.connection_id)
    cx.execute(
        """
        update book_document d set state = 'intended', batch = null, proposal_id = null, why = null
        where workspace_id = %s and connection_id = %s and state = 'failed' and (reverses is not null or exists (
            select from book_document other where other.workspace_id = d.workspace_id and other.connection_id = d.connection_id
                and other.base = d.base and other.state in ('done', 'reversed')))
        """,
        where,
    )
    bases = [
        row[0]
        for row in cx.execute(
            """
            select base from book_document where workspace_id = %s and connection_id = %s and reverses is null
                and base = any (array(select base from book_document where workspace_id = %s and connection_id = %s
                    and reverses is null and state in ('intended', 'failed')))
            group by base
            having bool_and(case when state = 'intended' and batch is null then 'unsent' else state end = any (%s))
            """,
            (*where, *where, states),
        )
    ]
    if bases:
        free(cx, link, bases)
        cx.execute(
            "delete from book_document where workspace_id = %s and connection_id = %s and base = any (%s)",
            (*where, bases),
        )
    return len(bases)


def free(cx: Transaction[Any], link: Link, bases: Sequence[str]) -> int:
    """Let go of what documents of these bases covered, so that it can be posted again; how many entries."""
    rows = cx.execute(
        "delete from book_cover where workspace_id = %s and connection_id = %s and base = any (%s) returning source_id, month, base",
        (link.workspace_id, link.connection_id, list(bases)),
    ).fetchall()
    counts = Counter((source, month) for source, month, _ in rows)
    if counts:
        freed = cx.execute(
            """
            select day::text, currency, count(*) from book_document where workspace_id = %s and connection_id = %s and base = any (%s)
                and reverses is null and state = 'reversed' group by day, currency
            """,
            (link.workspace_id, link.connection_id, sorted({base for _, _, base in rows})),
        ).fetchall()
        move_days(cx, link, [Moved(day, currency, undone=-count) for day, currency, count in freed])
        _count(cx, link, Counter({where: -count for where, count in counts.items()}))
    return len(rows)


# --- what is there ---


def refuse_if_busy(cx: Transaction[Any], link: Link) -> None:
    """`Refusal` while documents are on their way."""
    row = cx.execute(
        "select count(*) from book_document where workspace_id = %s and connection_id = %s and state = 'intended' and batch is not null",
        (link.workspace_id, link.connection_id),
    ).fetchone()
    if row and row[0]:
        raise Refusal(
            f"{row[0]:,} documents are on their way to the book: run `bookhand mirror` to its end first."
        )


def last_month(cx: Transaction[Any], link: Link) -> str | None:
    """The last ledger month that has an entry in the book; None where there is none."""
    row = cx.execute(
        "select max(month) from book_month where workspace_id = %s and connection_id = %s and entries > 0",
        (link.workspace_id, link.connection_id),
    ).fetchone()
    return row[0] if row else None


def parts(cx: Transaction[Any], link: Link, source_id: int, subjects: Sequence[str]) -> dict[str, int]:
    """The highest number among the documents of each subject (payout, day) that are intended or in the book and not undone.

    Where an earlier one was undone and a supplement stands, the next is numbered after the supplement: no key is used twice.
    """
    rows = cx.execute(
        """
        select subject, max(coalesce(substring(regexp_replace(base, ':again[0-9]+$', '') from ':([0-9]{1,9})$')::int, 1))
        from book_document where workspace_id = %s and connection_id = %s and source_id = %s
            and subject = any (%s) and reverses is null and state <> 'reversed' group by subject
        """,
        (link.workspace_id, link.connection_id, source_id, list(subjects)),
    )
    return dict(rows.fetchall())


def rounds(cx: Transaction[Any], link: Link, source_id: int) -> dict[str, int]:
    """How often each base was posted and undone before; a base as it is without the mark of its rounds."""
    rows = cx.execute(
        """
        select regexp_replace(base, ':again[0-9]+$', '') as plain, count(distinct base) from book_document
        where workspace_id = %s and connection_id = %s and source_id = %s and reverses is null and state = 'reversed' group by 1
        """,
        (link.workspace_id, link.connection_id, source_id),
    )
    return dict(rows.fetchall())


def reversing(cx: Transaction[Any], link: Link, keys: Sequence[str]) -> set[str]:
    """Which of these documents have a reversal already, whatever became of it."""
    rows = cx.execute(
        "select reverses from book_document where workspace_id = %s and connection_id = %s and reverses = any (%s)",
        (link.workspace_id, link.connection_id, list(keys)),
    )
    return {row[0] for row in rows}


def covering(cx: Transaction[Any], link: Link) -> set[str]:
    """The bases that cover entries."""
    rows = cx.execute(
        "select distinct base from book_cover where workspace_id = %s and connection_id = %s",
        (link.workspace_id, link.connection_id),
    )
    return {row[0] for row in rows}


def covered(cx: Transaction[Any], link: Link, source_id: int) -> dict[str, int]:
    """How many entries of each month are in the book."""
    rows = cx.execute(
        "select month, entries from book_month where workspace_id = %s and connection_id = %s and source_id = %s",
        (link.workspace_id, link.connection_id, source_id),
    )
    return dict(rows.fetchall())


def entries_of(cx: Transaction[Any], link: Link, base: str) -> list[tuple[int, str]]:
    """Which entries (of which connection) the documents of a base cover."""
    rows: Sequence[Any] = cx.execute(
        "select source_id, entry from book_cover where workspace_id = %s and connection_id = %s and base = %s order by source_id, entry",
        (link.workspace_id, link.connection_id, base),
    ).fetchall()
    return [(source, entry) for source, entry in rows]


def every(cx: Transaction[Any], workspace_id: int) -> Mapping[int, Book]:
    """Every book that is set up, by its connection."""
    rows = cx.cursor(row_factory=dict_row).execute(
        f"select {_BOOK} from book where workspace_id = %s order by connection_id", (workspace_id,)
    )
    return {row["connection_id"]: msgspec.convert(row, Book) for row in rows}
