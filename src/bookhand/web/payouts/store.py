"""What the pages about payouts read: lists by keyset, sums over what is open or recent. No query grows with a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

Which = Literal["all", "open", "matched"]
_MOST_RECENT = 20_000
_MOST_COUNTED = 1_000


class PayoutRow(msgspec.Struct, frozen=True, kw_only=True):
    """A payout in a list: what Stripe says, whether it is looked for at the bank, and what is known of its members."""

    id: str
    connection_id: int
    connection: str
    mode: str
    created: int
    currency: str
    minor: int
    status: str
    automatic: bool
    method: str
    arrival: int
    match: str | None
    rule: str | None
    match_day: str | None
    is_open: bool
    settled: str | None
    """Of one that failed and never reached the bank: the balance transaction that put its money back."""
    outcome: str | None
    """Of a manual one: ``unique``, ``confirmed`` …"""
    members: int | None
    counted: int | None
    members_net: int | None


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """How much waits for a person; counted up to a thousand."""

    questions: int
    breaks: int


class Week(msgspec.Struct, frozen=True):
    """Payouts that were made in a week: how many arrived, are looked for, and are out of question (canceled, failed and done)."""

    monday: date
    currency: str
    matched: int
    open: int
    matched_minor: int
    open_minor: int


class Aged(msgspec.Struct, frozen=True):
    """Open Breaks of one cause, currency and age."""

    cause: str
    currency: str
    bucket: int
    count: int
    minor: int
    explained: int
    oldest: date
    size_minor: int
    """What they come to whatever their side: two that cancel out are still two."""


_ROW = """
    select p.payout_id, p.connection_id, c.name, c.mode, p.created, p.currency, p.amount, p.status, p.automatic, p.method, p.arrival_date,
        m.match_id, m.rule, b.day::text, o.payout_id is not null, o.settled, s.outcome, j.members, j.counted, j.net
    from {source} join connection c on c.workspace_id = p.workspace_id and c.connection_id = p.connection_id
    left join bank_match_payout m on m.workspace_id = p.workspace_id and m.connection_id = p.connection_id and m.payout_id = p.payout_id
    left join bank_match b on b.workspace_id = m.workspace_id and b.match_id = m.match_id
    left join payout_open o on o.workspace_id = p.workspace_id and o.connection_id = p.connection_id and o.payout_id = p.payout_id
    left join payout_solution s on s.workspace_id = p.workspace_id and s.connection_id = p.connection_id and s.payout_id = p.payout_id
    left join journal_payout j on j.workspace_id = p.workspace_id and j.connection_id = p.connection_id and j.payout = p.payout_id
        and j.currency = p.currency
"""
_OPEN = """
    (select w.workspace_id, w.connection_id, w.payout_id, w.since from payout_open w
        where w.workspace_id = %(workspace)s and w.settled is null and (%(connection)s::int is null or w.connection_id = %(connection)s)
            and (%(at)s::bigint is null or (w.since, w.payout_id) < (%(at)s::bigint, %(id)s::text))
            and exists (select from connection k where k.workspace_id = w.workspace_id and k.connection_id = w.connection_id
                and k.mode = %(mode)s)
        order by w.since desc, w.payout_id desc limit %(limit)s) w
    join payout p on p.workspace_id = w.workspace_id and p.connection_id = w.connection_id and p.payout_id = w.payout_id
"""
_ALL = """
    where p.workspace_id = %(workspace)s and (%(connection)s::int is null or p.connection_id = %(connection)s)
        and (%(at)s::bigint is null or (p.created, p.payout_id) < (%(at)s::bigint, %(id)s::text))
