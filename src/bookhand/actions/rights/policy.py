"""What is allowed, pure: permissions (an allowlist of actions), budgets a day, four eyes, and standing approvals.

A permission is a pattern for a grantee: one action (``refunds.create``), everything that reads or writes one resource
(``customers:read``, ``refunds:write``, ``quickbooks.deposits:write``), or everything that reads (``*:read``). The more exact pattern wins, then the more exact grantee;
what nothing speaks of is not allowed.

>>> rules = [Grant("*", "refunds.create", allowed=True), Grant("agent:chat", "refunds.create", allowed=False)]
>>> allows(rules, grantee="person:1", action="refunds.create", reads=False)
True
>>> allows(rules, grantee="agent:chat", action="refunds.create", reads=False)
False
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from bookhand.core.action import Action, Moves
from bookhand.core.caller import MIRROR
from bookhand.core.money import Money
from bookhand.core.problems import Refusal

EVERYONE = "*"


class Grant(msgspec.Struct, frozen=True):
    """A permission: whom, what (a pattern), yes or no."""

    grantee: str
    pattern: str
    allowed: bool = True


DEFAULT_GRANTS: tuple[Grant, ...] = tuple(
    Grant(EVERYONE, pattern)
    for pattern in (
        "customers:read", "subscriptions:read", "charges:read", "invoices:read", "disputes:read",
        "refunds.create", "subscriptions.update", "disputes.stage_evidence", "files.create",
    )
)  # fmt: skip
"""What is allowed after connecting, until somebody changes it. Creating charges and cancelling are off, as is all the rest."""

_PATTERN = re.compile(r"(\*|[a-z_]+(\.[a-z_]+)*):(read|write)|[a-z_]+(\.[a-z_]+)+")


def checked_pattern(pattern: str) -> str:
    """`pattern` itself; `Refusal` where it is none."""
    if not _PATTERN.fullmatch(pattern):
        raise Refusal(
            f"{pattern!r} is no permission: write an action (refunds.create), or a resource with :read or :write (customers:read, *:read)."
        )
    return pattern


_GRANTEE = re.compile(r"\*|person:[1-9][0-9]{0,8}|agent:[a-z0-9][a-z0-9_-]{0,39}")


def checked_grantee(grantee: str) -> str:
    """`grantee` itself; `Refusal` where it is none."""
    if not _GRANTEE.fullmatch(grantee):
        raise Refusal(f"{grantee[:60]!r} is nobody: write * (everybody), person:3 or agent:chat.")
    return grantee


def allows(grants: Iterable[Grant], *, grantee: str, action: str, reads: bool) -> bool:
    """Whether `grantee` may perform `action`."""
    best = deciding(grants, grantee=grantee, action=action, reads=reads)
    return best is not None and best.allowed


def deciding(grants: Iterable[Grant], *, grantee: str, action: str, reads: bool) -> Grant | None:
    """The permission that decides whether `grantee` may perform `action`; None where none speaks of it."""
    best = max(
        (
            (exactness, grant.grantee == grantee, not grant.allowed, grant)
            for grant in grants
            if grant.grantee in {grantee, EVERYONE}
            and (exactness := _exactness(grant.pattern, action, reads=reads))
        ),
        key=lambda found: found[:3],
        default=None,
    )
    return None if best is None else best[3]


def _exactness(pattern: str, action: str, *, reads: bool) -> int:
    """3 for the action itself, 2 for its resource, 1 for everything of its kind, 0 where the pattern does not speak of it."""
    if pattern == action:
        return 3
    resource, _, way = pattern.partition(":")
    if way != ("read" if reads else "write"):
        return 0
    if resource == action.rpartition(".")[0]:
        return 2
    return 1 if resource == EVERYONE else 0


def matches(pattern: str, action: str, *, reads: bool) -> bool:
    """Whether a pattern speaks of an action at all; ``*`` speaks of every one."""
    return pattern == EVERYONE or bool(_exactness(pattern, action, reads=reads))


def covers(pattern: str, other: str, *, reads: bool | None) -> bool:
    """Whether whatever `other` speaks of, `pattern` speaks of too; `reads` is whether `other`, where it is an action, only reads.

    >>> covers("refunds:write", "refunds.create", reads=False), covers("*:write", "refunds:write", reads=None)
    (True, True)
    >>> covers("refunds.create", "refunds:write", reads=None), covers("*:read", "refunds.create", reads=False)
    (False, False)
    """
    if pattern in {other, EVERYONE}:
        return True
    resource, _, way = pattern.partition(":")
    narrower, _, its_way = other.partition(":")
    if its_way:
        return way == its_way and resource in {narrower, EVERYONE}
    return reads is not None and matches(pattern, other, reads=reads)


# --- budgets ---


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """Limits a day on writes that match: amounts in minor units of `currency`; None is no limit.

    `four_eyes_minor`: from this amount on, two people have to be in it: who approves is not who asked.
    """

    id: int
    grantee: str
    pattern: str
    currency: str | None = None
    day_minor: int | None = None
    day_count: int | None = None
    customer_minor: int | None = None
    customer_count: int | None = None
    four_eyes_minor: int | None = None


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """What was used of a day: by one grantee for one action, in one currency, for one customer ('' is nobody in particular)."""

    grantee: str
    action: str
    currency: str
    customer: str
    count: int
    minor: int


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a proposal would use: `count` calls, and money by currency; for a batch the sums."""

    grantee: str
    action: str
    moves: tuple[Moves, ...]
    customers: Mapping[str, tuple[int, Mapping[str, int]]]
    """Customer to how many calls, and how much by currency."""
    count: int = 1


