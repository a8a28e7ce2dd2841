"""Breaks and questions in the database: what is found now is there, what is not found any more is closed.

The same difference is the same row, however often it is found. A cause that changes (in transit, then missing) makes another Break; who
owned the one before, and what was said of it, goes with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from bookhand.core.problems import Conflict, Missing
from bookhand.workflows.payouts.breaks import Break, Cause, LineKey
from bookhand.workflows.payouts.matching import Question

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

State = Literal["open", "explained", "closed"]
CONTENTS = frozenset({Cause.BREAKDOWN, Cause.MANUAL_PAYOUT})
"""Causes that are about what is in a payout, not about the bank."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A Break as it is kept. `explanation` is a person's word on it."""

    found: Break
    state: State
    found_at: datetime
    explanation: str | None = None
    explained_by: str | None = None

    @property
    def id(self) -> str:
        """Its number for people and for other rows."""
        return self.found.key

    @property
    def about(self) -> tuple[tuple[str, ...], tuple[LineKey, ...]]:
        """What it is about, whatever its cause."""
        return tuple(sorted(self.found.payouts)), tuple(sorted(self.found.lines))


def standing(cx: Transaction[Any]) -> list[Kept]:
    """Breaks that are not closed, oldest first."""
    return [_kept(row) for row in cx.execute(f"{_SELECT} where state <> 'closed' order by since, break_id")]


def some(cx: Transaction[Any], ids: Sequence[str]) -> list[Kept]:
    """These Breaks, oldest first."""
    rows = cx.execute(f"{_SELECT} where break_id = any (%s) order by since, break_id", (list(ids),))
    return [_kept(row) for row in rows]


def get(cx: Transaction[Any], break_id: str) -> Kept:
    """One Break; `Missing` where there is none."""
    row = cx.execute(f"{_SELECT} where break_id = %s", (break_id,)).fetchone()
    if row is None:
        raise Missing(f"There is no Break {break_id}.")
    return _kept(row)


def put(
    cx: Transaction[Any], workspace_id: int, found: Iterable[Break], *, gone: Collection[str]
) -> tuple[int, int]:
    """Keep what is found, and close those of `gone` that are not; how many came and how many went.

    One that stands is told as it is now; an explanation of another amount explains it no more.
    """
    before = {each.id: each for each in standing(cx)}
    now = {each.key: each for each in found}
    heirs = {each.about: each for each in before.values() if each.id in gone and each.id not in now}
    fresh = [each for key, each in now.items() if key not in before]
    rows = [(each, heirs.get((tuple(sorted(each.payouts)), tuple(sorted(each.lines))))) for each in fresh]
    cx.execute(
        """
        insert into break as kept (workspace_id, break_id, cause, currency, minor, since, payouts, lines, note, owner, explanation,
            explained_by)
        select %s, b.* from unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::date[], %s::jsonb[], %s::jsonb[], %s::text[],
            %s::text[], %s::text[], %s::text[]) as b
        on conflict (workspace_id, break_id) do update set state = 'open', closed_at = null, minor = excluded.minor, note = excluded.note,
            found_at = now()
        """,
        (
            workspace_id, [each.key for each in fresh], [str(each.cause) for each in fresh], [each.currency for each in fresh],
            [each.minor for each in fresh], [each.since for each in fresh], [_json(each.payouts) for each in fresh],
            [_json(each.lines) for each in fresh], [each.note for each in fresh],
            [heir.found.owner if heir else None for _, heir in rows], [heir.explanation if heir else None for _, heir in rows],
            [heir.explained_by if heir else None for _, heir in rows],
        ),
    )  # fmt: skip
    changed = [each for key, each in now.items() if key in before and _told(before[key].found) != _told(each)]
    cx.execute(
        """
        update break b set minor = n.minor, since = n.since, note = n.note,
            state = case when b.minor = n.minor then b.state else 'open' end
        from unnest(%s::text[], %s::bigint[], %s::date[], %s::text[]) as n (id, minor, since, note) where b.break_id = n.id
        """,
        (
            [each.key for each in changed], [each.minor for each in changed], [each.since for each in changed],
            [each.note for each in changed],
        ),
    )  # fmt: skip
    went = [key for key in before if key in gone and key not in now]
    cx.execute(
        "update break set state = 'closed', closed_at = now() where break_id = any (%s) and state <> 'closed'",
        (went,),
    )
    return len(fresh), len(went)


