"""Permissions, revocations, budgets and standing approvals as rows. Nothing here commits.

grants = grants_of(cx, 1, 7)                       # the rows of connection 7, those of every connection, and the defaults
use(cx, 1, 7, day, wanted, standing="")            # after `lock_budgets`, in the transaction that intends the call
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from bookhand.actions.rights.policy import (
    DEFAULT_GRANTS,
    EVERYONE,
    Budget,
    Grant,
    Standing,
    Use,
    Wanted,
    checked_pattern,
    covers,
    matches,
)
from bookhand.core.caller import Caller
from bookhand.core.problems import Missing, Refusal
from bookhand.core.ready import ready

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_EVERYTHING = ("*:read", "*:write")
EVERY = 0
"""The connection number of what holds for every connection."""
_LOCK_BUDGETS = 4_242_201


# --- permissions ---


def grants_of(cx: Transaction[Any], workspace_id: int, connection_id: int | None) -> list[Grant]:
    """What is allowed at a connection: its own rows, those of every connection, and the defaults where neither speaks."""
    rows = cx.execute(
        """
        select distinct on (grantee, pattern) grantee, pattern, allowed from permission
        where workspace_id = %s and connection_id in (%s, 0) order by grantee, pattern, connection_id desc
        """,
        (workspace_id, connection_id or EVERY),
    ).fetchall()
    found = [Grant(*row) for row in rows]
    spoken = {(grant.grantee, grant.pattern) for grant in found}
    return found + [each for each in DEFAULT_GRANTS if (each.grantee, each.pattern) not in spoken]


def grant(
    cx: Transaction[Any],
    caller: Caller,
    *,
    connection_id: int | None,
    grantee: str,
    pattern: str,
    allowed: bool,
) -> None:
    """Allow or forbid; needs the capability to manage."""
    caller.need("manage")
    cx.execute(
        """
        insert into permission (workspace_id, connection_id, grantee, pattern, allowed, by_who) values (%s, %s, %s, %s, %s, %s)
        on conflict (workspace_id, connection_id, grantee, pattern) do update
            set allowed = excluded.allowed, by_who = excluded.by_who, at = now()
        """,
        (caller.workspace_id, connection_id or EVERY, grantee, checked_pattern(pattern), allowed, caller.who),
    )


def revoke_now(
    cx: Transaction[Any],
    caller: Caller,
    *,
    connection_id: int | None,
    grantee: str,
    pattern: str,
    why: str,
    reads: Callable[[str], bool | None] = lambda _: None,
) -> None:
    """Forbid, and stop what is under way with it: calls whose rights were taken before this moment are not sent any more.

    Without a connection it is taken back at every one, also where it was given for that connection alone. What was allowed more exactly
    (an action of a resource, one agent of everybody) is taken back with it; `reads` says of an action whether it only reads.
    """
    for each in _EVERYTHING if pattern == EVERYONE else (pattern,):
        grant(cx, caller, connection_id=connection_id, grantee=grantee, pattern=each, allowed=False)
    for given in permissions(cx, caller.workspace_id):
        concerned = EVERYONE in {grantee, given.grantee} or grantee == given.grantee
        there = connection_id is None or given.connection_id in {None, connection_id}
        if (
            given.allowed
            and concerned
            and there
            and covers(pattern, given.pattern, reads=reads(given.pattern))
        ):
            where = given.connection_id if connection_id is None else connection_id
            who = given.grantee if grantee == EVERYONE else grantee
            grant(cx, caller, connection_id=where, grantee=who, pattern=given.pattern, allowed=False)
    cx.execute(
        "insert into revocation (workspace_id, connection_id, grantee, pattern, by_who, why) values (%s, %s, %s, %s, %s, %s)",
        (caller.workspace_id, connection_id or EVERY, grantee, pattern, caller.name, why),
    )


def revoked_since(
    cx: Transaction[Any],
    workspace_id: int,
    *,
    connection_id: int | None,
    grantee: str,
    action: str,
    reads: bool,
    since: datetime,
) -> str | None:
    """Who took back the right to `action` since then, in a sentence; None where nobody did."""
    rows = cx.execute(
        """
        select pattern, by_who, why from revocation
        where workspace_id = %s and connection_id in (%s, 0) and grantee in (%s, '*') and at > %s order by revocation_id
        """,
        (workspace_id, connection_id or EVERY, grantee, since),
    )
    for pattern, by, why in rows:
        if matches(pattern, action, reads=reads):
            return f"{by} took back the right to {pattern}: {why}"
    return None


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `permission`, or a default; `connection_id` None is every connection."""

    connection_id: int | None
    grantee: str
    pattern: str
    allowed: bool
    by_who: str | None = None
    at: datetime | None = None
    is_default: bool = False


