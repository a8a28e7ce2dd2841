"""Matches in the database: kept for ever, undone by another row, each payout and each line in one at most.

What is looked for lies in ``payout_open`` and ``line_open``: a match takes it out of there, and undoing puts it back, `held`, so that
only a person matches it again. Whoever writes takes the turn first (`take_turn`), so that two reconcilers never match the same.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.core.problems import Conflict, Missing
from bookhand.core.ready import ready
from bookhand.db.arrays import bigints, integers, texts
from bookhand.workflows.payouts.reconciling.entries import Arrived, Paid

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

    from bookhand.core.facts import Link

_LOCK = 4_242_112
BOOKHAND = ("bookhand", "bookhand")
"""Who matches where nobody in particular does: as an id and as a name."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A match: `certain` ones are in the journal. `difference` is lines less payouts in `currency`; see `matching.Match`."""

    id: str
    rule: str
    reason: str
    certain: bool
    currency: str
    payouts: tuple[Paid, ...]
    lines: tuple[Arrived, ...]
    difference: int = 0
    difference_kind: str = "none"
    rate: str | None = None
    by_who: str = BOOKHAND[0]
    by_name: str = BOOKHAND[1]
    at: datetime | None = None
    undone_by: str | None = None

    @property
    def day(self) -> str:
        """The day of its last line."""
        return max(line.day for line in self.lines)


class _Content(msgspec.Struct, frozen=True, omit_defaults=True):
    payouts: tuple[Paid, ...]
    lines: tuple[Arrived, ...]
    rate: str | None = None


def new_id() -> str:
    """The id of a match that is about to be kept."""
    return f"match_{secrets.token_hex(10)}"


def take_turn(cx: Transaction[Any], workspace_id: int) -> None:
    """Wait until nobody else writes matches, questions or Breaks of this workspace; until the transaction ends."""
    cx.execute("select pg_advisory_xact_lock(%s, %s)", (_LOCK, workspace_id))


def keep(cx: Transaction[Any], workspace_id: int, matches: Sequence[Kept]) -> None:
    """Write matches down, and look no further for what is in them. `Conflict` where a payout or a line is matched already."""
    if not matches:
        return
    _refuse_matched(cx, workspace_id, matches)
    cx.execute(
        """
        insert into bank_match (workspace_id, match_id, rule, reason, certain, currency, difference_minor, difference_kind, day, content,
            by_who, by_name)
        select %b::int, id, rule, reason, certain = 1, currency, difference, kind, day::date, content::jsonb, who, name
        from unnest(%b::text[], %b::text[], %b::text[], %b::int4[], %b::text[], %b::int8[], %b::text[], %b::text[], %b::text[], %b::text[],
            %b::text[]) as m (id, rule, reason, certain, currency, difference, kind, day, content, who, name)
        """,
        (
            workspace_id, texts([m.id for m in matches]), texts([m.rule for m in matches]), texts([m.reason for m in matches]),
            integers([int(m.certain) for m in matches]), texts([m.currency for m in matches]),
            bigints([m.difference for m in matches]), texts([m.difference_kind for m in matches]), texts([m.day for m in matches]),
            texts([_content(m) for m in matches]), texts([m.by_who for m in matches]), texts([m.by_name for m in matches]),
        ),
    )  # fmt: skip
    paid = [(m, each) for m in matches for each in m.payouts]
    cx.execute(
        """
        with new as materialized (
            select * from unnest(%(c)b::int4[], %(p)b::text[], %(m)b::text[], %(r)b::text[]) as n (connection_id, payout_id, match_id, rule)),
        gone as (
            delete from payout_open o where o.workspace_id = %(w)s and (o.connection_id, o.payout_id) in (
                select connection_id, payout_id from new))
        insert into bank_match_payout (workspace_id, connection_id, payout_id, match_id, rule) select %(w)s, new.* from new
        """,
        {
            "w": workspace_id, "c": integers([each.connection_id for _, each in paid]), "p": texts([each.payout for _, each in paid]),
            "m": texts([m.id for m, _ in paid]), "r": texts([m.rule for m, _ in paid]),
        },
    )  # fmt: skip
    arrived = [(m, each) for m in matches for each in m.lines]
    found = cx.execute(
        """
        with new as materialized (
            select * from unnest(%(c)b::int4[], %(a)b::text[], %(k)b::text[], %(m)b::text[]) as n (connection_id, account, key, match_id)),
        here as materialized (
            select o.*, new.match_id from new cross join lateral (select * from line_open o where o.workspace_id = %(w)s
                and o.account = new.account and o.key = new.key and o.connection_id = new.connection_id offset 0) o),
        gone as (
            delete from line_open o using here where o.workspace_id = here.workspace_id and o.line_id = here.line_id)
        insert into bank_match_line (workspace_id, connection_id, account, key, line_id, match_id)
        select workspace_id, connection_id, account, key, line_id, match_id from here
        """,
        {
            "w": workspace_id, "c": integers([each.connection_id for _, each in arrived]),
            "a": texts([each.account for _, each in arrived]), "k": texts([each.key for _, each in arrived]),
            "m": texts([m.id for m, _ in arrived]),
        },
    )  # fmt: skip
    if found.rowcount != len(arrived):
        raise Conflict("A line of these is not open any more: look at the statement again.")


