"""Periods in the database: an act (close, reopen) with who, when and why; the last act on a period counts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from bookhand.journal.periods import Calendar, Late, checked

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_LOCK_WORKSPACE = 4_242_102


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody closed or reopened a period."""

    period: str
    act: Literal["close", "reopen"]
    who: str
    why: str
    at: datetime


def calendar(cx: Transaction[Any], workspace_id: int) -> Calendar:
    """How the workspace dates its entries, and which periods are closed."""
    row = cx.execute(
        """
        select coalesce((select timezone from journal_setting where workspace_id = %(workspace)s), 'UTC'),
            coalesce((select late from journal_setting where workspace_id = %(workspace)s), 'post_open'),
            coalesce((select array_agg(period) from (
                select distinct on (period) period, act from journal_period_act where workspace_id = %(workspace)s
                order by period, act_id desc) as newest where act = 'close'), '{}'),
            exists (select from journal_waiting where workspace_id = %(workspace)s)
        """,
        {"workspace": workspace_id},
    ).fetchone()
    assert row is not None  # noqa: S101 (a select without a from has one row)
    timezone, late, closed, anyone_waits = row
    return Calendar(timezone=timezone, late=late, closed=frozenset(closed), anyone_waits=anyone_waits)


def configure(cx: Transaction[Any], workspace_id: int, *, timezone: str, late: Late) -> None:
    """Set how the workspace dates its entries from now on."""
    cx.execute(
        """
        insert into journal_setting (workspace_id, timezone, late) values (%s, %s, %s)
        on conflict (workspace_id) do update set timezone = excluded.timezone, late = excluded.late
        where (journal_setting.timezone, journal_setting.late) <> (excluded.timezone, excluded.late)
        """,
        (workspace_id, timezone, late),
    )


def record(
    cx: Transaction[Any],
    workspace_id: int,
    *,
    period: str,
    act: Literal["close", "reopen"],
    who: str,
    why: str,
) -> None:
    """Write an act down, after every batch that is being posted now."""
    cx.execute("select pg_advisory_xact_lock(%s, %s)", (_LOCK_WORKSPACE, workspace_id))
    cx.execute(
        "insert into journal_period_act (workspace_id, period, act, who, why) values (%s, %s, %s, %s, %s)",
        (workspace_id, checked(period), act, who, why),
    )


def acts(cx: Transaction[Any], workspace_id: int) -> list[Act]:
    """Who closed and reopened what, oldest first."""
    rows = cx.execute(
        "select period, act, who, why, at from journal_period_act where workspace_id = %s order by act_id",
        (workspace_id,),
    )
    return [Act(period=period, act=act, who=who, why=why, at=at) for period, act, who, why, at in rows]
