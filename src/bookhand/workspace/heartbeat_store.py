"""Signs of life: each long-running part of bookhand says now and then that it is there, so that ``/health`` can tell.

beat(cx, "worker")                 # every few seconds
age_seconds(cx, "worker")          # 1.2, or None if it was never seen
"""

from __future__ import annotations

from typing import Any

import psycopg


def beat(cx: psycopg.Connection[Any], part: str) -> None:
    """`part` is alive now."""
    cx.execute(
        """
        insert into heartbeat (workspace_id, connection_id, part)
        values ((select current_setting('bookhand.workspace')::int), 0, %s)
        on conflict (workspace_id, connection_id, part) do update set at = now()
        """,
        (part,),
    )


def age_seconds(cx: psycopg.Connection[Any], part: str) -> float | None:
    """How long ago `part` was last alive; None if it never was."""
    row = cx.execute(
        "select extract(epoch from clock_timestamp() - max(at))::float8 from heartbeat where part = %s",
        (part,),
    ).fetchone()
    return None if row is None or row[0] is None else float(row[0])