def permissions(cx: Transaction[Any], workspace_id: int) -> list[Permission]:
    """Everything that was allowed or forbidden, and the defaults that nobody has spoken over for every connection."""
    rows = cx.cursor(row_factory=dict_row).execute(
        """
        select nullif(connection_id, 0) as connection_id, grantee, pattern, allowed, by_who, at from permission
        where workspace_id = %s order by permission.connection_id, grantee, pattern
        """,
        (workspace_id,),
    )
    found = [msgspec.convert(row, Permission) for row in rows]
    spoken = {(each.grantee, each.pattern) for each in found if each.connection_id is None}
    return found + [
        Permission(connection_id=None, grantee=each.grantee, pattern=each.pattern, allowed=each.allowed, is_default=True)
        for each in DEFAULT_GRANTS
        if (each.grantee, each.pattern) not in spoken
    ]  # fmt: skip


# --- budgets ---

_BUDGET = "budget_id as id, grantee, pattern, currency, day_minor, day_count, customer_minor, customer_count, four_eyes_minor"


def add_budget(cx: Transaction[Any], caller: Caller, *, connection_id: int | None, budget: Budget) -> int:
    """Set a limit; its number. Needs the capability to manage."""
    caller.need("manage")
    if budget.pattern != "*":
        checked_pattern(budget.pattern)
    amounts = (budget.day_minor, budget.customer_minor, budget.four_eyes_minor)
    counts = (budget.day_count, budget.customer_count)
    if any(each is not None for each in amounts) and not budget.currency:
        raise Refusal("A budget with amounts needs the currency they are in.")
    if all(each is None for each in (*amounts, *counts)):
        raise Refusal(
            "A budget without a limit limits nothing: give an amount, a count or a four-eyes threshold."
        )
    row = cx.execute(
        """
        insert into budget (workspace_id, connection_id, grantee, pattern, currency, day_minor, day_count, customer_minor,
            customer_count, four_eyes_minor, by_who)
        values (%s, %s, %s, %s, upper(%s), %s, %s, %s, %s, %s, %s) returning budget_id
        """,
        (caller.workspace_id, connection_id or EVERY, budget.grantee, budget.pattern, budget.currency, budget.day_minor,
         budget.day_count, budget.customer_minor, budget.customer_count, budget.four_eyes_minor, caller.who),
    ).fetchone()  # fmt: skip
    assert row is not None  # noqa: S101 (an insert returns its row)
    return int(row[0])


def end_budget(cx: Transaction[Any], caller: Caller, budget_id: int) -> None:
    """Take a limit away; its row stays."""
    caller.need("manage")
    ended = cx.execute(
        "update budget set ended_at = now(), ended_by = %s where workspace_id = %s and budget_id = %s and ended_at is null",
        (caller.who, caller.workspace_id, budget_id),
    ).rowcount
    if not ended:
        raise Missing(f"There is no budget {budget_id} in force.")


def budgets_of(cx: Transaction[Any], workspace_id: int, connection_id: int | None) -> list[Budget]:
    """The limits in force at a connection."""
    rows = cx.cursor(row_factory=dict_row).execute(
        f"select {_BUDGET} from budget where workspace_id = %s and connection_id in (%s, 0) and ended_at is null order by budget_id",
        (workspace_id, connection_id or EVERY),
    )
    return [msgspec.convert(row, Budget) for row in rows]