def undo(
    cx: Transaction[Any], workspace_id: int, match_id: str, *, why: str, who: str, name: str, held: bool
) -> Kept:
    """Undo a match by another row, and look for its parts again; what it was. `held`: only a person matches them again."""
    found = get(cx, match_id)
    if found.undone_by is not None:
        raise Conflict(f"{match_id} was undone already, by {found.undone_by}.")
    cx.execute(
        """
        insert into bank_match (workspace_id, match_id, undoes, rule, reason, certain, currency, difference_minor, day, content, by_who,
            by_name) values (%s, %s, %s, 'undo', %s, %s, %s, 0, %s, '{}', %s, %s)
        """,
        (workspace_id, new_id(), match_id, why, found.certain, found.currency, found.day, who, name),
    )
    asked = {"w": workspace_id, "m": match_id, "held": held}
    cx.execute(
        """
        with gone as (delete from bank_match_payout where workspace_id = %(w)s and match_id = %(m)s returning *)
        insert into payout_open (workspace_id, connection_id, payout_id, since, held)
        select g.workspace_id, g.connection_id, g.payout_id, p.created, %(held)s from gone g join payout p
            on p.workspace_id = g.workspace_id and p.connection_id = g.connection_id and p.payout_id = g.payout_id
        on conflict (workspace_id, connection_id, payout_id) do update set held = excluded.held
        """,
        asked,
    )
    cx.execute(
        """
        with gone as (delete from bank_match_line where workspace_id = %(w)s and match_id = %(m)s returning *)
        insert into line_open (workspace_id, connection_id, account, key, line_id, day, held)
        select g.workspace_id, g.connection_id, g.account, g.key, g.line_id, l.day, %(held)s from gone g
        join bank_line l on l.workspace_id = g.workspace_id and l.line_id = g.line_id
        on conflict do nothing
        """,
        asked,
    )
    return found


def fees(cx: Transaction[Any]) -> dict[str, tuple[int, ...]]:
    """Bank account to the fees that people said it takes from one payout, in the matches that stand."""
    rows = cx.execute(
        """
        select m.content -> 'lines' -> 0 ->> 'account', array_agg(distinct -m.difference_minor) from bank_match m
        where m.difference_kind = 'bank_fee' and m.by_who <> %s and m.difference_minor < 0
            and jsonb_array_length(m.content -> 'payouts') = 1 and jsonb_array_length(m.content -> 'lines') = 1
            and not exists (select from bank_match u where u.workspace_id = m.workspace_id and u.undoes = m.match_id)
        group by 1
        """,
        (BOOKHAND[0],),
    )
    return {account: tuple(sorted(found)) for account, found in rows}