"""
_ORDER = " order by p.created desc, p.payout_id desc limit %(limit)s"


def payouts(
    cx: Transaction[Any], workspace_id: int, *, mode: str, which: Which = "all", connection_id: int | None = None,
    after: tuple[int, str] | None = None, limit: int,
) -> list[PayoutRow]:  # fmt: skip
    """Payouts, newest first; `after` is (created, id) of the last one seen. ``open`` are those of `mode` that are looked for at the bank."""
    asked = {
        "workspace": workspace_id, "mode": mode, "connection": connection_id, "at": after[0] if after else None,
        "id": after[1] if after else None, "limit": limit,
    }  # fmt: skip
    match which:
        case "open":
            query = _ROW.format(source=_OPEN) + " where true" + _ORDER
        case "matched":
            query = _ROW.format(source="payout p") + _ALL + " and m.match_id is not null" + _ORDER
        case "all":
            query = _ROW.format(source="payout p") + _ALL + _ORDER
    return [
        PayoutRow(**dict(zip(PayoutRow.__struct_fields__, row, strict=True)))
        for row in cx.execute(query, asked)
    ]


def waiting(cx: Transaction[Any], workspace_id: int) -> Waiting:
    """How many questions are asked, and how many Breaks nobody has explained."""
    row = cx.execute(
        """
        select (select count(*) from (select from bank_question where workspace_id = %(w)s limit %(most)s) q),
            (select count(*) from (select from break where workspace_id = %(w)s and state <> 'closed' and state = 'open' limit %(most)s) b)
        """,
        {"w": workspace_id, "most": _MOST_COUNTED},
    ).fetchone()
    questions, breaks = row or (0, 0)
    return Waiting(questions=questions, breaks=breaks)


def weeks(cx: Transaction[Any], workspace_id: int, *, mode: str, since: int) -> list[Week]:
    """Payouts of `mode` made since then (seconds), by the week they were made in, oldest first."""
    rows = cx.execute(
        """
        with recent as (
            select p.connection_id, p.payout_id, p.created, p.currency, p.amount from payout p
            where p.workspace_id = %(w)s and p.created >= %(since)s and p.status <> 'canceled'
            order by p.created desc, p.payout_id desc limit %(most)s)
        select date_trunc('week', to_timestamp(r.created) at time zone 'UTC')::date, r.currency,
            count(*) filter (where o.payout_id is null and m.match_id is not null),
            count(*) filter (where o.payout_id is not null and o.settled is null),
            coalesce(sum(r.amount) filter (where o.payout_id is null and m.match_id is not null), 0)::bigint,
            coalesce(sum(r.amount) filter (where o.payout_id is not null and o.settled is null), 0)::bigint
        from recent r join connection c on c.workspace_id = %(w)s and c.connection_id = r.connection_id and c.mode = %(mode)s
        left join bank_match_payout m on m.workspace_id = %(w)s and m.connection_id = r.connection_id and m.payout_id = r.payout_id
        left join payout_open o on o.workspace_id = %(w)s and o.connection_id = r.connection_id and o.payout_id = r.payout_id
        group by 1, 2 order by 1, 2
        """,
        {"w": workspace_id, "since": since, "mode": mode, "most": _MOST_RECENT},
    )
    return [Week(*row) for row in rows]


class OnTheWay(msgspec.Struct, frozen=True):
    """Payouts of one currency that are looked for: how many are not due yet, how many are, and what each come to."""

    currency: str
    coming: int
    coming_minor: int
    due: int
    due_minor: int


def on_the_way(cx: Transaction[Any], workspace_id: int, *, mode: str, today: date) -> list[OnTheWay]:
    """What the bank does not show yet, by currency: of the newest that are looked for. What failed is no money on its way."""
    rows = cx.execute(
        """
        with wanted as (
            select w.connection_id, w.payout_id from payout_open w where w.workspace_id = %(w)s
            order by w.since desc, w.payout_id desc limit %(most)s)
        select p.currency, count(*) filter (where not due.it), coalesce(sum(p.amount) filter (where not due.it), 0)::bigint,
            count(*) filter (where due.it), coalesce(sum(p.amount) filter (where due.it), 0)::bigint
        from wanted join connection c on c.workspace_id = %(w)s and c.connection_id = wanted.connection_id and c.mode = %(mode)s
        join payout p on p.workspace_id = %(w)s and p.connection_id = wanted.connection_id and p.payout_id = wanted.payout_id
        cross join lateral (select (to_timestamp(p.arrival_date) at time zone 'UTC')::date <= %(today)s::date as it) due
        where p.status not in ('canceled', 'failed') group by 1 order by 1
        """,
        {"w": workspace_id, "mode": mode, "today": today, "most": _MOST_RECENT},
    )
    return [OnTheWay(*row) for row in rows]


# --- Breaks ---


AGES = (3, 8, 31, 91)
"""The days at which a Break gets older: up to two days, a week, a month, a quarter, and beyond."""


def aged(cx: Transaction[Any], workspace_id: int, *, today: date) -> list[Aged]:
    """Breaks that are not closed, together by cause, currency and age."""
    rows = cx.execute(
        """
        select cause, currency, width_bucket(greatest(%(today)s::date - since, 0), %(ages)s::int[]), count(*), sum(minor)::bigint,
            count(*) filter (where state = 'explained'), min(since), sum(abs(minor))::bigint
        from break where workspace_id = %(w)s and state <> 'closed' group by 1, 2, 3 order by 1, 2, 3
        """,
        {"w": workspace_id, "today": today, "ages": list(AGES)},
    )
    return [Aged(*row) for row in rows]


def breaks(
    cx: Transaction[Any], workspace_id: int, *, cause: str | None = None, owner: str | None = None, state: str | None = None,
    after: tuple[str, str] | None = None, limit: int,
) -> list[str]:  # fmt: skip
    """The ids of Breaks that are not closed, oldest first; an empty `owner` means nobody's. `after` is (since, id)."""
    rows = cx.execute(
        """
        select break_id from break where workspace_id = %(w)s and state <> 'closed' and (%(cause)s::text is null or cause = %(cause)s)
            and (%(owner)s::text is null or coalesce(owner, '') = %(owner)s) and (%(state)s::text is null or state = %(state)s)
            and (%(since)s::date is null or (since, break_id) > (%(since)s::date, %(id)s::text))
        order by since, break_id limit %(limit)s
        """,
        {
            "w": workspace_id, "cause": cause, "owner": owner, "state": state, "since": after[0] if after else None,
            "id": after[1] if after else None, "limit": limit,
        },
    )  # fmt: skip
    return [id_ for (id_,) in rows]