def every_budget(cx: Transaction[Any], workspace_id: int) -> list[tuple[int | None, Budget]]:
    """All limits in force, each with its connection (None: every one)."""
    rows = cx.cursor(row_factory=dict_row).execute(
        f"select nullif(connection_id, 0) as connection_id, {_BUDGET} from budget where workspace_id = %s and ended_at is null"
        " order by budget_id",
        (workspace_id,),
    )
    return [(row.pop("connection_id"), msgspec.convert(row, Budget)) for row in rows]


def lock_budgets(cx: Transaction[Any], workspace_id: int, connection_id: int | None) -> None:
    """Whoever counts next waits until this transaction ends, so that two calls never share what is left of a day."""
    cx.execute(
        "select pg_advisory_xact_lock(%s, %s)",
        (_LOCK_BUDGETS, workspace_id * 10_000 + (connection_id or EVERY)),
    )


def used_on(
    cx: Transaction[Any],
    workspace_id: int,
    connection_id: int | None,
    day: date,
    *,
    customers: Sequence[str],
    standing: str | None = None,
) -> list[Use]:
    """What was used of a day: summed, and apart for `customers`; with `standing`, only what passed under it, wherever."""
    rows = cx.execute(
        """
        select grantee, action, currency, case when customer = any (%(customers)s) then customer else '' end,
            sum(count)::int, sum(minor)::bigint
        from budget_use where workspace_id = %(workspace)s and day = %(day)s
            and case when %(standing)s::text is null then connection_id = %(connection)s else standing_id = %(standing)s end
        group by 1, 2, 3, 4
        """,
        {
            "customers": list(customers),
            "workspace": workspace_id,
            "connection": connection_id or EVERY,
            "day": day,
            "standing": standing,
        },
    )
    return [
        Use(grantee=grantee, action=action, currency=currency, customer=customer, count=count, minor=minor)
        for grantee, action, currency, customer, count, minor in rows
    ]


def use(
    cx: Transaction[Any],
    workspace_id: int,
    connection_id: int | None,
    day: date,
    wanted: Wanted,
    *,
    standing: str,
    sign: int = 1,
) -> None:
    """Count what `wanted` takes of a day; ``sign=-1`` gives back what was not done after all."""
    rows = _spread(wanted)
    cx.execute(
        """
        insert into budget_use as b (workspace_id, connection_id, day, grantee, standing_id, action, currency, customer, count, minor)
        select %(workspace)s, %(connection)s, %(day)s, %(grantee)s, %(standing)s, %(action)s, currency, customer, count, minor
        from unnest(%(currencies)s::text[], %(customers)s::text[], %(counts)s::int[], %(minors)s::bigint[])
            as u (currency, customer, count, minor)
        on conflict (workspace_id, connection_id, day, grantee, standing_id, action, currency, customer) do update
            set count = b.count + excluded.count, minor = b.minor + excluded.minor
        """,
        {
            "workspace": workspace_id, "connection": connection_id or EVERY, "day": day, "grantee": wanted.grantee,
            "standing": standing, "action": wanted.action, "currencies": [row[0] for row in rows],
            "customers": [row[1] for row in rows], "counts": [sign * row[2] for row in rows],
            "minors": [sign * row[3] for row in rows],
        },
    )  # fmt: skip