def _told(found: Break) -> tuple[int, str, str]:
    return found.minor, found.since, found.note


def explain(cx: Transaction[Any], break_id: str, *, explanation: str, by: str) -> Kept:
    """Keep a person's word on a Break: it is explained, and stays in the report until it is found no more."""
    if get(cx, break_id).state == "closed":
        raise Conflict(f"{break_id} is closed: nothing is left to explain.")
    cx.execute(
        "update break set state = 'explained', explanation = %s, explained_by = %s where break_id = %s",
        (explanation, by, break_id),
    )
    return get(cx, break_id)


def assign(cx: Transaction[Any], break_id: str, owner: str | None) -> Kept:
    """Say who looks after a Break; None: nobody in particular."""
    if get(cx, break_id).state == "closed":
        raise Conflict(f"{break_id} is closed: nobody has to look after it.")
    cx.execute("update break set owner = %s where break_id = %s", (owner, break_id))
    return get(cx, break_id)


# --- questions ---


def put_questions(
    cx: Transaction[Any], workspace_id: int, asked: Sequence[tuple[str, Question]], *, gone: Collection[str]
) -> None:
    """Keep what is asked, each under its Break's id, and forget those of `gone` that are not asked any more."""
    now = {id_ for id_, _ in asked}
    cx.execute("delete from bank_question where question_id = any (%s)", (sorted(set(gone) - now),))
    cx.execute(
        """
        insert into bank_question (workspace_id, question_id, cause, says, payouts, lines, content)
        select %s, q.* from unnest(%s::text[], %s::text[], %s::text[], %s::jsonb[], %s::jsonb[], %s::jsonb[]) as q
        on conflict (workspace_id, question_id) do update set says = excluded.says, content = excluded.content
        where (bank_question.says, bank_question.content) <> (excluded.says, excluded.content)
        """,
        (
            workspace_id, [id_ for id_, _ in asked], [str(q.cause) for _, q in asked], [q.sentence for _, q in asked],
            [_json(q.payouts) for _, q in asked], [_json(q.lines) for _, q in asked], [_json(q) for _, q in asked],
        ),
    )  # fmt: skip


def questions(cx: Transaction[Any]) -> list[tuple[str, Question]]:
    """What waits for a person's choice, oldest first: with the id of its Break."""
    rows = cx.execute("select question_id, content from bank_question order by asked_at, question_id")
    return [(id_, msgspec.convert(content, Question)) for id_, content in rows]


def question(cx: Transaction[Any], question_id: str) -> Question:
    """One question; `Missing` where it is not asked (any more)."""
    row = cx.execute("select content from bank_question where question_id = %s", (question_id,)).fetchone()
    if row is None:
        raise Missing(f"There is no question {question_id}: it was answered, or is not asked any more.")
    return msgspec.convert(row[0], Question)


_SELECT = """
    select cause, currency, minor, since::text, payouts, lines, note, owner, state, found_at, explanation, explained_by from break
"""


def _kept(row: Sequence[Any]) -> Kept:
    cause, currency, minor, since, payouts, lines, note, owner, state, found_at, explanation, by = row
    found = Break(
        cause=Cause(cause), currency=currency, minor=minor, since=since, payouts=tuple(payouts),
        lines=tuple((account, key) for account, key in lines), owner=owner, note=note,
    )  # fmt: skip
    return Kept(found=found, state=state, found_at=found_at, explanation=explanation, explained_by=by)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
