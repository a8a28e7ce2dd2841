"""Errands in PostgreSQL: what must still be read from Stripe, when, and what stood in the way. Never commits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg

from bookhand.core.facts import Link
from bookhand.db.arrays import bigints, texts

Transaction = psycopg.Connection[Any]


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """Something still to be read from Stripe: ``pull`` new money, the ``members`` of a payout, or ``fetch`` one object."""

    kind: str
    object: str
    object_id: str
    path: str | None = None
    born: int | None = None
    wanted: int = 1
    tries: int = 0


PULL = Errand(kind="pull", object="balance_transaction", object_id="")


def want(cx: Transaction, link: Link, errands: Sequence[Errand], *, delay_seconds: float = 0) -> None:
    """Write errands down; one that is already there is wanted once more, so that it is not lost while it is being run."""
    unique = {(each.kind, each.object, each.object_id): each for each in errands}
    if not unique:
        return
    ordered = [unique[key] for key in sorted(unique)]
    cx.execute(
        """
        insert into errand (workspace_id, connection_id, kind, object, object_id, path, born, due_at)
        select %b::int, %b::int, kind, o, oi, path, nullif(born, -1), now() + make_interval(secs => %b)
        from unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::int8[]) as e (kind, o, oi, path, born)
        on conflict (workspace_id, connection_id, kind, object, object_id) do update set wanted = errand.wanted + 1
        """,
        (
            link.workspace_id, link.connection_id, float(delay_seconds), texts([each.kind for each in ordered]),
            texts([each.object for each in ordered]), texts([each.object_id for each in ordered]),
            texts([each.path for each in ordered]), bigints([-1 if each.born is None else each.born for each in ordered]),
        ),
    )  # fmt: skip


def due(cx: Transaction, link: Link, *, kinds: Sequence[str], limit: int = 200) -> list[Errand]:
    """The errands whose time has come, the longest waiting first."""
    rows = cx.execute(
        """
        select kind, object, object_id, path, born, wanted, tries from errand
        where workspace_id = %s and connection_id = %s and kind = any (%s) and due_at <= now() order by due_at limit %s
        """,
        (link.workspace_id, link.connection_id, list(kinds), limit),
    )
    return [
        Errand(kind=kind, object=name, object_id=object_id, path=path, born=born, wanted=wanted, tries=tries)
        for kind, name, object_id, path, born, wanted, tries in rows
    ]


def errands_left(cx: Transaction, link: Link, *, kinds: Sequence[str] = ("pull", "members", "fetch")) -> int:
    """How many errands are not done and not refused: those wait for an hour, for somebody to mend it."""
    row = cx.execute(
        """
        select count(*) from errand where workspace_id = %s and connection_id = %s and kind = any (%s)
            and due_at < now() + interval '30 minutes'
        """,
        (link.workspace_id, link.connection_id, list(kinds)),
    ).fetchone()
    return int(row[0]) if row else 0


def done(cx: Transaction, link: Link, errand: Errand) -> None:
    """Cross an errand off, unless it was wanted again meanwhile."""
    cx.execute(
        """
        delete from errand where workspace_id = %s and connection_id = %s and kind = %s and object = %s and object_id = %s
            and wanted = %s
        """,
        (link.workspace_id, link.connection_id, errand.kind, errand.object, errand.object_id, errand.wanted),
    )


def postpone(cx: Transaction, link: Link, errand: Errand, *, seconds: float, note: str) -> None:
    """Try an errand again later, and say why."""
    cx.execute(
        """
        update errand set due_at = now() + make_interval(secs => %s), tries = tries + 1, note = %s
        where workspace_id = %s and connection_id = %s and kind = %s and object = %s and object_id = %s
        """,
        (seconds, note, link.workspace_id, link.connection_id, errand.kind, errand.object, errand.object_id),
    )