def _spread(wanted: Wanted) -> list[tuple[str, str, int, int]]:
    """Rows of (currency, customer, count, minor) that sum to what is wanted; a call is counted once, in its first currency."""
    rows: dict[tuple[str, str], list[int]] = {}
    left = dict.fromkeys({move.currency.upper() for move in wanted.moves}, 0)
    for move in wanted.moves:
        left[move.currency.upper()] += abs(move.minor)
    for customer, (count, moneys) in wanted.customers.items():
        first = next(iter(sorted(moneys)), "")
        rows.setdefault((first, customer), [0, 0])[0] += count
        for currency, minor in moneys.items():
            rows.setdefault((currency, customer), [0, 0])[1] += minor
            left[currency] = left.get(currency, 0) - minor
    nobody = wanted.count - sum(count for count, _ in wanted.customers.values())
    first = next(iter(sorted(left)), "")
    if nobody:
        rows.setdefault((first, ""), [0, 0])[0] += nobody
    for currency, minor in left.items():
        if minor:
            rows.setdefault((currency, ""), [0, 0])[1] += minor
    # Always in this order, so that two who count at once do not wait for each other's rows.
    return [
        (currency, customer, count, minor) for (currency, customer), (count, minor) in sorted(rows.items())
    ]


# --- standing approvals ---

_STANDING = (
    "standing_id as id, connection_id, grantee, patterns, terms, terms_hash, only_values as only, currency, call_minor, day_minor,"
    " day_count, agreed_by, agreed_name, state"
)


def agree(
    cx: Transaction[Any], caller: Caller, standing: Standing, *, why: str, expires_at: datetime | None
) -> None:
    """Write a standing approval down; needs the capability to approve, and no agent may."""
    caller.need("approve")
    if caller.agent:
        raise Refusal("An agent cannot approve anything: a person has to.")
    for pattern in standing.patterns:
        checked_pattern(pattern)
    cx.execute(
        """
        insert into standing_approval (workspace_id, standing_id, connection_id, grantee, patterns, terms, terms_hash, only_values,
            currency, call_minor, day_minor, day_count, agreed_by, agreed_name, why, expires_at)
        values (%s, %s, %s, %s, %s, %s, %s, %s, upper(%s), %s, %s, %s, %s, %s, %s, %s)
        """,
        (caller.workspace_id, standing.id, standing.connection_id, standing.grantee, list(standing.patterns), Jsonb(dict(standing.terms)),
         standing.terms_hash, Jsonb({name: list(inside) for name, inside in standing.only.items()}), standing.currency,
         standing.call_minor, standing.day_minor, standing.day_count, caller.who, caller.name, why, expires_at),
    )  # fmt: skip


def standing(
    cx: Transaction[Any], workspace_id: int, standing_id: str, *, for_update: bool = False
) -> Standing:
    """A standing approval; `Refusal` where there is none. One whose time is over reads as ended."""
    row = (
        cx.cursor(row_factory=dict_row)
        .execute(
            f"select {_STANDING.replace(' state', _STATE_NOW)} from standing_approval where workspace_id = %s and standing_id = %s"
            f"{' for update' if for_update else ''}",
            (workspace_id, standing_id),
        )
        .fetchone()
    )
    if row is None:
        raise Missing(f"There is no standing approval {standing_id}.")
    return msgspec.convert(row, Standing)


_STATE_NOW = " case when state = 'open' and expires_at < now() then 'ended' else state end as state"


def standings(cx: Transaction[Any], workspace_id: int) -> list[Mapping[str, Any]]:
    """Every standing approval as JSON, newest first."""
    rows = cx.cursor(row_factory=dict_row).execute(
        f"select {_STANDING.replace(' state', _STATE_NOW)}, agreed_at, why, expires_at, state_why from standing_approval"
        " where workspace_id = %s order by agreed_at desc",
        (workspace_id,),
    )
    return list(rows)


def set_standing(cx: Transaction[Any], workspace_id: int, standing_id: str, state: str, *, why: str) -> None:
    """Open, stop or end a standing approval."""
    changed = cx.execute(
        "update standing_approval set state = %s, state_why = %s where workspace_id = %s and standing_id = %s and state <> 'ended'",
        (state, why, workspace_id, standing_id),
    ).rowcount
    if not changed:
        raise Missing(f"There is no standing approval {standing_id} that could be changed.")


ready(Permission, Budget, Standing)  # see core.ready
