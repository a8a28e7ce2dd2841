"""Problems as rows: what rules found, kept until somebody clears them.

The same finding told twice is one row whose `times` grows; a closed one that is found again opens again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import psycopg

from bookhand.core.facts import Link
from bookhand.core.problems import Problem

SHARED = "book_waits_"
"""How kinds begin whose cause is outside the book that tells them, so that each book that waits for it tells the same."""
ONE_CAUSE = f"kind, subject, case when starts_with(kind, '{SHARED}') then 0 else connection_id end"
"""What Problems of one cause have in common. Each connection keeps its own; they are shown and counted as one."""


class OpenProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A Problem that waits for somebody."""

    connection_id: int
    problem: Problem
    first_seen: datetime
    last_seen: datetime
    times: int


def report(cx: psycopg.Connection[Any], link: Link, problems: Sequence[Problem]) -> None:
    """Keep `problems` of `link`; one row a (kind, subject)."""
    unique = {(problem.kind, problem.subject): problem for problem in problems}
    if not unique:
        return
    cx.execute(
        """
        insert into problem (workspace_id, connection_id, kind, subject, message)
        select %s, %s, kind, subject, message from unnest(%s::text[], %s::text[], %s::text[]) as p (kind, subject, message)
        on conflict (workspace_id, connection_id, kind, subject) do update
            set message = excluded.message, last_seen = now(), times = problem.times + 1, closed_at = null
        """,
        (
            link.workspace_id,
            link.connection_id,
            [problem.kind for problem in unique.values()],
            [problem.subject for problem in unique.values()],
            [problem.message for problem in unique.values()],
        ),
    )


def clear(
    cx: psycopg.Connection[Any], link: Link, *, kind: str, subjects: Sequence[str] | None = None
) -> int:
    """Close the open Problems of a kind (those on `subjects`, or all); how many were open."""
    return cx.execute(
        """
        update problem set closed_at = now()
        where workspace_id = %s and connection_id = %s and kind = %s and closed_at is null
            and (%s::text[] is null or subject = any (%s))
        """,
        (link.workspace_id, link.connection_id, kind, subjects, subjects),
    ).rowcount


def open_problems(cx: psycopg.Connection[Any], *, limit: int = 100) -> list[OpenProblem]:
    """What waits for somebody, newest first."""
    rows = cx.execute(
        """
        select connection_id, kind, subject, message, first_seen, last_seen, times from problem
        where closed_at is null order by last_seen desc, kind, subject limit %s
        """,
        (limit,),
    )
    return [
        OpenProblem(
            connection_id=connection_id,
            problem=Problem(kind=kind, subject=subject, message=message),
            first_seen=first_seen,
            last_seen=last_seen,
            times=times,
        )
        for connection_id, kind, subject, message, first_seen, last_seen, times in rows
    ]


def count_causes(cx: psycopg.Connection[Any], *, most: int | None = None) -> int:
    """How many causes have an open Problem, counted up to `most`."""
    row = cx.execute(
        f"select count(*) from (select distinct {ONE_CAUSE} from problem where closed_at is null limit %s) as few",
        (most,),
    ).fetchone()
    return int(row[0]) if row else 0