def break_of(cx: Transaction[Any], workspace_id: int, payouts: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Payout to the Break that is about it (its id and cause), where one is not closed; a content's Break gives way to a bank's."""
    if not payouts:
        return {}
    rows = cx.execute(
        """
        select n.id, b.break_id, b.cause from break b cross join lateral jsonb_array_elements_text(b.payouts) as n (id)
        where b.workspace_id = %s and b.state <> 'closed' and n.id = any (%s)
        order by b.cause in ('breakdown', 'manual_payout') desc, b.since desc
        """,
        (workspace_id, list(payouts)),
    )
    return {payout: (break_id, cause) for payout, break_id, cause in rows}


def questions(
    cx: Transaction[Any], workspace_id: int, *, limit: int, id_: str | None = None
) -> list[tuple[str, Any]]:
    """What is asked, oldest first: the id and the question as it was kept; only `id_`, where one is named."""
    return cx.execute(
        "select question_id, content from bank_question where workspace_id = %s and (%s::text is null or question_id = %s)"
        " order by asked_at, question_id limit %s",
        (workspace_id, id_, id_, limit),
    ).fetchall()


def people(cx: Transaction[Any], workspace_id: int) -> list[str]:
    """Who may look after a Break, by name."""
    rows = cx.execute(
        "select distinct name from person where workspace_id = %s and disabled_at is null and name <> '' order by name limit 200",
        (workspace_id,),
    )
    return [name for (name,) in rows]


def connections(cx: Transaction[Any], workspace_id: int) -> list[tuple[int, str, str]]:
    """The Stripe accounts: number, name and mode."""
    return cx.execute(
        "select connection_id, name, mode from connection where workspace_id = %s and system = 'stripe' order by connection_id limit 500",
        (workspace_id,),
    ).fetchall()