def withdrawn(cx: Transaction[Any]) -> list[str]:
    """Matches that stand and have a line which the bank has taken back since."""
    rows = cx.execute(
        "select distinct m.match_id from bank_match_line m join line_superseded s on s.workspace_id = m.workspace_id"
        " and s.connection_id = m.connection_id and s.account = m.account and s.key = m.key order by 1"
    )
    return [match_id for (match_id,) in rows]


def has_line(cx: Transaction[Any], link: Link, account: str, key: str) -> bool:
    """Whether a bank line is in a match that stands."""
    row = cx.execute(
        "select from bank_match_line where workspace_id = %s and connection_id = %s and account = %s and key = %s",
        (link.workspace_id, link.connection_id, account, key),
    ).fetchone()
    return row is not None


def get(cx: Transaction[Any], match_id: str) -> Kept:
    """One match; `Missing` where there is none."""
    rows = cx.execute(f"{_SELECT} where m.match_id = %s and m.undoes is null", (match_id,)).fetchall()
    if not rows:
        raise Missing(f"There is no match {match_id}.")
    return _kept(rows[0])


def standing(cx: Transaction[Any], payouts: Iterable[str]) -> list[Kept]:
    """The matches that stand now for these payouts."""
    rows = cx.execute(
        f"{_SELECT} where m.match_id in (select match_id from bank_match_payout where payout_id = any (%s)) order by m.seq",
        (sorted(set(payouts)),),
    )
    return [_kept(row) for row in rows]


def newest(cx: Transaction[Any], *, limit: int = 100) -> list[Kept]:
    """The latest matches, undone ones too."""
    return [
        _kept(row)
        for row in cx.execute(f"{_SELECT} where m.undoes is null order by m.seq desc limit %s", (limit,))
    ]


_SELECT = """
    select m.match_id, m.rule, m.reason, m.certain, m.currency, m.content, m.difference_minor, m.difference_kind, m.by_who, m.by_name, m.at,
        (select u.by_name from bank_match u where u.workspace_id = m.workspace_id and u.undoes = m.match_id)
    from bank_match m
"""


def _kept(row: Sequence[Any]) -> Kept:
    id_, rule, reason, certain, currency, content, difference, kind, who, name, at, undone_by = row
    read = msgspec.convert(content, _Content)
    return Kept(
        id=id_, rule=rule, reason=reason, certain=certain, currency=currency, payouts=read.payouts, lines=read.lines, rate=read.rate,
        difference=difference, difference_kind=kind or "none", by_who=who, by_name=name, at=at, undone_by=undone_by,
    )  # fmt: skip


def _content(match: Kept) -> str:
    return msgspec.json.encode(_Content(match.payouts, match.lines, match.rate)).decode()


def _refuse_matched(cx: Transaction[Any], workspace_id: int, matches: Sequence[Kept]) -> None:
    row = cx.execute(
        """
        select payout_id, match_id from bank_match_payout where workspace_id = %(w)s and payout_id = any (%(p)b::text[])
        union all
        select l.account || ' ' || l.key, l.match_id from unnest(%(c)b::int4[], %(a)b::text[], %(k)b::text[]) as n (connection_id, account, key)
        cross join lateral (select * from bank_match_line l where l.workspace_id = %(w)s and l.connection_id = n.connection_id
            and l.account = n.account and l.key = n.key offset 0) l
        limit 1
        """,
        {
            "w": workspace_id, "p": texts([each.payout for m in matches for each in m.payouts]),
            "c": integers([each.connection_id for m in matches for each in m.lines]),
            "a": texts([each.account for m in matches for each in m.lines]), "k": texts([each.key for m in matches for each in m.lines]),
        },
    ).fetchone()  # fmt: skip
    if row is not None:
        raise Conflict(f"{row[0]} is matched already ({row[1]}): undo that match first.")


ready(_Content)  # see core.ready
