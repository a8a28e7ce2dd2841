"""What the pages of integrations read: what hangs on a connection, and to whom rights may be given. Nothing here commits."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import psycopg

Transaction = psycopg.Connection[Any]

_SHOWN = 8
_MOST = 1_000


class OpenRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is not over."""

    id: str
    template: str
    state: str
    prompt: str
    created_at: datetime


class Hanging(msgspec.Struct, frozen=True, kw_only=True):
    """What pauses without a connection. Counts go up to a thousand, and say so by reaching it."""

    runs: tuple[OpenRun, ...]
    run_count: int
    schedules: tuple[str, ...]
    proposals: int
    feeds: tuple[str, ...]
    """The books that take its journal."""
    is_book: bool
    """Whether it is itself a book that documents are written into."""
    documents: int
    """Of that book: how many were written."""
    backfilling: bool


def hanging(cx: Transaction, workspace_id: int, connection_id: int) -> Hanging:
    """Everything that hangs on a connection."""
    key = {"workspace": workspace_id, "connection": connection_id, "most": _MOST, "shown": _SHOWN}
    runs = cx.execute(
        """
        select run_id, template, state, coalesce(prompt, ''), created_at from run
        where workspace_id = %(workspace)s and connection_id = %(connection)s and finished_at is null
        order by created_at desc, run_id desc limit %(shown)s
        """,
        key,
    ).fetchall()
    return Hanging(
        runs=tuple(
            OpenRun(id=id_, template=template, state=state, prompt=prompt, created_at=at)
            for id_, template, state, prompt, at in runs
        ),
        run_count=_count(cx, _RUNS, key),
        schedules=_names(cx, _SCHEDULES, key),
        proposals=_count(cx, _PROPOSALS, key),
        feeds=_names(cx, _FEEDS, key),
        is_book=_count(cx, _BOOK, key) > 0,
        documents=_count(cx, _DOCUMENTS, key),
        backfilling=_count(cx, _BACKFILL, key) > 0,
    )


_RUNS = "select 1 from run where workspace_id = %(workspace)s and connection_id = %(connection)s and finished_at is null"
_PROPOSALS = (
    "select 1 from proposal where workspace_id = %(workspace)s and connection_id = %(connection)s"
    " and state in ('waiting', 'approved')"
)
_BOOK = "select 1 from book where workspace_id = %(workspace)s and connection_id = %(connection)s"
_DOCUMENTS = (
    "select 1 from book_document where workspace_id = %(workspace)s and connection_id = %(connection)s"
)
_BACKFILL = "select 1 from backfill where workspace_id = %(workspace)s and connection_id = %(connection)s and status = 'running'"
_SCHEDULES = "select name from schedule where workspace_id = %(workspace)s and connection_id = %(connection)s and enabled order by name"
_FEEDS = """
    select c.name from book b join connection c using (workspace_id, connection_id)
    where b.workspace_id = %(workspace)s and %(connection)s = any (b.sources) and b.connection_id <> %(connection)s order by c.name
"""


def _count(cx: Transaction, query: str, key: dict[str, int]) -> int:
    row = cx.execute(f"select count(*) from ({query} limit %(most)s) as few", key).fetchone()
    return int(row[0]) if row else 0


def _names(cx: Transaction, query: str, key: dict[str, int]) -> tuple[str, ...]:
    return tuple(str(row[0]) for row in cx.execute(f"{query} limit %(most)s", key))


def connected_at(cx: Transaction) -> dict[int, datetime]:
    """Connection to when it was connected for the first time."""
    return dict(cx.execute("select connection_id, created_at from connection").fetchall())


def problems_of(cx: Transaction, workspace_id: int) -> dict[int, int]:
    """Connection to how many Problems are open, up to a hundred of all."""
    rows = cx.execute(
        """
        select connection_id, count(*) from (
            select connection_id from problem where workspace_id = %s and closed_at is null limit 100) as few
        group by connection_id
        """,
        (workspace_id,),
    )
    return {number: int(count) for number, count in rows}


def backfills(cx: Transaction) -> dict[int, str]:
    """Connection to how its newest backfill stands: ``running``, ``complete`` or ``incomplete``."""
    rows = cx.execute(
        "select distinct on (connection_id) connection_id, status from backfill order by connection_id, backfill_id desc"
    )
    return {number: str(status) for number, status in rows}


def agents(cx: Transaction, workspace_id: int) -> list[str]:
    """The grantees that are agents, as far as a right or a standing approval names them."""
    rows = cx.execute(
        """
        select grantee from permission where workspace_id = %s and grantee like 'agent:%%'
        union select grantee from standing_approval where workspace_id = %s and grantee like 'agent:%%' order by 1
        """,
        (workspace_id, workspace_id),
    )
    return [str(row[0]) for row in rows]
