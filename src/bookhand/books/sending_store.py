"""Documents on their way: put into batches, written down under a proposal, settled by what became of them. Nothing here commits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from psycopg.rows import dict_row

from bookhand.books.book import Kept, State
from bookhand.books.store import KEPT, Moved, move_days
from bookhand.core.facts import Link
from bookhand.db.arrays import texts

if TYPE_CHECKING:
    from psycopg import Connection as Transaction


def next_batch(cx: Transaction[Any], link: Link, *, limit: int) -> int | None:
    """Put documents that nobody has asked for yet into a batch of one kind; its number, None where there are none."""
    where = (link.workspace_id, link.connection_id)
    first = cx.execute(f"select kind {_UNASKED} order by day, key limit 1", where).fetchone()
    if first is None:
        return None
    keys = [
        row[0]
        for row in cx.execute(
            f"select key {_UNASKED} and kind = %s order by day, key limit %s", (*where, first[0], limit)
        )
    ]
    number = cx.execute("select nextval('book_batch')::int").fetchone()
    batch = int(number[0]) if number else 0
    cx.execute(
        f"""
        update book_document d set batch = %(batch)s, row_no = chosen.place::int - 1, proposal_id = null, why = null
        from unnest(%(keys)b::text[]) with ordinality as chosen (key, place) cross join {_EACH} found
        where d.ctid = found.ctid
        """,
        {
            "batch": batch,
            "keys": texts(keys),
            "workspace": link.workspace_id,
            "connection": link.connection_id,
        },
    )
    return batch


_UNASKED = "from book_document where workspace_id = %s and connection_id = %s and state = 'intended' and batch is null"
# Each row by its key, whatever the planner believes of a table that has just grown: see journal.lookups.
_EACH = (
    "lateral (select ctid from book_document where workspace_id = %(workspace)s and connection_id = %(connection)s"
    " and key = chosen.key offset 0)"
)


def anything_unasked(cx: Transaction[Any], link: Link) -> bool:
    """Whether documents are written down that nobody has asked for yet: the next mirror has something to send."""
    row = cx.execute(f"select exists (select {_UNASKED})", (link.workspace_id, link.connection_id)).fetchone()
    return bool(row and row[0])


def open_batches(cx: Transaction[Any], link: Link) -> list[int]:
    """Batches of which documents are not settled, oldest first."""
    rows = cx.execute(
        "select distinct batch from book_document where workspace_id = %s and connection_id = %s and state = 'intended'"
        " and batch is not null order by batch",
        (link.workspace_id, link.connection_id),
    )
    return [row[0] for row in rows]


def of_batch(cx: Transaction[Any], link: Link, batch: int) -> list[Kept]:
    """The documents of a batch, by row."""
    rows = cx.cursor(row_factory=dict_row).execute(
        f"select {KEPT} from book_document where workspace_id = %s and connection_id = %s and batch = %s order by row_no",
        (link.workspace_id, link.connection_id, batch),
    )
    return [msgspec.convert(row, Kept) for row in rows]


def unbatch(cx: Transaction[Any], link: Link, batch: int) -> None:
    """Let go of a batch that nobody was asked for: its documents are free for another."""
    cx.execute(
        "update book_document set batch = null, row_no = null where workspace_id = %s and connection_id = %s and batch = %s"
        " and proposal_id is null and state = 'intended'",
        (link.workspace_id, link.connection_id, batch),
    )


def proposed(cx: Transaction[Any], link: Link, batch: int, proposal_id: str) -> None:
    """Write down under which proposal a batch goes."""
    cx.execute(
        "update book_document set proposal_id = %s where workspace_id = %s and connection_id = %s and batch = %s",
        (proposal_id, link.workspace_id, link.connection_id, batch),
    )


def settle(
    cx: Transaction[Any], link: Link, ends: Sequence[tuple[str, State, str | None, str | None, str | None]]
) -> None:
    """Say what became of documents: (key, state, why, the book's id, version). One that was not sent is free for another batch.

    A document that undoes another one makes that one reversed.
    """
    done = cx.execute(
        f"""
        update book_document d set state = chosen.state, why = chosen.why, vendor_id = coalesce(chosen.id, d.vendor_id),
            version = coalesce(chosen.version, d.version), done_at = case when chosen.state = 'done' then now() end,
            batch = case when chosen.state = 'intended' then null else d.batch end,
            proposal_id = case when chosen.state = 'intended' then null else d.proposal_id end
        from unnest(%(keys)b::text[], %(states)b::text[], %(whys)b::text[], %(ids)b::text[], %(versions)b::text[])
            as chosen (key, state, why, id, version) cross join {_EACH.replace("select ctid", "select ctid, state as was")} found
        where d.ctid = found.ctid
        returning d.day::text, d.currency, d.total, d.reverses is null,
            (chosen.state = 'done')::int - (found.was = 'done')::int
        """,
        {
            "workspace": link.workspace_id, "connection": link.connection_id,
            **dict(zip(("keys", "states", "whys", "ids", "versions"), map(texts, zip(*ends, strict=True)), strict=True)),
        },
    ).fetchall()  # fmt: skip
    moved = [
        Moved(day, currency, standing=more, total=more * total)
        for day, currency, total, is_own, more in done
        if is_own and more
    ]
    reversals = [
        row[0]
        for row in cx.execute(
            f"""
            select r.reverses from unnest(%(keys)b::text[]) as chosen (key) cross join
                {_EACH.replace("select ctid", "select reverses, state")} r
            where r.reverses is not null and r.state = 'done'
            """,
            {
                "keys": texts([end[0] for end in ends]),
                "workspace": link.workspace_id,
                "connection": link.connection_id,
            },
        )
    ]
    if reversals:
        undone = cx.execute(
            f"""
            update book_document d set state = 'reversed' from unnest(%(keys)b::text[]) as chosen (key) cross join {_EACH} found
            where d.ctid = found.ctid and d.state = 'done'
            returning d.day::text, d.currency, d.total, exists (select from book_cover c where c.workspace_id = d.workspace_id
                and c.connection_id = d.connection_id and c.base = d.base)::int
            """,
            {"keys": texts(reversals), "workspace": link.workspace_id, "connection": link.connection_id},
        ).fetchall()
        moved += [
            Moved(day, currency, standing=-1, total=-total, undone=holds)
            for day, currency, total, holds in undone
        ]
    move_days(cx, link, moved)