def over_budget(budgets: Iterable[Budget], used: Sequence[Use], wanted: Wanted) -> list[str]:
    """In sentences, each limit that `wanted` would break."""
    found: list[str] = []
    for budget in budgets:
        if budget.grantee in {wanted.grantee, EVERYONE} and matches(
            budget.pattern, wanted.action, reads=False
        ):
            mine = [use for use in used if _counts(budget, use)]
            found += _day(budget, mine, wanted)
            found += _customers(budget, mine, wanted)
    return found


def _counts(budget: Budget, use: Use) -> bool:
    return (
        budget.grantee in {use.grantee, EVERYONE}
        and matches(budget.pattern, use.action, reads=False)
        and (budget.currency is None or use.currency in {budget.currency, ""})
    )


def _day(budget: Budget, used: Sequence[Use], wanted: Wanted) -> list[str]:
    found = []
    count = sum(use.count for use in used)
    if budget.day_count is not None and count + wanted.count > budget.day_count:
        found.append(
            f"{_name(budget)} allows {budget.day_count} calls a day; {count} are used and {wanted.count} are asked for."
        )
    if budget.day_minor is not None and budget.currency:
        spent = sum(use.minor for use in used if use.currency == budget.currency)
        asked = amount_in(wanted.moves, budget.currency)
        if asked and spent + asked > budget.day_minor:
            limit, had, more = (Money(each, budget.currency) for each in (budget.day_minor, spent, asked))
            found.append(f"{_name(budget)} allows {limit} a day; {had} is used and {more} is asked for.")
    return found


def _customers(budget: Budget, used: Sequence[Use], wanted: Wanted) -> list[str]:
    found = []
    for customer, (count, moneys) in wanted.customers.items():
        theirs = [use for use in used if use.customer == customer]
        had = sum(use.count for use in theirs)
        if budget.customer_count is not None and had + count > budget.customer_count:
            found.append(
                f"{_name(budget)} allows {budget.customer_count} calls a day for one customer; {customer} has had {had}, {count} more is asked for."
            )
        if budget.customer_minor is not None and budget.currency:
            asked = moneys.get(budget.currency, 0)
            spent = sum(use.minor for use in theirs if use.currency == budget.currency)
            if asked and spent + asked > budget.customer_minor:
                limit, before, more = (
                    Money(each, budget.currency) for each in (budget.customer_minor, spent, asked)
                )
                found.append(
                    f"{_name(budget)} allows {limit} a day for one customer; {customer} has had {before}, {more} is asked for."
                )
    return found


def needs_four_eyes(budgets: Iterable[Budget], wanted: Wanted) -> bool:
    """Whether the amount is one from which on two people have to be in it."""
    return any(
        budget.four_eyes_minor is not None
        and budget.currency is not None
        and budget.grantee in {wanted.grantee, EVERYONE}
        and matches(budget.pattern, wanted.action, reads=False)
        and amount_in(wanted.moves, budget.currency) >= budget.four_eyes_minor
        for budget in budgets
    )


def amount_in(moves: Iterable[Moves], currency: str) -> int:
    """How much is moved in one currency, whichever way."""
    return sum(abs(each.minor) for each in moves if each.currency.upper() == currency.upper())


def _name(budget: Budget) -> str:
    whose = "everybody" if budget.grantee == EVERYONE else budget.grantee
    what = "every write" if budget.pattern == EVERYONE else budget.pattern
    return f"Budget {budget.id} ({what}, {whose})"


# --- standing approvals ---


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration that a person approved once: calls that stay inside it pass without asking.

    `terms` is the configuration itself (a mapping, a posting method); a call names its hash, so another configuration is outside.
    `only` narrows parameters: name to the values that are inside. Amounts are in minor units of `currency`.
    """

    id: str
    connection_id: int | None
    grantee: str
    patterns: tuple[str, ...]
    terms: Mapping[str, Any]
    terms_hash: str
    only: Mapping[str, tuple[Any, ...]] = {}
    currency: str | None = None
    call_minor: int | None = None
    day_minor: int | None = None
    day_count: int | None = None
    agreed_by: str
    agreed_name: str
    state: str = "open"


def outside(
    standing: Standing,
    used: Sequence[Use],
    wanted: Wanted,
    *,
    values: Mapping[str, Any],
    terms_hash: str,
    largest: Sequence[Moves],
) -> list[str]:
    """In sentences, why a call (or a batch, whose largest call moves `largest`) is not inside `standing`; empty: it is.

    `used` is what passed under this standing approval today.
    """
    found = []
    if not any(matches(pattern, wanted.action, reads=False) for pattern in standing.patterns):
        found.append(f"{wanted.action} is not among what it allows ({', '.join(standing.patterns)}).")
    if standing.grantee not in {wanted.grantee, EVERYONE}:
        found.append(f"It is for {standing.grantee}, not for {wanted.grantee}.")
    if terms_hash != standing.terms_hash:
        found.append("The configuration is not the one that was approved.")
    found += [
        f"{name} is {values.get(name)!r}; inside are {', '.join(map(repr, inside))}."
        for name, inside in standing.only.items()
        if values.get(name) not in inside
    ]
    return found + _too_much(standing, used, wanted, largest)


def copies_under(standing: Standing, action: Action) -> bool:
    """Whether `action` under `standing` writes into a book what has happened already, as a person agreed for that book.

    So it is for an action that copies, under an approval for the mirror at one connection of a whole configuration (mapping and method),
    without amounts of its own. Such a call moves no money: it stands under no budget, and needs no second pair of eyes.
    """
    limits = (standing.call_minor, standing.day_minor, standing.day_count)
    return (
        action.copies
        and standing.grantee == f"agent:{MIRROR}"
        and standing.connection_id is not None
        and {"mapping", "method"} <= standing.terms.keys()
        and all(limit is None for limit in limits)
    )


def _too_much(standing: Standing, used: Sequence[Use], wanted: Wanted, largest: Sequence[Moves]) -> list[str]:
    found = []
    limited = standing.call_minor is not None or standing.day_minor is not None
    others = sorted(
        {each.currency.upper() for each in wanted.moves if each.minor} - {standing.currency or ""}
    )
    if limited and others:
        found.append(f"It moves {', '.join(others)}; inside is {standing.currency}.")
    currency = standing.currency or ""
    if standing.call_minor is not None and amount_in(largest, currency) > standing.call_minor:
        found.append(
            f"A call moves {Money(amount_in(largest, currency), currency)}; up to {Money(standing.call_minor, currency)} is inside."
        )
    spent, asked = (
        sum(use.minor for use in used if use.currency == currency),
        amount_in(wanted.moves, currency),
    )
    if standing.day_minor is not None and spent + asked > standing.day_minor:
        found.append(
            f"The day would come to {Money(spent + asked, currency)}; up to {Money(standing.day_minor, currency)} is inside."
        )
    count = sum(use.count for use in used)
    if standing.day_count is not None and count + wanted.count > standing.day_count:
        found.append(
            f"The day would come to {count + wanted.count} calls; up to {standing.day_count} are inside."
        )
    return found
